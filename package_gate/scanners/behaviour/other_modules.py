"""What the other modules of a package give, and do with what they are given.

One module reads something and another one sends it: neither does harm alone. A module is followed
into those whose names it uses, two steps far; all of their functions are taken to run.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property

from package_gate.core.import_time import running_nodes
from package_gate.core.lately import Lately
from package_gate.core.module_graph import ModuleGraph
from package_gate.core.nodes import Function, children
from package_gate.core.receivers import is_for_strangers
from package_gate.core.scopes import is_local
from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.scanners.behaviour import tables as tables
from package_gate.scanners.behaviour.dataflow import Flow, Label, Use
from package_gate.scanners.behaviour.expressions import Expressions

_OF_INTEREST = re.compile(
    rb"environ|getenv|requests|httpx|urlopen|urllib3|http\.client|socket|sendmail|b64decode|fromhex"
    rb"|\bexec\s*\(|\beval\s*\(|subprocess|popen|\.ssh|getuser|gethostname|uname|expanduser|home\(\)"
    rb"|aiohttp|smtplib|ftplib|websocket|paramiko|/proc/|/run/secrets|keyring|getpass|netrc|dotenv"
    rb"|kubernetes|airflow|\bboto3?\b|secretmanager|keyvault|hvac|dbutils|browser_cookie|rookiepy"
)
"""What a module has that reads, sends or runs something."""
_MOST = 16 * 1024 * 1024
"""Letters of modules whose flows are kept; a letter takes some 100 bytes."""
_HOPS = 4
"""Modules that hand on what they have imported themselves."""
_SHORT = 30
"""Lines of a function of which it is asked what it gives."""


class OtherModules:
    """The modules of one artifact, each read when something asks for it."""

    def __init__(self, graph: Callable[[], ModuleGraph]) -> None:
        """Take what reads the modules."""
        self._read = graph
        self._flows: Lately[tuple[str, bool], Flow] = Lately(_MOST)
        self._texts: Lately[str, Expressions] = Lately(_MOST)
        self._unread: set[tuple[str, bool]] = set()
        """The flows that can't be made, are of no interest, or are being made."""
        self._wordless: set[str] = set()
        """The same of texts."""
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

    def flow(self, path: str, *, last: bool = True) -> Flow | None:
        """Give the flow of a module; None of one that can't be read.

        Args:
            path: of the module.
            last: it is not followed into further modules.
        """
        flow = self._flows.get((path, last))
        content = self.graph.modules[path]
        if flow is not None or (path, last) in self._unread:
            return flow
        self._unread.add((path, last))
        if last and not _OF_INTEREST.search(content):
            return None
        others = None if last else Beside(path, self, last=True)
        with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
            module = parse(content.decode("utf-8", "replace"))
            flow = Flow(running_nodes(module, whole=True), others)
            self._flows.keep((path, last), flow, len(content))
            self._unread.remove((path, last))
        return flow

    def texts(self, path: str) -> Expressions | None:
        """Give what a module keeps and its short functions give; None of one that can't be read.

        Of large programs nearly every module is asked: only what may be a text is kept.
        """
        texts = self._texts.get(path)
        if texts is None and path not in self._wordless:
            self._wordless.add(path)
            content = self.graph.modules[path]
            with suppress(NotPythonError, TooHardError, RecursionError, MemoryError):
                module = parse(content.decode("utf-8", "replace"))
                texts = Expressions(_kept_by(module), Beside(path, self, last=True))
                self._texts.keep(path, texts, len(content))
                self._wordless.remove(path)
        return texts


def _kept_by(module: ast.Module) -> Iterator[ast.AST]:
    """Give the nodes of a module but for those of functions that are not short."""
    waiting: list[ast.AST] = [module]
    for node in waiting:  # it grows meanwhile
        yield node
        is_long = isinstance(node, Function) and (node.end_lineno or 0) - node.lineno > _SHORT
        waiting += () if is_long else children(node)


