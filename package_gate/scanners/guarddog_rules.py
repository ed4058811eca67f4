"""GuardDog's YARA rules over a tree of files, each file read once.

GuardDog's own `Analyzer.analyze_sourcecode` compiles and runs its rules one after another and
opens each file for each of them, and again for each match. This gives the same matches in the same
order, and unlike it lets no rule fail silently.
"""

import bisect
import fnmatch
import functools
import hashlib
import importlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from package_gate.core.errors import ScannerError
from package_gate.core.source import read_source
from package_gate.inventory.once import Once
from package_gate.inventory.trees import regular_files
from package_gate.sandbox.imports import skip_package_init
from package_gate.sandbox.progress import note_file

MAX_FILE_BYTES = 64 * 1024 * 1024
"""The largest source file that is scanned; GuardDog's rules look at source files only."""

COMMENT_WINDOW = 4096
SNIPPET_CHARACTERS = 250

_SLASH_COMMENTS = {".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".go", ".rs"}
PYTHON = (".py", ".pyi", ".pyx")
_RUBY = {".rb"}


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a rule matched."""

    path: str
    """Relative to the tree."""
    line: int
    """From 1."""
    matched: str
    """The text that matched."""
    code: str = ""
    """The lines around it, shortened as GuardDog does; only of hits that GuardDog counts."""


@dataclass(frozen=True, slots=True)
class TreeScan:
    """What the rules found in a tree."""

    hits: dict[str, list[Hit]]
    """What GuardDog counts, by the rule's id in the order of the ids. It stops at the rule's
    `max_hits` and leaves out what it takes for comments."""
    matched: dict[str, set[str]]
    """By path, every rule that matched there. A package can make GuardDog stop early with decoys,
    and hide from it behind a stray triple quote, so what decides must not rest on `hits`."""
    too_large: tuple[str, ...]
    """Files that the rules would have looked at, but that are larger than `MAX_FILE_BYTES`."""


Matches = tuple[tuple[str, int, bytes], ...]
"""What YARA found in a file: rule id, offset and matched bytes, a rule's in YARA's own order."""


@dataclass(frozen=True, slots=True)
class _Shortcut:
    """A cheap test that spares a file a rule whose expressions are slow."""

    sha256: str
    """Of the rule file that the test was derived from; a rule with any other text just runs."""
    can_match: Callable[[bytes], bool]
    """False only for content that the rule can't match."""


_OTHER_SCRIPTS = (b"\xce", b"\xcf", b"\xd0", b"\xd1", b"\xf0\x9d", b"\xe2\x80")
# Cyrillic, Greek and mathematical letters beside an ASCII one, zero-width characters between two.
_MIXED_SCRIPTS = re.compile(
    rb"(?:[\xce\xcf\xd0\xd1]|\xf0\x9d[\x80-\xbf])[\x80-\xbf][a-zA-Z]"
    rb"|(?<=[a-zA-Z])(?:[\xce\xcf\xd0\xd1]|\xf0\x9d[\x80-\xbf])[\x80-\xbf]"
    rb"|\xe2\x80[\x8b-\x8d][a-zA-Z]"
)
_GLOBAL_ITEM = re.compile(rb"global\s*\[", re.IGNORECASE)
_ENCODED_RUNS = (
    re.compile(rb"\\x[0-9a-fA-F]{2}(?:[\\x][0-9a-fA-F]{2}){20}"),
    re.compile(rb"\\u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4}){10}"),
    re.compile(rb"""['"][A-Za-z0-9+/]{150}"""),
)


def _has_mixed_scripts(content: bytes) -> bool:
    return (
        not content.isascii()
        and any(start in content for start in _OTHER_SCRIPTS)
        and _MIXED_SCRIPTS.search(content) is not None
    )


def _has_a_gap_or_global(content: bytes) -> bool:
    return b" " * 400 in content or _GLOBAL_ITEM.search(content) is not None


def _has_encoded_runs(content: bytes) -> bool:
    return b"_0x" in content or any(run.search(content) for run in _ENCODED_RUNS)


# Three of the 54 rules take nine tenths of the time: their expressions begin with something that
# is everywhere, so that YARA tries them at almost every byte.
_SHORTCUTS = {
    "threat-runtime-obfuscation-unicode": _Shortcut(
        "47f6c719605f60f780c1861c14aaf5369396bc22059200c9f29b2b636c1341e1", _has_mixed_scripts
    ),
    "threat-runtime-obfuscation-hidden-code": _Shortcut(
        "119b81dbde15f8718355fa43da85149a07202116decfb84597b327a4433a4bff", _has_a_gap_or_global
    ),
    "threat-runtime-obfuscation": _Shortcut(
        "53148e529c8621c16453c4f1d916e0c2c65b537e8d8d3025d2350f3a1ac8c037", _has_encoded_runs
    ),
}


class RuleSet:
    """GuardDog's rules for PyPI packages, compiled once."""

    def __init__(self) -> None:
        # GuardDog's own __init__ imports its download and metadata code, which reaches for lists
        # of popular packages on the network and takes half a second.
        skip_package_init("guarddog")
        config = importlib.import_module("guarddog.utils.config")
        ecosystems = importlib.import_module("guarddog.ecosystems")
        sourcecode = importlib.import_module("guarddog.analyzer.sourcecode")
        self._yara = importlib.import_module("yara")
        self._excluded_endings = tuple(config.YARA_EXT_EXCLUDE)
        self._folder = Path(str(sourcecode.__file__)).parent
        rules = sourcecode.get_sourcecode_rules(ecosystems.ECOSYSTEM.PYPI, sourcecode.YaraRule)
        self.rules: dict[str, Any] = {rule.id: rule for rule in sorted(rules, key=lambda r: r.id)}
        """GuardDog's description of each rule, by id."""
        self._selectors = {
            (rule.path_include, rule.path_exclude): (
                _globs(rule.path_include),
                _globs(rule.path_exclude),
            )
            for rule in self.rules.values()
        }
        self._slow = {
            rule_id: (shortcut.can_match, self._compile(rule_id))
            for rule_id, shortcut in _SHORTCUTS.items()
            if rule_id in self.rules and self._digest(rule_id) == shortcut.sha256
        }
        self._others = self._compile(*(self.rules.keys() - self._slow.keys()))

    def _compile(self, *rule_ids: str) -> Any:
        """Compile rule files into one set, each in a namespace named after it."""
        return self._yara.compile(
            filepaths={rule_id: str(self._file(rule_id)) for rule_id in sorted(rule_ids)}
        )

    def _digest(self, rule_id: str) -> str:
        return hashlib.sha256(self._file(rule_id).read_bytes()).hexdigest()

    def _file(self, rule_id: str) -> Path:
        return self._folder / str(self.rules[rule_id].file)

    def scan(
        self, tree: Path, seconds: int, once: Once[Matches], scripts: Collection[str] = ()
    ) -> TreeScan:
        """Run the rules over every file of a tree that they are made for.

        Args:
            tree: a folder.
            seconds: the longest that one file may take.
            once: knows what was found in files of the package's other trees.
            scripts: the Python files that are not named so.

        Raises:
            ScannerError: a rule failed or took too long; GuardDog itself passes over both.
            OSError: a file can't be read.
        """
        hits: dict[str, list[Hit]] = {rule_id: [] for rule_id in self.rules}
        rules_matched: dict[str, set[str]] = {}
        too_large: list[str] = []
        for path in regular_files(tree):
            relative = path.relative_to(tree).as_posix()
            is_python = relative.endswith(PYTHON) or relative in scripts
            wanted = self._rules_for(f"{relative}.py" if relative in scripts else relative)
            if not wanted:
                continue
            note_file(relative)
            if path.stat().st_size > MAX_FILE_BYTES:
                too_large.append(relative)
                continue
            content = path.read_bytes()
            if is_python:
                content = read_source(content).code
            source = _SourceFile(relative, content)
            found = once(
                relative,
                source.content,
                functools.partial(self._scan_file, source, wanted, seconds),
            )
            for rule_id, offset, matched in found:
                rules_matched.setdefault(relative, set()).add(rule_id)
                if self._counts_more(rule_id, hits) and not source.is_comment(offset):
                    hit = source.with_code(source.hit(offset, matched), offset)
                    if all(hit.code != other.code for other in hits[rule_id]):
                        hits[rule_id].append(hit)
        return TreeScan(hits, rules_matched, tuple(too_large))

    def scan_code(self, path: str, code: bytes, seconds: int) -> dict[str, list[Hit]]:
        """Run the rules over some Python code as if it were in the file of this path.

        Gives every match.

        Raises:
            ScannerError: a rule failed or took too long.
        """
        source = _SourceFile(path, code)
        hits: dict[str, list[Hit]] = {}
        wanted = self._rules_for(path if path.endswith((*PYTHON, ".pth")) else f"{path}.py")
        for rule_id, offset, matched in self._matches(source, wanted, seconds):
            hits.setdefault(rule_id, []).append(source.hit(offset, matched))
        return hits

    def _scan_file(self, source: "_SourceFile", wanted: frozenset[str], seconds: int) -> Matches:
        return tuple(self._matches(source, wanted, seconds))

    def _counts_more(self, rule_id: str, hits: dict[str, list[Hit]]) -> bool:
        """Whether GuardDog would still look for this rule."""
        limit = self.rules[rule_id].max_hits
        return limit is None or len(hits[rule_id]) < limit

    def _rules_for(self, relative: str) -> frozenset[str]:
        """Name the rules that look at a file, as GuardDog's walk decides it."""
        name = relative.rpartition("/")[2]
        looks = {
            key: (
                include.match(relative) is not None
                if include
                else not name.lower().endswith(self._excluded_endings)
            )
            and not (exclude and (exclude.match(relative) or exclude.match(name)))
            for key, (include, exclude) in self._selectors.items()
        }
        return frozenset(
            rule_id
            for rule_id, rule in self.rules.items()
            if looks[rule.path_include, rule.path_exclude]
        )

    def _matches(
        self, source: "_SourceFile", wanted: frozenset[str], seconds: int
    ) -> Iterator[tuple[str, int, bytes]]:
        """Yield rule id, offset and matched bytes, a rule's in YARA's own order."""
        sets = [self._others] + [
            compiled
            for rule_id, (can_match, compiled) in self._slow.items()
            if rule_id in wanted and can_match(source.content)
        ]
        for compiled in sets:
            overflows: list[object] = []
            try:
                matches = compiled.match(
                    data=source.content,
                    timeout=seconds,
                    warnings_callback=lambda *warning, found=overflows: found.append(warning),
                )
            except self._yara.Error as error:
                raise ScannerError(f"YARA failed on {source.path}: {error}") from error
            if overflows:
                # It has stopped looking for a string that is there a million times.
                raise ScannerError(f"YARA gave up on {source.path}: too many matches")
            for match in matches:
                if match.namespace not in wanted:
                    continue
                for string in match.strings:
                    for instance in string.instances:
                        yield match.namespace, instance.offset, instance.matched_data


def _globs(patterns: str | None) -> re.Pattern[str] | None:
    """Make one expression of comma-separated globs, whose `*` takes a `/` as well."""
    if not patterns:
        return None
    return re.compile("|".join(fnmatch.translate(glob.strip()) for glob in patterns.split(",")))


class _SourceFile:
    """A file's content and where its lines are, for what GuardDog does with a match."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content
        ending = Path(path).suffix.lower()
        self._hash_comments = ending in {*PYTHON, *_RUBY}
        self._slash_comments = ending in _SLASH_COMMENTS
        self._docstrings = ending in PYTHON
        self._window = (-1, -1)
        self._window_text = ""

    @functools.cached_property
    def _newlines(self) -> list[int]:
        return [match.start() for match in re.finditer(b"\n", self.content)]

    def hit(self, offset: int, matched: bytes) -> Hit:
        """Describe the match at this offset."""
        line = bisect.bisect_left(self._newlines, offset) + 1
        return Hit(self.path, line, matched.decode("utf-8", "replace"))

    def with_code(self, hit: Hit, offset: int) -> Hit:
        """Add the code: the line of the match, one line before and two after."""
        newlines, end = self._newlines, len(self.content)
        before = bisect.bisect_left(newlines, offset)
        window = (
            newlines[before - 2] + 1 if before >= 2 else 0,
            newlines[before + 2] if before + 2 < len(newlines) else end,
        )
        if window != self._window:
            # A minified file is one line of megabytes with thousands of matches: decode it once.
            text = self.content[slice(*window)].decode("utf-8", "replace").strip("\n")
            self._window, self._window_text = window, text
        return replace(hit, code=_shortened(self._window_text, hit.matched))

    def is_comment(self, offset: int) -> bool:
        """Guess as GuardDog does whether this place is in a comment or a docstring.

        Unlike GuardDog's, a carriage return by itself ends a line, as it does for Python: a file
        that begins with `#` and has no other line ends is not one long comment.
        """
        if not (self._hash_comments or self._slash_comments):
            return False
        start = max(self.content.rfind(end, 0, offset) for end in (b"\n", b"\r")) + 1
        # 4 KiB of indentation hide no comment sign worth the search.
        line = self.content[start : start + COMMENT_WINDOW].decode("utf-8", "ignore").lstrip()
        if line.startswith("#" if self._hash_comments else "//"):
            return True
        window = self.content[max(0, offset - COMMENT_WINDOW) : offset].decode("utf-8", "ignore")
        if self._slash_comments:
            return window.rfind("/*") > window.rfind("*/")
        return self._docstrings and any(window.count(quotes) % 2 == 1 for quotes in ('"""', "'''"))


def _shortened(code: str, matched: str) -> str:
    """Cut as `Analyzer.trim_code_snippet` does: hits that look the same afterwards are one."""
    if len(code) <= SNIPPET_CHARACTERS:
        return code
    start = code.find(matched) if matched else -1
    if start == -1:
        return f"{code[: SNIPPET_CHARACTERS - 13]}...{code[-10:]}"
    padding = max(SNIPPET_CHARACTERS - len(matched), 0) // 2
    first, last = max(start - padding, 0), min(start + len(matched) + padding, len(code))
    return f"{'...' if first else ''}{code[first:last]}{'...' if last < len(code) else ''}"
