"""The order of the steps: what is decided, published, recorded and told, and how often."""

import hashlib
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from package_gate.advisories.interface import NamedPackage
from package_gate.commands.gate import FAIL_ON, status_of
from package_gate.core.artifact import Origin, RemoteFile, Resolution, ResolvedPackage
from package_gate.core.decision import Cause, Verdict
from package_gate.core.errors import (
    GateError,
    NotifyError,
    NotOfferedError,
    PublishError,
    ScannerError,
    SourceError,
    SourceRefusedError,
    StoreError,
    TooFreshError,
    UnresolvedError,
)
from package_gate.core.finding import Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.inventory import Component
from package_gate.core.policy import Policy
from package_gate.core.request import ArchiveSource, Request
from package_gate.core.run import Run
from package_gate.notifications.outbox import Email
from package_gate.pipeline.settings import Silent
from package_gate.publishers.interface import ApprovedPackage
from package_gate.sources.index_findings import name_confusion
from tests.fakes.advisory_source import FakeSource, flaw
from tests.gate_parts import LONG_AGO, Killed, World, archive, request

BAD = Finding("malware", "steals", Kind.MALWARE, Severity.HIGH, "It steals.")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def verdicts(run: Run) -> dict[str, Verdict]:
    return {outcome.request.name: outcome.decision.verdict for outcome in run.outcomes}


def reasons(run: Run) -> str:
    return " | ".join(reason for outcome in run.outcomes for reason in outcome.decision.reasons)


def test_an_approved_request_is_published_recorded_and_told(world: World) -> None:
    run = world.run(request("idna", "jo@example.com"))
    assert verdicts(run) == {"idna": Verdict.APPROVED}
    assert run.outcomes[0].decision.install_command == "pip install idna"
    assert list(world.published) == ["idna 1.0"]
    assert world.emails[0].requester == "jo@example.com"
    recorded = world.records.package(Origin.PYPI, "idna", "1.0")
    assert recorded is not None
    assert recorded.published_to == "repository/idna"
    assert world.records.request(request("idna")) == run.outcomes[0].decision
    assert list((world.folder / "scratch").iterdir()) == []


def test_a_refused_package_refuses_the_request_and_none_of_its_closure_is_published(
    world: World,
) -> None:
    world.closures["app"] = ["app", "dep"]
    world.findings["dep"] = [BAD]
    run = world.run(request("app"))
    assert verdicts(run) == {"app": Verdict.REFUSED}
    assert reasons(run) == "dep 1.0: steals (suspicious code): It steals."
    assert world.published == {}
    assert world.emails[0].verdict is Verdict.REFUSED


def test_what_the_inventory_says_of_python_is_recorded(world: World) -> None:
    world.requires_python["idna"] = "<4,>=3.9"
    world.run(request("idna"))
    recorded = world.records.package(Origin.PYPI, "idna", "1.0")
    assert recorded is not None
    (artifact,) = recorded.artifacts
    assert (artifact.requires_python, artifact.kind) == ("<4,>=3.9", "zip")


def test_a_package_that_cant_be_unpacked_is_undecided_and_not_scanned(world: World) -> None:
    world.unpack_errors["idna"] = ScannerError("no inventory")
    run = world.run(request("idna"))
    assert verdicts(run) == {"idna": Verdict.UNDECIDED}
    assert "The scanner archive did not finish: no inventory" in reasons(run)
    assert world.count("scan idna") == 0
    assert world.published == {}


def test_what_is_known_of_a_release_refuses_it_and_the_source_is_named(world: World) -> None:
    world.sources = [FakeSource("inspector", lambda package: [flaw(f"CVE-{package}")])]
    run = world.run(request("idna"))
    assert reasons(run) == "idna 1.0: CVE-idna 1.0 (high vulnerability): It is broken."
    assert [info.name for info in run.scanners] == ["archive", "inspector", "malware", "osv"]


def unresolved(name: str, version: str = "", *, final: bool = False) -> GateError:
    asked = ResolvedPackage(name, version, Origin.PYPI, ())
    return (NotOfferedError if final else UnresolvedError)(f"there is no {name}", asked)


