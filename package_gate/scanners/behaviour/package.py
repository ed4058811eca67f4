"""What the modules of a package do by themselves, with what they call in each other.

A module that does harm in a function waits to be called. Often `__init__.py` or `setup.py` calls
it: a few lines that look like nothing. So for a module whose functions would do something if all of
them ran, the modules that import it are looked at.
"""

import ast
import io
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from package_gate.core.calls_by_text import attribute_of_any_module, called_by_text, members_of
from package_gate.core.finding import fingerprint_of
from package_gate.core.implicit_calls import given_by, methods_called_by
from package_gate.core.import_time import (
    GIVEN,
    OF_A_MODULE,
    STARTED,
    calls_later,
    reach_of,
    running_nodes,
)
from package_gate.core.inheritance import Heir, heirs_in, inherited_uses
from package_gate.core.module_graph import ModuleGraph, imported_names, installed
from package_gate.core.nodes import Function, children
from package_gate.core.source import EAST_ASIAN, Fault, read_source, readings
from package_gate.core.syntax import (
    NotPythonError,
    TooHardError,
    parse,
)
from package_gate.inventory.declared_entry_points import declared_entry_points
from package_gate.inventory.once import Once
from package_gate.inventory.running.build_reach import waits
from package_gate.inventory.running.files import RunningFiles, Runs, runs_at_start
from package_gate.inventory.trees import regular_files
from package_gate.scanners.behaviour.dataflow import Flow
from package_gate.scanners.behaviour.expressions import HIDDEN, Expressions
from package_gate.scanners.behaviour.fetched import FETCHES
from package_gate.scanners.behaviour.fingerprints import (
    ALONE,
    Fingerprints,
    graph_of,
    occasion,
    of_statement,
    of_whole_file,
)
from package_gate.scanners.behaviour.other_modules import OtherModules
from package_gate.scanners.behaviour.own_files import OwnFiles
from package_gate.scanners.behaviour.rules import (
    ASIDE,
    ONCE,
    TO_SOMEBODY,
    Behaviour,
    Sink,
    behaviours,
    counts_where_new,
    hidden_code,
    running_data,
    sinks,
    waiting,
)
from package_gate.scanners.behaviour.tables import STARTS

BUILD_HOOKS = frozenset(
    {
        *("build_wheel", "build_sdist", "build_editable"),
        *("get_requires_for_build_wheel", "get_requires_for_build_sdist"),
        *("get_requires_for_build_editable", "prepare_metadata_for_build_wheel"),
        "prepare_metadata_for_build_editable",
    }
)
"""What an installer calls in a build backend (PEP 517, PEP 660)."""
_NAMES_A_HOOK = re.compile(
    rb"\b(?:build_(?:wheel|sdist|editable)|(?:get_requires_for_build|prepare_metadata_for_build)_\w+)\b"
)
_HOOKS = re.compile(
    r"^(?:async )?def (pytest_\w+|_?load_jupyter_server_extension|_?load_ipython_extension"
    r"|_jupyter_server_extension_points|_jupyter_server_extension_paths|setup_handlers"
    r"|sphinx_setup|mkdocs_\w+)\(",
    re.MULTILINE,
)
"""Functions that hosts call by their names: pytest, Jupyter, IPython."""
_NEVER_FOR_A_HOST = {"runs-downloaded-code", "runs-encrypted-code", "starts-again-by-itself"}
"""Rules that count in functions which hosts call, besides those that count in any: nobody has
asked for what happens."""
_OF_TEST_DATA = {"sends-to-a-drop"}
"""Rules that are about what a program is given, as tests are by the dozen."""
_NAMES_A_SCRIPT = re.compile(rb"[\w/]\.py[\"']")
_OWN_PLACE = re.compile(rb"__file__|__path__|\bfiles\s*\(|getsourcefile")
_SCRIPT = re.compile(r"[\w./-]*\w\.py(?=\s|$)")
_BY_TEXT = re.compile(rb"getattr|\b(?:attrgetter|methodcaller|vars|eval|exec|globals)\b|__dict__")
"""What gives something that is named by a text."""
_BY_ANY_TEXT = re.compile(
    rb"\bgetattr\s*\(\s*[\w.]+\s*,\s*(?![\"'][^\"'\n]*[\"']\s*[,)])|\b(?:vars|dir|getmembers\w*)\s*\(|__dict__"
    rb"|\b(?:attrgetter|methodcaller)\b"
)
"""What gives something that is named by a text which may be any."""
_IMPORTS_BY_TEXT = re.compile(
    rb"\b(?:import_module|__import__)\s*\(\s*(?![\"'][^\"'\n]*[\"']\s*[,)])|\bmodules\s*\["
)
"""What gives a module that is named by a text which may be any."""
_CODECS = re.compile(
    rb"\b_?codecs\s*\.\s*register\s*\(|\bfrom\s+_?codecs\s+import\b[^\n;]*\bregister\b"
    rb"|\bcodecs\s+as\b|\bencodings\s*\.\s*aliases\b|\bfrom\s+encodings\b[^\n]*\baliases\b"
)
"""What makes a codec known, or another name of one."""
_WORD = re.compile(rb"[\w\x80-\xff]+")
_BLOCK = re.compile(r"<%!?(?![=@\w/#-])(.*?)%>", re.DOTALL)
"""Python in a template of Mako."""
_DEPTH = 2
"""Modules in between."""
_BASES = 4
"""Modules above each other that classes inherit from."""
_NOTHING: frozenset[str] = frozenset()
OWN_DATA = "runs-own-data"
_MOST_DATA = 8
"""Files of a package that a call may run; when there are more, it may be any."""
UNREADABLE = "unreadable-code"
"""What leads there is too much as well: the file is what it was, or it isn't."""
REPLACES = "replaces-what-others-use"
"""What the replacement does is looked at by the other rules."""
ANY_MODULE = "?."
"""Begins what is called of a module that a text names which can't be told."""
ANYTHING = "*"
"""Stands for all names of a module that a caller uses which can't be looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of files, since the artifacts of a package have many in common."""

    behaviours: Once[list[Behaviour]]
    uses: Once[dict[str, frozenset[int]]]

    @classmethod
    def nothing(cls, artifacts: int) -> "Seen":
        """Begin a package with so many artifacts."""
        return cls(Once(artifacts), Once(artifacts))


