"""Code that a file works out from nothing but what stands in it.

Who writes code to run writes it down; who fills a template takes something from elsewhere. What is
left are texts that nobody is to read, whatever they are decoded with.
"""

import ast
import builtins
from collections.abc import Iterator

from package_gate.core.folding import UNKNOWN
from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.scanners.behaviour.dataflow import Flow
from package_gate.scanners.behaviour.expressions import targets

_PURE = frozenset(
    {"array", "ast", "base64", "binascii", "bz2", "codecs", "collections", "email", "functools"}
    | {"gzip", "html", "io", "ipaddress", "itertools", "json", "lzma", "marshal", "operator"}
    | {"plistlib", "quopri", "re", "ssl", "string", "struct", "textwrap", "urllib", "uuid", "zlib"}
)
"""Modules whose functions give nothing but what they make of what they are given."""
_TAKES_FROM_ELSEWHERE = frozenset(
    {"open", "input", "globals", "locals", "vars", "dir", "id", "getattr", "__import__", "repr"}
)
_TEMPLATES = {"format", "join", "replace", "strip", "lstrip", "rstrip", "format_map", "dedent"}
_SAME = {
    "compile",
    "str",
    "repr",
    "textwrap.dedent",
    "textwrap.indent",
    "range",
    "len",
    "ast.parse",
}
"""Functions whose result says what they are given."""
_LETTERS = 12
"""Of a text, or numbers, that may hide code."""
_MOST = 2000
"""Expressions of one code; what has more is no text that stands there."""


def is_worked_out(code: ast.expr, flow: Flow) -> bool:
    """Whether code that is run is made of constants alone, and is not what they say.

    Args:
        code: what is run.
        flow: of the file.
    """
    text = flow.expressions.whole_text(code)
    if UNKNOWN not in text and _is_python(text):
        return False
    waiting: list[ast.AST] = [code]
    seen = set(map(id, waiting))
    letters, is_made = 0, False
    given_here: set[str] = set()
    bound: set[str] = set()  # by comprehensions
    parameters = {each.arg for each in flow.of_kind(ast.arg)}
    for node in waiting:  # it grows meanwhile
        further: list[ast.AST] = []
        is_made = is_made or _makes_another_text(node, flow)
        if isinstance(node, ast.Constant):
            letters += len(str(node.value)) if isinstance(node.value, str | bytes | int) else 0
        elif isinstance(node, ast.Name):
            if node.id in bound or node.id in given_here or _is_pure(node, flow):
                continue
            given = flow.feeds(node.id)
            # What may be one of several things, or what anybody may give, is no text of the file.
            if len(given) != 1 or node.id in flow.expressions.loops or node.id in parameters:
                return False
            further += given
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in flow.expressions.functions:
                further += flow.feeds(f"{node.func.id}()")
                for function in flow.expressions.functions[node.func.id]:
                    given_here |= {each.arg for each in _arguments(function.args)}
            elif not isinstance(node.func, ast.Attribute | ast.Name | ast.Lambda | ast.Call):
                return False
            else:
                further.append(node.func)
            further += [*node.args, *(each.value for each in node.keywords)]
        elif isinstance(node, ast.Attribute):
            if not _is_pure(node, flow):
                further.append(node.value)
        elif isinstance(node, ast.Lambda):
            further.append(node.body)
            given_here |= {each.arg for each in _arguments(node.args)}
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            bound |= {name for part in node.generators for name in targets(part.target)}
            further += ast.iter_child_nodes(node)
        elif isinstance(node, ast.comprehension):
            further += [node.iter, *node.ifs]
        elif isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            return False
        else:
            further += ast.iter_child_nodes(node)
        waiting += (each for each in further if id(each) not in seen)
        seen.update(map(id, further))
        if len(waiting) > _MOST:
            return False
    return is_made and letters >= _LETTERS


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    return (each for each in ast.walk(arguments) if isinstance(each, ast.arg))


def _makes_another_text(node: ast.AST, flow: Flow) -> bool:
    """Whether this does more than to put texts together, as templates do."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _TEMPLATES:
            return False
        if isinstance(node.func, ast.Name) and node.func.id in flow.expressions.functions:
            return False
        return not flow.expressions.names(node.func) & _SAME
    if isinstance(node, ast.BinOp):
        return not isinstance(node.op, ast.Add | ast.Mod | ast.Mult)
    if isinstance(node, ast.comprehension):
        return bool(node.ifs)
    return isinstance(node, ast.Slice) and node.step is not None


def _is_python(text: str) -> bool:
    try:
        parse(text)
    except (NotPythonError, TooHardError, RecursionError, MemoryError):
        return False
    return True


def _is_pure(node: ast.Name | ast.Attribute, flow: Flow) -> bool:
    """Whether this names a function, or a module of such, that takes nothing from elsewhere."""
    names = flow.expressions.names(node)
    return bool(names) and all(
        (name in dir(builtins) and name not in _TAKES_FROM_ELSEWHERE)
        or name.partition(".")[0] in _PURE
        for name in names
    )
