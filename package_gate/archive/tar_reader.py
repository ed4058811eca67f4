"""Unpacks tars, as Python's `tarfile` (which pip uses) reads them."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from package_gate.archive.limits import LimitReachedError
from package_gate.archive.links import ends_as_folder
from package_gate.archive.placing import Placer
from package_gate.archive.streams import ByteSource, StreamError
from package_gate.archive.tar_headers import (
    BLOCK,
    NO_BLOCK,
    USTAR_MAX,
    BadHeaderError,
    Header,
    pax_size,
    read_header,
    read_pax,
    text,
)
from package_gate.core.limits import MIB

_MAX_EXTENSION = MIB
"""Bytes of a pax or long-name header; paths are limited to far less."""
_FILES = (b"0", b"\0", b"7")
_FOLDER, _HARD_LINK, _SYMLINK = b"5", b"1", b"2"
_GNU_SPARSE = b"S"
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")
_GLOBAL_LIES = ("path", "linkpath", "size", "hdrcharset")


@dataclass(slots=True)
class _Extension:
    """What headers before an entry say about it."""

    pax: dict[str, str] | None = None
    long_name: str | None = None
    long_link: str | None = None

    def __bool__(self) -> bool:
        return self.pax is not None or self.long_name is not None or self.long_link is not None


class StreamWatcher:
    """Notes when a compressed tar is several streams, or goes on after them."""

    def __init__(self, kind: str, placer: Placer) -> None:
        self._kind = kind
        self._placer = placer

    def stream(self, number: int, padded: bool) -> None:
        """Count a stream; some readers only see the first of several gzip members.

        Python's `lzma` and `bz2` go on with a second stream, but not behind zeros.
        """
        self._placer.budget.enter()
        if number > 1 and (padded or self._kind == "tar.gz"):
            self._placer.add("several-streams")

    def trailing(self, size: int) -> None:
        """Note data after the last stream."""
        self._placer.add("trailing-data", detail=f"at least {size} bytes")


def unpack_tar(pieces: Iterator[bytes], placer: Placer) -> None:
    """Unpack the tar whose bytes `pieces` gives.

    Raises:
        LimitReachedError: reading stopped there.
    """
    source = ByteSource(pieces, placer.budget.spend)
    try:
        _read_members(source, placer)
    except StreamError as error:
        placer.add(error.rule, detail=error.detail)
    except BadHeaderError as error:
        placer.add("damaged-header", detail=str(error))
    placer.finish()


def _read_members(source: ByteSource, placer: Placer) -> None:
    extension = _Extension()
    first = True
    while (block := source.upto(BLOCK)) and block != NO_BLOCK:
        if len(block) < BLOCK:
            raise StreamError("truncated", "within a header")
        header = read_header(block)
        first = False
        if header.kind in b"xXgLK":
            _read_extension(source, header, extension, placer)
        else:
            _read_member(source, header, extension, placer)
            extension = _Extension()
    if extension:
        raise BadHeaderError("an extended header without its entry")
    if first:
        placer.add("empty-archive")
    if block:
        _check_rest(source, placer)
    else:
        placer.add("no-end-marker")


def _check_rest(source: ByteSource, placer: Placer) -> None:
    """Only zeros may follow the end; some readers look for further entries there."""
    while part := source.some(MIB):
        if any(part):
            placer.add("trailing-data", detail="after the tar's end marker")
            return


def _read_extension(
    source: ByteSource, header: Header, extension: _Extension, placer: Placer
) -> None:
    """Read a header that tells about the next entry, or about all that follow."""
    placer.budget.enter()
    if header.size > _MAX_EXTENSION:
        raise LimitReachedError("limit-header", f"{header.size} bytes")
    data = b"".join(source.exactly(header.size))
    # tarfile reads whole blocks and goes by their content, others go by the size.
    if any(any(piece) for piece in source.exactly(-header.size % BLOCK)):
        placer.add("header-mismatch", detail="an extended header goes on after its end")
    if header.kind == b"g":
        lies = [key for key in read_pax(data) if key in _GLOBAL_LIES or key[:4] == "GNU."]
        if lies:
            placer.add("header-mismatch", detail=f"a global header sets {lies[0]}")
        return
    if header.kind in b"xX":
        twice = extension.pax is not None
        extension.pax = read_pax(data)
    elif header.kind == b"L":
        twice = extension.long_name is not None
        extension.long_name = text(data)
    else:
        twice = extension.long_link is not None
        extension.long_link = text(data)
    if twice:
        placer.add("header-mismatch", detail="two extended headers for one entry")
    if header.kind in b"LK" and data.split(b"\0", 1)[-1].strip(b"\0") and b"\0" in data:
        placer.add("nul-in-name", text(data), "a long name goes on after its end")


def _read_member(source: ByteSource, header: Header, extension: _Extension, placer: Placer) -> None:
    pax = extension.pax or {}
    name, linkname, size = _resolve(header, extension, placer)
    # V7 had no type for folders.
    kind = _FOLDER if header.kind == b"\0" and name.endswith("/") else header.kind
    if kind != _FOLDER and ends_as_folder(name):
        placer.add("unusual-entry", name, "named like a folder, and none")
    if kind == _GNU_SPARSE or any(key.startswith("GNU.sparse.") for key in pax):
        placer.budget.enter()
        placer.add("sparse-entry", name)
        _skip_sparse_map(source, header)
    elif kind in _FILES:
        if header.mode & (stat.S_ISUID | stat.S_ISGID):
            placer.add("setuid-file", name)
        content = source.exactly(size)
        placer.file(name, content, repeats=True)
        for _ in content:
            pass
        _skip_padding(source, size)
        return
    elif kind == _FOLDER:
        placer.folder(name)
    elif kind == _SYMLINK:
        placer.symlink(name, linkname)
    elif kind == _HARD_LINK:
        placer.hardlink(name, linkname)
    else:
        placer.budget.enter()
        placer.add("special-file", name, f"of type {kind!r}")
    if kind in _WITHOUT_DATA:
        if size:
            placer.add("unusual-entry", name, "data where none can be")
    else:
        for _ in source.exactly(size):
            pass
        _skip_padding(source, size)


def _resolve(header: Header, extension: _Extension, placer: Placer) -> tuple[str, str, int]:
    """Give name, link target and size; note where the headers contradict each other."""
    pax = extension.pax or {}
    stated = pax_size(pax)
    size = header.size if stated is None else stated
    for long, key in ((extension.long_name, "path"), (extension.long_link, "linkpath")):
        if long is not None and pax.get(key, long) != long:
            placer.add("header-mismatch", long, f"two values for its {key}")
    # tarfile: the outermost header wins, and pax headers stand before GNU's.
    name = pax.get("path", header.name if extension.long_name is None else extension.long_name)
    link = header.linkname if extension.long_link is None else extension.long_link
    if stated is not None and stated != header.size and stated < USTAR_MAX:
        placer.add("header-mismatch", name, f"sizes {header.size} and {stated}")
    if header.doubtful and "path" not in pax and extension.long_name is None:
        placer.add("header-mismatch", name, "a prefix that only some readers use")
    return name, pax.get("linkpath", link), size


def _skip_sparse_map(source: ByteSource, header: Header) -> None:
    """Skip the blocks of an old GNU sparse map that stand between header and data."""
    follows = header.kind == _GNU_SPARSE and header.sparse_follows
    while follows:
        block = source.upto(BLOCK)
        if len(block) < BLOCK:
            raise StreamError("truncated", "within a sparse map")
        follows = bool(block[504])


def _skip_padding(source: ByteSource, size: int) -> None:
    """Entries fill whole blocks."""
    for _ in source.exactly(-size % BLOCK):
        pass