class PackageBehaviour:
    """The Python files of one unpacked artifact."""

    def __init__(self, tree: Path, running: RunningFiles, seen: Seen, *, far: bool = True) -> None:
        """Take an artifact.

        Args:
            tree: where it is unpacked.
            running: which of its files run by themselves.
            seen: what is known of the package's files.
            far: what lines of `.pth` files call, and modules in between import, is followed.
        """
        self._tree = tree
        self._far = far
        self._running = running
        self._seen = seen
        self._others = OtherModules(lambda: self._graph)
        self._prints = Fingerprints(tree, lambda: self._graph)
        self._uses: dict[tuple[str, bool], dict[str, frozenset[int]]] = {}
        self._used: dict[tuple[str, bool], dict[str, dict[str, frozenset[int]]]] = {}
        self._heirs: dict[str, list[Heir]] = {}
        self._implicit: dict[tuple[str, bool], dict[str, set[str]]] = {}
        self._known_calls: dict[tuple[str, str, int], bool] = {}
        self._handed: dict[str, dict[str, dict[str, frozenset[str]]]] = {}
        self._open: dict[str, bool] = {}
        """Module → whether any name may stand in it."""
        self._imported: dict[str, dict[str, str]] = {}
        self._calling_all: dict[str, bool] = {}
        self._leading: dict[tuple[str, frozenset[int]], frozenset[str]] = {}

    def of(self, path: str) -> list[Behaviour]:
        """Give what a file does by itself, and what looks like malware in functions that wait.

        Args:
            path: relative to the tree.

        Raises:
            OSError: a file can't be read.
        """
        found = self._found(path)
        if self._far and any(each.rule == REPLACES for each in found):
            # Who traces programs and measures tests replaces much, a long way from where it starts.
            near = {each.line for each in self._nearer.of(path) if each.rule == REPLACES}
            found = [each for each in found if each.rule != REPLACES or each.line in near]
        return found

    @cached_property
    def _nearer(self) -> "PackageBehaviour":
        return PackageBehaviour(self._tree, self._running, self._seen, far=False)

    def _found(self, path: str) -> list[Behaviour]:
        if self._running.when(path) is Runs.NEVER:
            return []
        content = Path(self._tree, path).read_bytes()
        if path.endswith(".pth"):
            return [
                each for line in _start_up_lines(content) for each in self._of_line(path, *line)
            ]
        source = read_source(content)
        if source.fault is Fault.UNKNOWN_CODEC:
            # The same bytes may be another text in another release: nothing identifies it.
            return [Behaviour("unusual-encoding", 1, source.codec)]
        if source.fault is Fault.CODEC:
            when = [self._occasion(path)]
            identity = of_whole_file("unusual-encoding", content, when)
            return [Behaviour("unusual-encoding", 1, source.codec, identity)]
        content = source.code
        hooks = self._called_from_outside(path)
        whole = self._running.whole(path)
        is_program = path.rpartition("/")[2] == "__main__.py" and not self._callers(path)
        # `python -m` is somebody who starts it.
        found = [] if is_program else self._look(path, content, hooks, whole=whole)
        if not self._is_imported(path):
            found = [each for each in found if each.rule != FETCHES]
        if any(each.rule in _OF_TEST_DATA for each in found) and self._is_for_tests(path):
            found = [each for each in found if each.rule not in _OF_TEST_DATA]
        occasion = self._occasion(path)
        alone = occasion == ALONE
        at_once = self._identified(found, path, content, hooks, [occasion], by_name=alone)
        at_once += self._hidden(path, content)
        if whole:
            return at_once
        at_once += self._hosted(path, content)
        may_be_called = self._may_be_called(path)
        if not may_be_called and not any(
            True for _ in self._calls(path, _functions_of(content), 0)
        ):
            return at_once
        dormant = self._look(path, content, hooks, whole=True)
        asleep = {each.line for each in dormant if each.rule not in ASIDE}
        awake = any(each.rule not in ASIDE for each in found)
        if asleep and not awake and (self._callers(path) or self._heirs_in(path)):
            names = _names_leading_to(content, asleep)
            # One by one: what two functions do together need not be one thing.
            at_once += (
                each
                for name in sorted(self._called(path, names))
                if (by_name := self._look(path, content, frozenset({name}), whole=False))
                for each in self._identified(
                    # Too many are taken to be called for what is only remarkable at once.
                    [each for each in by_name if each.rule != FETCHES],
                    path,
                    content,
                    frozenset({name}),
                    [occasion],
                    by_name=True,
                )
            )
            at_once = list(dict.fromkeys(at_once))
        known = {(each.rule, each.line) for each in at_once}
        told = {each.rule for each in at_once} & ONCE
        waiting_for = [
            each
            for each in dormant
            if (each.rule, each.line) not in known and each.rule not in told
        ]
        if waiting_for and may_be_called:
            at_once += self._waiting(waiting_for, path, content, hooks)
        return at_once

    def _is_imported(self, path: str) -> bool:
        """Whether a file is a module that is imported, and no test, program or part of a build.

        Of a source tree only the build can tell which of its files are modules.
        """
        is_module = self._running.is_wheel or path.endswith("/__init__.py")
        return is_module and not waits(path) and not self._running.is_started(path)

    def _is_for_tests(self, path: str) -> bool:
        """Whether a file is a test that no module names which is none."""
        importers = (path, *self._graph.importers(path))
        return all(waits(each) and not self._is_named(each) for each in importers)

    def _may_be_called(self, path: str) -> bool:
        """Whether somebody may call the functions of a file: it is no test, or is named as one."""
        # A kernel or a command of the package may start its `__main__`, whoever imports it.
        is_main = path.rpartition("/")[2] == "__main__.py"
        return is_main or not waits(path) or self._is_named(path)

    def _is_named(self, path: str) -> bool:
        """Whether a module that is no test names this one, which is: an import by a text, say."""
        *folders, name = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
        if name.encode() not in self._words:
            return False
        word = re.escape(name.encode())
        if folders and not name.startswith("test_"):
            folder = re.escape(folders[-1].encode())
            word = rb"%b(?![\w\x80-\xff])[^\n]{0,80}(?<![\w\x80-\xff])%b" % (folder, word)
        named = re.compile(rb"(?<![\w\x80-\xff])%b(?![\w\x80-\xff])" % word)
        return any(
            named.search(content)
            for other, content in self._graph.modules.items()
            if other != path and not waits(other)
        )

    @cached_property
    def _words(self) -> frozenset[bytes]:
        """All words of the modules that are no tests."""
        found: set[bytes] = set()
        for path, code in self._graph.modules.items():
            if not waits(path):
                found.update(_WORD.findall(code))
        return frozenset(found)

    def of_data(self, path: str) -> list[Behaviour]:
        """Give what a file that is no Python by its name would do if something ran it.

        There are more ways to run a file than can be followed, so what is in it counts. So does an
        encoding that hides it, if what it hides is code, or the package may have the codec.

        Raises:
            OSError: the file can't be read.
        """
        content = Path(self._tree, path).read_bytes()
        source = read_source(content)
        others = readings(content)
        hiding = [each for each in others if each not in EAST_ASIAN and _is_code(others[each])]
        if source.fault is Fault.UNKNOWN_CODEC and self._has_codecs:
            return [Behaviour("unusual-encoding", 1, source.codec, waits=True)]
        if hiding:
            identity = of_whole_file("unusual-encoding", content, ["data"])
            return [Behaviour("unusual-encoding", 1, min(hiding), identity, waits=True)]
        texts = dict.fromkeys((source.text, *others.values()))
        found = (each for text in texts for each in _of_text(text, content))
        return list(dict.fromkeys(found))

    @cached_property
    def _has_codecs(self) -> bool:
        """Whether a module may make a codec known, with which Python then reads code."""
        return any(_CODECS.search(code) for code in self._graph.modules.values())

    def _hidden(self, path: str, content: bytes) -> list[Behaviour]:
        """Give the lines in which a reader does not see all of the code."""
        rule, when = "hides-its-code", [self._occasion(path)]
        return [
            replace(each, fingerprint=of_whole_file(rule, content, when))
            for each in hidden_code(content.decode("utf-8", "replace"))
        ]

    def _hosted(self, path: str, content: bytes) -> list[Behaviour]:
        """Give what a file does in functions that a host calls by itself, such as pytest."""
        hooks = _HOOKS.findall(content.decode("utf-8", "replace"))
        called = frozenset((*hooks, *self._entry_points.get(path, ())))
        if not called:
            return []
        found = self._look(path, content, called, whole=False)
        with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
            _, chosen, flow = self._sinks(path, content, called, whole=False)
            counting = {
                (each.behaviour.rule, each.behaviour.line)
                for each in waiting(chosen, flow)
                if not counts_where_new(each.behaviour.rule, waits=True)
            }
            found = [
                each
                for each in found
                if each.rule in _NEVER_FOR_A_HOST or (each.rule, each.line) in counting
            ]
            return self._identified(found, path, content, called, ["host"])
        return []

    @cached_property
    def _entry_points(self) -> dict[str, set[str]]:
        """Name what hosts load by themselves: path → functions and classes."""
        found: dict[str, set[str]] = {}
        for _, entry in declared_entry_points(self._tree):
            module, _, name = entry.value.partition("[")[0].strip().partition(":")
            path, _ = self._graph.resolve("", module.strip())
            for each in [path] if path else self._graph.anywhere(module.strip()):
                for where, what in self._defined(each, name.strip()):
                    found.setdefault(where, set()).update(what)
        return found

    def _waiting(
        self, dormant: Sequence[Behaviour], path: str, content: bytes, hooks: frozenset[str]
    ) -> list[Behaviour]:
        """Give those of the behaviours of functions that count although nobody calls them."""
        wanted = {(each.rule, each.line) for each in dormant}
        with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
            module, found, flow = self._sinks(path, content, hooks, whole=True)
            return [
                replace(each.behaviour, fingerprint=fingerprint, waits=True)
                for each in waiting(found, flow)
                if (each.behaviour.rule, each.behaviour.line) in wanted
                for fingerprint in self._fingerprints_of_waiting(each, flow, module, path)
            ]
        return []

    def _fingerprints_of_waiting(
        self, sink: Sink, flow: Flow, module: ast.Module, path: str
    ) -> list[str]:
        if sink.behaviour.fingerprint:
            return [sink.behaviour.fingerprint]
        if sink.behaviour.rule in TO_SOMEBODY:
            receivers = self._prints.of_receivers(sink, flow, module, path)
            if receivers is None or receivers:
                return receivers or []
        return [self._prints.of_waiting(sink, flow, module, path)]

    def _occasion(self, path: str) -> str:
        return occasion(path, self._running, self._graph)

    def _of_line(self, path: str, number: int, line: str) -> list[Behaviour]:
        """Give what a line of a start-up file does."""
        content = line.encode("utf-8", "replace")
        look = partial(behaviours, line, whole=True, at_start=True, own=self.own)
        found = [
            each
            for each in self._seen.behaviours(f"{path}:{number} {self.own.digest}", content, look)
            # In one of the two ways to read them, lines may be torn.
            if each.rule != "not-python"
        ]
        identified = self._identified(found, path, content, _NOTHING, ["start"])
        return [replace(each, line=number) for each in identified]

    def _identified(
        self,
        found: Sequence[Behaviour],
        path: str,
        content: bytes,
        called: frozenset[str],
        when: Sequence[str],
        *,
        by_name: bool = False,
    ) -> list[Behaviour]:
        """Give each behaviour of a file its fingerprint.

        What only runs when somebody imports the module, or another one calls it by a name, is told
        like what waits.
        """
        if not found:
            return []
        prints: dict[tuple[str, int], str] = {}
        with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
            whole = self._running.whole(path)
            module, sinks_found, flow = self._sinks(path, content, called, whole=whole)
            for each in sinks_found:
                if each.behaviour.rule == REPLACES:
                    prints[each.behaviour.rule, each.behaviour.line] = of_statement(each)
                elif each.nodes and each.behaviour.rule != UNREADABLE:
                    of_sink = (
                        fingerprint_of((*when, self._prints.of_waiting(each, flow, module, path)))
                        if by_name
                        else self._prints.of(each, flow, module, path, when)
                    )
                    prints[each.behaviour.rule, each.behaviour.line] = of_sink
            prints |= self._of_own_data(
                found, path, module, flow, when, whole=whole, by_name=by_name
            )
        return [
            # What is run as data may be another file's in another release.
            each
            if each.fingerprint or (each.rule == OWN_DATA and (each.rule, each.line) not in prints)
            else replace(
                each,
                fingerprint=prints[each.rule, each.line]
                if (each.rule, each.line) in prints
                else of_whole_file(each.rule, content, when),
            )
            for each in found
        ]

    def _of_own_data(
        self,
        found: Sequence[Behaviour],
        path: str,
        module: ast.Module,
        flow: Flow,
        when: Sequence[str],
        *,
        whole: bool,
        by_name: bool,
    ) -> dict[tuple[str, int], str]:
        """Identify what runs data by the data itself, and by its statement as what waits.

        How it comes to that data is no part of it: it would lead to other files.
        """
        lines = {each.line for each in found if each.rule == OWN_DATA}
        parts: dict[int, list[str]] = {}
        for each in running_data(flow, self.own, whole=whole) if lines else ():
            behaviour = each.sink.behaviour
            if behaviour.rule != OWN_DATA or behaviour.line not in lines:
                continue
            if each.files is None:
                lines.discard(behaviour.line)
                continue
            may_be_any = len(each.files) > _MOST_DATA
            identity = self._prints.of_waiting(each.sink, flow, module, path)
            moments = () if by_name or may_be_any else when
            files = () if may_be_any else map(self.own.mark_of, each.files)
            parts.setdefault(behaviour.line, []).extend((identity, *moments, *files))
        return {
            (OWN_DATA, line): fingerprint_of(sorted(parts[line])) for line in lines & parts.keys()
        }

    def _look(
        self, path: str, content: bytes, called: frozenset[str], *, whole: bool
    ) -> list[Behaviour]:
        look = partial(
            behaviours,
            whole=whole,
            at_start=self._runs_at_start(path),
            called=called,
            own=self.own,
            others=self._others.seen_from(path),
        )
        return self._seen.behaviours(
            f"{path} {whole} {self._runs_at_start(path)} {sorted(called)} {self.own.digest}"
            f" {self._others.digest}",
            content,
            lambda: look(content.decode()),
        )

    def _sinks(
        self, path: str, content: bytes, called: frozenset[str], *, whole: bool
    ) -> tuple[ast.Module, list[Sink], Flow]:
        """Give where in its syntax a file does what `_look` finds.

        Raises:
            NotPythonError, TooHardError, RecursionError, MemoryError: it can't be told.
        """
        module = parse(content.decode("utf-8", "replace"))
        found, flow = sinks(
            module,
            whole=whole,
            at_start=self._runs_at_start(path),
            called=called,
            others=self._others.seen_from(path),
        )
        return module, found, flow

    @cached_property
    def own(self) -> OwnFiles:
        """The artifact's files."""
        paths = [each.relative_to(self._tree).as_posix() for each in regular_files(self._tree)]
        return OwnFiles(
            paths, self._tree, self._running.distribution, is_pure=self._running.is_pure
        )

    def _called(self, path: str, names: frozenset[str]) -> frozenset[str]:
        """Tell which names of a module other modules call as soon as they run by themselves."""
        found: set[str] = set()
        for name in self._calls(path, names, 0):
            found.add(name)
            if found == names:
                break
        return frozenset(found)

    def _is_called(self, path: str, names: Iterable[str], depth: int) -> bool:
        """Tell whether one of them is called, by so many modules in between.

        Each is asked for by itself: the names that lead to a place are others in each module, and
        of a large program every module leads to every other.
        """
        return any(self._is_one_called(path, name, depth) for name in sorted(names))

    def _is_one_called(self, path: str, name: str, depth: int) -> bool:
        asked = (path, name, depth)
        if asked not in self._known_calls:
            calls = self._calls(path, frozenset({name}), depth)
            self._known_calls[asked] = any(True for _ in calls)
        return self._known_calls[asked]

    def _calls(self, path: str, names: frozenset[str], depth: int) -> Iterator[str]:
        """Yield the names that are called, as soon as that is known of one; some repeatedly."""
        further = []
        if depth == 0:
            yield from self._taken_from_a_registry(path, names)
            yield from self._called_by_bases(path, names)
        for caller in self._callers(path) if names else ():
            yield from self._implied(path, caller, names)
            if not self._may_name(caller, {name.partition(".")[0] for name in names}):
                continue  # operators alone reach an object whose class is not named
            at_once: Collection[str] = _NOTHING
            if self._running.whole(caller):
                used = self._used_of(path, caller, whole=True).keys()
                at_once = _of_those(names, used) | _matching(names, used)
            elif self._may_name(caller, names):
                used = self._used_of(path, caller, whole=False).keys()
                at_once = _matching(names, used)
            yield from at_once
            if not at_once and depth < _DEPTH:
                further.append(caller)
        for caller in further:
            found: set[str] = set()
            used_there = (
                self._used_of(path, caller, whole=True) if self._may_name(caller, names) else {}
            )
            for name, lines in used_there.items():
                meant = _matching(names, (name,))
                ways = self._leading_to(caller, lines) if meant else _NOTHING
                if ways and self._is_called(caller, ways, depth + 1):
                    found |= meant
            if self._far and self._may_name(caller, names):
                for name, others in self._handed_on(path, caller).items():
                    if name in names - found and self._is_called(caller, others, depth + 1):
                        found.add(name)
            yield from found
            for name in names - found:
                ways = self._inheriting(path, name, caller)
                if ways and self._is_called(caller, ways, depth + 1):
                    yield name

    def _taken_from_a_registry(self, path: str, names: frozenset[str]) -> Iterator[str]:
        """Yield functions that another module's decorator may keep, and something calls at once."""
        content = self._graph.modules.get(path, b"")
        for name, decorators in _decorated(content, names).items() if b"@" in content else ():
            if any(each.endswith((".command", ".group")) for each in decorators):
                continue  # of Click and the like, which runs when somebody gives it
            keepers = {self._graph.resolve(path, each)[0] for each in decorators} - {"", path}
            if any(map(self._has_all_called, sorted(keepers))):
                yield name

    def _has_all_called(self, keeper: str) -> bool:
        """Whether code that runs by itself calls all that a list or table of a module holds."""
        if keeper not in self._calling_all:
            self._calling_all[keeper] = False  # for what leads back to itself
            lines, at_once = _lines_that_call_items(self._graph.modules[keeper])
            ways = self._leading_to(keeper, lines) if lines else _NOTHING
            methods = {each.partition(".")[2] for each in ways} - {""}
            self._calling_all[keeper] = (
                at_once
                or self._is_called(keeper, ways, 1)
                or any(
                    used.endswith("[]") or used.rpartition(".")[2] in methods
                    for caller in self._callers(keeper)
                    for used in self._used_of(keeper, caller, whole=self._running.whole(caller))
                )
            )
        return self._calling_all[keeper]

    def _handed_on(self, path: str, caller: str) -> dict[str, frozenset[str]]:
        """Give what a module imports of another one, with its names there."""
        if caller not in self._handed:
            by_module: dict[str, dict[str, frozenset[str]]] = {}
            for bound, dotted in self._imports(caller).items():
                target, name = self._graph.resolve(caller, dotted)
                of_module = by_module.setdefault(target, {})
                of_module[name] = of_module.get(name, _NOTHING) | {bound}
            self._handed[caller] = by_module
        found = self._handed[caller].get(path, {}) if caller != path else {}
        return {name: bound for name, bound in found.items() if name}

    def _imports(self, path: str) -> dict[str, str]:
        if path not in self._imported:
            self._imported[path] = _imports_of(self._graph.modules[path])
        return self._imported[path]

    def _may_name(self, path: str, names: Collection[str]) -> bool:
        """Whether one of these names may stand in a module: all its words, but for methods that
        run by themselves, or its first word where texts may be names."""
        content = self._graph.modules[path]
        if path not in self._open:
            # Other letters may be the same name.
            self._open[path] = not content.isascii() or bool(_BY_ANY_TEXT.search(content))
        if self._open[path]:
            return True
        for name in names:
            first, *further = (
                part.startswith("__") or part.encode() in content for part in name.split(".")
            )
            if first and (all(further) or _BY_TEXT.search(content)):
                return True
        return False

    def _leading_to(self, path: str, lines: frozenset[int]) -> frozenset[str]:
        """Name what of a module, when called, comes to one of these lines."""
        if (path, lines) not in self._leading:
            self._leading[path, lines] = _names_leading_to(self._graph.modules[path], lines)
        return self._leading[path, lines]

    def _implied(self, path: str, caller: str, names: frozenset[str]) -> frozenset[str]:
        """Choose those of a module's methods that another one calls by an operator or the like."""
        methods = {name: name.rpartition(".")[2] for name in names if _is_implicit(name)}
        if not methods:
            return _NOTHING
        whole = self._running.whole(caller)
        if (caller, whole) not in self._implicit:
            content = self._graph.modules[caller]
            found: dict[str, set[str]] = {}
            for name, method in _used_implicitly(content, whole=whole):
                found.setdefault(self._graph.resolve(caller, name)[0], set()).add(method)
            self._implicit[caller, whole] = found
            # All will be asked for, and of large programs the tree is not kept until then.
            self._heirs_in(caller)
            self._imports(caller)
            for each in {whole, True}:
                self._used_of(path, caller, whole=each)
        given = self._implicit[caller, whole].get(path, set())
        return frozenset(name for name, method in methods.items() if method in given)

    def _inheriting(self, path: str, name: str, caller: str) -> frozenset[str]:
        """Name what of a module has a method of this one (`Class.method`) by inheriting it."""
        owner, _, method = name.rpartition(".")
        if not owner or method == GIVEN:  # what is done to an heir's object is not done to each
            return _NOTHING
        return frozenset(
            way
            for heir in self._heirs_in(caller)
            for way in heir.ways_to(method)
            if self._graph.resolve(caller, heir.of) == (path, owner)
        )

    def _heirs_in(self, path: str) -> list[Heir]:
        if path not in self._heirs:
            self._heirs[path] = _heirs_of(self._graph.modules.get(path, b""))
        return self._heirs[path]

    def _called_by_bases(self, path: str, names: frozenset[str]) -> Iterator[str]:
        """Yield the methods of objects made at once that constructors in other modules call."""
        for heir in self._heirs_in(path) if any("." in name for name in names) else ():
            prefix = f"{heir.name}."
            for name in names if not heir.is_metaclass else ():
                method = name.removeprefix(prefix)
                calls = name.startswith(prefix) and self._has_itself_called(path, heir, method)
                if calls and self._is_made(path, heir.name):
                    yield name

    def _has_itself_called(self, path: str, heir: Heir, method: str, depth: int = 0) -> bool:
        """Whether the constructor of a class in another module comes to a method of this name."""
        target, owner = self._graph.resolve(path, heir.of)
        if not target or target == path or depth > _BASES:
            return False
        word = method.encode()
        lines = enumerate(self._graph.modules[target].splitlines(), start=1)
        calling = frozenset(number for number, line in lines if word in line)
        return (bool(calling) and owner in self._leading_to(target, calling)) or any(
            self._has_itself_called(target, each, method, depth + 1)
            for each in self._heirs_in(target)
            if each.name == owner and not each.is_metaclass
        )

    def _is_made(self, path: str, owner: str) -> bool:
        """Whether an object of a class is made at once, in its module or by another one."""
        whole = self._running.whole(path)
        self._used_of(path, path, whole=whole)
        return owner in self._uses[path, whole] or self._is_called(path, frozenset({owner}), 1)

    def _callers(self, path: str) -> list[str]:
        """Give the modules that import this one, but for those that nobody imports."""
        importers = [
            each
            for each in self._graph.importers(path)
            if not waits(each) or not all(map(waits, self._graph.importers(each)))
        ]
        itself = [path] if self._graph.imports_itself(path) else []
        # A build file may take it from the package that has imported it.
        others = (*self._importing_by_text.get(_top(path), ()), *self._build_files)
        return list(dict.fromkeys((*importers, *itself, *others)))

    @cached_property
    def _importing_by_text(self) -> dict[str, list[str]]:
        """The modules that call what they import by a text, by their top-level folder."""
        found: dict[str, list[str]] = {}
        for path, code in self._graph.modules.items():
            by_text = not waits(path) and _IMPORTS_BY_TEXT.search(code)
            if by_text and self._calls_any_module(path):
                found.setdefault(_top(path), []).append(path)
        return found

    def _calls_any_module(self, path: str) -> bool:
        self._used_of(path, path, whole=True)
        return ANYTHING in self._uses[path, True] or ANY_MODULE in self._used[path, True]

    @cached_property
    def _build_files(self) -> list[str]:
        return [path for path in self._graph.modules if self._running.whole(path)]

    def _used_of(self, path: str, caller: str, *, whole: bool) -> dict[str, frozenset[int]]:
        """Name what a module calls of another one, with the lines where it does."""
        if (caller, whole) not in self._uses:
            content = self._graph.modules[caller]
            hooks = self._called_from_outside(caller)
            self._uses[caller, whole] = self._seen.uses(
                f"{caller} {whole} {sorted(hooks)}",
                content,
                partial(_uses_in, content, hooks, whole=whole, gives=self._running.whole(caller)),
            )
            self._used[caller, whole] = self._by_module(caller, self._uses[caller, whole])
        if ANYTHING in self._uses[caller, whole]:
            return self._uses[caller, whole]
        by_module = self._used[caller, whole]
        found = dict(by_module.get(path, {}))
        for name, lines in by_module.get(ANY_MODULE, {}).items():
            found[name] = found.get(name, frozenset()) | lines
        return found

    def _by_module(
        self, caller: str, used: dict[str, frozenset[int]]
    ) -> dict[str, dict[str, frozenset[int]]]:
        """Sort what a module calls by the modules that have it, `ANY_MODULE` for those that may.

        What a build file has of an `__init__` may be any module's.
        """
        whole = self._running.whole(caller)
        found: dict[str, dict[str, frozenset[int]]] = {}
        for dotted, lines in used.items():
            if dotted.startswith(ANY_MODULE):
                target, name = ANY_MODULE, dotted.removeprefix(ANY_MODULE)
            else:
                target, name = self._graph.resolve(caller, dotted)
                target = ANY_MODULE if whole and target.endswith("__init__.py") else target
            if name or target == ANY_MODULE:
                of_module = found.setdefault(target, {})
                of_module[name] = of_module.get(name, frozenset()) | lines
        return found

    @cached_property
    def _graph(self) -> ModuleGraph:
        return graph_of(self._tree, self._running)

    def _runs_at_start(self, path: str) -> bool:
        return runs_at_start(path) or path in self._started_with_python

    @cached_property
    def _started_with_python(self) -> dict[str, frozenset[str]]:
        """Name the functions that Python calls at each start, by module.

        `.start` files and the lines of `.pth` files name them, these also modules alone.
        """
        found: dict[str, frozenset[str]] = {}
        for name in sorted(self._line_names) if self._far else ():
            path, rest = self._graph.resolve("", name)
            for where, what in self._defined(path, rest) if path else ():
                found[where] = found.get(where, _NOTHING) | what
        for file in sorted((*self._tree.glob("*.start"), *self._tree.glob("*.data/*lib/*.start"))):
            for line in file.read_text("utf-8-sig", "replace").splitlines():
                module, _, name = line.partition("#")[0].partition(":")
                path, rest = self._graph.resolve("", module.strip())
                names = {name.strip()} if path and not rest else set()
                found[path] = found.get(path, _NOTHING) | names
        return found

    @cached_property
    def _line_names(self) -> frozenset[str]:
        """What lines of `.pth` files import and call."""
        files = sorted((*self._tree.glob("*.pth"), *self._tree.glob("*.data/*lib/*.pth")))
        lines = (line for each in files for _, line in _start_up_lines(each.read_bytes()))
        return frozenset(name for line in lines for name in _named_by_line(line))

    def _defined(self, path: str, name: str) -> Iterator[tuple[str, frozenset[str]]]:
        """Give where a name of a module may be defined, which may import it from another one."""
        for _ in range(_BASES):
            names = frozenset({name}) - {""}
            first, _, rest = name.partition(".")
            if name.endswith(ANYTHING):
                names = _functions_of(self._graph.modules[path])
            yield path, names
            imported = self._imports(path) if first not in ("", ANYTHING) else {}
            if first not in imported:
                return
            path, further = self._graph.resolve(path, imported[first])
            name = ".".join(each for each in (further, rest) if each)
            if not path:
                return

    @cached_property
    def _other_hooks(self) -> dict[str, frozenset[str]]:
        """Name what is a hook of a build backend under another name, by module."""
        found: dict[str, frozenset[str]] = {}
        for path, code in self._graph.modules.items():
            if self._running.is_of_a_backend(path) and _NAMES_A_HOOK.search(code):
                for name in _given_hooks(code):
                    target, rest = self._graph.resolve(path, name) if "." in name else (path, name)
                    own = not target or target == path
                    where, what = (path, name) if own else (target, rest)
                    found[where] = found.get(where, _NOTHING) | {what}
        return found

    def _called_from_outside(self, path: str) -> frozenset[str]:
        hooks = _NOTHING
        if self._running.is_of_a_backend(path):
            hooks = BUILD_HOOKS | self._other_hooks.get(path, _NOTHING)
        hooks |= self._started_with_python.get(path, _NOTHING)
        started = self._running.is_started(path) or path in self._started_by_modules
        return hooks | {STARTED} if started else hooks

    @cached_property
    def _started_by_modules(self) -> frozenset[str]:
        """The files by whose path code that runs at once starts a program, by whatever function."""
        found: set[str] = set()
        for path, code in self._graph.modules.items():
            if waits(path) or not (_NAMES_A_SCRIPT.search(code) and _OWN_PLACE.search(code)):
                continue
            with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
                nodes = running_nodes(parse(code.decode("utf-8", "replace")), whole=False)
                flow = Flow(nodes, self._others.seen_from(path))
                for call in flow.calls:
                    if call.does(STARTS) or any(
                        self._graph.resolve(path, n)[0] for n in call.names
                    ):
                        found.update(self._scripts_in(flow.text(*call.everything), path))
        return frozenset(found)

    def _scripts_in(self, text: str, path: str) -> Iterator[str]:
        """Give the modules of the same top-level package whose paths stand in a text."""
        for named in _SCRIPT.findall(text):
            end = "/" + named.removeprefix("__file__").lstrip("./")
            yield from (
                each
                for each in self._graph.modules
                if f"/{each}".endswith(end) and _top(each) == _top(path) and each != path
            )