def test_a_name_that_no_index_has_is_refused_and_not_asked_for_daily(world: World) -> None:
    world.resolve_errors["x"] = unresolved("x", final=True)
    assert verdicts(world.run(request("x"))) == {"x": Verdict.REFUSED}
    assert len(world.emails) == 1
    world.run(request("x"))
    assert world.count("resolve x") == 1
    world.now += timedelta(days=31)
    del world.resolve_errors["x"]
    assert verdicts(world.run(request("x"))) == {"x": Verdict.APPROVED}


def test_an_index_that_has_lost_a_project_takes_no_approval_back(world: World) -> None:
    world.run(request("x"))
    world.resolve_errors["x"] = unresolved("x", final=True)
    run = world.run(request("x"), rescan=True)
    assert verdicts(run) == {"x": Verdict.UNDECIDED}
    assert "there is no x" in reasons(run)


@pytest.mark.parametrize("final", [True, False])
def test_known_malware_is_refused_whether_or_not_the_index_has_it(
    world: World, final: bool
) -> None:
    malware = Finding("osv", "MAL-1", Kind.MALWARE, Severity.CRITICAL, "It steals.")
    world.advisories["x"] = [malware, flaw("CVE-1")]
    world.resolve_errors["x"] = unresolved("x", "1.0", final=final)
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.REFUSED}
    assert "MAL-1 (critical malware): It steals." in reasons(run)
    assert "CVE-1" in reasons(run)


def test_of_a_project_without_a_version_only_malware_is_known(world: World) -> None:
    world.advisories["x"] = [flaw("CVE-1")]
    world.resolve_errors["x"] = unresolved("x")
    assert verdicts(world.run(request("x"))) == {"x": Verdict.UNDECIDED}
    malware = Finding("osv", "MAL-1", Kind.MALWARE, Severity.CRITICAL, "It steals.")
    world.advisories["x"] = [malware, flaw("CVE-1")]
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.REFUSED}
    assert "CVE-1" not in reasons(run)


def test_what_the_index_says_against_a_project_holds_when_it_is_decided_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = name_confusion("y", "2026-05-01", asked_for=True)
    package = replace(world.package("x"), findings=(finding,))
    monkeypatch.setattr(World, "package", lambda _self, _name: package)
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.REFUSED}
    assert "name-confusion (suspicious): The project exists only since" in reasons(run)
    world.policy = Policy(unrated_vulnerability="high")
    assert verdicts(world.run(request("x"))) == {"x": Verdict.REFUSED}
    assert world.count("resolve x") == 1


def test_what_authors_say_of_a_project_that_they_gave_up_is_told(world: World) -> None:
    world.summaries["sklearn"] = "deprecated sklearn package, use scikit-learn instead"
    world.summaries["numpy"] = "Fundamental package for array computing in Python"
    run = world.run(request("sklearn"), request("numpy"))
    notes = [outcome.decision.notes for outcome in run.outcomes]
    assert notes == [
        ('sklearn 1.0: its authors describe it as "deprecated sklearn package, use scikit-learn '
         'instead"',),
        (),
    ]  # fmt: skip


class OldSource(FakeSource):
    """Answers by data of a day."""

    data_date = "2026-05-30"

    @property
    def info(self) -> ScannerInfo:
        return ScannerInfo(self.name, "1", self.data_date)


def test_old_advisories_are_told_in_the_run_and_in_each_email(world: World) -> None:
    source = OldSource("inspector")
    world.sources = [source]
    source.data_date = "2026-05-20"
    run = world.run(request("idna", "jo@example.com"))
    assert verdicts(run) == {"idna": Verdict.APPROVED}
    [warning] = run.warnings
    assert "The advisories of inspector are of 2026-05-20, 12 days old" in warning
    assert warning in " ".join(world.emails[0].body.split())
    source.data_date = "2026-06-01"
    run = world.run(request("idna", "jo@example.com"), rescan=True)
    assert run.warnings == ()
    assert run.outcomes[0].decision.old_advisories == ""
    assert len(world.emails) == 1


