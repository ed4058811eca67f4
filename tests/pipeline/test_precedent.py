"""Suspicions and what stood in an older release, through the whole gate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from package_gate.advisories.interface import NamedPackage
from package_gate.core.artifact import Origin, ResolvedPackage
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.errors import AgesUnknownError, ScannerError, SourceError
from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.core.policy import HistoryRules, Policy
from package_gate.core.run import Run
from tests.fakes.advisory_source import FakeSource
from tests.gate_parts import World, request

OLD, NEW = "a" * 64, "b" * 64
SINCE = datetime(2025, 3, 1, tzinfo=UTC)
MALWARE = Finding("osv", "MAL-2026-1", Kind.MALWARE, Severity.CRITICAL, "It is malware.")


def suspicion(*fingerprints: str) -> Finding:
    places = tuple(Location("a.py", line, "run()", p) for line, p in enumerate(fingerprints, 1))
    return Finding(
        "malware", "steals", Kind.MALWARE, Severity.HIGH, "Suspicious: it steals.",
        locations=places, count=len(places),
    )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A project whose release 2.0 has a suspicion that its old release 1.0 had, too."""
    world = World(tmp_path)
    world.versions["idna"] = "2.0"
    world.precedents["idna"] = release(world, "idna", "1.0")
    world.findings = {"idna 2.0": [suspicion(OLD)], "idna 1.0": [suspicion(OLD)]}
    return world


def release(world: World, name: str, version: str, since: datetime = SINCE) -> ResolvedPackage:
    package = world.package(name, version)
    return replace(package, files=tuple(replace(f, uploaded=since) for f in package.files))


def decided(world: World, version: str = "2.0") -> PackageDecision:
    decision = world.records.package(Origin.PYPI, "idna", version)
    assert decision is not None
    return decision


def verdict(run: Run) -> Verdict:
    return run.outcomes[0].decision.verdict


def test_what_stood_in_an_old_release_is_set_aside_visibly(world: World) -> None:
    assert verdict(world.run(request("idna"))) is Verdict.APPROVED

    (judged,) = decided(world).findings
    assert judged.severity is Severity.LOW
    assert "has stood since 1.0 of 2025-03-01" in judged.finding.message
    note = decided(world).precedent
    assert note is not None
    assert (note.name, note.version, note.since) == ("idna", "1.0", SINCE.date())
    assert world.records.evidence(note.evidence) is not None


def test_what_is_new_beside_it_refuses(world: World) -> None:
    world.findings["idna 2.0"] = [suspicion(OLD, NEW)]

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED

    new, old = decided(world).findings
    assert [place.fingerprint for place in new.finding.locations] == [NEW]
    assert (new.severity, new.refuses, new.finding.count) == (Severity.HIGH, True, 1)
    assert [place.fingerprint for place in old.finding.locations] == [OLD]
    assert (old.severity, old.refuses) == (Severity.LOW, False)


def test_each_part_quotes_the_code_of_its_own_places(world: World) -> None:
    old, new = Location("a.py", 1, "old()", OLD), Location("a.py", 2, "new()", NEW)
    message = "Suspicious: it steals: old(); new()."
    found = replace(suspicion(), message=message, locations=(old, new), count=2)
    world.findings["idna 2.0"] = [found]

    world.run(request("idna"))

    says = [each.finding.message for each in decided(world).findings]
    assert says[0] == "Suspicious: it steals: new()."
    assert says[1].startswith("Suspicious: it steals: old(). Set aside")


@pytest.mark.parametrize(
    "found",
    [
        replace(suspicion(OLD), rule="encrypts"),
        replace(suspicion(OLD), count=2),
        suspicion(""),
        replace(suspicion(OLD), locations=()),
    ],
    ids=["another rule", "places that are not named", "no fingerprint", "no places"],
)
def test_only_the_same_rule_at_known_places_is_set_aside(world: World, found: Finding) -> None:
    world.findings["idna 2.0"] = [found]

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED


def test_bytecode_that_stood_in_an_old_release_is_set_aside(world: World) -> None:
    bytecode = replace(suspicion(OLD), rule="bytecode", kind=Kind.ARCHIVE, severity=Severity.MEDIUM)
    world.findings = {"idna 2.0": [bytecode], "idna 1.0": [bytecode]}
    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    (judged,) = decided(world).findings
    assert (judged.severity, judged.refuses) == (Severity.INFO, False)


def test_bytecode_that_is_new_refuses(world: World) -> None:
    bytecode = replace(suspicion(OLD), rule="bytecode", kind=Kind.ARCHIVE, severity=Severity.MEDIUM)
    moved = replace(bytecode, locations=(Location("a.pyc", fingerprint=NEW),))
    world.findings = {"idna 2.0": [moved], "idna 1.0": [bytecode]}
    assert verdict(world.run(request("idna"))) is Verdict.REFUSED


def test_without_a_suspicion_nobody_asks_for_a_precedent(world: World) -> None:
    world.findings["idna 2.0"] = [replace(suspicion(OLD), severity=Severity.MEDIUM)]

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    assert world.count("history idna") == 0
    assert world.count("fetch idna") == 1


def test_a_report_of_malware_overrides_all(world: World) -> None:
    world.advisories["idna"] = [MALWARE]

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED
    assert {each.severity for each in decided(world).findings} == {
        Severity.CRITICAL,
        Severity.HIGH,
    }
    assert world.count("history idna") == 0


def test_a_precedent_that_is_reported_is_none(world: World) -> None:
    def know(package: NamedPackage) -> list[Finding]:
        return [MALWARE] if package.version == "1.0" else []

    world.sources.append(FakeSource("snyk", know))

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED


