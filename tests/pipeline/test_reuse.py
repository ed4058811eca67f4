"""What a later run does again: nothing that still holds, and all that does not."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from package_gate.core.artifact import Origin, RemoteFile, ResolvedPackage
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.errors import ScannerError, SourceError
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.policy import Licences, Policy, Refuse, Targets, WaiverEntry
from package_gate.core.request import Request
from package_gate.core.run import Run
from tests.gate_parts import LONG_AGO, World, archive, request

SUSPICION = Finding("malware", "steals", Kind.MALWARE, Severity.MEDIUM, "It may steal.")
HOLE = Finding("osv", "PYSEC-1", Kind.VULNERABILITY, Severity.MEDIUM, "A hole.")
STRICT = Policy(refuse=Refuse(malware="medium"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def verdict(run: Run) -> Verdict:
    (outcome,) = run.outcomes
    return outcome.decision.verdict


def work(world: World) -> list[str]:
    """Fetches and scans, in order."""
    return sorted(c for c in world.calls if c.split()[0] in ("resolve", "fetch", "scan"))


def recorded(world: World, name: str = "x") -> PackageDecision:
    decision = world.records.package(Origin.PYPI, name, "1.0")
    assert decision is not None
    return decision


def waiver(expires: date) -> WaiverEntry:
    return WaiverEntry(
        package="x", finding="steals", expires=expires, approved_by="Jo", reason="Read."
    )


def test_a_policy_that_means_the_same_changes_nothing(world: World) -> None:
    world.run(request("x"))
    world.policy = msgspec.convert(msgspec.to_builtins(world.policy), Policy)
    world.calls.clear()
    world.run(request("x"))
    assert world.calls == []


@pytest.mark.parametrize("asked", [request("x"), archive("x")])
def test_a_stricter_policy_refuses_and_takes_back_without_a_look_at_the_bytes(
    world: World, asked: Request
) -> None:
    world.findings["x"] = [SUSPICION]
    assert verdict(world.run(asked)) is Verdict.APPROVED
    assert len(world.published) == 1
    world.policy = STRICT
    world.calls.clear()
    run = world.run(asked)
    assert verdict(run) is Verdict.REFUSED
    assert work(world) == []
    assert world.published == {}
    assert [email.verdict for email in world.emails] == [Verdict.APPROVED, Verdict.REFUSED]


@pytest.mark.parametrize("asked", [request("x"), archive("x")])
def test_a_list_of_licences_judges_what_was_found_before(world: World, asked: Request) -> None:
    assert verdict(world.run(asked)) is Verdict.APPROVED
    world.policy = Policy(
        refuse=Refuse(license="medium"), licenses=Licences(allow=("MIT",), unknown="high")
    )
    world.calls.clear()
    run = world.run(asked)
    assert verdict(run) is Verdict.REFUSED
    assert "license-unknown" in run.outcomes[0].decision.reasons[0]
    assert work(world) == []


@pytest.mark.parametrize("asked", [request("x"), archive("x")])
def test_a_milder_policy_approves_without_a_scan(world: World, asked: Request) -> None:
    world.findings["x"] = [SUSPICION]
    world.policy = STRICT
    assert verdict(world.run(asked)) is Verdict.REFUSED
    world.policy = Policy()
    world.calls.clear()
    assert verdict(world.run(asked)) is Verdict.APPROVED
    assert [c for c in work(world) if not c.startswith("fetch")] == []
    assert len(world.published) == 1


def test_a_waiver_that_has_ended_is_noticed_by_the_next_run(world: World) -> None:
    world.findings["x"] = [SUSPICION]
    ends = world.now.date() + timedelta(days=3)
    world.policy = Policy(refuse=STRICT.refuse, waivers=(waiver(ends),))
    assert verdict(world.run(request("x"))) is Verdict.APPROVED
    world.calls.clear()
    world.now += timedelta(days=3)
    world.run(request("x"))
    assert world.calls == []
    world.now += timedelta(days=1)
    assert verdict(world.run(request("x"))) is Verdict.REFUSED
    assert work(world) == []
    assert world.published == {}


def test_an_approval_that_stays_one_is_neither_published_nor_emailed_again(world: World) -> None:
    first = world.run(request("x"), archive("tool"))
    world.policy = STRICT
    world.calls.clear()
    second = world.run(request("x"), archive("tool"))
    assert {c.split()[0] for c in world.calls} == {"ask"}
    for before, after in zip(first.outcomes, second.outcomes, strict=True):
        assert after.decision.decided_at == before.decision.decided_at
        assert after.decision.policy_digest == STRICT.digest
    world.calls.clear()
    world.run(request("x"), archive("tool"))
    assert world.calls == []


def test_a_scanner_that_is_new_looks_alone_at_what_is_decided(world: World) -> None:
    world.run(request("x"))
    world.scanners["another"] = "1"
    world.findings["x"] = [replace(SUSPICION, scanner="another", severity=Severity.HIGH)]
    world.calls.clear()
    assert verdict(world.run(request("x"))) is Verdict.REFUSED
    assert work(world) == ["fetch x", "scan x"]
    assert world.published == {}


def test_a_scanner_with_new_rules_looks_alone_and_the_others_are_believed(world: World) -> None:
    world.scanners["another"] = "1"
    world.run(request("x"))
    world.scanners["another"] = "2"
    world.calls.clear()
    assert verdict(world.run(request("x"))) is Verdict.APPROVED
    assert world.count("scan x") == 1
    world.calls.clear()
    world.run(request("x"))
    assert world.calls == []


def test_a_scanner_that_is_left_out_is_no_reason_to_scan(world: World) -> None:
    world.scanners["another"] = "1"
    world.run(request("x"))
    del world.scanners["another"]
    world.calls.clear()
    assert verdict(world.run(request("x"))) is Verdict.APPROVED
    assert work(world) == []


def test_a_refusal_by_what_is_known_needs_no_further_scanner(world: World) -> None:
    world.findings["x"] = [replace(SUSPICION, severity=Severity.HIGH)]
    world.run(request("x"))
    world.scanners["another"] = "1"
    world.calls.clear()
    assert verdict(world.run(request("x"))) is Verdict.REFUSED
    assert work(world) == []


def test_a_refusal_by_rules_of_yesterday_is_looked_at_again(world: World) -> None:
    world.findings["x"] = [replace(SUSPICION, severity=Severity.HIGH)]
    world.run(request("x"))
    world.findings.clear()
    world.scanners["malware"] = "2"
    assert verdict(world.run(request("x"))) is Verdict.APPROVED


def test_what_is_known_from_outside_is_asked_for_each_package_that_is_decided_again(
    world: World,
) -> None:
    world.run(request("x"))
    world.advisories["x"] = [HOLE]
    world.policy = STRICT
    assert verdict(world.run(request("x"))) is Verdict.REFUSED
    assert world.published == {}


@pytest.mark.parametrize("fault", ["advisories", "fetch", "scan"])
def test_what_cannot_be_decided_again_stays_as_it_was_and_the_run_is_unfinished(
    world: World, fault: str
) -> None:
    world.run(request("x", "jo@example.com"))
    before = recorded(world)
    if fault == "advisories":
        world.policy = STRICT
        world.advisory_error = "no answer"
    else:
        world.scanners["another"] = "1"
        if fault == "fetch":
            world.fetch_errors["x"] = SourceError("404")
        else:
            world.scan_errors["x"] = ScannerError("hung")
    run = world.run(request("x", "jo@example.com"))
    assert verdict(run) is Verdict.APPROVED
    assert run.unfinished
    assert "x could not be decided again" in run.warnings[0]
    assert recorded(world) == before
    assert len(world.emails) == 1
    world.advisory_error = ""
    world.fetch_errors.clear()
    world.scan_errors.clear()
    assert not world.run(request("x", "jo@example.com")).unfinished


def test_a_failed_look_for_a_new_request_does_not_overturn_the_old_one(world: World) -> None:
    world.run(request("x"))
    world.closures["app"] = ["app", "x"]
    world.policy = STRICT
    world.advisory_error = "no answer"
    run = world.run(request("app"))
    assert verdict(run) is Verdict.UNDECIDED
    assert recorded(world).verdict is Verdict.APPROVED


def test_what_the_index_had_yanked_stays_so_when_the_policy_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = World.package

    def yanked(self: World, name: str) -> ResolvedPackage:
        package = usual(self, name)
        return replace(package, files=(replace(package.files[0], yanked="broken"),))

    monkeypatch.setattr(World, "package", yanked)
    world.run(request("x"))
    world.policy = STRICT
    world.calls.clear()
    run = world.run(request("x"))
    assert (verdict(run), work(world)) == (Verdict.REFUSED, [])
    assert "broken" in run.outcomes[0].decision.reasons[0]


def test_a_refused_closure_that_is_not_known_whole_is_resolved_again(world: World) -> None:
    world.closures["app"] = ["app", "dep"]
    world.findings["app"] = [SUSPICION]
    world.fetch_errors["dep"] = SourceError("404")
    world.policy = STRICT
    assert verdict(world.run(request("app"))) is Verdict.REFUSED
    world.policy = Policy()
    world.calls.clear()
    run = world.run(request("app"))
    assert "resolve app" in world.calls
    assert run.warnings == (
        "app could not be decided again: dep 1.0: 404 "
        "Until then it stays refused, as of 2026-06-01.",
    )


def test_other_notebooks_mean_another_closure(world: World) -> None:
    world.run(request("x"))
    world.policy = Policy(targets=Targets(python_versions=("3.13",)))
    world.versions["x"] = "2.0"
    world.calls.clear()
    run = world.run(request("x"))
    assert "resolve x" in world.calls
    assert run.outcomes[0].packages[0].version == "2.0"


def test_a_release_that_is_installed_is_not_taken_back_for_a_longer_cooldown(world: World) -> None:
    world.uploaded["x"] = world.now - timedelta(days=10)
    world.run(request("x"))
    world.policy = msgspec.convert({"cooldown": {"days": 30}}, Policy)
    run = world.run(request("x"))
    assert (verdict(run), run.unfinished) == (Verdict.APPROVED, False)


def test_a_closure_of_a_time_without_a_cooldown_is_not_taken_for_old(world: World) -> None:
    world.uploaded["x"] = None
    world.findings["x"] = [replace(SUSPICION, severity=Severity.HIGH)]
    world.policy = msgspec.convert({"cooldown": {"days": 0}}, Policy)
    assert verdict(world.run(request("x"))) is Verdict.REFUSED
    world.policy = msgspec.convert({"refuse": {"malware": "never"}}, Policy)

    run = world.run(request("x"))

    assert verdict(run) is not Verdict.APPROVED
    assert world.published == {}


def test_evidence_is_about_the_files_and_the_name_that_it_was_made_for(world: World) -> None:
    world.run(request("x"))
    (document,) = (world.folder / "evidence").iterdir()
    text = document.read_text()
    document.write_text(text.replace('"name": "x"', '"name": "y"'))
    world.policy = STRICT
    run = world.run(request("x"))
    assert run.unfinished
    assert "about another package" in run.warnings[0]


def test_a_kill_after_the_evidence_costs_no_second_scan(world: World) -> None:
    world.kill_at = "ask x"
    with pytest.raises(BaseException, match="ask x"):
        world.run(request("x"))
    world.kill_at = ""
    world.calls.clear()
    assert verdict(world.run(request("x"))) is Verdict.APPROVED
    assert world.count("scan x") == 0


def test_a_file_that_was_added_to_a_version_is_scanned_with_the_others(world: World) -> None:
    world.run(request("x"))
    usual = world.package("x")
    another = RemoteFile(
        "x-1.0-cp312-cp312-any.whl",
        "https://host.example/x-1.0-cp312-cp312-any.whl",
        uploaded=LONG_AGO,
    )
    assert usual.files[0].sha256
    world.closures["app"] = ["x"]
    world.package = lambda name, version="": replace(usual, files=(*usual.files, another))  # type: ignore[method-assign]
    world.calls.clear()
    assert verdict(world.run(request("app"))) is Verdict.APPROVED
    assert world.count("scan x") == 1
    assert len(recorded(world).artifacts) == 2


def test_a_clock_that_goes_wrong_and_right_again_changes_no_decision_for_good(
    world: World,
) -> None:
    world.findings["x"] = [SUSPICION]
    right = world.now
    ends = right.date() + timedelta(days=30)
    world.policy = Policy(refuse=STRICT.refuse, waivers=(waiver(ends),))
    assert verdict(world.run(request("x"))) is Verdict.APPROVED
    emails = len(world.emails)

    for days in (-400, -1, 1, 0):
        world.now = right + timedelta(days=days)
        run = world.run(request("x"))
        assert (verdict(run), run.unfinished, len(world.emails)) == (
            Verdict.APPROVED, False, emails
        )  # fmt: skip
    assert len(world.published) == 1

    world.now = right + timedelta(days=31)
    assert verdict(world.run(request("x"))) is Verdict.REFUSED
    assert world.published == {}

    world.now = right
    run = world.run(request("x"))
    assert (verdict(run), run.unfinished) == (Verdict.APPROVED, False)
    assert len(world.published) == 1
    assert len(world.emails) == emails + 2
