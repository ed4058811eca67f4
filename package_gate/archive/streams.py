"""Decompresses what a tar is packed in, piece by piece and never more than a piece at a time."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

import zstandard

from package_gate.archive.limits import CHUNK
from package_gate.core.limits import MIB

_READ = 256 * 1024
_MAX_DICTIONARY = 128 * MIB
"""Memory that an archive may ask for: `xz -9` needs 65 MiB, zstd's own default limit is 128 MiB."""


class StreamError(Exception):
    """The stream can't be read any further; `rule` says why."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


class Watcher(Protocol):
    """Is told what happens to a stream."""

    def stream(self, number: int, padded: bool) -> None:
        """The stream of this number, from 1, begins: files may be several streams in a row.

        `padded` says whether zeros stand before it.
        """

    def trailing(self, size: int) -> None:
        """The last stream is followed by at least so many bytes that belong to none."""


class _Codec(Protocol):
    """What `bz2` and `lzma` decompressors have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """Gives `zlib` the same form; checks the header, CRC and size of RFC 1952."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._tail = b""

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        piece = self._stream.decompress(self._tail + data, max_length)
        self._tail = self._stream.unconsumed_tail
        return piece


def _xz() -> _Codec:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MAX_DICTIONARY)


_CODECS: dict[str, tuple[bytes, Callable[[], _Codec]]] = {
    "tar.gz": (b"\x1f\x8b", _Gzip),
    "tar.bz2": (b"BZh", bz2.BZ2Decompressor),
    "tar.xz": (b"\xfd7zXZ\0", _xz),
}


def decompressed(file: BinaryIO, kind: str, watcher: Watcher) -> Iterator[bytes]:
    """Give the content of `file`, from its position on, in pieces of at most `CHUNK` bytes.

    Args:
        file: A seekable file.
        kind: `tar`, `tar.gz`, `tar.bz2`, `tar.xz` or `tar.zst`.
        watcher: Is told of further streams and of trailing data.

    Raises:
        StreamError: it is damaged or cut off.
    """
    if kind == "tar":
        return _plain(file)
    if kind == "tar.zst":
        return _zstandard(file)
    magic, codec = _CODECS[kind]
    return _streams(file, magic, codec, watcher)


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK):
        yield piece


def _zstandard(file: BinaryIO) -> Iterator[bytes]:
    codec = zstandard.ZstdDecompressor(max_window_size=_MAX_DICTIONARY)
    try:
        with codec.stream_reader(
            file, read_size=_READ, read_across_frames=True, closefd=False
        ) as stream:
            while piece := stream.read(CHUNK):
                yield piece
    except zstandard.ZstdError as error:
        raise StreamError("damaged-entry", "the compressed stream is damaged") from error


def _streams(
    file: BinaryIO, magic: bytes, new_codec: Callable[[], _Codec], watcher: Watcher
) -> Iterator[bytes]:
    data = file.read(_READ)
    number, padded = 0, False
    while data.startswith(magic):
        number += 1
        watcher.stream(number, padded)
        codec = new_codec()
        while not codec.eof:
            if codec.needs_input and not data and not (data := file.read(_READ)):
                raise StreamError("truncated", "the compressed stream is cut off")
            if piece := _decode(codec, data):
                yield piece
            data = b""
        data, padded = _after_zeros(file, codec.unused_data, len(magic))
    if data:
        watcher.trailing(len(data))


def _decode(codec: _Codec, data: bytes) -> bytes:
    try:
        return codec.decompress(data, CHUNK)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise StreamError("damaged-entry", "the compressed stream is damaged") from error


def _after_zeros(file: BinaryIO, data: bytes, need: int) -> tuple[bytes, bool]:
    """Skip the zeros that may pad a stream, and say whether there were any.

    Gives at least `need` bytes when there are so many.
    """
    padded = False
    while True:
        padded = padded or data.startswith(b"\0")
        data = data.lstrip(b"\0")
        if len(data) >= need or not (more := file.read(_READ)):
            return data, padded
        data += more


class ByteSource:
    """Hands out a stream's bytes in the amounts in which a tar reader wants them."""

    def __init__(self, pieces: Iterator[bytes], spend: Callable[[int], None]) -> None:
        """`spend` is told the size of each piece before any of it is handed out."""
        self._pieces = pieces
        self._spend = spend
        self._piece = memoryview(b"")

    def some(self, most: int) -> memoryview:
        """Give at least one byte and at most so many; none at the end."""
        if not self._piece:
            piece = next(self._pieces, b"")
            self._spend(len(piece))
            self._piece = memoryview(piece)
        given, self._piece = self._piece[:most], self._piece[most:]
        return given

    def upto(self, size: int) -> bytes:
        """Give so many bytes, fewer only at the end; for small amounts."""
        parts = io.BytesIO()
        while size and (part := self.some(size)):
            parts.write(part)
            size -= len(part)
        return parts.getvalue()

    def exactly(self, size: int) -> Iterator[bytes]:
        """Give so many bytes in pieces.

        Raises:
            StreamError: the stream ends before.
        """
        while size:
            part = self.some(size)
            if not part:
                raise StreamError("truncated", "the tar ends within an entry")
            size -= len(part)
            yield bytes(part)
