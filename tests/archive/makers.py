"""Writes zips and tars byte by byte, so that any field can lie."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

BLOCK = 512
NO_BLOCK = bytes(BLOCK)
_PROJECT = ContextVar("project", default=b"demo")
"""What stands for `demo` in all names and contents."""


@contextmanager
def project(name: str) -> Iterator[None]:
    """Make archives of another project than `demo`, whose name has four letters too."""
    assert len(name) == len(_PROJECT.get())
    token = _PROJECT.set(name.encode())
    try:
        yield
    finally:
        _PROJECT.reset(token)


def renamed(text: bytes) -> bytes:
    """Give a name or a content as it is in an archive of the project."""
    return text.replace(b"demo", _PROJECT.get())


@dataclass
class Zipped:
    """An entry of a zip; `local` and `central` override fields of one header only."""

    name: bytes
    data: bytes = b"x = 1\n"
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    extra: bytes = b""
    comment: bytes = b""
    before: bytes = b""
    """Bytes in front of its local header."""
    after: bytes = b""
    """Bytes behind its data, such as a data descriptor."""
    packed: bytes | None = None
    """What stands for the compressed data."""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name, self.data = renamed(self.name), renamed(self.data)
        for fields in (self.local, self.central):
            if "name" in fields:
                fields["name"] = renamed(fields["name"])


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def pack(entry: Zipped) -> bytes:
    if entry.packed is not None:
        return entry.packed
    return deflate(entry.data) if entry.method == 8 else entry.data


def local_header(entry: Zipped) -> bytes:
    fields = {
        "signature": b"PK\x03\x04",
        "flags": entry.flags,
        "method": entry.method,
        "crc": zlib.crc32(entry.data),
        "packed": len(pack(entry)),
        "size": len(entry.data),
        "name": entry.name,
        "extra": entry.extra,
        **entry.local,
    }
    header = struct.pack(
        "<4s5H3L2H",
        fields["signature"],
        20,
        fields["flags"],
        fields["method"],
        0,
        0x21,
        fields["crc"],
        fields["packed"],
        fields["size"],
        len(fields["name"]),
        len(fields["extra"]),
    )
    return b"".join((header, fields["name"], fields["extra"]))


def central_header(entry: Zipped, offset: int) -> bytes:
    fields = {
        "flags": entry.flags,
        "method": entry.method,
        "crc": zlib.crc32(entry.data),
        "packed": len(pack(entry)),
        "size": len(entry.data),
        "name": entry.name,
        "extra": entry.extra,
        "offset": offset,
        "disk": 0,
        "needed": 20,
        "dos": 0,
        **entry.central,
    }
    header = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        3 << 8 | 20,
        fields["needed"],
        fields["flags"],
        fields["method"],
        0,
        0x21,
        fields["crc"],
        fields["packed"],
        fields["size"],
        len(fields["name"]),
        len(fields["extra"]),
        len(entry.comment),
        fields["disk"],
        0,
        entry.mode << 16 | fields["dos"],
        fields["offset"],
    )
    return b"".join((header, fields["name"], fields["extra"], entry.comment))


def end_record(count: int, size: int, offset: int, comment: bytes = b"", disk: int = 0) -> bytes:
    return (
        struct.pack("<4s4H2LH", b"PK\x05\x06", disk, disk, count, count, size, offset, len(comment))
        + comment
    )


def make_zip(
    entries: Sequence[Zipped],
    *,
    comment: bytes = b"",
    hidden: bytes = b"",
    count: int | None = None,
    size: int | None = None,
    before_end: bytes = b"",
) -> bytes:
    """Join entries; `hidden` stands before the directory, `before_end` behind it."""
    body = bytearray()
    directory = bytearray()
    for entry in entries:
        body += entry.before
        directory += central_header(entry, len(body))
        body += local_header(entry) + pack(entry) + entry.after
    body += hidden
    end = end_record(
        len(entries) if count is None else count,
        len(directory) if size is None else size,
        len(body),
        comment,
    )
    return bytes(body + directory + before_end + end)


def end64(count: int, size: int, offset: int, at: int, locator: int | None = None) -> bytes:
    """Make a zip64 end record and its locator; `at` is where the record stands."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sLQL", b"PK\x06\x07", 0, at if locator is None else locator, 1)


def extra_field(key: int, payload: bytes) -> bytes:
    return struct.pack("<HH", key, len(payload)) + payload


def unicode_path(name: bytes, other: bytes) -> bytes:
    return extra_field(0x7075, b"\1" + struct.pack("<L", zlib.crc32(name)) + other)


def tar_header(
    name: bytes,
    size: int = 0,
    kind: bytes = b"0",
    link: bytes = b"",
    mode: int = 0o644,
    *,
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    size_field: bytes | None = None,
    uid_field: bytes = b"0000000\0",
    checksum: int | None = None,
    rest: bytes = b"",
) -> bytes:
    """Make one header block."""
    name, link, prefix = renamed(name), renamed(link), renamed(prefix)
    octal = size_field if size_field is not None else b"%011o\0" % size
    block = bytearray(BLOCK)
    block[0:100] = name[:100].ljust(100, b"\0")
    block[100:108] = b"%07o\0" % mode
    block[108:116] = uid_field
    block[116:124] = b"0000000\0"
    block[124:136] = octal
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157:257] = link[:100].ljust(100, b"\0")
    block[257:265] = magic
    block[345:500] = prefix.ljust(155, b"\0")
    if rest:
        block[386 : 386 + len(rest)] = rest
    total = sum(block) if checksum is None else checksum
    block[148:156] = b"%06o\0 " % total
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def tar_file(name: bytes, data: bytes = b"x = 1\n", **header: Any) -> bytes:
    return tar_header(name, len(data), **header) + padded(renamed(data))


def pax(records: dict[bytes, bytes], kind: bytes = b"x") -> bytes:
    body = b"".join(pax_record(key, value) for key, value in records.items())
    return tar_file(b"PaxHeaders/x", body, kind=kind)


def pax_record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    total = length + len(str(length + len(str(length))))
    return b"%d %s=%s\n" % (total, key, value)


def make_tar(*members: bytes) -> bytes:
    return b"".join(members) + NO_BLOCK * 2
