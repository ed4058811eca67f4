"""What identifies a suspicious flow, so that it can be found again in another release.

A fingerprint is a digest of the statements through which the data comes from its source to its
sink, of what they call, and of what calls them and when. It stays the same when code around the
flow changes, or when the flow moves to another file; it changes with any constant, condition,
helper or data file that the flow depends on, also where that stands in another module of the
package. Comments, docstrings, layout and line numbers don't count.
"""

import ast
import builtins
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from package_gate.core.addresses import (
    addresses_given,
    addresses_in,
    is_to_read,
    owner_of,
    receiver_fingerprint,
)
from package_gate.core.finding import fingerprint_of
from package_gate.core.import_time import (
    NEXT_VALUE,
    RUN_WITH_A_CLASS,
    SUBCLASSED,
    parameters_given,
)
from package_gate.core.module_graph import ModuleGraph
from package_gate.core.nodes import Function, children, last_name
from package_gate.core.scopes import is_local, plain, unparsed
from package_gate.core.source import read_source
from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.inventory.running.files import RunningFiles, Runs, runs_at_start
from package_gate.inventory.trees import regular_files
from package_gate.scanners.behaviour.afar import CHANGES_ITS_OBJECT, Afar, stem
from package_gate.scanners.behaviour.dataflow import Flow
from package_gate.scanners.behaviour.rules import NOISY, Sink
from package_gate.scanners.behaviour.statements import Statements, blocks_of, is_block

ALONE = "alone"
"""The occasion of a module that no other one imports."""
MAX_STATEMENTS = 3000
"""Of one flow; one that has more is told by what is near its end: see `Fingerprints.of`."""
_NEAR = 4
"""Steps from the statement of such a flow to the texts that count."""
_MAX_DATA_BYTES = 256 * 1024 * 1024
_ENCODED = re.compile(r"[A-Za-z0-9+/=]{40,}")
_MAKES_TEXTS = {
    *("chr", "fromhex", "unhexlify", "maketrans", "b64decode", "b32decode", "b16decode"),
    *("b85decode", "a85decode", "urlsafe_b64decode", "decompress", "codecs", "to_bytes"),
    *("unquote", "unquote_plus", "inet_ntoa", "inet_ntop", "ip_address", "IPv4Address"),
}
"""Functions by which an address may be written so that it is not seen."""
_BLOCKS = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Match
_LEAVES = ast.Return | ast.Raise | ast.Continue | ast.Break
_OWN_FILES = {"__file__", "__path__", "__loader__"}
_BUILTINS = frozenset(dir(builtins))
_ROUNDABOUT = {"vars", "dir", "globals", "locals"}
"""What values are had by that stand nowhere in the flow."""
_BY_DATA = {
    *("runs-own-data", "runs-decoded-code", "runs-encrypted-code", "runs-machine-code"),
    *("starts-a-bundled-program", "loads-a-bundled-library", "runs-a-hidden-command"),
    *("sends-to-a-drop", "hides-an-address", "installs-another-package"),
}
"""Rules of which the harm may be in a file that is read."""
_IMPORTS = {"importlib", "__import__"}
_RESOURCES = ("importlib.resources", "importlib_resources", "pkgutil", "pkg_resources")
"""What files of the package are read by."""
_RUN_UNSEEN = {*RUN_WITH_A_CLASS, SUBCLASSED, NEXT_VALUE}
"""Methods that run although nothing calls them by name."""


def _stores_outside(node: ast.AST) -> bool:
    """Whether a node of a function gives a value to what outlives its call."""
    target: ast.expr | None = None
    if isinstance(node, ast.Name):
        return not isinstance(node.ctx, ast.Load) and not is_local(node.id)
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        target = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        changes = node.func.attr in CHANGES_ITS_OBJECT or node.func.attr.startswith("__")
        target = node.func.value if changes else None
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return isinstance(target, ast.Name) and (
        not is_local(target.id) or plain(target.id) in ("self", "cls")
    )


class TooLargeError(Exception):
    """A flow has too many statements to be identified."""


