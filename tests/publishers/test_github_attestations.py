"""What is signed, on the branches of a real git server."""

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

ALPHA, BETA = "alpha-1.0-py3-none-any.whl", "beta-2.0-py3-none-any.whl"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with github_world(tmp_path) as running:
        yield running


def test_statements_stand_on_the_packages_branch_and_on_those_of_requests(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0", "beta>=1")])
    beta = world.package("beta", [wheel("beta", "2.0")], version="2.0")
    publisher = world.publisher()
    for package, statement in ((alpha, b"alpha"), (beta, b"beta")):
        publisher.publish(package)
        publisher.attest(published(package), statement)
    command = publisher.offer(
        pypi_request("alpha", "alpha==1.0"), [published(alpha), published(beta)]
    )
    branch = "pypi/alpha==1.0"
    assert world.files(branch) == [
        "SHA256SUMS",
        f"attestations/{ALPHA}.vsa.json",
        f"attestations/{BETA}.vsa.json",
        f"packages/{ALPHA}",
        f"packages/{BETA}",
        "requirements.txt",
    ]
    assert world.content("pypi-packages/beta/2.0", f"attestations/{BETA}.vsa.json") == b"beta"
    assert world.notebook(command).returncode == 0

    pushes = world.pushes
    for package, statement in ((alpha, b"alpha"), (beta, b"beta")):  # after a kill
        publisher.publish(package)
        publisher.attest(published(package), statement)
    assert world.pushes == pushes

    publisher.attest(published(beta), b"by another key")
    assert world.content(branch, f"attestations/{BETA}.vsa.json") == b"by another key"
    assert world.content(branch, f"attestations/{ALPHA}.vsa.json") == b"alpha"
    assert "requirements.txt" in world.files(branch)
    offered = [published(alpha), published(beta)]
    assert publisher.offer(pypi_request("alpha", "alpha==1.0"), offered) == command

    assert publisher.withdraw(published(beta))
    publisher.attest(published(beta), b"too late")
    assert world.files(branch) == ["WITHDRAWN.md"]


def test_an_archives_statement_stands_beside_it_and_not_beside_its_successor(world: World) -> None:
    first = world.archive("sample", SAMPLE)
    second = world.archive("sample", {**SAMPLE, "sample-master/new.txt": b"new"})
    publisher = world.publisher()
    publisher.publish(first)
    publisher.attest(published(first), b"first")
    assert world.content("sample", ".packages/sample.zip.vsa.json") == b"first"
    assert "sample.py" in world.files("sample")
    pushes = world.pushes
    publisher.publish(first)
    publisher.attest(published(first), b"first")
    assert world.pushes == pushes
    assert publisher.offer(archive_request("sample"), [published(first)]).startswith("pip install")

    publisher.publish(second)
    publisher.attest(published(first), b"too late")
    assert ".packages/sample.zip.vsa.json" not in world.files("sample")


def test_the_standing_list_has_a_branch_that_no_request_can_have(world: World) -> None:
    publisher = world.publisher()
    for content in (b"one", b"two", b"two"):
        publisher.post_standing_list(content)
    branch = "package-gate/standing-list"
    assert world.content(branch, "standing-list.json") == b"two"
    assert world.commits(branch) == 2
    with pytest.raises(PublishError, match="can't be a branch name"):
        publisher.publish(world.archive("package-gate", SAMPLE))
