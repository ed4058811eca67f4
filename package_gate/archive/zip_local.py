"""Compares a zip's local headers with its central directory, and looks for bytes of no entry."""

import struct
from typing import BinaryIO, NamedTuple

from package_gate.archive.zip_directory import (
    DESCRIPTOR,
    ENCRYPTED,
    MARK32,
    PATCHED,
    UTF8,
    ZIP64,
    Directory,
    Note,
    ZipEntry,
    check_unicode_path,
    read_at,
    read_extras,
)

_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_TELLING_FLAGS = ENCRYPTED | DESCRIPTOR | PATCHED
_LONGEST_DESCRIPTOR = 24
"""Bytes: signature, CRC and two zip64 sizes (4.3.9)."""


class Located(NamedTuple):
    """An entry and where its data is."""

    entry: ZipEntry
    start: int
    """The first byte of its data."""

    @property
    def end(self) -> int:
        """The first byte after its data."""
        return self.start + self.entry.packed


def locate(file: BinaryIO, entry: ZipEntry, note: Note) -> Located | None:
    """Read an entry's local header and note where it contradicts the central directory.

    None when there is no local header.
    """
    header = read_at(file, entry.offset, _LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        note("header-mismatch", entry.name, "no local header where the directory says")
        return None
    fields = _LOCAL.unpack(header)
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = fields
    variable = read_at(file, entry.offset + _LOCAL.size, name_size + extra_size)
    raw = variable[:name_size]
    extras = read_extras(variable[name_size:], entry.name, note)
    if raw != entry.raw_name:
        shown = raw[:80].decode("utf-8", "replace")
        note("header-mismatch", entry.name, f"locally it is named {shown}")
    if method != entry.method:
        note("header-mismatch", entry.name, "the compression methods differ")
    telling = _TELLING_FLAGS if raw.isascii() else _TELLING_FLAGS | UTF8
    if (flags ^ entry.flags) & telling:
        note("header-mismatch", entry.name, "the flags differ")
    check_unicode_path(extras, raw, flags, entry.name, note)
    local = _local_sizes(size, packed, extras.get(ZIP64, b""))
    # With a data descriptor the header may leave these open.
    blank = flags & DESCRIPTOR
    told = ((crc, entry.crc), (local[0], entry.size), (local[1], entry.packed))
    if any(here != there and not (blank and here == 0) for here, there in told):
        note("header-mismatch", entry.name, "the sizes or checksums differ")
    return Located(entry, entry.offset + _LOCAL.size + name_size + extra_size)


def _local_sizes(size: int, packed: int, payload: bytes) -> tuple[int, int]:
    """Resolve a local header's sizes; its zip64 field holds both of them (4.5.3)."""
    if len(payload) < 16:
        return size, packed
    long_size, long_packed = struct.unpack_from("<QQ", payload)
    return _resolve(size, long_size), _resolve(packed, long_packed)


def _resolve(short: int, long: int) -> int:
    """Choose between a 32-bit field and its zip64 value; -1 when they contradict each other."""
    if short == MARK32:
        return long
    return short if long in (short, 0) else -1


def check_coverage(
    file: BinaryIO, located: list[Located], directory: Directory, note: Note
) -> set[int]:
    """See that the entries follow each other without overlap or gap, up to the directory.

    Gives the indexes in `located` of entries that reach into an earlier one: they must not be
    unpacked, since that is how a small archive holds the same data a thousand times.
    """
    overlapping: set[int] = set()
    order = sorted(range(len(located)), key=lambda index: located[index].entry.offset)
    done = directory.shift
    before: Located | None = None
    for index in order:
        here = located[index]
        start = here.entry.offset
        if start < done:
            note("overlapping-entries", here.entry.name, "")
            overlapping.add(index)
        else:
            _check_gap(file, before, done, start, note)
        if here.end >= done:
            done, before = here.end, here
    if done > directory.start:
        note("overlapping-entries", before.entry.name if before else "", "the central directory")
    else:
        _check_gap(file, before, done, directory.start, note)
    return overlapping


def _check_gap(file: BinaryIO, before: Located | None, start: int, end: int, note: Note) -> None:
    """Only the data descriptor of the entry before may stand between `start` and `end`."""
    if before is None:
        if end > start:
            note("prepended-data", "", f"{end - start} bytes")
        return
    entry = before.entry
    if not entry.flags & DESCRIPTOR:
        if end > start:
            note("hidden-data", entry.name, f"{end - start} bytes after it")
        return
    gap = read_at(file, start, min(end - start, _LONGEST_DESCRIPTOR + 1))
    forms = [
        signature + struct.pack(sizes, entry.crc, entry.packed, entry.size)
        for signature in (b"PK\x07\x08", b"")
        for sizes in ("<LQQ", "<LLL")
        if sizes == "<LQQ" or max(entry.packed, entry.size) <= MARK32
    ]
    if gap not in forms:
        rule = "hidden-data" if end - start > _LONGEST_DESCRIPTOR else "header-mismatch"
        note(rule, entry.name, "its data descriptor is missing or differs")
