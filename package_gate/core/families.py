"""The classes of a file, and which methods a call by a class, or by `super()`, may mean."""

import ast
from collections.abc import Collection, Sequence
from functools import cached_property

from package_gate.core.nodes import Function, children

_MAKE_CLASSES = {"type", "new_class"}
OF_A_METACLASS = ("__new__", "__init__", "__prepare__")
"""Methods of a metaclass that run where a class of it is defined."""
_CHANGE_CLASSES = {"__bases__", "__class__"}
"""By what classes are made, or changed, whose bases stand in no `class` statement."""


class Families:
    """The classes of one file with what they inherit from each other; read when they are asked."""

    def __init__(
        self, nodes: Sequence[ast.AST], classes: Sequence[ast.ClassDef], assigned: Collection[str]
    ) -> None:
        """Take a file's nodes, its classes, and the names that something is assigned to."""
        self._nodes = nodes
        self._classes = classes
        self._assigned = assigned

    def methods(self, function: ast.Attribute) -> frozenset[str] | None:
        """Name the methods (`Class.method`) that `Class.name` or `super().name` may be.

        Returns:
            Their names; None when it may be any method of this name.
        """
        base = function.value
        if isinstance(base, ast.Name):
            if base.id not in self._methods or base.id in self._assigned:
                return None
            # What it doesn't define itself its metaclass may.
            return self._named(self.above(base.id), function.attr) or None
        if not (isinstance(base, ast.Call) and isinstance(base.func, ast.Name)):
            return None
        owner = self._owners.get(id(function)) if base.func.id == "super" else None
        if owner is None or self._are_made:
            return None
        below = [name for name in self._methods if owner in self.above(name)]
        family = {each for name in below for each in self.above(name)}
        return self._named(family - {owner}, function.attr)

    def inherited(self, name: str) -> dict[str, set[str]]:
        """Give the methods of a class → the classes of this file that it may have them from."""
        found: dict[str, set[str]] = {}
        # What a class defines hides what those above it define.
        waiting: list[tuple[str, frozenset[str]]] = [(name, frozenset())]
        seen: set[tuple[str, frozenset[str]]] = set()
        for owner, hidden in waiting:  # it grows meanwhile
            own = self._methods.get(owner, set())
            for method in own - hidden:
                found.setdefault(method, set()).add(owner)
            for base in self._bases.get(owner, ()):
                step = (base, hidden | own)
                if step not in seen:
                    seen.add(step)
                    waiting.append(step)
        return found

    def names(self) -> Collection[str]:
        """Name all classes, those too that calls of `type` make and give a name."""
        return self._bases

    def bases(self, name: str) -> Collection[str]:
        """Name what a class inherits from directly, as far as it is named by a plain name."""
        return self._bases.get(name, ())

    def metaclasses(self, name: str) -> set[str]:
        """Name the metaclasses of a class, and of those that it inherits from."""
        return {each for above in self.above(name) for each in self._metaclasses.get(above, ())}

    def _named(self, classes: Collection[str], method: str) -> frozenset[str]:
        return frozenset(
            f"{name}.{method}" for name in classes if method in self._methods.get(name, ())
        )

    def above(self, name: str) -> set[str]:
        """Name a class and all of this file that it inherits from."""
        found = {name}
        waiting = [name]
        for each in waiting:  # it grows meanwhile
            new = self._bases.get(each, set()) - found
            found |= new
            waiting += new
        return found

    @cached_property
    def _methods(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in self._classes:
            methods = {item.name for item in each.body if isinstance(item, Function)}
            found.setdefault(each.name, set()).update(methods)
        return found

    @cached_property
    def _bases(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in self._classes:
            named = {n.id for base in each.bases for n in ast.walk(base) if isinstance(n, ast.Name)}
            found.setdefault(each.name, set()).update(named)
        for node in self._nodes if self._may_make else ():
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                named = set(bases_given(node.value))
                for target in node.targets if named else ():
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, set()).update(named)
        return found

    @cached_property
    def _metaclasses(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in self._classes:
            for keyword in each.keywords:
                if keyword.arg == "metaclass" and isinstance(keyword.value, ast.Name):
                    found.setdefault(each.name, set()).add(keyword.value.id)
        return found

    @cached_property
    def _may_make(self) -> bool:
        return any(isinstance(node, ast.Call) and _makes_a_class(node) for node in self._nodes)

    @cached_property
    def _are_made(self) -> bool:
        """Whether a class may have bases that no `class` statement names."""
        return any(
            (
                isinstance(node, ast.Attribute)
                and node.attr in _CHANGE_CLASSES
                and not isinstance(node.ctx, ast.Load)
            )
            or (isinstance(node, ast.Call) and _makes_a_class(node))
            for node in self._nodes
        )

    @cached_property
    def _owners(self) -> dict[int, str]:
        """`super().name` → the class whose method it stands in, the innermost."""
        found: dict[int, str] = {}
        for each in self._classes:  # outer ones before inner ones
            waiting: list[ast.AST] = list(children(each))
            for node in waiting:  # it grows meanwhile
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
                    found[id(node)] = each.name
                waiting += children(node)
        return found


def bases_given(call: ast.Call) -> Sequence[str]:
    """Name the bases that a call such as `type(name, bases, {})` makes a class of."""
    if not _makes_a_class(call):
        return []
    return [each.id for each in ast.walk(call.args[1]) if isinstance(each, ast.Name)]


def _makes_a_class(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _MAKE_CLASSES and len(call.args) > 1  # `type(x)` only asks
