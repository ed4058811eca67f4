"""What calls and operations on known texts and numbers come to.

A value is a text (bytes are read as Latin-1), a number, a list of values, or None when it can't be
told. Nothing here runs anything of a package.
"""

import ast
import base64
import binascii
import codecs
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TypeVar

CLUSTER = "KUBERNETES_SERVICE_HOST"
"""The variable of the environment that says where the cluster is that a container is a part of."""
UNKNOWN = "\0"
"""Stands in a text for the parts that aren't known."""
CUT = "\ue001"
"""Stands in a text where more of it was not looked at."""
_MAX_TEXT = 16 * 1024
"""Characters of one text."""
_MAX_ITEMS = 1000
"""Items of one list."""
_MAX_BITS = 300
"""Of a number that is read as a text."""

Item = TypeVar("Item")

_SAME = {
    *("str", "bytes", "bytearray", "list", "tuple", "repr", "Path", "pathlib.Path"),
    *("pathlib.PurePath", "os.path.expanduser", "os.path.expandvars", "os.path.abspath"),
    *("os.path.normpath", "os.path.realpath", "os.path.dirname", "os.fspath"),
    *("sorted", "set", "iter", "ast.parse", "compile"),
}
"""Functions whose result reads like their first argument."""
_OF_NUMBERS = {"bytes", "bytearray", "array.array"}
"""Functions that take a text as a list of its letters' numbers."""
_PATHS = {"Path", "pathlib.Path", "pathlib.PurePath"}
_LISTED = {"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob", "shlex.split"}
"""Functions that give a list of which each item reads like their first argument."""
_SAME_METHODS = {
    *("encode", "decode", "strip", "rstrip", "lstrip", "lower", "upper", "resolve", "absolute"),
    *("expanduser", "as_posix", "as_uri", "items", "keys", "values", "copy", "tobytes"),
}
_PLACE = re.compile(r"\{(\w{0,50})(?:[.\[!:][^{}]{0,50})?\}")
"""Where a template of `str.format` puts a value."""
_LISTED_METHODS = {"split", "splitlines", "rsplit", "iterdir"}


def as_text(value: object) -> str:
    """Give any value as one text: a list has a line for each item."""
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, list):
        return shortened("\n".join(map(as_text, value)))
    return str(value) if isinstance(value, int) and value.bit_length() <= _MAX_BITS else UNKNOWN


def shortened(text: str) -> str:
    """Give what of a text is looked at."""
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + CUT


def first_of(items: Sequence[Item]) -> list[Item | str]:
    """Give those of many items that are looked at."""
    return [*items] if len(items) <= _MAX_ITEMS else [*items[:_MAX_ITEMS], CUT]


def number_of(value: object) -> object:
    """Give the number that a byte is; a text of one letter may be one."""
    return ord(value) if isinstance(value, str) and len(value) == 1 else value


def calculated(operator: ast.operator, left: int, right: int) -> int | None:
    """Calculate, with the operators that hide characters."""
    if max(abs(left), abs(right)) > 2**32:
        return None
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.BitXor):
        return left ^ right
    return left * right if isinstance(operator, ast.Mult) else None


