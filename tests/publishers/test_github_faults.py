"""The GitHub publisher against a real git server: other people's work, races and faults."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from package_gate.core.errors import PublishError
from tests.fakes.git_server import Fault
from tests.publishers.github_world import (
    SAMPLE,
    World,
    github_world,
    published,
    pypi_request,
    wheel,
)

PUSH = "POST /organisation/packages.git/git-receive-pack"
FETCH = "POST /organisation/packages.git/git-upload-pack"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with github_world(tmp_path) as running:
        yield running


def test_a_branch_of_somebody_else_is_left_alone(world: World) -> None:
    by_hand = world.somebody_pushes("main")

    with pytest.raises(PublishError, match=rf"Commit {by_hand} on branch main .* not the gate's"):
        world.publisher().publish(world.archive("main", SAMPLE))
    assert world.git("rev-parse", "main").strip() == by_hand


def test_somebody_elses_commit_on_a_branch_of_the_gate_is_left_alone(world: World) -> None:
    world.publisher().publish(world.archive("sample", SAMPLE))
    by_hand = world.somebody_pushes("sample")

    with pytest.raises(PublishError, match="not the gate's"):
        world.publisher().publish(world.archive("sample", {"top/new.py": b""}))
    assert world.git("rev-parse", "sample").strip() == by_hand


@pytest.mark.parametrize("moment", ["GET", "POST"])
def test_a_push_that_loses_a_race_is_made_again_on_the_new_tip(world: World, moment: str) -> None:
    first = world.archive("sample", {"top/first.py": b""})
    second = world.archive("sample", {"top/second.py": b""})
    publisher = world.publisher()

    def meanwhile() -> None:
        publisher.publish(second)

    part = "info/refs?service=git-receive-pack" if moment == "GET" else "git-receive-pack"
    world.server.faults.append(
        Fault(f"{moment} /organisation/packages.git/{part}", before=meanwhile)
    )
    publisher.publish(first)

    assert world.commits("sample") == 2
    assert world.files("sample") == [".packages/sample.zip", "first.py"]
    assert "second.py" in world.git("ls-tree", "-r", "--name-only", "sample~1")


def test_two_runs_that_publish_the_same_make_one_commit(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    world.server.faults.append(
        Fault(PUSH, before=lambda: _ignore(world.publisher().publish(alpha)))
    )

    world.publisher().publish(alpha)

    assert world.commits("pypi-packages/alpha/1.0") == 1


def _ignore(_: object) -> None:
    pass


def test_a_branch_that_never_stands_still_is_given_up(world: World) -> None:
    def meanwhile() -> None:
        world.somebody_pushes("sample", "Another run\n\nPackage-Gate: published")

    world.server.faults.append(Fault(PUSH, before=meanwhile, times=99))

    with pytest.raises(PublishError, match="kept moving"):
        world.publisher().publish(world.archive("sample", SAMPLE))
    assert world.commits("sample") == 4


def test_a_request_that_differs_in_case_only_is_refused(world: World) -> None:
    world.publisher().publish(world.archive("sample", SAMPLE))

    with pytest.raises(PublishError, match="can't stand beside branch sample"):
        world.publisher().publish(world.archive("Sample", SAMPLE))


def test_a_branch_in_the_way_is_named(world: World) -> None:
    world.somebody_pushes("pypi")
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    world.publisher().publish(alpha)

    with pytest.raises(PublishError, match=r"pypi/alpha can't stand beside branch pypi of"):
        world.publisher().offer(pypi_request("alpha", "alpha"), [published(alpha)])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("", status=403, times=99), "may not write to organisation/packages"),
        (Fault("", status=404, times=99), "no repository organisation/packages"),
        (Fault("", status=500, times=99), r"can't be reached.*The next run tries again"),
        (Fault("", reset_before=True, times=99), r"can't be reached.*The next run tries again"),
        (Fault(PUSH, status=403, times=99), "may not write to organisation/packages"),
        (Fault(PUSH, status=500, times=99), r"can't be reached.*The next run tries again"),
    ],
)
def test_a_fault_of_the_server_is_told_with_what_to_do(
    world: World, fault: Fault, message: str
) -> None:
    world.server.faults.append(fault)

    with pytest.raises(PublishError, match=message):
        world.publisher().publish(world.archive("sample", SAMPLE))
    assert world.git("for-each-ref") == ""


def test_a_token_that_is_not_accepted_is_told_with_what_to_do(world: World) -> None:
    with pytest.raises(PublishError, match=r"does not accept the token\. Check that"):
        world.publisher(token="expired").publish(world.archive("sample", SAMPLE))


@pytest.mark.parametrize("hook", ["protected branch hook declined", "GH013: rule violations"])
def test_a_protected_branch_is_told_with_what_to_do(world: World, hook: str) -> None:
    script = world.repository / "hooks" / "pre-receive"
    script.write_text(f"#!/bin/sh\necho '{hook}' >&2\nexit 1\n")

    with pytest.raises(PublishError, match=f"branch protection or ruleset.*{hook}"):
        world.publisher().publish(world.archive("sample", SAMPLE))
    assert world.pushes() == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("", status=502),
        Fault(FETCH, reset_before=True),
        Fault(PUSH, status=503),
        Fault(PUSH, reset_before=True),
        Fault(PUSH, reset_after=True),
    ],
)
def test_a_passing_fault_does_not_stop_the_publication(world: World, fault: Fault) -> None:
    world.somebody_pushes("sample", "Earlier\n\nPackage-Gate: published")
    world.server.faults.append(replace(fault))

    world.publisher().publish(world.archive("sample", SAMPLE))

    assert not world.server.faults
    assert world.commits("sample") == 2


def test_a_missing_git_is_told(world: World) -> None:
    with pytest.raises(PublishError, match="git was not found"):
        world.publisher(program_path="/nowhere").publish(world.archive("sample", SAMPLE))


def test_a_passing_fault_stops_neither_an_offer_nor_a_withdrawal(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    publisher = world.publisher()
    publisher.publish(alpha)

    world.server.faults.append(Fault("", status=502))
    publisher.offer(pypi_request("alpha", "alpha"), [published(alpha)])
    world.server.faults.append(Fault("", status=502))
    publisher.withdraw(published(alpha))

    assert not world.server.faults
    assert world.files("pypi/alpha") == ["WITHDRAWN.md"]
