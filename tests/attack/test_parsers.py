"""Texts that once made a parser fail in a way that nobody expected."""

import gzip
from pathlib import Path, PurePosixPath

import pytest
from packaging.version import Version

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import ScannerError, SourceError
from package_gate.core.request_file import read_requests
from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.names import format_of
from package_gate.inventory.pinned import Pin, pinned
from package_gate.inventory.take import take_inventory
from package_gate.sandbox.pool import decode_answer
from package_gate.sources.pypi.index import Project
from package_gate.sources.pypi.sdist import SdistMetadata, read_sdist
from tests.archive.makers import make_tar, tar_file
from tests.fakes.describing import described

DIGITS = "9" * 6000
"""More than Python makes an integer of."""
BRACKETS = "a==1; " + "(" * 900 + "python_version<'3'" + ")" * 900
"""More than its stack takes."""
CORE = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


def read(path: Path, name: str, version: Version) -> SdistMetadata:
    return read_sdist(described(path), name, version)


def sdist(folder: Path, core: str, requires: str = "") -> Path:
    path = folder / "demo-1.0.tar.gz"
    members = {"PKG-INFO": core, "demo.egg-info/requires.txt": requires}
    tar = make_tar(
        *(tar_file(f"demo-1.0/{name}".encode(), text.encode()) for name, text in members.items())
    )
    path.write_bytes(gzip.compress(tar))
    return path


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("".join(f"X{number}:\n" for number in range(90_000)), "different fields"),
        ("Content-Type: multipart/mixed; boundary=x\n\n--x\n", "content-type"),
        ("Content-Type: message/rfc822\n\n" * 5000, "content-type"),
    ],
    ids=["many-fields", "multipart", "nested"],
)
def test_metadata_that_would_take_hours_or_crash_the_reader_is_an_error(
    tmp_path: Path, more: str, why: str
) -> None:
    with pytest.raises(SourceError, match=f"no PKG-INFO that says what it is .*{why}"):
        read(sdist(tmp_path, f"{CORE}{more}"), "demo", Version("1.0"))


def test_a_version_of_thousands_of_digits_is_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no PKG-INFO that says what it is"):
        read(sdist(tmp_path, CORE.replace("1.0", DIGITS)), "demo", Version("1.0"))


def test_dependencies_are_not_certain_by_a_metadata_version_of_thousands_of_digits(
    tmp_path: Path,
) -> None:
    found = read(sdist(tmp_path, CORE.replace("2.1", DIGITS)), "demo", Version("1.0"))
    assert not found.known


@pytest.mark.parametrize(
    "requirement",
    [BRACKETS, f"a; {'(' * 5000}", "a; " + "python_version<'3' or " * 1000 + "python_version<'3'"],
    ids=["brackets", "open-brackets", "long"],
)
def test_a_dependency_that_can_not_be_parsed_is_left_out(tmp_path: Path, requirement: str) -> None:
    found = read(
        sdist(tmp_path, f"{CORE}Requires-Dist: {requirement}\n", "[x:" + "(" * 3000 + "]\nidna\n"),
        "demo",
        Version("1.0"),
    )

    assert found.requires == ()
    assert len(found.left_out) == 2


def test_a_python_version_of_thousands_of_digits_asks_for_nothing(tmp_path: Path) -> None:
    text = f">={DIGITS}"
    found = read(sdist(tmp_path, f"{CORE}Requires-Python: {text}\n"), "demo", Version("1.0"))
    name = "demo-1.0-py3-none-any.whl"
    (release,) = Project("demo", (RemoteFile(name, "https://a.b/"),), {name: text}).releases()
    tree = tmp_path / "tree"
    (tree / "demo-1.0.dist-info").mkdir(parents=True)
    (tree / "demo-1.0.dist-info" / "METADATA").write_text(f"{CORE}Requires-Python: {text}\n")

    assert found.requires_python.contains("3.11")
    assert release.requires_python.contains("3.11")
    assert take_inventory(tree, name).requires_python == ""


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_pin_with_too_many_brackets_is_a_pin_or_a_problem(name: str) -> None:
    kind = format_of(PurePosixPath(name))
    assert kind is not None
    text = BRACKETS if name.endswith(".txt") else f'[project]\ndependencies = ["{BRACKETS}"]\n'

    (item,) = pinned(kind, text.encode())

    assert isinstance(item, FormatProblem) or item == Pin("a", "1", 1 if ".txt" in name else 2)


def test_an_answer_that_is_no_text_is_garbage() -> None:
    with pytest.raises(ScannerError, match="garbage"):
        decode_answer(b'{"type":"fail\xffled","message":""}')
    with pytest.raises(ScannerError, match="garbage"):
        decode_answer(b'{"type":"failed","message":' + b"[" * 100_000)


def test_a_requirement_with_characters_that_are_not_seen_is_a_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_text("a,\"pypi:a; python_version < '3.\x012'\"\nb,pypi:b\n", encoding="utf-8")

    result = read_requests(path)

    assert [request.name for request in result.requests] == ["b"]
    assert "not seen" in result.errors[0].message