def called(name: str, arguments: list[object]) -> object:
    """Tell what a function of the standard library makes of known values."""
    first = arguments[0] if arguments else None
    if name in _PATHS and len(arguments) > 1:
        return "/".join(map(as_text, arguments))
    if name in _OF_NUMBERS and isinstance(arguments[-1] if arguments else None, list):
        return _of_numbers(arguments[-1])
    if name in _SAME:
        return first
    if name == "textwrap.dedent" and isinstance(first, str):
        return textwrap.dedent(first)
    if name in _LISTED:
        return _listed(first)
    if name in ("tempfile.gettempdir", "tempfile.mkdtemp", "tempfile.gettempprefix"):
        return "/tmp"  # noqa: S108  # whatever it is called there
    if name in ("tempfile.mktemp", "tempfile.NamedTemporaryFile"):
        return f"/tmp/{UNKNOWN}"  # noqa: S108
    if name == "str.maketrans" and len(arguments) == 2:
        return [*map(as_text, arguments)]
    if name == "chr":
        return chr(first) if isinstance(first, int) and 0 <= first < 0x110000 else None
    if name == "map" and len(arguments) == 2 and isinstance(arguments[1], list):
        return [called("chr", [each]) for each in arguments[1]]
    if name == "reversed":
        return first[::-1] if isinstance(first, str | list) else None
    if name == "os.path.join":
        return "/".join(map(as_text, arguments))
    if name == "urllib.parse.urljoin":
        return "".join(map(as_text, arguments[:2]))
    if name in ("Path.home", "pathlib.Path.home"):
        return "~"
    if name in ("os.getenv", "os.environ.get", "os.environ.pop"):
        if first == CLUSTER and len(arguments) > 1:
            return None  # another host may stand there
        return "\n".join(f"%{name}%" for name in as_text(first).split("\n"))
    if isinstance(first, str) and UNKNOWN not in first:
        return _decoded(name, first, arguments[1:])
    return None


def _of_numbers(items: object) -> object:
    """Give the text whose letters are written as numbers."""
    numbers = items if isinstance(items, list) else []
    if all(isinstance(each, int) and 0 <= each < 256 for each in numbers):
        return shortened("".join(map(chr, numbers)))
    return items


def _listed(value: object) -> list[object] | None:
    """Give a list of something like this: nobody loops over its letters."""
    if value is None or isinstance(value, list):
        return value
    return [value]


class Several(str):
    """Several texts that something may be, a line each."""

    __slots__ = ()


def _decoded(name: str, text: str, options: list[object]) -> str | None:
    """Decode what is written in the code; what can't be decoded isn't told."""
    try:
        if name == "base64.b64decode":
            return base64.b64decode(text).decode("latin-1")
        if name in ("bytes.fromhex", "bytearray.fromhex", "binascii.unhexlify"):
            return binascii.unhexlify(text).decode("latin-1")
        if name == "codecs.decode" and options[:1] in (["rot13"], ["rot_13"]):
            return str(codecs.decode(text, "rot13"))
        if name == "codecs.decode" and options[:1] in (["hex"], ["hex_codec"]):
            return binascii.unhexlify(text).decode("latin-1")
    except (ValueError, UnicodeError):
        return None
    return None


def method(name: str, base: object, arguments: list[object]) -> object:
    """Tell what a method of a text, a list or a path makes of known values."""
    if name == "join" and isinstance(base, str):
        items = arguments[0] if arguments else None
        return base.join(map(as_text, items)) if isinstance(items, list) else items
    if name == "joinpath":
        return "/".join(map(as_text, [base, *arguments]))
    if name in ("glob", "rglob"):
        return ["/".join(map(as_text, [base, *arguments]))]
    if name in _LISTED_METHODS:
        return _listed(base)
    if name == "translate" and isinstance(base, str):
        return _translated(base, arguments[0] if arguments else None)
    if name == "replace" and isinstance(base, str) and len(arguments) == 2:
        return shortened(base.replace(as_text(arguments[0]), as_text(arguments[1])))
    return base if name in _SAME_METHODS else None


def _translated(text: str, letters: object) -> str | None:
    """Give a text with the letters replaced of which `str.maketrans` was given both lists."""
    if isinstance(letters, list) and len(letters) == 2:
        old, new = map(as_text, letters)
        if len(old) == len(new):
            return text.translate(str.maketrans(old, new))
    return None


def formatted(template: str, arguments: list[object], named: Mapping[str, object]) -> str:
    """Tell what `template.format(…)` gives."""
    following = iter(arguments)

    def filled(place: re.Match[str]) -> str:
        name = place[1]
        if name.isdigit():
            return as_text(arguments[int(name)] if int(name) < len(arguments) else None)
        return as_text(named.get(name) if name else next(following, None))

    return shortened(_PLACE.sub(filled, template))
