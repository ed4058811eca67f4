"""What expressions of a Python file come to, as far as that can be told without running it.

Names are followed through imports and assignments, wherever in the file they stand: which came
first is not asked. So `getattr(__import__("so"[::-1]), "sys" + "tem")` is `os.system`, and
`os.path.join(Path.home(), ".ssh", name)` is `~/.ssh/` and something unknown.
"""

import ast
import builtins
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from package_gate.core.folding import (
    CUT,
    HELD_PLACES,
    UNKNOWN,
    Several,
    as_text,
    calculated,
    called,
    first_of,
    formatted,
    held_by_aws,
    method,
    number_of,
)
from package_gate.core.import_time import parameters_given
from package_gate.core.nodes import Function, children
from package_gate.core.scopes import arms_of, exclude_each_other, is_local, plain
from package_gate.scanners.behaviour import tables

HIDDEN = "hidden:"
"""How the dotted name of something begins that the code names by computing its name."""

METHOD_CALLER = "operator.methodcaller()"
"""What gives the result of a method that it was given the name of."""
_LOCATORS = {"pkgutil.resolve_name", "pydoc.locate"}
"""Functions that give what a dotted name stands for."""
_AWAITERS = {
    *("asyncio.wait_for", "asyncio.shield", "asyncio.create_task", "asyncio.run"),
    *("staticmethod", "classmethod", "functools.partial", "functools.wraps"),
}
"""Functions that give what they are given, once it is there, or something that calls it."""
_MAX_DEPTH = 400
"""Expressions within expressions, and names that lead to names; see `gave_up`."""
_MAX_NAMES = 250
"""Of other modules, of one expression; no rule looks for more of them."""
_MAX_OTHER_NAMES = 8
_BUILTINS = frozenset(dir(builtins))

_BY_WAY_OF_OTHERS = re.compile(
    r"^(?!asyncio\.)(?:\w+\.)+_?((?:os|sys|subprocess|socket|base64|builtins|marshal|pickle|shutil|ctypes"
    r"|importlib|codecs|urllib\.request|requests|httpx)\.(?=\w))"
)
"""A module that another one has imported: `shutil.os.environ`."""
_BY_WAY_OF_ITSELF = re.compile(
    r"(?<=\w)\.__call__\b|(?<=^os)\.\w+\.__self__\b|(?<=^posix)\.\w+\.__self__\b"
)
"""What leads from a function to itself, or to the module that it is a part of."""
_OS = ("posix.", "nt.")
_STARTS_BY_TEXT = re.compile(r"(?:os|posix|nt)[.:](?:system|popen)")
_OF_INTEREST = {
    *(ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr),
    *(ast.For, ast.AsyncFor, ast.comprehension, ast.withitem),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Call),
}
"""The kinds of nodes that give a name to something."""

Bound = Mapping[str, object]
"""What variables of a comprehension and parameters of a called function stand for, by name."""
_IN_A_LOOP = ""
"""Stands among these in a comprehension."""
_READS_THE_SAME = {"parent", "name", "compressed", "exploded"}
"""Attributes that read like their object."""
_NO_ARGUMENTS = ast.arguments([], [], None, [], [], None, [])


@dataclass(frozen=True, slots=True)
class Given:
    """What a call gives, as far as it is known."""

    values: Sequence[object]
    named: Mapping[str, object]


class Elsewhere(Protocol):
    """Knows where other modules give names their values."""

    def written(self, name: str) -> "tuple[Expressions, str] | None":
        """Find where a dotted name of another module, or what it gives, stands, and its key."""
        ...


