"""The table of scanners, and that everything else that names scanners agrees with it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from package_gate.commands.gate import _parser
from package_gate.core.limits import Limits
from package_gate.core.policy import PART_OF, ScannerName
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners import registry
from package_gate.scanners.registry import DEFAULTS, SCANNERS, UNPACKER, Where
from tests.templates.template import CFN, load

ROOT = Path(__file__).parents[2]
WORKERS = [name for name, entry in SCANNERS.items() if entry.where is Where.WORKER]
SHOWN = ",".join(DEFAULTS)


def text(path: str) -> str:
    return (ROOT / path).read_text()


@pytest.mark.parametrize("name", WORKERS)
def test_a_started_scanner_says_what_the_table_says_of_it_unloaded(
    name: str, tmp_path: Path
) -> None:
    rules = SCANNERS[name].rules
    with ScannerPool([registry.worker_spec(name)], Limits(), tmp_path) as pool:
        info = pool.info(name)

    assert rules is not None
    assert (info.name, info.version) == (name, rules())


def test_what_a_package_holds_is_found_by_rules_with_a_version() -> None:
    with_rules = {name for name, entry in SCANNERS.items() if entry.rules}

    assert with_rules == {n for n, e in SCANNERS.items() if e.where is not Where.ADVISORIES}
    assert all(entry.rules() for entry in SCANNERS.values() if entry.rules)


def test_reading_the_table_loads_no_scanner() -> None:
    program = (
        "import sys; from package_gate.scanners.registry import SCANNERS\n"
        "from package_gate.scanners.behaviour import RULES\n"
        "[entry.rules() for entry in SCANNERS.values() if entry.rules]\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())

    assert not loaded & {"yara", "guarddog", "ruff", "boto3", "requests"}
    ours = {name for name in loaded if name.startswith("package_gate.scanners.")}
    assert ours == {
        f"package_gate.scanners.{name}" for name in ("registry", "versions", "behaviour")
    }


def test_the_policy_knows_every_scanner_and_who_else_reports() -> None:
    assert set(get_args(ScannerName)) == {*SCANNERS, "index", "inventory", "provenance"}
    assert {*PART_OF, *PART_OF.values()} <= SCANNERS.keys()


def test_the_policys_page_names_every_scanner() -> None:
    page = text("docs/policy.md")
    sentence = re.search(r"The names are ([^.]*)\.", page)

    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == set(get_args(ScannerName))


def test_the_options_have_the_default_scanners() -> None:
    assert _parser({}).parse_args([]).scanners == list(DEFAULTS)
    assert UNPACKER not in DEFAULTS


def test_whoever_names_a_scanner_has_what_was_a_part_of_it() -> None:
    assert registry.chosen(["ruff", "guarddog", "ruff"]) == ["ruff", "guarddog", "behaviour"]
    assert registry.chosen(["behaviour", UNPACKER]) == ["behaviour"]
    with pytest.raises(ValueError, match=r"no scanner 'none'; choose from archive, behaviour, .*"):
        registry.chosen(["none"])


def test_what_is_only_observed_is_never_approved() -> None:
    assert registry.chosen(["ruff", "observed"]) == ["ruff", "observed"]
    for names in (["observed"], ["osv", "observed"], ["observed", UNPACKER]):
        with pytest.raises(ValueError, match="never approved"):
            registry.chosen(names)


@pytest.mark.parametrize(
    "name", ["codeartifact-private-repo.yaml", "github-private-repo.yaml", "scan-pipeline.yaml"]
)
def test_the_templates_take_every_scanner_that_they_can_configure(name: str) -> None:
    parameter = load(CFN / name)["Parameters"]["Scanners"]
    takes = {each for each in SCANNERS if re.fullmatch(parameter["AllowedPattern"], each)}

    # What runs strangers' code has a program of its own, not the build with the gate's credentials.
    observing = {name for name, entry in SCANNERS.items() if entry.where is Where.OBSERVATION}
    assert takes == SCANNERS.keys() - {UNPACKER} - observing
    assert re.fullmatch(parameter["AllowedPattern"], ",".join(takes))
    assert set(re.findall(r"\w+", parameter["ConstraintDescription"])) >= takes
    assert parameter["Default"] == SHOWN
    (script,) = re.findall(r"scanner='(\(.*\))'", text("shell/stacks/package-gate.sh"))
    assert {each for each in SCANNERS if re.fullmatch(script, each)} == takes


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("README.md", f"which is always on (default `{SHOWN}`)"),
        ("docs/deployment.md", f"| `SCANNERS` | scanners besides `{UNPACKER}` | `{SHOWN}` |"),
        (
            "shell/stacks/package-gate.sh",
            f"names of scanners separated by commas, such as {SHOWN}'",
        ),
    ],
)
def test_the_pages_say_which_are_on_by_default(path: str, sentence: str) -> None:
    assert sentence in text(path)


def test_the_readme_describes_every_scanner() -> None:
    table = text("README.md").partition("| scanner | looks for | how |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(SCANNERS)
