"""Unpacks an artifact for the scanners; whatever is wrong with it becomes findings.

The tree holds the archive's layout as an installer would see it, with two additions: a tar's links
are copies (see `placing`), and an archive within the archive is unpacked next to where it stands,
`inner.zip` into `inner.zip.unpacked/`, four levels deep and counted against the same limits. So is
a file that is compressed and no archive, as far as it would be looked at.

What could be hidden in a nested archive: code that the package unpacks and runs itself. It is in
the tree, so scanners read that code too. What lies deeper refuses, and so does what is encrypted
or compressed in a way that is not read here: of the nested archives of 967 honest wheels, none had
any of that. Other oddities of a nested archive (a `.npz`, a `.jar`, broken test data) are
`info`: no installer opens it, and what the package's own code does with it is that code's
matter, which is scanned. What is odd about a file that Python imports counts there too, since it
imports from zips. The totals of bytes, entries and ratio refuse whatever is nested: a bomb
counts as one. Only the ratio of a nested archive by itself is `info`, and stops its unpacking:
a matrix of zeros in a `.npz` packs 500 to 1, and scientific packages ship such matrices.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO

from package_gate.archive.kinds import Nobody, compression_of, is_also, kind_of, promised_kind
from package_gate.archive.limits import Budget, LimitReachedError
from package_gate.archive.links import Parts
from package_gate.archive.placing import MAGICS, Placer
from package_gate.archive.repository import check_repository
from package_gate.archive.rules import Report
from package_gate.archive.sdist import check_sdist
from package_gate.archive.streams import StreamError, decompressed
from package_gate.archive.tar_reader import StreamWatcher, unpack_tar
from package_gate.archive.tree import Tree
from package_gate.archive.wheel import check_wheel
from package_gate.archive.zip_reader import unpack_zip
from package_gate.core.artifact import Artifact
from package_gate.core.errors import ArchiveError
from package_gate.core.finding import Finding
from package_gate.core.limits import MIB, Limits

_MAX_DEPTH = 4
"""Levels of archives within archives that are unpacked."""
_MAX_DATA = 64 * MIB
"""Bytes of compressed data that are unpacked; more than scanners read of a file."""
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def unpack(
    artifact: Artifact, path: Path, tree: Path, limits: Limits, *, nested: bool = True
) -> list[Finding]:
    """Unpack a downloaded file and say what is wrong with it.

    Args:
        artifact: Its `filename` tells wheels and sdists, whose metadata must agree with it.
        path: The file.
        tree: An absolute path that doesn't exist and whose parent does; it is made.
        limits: From the policy; all are kept while reading.
        nested: Whether archives within the archive are unpacked too.

    Returns:
        Findings of scanner `archive`, one for each rule, the worst first. The tree holds what
        could be read.

    Raises:
        ArchiveError: a fault of ours, such as a full disk.
    """
    report = Report(artifact.filename)
    with Tree(tree) as target, _reading(path) as file:
        placer = Placer(target, report, Budget(limits, os.fstat(file.fileno()).st_size))
        kind = kind_of(file)
        if kind is None:
            report.add("unreadable", detail="it is no zip and no tar")
            return report.findings()
        if promised_kind(artifact.filename) not in (kind, None):
            report.add("wrong-format", detail=f"it is a {kind}")
        if _unpack_one(file, kind, placer):
            if artifact.filename.lower().endswith(".whl"):
                check_wheel(artifact.filename, placer)
            else:
                check_sdist(artifact.filename, placer)
            check_repository(placer)
            for parts in placer.archives if nested else ():
                _unpack_nested(parts, placer, 1)
    return report.findings()


def _unpack_one(file: BinaryIO, kind: str, placer: Placer) -> bool:
    """Unpack one archive; False when a limit stopped it."""
    if is_also(file, kind):
        placer.add("several-formats")
    try:
        if kind == "zip":
            unpack_zip(file, os.fstat(file.fileno()).st_size, placer)
        else:
            watcher = StreamWatcher(kind, placer)
            unpack_tar(decompressed(file, kind, watcher), placer)
    except LimitReachedError as error:
        placer.add(error.rule, detail=error.detail)
        if placer.nested and kind != "zip":  # whose directory is known
            placer.report.add("nested-archive", "/".join(placer.base))
        return False
    return True


def _unpack_nested(parts: Parts, outer: Placer, depth: int) -> None:
    with outer.tree.open(parts) as file, _reading_errors(Path(*parts)):
        kind = kind_of(file)
        compressed = None if kind else compression_of(file)
        if not (kind or compressed):
            return
        if depth > _MAX_DEPTH:
            outer.report.add("nested-archive", "/".join(parts))
            return
        size = os.fstat(file.fileno()).st_size
        budget = Budget(outer.budget.limits, size, outer.budget)
        inner = Placer(outer.tree, outer.report, budget, outer.free_folder(parts))
        if kind:
            _unpack_one(file, kind, inner)
        elif compressed:
            _decompress(file, compressed, parts[-1], inner)
    for deeper in inner.archives:
        _unpack_nested(deeper, inner, depth + 1)


def _decompress(file: BinaryIO, kind: str, name: str, placer: Placer) -> None:
    """Unpack a file that is compressed and no tar, as far as it can be read and is looked at."""

    def content() -> Iterator[bytes]:
        size, head, is_whole = 0, b"", False
        try:
            for piece in decompressed(file, kind, Nobody()):
                size, head = size + len(piece), head or piece
                placer.budget.spend(len(piece))
                yield piece
                if size > _MAX_DATA:
                    return
            is_whole = True
        except StreamError:
            is_whole = True  # there is no more of it
        finally:
            if not is_whole and head.startswith((b"PK", *MAGICS)):
                placer.report.add("nested-archive", "/".join(placer.base))

    try:
        placer.file(PurePath(name).stem if name.lower().endswith(_COMPRESSED) else name, content())
    except LimitReachedError as error:
        placer.add(error.rule, detail=error.detail)
    else:
        placer.finish()


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    with _reading_errors(path), path.open("rb") as file:
        yield file


@contextmanager
def _reading_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise ArchiveError(f"Can't read {path}: {problem}.") from error
