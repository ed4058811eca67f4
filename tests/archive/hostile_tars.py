"""Hostile tars: each function makes one; what must be found stands in front of it."""

import bz2
import gzip
import lzma
import struct

from package_gate.core.finding import Severity
from tests.archive.makers import (
    NO_BLOCK,
    Zipped,
    extra_field,
    local_header,
    make_tar,
    make_zip,
    padded,
    pax,
    pax_record,
    tar_file,
    tar_header,
)
from tests.archive.registry import Hostile, registrar

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
LOW, INFO = Severity.LOW, Severity.INFO

TARS: list[Hostile] = []
hostile = registrar(TARS, "hostile.tar")

GOOD = tar_file(b"good.py")


@hostile("path-traversal", CRITICAL)
def tar_pax_path_climbs_out() -> bytes:
    return make_tar(pax({b"path": b"../../evil.py"}), tar_file(b"good.py"))


@hostile("nul-in-name", HIGH)
def tar_pax_path_with_nul() -> bytes:
    return make_tar(pax({b"path": b"evil.py\0.txt"}), tar_file(b"good.txt"))


@hostile("path-traversal", CRITICAL)
def tar_gnu_long_name_climbs_out() -> bytes:
    return make_tar(tar_file(b"././@LongLink", b"../evil.py\0", kind=b"L"), tar_file(b"good.py"))


@hostile("nul-in-name", HIGH)
def tar_gnu_long_name_goes_on_after_nul() -> bytes:
    name = b"good.txt\0/../evil.py\0"
    return make_tar(tar_file(b"././@LongLink", name, kind=b"L"), tar_file(b"x"))


@hostile("path-traversal", CRITICAL)
def tar_prefix_climbs_out() -> bytes:
    return make_tar(tar_file(b"evil.py", prefix=b"../.."))


@hostile("header-mismatch", HIGH)
def tar_pax_size_differs() -> bytes:
    """TARmageddon: who ignores the pax size takes the content for headers."""
    evil = tar_file(b"evil.py")
    return make_tar(pax({b"size": b"%d" % len(evil)}), tar_header(b"data.bin", 0), evil)


@hostile("header-mismatch", HIGH)
def tar_pax_records_behind_the_pax_header() -> bytes:
    records = pax({b"comment": b"x", b"path": b"evil.py"})
    shorter = tar_header(b"PaxHeaders/x", len(pax_record(b"comment", b"x")), b"x")
    return make_tar(shorter, records[len(shorter) :], GOOD)


@hostile("header-mismatch", HIGH)
def tar_long_name_longer_than_its_size() -> bytes:
    name = padded(b"good.txt.py")
    return make_tar(tar_header(b"././@LongLink", 8, b"L"), name, GOOD)


@hostile("header-mismatch", HIGH)
def tar_two_pax_headers() -> bytes:
    return make_tar(pax({b"path": b"a.py"}), pax({b"path": b"b.py"}), GOOD)


@hostile("header-mismatch", HIGH)
def tar_pax_and_gnu_names_differ() -> bytes:
    long = tar_file(b"././@LongLink", b"evil.py\0", kind=b"L")
    return make_tar(long, pax({b"path": b"fine.py"}), GOOD)


@hostile("header-mismatch", HIGH)
def tar_global_header_renames_all() -> bytes:
    return make_tar(pax({b"path": b"evil.py"}, b"g"), GOOD)


@hostile("header-mismatch", HIGH)
def tar_prefix_without_ustar() -> bytes:
    return make_tar(tar_file(b"evil.py", magic=b"ustar  \0", prefix=b"elsewhere"))


@hostile("damaged-header", HIGH)
def tar_pax_path_twice() -> bytes:
    body = pax_record(b"path", b"a.py") + pax_record(b"path", b"b.py")
    return make_tar(tar_file(b"x", body, kind=b"x"), GOOD)


@hostile("damaged-header", HIGH)
def tar_malformed_pax_header() -> bytes:
    return make_tar(tar_file(b"x", b"999 path=a\n", kind=b"x"), GOOD)


@hostile("damaged-header", HIGH)
def tar_pax_header_without_entry() -> bytes:
    return make_tar(GOOD, pax({b"path": b"evil.py"}))


@hostile("damaged-header", HIGH)
def tar_wrong_checksum() -> bytes:
    return make_tar(GOOD, tar_header(b"evil.py", checksum=1), GOOD)


@hostile("damaged-header", HIGH)
def tar_bad_number_hides_the_rest() -> bytes:
    return make_tar(GOOD, tar_file(b"evil.py", uid_field=b"nonsense"))