def _top(path: str) -> str:
    return installed(path).partition("/")[0]


def _start_up_lines(content: bytes) -> list[tuple[int, str]]:
    """Number the lines of a `.pth` file that `site` runs; the others are paths.

    Since Python 3.13 a line ends where `str.splitlines` says, before that at line ends only.
    """
    text = content.decode("utf-8-sig", "replace")
    found = {
        (number, line): None
        for lines in (text.splitlines(), io.StringIO(text, newline=None).read().split("\n"))
        for number, line in enumerate(lines, start=1)
        if line.startswith(("import ", "import\t"))
    }
    return list(found)


def _named_by_line(line: str, depth: int = 0) -> set[str]:
    """Name what a line of a start-up file imports and calls, also in texts that it executes."""
    code = line.encode("utf-8", "replace")
    found = {*imported_names(code), *_uses_in(code, _NOTHING, whole=True, gives=False)}
    with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
        for each in ast.walk(parse(line)):
            text = each.value if isinstance(each, ast.Constant) else None
            if isinstance(text, str) and "(" in text and depth < _DEPTH:
                found |= _named_by_line(text, depth + 1)
    return found


def _of_text(text: str, content: bytes) -> Iterator[Behaviour]:
    """Yield what the text of a file would do if something ran it."""
    if blocks := [textwrap.dedent(block) for block in _BLOCK.findall(text)]:
        text = "\n".join(blocks)
    with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
        found, flow = sinks(parse(text, is_code=False), whole=True)
        for each in waiting(found, flow):
            identity = of_whole_file(each.behaviour.rule, content, ["data"])
            yield replace(each.behaviour, fingerprint=identity, waits=True)