class Beside:
    """The other modules, as one of them names them; implements `Others`."""

    def __init__(self, path: str, modules: OtherModules, *, last: bool = False) -> None:
        """Stand in the module of this path; those that are the `last` lead to no others."""
        self._path = path
        self._last = last
        self._modules = modules
        self._labels: dict[str, frozenset[Label]] = {}
        self._does: dict[str, frozenset[Use]] = {}
        self._gives: dict[str, frozenset[Use] | None] = {}
        self._written: dict[str, tuple[str, str] | None] = {}

    def labels(self, name: str) -> frozenset[Label]:
        """See `Others.labels`."""
        if name not in self._labels:
            self._labels[name] = self._find_labels(name)
        return self._labels[name]

    def _find_labels(self, name: str) -> frozenset[Label]:
        if name.endswith("[]()"):  # one after the other of the functions that a list holds
            flow, rest = self._resolve(name.removesuffix("[]()"))
            values = flow.expressions.values if flow else {}
            held = [each for value in values.get(rest, ()) for each in getattr(value, "elts", ())]
            names = {each.id for each in held if isinstance(each, ast.Name)}
            stem = name.removesuffix(f"{rest}[]()")
            return frozenset().union(*(self.labels(f"{stem}{each}()") for each in sorted(names)))
        flow, rest = self._resolve(name)
        if flow is None:
            return frozenset()
        told = _TOLD_FAR if self._last else _TOLD
        known = {*flow.expressions.values, *flow.expressions.functions, *flow.expressions.classes}
        asked = rest if {rest, f"{rest}()"} & known or "." in rest else "__getattr__"
        values = flow.expressions.values
        returned = (*values.get(f"{rest}()", ()), *values.get(rest, ()))
        given = flow.labels(*returned) - _MADE | flow.near_labels(*returned, steps=_NEAR)
        far = flow.held(asked) | flow.held(f"{asked}()") | flow.labels(*_of_class(rest, flow))
        if method := _method_of(rest, flow):
            far |= flow.labels(*values.get(f"{method}()", ())) & _TOLD_FAR
        if Label.DOWNLOADED in far and not _fetches_from_strangers(flow):
            far -= {Label.DOWNLOADED}  # from an address that its user gives
        return frozenset((given | far - _MADE) & told)

    def does(self, name: str) -> frozenset[Use]:
        """See `Others.does`."""
        if name not in self._does:
            flow, rest = self._resolve(name.removesuffix("[]"))
            found: set[Use] = set()
            keys = [rest, _method_of(rest, flow)] if flow else []
            if flow and name.endswith("()"):  # what the function has given is called, not itself
                keys = [".__call__"] if rest in flow.expressions.classes else []
            for key in keys:
                far = self._last or key is not rest
                for function in flow.expressions.functions.get(key, ()) if flow else ():
                    uses = flow.uses(function) if flow else frozenset()
                    found |= {each for each in uses if not far or each.what != "runs"}
            of_tables = tables.with_any(_stands_for(rest, flow)) if flow else ()
            if tables.RUNS in of_tables and not self._last:
                found.add(Use("runs", "", 0, whole=True))
            if tables.SENDS in of_tables:
                found.add(Use("sends", "", 0, whole=True))
            self._does[name] = frozenset(found)
        return self._does[name]

    def gives(self, name: str) -> frozenset[Use] | None:
        """See `Others.gives`."""
        if name not in self._gives:
            flow, rest = self._resolve(name)
            known = flow.expressions if flow else None
            functions = known.functions.get(rest, []) if known else []
            alone = len(functions) == 1 and not functions[0].decorator_list
            other = known and (rest in known.classes or rest in known.values)
            found = flow.gives(functions[0]) if flow and alone and not other else None
            self._gives[name] = found
        return self._gives[name]

    def written(self, name: str) -> tuple[Expressions, str] | None:
        """See `Elsewhere.written`."""
        if name not in self._written:
            self._written[name] = self._find_written(name)
        path, key = self._written[name] or ("", "")
        there = self._modules.texts(path) if path else None
        return (there, key) if there else None

    def _find_written(self, name: str) -> tuple[str, str] | None:
        result = "()" if name.endswith("()") else ""
        plain = name.replace("()", "")  # what an object has stands in its class
        if "(" in plain or "[" in plain or "." not in plain or is_local(plain):
            return None
        waiting = [(self._path, plain)]
        for path, wanted in waiting:  # it grows meanwhile
            target, rest = self._modules.graph.resolve(path, wanted)
            there = self._modules.texts(target) if rest and target != self._path else None
            if there is None:
                continue
            first, dot, further = rest.partition(".")
            key = f".{further}{result}" if dot else f"{first}{result}"
            if key in there.values and (not dot or first in there.classes or first in there.values):
                return target, key
            if len(waiting) < _HOPS:
                if first in there.imports:
                    waiting.append((target, f"{there.imports[first]}{dot}{further}"))
                else:
                    waiting += ((target, f"{module}{rest}") for module in there.wildcards)
        return None

    def is_own(self, root: str) -> bool:
        """See `Others.is_own`."""
        return (
            re.match(rf"(?:[^/]*-[^/]*/)?(?:src/|lib/|python/)?{re.escape(root)}/", self._path)
            is not None
        )

    def _resolve(self, name: str) -> tuple[Flow | None, str]:
        plain = name.removesuffix("()").replace("().", ".")
        if "(" in plain or "[" in plain or "." not in plain or is_local(plain):
            return None, ""
        found: tuple[Flow | None, str] = None, ""
        path = self._path
        for _ in range(_HOPS):
            target, rest = self._modules.graph.resolve(path, plain)
            flow = self._modules.flow(target, last=self._last) if target and rest else None
            if flow is None or target == self._path:
                break
            found = flow, rest
            first, dot, further = rest.partition(".")
            if first not in flow.expressions.imports or first in flow.expressions.values:
                break
            path, plain = target, f"{flow.expressions.imports[first]}{dot}{further}"
        return found