@hostile("damaged-header", HIGH)
def tar_negative_size() -> bytes:
    return make_tar(GOOD, tar_header(b"evil.py", size_field=b"\xff" * 12))


@hostile("link-outside", CRITICAL)
def tar_symlink_outside() -> bytes:
    return make_tar(tar_header(b"l", kind=b"2", link=b"../../etc/passwd"))


@hostile("link-outside", CRITICAL)
def tar_symlink_absolute() -> bytes:
    return make_tar(tar_header(b"l", kind=b"2", link=b"/etc/passwd"))


@hostile("link-outside", CRITICAL)
def tar_symlink_outside_by_way_of_another() -> bytes:
    return make_tar(
        tar_header(b"a/b/", kind=b"5"),
        tar_header(b"a/b/up", kind=b"2", link=b".."),
        tar_header(b"l", kind=b"2", link=b"a/b/up/../../evil"),
    )


@hostile("link-outside", CRITICAL)
def tar_hardlink_outside() -> bytes:
    return make_tar(tar_header(b"l", kind=b"1", link=b"../../etc/passwd"))


@hostile("link-outside", CRITICAL)
def tar_hardlink_absolute() -> bytes:
    return make_tar(tar_header(b"l", kind=b"1", link=b"/etc/passwd"))


@hostile("link-outside", CRITICAL)
def tar_hardlink_to_a_symlink_outside() -> bytes:
    return make_tar(
        tar_header(b"s", kind=b"2", link=b"../evil"), tar_header(b"h", kind=b"1", link=b"s")
    )


@hostile("link-outside", CRITICAL)
def tar_pax_linkpath_outside() -> bytes:
    return make_tar(pax({b"linkpath": b"../../evil"}), tar_header(b"l", kind=b"2", link=b"good"))


@hostile("entry-through-link", HIGH)
def tar_file_through_a_symlink() -> bytes:
    return make_tar(tar_header(b"l", kind=b"2", link=b"/tmp"), tar_file(b"l/evil.py"))


@hostile("entry-through-link", HIGH)
def tar_file_through_a_symlink_inside() -> bytes:
    return make_tar(
        tar_file(b"pkg/a.py"), tar_header(b"l", kind=b"2", link=b"pkg"), tar_file(b"l/evil.py")
    )


@hostile("duplicate-name", HIGH)
def tar_file_over_a_symlink() -> bytes:
    return make_tar(tar_header(b"l", kind=b"2", link=b"../evil"), tar_file(b"l"))


@hostile("link-loop", MEDIUM)
def tar_symlink_loop() -> bytes:
    return make_tar(
        tar_header(b"a", kind=b"2", link=b"b"), tar_header(b"b", kind=b"2", link=b"a"), GOOD
    )


@hostile("link-loop", MEDIUM)
def tar_symlink_chain() -> bytes:
    links = [tar_header(b"l%d" % n, kind=b"2", link=b"l%d" % (n + 1)) for n in range(60)]
    return make_tar(*links, tar_file(b"l60"))


@hostile("link", INFO)
def tar_symlink_to_a_file_and_to_a_folder() -> bytes:
    return make_tar(
        tar_file(b"a/b.py"),
        tar_header(b"c/d.py", kind=b"2", link=b"../a/b.py"),
        tar_header(b"e", kind=b"2", link=b"a/"),
    )


@hostile("link", INFO)
def tar_hardlink_to_a_file_before_it() -> bytes:
    return make_tar(tar_file(b"a/b.py"), tar_header(b"c", kind=b"1", link=b"a/b.py"))


@hostile("link-loop", MEDIUM)
def tar_symlink_to_the_folder_above() -> bytes:
    """As a `backend-path`, `a/self` would be a folder of code that is nowhere in our tree."""
    return make_tar(tar_file(b"a/b.py"), tar_header(b"a/self", kind=b"2", link=b"."))


@hostile("ambiguous-link", MEDIUM)
def tar_hardlink_to_a_symlink() -> bytes:
    """Read from its new place it names another file: `notes.txt`, not `docs/notes.txt`."""
    return make_tar(
        tar_file(b"demo/notes.txt", b"evil"),
        tar_header(b"demo/docs/n", kind=b"2", link=b"notes.txt"),
        tar_header(b"demo/setup.py", kind=b"1", link=b"demo/docs/n"),
    )


@hostile("ambiguous-link", MEDIUM)
def tar_hardlink_to_a_hardlink_of_a_symlink() -> bytes:
    return make_tar(
        tar_file(b"notes.txt", b"evil"),
        tar_header(b"docs/n", kind=b"2", link=b"notes.txt"),
        tar_header(b"docs/h", kind=b"1", link=b"docs/n"),
        tar_header(b"setup.py", kind=b"1", link=b"docs/h"),
    )


