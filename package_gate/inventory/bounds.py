"""How large an inventory and its parts may become, and the check that one keeps to it.

It is taken in a worker that reads a hostile package, and goes into records and reports.
"""

from collections.abc import Iterable, Iterator

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from package_gate.core.artifact import ARCHIVE_KINDS
from package_gate.core.finding import MAX_LOCATIONS
from package_gate.core.inventory import Component, Inventory, Licence
from package_gate.core.patterns import PACKAGE_NAME, PACKAGE_VERSION
from package_gate.core.text import printable

MAX_INVENTORY_BYTES = 8 * 1024 * 1024
"""One inventory as JSON."""
MAX_METADATA_BYTES = 4 * 1024 * 1024
MAX_SPECIFIER = 200
"""Characters of a `Requires-Python`."""
MAX_FIELD = 2000
"""Characters of a `Requires-Dist`, a licence expression, or an entry point's value."""
MAX_SHORT = 200
"""Characters of a classifier, a licence file's path, or an entry point's group or name."""
MAX_SUMMARY = 500
"""Characters."""
MAX_PATH = 1024
"""Characters of the path of a file."""
MAX_REQUIRES = 5000
MAX_ENTRY_POINTS = 5000
MAX_COMPONENTS = 20_000
MAX_UNREADABLE = 1000
MAX_ADDRESSES = 5000
MAX_SOURCE_BYTES = 16 * 1024 * 1024
"""Of one Python file."""
MAX_CLASSIFIERS = 50
MAX_LICENCE_FILES = 200
MAX_LICENCE_TEXT = 500
"""Characters of the field `License`, in which some write the whole text."""
LICENCE_CLASSIFIER = "License ::"


def problem_with(inventory: Inventory) -> str:
    """Say what is wrong with an inventory, or "": nothing is when `take_inventory` took it."""
    return next(_problems(inventory), "")


def _problems(inventory: Inventory) -> Iterator[str]:
    for what, found, most in (
        ("dependencies", inventory.requires, MAX_REQUIRES),
        ("build requirements", inventory.build_requires, MAX_REQUIRES),
        ("entry points", inventory.entry_points, MAX_ENTRY_POINTS),
        ("components", inventory.components, MAX_COMPONENTS),
        ("unreadable files", inventory.unreadable, MAX_UNREADABLE),
        ("addresses", inventory.addresses, MAX_ADDRESSES),
        ("licence classifiers", inventory.licence.classifiers, MAX_CLASSIFIERS),
        ("licence files", inventory.licence.files, MAX_LICENCE_FILES),
    ):
        if len(found) > most:
            yield f"it has {len(found)} {what}, more than {most}"
            return
    if len(msgspec.json.encode(inventory)) > MAX_INVENTORY_BYTES:
        yield f"it has more than {MAX_INVENTORY_BYTES} bytes"
        return
    if inventory.kind and inventory.kind not in ARCHIVE_KINDS:
        yield f"its kind is {printable(inventory.kind)}"
    if inventory.name and not PACKAGE_NAME.fullmatch(inventory.name):
        yield f"its name is {printable(inventory.name)}"
    if inventory.version and not PACKAGE_VERSION.fullmatch(inventory.version):
        yield f"its version is {printable(inventory.version)}"
    if not _is_specifier(inventory.requires_python):
        yield f"its Requires-Python is {printable(inventory.requires_python)}"
    for text, most in _texts(inventory):
        if printable(text, most) != text:
            yield f"it has a text that is too long or can't be seen: {printable(text)}"
    for component in inventory.components:
        if not _is_sound(component):
            yield f"a component is {printable(f'{component.name} {component.version}')}"


def _texts(inventory: Inventory) -> Iterator[tuple[str, int]]:
    """Give every free text with its most characters."""
    yield inventory.summary, MAX_SUMMARY
    yield from ((each, MAX_FIELD) for each in inventory.requires)
    yield from ((each, MAX_FIELD) for each in inventory.build_requires)
    yield inventory.build_backend, MAX_SHORT
    yield from ((each, MAX_SHORT) for each in inventory.addresses)
    yield from _licence_texts(inventory.licence)
    for entry_point in inventory.entry_points:
        yield entry_point.group, MAX_SHORT
        yield entry_point.name, MAX_SHORT
        yield entry_point.value, MAX_FIELD
    for file in inventory.unreadable:
        yield file.path, MAX_PATH
        yield file.problem, MAX_SHORT
    for component in inventory.components:
        yield from ((location.path, MAX_PATH) for location in component.locations)


def _licence_texts(licence: Licence) -> Iterator[tuple[str, int]]:
    yield licence.expression, MAX_FIELD
    yield licence.text, MAX_LICENCE_TEXT
    yield from ((each, MAX_SHORT) for each in (*licence.classifiers, *licence.files))


def _is_specifier(text: str) -> bool:
    try:
        return len(text) <= MAX_SPECIFIER and str(SpecifierSet(text)) == text
    except InvalidSpecifier:
        return False


def _is_sound(component: Component) -> bool:
    return (
        PACKAGE_NAME.fullmatch(component.name) is not None
        and canonicalize_name(component.name) == component.name
        and PACKAGE_VERSION.fullmatch(component.version) is not None
        and len(component.locations) <= min(component.count, MAX_LOCATIONS)
        and _lines_are_sound(location.line for location in component.locations)
    )


def _lines_are_sound(lines: Iterable[int | None]) -> bool:
    return all(line is None or line > 0 for line in lines)
