"""What is approved is judged again by what is known today, from the records alone."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from package_gate.core.artifact import Origin
from package_gate.core.decision import Verdict
from package_gate.core.errors import NotifyError, PublishError
from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.core.inventory import Component
from package_gate.core.policy import Policy, Reevaluate, WaiverEntry
from package_gate.core.reevaluation import Reevaluated
from tests.gate_parts import Killed, World, archive, request

HOLE = Finding("osv", "PYSEC-1", Kind.VULNERABILITY, Severity.HIGH, "A hole.", "Use 2.0.")
OTHER_HOLE = replace(HOLE, rule="PYSEC-2")
SMALL_HOLE = replace(HOLE, rule="PYSEC-3", severity=Severity.LOW)
MALWARE = Finding("osv", "MAL-1", Kind.MALWARE, Severity.CRITICAL, "It steals.")
AT_ONCE = Policy(reevaluate=Reevaluate(grace_days=0))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One in which `x` of Jo and `y` of nobody are approved; both need `base`."""
    made = World(tmp_path, policy=AT_ONCE)
    made.closures = {"x": ["x", "base"], "y": ["y", "base"]}
    made.run(request("x", "jo@example.com"), request("y"))
    made.calls.clear()
    made.emails.clear()
    return made


def emails(world: World) -> list[tuple[str, str, Verdict]]:
    return [(each.requester, each.package, each.verdict) for each in world.emails]


def names(outcome: Reevaluated) -> tuple[list[str], list[str]]:
    """What was decided again, and what is reported."""
    return (
        [hit.decision.name for hit in outcome.decided],
        [hit.decision.name for hit in outcome.reported],
    )


def verdict_of(world: World, name: str) -> Verdict:
    decision = world.records.request(request(name))
    assert decision is not None
    return decision.verdict


def later(world: World, days: int) -> None:
    world.now += timedelta(days=days)


def test_when_nothing_is_known_nothing_is_done_and_nobody_is_told(world: World) -> None:
    outcome = world.reevaluate()
    assert (outcome.packages, names(outcome)) == (3, ([], []))
    assert not outcome.run.unfinished
    assert world.emails == []
    assert {call.split()[0] for call in world.calls} == {"ask"}


def test_a_vulnerability_withdraws_the_package_and_refuses_what_needs_it(world: World) -> None:
    world.advisories["base"] = [HOLE]
    outcome = world.reevaluate()
    assert names(outcome) == (["base"], [])
    assert sorted(world.published) == ["x 1.0", "y 1.0"]
    assert verdict_of(world, "x") is verdict_of(world, "y") is Verdict.REFUSED
    refused = Verdict.REFUSED
    assert sorted(emails(world)) == [
        ("", "", refused),
        ("", "y", refused),
        ("jo@example.com", "x", refused),
    ]
    record = world.records.package(Origin.PYPI, "base", "1.0")
    assert record is not None
    assert record.withdrawn_at is not None
    # Nothing is resolved, fetched, scanned or published.
    assert {call.split()[0] for call in world.calls} == {"ask", "withdraw", "email"}
    assert names(world.reevaluate()) == ([], [])  # and sees that it is gone
    world.calls.clear()
    assert names(world.reevaluate()) == ([], [])
    assert {call.split()[0] for call in world.calls} == {"ask"}


def test_what_the_policy_lets_through_is_no_matter(world: World) -> None:
    world.advisories["base"] = [SMALL_HOLE]
    assert names(world.reevaluate()) == ([], [])


def test_a_vulnerability_is_told_first_and_withdrawn_when_its_grace_is_over(world: World) -> None:
    world.policy = Policy(reevaluate=Reevaluate(grace_days=7))
    world.run(request("x", "jo@example.com"), request("y"))  # by this policy
    world.advisories["x"] = [HOLE]
    outcome = world.reevaluate()
    assert names(outcome) == ([], ["x"])
    assert outcome.reported[0].due == date(2026, 6, 8)
    approved = Verdict.APPROVED
    assert emails(world) == [("jo@example.com", "x", approved), ("", "", approved)]
    assert "From 2026-06-08 on it is refused" in world.emails[0].body
    later(world, 6)
    assert names(world.reevaluate()) == ([], ["x"])
    assert len(world.emails) == 2  # told once
    assert "x 1.0" in world.published
    later(world, 1)
    assert names(world.reevaluate()) == (["x"], [])
    assert "x 1.0" not in world.published
    assert verdict_of(world, "x") is Verdict.REFUSED