def _is_code(text: str) -> bool:
    """Whether a text is Python that imports or calls something."""
    try:
        module = parse(text, is_code=False)
    except (NotPythonError, RecursionError, MemoryError):
        return False
    except TooHardError:
        return True
    runs = (ast.Import, ast.ImportFrom, ast.Call)
    return any(isinstance(each, runs) for each in ast.walk(module))


def _given_hooks(content: bytes) -> set[str]:
    """Name what a backend has for its hooks: functions, methods, and what it imports as one."""
    found: set[str] = set()
    try:
        module = parse(content.decode("utf-8", "replace"))
    except (NotPythonError, TooHardError):
        return found
    bodies = [("", module.body)]
    bodies += ((f"{c.name}.", c.body) for c in module.body if isinstance(c, ast.ClassDef))
    for owner, body in bodies:
        for node in body:
            if isinstance(node, Function) and node.name in BUILD_HOOKS:
                found.add(f"{owner}{node.name}")
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                if any(isinstance(t, ast.Name) and t.id in BUILD_HOOKS for t in node.targets):
                    found |= {node.value.id, f"{owner}{node.value.id}"}
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (f"{node.module}." if node.module else "")
                named = (each.name for each in node.names if each.asname in BUILD_HOOKS)
                found |= {f"{base}{name}" for name in named}
    return found


