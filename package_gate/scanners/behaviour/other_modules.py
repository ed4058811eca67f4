"""What the other modules of a package give, and do with what they are given.

One module reads something and another one sends it: neither does harm alone. A module is followed
into those whose names it uses, two steps far; all of their functions are taken to run.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from package_gate.core.import_time import running_nodes
from package_gate.core.lately import Lately
from package_gate.core.module_graph import ModuleGraph
from package_gate.core.nodes import Function, children
from package_gate.core.receivers import is_for_strangers
from package_gate.core.scopes import is_local
from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.scanners.behaviour import tables
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


class Place(NamedTuple):
    """A name in another module."""

    path: str
    """The module's."""
    name: str
    last: bool
    """Whether the module is not followed into further ones."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was told of names: it is kept when the flow that it comes from no longer is."""

    labels: dict[Place, frozenset[Label]]
    does: dict[tuple[Place, bool], frozenset[Use]]
    """Of a name, and of what it gives when it is called."""
    gives: dict[Place, frozenset[Use] | None]


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
        self._handed_on: dict[tuple[str, bool], dict[str, str] | None] = {}
        self.answers = Answers({}, {}, {})
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

    def handed_on(self, path: str, *, last: bool) -> dict[str, str] | None:
        """Give what a module has imported itself, under its names there; None: it can't be read."""
        asked = path, last
        if asked not in self._handed_on:
            flow = self.flow(path, last=last)
            self._handed_on[asked] = _handed_on_by(flow) if flow else None
        return self._handed_on[asked]

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
        self._places: dict[str, Place | None] = {}
        self._written: dict[str, tuple[str, str] | None] = {}

    def labels(self, name: str) -> frozenset[Label]:
        """See `Others.labels`."""
        if name not in self._labels:
            self._labels[name] = self._find_labels(name)
        return self._labels[name]

    def _find_labels(self, name: str) -> frozenset[Label]:
        if name.endswith("[]()"):  # one after the other of the functions that a list holds
            place = self._place(name.removesuffix("[]()"))
            flow = self._flow(place)
            if place is None or flow is None:
                return frozenset()
            values = flow.expressions.values.get(place.name, ())
            held = [each for value in values for each in getattr(value, "elts", ())]
            names = {each.id for each in held if isinstance(each, ast.Name)}
            stem = name.removesuffix(f"{place.name}[]()")
            return frozenset().union(*(self.labels(f"{stem}{each}()") for each in sorted(names)))
        place = self._place(name)
        if place is None:
            return frozenset()
        known = self._modules.answers.labels
        if place not in known:
            flow = self._flow(place)
            known[place] = _labels_in(flow, place.name, last=self._last) if flow else frozenset()
        return known[place]

    def does(self, name: str) -> frozenset[Use]:
        """See `Others.does`."""
        place = self._place(name.removesuffix("[]"))
        if place is None:
            return frozenset()
        # What the function has given is called, not itself.
        asked = place, name.endswith("()")
        known = self._modules.answers.does
        if asked not in known:
            flow = self._flow(place)
            known[asked] = _done_in(flow, *asked) if flow else frozenset()
        return known[asked]

    def gives(self, name: str) -> frozenset[Use] | None:
        """See `Others.gives`."""
        place = self._place(name)
        if place is None:
            return None
        known = self._modules.answers.gives
        if place not in known:
            flow = self._flow(place)
            known[place] = _given_in(flow, place.name) if flow else None
        return known[place]

    def _flow(self, place: Place | None) -> Flow | None:
        return self._modules.flow(place.path, last=place.last) if place else None

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

    def _place(self, name: str) -> Place | None:
        """Find where a name stands, by way of modules that hand it on."""
        if name not in self._places:
            self._places[name] = self._find_place(name)
        return self._places[name]

    def _find_place(self, name: str) -> Place | None:
        plain = name.removesuffix("()").replace("().", ".")
        if "(" in plain or "[" in plain or "." not in plain or is_local(plain):
            return None
        found = None
        path = self._path
        for _ in range(_HOPS):
            target, rest = self._modules.graph.resolve(path, plain)
            known = self._modules.handed_on(target, last=self._last) if target and rest else None
            if known is None or target == self._path:
                break
            found = Place(target, rest, self._last)
            first, dot, further = rest.partition(".")
            if first not in known:
                break
            path, plain = target, f"{known[first]}{dot}{further}"
        return found


def _handed_on_by(flow: Flow) -> dict[str, str]:
    values = flow.expressions.values
    imports = flow.expressions.imports.items()
    return {name: dotted for name, dotted in imports if name not in values}


def _labels_in(flow: Flow, name: str, *, last: bool) -> frozenset[Label]:
    """Tell what a name of a module holds."""
    values = flow.expressions.values
    known = {*values, *flow.expressions.functions, *flow.expressions.classes}
    asked = name if {name, f"{name}()"} & known or "." in name else "__getattr__"
    returned = (*values.get(f"{name}()", ()), *values.get(name, ()))
    given = flow.labels(*returned) - _MADE | flow.near_labels(*returned, steps=_NEAR)
    far = flow.held(asked) | flow.held(f"{asked}()") | flow.labels(*_of_class(name, flow))
    if method := _method_of(name, flow):
        far |= flow.labels(*values.get(f"{method}()", ())) & _TOLD_FAR
    if Label.DOWNLOADED in far and not _fetches_from_strangers(flow):
        far -= {Label.DOWNLOADED}  # from an address that its user gives
    return frozenset((given | far - _MADE) & (_TOLD_FAR if last else _TOLD))


def _done_in(flow: Flow, place: Place, is_called: bool) -> frozenset[Use]:
    """Tell what a function of a module does with what it, or what it has given, is given."""
    name = place.name
    found: set[Use] = set()
    keys = [name, _method_of(name, flow)]
    if is_called:
        keys = [".__call__"] if name in flow.expressions.classes else []
    for key in keys:
        far = place.last or key is not name
        for function in flow.expressions.functions.get(key, ()):
            uses = flow.uses(function)
            found |= {each for each in uses if not far or each.what != "runs"}
    of_tables = tables.with_any(_stands_for(name, flow))
    if tables.RUNS in of_tables and not place.last:
        found.add(Use("runs", "", 0, whole=True))
    if tables.SENDS in of_tables:
        found.add(Use("sends", "", 0, whole=True))
    return frozenset(found)


def _given_in(flow: Flow, name: str) -> frozenset[Use] | None:
    """Tell what the one function of a name gives of what it is given; None: it is not alone."""
    known = flow.expressions
    functions = known.functions.get(name, [])
    alone = len(functions) == 1 and not functions[0].decorator_list
    other = name in known.classes or name in known.values
    return flow.gives(functions[0]) if alone and not other else None


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