def test_a_new_finding_is_told_and_gives_no_new_grace(world: World) -> None:
    world.policy = Policy(reevaluate=Reevaluate(grace_days=7))
    world.run(request("x", "jo@example.com"))
    world.advisories["x"] = [HOLE]
    world.reevaluate()
    later(world, 6)
    world.advisories["x"] = [HOLE, OTHER_HOLE]
    assert world.reevaluate().reported[0].due == date(2026, 6, 8)
    assert [to for to, _, _ in emails(world)] == ["jo@example.com", ""] * 2


def test_malware_has_no_grace(world: World) -> None:
    world.policy = Policy(reevaluate=Reevaluate(vulnerabilities="report"))
    world.run(request("x", "jo@example.com"), request("y"))
    world.advisories |= {"x": [MALWARE], "y": [HOLE]}
    assert names(world.reevaluate()) == (["x"], ["y"])
    assert sorted(world.published) == ["base 1.0", "y 1.0"]
    later(world, 300)
    assert names(world.reevaluate()) == ([], ["y"])


def test_what_one_request_needs_is_decided_together(world: World) -> None:
    world.policy = Policy(reevaluate=Reevaluate(grace_days=7))
    world.run(request("x", "jo@example.com"), request("y"))
    world.advisories |= {"x": [MALWARE], "base": [HOLE]}
    # With `x` `base` is decided, so `y`, which needs it, must not stay approved.
    assert names(world.reevaluate()) == (["base", "x"], [])
    assert list(world.published) == ["y 1.0"]
    assert verdict_of(world, "y") is Verdict.REFUSED


def test_nothing_is_ever_approved(world: World) -> None:
    world.advisories["x"] = [HOLE]
    world.reevaluate()
    world.advisories.clear()
    world.calls.clear()
    assert names(world.reevaluate()) == ([], [])
    assert verdict_of(world, "x") is Verdict.REFUSED
    assert "x 1.0" not in world.published


def test_a_waiver_that_ended_takes_what_it_let_through(tmp_path: Path) -> None:
    waiver = WaiverEntry("x", "PYSEC-1", date(2026, 6, 10), "Jo Example", "Not reachable here.")
    policy = Policy(waivers=(waiver,))
    world = World(tmp_path, policy=policy, advisories={"x": [HOLE]})
    world.run(request("x", "jo@example.com"))
    assert names(world.reevaluate()) == ([], [])
    later(world, 10)
    assert names(world.reevaluate()) == (["x"], [])  # that it would end was known
    assert world.published == {}


def test_a_policy_that_became_stricter_holds_for_what_is_approved(world: World) -> None:
    world.findings["z"] = [Finding("malware", "steals", Kind.MALWARE, Severity.MEDIUM, "May.")]
    world.run(request("z"))
    world.policy = replace_refuse(AT_ONCE)
    assert names(world.reevaluate()) == (["z"], [])
    assert "z 1.0" not in world.published


def replace_refuse(policy: Policy) -> Policy:
    return Policy(refuse=type(policy.refuse)(malware="medium"), reevaluate=policy.reevaluate)


def test_an_archive_is_judged_by_what_it_holds(tmp_path: Path) -> None:
    world = World(tmp_path, policy=AT_ONCE)
    place = (Location("requirements.txt", 1),)
    world.components["tool"] = (Component("idna", "3.6", held=False, locations=place, count=1),)
    world.run(archive("tool"))
    world.advisories["idna"] = [HOLE]
    outcome = world.reevaluate()
    assert names(outcome) == (["tool"], [])
    assert world.published == {}
    assert "fetch tool" not in world.calls[world.calls.index("ask idna", 2) :]


