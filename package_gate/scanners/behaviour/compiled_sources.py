"""What sources of compiled code take into a library: files of credentials, or of the machine.

A build runs on somebody's machine. What an assembler or a compiler reads there (`.incbin`,
`#embed`, `include_bytes!`) is a part of the library that comes of it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from package_gate.core.text import one_line
from package_gate.inventory.trees import regular_files
from package_gate.sandbox.progress import note_file
from package_gate.scanners.behaviour import tables as tables
from package_gate.scanners.behaviour.fingerprints import of_whole_file
from package_gate.scanners.behaviour.rules import Behaviour

_SUFFIXES = frozenset(
    {
        *(".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".m", ".mm"),
        *(".s", ".asm", ".rs", ".pyx", ".pxi", ".pxd", ".f", ".f90", ".cu", ".cuh", ".zig", ".go"),
    }
)
_MOST_BYTES = 8 * 1024 * 1024
_TAKES_A_FILE = re.compile(
    rb"(?:\bincbin\b|#[ \t]*(?:include|embed|import)\b|\binclude_(?:bytes|str)!|@embedFile\b"
    rb"|//go:embed\b)[^\n]{0,300}"
)
_OF_SOMEBODY = re.compile(r"[\"'<\s](?:~|/(?:home|root|Users|etc|proc|run)(?=/))[^\s\"'<>]*")
"""Paths of a machine that no build has in its tree."""
_RULE = "reads-credentials"


def of_compiled_sources(tree: Path) -> Iterator[tuple[str, Behaviour]]:
    """Yield the lines that take such a file into what is compiled, with the paths of their files.

    Args:
        tree: an unpacked source archive.

    Raises:
        OSError: a file can't be read.
    """
    for path in regular_files(tree):
        if path.suffix.lower() not in _SUFFIXES or path.stat().st_size > _MOST_BYTES:
            continue
        relative = path.relative_to(tree).as_posix()
        note_file(relative)
        content = path.read_bytes()
        for found in _TAKES_A_FILE.finditer(content):
            line = found[0].decode("utf-8", "replace")
            if tables.CREDENTIAL_FILES.search(line) or _OF_SOMEBODY.search(line):
                number = content.count(b"\n", 0, found.start()) + 1
                identity = of_whole_file(_RULE, found[0], ["compiled"])
                yield relative, Behaviour(_RULE, number, one_line(line.strip(), 100), identity)
