"""Files that are no Python and yet run: pickles that call programs, and a wheel's shell scripts.

Nothing is loaded: a pickle is told by the names that it asks for, whatever its file is called; so
is YAML that makes PyYAML call something. Bytecode, the other thing that Python runs besides source
code, the scanner `archive` refuses.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from package_gate.core.finding import fingerprint_of
from package_gate.core.pickles import CALLS_WHEN_LOADED
from package_gate.core.text import one_line
from package_gate.inventory.declared_entry_points import declared_entry_points
from package_gate.inventory.trees import regular_files
from package_gate.sandbox.progress import note_file
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.fingerprints import of_whole_file
from package_gate.scanners.behaviour.pages import WORDS, harm_of_page, reaches_for_wallets
from package_gate.scanners.behaviour.requirements import of_metadata
from package_gate.scanners.behaviour.rules import Behaviour

_WINDOW = 8 * 1024 * 1024
_OVERLAP = 4096
"""More than any match of the patterns for data has."""
_LIBRARY = b"\x7fELF"
"""How a library begins, whatever it is called."""
_NOT_DATA = (".py", ".pyi", ".txt", ".md", ".rst", ".json", ".html", ".js", ".css", ".so", ".dll",
             ".dylib", ".h", ".hpp", ".c", ".cpp", ".csv", ".map", ".svg", ".pyc",
             ".cu", ".cuh", ".a", ".lib", ".pxd", ".pyx", ".f90", ".ts", ".hsaco")  # fmt: skip
_YAML = re.compile(rb"(?:!!|tag:yaml\.org,2002:)python/object/(?:apply|new):([\w.]+)")
_TEMPLATE_SUFFIXES = (".html", ".htm", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".xml")
_TEMPLATE = re.compile(
    rb"\{[{%][^{}]{0,300}?\.\s*(__globals__|__subclasses__|__builtins__|__import__|__mro__)\b"
)
"""Where a template of Jinja leaves what it is given."""
_PAGES = (".js", ".mjs", ".cjs", ".html", ".htm", ".ts", ".tsx", ".jsx", ".vue", ".ipynb")
_YAML_SUFFIXES = (".yaml", ".yml", ".cfg", ".conf", ".ini", ".dat", "")
_SCRIPT = re.compile(r"[^/]+\.data/(?:scripts|data/s?bin)/")
_READ_BY_TOOLS = re.compile(
    r"(?:.*/)?(?:completions(?:\.d)?|bash_completion\.d|(?:site|vendor)-(?:functions|completions))/[^/]+"
    r"|.*\.cmake"
)
"""Files that a shell, or CMake, runs as soon as it looks for them."""
_MAX_SCRIPT = 1024 * 1024
_HARM = {"runs-downloaded-code", "opens-a-reverse-shell", "runs-a-hidden-command", "mines",
         "destroys-files", "sends-secrets"}  # fmt: skip


def of_data_files(tree: Path) -> Iterator[tuple[str, Behaviour]]:
    """Look at the files of a tree that are no source code.

    Args:
        tree: an unpacked artifact.

    Raises:
        OSError: a file can't be read.
    """
    yield from _of_entry_points(tree)
    for name, line, requirement in of_metadata(tree):
        rule = "installs-another-package"
        identity = fingerprint_of([rule, requirement])
        yield name, Behaviour(rule, line, one_line(requirement, 100), identity)
    for path in regular_files(tree):
        relative = path.relative_to(tree).as_posix()
        if path.suffix.lower() in _PAGES:
            yield from ((relative, each) for each in _of_page(path))
        is_read = _READ_BY_TOOLS.fullmatch(relative) is not None
        if is_read or _SCRIPT.match(relative):
            yield from ((relative, each) for each in _of_script(path, started=not is_read))
        if path.suffix.lower() in _TEMPLATE_SUFFIXES:
            note_file(relative)
            (left,) = _first_of(path, (_TEMPLATE,))
            if left:
                yield relative, _when_loaded(path, left[1].decode())
        if path.suffix.lower() not in _NOT_DATA:
            note_file(relative)
            yaml, pickled = _first_of(path, (_YAML, CALLS_WHEN_LOADED))
            if yaml and path.suffix.lower() in _YAML_SUFFIXES:
                yield relative, _when_loaded(path, yaml[1].decode("utf-8", "replace"))
            if pickled:
                yield relative, _when_loaded(path, _names(pickled[0]))


def _of_page(path: Path) -> Iterator[Behaviour]:
    """Look for what reaches for wallets, tokens or the kernel in a script or a page."""
    rule = "reaches-for-wallets"
    with path.open("rb") as file:
        content = file.read(_WINDOW)
    for worse, found in harm_of_page(content):
        note_file(path.name)
        identity = of_whole_file(worse, content, ["page"])
        yield Behaviour(worse, 1, one_line(found, 100), identity, waits=True)
    if any(word in content for word in WORDS):
        note_file(path.name)
        if found := reaches_for_wallets(content.decode("utf-8", "replace")):
            identity = of_whole_file(rule, content, ["page"])
            yield Behaviour(rule, 1, one_line(found, 100), identity, waits=True)


def _first_of(path: Path, patterns: tuple[re.Pattern[bytes], ...]) -> list[re.Match[bytes] | None]:
    """Give the first match of each pattern in a file, however large it is; none in a library."""
    found: list[re.Match[bytes] | None] = [None] * len(patterns)
    with path.open("rb") as file:
        window = file.read(_WINDOW)
        if window.startswith(_LIBRARY):
            return found
        while window:
            found = [
                match or pattern.search(window)
                for match, pattern in zip(found, patterns, strict=True)
            ]
            following = file.read(_WINDOW)
            window = window[-_OVERLAP:] + following if following else b""
    return found


def _of_entry_points(tree: Path) -> Iterator[tuple[str, Behaviour]]:
    """Look for functions that run what they are given, which no package has to offer as its own."""
    rule = "hides-what-it-calls"
    for file, entry in declared_entry_points(tree):
        called = (
            entry.value.partition("[")[0]
            .replace(":", ".")
            .replace(" ", "")
            .removeprefix("builtins.")
        )
        if {tables.STARTS, tables.RUNS} & tables.with_name(called):
            shown = f"{entry.name} = {entry.value}"
            identity = of_whole_file(rule, shown.encode(), ["host"])
            yield file.relative_to(tree).as_posix(), Behaviour(rule, 1, shown, identity)


def _when_loaded(path: Path, code: str) -> Behaviour:
    rule = "runs-when-unpickled"
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Behaviour(rule, 1, code, fingerprint_of([rule, "data", sha256]), waits=True)


def _of_script(path: Path, *, started: bool) -> Iterator[Behaviour]:
    """Look for commands in a script but for Python; one that is `started` begins with `#!`."""
    with path.open("rb") as file:
        content = file.read(_MAX_SCRIPT)
    if started and (not content.startswith(b"#!") or b"python" in content.partition(b"\n")[0]):
        return
    text = content.decode("utf-8", "replace")
    for rule, pattern in tables.COMMANDS:
        if rule in _HARM and (found := pattern.search(text)):
            line = text.count("\n", 0, found.start()) + 1
            identity = of_whole_file(rule, content, ["script"])
            yield Behaviour(rule, line, one_line(found[0], 100), identity, waits=True)


def _names(found: bytes) -> str:
    return ".".join(re.findall(r"[A-Za-z_]\w+", found.decode("latin-1"))[-2:])
