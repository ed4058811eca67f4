"""Records that somebody has edited, and a clock that somebody has set back."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.decision import Verdict
from package_gate.core.errors import SourceError
from package_gate.core.finding import Finding, Kind, Severity
from tests.gate_parts import World, request

BAD = Finding("malware", "steals", Kind.MALWARE, Severity.HIGH, "It steals.")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def edit(world: World, kind: str, **changes: Any) -> None:
    """Change the one record of a kind by hand."""
    (path,) = [p for p in world.folder.rglob("*.json") if f"/{kind}/" in p.as_posix()]
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def verdict(world: World, **options: bool) -> Verdict:
    (outcome,) = world.run(request("x"), **options).outcomes
    return outcome.decision.verdict


def test_a_refusal_edited_to_an_approval_publishes_nothing_that_was_not_scanned(
    world: World,
) -> None:
    world.findings["x"] = [BAD]
    assert verdict(world) is Verdict.REFUSED
    edit(world, "requests", verdict="undecided")  # so that it is looked at again
    edit(world, "packages", verdict="approved", artifacts=[], scanners=[], findings=[])

    assert verdict(world) is Verdict.REFUSED
    assert world.published == {}


def test_evidence_does_not_stand_without_all_scanners(world: World) -> None:
    verdict(world)
    world.findings["x"] = [BAD]
    edit(world, "requests", verdict="undecided")
    edit(world, "evidence", scans=[])

    assert verdict(world) is Verdict.REFUSED
    assert world.published == {}


def test_an_approval_does_not_stand_for_other_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict(world)
    world.published.clear()
    world.findings["x"] = [BAD]
    edit(world, "requests", verdict="undecided")
    edit(world, "packages", published_to="", published_at=None)
    monkeypatch.setattr(World, "content", lambda _self, filename: f"other {filename}".encode())

    assert verdict(world) is Verdict.REFUSED
    assert world.published == {}


def test_an_approval_of_files_that_cannot_be_had_publishes_nothing(world: World) -> None:
    verdict(world)
    world.published.clear()
    edit(world, "requests", verdict="undecided")
    other = {"filename": "x-1.0-py3-none-any.whl", "sha256": "0" * 64, "size": 1}
    edit(world, "packages", artifacts=[other], published_to="", published_at=None)
    world.fetch_errors["x"] = SourceError("404")

    assert verdict(world) is Verdict.UNDECIDED
    assert world.published == {}


@pytest.mark.parametrize(
    "change",
    [{"name": "y"}, {"verdict": "waived"}, {"findings": "none"}, {"decided_at": "yesterday"}],
    ids=lambda change: next(iter(change)),
)
def test_a_record_that_no_gate_writes_leaves_its_request_undecided(
    world: World, change: dict[str, Any]
) -> None:
    verdict(world)
    edit(world, "requests", verdict="undecided")
    edit(world, "packages", **change)

    assert verdict(world) is Verdict.UNDECIDED


def test_a_rescan_decides_again_although_the_clock_was_set_back(world: World) -> None:
    assert verdict(world) is Verdict.APPROVED
    world.now -= timedelta(days=30)
    world.findings["x"] = [BAD]

    assert verdict(world, rescan=True) is Verdict.REFUSED
    assert world.published == {}


def test_a_clock_that_was_set_back_makes_the_cooldown_longer_and_never_shorter(
    world: World,
) -> None:
    world.uploaded["x"] = world.now - timedelta(days=8)
    world.now -= timedelta(days=30)

    assert verdict(world) is Verdict.UNDECIDED
    assert world.published == {}