def test_what_no_approved_request_needs_is_withdrawn_as_well(world: World) -> None:
    world.advisories["x"] = [HOLE]
    world.reevaluate()  # `base` stays published, for `y`
    world.advisories["y"] = [HOLE]
    world.reevaluate()
    assert list(world.published) == ["base 1.0"]
    world.advisories["base"] = [MALWARE]
    assert names(world.reevaluate()) == (["base"], [])
    assert world.published == {}


def test_too_many_at_once_wait_for_somebody(world: World) -> None:
    world.policy = Policy(reevaluate=Reevaluate(grace_days=0, most_withdrawals=1))
    world.run(request("x", "jo@example.com"), request("y"))
    world.advisories |= {"x": [MALWARE], "y": [MALWARE]}
    outcome = world.reevaluate()
    assert names(outcome) == ([], ["x", "y"])
    assert outcome.run.unfinished
    assert "--confirm 2" in outcome.run.warnings[0]
    assert len(world.published) == 3
    assert names(world.reevaluate(confirmed=1)) == ([], ["x", "y"])  # it is more than that
    assert names(world.reevaluate(confirmed=2)) == (["x", "y"], [])
    assert list(world.published) == ["base 1.0"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"advisory_date": "2026-05-30"}, "are of 2026-05-30, older than at the last"),
        ({"advisory_entries": 890}, "are 890 records, and were 1000"),
        ({"advisory_entries": 0}, "are 0 records, and were 1000"),
    ],
)
def test_advisories_that_look_broken_withdraw_nothing(
    world: World, change: dict[str, str | int], says: str
) -> None:
    world.advisory_date, world.advisory_entries = "2026-05-31", 1000
    world.reevaluate()
    for name, value in change.items():
        setattr(world, name, value)
    world.advisories["x"] = [MALWARE]
    outcome = world.reevaluate()
    assert names(outcome) == ([], ["x"])
    assert outcome.run.unfinished
    assert says in outcome.run.warnings[0]
    assert names(world.reevaluate()) == ([], ["x"])  # nor the next time
    assert names(world.reevaluate(confirmed=1)) == (["x"], [])
    world.advisories["y"] = [MALWARE]
    assert names(world.reevaluate()) == (["y"], [])  # somebody has said that they are right


def test_advisories_that_lose_a_few_are_believed(world: World) -> None:
    world.advisory_entries = 1000
    world.reevaluate()
    world.advisory_entries = 910
    world.advisories["x"] = [MALWARE]
    assert names(world.reevaluate()) == (["x"], [])


def test_old_advisories_are_named_and_too_old_ones_leave_it_unfinished(world: World) -> None:
    world.advisory_date = "2026-05-20"
    outcome = world.reevaluate()
    assert "12 days old" in outcome.run.warnings[0]
    assert not outcome.run.unfinished
    later(world, 30)
    assert world.reevaluate().run.unfinished


def test_old_advisories_are_named_once_and_first_when_something_is_decided_again(
    world: World,
) -> None:
    world.advisory_date = "2026-05-20"
    world.advisories["x"] = [MALWARE]
    warnings = world.reevaluate().run.warnings
    assert "12 days old" in warnings[0]
    assert sum("days old" in each for each in warnings) == 1


def test_a_source_that_does_not_answer_withdraws_nothing_and_is_named(world: World) -> None:
    world.advisory_error = "it is down"
    outcome = world.reevaluate()
    assert names(outcome) == ([], [])
    assert outcome.run.unfinished
    assert "it is down" in outcome.run.warnings[0]
    assert len(world.published) == 3


def test_what_is_doubted_is_told_to_its_requesters_once(world: World) -> None:
    world.advisory_entries = 1000
    world.reevaluate()
    world.advisory_entries = 10
    world.advisories["x"] = [MALWARE]
    for _ in range(2):
        assert names(world.reevaluate()) == ([], ["x"])
    # InfoSec is told each time: somebody must look.
    assert [to for to, _, _ in emails(world)] == ["jo@example.com", "", ""]


