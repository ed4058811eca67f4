"""The GitHub publisher against a real git server: what is withdrawn, and what is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from package_gate.core.errors import PublishError
from tests.publishers.github_world import (
    SAMPLE,
    World,
    archive_request,
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


def test_a_withdrawn_archive_can_not_be_installed_and_stays_in_the_history(world: World) -> None:
    package = world.archive("sample", SAMPLE)
    publisher = world.publisher()
    publisher.publish(package)
    command = publisher.offer(archive_request("sample"), [published(package)])

    publisher.withdraw(published(package))
    publisher.withdraw(published(package))

    assert world.files("sample") == ["WITHDRAWN.md"]
    assert world.commits("sample") == 2
    assert "2027-01-02" in world.git("log", "-1", "--format=%cI", "sample")
    assert ".packages/sample.zip" in world.git("ls-tree", "-r", "--name-only", "sample~1")
    assert b"history" in world.content("sample", "WITHDRAWN.md")
    assert world.notebook(command).returncode != 0
    with pytest.raises(PublishError, match="does not hold the archive"):
        publisher.offer(archive_request("sample"), [published(package)])


def test_withdrawing_an_archive_leaves_its_successor_alone(world: World) -> None:
    old = world.archive("sample", SAMPLE)
    publisher = world.publisher()
    publisher.publish(old)
    publisher.publish(world.archive("sample", {"top/new.py": b""}))

    publisher.withdraw(published(old))

    assert world.files("sample") == [".packages/sample.zip", "new.py"]


def test_a_source_with_a_notice_of_its_own_is_withdrawn_all_the_same(world: World) -> None:
    package = world.archive("sample", {"top/WITHDRAWN.md": b"not really"})
    publisher = world.publisher()
    publisher.publish(package)

    publisher.withdraw(published(package))

    assert world.files("sample") == ["WITHDRAWN.md"]
    assert b"A later scan refused" in world.content("sample", "WITHDRAWN.md")


def test_withdrawing_what_was_never_published_makes_no_branch(world: World) -> None:
    world.publisher().withdraw(published(world.archive("sample", SAMPLE)))
    world.publisher().withdraw(published(world.package("alpha", [wheel("alpha", "1.0")])))

    assert world.git("for-each-ref") == ""


def test_a_withdrawn_dependency_leaves_every_request_that_needs_it(world: World) -> None:
    publisher = world.publisher()
    alpha, beta = (world.package(n, [wheel(n, "1.0")]) for n in ("alpha", "beta"))
    for package in (alpha, beta):
        publisher.publish(package)
    publisher.offer(pypi_request("both", "alpha==1"), [published(alpha), published(beta)])
    publisher.offer(pypi_request("single", "alpha"), [published(alpha)])

    publisher.withdraw(published(beta))

    assert world.files("pypi/alpha==1") == ["WITHDRAWN.md"]
    assert world.files("pypi-packages/beta/1.0") == ["WITHDRAWN.md"]
    assert "requirements.txt" in world.files("pypi/alpha")
    assert "SHA256SUMS" in world.files("pypi-packages/alpha/1.0")
    with pytest.raises(PublishError, match="is not on branch"):
        publisher.offer(pypi_request("both", "alpha==1"), [published(beta)])


def test_a_package_that_is_approved_again_after_a_withdrawal_is_published_on_top(
    world: World,
) -> None:
    publisher = world.publisher()
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    sample = world.archive("sample", SAMPLE)
    for package in (alpha, sample):
        publisher.publish(package)
        publisher.withdraw(published(package))
        publisher.publish(package)

    assert "SHA256SUMS" in world.files("pypi-packages/alpha/1.0")
    assert ".packages/sample.zip" in world.files("sample")
    assert world.commits("sample") == 3


def test_a_refused_package_is_withdrawn_below_somebody_elses_commit_too(world: World) -> None:
    package = world.archive("sample", SAMPLE)
    world.publisher().publish(package)
    by_hand = world.somebody_pushes("sample")

    world.publisher().withdraw(published(package))

    assert world.files("sample") == ["WITHDRAWN.md"]
    assert world.git("rev-parse", "sample^").strip() == by_hand


def test_a_branch_that_differs_in_case_does_not_stop_a_withdrawal(world: World) -> None:
    package = world.archive("sample", SAMPLE)
    world.publisher().publish(package)
    world.somebody_pushes("Sample")

    world.publisher().withdraw(published(package))

    assert world.files("sample") == ["WITHDRAWN.md"]
