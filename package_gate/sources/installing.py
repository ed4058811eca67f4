"""What an installer will make of an approved file, by what that says of itself."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.decision import PackageDecision
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.inventory import Inventory
from package_gate.core.text import one_line
from package_gate.inventory.bounds import MAX_FIELD
from package_gate.inventory.formats.core_metadata import specifiers, takes_all_of

MAX_NAMED = 5
"""Requirements that a note names."""


def installing_notes(package: ResolvedPackage, inventories: Sequence[Inventory]) -> list[str]:
    """Say what the requester must know to install a package, each with what to do."""
    notes = []
    requires = dict.fromkeys(each for inventory in inventories for each in inventory.requires)
    if refused := [text for text in requires if not _is_read_by_new_pips(text)]:
        notes.append(
            f"pip 24.1 and newer refuse its metadata ({_listed(refused)}): ask for a newer "
            "release, or install it with an older pip, which pypi:pip<24.1 brings"
        )
    wheels = [each for each in inventories if each.artifact.endswith(".whl")]
    if not ecosystem_of(package.origin).looked_up_by_name and wheels:
        needed = dict.fromkeys(
            name for inventory in wheels for name in _installed_with(inventory.requires)
        )
        if needed:
            notes.append(
                "what it depends on does not come with an address; ask for each as "
                f"pypi:NAME: {_listed(list(needed))}"
            )
    return notes


def not_for(package: ResolvedPackage, decision: PackageDecision, pythons: Iterable[str]) -> str:
    """Say that a package can't be installed where it is needed, by what its files say themselves.

    A mirror's index may not tell the `Requires-Python` by which it would have been passed over.

    Args:
        package: as it was resolved.
        decision: on its files.
        pythons: of the policy's notebooks, such as `3.11`.

    Returns:
        A sentence, "" when each of the notebooks has a file.
    """
    if not ecosystem_of(package.origin).looked_up_by_name:
        return ""
    needed = {target.split()[1]: None for target in package.targets} or dict.fromkeys(pythons)
    bounds = {each.requires_python for each in decision.artifacts}
    left_out = [
        python for python in needed if bounds and not any(_takes(bound, python) for bound in bounds)
    ]
    if not left_out:
        return ""
    return (
        f"{package.name} {package.version} asks for Python {_listed(sorted(bounds))}, which leaves "
        f"out {' / '.join(left_out)}. The index does not say so. Ask for another release, or use "
        "an index that tells requires-python."
    )


@lru_cache(maxsize=1000)  # most projects write one of a few bounds
def _takes(bound: str, python: str) -> bool:
    return takes_all_of(specifiers(bound), python)


def _is_read_by_new_pips(text: str) -> bool:
    """Whether a `Requires-Dist` keeps to PEP 440 and PEP 508, as pip wants since 24.1."""
    if len(text) >= MAX_FIELD:  # it was shortened
        return True
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _installed_with(requires: Iterable[str]) -> Iterable[str]:
    """Name what is installed along, whatever the notebook; extras are not."""
    for text in requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if "extra ==" not in str(requirement.marker or ""):
            yield canonicalize_name(requirement.name)


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - MAX_NAMED
    named = ", ".join(one_line(text, 100) for text in texts[:MAX_NAMED])
    return named + (f" and {more} more" if more > 0 else "")
