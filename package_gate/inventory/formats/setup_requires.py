"""`setup_requires`: what setuptools asks for before it builds, read without running it.

https://setuptools.pypa.io/en/latest/references/keywords.html. A list that `setup.py` works out
while it runs is not known.
"""

import ast
from collections.abc import Iterator

from package_gate.inventory.formats.setup_cfg import everywhere, listed, read_setup_cfg

MAX_SETUP_BYTES = 1024 * 1024
"""Of one file; what is larger says nothing."""


def setup_cfg_requires(data: bytes) -> list[str]:
    """Give those of a `setup.cfg`."""
    sections = read_setup_cfg(data[:MAX_SETUP_BYTES].decode("utf-8", "replace"))
    return [each for value in everywhere(sections, "setup_requires") for each in listed(value)]


def setup_py_requires(data: bytes) -> list[str]:
    """Give those of a `setup.py` that stand in it as texts in a list, there or under a name."""
    if len(data) > MAX_SETUP_BYTES:
        return []
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        text
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "setup_requires"
        for text in _texts(names.get(node.value.id) if isinstance(node.value, ast.Name)
                           else node.value)
    ]  # fmt: skip


def _texts(node: ast.expr | None) -> Iterator[str]:
    elements = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    for each in elements:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
