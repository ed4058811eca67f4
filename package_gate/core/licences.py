"""What a package declares of its licence, and what the policy has against it. Pure.

What is declared is taken as it is: nothing compares it with the licence's text or with what the
package bundles.
"""

import re
from collections.abc import Iterable

from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.inventory import Inventory, Licence
from package_gate.core.licence_expressions import blocking, canonical, is_listed
from package_gate.core.licence_names import (
    GENERIC,
    classified_licence,
    licence_of_text,
    named_licence,
)
from package_gate.core.policy import NEVER, Licences

SCANNER = "inventory"
DENIED = "license-denied"
NOT_ALLOWED = "license-not-allowed"
UNKNOWN = "license-unknown"
_ALTERNATIVES = re.compile(r"\s*/\s*|\s+or\s+", re.IGNORECASE)


def declared_licence(licence: Licence) -> str:
    """Give the SPDX expression of what is declared, or "" where nothing is known.

    `License-Expression` counts before all else (PEP 639). Otherwise it is what the field `License`
    and the classifiers name: all of them together, for nothing says that one may choose; but a
    name without a version gives way to one that has it.
    """
    if licence.expression:
        return canonical(licence.expression) or named_licence(licence.expression)
    named = [*map(classified_licence, licence.classifiers), _of_text(licence.text)]
    found = [each for each in dict.fromkeys(named) if each]
    precise = [each for each in found if not _is_said_better(each, found)]
    if len(precise) == 1:
        return precise[0]
    return " AND ".join(f"({each})" if " OR " in each else each for each in precise)


def _is_said_better(name: str, others: Iterable[str]) -> bool:
    family = GENERIC.get(name)
    return family is not None and any(each != name and each.startswith(family) for each in others)


def _of_text(text: str) -> str:
    """Read the field `License`: an expression, one or more names, or the text itself."""
    found = canonical(text) or named_licence(text) or licence_of_text(text)
    if found:
        return found
    parts = [named_licence(part) for part in _ALTERNATIVES.split(text)]
    return " OR ".join(dict.fromkeys(parts)) if all(parts) else ""


def licence_findings(inventories: Iterable[Inventory], policy: Licences) -> list[Finding]:
    """Report what the policy has against the licences that a package's files declare.

    Args:
        inventories: of its files.
        policy: the table `[licenses]`; without a list in it there is nothing to report.
    """
    if not (policy.allow or policy.deny):
        return []
    found = (_finding(each.licence, policy) for each in inventories)
    return list(dict.fromkeys(finding for finding in found if finding is not None))


def _finding(licence: Licence, policy: Licences) -> Finding | None:
    declared = declared_licence(licence)
    if not declared:
        written = licence.expression or licence.text
        said = (
            f'what it declares is not known: "{written[:100]}"' if written else "it declares none"
        )
        return _report(UNKNOWN, policy.unknown, said)

    def is_denied(name: str) -> bool:
        return is_listed(name, policy.deny) and name not in map(canonical, policy.allow)

    def passes(name: str) -> bool:
        return not is_denied(name) and (not policy.allow or is_listed(name, policy.allow))

    against = blocking(declared, passes)
    if not against:
        return None
    if denied := [each for each in against if is_denied(each)]:
        return _report(DENIED, "high", f"it is {declared}, and {_listed(denied)} is denied")
    return _report(
        NOT_ALLOWED,
        "medium",
        f"it is {declared}, and {_listed(against)} is not in the allowed list",
    )


def _listed(names: list[str]) -> str:
    return " and ".join(names)


def _report(rule: str, severity: str, said: str) -> Finding | None:
    if severity == NEVER:
        return None
    return Finding(
        scanner=SCANNER,
        rule=rule,
        kind=Kind.LICENSE,
        severity=Severity(severity),
        message=f"Its licence: {said}.",
        recommendation="Ask who looks after licences; a waiver lets it through.",
    )