def _names_leading_to(content: bytes, lines: Collection[int]) -> frozenset[str]:
    """Name the functions and classes of a module that, when called, come to one of these lines."""
    try:
        module = parse(content.decode("utf-8", "replace"))
    except (NotPythonError, TooHardError):
        return _NOTHING
    reach = reach_of(module)
    names = {each.name for each in module.body if isinstance(each, Function | ast.ClassDef)}
    return frozenset(
        name
        for name in reach.callable_names()
        if name.partition(".")[0] in names and reach.leads_to(name, lines)
    )


def _decorated(content: bytes, names: frozenset[str]) -> dict[str, set[str]]:
    """Give the dotted names of the decorators of these functions, and of these classes' methods."""
    found: dict[str, set[str]] = {}
    with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
        module = parse(content.decode("utf-8", "replace"))
        expressions: Expressions | None = None
        for node in module.body:
            if not isinstance(node, Function | ast.ClassDef) or not node.decorator_list:
                continue
            for name in names:
                if name.partition(".")[0] == node.name:
                    expressions = expressions or Expressions(reach_of(module).nodes)
                    for each in node.decorator_list:
                        root = each.func if isinstance(each, ast.Call) else each
                        found.setdefault(name, set()).update(expressions.names(root))
    return found


def _lines_that_call_items(content: bytes) -> tuple[frozenset[int], bool]:
    """Tell where a module calls what a list or table holds, and whether it does so at once."""
    with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
        module = parse(content.decode("utf-8", "replace"))
        nodes = reach_of(module).nodes
        loops = {
            name.id
            for node in nodes
            if isinstance(node, ast.For | ast.comprehension)
            for name in ast.walk(node.target)
            if isinstance(name, ast.Name)
        }
        calls = [
            node
            for node in nodes
            if isinstance(node, ast.Call)
            and (
                isinstance(node.func, ast.Subscript)
                or (isinstance(node.func, ast.Name) and node.func.id in loops)
            )
        ]
        running = set(map(id, running_nodes(module, whole=False))) if calls else set()
        at_once = any(id(each) in running for each in calls)
        return frozenset(each.lineno for each in calls), at_once
    return frozenset(), False


