"""What the modules of a package change in each other.

`core.URL = …` in one module changes what another one does, where nothing of it can be seen. So does
whatever else is stored into something of another module, or calls a method that may change it, or
hands it to something that may.
"""

import ast
import builtins
import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from pathlib import PurePosixPath

from package_gate.scanners.behaviour.expressions import HIDDEN, Expressions
from package_gate.scanners.behaviour.module_graph import ModuleGraph
from package_gate.scanners.behaviour.statements import ONLY_SAY, Statements
from package_gate.scanners.build_reach import waits
from package_gate.scanners.import_time import reach_of
from package_gate.scanners.nodes import children
from package_gate.scanners.scopes import is_local, plain

CHANGES_ITS_OBJECT = frozenset(
    {
        *("append", "appendleft", "extend", "extendleft", "insert", "pop", "popleft", "popitem"),
        *("remove", "discard", "clear", "sort", "reverse", "rotate", "add", "update"),
        *("setdefault", "move_to_end", "intersection_update", "difference_update"),
        "symmetric_difference_update",
    }
)
"""Methods of lists, dictionaries, sets and queues; any that has underscores may do so too."""
_SET = {"setattr", "delattr", "object.__setattr__", "object.__delattr__", "type.__setattr__"}
_SET_BY_METHOD = {"__setattr__", "__delattr__"}
_ALL_OF_IT = {"*", "__dict__", "__globals__", "__builtins__"}
"""Through these all of a module can be changed."""
_MODULES = "sys.modules[]."
_ANY_MODULE = re.compile(r"sys\.modules(?:\.\w+\(\))?(?:\[\])*\.(?!\w+\()")
_UNKNOWN = "?."
"""Begins the name of what is set of an object that may come from anywhere."""
_IMPORTERS = {"__import__", "importlib.import_module", "importlib.__import__"}
_ONLY_ATTRIBUTES = {"os", "sys"}
"""Modules whose lists and dictionaries every program changes: `os.environ`, `sys.path`."""
_BUILTINS = {*dir(builtins)}
_HARMLESS = {*_BUILTINS, *ONLY_SAY} - {"map", "next", "setattr", "delattr", "super", "type"}
"""Functions that leave what they are given as it is."""
_CHANGEABLE = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
_GIVE_CONSTANTS = {
    *("getenv", "get", "str", "int", "float", "bool", "tuple", "frozenset", "compile", "join"),
    *("getLogger", "Path", "TypeVar", "namedtuple", "format", "strip", "replace", "read_text"),
}
_HOPS = 6
"""Modules that hand something on that they have imported themselves."""
_IMPORT_LINE = re.compile(
    rb"^[ \t]*+(?:from[ \t]++[\w.]++[ \t]++)?import\b[ \t]*+"
    rb"(?:\([\w\s,]*+\)|[\w., \t]++)$",
    re.MULTILINE,
)
_WORD = re.compile(rb"([^\W\d]\w*+)(\s*+\()?")
_ROUNDABOUT = (
    *(b"modules", b"import_module", b"__import__", b"_globals", b"get_objects", b"resolve_name"),
    *(b"locate", b"patch"),
)
"""Ways to other modules that are not imports."""
_RENAMED = re.compile(rb"([^\W\d]\w*+)\s++as\s++([^\W\d]\w*+)")
_SETS = re.compile(
    rb"(?<![\w.])(?!self\b|cls\b)\w++(?:\s*+\.\s*+\w++)++(?:\[[^\]\n]*+\])*+\s*+"
    rb"(?:[-+*/%&|^@]{0,2}=(?!=)|:[^\n=]+=)"
    rb"|^[ \t]*+(?=[^\n=]*\.)(?=[^\n=]*,)(?:[\w.\[\]*, )]|(?<!\w)\()++=(?!=)"
    rb"|\bfor\s(?:(?!\bin\b)[\w, ()*])*+\.|\bas\s++\(?\w++[ \t]*+\.[ \t]*+\w++[ \t]*+[:,)]"
    rb"|(?:setattr|delattr|vars|__set\w+)\s*+\([^\n,)]*+|[\w.]++\.__dict__",
    re.MULTILINE,
)
"""What looks as if an attribute were set of what is not an object of the own class."""
_IMPORTED = (
    rb"\bfrom\s++%b\b[\w. ]*+\s*+import\b\s*+(?:\([^)]*+\)|[^\n;]*+)"
    rb"|\bimport\s[^\n;]*?\b%b\b[^\n;]*+"
)
_ALIAS = re.compile(rb"([^\W\d]\w*+)\s*+(?::[^=\n]*+)?=\s*+([^\W\d]\w*+)[\w. ]*+$", re.MULTILINE)
_STANDARD = {"os", "builtins", "ssl", "http", "urllib", "socket", "smtplib", "ftplib"}
_ANY_NAME = (b"setattr", b"delattr", b"__dict__", b"vars", b"__set")
"""Ways to change what is not named."""
_DOTTED = re.compile(r"\w+(?:\.\w+)+")

