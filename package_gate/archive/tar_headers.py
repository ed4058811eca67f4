"""Reads tar headers: POSIX ustar and pax (IEEE 1003.1, `pax`), GNU and old V7."""

import re
import struct
from typing import NamedTuple

BLOCK = 512
NO_BLOCK = bytes(BLOCK)
USTAR_MAX = 8**11
"""The first size that no octal field holds: from here on it has to stand elsewhere."""

_UNSIGNED = struct.Struct("148B8x356B")
_SIGNED = struct.Struct("148b8x356b")
_OCTAL = re.compile(rb" *([0-7]*) *\Z")
_RECORD = re.compile(rb"([1-9][0-9]{0,8}) ")


class BadHeaderError(Exception):
    """A block is no valid header; the text says why."""


class Header(NamedTuple):
    """One header block."""

    name: str
    kind: bytes
    size: int
    mode: int
    linkname: str
    doubtful: bool
    """Whether its prefix field has a meaning for some readers only."""
    sparse_follows: bool
    """Whether an old GNU sparse map goes on in the next block."""


def read_header(block: bytes) -> Header:
    """Read a header block of 512 bytes that isn't empty.

    Every number must be one, since Python's `tarfile` takes a header with a bad number for the
    end of the archive and others don't.

    Raises:
        BadHeaderError: the checksum or a number is wrong.
    """
    if _number(block[148:156]) not in _checksums(block):
        raise BadHeaderError("wrong checksum")
    for start, end in ((108, 116), (116, 124), (136, 148), (329, 337), (337, 345)):
        _number(block[start:end], signed=True)
    name, kind, magic = text(block[:100]), block[156:157], block[257:263]
    prefix = text(block[345:500])
    old_gnu = kind in b"LKSDMNVxXg"
    doubtful = bool(prefix) and magic != b"ustar\0" and not old_gnu
    if prefix and not old_gnu:
        name = f"{prefix}/{name}"
    return Header(
        name=name,
        kind=kind,
        size=_number(block[124:136]),
        mode=_number(block[100:108], signed=True),
        linkname=text(block[157:257]),
        doubtful=doubtful,
        sparse_follows=bool(block[482]),
    )


def is_header(block: bytes) -> bool:
    """Whether a file that begins like this is a tar."""
    try:
        read_header(block[:BLOCK].ljust(BLOCK, b"\0"))
    except BadHeaderError:
        return False
    return len(block) >= BLOCK and block[:BLOCK] != NO_BLOCK


def text(field: bytes) -> str:
    """Decode a field up to its NUL; bytes that are not UTF-8 become surrogates."""
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def read_pax(data: bytes) -> dict[str, str]:
    """Read the records `LENGTH KEY=VALUE\\n` of a pax header.

    Raises:
        BadHeaderError: it is malformed, or a key that matters stands there twice.
    """
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if not match or end > len(data) or end <= match.end() or data[end - 1 : end] != b"\n":
            raise BadHeaderError("a malformed pax header")
        key, equals, value = data[match.end() : end - 1].partition(b"=")
        if not equals or not key:
            raise BadHeaderError("a malformed pax record")
        name = key.decode("utf-8", "surrogateescape")
        if name in records and name in ("path", "linkpath", "size"):
            raise BadHeaderError(f"a pax header with two of {name}")
        records[name] = value.decode("utf-8", "surrogateescape")
        at = end
    return records


def pax_size(records: dict[str, str]) -> int | None:
    """Give the size that a pax header states.

    Raises:
        BadHeaderError: it is no number.
    """
    value = records.get("size")
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", value):
        raise BadHeaderError("a pax size that is no number")
    return int(value)


def _number(field: bytes, signed: bool = False) -> int:
    """Read octal digits, or GNU's base 256 when the first byte is 0x80 or 0xFF (negative)."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    if field[0] == 0xFF and signed:
        return int.from_bytes(field, "big", signed=True)
    match = _OCTAL.match(field.split(b"\0", 1)[0])
    if not match:
        raise BadHeaderError("a number that is none")
    return int(match[1] or b"0", 8)


def _checksums(block: bytes) -> tuple[int, int]:
    """The sum of all bytes with the checksum's own as spaces; some old tars summed signed ones."""
    unsigned = sum(_UNSIGNED.unpack(block)) + 8 * 0x20
    signed = sum(_SIGNED.unpack(block)) + 8 * 0x20
    return unsigned, signed
