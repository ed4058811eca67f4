"""What the modules of a package change in each other.

`core.URL = …` in one module changes what another one does, where nothing of it can be seen. Such
lines are read off with regular expressions, once for a package: a line that sets something of what
was imported, or has a method change it, counts for each flow that uses a name of it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from package_gate.core.module_graph import ModuleGraph
from package_gate.inventory.running.build_reach import waits

_WORD = r"[^\W\d]\w*"
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+)?import\b[ \t]*(\([^)]*\)|[^\n;#]*)", re.MULTILINE
)
_ALIAS = re.compile(rf"({_WORD})[ \t]*(?::?=)[ \t]*({_WORD})(?:\.{_WORD})*[ \t]*$")
"""At the end of a line."""
_ENDS_WITH_NAME = re.compile(rf"=[ \t]*{_WORD}(?:\.{_WORD})*[ \t]*$", re.MULTILINE)
_NAMED = re.compile(rf"({_WORD})(?:\.{_WORD})*(?:\s+as\s+({_WORD}))?|\*")
_CHAIN = rf"{_WORD}(?:\s*\.\s*{_WORD}|\[[^\]\n]*\]|\(\))*"
_SETS = re.compile(
    rf"(?:^|[;(,*\[]|\bdel\s)\s*({_CHAIN})\s*"
    r"(?=[-+*/%&|^@]{0,2}=(?!=)|:[^\n=]*=(?!=)|[\]),][^\n=(]*=(?!=))"
    rf"|\bdel\s+({_CHAIN})|\bas\s+\(?\s*({_CHAIN})|\bfor\s+({_CHAIN})\s+in\b",
    re.MULTILINE,
)
CHANGES_ITS_OBJECT = frozenset(
    {
        *("append", "appendleft", "extend", "extendleft", "insert", "pop", "popleft", "popitem"),
        *("remove", "discard", "clear", "sort", "reverse", "rotate", "add", "update"),
        *("setdefault", "move_to_end", "intersection_update", "difference_update"),
        "symmetric_difference_update",
    }
)
"""Methods of lists, dictionaries, sets and queues; any that has underscores may do so too."""
_CHANGES = re.compile(rf"({_CHAIN})\.(?:{'|'.join(sorted(CHANGES_ITS_OBJECT))}|__\w+__)\s*\(")
_SETTERS = re.compile(
    rf"\b(?:setattr|delattr|vars|\w*(?:setitem|__set\w+__)|list\.\w+|dict\.\w+|patch(?:\.\w+)*)"
    rf"\s*\(\s*(?:[\"']([\w.]+)[\"']|({_CHAIN}))(?:\s*,\s*[\"'](\w+)[\"']\s*,)?"
)
_ANY = re.compile(
    r"\bsys\.modules\b|\bmodules\s*\[|\bimport_module\s*\(|__globals__|__import__\s*\(|\bmodules\.get\("
)
"""Ways to a module that no import names."""
_GIVEN = re.compile(rf"[(,]\s*({_WORD})\s*(?=[,)])")
_MAY_CHANGE = re.compile(r"[=(]|\b(?:in|del|as)\b")
_ANY_OR_SETTER = (
    r"\bmodules\b|import_module|__globals__|__import__|setattr|delattr|\bvars\b|setitem|__set"
    r"|\b(?:list|dict|patch)\b"
)
_OF_ALL_PROGRAMS = re.compile(r"os\.environ\b|sys\.path\b")
"""What every program changes."""
_WHOLE = {"__dict__", "__globals__", "__builtins__"}
"""By which all of a module can be changed."""
_PARTS = re.compile(_WORD)
_HOPS = 3
"""Names that stand for names."""
_MOST_LINES = 20
"""Of one statement."""


class Afar:
    """The lines of a package's modules that may change something of another one."""

    def __init__(self, graph: ModuleGraph) -> None:
        self._modules = {
            path: code.decode("utf-8", "replace")
            for path, code in graph.modules.items()
            if not waits(path)
        }
        self._bindings = {path: _bindings(text) for path, text in self._modules.items()}
        self._calls: dict[tuple[str, bool], list[tuple[str, str]]] = {}

    def changing(self, path: str, names: Collection[str], setters: Mapping[str, bool]) -> set[str]:
        """Give the lines that may change what a flow uses.

        Args:
            path: of the flow's module, whose own lines the flow has.
            names: all that the flow comes by, of attributes too; `*` for what names nothing.
            setters: functions that store something where the flow finds it; whether only what they
                are given.
        """
        found = {line for name in names for line in self._changes.get(name, ())}
        for key in setters.items():
            if key not in self._calls:
                self._calls[key] = list(self._calls_of(*key))
            found |= {line for where, line in self._calls[key] if where != path}
        return found

    @cached_property
    def _aliases(self) -> dict[str, set[str]]:
        """What a name stands for that some module has imported under it."""
        found: dict[str, set[str]] = {}
        for bindings in self._bindings.values():
            for name, alias in (names for binding in bindings for names in binding.names):
                if alias:
                    found.setdefault(alias, set()).add(name)
        return found

    @cached_property
    def _changes(self) -> dict[str, set[str]]:
        """The lines by the names of what they change; `*` for those that name nothing."""
        found: dict[str, set[str]] = {}
        modules = {stem(path) for path in self._modules}
        for path, text in self._modules.items():
            bound = _bound(self._bindings[path])
            lines = text.split("\n")
            for number in _lines_with(_of_interest(bound, modules), text):
                if not _MAY_CHANGE.search(lines[number]):
                    continue
                for name in _changed(lines[number], bound, modules):
                    for each in self._meant(name):
                        found.setdefault(each, set()).add(_statement(lines, number))
        return found

    def _meant(self, name: str) -> set[str]:
        """Give a name with what it may stand for."""
        found = {name}
        for _ in range(_HOPS):
            found = found.union(*(self._aliases.get(each, ()) for each in found))
        return found

    def _calls_of(self, function: str, needs: bool) -> Iterator[tuple[str, str]]:
        """Yield the lines that call a function, with their modules; `needs` arguments."""
        names = {function, *(alias for alias, of in self._aliases.items() if function in of)}
        words = "|".join(map(re.escape, sorted(names)))
        end = r"\s*(?!\))" if needs else ""
        called = re.compile(rf"(?<!def )\b(?:{words})\s*\({end}")
        for path, text in self._modules.items():
            if any(name in text for name in names) and called.search(text):
                lines = text.split("\n")
                for number, line in enumerate(lines):
                    if called.search(line):
                        yield path, _statement(lines, number)


