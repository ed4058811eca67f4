"""Reads a zip's records and compares them with each other (PKWARE's APPNOTE.TXT 6.3.10).

A zip tells everything twice: in a header before each entry and in the central directory at its
end. Some tools believe the one, some the other, and attackers live off the difference. Here both
are read, and every byte of the file must belong to exactly one record.
"""

import os
import re
import struct
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple

from package_gate.archive.paths import fold

END = b"PK\x05\x06"
_END = struct.Struct("<4s4H2LH")  # 4.3.16
_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_CENTRAL = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_TAIL = _END.size + 0xFFFF

_TELLING_NAME = re.compile(
    r"\.(?:py[a-z0-9]*|pth|so[.0-9]*|dll|dylib|sh|bat|cmd|ps1|exe|js)$|\.(?:dist|egg)-info/",
    re.IGNORECASE,
)
"""Of what is run, or read by installers: there it matters under which name it is unpacked."""

# General purpose flags, 4.4.4.
DESCRIPTOR, PATCHED, UTF8 = 1 << 3, 1 << 5, 1 << 11
ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
"""Any of the three ways to say it."""
MARK32 = 0xFFFFFFFF
"""In a 32-bit field: the value is in the zip64 field."""
_MARK16 = 0xFFFF
_NEWEST = 63
"""The last version of the format, 6.3 (4.4.3.2); `zipfile` refuses entries that need more."""
ZIP64, _UNICODE_PATH = 0x0001, 0x7075

Note = Callable[[str, str, str], None]
"""Takes a rule, an entry's name ("" for the archive) and a detail."""


class NotAZipError(Exception):
    """The file can't be read as a zip at all; the text says why."""


class Directory(NamedTuple):
    """Where the central directory is."""

    start: int
    """Its first byte."""
    size: int
    entries: int
    """How many the end record announces."""
    shift: int
    """How many bytes stand before the zip; all its offsets are off by so many."""


class ZipEntry(NamedTuple):
    """An entry as the central directory has it."""

    name: str
    raw_name: bytes
    method: int
    flags: int
    crc: int
    packed: int
    """Compressed bytes."""
    size: int
    """Uncompressed bytes."""
    offset: int
    """Of its local header, from the start of the file."""
    attributes: int
    """DOS attributes in the low byte, a Unix mode in the high 16 bits."""


def find_directory(file: BinaryIO, size: int, note: Note) -> Directory:
    """Find the end record as Python's `zipfile` does, and note what contradicts it.

    Raises:
        NotAZipError: there is none, or it points nowhere.
    """
    tail_start = max(0, size - _TAIL)
    tail = read_at(file, tail_start, size - tail_start)
    at = len(tail) - _END.size
    if at < 0 or tail[at : at + 4] != END or tail[-2:] != b"\0\0":
        at = tail.rfind(END)
    if at < 0 or at + _END.size > len(tail):
        raise NotAZipError("no end record")
    record = _END.unpack_from(tail, at)
    _, disk, first_disk, count_here, count, directory_size, offset, comment_size = record
    comment = tail[at + _END.size :]
    if len(comment) > comment_size:
        note("trailing-data", "", f"{len(comment) - comment_size} bytes")
    elif len(comment) < comment_size:
        note("truncated", "", "the archive's comment")
    if _other_end_fits(tail, at):
        note("several-end-records", "", "another one reaches to the end of the file, too")
    end = tail_start + at
    end64 = _find_end64(file, end, note)
    if end64 is not None:
        end, count64, size64, offset64 = end64
        pairs = (
            (count, count64, _MARK16),
            (count_here, count64, _MARK16),
            (directory_size, size64, MARK32),
            (offset, offset64, MARK32),
        )
        if any(short not in (long, mark) for short, long, mark in pairs):
            note("directory-mismatch", "", "the zip64 end record has other values")
        count, directory_size, offset = count64, size64, offset64
    elif disk or first_disk or count_here != count:
        note("directory-mismatch", "", "it claims to be one of several volumes")
    start = end - directory_size
    if start < 0 or start < offset:
        raise NotAZipError("the end record points beyond the file")
    if start > offset:
        note("prepended-data", "", f"{start - offset} bytes")
    return Directory(start, directory_size, count, start - offset)


