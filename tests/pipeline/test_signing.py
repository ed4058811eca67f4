"""Verdicts are signed where they are recorded, and a withdrawal beats a signature."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.artifact import Origin
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.errors import PublishError, SigningError
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.policy import Policy, Reevaluate
from tests.attestations.signed import attestor
from tests.gate_parts import Killed, World, request

HOLE = Finding("osv", "PYSEC-1", Kind.VULNERABILITY, Severity.HIGH, "A hole.", "Use 2.0.")
AT_ONCE = Policy(reevaluate=Reevaluate(grace_days=0))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One that signs."""
    return World(tmp_path, policy=AT_ONCE, attestor=attestor(tmp_path))


def record(world: World, name: str) -> PackageDecision:
    found = world.records.package(Origin.PYPI, name, "1.0")
    assert found is not None
    return found


def standing(world: World) -> Any:
    """Give the last standing list."""
    envelope = json.loads(world.standing_lists[-1])
    return json.loads(base64.b64decode(envelope["payload"]))


def withdrawn(world: World) -> list[str]:
    return [each["package"] for each in standing(world)["withdrawn"]]


def digest(world: World, name: str) -> str:
    return record(world, name).artifacts[0].sha256


class Broken:
    """A signer that can't."""

    public_key, key_id = "", "00"

    def sign(self, message: bytes) -> bytes:
        raise SigningError("no key")


def break_signer(world: World) -> None:
    assert world.attestor is not None
    world.attestor = replace(world.attestor, signer=Broken())


def test_every_decision_is_signed_and_an_approval_beside_the_package(world: World) -> None:
    assert world.attestor is not None
    world.advisories["bad"] = [HOLE]
    world.run(request("x"), request("bad"))
    for name, verdict in (("x", Verdict.APPROVED), ("bad", Verdict.REFUSED)):
        assert record(world, name).verdict is verdict
        assert world.attestor.holds(record(world, name))
    attestation = record(world, "x").attestation
    assert attestation is not None
    assert world.statements == {"x 1.0": attestation.content}
    assert withdrawn(world) == []  # it was never approved


def test_without_a_signer_nothing_is_signed_and_nothing_is_listed(world: World) -> None:
    world.attestor = None
    world.run(request("x"))
    assert record(world, "x").attestation is None
    assert (world.statements, world.standing_lists) == ({}, [])


def test_a_dry_run_signs_nothing(world: World) -> None:
    world.run(request("x"), dry_run=True)
    assert (world.statements, world.standing_lists) == ({}, [])


def test_what_cannot_be_signed_is_not_approved_and_the_next_run_makes_up_for_it(
    world: World,
) -> None:
    good = world.attestor
    break_signer(world)
    run = world.run(request("x"))
    assert run.outcomes[0].decision.verdict is Verdict.UNDECIDED
    assert "could not be signed: no key" in run.outcomes[0].decision.reasons[0]
    assert world.published == {}
    world.attestor = good
    assert world.run(request("x")).outcomes[0].decision.verdict is Verdict.APPROVED
    assert "x 1.0" in world.statements


def test_a_refusal_that_cannot_be_signed_stands_and_is_signed_by_the_next_run(
    world: World,
) -> None:
    good = world.attestor
    world.advisories["bad"] = [HOLE]
    break_signer(world)
    run = world.run(request("bad"))
    assert run.outcomes[0].decision.verdict is Verdict.REFUSED
    assert run.unfinished
    assert any("could not be signed" in warning for warning in run.warnings)
    world.attestor = good
    assert not world.run(request("bad")).unfinished
    assert good is not None
    assert good.holds(record(world, "bad"))


@pytest.mark.parametrize("again", ["a run", "a re-evaluation"])
@pytest.mark.parametrize("how", ["broken", "forgotten"])
def test_a_withdrawal_that_cannot_be_signed_takes_place_all_the_same(
    world: World, how: str, again: str
) -> None:
    good = world.attestor
    world.run(request("x"))
    world.advisories["x"] = [HOLE]
    if how == "broken":
        break_signer(world)
    else:
        world.attestor = None
    assert world.reevaluate().run.unfinished
    assert world.run(request("y")).unfinished
    assert "x 1.0" not in world.published
    world.attestor = good
    assert not (world.reevaluate().run if again != "a run" else world.run(request("y"))).unfinished
    assert withdrawn(world) == ["x 1.0"]


def test_a_statement_that_cannot_be_put_beside_the_package_leaves_it_undecided(
    world: World,
) -> None:
    world.attest_errors["x"] = PublishError("no place")
    run = world.run(request("x"))
    assert run.outcomes[0].decision.verdict is Verdict.UNDECIDED
    assert "not published yet: no place" in run.outcomes[0].decision.reasons[0]
    world.attest_errors.clear()
    assert world.run(request("x")).outcomes[0].decision.verdict is Verdict.APPROVED
    assert "x 1.0" in world.statements


