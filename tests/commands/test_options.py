"""Options and variables: what is not known is an error, and who reads the output is asked."""

import json
import re
from pathlib import Path

import pytest

from package_gate.commands import dependencies, gate, reevaluate
from package_gate.commands.options import ENVIRONMENT_PREFIX, OPTIONS, SETTINGS, parsed
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import PROJECT, LocalRun


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer) -> LocalRun:
    local = LocalRun(tmp_path, PackageIndex(server))
    local.index.add_wheel("app", "1.0")
    local.index.add_wheel("holey", "1.0")
    local.add_advisory("holey", "1.0")
    return local


def exit_of(module: object, arguments: list[str], environ: dict[str, str]) -> int:
    parser = module._parser(environ, Path(), "command")  # type: ignore[attr-defined]
    with pytest.raises(SystemExit) as ended:
        parsed(parser, arguments, environ)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("module", [gate, dependencies, reevaluate])
def test_abbreviated_options_are_errors(module: object, capsys: pytest.CaptureFixture[str]) -> None:
    path = ["."] if module is dependencies else []
    assert exit_of(module, [*path, "--adv", "x"], {}) == 2
    assert "unrecognized arguments: --adv" in capsys.readouterr().err


@pytest.mark.parametrize("module", [gate, dependencies, reevaluate])
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PACKAGE_GATE_POLCY", "x", "there is no variable PACKAGE_GATE_POLCY; did you mean "
         "PACKAGE_GATE_POLICY?"),
        ("PACKAGE_GATE_XYZZY_PLUGH", "x", "there is no variable PACKAGE_GATE_XYZZY_PLUGH"),
        ("PACKAGE_GATE_\x1b[31m", "x", r"there is no variable PACKAGE_GATE_\x1b[31m"),
    ],
)  # fmt: skip
def test_unknown_variables_are_errors(
    module: object, variable: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ["."] if module is dependencies else []
    assert exit_of(module, path, {variable: value}) == 2
    assert said in capsys.readouterr().err


def test_a_switch_is_on_or_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_of(gate, [], {"PACKAGE_GATE_DRY_RUN": "ture"}) == 2
    assert "PACKAGE_GATE_DRY_RUN is neither 1 nor 0: ture" in capsys.readouterr().err
    for value, wanted in (("1", True), ("yes", True), ("0", False), ("", False)):
        environ = {"PACKAGE_GATE_DRY_RUN": value}
        assert parsed(gate._parser(environ), [], environ).dry_run is wanted


def test_help_is_shown_whatever_the_environment_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_of(gate, ["--help"], {"PACKAGE_GATE_POLCY": "x"}) == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    for group in ("what is decided, and by what:", "how far it goes:", "what it tells:"):
        assert group in shown


def test_every_variable_that_anything_reads_or_names_is_known() -> None:
    known = {ENVIRONMENT_PREFIX + name for name in OPTIONS | SETTINGS}
    for parser in (gate._parser({}), dependencies._parser({}), reevaluate._parser({}, Path(), "")):
        for action in parser._actions:
            for option in action.option_strings:
                if option not in ("-h", "--help", "--version", "--confirm", "--fail-on-findings"):
                    name = option.strip("-").upper().replace("-", "_")
                    assert ENVIRONMENT_PREFIX + name in known
    for pattern in ("package_gate/**/*.py", "cfn/*.yaml", "shell/**/*.sh", "docs/*.md", "*.*"):
        for path in (each for each in PROJECT.glob(pattern) if each.is_file()):
            named = set(re.findall(r"\bPACKAGE_GATE_[A-Z][A-Z_]*[A-Z]\b", path.read_text()))
            assert named <= known, path


def test_a_refusal_fails_a_run_that_is_told_so(local: LocalRun) -> None:
    lines = "app,pypi:app\nholey,pypi:holey\n"
    assert local.run(lines).returncode == 0
    assert local.run(lines, "--fail-on", "refused").returncode == 1
    assert local.run("app,pypi:app\n", "--fail-on", "refused").returncode == 0
    wrong = local.run(lines, "--fail-on", "everything")
    assert wrong.returncode == 2
    assert "is none of undecided, refused" in wrong.stderr


def test_verdicts_for_a_program_are_alone_on_standard_output(local: LocalRun) -> None:
    result = local.run("app,pypi:app\nholey,pypi:holey\n", "--json")
    document = json.loads(result.stdout)
    assert document == local.report()
    assert "app: resolving" in result.stderr
    assert all(request["seconds"] > 0 for request in document["requests"])


def test_a_quiet_run_tells_what_is_not_approved_and_totals(local: LocalRun) -> None:
    result = local.run("app,pypi:app\nholey,pypi:holey\nnonsense\n", "--quiet")
    assert "resolving" not in result.stdout
    assert "pip install" not in result.stdout
    assert "approved: app" not in result.stdout
    assert "refused: holey" in result.stdout
    assert "line 3: The source is missing" in result.stdout
    assert "1 approved, 1 refused" in result.stdout
    assert local.run("app,pypi:app\n", "--quiet", "--verbose").returncode == 2


def test_a_verbose_run_tells_when(local: LocalRun) -> None:
    result = local.run("app,pypi:app\n", "--verbose")
    assert re.search(r"^\d\d:\d\d:\d\d app: resolving$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("made", ["", "folder", "text"])
def test_missing_advisories_are_found_before_anything_is_fetched(
    local: LocalRun, tmp_path: Path, made: str
) -> None:
    place = tmp_path / "nowhere"
    if made == "folder":
        place.mkdir()
    if made == "text":
        place.write_text("no zip")
    local.index.server.requests.clear()
    result = local.run("app,pypi:app\n", "--advisories", str(place))
    assert result.returncode == 2
    assert f"The advisories {place}" in result.stderr
    assert local.index.server.requests == []


WAIVERS = """
[[waivers]]
package = "holey"
finding = "PYSEC-NONE"
expires = 2099-01-01
approved_by = "Jo"
reason = "why not"

[[waivers]]
package = "nobody-asks-for-it"
finding = "PYSEC-NONE"
expires = 2099-01-01
approved_by = "Jo"
reason = "why not"

[[waivers]]
package = "app"
finding = "cooldown"
expires = 2099-01-01
approved_by = "Jo"
reason = "why not"
"""


def test_waivers_that_match_nothing_are_named(local: LocalRun) -> None:
    local.policy += WAIVERS
    local.run("app,pypi:app\nholey,pypi:holey\n")
    warnings = [each for each in local.report()["warnings"] if "waiver" in each]
    assert len(warnings) == 2
    assert "PYSEC-NONE in holey matches nothing: the package has no such finding" in warnings[0]
    assert "nobody-asks-for-it matches nothing: no request needs that package" in warnings[1]
    # A closure that is not known may need any package.
    local.index.answer("broken", lambda handler: handler.send_error(503))
    local.run("app,pypi:app\nbroken,pypi:broken\n")
    assert not any("nobody-asks" in each for each in local.report()["warnings"])