def test_advisories_that_are_too_old_approve_nothing_and_still_refuse(world: World) -> None:
    source = OldSource("inspector")
    source.data_date = "2026-05-01"
    world.sources = [source]
    run = world.run(request("idna"))
    assert verdicts(run) == {"idna": Verdict.UNDECIDED}
    assert "31 days old: they approve nothing" in reasons(run)
    source.answer = lambda package: [flaw("CVE-1")]
    assert verdicts(world.run(request("idna"))) == {"idna": Verdict.REFUSED}


def test_a_source_that_could_not_be_asked_leaves_a_release_undecided(world: World) -> None:
    def fail(package: NamedPackage) -> Sequence[Finding]:
        raise ScannerError("throttled")

    world.sources = [FakeSource("inspector", fail)]
    run = world.run(request("idna"))
    assert verdicts(run) == {"idna": Verdict.UNDECIDED}
    assert reasons(run) == "idna 1.0: The scanner inspector did not finish: throttled"


def test_what_an_archive_pins_is_looked_up(world: World) -> None:
    source = FakeSource("inspector", lambda package: [flaw("CVE-1")])
    world.sources = [source]
    places = (Location("requirements.txt", 1),)
    world.components["tool"] = (Component("pyyaml", "5.3.1", locations=places),)
    run = world.run(archive("tool"))
    assert "CVE-1 (high vulnerability): The archive pins pyyaml 5.3.1: It is broken" in reasons(run)
    [judged] = run.outcomes[0].packages[0].findings
    assert judged.finding.artifact == "tool.zip"
    assert judged.finding.locations == places
    assert source.asked == [["pyyaml 5.3.1"]]


def test_an_approval_does_not_stand_for_a_source_that_was_not_asked(world: World) -> None:
    world.run(request("shared"))
    world.closures["app"] = ["app", "shared"]
    source = FakeSource("inspector")
    world.sources = [source]
    world.run(request("app"))
    assert sorted(source.asked) == [["app 1.0"], ["shared 1.0"]]


def test_a_package_that_two_requests_need_is_fetched_scanned_and_published_once(
    world: World,
) -> None:
    world.closures = {"a": ["a", "shared"], "b": ["b", "shared"]}
    run = world.run(request("a"), request("b"))
    assert set(verdicts(run).values()) == {Verdict.APPROVED}
    for step in ("fetch", "scan", "publish"):
        assert world.count(f"{step} shared") == 1


def test_a_second_run_does_nothing(world: World) -> None:
    world.findings["bad"] = [BAD]
    first = world.run(request("good"), request("bad"))
    world.calls.clear()
    second = world.run(request("good"), request("bad"))
    assert world.calls == []
    assert verdicts(second) == verdicts(first)
    assert [outcome.decided_now for outcome in second.outcomes] == [False, False]
    assert second.outcomes[1].packages[0].findings[0].finding == BAD


def test_a_new_request_reuses_what_was_decided_about_its_dependencies(world: World) -> None:
    world.run(request("shared"))
    world.closures["app"] = ["app", "shared"]
    world.calls.clear()
    world.run(request("app"))
    assert world.count("scan shared") == world.count("publish shared") == 0
    assert world.count("scan app") == 1


def test_other_bytes_under_a_decided_version_are_decided_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(request("shared"))
    monkeypatch.setattr(World, "content", lambda _self, filename: b"changed" + filename.encode())
    world.closures["app"] = ["app", "shared"]
    world.calls.clear()
    world.run(request("app"))
    assert world.count("scan shared") == 1
    assert world.count("publish shared") == 1


def test_one_decision_covers_the_files_that_different_requests_need_of_a_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = World.package

    def with_platform(platform: str) -> None:
        def package(self: World, name: str) -> ResolvedPackage:
            package = usual(self, name)
            filename = f"{name}-1.0-{platform}.whl"
            digest = hashlib.sha256(self.content(filename)).hexdigest()
            url = f"https://host.example/{filename}"
            file = RemoteFile(filename, url, digest, uploaded=LONG_AGO)
            return replace(package, files=(file,) if name == "dep" else package.files)

        monkeypatch.setattr(World, "package", package)

    world.closures = {"a": ["a", "dep"], "b": ["b", "dep"], "c": ["c", "dep"]}
    with_platform("cp311-cp311-any")
    world.run(request("a"))
    with_platform("cp312-cp312-any")
    world.run(request("b"))
    recorded = world.records.package(Origin.PYPI, "dep", "1.0")
    assert recorded is not None
    names = {artifact.filename for artifact in recorded.artifacts}
    assert names == {"dep-1.0-cp311-cp311-any.whl", "dep-1.0-cp312-cp312-any.whl"}
    world.calls.clear()
    with_platform("cp311-cp311-any")
    world.run(request("c"))
    assert world.count("scan dep") == 0


