"""Which files code runs that are data by their names: `exec(open("notes.txt").read())`.

What such a call reads is named in the code, or not at all. Whether the name is one of the package's
files depends on the artifact; so the names are gathered here, and looked up by `OwnFiles`.
"""

import ast
import hashlib
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from package_gate.scanners.behaviour import tables as tables
from package_gate.scanners.behaviour.dataflow import Call, Flow
from package_gate.scanners.behaviour.folding import UNKNOWN

_MOST = 400
"""Expressions that are looked at for one call."""
_MAX_NAME = 300
_READS = {
    *("read", "read_text", "read_bytes", "readlines", "readline", "get_data", "open_text"),
    *("open_binary", "read_binary", "getline", "getlines", "resource_string", "open"),
}
_NEITHER = re.compile(r"\.(?:so|pyd|dll|dylib|a|lib|o)(?:\.[\d.]+)?$|\.(?:dist|egg)-info/", re.I)
_MODULES = (".py", ".pyw", ".pyi")
_SHELL_SCRIPTS = ("", ".sh", ".bash", ".zsh", ".command")
_RUN_BY_PYTHON = re.compile(r"(?:^|[\s/])python[\d.]*w?(?:\.exe)?\s+(?:-[^\sm]\S*\s+)*([^\s-]\S*)")
_RUN_BY_A_SHELL = re.compile(r"(?:^|[\s/])(?:ba|z|da|k)?sh\s+(?:-[^\sc]\S*\s+)*([^\s-]\S*)")


@dataclass(frozen=True, slots=True)
class Named:
    """What a call reads and runs."""

    texts: tuple[str, ...]
    """What may name a file, in the call itself and in what leads to it."""
    reads: bool = False
    """Whether a file is read, or there is too much to follow."""
    by_a_shell: bool = False
    hidden: bool = False
    """Whether it is a text of the package's metadata, or of the very file, such as a comment."""


def named_by(call: Call, flow: Flow) -> Named | None:
    """Give the names of files that a call may run, None when it runs none."""
    if call.does(tables.RUNS_THE_FIRST):
        code = [value for key, value in call.keywords if key in ("cmd", "statement", "expr")]
        return _Search(flow).of(call, [*call.arguments[:1], *code])
    if call.does(tables.RUNS) or call.does(tables.LOADS_A_FILE) or _unpickles(call):
        return _Search(flow).of(call, call.everything)
    if call.does(tables.STARTS):
        command = flow.text(*call.arguments[:1])
        for pattern in (_RUN_BY_PYTHON, _RUN_BY_A_SHELL):
            if match := pattern.search(command):
                return Named((match[1],), by_a_shell=pattern is _RUN_BY_A_SHELL)
        return _read_by_a_shell(call, flow, command)
    return None


def _unpickles(call: Call) -> bool:
    """Whether this is `numpy.load(…, allow_pickle=True)`."""
    allowed = [value for key, value in call.keywords if key == "allow_pickle"]
    return any(isinstance(value, ast.Constant) and value.value is True for value in allowed)


def _read_by_a_shell(call: Call, flow: Flow, command: str) -> Named | None:
    """Give the files that hold a command, or what an interpreter is given as its input."""
    words = command.split()
    into = [value for key, value in call.keywords if key in ("stdin", "input")]
    expressions = list(call.arguments[:1])
    if words and tables.INTERPRETERS.fullmatch(words[0]):
        expressions += into
    named = _Search(flow).of(call, expressions)
    return Named(named.texts) if named and named.reads else None