def test_what_a_re_evaluation_refuses_is_listed_with_the_date_of_its_advisories(
    world: World,
) -> None:
    world.run(request("x"), request("y"))
    assert standing(world)["advisories"][0]["date"] == "2026-06-01"
    world.advisories["x"] = [HOLE]
    world.now += timedelta(days=9)
    world.reevaluate()
    assert standing(world)["withdrawn"][0]["sha256"] == digest(world, "x")
    assert withdrawn(world) == ["x 1.0"]
    assert standing(world)["issued"][:10] == "2026-06-10"
    assert standing(world)["validUntil"][:10] == "2026-06-17"
    assert standing(world)["advisories"][0]["date"] == "2026-06-10"
    world.run(request("y"))  # judges nothing again, so the advisories are as old as they were
    world.now += timedelta(days=1)
    world.run(request("y"))
    assert withdrawn(world) == ["x 1.0"]
    assert standing(world)["advisories"][0]["date"] == "2026-06-10"
    assert standing(world)["issued"][:10] == "2026-06-11"


def test_advisories_that_are_doubted_leave_the_date_as_it_was(world: World) -> None:
    world.run(request("x"))
    world.now += timedelta(days=2)
    world.reevaluate()
    world.advisory_date = "2026-05-01"
    world.now += timedelta(days=1)
    world.reevaluate()
    assert standing(world)["advisories"][0]["date"] == "2026-06-03"


def test_what_is_approved_again_leaves_the_list(world: World) -> None:
    world.run(request("x"))
    world.advisories["x"] = [HOLE]
    world.reevaluate()
    assert withdrawn(world) == ["x 1.0"]
    world.advisories.clear()
    run = world.run(request("x"), rescan=True)
    assert run.outcomes[0].decision.verdict is Verdict.APPROVED
    assert withdrawn(world) == []


def test_what_was_approved_and_never_published_is_listed_too(world: World) -> None:
    world.publish_errors["x"] = PublishError("full")
    world.run(request("x"))
    assert record(world, "x").verdict is Verdict.APPROVED
    world.advisories["x"] = [HOLE]
    world.run(request("x"), rescan=True)
    assert withdrawn(world) == ["x 1.0"]


@pytest.mark.parametrize("call", ["attest x", "published x", "post", "offer x", "email x"])
def test_a_kill_at_any_step_leaves_nothing_unsigned(world: World, call: str) -> None:
    assert world.attestor is not None
    world.kill_at = call
    with pytest.raises(Killed):
        world.run(request("x"))
    world.kill_at = ""
    run = world.run(request("x"))
    assert run.outcomes[0].decision.verdict is Verdict.APPROVED
    assert not run.unfinished
    assert world.attestor.holds(record(world, "x"))
    assert world.statements.keys() == world.published.keys() == {"x 1.0"}
    assert withdrawn(world) == []


@pytest.mark.parametrize("call", ["withdraw x", "post", "email x"])
def test_a_kill_amid_a_withdrawal_never_leaves_it_off_the_list(world: World, call: str) -> None:
    world.run(request("x"))
    world.advisories["x"] = [HOLE]
    world.kill_at = call
    with pytest.raises(Killed):
        world.reevaluate()
    world.kill_at = ""
    world.run(request("y"))
    world.run(request("y"))
    assert "x 1.0" not in world.published
    assert withdrawn(world) == ["x 1.0"]


def test_a_new_key_signs_all_that_stands_and_replaces_what_stands_beside_packages(
    world: World, tmp_path: Path
) -> None:
    world.advisories["bad"] = [HOLE]
    world.run(request("x"), request("bad"))
    before = dict(world.statements)
    world.attestor = attestor(tmp_path, "new.pem")
    world.attest_errors["x"] = PublishError("out of reach")
    assert world.run(request("x")).unfinished
    world.attest_errors.clear()
    world.calls.clear()
    assert not world.run(request("x")).unfinished
    assert world.calls == ["attest x", "post"]
    for name in ("x", "bad"):
        assert world.attestor.holds(record(world, name))
    assert world.statements.keys() == before.keys()
    assert world.statements != before
    world.calls.clear()
    world.run(request("x"))
    assert world.calls == ["post"]


def test_what_was_decided_without_a_signer_is_signed_once_there_is_one(world: World) -> None:
    signer, world.attestor = world.attestor, None
    world.run(request("x"))
    world.attestor = signer
    world.run(request("x"))
    assert signer is not None
    assert signer.holds(record(world, "x"))
    assert "x 1.0" in world.statements


def test_a_changed_policy_signs_again_and_leaves_the_statement_beside_the_package(
    world: World,
) -> None:
    world.run(request("x"))
    world.policy = Policy()
    world.calls.clear()
    world.run(request("x"))
    assert world.attestor is not None
    assert world.attestor.holds(record(world, "x"))
    assert "attest x" not in world.calls