@hostile("ambiguous-link", MEDIUM)
def tar_hardlink_to_a_file_behind_it() -> bytes:
    return make_tar(tar_header(b"setup.py", kind=b"1", link=b"notes.txt"), tar_file(b"notes.txt"))


@hostile("ambiguous-link", MEDIUM)
def tar_hardlink_through_a_linked_folder() -> bytes:
    return make_tar(
        tar_file(b"a/notes.txt"),
        tar_header(b"b", kind=b"2", link=b"a"),
        tar_header(b"setup.py", kind=b"1", link=b"b/notes.txt"),
    )


@hostile("ambiguous-link", MEDIUM)
def tar_hardlink_to_nothing() -> bytes:
    return make_tar(GOOD, tar_header(b"readme", kind=b"1", link=b"missing"))


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_to_a_symlink() -> bytes:
    return make_tar(
        tar_file(b"a"),
        tar_header(b"b", kind=b"2", link=b"a"),
        tar_header(b"c", kind=b"2", link=b"b"),
    )


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_through_a_linked_folder() -> bytes:
    return make_tar(
        tar_file(b"a/x"),
        tar_header(b"b", kind=b"2", link=b"a"),
        tar_header(b"c", kind=b"2", link=b"b/x"),
    )


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_to_a_folder_that_has_links() -> bytes:
    """`b/l` is a file for the file system; no copy of it is in the tree."""
    return make_tar(
        tar_file(b"a/x.txt"),
        tar_header(b"a/l", kind=b"2", link=b"x.txt"),
        tar_header(b"b", kind=b"2", link=b"a"),
    )


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_down_and_up_again() -> bytes:
    """Python's `tarfile` makes `x.txt` of it, GNU tar leaves the text."""
    return make_tar(
        tar_file(b"x.txt"), tar_file(b"d/x.txt"), tar_header(b"l", kind=b"2", link=b"d/../x.txt")
    )


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_to_a_file_spelled_like_a_folder() -> bytes:
    return make_tar(GOOD, tar_header(b"l", kind=b"2", link=b"good.py/"))


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_with_a_backslash() -> bytes:
    return make_tar(GOOD, tar_header(b"l", kind=b"2", link=b"a\\good.py"))


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_that_climbs_out_of_the_project() -> bytes:
    """pip leaves out the folder at the top, and then refuses the link; uv makes it dangle."""
    return make_tar(
        tar_file(b"demo-1.0/a.py"), tar_header(b"demo-1.0/l", kind=b"2", link=b"../demo-1.0/a.py")
    )


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_to_nothing_that_climbs_out_of_the_project() -> bytes:
    return make_tar(
        tar_file(b"demo-1.0/a.py"), tar_header(b"demo-1.0/tail", kind=b"2", link=b"../pkg/a.txt")
    )


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_of_no_target() -> bytes:
    return make_tar(GOOD, tar_header(b"l", kind=b"2"))


@hostile("nul-in-name", HIGH)
def tar_pax_linkpath_with_nul() -> bytes:
    return make_tar(
        GOOD, pax({b"linkpath": b"good.py\0x"}), tar_header(b"l", kind=b"2", link=b"good.py")
    )


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_to_nothing_named_as_code() -> bytes:
    return make_tar(GOOD, tar_header(b"setup.py", kind=b"2", link=b"missing"))


@hostile("ambiguous-link", MEDIUM)
def tar_symlink_to_nothing_named_as_build_file() -> bytes:
    return make_tar(GOOD, tar_header(b"PyProject.toml", kind=b"2", link=b"good.py/missing"))


@hostile("dangling-link", INFO)
def tar_symlink_to_nothing() -> bytes:
    return make_tar(GOOD, tar_header(b"l", kind=b"2", link=b"missing"))


@hostile("special-file", HIGH)
def tar_character_device() -> bytes:
    return make_tar(tar_header(b"null", kind=b"3"))


@hostile("special-file", HIGH)
def tar_block_device() -> bytes:
    return make_tar(tar_header(b"disk", kind=b"4"))


@hostile("special-file", HIGH)
def tar_fifo() -> bytes:
    return make_tar(tar_header(b"pipe", kind=b"6"))


@hostile("special-file", HIGH)
def tar_unknown_type() -> bytes:
    return make_tar(tar_file(b"evil.py", kind=b"Z"))


@hostile("special-file", HIGH)
def tar_second_volume() -> bytes:
    return make_tar(tar_file(b"evil.py", kind=b"M"))


