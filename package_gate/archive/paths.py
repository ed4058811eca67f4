"""Names in archives: what is wrong with them, and what they are called on disk.

Windows' rules: "Naming Files, Paths, and Namespaces" of its API documentation.
"""

import re
import unicodedata
from typing import NamedTuple

from package_gate.core.limits import Limits

MAX_PART_BYTES = 255
"""One file or folder name; what Linux file systems take."""

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Not the zero-width joiners U+200C and U+200D: some scripts and emoji need them.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    # Letters and symbols that show nothing, and tags, which spell out hidden ASCII.
    "\u034f\u115f\u1160\u2800\u3164\uffa0\U000e0000-\U000e007f]"
)
# What NFKC leaves, and Windows' old code pages turn into a slash or a backslash.
_SLASHES = dict.fromkeys((0x2044, 0x2215, 0x29F8), "/") | dict.fromkeys(
    (0x2216, 0x29F5, 0x29F9), "\\"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile(f"{_CONTROL.pattern}|{_INVISIBLE.pattern}|{_SURROGATE.pattern}|\\\\")
_WINDOWS = re.compile(
    r'[<>:"|?*]|[ .]$|^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)', re.I
)


class CheckedName(NamedTuple):
    """A name from an archive."""

    parts: tuple[str, ...]
    """What it is called on disk; empty when it must not be written."""
    problems: tuple[str, ...]
    """The rules that it breaks."""


def check_name(name: str, limits: Limits) -> CheckedName:
    """Judge a path as an archive spells it, with `/` between its parts.

    Bytes that are not UTF-8 must come as surrogates (`errors="surrogateescape"`). A trailing `/`
    is not looked at.
    """
    problems: list[str] = []
    if len(name.encode("utf-8", "surrogateescape")) > limits.path_bytes:
        return CheckedName((), ("limit-path",))
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or _DRIVE.match(name):
        problems.append("absolute-path")
    raw = name.rstrip("/").split("/")
    parts = [part for part in raw if part not in ("", ".")]
    if len(parts) < len(raw) - (raw[0] == ".") and "absolute-path" not in problems:
        problems.append("unnormalised-name" if parts else "empty-name")
    if ".." in slashed.split("/"):
        problems.append("path-traversal")
    if len(parts) > limits.depth:
        problems.append("limit-depth")
    problems += _character_problems(name, parts)
    safe = tuple(on_disk(part) for part in parts)
    if any(len(part.encode()) > MAX_PART_BYTES for part in safe):
        problems.append("limit-path")
    return CheckedName(() if _FATAL.intersection(problems) else safe, tuple(problems))


_FATAL = frozenset({"absolute-path", "path-traversal", "limit-depth", "limit-path", "empty-name"})


def _character_problems(name: str, parts: list[str]) -> list[str]:
    problems = []
    if "\\" in name:
        problems.append("backslash-in-name")
    if "\0" in name:
        problems.append("nul-in-name")
    if not name.isascii():
        if _INVISIBLE.search(name):
            problems.append("bidi-character")
        if _SURROGATE.search(name):
            problems.append("name-not-utf8")
        folded = unicodedata.normalize("NFKC", name.translate(_SLASHES))
        looks = folded.replace("\\", "/").split("/")
        if len(looks) != len(name.replace("\\", "/").split("/")) or (
            ".." in looks and ".." not in name.split("/")
        ):
            problems.append("lookalike-path")
    if _CONTROL.search(name.replace("\0", "")):
        problems.append("control-character")
    if any(part != ".." and _WINDOWS.search(part) for part in parts):
        problems.append("unportable-name")
    return problems


def on_disk(part: str) -> str:
    """Give the name under which one part of a path is written.

    Control and invisible characters, backslashes and bytes that are not UTF-8 become `%XX`: no
    tool that later reads the tree can be tricked by them, and its suffix stays.
    """
    if not _UNSAFE.search(part):
        return part
    return _UNSAFE.sub(_percent, part.replace("%", "%25"))


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def fold(path: str) -> str:
    """Give the key under which case-insensitive and normalising file systems store `path`."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())