Used = Mapping[str, Collection[str]]
Setters = Mapping[tuple[str, str], bool]


class _How(Enum):
    """How something may be changed."""

    SET = auto()
    CHANGED = auto()
    """By a method of its own."""
    CALLED = auto()
    CALLED_WITH = auto()
    """It is given something."""
    GIVEN = auto()
    """To a function."""
    NAMED = auto()
    """In a text, to a function."""
    TAKEN = auto()
    """Elsewhere: under another name, say."""


@dataclass(frozen=True, slots=True)
class _Change:
    how: _How
    name: str
    """Dotted, as the module has it that does it."""
    statement: ast.stmt


class Afar:
    """Finds what changes the things that a flow uses in other modules."""

    def __init__(self, graph: ModuleGraph, statements: Callable[[str], Statements | None]) -> None:
        """Take the modules and what reads them."""
        self._graph = graph
        self._statements = statements
        self._changes: dict[str, list[_Change]] = {}
        self._aliases: dict[str, list[tuple[str, str]]] = {}
        self._known_by: dict[str, frozenset[str]] = {}
        self._known_sets: dict[tuple[str, str], bool] = {}
        self._ways: dict[str, tuple[bool, bool]] = {}
        self._words: dict[str, frozenset[str]] = {}
        self._places: dict[tuple[str, str], tuple[str, str]] = {}

    def changing(
        self, used: Used, outside: Collection[str], setters: Setters, names: Collection[str]
    ) -> Iterator[tuple[str, ast.stmt]]:
        """Yield the statements that may change what a flow uses, with their modules.

        Args:
            used: module → names in it that the flow comes by.
            outside: roots of other packages that it uses.
            names: of attributes as well, wherever they are.
            setters: functions and methods, with their modules, that store what they are given
                where the flow finds it; whether they do so only when they are given something.
        """
        called = {target: self._called(target, names) for target, names in used.items()}
        knowing = {each for target in used for each in self._knowing(target)}
        libraries = {each for each in outside if each in _STANDARD or _is_third(each)}
        for path in self._looked_at:
            if self._may_change(path, called, libraries, setters):
                changes = self._changes_in(path)
                asked = any(
                    each.name.removeprefix(_UNKNOWN) in {"*", *names}
                    for each in changes
                    if each.name.startswith(_UNKNOWN)
                )
                takes = asked and any(
                    self._takes(path, change, used, knowing) for change in changes
                )
                for change in changes:
                    _, unknown, attribute = change.name.partition(_UNKNOWN)
                    by_the_way = unknown and takes and attribute in {"*", *names}
                    if by_the_way or self._counts(path, change, used, libraries, setters, knowing):
                        yield path, change.statement

    @cached_property
    def _looked_at(self) -> list[str]:
        """The modules that run when nobody tests anything."""
        return [
            path
            for path in self._graph.modules
            if not waits(path) or not all(map(waits, self._graph.importers(path)))
        ]

    def _called(self, target: str, names: Collection[str]) -> tuple[set[str], set[str]]:
        """Give what a module's own among these names may be called elsewhere, and the module."""
        other = self._statements(target) if target in self._graph.modules else None
        stored = {*other.stores} - other.imports.keys() - _BUILTINS if other else set()
        own = set(names) & (stored | other.functions.keys() if other else set())
        module = {target.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]}
        for path in self._graph.importers(target):
            if path not in self._aliases:
                pairs = _RENAMED.findall(self._graph.modules[path])
                self._aliases[path] = [(old.decode(), new.decode()) for old, new in pairs]
            for old, new in self._aliases[path]:
                for each in (own, module):
                    each.update({new} if old in each else ())
        return own, module

    def _may_change(
        self,
        path: str,
        used: Mapping[str, tuple[set[str], set[str]]],
        libraries: Collection[str],
        setters: Setters,
    ) -> bool:
        """Whether the text of a module has what may change something of these."""
        content = self._content(path)
        if any(self._sets(path, each) for each in libraries):
            return True
        if path not in self._ways:
            self._ways[path] = (
                any(each in content for each in _ROUNDABOUT),
                any(each in content for each in _ANY_NAME),
            )
        roundabout, any_name = self._ways[path]
        if roundabout and any_name:
            return True
        for target, (own, modules) in used.items():
            if target == path:
                return True
            if not roundabout and path not in self._knowing(target):
                continue
            wanted = {each for each in (*own, *modules) if each.encode() in content}
            if wanted and not self._words_of(path).isdisjoint(wanted):
                return True
            if any(each.encode() in content for of, each in setters if of in (target, "")):
                return True
        return False

    def _content(self, path: str) -> bytes:
        """Give the text of a module with its names as Python reads them."""
        content = self._graph.modules[path]
        if content.isascii():
            return content
        return unicodedata.normalize("NFKC", content.decode("utf-8", "replace")).encode()

    def _sets(self, path: str, library: str) -> bool:
        """Whether a module looks as if it set something of a library."""
        if (path, library) not in self._known_sets:
            content, root = self._content(path), library.encode()
            self._known_sets[path, library] = root in content and _sets(content, root)
        return self._known_sets[path, library]

    def _knowing(self, target: str) -> frozenset[str]:
        """Give the modules that import one, a package of it, or what may hand it on."""
        if target not in self._known_by:
            first = self._graph.importers(target)
            folders = [f"{each}/__init__.py" for each in PurePosixPath(target).parents]
            more = (each for one in (*first, *folders) for each in self._graph.importers(one))
            self._known_by[target] = frozenset((*first, *more))
        return self._known_by[target]

    def _words_of(self, path: str) -> frozenset[str]:
        """Give the words of a module but for what it only imports, or only calls."""
        if path not in self._words:
            found = _WORD.findall(_IMPORT_LINE.sub(_renaming, self._content(path)))
            words = (word.decode("utf-8", "replace") for word, call in found if not call)
            self._words[path] = frozenset(words)
        return self._words[path]

    def _changes_in(self, path: str) -> list[_Change]:
        if path not in self._changes:
            statements = self._statements(path)
            self._changes[path] = list(_Finder(statements)) if statements else []
        return self._changes[path]

    def _counts(
        self,
        path: str,
        change: _Change,
        used: Used,
        outside: Collection[str],
        setters: Setters,
        knowing: Collection[str],
    ) -> bool:
        how, name = change.how, change.name.replace(HIDDEN, "")
        if any_module := _ANY_MODULE.match(name):
            first = name[any_module.end() :].partition(".")[0].partition("[")[0]
            all_of_it = first in _ALL_OF_IT
            return how is _How.SET and (all_of_it or any(first in each for each in used.values()))
        for target, rest in self._leads(path, name, knowing):
            first, *further = rest.split(".")
            last = further[-1] if further else first
            names = used.get(target, ())
            if target == path and how is not _How.SET:
                continue  # what a module does with its own is known
            if how in (_How.CALLED, _How.CALLED_WITH):
                of_method = setters.get(("", last)) if first in names else None
                needs = setters.get((target, last), of_method)
                if needs is False or (needs and how is _How.CALLED_WITH):
                    return True
            elif not target:
                attribute = how is _How.SET and bool(further) and not set(name) & set("([")
                of_others = first not in _ONLY_ATTRIBUTES and how in (_How.SET, _How.CHANGED)
                if first in outside and (attribute or (of_others and further and "(" not in name)):
                    return True
            elif not names:
                continue
            elif not first or _ALL_OF_IT & {first, *further}:
                if first or how not in (_How.CHANGED, _How.NAMED):
                    return True
            elif first in names and self._can_change(how, name, target, first):
                return True
        return False

    def _takes(self, path: str, change: _Change, used: Used, knowing: Collection[str]) -> bool:
        """Whether a module has an object of the flow under a name that is not followed."""
        return change.how in (_How.TAKEN, _How.GIVEN) and any(
            not rest
            or (
                rest.partition(".")[0] in used[target]
                and self._can_change(_How.GIVEN, "", target, rest.partition(".")[0])
            )
            for target, rest in self._leads(path, change.name.replace(HIDDEN, ""), knowing)
            if target in used and target != path
        )

    def _can_change(self, how: _How, name: str, target: str, first: str) -> bool:
        """Whether this happens to what the name stands for, not to a copy or a new object."""
        if how in (_How.TAKEN, _How.NAMED):
            return how is _How.NAMED
        other = self._statements(target)
        defined = other.functions.get(first, ()) if other else ()
        if how is _How.CHANGED:
            return not defined
        if how is _How.GIVEN:
            stores = other.stores.get(first, ()) if other else ()
            return not defined and any(_is_changeable(each) for each in stores)
        return "(" not in name or not any(isinstance(each, ast.ClassDef) for each in defined)

    def _leads(self, path: str, name: str, knowing: Collection[str]) -> Iterator[tuple[str, str]]:
        """Give the modules and the names in them that a dotted name leads to, one after another."""
        waiting = [(path, name.replace("()", "").replace("[]", ""))]
        for number, (where, wanted) in enumerate(waiting):  # it grows meanwhile
            if (where, wanted) not in self._places:
                self._places[where, wanted] = self._graph.resolve(where, wanted)
            target, rest = self._places[where, wanted]
            if not target and not number and "." not in wanted:
                target, rest = path, wanted  # it is the module's own
            yield target, rest if target else wanted
            other = self._statements(target) if rest and target in knowing else None
            if other is None or number > _HOPS:
                continue
            first, dot, further = rest.partition(".")
            for imported in other.imports.get(first, ()):
                waiting.append((target, f"{imported}{dot}{further}"))
            if first not in other.imports and first not in other.stores:
                for star in other.imports.get("*", ()):
                    waiting.append((target, f"{star.removesuffix('*')}{rest}"))


