"""What the restated rules of cfn_nag work with: a template's resources as cfn_nag sees them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Resource:
    """A resource as cfn_nag sees it."""

    name: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A template as cfn_nag sees it."""

    resources: list[Resource]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def of(self, *types: str) -> list[Resource]:
        """Give the resources of these types."""
        return [each for each in self.resources if each.type in types]


Rule = Callable[[Model], Iterable[Resource]]
RULES: dict[str, Rule] = {}
"""By id; each gives the resources that break it."""
RULED_TYPES: set[str] = set()
"""The types that some rule looks at."""


def listed(value: Any) -> list[Any]:
    """Give a list; one value may stand for a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def rule(identifier: str, *types: str) -> Callable[[Callable[[Resource], bool]], Any]:
    """Register a rule that a single resource of these types breaks."""
    RULED_TYPES.update(types)

    def register(broken: Callable[[Resource], bool]) -> Callable[[Resource], bool]:
        RULES[identifier] = lambda model: [each for each in model.of(*types) if broken(each)]
        return broken

    return register


def absent(identifier: str, kind: str, prop: str) -> None:
    """Register a rule that a resource without this property breaks."""
    rule(identifier, kind)(lambda each: each.properties.get(prop) is None)


def true(value: Any) -> bool:
    """Tell whether cfn_nag takes it for true."""
    return str(value).lower() == "true"