class _Slice:
    """Collects what leads to one sink.

    A statement that data comes through is followed back through all that its names stand for. Of
    what only decides whether it is reached, and of what calls it, the statement itself counts, and
    what it names directly.
    """

    def __init__(self, fingerprints: "Fingerprints", path: str, flow: Flow, own: Statements):
        self._fingerprints = fingerprints
        self._flow = flow
        self._own = path, own
        self.texts: dict[tuple[str, int], dict[tuple[int, int], str]] = {}
        """Module and function → line and column → statement."""
        self.constants: set[str] = set()
        self.remarks: set[str] = set()
        """Docstrings, which are data for who reads `__doc__`."""
        self.names: set[str] = set()
        self.outside: set[str] = set()
        """What is imported from elsewhere."""
        self._count = 0
        self._data: list[tuple[str, ast.stmt]] = []
        self._context: list[tuple[str, ast.stmt]] = []
        self._seen: set[tuple[bool, str, int]] = set()
        self._seen_names: set[tuple[bool, str, str]] = set()
        self._setters: dict[str, bool] = {}
        """Functions and methods that change what this comes by; whether only with what they are
        given."""
        self._classes: list[tuple[str, Statements, ast.ClassDef]] = []
        """Those of other modules that this comes by."""

    def add(self, sink: ast.AST) -> None:
        """Follow what leads to a node of the slice's own module."""
        self._data.append((self._own[0], self._own[1].statement[id(sink)]))
        self._follow()
        known = -1
        while known < self._count:  # a method has its own names in turn
            known = self._count
            self._add_methods()
            self._follow()

    def _add_methods(self) -> None:
        """Add what other modules' classes have under names that are used."""
        for path, module, owner in self._classes:
            for each in owner.body:
                if isinstance(each, Function) and each.name in self.names:
                    self._queue(path, [each, *module.inside(each)], follow=True)
            stores = (each for name in self.names for each in module.stores.get(f".{name}", ()))
            for each in stores:
                function = module.function_of(each)
                if function is not None and module.class_of(function) is owner:
                    self._queue(path, [each], follow=True)

    @property
    def afar(self) -> set[str]:
        """The lines by which other modules change what this uses, and those of start-up files."""
        names = {"*", *map(plain, self.names), *(stem(path) for path, _ in self.texts)}
        changing = self._fingerprints.afar.changing(self._own[0], names, self._setters)
        return changing.union(self._fingerprints.start_up)

    def _follow(self) -> None:
        while self._data or self._context:
            follow = bool(self._data)
            path, statement = (self._data or self._context).pop()
            key = (follow, path, id(statement))
            if key not in self._seen:
                self._seen.add(key)
                self._visit(path, statement, follow=follow)

    def add_near(self, node: ast.AST) -> None:
        """Note the texts in a node, in what it names, and in what that names."""
        near: list[tuple[str, ast.AST]] = [(self._own[0], node)]
        seen: set[tuple[str, str]] = set()
        for _ in range(_NEAR):
            named: set[tuple[str, str]] = set()
            for path, part in near:
                for each in ast.walk(part):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        self.constants.add(each.value)
                    elif isinstance(each, ast.Name):
                        named.add((path, each.id))
                        self.names.add(each.id)
            near = [each for place in sorted(named - seen) for each in self._stores(*place)]
            seen |= named

    def _stores(self, path: str, name: str) -> Iterator[tuple[str, ast.stmt]]:
        """Yield what gives a name its value, also in the module that it is imported from."""
        module = self._statements(path)
        places = [(path, name)] if module else []
        for imported in module.imports.get(name, ()) if module else ():
            places.append(self._fingerprints.graph.resolve(path, imported))
        for target, wanted in places:
            other = self._statements(target) if target else None
            for each in other.stores.get(wanted, ()) if other else ():
                yield target, each

    def _statements(self, path: str) -> Statements | None:
        return self._own[1] if path == self._own[0] else self._fingerprints.statements(path)

    def _queue(self, path: str, statements: Iterable[ast.stmt], *, follow: bool) -> None:
        (self._data if follow else self._context).extend((path, each) for each in statements)

    def _visit(self, path: str, statement: ast.stmt, *, follow: bool) -> None:
        module = self._statements(path)
        if module is None:
            return
        parts = _own_part(statement)
        function = module.function_of(statement)
        nodes = [each for part in parts for each in _walk(part)]
        if function is not None:
            given = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
            if any(map(_stores_outside, nodes)):
                self._setters[function.name] = False
            elif (
                follow
                and path == self._own[0]
                and any(getattr(n, "id", "") in given for n in nodes)
            ):
                self._setters.setdefault(function.name, True)
        self._note(path, function, statement, _text(statement, parts))
        self._queue(path, _conditions(statement, module), follow=False)
        if function is not None:
            self._queue(path, [function, *module.callers(function)], follow=False)
        owners: set[int] = set()
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                (self.remarks if _is_remark(statement) else self.constants).add(node.value)
            elif isinstance(node, ast.Name):
                self._name(path, module, node.id, "", follow=follow)
                if follow and id(node) not in owners:
                    self._whole_module(path, module, node.id)
            elif isinstance(node, ast.Attribute):
                owners.add(id(node.value))
                self._attribute(path, module, node, follow=follow)
            elif isinstance(node, ast.Call) and follow:
                self._call(path, module, node)
        if follow and path == self._own[0]:
            for part in parts:
                for node in [part] if isinstance(part, ast.expr) else children(part):
                    if isinstance(node, ast.expr):
                        fed = [id(each) for each in self._flow.feeding(node)]
                        known = [module.statement[i] for i in fed if i in module.statement]
                        self._queue(path, known, follow=True)

    def _note(self, path: str, function: ast.AST | None, statement: ast.AST, text: str) -> None:
        self._count += 1
        if self._count > MAX_STATEMENTS:
            raise TooLargeError
        place = (getattr(statement, "lineno", 0), getattr(statement, "col_offset", 0))
        self.texts.setdefault((path, id(function)), {})[place] = text

    def _whole_module(self, path: str, module: Statements, name: str) -> None:
        """Follow all that stands in a module which is taken as a whole, as by `getattr`."""
        for imported in module.imports.get(name, ()):
            target, rest = self._fingerprints.graph.resolve(path, imported)
            other = self._statements(target) if target and not rest else None
            if other is not None and target != self._own[0]:
                self._queue(target, other.module.body, follow=True)

    def _name(self, path: str, module: Statements, name: str, rest: str, *, follow: bool) -> None:
        self.names.add(name)
        if (follow, path, f"{name}.{rest}") in self._seen_names:
            return
        self._seen_names.add((follow, path, f"{name}.{rest}"))
        if follow or not self._is_followed(path, name):
            self._queue(path, module.stores.get(name, ()), follow=follow)
        for definition in module.functions.get(name, ()):
            self._definition(path, module, definition, follow=follow)
        # What is handed to a call counts as stored, so that is no sign of where a name comes from.
        known = name in module.imports or name in module.functions
        if not known and "*" in module.imports and name not in _BUILTINS:
            self.names.add("globals")
        for imported in module.imports.get(name, ()):
            whole = f"{imported}.{rest}".rstrip(".")
            target, wanted = self._fingerprints.graph.resolve(path, whole)
            other = self._statements(target) if target and target != path else None
            if other is None:
                self.outside.add(f"{whole} {plain(name)}")
                continue
            first, _, further = wanted.partition(".")
            if first:
                known = first in other.stores or first in other.functions or first in other.imports
                for each in (first,) if known else (first, "__getattr__"):
                    self._name(target, other, each, further, follow=follow)
            self.outside.add(f"{first} {plain(name)}")

    def _is_followed(self, path: str, name: str) -> bool:
        return (True, path, f"{name}.") in self._seen_names

    def _attribute(
        self, path: str, module: Statements, node: ast.Attribute, *, follow: bool
    ) -> None:
        self.names.add(node.attr)
        own = isinstance(node.value, ast.Name) and plain(node.value.id) in ("self", "cls")
        if follow and (own or path == self._own[0]):
            self._queue(path, module.stores.get(f".{node.attr}", ()), follow=True)
        for each in module.functions.get(f".{node.attr}", ()) if follow else ():
            if own or _is_object_of(node.value, each, module):
                self._definition(path, module, each, follow=True)
        if dotted := _dotted(node):
            self._name(path, module, *dotted, follow=follow)

    def _call(self, path: str, module: Statements, call: ast.Call) -> None:
        """Follow what a function does to what it is given."""
        name = ""
        if isinstance(call.func, ast.Name):
            name = call.func.id
        elif isinstance(call.func, ast.Attribute):
            name = f".{call.func.attr}"
        for function in module.functions.get(name, ()):
            if isinstance(function, Function):
                for parameter, _ in parameters_given(function, call):
                    self._queue(path, module.stores.get(parameter, ()), follow=True)

    def _definition(
        self,
        path: str,
        module: Statements,
        definition: Function | ast.ClassDef,
        *,
        follow: bool,
    ) -> None:
        """Add a function by what it returns, a class by what it begins with; or just its text."""
        if not follow:
            text = _without_docstrings(definition)
            self._note(path, definition, definition, text)
            return
        self._queue(path, [definition], follow=isinstance(definition, ast.ClassDef))
        if isinstance(definition, Function):
            own = path == self._own[0]
            # What another module does with what it is given may be what was found.
            within = module.results_of(definition) if own else module.inside(definition)
            self._queue(path, within, follow=True)
            return
        if path != self._own[0]:
            self._classes.append((path, module, definition))
        self._queue(
            path, (e for e in definition.body if not (blocks_of(e) or _is_remark(e))), follow=True
        )
        for each in definition.body:
            if isinstance(each, Function) and each.name in _RUN_UNSEEN:
                self._queue(path, module.inside(each), follow=True)


