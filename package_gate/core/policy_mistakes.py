"""What is wrong in a policy file, where, and what was probably meant."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import msgspec

from package_gate.core.text import printable

_AT = re.compile(r" - at (?:`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_BAD_WORD = re.compile(r"Invalid enum value '([^']*)'")
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*)\s*=""")

Path = tuple[str, ...]
"""Keys from the top of the file; tables of an array by their number."""


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    line: int


def explain_mistake(error: msgspec.ValidationError, text: str, section: type) -> str:
    """Say where a mistake is and what was probably meant.

    Args:
        error: of converting the file's content.
        text: the file.
        section: the class that it was converted to.
    """
    said = str(error)
    at = _AT.search(said)
    path: Path = tuple(a or b for a, b in _STEP.findall(at[1])) if at else ()
    what = said[: at.start()] if at else said
    if found := _UNKNOWN.match(what):
        key = found[1]
        path = (*path, key)
        what = f"there is no key `{printable(key, 60)}` here{_meant(key, path[:-1], section)}"
    elif found := _BAD_WORD.match(what):
        if " - at `key` in " in said:
            path = (*path, found[1])
        words = _words_at(path, section)
        near = get_close_matches(found[1], words, 1)
        what = f"`{printable(found[1], 60)}` is none of its values"
        what += f"; did you mean `{near[0]}`" if near else f": {', '.join(words)}"
    line = _line_of(path, text)
    where = f"line {line}, " if line else ""
    return f"{where}`{printable('.'.join(path) or 'the whole', 120)}`: {printable(what, 400)}"


def _meant(key: str, table: Path, section: type) -> str:
    """Name the nearest right key: one like it in its table, or the same one in another."""
    own = _keys(_type_at(table, section))
    if near := get_close_matches(key, own, 1):
        return f"; did you mean `{near[0]}`"
    elsewhere = [name for name, kind in _tables(section) if key in _keys(kind) and (name,) != table]
    if elsewhere:
        return f"; it belongs to [{elsewhere[0]}]"
    if key in _keys(section):
        return "; it stands at the top of the file, before the first table"
    return f"; there are {', '.join(own)}" if own else ""


def _tables(section: type) -> Iterator[tuple[str, Any]]:
    return ((name, _type_at((name,), section)) for name in _keys(section))


def _keys(kind: Any) -> list[str]:
    return list(kind.__struct_fields__) if _is_section(kind) else []


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _type_at(path: Sequence[str], section: Any) -> Any:
    """Give what stands at a path: a class for a table; None where there is no such place."""
    kind = section
    for step in path:
        if step.isdecimal() or step == "...":  # the last of what a mapping or an array holds
            kind = next((each for each in reversed(get_args(kind)) if each is not ...), None)
        elif _is_section(kind):
            types = {field.name: field.type for field in msgspec.structs.fields(kind)}
            kind = types.get(step)
        else:  # the threshold of a scanner
            kind = next(iter(get_args(kind)[1:]), None)
    return kind


def _words_at(path: Path, section: type) -> list[str]:
    """Give the words that may stand at a path, or be its last key."""
    kind = _type_at(path, section)
    table = _type_at(path[:-1], section) if path else None
    if get_origin(table) is dict and path[-1] != "...":
        names = [str(each) for each in get_args(get_args(table)[0])]
        if path[-1] not in names:
            return names
    return [str(each) for each in get_args(kind) if isinstance(each, str)]


def _line_of(path: Path, text: str) -> int | None:
    """Find the line on which a key stands, or else the table that it would be in."""
    best = _Place((), 0)
    for place in _places(text):
        common = place.path == path[: len(place.path)]
        if common and len(place.path) > len(best.path):
            best = place
    return best.line or None


def _places(text: str) -> Iterator[_Place]:
    """Give each table and key of a TOML document with its line."""
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HEADER.match(line):
            table = _split(found[2])
            if found[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            yield _Place(table, number)
        elif found := _KEY.match(line):
            yield _Place((*table, *_split(found[1])), number)


def _split(key: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