class _Search:
    """Follows what a call is given."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._seen: set[int] = set()
        self._given: set[str] = set()
        """Parameters of functions that were followed from a call."""
        self._own: set[str] = set()
        """Parameters of the functions that the call is in."""
        self._reads = False
        self._hidden = False

    def of(self, call: Call, expressions: Iterable[ast.expr]) -> Named | None:
        texts: dict[str, None] = {}
        self._own = {
            argument.arg
            for function in self._flow.functions
            if function.lineno <= call.node.lineno <= (function.end_lineno or 0)
            for argument in ast.walk(function.args)
            if _is_argument(argument)
        }
        expressions = list(expressions)
        while expressions and len(self._seen) < _MOST:
            nodes = [node for each in expressions for node in ast.walk(each)]
            texts.update(dict.fromkeys(self._texts(nodes)))
            expressions = list(self._further(nodes))
        if expressions:
            return Named((), reads=True)
        if not (texts or self._reads or self._hidden):
            return None
        return Named(tuple(texts), self._reads, hidden=self._hidden)

    def _texts(self, nodes: list[ast.AST]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, ast.Call):
                self._reads = self._reads or self._is_read(node)
            if isinstance(node, ast.Call | ast.BinOp | ast.JoinedStr | ast.Constant):
                text = self._flow.expressions.text(node)
                if text.strip(UNKNOWN) and len(text) <= _MAX_NAME:
                    yield from text.split("\n")

    def _is_read(self, call: ast.Call) -> bool:
        names = self._flow.expressions.names(call.func)
        self._hidden = self._hidden or self._reads_itself(call, names)
        is_method = isinstance(call.func, ast.Attribute) and call.func.attr in _READS
        is_method = is_method or any(name.rpartition(".")[2] in _READS for name in names)
        return is_method or any(name in tables.OPENS for name in names)

    def _reads_itself(self, call: ast.Call, names: Collection[str]) -> bool:
        """Whether a call reads the file that it stands in, or the package's metadata."""
        if any(name in tables.HIDDEN_TEXTS for name in names):
            return True
        opened: ast.expr | None = call.args[0] if call.args else None
        if isinstance(call.func, ast.Attribute) and call.func.attr in _READS:
            path = call.func.value
            is_path = isinstance(path, ast.Call) and path.args
            opened = path.args[0] if isinstance(path, ast.Call) and is_path else opened
        elif not any(name in tables.OPENS for name in names):
            return False
        return isinstance(opened, ast.Name) and opened.id == "__file__"

    def _further(self, nodes: list[ast.AST]) -> Iterator[ast.expr]:
        """Give the values of names, and what functions return that are called."""
        for call in nodes:
            # What this call gives a function stands in it; what others give it doesn't matter here.
            for function in (
                self._flow.expressions.called_here(call) if isinstance(call, ast.Call) else ()
            ):
                self._given.update(
                    each.arg for each in ast.walk(function.args) if _is_argument(each)
                )
        for node in nodes:
            for key in _keys(node):
                if key in self._given - self._own:
                    continue
                for value in self._values(key, node):
                    if id(value) not in self._seen:
                        self._seen.add(id(value))
                        yield value

    def _values(self, key: str, node: ast.AST) -> list[ast.expr]:
        """Give what a name may hold here: in a `with` block, what it stands for there."""
        values = self._flow.feeds(key)
        line = getattr(node, "lineno", 0)
        around = [
            block.lineno
            for block in self._flow.blocks
            if block.lineno <= line <= (block.end_lineno or 0)
            and any(_is_name(item.optional_vars, key) for item in block.items)
        ]
        if not around:
            return values
        return [value for value in values if max(around) <= value.lineno <= line]


def _is_argument(node: ast.AST) -> TypeGuard[ast.arg]:
    return isinstance(node, ast.arg)


def _is_name(target: ast.expr | None, key: str) -> bool:
    return isinstance(target, ast.Name) and target.id == key


def _keys(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield f".{node.attr}"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield f"{node.func.id}()"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield f".{node.func.attr}()"


class OwnFiles:
    """The files of one artifact."""

    def __init__(self, paths: Collection[str]) -> None:
        """Take their paths. Compiled modules are left out, which are no code to be read anyway."""
        self._paths = sorted(path for path in paths if not _NEITHER.search(path))
        self.digest = hashlib.sha256("\n".join(self._paths).encode("utf-8", "replace")).hexdigest()
        """The same for the same files."""
        self._by_name: dict[str, list[str]] = {}
        for path in self._paths:
            self._by_name.setdefault(path.rpartition("/")[2], []).append(path)

    def has_run(self, named: Named, *, certainly: bool) -> bool:
        """Whether a file is run although it is no code by its name.

        `certainly` leaves out the files that are read from where nobody can tell.
        """
        if named.hidden:
            return True
        for path in (path for text in named.texts for path in self._called(text)):
            if not self._is_code(path, named):
                return True
        names_a_module = any(text.endswith(_MODULES) for text in named.texts)
        return named.reads and not names_a_module and not certainly

    @staticmethod
    def _is_code(path: str, named: Named) -> bool:
        if named.by_a_shell:
            return posixpath.splitext(path)[1].lower() in _SHELL_SCRIPTS
        return path.endswith(_MODULES)

    def _called(self, text: str) -> list[str]:
        """Give the files that a path may mean, of which the beginning may be unknown."""
        known = text.replace("__file__", UNKNOWN).rpartition(UNKNOWN)
        tail = known[2].replace("\\", "/")
        if known[1] and tail and not tail.startswith("/"):
            return [path for path in self._paths if path.endswith(tail)] if len(tail) > 2 else []
        tail = posixpath.normpath(tail.strip()).lstrip("./") if tail.strip() else ""
        same = self._by_name.get(tail.rpartition("/")[2], [])
        return [path for path in same if f"/{path}".endswith(f"/{tail}")] or same