class _Finder:
    """Goes through a module for what may change others."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._nodes = reach_of(statements.module).nodes
        self._expressions = Expressions(self._nodes)

    def __iter__(self) -> Iterator[_Change]:
        inside = {id(part) for each in self._nodes for part in _read(each)}
        called = {id(each.func) for each in self._nodes if isinstance(each, ast.Call)}
        for node in self._nodes:
            statement = self._statements.statement.get(id(node))
            if statement is None:
                continue
            if isinstance(node, ast.Attribute | ast.Subscript) and self._is_unknown(node):
                attribute = node.attr if isinstance(node, ast.Attribute) else "*"
                yield _Change(_How.SET, f"{_UNKNOWN}{attribute}", statement)
            elif isinstance(node, ast.Name) and node.id in _SET and id(node) not in called:
                yield _Change(_How.SET, f"{_UNKNOWN}*", statement)
            for how, name in self._of(node, statement):
                if not is_local(name.partition(".")[0]):
                    yield _Change(how, name, statement)
            if (
                isinstance(node, ast.Name | ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and id(node) not in inside
                and id(node) not in called
                and _root(node) in self._expressions.imports
            ):
                for name in self._expressions.names(node):
                    yield _Change(_How.TAKEN, name, statement)

    def _is_unknown(self, node: ast.Attribute | ast.Subscript) -> bool:
        """Whether something is set of an object that is not simply imported, nor the own one."""
        root = _root(node)
        known = root in self._expressions.imports or plain(root) in ("self", "cls")
        return not isinstance(node.ctx, ast.Load) and not known

    def _of(self, node: ast.AST, statement: ast.stmt) -> Iterator[tuple[_How, str]]:
        names = self._expressions.names
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            for owner in names(node.value) or self._of_unknown(node.value):
                yield _How.SET, f"{owner}.{node.attr}"
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            owned = names(node)
            for each in owned or self._of_unknown(node.value):
                yield _How.SET, each if owned else f"{each}.*"
        elif isinstance(node, ast.Name) and isinstance(statement, ast.AugAssign):
            if node is statement.target and node.id in self._expressions.imports:
                yield _How.SET, self._expressions.imports[node.id]
        elif isinstance(node, ast.Call):
            yield from self._of_call(node, statement)

    def _of_call(self, call: ast.Call, statement: ast.stmt) -> Iterator[tuple[_How, str]]:
        names, function = self._expressions.names, call.func
        functions = names(function)
        how = _How.CALLED_WITH if call.args or call.keywords else _How.CALLED
        yield from ((how, each) for each in functions)
        if isinstance(function, ast.Attribute):
            value = statement.value if isinstance(statement, ast.Expr) else None
            alone = (value.value if isinstance(value, ast.Await) else value) is call
            changes = function.attr in CHANGES_ITS_OBJECT or function.attr.startswith("__")
            if changes or (alone and function.attr not in ONLY_SAY):
                for each in names(function.value):
                    yield _How.CHANGED, each
                    if each.endswith("__dict__") or function.attr in _SET_BY_METHOD:
                        yield _How.SET, f"{each}.*"
        given = [*call.args, *(each.value for each in call.keywords)]
        if functions & _SET and len(call.args) > 1:
            for owner in names(call.args[0]) or self._of_unknown(call.args[0]):
                for text in self._expressions.text(call.args[1]).split("\n"):
                    yield _How.SET, f"{owner}.{text if text.isidentifier() else '*'}"
        for argument in () if functions and functions <= _HARMLESS else given:
            whole = argument.value if isinstance(argument, ast.Starred) else argument
            if isinstance(whole, ast.Name | ast.Attribute):
                yield from ((_How.GIVEN, name) for name in names(whole))
            elif isinstance(whole, ast.Constant) and _DOTTED.fullmatch(str(whole.value)[:200]):
                yield _How.NAMED, str(whole.value)

    def _of_unknown(self, owner: ast.expr) -> list[str]:
        """Say that something is any module, when it was imported by a name that is not known."""
        root = _root(owner)
        values = [*self._expressions.values.get(root, ())] if root else ast.walk(owner)
        found = [each for each in values if isinstance(each, ast.Call)]
        known = any(_IMPORTERS & self._expressions.names(each.func) for each in found)
        return [_MODULES.rstrip(".")] if known else []


def _sets(content: bytes, root: bytes) -> bool:
    """Whether a module looks as if it set something of a library."""
    content = content.replace(b"os.environ[", b"")  # every program sets variables
    imported = re.findall(_IMPORTED % (root, root), content)
    bound = {word for each in imported for word, _ in _WORD.findall(each)}
    if bound:
        bound |= {alias for alias, of in _ALIAS.findall(content) if of in bound}
    return any(
        bound & {word for word, _ in _WORD.findall(match[0])}
        for match in (_SETS.finditer(content) if bound else ())
    )


def _is_changeable(statement: ast.stmt) -> bool:
    """Whether a statement may give a name something that can be changed."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call):
        function = value.func
        name = getattr(function, "attr", getattr(function, "id", ""))
        return name not in _GIVE_CONSTANTS
    return isinstance(value, _CHANGEABLE)


def _read(node: ast.AST) -> Iterable[ast.AST]:
    """Give the parts of a node that it only reads something of."""
    if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.FormattedValue):
        return [node.value]
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return [node.test]
    return children(node) if isinstance(node, ast.Compare | ast.BinOp | ast.UnaryOp) else []


def _is_third(root: str) -> bool:
    return bool(root) and root not in sys.stdlib_module_names


def _renaming(line: re.Match[bytes]) -> bytes:
    return line[0] if _RENAMED.search(line[0]) else b""


def stores_outside(node: ast.AST) -> bool:
    """Whether a node of a function gives a value to what outlives its call."""
    if isinstance(node, ast.Name):
        return not isinstance(node.ctx, ast.Load) and not is_local(node.id)
    target: ast.expr | None = None
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        target = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        changes = node.func.attr in CHANGES_ITS_OBJECT or node.func.attr.startswith("__")
        target = node.func.value if changes else None
    root = _root(target) if target is not None else ""
    return bool(root) and (not is_local(root) or plain(root) in ("self", "cls"))


def _root(node: ast.expr) -> str:
    """Name what an attribute's attribute begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
