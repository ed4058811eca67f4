"""Where the data of a Python file comes from, as far as it can be followed without running it.

A label says what a value may hold. It flows through expressions, assignments, loops, arguments,
results, and files that are written and read. Which statement comes first is not asked, and names
are one for the whole file: what looks at the result asks for a rare combination.
"""

import ast
import re
import sys
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache
from typing import Any, Protocol, TypeVar

from package_gate.scanners.behaviour import tables as tables
from package_gate.scanners.behaviour.expressions import HIDDEN, METHOD_CALLER, Expressions, targets
from package_gate.scanners.behaviour.folding import UNKNOWN
from package_gate.scanners.import_time import parameters_given
from package_gate.scanners.nodes import Function, children
from package_gate.scanners.scopes import Arms, arms_of, exclude_each_other, is_local


class Label(Enum):
    """What a value may hold."""

    DOWNLOADED = auto()
    DECODED = auto()
    SECRET = auto()
    HOST_FACTS = auto()
    SCREEN = auto()
    INTERCEPTED = auto()
    ENCRYPTED = auto()
    OTHER_PACKAGES = auto()
    MEMORY = auto()
    ENCODED = auto()
    """It was written in the code so that nobody can read it."""
    REQUEST = auto()
    """It comes with a request to a server."""
    OVERHEARD = auto()
    """What others do came with it: it was given to a function that hears of all that happens."""
    ANOTHERS = auto()
    """It is a file of another package."""
    LOOT = auto()
    """Whatever thieves look for: keys, browsers' and wallets' files, or the whole environment."""


_SOURCES: tuple[tuple[tables.Table, Label], ...] = (
    (tables.RECEIVES, Label.DOWNLOADED),
    (tables.DECODES, Label.DECODED),
    (tables.HOST_FACTS, Label.HOST_FACTS),
    (tables.SECRETS, Label.SECRET),
    (tables.STARTS, Label.HOST_FACTS),
    (tables.SCREEN, Label.SCREEN),
    (tables.OTHER_PACKAGES, Label.OTHER_PACKAGES),
    (tables.OWN_MEMORY, Label.MEMORY),
    (tables.DECODES_TEXT, Label.ENCODED),
)
_MUTATOR = re.compile(
    r"(?:add|append|attach|extend|insert|push|put|set|update|write)(?:_\w+|[a-z]*)"
    r"|read(?:_file|_string|_dict)?|load|parse"
)
"""Methods that put what they are given into their object."""
_HEADER = re.compile(r"HTTP_[A-Z][A-Z_]+")
"""A header of a request, as WSGI names it (PEP 3333)."""
_FEW_NUMBERS = re.compile(r"[@=<>!]?[a-oq-rt-zA-Z?]{1,4}")
"""A format of `struct` that makes no more than 32 bytes of numbers, and none of texts."""
_DIGEST = re.compile(r"hashlib\.\w+\(\)\.(?:hex)?digest")
_STREAMS = {".stdout", ".stderr"}
_ADDS = {"add", "addfile"}
_GIVE_TEXT = {"decode", "encode", "hex", "join", "read", "read_text", "replace", "strip"}
_SAVES = {"save", "dump", "tofile", "readinto"}
_WRITES = {"write", "writestr", "writelines", "write_text", "write_bytes"}
_ENVIRONMENT = {"os.environ", "os.environb"}
_READ_ENVIRONMENT = {"get", "pop", "setdefault"}
_CONTAINERS = ast.List | ast.Tuple | ast.Set | ast.Dict
_TEXTS = (
    (tables.CREDENTIALS, Label.SECRET),
    (tables.LOOT, Label.LOOT),
    (tables.HOST_FACTS_TEXT, Label.HOST_FACTS),
    (re.compile(r"\*[^\n*]*(?:setup|__init__)\.py(?:\n|$)"), Label.OTHER_PACKAGES),
)

Keys = set[str]
Place = tuple[str, Arms]
"""A key, and in which arms it stands where that makes a difference."""
Kind = TypeVar("Kind", bound=ast.AST)