@pytest.mark.parametrize(
    ("fault", "reason", "cause"),
    [
        (
            {"resolve_errors": {"x": SourceError("no such package")}},
            "no such package",
            Cause.OUTSIDE,
        ),
        ({"resolve_errors": {"x": SourceRefusedError("forbidden host")}}, "forbidden host", None),
        ({"fetch_errors": {"x": SourceError("404")}}, "x 1.0: 404", Cause.OUTSIDE),
        ({"fetch_errors": {"x": SourceRefusedError("loopback")}}, "x 1.0: loopback", None),
        ({"scan_errors": {"x": ScannerError("hung")}}, "malware did not finish: hung", Cause.GATE),
        (
            {"scan_errors": {"x": RuntimeError("secret")}},
            "failed unexpectedly (RuntimeError)",
            Cause.GATE,
        ),
        ({"resolve_errors": {"x": unresolved("x")}}, "there is no x", Cause.REQUEST),
        (
            {"publish_errors": {"x": PublishError("500")}},
            "Approved, but not published yet: 500",
            Cause.GATE,
        ),
    ],
)
def test_a_fault_of_one_request_is_named_and_leaves_the_others_alone(
    world: World, fault: dict[str, dict[str, Exception]], reason: str, cause: Cause | None
) -> None:
    for name, value in fault.items():
        setattr(world, name, value)
    run = world.run(request("x"), request("good"))
    refused = any(isinstance(e, SourceRefusedError) for v in fault.values() for e in v.values())
    assert verdicts(run) == {
        "x": Verdict.REFUSED if refused else Verdict.UNDECIDED,
        "good": Verdict.APPROVED,
    }
    assert reason in reasons(run)
    (decision,) = (each.decision for each in run.outcomes if each.request.name == "x")
    assert decision.causes == ((cause,) if cause else ())
    assert "secret" not in reasons(run)
    assert list(world.published) == ["good 1.0"]
    assert {email.package for email in world.emails} == {"x", "good"}


def test_an_undecided_request_is_tried_again_and_told_once(world: World) -> None:
    world.scan_errors["x"] = ScannerError("hung")
    first = world.run(request("x"))
    second = world.run(request("x"))
    assert world.count("scan x") == 2
    assert len(world.emails) == 1
    assert second.outcomes[0].decision.decided_at == first.outcomes[0].decision.decided_at
    world.scan_errors.clear()
    assert verdicts(world.run(request("x"))) == {"x": Verdict.APPROVED}
    assert [email.verdict for email in world.emails] == [Verdict.UNDECIDED, Verdict.APPROVED]


def test_a_pinned_fresh_release_is_undecided_until_its_date(world: World) -> None:
    world.resolve_errors["x"] = TooFreshError("until 2026-06-05", world.now + timedelta(days=4))
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.UNDECIDED}
    assert "2026-06-05" in reasons(run)
    assert (run.waiting, run.overdue, status_of(run, FAIL_ON[0])) == (1, 0, 0)


def test_a_fresh_dependency_is_neither_fetched_nor_approved(world: World) -> None:
    world.uploaded["x"] = world.now - timedelta(days=6)
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.UNDECIDED}
    assert "younger than the cooldown of 7 days. It is decided from 2026-06-02" in reasons(run)
    assert world.count("fetch x") == 0
    assert run.outcomes[0].decision.waits_until == datetime(2026, 6, 2, tzinfo=UTC)
    assert (run.waiting, run.overdue, status_of(run, FAIL_ON[0])) == (1, 0, 0)
    world.now += timedelta(days=1, minutes=1)
    assert verdicts(world.run(request("x"))) == {"x": Verdict.APPROVED}


