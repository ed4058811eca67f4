"""PyPI requests on a real git server: what stands where, and what installs it."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from package_gate.core.errors import PublishError
from tests.publishers.github_world import (
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


def test_the_offered_command_installs_the_closure_without_any_index(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0", "beta>=1")])
    beta = world.package("beta", [wheel("beta", "2.0")], version="2.0")
    publisher = world.publisher()
    for package in (alpha, beta):
        publisher.publish(package)

    command = publisher.offer(
        pypi_request("Alpha", "alpha==1.0"), [published(alpha), published(beta)]
    )
    done = world.notebook(command)

    address = f"https://{world.server.host}/organisation/packages.git"
    assert command == (
        f"git clone --depth 1 --branch pypi/alpha==1.0 {address} alpha==1.0 && "
        "pip install --no-index --find-links alpha==1.0/packages --require-hashes "
        "-r alpha==1.0/requirements.txt"
    )
    assert done.returncode == 0, done.stderr
    assert (world.site / "alpha.py").is_file()
    assert (world.site / "beta.py").is_file()


def test_requests_for_two_releases_install_each_its_own(world: World) -> None:
    publisher = world.publisher()
    releases = {
        version: world.package("alpha", [wheel("alpha", version)], version=version)
        for version in ("1.0", "2.0")
    }
    commands = {}
    for version, package in releases.items():
        publisher.publish(package)
        request = pypi_request("alpha", f"alpha=={version}")
        commands[version] = publisher.offer(request, [published(package)])
    newest = publisher.offer(pypi_request("alpha", "alpha"), [published(releases["2.0"])])

    for command, version in ((commands["1.0"], "1.0"), (commands["2.0"], "2.0"), (newest, "2.0")):
        done = world.notebook(f"{command} --upgrade")
        assert done.returncode == 0, done.stderr
        assert version in (world.site / "alpha.py").read_text()
    for version, package in releases.items():
        assert (
            publisher.offer(pypi_request("alpha", f"alpha=={version}"), [published(package)])
            == (commands[version])
        )
    assert [world.commits(f"pypi/alpha{pin}") for pin in ("", "==1.0", "==2.0")] == [1, 1, 1]


def test_a_branch_that_another_requirement_has_is_not_taken(world: World) -> None:
    publisher = world.publisher()
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    publisher.publish(alpha)
    publisher.offer(pypi_request("alpha", "alpha==1.0"), [published(alpha)])
    world.git("update-ref", "refs/heads/pypi/alpha==2.0", "pypi/alpha==1.0")

    with pytest.raises(PublishError, match=r"is that of alpha==1\.0, not of alpha==2\.0"):
        publisher.offer(pypi_request("alpha", "alpha==2.0"), [published(alpha)])


def test_a_branch_of_an_earlier_gate_goes_on_as_it_is_spelled(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    publisher = world.publisher()
    publisher.publish(alpha)
    before = world.somebody_pushes("pypi/Alpha", "Alpha: approved\n\nPackage-Gate: offered")

    command = publisher.offer(pypi_request("alpha", "alpha"), [published(alpha)])

    assert "--branch pypi/Alpha " in command
    assert world.git("rev-parse", "pypi/Alpha^").strip() == before
    assert world.notebook(command).returncode == 0


def test_the_requirements_pin_every_file_of_the_closure_by_its_digest(world: World) -> None:
    beta = world.package("beta", [wheel("beta", "2.0"), ("beta-2.0.tar.gz", b"sdist")])
    publisher = world.publisher()
    publisher.publish(beta)
    publisher.offer(pypi_request("beta", "beta"), [published(beta)])

    text = world.content("pypi/beta", "requirements.txt").decode()

    assert text.count("beta==1.0") == 1
    for file in beta.files:
        assert f"--hash=sha256:{file.artifact.sha256}" in text
        stored = world.content("pypi/beta", f"packages/{file.artifact.filename}")
        assert stored == file.path.read_bytes()


def test_a_wheel_that_was_changed_on_the_branch_is_not_installed(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    publisher = world.publisher()
    publisher.publish(alpha)
    command = publisher.offer(pypi_request("alpha", "alpha"), [published(alpha)])
    _swap_blob(world, "pypi/alpha", "alpha-1.0-py3-none-any.whl")

    done = world.notebook(command)

    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def _swap_blob(world: World, branch: str, filename: str) -> None:
    other = wheel("alpha", "1.0", payload=b"other")[1]
    blob = world.git("hash-object", "-w", "--stdin", stdin=other).strip()
    folder = world.git("mktree", stdin=f"100644 blob {blob}\t{filename}\n".encode()).strip()
    root = world.git("ls-tree", branch)
    old = world.git("rev-parse", f"{branch}:packages").strip()
    tree = world.git("mktree", stdin=root.replace(old, folder).encode()).strip()
    message = world.git("log", "-1", "--format=%B", branch)
    commit = world.git("commit-tree", tree, "-p", branch, "-m", message).strip()
    world.git("update-ref", f"refs/heads/{branch}", commit)


def test_a_file_that_was_changed_in_the_repository_is_not_taken_for_the_approved_one(
    world: World,
) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    world.publisher().publish(alpha)
    _swap_blob(world, "pypi-packages/alpha/1.0", "alpha-1.0-py3-none-any.whl")

    with pytest.raises(PublishError, match="already holds other bytes"):
        world.publisher().publish(alpha)


def test_a_closure_with_two_versions_of_a_package_is_checked_and_pip_chooses(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0", "beta<2")])
    betas = [world.package("beta", [wheel("beta", v)], version=v) for v in ("2.0", "1.0")]
    publisher = world.publisher()
    for package in (alpha, *betas):
        publisher.publish(package)

    closure = [published(package) for package in (alpha, *betas)]
    command = publisher.offer(pypi_request("alpha", "alpha>=1"), closure)
    done = world.notebook(command)

    assert "sha256sum --check --quiet SHA256SUMS" in command
    assert re.search(r"--find-links alpha=ge1-[0-9a-f]{12}/packages 'alpha>=1'$", command)
    assert done.returncode == 0, done.stderr
    assert "1.0" in (world.site / "beta.py").read_text()


def test_what_a_build_needs_is_beside_the_others_and_not_installed(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    tools = [world.package("beta", [wheel("beta", v)], version=v) for v in ("1.0", "2.0")]
    publisher = world.publisher()
    for package in (alpha, *tools):
        publisher.publish(package)

    closure = [published(alpha), *(replace(published(each), for_build=True) for each in tools)]
    command = publisher.offer(pypi_request("alpha", "alpha"), closure)
    done = world.notebook(command)

    assert "beta" not in world.content("pypi/alpha", "requirements.txt").decode()
    assert world.content("pypi/alpha", "packages/beta-2.0-py3-none-any.whl")
    assert done.returncode == 0, done.stderr
    assert not (world.site / "beta.py").exists()


def test_what_only_some_notebooks_need_is_not_installed_on_all(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0", "beta; python_version < '3'")])
    beta = world.package("beta", [wheel("beta", "1.0")])
    publisher = world.publisher()
    for package in (alpha, beta):
        publisher.publish(package)

    closure = [published(alpha), replace(published(beta), targets=("Python 3.12 on …",))]
    done = world.notebook(publisher.offer(pypi_request("alpha", "alpha"), closure))

    assert done.returncode == 0, done.stderr
    assert (world.site / "alpha.py").exists()
    assert not (world.site / "beta.py").exists()


def test_a_changed_file_stops_the_command_for_several_versions_too(world: World) -> None:
    packages = [world.package("alpha", [wheel("alpha", v)], version=v) for v in ("1.0", "2.0")]
    publisher = world.publisher()
    for package in packages:
        publisher.publish(package)
    closure = [published(package) for package in packages]
    command = publisher.offer(pypi_request("alpha", "alpha"), closure)
    _swap_blob(world, "pypi/alpha", "alpha-1.0-py3-none-any.whl")

    done = world.notebook(command)

    assert done.returncode != 0
    assert not world.site.exists()


def test_files_are_uploaded_once_and_never_fetched_back(world: World) -> None:
    packages = [
        world.package(name, [wheel(name, "1.0", payload=os.urandom(500_000))])
        for name in ("alpha", "beta")
    ]
    publisher = world.publisher()
    for package in packages:
        publisher.publish(package)
    world.server.requests.clear()

    closure = [published(package) for package in packages]
    publisher.offer(pypi_request("first", "alpha"), closure)
    publisher.offer(pypi_request("second", "beta"), closure[::-1])
    publisher.offer(pypi_request("first", "alpha"), closure)
    publisher.withdraw(closure[0])

    assert sum(seen.received + seen.sent for seen in world.server.requests) < 50_000


def test_a_server_without_object_filters_is_slower_and_not_wrong(tmp_path: Path) -> None:
    with github_world(tmp_path, filters=False) as world:
        alpha = world.package("alpha", [wheel("alpha", "1.0")])
        publisher = world.publisher()
        publisher.publish(alpha)
        done = world.notebook(publisher.offer(pypi_request("a", "alpha"), [published(alpha)]))

        assert done.returncode == 0, done.stderr


def test_a_package_that_was_never_published_is_not_offered(world: World) -> None:
    alpha = published(world.package("alpha", [wheel("alpha", "1.0")]))

    with pytest.raises(PublishError, match=r"is not on branch pypi-packages/alpha/1\.0"):
        world.publisher().offer(pypi_request("alpha", "alpha"), [alpha])
    assert world.pushes() == 0


def test_another_digest_under_the_same_file_name_is_an_error_that_names_both(
    world: World,
) -> None:
    first = world.package("alpha", [wheel("alpha", "1.0")])
    second = world.package("alpha", [wheel("alpha", "1.0", payload=b"other")])
    world.publisher().publish(first)

    with pytest.raises(PublishError) as caught:
        world.publisher().publish(second)
    for package in (first, second):
        assert package.files[0].artifact.sha256 in str(caught.value)
    assert world.pushes() == 1


def test_files_approved_later_join_those_that_are_there(world: World) -> None:
    publisher = world.publisher()
    publisher.publish(world.package("alpha", [wheel("alpha", "1.0")]))
    publisher.publish(world.package("alpha", [("alpha-1.0.tar.gz", b"sdist")]))

    assert world.files("pypi-packages/alpha/1.0") == [
        "SHA256SUMS",
        "packages/alpha-1.0-py3-none-any.whl",
        "packages/alpha-1.0.tar.gz",
    ]


def test_publishing_and_offering_again_pushes_nothing(world: World) -> None:
    alpha = world.package("alpha", [wheel("alpha", "1.0")])
    request = pypi_request("alpha", "alpha")
    for _ in range(2):
        world.publisher().publish(alpha)
        world.publisher().offer(request, [published(alpha)])

    assert world.pushes() == 2


def test_names_are_normalised_and_epochs_kept_apart(world: World) -> None:
    publisher = world.publisher()
    for version in ("1!2", "1+2"):
        publisher.publish(
            world.package("Zope.Interface", [("zope-1.tar.gz", b"sdist")], version=version)
        )

    heads = world.git("for-each-ref", "--format=%(refname:short)").split()
    assert heads == ["pypi-packages/zope-interface/1+2", "pypi-packages/zope-interface/1_2"]


def test_a_file_over_the_servers_own_limit_tells_what_to_do(tmp_path: Path) -> None:
    with github_world(tmp_path, file_limit=1000) as world:
        large = world.package("alpha", [wheel("alpha", "1.0", payload=os.urandom(2000))])

        with pytest.raises(PublishError, match=r"because of its size.*CodeArtifact.*GH001"):
            world.publisher().publish(large)
        assert world.git("for-each-ref") == ""
