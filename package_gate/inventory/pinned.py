"""What a dependency file pins or holds: of all that its format says, the exact versions."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from package_gate.inventory.formats.core_metadata import read_core_metadata
from package_gate.inventory.formats.items import Asked, FormatProblem, Include, Unparsed
from package_gate.inventory.formats.locks import read_lock
from package_gate.inventory.formats.names import Format
from package_gate.inventory.formats.pyproject import IncludeGroup, read_pyproject
from package_gate.inventory.formats.requirements import Item as RequirementsItem
from package_gate.inventory.formats.requirements import decode_anyway, read_requirements

_LOOSE_PIN = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;,]+)")
"""A pin whose version PEP 508 doesn't take, such as `==1.0-custom`."""
_STARTS_LIKE_A_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:$|[\[(<>=!~;@])")


@dataclass(frozen=True, slots=True)
class Pin:
    """A name and a version as they are written, unchecked."""

    name: str
    version: str
    line: int | None
    """From 1; None when the format leaves no way to tell."""
    held: bool = False
    """Whether its code lies there: the project itself, or what it has copied."""


Item = Pin | Include | FormatProblem


def pinned(kind: Format, data: bytes) -> Iterator[Item]:
    """Give what a file names with its version, the files that it includes, and what is wrong.

    Args:
        kind: what the file is.
        data: its content; whatever it is, nothing is raised.
    """
    match kind:
        case Format.REQUIREMENTS:
            yield from _requirements(read_requirements(decode_anyway(data)))
        case Format.VENDORED:
            for item in _requirements(read_requirements(decode_anyway(data))):
                yield replace(item, held=True) if isinstance(item, Pin) else item
        case Format.CORE_METADATA:
            yield from _metadata(data)
        case Format.PYPROJECT:
            yield from _project(data)
        case _:
            yield from _lock(kind, data)


def _requirements(items: Iterable[RequirementsItem | IncludeGroup]) -> Iterator[Item]:
    for item in items:
        match item:
            case Asked():
                name = item.requirement.name
                yield from (Pin(name, version, item.line) for version in item.pins)
            case Unparsed():
                if loose := _LOOSE_PIN.match(item.written):
                    yield Pin(loose[1], loose[2], item.line)
                elif not _pins_nothing(item.written):
                    yield item
            case FormatProblem() | Include():
                yield item


def _pins_nothing(written: str) -> bool:
    """Whether it looks like a requirement without an exact version, be it a malformed one."""
    return "==" not in written and bool(_STARTS_LIKE_A_REQUIREMENT.match(written))


def _project(data: bytes) -> Iterator[Item]:
    project = read_pyproject(data)
    if isinstance(project, FormatProblem):
        yield FormatProblem(project.text)  # of the file as a whole
        return
    for release in project.releases:
        yield Pin(release.name, release.version, release.line, held=True)
    for listed in project.lists:
        yield from _requirements(listed.items)


def _lock(kind: Format, data: bytes) -> Iterator[Item]:
    packages = read_lock(kind, data)
    if isinstance(packages, FormatProblem):
        yield FormatProblem(packages.text)
        return
    for package in packages:
        if not package.name:
            yield FormatProblem("A package in it has no name.", package.line)
        elif package.version:
            yield Pin(package.name, package.version, package.line)


def _metadata(data: bytes) -> Iterator[Item]:
    core = read_core_metadata(data)
    if isinstance(core, FormatProblem):
        yield core
    elif core.name and core.version:
        yield Pin(core.name, core.version, core.line, held=True)
