"""Names of a Python file told apart by their scope.

`path` in one function and `path` in another are two variables. Whoever follows names through a file
would have to ask at each name which one it is; instead, the variables of functions, lambdas and
comprehensions get names of their own, which no file can spell. What a module or a class binds, and
what is imported, keeps its name.
"""

import ast
import re
from collections.abc import Iterator, Sequence

MARK = "\ue000"
"""Begins what is added to a name. No identifier may have it, and `repr` escapes it in texts."""
_ADDED = re.compile(rf"{MARK}\d+")

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_NAMING = _Function | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}


def _children(node: ast.AST) -> list[ast.AST]:
    """Give the nodes directly below one, with the fields of each kind looked up once."""
    kind = type(node)
    fields = _FIELDS.get(kind)
    if fields is None:
        fields = _FIELDS[kind] = tuple(name for name in kind._fields if name not in ("ctx", "op"))
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def plain(text: str) -> str:
    """Give a name, or unparsed code, as it was written."""
    return _ADDED.sub("", text) if MARK in text else text


def is_local(name: str) -> bool:
    """Whether this is the name of a function's own variable."""
    return MARK in name


class _Scope:
    """What names mean in one place."""

    def __init__(self, outer: "_Scope | None", bound: dict[str, str], *, is_class: bool = False):
        self.outer = outer
        self.bound = bound
        self.is_class = is_class

    def name(self, written: str) -> str:
        """Give the name of what is called this here."""
        scope: _Scope | None = self
        while scope is not None:
            if written in scope.bound:
                return scope.bound[written]
            scope = scope.outer
        return written

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


def note_arms(module: ast.Module) -> None:
    """Note for each expression in which arms it stands, see `arms_of`."""
    number = 0
    waiting: list[tuple[ast.AST, Arms, bool]] = [(each, (), False) for each in module.body]
    while waiting:
        node, arms, again = waiting.pop()
        if isinstance(node, _Function | ast.Lambda):
            # What is not its own it finds again the next time.
            again = any(isinstance(each, ast.Global | ast.Nonlocal) for each in ast.walk(node))
            arms = ()
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            arms, again = (), True
        if arms and isinstance(node, ast.expr):
            node.arms = arms  # type: ignore[attr-defined]
        if isinstance(node, ast.If) and not again:
            number += 1
            waiting.append((node.test, arms, again))
            for arm, block in enumerate((node.body, node.orelse)):
                waiting += ((each, (*arms, (number, arm)), again) for each in block)
        else:
            waiting += ((each, arms, again) for each in _children(node))


def tell_apart(module: ast.Module) -> None:
    """Rename the variables of a module's functions, in place."""
    note_arms(module)
    number = 0
    top = _Scope(None, {})
    waiting: list[tuple[ast.AST, _Scope]] = [(each, top) for each in module.body]
    while waiting:
        node, scope = waiting.pop()
        if isinstance(node, ast.Name):
            node.id = scope.name(node.id)
        elif isinstance(node, _Function | ast.Lambda):
            if isinstance(node, _Function):
                node.name = scope.name(node.name)
                waiting += ((each, scope) for each in node.decorator_list)
            waiting += ((each, scope) for each in node.args.defaults)
            waiting += ((each, scope) for each in node.args.kw_defaults if each is not None)
            number += 1
            body = node.body if isinstance(node.body, list) else [node.body]
            inner = _Scope(scope.around_functions, _bound(_arguments(node.args), body, number))
            for argument in _arguments(node.args):
                argument.arg = inner.name(argument.arg)
            waiting += ((each, inner) for each in body)
        elif isinstance(node, ast.ClassDef):
            node.name = scope.name(node.name)
            outside = (*node.bases, *node.decorator_list, *(each.value for each in node.keywords))
            waiting += ((each, scope) for each in outside)
            bound = {name: name for name in _bound([], node.body, 0)}
            inner = _Scope(scope, bound, is_class=True)
            waiting += ((each, inner) for each in node.body)
        elif isinstance(node, _Comprehension):
            number += 1
            targets = [each.target for each in node.generators]
            inner = _Scope(scope, _bound([], targets, number))
            waiting.append((node.generators[0].iter, scope))
            waiting += ((each.iter, inner) for each in node.generators[1:])
            waiting += ((each.target, inner) for each in node.generators)
            waiting += ((test, inner) for each in node.generators for test in each.ifs)
            results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
            waiting += ((each, inner) for each in results)
        else:
            if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                node.name = scope.name(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                node.rest = scope.name(node.rest)
            waiting += ((each, scope) for each in _children(node))


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    several = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [each for each in (*several, arguments.vararg, arguments.kwarg) if each is not None]


def _bound(arguments: list[ast.arg], body: Sequence[ast.AST], number: int) -> dict[str, str]:
    """Give the names that a scope binds with those that they get."""
    names = {each.arg for each in arguments}
    others: set[str] = set()
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            others |= {each.asname or each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.Global | ast.Nonlocal):
            others |= set(node.names)
        names.update(_bound_by(node))
        if isinstance(node, _Function | ast.ClassDef | ast.Lambda):
            continue  # what they bind is theirs
        if isinstance(node, _Comprehension):  # but for `:=`
            waiting += (each for each in ast.walk(node) if isinstance(each, ast.NamedExpr))
            continue
        waiting += _children(node)
    return {name: f"{name}{MARK}{number}" for name in names - others}


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, _NAMING) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