def _other_end_fits(tail: bytes, chosen: int) -> bool:
    """Whether another end record's comment ends where the file does.

    Some readers take the last record that they find, some the one whose comment fits.
    """
    at = tail.find(END)
    while 0 <= at <= len(tail) - _END.size:
        fits = at + _END.size + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
        if at != chosen and (fits or at > chosen):
            return True
        at = tail.find(END, at + 1)
    return False


def _find_end64(file: BinaryIO, end: int, note: Note) -> tuple[int, int, int, int] | None:
    """Give position, count, size and offset of the zip64 end record, when there is one."""
    if end < _LOCATOR.size:
        return None
    locator = _LOCATOR.unpack(read_at(file, end - _LOCATOR.size, _LOCATOR.size))
    if locator[0] != b"PK\x06\x07":
        return None
    at = end - _LOCATOR.size - _END64.size
    record = _END64.unpack(read_at(file, at, _END64.size)) if at >= 0 else None
    if record is None or record[0] != b"PK\x06\x06":
        note("directory-mismatch", "", "a zip64 locator without its record")
        return None
    _, length, _, _, disk, first_disk, count_here, count, size, offset = record
    if length != _END64.size - 12 or disk or first_disk or count_here != count:
        note("directory-mismatch", "", "an odd zip64 end record")
    # Data before the archive shifts every offset, the locator's too.
    if locator[1] or locator[3] not in (0, 1) or locator[2] != at - max(0, at - size - offset):
        note("directory-mismatch", "", "the zip64 locator points elsewhere")
    return at, count, size, offset


def read_entries(file: BinaryIO, directory: Directory, note: Note) -> Iterator[ZipEntry]:
    """Walk the central directory, one entry at a time.

    The file's position is its place in the directory: read other parts with `read_at`.
    """
    file.seek(directory.start)
    left, count = directory.size, 0
    names: dict[str, str] = {}
    unsure: list[ZipEntry] = []
    while left >= _CENTRAL.size:
        fields = _CENTRAL.unpack(file.read(_CENTRAL.size))
        variable = fields[10] + fields[11] + fields[12]
        left -= _CENTRAL.size + variable
        if fields[0] != b"PK\x01\x02" or left < 0:
            note("directory-mismatch", "", "the central directory ends early")
            return
        data = file.read(variable)
        if len(data) < variable:
            note("truncated", "", "the central directory")
            return
        count += 1
        entry = _entry(fields, data, directory.shift, note)
        names.setdefault(fold(entry.name), entry.name)
        if not entry.raw_name.isascii() and not entry.flags & UTF8:
            unsure.append(entry)
        yield entry
    _tell_of_shared_names(names, unsure, note)
    if left:
        note("directory-mismatch", "", "bytes after the central directory's last entry")
    if count != directory.entries:
        note("directory-mismatch", "", f"{count} entries instead of {directory.entries}")


def _entry(fields: tuple[Any, ...], data: bytes, shift: int, note: Note) -> ZipEntry:
    (_, _, needed, flags, method, _, _, crc, packed, size, *rest) = fields
    name_size, extra_size, comment_size, disk, _, attributes, offset = rest
    raw = data[:name_size]
    extra = data[name_size : name_size + extra_size]
    name = _decode(raw, flags, note)
    extras = read_extras(extra, name, note)
    payload = extras.get(ZIP64, b"")
    # APPNOTE 4.5.3: the field holds those values, in this order, whose place says "too large".
    wanted = [value == MARK32 for value in (size, packed, offset)]
    if sum(wanted) * 8 > len(payload):
        note("header-mismatch", name, "a size of 4 GiB without zip64 field")
    else:
        values = iter(struct.unpack_from(f"<{sum(wanted)}Q", payload))
        size, packed, offset = (
            next(values) if long else value
            for long, value in zip(wanted, (size, packed, offset), strict=True)
        )
    if payload and len(payload) not in (sum(wanted) * 8, sum(wanted) * 8 + 4):
        note("header-mismatch", name, "a zip64 field with values that nothing asks for")
    if needed > _NEWEST:
        note("unusual-entry", name, f"it asks for version {needed} of the format")
    if disk not in (0, _MARK16):
        note("header-mismatch", name, "it claims to stand on another volume")
    check_unicode_path(extras, raw, flags, name, note)
    if comment_size:
        note("entry-comment", name, "")
    if END in extra or END in data[name_size + extra_size :]:
        note("several-end-records", name, "one within the central directory")
    return ZipEntry(name, raw, method, flags, crc, packed, size, offset + shift, attributes)


