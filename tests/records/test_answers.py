"""What the records answer: who asked, what was found, by what it was judged, what it hits."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from package_gate.core.answers import Story
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.policy import Policy, Reevaluate, WaiverEntry
from package_gate.core.request_file import RequestFile
from package_gate.pipeline.assembly import Options
from package_gate.records.answers import ADVISORY, Answers
from tests.gate_parts import World, request

HOLE = Finding(
    "osv", "PYSEC-2026-1", Kind.VULNERABILITY, Severity.HIGH, "A hole.", aliases=("CVE-2026-11",)
)
BY_CVE = replace(HOLE, rule="CVE-2026-11", aliases=("GHSA-aaaa-bbbb-cccc",))
X = request("x", "jo@example.com")
FIRST = Policy(reevaluate=Reevaluate(grace_days=0))
WAIVED = Policy(
    reevaluate=Reevaluate(grace_days=0),
    waivers=(
        WaiverEntry(
            package="base",
            finding="PYSEC-2026-1",
            expires=date(2026, 12, 31),
            approved_by="InfoSec",
            reason="Not reachable.",
        ),
    ),
)
DAY_1, DAY_10, DAY_20, DAY_30 = (date(2026, 6, day) for day in (1, 10, 20, 30))


def on_day(world: World, day: date) -> None:
    world.now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def run(world: World, text: str = "") -> None:
    with world.gate(Options(policy_text=text)) as gate:
        gate.run(RequestFile((X,), ()))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One in which `base` was approved, withdrawn for a hole, and approved again by a waiver."""
    made = World(tmp_path_factory.mktemp("world"), policy=FIRST, closures={"x": ["x", "base"]})
    made.folder.mkdir(exist_ok=True)
    on_day(made, DAY_1)
    run(made, "# the first\n")
    on_day(made, DAY_10)
    made.advisories["base"] = [HOLE]
    made.reevaluate()
    on_day(made, DAY_20)
    made.policy = WAIVED
    run(made, "# with a waiver\n")
    return made


def story(world: World, on: date | None = None) -> Story:
    [found] = Answers(world.records).explain("Base", "1", on).stories
    return found


def test_the_story_is_told_as_it_was(world: World) -> None:
    told = story(world)
    assert [(e.at.date(), e.what.partition(":")[0].partition(" to ")[0]) for e in told.events] == [
        (DAY_1, "decided"), (DAY_1, "published"),
        (DAY_10, "decided"), (DAY_10, "withdrawn from the repository by the gate."),
        (DAY_20, "decided"), (DAY_20, "published"),
    ]  # fmt: skip
    assert told.state == "approved"
    assert told.decision.may_be_published
    [waived] = [item.waiver for item in told.decision.findings]
    assert waived is not None
    assert waived.approved_by == "InfoSec"
    [asker] = told.askers
    assert (asker.name, asker.requesters, asker.needs) == ("x", ("jo@example.com",), True)


def test_the_texts_of_its_policies_are_kept(world: World) -> None:
    assert story(world).policies == {
        FIRST.digest: "# the first\n", WAIVED.digest: "# with a waiver\n",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("on", "state", "data", "installable"),
    [
        (DAY_1, "approved", "2026-06-01", True),
        (date(2026, 6, 9), "approved", "2026-06-01", True),
        (DAY_10, "withdrawn", "2026-06-10", False),
        (DAY_20, "approved", "2026-06-20", True),
        (DAY_30, "approved", "2026-06-20", True),
    ],
)
def test_a_past_day_is_told_as_it_stood(
    world: World, on: date, state: str, data: str, installable: bool
) -> None:
    told = story(world, on)
    assert (told.state, told.decision.may_be_published, told.inexact) == (state, installable, "")
    assert [s.data_date for s in told.decision.scanners if s.name == "osv"] == [data]
    assert [asker.state for asker in told.askers] == [
        "refused" if state == "withdrawn" else "approved"
    ]


def test_before_the_first_decision_nothing_was_on_record(world: World) -> None:
    answer = Answers(world.records).explain("base", "", date(2026, 5, 31))
    assert not answer.on_record
    assert answer.later == ("1.0 (first decided on 2026-06-01)",)


