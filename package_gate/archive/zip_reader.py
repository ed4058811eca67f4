"""Unpacks zip, whl and egg files."""

import stat
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from package_gate.archive.limits import CHUNK, LimitReachedError
from package_gate.archive.placing import DamagedEntryError, Placer
from package_gate.archive.roles import is_importable
from package_gate.archive.zip_directory import (
    DESCRIPTOR,
    ENCRYPTED,
    PATCHED,
    NotAZipError,
    ZipEntry,
    find_directory,
    read_at,
    read_entries,
)
from package_gate.archive.zip_local import Located, check_coverage, locate

_STORED, _DEFLATED = 0, 8
"""The methods that every installer has; others are a finding and are not unpacked."""
_READ = 256 * 1024
_MAX_LINK = 4096
"""Bytes of a link's target; Linux's PATH_MAX."""
_DOS_FOLDER = 0x10
_PLAIN_TYPES = (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


def unpack_zip(file: BinaryIO, size: int, placer: Placer) -> None:
    """Unpack the zip in `file`, of `size` bytes.

    Raises:
        LimitReachedError: reading stopped there.
    """
    try:
        located, overlapping = _read_directory(file, size, placer)
    except NotAZipError as error:
        placer.add("unreadable", detail=str(error))
        return
    for index, here in enumerate(located):
        if index in overlapping:
            continue
        try:
            _unpack_entry(file, here, placer)
        except LimitReachedError:
            for left in located[index:]:
                if is_importable(left.entry.name):
                    placer.add("hidden-code", left.entry.name)
            raise
    placer.finish()


def _read_directory(file: BinaryIO, size: int, placer: Placer) -> tuple[list[Located], set[int]]:
    """Read and check all headers; nothing is unpacked before they are known."""
    directory = find_directory(file, size, placer.add)
    entries: list[ZipEntry] = []
    most = placer.budget.limits.entries
    for entry in read_entries(file, directory, placer.add):
        if len(entries) == most:
            raise LimitReachedError("limit-entries", f"limit {most}")
        entries.append(entry)
    if not entries:
        placer.add("empty-archive")
    located = [here for entry in entries if (here := locate(file, entry, placer.add))]
    return located, check_coverage(file, located, directory, placer.add)


def _unpack_entry(file: BinaryIO, here: Located, placer: Placer) -> None:
    entry = here.entry
    mode = entry.attributes >> 16
    kind = stat.S_IFMT(mode)
    if entry.name.endswith("/"):
        if entry.size or kind not in (0, stat.S_IFDIR):
            placer.add("unusual-entry", entry.name, "a folder with data or a file's mode")
        placer.folder(entry.name)
        return
    if entry.flags & ENCRYPTED:
        placer.add("encrypted-entry", entry.name)
        return
    if entry.method not in (_STORED, _DEFLATED) or entry.flags & PATCHED:
        placer.add("unsupported-compression", entry.name, f"method {entry.method}")
        return
    if entry.method == _STORED and entry.flags & DESCRIPTOR:
        placer.add("unusual-entry", entry.name, "stored, its size only told after it")
    if kind == stat.S_IFDIR or entry.attributes & _DOS_FOLDER:
        placer.add("unusual-entry", entry.name, "a folder's mode on a file")
    if kind not in _PLAIN_TYPES:
        placer.add("special-file", entry.name)
    elif kind != stat.S_IFDIR and mode & (stat.S_ISUID | stat.S_ISGID):
        placer.add("setuid-file", entry.name)
    # pip writes every entry as a file, whatever its mode says, and so do we.
    placer.file(entry.name, _content(file, here, placer))
    if kind == stat.S_IFLNK:
        placer.link_as_text(entry.name, _link_target(file, here, placer))


def _content(file: BinaryIO, here: Located, placer: Placer) -> Iterator[bytes]:
    """Give an entry's content in pieces, checked against its headers.

    Raises:
        DamagedEntryError: it isn't what they say.
        LimitReachedError: it is too much.
    """
    entry = here.entry
    crc = size = 0
    pieces = _inflated if entry.method == _DEFLATED else _raw
    for piece in pieces(file, here):
        size += len(piece)
        placer.budget.spend(len(piece))
        if size > entry.size:
            yield piece[: len(piece) - (size - entry.size)]
            raise DamagedEntryError(f"more than the announced {entry.size} bytes")
        crc = zlib.crc32(piece, crc)
        yield piece
    if size != entry.size:
        raise DamagedEntryError(f"{size} bytes instead of {entry.size}")
    if crc != entry.crc:
        raise DamagedEntryError("the checksum is wrong")


def _raw(file: BinaryIO, here: Located, step: int = CHUNK) -> Iterator[bytes]:
    for at in range(here.start, here.end, step):
        wanted = min(step, here.end - at)
        piece = read_at(file, at, wanted)
        yield piece
        if len(piece) < wanted:
            raise DamagedEntryError("the archive ends within it")


def _inflated(file: BinaryIO, here: Located) -> Iterator[bytes]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    taken = 0
    try:
        for packed in _raw(file, here, _READ):
            taken += len(packed)
            while packed and not stream.eof:
                piece = stream.decompress(packed, CHUNK)
                packed = stream.unconsumed_tail
                if piece:
                    yield piece
            if stream.eof:
                break
        while not stream.eof and (piece := stream.decompress(b"", CHUNK)):
            yield piece
    except zlib.error as error:
        raise DamagedEntryError("the compressed data is damaged") from error
    if not stream.eof:
        raise DamagedEntryError("the compressed data ends too early")
    if stream.unused_data or taken < here.entry.packed:
        raise DamagedEntryError("data hides behind the compressed data")


def _link_target(file: BinaryIO, here: Located, placer: Placer) -> bytes:
    """Give the start of a link's target; its faults are known from writing it as a file."""
    target = b""
    try:
        for piece in _content(file, here, placer):
            target += piece[: _MAX_LINK + 1 - len(target)]
            if len(target) > _MAX_LINK:
                break
    except DamagedEntryError:
        return target
    return target
