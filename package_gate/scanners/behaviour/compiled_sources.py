"""What sources of compiled code take into a library, and what commands and secrets stand in them.

A build runs on somebody's machine. What an assembler or a compiler reads there (`.incbin`,
`#embed`, `include_bytes!`) is a part of the library that comes of it. The sources themselves are
read as texts: a command that fetches and runs code, or secrets beside the network.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from package_gate.core.text import one_line
from package_gate.inventory.trees import regular_files
from package_gate.sandbox.progress import note_file
from package_gate.scanners.behaviour import tables
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
_WORKS_FOR_ITSELF = re.compile(
    rb"\b(?:std\s*::\s*)?(?:system|popen|_popen|exec[lv]\w*|posix_spawn\w*|WinExec|ShellExecute\w*)\s*\("
    rb"|\bCommand\s*::\s*new\b|\bPyRun_\w+\s*\(|\bpy(?:bind11)?\s*::\s*(?:exec|eval)\b|\bexec\.Command\b"
)
"""What starts a program or runs Python in sources of C, C++, Rust and Go."""
_TEXT = re.compile(rb"\"((?:[^\"\\\n]|\\.){9,4000})\"")
_LONGEST = 1000
"""Characters behind the name of a function in which its command stands."""
_HARM = frozenset(
    {
        *("runs-downloaded-code", "opens-a-reverse-shell", "runs-a-hidden-command", "mines"),
        *("starts-again-by-itself", "destroys-files", "sends-secrets"),
    }
)
_IN_PYTHON = frozenset({".pyx", ".pxi", ".in"})
"""Sources in a language like Python; a build makes modules of templates."""
_SECRETS = re.compile(
    r"\b(?:dict|repr|str)\s*\(\s*(?:\w+\s*\(\s*)?os\.environ\b|\bos\.environ\b(?!\s*(?:\.|\[))"
    r"|(?:environ|getenv)[^\n]{0,60}(?:TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY)"
)
_SENDS = re.compile(
    r"\burlopen\b|\bhttp\.client\b|\bimport\s+(?:requests|httpx|socket|smtplib|urllib\.request)\b"
    r"|\bfrom\s+(?:requests|httpx|socket|smtplib|urllib\.request)\s+import\b"
)


def of_compiled_sources(tree: Path) -> Iterator[tuple[str, Behaviour]]:
    """Yield the lines that take such a file into what is compiled, with the paths of their files.

    Args:
        tree: an unpacked source archive.

    Raises:
        OSError: a file can't be read.
    """
    for path in regular_files(tree):
        if path.suffix.lower() not in _SUFFIXES | _IN_PYTHON or path.stat().st_size > _MOST_BYTES:
            continue
        relative = path.relative_to(tree).as_posix()
        note_file(relative)
        content = path.read_bytes()
        yield from ((relative, each) for each in _done_by(content, path.suffix.lower()))
        for found in _TAKES_A_FILE.finditer(content):
            line = found[0].decode("utf-8", "replace")
            if tables.CREDENTIAL_FILES.search(line) or _OF_SOMEBODY.search(line):
                number = content.count(b"\n", 0, found.start()) + 1
                identity = of_whole_file(_RULE, found[0], ["compiled"])
                yield relative, Behaviour(_RULE, number, one_line(line.strip(), 100), identity)


def _done_by(content: bytes, suffix: str) -> Iterator[Behaviour]:
    """Yield the commands that a source starts, and what it sends of somebody's secrets."""
    for start in _WORKS_FOR_ITSELF.finditer(content):
        given = b" ".join(_TEXT.findall(content, start.end(), start.end() + _LONGEST))
        text = given.decode("utf-8", "replace")
        rules = [
            rule for rule, pattern in tables.COMMANDS if rule in _HARM and pattern.search(text)
        ]
        if _SECRETS.search(text) and _SENDS.search(text):
            rules.append("sends-secrets")
        number = content.count(b"\n", 0, start.start()) + 1
        for rule in rules:
            identity = of_whole_file(rule, given, ["compiled"])
            yield Behaviour(rule, number, one_line(text.strip(), 100), identity)
    text = content.decode("utf-8", "replace") if suffix in _IN_PYTHON else ""
    if (found := _SECRETS.search(text)) and "import" in text and _SENDS.search(text):
        number = text.count("\n", 0, found.start()) + 1
        identity = of_whole_file("sends-secrets", content, ["compiled"])
        yield Behaviour("sends-secrets", number, one_line(found[0].strip(), 100), identity)
