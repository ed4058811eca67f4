"""What classes have of classes of other modules: whoever creates one runs their constructors."""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from package_gate.core.families import OF_A_METACLASS
from package_gate.core.import_time import CREATED, GIVEN, NEXT_VALUE, RUN_WITH_A_CLASS, SUBCLASSED
from package_gate.core.nodes import Function, children
from package_gate.core.scopes import plain


@dataclass(frozen=True, slots=True)
class Heir:
    """A class with one that it has of another module."""

    name: str
    of: str
    """The other one's dotted name, as this module names it."""
    own: frozenset[str]
    """The methods that it has itself, or of a class in between."""
    is_metaclass: bool
    """Whether the other one is its metaclass."""

    def ways_to(self, method: str) -> Iterator[str]:
        """Name what of this module runs a method of the other class."""
        if self.is_metaclass:
            if method in OF_A_METACLASS:
                yield f"{self.name}.{SUBCLASSED}"
            elif method == "__call__":
                yield self.name
        elif method not in self.own:
            yield f"{self.name}.{method}"
            if method in RUN_WITH_A_CLASS or method == CREATED:
                yield self.name

    def defined(self) -> Iterator[str]:
        """Name what of the other class runs where this one is defined."""
        if self.is_metaclass:
            yield f"{self.of}.{GIVEN}"
        for method in OF_A_METACLASS if self.is_metaclass else (SUBCLASSED, NEXT_VALUE):
            yield f"{self.of}.{method}"

    def used(self, name: str) -> Iterator[str]:
        """Name what of the other class runs where this name of the module is called."""
        if name == self.name:
            of_base = {*RUN_WITH_A_CLASS, CREATED} - self.own
            of_creation = {"__call__"} if self.is_metaclass else of_base
            yield from (f"{self.of}.{method}" for method in sorted(of_creation))
        elif name.startswith(f"{self.name}.") and not self.is_metaclass:
            method = name.removeprefix(f"{self.name}.")
            if method not in self.own:
                yield f"{self.of}.{method}"


def heirs_in(nodes: Sequence[ast.AST]) -> list[Heir]:
    """Give the classes among a module's nodes that have something of other modules' classes."""
    classes: dict[str, list[ast.ClassDef]] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            classes.setdefault(node.name, []).append(node)
    if not any(each.bases or each.keywords for of_name in classes.values() for each in of_name):
        return []
    named = _Names(nodes)
    found: dict[Heir, None] = {}
    for name in classes:
        waiting: list[tuple[str, frozenset[str]]] = [(name, frozenset())]
        for above, hidden in waiting:  # it grows meanwhile
            for node in classes[above]:
                own = hidden | {each.name for each in node.body if isinstance(each, Function)}
                metaclass = [each.value for each in node.keywords if each.arg == "metaclass"]
                for each, is_metaclass in (
                    *((b, False) for b in node.bases),
                    *((m, True) for m in metaclass),
                ):
                    for dotted in named.of(each):
                        if dotted not in classes:
                            found[Heir(name, dotted, own, is_metaclass)] = None
                        elif not is_metaclass and (dotted, own) not in waiting:
                            waiting.append((dotted, own))
    return list(found)


class _Names:
    """What the names of a module were imported as."""

    def __init__(self, nodes: Sequence[ast.AST]) -> None:
        self._known: dict[str, list[str]] = {}
        self._others: dict[str, list[ast.expr]] = {}
        self._wildcards: list[str] = []
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    self._known.setdefault(bound, []).append(alias.name if alias.asname else bound)
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                dot = "" if module.endswith(".") or not module else "."
                for alias in node.names:
                    whole = f"{module}{dot}{alias.name}"
                    if alias.name == "*":
                        self._wildcards.append(f"{module}{dot}")
                    else:
                        self._known.setdefault(alias.asname or alias.name, []).append(whole)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self._others.setdefault(target.id, []).append(node.value)

    def of(self, expression: ast.expr, depth: int = 0) -> Iterator[str]:
        """Give the dotted names that a base may mean; a class of this module has its own."""
        if isinstance(expression, ast.Subscript):  # `Base[T]`
            expression = expression.value
        rest = ""
        while isinstance(expression, ast.Attribute):
            rest = f".{expression.attr}{rest}"
            expression = expression.value
        if not isinstance(expression, ast.Name) or depth > 4:
            return
        name = expression.id
        yield from (f"{each}{rest}" for each in self._known.get(name, ()))
        for value in self._others.get(name, ()):
            yield from (f"{each}{rest}" for each in self.of(value, depth + 1))
        if name not in self._known:
            yield f"{name}{rest}"
            yield from (f"{each}{name}{rest}" for each in self._wildcards)


def inherited_uses(
    nodes: Sequence[ast.AST], running: Sequence[ast.AST], used: Mapping[str, Collection[int]]
) -> dict[str, set[int]]:
    """Give what a module has run of other modules' classes by way of its own: name → lines.

    Args:
        nodes: all of the module.
        running: those that run.
        used: the names that those call, with their lines.
    """
    heirs = heirs_in(nodes)
    found: dict[str, set[int]] = {}
    if not heirs:
        return found
    for heir in heirs:
        for name, lines in used.items():
            for each in heir.used(name):
                found.setdefault(each, set()).update(lines)
    owners = _owners(nodes)
    for node in running:
        if isinstance(node, ast.ClassDef):
            for heir in heirs:
                if heir.name == node.name:
                    for each in heir.defined():
                        found.setdefault(each, set()).add(node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            for each in _of_own(node.func, owners.get(id(node), ""), heirs):
                found.setdefault(each, set()).add(node.lineno)
    return found


def _of_own(function: ast.Attribute, owner: str, heirs: Sequence[Heir]) -> Iterator[str]:
    """Name what `self.method`, `super().method` or `Class.method` may be of other modules'."""
    base = function.value
    of_super = False
    if isinstance(base, ast.Call) and isinstance(base.func, ast.Name):
        of_super = base.func.id == "super"
    elif isinstance(base, ast.Name) and plain(base.id) not in ("self", "cls"):
        owner = base.id
    elif not isinstance(base, ast.Name):
        return
    for heir in heirs if of_super or isinstance(base, ast.Name) else ():
        known = function.attr in heir.own and not of_super
        if heir.name == owner and not heir.is_metaclass and not known:
            yield f"{heir.of}.{function.attr}"


def _owners(nodes: Sequence[ast.AST]) -> dict[int, str]:
    """Call → the class that it stands in, the innermost."""
    found: dict[int, str] = {}
    for each in nodes:  # outer ones before inner ones
        if isinstance(each, ast.ClassDef):
            waiting: list[ast.AST] = list(children(each))
            for node in waiting:  # it grows meanwhile
                if isinstance(node, ast.Call):
                    found[id(node)] = each.name
                waiting += children(node)
    return found