@lru_cache(maxsize=2**10)
def _of_tables(found: frozenset[tables.Table]) -> frozenset[Label]:
    """Give what a value may hold that comes from functions of these tables."""
    return frozenset(label for table, label in _SOURCES if table in found)


@lru_cache(maxsize=2**12)
def _of_text(text: str) -> frozenset[Label]:
    """Give what a value may hold that comes with this text."""
    return frozenset(label for pattern, label in _TEXTS if pattern.search(text))


@lru_cache(maxsize=2**14)
def _known(names: frozenset[str]) -> tuple[frozenset[str], bool, frozenset[tables.Table]]:
    """Give names without `HIDDEN`, whether one had it, and the tables that have one of them."""
    plain = frozenset(name.replace(HIDDEN, "") for name in names)
    hidden = any(name.startswith(HIDDEN) for name in names)
    return plain, hidden, tables.with_any(plain)


def arguments_of(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Give the parameters that take what stands at a place in a call, or is left over."""
    for each in (*arguments.args, arguments.vararg, arguments.kwarg):
        if each is not None:
            yield each


@dataclass(frozen=True, slots=True)
class Call:
    """A call that runs, or one that something called later will make."""

    names: frozenset[str]
    """Of the function, without `HIDDEN`."""
    hidden: bool
    """Whether a computed name led to it."""
    arguments: tuple[ast.expr, ...]
    keywords: tuple[tuple[str, ast.expr], ...]
    node: ast.Call
    of_tables: frozenset[tables.Table]
    """Those that have one of the names."""

    def does(self, table: tables.Table) -> bool:
        """Whether the function is one of a table of names."""
        return table in self.of_tables

    @property
    def everything(self) -> tuple[ast.expr, ...]:
        """All arguments."""
        return (*self.arguments, *(value for _, value in self.keywords))


class Others(Hashable, Protocol):
    """Knows the other modules of a package."""

    def labels(self, name: str) -> frozenset[Label]:
        """Tell what a dotted name of another module may hold, or give when it is called."""
        ...

    def does(self, name: str) -> frozenset[str]:
        """Tell what a function of another module does with what it is given: see `Flow.uses`."""
        ...

    def is_own(self, root: str) -> bool:
        """Tell whether the module that this is asked for is below a top-level package."""
        ...


class Flow:
    """The labels of one file's running nodes."""

    def __init__(self, nodes: Sequence[ast.AST], others: Others | None = None) -> None:
        self.nodes = nodes
        self._by_kind: dict[type[ast.AST], list[Any]] = {}
        for node in nodes:
            self._by_kind.setdefault(type(node), []).append(node)
        self._others = others
        self.expressions = Expressions(nodes)
        self.calls = [call for node in self.of_kind(ast.Call) for call in self._describe(node)]
        self._summaries: dict[int, tuple[set[Label], Keys]] = {}
        self._held: dict[Place, set[Label]] = {}
        self._feeds: dict[str, list[ast.expr]] = {}
        self._sources: dict[str, list[ast.expr]] = {}
        for key, expression in self._edges():
            self._feeds.setdefault(key, []).append(expression)
        self._given: dict[str, set[Label]] = {}
        for key, label, source in self._labels_given():
            self._given.setdefault(key, set()).add(label)
            self._sources.setdefault(key, []).append(source)

    def of_kind(self, *kinds: type[Kind]) -> list[Kind]:
        """Give the nodes of these kinds."""
        return [node for kind in kinds for node in self._by_kind.get(kind, ())]

    @cached_property
    def blocks(self) -> list[ast.With | ast.AsyncWith]:
        """The `with` statements."""
        return self.of_kind(ast.With, ast.AsyncWith)

    @cached_property
    def functions(self) -> list[Function]:
        """The functions that are defined."""
        return self.of_kind(ast.FunctionDef, ast.AsyncFunctionDef)

    def labels(self, *expressions: ast.expr) -> set[Label]:
        """Tell what these may hold."""
        found: set[Label] = set()
        for expression in expressions:
            found |= self._summary(expression)[0]
            for place in self._places(expression):
                if place not in self._held:
                    self._learn(place)
                found |= self._held[place]
        return found

    def _places(self, expression: ast.expr) -> Iterator[Place]:
        """Give the places whose labels an expression takes on."""
        arms = arms_of(expression)
        for key in self._summary(expression)[1]:
            yield key, arms if is_local(key) else ()

    def _learn(self, first: Place) -> None:
        """Note what a place holds, and each that it takes on labels from, directly or not.

        Each place is looked at once, however many calls end there; what it holds is handed on to
        those that take it on until nothing is added any more.
        """
        held: dict[Place, set[Label]] = {}
        taken_on_by: dict[Place, list[Place]] = {}
        waiting = [first]
        while waiting:
            place = waiting.pop()
            if place in held:
                continue
            labels = held[place] = set(self._given.get(place[0], ()))
            for expression in self._fed(*place):
                labels |= self._summary(expression)[0]
                for source in self._places(expression):
                    if source in self._held:
                        labels |= self._held[source]
                    else:
                        taken_on_by.setdefault(source, []).append(place)
                        waiting.append(source)
        changed = list(held)
        while changed:
            place = changed.pop()
            for other in taken_on_by.get(place, ()):
                if not held[place] <= held[other]:
                    held[other] |= held[place]
                    changed.append(other)
        self._held.update(held)

    def uses(self, function: Function) -> frozenset[str]:
        """Tell what a function does with what it is given: `sends` it, or `runs` it."""
        arguments = function.args
        given = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        own = {each.arg for each in (*given, arguments.vararg, arguments.kwarg) if each}
        found = set()
        for what, table in (("sends", tables.SENDS), ("runs", tables.RUNS)):
            for call in self.calls:
                if call.does(table) and own & self._keys(*call.everything):
                    found.add(what)
        return frozenset(found)

    def done_elsewhere(self, call: Call) -> set[str]:
        """Tell what a function of another module does with what this call gives it."""
        if self._others is None:
            return set()
        return {w for name in self._elsewhere(call.names) for w in self._others.does(name)}

    def is_own(self, root: str) -> bool:
        """Whether this file is a part of a top-level package."""
        return self._others is not None and self._others.is_own(root)

    def items_set(self) -> Iterator[tuple[ast.expr, ast.expr, ast.expr]]:
        """Yield containers with the keys and the values of items that are set."""
        for node in self.of_kind(ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    yield target.value, target.slice, node.value
        for call in self.calls:
            function = call.node.func
            if not isinstance(function, ast.Attribute):
                continue
            if function.attr in ("setdefault", "__setitem__") and len(call.arguments) == 2:
                yield function.value, call.arguments[0], call.arguments[1]
            if function.attr == "update":
                for name, given in call.keywords:
                    yield function.value, ast.copy_location(ast.Constant(name), given), given
            for each in call.arguments if function.attr == "update" else ():
                if isinstance(each, ast.Dict):
                    pairs = zip(each.keys, each.values, strict=True)
                    yield from ((function.value, key, value) for key, value in pairs if key)

    def _elsewhere(self, names: Iterable[str]) -> Iterator[str]:
        """Give names as other modules have them, by way of star imports too."""
        for name in names:
            yield name
            if "." not in name:
                yield from (f"{module}{name}" for module in self.expressions.wildcards)

    def _keys(self, *expressions: ast.expr) -> Keys:
        """Give the names of all that these take on."""
        seen: Keys = set()
        waiting: list[ast.expr] = list(expressions)
        while waiting:
            expression = waiting.pop()
            for key in self._summary(expression)[1] - seen:
                seen.add(key)
                waiting += self._fed(key, arms_of(expression))
        return seen

    def _fed(self, key: str, arms: Arms) -> Iterator[ast.expr]:
        """Give what a key takes on where it stands in these arms."""
        for each in self._feeds.get(key, ()):
            if not (is_local(key) and exclude_each_other(arms, arms_of(each))):
                yield each

    def feeding(self, expression: ast.expr) -> Iterator[ast.expr]:
        """Give the expressions whose labels this one takes on directly."""
        _, keys = self._summary(expression)
        for key in sorted(keys):
            yield from self._fed(key, arms_of(expression))
            yield from self._sources.get(key, ())

    def feeds(self, key: str) -> list[ast.expr]:
        """Give the expressions that flow into a name, `.attribute` or `function()`."""
        return self._feeds.get(key, [])

    def text(self, *expressions: ast.expr) -> str:
        """Give the texts of these, one after the other."""
        return " ".join(map(self.expressions.text, expressions))

    def written_path(self, call: Call) -> ast.expr | None:
        """Give the path of the file that a call writes, or opens for writing."""
        function = call.node.func
        if isinstance(function, ast.Attribute) and function.attr == "open":
            opened = self._opened_path(call, function)
            if opened is not None:
                return opened
        if call.does(tables.OPENS) and call.arguments:
            mode = self.text(*call.arguments[1:2], *(v for k, v in call.keywords if k == "mode"))
            return call.arguments[0] if set(mode) & set("awx+") else None
        if call.does(tables.COPIES) and len(call.arguments) > 1:
            return call.arguments[1]
        if isinstance(function, ast.Attribute) and not self._is_module(function.value):
            into_tar = function.attr in _ADDS and "tarfile.open()" in self._names(function.value)
            if function.attr in _WRITES or into_tar:
                return self._path_of(function.value)
        return None

    def _opened_path(self, call: Call, function: ast.Attribute) -> ast.expr | None:
        """Give the path of `path.open("w")`."""
        mode = self.text(*call.arguments[:1], *(v for k, v in call.keywords if k == "mode"))
        is_mode = 0 < len(mode) < 4 and set(mode) <= set("rwxabt+") and set(mode) & set("wxa+")
        return function.value if is_mode and not self._is_module(function.value) else None

    def _names(self, expression: ast.expr) -> frozenset[str]:
        return self.expressions.names(expression)

    def _describe(self, node: ast.Call) -> Iterator[Call]:
        names, hidden, of_tables = _known(self.expressions.names(node.func))
        keywords = tuple((each.arg or "", each.value) for each in node.keywords)
        yield Call(names, hidden, tuple(node.args), keywords, node, of_tables)
        if METHOD_CALLER in names and isinstance(node.func, ast.Call):
            made = frozenset(name.removesuffix("()") for name in self.expressions.names(node))
            called, hidden, of_called = _known(made)
            yield Call(called, hidden, tuple(node.func.args[1:]), (), node, of_called)
        # What is handed over is called later: `Thread(target=f, args=(x,))`, `register(f, x)`.
        given = dict(keywords)
        rest = given.get("args")
        for number, argument in enumerate((*node.args, *given.values())):
            if not isinstance(argument, ast.Name | ast.Attribute | ast.Call):
                continue
            later = self.expressions.names(argument)
            # A function's own variable that nothing is known of is in no table, and in no module.
            if not all(name.endswith("()") or is_local(name) for name in later):
                after = rest.elts if isinstance(rest, ast.Tuple | ast.List) else ()
                arguments = after if after else tuple(node.args[number + 1 :])
                names, _, of_tables = _known(later)
                yield Call(names, False, tuple(arguments), (), node, of_tables)

    def _edges(self) -> Iterator[tuple[str, ast.expr]]:
        """Yield what flows where: a key and an expression whose labels it takes on."""
        for assigned in (self.expressions.values, self.expressions.loops):
            for key, values in assigned.items():
                for value in values:
                    yield key, value
        for node in self.of_kind(ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    for key in self._targets(target.value):
                        yield key, node.value
                elif isinstance(target, ast.Attribute):
                    for key in self._targets(target):
                        yield key, node.value
        for call in self.calls:
            yield from self._edges_of(call)

    def _edges_of(self, call: Call) -> Iterator[tuple[str, ast.expr]]:
        function = call.node.func
        if (
            isinstance(function, ast.Attribute)
            and _MUTATOR.fullmatch(function.attr)
            and not self._is_module(function.value)
        ):
            root: ast.expr = function.value
            while isinstance(root, ast.Attribute):  # `session.headers.update(…)`
                root = root.value
            of_root = [] if self._is_module(root) else targets(root)
            for key in {*self._targets(function.value), *of_root}:
                for argument in call.everything:
                    yield key, argument
        if isinstance(function, ast.Attribute) and function.attr in _SAVES:
            # `picture.save(file)`, `json.dump(data, file)`
            values = [function.value, *call.arguments]
            for target in call.arguments[:2]:
                written = self._path_of(target)
                for key in (*targets(target), *(self._keys_of_path(written) if written else ())):
                    for value in values:
                        yield key, value
        path = self.written_path(call)
        if path is not None and not call.does(tables.OPENS):
            sources = call.arguments[:1] if call.does(tables.COPIES) else call.everything
            for key in self._keys_of_path(path):
                for argument in sources:
                    yield key, argument
        first, *others = call.arguments or (None,)
        if "shutil.make_archive" in call.names and first:
            for key in self._keys_of_path(first):
                for argument in others:
                    yield key, argument
        if "shutil.copyfileobj" in call.names and len(call.arguments) > 1:
            written = self._path_of(call.arguments[1])
            for key in self._keys_of_path(written) if written else ():
                yield key, call.arguments[0]
        for function_called in self.expressions.called_here(call.node):
            yield from parameters_given(function_called, call.node)
        for number, argument in enumerate(call.node.args if call.does(tables.CALLS_LATER) else ()):
            if isinstance(argument, ast.Name):
                later = ast.Call(argument, call.node.args[number + 1 :], call.node.keywords)
                for function_called in self.expressions.functions.get(argument.id, ()):
                    yield from parameters_given(function_called, later)

    def _targets(self, expression: ast.expr) -> list[str]:
        """Name what is assigned to, or read: `sys.path` is no `.path` of an object."""
        base = expression.value if isinstance(expression, ast.Attribute) else None
        if isinstance(base, ast.Name) and self._is_module(base):
            module = self.expressions.imports[base.id]
            if module.partition(".")[0] in sys.stdlib_module_names:
                return [f"{module}{key}" for key in targets(expression)]
        return targets(expression)

    def _is_module(self, expression: ast.expr) -> bool:
        """Whether this is a module, such as `os` in `os.write(…)`, which keeps nothing."""
        return (
            isinstance(expression, ast.Name)
            and expression.id in self.expressions.imports
            and expression.id not in self.expressions.values
        )

    def _labels_given(self) -> Iterator[tuple[str, Label, ast.expr]]:
        """Yield labels that are there from the beginning, with what gives them."""
        for call in self.calls:
            if call.does(tables.RECEIVES):
                kept = [value for key, value in call.keywords if key in ("filename", "out")]
                for path in (*call.arguments[1:2], *kept):
                    if any(name.endswith(("urlretrieve", "wget.download")) for name in call.names):
                        for key in self._keys_of_path(path):
                            yield key, Label.DOWNLOADED, call.node
            if call.does(tables.INTERCEPTS):
                for function in self._given_or_decorated(call):
                    for each in arguments_of(function.args):
                        yield each.arg, Label.OVERHEARD, call.node
        for key, values in self.expressions.values.items():
            for value in values if key in _STREAMS else ():
                if isinstance(value, ast.Call):
                    for each in self._written_to(value):
                        yield each.arg, Label.OVERHEARD, value
            for value in values if key.startswith(".") else ():
                yield from self._intercepted(value)
        for call in self.calls:
            if "setattr" in call.names and len(call.arguments) == 3:
                yield from self._intercepted(call.arguments[2])

    def _intercepted(self, value: ast.expr) -> Iterator[tuple[str, Label, ast.expr]]:
        """Yield what a function takes that is kept as an attribute, or one that a call makes."""
        made = self.expressions.called_here(value) if isinstance(value, ast.Call) else ()
        returned = (
            each
            for f in made
            for each in self.expressions.values.get(f"{getattr(f, 'name', '')}()", ())
        )
        for each in (value, *returned):
            name = each.id if isinstance(each, ast.Name) else ""
            for function in self.expressions.functions.get(name, ()):
                for argument in arguments_of(function.args):
                    yield argument.arg, Label.INTERCEPTED, value

    def _written_to(self, made: ast.Call) -> Iterator[ast.arg]:
        """Give what `write` takes in a class of this file that an object is made of."""
        for block in self.of_kind(ast.ClassDef):
            if isinstance(made.func, ast.Name) and block.name == made.func.id:
                for each in block.body:
                    if isinstance(each, Function) and each.name == "write":
                        yield from arguments_of(each.args)

    def _given_or_decorated(self, call: Call) -> Iterator[Function]:
        """Give the functions of this file that a call is given, or that it decorates."""
        for value in call.everything:
            if isinstance(value, ast.Name):
                yield from self.expressions.functions.get(value.id, ())
        for function in self.functions:
            if any(each is call.node for each in function.decorator_list):
                yield function

    def _decodes_nothing(self, call: ast.Call) -> bool:
        """Whether what is decoded is the empty text alone: a place in a template."""
        name = call.args[0] if len(call.args) == 1 else None
        values = self.feeds(name.id) if isinstance(name, ast.Name) else []
        return (
            bool(values)
            and all(isinstance(each, ast.Constant) and each.value in ("", b"") for each in values)
            and any(each in tables.DECODES_TEXT for each in self.expressions.names(call.func))
        )

    def _path_of(self, expression: ast.expr) -> ast.expr | None:
        """Give the path of an opened file, or a path object itself."""
        if isinstance(expression, ast.Call):
            names = self.expressions.names(expression.func)
            if any(name in tables.OPENS for name in names):
                inside = [each.value for each in expression.keywords if each.arg == "fileobj"]
                return (*inside, *expression.args, expression)[0]
            return expression
        if isinstance(expression, ast.Name):
            for value in self.expressions.values.get(expression.id, ()):
                if isinstance(value, ast.Call):
                    return self._path_of(value)
        return expression

    def _keys_of_path(self, path: ast.expr) -> list[str]:
        text = self.expressions.text(path)
        keys = targets(path)
        return [*keys, f"file {text}"] if len(text.replace(UNKNOWN, "")) > 3 else keys

    def _summary(self, expression: ast.expr) -> tuple[set[Label], Keys]:
        key = id(expression)
        if key not in self._summaries:
            labels: set[Label] = set()
            keys: Keys = set()
            self._collect(expression, labels, keys, read=False)
            self._summaries[key] = labels, keys
        return self._summaries[key]

    def _collect(self, node: ast.AST, labels: set[Label], keys: Keys, *, read: bool) -> None:
        """Add the labels that an expression has by itself, and the keys that give it more.

        `read` says that the text of a surrounding expression was looked at already.
        """
        if isinstance(node, ast.Compare | ast.Lambda):
            return
        if isinstance(node, ast.expr) and not isinstance(node, _CONTAINERS) and not read:
            read = self._read_text(node, labels, keys)
        if isinstance(node, ast.Constant) and _HEADER.fullmatch(str(node.value)):
            labels |= {Label.DOWNLOADED, Label.REQUEST}
        if isinstance(node, ast.Name):
            keys.add(node.id)
            self._look_up(node, labels)
        elif isinstance(node, ast.Attribute):
            keys.update(key for key in self._targets(node) if isinstance(node.value, ast.Name))
            self._look_up(node, labels)
        elif isinstance(node, ast.Call):
            if self._is_environment(node.func) or self._is_environment(node):
                return
            if self._gives_no_code(node):
                return
            if self._decodes_nothing(node):
                labels.add(Label.DECODED)
                return
            self._collect_call(node, labels, keys)
        elif isinstance(node, ast.Subscript):
            if _ENVIRONMENT & self.expressions.names(node.value):
                return
            cut = node.slice
            if isinstance(cut, ast.Slice) and cut.step and self._is_text(node.value):
                labels.add(Label.DECODED)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            labels.add(Label.DECODED)
        for child in children(node):
            if not (isinstance(child, ast.keyword) and self._is_its_environment(child, node)):
                self._collect(child, labels, keys, read=read)

    def _is_its_environment(self, given: ast.keyword, call: ast.AST) -> bool:
        """Whether this is the environment that a program is started in, which it doesn't give back.

        What one prints that only shows its environment is what `_collect_call` says. A thread may
        start it: `to_thread(subprocess.run, …, env=…)`, and so may a class that is made of `Popen`.
        """
        if given.arg != "env" or not isinstance(call, ast.Call):
            return False
        functions = (call.func, *call.args[:2])
        named = [name for f in functions for name in self.expressions.names(f)]
        return any(
            name.endswith("Popen") or tables.STARTS in tables.with_name(name) for name in named
        )

    def _is_text(self, node: ast.expr) -> bool:
        """Whether this may be a text that is turned round; lists are what most calls give."""
        if isinstance(node, ast.Call):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            return method in _GIVE_TEXT or self.expressions.text(node) != UNKNOWN
        return not isinstance(node, ast.List | ast.Tuple)

    def _gives_no_code(self, call: ast.Call) -> bool:
        """Whether this makes a digest, in which nothing can be read, or a few bytes of numbers."""
        names = self.expressions.names(call.func)
        if names and all(map(_DIGEST.fullmatch, names)):
            return True
        packs = names == {"struct.pack"} and call.args
        return bool(packs and _FEW_NUMBERS.fullmatch(self.text(call.args[0])))

    def _is_environment(self, node: ast.expr) -> bool:
        """Whether this reads one variable of the environment, as its text tells."""
        if isinstance(node, ast.Call):
            return any(name == "os.getenv" for name in self.expressions.names(node.func))
        return (
            isinstance(node, ast.Attribute)
            and node.attr in _READ_ENVIRONMENT
            and bool(_ENVIRONMENT & self.expressions.names(node.value))
        )

    def _read_text(self, node: ast.expr, labels: set[Label], keys: Keys) -> bool:
        text = self.expressions.text(node)
        if not text.strip(UNKNOWN):
            return False
        labels |= _of_text(text)
        keys.add(f"file {text}")
        return True

    def _look_up(self, node: ast.expr, labels: set[Label]) -> None:
        names = self.expressions.names(node)
        if names & _ENVIRONMENT:
            labels |= {Label.SECRET, Label.LOOT}
        if "sys.argv" in names:
            labels.add(Label.HOST_FACTS)
        if self._others is not None:
            for name in self._elsewhere(names):
                labels |= self._others.labels(name)
        labels |= _of_tables(tables.with_any(names))

    def _collect_call(self, node: ast.Call, labels: set[Label], keys: Keys) -> None:
        if isinstance(node.func, ast.Name):
            keys.add(f"{node.func.id}()")
        elif isinstance(node.func, ast.Attribute):
            keys.add(f".{node.func.attr}()")
            if node.func.attr == "encrypt":
                labels.add(Label.ENCRYPTED)
        names, _, of_tables = _known(self.expressions.names(node.func))
        labels |= _of_tables(of_tables)
        if "vars" in names:
            labels |= _of_tables(tables.with_any(self.expressions.names(node)))
        if tables.STARTS in of_tables and node.args:
            command = self.expressions.text(node.args[0])
            if tables.PRINTS_ENVIRONMENT.match(command):
                labels |= {Label.SECRET, Label.LOOT}
        if tables.RESOURCES in of_tables and node.args:
            package = self.expressions.text(node.args[0]).partition(".")[0]
            if package.isidentifier() and not self.is_own(package):
                labels.add(Label.ANOTHERS)
        if "int" in names and len(node.args) > 1:  # `int(bits, 2)`
            labels.add(Label.DECODED)