def test_waiting_is_not_failing_but_what_has_failed_is(world: World) -> None:
    """Exit status 1 is for what a person or a retry must mend."""
    world.uploaded["x"] = world.now - timedelta(days=6)
    world.scan_errors["y"] = ScannerError("crashed")
    run = world.run(request("x"), request("y"))
    assert verdicts(run) == {"x": Verdict.UNDECIDED, "y": Verdict.UNDECIDED}
    assert [outcome.is_waiting for outcome in run.outcomes] == [True, False]
    assert (run.waiting, status_of(run, FAIL_ON[0])) == (1, 1)


def test_a_request_that_waits_and_has_failed_is_not_waiting(world: World) -> None:
    world.closures["app"] = ["app", "x", "y"]
    world.uploaded["x"] = world.now - timedelta(days=6)
    world.scan_errors["y"] = ScannerError("crashed")
    run = world.run(request("app"))
    assert run.outcomes[0].decision.waits_until is None
    assert (run.waiting, status_of(run, FAIL_ON[0])) == (0, 1)


def test_who_waits_for_one_newer_release_after_the_other_is_overdue(world: World) -> None:
    for day in range(2):
        world.resolve_errors["x"] = TooFreshError(f"day {day}", world.now + timedelta(days=1))
        run = world.run(request("x"))
        assert (run.waiting, run.overdue, status_of(run, FAIL_ON[0])) == (1, 0, 0)
        world.now += timedelta(days=1)
    world.resolve_errors["x"] = TooFreshError("day 2", world.now + timedelta(days=1))
    run = world.run(request("x"))
    assert (run.waiting, run.overdue, status_of(run, FAIL_ON[0])) == (1, 1, 0)


def test_a_yanked_release_is_a_finding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = World.package

    def yanked(self: World, name: str) -> object:
        package = usual(self, name)
        return replace(package, files=(replace(package.files[0], yanked="broken"),))

    monkeypatch.setattr(World, "package", yanked)
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.REFUSED}
    assert "yanked this release: broken" in reasons(run)


def test_a_rescan_that_refuses_takes_the_package_back_and_says_so(world: World) -> None:
    world.run(request("x"))
    world.findings["x"] = [BAD]
    run = world.run(request("x"), rescan=True)
    assert verdicts(run) == {"x": Verdict.REFUSED}
    assert world.published == {}
    assert "x 1.0 was approved, is refused now and has left repository/x" in run.warnings[0]
    recorded = world.records.package(Origin.PYPI, "x", "1.0")
    assert recorded is not None
    assert recorded.withdrawn_at is not None
    assert [email.verdict for email in world.emails] == [Verdict.APPROVED, Verdict.REFUSED]


def test_a_failed_withdrawal_is_loud_and_tried_again(world: World) -> None:
    world.run(request("x"))
    world.findings["x"] = [BAD]
    world.publish_errors["x"] = PublishError("500")
    run = world.run(request("x"), rescan=True)
    assert run.warnings == ("x 1.0 is refused now and still published: 500",)
    assert run.unfinished
    world.publish_errors.clear()
    world.run(request("x"), rescan=True)
    assert world.published == {}


def test_a_rescan_judges_versions_again_that_the_request_resolves_to_no_more(
    world: World,
) -> None:
    world.run(request("x"))
    world.versions["x"] = "2.0"
    world.findings["x"] = [BAD]
    world.run(request("x"), rescan=True)
    assert world.count("scan x") == 3
    assert world.published == {}


def test_a_rescan_scans_a_shared_package_once(world: World) -> None:
    world.closures = {"a": ["a", "shared"], "b": ["b", "shared"]}
    world.run(request("a"), request("b"))
    world.calls.clear()
    world.run(request("a"), request("b"), rescan=True)
    assert world.count("scan shared") == 1
    assert world.count("publish shared") == 1  # it sees whether it is still there


def test_a_dry_run_decides_and_leaves_nothing(world: World) -> None:
    run = world.run(request("x"), dry_run=True)
    assert verdicts(run) == {"x": Verdict.APPROVED}
    assert world.published == {}
    assert world.emails == []
    assert not (world.folder / "decisions").exists()


