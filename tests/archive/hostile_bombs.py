"""Bombs and whatever else wants more than it is given, in zips and tars."""

import bz2
import gzip
import lzma
import struct
import zlib

import zstandard

from package_gate.core.finding import Severity
from package_gate.core.limits import Limits
from tests.archive.makers import (
    Zipped,
    central_header,
    deflate,
    end_record,
    local_header,
    make_tar,
    make_zip,
    pack,
    pax,
    tar_file,
    tar_header,
)
from tests.archive.registry import Hostile, registrar

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
LOW, INFO = Severity.LOW, Severity.INFO

BOMBS: list[Hostile] = []
hostile = registrar(BOMBS, "hostile.zip")
hostile_tar = registrar(BOMBS, "hostile.tar")
GOOD = tar_file(b"good.py")


@hostile("overlapping-entries", HIGH)
def zip_bomb_of_one_kernel() -> bytes:
    """Thousands of directory entries share one compressed kernel."""
    kernel = Zipped(b"k", bytes(4_000_000))
    body = local_header(kernel) + pack(kernel)
    directory = central_header(kernel, 0) * 5000
    return body + directory + end_record(5000, len(directory), len(body))


@hostile("overlapping-entries", HIGH)
def zip_bomb_quoted() -> bytes:
    """Each entry quotes the local headers that follow it as stored deflate blocks (Fifield)."""
    data = bytes(3_000_000)
    packed = deflate(data)
    entries: list[Zipped] = []
    headers: list[bytes] = []
    for number in reversed(range(40)):
        entry = Zipped(b"%03d" % number, data, packed=packed)
        header = local_header(entry)
        entries.insert(0, entry)
        headers.insert(0, header)
        quote = b"\x00" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF)
        data, packed = header + data, quote + header + packed
    # What the first entry quotes holds all others, its own header stands in front.
    body = packed[5:]
    step = len(headers[0]) + 5
    directory = b"".join(central_header(entry, step * at) for at, entry in enumerate(entries))
    return body + directory + end_record(len(entries), len(directory), len(body))


@hostile("limit-ratio", HIGH)
def zip_bomb_plain() -> bytes:
    return make_zip([Zipped(b"zeros", bytes(20_000_000))])


@hostile("limit-ratio", HIGH)
def zip_bomb_with_false_sizes() -> bytes:
    lie = {"size": 2**31}
    return make_zip([Zipped(b"zeros", bytes(20_000_000), local=lie, central=lie)])


@hostile("nested-ratio", INFO)
def zip_bomb_nested() -> bytes:
    inner = make_zip([Zipped(b"zeros", bytes(20_000_000))])
    return make_zip([Zipped(b"inner.zip", inner, method=0), Zipped(b"pad", _noise(300_000), 0)])


@hostile("limit-ratio", HIGH)
def zip_bomb_of_many_nested_ones() -> bytes:
    inner = make_zip([Zipped(b"zeros", bytes(10_000_000))])
    files = [Zipped(b"%d.zip" % number, inner) for number in range(20)]
    return make_zip(files)


@hostile("nested-archive", MEDIUM)
def zip_nested_five_deep() -> bytes:
    data = make_zip([Zipped(b"evil")])
    for _ in range(5):
        data = make_zip([Zipped(b"inner.zip", data, method=0)])
    return data


@hostile("nested-archive", MEDIUM)
def zip_behind_compressed_noise() -> bytes:
    data = make_zip([Zipped(b"evil.py"), Zipped(b"pad", _noise(1_000_000) * 70, method=0)])
    return make_zip([Zipped(b"data.xz", lzma.compress(data, preset=1), method=0)])


@hostile("nested-archive", MEDIUM)
def zip_behind_compressed_zeros() -> bytes:
    data = make_zip([Zipped(b"evil.py"), Zipped(b"pad", bytes(12_000_000), method=0)])
    return make_zip([Zipped(b"data.gz", gzip.compress(data)), Zipped(b"noise", _noise(100_000))])


@hostile("nested-archive", MEDIUM)
def tar_with_code_behind_zeros_in_a_nested_tar() -> bytes:
    data = gzip.compress(make_tar(tar_file(b"zeros", bytes(12_000_000)), tar_file(b"evil.py")))
    return make_zip([Zipped(b"data", data), Zipped(b"noise", _noise(100_000))])


@hostile("encrypted-entry", HIGH)
def zip_with_something_encrypted_in_a_nested_zip() -> bytes:
    entry = Zipped(b"weights", flags=1)
    return make_zip([Zipped(b"model.bin", make_zip([entry]), method=0)])


@hostile("unsupported-compression", MEDIUM)
def zip_with_something_compressed_otherwise_in_a_nested_zip() -> bytes:
    entry = Zipped(b"weights", method=14)
    return make_zip([Zipped(b"model.bin", make_zip([entry]), method=0)])


