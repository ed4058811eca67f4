"""Names of a Python file told apart by their scope.

`path` in one function and `path` in another are two variables. Whoever follows names through a file
would have to ask at each name which one it is; instead, the variables of functions, lambdas and
comprehensions get names of their own, which no file can spell. What a module or a class binds, and
what is imported, keeps its name.
"""

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from package_gate.core.nodes import Function, children

MARK = "\ue000"
"""Begins what is added to a name. No identifier may have it, and `repr` escapes it in texts."""
_ADDED = re.compile(rf"{MARK}\d+")

_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def plain(text: str) -> str:
    """Give a name as it was written."""
    return _ADDED.sub("", text) if MARK in text else text


def unparsed(node: ast.AST) -> str:
    """Give code as it was written, its f-strings too, whose names `ast.unparse` escapes."""
    renamed: list[tuple[ast.AST, str, str]] = []
    for each in ast.walk(node):
        for kept_in in ("id", "arg", "name", "rest"):
            name = getattr(each, kept_in, None)
            if isinstance(name, str) and MARK in name:
                renamed.append((each, kept_in, name))
                setattr(each, kept_in, plain(name))
    try:
        return ast.unparse(node)
    finally:
        for each, kept_in, name in renamed:
            setattr(each, kept_in, name)


def is_local(name: str) -> bool:
    """Whether this is the name of a function's own variable."""
    return MARK in name


class _Scope:
    """What names mean in one place."""

    def __init__(self, outer: "_Scope | None", number: int = 0, *, is_class: bool = False) -> None:
        """Begin a function's scope with its `number`; a class and the module rename nothing."""
        self.outer = outer
        self.number = number
        self.is_class = is_class
        self.binds: set[str] = set()
        self.keeps: set[str] = set()
        """What is imported here, or said to be the module's."""
        self.leaves: set[str] = set()
        """What is said to be a variable of the function around."""
        self.uses: list[ast.Name] = []
        self.others: list[tuple[ast.AST, str]] = []
        """The other nodes that have a name, with the field that it is in."""
        self._meanings: dict[str, str] = {}

    def bind(self, node: ast.AST, kept_in: str) -> None:
        """Note a name that stands in this field."""
        if name := getattr(node, kept_in):
            self.binds.add(name)
            self.others.append((node, kept_in))

    def rename(self) -> None:
        """Give everything that has a name here the name of what it means."""
        for name in self.uses:
            name.id = self._meaning(name.id)
        for node, kept_in in self.others:
            setattr(node, kept_in, self._meaning(getattr(node, kept_in)))

    def _meaning(self, written: str) -> str:
        found = self._meanings.get(written)
        if found is None:
            scope: _Scope | None = self
            while scope is not None and not scope._decides(written):
                scope = scope.outer
            found = written if scope is None else scope._own(written)
            self._meanings[written] = found
        return found

    def _decides(self, name: str) -> bool:
        return name in self.keeps or (name in self.binds and name not in self.leaves)

    def _own(self, name: str) -> str:
        return f"{name}{MARK}{self.number}" if self.number and name not in self.keeps else name

    @property
    def around_functions(self) -> "_Scope":
        """What a function that is defined here sees: not what its class binds."""
        scope = self
        while scope.is_class and scope.outer is not None:
            scope = scope.outer
        return scope


Arms = tuple[tuple[int, int], ...]
"""In which arms of which `if` something stands, the outermost first."""


def arms_of(node: ast.AST) -> Arms:
    """Give the arms that an expression stands in; none where a second turn may come to another."""
    found: Arms = getattr(node, "arms", ())
    return found


def exclude_each_other(one: Arms, other: Arms) -> bool:
    """Whether of two places only one is come to in a call of their function."""
    if not one or not other:
        return False
    taken = dict(other)
    return any(taken.get(number, arm) != arm for number, arm in one)


@dataclass(slots=True)
class _Frame:
    """What one call of a function runs; or the module."""

    outer: "_Frame | None" = None
    armed: list[ast.expr] = field(default_factory=list)
    """Its expressions that have arms."""
    again: bool = False
    """Whether it finds what is not its own again the next time."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Nodes that stand in the same place."""

    nodes: list[ast.AST]
    scope: _Scope
    binder: _Scope
    """The scope whose variables `:=` sets."""
    frame: _Frame
    arms: Arms = ()
    loops: bool = False
    """Whether it is in a loop."""


def tell_apart(module: ast.Module) -> None:
    """Rename the variables of a module's functions, in place, and note arms, see `arms_of`."""
    _Reading().of(module)