def test_a_duplicate_line_is_decided_once_and_both_requesters_are_told(world: World) -> None:
    run = world.run(request("x", "a@b.example", 1), request("x", "c@d.example", 2))
    assert len(run.outcomes) == 2
    assert world.count("resolve x") == 1
    assert [email.requester for email in world.emails] == ["a@b.example", "c@d.example"]


def test_who_asks_later_for_what_is_approved_is_told_without_a_scan(world: World) -> None:
    world.run(request("x", "a@b.example"))
    world.calls.clear()
    world.run(request("x", "c@d.example"))
    assert world.calls == ["email x"]


def test_an_email_that_fails_is_retried_and_the_package_not_published_again(
    world: World,
) -> None:
    world.email_error = NotifyError("throttled")
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.APPROVED}
    assert "throttled" in run.warnings[0]
    assert run.unfinished
    world.email_error = None
    world.calls.clear()
    world.run(request("x"))
    assert world.calls == ["email x"]


def test_what_is_done_at_the_end_is_done_once_and_left_to_the_next_run_when_it_fails(
    world: World,
) -> None:
    world.finish_error = PublishError("The list can't be written.")
    run = world.run(request("x"), request("y"))
    assert world.finished == 1
    assert verdicts(run) == {"x": Verdict.APPROVED, "y": Verdict.APPROVED}
    assert run.unfinished
    assert run.warnings == ("The list can't be written. The next run tries again.",)
    world.finish_error = None
    assert not world.run(request("x")).unfinished
    world.run(request("x"), dry_run=True)
    assert world.finished == 2


def test_an_archive_is_known_by_its_digest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.run(archive("tool")).outcomes[0].packages[0]
    assert first.version == f"sha256-{first.artifacts[0].sha256[:32]}"
    monkeypatch.setattr(World, "content", lambda _self, _filename: b"a newer commit")
    second = world.run(archive("tool"), rescan=True).outcomes[0].packages[0]
    assert second.version != first.version
    assert world.published.keys() >= {f"tool {second.version}"}


def test_an_archive_with_another_digest_than_the_request_gives_is_refused(world: World) -> None:
    right = hashlib.sha256(world.content("tool.zip")).hexdigest()
    asked = archive("tool")
    url = str(asked.source)
    wrong = replace(asked, source=ArchiveSource(url, "0" * 64))
    assert verdicts(world.run(wrong)) == {"tool": Verdict.REFUSED}
    assert world.published == {}
    run = world.run(replace(asked, source=ArchiveSource(url, right)))
    assert verdicts(run) == {"tool": Verdict.APPROVED}


def test_a_damaged_record_leaves_its_request_undecided(world: World) -> None:
    world.run(request("x"), request("y"))
    for record in (world.folder / "decisions" / "requests").iterdir():
        if b'"name": "x"' in record.read_bytes():
            record.write_text("{")
    run = world.run(request("x"), request("y"))
    assert verdicts(run) == {"x": Verdict.UNDECIDED, "y": Verdict.APPROVED}
    assert "damaged" in reasons(run)


def test_a_second_run_at_the_same_time_is_turned_away(world: World) -> None:
    with world.records.exclusive(), pytest.raises(StoreError, match="Another run"):
        world.run(request("x"))


@pytest.mark.parametrize(
    "moment",
    ["resolve app", "fetch dep", "scan dep", "publish app", "published app", "publish dep",
     "published dep", "offer app", "email app"],
)  # fmt: skip
def test_a_kill_at_any_step_loses_nothing_and_the_rerun_finishes(world: World, moment: str) -> None:
    world.closures["app"] = ["app", "dep"]
    world.kill_at = moment
    with pytest.raises(Killed):
        world.run(request("app"))
    world.kill_at = ""
    published_before = dict(world.published)
    run = world.run(request("app"))
    assert verdicts(run) == {"app": Verdict.APPROVED}
    assert sorted(world.published) == ["app 1.0", "dep 1.0"]
    assert world.published.items() >= published_before.items()
    assert len(world.emails) == 1
    world.calls.clear()
    world.run(request("app"))
    assert world.calls == []