@hostile("sparse-entry", HIGH)
def tar_sparse_file_of_4_gb() -> bytes:
    map_ = b"%011o\0%011o\0" % (2**32, 0)
    return make_tar(tar_header(b"big", kind=b"S", magic=b"ustar  \0", rest=map_))


@hostile("sparse-entry", HIGH)
def tar_pax_sparse_file_of_1_tb() -> bytes:
    sparse = {
        b"GNU.sparse.major": b"1",
        b"GNU.sparse.minor": b"0",
        b"GNU.sparse.realsize": b"1" * 12,
    }
    return make_tar(pax(sparse), tar_file(b"big", b"1\n0\n0\n"))


@hostile("setuid-file", MEDIUM)
def tar_setuid() -> bytes:
    return make_tar(tar_file(b"su", mode=0o4755))


@hostile("unusual-entry", MEDIUM)
def tar_folder_with_data() -> bytes:
    return make_tar(tar_header(b"folder/", 512, b"5"), tar_file(b"evil.py"))


@hostile("unusual-entry", MEDIUM)
def tar_symlink_named_like_a_folder() -> bytes:
    """Python takes its target from below it, so pip makes a link out of the project."""
    return make_tar(GOOD, tar_header(b"demo-1.0/tools/", kind=b"2", link=b"../pkg/data.txt"))


@hostile("unusual-entry", MEDIUM)
def tar_file_named_like_a_folder() -> bytes:
    return make_tar(tar_file(b"evil/"))


@hostile("duplicate-name", HIGH)
def tar_duplicate_name() -> bytes:
    return make_tar(tar_file(b"a.py", b"good"), tar_file(b"a.py", b"evil"))


@hostile("repeated-entry", INFO)
def tar_same_file_twice() -> bytes:
    return make_tar(GOOD, GOOD)


@hostile("file-folder-collision", HIGH)
def tar_file_below_a_file() -> bytes:
    return make_tar(tar_file(b"a"), tar_file(b"a/b.py"))


@hostile("case-collision", LOW)
def tar_case_collision() -> bytes:
    return make_tar(tar_file(b"Pkg/a.py"), tar_file(b"pkg/a.py"))


@hostile("unicode-collision", MEDIUM)
def tar_normalisation_collision() -> bytes:
    return make_tar(tar_file("\u00e9.py".encode()), tar_file("e\u0301.py".encode()))


@hostile("file-folder-collision", HIGH)
def tar_file_over_a_folder() -> bytes:
    return make_tar(tar_file(b"a/b.py"), tar_file(b"a"))


@hostile("trailing-data", HIGH)
def tar_behind_another_tar() -> bytes:
    return make_tar(GOOD) + make_tar(tar_file(b"evil.py"))


@hostile("trailing-data", HIGH)
def tar_goes_on_after_one_zero_block() -> bytes:
    return make_tar(GOOD, NO_BLOCK, tar_file(b"evil.py"))


@hostile("no-end-marker", INFO)
def tar_without_end_marker() -> bytes:
    return GOOD


@hostile("truncated", HIGH)
def tar_truncated_within_a_file() -> bytes:
    return make_tar(GOOD, tar_file(b"a.py", b"x" * 5000))[:3000]


@hostile("truncated", HIGH)
def tar_truncated_within_a_header() -> bytes:
    return make_tar(GOOD, GOOD)[:1300]


@hostile("truncated", HIGH)
def tar_size_beyond_the_file() -> bytes:
    return make_tar(GOOD, tar_header(b"a.py", 8**11 - 1))


@hostile("several-streams", MEDIUM, "hostile.tar.gz")
def tar_gz_of_two_members() -> bytes:
    tar = make_tar(GOOD, tar_file(b"evil.py"))
    return gzip.compress(tar[:1024], mtime=0) + gzip.compress(tar[1024:], mtime=0)


@hostile("several-streams", MEDIUM, "hostile.tar.xz")
def tar_xz_of_two_streams_with_zeros_between() -> bytes:
    """Python's `lzma` stops at the zeros, xz skips them."""
    tar = make_tar(GOOD, tar_file(b"evil.py"))
    return lzma.compress(tar[:1024]) + bytes(4) + lzma.compress(tar[1024:])


@hostile("several-streams", MEDIUM, "hostile.tar.bz2")
def tar_bz2_of_two_streams_with_zeros_between() -> bytes:
    tar = make_tar(GOOD, tar_file(b"evil.py"))
    return bz2.compress(tar[:1024]) + bytes(4) + bz2.compress(tar[1024:])


@hostile("bytecode", MEDIUM)
def tar_bytecode_without_source() -> bytes:
    return make_tar(GOOD, tar_file(b"demo/helper.pyc", b"\xa7\r\r\n" + bytes(12)))


