"""Addresses, and what thieves look for, that stand in the code so that nobody reads them."""

import ast
import re
from collections.abc import Iterator

from package_gate.core.nodes import Function
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Flow, Label

Found = tuple[str, tuple[ast.expr, ...]]

_HIDDEN = re.compile(
    r"\A(?:https?|wss?|ftp|tcp)://[\w.-]+|\Aapi\.telegram|discord(?:app)?\.com/api|\.onion\b"
    r"|/\.(?:ssh|aws|kube|gnupg|config/gcloud)\b|id_(?:rsa|ed25519)\b|Login Data|\bpowershell\b"
    r"|/bin/(?:ba)?sh\b|\bcurl\s+-|\bbot\d{8,}:",
    re.IGNORECASE,
)
"""What nobody has a reason to hide who writes it into his code."""


def of_hidden_addresses(flow: Flow) -> Iterator[Found]:
    """Yield what decodes an address that stands in the code, or turns one round."""
    for call in flow.calls:
        decodes = call.does(tables.DECODES_TEXT) or "reversed" in call.names
        if (decodes or _decodes_here(call.node, flow)) and _HIDDEN.search(flow.text(call.node)):
            yield "hides-an-address", (call.node,)
    for cut in flow.of_kind(ast.Subscript):
        turned = isinstance(cut.slice, ast.Slice) and isinstance(cut.slice.step, ast.UnaryOp)
        if turned and _HIDDEN.search(flow.text(cut)):
            yield "hides-an-address", (cut,)


def _decodes_here(call: ast.Call, flow: Flow) -> bool:
    """Whether this calls a function of the file that decodes a text, and gives it one."""
    given = [each for each in call.args if isinstance(each, ast.Constant)]
    if not given or not isinstance(call.func, ast.Name):
        return False
    key = f"{call.func.id}()"
    made = any(isinstance(each, Function) for each in flow.expressions.called_here(call))
    values = flow.expressions.values.get(key, []) if made or call.func.id else []
    return any(Label.ENCODED in flow.labels(value) for value in values)