def test_what_fails_because_the_run_was_stopped_is_neither_recorded_nor_told(world: World) -> None:
    """An interrupt ends the main thread first; then the scanners end under the others' hands."""
    stopped, told = threading.Event(), threading.Event()
    main = threading.get_ident()

    def interrupt_and_fail(call: str) -> None:
        world.calls.append(call)
        if call == "scan x":
            signal.pthread_kill(main, signal.SIGINT)
            stopped.wait(60)

    world.called = interrupt_and_fail  # type: ignore[method-assign]
    world.scan_errors["x"] = ScannerError("it was killed")

    class Listening(Silent):
        def end(self, subject: str, what: str = "") -> None:
            if what == "undecided":
                told.set()

    world.progress = Listening()
    with pytest.raises(KeyboardInterrupt):
        world.run(request("x"))
    stopped.set()
    assert told.wait(60)
    assert world.records.request(request("x")) is None
    assert world.emails == []


def test_a_kill_between_refusal_and_withdrawal_is_finished_by_the_rerun(world: World) -> None:
    world.run(request("x"))
    world.findings["x"] = [BAD]
    world.kill_at = "withdraw x"
    with pytest.raises(Killed):
        world.run(request("x"), rescan=True)
    world.kill_at = ""
    assert list(world.published) == ["x 1.0"]
    world.run(request("x"), rescan=True)
    assert world.published == {}


def test_a_kill_amid_publishing_is_not_forgotten_when_the_package_is_refused(world: World) -> None:
    world.kill_at = "published x"
    with pytest.raises(Killed):
        world.run(request("x"))
    world.kill_at = ""
    assert list(world.published) == ["x 1.0"]
    world.findings["x"] = [BAD]
    run = world.run(request("x"), rescan=True)
    assert verdicts(run) == {"x": Verdict.REFUSED}
    assert world.published == {}
    world.calls.clear()
    assert world.run(request("x"), rescan=True).warnings == ()
    assert world.count("withdraw x") == 1  # what was not published to its end is looked for again
    assert world.run(request("x"), rescan=True).warnings == ()
    assert world.count("withdraw x") == 1


def test_what_the_index_has_removed_is_judged_again_by_a_rescan(world: World) -> None:
    world.run(request("x"))
    world.findings["x"] = [BAD]
    world.resolve_errors["x"] = SourceError("no such version")
    run = world.run(request("x"), rescan=True)
    assert verdicts(run) == {"x": Verdict.UNDECIDED}
    assert world.published == {}
    assert "x 1.0 was approved, is refused now" in run.warnings[0]


def test_a_failed_rescan_takes_nothing_back_and_the_next_one_still_judges_old_versions(
    world: World,
) -> None:
    world.run(request("x"))
    world.resolve_errors["x"] = world.fetch_errors["x"] = SourceError("index down")
    run = world.run(request("x"), rescan=True)
    assert list(world.published) == ["x 1.0"]
    assert run.warnings == ("x 1.0 stays published, not judged again: index down",)
    world.resolve_errors.clear()
    world.fetch_errors.clear()
    world.versions["x"] = "2.0"
    world.run(request("x"), rescan=True)
    assert sorted(world.published) == ["x 1.0", "x 2.0"]
    world.findings["x"] = [BAD]
    world.run(request("x"), rescan=True)
    assert world.published == {}


def test_a_rescan_fetches_and_scans_an_unchanged_archive_once(world: World) -> None:
    world.run(archive("tool"))
    world.calls.clear()
    world.run(archive("tool"), rescan=True)
    assert world.count("fetch tool") == world.count("scan tool") == 1


def test_a_published_release_within_the_cooldown_is_judged_and_not_approved(world: World) -> None:
    world.run(request("x"))
    world.uploaded["x"] = world.now - timedelta(days=1)
    run = world.run(request("x"), rescan=True)
    assert verdicts(run) == {"x": Verdict.UNDECIDED}
    assert "cooldown" in reasons(run)
    assert list(world.published) == ["x 1.0"]
    world.findings["x"] = [BAD]
    world.run(request("x"), rescan=True)
    assert world.published == {}