class Fingerprints:
    """Makes the fingerprints of what was found in one artifact."""

    def __init__(self, tree: Path, graph: Callable[[], ModuleGraph]) -> None:
        """Take an unpacked artifact; its modules are read when there is something to identify."""
        self._tree = tree
        self._read = graph
        self._modules: dict[str, Statements | None] = {}

    @cached_property
    def graph(self) -> ModuleGraph:
        """The modules of the artifact."""
        return self._read()

    @cached_property
    def afar(self) -> Afar:
        """What its modules change in each other."""
        return Afar(self.graph)

    @cached_property
    def start_up(self) -> list[str]:
        """The lines that Python runs when it starts, of files that are no modules."""
        files = [each for each in regular_files(self._tree) if each.suffix in (".pth", ".start")]
        texts = (each.read_bytes().decode("utf-8", "replace") for each in files)
        lines = (line.strip() for text in texts for line in text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in regular_files(self._tree):
            if path.name not in ("__init__.py", "RECORD"):
                found.setdefault(path.name, []).append(path)
        return found

    def statements(self, path: str) -> Statements | None:
        """Give the statements of a module; None of one that can't be read."""
        if path not in self._modules:
            try:
                text = self.graph.modules[path].decode("utf-8", "replace")
                self._modules[path] = Statements(parse(text))
            except (NotPythonError, TooHardError):
                self._modules[path] = None
        return self._modules[path]

    def of(self, sink: Sink, flow: Flow, module: ast.Module, path: str, when: Sequence[str]) -> str:
        """Identify what leads to a sink.

        Where that reads files that can't be named, all of the artifact identifies it, so that
        another release has the same only when it is the same. Where it is too much, as in programs
        of which all depends on all, the statement does as in a function that waits.

        Args:
            sink: what was found.
            flow: of the nodes that run.
            module: that they belong to.
            path: of the module, relative to the tree.
            when: what makes it run: that counts as well.

        Raises:
            OSError: a file can't be read.
        """
        found = _Slice(self, path, flow, Statements(module, flow.nodes))
        try:
            for node in sink.nodes:
                found.add(node)
            data = self._data_of(found)
            if data is None and sink.behaviour.rule not in _BY_DATA and not self._may_import(found):
                data = self._modules_of(found) if found.names & _ROUNDABOUT else []
        except TooLargeError:
            return fingerprint_of([*when, self.of_waiting(sink, flow, module, path)])
        except (RecursionError, MemoryError):
            data = None
        if data is None:
            return fingerprint_of([sink.behaviour.rule, *when, *self._everything])
        texts = sorted(
            "\n".join(texts[place] for place in sorted(texts)) for texts in found.texts.values()
        )
        parts = [
            sink.behaviour.rule,
            *when,
            *texts,
            *sorted(found.outside | found.afar),
            *(self._remarks_of(found) if "__doc__" in found.names else ()),
            *data,
        ]
        return fingerprint_of(parts)

    def of_receivers(
        self, sink: Sink, flow: Flow, module: ast.Module, path: str
    ) -> list[str] | None:
        """Identify by whom it leads to what sends something, or runs what it has fetched.

        Programs change how they say something more often than whom they say it to, and whoever
        takes a project over needs an address of their own: in the code, encoded, or in a file.

        Returns:
            One for each address and each encoded text; [] where that does not identify it, None
            where nothing is known of it: see `NOISY`.

        Raises:
            OSError: a file can't be read.
        """
        found = _Slice(self, path, flow, Statements(module, flow.nodes))
        of_nodes = {id(node) for node in sink.nodes}
        known = [flow.address(call) for call in flow.calls if id(call.node) in of_nodes]
        data: list[str] | None = []
        too_large = False
        try:
            for node in sink.nodes:
                found.add(node)
            data = self._data_of(found)
        except TooLargeError:
            too_large = True
            found = _Slice(self, path, flow, Statements(module, flow.nodes))
            for node in sink.nodes:
                found.add_near(node)
        except (RecursionError, MemoryError):
            return []
        if data is None or (not too_large and found.names & _MAKES_TEXTS):
            return []
        addresses = {each for text in found.constants for each in addresses_given(text)}
        addresses |= {each for text in (*found.afar, *known) for each in addresses_in(text)}
        if sink.behaviour.rule != "runs-downloaded-code":
            addresses = {each for each in addresses if not is_to_read(each)}
        encoded = {each for text in found.constants for each in _ENCODED.findall(text)}
        if too_large and not (addresses or encoded):
            if sink.behaviour.rule in NOISY:
                return None
            statements = Statements(module, flow.nodes)
            function = statements.function_of(statements.statement[id(sink.nodes[0])])
            name = plain(function.name) if function else ""
            return [fingerprint_of((sink.behaviour.rule, "waits in", name))] if name else []
        return [
            *map(receiver_fingerprint, sorted(set(map(owner_of, addresses)))),
            *(fingerprint_of(("is given", each)) for each in sorted(encoded | set(data))),
        ]

    def of_waiting(self, sink: Sink, flow: Flow, module: ast.Module, path: str) -> str:
        """Identify what a function does when it is called.

        That is the statement, its function's name, and the addresses and encoded texts that lead
        there, or stand in the function where there is too much that does: functions change from
        release to release, and this is only asked of new ones.

        Raises:
            OSError: a file can't be read.
        """
        statements = Statements(module, flow.nodes)
        found = _Slice(self, path, flow, statements)
        too_large = False
        try:
            found.add(sink.nodes[0])
        except TooLargeError:  # where it stopped says nothing
            too_large = True
            found = _Slice(self, path, flow, statements)
        parts = [sink.behaviour.rule, "waits"]
        near: set[str] = set()
        for node in sink.nodes:
            statement = statements.statement[id(node)]
            function = statements.function_of(statement)
            if too_large:
                found.add_near(function or statement)
            for each in ast.walk(function or statement):
                near.add(last_name(each))
            parts += [
                _text(statement, _own_part(statement)),
                plain(function.name if function else ""),
            ]
        afar = self.afar.changing(path, set(map(plain, near)), {})
        texts = found.constants | (found.remarks if "__doc__" in found.names else set())
        pointed = {owner_of(each) for text in texts for each in addresses_given(text)}
        pointed |= {each for text in (*texts, *afar) for each in _ENCODED.findall(text)}
        pointed |= {owner_of(each) for text in afar for each in addresses_in(text)}
        return fingerprint_of([*parts, *sorted(pointed)])

    def _remarks_of(self, found: _Slice) -> list[str]:
        """Give the docstrings of the modules that a flow comes through: data for who reads them."""
        paths = {path for path, _ in found.texts}
        modules = (module.module for each in paths if (module := self.statements(each)))
        return sorted(
            unparsed(node) for module in modules for node in ast.walk(module) if _is_remark(node)
        )

    def _modules_of(self, found: _Slice) -> list[str]:
        """Give the digests of the modules that a flow comes through."""
        paths = {path for path, _ in found.texts}
        known = (self.graph.modules[each] for each in paths if each in self.graph.modules)
        return sorted(hashlib.sha256(each).hexdigest() for each in known)

    def _may_import(self, found: _Slice) -> bool:
        """Whether a flow imports something by a text that names a module of the package, or one
        that nobody knows."""
        if not found.names & _IMPORTS:
            return False
        names = [each for each in found.constants if re.fullmatch(r"\.*\w+(?:\.\w+)*", each)]
        return not names or any(
            self.graph.resolve(path, each)[0] for path, _ in found.texts for each in names
        )

    @cached_property
    def _everything(self) -> list[str]:
        """Give the path and digest of each file but for those that only describe the release."""
        found = []
        for path in regular_files(self._tree):
            relative = path.relative_to(self._tree)
            if not relative.parts[0].endswith(".dist-info"):
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                found.append(f"{relative.as_posix()} {digest}")
        return found

    def _data_of(self, found: _Slice) -> list[str] | None:
        """Give the digests of the package's files that a flow names; None when it names too few."""
        digests = set()
        for constant in found.constants:
            for path in self._files.get(constant.replace("\\", "/").rpartition("/")[2], ()):
                if path.stat().st_size > _MAX_DATA_BYTES:
                    return None
                with path.open("rb") as file:
                    digests.add(hashlib.file_digest(file, "sha256").hexdigest())
        if found.names & _ROUNDABOUT or self._may_import(found):
            return None
        reads = found.names & _OWN_FILES or any(e.startswith(_RESOURCES) for e in found.outside)
        return None if reads and not digests else sorted(digests)


def of_whole_file(rule: str, content: bytes, when: Sequence[str]) -> str:
    """Identify what was found in a file as a whole, which can't be looked into."""
    return fingerprint_of([rule, *when, hashlib.sha256(content).hexdigest()])


def of_statement(sink: Sink) -> str:
    """Identify what was found by the statement alone, whatever its names stand for."""
    texts = [plain(unparsed(each)) for each in sink.nodes]
    return fingerprint_of([sink.behaviour.rule, *texts])


def graph_of(tree: Path, running: RunningFiles) -> ModuleGraph:
    """Read the modules of a tree, but for scripts.

    Raises:
        OSError: a file can't be read.
    """
    paths = {
        path.relative_to(tree).as_posix(): path
        for path in regular_files(tree)
        if path.suffix == ".py"
    }
    return ModuleGraph(
        {
            name: read_source(path.read_bytes()).code
            for name, path in paths.items()
            if running.when(name) is not Runs.NEVER
        },
        running.is_of_a_build,
    )


def occasion(path: str, running: RunningFiles, graph: ModuleGraph) -> str:
    """Say when a file runs: a flow that is moved to where it runs sooner is another one."""
    if runs_at_start(path):
        return "start"
    if running.whole(path) or running.is_of_a_backend(path) or running.is_of_a_build(path):
        return "install"
    if running.when(path) is not Runs.IMPORTED:
        return "import" if running.when(path) is Runs.AT_ONCE else "never"
    seen, waiting = {path}, [path]
    for each in waiting:  # it grows meanwhile
        importers = [name for name in graph.importers(each) if name not in seen]
        if any(running.when(name) is Runs.AT_ONCE for name in importers):
            return "imported"
        seen.update(importers)
        waiting += importers
    return ALONE


def _walk(node: ast.AST) -> list[ast.AST]:
    """Give a node and all below it, without annotations, which change nothing."""
    nodes = [node]
    for each in nodes:  # it grows meanwhile
        nodes += children(each)
    return nodes


def _conditions(statement: ast.stmt, statements: Statements) -> Iterator[ast.stmt]:
    """Give what decides whether a statement is reached."""
    inner: ast.stmt = statement
    for each in (statement, *statements.around[id(statement)]):
        if isinstance(each, Function | ast.ClassDef) and each is not statement:
            break
        inner = each
        if each is not statement and isinstance(each, _BLOCKS):
            yield each
        for earlier in statements.before[id(inner)]:
            if isinstance(earlier, ast.If) and any(
                isinstance(block[-1], _LEAVES) for block in blocks_of(earlier) if block
            ):
                yield earlier


def _own_part(statement: ast.stmt) -> list[ast.AST]:
    """Give a statement's nodes without the blocks below it; of a simple one itself."""
    if not blocks_of(statement):
        return [statement]
    if isinstance(statement, Function):
        return [statement.args, *statement.decorator_list]
    return [each for each in ast.iter_child_nodes(statement) if not is_block(each)]


def _text(statement: ast.stmt, parts: Sequence[ast.AST]) -> str:
    if parts == [statement]:
        return unparsed(statement)
    name = getattr(statement, "name", "")
    return f"{type(statement).__name__} {plain(name)} {' '.join(map(unparsed, parts))}"


def _without_docstrings(definition: Function | ast.ClassDef) -> str:
    """Give the text of a definition."""
    defined = [n for n in ast.walk(definition) if isinstance(n, Function | ast.ClassDef)]
    bodies = [each.body for each in defined]
    for each in defined:
        each.body = [inner for inner in each.body if not _is_remark(inner)] or [ast.Pass()]
    try:
        return unparsed(definition)
    finally:
        for each, body in zip(defined, bodies, strict=True):
            each.body = body


def _is_remark(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _dotted(node: ast.Attribute) -> tuple[str, str] | None:
    """Split `a.b.c` into `a` and `b.c`."""
    parts = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    return (value.id, ".".join(reversed(parts))) if isinstance(value, ast.Name) else None


def _is_object_of(base: ast.expr, method: ast.stmt, statements: Statements) -> bool:
    """Whether a method may be one of this object: its class is called here, or it is not known."""
    owner = statements.class_of(method)
    return owner is not None and (owner.name in statements.calls or isinstance(base, ast.Call))
