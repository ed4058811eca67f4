"""Hostile zips: each function makes one; what must be found stands in front of it."""

import io
import random
import struct
import zipfile
import zlib

from package_gate.core.finding import Severity
from tests.archive.makers import (
    Zipped,
    central_header,
    deflate,
    end64,
    end_record,
    extra_field,
    local_header,
    make_zip,
    pack,
    unicode_path,
)
from tests.archive.registry import Hostile, registrar

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM
LOW, INFO = Severity.LOW, Severity.INFO

ZIPS: list[Hostile] = []
hostile = registrar(ZIPS, "hostile.zip")

GOOD = Zipped(b"good.py")


@hostile("name-encoding", LOW)
def zip_name_in_no_declared_encoding() -> bytes:
    return make_zip([Zipped("é.py".encode())])


@hostile("accented-name", INFO)
def zip_accented_name_of_macos() -> bytes:
    return make_zip([GOOD, Zipped("docs/re\u0301sume\u0301.txt".encode())])


@hostile("accented-name", INFO)
def zip_accented_name_of_windows() -> bytes:
    return make_zip([GOOD, Zipped("docs/r\u00e9sum\u00e9.txt".encode("cp850"))])


@hostile("name-encoding", LOW)
def zip_accented_name_that_some_readers_take_for_another_entry() -> bytes:
    name = "docs/r\u00e9sum\u00e9.txt".encode()
    return make_zip([Zipped(name, b"good", flags=1 << 11), Zipped(b"docs/" + name[5:], b"evil")])


@hostile("name-encoding", LOW)
def zip_accented_names_that_are_one_for_some_readers() -> bytes:
    return make_zip([Zipped("d/\u00e9".encode()), Zipped("d/\u00e9".encode("cp850"))])


@hostile("name-encoding", LOW)
def zip_name_in_no_declared_encoding_with_a_lookalike() -> bytes:
    return make_zip([Zipped("docs\u2215\u202ex.txt".encode())])


@hostile("name-encoding", LOW)
def zip_name_declared_utf8_but_is_not() -> bytes:
    return make_zip([Zipped(b"\xff\xfe.py", flags=1 << 11)])


@hostile("duplicate-name", HIGH)
def zip_duplicate_name() -> bytes:
    return make_zip([Zipped(b"a.py", b"good"), Zipped(b"a.py", b"evil")])


@hostile("case-collision", LOW)
def zip_case_collision() -> bytes:
    return make_zip([Zipped(b"pkg/a.py"), Zipped(b"pkg/A.py")])


@hostile("unicode-collision", MEDIUM)
def zip_normalisation_collision() -> bytes:
    names = ("\u00e9.py", "e\u0301.py")
    return make_zip([Zipped(name.encode(), flags=1 << 11) for name in names])


@hostile("unicode-collision", MEDIUM)
def zip_compatibility_collision() -> bytes:
    return make_zip([Zipped(b"file.py"), Zipped("ﬁle.py".encode(), flags=1 << 11)])


@hostile("file-folder-collision", HIGH)
def zip_file_below_a_file() -> bytes:
    return make_zip([Zipped(b"a"), Zipped(b"a/b.py")])


@hostile("file-folder-collision", HIGH)
def zip_file_over_a_folder() -> bytes:
    return make_zip([Zipped(b"a/b.py"), Zipped(b"a")])


@hostile("link-outside", CRITICAL)
def zip_link_outside() -> bytes:
    return make_zip([Zipped(b"a/l", b"../../etc/passwd", mode=0o120777)])


@hostile("link-outside", CRITICAL)
def zip_link_absolute() -> bytes:
    return make_zip([Zipped(b"l", b"/etc/passwd", mode=0o120777)])


@hostile("link-outside", CRITICAL)
def zip_link_outside_by_way_of_another() -> bytes:
    return make_zip(
        [
            Zipped(b"a/b/up", b"..", mode=0o120777),
            Zipped(b"l", b"a/b/up/../../evil", mode=0o120777),
        ]
    )


@hostile("disguised-link", MEDIUM)
def zip_link_whose_target_is_code() -> bytes:
    return make_zip([Zipped(b"evil.py", b"import os\nos.system('id')\n", mode=0o120777)])