def test_files_added_to_a_version_are_published_though_their_first_scan_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(request("dep"))
    usual = World.package

    def with_another_file(self: World, name: str) -> ResolvedPackage:
        package = usual(self, name)
        filename = f"{name}-1.0-cp312-cp312-any.whl"
        digest = hashlib.sha256(self.content(filename)).hexdigest()
        url = f"https://host.example/{filename}"
        another = RemoteFile(filename, url, digest, uploaded=LONG_AGO)
        return replace(package, files=(*package.files, another))

    monkeypatch.setattr(World, "package", with_another_file)
    world.closures["app"] = ["dep"]
    world.scan_errors["dep"] = ScannerError("hung")
    world.run(request("app"))
    world.scan_errors.clear()
    world.calls.clear()
    assert verdicts(world.run(request("app"))) == {"app": Verdict.APPROVED}
    assert world.count("publish dep") == 1


def test_an_unexpected_error_in_one_package_does_not_keep_another_from_being_taken_back(
    world: World,
) -> None:
    world.closures["app"] = ["app", "dep"]
    world.run(request("app"))
    world.scan_errors["app"] = RuntimeError("secret")
    world.findings["dep"] = [BAD]
    run = world.run(request("app"), rescan=True)
    assert verdicts(run) == {"app": Verdict.REFUSED}
    assert list(world.published) == ["app 1.0"]


def test_an_unexpected_error_while_telling_leaves_the_other_requests_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = World.send

    def send(self: World, email: Email) -> None:
        if email.package == "x":
            raise RuntimeError("secret")
        usual(self, email)

    monkeypatch.setattr(World, "send", send)
    run = world.run(request("x"), request("good"))
    assert set(verdicts(run).values()) == {Verdict.APPROVED}
    assert [email.package for email in world.emails] == ["good"]
    assert run.unfinished
    assert "secret" not in run.warnings[0]


def test_an_unexpected_error_while_recording_leaves_the_other_requests_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.resolve_errors["x"] = SourceError("no text: \ud800\x1b[31m")
    run = world.run(request("x"), request("good"))
    assert verdicts(run) == {"x": Verdict.UNDECIDED, "good": Verdict.APPROVED}
    assert run.unfinished
    assert "\\ud800" in caplog.text
    assert caplog.text.isascii()
    assert "\x1b" not in caplog.text


def test_a_version_that_is_refused_for_another_request_meanwhile_is_not_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = World.publish

    def publish(self: World, package: ApprovedPackage) -> str:
        if package.name == "app":  # it comes before dep, which another request's files refuse
            decision = self.records.package(Origin.PYPI, "dep", "1.0")
            assert decision is not None
            self.records.put(replace(decision, verdict=Verdict.REFUSED))
        return usual(self, package)

    monkeypatch.setattr(World, "publish", publish)
    world.closures["app"] = ["app", "dep"]
    run = world.run(request("app"))
    assert verdicts(run) == {"app": Verdict.UNDECIDED}
    assert "dep 1.0 was refused meanwhile" in reasons(run)
    assert list(world.published) == ["app 1.0"]


def test_a_version_is_not_decided_for_other_files_while_it_is_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual_package, usual_publish = World.package, World.publish
    publishing = threading.Event()

    def resolve(self: World, asked: Request) -> Resolution:
        package = usual_package(self, "dep")
        if asked.name == "b":
            publishing.wait(5)
            file = package.files[0]
            another = replace(file, filename="dep-1.0-cp312-cp312-any.whl", url=f"{file.url}2")
            digest = hashlib.sha256(self.content(another.filename)).hexdigest()
            package = replace(package, files=(file, replace(another, sha256=digest)))
            self.findings["dep"] = [BAD]
        return Resolution((package,))

    def publish(self: World, package: ApprovedPackage) -> str:
        publishing.set()
        for _ in range(20):
            if self.count("scan dep") == 2:  # what must not happen
                break
            threading.Event().wait(0.01)
        return usual_publish(self, package)

    monkeypatch.setattr(World, "resolve", resolve)
    monkeypatch.setattr(World, "publish", publish)
    run = world.run(request("a"), request("b"))
    assert verdicts(run)["b"] is Verdict.REFUSED
    assert world.published == {}
