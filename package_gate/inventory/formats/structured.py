"""TOML and JSON of hostile origin, and where something stands in them."""

import json
import re
import tomllib
from typing import Any

import msgspec

from package_gate.inventory.formats.items import FormatProblem

MAX_DOTS = 1000
"""On one line of a TOML file: the parser takes quadratic time for a key of many parts."""


def read_toml(data: bytes) -> dict[str, Any] | FormatProblem:
    """Read a TOML document."""
    for number, line in enumerate(data.splitlines(), 1):
        if line.count(b".") > MAX_DOTS:
            return FormatProblem("It has a line that no tool writes.", number)
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        text = f"It is no valid TOML ({type(error).__name__})."
        return FormatProblem(text, _toml_line(error, data))


def _toml_line(error: Exception, data: bytes) -> int | None:
    """Tell where a TOML document is broken, which `tomllib` says in words only."""
    if isinstance(error, UnicodeDecodeError):
        return data[: error.start].count(b"\n") + 1
    if found := re.search(r"\(at line (\d+), column \d+\)$", str(error)):
        return int(found[1])
    return data.count(b"\n") + 1 if str(error).endswith("(at end of document)") else None


def read_json(data: bytes) -> dict[str, Any] | FormatProblem:
    """Read a JSON object."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return FormatProblem(f"It is no valid JSON ({type(error).__name__}).", _json_line(data))


def _json_line(data: bytes) -> int | None:
    """Tell where a JSON document is broken; None when it isn't, or nobody can tell."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        return None
    return None


def table_of(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """Give the table under a key; an empty one when there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def quoted_lines(data: bytes) -> dict[str, int]:
    """Give the line on which each quoted string first stands."""
    lines: dict[str, int] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        for double, single in re.findall(r"\"([^\"]*)\"|'([^']*)'", line):
            lines.setdefault(double or single, number)
    return lines