@hostile("hidden-code", MEDIUM)
def zip_with_code_behind_zeros_in_a_nested_zip() -> bytes:
    """The ratio of the nested archive alone stops its unpacking; Python imports from it still."""
    inner = make_zip([Zipped(b"zeros", bytes(12_000_000)), Zipped(b"helper.py", b"evil = 1\n")])
    return make_zip(
        [Zipped(b"lib.zip", inner), Zipped(b"noise", random.Random(1).randbytes(200_000), method=0)]
    )


@hostile("damaged-entry", HIGH)
def zip_with_damaged_code_in_a_nested_zip() -> bytes:
    """Python's `zipimport` looks at no checksum."""
    inner = make_zip([Zipped(b"helper.py", local={"crc": 1}, central={"crc": 1})])
    return make_zip([Zipped(b"lib.zip", inner)])


@hostile("disguised-link", MEDIUM)
def zip_link_from_code_to_other_code() -> bytes:
    """Text for pip, `tools/x.py` under a name that is run for who makes links."""
    return make_zip([Zipped(b"tools/x.py"), Zipped(b"setup.py", b"tools/x.py", mode=0o120777)])


@hostile("ambiguous-link", MEDIUM)
def zip_link_to_a_link() -> bytes:
    return make_zip(
        [
            Zipped(b"a.md"),
            Zipped(b"b.md", b"a.md", mode=0o120777),
            Zipped(b"c.md", b"b.md", mode=0o120777),
        ]
    )


@hostile("disguised-link", MEDIUM)
def zip_link_that_makes_data_code() -> bytes:
    return make_zip([Zipped(b"data.txt"), Zipped(b"evil.py", b"data.txt", mode=0o120777)])


@hostile("special-file", HIGH)
def zip_character_device() -> bytes:
    return make_zip([Zipped(b"null", b"", mode=0o020666)])


@hostile("special-file", HIGH)
def zip_fifo() -> bytes:
    return make_zip([Zipped(b"pipe", b"", mode=0o010666)])


@hostile("setuid-file", MEDIUM)
def zip_setuid() -> bytes:
    return make_zip([Zipped(b"su", mode=0o104755)])


@hostile("unusual-entry", MEDIUM)
def zip_folder_with_data() -> bytes:
    return make_zip([Zipped(b"folder/", b"evil", mode=0)])


@hostile("unusual-entry", MEDIUM)
def zip_folder_mode_on_a_file() -> bytes:
    return make_zip([Zipped(b"evil.py", mode=0o040755)])


@hostile("unusual-entry", MEDIUM)
def zip_dos_folder_flag_on_a_file() -> bytes:
    return make_zip([Zipped(b"evil.py", central={"dos": 0x10})])


@hostile("encrypted-entry", HIGH)
def zip_encrypted() -> bytes:
    return make_zip([Zipped(b"a.py", flags=1)])


@hostile("encrypted-entry", HIGH)
def zip_with_masked_headers() -> bytes:
    return make_zip([Zipped(b"a.py", flags=1 << 13)])


@hostile("unsupported-compression", MEDIUM)
def zip_unknown_method() -> bytes:
    return make_zip([Zipped(b"a.py", method=98)])


@hostile("unsupported-compression", MEDIUM)
def zip_lzma_method() -> bytes:
    return make_zip([Zipped(b"a.py", method=14)])


@hostile("header-mismatch", HIGH)
def zip_local_name_differs() -> bytes:
    return make_zip([Zipped(b"good.py", local={"name": b"evil.py"})])


@hostile("header-mismatch", HIGH)
def zip_local_method_differs() -> bytes:
    return make_zip([Zipped(b"a.py", local={"method": 0})])


@hostile("header-mismatch", HIGH)
def zip_local_flags_differ() -> bytes:
    return make_zip([Zipped(b"a.py", local={"flags": 1})])


@hostile("header-mismatch", HIGH)
def zip_local_size_differs() -> bytes:
    return make_zip([Zipped(b"a.py", local={"size": 3})])