@hostile("nested-path-traversal", INFO)
def zip_nested_traversal() -> bytes:
    return make_zip([Zipped(b"in.jar", make_zip([Zipped(b"../../../evil.txt")]), method=0)])


@hostile("path-traversal", CRITICAL)
def zip_nested_traversal_of_code() -> bytes:
    return make_zip([Zipped(b"in.jar", make_zip([Zipped(b"../../../evil.py")]), method=0)])


@hostile("limit-entries", HIGH)
def zip_of_many_entries() -> bytes:
    entry = Zipped(b"a", b"", method=0)
    header, directory = local_header(entry), central_header(entry, 0)
    return header + directory * 100_100 + end_record(0x8704, 4_704_700, len(header))


@hostile_tar("limit-path", HIGH)
def tar_long_name_of_64_kb() -> bytes:
    return make_tar(tar_file(b"././@LongLink", b"a" * 65536, kind=b"L"), tar_file(b"x"))


@hostile_tar("limit-path", HIGH)
def tar_pax_path_of_64_kb() -> bytes:
    return make_tar(pax({b"path": b"a/" * 32768}), tar_file(b"x"))


@hostile_tar("limit-header", HIGH)
def tar_long_name_of_4_gb() -> bytes:
    return make_tar(tar_header(b"././@LongLink", 2**32, b"L"))


@hostile_tar("limit-header", HIGH)
def tar_pax_header_of_4_gb() -> bytes:
    return make_tar(tar_header(b"x", 2**32, b"x"))


@hostile_tar("limit-path", HIGH)
def tar_symlink_to_a_path_of_64_kb() -> bytes:
    return make_tar(pax({b"linkpath": b"a/" * 32768}), tar_header(b"l", kind=b"2"))


@hostile_tar("limit-ratio", HIGH, "hostile.tar.gz")
def tar_links_multiply_a_file() -> bytes:
    links = [tar_header(b"l%d" % n, kind=b"2", link=b"big") for n in range(200)]
    return gzip.compress(make_tar(tar_file(b"big", bytes(200_000)), *links), mtime=0)


@hostile_tar("limit-entries", HIGH, limits=Limits(entries=1000))
def tar_of_many_entries() -> bytes:
    return make_tar(tar_header(b"a/", kind=b"5") * 1100)


@hostile_tar("limit-entries", HIGH, limits=Limits(entries=1000))
def tar_of_many_global_headers() -> bytes:
    return make_tar(pax({b"comment": b"x"}, b"g") * 1100)


@hostile_tar("limit-ratio", HIGH, "hostile.tar.gz")
def tar_gz_bomb() -> bytes:
    return gzip.compress(make_tar(tar_file(b"zeros", bytes(20_000_000))), 9, mtime=0)


@hostile_tar("limit-ratio", HIGH, "hostile.tar.gz")
def tar_gz_bomb_of_padding() -> bytes:
    return gzip.compress(make_tar(GOOD) + bytes(20_000_000), 9, mtime=0)


@hostile_tar("limit-ratio", HIGH, "hostile.tar.bz2")
def tar_bz2_bomb() -> bytes:
    return bz2.compress(make_tar(tar_file(b"zeros", bytes(20_000_000))))


@hostile_tar("limit-ratio", HIGH, "hostile.tar.xz")
def tar_xz_bomb() -> bytes:
    return lzma.compress(make_tar(tar_file(b"zeros", bytes(20_000_000))), preset=0)


@hostile_tar("limit-ratio", HIGH, "hostile.tar.zst")
def tar_zst_bomb() -> bytes:
    return zstandard.compress(make_tar(tar_file(b"zeros", bytes(20_000_000))))


@hostile_tar("nested-archive", MEDIUM, "hostile.tar")
def tar_nested_bomb() -> bytes:
    inner = gzip.compress(make_tar(tar_file(b"zeros", bytes(20_000_000))), 9, mtime=0)
    return make_tar(tar_file(b"inner.tar.gz", inner), tar_file(b"pad", bytes(300_000)))


@hostile_tar("unreadable", HIGH, "hostile.tar.xz")
def xz_that_wants_all_memory() -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    packed = bytearray(lzma.compress(make_tar(GOOD), filters=filters))
    # The block header's dictionary size byte; its own checksum follows.
    packed[16] = 40
    packed[20:24] = struct.pack("<L", zlib.crc32(packed[12:20]))
    return bytes(packed)


def _noise(size: int) -> bytes:
    """Bytes that don't compress, the same in every run."""
    state, out = 1, bytearray()
    for _ in range(size // 4):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        out += state.to_bytes(4, "big")
    return bytes(out)
