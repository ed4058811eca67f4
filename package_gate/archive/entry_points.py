"""Reads `entry_points.txt` strictly: who installs and who inspects a wheel must see one thing.

https://packaging.python.org/en/latest/specifications/entry-points/. Python's `importlib.metadata`
splits lines as `str.splitlines` does, at form feeds and Unicode's separators, too; uv reads an INI
file, in which `;` begins a comment. What only one of them understands is a finding.
"""

import re
from dataclasses import astuple

from package_gate.archive.metadata import read_start
from package_gate.archive.placing import Placer
from package_gate.core.limits import MIB
from package_gate.inventory.formats.entry_points import read_entry_points

_MAX_BYTES = MIB
_SCRIPTS = ("console_scripts", "gui_scripts")
_BREAKS = re.compile("\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")
"""Line breaks of some readers only, and what stands in no text."""
_HEADER = re.compile(r"\[([^\[\]]*)\]")
_ENTRY = re.compile(r"[^\s\[=;:#-][^=:]*=")
_NAME = re.compile(r"[A-Za-z0-9_.+-]+")
"""pip takes what follows a space in a script's name for the whole of it."""
_VALUE = re.compile(r"[\w.]+ ?: ?[\w.]+ *(\[[\w .,-]*\])?", re.ASCII)
"""A module, the function in it, and extras, which are for nobody any more."""


def check_entry_points(placer: Placer, path: str) -> tuple[str, ...]:
    """Judge the file, when there is one, and give the names of its scripts."""
    if path not in placer.files:
        return ()
    data = read_start(placer, path, _MAX_BYTES + 1)
    if problem := _problem(data):
        placer.add("entry-points", path, problem)
    seen: set[tuple[str, str]] = set()
    scripts: list[str] = []
    for group, name, value in map(astuple, read_entry_points(data[:_MAX_BYTES])):
        kind = "script" if group.strip().lower() in _SCRIPTS else group
        if (kind, name) in seen:
            placer.add("entry-points", path, f"{name} stands there twice")
        seen.add((kind, name))
        if kind == "script":
            scripts.append(name)
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                placer.add("entry-points", path, f"{name} = {value}")
    return tuple(dict.fromkeys(scripts))


def _problem(data: bytes) -> str:
    if len(data) > _MAX_BYTES:
        return f"more than {_MAX_BYTES} bytes"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8"
    if text.startswith("\ufeff"):
        return "a byte order mark"
    if found := _BREAKS.search(text):
        return f"the character {ord(found[0]):#06x}"
    group, groups, after_entry = "", set[str](), False
    for raw in text.split("\n"):
        line = raw.strip()
        header = _HEADER.fullmatch(line)
        if header:
            group = header[1]
            spaced = group.strip().lower() in _SCRIPTS and group not in _SCRIPTS
            if spaced or not group.strip() or group in groups:
                return f"the header {line}"
            groups.add(group)
        # An indented line goes on with the entry before it in an INI file.
        goes_on = after_entry and raw[:1].isspace()
        is_entry = line and not header and not line.startswith("#")
        if is_entry and (not group or not _ENTRY.match(line) or goes_on):
            return f"the line {line[:80]}"
        if line:
            after_entry = not header
    return ""