@hostile("header-mismatch", HIGH)
def zip_local_checksum_differs() -> bytes:
    return make_zip([Zipped(b"a.py", local={"crc": 1})])


@hostile("header-mismatch", HIGH)
def zip_local_header_missing() -> bytes:
    return make_zip([GOOD, Zipped(b"a.py", local={"signature": b"XXXX"})])


@hostile("header-mismatch", HIGH)
def zip_unicode_path_differs() -> bytes:
    return make_zip([Zipped(b"good.py", extra=unicode_path(b"good.py", b"evil.py"))])


@hostile("header-mismatch", HIGH)
def zip_local_unicode_path_differs() -> bytes:
    return make_zip([Zipped(b"good.py", local={"extra": unicode_path(b"good.py", b"evil.py")})])


@hostile("header-mismatch", HIGH)
def zip_local_zip64_sizes_differ() -> bytes:
    return make_zip([Zipped(b"a.py", local={"extra": extra_field(1, struct.pack("<QQ", 9, 9))})])


@hostile("header-mismatch", HIGH)
def zip_needless_zip64_field() -> bytes:
    return make_zip([Zipped(b"a.py", central={"extra": extra_field(1, struct.pack("<Q", 9))})])


@hostile("header-mismatch", HIGH)
def zip_zip64_field_twice() -> bytes:
    twice = extra_field(1, struct.pack("<QQ", 6, 8)) + extra_field(1, struct.pack("<QQ", 99, 99))
    return make_zip([Zipped(b"a.py", local={"extra": twice})])


@hostile("header-mismatch", HIGH)
def zip_size_without_its_zip64_field() -> bytes:
    return make_zip([Zipped(b"a.py", central={"size": 0xFFFFFFFF})])


@hostile("header-mismatch", HIGH)
def zip_on_another_volume() -> bytes:
    return make_zip([Zipped(b"a.py", central={"disk": 3})])


@hostile("header-mismatch", HIGH)
def zip_data_descriptor_lies() -> bytes:
    return make_zip([Zipped(b"a.py", flags=8, after=b"PK\x07\x08" + struct.pack("<3L", 1, 2, 3))])


@hostile("unusual-entry", MEDIUM)
def zip_stored_with_data_descriptor() -> bytes:
    data = b"x = 1\n"
    tail = b"PK\x07\x08" + struct.pack("<3L", zlib.crc32(data), len(data), len(data))
    return make_zip([Zipped(b"a.py", data, method=0, flags=8, after=tail)])


@hostile("unusual-entry", MEDIUM)
def zip_malformed_extra_field() -> bytes:
    return make_zip([Zipped(b"a.py", extra=struct.pack("<HH", 9, 500))])


@hostile("unusual-entry", MEDIUM)
def zip_of_a_future_version() -> bytes:
    return make_zip([Zipped(b"a.py", central={"needed": 99})])


@hostile("entry-comment", LOW)
def zip_entry_comment() -> bytes:
    return make_zip([Zipped(b"a.py", comment=b"PK\x01\x02")])


@hostile("damaged-entry", HIGH)
def zip_wrong_checksum() -> bytes:
    return make_zip([Zipped(b"a.py", local={"crc": 1}, central={"crc": 1})])


@hostile("damaged-entry", HIGH)
def zip_more_data_than_announced() -> bytes:
    lie = {"size": 2}
    return make_zip([Zipped(b"a.py", b"x" * 5000, local=lie, central=lie)])


@hostile("damaged-entry", HIGH)
def zip_less_data_than_announced() -> bytes:
    lie = {"size": 5000}
    return make_zip([Zipped(b"a.py", local=lie, central=lie)])


@hostile("damaged-entry", HIGH)
def zip_data_behind_the_compressed_data() -> bytes:
    return make_zip([Zipped(b"a.py", packed=deflate(b"x = 1\n") + b"import evil")])


@hostile("damaged-entry", HIGH)
def zip_broken_deflate() -> bytes:
    return make_zip([Zipped(b"a.py", packed=b"\xff" * 20)])


@hostile("hidden-data", HIGH)
def zip_bytes_between_entries() -> bytes:
    return make_zip([GOOD, Zipped(b"a.py", before=b"hidden payload")])


