"""The worker that unpacks: what it says of a package's artifacts is checked as findings are."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from package_gate.core.artifact import (
    Artifact,
    ArtifactFile,
    Origin,
    UnpackedArtifact,
    UnpackedPackage,
)
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Kind
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.sandbox.spec import Needs, ScannerSpec
from package_gate.sandbox.unpacking import inventory_of, unpacked
from package_gate.scanners.registry import outer_unpacker
from tests.fakes.scanners import FakeSettings

LIMITS = Limits(scan_seconds=60, scan_memory_bytes=2 * 2**30)
WHEELS = ("demo-1.0-cp311-none-any.whl", "demo-1.0-py3-none-any.whl")


def fake(factory: str, settings: FakeSettings | None = None) -> ScannerSpec:
    return ScannerSpec(
        "archive",
        f"tests.fakes.scanners:{factory}",
        frozenset({Kind.ARCHIVE}),
        Needs(unpacks=True),
        settings,
    )


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScannerPool]:
    folder = tmp_path_factory.mktemp("pool")
    with ScannerPool([fake("FakeUnpacker")], LIMITS, folder) as running:
        yield running


def package(folder: Path, behaviour: str) -> UnpackedPackage:
    return UnpackedPackage(
        behaviour,
        "1.0",
        Origin.PYPI,
        tuple(
            UnpackedArtifact(
                Artifact(name, "0" * 64, 1), str(folder / name), str(folder / "trees" / name)
            )
            for name in WHEELS
        ),
    )


def test_inventories_come_back_one_for_each_artifact(pool: ScannerPool, tmp_path: Path) -> None:
    unpacked = pool.unpack("archive", package(tmp_path, "answer"))
    assert [each.artifact for each in unpacked.inventories] == list(WHEELS)
    assert [each.requires_python for each in unpacked.inventories] == [">=3.9"] * 2


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("fail", "the disk is full"),
        ("raise", "RecursionError: in the inventory"),
        ("missing", "not of the artifacts"),
        ("swapped", "not of the artifacts"),
        ("another", "not of the artifacts"),
        ("unsound", "its name is a"),
        ("large", "more than 8388608 bytes"),
    ],
)
def test_what_is_no_sound_inventory_of_each_artifact_is_an_error(
    pool: ScannerPool, tmp_path: Path, behaviour: str, reason: str
) -> None:
    with pytest.raises(ScannerError, match=f"archive on {behaviour} 1.0: .*{reason}"):
        pool.unpack("archive", package(tmp_path, behaviour))


def test_findings_alone_are_no_answer_of_an_unpacker(tmp_path: Path) -> None:
    with (
        ScannerPool([fake("NoUnpacker", FakeSettings())], LIMITS, tmp_path) as pool,
        pytest.raises(ScannerError, match="something else than it was asked for"),
    ):
        pool.unpack("archive", package(tmp_path, "answer"))


def archive(folder: Path, content: bytes) -> ArtifactFile:
    path = folder / "sample.zip"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return ArtifactFile(Artifact(path.name, digest, len(content)), path)


def test_a_publisher_is_given_a_tree_that_a_process_without_credentials_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PrivateGitHubToken", "CANARY")
    (tmp_path / "scratch").mkdir()
    spec, scratch = fake("TellingUnpacker"), tmp_path / "scratch"

    with unpacked(archive(tmp_path, b"x"), spec=spec, limits=LIMITS, scratch=scratch) as tree:
        assert (tree / "archive").read_bytes() == b"x"
        assert "CANARY" not in (tree / "environment").read_text()
        process = int((tree / "process").read_text())
        assert process != os.getpid()
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert list(scratch.iterdir()) == []


def test_other_bytes_than_the_approved_ones_are_not_unpacked(tmp_path: Path) -> None:
    file = archive(tmp_path, b"approved")
    file.path.write_bytes(b"other")

    with (
        pytest.raises(ScannerError, match=f"has SHA-256 .* and not {file.artifact.sha256}"),
        unpacked(file, spec=fake("TellingUnpacker"), limits=LIMITS, scratch=tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == [file.path]


def test_what_the_unpacker_does_not_finish_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(ScannerError, match="archive can't be started: "),
        unpacked(archive(tmp_path, b"x"), spec=fake("Missing"), limits=LIMITS, scratch=tmp_path),
    ):
        pass


def test_a_resolver_is_told_what_an_sdist_is_by_a_process_without_credentials(
    tmp_path: Path,
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as sdist:
        sdist.writestr("demo-1.0/PKG-INFO", "Name: demo\nVersion: 1.0\nRequires-Dist: idna\n")
        sdist.writestr("demo-1.0/demo.egg-info/requires.txt", "six\n[x]\nmore\n")
    file = archive(tmp_path, content.getvalue())

    found = inventory_of(file, spec=outer_unpacker(), limits=LIMITS, scratch=tmp_path)

    assert (found.artifact, found.kind, found.name) == ("sample.zip", "zip", "demo")
    assert found.requires == ("idna", "six", 'more ; extra == "x"')
    assert found.requires_may_change
    assert list(tmp_path.iterdir()) == [file.path]
