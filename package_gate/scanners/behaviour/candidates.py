"""Which files of a tree are worth a closer look, by YARA rules that look for words.

Reading a file's syntax takes a hundred times as long.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yara  # type: ignore[import-not-found]  # it has no types

from package_gate.core.errors import ScannerError
from package_gate.core.module_graph import ModuleGraph, imported_names
from package_gate.core.source import Fault, Source, read_source
from package_gate.inventory.once import Once
from package_gate.inventory.running.files import RunningFiles, Runs
from package_gate.inventory.trees import regular_files
from package_gate.sandbox.progress import note_file

MAX_FILE_BYTES = 64 * 1024 * 1024
"""The largest source file that is looked at."""

_MAX_DATA = 4 * 1024 * 1024
"""The largest file that may be Python although its name says otherwise."""
_START = 4096
_ASKED = b"get_requires_for_build_"
"""In a build backend: what tells an installer what else the build needs."""
_IMPORTS = re.compile(rb"\b(?:import|__import__|exec|eval)\b")
_SECRETS = re.compile(
    rb"(?<!\bin )\bos\s*\.\s*environb?\b(?!\s*(?:\.(?:get|pop|setdefault|update)\b|\[))"
    rb"|(?m:^)(?>[^\n]*?\bimport\b)[^\n]*\benviron|\bimport\s+os\s+as\b|[\"']environ"
    rb"|(?:environ|getenv)[^\n]{0,60}(?:TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY)"
    rb"|[/~\"']\.(?:ssh|aws|netrc|pypirc|kube|azure|gnupg|mozilla)\b|/proc/|/run/secrets"
    rb"|\bget_(?:password|(?:frozen_)?credentials|secret\w*)\b|\blist_secret|\bgetpass\b|dotenv_values"
    rb"|airflow\.(?:models|hooks)|\bdbutils\b|secretmanager|keyvault|\bhvac\b|browser_cookie3|rookiepy"
    rb"|secretstorage|(?:sh|python|sql|psql|sqlite|repl|cli|irb|[\"'}*.%])_history\b"
    rb"|\.git-credentials|\.npmrc|\.docker\b|Login Data|\buser_ns\b|\bget_objects\b|history\.sqlite"
    rb"|(?<!== )(?<!==)[\"']__main__[\"']|\b__main__\.|\bimport[ \t]+__main__\b"
    rb"|\*\.(?:ipynb|csv|parquet|xlsx?|pem|key|kdbx|env)\b"
    rb"|[\"'/]\.env[\"'.*]|(?:secret|credential)\w*\*"
)
"""What a module reads that another one may send."""
_LONG = 1000
_LONG_COMMENT = re.compile(rb"#[^\n]{%d}" % _LONG)
_WRITTEN = re.compile(
    rb"\\(?:(?:x|u00|U000000)([2-7][0-9a-fA-F])|([01]?[0-7]{2})|N\{([^}]{1,80})\})"
)
"""A letter of a text that is written as a number, or by its name."""
_BETWEEN = re.compile(
    rb"[\"'](?:[ \t\n+()]|#[^\n]{0,%d}\n)+[rRbBuUfF]{0,2}[\"']"
    rb"|(?<=\w)[\"'][rRbBuUfF]{0,2}[\"'](?=\w)" % _LONG
)
"""What is between two texts that make one."""
_AROUND = 80
_CANDIDATE, _SENDS, _READS = "candidate", "net", "secrets"
_MAY_READ = "words_of_secrets"
"""The rules, and what is told of a module besides."""
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

    def scan(self, tree: Path, running: RunningFiles, once: Once[frozenset[str]]) -> Candidates:
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
        modules = _Modules()
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
            found = once(relative, content, matches)
            asked = _ASKED in content and running.is_of_a_backend(relative)
            at_once = running.when(relative) is Runs.AT_ONCE
            if _CANDIDATE in found or (content and (asked or at_once)):
                paths.append(relative)
            modules.note(relative, read_source(content).code, found)
        together = modules.that_bring_together(frozenset(paths), running.is_of_a_build)
        return Candidates((*paths, *together), tuple(data), tuple(too_large))

    def _may_be_python(self, path: Path, once: Once[frozenset[str]]) -> bool:
        """Whether a file that is named like data is a text with words that the rules look for."""
        if path.stat().st_size > _MAX_DATA:
            return False
        with path.open("rb") as file:
            content = file.read(_START)
            if b"\0" in content:
                return False
            content += file.read()
        if not _IMPORTS.search(content) and not _is_hidden(read_source(content)):
            return False
        note_file(str(path))
        found = once(str(path.suffix), content, partial(self._matches, path.name, content))
        return _CANDIDATE in found

    def _matches(self, path: str, content: bytes) -> frozenset[str]:
        """Name the rules that a file meets, and whether it reads secrets."""
        source = read_source(content)
        if path.endswith(".pth") or _is_hidden(source) or _LONG_COMMENT.search(source.code):
            return frozenset({_CANDIDATE})
        content = source.code + _said_otherwise(source)
        try:
            found = {each.rule for each in self._rules.match(data=content, timeout=self._seconds)}
        except yara.Error as error:
            raise ScannerError(f"YARA failed on {path}: {error}") from error
        if _MAY_READ in found and _SECRETS.search(content):  # YARA is faster, but can't look behind
            found.add(_READS)
        return frozenset(found - {_MAY_READ})


class _Modules:
    """The modules of a tree that read secrets or use the network, and who imports them."""

    def __init__(self) -> None:
        self._kinds: dict[str, frozenset[str]] = {}
        self._imports: dict[str, list[str]] = {}

    def note(self, path: str, code: bytes, found: frozenset[str]) -> None:
        """Note a module."""
        kinds = found & {_SENDS, _READS}
        self._kinds[path] = kinds
        if len(kinds) < 2:
            self._imports[path] = list(dict.fromkeys(imported_names(code)))

    def that_bring_together(
        self, known: frozenset[str], is_of_a_build: Callable[[str], bool]
    ) -> list[str]:
        """Give the modules that have, with what they import, both; but for those `known`."""
        if not {_SENDS, _READS} <= frozenset().union(*self._kinds.values()):
            return []
        graph = ModuleGraph(dict.fromkeys(self._kinds, b""), is_of_a_build)
        found = []
        for path in self._imports.keys() - known:
            imported = (graph.resolve(path, name)[0] for name in self._imports[path])
            kinds = self._kinds[path].union(*(self._kinds.get(each, ()) for each in imported))
            if {_SENDS, _READS} <= kinds:
                found.append(path)
        return sorted(found)


def _is_hidden(source: Source) -> bool:
    """Whether a file is in an encoding that only its reader can make sense of."""
    return source.fault in (Fault.CODEC, Fault.UNKNOWN_CODEC)


def _said_otherwise(source: Source) -> bytes:
    """Give the words of a file that Python reads and that are not written there as such.

    Letters of other kinds are the same names to it. It goes on behind the end of a line, takes a
    form feed for a space, reads what stands behind the comma of an import, letters that are written
    as numbers, and texts that stand next to each other as one.
    """
    code = source.code
    said: list[bytes] = []
    if not code.isascii():
        said.append(unicodedata.normalize("NFKC", source.text).encode())
    if b"\\\n" in code or b"\f" in code:
        code = code.replace(b"\\\n", b"").replace(b"\f", b" ")
        said.append(code)
    for line in code.split(b"\n") if b"import" in code else ():
        if b"," in line and b"import" in line:
            for statement in line.split(b";"):
                _, _, names = statement.partition(b"import")
                said += (b"import " + name.strip() for name in names.split(b","))
    if _WRITTEN.search(code):
        code = _WRITTEN.sub(_letter, code)
        said.append(code)
    said.append(_joined(code))
    return b"\n".join((b"", *said)) if any(said) else b""


def _joined(code: bytes) -> bytes:
    """Give what is around the places where two texts make one, without what is between them."""
    parts: list[bytes] = []
    end = 0
    for found in _BETWEEN.finditer(code):
        part = code[end : found.start()]
        short = len(part) <= 2 * _AROUND
        parts.append(part if short else part[:_AROUND] + b"\n" + part[-_AROUND:])
        end = found.end()
    return b"".join((*parts, code[end : end + _AROUND])) if parts else b""


def _letter(written: re.Match[bytes]) -> bytes:
    """Give the letter that an escape of a string stands for, if it is one of ASCII."""
    number, octal, name = written.groups()
    if name:
        try:
            letter = unicodedata.lookup(name.decode())
        except KeyError:
            return written[0]
    else:
        letter = chr(int(number, 16) if number else int(octal, 8))
    return letter.encode() if letter.isascii() else written[0]