@hostile("hidden-data", HIGH)
def zip_entry_missing_in_the_directory() -> bytes:
    evil = Zipped(b"evil.py")
    return make_zip([GOOD], hidden=local_header(evil) + pack(evil))


@hostile("prepended-data", HIGH)
def zip_behind_a_script() -> bytes:
    return b"#!/bin/sh\necho evil\n" + make_zip([GOOD])


@hostile("prepended-data", HIGH)
def zip_behind_a_script_with_shifted_offsets() -> bytes:
    return make_zip([Zipped(b"a.py", before=b"#!/bin/sh\necho evil\n")])


@hostile("prepended-data", HIGH)
def zip_behind_another_zip() -> bytes:
    return make_zip([GOOD]) + make_zip([Zipped(b"evil.py")])


@hostile("trailing-data", HIGH)
def zip_with_trailing_data() -> bytes:
    return make_zip([GOOD]) + b"trailing"


@hostile("several-end-records", HIGH)
def zip_comment_with_an_end_record() -> bytes:
    return make_zip([GOOD], comment=end_record(0, 0, 0))


@hostile("several-end-records", HIGH)
def zip_entry_comment_with_an_end_record() -> bytes:
    return make_zip([Zipped(b"a.py", comment=end_record(0, 0, 0))])


@hostile("directory-mismatch", HIGH)
def zip_fewer_entries_announced() -> bytes:
    return make_zip([GOOD, Zipped(b"a.py")], count=1)


@hostile("directory-mismatch", HIGH)
def zip_more_entries_announced() -> bytes:
    return make_zip([GOOD], count=5)


@hostile("directory-mismatch", HIGH)
def zip_of_several_volumes() -> bytes:
    plain = make_zip([GOOD])
    return plain[:-18] + struct.pack("<2H", 1, 1) + plain[-14:]


@hostile("directory-mismatch", HIGH)
def zip_zip64_record_with_other_values() -> bytes:
    body = local_header(GOOD) + pack(GOOD)
    evil = local_header(Zipped(b"evil.py")) + pack(Zipped(b"evil.py"))
    directory = central_header(GOOD, 0)
    at = len(body + evil + directory)
    long = end64(1, len(directory), len(body + evil), at)
    return body + evil + directory + long + end_record(7, len(directory), len(body))


@hostile("directory-mismatch", HIGH)
def zip_zip64_locator_points_elsewhere() -> bytes:
    body, directory = local_header(GOOD) + pack(GOOD), central_header(GOOD, 0)
    at = len(body + directory)
    long = end64(1, len(directory), len(body), at, locator=3)
    return body + directory + long + end_record(1, len(directory), len(body))


@hostile("directory-mismatch", HIGH)
def zip_zip64_locator_without_record() -> bytes:
    body, directory = local_header(GOOD) + pack(GOOD), central_header(GOOD, 0)
    orphan = bytes(56) + end64(1, 1, 1, 1)[56:]
    return body + directory + orphan + end_record(1, len(directory), len(body))


@hostile("truncated", HIGH)
def zip_with_a_truncated_comment() -> bytes:
    return make_zip([GOOD], comment=b"a comment")[:-4]


@hostile("unreadable", HIGH)
def zip_truncated() -> bytes:
    return make_zip([GOOD, Zipped(b"a.py")])[:-30]


@hostile("unreadable", HIGH)
def zip_directory_beyond_the_file() -> bytes:
    return local_header(GOOD) + end_record(1, 100_000, 200_000)


@hostile("empty-archive", LOW)
def zip_empty() -> bytes:
    return end_record(0, 0, 0)


@hostile("wrong-format", HIGH, "hostile-1.0.tar.gz")
def zip_named_like_a_tar() -> bytes:
    return make_zip([GOOD])


@hostile("unreadable", HIGH)
def html_named_like_a_zip() -> bytes:
    return b"<!doctype html><title>404</title>"


@hostile("several-end-records", HIGH)
def zip_written_by_zipfile_with_evil_comment() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good.py", "x = 1")
        archive.comment = b"PK\x05\x06" + bytes(30)
    return buffer.getvalue()
