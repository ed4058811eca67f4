"""Repositories whose folders and files are made to end a scan, or to be passed over unseen."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from package_gate.dependency_scan.models import Problem
from package_gate.dependency_scan.repository import MAX_DEPTH, Checkout
from tests.dependency_scan.test_script import Script, script  # noqa: F401 - a fixture
from tests.dependency_scan.world import asked, collected, problems, write_files

GOOD = {"requirements.txt": "one\n", "z/requirements.txt": "two\n"}
"""What must be scanned whatever else there is."""


@pytest.fixture(autouse=True)
def removed(tmp_path: Path) -> Iterator[None]:
    """Remove what is nested too deeply for pytest, which cleans up after a few runs."""
    yield
    subprocess.run(["rm", "-rf", str(tmp_path)], check=True)


def nested(folder: Path, depth: int, name: str = "d") -> None:
    """Make folders in a folder, deeper than one path can say."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=place)
        below = os.open(name, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(os.open("requirements.txt", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)


def links_in_a_circle(folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")


def a_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        there = Path.cwd()
        os.chdir(folder)  # its address must be short
        listening.bind("constraints.txt")
        os.chdir(there)


def a_device(folder: Path) -> None:
    try:
        os.mknod(folder / "uv.lock", 0o020600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("making a device needs root")


def in_an_environment(folder: Path) -> None:
    write_files(folder, {"e/pyvenv.cfg": ""})
    nested(folder / "e", 1500)


def an_included_pipe(folder: Path) -> None:
    os.mkfifo(folder / "p")
    write_files(folder, {"requirements-b.txt": "-r p\n"})


def an_included_link(folder: Path) -> None:
    (folder / "requirements").mkdir()
    (folder / "requirements/p").symlink_to("p")
    write_files(folder, {"requirements-c.txt": "-r requirements/p\n"})


NO_FILE = "It is a link or no regular file"
LINK = "can't be followed"
HOSTILE: dict[str, tuple[Callable[[Path], None], list[str], str]] = {
    "a link to itself": (lambda f: (f / "loop").symlink_to("loop"), ["loop"], LINK),
    "links in a circle": (links_in_a_circle, ["a", "b"], LINK),
    "a requirements file that is a link to itself": (
        lambda f: (f / "requirements.in").symlink_to("requirements.in"),
        ["requirements.in"],
        NO_FILE,
    ),
    "a link to nothing": (
        lambda f: (f / "poetry.lock").symlink_to("nothing"),
        ["poetry.lock"],
        NO_FILE,
    ),
    "1,500 nested folders": (
        lambda f: nested(f, 1500),
        ["/".join("d" * (MAX_DEPTH + 1))],
        f"It lies in more than {MAX_DEPTH} folders",
    ),
    "nested folders in an environment": (
        in_an_environment,
        ["/".join(["e", *"d" * MAX_DEPTH])],
        f"It lies in more than {MAX_DEPTH} folders",
    ),
    "a pipe": (lambda f: os.mkfifo(f / "pyproject.toml"), ["pyproject.toml"], NO_FILE),
    "a socket": (a_socket, ["constraints.txt"], NO_FILE),
    "a device": (a_device, ["uv.lock"], NO_FILE),
    "an include of a pipe": (an_included_pipe, ["p"], NO_FILE),
    "an include of a link to itself": (
        an_included_link,
        ["requirements-c.txt", "requirements/p"],
        "a link",
    ),
    "a folder with a name that is too long": (
        lambda f: write_files(f, {"requirements-d.txt": f"-e ./{'x' * 300}\n"}),
        ["requirements-d.txt"],
        "which is no folder of the repository",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_named_and_the_rest_is_scanned(tmp_path: Path, name: str) -> None:
    make, paths, text = HOSTILE[name]
    make(tmp_path)
    found = collected(tmp_path, GOOD)
    assert sorted(path for path, _, _ in problems(found)) == sorted(paths)
    assert all(text in told for _, _, told in problems(found))
    assert {path: asked(found)[path] for path in GOOD} == {
        "requirements.txt": ["one"],
        "z/requirements.txt": ["two"],
    }


def test_folders_whose_path_is_too_long_are_named(tmp_path: Path) -> None:
    nested(tmp_path, 50, "d" * 250)
    found = collected(tmp_path, GOOD)
    [(path, _, text)] = problems(found)
    assert set(path) == {"d", "/"}
    assert text == "The folder can't be listed: File name too long."
    assert GOOD.keys() == asked(found).keys()


def test_what_is_excluded_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    nested(tmp_path, 1500)
    found = collected(tmp_path, GOOD, exclude=["loop", "d/*"])
    assert problems(found) == []


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {**GOOD, "closed/requirements.txt": "three\n"})
    listed = os.scandir

    def scandir(place: Any) -> Any:
        if str(place).endswith("/closed"):
            raise PermissionError(13, "Permission denied")
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)
    found = collected(tmp_path, {})
    assert problems(found) == [("closed", None, "The folder can't be listed: Permission denied.")]
    assert asked(found) == {"requirements.txt": ["one"], "z/requirements.txt": ["two"]}


@pytest.mark.parametrize("gone", ["z", "z/requirements.txt"])
def test_what_vanishes_or_becomes_a_pipe_meanwhile_is_named(tmp_path: Path, gone: str) -> None:
    write_files(tmp_path, GOOD)
    checkout = Checkout(tmp_path)
    assert len(checkout.dependency_files()) == 2
    (tmp_path / gone).rename(tmp_path / "elsewhere")
    read = checkout.read("z/requirements.txt")
    assert isinstance(read, Problem)
    assert "No such file" in read.text
    (tmp_path / gone).symlink_to(tmp_path / "elsewhere")
    read = checkout.read("z/requirements.txt")
    assert isinstance(read, Problem)
    assert "a link" in read.text


def test_a_folder_that_vanishes_before_it_is_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {**GOOD, "m/requirements.txt": "three\n"})
    listed = os.scandir

    def scandir(place: Any) -> Any:
        if str(place).endswith("/m"):
            (tmp_path / "m").rename(tmp_path.with_name("gone"))
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)
    found = collected(tmp_path, {})
    assert [path for path, _, _ in problems(found)] == ["m"]


def test_all_of_it_at_once_as_a_process(script: Script) -> None:  # noqa: F811 - the fixture
    folder = script.folder / "team-app"
    folder.mkdir()
    for make, _, _ in HOSTILE.values():
        make(folder)
    odd = [b"\xff\xfe", b"line\nbreak", b"\x1b[2J", b"a\xe2\x80\xaeb", b"a b", b"--help"]
    for name in odd:
        write_files(folder, {f"{os.fsdecode(name)}/requirements.txt": "deep==1.0\nno way\n"})
    ran = script.run({"requirements.txt": "deep==1.0\n"})
    assert ran.returncode == 1
    assert ran.stderr == ""
    assert "failed unexpectedly" not in ran.stdout
    assert "\x1b" not in ran.stdout
    report = script.report()
    assert report["verdict"] == "refused"
    assert {"loop", "a", "b", "uv.lock"} <= {each["path"] for each in report["problems"]}
    assert len(report["files"]) == len(report["proposals"]) == 1 + len(odd)
    assert {path.name for path in script.output.iterdir()} >= {
        "report.html",
        "findings.sarif",
        "junit.xml",
        "dependencies.json",
    }