@hostile("bytecode", MEDIUM)
def tar_bytecode_beside_its_source() -> bytes:
    name = b"demo/__pycache__/helper.cpython-311.pyc"
    return make_tar(tar_file(b"demo/helper.py"), tar_file(name, b"\xa7\r\r\n\1" + bytes(11)))


@hostile("bytecode", MEDIUM)
def tar_bytecode_by_way_of_a_link() -> bytes:
    return make_tar(tar_file(b"a.bin"), tar_header(b"a.pyc", kind=b"2", link=b"a.bin"))


@hostile("bytecode", MEDIUM)
def tar_bytecode_in_a_linked_folder() -> bytes:
    return make_tar(tar_file(b"a/b.PYC"), tar_header(b"c", kind=b"2", link=b"a"))


@hostile("bytecode", MEDIUM)
def tar_bytecode_in_a_zip_that_python_can_import_from() -> bytes:
    return make_tar(tar_file(b"lib.zip", make_zip([Zipped(b"helper.pyc")])), GOOD)


@hostile("bytecode", MEDIUM)
def tar_bytecode_under_the_name_of_a_picture() -> bytes:
    return make_tar(GOOD, tar_file(b"demo/logo.png", b"\x2b\x0e\r\n\2" + bytes(11)))


@hostile("bytecode", MEDIUM)
def tar_bytecode_in_a_nested_archive_under_another_name() -> bytes:
    data = Zipped(b"data/a", b"\xcb\r\r\n" + bytes(12))
    return make_tar(tar_file(b"models.bin", make_zip([data])), GOOD)


@hostile("trailing-data", HIGH, "hostile.tar.gz")
def tar_gz_with_trailing_data() -> bytes:
    return gzip.compress(make_tar(GOOD), mtime=0) + b"trailing"


@hostile("trailing-data", HIGH, "hostile.tar.gz")
def tar_gz_with_a_zip_behind() -> bytes:
    return gzip.compress(make_tar(GOOD), mtime=0) + make_zip([Zipped(b"evil.py")])


@hostile("trailing-data", HIGH, "hostile.tar.xz")
def tar_xz_with_trailing_data() -> bytes:
    return lzma.compress(make_tar(GOOD)) + b"trailing"


@hostile("truncated", HIGH, "hostile.tar.gz")
def tar_gz_truncated() -> bytes:
    return gzip.compress(make_tar(GOOD, tar_file(b"a", bytes(range(256)) * 40)), mtime=0)[:-12]


@hostile("damaged-entry", HIGH, "hostile.tar.gz")
def tar_gz_wrong_checksum() -> bytes:
    packed = gzip.compress(make_tar(GOOD, tar_file(b"a", bytes(2_000_000))), mtime=0)
    return packed[:-8] + struct.pack("<L", 1) + packed[-4:]


@hostile("unreadable", HIGH, "hostile.tar.gz")
def gzip_that_is_no_tar() -> bytes:
    return gzip.compress(b"just text" * 100, mtime=0)


@hostile("several-formats", HIGH)
def tar_that_ends_in_a_zip() -> bytes:
    return make_tar(tar_file(b"data.bin", make_zip([Zipped(b"evil.py")])))


@hostile("several-formats", HIGH, "hostile.tar.gz")
def tar_gz_that_has_a_zip_in_its_header() -> bytes:
    evil = make_zip([Zipped(b"evil.py")])
    packed = gzip.compress(make_tar(GOOD), mtime=0)
    field = b"GA" + struct.pack("<H", len(evil)) + evil
    # FLG.FEXTRA of RFC 1952.
    return packed[:3] + b"\x04" + packed[4:10] + struct.pack("<H", len(field)) + field + packed[10:]


@hostile("several-formats", HIGH, "hostile-1.0.tar.gz")
def tar_gz_that_stores_a_zip_uncompressed() -> bytes:
    evil = make_zip([Zipped(b"evil.py")])
    return gzip.compress(make_tar(GOOD, tar_file(b"data.bin", evil)), 0, mtime=0)


@hostile("several-formats", HIGH, "hostile.zip")
def zip_that_begins_like_a_tar() -> bytes:
    """An extra field of the first entry holds what a tar's header has behind its name."""
    bare = Zipped(b"a")
    start = len(local_header(bare)) + 4
    tar = tar_header(b"")
    fields = local_header(Zipped(b"a", local={"extra": extra_field(0x4141, tar[start:])}))
    head = bytearray(fields[:start] + tar[start:])
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return make_zip([Zipped(b"a", local={"extra": extra_field(0x4141, bytes(head[start:]))})])
