"""What the other modules of a package give, and do with what they are given.

One module reads something and another one sends it: neither does harm alone. A module is followed
into those whose names it uses, one step far; all of their functions are taken to run.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cached_property

from package_gate.scanners.behaviour.dataflow import Flow, Label
from package_gate.scanners.behaviour.module_graph import ModuleGraph
from package_gate.scanners.import_time import running_nodes
from package_gate.scanners.scopes import is_local
from package_gate.scanners.syntax import NotPythonError, TooHardError, parse

_MAX_BYTES = 512 * 1024
"""Larger modules are not followed into: it takes long, and what only passes data on is short."""
_OF_INTEREST = re.compile(
    rb"environ|getenv|requests|httpx|urlopen|urllib3|http\.client|socket|sendmail|b64decode|fromhex"
    rb"|\bexec\s*\(|\beval\s*\(|subprocess|popen|\.ssh|getuser|gethostname|uname|expanduser|home\(\)"
)
"""What a module has that reads, sends or runs something."""


class OtherModules:
    """The modules of one artifact, each read when something asks for it."""

    def __init__(self, graph: Callable[[], ModuleGraph]) -> None:
        """Take what reads the modules."""
        self._read = graph
        self._flows: dict[str, Flow | None] = {}
        self._seen_from: dict[str, Beside] = {}

    @cached_property
    def graph(self) -> ModuleGraph:
        """The modules."""
        return self._read()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all modules: what is found in one may depend on the others."""
        digest = hashlib.sha256()
        for path, content in sorted(self.graph.modules.items()):
            digest.update(hashlib.sha256(path.encode() + b"\0" + content).digest())
        return digest.hexdigest()

    def seen_from(self, path: str) -> "Beside":
        """Give them as the module of this path names them."""
        return self._seen_from.setdefault(path, Beside(path, self))

    def flow(self, path: str) -> Flow | None:
        """Give the flow of a module; None of one that can't be read, or is too large."""
        if path not in self._flows:
            self._flows[path] = None
            content = self.graph.modules[path]
            if len(content) <= _MAX_BYTES and _OF_INTEREST.search(content):
                try:
                    module = parse(content.decode("utf-8", "replace"))
                    self._flows[path] = Flow(running_nodes(module, whole=True))
                except (NotPythonError, TooHardError, RecursionError, MemoryError):
                    pass
        return self._flows[path]


class Beside:
    """The other modules, as one of them names them; implements `Others`."""

    def __init__(self, path: str, modules: OtherModules) -> None:
        """Stand in the module of this path."""
        self._path = path
        self._modules = modules
        self._labels: dict[str, frozenset[Label]] = {}
        self._does: dict[str, frozenset[str]] = {}

    def labels(self, name: str) -> frozenset[Label]:
        """See `Others.labels`."""
        if name not in self._labels:
            self._labels[name] = self._find_labels(name)
        return self._labels[name]

    def _find_labels(self, name: str) -> frozenset[Label]:
        flow, rest = self._resolve(name)
        if flow is None:
            return frozenset()
        values = flow.expressions.values
        given = [*values.get(f"{rest}()", ()), *values.get(rest, ())]
        return frozenset(flow.labels(*given)) & _TOLD

    def does(self, name: str) -> frozenset[str]:
        """See `Others.does`."""
        if name not in self._does:
            flow, rest = self._resolve(name)
            found: set[str] = set()
            for function in flow.expressions.functions.get(rest, ()) if flow else ():
                found |= flow.uses(function) if flow else set()
            self._does[name] = frozenset(found)
        return self._does[name]

    def is_own(self, root: str) -> bool:
        """See `Others.is_own`."""
        return (
            re.match(rf"(?:[^/]*-[^/]*/)?(?:src/|lib/|python/)?{re.escape(root)}/", self._path)
            is not None
        )

    def _resolve(self, name: str) -> tuple[Flow | None, str]:
        plain = name.removesuffix("()")
        if "(" in plain or "[" in plain or "." not in plain or is_local(plain):
            return None, ""
        target, rest = self._modules.graph.resolve(self._path, plain)
        if not target or target == self._path or not rest:
            return None, ""
        return self._modules.flow(target), rest


_TOLD = frozenset(
    {Label.SECRET, Label.LOOT, Label.HOST_FACTS, Label.DOWNLOADED, Label.DECODED, Label.ENCODED}
    | {Label.SCREEN}
)
"""What is of interest from one module to the next."""
