"""Which methods Python calls that the code does not name: by operators, items and the like."""

import ast
import re
from collections.abc import Sequence

from package_gate.core.nodes import Function

_PROPERTIES = re.compile(r"property$|^(?:setter|getter|deleter)$")
"""Decorators of methods that run when an attribute is read or set."""
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.USub: "neg",
    ast.UAdd: "pos",
    ast.Invert: "invert",
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.In: "contains",
    ast.NotIn: "contains",
}
_TRUTH = frozenset({"__bool__", "__len__"})
_ITERATION = frozenset({"__iter__", "__next__", "__getitem__"})
_TEXTS = frozenset({"__format__", "__str__", "__repr__"})
_BY_SYNTAX: dict[type[ast.AST], frozenset[str]] = {
    **dict.fromkeys((ast.If, ast.While, ast.IfExp, ast.BoolOp, ast.Assert), _TRUTH),
    **dict.fromkeys((ast.For, ast.comprehension, ast.Starred, ast.YieldFrom), _ITERATION),
    ast.AsyncFor: frozenset({"__aiter__", "__anext__"}),
    ast.Await: frozenset({"__await__"}),
    ast.MatchClass: frozenset({"__instancecheck__", "__subclasshook__"}),
    ast.MatchValue: frozenset({"__eq__"}),
    ast.withitem: frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"}),
    ast.FormattedValue: _TEXTS,
}
"""Methods that statements and expressions call without naming them."""
_BY_BUILTIN: dict[str, frozenset[str]] = {
    **{
        name: frozenset({f"__{name}__"})
        for name in ("abs", "bytes", "complex", "dir", "divmod", "float", "hash", "int", "len")
    },
    **{name: frozenset({f"__{name}__"}) for name in ("next", "repr", "reversed", "round")},
    **dict.fromkeys(("all", "any", "dict", "enumerate", "filter", "frozenset"), _ITERATION),
    **dict.fromkeys(("iter", "list", "map", "max", "min", "set", "sorted", "sum"), _ITERATION),
    **dict.fromkeys(("tuple", "zip"), _ITERATION),
    **dict.fromkeys(("str", "print", "format"), _TEXTS),
    "bool": _TRUTH,
    "isinstance": frozenset({"__instancecheck__", "__subclasshook__"}),
    "issubclass": frozenset({"__subclasscheck__", "__subclasshook__"}),
    "getattr": frozenset({"__getattr__", "__getattribute__"}),
    "hasattr": frozenset({"__getattr__", "__getattribute__"}),
    "setattr": frozenset({"__setattr__"}),
    "delattr": frozenset({"__delattr__"}),
}
"""Methods that functions of the language call."""
_OF_ATTRIBUTES: dict[type[ast.expr_context], frozenset[str]] = {
    ast.Load: frozenset({"__getattr__", "__getattribute__", "__get__"}),
    ast.Store: frozenset({"__setattr__", "__set__"}),
    ast.Del: frozenset({"__delattr__", "__delete__"}),
}
_OF_ITEMS: dict[type[ast.expr_context], frozenset[str]] = {
    ast.Load: frozenset({"__getitem__", "__missing__", "__class_getitem__"}),
    ast.Store: frozenset({"__setitem__"}),
    ast.Del: frozenset({"__delitem__"}),
}
_NONE: frozenset[str] = frozenset()
OF_WHAT_IS_GIVEN = frozenset(
    {
        *_TRUTH,
        *_ITERATION,
        *_TEXTS,
        *(each for names in _OF_ATTRIBUTES.values() for each in names),
        *(each for names in _OF_ITEMS.values() for each in names),
        *(each for names in _BY_BUILTIN.values() for each in names),
        *(f"__{way}{name}__" for name in _OPERATORS.values() for way in ("", "r", "i")),
        *("__aiter__", "__anext__", "__await__", "__enter__", "__exit__", "__aenter__"),
        *("__aexit__", "__index__", "__fspath__", "__length_hint__", "__buffer__", "__trunc__"),
        *("__ceil__", "__floor__", "__rdivmod__", "__mro_entries__", "__copy__", "__deepcopy__"),
        *("__replace__", "__reduce__", "__reduce_ex__", "__sizeof__", "__getstate__"),
        *("__setstate__", "__getnewargs__", "__getnewargs_ex__", "__array__", "__array_struct__"),
        *("__array_interface__", "__array_ufunc__", "__array_function__", "__dataframe__"),
        *("__arrow_array__", "__html__", "__rich__", "__rich_console__"),
        *(f"_repr_{kind}_" for kind in ("html", "pretty", "mimebundle", "svg", "png", "json")),
        *("_repr_latex_", "_repr_markdown_", "_repr_javascript_", "_ipython_display_"),
        *("keys", "items", "values", "close", "aclose", "fileno", "isatty", "flush", "write"),
        *("writelines", "read", "read1", "readline", "readlines", "readinto", "seek", "tell"),
        *("filter", "handle", "emit", "format", "acquire", "release", "throw"),
        # Of protocols of asyncio and of handlers of SAX
        *("connection_made", "connection_lost", "data_received", "datagram_received"),
        *("eof_received", "error_received", "characters", "startElement", "endElement"),
    }
)
"""Methods that C code and libraries call of an object that they are given."""


def given_by(node: ast.AST) -> Sequence[ast.expr]:
    """Give the expressions whose objects a statement or expression leaves to C code, but calls."""
    if isinstance(node, ast.List | ast.Set | ast.Tuple):
        return node.elts
    if isinstance(node, ast.Dict):
        return [each for each in node.keys if each]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right] if isinstance(node.op, ast.Mod) else ()
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.ClassDef):
        return node.bases
    if isinstance(node, ast.Assign):
        return [node.value] if isinstance(node.targets[0], ast.Tuple | ast.List) else ()
    return [node.value] if isinstance(node, ast.Starred) else ()


def methods_called_by(node: ast.AST) -> frozenset[str]:
    """Name the methods that an expression or a statement calls without naming them."""
    if isinstance(node, ast.Attribute):
        return _OF_ATTRIBUTES[type(node.ctx)]
    if isinstance(node, ast.Subscript):
        return _OF_ITEMS[type(node.ctx)]
    if isinstance(node, ast.Call):
        return _BY_BUILTIN.get(node.func.id, _NONE) if isinstance(node.func, ast.Name) else _NONE
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.UnaryOp):
        name = _OPERATORS.get(type(node.op))
        return frozenset(f"__{way}{name}__" for way in ("", "r", "i")) if name else _TRUTH
    if isinstance(node, ast.Compare):
        names = {_OPERATORS[type(each)] for each in node.ops if type(each) in _OPERATORS}
        return frozenset(f"__{name}__" for name in names)
    return _BY_SYNTAX.get(type(node), _NONE)


def is_property(function: Function) -> bool:
    """Whether a method runs when an attribute of its name is read, set or deleted."""
    return any(
        _PROPERTIES.search(each.attr if isinstance(each, ast.Attribute) else each.id)
        for each in function.decorator_list
        if isinstance(each, ast.Attribute | ast.Name)
    )
