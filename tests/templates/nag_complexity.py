"""cfn_nag's W76: how complex a policy document is, as it counts ("SPCM").

What is not a literal counts as a service of its own, so a statement that names three resources by
`Fn::GetAtt` or `Fn::Sub` is far more complex than one that names three ARNs of one service.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

TOO_COMPLEX = 1000
"""For a condition at which cfn_nag's own counting fails, which it prints."""


def complexity(statements: Iterable[Mapping[str, Any]]) -> int:
    """Count it; 25 or more breaks the rule."""
    return sum(map(_statement, statements))


def _statement(each: Mapping[str, Any]) -> int:
    actions = _listed(each.get("Action")) or _listed(each.get("NotAction"))
    resources = _listed(each.get("Resource")) or _listed(each.get("NotResource"))
    by_action = [_service(action, 0) for action in actions]
    by_resource = [_service(resource, 2) for resource in resources]
    total = 1 + (each.get("Effect") == "Deny")
    total += ("NotAction" in each) + ("NotResource" in each)
    total += 2 * max(len({*by_action, *by_resource} - {"*"}) - 1, 0)
    if resources != ["*"] and actions != ["*"]:
        total += len({*by_resource} - {"*"} - {*by_action})
    total += sum("*" in names and len(names) > 1 for names in (by_action, by_resource))
    return total + _condition(each.get("Condition", {}))


def _condition(operators: Mapping[str, Any]) -> int:
    total = 0
    for operator, keys in operators.items():
        total += 2 * (2 if operator.startswith(("ForAllValues", "ForAnyValue")) else 1)
        total += operator.endswith("IfExists") + (operator == "Null")
        if not isinstance(keys, dict):
            return TOO_COMPLEX
        for value in keys.values():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    total += bool(re.search(r"\$\{.+\}", re.sub(r"\$\{[$*?]\}", "", text)))
                elif isinstance(value, list):
                    return TOO_COMPLEX
    return total


def _service(name: Any, part: int) -> str:
    if not isinstance(name, str):
        return json.dumps(name, sort_keys=True)
    if name == "*":
        return "*"
    return [*name.split(":"), "", "", ""][part]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