def test_judgements_with_the_same_verdict_are_kept_in_short(tmp_path: Path) -> None:
    world = World(tmp_path, policy=WAIVED, advisories={"base": [HOLE]})
    world.closures = {"x": ["base"]}
    on_day(world, DAY_1)
    run(world)
    on_day(world, DAY_10)
    world.policy = Policy(waivers=(*WAIVED.waivers, *FIRST.waivers))
    world.advisories = {}
    run(world)
    told = story(world, DAY_1)
    assert "judged again since" in told.inexact
    assert "Waived then: PYSEC-2026-1" in told.inexact
    assert told.decision.policy_digest == WAIVED.digest
    assert [s.data_date for s in told.decision.scanners if s.name == "osv"] == ["2026-06-01"]
    assert story(world, DAY_10).inexact == ""


def test_what_is_approved_again_can_be_withdrawn_again(world: World, tmp_path: Path) -> None:
    del world  # the same in a world of its own, which changes
    own = World(tmp_path, policy=FIRST, closures={"x": ["base"]})
    run(own)
    own.advisories["base"] = [HOLE]
    own.reevaluate()
    own.policy = WAIVED
    run(own)
    assert own.published
    own.advisories["base"] = [replace(HOLE, rule="PYSEC-2026-2", aliases=())]
    outcome = own.reevaluate()
    assert [hit.decision.name for hit in outcome.decided] == ["base"]
    assert own.published == {}


@pytest.mark.parametrize(
    "asked", ["PYSEC-2026-1", "pysec-2026-1", "CVE-2026-11", "GHSA-aaaa-bbbb-cccc"]
)
def test_an_advisory_is_known_by_all_its_names(tmp_path: Path, asked: str) -> None:
    """One source knows the CVE by one alias, another by another."""
    world = World(tmp_path, closures={"x": ["x", "one", "two"]})
    world.advisories = {"one": [HOLE], "two": [BY_CVE]}
    world.run(X)
    hits = Answers(world.records).affected_by(asked)
    assert [each.decision.name for each in hits.affected] == ["one", "two"]
    assert not hits.any_installable
    assert {asker.requesters for each in hits.affected for asker in each.askers} == {
        ("jo@example.com",)
    }
    assert set(hits.names) >= {"PYSEC-2026-1", "CVE-2026-11", "GHSA-aaaa-bbbb-cccc"}


def test_what_arrived_since_hits_what_is_approved(tmp_path: Path) -> None:
    world = World(tmp_path, closures={"x": ["x", "base"]})
    world.run(X)
    world.advisories["base"] = [HOLE]
    world.now += timedelta(days=1)
    world.reevaluate()  # within its days of grace
    hits = Answers(world.records).affected_by("CVE-2026-11")
    [affected] = hits.affected
    assert hits.any_installable
    assert affected.findings == ("CVE-2026-11, PYSEC-2026-1: reported since it was approved",) or (
        affected.findings == ("CVE-2026-11: reported since it was approved",)
    )


def test_a_name_hits_its_versions_and_a_stranger_nothing(world: World) -> None:
    hits = Answers(world.records).affected_by("BASE")
    assert [(e.decision.version, e.installable) for e in hits.affected] == [("1.0", True)]
    assert hits.affected[0].findings == ("PYSEC-2026-1: high, waived until 2026-12-31 by InfoSec",)
    for stranger in ("nobody", "CVE-1999-1", "../../etc"):
        assert not Answers(world.records).affected_by(stranger).affected


def test_a_request_of_which_no_package_is_known_is_told(tmp_path: Path) -> None:
    from package_gate.core.errors import SourceError

    world = World(tmp_path, resolve_errors={"x": SourceError("The index is away.")})
    world.run(X)
    answer = Answers(world.records).explain("X", "", None)
    assert [(asker.name, asker.state) for asker in answer.undecided] == [("x", "undecided")]


def test_a_damaged_record_is_named_and_the_rest_told(world: World, tmp_path: Path) -> None:
    own = World(tmp_path, closures={"x": ["x", "base"]})
    own.run(X)
    (tmp_path / "decisions/packages/pypi/x/1.0.json").write_text("{")
    answer = Answers(own.records).explain("x", "", None)
    assert answer.stories == ()
    assert "packages/pypi/x/1.0.json is damaged" in answer.unreadable[0]


@pytest.mark.parametrize("name", ["cve", "ghsa-parser", "pysec", "snyk", "mal-2", "osv-2"])
def test_names_of_packages_are_no_advisories(name: str) -> None:
    assert ADVISORY.fullmatch(name) is None
