"""The scanner that observes: what it takes, and what it makes of what was seen."""

from pathlib import Path

import pytest

from package_gate.commands.service_scanners import observing_scanners
from package_gate.core.artifact import Artifact, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding, Severity
from package_gate.observation import observe
from package_gate.observation.documents import Deed, DeedKind, Report, Run, Step
from package_gate.observation.findings import RULES, findings_of
from package_gate.observation.observe import Wheel, fitting, read_report
from package_gate.scanners.observed import Observed

STEP = Step("import", "demo")


def seen(*deeds: tuple[DeedKind, str], later: bool = False, failure: str = "") -> list[Finding]:
    """What is made of deeds of an import."""
    run = Run(
        [replace_failure(STEP, failure)],
        [Deed(kind, what, 0, later=later) for kind, what in deeds],
    )
    return findings_of(Report([run]))


def replace_failure(step: Step, failure: str) -> Step:
    return Step(step.kind, step.subject, failure)


def severities(*deeds: tuple[DeedKind, str]) -> dict[str, Severity | None]:
    return {finding.rule: finding.severity for finding in seen(*deeds)}


def test_a_machine_that_cannot_isolate_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe, "missing", lambda: "there is no bubblewrap")

    assert observing_scanners(["ruff"], tmp_path) == []
    with pytest.raises(ConfigurationError, match="there is no bubblewrap"):
        observing_scanners(["ruff", "observed"], tmp_path)


@pytest.mark.parametrize(
    ("command", "severity"),
    [
        ("uname -p", Severity.LOW),
        ("ldconfig -p", Severity.LOW),
        ("sh -c uname -p 2> /dev/null", Severity.LOW),
        ("sh -c uname -p > /home/jovyan/x", Severity.HIGH),
        ("sh -c ldconfig; curl http://a.example", Severity.HIGH),
        ("sh -c $(echo curl)", Severity.HIGH),
        ("curl http://a.example", Severity.HIGH),
        ("/tmp/ldconfig -p", Severity.HIGH),
        ("python x.py", Severity.MEDIUM),
        ("lsmod", Severity.MEDIUM),
        ("node ENV/lib/python3.11/site-packages/demo/yarn.js config", Severity.MEDIUM),
        ("node /tmp/x.js", Severity.HIGH),
        ("perl -e system('id') ENV/lib/x", Severity.HIGH),
    ],
)
def test_programs_weigh_what_they_can_do(command: str, severity: Severity) -> None:
    assert severities(("starts", command)) == {"starts": severity}


def test_what_leaves_is_critical_and_never_set_aside() -> None:
    (finding,) = seen(("canary-sent", "aws to a.example:443 (262 bytes)"))

    assert finding.severity is Severity.CRITICAL
    assert [place.fingerprint for place in finding.locations] == [""]


def test_the_same_deed_of_another_release_has_the_same_mark() -> None:
    (today,) = seen(("connects", "a.example:443"))
    (later,) = seen(("connects", "a.example:443"), later=True)
    (other,) = seen(("connects", "b.example:443"))

    (mark,) = {place.fingerprint for place in (*today.locations, *later.locations)}
    assert mark
    assert other.locations[0].fingerprint != mark
    assert "30 days" in later.locations[0].code


def test_settings_that_tools_read_weigh_less() -> None:
    assert severities(("canary-read", "pip")) == {"canary-read": Severity.MEDIUM}
    assert severities(("canary-read", "pypirc")) == {"canary-read": Severity.HIGH}


@pytest.mark.parametrize(
    ("kind", "what", "severity"),
    [
        ("connects", "a.example:443", Severity.MEDIUM),
        ("resolves", "a.example", Severity.MEDIUM),
        ("canary-read", "docker", Severity.MEDIUM),
        ("canary-read", "dotenv", Severity.MEDIUM),
        ("canary-read", "aws", Severity.HIGH),
        ("canary-sent", "docker to a.example:443 (262 bytes)", Severity.CRITICAL),
        ("metadata", "169.254.169.254", Severity.HIGH),
        ("persists", "/home/jovyan/.bashrc", Severity.HIGH),
    ],
)
def test_a_program_that_is_started_may_do_what_an_import_may_not(
    kind: DeedKind, what: str, severity: Severity
) -> None:
    steps = [Step("script", "docker-sign"), STEP]
    started, imported = (
        findings_of(Report([Run(steps, [Deed(kind, what, number, later=False)])]))
        for number in range(2)
    )

    assert [each.severity for each in started] == [severity]
    assert all(each.severity in (Severity.HIGH, Severity.CRITICAL) for each in imported)


def test_files_in_caches_weigh_less() -> None:
    findings = seen(("writes", "/home/jovyan/.cache/x"), ("writes", "/home/jovyan/Documents/x"))

    assert [finding.severity for finding in findings] == [Severity.LOW, Severity.MEDIUM]


def test_each_rule_is_explained() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "observe.md").read_text()

    assert all(f"`{rule}`" in page for rule in RULES)


def test_a_step_that_failed_is_said() -> None:
    (finding,) = seen(failure="ModuleNotFoundError: No module named 'numpy'")

    assert (finding.rule, finding.severity) == ("not-observed", Severity.LOW)
    assert "numpy" in finding.message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"runs": []}',
        b'{"runs": [{"steps": [], "deeds": [{"kind": "fine", "what": "", "step": 0}]}]}',
        b'{"runs": [{"steps": [], "deeds": [{"kind": "busy", "what": "", "step": -1}]}]}',
        b'{"runs": [{"steps": [], "deeds": [], "more": 1}]}',
        b"[" * 100_000,
        b'{"runs": [{"steps": [], "deeds": [], "failure": "' + b"x" * 3000 + b'"}]}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_report_is_an_error(content: bytes) -> None:
    with pytest.raises(ScannerError, match="garbage"):
        read_report(content)


def package(*filenames: str) -> UnpackedPackage:
    artifacts = tuple(
        UnpackedArtifact(Artifact(name, "0" * 64, 1), f"/nowhere/{name}", "/nowhere/tree")
        for name in filenames
    )
    return UnpackedPackage("demo", "1.0", Origin.PYPI, artifacts)


def test_the_wheel_that_fits_best_is_observed() -> None:
    names = ["demo-1.0-py3-none-any.whl", "demo-1.0-cp27-cp27m-win32.whl", "demo-1.0.tar.gz"]
    wheels = [Wheel(Path(name), name) for name in names]

    assert fitting(wheels) == wheels[0]
    assert fitting(wheels[1:]) is None


def test_what_has_no_wheel_is_not_observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "missing", lambda: "")

    (finding,) = Observed(tmp_path).scan(package("demo-1.0.tar.gz"))
    assert finding.rule == "not-observed"


def test_a_sandbox_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "missing", lambda: "")
    monkeypatch.setattr(observe, "outer_room", lambda *_: ["false"])

    with pytest.raises(ScannerError, match="observed on demo: The sandbox failed"):
        list(Observed(tmp_path).scan(package("demo-1.0-py3-none-any.whl")))


def test_hostile_text_is_escaped() -> None:
    (finding,) = seen(("writes", "/home/jovyan/\x1b[2J\u202e"))

    assert finding.message.isprintable()
    assert all(place.code.isprintable() for place in finding.locations)
