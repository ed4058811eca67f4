"""Which files of a tree are worth a closer look, by YARA rules that look for words.

Reading a file's syntax takes a hundred times as long.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yara  # type: ignore[import-not-found]  # it has no types

from package_gate.core.errors import ScannerError
from package_gate.sandbox.progress import note_file
from package_gate.scanners.once import Once
from package_gate.scanners.running_files import RunningFiles, Runs
from package_gate.scanners.source import Fault, read_source
from package_gate.scanners.trees import regular_files

MAX_FILE_BYTES = 64 * 1024 * 1024
"""The largest source file that is looked at."""

_MAX_GLUE = 20 * 1024
_CALLS_AT_ONCE = re.compile(rb"^[ \t]{0,8}(?:\w+ *= *)?[A-Za-z_][\w.]*\(\s*[A-Za-z_]", re.MULTILINE)
"""A call that is given something, perhaps by a module itself."""
_MAX_DATA = 4 * 1024 * 1024
"""The largest file that may be Python although its name says otherwise."""
_START = 4096
_IMPORTS = re.compile(rb"\b(?:import|__import__|exec|eval)\b")
_RULES = Path(__file__).with_name("candidates.yar")


@dataclass(frozen=True, slots=True)
class Candidates:
    """What there is to look at in a tree; paths are relative to it."""

    paths: tuple[str, ...]
    data: tuple[str, ...]
    """Files that are no Python by their names, but may be by their content."""
    too_large: tuple[str, ...]
    """Files that would have been looked at, but that are larger than `MAX_FILE_BYTES`."""


class CandidateRules:
    """The rules, compiled once."""

    def __init__(self, seconds: int) -> None:
        """Take the longest that one file may take."""
        self._rules = yara.compile(filepath=str(_RULES))
        self._seconds = seconds

    def scan(self, tree: Path, running: RunningFiles, once: Once[bool]) -> Candidates:
        """Look for the words in all Python files of a tree.

        Args:
            tree: a folder.
            running: which of its files run by themselves; what a build runs is always looked at.
            once: knows what was found in files of the package's other trees.

        Raises:
            ScannerError: YARA failed on a file, or took too long.
            OSError: a file can't be read.
        """
        paths, data, too_large = [], [], []
        for path in regular_files(tree):
            relative = path.relative_to(tree).as_posix()
            if not running.is_python(relative):
                if self._may_be_python(path, once):
                    data.append(relative)
                continue
            note_file(relative)
            if path.stat().st_size > MAX_FILE_BYTES:
                too_large.append(relative)
                continue
            content = path.read_bytes()
            matches = partial(self._matches, relative, content)
            always = running.is_of_a_build(relative) or _is_glue(relative, content, running)
            if always or once(relative, content, matches):
                paths.append(relative)
        return Candidates(tuple(paths), tuple(data), tuple(too_large))

    def _may_be_python(self, path: Path, once: Once[bool]) -> bool:
        """Whether a file that is named like data is a text with words that the rules look for."""
        if path.stat().st_size > _MAX_DATA:
            return False
        with path.open("rb") as file:
            content = file.read(_START)
            if b"\0" in content:
                return False
            content += file.read()
        if not _IMPORTS.search(content):
            return False
        note_file(str(path))
        return once(str(path.suffix), content, partial(self._matches, path.name, content))

    def _matches(self, path: str, content: bytes) -> bool:
        source = read_source(content)
        if path.endswith(".pth") or source.fault in (Fault.CODEC, Fault.UNKNOWN_CODEC):
            return True
        content = source.code
        if not content.isascii():  # letters of other kinds are the same names to Python
            content += unicodedata.normalize("NFKC", source.text).encode()
        try:
            return bool(self._rules.match(data=content, timeout=self._seconds))
        except yara.Error as error:
            raise ScannerError(f"YARA failed on {path}: {error}") from error


def _is_glue(path: str, content: bytes, running: RunningFiles) -> bool:
    """Whether this is a short file that brings modules together as soon as it is imported."""
    return (
        len(content) <= _MAX_GLUE
        and _CALLS_AT_ONCE.search(content) is not None
        and running.when(path) is Runs.AT_ONCE
    )