def test_a_project_without_old_releases_has_none(world: World) -> None:
    world.precedents.clear()

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED


def test_the_policy_can_do_without(world: World) -> None:
    world.policy = Policy(history=HistoryRules(precedent=False))

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED
    assert world.count("history idna") == 0


def test_a_release_that_is_old_is_its_own_precedent(world: World) -> None:
    world.precedents["idna"] = release(world, "idna", "2.0")

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    assert world.count("fetch idna") == 1, "it is at hand"


def test_of_its_own_precedent_all_places_stood_named_or_not(world: World) -> None:
    world.findings["idna 2.0"] = [replace(suspicion(OLD), count=200)]
    world.precedents["idna"] = release(world, "idna", "2.0")

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    (judged,) = decided(world).findings
    assert judged.finding.count == 200


def test_what_cannot_be_asked_leaves_undecided(world: World) -> None:
    world.history_error = SourceError("the index is away")

    run = world.run(request("idna"))

    assert verdict(run) is Verdict.UNDECIDED
    assert "the index is away" in str(run.outcomes[0].decision.reasons)
    world.history_error = None
    assert verdict(world.run(request("idna"))) is Verdict.APPROVED


def test_a_precedent_that_a_scanner_could_not_finish_is_none(world: World) -> None:
    class Fails(list[Finding]):
        def __iter__(self) -> "None":  # type: ignore[override]
            raise ScannerError("too large")

    world.findings["idna 1.0"] = Fails()

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED


def test_each_project_pays_once(world: World) -> None:
    world.run(request("idna"))
    world.versions["idna"] = "2.1"
    world.findings["idna 2.1"] = [suspicion(OLD)]
    assert world.count("fetch idna") == 2

    assert verdict(world.run(request("idna-next"), request("idna"))) is Verdict.APPROVED
    world.run(request("idna"), rescan=True)


def test_an_edit_of_the_policy_fetches_no_precedent_and_asks_no_index(world: World) -> None:
    world.run(request("idna"))
    fetched, asked = world.count("fetch idna"), world.count("history idna")
    world.policy = Policy(unrated_vulnerability="high")

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    assert (world.count("fetch idna"), world.count("history idna")) == (fetched, asked)


@pytest.mark.parametrize(("carried_days", "asked"), [(30, 1), (36, 2)])
def test_a_release_that_was_carried_over_stays_a_precedent_while_the_policy_says_so(
    world: World, carried_days: int, asked: int
) -> None:
    world.uploaded["idna"] = world.now - timedelta(days=10)
    carried = release(world, "idna", "1.0", world.now - timedelta(days=45))
    world.precedents["idna"] = carried
    world.run(request("idna"))
    rules = HistoryRules(carried_days=carried_days)
    world.policy = Policy(unrated_vulnerability="high", history=rules)

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    assert world.count("history idna") == asked


def test_more_days_in_the_policy_make_a_precedent_none(world: World) -> None:
    world.run(request("idna"))
    world.policy = Policy(history=HistoryRules(days=3650, carried_days=3650))
    world.precedents.clear()

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED


def test_a_refusal_is_compared_again_after_some_days(world: World) -> None:
    world.findings["idna 2.0"] = [suspicion(NEW)]
    assert verdict(world.run(request("idna"))) is Verdict.REFUSED
    assert verdict(world.run(request("idna"))) is Verdict.REFUSED
    assert world.count("history idna") == 1, "it holds for some days"

    world.precedents["idna"] = release(world, "idna", "2.0")
    world.now = world.now.replace(month=8)

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED


def test_nothing_of_a_precedent_is_left_on_the_disk(world: World) -> None:
    world.run(request("idna"))

    assert list((world.folder / "scratch").iterdir()) == []


WAITING = replace(suspicion(NEW), severity=Severity.MEDIUM, waits=True)


def test_new_code_that_waits_to_be_called_refuses(world: World) -> None:
    world.findings = {"idna 2.0": [WAITING], "idna 1.0": []}

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED
    assert "No older release of the project has it." in decided(world).reasons[0]


def test_so_does_that_of_a_project_without_history(world: World) -> None:
    world.findings = {"idna 2.0": [WAITING]}
    world.precedents.clear()

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED


def test_what_waited_in_an_old_release_too_is_set_aside(world: World) -> None:
    world.findings = {"idna 2.0": [WAITING], "idna 1.0": [WAITING]}

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED


@pytest.mark.parametrize("knows", [True, False])
def test_what_cannot_be_compared_for_good_is_what_it_was(world: World, knows: bool) -> None:
    world.findings = {"idna 2.0": [WAITING]}
    if knows:
        world.policy = Policy(history=HistoryRules(precedent=False))
    else:
        world.history_error = AgesUnknownError("no upload times")

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    (judged,) = decided(world).findings
    assert judged.severity is Severity.MEDIUM


STARTS = replace(WAITING, severity=Severity.LOW)


def test_what_many_do_refuses_where_a_project_with_a_history_starts_with_it(world: World) -> None:
    world.findings = {"idna 2.0": [STARTS], "idna 1.0": []}

    assert verdict(world.run(request("idna"))) is Verdict.REFUSED
    assert "No older release of the project has it." in decided(world).reasons[0]


def test_it_does_not_where_that_did_so_before(world: World) -> None:
    world.findings = {"idna 2.0": [STARTS], "idna 1.0": [STARTS]}

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED


def test_nor_in_a_project_without_history(world: World) -> None:
    world.findings = {"idna 2.0": [STARTS]}
    world.precedents.clear()

    assert verdict(world.run(request("idna"))) is Verdict.APPROVED
    (judged,) = decided(world).findings
    assert judged.severity is Severity.LOW
