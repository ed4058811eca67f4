"""Which of a file's functions are called by a text, a loop over all of them, or code in a text."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from package_gate.core.nodes import children

_ALL_OF_A_MODULE = {"globals", "locals", "vars"}
_GIVE_MODULES = {"__import__", "import_module"}
_MEMBERS = {*_ALL_OF_A_MODULE, "dir"}
_OF_INSPECT = {"getmembers", "getmembers_static"}
_TAKE_ITEMS = {"get", "pop", "setdefault", "__getitem__", "__getattribute__"}
_RUN_TEXTS = {"eval", "exec", "compile", "timeit", "repeat", "Timer", "runctx", "runsource", "push"}
_ANYTHING = ".*"
_CALLED = re.compile(r"(\w+)\s*\(")
_DEPTH = 20


@dataclass(frozen=True, slots=True)
class ByText:
    """What is called by a text."""

    owner: ast.expr | None
    """Of what it is an attribute; None when it is the file's own module."""
    name: re.Pattern[str]
    """What its name may be."""
    is_item: bool = False
    """Whether it is an item of the owner, which has them if it stands for the file's module."""

    @property
    def is_known(self) -> bool:
        """Whether the text is told whole."""
        return _ANYTHING not in self.name.pattern


def called_by_text(function: ast.expr) -> ByText | None:
    """Tell what `getattr(owner, text)`, `globals()[text]` and the like stand for, if it is one."""
    if isinstance(function, ast.Call):
        return _looked_up(function)
    if isinstance(function, ast.Subscript):
        if _holds_all(function.value):
            return _of(function.value, function.slice)
        return ByText(function.value, re.compile(_pattern(function.slice)), is_item=True)
    if isinstance(function, ast.Attribute) and _is_a_module(function.value):
        return ByText(None, re.compile(re.escape(function.attr)))
    return None


def method_called(call: ast.Call) -> ByText | None:
    """Tell which method `methodcaller(text)` calls of what it is given later: of any object."""
    by_name = _name(call.func) == "methodcaller" and call.args
    return ByText(call.args[0], re.compile(_pattern(call.args[0]))) if by_name else None


def attribute_of_any_module(function: ast.expr, values: Sequence[ast.expr]) -> str:
    """Name the attribute that is called of a module which a text names; "" of anything else.

    Args:
        function: what is called.
        values: what the name may stand for that the attribute belongs to.
    """
    if not isinstance(function, ast.Attribute):
        return ""
    modules = filter(_is_a_module, (function.value, *values))
    return "" if all(map(_is_known, modules)) else function.attr


def stands_for_the_module(value: ast.expr) -> bool:
    """Whether this is the file's module, what it holds, or the function that gives that."""
    is_function = isinstance(value, ast.Name) and value.id in _ALL_OF_A_MODULE
    of_all = _holds_all(value) and not (isinstance(value, ast.Call) and value.args)
    return is_function or of_all or (_is_a_module(value) and _is_known(value))


def stands_for_a_module(value: ast.expr) -> bool:
    """Whether this is a module that nobody knows, which may be the file's own."""
    return _is_a_module(value) and not _is_known(value)


def members_of(source: ast.expr) -> ByText | None:
    """Tell of what a loop, or an item, takes one member after the other; None of other loops."""
    waiting: list[ast.AST] = [source]
    for node in waiting:  # it grows meanwhile
        if _gives_members(node):
            return _of(node, None)
        if isinstance(node, ast.Attribute) and node.attr == "__dict__":
            return _of(node, None)
        waiting += children(node)
    return None


def names_in_code(call: ast.Call) -> Iterator[str]:
    """Yield what a text calls that a call runs, such as `exec("start()")`."""
    if _name(call.func) in _RUN_TEXTS:
        for each in call.args:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield from _CALLED.findall(each.value)


def _looked_up(call: ast.Call) -> ByText | None:
    name = _name(call.func)
    if name == "getattr" and len(call.args) > 1:
        return _of(call.args[0], call.args[1])
    maker = call.func
    if isinstance(maker, ast.Call) and call.args and maker.args:  # `attrgetter(text)(owner)`
        known = _name(maker.func) == "attrgetter"
        return _of(call.args[0], maker.args[0]) if known else None
    if isinstance(maker, ast.Attribute) and name in _TAKE_ITEMS and call.args:
        known = name == "__getattribute__" or _holds_all(maker.value)
        return _of(maker.value, call.args[0]) if known else None
    return None


def _of(owner: ast.expr, text: ast.expr | None) -> ByText:
    name = re.compile(_ANYTHING if text is None else _pattern(text), re.DOTALL)
    if isinstance(owner, ast.Attribute) and owner.attr == "__dict__":
        owner = owner.value
    if _gives_members(owner):
        return ByText(owner.args[0] if owner.args else None, name)
    found = ByText(owner, name)
    # Whatever of a module that nobody knows is what loaders of plugins call.
    own = _is_a_module(owner) and (found.is_known or _is_known(owner))
    return ByText(None, name) if own else found


def _gives_members(node: ast.AST) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    return _name(function) in _OF_INSPECT or (
        isinstance(function, ast.Name) and function.id in _MEMBERS
    )


def _holds_all(expression: ast.expr) -> bool:
    if isinstance(expression, ast.Call):
        return isinstance(expression.func, ast.Name) and expression.func.id in _ALL_OF_A_MODULE
    return isinstance(expression, ast.Attribute) and expression.attr == "__dict__"


def _is_a_module(expression: ast.expr) -> bool:
    """Whether this is a module that is named by a text: perhaps the file's own."""
    if isinstance(expression, ast.Call):
        return _name(expression.func) in _GIVE_MODULES
    return isinstance(expression, ast.Subscript) and _name(expression.value) == "modules"


def _is_known(module: ast.expr) -> bool:
    """Whether the text that names a module stands there, or the module is the file's own."""
    if isinstance(module, ast.Call):
        return bool(module.args) and isinstance(module.args[0], ast.Constant)
    text = module.slice if isinstance(module, ast.Subscript) else module
    return isinstance(text, ast.Constant) or (isinstance(text, ast.Name) and text.id == "__name__")


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _pattern(text: ast.expr, depth: int = 0) -> str:
    """Give a regular expression for what a text may be."""
    if isinstance(text, ast.Constant):
        return re.escape(str(text.value))
    if isinstance(text, ast.FormattedValue) or depth > _DEPTH:
        return _ANYTHING
    if isinstance(text, ast.JoinedStr):
        return "".join(_pattern(each, depth + 1) for each in text.values)
    if isinstance(text, ast.BinOp) and isinstance(text.op, ast.Add):
        return _pattern(text.left, depth + 1) + _pattern(text.right, depth + 1)
    return _ANYTHING