def _functions_of(content: bytes) -> frozenset[str]:
    """Name all that can be called of a module."""
    with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
        return frozenset(reach_of(parse(content.decode("utf-8", "replace"))).callable_names())
    return _NOTHING


def _imports_of(content: bytes) -> dict[str, str]:
    """Give the names that a module imports, with their dotted names."""
    with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
        return Expressions(reach_of(parse(content.decode("utf-8", "replace"))).nodes).imports
    return {}


def _heirs_of(content: bytes) -> list[Heir]:
    if b"class" not in content:
        return []
    try:
        return heirs_in(reach_of(parse(content.decode("utf-8", "replace"))).nodes)
    except (NotPythonError, TooHardError):
        return []


def _uses_in(
    content: bytes, called: frozenset[str], *, whole: bool, gives: bool
) -> dict[str, frozenset[int]]:
    """Give the dotted names of what a module calls, or has called, with the lines.

    `gives` says that what it gives to others will be called: a `cmdclass`, say.
    """
    try:
        module = parse(content.decode("utf-8", "replace"))
    except NotPythonError:
        return {}
    except TooHardError:
        return {ANYTHING: frozenset({1})}
    nodes = running_nodes(module, whole=whole, called=called, handed_over=False)
    expressions = Expressions(nodes)
    found: dict[str, set[int]] = {}
    for node in nodes:
        for each in _put_to_use(node, expressions, gives=gives):
            for used in expressions.names(each):
                # What a call has given is called: perhaps an object, and not once more who gave it.
                used = used.replace(HIDDEN, "")
                name = used.removesuffix("()").replace("()", "")
                name += ".__call__" if used.endswith("()") else ""
                others = expressions.wildcards if name.isidentifier() else ()
                for known in (name, *(f"{module}{name}" for module in others)):
                    found.setdefault(known, set()).add(each.lineno)
            owner = each.value if isinstance(each, ast.Attribute) else None
            values = expressions.values.get(owner.id, ()) if isinstance(owner, ast.Name) else ()
            if attribute := attribute_of_any_module(each, values):
                found.setdefault(f"{ANY_MODULE}{attribute}", set()).add(each.lineno)
            for name in _by_any_text(each, expressions):
                found.setdefault(name, set()).add(each.lineno)
        if isinstance(node, ast.expr | ast.stmt):
            for name in _objects_given(node, expressions):
                found.setdefault(name, set()).add(node.lineno)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname in OF_A_MODULE:  # Python calls it of the module that imports it
                    base = "." * node.level + (f"{node.module}." if node.module else "")
                    found.setdefault(f"{base}{alias.name}", set()).add(node.lineno)
    for name, inherited in inherited_uses(reach_of(module).nodes, nodes, found).items():
        found.setdefault(name, set()).update(inherited)
    return {name: frozenset(lines) for name, lines in found.items()}


