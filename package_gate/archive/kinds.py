"""Which archive format a file is in, by its content."""

import os
from pathlib import Path
from typing import BinaryIO

from package_gate.archive.streams import StreamError, decompressed
from package_gate.archive.tar_headers import BLOCK, is_header
from package_gate.archive.zip_directory import NotAZipError, find_directory

_COMPRESSED = {
    b"\x1f\x8b": "tar.gz",
    b"BZh": "tar.bz2",
    b"\xfd7zXZ\0": "tar.xz",
    b"(\xb5/\xfd": "tar.zst",
}
_SUFFIXES = {
    ".whl": "zip",
    ".egg": "zip",
    ".zip": "zip",
    ".tar": "tar",
    ".tar.gz": "tar.gz",
    ".tgz": "tar.gz",
    ".tar.bz2": "tar.bz2",
    ".tbz": "tar.bz2",
    ".tbz2": "tar.bz2",
    ".tar.xz": "tar.xz",
    ".txz": "tar.xz",
    ".tar.zst": "tar.zst",
    ".tzst": "tar.zst",
}


class Nobody:
    """Watches a stream whose form doesn't matter."""

    def stream(self, number: int, padded: bool) -> None:
        """Take no notice."""

    def trailing(self, size: int) -> None:
        """Take no notice."""


def archive_kind(path: Path) -> str | None:
    """Say what a downloaded file is: `zip`, `tar`, `tar.gz`, `tar.bz2`, `tar.xz` or `tar.zst`.

    None when it is none of them; a compressed file is an archive only when a tar is in it. A zip
    with something before it is a zip: pip would install it, and `unpack` reports it.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        return kind_of(file)


def may_be_archive(path: Path) -> bool:
    """Whether a downloaded file begins, or ends, as an archive does; nothing is decompressed.

    That much the process that downloads may look at; what it is, a worker says (`archive_kind`).

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        head = file.read(BLOCK)
        return head.startswith(tuple(_COMPRESSED)) or is_header(head) or _is_zip(file)


def kind_of(file: BinaryIO) -> str | None:
    """Do the same for an open file, whose position is at its start afterwards."""
    head = file.read(BLOCK)
    file.seek(0)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    for magic, kind in _COMPRESSED.items():
        if head.startswith(magic) and _holds_tar(file, kind):
            return kind
    if is_header(head):
        return "tar"
    return "zip" if _is_zip(file) else None


def compression_of(file: BinaryIO) -> str | None:
    """Say how an open file is compressed, as `kind_of` does; its position is at its start then."""
    head = file.read(BLOCK)
    file.seek(0)
    return next((kind for magic, kind in _COMPRESSED.items() if head.startswith(magic)), None)


def is_also(file: BinaryIO, kind: str) -> bool:
    """Whether a zip is a tar, too, or a tar a zip.

    pip takes for a zip whatever Python's `zipfile` finds an end record in, before it looks at the
    name. One fits into the header of a gzip file, and into any data that is stored uncompressed.
    """
    if kind != "zip":
        return _is_zip(file)
    head = file.read(BLOCK)
    file.seek(0)
    return is_header(head)


def _is_zip(file: BinaryIO) -> bool:
    try:
        find_directory(file, os.fstat(file.fileno()).st_size, lambda *_: None)
    except NotAZipError:
        return False
    return True


def promised_kind(filename: str) -> str | None:
    """Say what a file's name promises it to be, or None when it promises nothing."""
    lower = filename.lower()
    return next((kind for suffix, kind in _SUFFIXES.items() if lower.endswith(suffix)), None)


def _holds_tar(file: BinaryIO, kind: str) -> bool:
    head = b""
    try:
        for piece in decompressed(file, kind, Nobody()):
            head += piece[:BLOCK]
            if len(head) >= BLOCK:
                break
    except StreamError:
        return False
    finally:
        file.seek(0)
    return is_header(head)
