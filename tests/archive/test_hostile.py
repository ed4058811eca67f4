"""Every hostile archive: the right finding, nothing outside, bounded time and memory."""

import py_compile
import resource
import stat
import time
import zipfile
from pathlib import Path

import pytest

from package_gate.archive.roles import begins_as_bytecode
from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import MAX_LOCATIONS, Kind, Severity
from package_gate.core.limits import MIB
from package_gate.core.policy import Policy
from tests.archive.hostile import HOSTILE
from tests.archive.registry import Hostile

SECONDS = 10
MEMORY = 150 * MIB


def snapshot(folder: Path, without: Path) -> set[tuple[str, int, int]]:
    found = set()
    for path in folder.rglob("*"):
        if without not in (path, *path.parents):
            status = path.lstat()
            found.add((str(path), status.st_mode, status.st_size))
    return found


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_a_hostile_archive_is_found_out_and_stays_in_its_tree(
    case: Hostile, tmp_path: Path
) -> None:
    room = tmp_path / "a" / "b" / "c"
    room.mkdir(parents=True)
    path, tree = room / case.filename, room / "tree"
    case.write(path)
    assert path.stat().st_size < 6 * MIB
    before, memory, start = snapshot(tmp_path, tree), peak(), time.process_time()

    findings = unpack(Artifact(case.filename, "", 0), path, tree, case.limits)

    assert time.process_time() - start < SECONDS
    assert peak() - memory < MEMORY
    assert snapshot(tmp_path, tree) == before
    severities = {finding.rule: finding.severity for finding in findings}
    assert severities.get(case.rule) is case.severity, findings
    assert len(severities) == len(findings)
    if case.severity is Severity.INFO:
        assert set(severities.values()) == {Severity.INFO}, findings
    for finding in findings:
        assert (finding.scanner, finding.kind) == ("archive", Kind.ARCHIVE)
        assert finding.artifact == case.filename
        assert finding.message
        assert finding.recommendation
        assert len(finding.locations) <= min(finding.count, MAX_LOCATIONS)
        shown = finding.message + "".join(place.path for place in finding.locations)
        assert shown.isprintable()
        assert len(shown) < 10_000
    for made in tree.rglob("*"):
        mode = made.lstat().st_mode
        assert stat.S_ISDIR(mode) or stat.S_ISREG(mode), made
        assert stat.S_IMODE(mode) == (0o700 if stat.S_ISDIR(mode) else 0o600), made
        assert made.name.isprintable(), made


def test_the_collection_is_large_and_its_names_are_unique() -> None:
    assert len(HOSTILE) >= 60
    assert len({case.name for case in HOSTILE}) == len(HOSTILE)


def test_bytecode_is_known_again_by_its_place_and_its_bytes(tmp_path: Path) -> None:
    def fingerprint(path: str, content: bytes) -> str:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(path, content)
        tree = tmp_path / f"tree-{len(list(tmp_path.iterdir()))}"
        limits = Policy().limits
        findings = unpack(Artifact("a.zip", "", 0), tmp_path / "a.zip", tree, limits)
        (place,) = next(each.locations for each in findings if each.rule == "bytecode")
        return place.fingerprint

    known = fingerprint("a/x.pyc", b"1")
    assert known == fingerprint("a/x.pyc", b"1") != ""
    assert len({known, fingerprint("a/y.pyc", b"1"), fingerprint("a/x.pyc", b"2")}) == 3


@pytest.mark.parametrize(
    "begins",
    [
        b"a\r\r\n\r\r\n\0",
        b"\n\xd0\r\n" + bytes(12),
        b"\xa7\r\r\n\4\0\0\0",
        b"\xa7\r\r\n",
        b"\r\r\r\n[a]",
    ],
)
def test_data_that_only_resembles_bytecode_is_none(begins: bytes) -> None:
    assert not begins_as_bytecode(begins)


def test_what_this_python_compiles_is_bytecode(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    for mode in py_compile.PycInvalidationMode:
        py_compile.compile(str(tmp_path / "a.py"), str(tmp_path / "a.bin"), invalidation_mode=mode)
        assert begins_as_bytecode((tmp_path / "a.bin").read_bytes())