def _decode(raw: bytes, flags: int, note: Note) -> str:
    """Decode a name as Python's `zipfile` does: UTF-8 when flagged, else code page 437."""
    try:
        name = raw.decode("utf-8" if flags & UTF8 else "ascii")
    except UnicodeDecodeError:
        if flags & UTF8:
            name = raw.decode("utf-8", "surrogateescape")
            note("name-encoding", name, "declared as UTF-8, which it is not")
        else:
            name = raw.decode("cp437")
            told = "accented-name" if _is_only_accented(raw, name) else "name-encoding"
            note(told, name, "neither ASCII nor declared as UTF-8")
    return name


def _is_only_accented(raw: bytes, name: str) -> bool:
    """Whether a name in no declared encoding is harmless under whichever name it is unpacked.

    Windows writes such names in a code page, macOS in UTF-8.
    """
    try:
        letters = raw.decode("utf-8")
    except UnicodeDecodeError:
        letters = raw.decode("cp850")
    return not _TELLING_NAME.search(name) and all(
        each.isascii() or unicodedata.category(each)[0] in "LMN" for each in letters
    )


def _other_names(raw: bytes) -> set[str]:
    """Give what readers make of a name in no declared encoding, each by its system's."""
    names = {raw.decode(encoding, "replace") for encoding in ("cp437", "cp850", "cp1252")}
    with suppress(UnicodeDecodeError):
        names.add(raw.decode("utf-8"))
    return names


def _tell_of_shared_names(names: Mapping[str, str], unsure: Iterable[ZipEntry], note: Note) -> None:
    """Note entries that some reader takes for another one: it puts one in the place of the other.

    Args:
        names: each name as Python reads it, folded, with how it reads it.
        unsure: entries whose names are in no declared encoding.
        note: where to.
    """
    taken = dict(names)
    for entry in unsure:
        for name in _other_names(entry.raw_name):
            if taken.setdefault(fold(name), entry.name) != entry.name:
                note("name-encoding", entry.name, f"some readers take it for another entry, {name}")


def read_extras(extra: bytes, name: str, note: Note) -> dict[int, bytes]:
    """Split an extra field (4.5.1) into its parts by their id."""
    parts: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        key, size = struct.unpack_from("<HH", extra, at)
        if at + 4 + size > len(extra):
            note("unusual-entry", name, "a malformed extra field")
            return parts
        if key in parts and key in (ZIP64, _UNICODE_PATH):
            note("header-mismatch", name, "the same extra field twice")
        parts.setdefault(key, extra[at + 4 : at + 4 + size])
        at += 4 + size
    if extra[at:].strip(b"\0"):
        note("unusual-entry", name, "a malformed extra field")
    return parts


def check_unicode_path(
    extras: dict[int, bytes], raw: bytes, flags: int, name: str, note: Note
) -> None:
    """Compare Info-ZIP's second name of an entry (4.6.9), which some tools prefer, to the first."""
    field = extras.get(_UNICODE_PATH)
    if field is None:
        return
    # A second name is there for a first one in an old code page; else it must be the same.
    plain = raw.isascii() or flags & UTF8
    if len(field) < 5 or field[0] != 1 or (plain and field[5:] != raw):
        note("header-mismatch", name, "its Unicode name is another one")
    elif not plain and int.from_bytes(field[1:5], "little") != zlib.crc32(raw):
        note("header-mismatch", name, "its Unicode name belongs to another name")


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read without moving the file's position; shorter at the end of the file."""
    pieces = []
    while size > 0 and (piece := os.pread(file.fileno(), size, offset)):
        pieces.append(piece)
        offset += len(piece)
        size -= len(piece)
    return b"".join(pieces)
