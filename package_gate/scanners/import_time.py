"""What of a package runs by itself: when it is installed, imported, or Python starts.

Malicious packages run before anybody calls them; honest ones do the same things, but in functions.
"""

import ast
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

_ALWAYS_RUN = {"setup.py", "sitecustomize.py", "usercustomize.py"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def runs_whole(path: str) -> bool:
    """Whether all of a file counts as running by itself.

    `setup.py` runs on installation, a `.pth` file and `sitecustomize.py` whenever Python starts.
    """
    name = PurePosixPath(path).name
    return name in _ALWAYS_RUN or name.endswith(".pth")


def running_code(source: bytes, *, whole: bool) -> bytes:
    """Blank the lines of a Python file that don't run by themselves; the others keep their number.

    What runs when a module is imported is everything outside of functions, and the functions and
    classes that such code decorates, calls, hands over to a call, or stores in an attribute, as
    far as it does so by their names and in the same module. Comments and strings that stand by
    themselves never run. What can't be parsed is taken to run.

    Args:
        source: the file's content.
        whole: all functions are taken to run.
    """
    lines = source.split(b"\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's own, about its escapes and the like
            module = ast.parse(source)
        idle = _docstring_lines(module) | (set() if whole else _Reach(module).idle_lines())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        idle = set()
    return b"\n".join(
        b"" if number in idle or line.lstrip().startswith(b"#") else line
        for number, line in enumerate(lines, start=1)
    )


def _docstring_lines(module: ast.Module) -> set[int]:
    return {
        line
        for node in ast.walk(module)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


class _Reach:
    """Follows calls by name from a module's own statements."""

    def __init__(self, module: ast.Module) -> None:
        self._functions = [node for node in ast.walk(module) if isinstance(node, _Function)]
        self._named: dict[str, list[_Function]] = {}
        for node in ast.walk(module):
            if isinstance(node, _Function):
                self._named.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ClassDef):
                methods = [item for item in node.body if isinstance(item, _Function)]
                self._named.setdefault(node.name, []).extend(methods)
        self._reached: set[int] = set()
        self._follow(module)

    def idle_lines(self) -> set[int]:
        """Give the lines of the bodies of functions that nothing reached."""
        idle: set[int] = set()
        # `ast.walk` has outer functions before inner ones: the innermost has the last word.
        for function in self._functions:
            end = function.body[-1].end_lineno or 0
            lines = range(function.body[0].lineno, end + 1)
            if id(function) in self._reached:
                idle.difference_update(lines)
            else:
                idle.update(lines)
        return idle

    def _follow(self, module: ast.Module) -> None:
        waiting: list[ast.AST] = list(module.body)
        while waiting:
            node = waiting.pop()
            reached = [
                function
                for name in _names_put_to_use(node)
                for function in self._named.get(name, ())
                if id(function) not in self._reached
            ]
            if isinstance(node, _Function) and node.decorator_list:
                reached.append(node)
            for function in reached:
                self._reached.add(id(function))
                waiting.extend(function.body)
            waiting.extend(_running_children(node))


def _running_children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when this node runs: of a function, its decorators and defaults."""
    if isinstance(node, _Function):
        yield from (*node.decorator_list, node.args)
    else:
        yield from ast.iter_child_nodes(node)


def _names_put_to_use(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node calls, hands over to a call or stores in an attribute."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node.func, ast.Attribute):
            yield node.func.attr
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(argument, ast.Name):
                yield argument.id
    elif (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and not all(isinstance(target, ast.Name) for target in node.targets)
    ):
        yield node.value.id
