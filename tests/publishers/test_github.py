"""Archive requests on a real git server: what stands where, and what installs it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from package_gate.core.artifact import Origin
from package_gate.core.errors import PublishError, ScannerError
from package_gate.core.limits import Limits
from package_gate.publishers import github_trees
from package_gate.sandbox.unpacking import unpacked
from package_gate.scanners.registry import outer_unpacker
from tests.publishers.github_world import (
    SAMPLE,
    World,
    archive_request,
    github_world,
    published,
    wheel,
    zipped,
)

PUSH = "POST /organisation/packages.git/git-receive-pack"
FETCH = "POST /organisation/packages.git/git-upload-pack"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with github_world(tmp_path) as running:
        yield running


def test_an_archive_is_unpacked_at_the_root_of_its_branch_with_the_scanned_bytes_beside_it(
    world: World,
) -> None:
    package = world.archive("sample", SAMPLE)

    page = world.publisher().publish(package)

    assert page == f"https://{world.server.host}/organisation/packages/tree/sample"
    assert world.files("sample") == [
        ".packages/sample.zip",
        "backend.py",
        "docs/index.md",
        "pyproject.toml",
        "sample.py",
    ]
    assert world.content("sample", ".packages/sample.zip") == package.files[0].path.read_bytes()
    assert world.content("sample", "sample.py") == b"ANSWER = 42\r\n"


def test_the_offered_command_installs_the_archive_with_pip(world: World) -> None:
    package = world.archive("sample", SAMPLE)
    publisher = world.publisher()
    publisher.publish(package)

    command = publisher.offer(archive_request("sample"), [published(package)])
    done = world.notebook(command)

    address = f"https://{world.server.host}/organisation/packages.git"
    assert command == f'pip install "git+{address}@sample"'
    assert done.returncode == 0, done.stderr
    assert (world.site / "sample.py").read_bytes() == b"ANSWER = 42\r\n"


def test_nothing_that_the_gate_adds_to_a_source_can_be_taken_for_a_python_package(
    world: World,
) -> None:
    world.publisher().publish(world.archive("sample", SAMPLE))

    source = {name.split("/")[1] for name in SAMPLE}
    added = {path.split("/")[0] for path in world.files("sample")} - source
    assert added
    assert not any(name.isidentifier() for name in added)


def test_an_archive_that_pip_can_not_install_is_offered_as_a_clone(world: World) -> None:
    package = world.archive("data", {"data-1/a.csv": b"1,2\n", "data-1/b.csv": b"3,4\n"})
    publisher = world.publisher()
    publisher.publish(package)

    done = world.notebook(publisher.offer(archive_request("data"), [published(package)]))

    assert done.returncode == 0, done.stderr
    assert (world.folder / "notebook" / "data" / "a.csv").read_bytes() == b"1,2\n"


def test_a_wheel_by_its_address_keeps_its_name_and_is_installed_from_the_clone(
    world: World,
) -> None:
    name, content = wheel("alpha", "1.0")
    package = world.package("alpha", [(name, content)], origin=Origin.ARCHIVE)
    publisher = world.publisher()
    publisher.publish(package)

    done = world.notebook(publisher.offer(archive_request("alpha"), [published(package)]))

    assert f".packages/{name}" in world.files("alpha")
    assert done.returncode == 0, done.stderr
    assert (world.site / "alpha.py").is_file()


def test_an_archive_keeps_its_true_extension(world: World) -> None:
    world.publisher().publish(world.archive("sample", SAMPLE, filename="v1.2.TAR.GZ"))

    assert ".packages/sample.tar.gz" in world.files("sample")


def test_several_top_entries_stay_where_they_are(world: World) -> None:
    world.publisher().publish(world.archive("flat", {"one/a.txt": b"a", "two/b.txt": b"b"}))

    assert world.files("flat") == [".packages/flat.zip", "one/a.txt", "two/b.txt"]


def test_what_the_gate_unpacks_of_archives_within_the_archive_is_not_published(
    world: World,
) -> None:
    nested = zipped({"inside.py": b""})
    files = {"top/data.zip": nested, "top/a.unpacked/b.txt": b"b", "top/setup.py": b""}

    spec, scratch = outer_unpacker(), world.settings.scratch
    unpack = partial(unpacked, spec=spec, limits=Limits(), scratch=scratch)
    world.publisher(unpack=unpack).publish(world.archive("sample", files))

    assert world.files("sample") == [
        ".packages/sample.zip",
        "a.unpacked/b.txt",
        "data.zip",
        "setup.py",
    ]


def test_publishing_again_pushes_nothing(world: World) -> None:
    package = world.archive("sample", SAMPLE)
    world.publisher().publish(package)
    pushes = world.pushes()

    assert world.publisher().publish(package).endswith("/tree/sample")
    assert world.pushes() == pushes == 1


def test_another_archive_under_the_same_name_is_a_commit_on_top(world: World) -> None:
    world.publisher().publish(world.archive("sample", SAMPLE))
    first = world.git("rev-parse", "sample").strip()

    world.publisher().publish(world.archive("sample", {"top/new.py": b"", "top/old.py": b""}))

    assert world.git("rev-parse", "sample^").strip() == first
    assert world.files("sample") == [".packages/sample.zip", "new.py", "old.py"]


def test_the_commit_names_the_gate_and_the_decision_and_is_the_same_each_time(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with github_world(tmp_path / "other") as other:
        for each in (world, other):
            each.publisher().publish(each.archive("sample", SAMPLE))

        commit = world.git("cat-file", "commit", "sample")
        assert "author gate-user <gate@example.test> 1795342500 +0000" in commit
        assert "committer gate-user <gate@example.test> 1795342500 +0000" in commit
        assert world.git("rev-parse", "sample") == other.git("rev-parse", "sample")


def test_an_archive_over_the_limit_is_refused_before_anything_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = world.archive("sample", SAMPLE)
    monkeypatch.setattr(github_trees, "FILE_LIMIT", package.files[0].artifact.size - 1)

    with pytest.raises(PublishError, match=r"GitHub takes at most .* CodeArtifact"):
        world.publisher().publish(package)
    assert not world.server.requests


def test_a_file_over_the_limit_inside_a_small_archive_is_named(world: World) -> None:
    def fill(path: Path, tree: Path) -> None:
        tree.mkdir()
        (tree / "small.txt").write_text("small")
        with (tree / "model.bin").open("wb") as file:
            file.truncate(100 * 1024 * 1024 + 1)

    with pytest.raises(PublishError, match=r"model\.bin.*104,857,601 bytes"):
        world.publisher(fill).publish(world.archive("sample", SAMPLE))
    assert not world.server.requests


def test_bytes_that_are_not_the_scanned_ones_are_not_published(world: World) -> None:
    package = world.archive("sample", SAMPLE)
    package.files[0].path.write_bytes(zipped({"other.py": b""}))

    with pytest.raises(PublishError, match=r"was scanned\. It is not published"):
        world.publisher().publish(package)
    assert not world.server.requests


def test_an_archive_that_can_not_be_unpacked_now_is_a_publish_error(world: World) -> None:
    def fill(path: Path, tree: Path) -> None:
        raise ScannerError("no space left")

    with pytest.raises(PublishError, match="no space left"):
        world.publisher(fill).publish(world.archive("sample", SAMPLE))


def test_an_archive_that_is_not_there_any_more_is_not_offered(world: World) -> None:
    package = world.archive("sample", SAMPLE)
    world.publisher().publish(package)
    world.publisher().publish(world.archive("sample", {"top/new.py": b""}))

    with pytest.raises(PublishError, match="does not hold the archive"):
        world.publisher().offer(archive_request("sample"), [published(package)])
