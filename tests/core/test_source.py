import codecs
from collections.abc import Callable

import pytest

from package_gate.core import source
from package_gate.core.source import Fault, Source, read_source


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", b""),
        (b"a\nb", b"a\nb"),
        (b"a\r\nb\rc\n", b"a\nb\nc\n"),
        (codecs.BOM_UTF8 + b"a", b"a"),
        (codecs.BOM_UTF8 + b"# coding: UTF_8\na", b"# coding: UTF_8\na"),
        ("é".encode(), "é".encode()),
        (b"# -*- coding: latin-1 -*-\n\xe9", "# -*- coding: latin-1 -*-\né".encode()),
        (b"#!x\n# vim:fileencoding=Latin-1-unix\n\xe9", "é".encode()),
        (b"\n\f # coding=cp1252\n\x80", "€".encode()),
        (b"# \xe9\n# coding: iso8859-15\n\xa4", "€".encode()),
        (b"#\r# coding: koi8-r\r\xc1", "а".encode()),  # noqa: RUF001  # Cyrillic
        # No declaration: not in the first two lines, not in a comment, or after a statement.
        (b"\n\n# coding: utf-7\n", b"\n\n# coding: utf-7\n"),
        (b"x = 'coding: utf-7'\n", b"x = 'coding: utf-7'\n"),
        (b"x\n# coding: utf-7\n", b"x\n# coding: utf-7\n"),
        (b"# encoding utf-7\n", b"# encoding utf-7\n"),
    ],
)
def test_text_is_what_python_makes_of_it(content: bytes, code: bytes) -> None:
    found = read_source(content)

    assert found.fault is Fault.NONE
    assert found.code.endswith(code)


@pytest.mark.parametrize(
    "codec",
    [
        *("utf-7", "UTF_7", "u7", "utf-16", "utf-32-le", "unicode_escape", "raw_unicode_escape"),
        *("punycode", "idna", "rot13", "rot_13", "hex", "zlib", "uu", "bz2", "base64", "quopri"),
        *("mbcs", "oem", "undefined", "charmap", "cp037", "cp500", "cp864", "hz", "iso2022_jp"),
        *("shift_jis", "gbk", "big5", "euc_kr", "pyxl", "future_fstrings", "a.b", "utf8x", "-"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        lambda codec: f"# coding: {codec}\n",
        lambda codec: f"#!/usr/bin/python\n# -*- coding:{codec} -*-\n",
        lambda codec: f"\f \t# vim: set fileencoding={codec} :\nx\n",
        lambda codec: f"\n#coding= \t{codec}",
        lambda codec: f"#{' ' * 5000}\r\n#coding={codec}\r\n",
        # Two readers of lines see two encodings.
        lambda codec: f"\r# coding: {codec}\rx = 1\r",
        lambda codec: f"x = 1\r\n# coding: utf-8\n# coding: {codec}\n".replace("x = 1\r\n", "#\r"),
    ],
)
def test_a_codec_that_hides_text_is_a_fault(codec: str, form: Callable[[str], str]) -> None:
    content = form(codec).encode()
    if b"coding: utf-8" in content:  # the third line to some, the second to nobody
        assert read_source(content).fault is Fault.NONE
    else:
        known = Fault.CODEC if _python_has(codec) else Fault.UNKNOWN_CODEC
        assert read_source(content).fault is known


def _python_has(codec: str) -> bool:
    try:
        codecs.lookup(codec)
    except LookupError:
        return False
    return True


def test_one_of_two_that_python_does_not_have_is_unknown() -> None:
    assert read_source(b"\r# coding: x.own\r").fault is Fault.UNKNOWN_CODEC


def test_two_declarations_that_readers_differ_on_are_a_fault() -> None:
    assert read_source(b"#\r#\r# coding: latin-1\n").fault is Fault.CODEC
    assert read_source(b"#\r# coding: latin-1\n").fault is Fault.NONE


@pytest.mark.parametrize(
    "content",
    [b"\xe9", b"# coding: ascii\n\xe9", b"# coding: cp1252\n\x81", b"\xed\xa0\x80", b"\xff\xfea\0"],
)
def test_what_is_not_in_its_encoding_runs_nowhere(content: bytes) -> None:
    assert read_source(content).fault is Fault.UNDECODABLE
    with pytest.raises(SyntaxError):
        compile(content.partition(b"\0")[0], "sample.py", "exec")


def test_a_mark_and_another_encoding_contradict_each_other() -> None:
    found = read_source(codecs.BOM_UTF8 + b"# coding: latin-1\n")

    assert found == Source(b"# coding: latin-1\n", Fault.CODEC, "iso8859-1")


@pytest.mark.parametrize("codec", sorted(source._PLAIN - {"utf-8"}))
def test_plain_codecs_leave_ascii_and_give_each_byte_a_character(codec: str) -> None:
    assert codecs.lookup(codec).name == codec
    assert bytes(range(128)).decode(codec) == "".join(map(chr, range(128)))
    assert all(len(bytes([byte]).decode(codec, "replace")) == 1 for byte in range(256))
