"""Archives that want more than there is, at their real size: what they cost is bounded."""

import resource
import struct
import time
import zlib
from pathlib import Path

import pytest

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Severity
from package_gate.core.limits import MIB, Limits
from tests.archive.makers import Zipped, central_header, end64, end_record, tar_header

TEN_MILLION = 10_000_000
SECONDS = 60
"""Of processor time; what is usual is a tenth."""
MEMORY = 400 * MIB


def cost(path: Path, tree: Path, limits: Limits | None = None) -> dict[str, Severity | None]:
    before, start = peak(), time.process_time()
    findings = unpack(Artifact(path.name, "", 0), path, tree, limits or Limits())
    assert time.process_time() - start < SECONDS
    assert peak() - before < MEMORY
    return {finding.rule: finding.severity for finding in findings}


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_zip_of_ten_million_entries(tmp_path: Path) -> None:
    path = tmp_path / "hostile.zip"
    header = central_header(Zipped(b"a", b"", method=0), 0)
    size = len(header) * TEN_MILLION
    with path.open("wb") as file:
        for _ in range(1001):
            file.write(header * 100)
        file.truncate(size)  # the rest is a hole: nobody may get that far
        file.seek(size)
        file.write(end64(TEN_MILLION, size, 0, size) + end_record(0xFFFF, 0xFFFFFFFF, 0))

    assert cost(path, tmp_path / "tree")["limit-entries"] is Severity.HIGH


def test_a_tar_of_ten_million_entries(tmp_path: Path) -> None:
    path = tmp_path / "hostile.tar.gz"
    block = tar_header(b"a/", kind=b"5") * 10_000
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    with path.open("wb") as file:
        file.write(start)
        for _ in range(TEN_MILLION // 10_000 - 1):
            file.write(again)
        file.write(packer.flush())

    found = cost(path, tmp_path / "tree", Limits(ratio=10_000, entries=20_000))

    assert found["limit-entries"] is Severity.HIGH


def test_a_tar_of_ten_million_entries_is_a_bomb_by_default(tmp_path: Path) -> None:
    path = tmp_path / "hostile.tar.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    path.write_bytes(packer.compress(tar_header(b"a/", kind=b"5") * 25_000) + packer.flush())

    assert cost(path, tmp_path / "tree")["limit-ratio"] is Severity.HIGH


@pytest.mark.parametrize("name", ["hostile.zip", "hostile.tar"])
def test_a_file_of_four_gibibytes_that_is_a_hole_on_disk(name: str, tmp_path: Path) -> None:
    """It packs 1 to 1, so no ratio stops it; the limits of bytes do, long before its end."""
    path, size = tmp_path / name, 2**32
    entry = Zipped(b"big", b"", method=0)
    with path.open("wb") as file:
        if name.endswith(".tar"):
            file.write(tar_header(b"big", size_field=b"\x80" + size.to_bytes(11, "big")))
            file.truncate(512 + size + 1024)
        else:
            sizes = struct.pack("<HHQQ", 1, 16, size, size)
            entry.local = {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "extra": sizes}
            entry.central = entry.local
            local = struct.pack(
                "<4s5H3L2H", b"PK\x03\x04", 45, 0, 0, 0, 0x21, 0, *[0xFFFFFFFF] * 2, 3, 20
            )
            file.write(local + b"big" + sizes)
            at = len(local) + 23 + size
            file.truncate(at)
            file.seek(at)
            directory = central_header(entry, 0)
            file.write(directory + end64(1, len(directory), at, at + len(directory)))
            file.write(end_record(1, len(directory), 0xFFFFFFFF))

    limits = Limits(unpacked_file_bytes=20 * MIB, unpacked_bytes=200 * MIB)
    found = cost(path, tmp_path / "tree", limits)

    assert found["limit-file-bytes"] is Severity.HIGH
    assert sum(file.stat().st_size for file in (tmp_path / "tree").iterdir()) <= 20 * MIB
