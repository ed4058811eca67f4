"""What commands and code do that stand in the settings of a build: see `build_commands`."""

import re
from collections.abc import Iterator
from pathlib import Path

from package_gate.inventory.build_commands import Held, held_by_builds
from package_gate.inventory.trees import regular_files
from package_gate.sandbox.progress import note_file
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.fingerprints import of_whole_file
from package_gate.scanners.behaviour.own_files import OwnFiles
from package_gate.scanners.behaviour.own_programs import has_own_part
from package_gate.scanners.behaviour.rules import Behaviour, behaviours

_MOST = 2000
"""Texts of a package that are looked at."""
_RUNS_SOMETHING = re.compile(
    r"python|\b(?:ba|z|da|k|a|c)?sh\b|\bsource\b|(?:^|\s)\.\s|\b(?:perl|ruby|node)\b", re.IGNORECASE
)
_LONGEST = 20_000
"""Characters of a text."""


def of_build_settings(tree: Path, own: OwnFiles) -> Iterator[tuple[str, Behaviour]]:
    """Look at what the settings of a source tree make its build run.

    Args:
        tree: an unpacked source archive.
        own: its files.

    Raises:
        OSError: a file can't be read.
    """
    seen: set[tuple[str, str, bool]] = set()
    for held in held_by_builds(tree, regular_files(tree)):
        key = held.path, held.text, held.is_code
        if key not in seen and held.path.endswith(".toml") and has_own_part(held.text, own):
            yield held.path, _of("runs-own-data", held, held.text)
        if key in seen or not (held.is_code or _is_of_interest(held.text)):
            continue
        seen.add(key)
        note_file(held.path)
        if len(seen) > _MOST or len(held.text) > _LONGEST:
            yield held.path, _of("unreadable-code", held, "there is too much in the settings")
            return
        found = _of_code(held.text) if held.is_code else _of_command(held.text, own)
        yield from ((held.path, _of(each.rule, held, held.text)) for each in found)


def _is_of_interest(command: str) -> bool:
    """Whether a command may do what the rules look for; a single word never does."""
    return len(command.split()) > 1 and bool(
        _RUNS_SOMETHING.search(command)
        or any(pattern.search(command) for _, pattern in tables.COMMANDS)
    )


def _of_command(text: str, own: OwnFiles) -> list[Behaviour]:
    return behaviours(f"import os\nos.system({text!r})\n", whole=True, own=own)


def _of_code(text: str) -> list[Behaviour]:
    return [each for each in behaviours(f"{text}\n", whole=True) if each.rule != "not-python"]


def _of(rule: str, held: Held, shown: str) -> Behaviour:
    identity = of_whole_file(rule, held.text.encode("utf-8", "replace"), ["settings"])
    return Behaviour(rule, held.line, " ".join(shown.split())[:100], identity)
