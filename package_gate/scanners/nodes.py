"""The nodes of a syntax tree, for whoever goes through many of them."""

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef
_NO_CODE = {  # annotations that call something stand as statements: see `syntax.run_annotations`
    *("ctx", "op", "ops", "type_comment", "kind", "type_params", "returns", "annotation"),
    *("id", "attr", "arg", "asname", "module", "level", "conversion", "simple", "type_ignores"),
}
_WITH_CODE: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: ()}
"""The fields of each kind of node that may hold other nodes; found when one is seen."""


def children(node: ast.AST) -> list[ast.AST]:
    """Give the nodes directly below one, without operators and contexts; fast."""
    kind = type(node)
    fields = _WITH_CODE.get(kind)
    if fields is None:
        fields = _WITH_CODE[kind] = tuple(name for name in kind._fields if name not in _NO_CODE)
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if value is None:
            continue
        if isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found
