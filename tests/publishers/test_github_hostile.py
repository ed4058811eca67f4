"""Hostile packages: nothing in them acts on the gate, the repository or a clone."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from package_gate.core.artifact import ArtifactFile
from package_gate.core.errors import PublishError
from package_gate.core.limits import Limits
from package_gate.publishers.git import Remote, repository
from package_gate.sandbox.unpacking import unpacked
from package_gate.scanners.registry import outer_unpacker
from tests.publishers.github_world import (
    SAMPLE,
    TOKEN,
    World,
    archive_request,
    github_world,
    published,
    zipped,
)

PUSH = "POST /organisation/packages.git/git-receive-pack"
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with github_world(tmp_path) as running:
        yield running


def holding(files: dict[bytes, bytes]) -> Callable[[Path, Path], None]:
    """An unpacker whose archives hold exactly these files, whatever they are called."""

    def fill(path: Path, tree: Path) -> None:
        for name, content in files.items():
            file = os.path.join(os.fsencode(tree), name)  # noqa: PTH118 (bytes)
            os.makedirs(os.path.dirname(file), exist_ok=True)  # noqa: PTH103, PTH120 (bytes)
            with open(file, "wb") as opened:  # noqa: PTH123 (bytes)
                opened.write(content)

    return fill


def test_nothing_of_a_package_acts_in_a_clone(world: World) -> None:
    ran = world.folder / "ran"
    run = f"touch {ran}".encode()
    files = {
        b"top/setup.py": b"",
        b"top/.git/hooks/post-checkout": b"#!/bin/sh\n" + run,
        b"top/sub/.GIT/config": b"[core]\n fsmonitor = " + run,
        b"top/.gitmodules": b'[submodule "x"]\n path = x\n url = ext::sh -c ' + run,
        b"top/sub/.gitattributes": b"* filter=run text eol=crlf\n",
        b"top/.lfsconfig": b"[lfs]\n url = https://evil.example/\n",
        b"top/.packages/hostile.zip": b"not the scanned archive",
        b"top/sub/text.txt": b"one\ntwo\n",
    }
    package = world.archive("hostile", SAMPLE)
    world.publisher(holding(files)).publish(package)

    configured = f"-c filter.run.smudge='{run.decode()}' -c protocol.ext.allow=always"
    address = f"https://{world.server.host}/organisation/packages.git"
    done = world.notebook(f"git {configured} clone --recursive -b hostile {address} clone")

    assert done.returncode == 0, done.stderr
    assert world.files("hostile") == [".packages/hostile.zip", "setup.py", "sub/text.txt"]
    archive = package.files[0].path.read_bytes()
    assert world.content("hostile", ".packages/hostile.zip") == archive
    clone = world.folder / "notebook" / "clone"
    assert (clone / "sub" / "text.txt").read_bytes() == b"one\ntwo\n"
    assert not ran.exists()
    message = world.git("log", "-1", "--format=%B", "hostile")
    for left_out in (".git/hooks/post-checkout", ".gitmodules", "sub/.gitattributes"):
        assert f"- '{left_out}': " in message


def test_a_source_with_workflows_is_installed_without_them(world: World) -> None:
    workflow = b"on: push\njobs: {a: {runs-on: self-hosted, steps: [{run: curl evil.example}]}}\n"
    acting = {
        ".github/workflows/push.yml": workflow,
        ".GITHUB/actions/a/action.yml": b"runs: {}\n",
        ".github/dependabot.yml": b"version: 2\n",
        "CODEOWNERS": b"* @evil\n",
        "docs/CNAME": b"evil.example\n",
        ".circleci/config.yml": b"version: 2\n",
    }
    files = {**SAMPLE, **{f"sample-master/{name}": content for name, content in acting.items()}}
    package = world.archive("sample", files)
    publisher = world.publisher()
    publisher.publish(package)

    done = world.notebook(publisher.offer(archive_request("sample"), [published(package)]))

    assert done.returncode == 0, done.stderr
    assert (world.site / "sample.py").is_file()
    assert world.files("sample") == sorted(
        [".packages/sample.zip", *(name.partition("/")[2] for name in SAMPLE)]
    )
    assert world.content("sample", ".packages/sample.zip") == package.files[0].path.read_bytes()
    message = world.git("log", "-1", "--format=%B", "sample")
    assert all(f"- '{name}': " in message for name in acting)


def test_strange_names_and_bytes_arrive_as_they_are_and_never_executable(world: World) -> None:
    files = {
        b'a/"quoted" \\back\tslash': b"1",
        b"a/new\nline": b"2",
        b"-rf": b"3",
        b"a/\xff\xfe": b"\x00\r\n\xff",
        b"a/ \xc3\xa4.txt ": b"5",
        b"$(touch ran)": b"6",
    }

    def fill(path: Path, tree: Path) -> None:
        holding(files)(path, tree)
        (tree / "-rf").chmod(0o777)

    world.publisher(fill).publish(world.archive("strange", SAMPLE))

    listed = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "strange"],
        cwd=world.repository,
        capture_output=True,
        check=True,
    ).stdout
    entries = [entry.partition(b"\t") for entry in listed.split(b"\0") if entry]
    assert {path for _, _, path in entries} == {*files, b".packages/strange.zip"}
    assert all(described.startswith(b"100644 blob ") for described, _, _ in entries)
    for described, _, path in entries:
        if path in files:
            blob = described.split()[2].decode()
            stored = subprocess.run(
                ["git", "cat-file", "blob", blob], cwd=world.repository, capture_output=True
            )
            assert stored.stdout == files[path]


def test_a_left_out_name_can_not_forge_the_commit_message(world: World) -> None:
    forged = b".git\nArchive-SHA256: " + b"0" * 64 + b"\nPackage-Gate: published/x"
    package = world.archive("sample", SAMPLE)
    world.publisher(holding({b"a": b"", b".git/" + forged: b""})).publish(package)

    lines = world.git("log", "-1", "--format=%B", "sample").splitlines()
    digest = package.files[0].artifact.sha256
    assert [line for line in lines if line.startswith("Archive-")] == [f"Archive-SHA256: {digest}"]


@pytest.mark.parametrize("target", ["setup.py", "/etc/passwd", "."])
def test_a_link_is_never_published(world: World, target: str) -> None:
    def fill(path: Path, tree: Path) -> None:
        tree.mkdir()
        (tree / "setup.py").write_text("")
        (tree / "link").symlink_to(target)

    with pytest.raises(PublishError, match="'link' is a link or device"):
        world.publisher(fill).publish(world.archive("sample", SAMPLE))
    assert not world.server.requests


def test_a_single_top_entry_that_is_a_link_is_never_followed(world: World) -> None:
    def fill(path: Path, tree: Path) -> None:
        tree.mkdir()
        (tree / "top").symlink_to("/etc")

    with pytest.raises(PublishError, match="'top' is a link or device"):
        world.publisher(fill).publish(world.archive("sample", SAMPLE))


@pytest.mark.parametrize(
    "path", [b".git/config", b"a/.GIT/x", b"git~1", b"a/../b", b".g\xe2\x80\x8cit/x"]
)
def test_git_refuses_such_a_path_even_if_it_got_that_far(world: World, path: bytes) -> None:
    remote = Remote("git.example.test", "a/b", "user", "user@example.test", TOKEN)
    with repository(remote, world.settings.scratch) as git:
        blob = git.write(b"x")
        with pytest.raises(PublishError, match="git refuses a path"):
            git.write_tree({path: blob})


def test_a_download_that_changes_before_it_is_unpacked_is_not_published(world: World) -> None:
    package = world.archive("tool", {"top/setup.py": b"scanned", "top/tool.py": b""})
    (download,) = package.files
    spec, scratch = outer_unpacker(), world.settings.scratch

    def unpack(file: ArtifactFile) -> AbstractContextManager[Path]:
        download.path.write_bytes(zipped({"top/setup.py": b"hostile"}))
        return unpacked(file, spec=spec, limits=Limits(), scratch=scratch)

    with pytest.raises(PublishError, match=r"could not be unpacked: .* has SHA-256 "):
        world.publisher(unpack=unpack).publish(package)
    assert not world.server.requests