def _by_any_text(function: ast.expr, expressions: Expressions) -> Iterator[str]:
    """Name what of other modules is called by a text that can't be told: `module.*`."""
    sources = [function]
    if isinstance(function, ast.Name):
        loops = expressions.loops.get(function.id, ())
        sources = [*loops, *expressions.values.get(function.id, ())]
    else:
        loops = ()
    for source in sources:
        called = called_by_text(source) or (members_of(source) if source in loops else None)
        if called and called.owner is not None and not called.is_known:
            for owner in expressions.names(called.owner):
                yield f"{owner.replace('()', '')}.{ANYTHING}"


def _objects_given(node: ast.AST, expressions: Expressions) -> Iterator[str]:
    """Name what runs of the objects that a call or the like is given."""
    given = given_by(node)
    if isinstance(node, ast.Call):
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
    for each in given:
        value = each.value if isinstance(each, ast.Starred) else each
        if isinstance(value, ast.Call | ast.Name):
            for name in expressions.names(value):
                if name.endswith("()"):
                    yield f"{name.replace('()', '')}.{GIVEN}"


def _matching(names: Collection[str], used: Collection[str]) -> frozenset[str]:
    """Choose those that are used, also by texts that may be any (`*`, `Class.*`)."""
    found = {name for name in names if name in used}
    for each in used:
        if each.endswith(ANYTHING):
            found |= {name for name in names if name.startswith(each.removesuffix(ANYTHING))}
    return frozenset(found)