def test_what_is_approved_again_is_restored_and_neither_fetched_nor_published_anew(
    world: World,
) -> None:
    world.advisories["base"] = [HOLE]
    world.reevaluate()
    assert list(world.hidden) == ["base 1.0"]
    record = world.records.package(Origin.PYPI, "base", "1.0")
    assert record is not None
    assert record.withdrawn_by_gate
    world.advisories.clear()
    world.calls.clear()
    world.kill_at = "restore base"
    with pytest.raises(Killed):
        world.run(request("x", "jo@example.com"), rescan=True)
    world.kill_at = ""
    world.run(request("x", "jo@example.com"))
    assert world.published.keys() == {"x 1.0", "y 1.0", "base 1.0"}
    assert "publish base" not in world.calls
    record = world.records.package(Origin.PYPI, "base", "1.0")
    assert record is not None
    assert (record.withdrawn_by_gate, record.withdrawn_at) == (False, None)
    assert record.published_to


def test_malware_does_not_come_back_from_where_it_was(world: World) -> None:
    world.advisories["base"] = [MALWARE]
    world.reevaluate()
    assert world.hidden == {}
    world.advisories.clear()
    world.run(request("x", "jo@example.com"), rescan=True)
    assert "publish base" in world.calls
    assert "base 1.0" in world.published


def test_what_somebody_has_hidden_before_is_not_restored(world: World) -> None:
    world.hidden["base 1.0"] = world.published.pop("base 1.0")
    world.advisories["base"] = [HOLE]
    world.reevaluate()
    record = world.records.package(Origin.PYPI, "base", "1.0")
    assert record is not None
    assert record.withdrawn_at
    assert not record.withdrawn_by_gate
    world.advisories.clear()
    world.run(request("x", "jo@example.com"), rescan=True)
    assert "restore base" not in world.calls


def test_report_only_withdraws_nothing(world: World) -> None:
    world.advisories["x"] = [MALWARE]
    assert names(world.reevaluate(report_only=True)) == ([], ["x"])
    assert len(world.published) == 3


@pytest.mark.parametrize("moment", ["withdraw base", "email x", "email y", "email "])
def test_after_a_kill_the_next_one_finishes(world: World, moment: str) -> None:
    world.advisories["base"] = [HOLE]
    world.kill_at = moment
    with pytest.raises(Killed):
        world.reevaluate()
    world.kill_at = ""
    world.reevaluate()
    assert sorted(world.published) == ["x 1.0", "y 1.0"]
    assert verdict_of(world, "x") is verdict_of(world, "y") is Verdict.REFUSED
    assert {(to, package) for to, package, _ in emails(world)} >= {
        ("jo@example.com", "x"),
        ("", "y"),
    }


def test_a_withdrawal_that_fails_is_named_and_tried_again(world: World) -> None:
    world.advisories["base"] = [HOLE]
    world.publish_errors["base"] = PublishError("no network")
    assert world.reevaluate().run.unfinished
    assert "base 1.0" in world.published
    world.publish_errors.clear()
    world.reevaluate()
    assert "base 1.0" not in world.published


def test_an_email_that_fails_is_sent_by_the_next_one(world: World) -> None:
    world.policy = Policy(reevaluate=Reevaluate(grace_days=7))
    world.run(request("x", "jo@example.com"), request("y"))
    world.advisories["x"] = [HOLE]
    world.email_error = NotifyError("throttled")
    assert world.reevaluate().run.unfinished
    world.email_error = None
    world.reevaluate()
    assert [to for to, _, _ in emails(world)] == ["jo@example.com", ""]


def test_a_record_that_cant_be_read_is_named_and_the_others_are_judged(world: World) -> None:
    world.advisories["base"] = [HOLE]
    record = world.folder / "decisions" / "packages" / "pypi" / "x" / "1.0.json"
    record.write_bytes(record.read_bytes()[:-9])
    world.advisories["x"] = [HOLE]
    outcome = world.reevaluate()
    assert outcome.run.unfinished
    assert any("x/1.0.json is damaged" in each for each in outcome.run.warnings)
    assert "base 1.0" not in world.published