def _fetches_from_strangers(flow: Flow) -> bool:
    """Whether a module fetches something from an address that stands in it."""
    receiving = (call for call in flow.calls if call.does(tables.RECEIVES))
    return any(is_for_strangers(flow.address(call)) for call in receiving)


def _stands_for(rest: str, flow: Flow) -> frozenset[str]:
    """Give the dotted names of what a name of a module is, and of what a collection has."""
    of_class = () if rest in flow.expressions.classes else _of_class(rest, flow)
    values = [*flow.expressions.values.get(rest, ()), *of_class]
    for each in values:  # it grows meanwhile
        if isinstance(each, ast.Dict):
            values += each.values
        elif isinstance(each, ast.List | ast.Tuple):
            values += each.elts
    names = {name for each in values for name in flow.expressions.names(each)}
    return frozenset({*names, flow.expressions.imports.get(rest, "").removeprefix("builtins.")})


def _of_class(rest: str, flow: Flow) -> list[ast.expr]:
    """Give what `Class.attribute` comes to, or what a class gives to who takes it for something.

    That is what its objects give to a loop, say, or to who calls them.
    """
    classes = flow.members
    owner, _, attribute = (rest, "", "") if rest in classes else rest.rpartition(".")
    made = [owner]
    for value in flow.expressions.values.get(owner, ()):
        made += (name.removesuffix("()") for name in flow.expressions.names(value))
    waiting = [each for each in made if each in classes]
    found: list[ast.expr] = []
    for each in waiting:  # it grows meanwhile
        waiting += [base for base in flow.bases[each] if base in classes and base not in waiting]
        for name, values in classes[each].items():
            if name == attribute or (
                name.startswith("__") and (not attribute or "getattr" in name)
            ):
                found += values
    return found


def _method_of(rest: str, flow: Flow) -> str:
    """Give the key of a method: `Class.method`, or that of an object which the module keeps."""
    owner, _, method = rest.rpartition(".")
    known = owner in flow.expressions.classes or owner in flow.expressions.values
    return f".{method}" if known else ""


_TOLD = frozenset(
    {Label.SECRET, Label.LOOT, Label.HOST_FACTS, Label.DOWNLOADED, Label.DECODED, Label.ENCODED}
    | {Label.SCREEN, Label.GATHERED, Label.IDENTITY, Label.DISGUISED, Label.CLIPBOARD}
)
"""What is of interest from one module to the next."""
_NEAR = 6
"""Steps from what a module has decoded to what it gives: in large programs all leads to all."""
_MADE = {Label.DECODED, Label.ENCODED}
"""What a module says of what it gives only where that comes there directly."""
_TOLD_FAR = _TOLD - {Label.DOWNLOADED, Label.DECODED, Label.ENCODED}
"""What is of interest two modules on, and from a method, of whatever class: what may be sent."""