def _of_those(names: Collection[str], used: Collection[str]) -> frozenset[str]:
    """Choose what a build calls of what it is given: of a class, whatever method it has."""
    return frozenset(name for name in names if name in used or name.partition(".")[0] in used)


def _is_implicit(name: str) -> bool:
    """Whether this is a method (`Class.__name__`) that something may call without naming it."""
    return name.partition(".")[2].startswith("__")


def _used_implicitly(content: bytes, *, whole: bool) -> set[tuple[str, str]]:
    """Give the dotted names of what a module uses by operators and the like, with the methods."""
    found: set[tuple[str, str]] = set()
    with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
        nodes = running_nodes(parse(content.decode("utf-8", "replace")), whole=whole)
        expressions = Expressions(nodes)
        for node in nodes:
            if methods := methods_called_by(node):
                operands = (each for each in children(node) if isinstance(each, ast.expr))
                plain = {n.replace("()", "") for each in operands for n in expressions.names(each)}
                names = {*plain, *(f"{m}{n}" for m in expressions.wildcards for n in plain)}
                found |= {(name, method) for name in names for method in methods}
    return found


def _put_to_use(node: ast.AST, expressions: Expressions, *, gives: bool) -> Iterator[ast.expr]:
    if gives and isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.ClassDef):
        given = node.values if isinstance(node, ast.Dict) else [*ast.iter_child_nodes(node)]
        yield from (each for each in given if isinstance(each, ast.Name | ast.Attribute))
    if gives and isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
        yield node.value
    if isinstance(node, ast.Call):
        yield node.func
        if gives:
            for each in (*node.args, *(keyword.value for keyword in node.keywords)):
                if isinstance(each, ast.Name | ast.Attribute):
                    yield each
        # Other packages keep what they are given, for when a command is given or an event comes.
        if any(map(calls_later, expressions.names(node.func))):
            for each in (*node.args, *(keyword.value for keyword in node.keywords)):
                if isinstance(each, ast.Name | ast.Attribute):
                    yield each
    elif isinstance(node, Function | ast.ClassDef):
        yield from node.decorator_list