class _Reading:
    """Goes through a module, once: most of a scan's time would be spent here."""

    def __init__(self) -> None:
        self._waiting: list[_Part] = []
        self._scopes: list[_Scope] = []
        self._frames: list[_Frame] = []
        self._ifs = 0

    def of(self, module: ast.Module) -> None:
        top = _Scope(None)
        self._waiting.append(_Part([*module.body], top, top, _Frame()))
        while self._waiting:
            self._read(self._waiting.pop())
        for scope in self._scopes:
            scope.rename()
        for each in (each for frame in self._frames if frame.again for each in frame.armed):
            del each.arms  # type: ignore[attr-defined]

    def _read(self, part: _Part) -> None:
        nodes, arms = part.nodes, part.arms
        uses, binds, armed = part.scope.uses, part.scope.binds, part.frame.armed
        while nodes:
            node = nodes.pop()
            kind = type(node)
            if arms and isinstance(node, ast.expr):
                node.arms = arms  # type: ignore[attr-defined]
                armed.append(node)
            if kind is ast.Name:
                uses.append(node)  # type: ignore[arg-type]
                if type(node.ctx) is not ast.Load:  # type: ignore[attr-defined]
                    binds.add(node.id)  # type: ignore[attr-defined]
            elif kind in _READ:
                _READ[kind](self, node, part)
            else:
                nodes += children(node)

    def _beside(self, part: _Part, nodes: Iterable[ast.AST | None]) -> None:
        """Read nodes of the same scope later, where no arm is known."""
        others = [each for each in nodes if each is not None]
        self._waiting.append(replace(part, nodes=others, arms=(), loops=True))

    def _scope(self, outer: _Scope, *, is_class: bool = False) -> _Scope:
        number = 0 if is_class else len(self._scopes) + 1
        self._scopes.append(_Scope(outer, number, is_class=is_class))
        return self._scopes[-1]

    def _function(self, node: Function | ast.Lambda, part: _Part) -> None:
        outside: list[ast.AST | None] = [*node.args.defaults, *node.args.kw_defaults]
        body: Sequence[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else node.body
        if not isinstance(node, ast.Lambda):
            part.scope.bind(node, "name")
            outside += node.decorator_list
        self._beside(part, outside)
        inner = self._scope(part.scope.around_functions)
        for argument in _arguments(node.args):
            inner.bind(argument, "arg")
        self._frames.append(_Frame(part.frame))
        self._waiting.append(_Part([*body], inner, inner, self._frames[-1]))

    def _class(self, node: ast.ClassDef, part: _Part) -> None:
        part.scope.bind(node, "name")
        part.nodes.extend((*node.bases, *node.decorator_list))
        part.nodes.extend(each.value for each in node.keywords)
        inner = self._scope(part.scope, is_class=True)
        self._waiting.append(replace(part, nodes=[*node.body], scope=inner, binder=inner))

    def _comprehension(self, node: ast.ListComp | ast.DictComp, part: _Part) -> None:
        first, *others = node.generators
        part.nodes.append(first.iter)
        inside: list[ast.AST] = [first.target, *first.ifs, *others]
        inside += (each for each in children(node) if not isinstance(each, ast.comprehension))
        self._waiting.append(replace(part, nodes=inside, scope=self._scope(part.scope)))

    def _walrus(self, node: ast.NamedExpr, part: _Part) -> None:
        part.nodes.append(node.value)
        if part.arms:
            node.target.arms = part.arms  # type: ignore[attr-defined]
            part.frame.armed.append(node.target)
        part.binder.binds.add(node.target.id)
        part.scope.uses.append(node.target)

    def _if(self, node: ast.If, part: _Part) -> None:
        part.nodes.append(node.test)
        if part.loops:
            part.nodes.extend((*node.body, *node.orelse))
            return
        self._ifs += 1
        for arm, block in enumerate((node.body, node.orelse)):
            if block:
                arms = (*part.arms, (self._ifs, arm))
                self._waiting.append(replace(part, nodes=[*block], arms=arms))

    def _loop(self, node: ast.For | ast.While, part: _Part) -> None:
        self._beside(part, children(node))

    def _named(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar, part: _Part) -> None:
        part.scope.bind(node, "name")
        part.nodes.extend(children(node))

    def _mapping(self, node: ast.MatchMapping, part: _Part) -> None:
        part.scope.bind(node, "rest")
        part.nodes.extend(children(node))

    def _import(self, node: ast.Import | ast.ImportFrom, part: _Part) -> None:
        part.scope.keeps |= {each.asname or each.name.partition(".")[0] for each in node.names}

    def _elsewhere(self, node: ast.Global | ast.Nonlocal, part: _Part) -> None:
        (part.scope.keeps if isinstance(node, ast.Global) else part.scope.leaves).update(node.names)
        frame: _Frame | None = part.frame
        while frame is not None:
            frame.again = True
            frame = frame.outer


_READ: Mapping[type[ast.AST], Callable[[_Reading, Any, _Part], None]] = {
    ast.FunctionDef: _Reading._function,
    ast.AsyncFunctionDef: _Reading._function,
    ast.Lambda: _Reading._function,
    ast.ClassDef: _Reading._class,
    ast.ListComp: _Reading._comprehension,
    ast.SetComp: _Reading._comprehension,
    ast.DictComp: _Reading._comprehension,
    ast.GeneratorExp: _Reading._comprehension,
    ast.NamedExpr: _Reading._walrus,
    ast.If: _Reading._if,
    ast.For: _Reading._loop,
    ast.AsyncFor: _Reading._loop,
    ast.While: _Reading._loop,
    ast.ExceptHandler: _Reading._named,
    ast.MatchAs: _Reading._named,
    ast.MatchStar: _Reading._named,
    ast.MatchMapping: _Reading._mapping,
    ast.Import: _Reading._import,
    ast.ImportFrom: _Reading._import,
    ast.Global: _Reading._elsewhere,
    ast.Nonlocal: _Reading._elsewhere,
}
"""How nodes are read that are not just the place of others."""


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    several = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [each for each in (*several, arguments.vararg, arguments.kwarg) if each is not None]
