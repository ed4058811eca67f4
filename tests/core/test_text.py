import pytest
from hypothesis import given
from hypothesis import strategies as st

from package_gate.core.text import lines, one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("numpy-2.1.3 größer 日本", "numpy-2.1.3 größer 日本"),
        ("invoice\u202egpj.exe", r"invoice\u202egpj.exe"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("nu\u200bmpy", r"nu\u200bmpy"),
        ("a\u00a0b\u2028c", r"a\xa0b\u2028c"),
        ("\ud800 \ufffe \ue000", r"\ud800 \ufffe \ue000"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("a\u0301\u0323\u0308 e\u0301", "a\u0301\u0323\u0308 e\u0301"),
        ("a" + "\u0301" * 5, "a" + "\u0301" * 3 + r"\u0301\u0301"),
        ("filler\u3164 blank\u2800 selector\ufe0f", r"filler\u3164 blank\u2800 selector\ufe0f"),
    ],
)
def test_what_is_not_seen_as_it_is_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_long_text_is_cut_and_marked() -> None:
    assert printable("x" * 201) == "x" * 199 + "…"
    assert printable("x" * 200) == "x" * 200


def test_a_cut_never_leaves_half_an_escape() -> None:
    assert printable("\x1b" * 300, 10) == r"\x1b\x1b…"


def test_one_line_folds_every_sort_of_white_space() -> None:
    assert one_line(" a\r\n\tb\u2028\x85 c ") == "a b c"


def test_lines_keep_their_breaks_and_nothing_else() -> None:
    assert lines("a\r\n  b\x1b\u202e\n") == "a\n  b\\x1b\\u202e"


@given(st.text(st.characters(exclude_categories=[])), st.integers(1, 50))
def test_the_result_is_printable_and_within_the_limit(text: str, limit: int) -> None:
    for shown in (printable(text, limit), one_line(text, limit)):
        assert shown.isprintable()
        assert len(shown) <= limit
        shown.encode("utf-8")