class Expressions:
    """The expressions of some nodes of one file."""

    def __init__(self, nodes: Iterable[ast.AST], elsewhere: Elsewhere | None = None) -> None:
        self._elsewhere = elsewhere
        self.imports: dict[str, str] = {}
        """Name in the file → dotted name of what was imported."""
        self.values: dict[str, list[ast.expr]] = {}
        """Name, `.attribute`, or `function()` → what is assigned to it, or returned by it."""
        self.wildcards: list[str] = []
        """Modules that all names are imported from, each with a final dot."""
        self.loops: dict[str, list[ast.expr]] = {}
        """Name → what it takes one value after the other from."""
        self._parameters: dict[str, ast.arguments] = {}
        """`function()` → its parameters."""
        self._defaults: dict[str, list[ast.expr]] = {}
        """Parameter → texts that it is when nothing is given for it."""
        self._entered: list[ast.expr] = []
        """What `with … as` assigns to."""
        self.functions: dict[str, list[Function]] = {}
        """Function, class (its `__init__`) or `.method` → those of this name."""
        self.classes: set[str] = set()
        self._bases: dict[str, list[ast.expr]] = {}
        """Class → those that it inherits from."""
        self.fields: dict[str, list[str]] = {}
        """Class → its annotated attributes, which a dataclass takes one after the other."""
        nodes = [node for node in nodes if type(node) in _OF_INTEREST]  # most are not
        self._note_functions(nodes)
        for node in nodes:
            self._note(node)
            if isinstance(node, ast.Call) and _is_plain(node.func):
                for function in self.called_here(node):
                    for parameter, value in parameters_given(function, node):
                        self.values.setdefault(parameter, []).append(value)
        # Whatever its class, the value is what an `__enter__` of the file gives, too.
        for target in self._entered:
            for value in self.values.get(".__enter__()", ()):
                self._assign(target, value)
        self.roots = {name.partition(".")[0] for name in self.imports.values()}
        """The top-level packages that are imported."""
        self.gave_up = False
        """Whether something led further than it was followed, so that the rest is not known."""
        self._names: dict[int, frozenset[str]] = {}
        self._known: dict[int | str, object] = {}
        self._parsed: dict[int, ast.expr | None] = {}
        """Text → the expression in it, which is kept because it is known by its id."""

    def _note_functions(self, nodes: Iterable[ast.AST]) -> None:
        methods: set[int] = set()
        functions: list[Function] = []
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                self.classes.add(node.name)
                self._bases.setdefault(node.name, []).extend(node.bases)
                for each in node.body:
                    if isinstance(each, ast.Assign):
                        for target in each.targets:
                            if isinstance(target, ast.Name):
                                self.values.setdefault(f".{target.id}", []).append(each.value)
                    if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                        self.fields.setdefault(node.name, []).append(each.target.id)
                        if each.value is not None:
                            self.values.setdefault(f".{each.target.id}", []).append(each.value)
                    if isinstance(each, Function):
                        methods.add(id(each))
                        self.functions.setdefault(f".{each.name}", []).append(each)
                        if each.name == "__init__":
                            self.functions.setdefault(node.name, []).append(each)
            elif isinstance(node, Function):
                functions.append(node)
        self._inherit([each for each in nodes if isinstance(each, ast.ClassDef)])
        for node in functions:
            if id(node) not in methods:
                self.functions.setdefault(node.name, []).append(node)
            for parameter, default in defaults_of(node.args):
                if isinstance(default, ast.Name | ast.Attribute):  # `def f(run=exec)`
                    self.values.setdefault(parameter, []).append(default)
                elif isinstance(default, ast.Constant) and isinstance(default.value, str):
                    self._defaults.setdefault(parameter, []).append(default)
            name = f".{node.name}()" if id(node) in methods else f"{node.name}()"
            self._parameters.setdefault(name, node.args)
            for returned in returns_of(node):
                self.values.setdefault(name, []).append(returned)

    def _inherit(self, classes: Sequence[ast.ClassDef]) -> None:
        """Give classes that have no `__init__` those of their bases."""
        bases: dict[str, list[str]] = {}
        for each in classes:
            named = [base.id for base in each.bases if isinstance(base, ast.Name)]
            bases.setdefault(each.name, []).extend(named)
        for name in [each for each in bases if each not in self.functions]:
            waiting = [name]
            for above in waiting:  # it grows meanwhile
                if above in self.functions:
                    self.functions.setdefault(name, []).extend(self.functions[above])
                else:
                    waiting += [base for base in bases.get(above, ()) if base not in waiting]

    def called_here(self, call: ast.Call) -> Sequence[Function | ast.Lambda]:
        """Give the functions and methods of this file that a call may run."""
        if isinstance(call.func, ast.Lambda):
            return [call.func]
        if isinstance(call.func, ast.Name):
            return self.functions.get(call.func.id, [])
        if isinstance(call.func, ast.Attribute):
            return self.functions.get(f".{call.func.attr}", [])
        return []

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                self.imports[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            dot = "" if module.endswith(".") or not module else "."
            for alias in node.names:
                if alias.name == "*":
                    self.wildcards.append(f"{module}{dot}")
                else:
                    self.imports[alias.asname or alias.name] = f"{module}{dot}{alias.name}"
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            if node.value is not None:
                self._assign(node.target, node.value)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            for name in targets(node.target):
                self.loops.setdefault(name, []).append(node.iter)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._assign(node.optional_vars, node.context_expr)
            self._entered.append(node.optional_vars)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            same = len(parts) == len(target.elts)
            for number, each in enumerate(target.elts):
                self._assign(each, parts[number] if same else value)
            return
        for name in targets(target):
            self.values.setdefault(name, []).append(value)
            if isinstance(value, ast.Lambda):
                self._parameters[f"{name}()"] = value.args
                self.values.setdefault(f"{name}()", []).append(value.body)

    def names(self, expression: ast.expr, depth: int = 0) -> frozenset[str]:
        """Give the dotted names of what an expression is; `()` and `[]` stand for a result of it.

        `socket.socket().connect` is a method of what `socket.socket` returns.
        """
        key = id(expression)
        if key not in self._names:
            self._names[key] = frozenset()  # for what leads back to itself
            self.gave_up = self.gave_up or depth >= _MAX_DEPTH
            found = self._find_names(expression, depth) if depth < _MAX_DEPTH else []
            self._names[key] = self._chosen(set(map(_plain, found)))
        return self._names[key]

    def _chosen(self, found: set[str]) -> frozenset[str]:
        """Choose names: all that are known or may become so, and some of the others."""
        if len(found) <= _MAX_OTHER_NAMES:
            return frozenset(found)
        known = {name for name in found if tables.may_become_known(name.replace(HIDDEN, ""))}
        leading = sorted(filter(self._leads_somewhere, found - known))
        others = sorted(found - known - {*leading})
        return frozenset([*known, *leading[:_MAX_NAMES], *others[:_MAX_OTHER_NAMES]])

    def _leads_somewhere(self, name: str) -> bool:
        """Whether a name that no rule knows is another module's."""
        name = name.replace(HIDDEN, "")
        # What a result's result gives is hardly ever in a table, and there is no end of it.
        if name.count("(") > 1 or "[" in name:
            return False
        first = name.partition(".")[0].partition("(")[0]
        unknown = bool(self.wildcards) and not is_local(first)
        return unknown or first in self.roots or bool(tables.with_name(name))

    def _values_of(self, name: ast.Name) -> list[ast.expr]:
        """Give what a name may stand for in its place."""
        values = self.values.get(name.id, [])
        arms = arms_of(name) if is_local(name.id) else ()
        return [each for each in values if not exclude_each_other(arms, arms_of(each))]

    def _find_names(self, expression: ast.expr, depth: int) -> list[str]:
        deeper = depth + 1
        if isinstance(expression, ast.Name):
            name = expression.id
            found = [each for v in self._values_of(expression) for each in self.names(v, deeper)]
            for each in self.loops.get(name, ()):
                found += [f"{whole}[]" for whole in self.names(each, deeper)]
                found += self._names_within(each, deeper)
            for base in self._bases.get(name, ()):  # `class P(subprocess.Popen)` is a `Popen`
                found += [
                    n for n in self.names(base, deeper) if tables.STARTS in tables.with_name(n)
                ]
            if name in self.imports:
                found.append(self.imports[name])
            elif not found and (name in _BUILTINS or name not in self.values):
                found.append(name)
                if name not in _BUILTINS and name not in self.functions:
                    found += [f"{module}{name}" for module in self.wildcards]
            return found
        if isinstance(expression, ast.Attribute):
            base = expression.value
            if isinstance(base, ast.Name) and (plain(base.id) == "self" or base.id in self.classes):
                values = self.values.get(f".{expression.attr}", ())
                return [each for value in values for each in self.names(value, deeper)]
            return [f"{each}.{expression.attr}" for each in self.names(expression.value, deeper)]
        if isinstance(expression, ast.Call):
            return self._names_of_call(expression, deeper)
        if isinstance(expression, ast.Subscript):
            return self._names_of_item(expression, deeper)
        if isinstance(expression, ast.IfExp):
            return [*self.names(expression.body, deeper), *self.names(expression.orelse, deeper)]
        if isinstance(expression, ast.BoolOp):
            return [each for value in expression.values for each in self.names(value, deeper)]
        if isinstance(expression, ast.Await | ast.NamedExpr):
            return list(self.names(expression.value, deeper))
        return []

    def _names_of_call(self, call: ast.Call, depth: int) -> list[str]:
        found: list[str] = []
        for function in self.names(call.func, depth):
            name = function.removeprefix(HIDDEN)
            if name in ("__import__", "importlib.import_module", "importlib.__import__"):
                given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "name")]
                if given and (module := self._identifier(given[0], depth)):
                    whole = name == "importlib.import_module" or len(call.args) > 1
                    whole = whole or bool(call.keywords)
                    found.append(module if whole else module.partition(".")[0])
            elif name in _AWAITERS and call.args:
                found += self.names(call.args[0], depth)
            elif name in _LOCATORS and call.args:
                path = self.text(call.args[0], depth).replace(":", ".")
                found += [path] if all(map(str.isidentifier, path.split("."))) else []
            elif looked_up := _looked_up(name, call):
                if attribute := self._identifier(looked_up[1], depth, steps=len(call.args) > 2):
                    hidden = HIDDEN if attribute.startswith(HIDDEN) else ""
                    end = "()" if name == METHOD_CALLER else ""
                    attribute = attribute.removeprefix(HIDDEN) + end
                    bases = self.names(looked_up[0], depth)
                    found += [f"{hidden}{each}.{attribute}" for each in bases]
            elif name == "type" and call.args and isinstance(call.args[0], ast.Lambda):
                found.append("types.FunctionType")
            elif name == "vars" and len(call.args) == 1:
                found += [f"{each}.__dict__" for each in self.names(call.args[0], depth)]
            elif name == "eval" and call.args and (written := self._written(call.args[0])):
                found += self.names(written, depth)
            elif name != "getattr":
                found.append(f"{function}()")
                found += _named_by_a_text(call)
        if isinstance(call.func, ast.Name):
            for value in self.values.get(f"{call.func.id}()", ()):
                found += self.names(value, depth)
        return found

    def _written(self, text: ast.expr) -> ast.expr | None:
        """Give the expression that a text holds."""
        key = id(text)
        if key not in self._parsed:
            value = text.value if isinstance(text, ast.Constant) else None
            self._parsed[key] = None
            with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                parsed = ast.parse(value, mode="eval") if isinstance(value, str) else None
                self._parsed[key] = parsed.body if parsed else None
        return self._parsed[key]

    def _names_within(self, container: ast.expr, depth: int) -> Iterator[str]:
        """Give the names of the functions and modules that are written in a container."""
        held = [container]
        if isinstance(container, ast.Name):
            held += self._values_of(container)
        for each in held:
            parts = each.values if isinstance(each, ast.Dict) else getattr(each, "elts", [])
            for part in parts[:_MAX_NAMES]:
                of_a_row = part.elts if isinstance(part, ast.Tuple) else ()
                for one in (part, *of_a_row[:_MAX_NAMES]):
                    if isinstance(one, ast.Name | ast.Attribute):
                        yield from self.names(one, depth)

    def _names_of_item(self, item: ast.Subscript, depth: int) -> list[str]:
        found = [*self._names_within(item.value, depth)]
        for name in self.names(item.value, depth):
            key = self._identifier(item.slice, depth)
            if key and name in ("globals()", "locals()", "vars()", "sys.modules"):
                found.append(key)
            elif key and name == "ctypes.CDLL()":
                found.append(f"{name}.{key}")
            elif key and name == "__dict__":  # of `builtins`, which goes without saying
                found.append(key.removeprefix(HIDDEN))
            elif key and name.endswith(".__globals__") and name.count(".") > 1:
                module = name.removesuffix(".__globals__").rpartition(".")[0]
                found.append(f"{module}.{key.removeprefix(HIDDEN)}")
            elif key and name.endswith(".__dict__"):
                found.append(f"{name.removesuffix('.__dict__')}.{key.removeprefix(HIDDEN)}")
            else:
                found.append(f"{name}[]")
        return found

    def _identifier(self, expression: ast.expr, depth: int, *, steps: bool = False) -> str:
        """Give the dotted name that a text holds, marked when it is not simply written there.

        `steps`: a list holds its parts.
        """
        text = self.text(expression, depth)
        text = text.replace("\n", ".") if steps else text
        if not text or len(text) > 200 or not all(map(str.isidentifier, text.split("."))):
            return ""
        return text if isinstance(expression, ast.Constant) else HIDDEN + text

    def text(self, expression: ast.expr, depth: int = 0) -> str:
        """Give the text that an expression comes to, with `UNKNOWN` for what can't be told.

        Of several possible ones, such as those that a loop goes through, it is all, on a line each.
        """
        return as_text(self._value(expression, depth + 1, {}))

    def whole_text(self, expression: ast.expr) -> str:
        """Give the same, but what is written in one piece is not cut off."""
        value = self._value(expression, 1, {})
        return value if isinstance(value, str) else as_text(value)

    def pieces(self, expression: ast.expr) -> list[str]:
        """Give the texts that an expression may be, or that are its items, each as a whole."""
        value = self._value(expression, 1, {})
        if isinstance(value, Several):
            return value.split("\n")
        if isinstance(value, list):
            return [each for each in value if isinstance(each, str)]
        return [value] if isinstance(value, str) else []

    def _value(self, node: ast.expr, depth: int, bound: Bound) -> object:
        """Give a text, a number, or a list of such; None when it can't be told."""
        work = _WORK.get(type(node))
        self.gave_up = self.gave_up or depth > _MAX_DEPTH
        if work is None or depth > _MAX_DEPTH:
            return None
        if bound:
            return work(self, node, depth + 1, bound)
        key = f"{node.id} {arms_of(node)}" if isinstance(node, ast.Name) else id(node)
        if key not in self._known:
            self._known[key] = None  # for what leads back to itself
            self._known[key] = work(self, node, depth + 1, bound)
        return self._known[key]

    def _constant(self, node: ast.Constant, _d: int, _b: object) -> object:
        if isinstance(node.value, bytes):
            return node.value.decode("latin-1")
        return node.value if isinstance(node.value, str | int) else None

    def _name(self, node: ast.Name, depth: int, bound: Bound) -> object:
        if node.id in bound:
            return bound[node.id]
        if node.id == "__file__":
            return "__file__"
        if self.imports.get(node.id) in HELD_PLACES:
            return HELD_PLACES[self.imports[node.id]]
        values = self._values_of(node)
        found = [self._value(e, depth, {}) for e in (*values, *self._defaults.get(node.id, ()))]
        if node.id not in self.values and (self.wildcards or node.id in self.imports):
            found += self._of_others(self.names(node, depth), depth)
        known = [each for each in found if each is not None]
        if len(known) == 1:
            return known[0]
        for each in self.loops.get(node.id, ()):
            items = self._value(each, depth, {})
            known += items if isinstance(items, list) else [items]
        return _either_of(known) if known else None

    def _attribute(self, node: ast.Attribute, depth: int, bound: Bound) -> object:
        base = node.value
        if isinstance(base, ast.Name) and (plain(base.id) == "self" or base.id in self.classes):
            values = self.values.get(f".{node.attr}", ())
            return self._value(values[0], depth, bound) if len(values) == 1 else None
        names = self.names(node, depth)
        if "sys.executable" in names:
            return "python"
        for name in names & HELD_PLACES.keys():
            return HELD_PLACES[name]
        if known := self._of_others(names, depth):
            return known[0] if len(known) == 1 else _either_of(known)
        return self._value(node.value, depth, bound) if node.attr in _READS_THE_SAME else None

    def _of_others(
        self, names: Iterable[str], depth: int, given: Given | None = None
    ) -> list[object]:
        """Give what dotted names of other modules come to, or functions that are `given` values."""
        elsewhere = self._elsewhere
        if elsewhere is None:
            return []
        written = (
            elsewhere.written(n.removeprefix(HIDDEN)) for n in sorted(names)[:_MAX_OTHER_NAMES]
        )
        return [
            value
            for there, key in filter(None, written)
            for value in there.values_there(key, depth, given)
        ]

    def values_there(self, key: str, depth: int, given: Given | None = None) -> list[object]:
        """Give what a name, `.attribute` or `function()` comes to, as far as it is known."""
        bound = self._bound(key, given, depth) if given else {}
        values = (self._value(each, depth, bound) for each in self.values.get(key, ()))
        return [each for each in values if each is not None]

    def _bound(self, key: str, given: Given, depth: int) -> Bound:
        """Give what the parameters of a `function()` are in a call."""
        arguments = self._parameters.get(key, _NO_ARGUMENTS)
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        if names and plain(names[0]) in ("self", "cls"):
            names = names[1:]
        found = dict(zip(names, given.values, strict=False))
        if arguments.vararg:
            found[arguments.vararg.arg] = [*given.values[len(names) :]]
        for name in (*names, *(each.arg for each in arguments.kwonlyargs)):
            if plain(name) in given.named:
                found[name] = given.named[plain(name)]
        for name, default in defaults_of(arguments):
            if name not in found:
                found[name] = self._value(default, depth, {})
        return {name: value for name, value in found.items() if value is not None}

    def _joined(self, node: ast.JoinedStr, depth: int, bound: Bound) -> object:
        return "".join(as_text(self._value(each, depth, bound)) for each in node.values)

    def _formatted(
        self, node: ast.FormattedValue | ast.NamedExpr, depth: int, bound: Bound
    ) -> object:
        return self._value(node.value, depth, bound)

    def _list(self, node: ast.List | ast.Tuple | ast.Set, depth: int, bound: Bound) -> object:
        return self._items(node.elts, depth, bound)

    def _dict(self, node: ast.Dict, depth: int, bound: Bound) -> object:
        parts = [part for part in (*node.keys, *node.values) if part is not None]
        return self._items(parts, depth, bound)

    def _items(self, nodes: Sequence[ast.expr], depth: int, bound: Bound) -> list[object]:
        values = (
            each if isinstance(each, str) else self._value(each, depth, bound)
            for each in first_of(nodes)
        )
        return [as_text(value) if isinstance(value, list) else value for value in values]

    def _choice(self, node: ast.IfExp, depth: int, bound: Bound) -> object:
        first = self._value(node.body, depth, bound)
        return first if first is not None else self._value(node.orelse, depth, bound)

    def _either(self, node: ast.BoolOp, depth: int, bound: Bound) -> object:
        return "\n".join(as_text(self._value(each, depth, bound)) for each in node.values)

    def _operation(self, node: ast.BinOp, depth: int, bound: Bound) -> object:
        left = self._value(node.left, depth, bound)
        right = self._value(node.right, depth, bound)
        if isinstance(left, int) or isinstance(right, int):  # who goes through bytes gets numbers
            left, right = number_of(left), number_of(right)
        if isinstance(left, int) and isinstance(right, int):
            return calculated(node.op, left, right)
        if isinstance(node.op, ast.Add):
            if isinstance(left, list) and isinstance(right, list):
                return first_of(left + right)
            if isinstance(left, list) or isinstance(right, list):  # one of them is not known
                parts = (each if isinstance(each, list) else [UNKNOWN] for each in (left, right))
                return first_of([each for part in parts for each in part])
            return as_text(left) + as_text(right)
        if isinstance(node.op, ast.Div):
            return f"{as_text(left)}/{as_text(right)}"
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            filled = iter(right if isinstance(right, list) else [right])
            pieces = left.replace("%r", "%s").replace("%d", "%s").split("%s")
            joined = [pieces[0]]
            for piece in pieces[1:]:
                joined += [as_text(next(filled, None)), piece]
            return "".join(joined)
        return None

    def _item(self, node: ast.Subscript, depth: int, bound: Bound) -> object:
        if "os.environ" in self.names(node.value, depth):
            return called("os.getenv", [self._value(node.slice, depth, bound)])
        whole = self._value(node.value, depth, bound)
        if isinstance(node.slice, ast.Slice):
            return self._cut(whole, node.slice, depth, bound)
        index = self._value(node.slice, depth, bound)
        for name in self.names(node.value, depth) if index == "credentials_file" else ():
            if held := held_by_aws(name, index):
                return [held]
        if isinstance(whole, list) and isinstance(index, int) and -len(whole) <= index < len(whole):
            return whole[index]
        if isinstance(whole, list) and isinstance(index, str):
            return _under(whole, index)
        return whole if isinstance(whole, list) else None

    def _cut(self, whole: object, cut: ast.Slice, depth: int, bound: Bound) -> object:
        ends: list[int | None] = []
        for part in (cut.lower, cut.upper, cut.step):
            number = part and self._value(part, depth, bound)
            if part and not isinstance(number, int):
                return None
            ends.append(number if isinstance(number, int) else None)
        if ends[2] == 0 or not isinstance(whole, str | list):
            return None
        if isinstance(whole, str) and (UNKNOWN in whole or CUT in whole) and ends[:2] != [None] * 2:
            return whole  # nobody knows where its parts are
        return whole[slice(*ends)]

    def _negative(self, node: ast.UnaryOp, depth: int, bound: Bound) -> object:
        value = self._value(node.operand, depth, bound)
        return -value if isinstance(node.op, ast.USub) and isinstance(value, int) else None

    def _comprehension(
        self, node: ast.GeneratorExp | ast.ListComp, depth: int, bound: Bound
    ) -> object:
        first = node.generators[0]
        if _IN_A_LOOP in bound:  # a loop in a loop would take for ever
            return None
        items = self._value(first.iter, depth, bound)
        if isinstance(items, str):
            items = items.split("\n") if isinstance(items, Several) else list(items)
        if len(node.generators) > 1 or not isinstance(items, list):
            return None
        if not isinstance(first.target, ast.Name):
            return None
        name = first.target.id
        inside = {**bound, _IN_A_LOOP: True}
        return [self._value(node.elt, depth, {**inside, name: each}) for each in first_of(items)]

    def _call(self, node: ast.Call, depth: int, bound: Bound) -> object:
        arguments = [self._value(each, depth, bound) for each in node.args]
        for name in sorted(self.names(node.func, depth)):
            numbers = arguments[1] if name == "map" and len(arguments) == 2 else None
            if isinstance(numbers, list) and "str" in self.names(node.args[0], depth):
                return list(map(as_text, numbers))
            if name == "dict" and node.keywords and not node.args:
                return self._items([each.value for each in node.keywords], depth, bound)
            known = called(name.removeprefix(HIDDEN), arguments)
            if known is not None:
                return known
        named = {k.arg: self._value(k.value, depth, bound) for k in node.keywords if k.arg}
        # One call deep, here and in other modules, or it would take for ever.
        given = None if bound else Given(arguments, named)
        if isinstance(node.func, ast.Name) and (values := self.values.get(f"{node.func.id}()")):
            known_here = self._bound(f"{node.func.id}()", given, depth) if given else {}
            return self._value(values[0], depth, known_here)
        if isinstance(node.func, ast.Attribute):
            own = self._values_of_method(node.func, depth, given)
            if own:
                return own[0] if len(own) == 1 else _either_of(own)
            base = self._value(node.func.value, depth, bound)
            if node.func.attr == "format" and isinstance(base, str):
                return formatted(base, arguments, named)
            known = method(node.func.attr, base, arguments)
            if known is not None:
                return known
        results = {f"{name}()" for name in self.names(node.func, depth)}
        return next(iter(self._of_others(results, depth, given)), None)

    def _values_of_method(
        self, called: ast.Attribute, depth: int, given: Given | None
    ) -> list[object]:
        """Give what a method of one's own class gives, or of one's own object."""
        key = f".{called.attr}()"
        base = called.value
        if key not in self.values:
            return []
        own = isinstance(base, ast.Name) and plain(base.id) in ("self", "cls")
        made = {name.removesuffix("()") for name in self.names(base, depth)}
        return self.values_there(key, depth, given) if own or made & self.classes else []


