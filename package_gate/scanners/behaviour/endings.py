"""How the name of a file ends that code writes, when no more of its path is known."""

import ast
import re
from collections.abc import Iterator

from package_gate.core.nodes import last_name
from package_gate.scanners.behaviour.dataflow import Flow

_RUN_BY_NOBODY = re.compile(
    r".*\.(?:json|txt|log|ya?ml|csv|tsv|html?|md|rst|c|cc|cpp|h|hpp|pyx|pxd|lock|tmp|map)",
    re.IGNORECASE | re.DOTALL,
)
_MOST = 50
"""Expressions that are looked at for one path."""


def is_run_by_nobody(path: ast.expr, flow: Flow) -> bool:
    """Whether a path ends, whatever it may be here, as that of a file that nothing runs."""
    return all(map(_RUN_BY_NOBODY.fullmatch, _endings(path, flow)))


def _endings(path: ast.expr, flow: Flow) -> Iterator[str]:
    """Yield how a path may end; "" where that is not known."""
    waiting: list[ast.expr] = [path]
    for number, node in enumerate(waiting):  # it grows meanwhile
        parts: list[ast.expr] = []
        if isinstance(node, ast.Name):
            values, loops = flow.expressions.values, flow.expressions.loops
            parts = [*values.get(node.id, ()), *loops.get(node.id, ())]
        elif isinstance(node, ast.List | ast.Tuple):
            parts = node.elts
        elif isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.ListComp | ast.GeneratorExp):
            parts = [node.elt]
        elif isinstance(node, ast.BinOp):
            parts = [node.left if isinstance(node.op, ast.Mod) else node.right]
        elif isinstance(node, ast.JoinedStr):
            parts = node.values[-1:]
        elif isinstance(node, ast.Call) and node.args and not node.keywords:
            name = last_name(node.func)
            parts = node.args[-1:] if name.endswith(("join", "Path", "abspath", "str")) else []
        if isinstance(node, ast.Constant):
            yield str(node.value)
        elif not parts or number > _MOST:
            yield ""
            return
        waiting += parts
