"""Decodes Python files as Python does (PEP 263), once, for everything that looks into them.

A file in UTF-7 or `unicode_escape` is code to Python and gibberish to whoever reads its bytes. So
what YARA's rules, Ruff and the syntax tree see is the same: UTF-8, with plain line ends.
"""

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_ONLY_COMMENT = re.compile(rb"[ \t\f]*(?:[#\r\n]|$)")
_LATIN = ("latin-1", "iso-8859-1", "iso-latin-1")
_PLAIN = frozenset(
    {"ascii", "utf-8", "hp-roman8", "koi8-r", "koi8-t", "koi8-u", "kz1048", "ptcp154", "tis-620"}
    | {f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))}
    | {
        f"cp{number}"
        for number in (*range(1250, 1259), 437, 720, 737, 775, 850, 852, 855, 856, 857)
    }
    | {f"cp{number}" for number in (858, 860, 861, 862, 863, 865, 866, 869, 874, 1006, 1125)}
    | {f"mac-{name}" for name in ("croatian", "cyrillic", "greek", "iceland", "latin2", "roman")}
    | {"mac-romanian", "mac-turkish"}
)
"""Codecs, as Python names them, that leave ASCII as it is and give each byte one character."""

EAST_ASIAN = frozenset(
    {"big5", "big5hkscs", "cp932", "cp949", "cp950", "gb2312", "gbk", "gb18030", "johab"}
    | {"euc_jp", "euc_jis_2004", "euc_jisx0213", "euc_kr"}
    | {"shift_jis", "shift_jis_2004", "shift_jisx0213"}
)
"""Codecs of ordinary texts in which a letter may be two bytes, the second one of ASCII."""


class Fault(Enum):
    """Why a file's text may not be what Python makes of it."""

    NONE = auto()
    UNDECODABLE = auto()
    """It is not in the encoding that it declares. Python minds that in code, not in comments."""
    CODEC = auto()
    """It declares a codec that only Python itself can decode."""
    UNKNOWN_CODEC = auto()
    """It declares a codec that Python doesn't have: what the text is, the codec's own code says."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a Python file."""

    code: bytes
    r"""In UTF-8, without a mark at the beginning; each line ends in `\n`."""
    fault: Fault = Fault.NONE
    codec: str = ""
    """The codec that is declared, when there is something wrong with it."""

    @property
    def text(self) -> str:
        """The same as text."""
        return self.code.decode("utf-8", "replace")


def read_source(content: bytes) -> Source:
    """Decode a Python file.

    What can't be decoded is given as near as it comes: words stay words.
    """
    has_mark = content.startswith(codecs.BOM_UTF8)
    plain = content[len(codecs.BOM_UTF8) :] if has_mark else content
    code = plain
    if b"\r" in plain:
        code = plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # Python's tokenizer ends lines at a carriage return, `tokenize`, which builds read with, not.
    declared = {declared_codec(code), declared_codec(plain)}
    for codec in declared - {"utf-8", "ascii"}:
        if has_mark or len(declared) > 1 or codec not in _PLAIN:
            known = all(map(_is_known, declared))
            fault = Fault.CODEC if known else Fault.UNKNOWN_CODEC
            return Source(_replaced(code, "utf-8"), fault, codec)
    (codec,) = declared if len(declared) == 1 else ("utf-8",)
    if codec in ("utf-8", "ascii") and code.isascii():
        return Source(code)
    try:
        text = code.decode(codec)
    except UnicodeDecodeError:
        return Source(_replaced(code, codec), Fault.UNDECODABLE, codec)
    return Source(code if codec == "utf-8" else text.encode())


def readings(content: bytes) -> dict[str, str]:
    """Decode a text with the codecs that it declares and that `read_source` can't decode.

    What makes no text of bytes (`base64`), or is unknown, Python doesn't read code with.

    Returns:
        Codec → text, with plain line ends.
    """
    plain = content.removeprefix(codecs.BOM_UTF8)
    lines = plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = {}
    for codec in {declared_codec(lines), declared_codec(plain)} - _PLAIN:
        with suppress(LookupError, ValueError):
            text = plain.decode(codec, "replace")
            found[codec] = text.replace("\r\n", "\n").replace("\r", "\n")
    return found


def decoded(content: bytes) -> Source | None:
    """Decode a Python file whose bytes, taken for UTF-8, are another text; None for all others."""
    if content.isascii() and b"coding" not in content:
        return None
    source = read_source(content)
    plain = content.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    hidden = source.fault in (Fault.CODEC, Fault.UNKNOWN_CODEC)
    return source if hidden or source.code != plain else None


def declared_codec(code: bytes) -> str:
    """Give Python's name of the codec that is declared in the first two lines, else `utf-8`.

    One that Python doesn't know keeps the name that it has there.
    """
    first = code.find(b"\n") % (len(code) + 1)
    found = _COOKIE.match(code, 0, first)
    if found is None and _ONLY_COMMENT.match(code, 0, first):
        second = code.find(b"\n", first + 1) % (len(code) + 1)
        found = _COOKIE.match(code, first + 1, second)
    if found is None:
        return "utf-8"
    name = found[1].decode()
    # As Python's tokenizer does; `codecs` knows neither `utf-8-unix` nor `latin-1-dos`.
    short = name[:12].lower().replace("_", "-")
    if short == "utf-8" or short.startswith("utf-8-"):
        return "utf-8"
    if short in _LATIN or short.startswith(tuple(f"{each}-" for each in _LATIN)):
        return "iso8859-1"
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return name.lower()


def _is_known(codec: str) -> bool:
    try:
        codecs.lookup(codec)
    except (LookupError, ValueError):
        return False
    return True


def _replaced(code: bytes, codec: str) -> bytes:
    """Give the text with a sign for each byte that is none of the codec; all others stay."""
    return code.decode(codec, "replace").encode()
