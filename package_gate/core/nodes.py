"""The nodes of a syntax tree, for whoever goes through many of them."""

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef
_NO_CODE = {  # annotations that call something stand as statements: see `syntax.run_annotations`
    *("ctx", "op", "ops", "type_comment", "kind", "type_params", "returns", "annotation"),
    *("id", "attr", "arg", "asname", "module", "level", "conversion", "simple", "type_ignores"),
    "kwd_attrs",
}
_WITH_CODE: dict[type[ast.AST], tuple[str, ...]] = dict.fromkeys(
    (ast.Constant, ast.Global, ast.Nonlocal, ast.MatchSingleton), ()
)
"""The fields of each kind of node that may hold other nodes; found when one is seen."""


def last_name(node: ast.AST) -> str:
    """Give the name of a variable, or the last part of an attribute's; "" of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def children(node: ast.AST) -> tuple[ast.AST, ...]:
    """Give the nodes directly below one, without operators and contexts; fast.

    A node keeps what is below it, since trees are gone through again and again: who changes a tree
    does so before.
    """
    values = node.__dict__
    known: tuple[ast.AST, ...] | None = values.get("below")
    if known is not None:
        return known
    kind = type(node)
    fields = _WITH_CODE.get(kind)
    if fields is None:
        fields = _WITH_CODE[kind] = tuple(name for name in kind._fields if name not in _NO_CODE)
    found: list[ast.AST] = []
    for name in fields:
        value = values.get(name)
        if type(value) is list:
            found += value if None not in value else [each for each in value if each is not None]
        elif isinstance(value, ast.AST):
            found.append(value)
    node.below = below = tuple(found)  # type: ignore[attr-defined]
    return below