def stem(path: str) -> str:
    """Name a module, or a package, as who imports it does."""
    return path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]


def _of_interest(bound: set[str], modules: set[str]) -> re.Pattern[str]:
    """Give what every line has of which `_changed` names something."""
    if isinstance(bound, _Any):
        return _MAY_CHANGE
    words = [_ANY_OR_SETTER]
    if bound:
        words.append(rf"\b(?:{'|'.join(sorted(bound))})\b\s*(?:[.\[]|\(\)|[-+*/%&|^@]{{1,2}}=)")
    if given := sorted(bound & modules):
        words.append(rf"\b(?:{'|'.join(given)})\b\s*[,)]")
    return re.compile("|".join(words))


def _lines_with(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    """Yield the numbers of the lines that have this, from 0."""
    number, begin = 0, 0
    while found := pattern.search(text, begin):
        number += text.count("\n", begin, found.start())
        yield number
        end = text.find("\n", found.start())
        if end < 0:
            return
        number, begin = number + 1, end + 1


class _Any(set[str]):
    """All names, since a module has imported `*`; but for the own objects."""

    def __contains__(self, name: object) -> bool:
        return name not in ("self", "cls")


@dataclass(frozen=True, slots=True)
class _Binding:
    """An import, or another name for something."""

    names: list[tuple[str, str]]
    """Each with the other name that it gets, or ""."""
    is_import: bool


def _bindings(text: str) -> list[_Binding]:
    """Give what a module imports, and where it gives something another name, in their order."""
    places = [
        (found.start(), _Binding(_NAMED.findall(found[1]), is_import=True))
        for found in _IMPORT.finditer(text)
    ]
    for ending in _ENDS_WITH_NAME.finditer(text):
        line = text.rfind("\n", 0, ending.start()) + 1
        if alias := _ALIAS.search(text, line, ending.end()):
            places.append((alias.start(), _Binding([(alias[2], alias[1])], is_import=False)))
    return [binding for _, binding in sorted(places, key=lambda place: place[0])]


def _bound(bindings: Sequence[_Binding]) -> set[str]:
    """Name what a module has imported, and what stands for it."""
    found: set[str] = set()
    for binding in bindings:
        if binding.names == [("", "")]:
            return _Any()  # all that another module has
        if binding.is_import:
            found.update(alias or name for name, alias in binding.names)
        else:
            found.update(alias for name, alias in binding.names if name in found)
    return found


def _changed(line: str, bound: Collection[str], modules: Collection[str]) -> Iterator[str]:
    """Name what a line sets, or changes, of something that was imported."""
    if _ANY.search(line) and "=" in line:
        yield "*"
    chains = [(next(filter(None, match.groups())), False) for match in _SETS.finditer(line)]
    chains += [(match[1], True) for match in _CHANGES.finditer(line)]
    for chain, by_method in chains:
        first, *further = _PARTS.findall(chain)
        in_place = (
            by_method or "[" in chain or re.search(rf"{re.escape(chain)}\s*[-+*/%&|^@]=", line)
        )
        of_all_programs = in_place and _OF_ALL_PROGRAMS.match(chain)
        if first in bound and not of_all_programs and (further or in_place):
            yield from ("*",) if _WHOLE & set(further) else further or (first,)
            if further and first not in modules and not in_place:
                yield first  # a library
    for text, chain, name in _SETTERS.findall(line):
        parts = _PARTS.findall(text or chain)
        if parts and (text or parts[0] in bound):
            yield name or parts[-1]
    for name in _GIVEN.findall(line):  # a module as a whole
        if name in bound and name in modules:
            yield name


def _statement(lines: list[str], number: int) -> str:
    """Give a line with those that go on with it, without what nobody reads."""
    taken: list[str] = []
    for line in lines[number : number + _MOST_LINES]:
        taken.append(line)
        whole = " ".join(taken)
        if sum(map(whole.count, "([{")) <= sum(map(whole.count, ")]}")) and line[-1:] != "\\":
            break
    return " ".join(" ".join(taken).split())