def _either_of(values: Sequence[object]) -> Several:
    return Several(as_text(first_of(values)))


def _under(table: list[object], key: str) -> object:
    """Give what stands under a key of a dictionary, whose keys come first; else all of it."""
    keys, values = table[: len(table) // 2], table[len(table) // 2 :]
    found = [value for each, value in zip(keys, values, strict=False) if each == key]
    return found[0] if len(found) == 1 and len(keys) == len(values) else table


def _looked_up(name: str, call: ast.Call) -> tuple[ast.expr, ast.expr] | None:
    """Give the object and the name of an attribute when this call looks one up, as `getattr`."""
    given, function = call.args, call.func
    if name in ("getattr", "inspect.getattr_static") and len(given) > 1:
        return given[0], given[1]
    if name.endswith("__getattribute__") and given:
        bound = len(given) == 1 and isinstance(function, ast.Attribute)
        return (function.value, given[0]) if bound else (given[0], given[-1])  # type: ignore[attr-defined]
    if name == "functools.reduce" and len(given) > 2 and isinstance(given[0], ast.Name):
        return (given[2], given[1]) if given[0].id == "getattr" else None
    if name in ("operator.attrgetter()", METHOD_CALLER) and isinstance(function, ast.Call):
        return (given[0], function.args[0]) if given and function.args else None
    return None


def _named_by_a_text(call: ast.Call) -> Iterator[str]:
    """Yield the functions that start programs which a call is given as a text, such as `os:system`:
    it may give them."""
    for each in call.args:
        named = each.value if isinstance(each, ast.Constant) else None
        if isinstance(named, str) and _STARTS_BY_TEXT.fullmatch(named):
            yield named.replace(":", ".")


def _is_plain(function: ast.expr) -> bool:
    """Whether it is known what is called: a function by its name, or a method of one's own."""
    if isinstance(function, ast.Attribute):
        function = function.value
        return isinstance(function, ast.Name) and plain(function.id) in ("self", "cls")
    return isinstance(function, ast.Name | ast.Lambda)


def returns_of(function: Function) -> tuple[ast.expr, ...]:
    """Give what a function returns or yields; it keeps that, as `children` does."""
    known: tuple[ast.expr, ...] | None = function.__dict__.get("returned")
    if known is None:
        known = tuple(_find_returns(function))
        function.returned = known  # type: ignore[union-attr]
    return known


def _find_returns(function: Function) -> Iterator[ast.expr]:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None:
            yield node.value
        elif not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting += children(node)


def defaults_of(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """Pair parameters with what they are when nothing is given for them."""
    taken = [*arguments.posonlyargs, *arguments.args]
    for parameter, default in zip(reversed(taken), reversed(arguments.defaults), strict=False):
        yield parameter.arg, default
    for parameter, by_name in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if by_name is not None:
            yield parameter.arg, by_name


def targets(target: ast.expr) -> list[str]:
    """Name what is assigned to: names, `.attribute` of self, and containers for their items."""
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Attribute):
        return [f".{target.attr}"]
    if isinstance(target, ast.Subscript | ast.Starred):
        return targets(target.value) if isinstance(target, ast.Starred) else []
    if isinstance(target, ast.Tuple | ast.List):
        return [name for each in target.elts for name in targets(each)]
    return []


def _plain(name: str) -> str:
    hidden = HIDDEN in name
    name = name.replace(HIDDEN, "")
    if "__" in name:
        name = _BY_WAY_OF_ITSELF.sub("", name)
    for prefix in ("builtins.", "__builtins__."):
        name = name.removeprefix(prefix)
    if name.startswith(_OS):  # the modules that `os` takes its functions from
        name = f"os.{name.partition('.')[2]}"
    name = _BY_WAY_OF_OTHERS.sub(r"\1", name)
    return HIDDEN + name if hidden else name


_WORK: Mapping[type[ast.expr], Callable[[Expressions, Any, int, Bound], object]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.JoinedStr: Expressions._joined,
    ast.NamedExpr: Expressions._formatted,
    ast.FormattedValue: Expressions._formatted,
    ast.List: Expressions._list,
    ast.Tuple: Expressions._list,
    ast.Set: Expressions._list,
    ast.Dict: Expressions._dict,
    ast.IfExp: Expressions._choice,
    ast.BoolOp: Expressions._either,
    ast.BinOp: Expressions._operation,
    ast.UnaryOp: Expressions._negative,
    ast.Subscript: Expressions._item,
    ast.GeneratorExp: Expressions._comprehension,
    ast.ListComp: Expressions._comprehension,
    ast.Call: Expressions._call,
}
