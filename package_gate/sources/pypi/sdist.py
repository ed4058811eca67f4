"""What an sdist depends on, as far as it says so without being built.

`stand_in` writes it as a wheel without content, so that uv can go on resolving where a release has
no wheel: uv itself refuses every sdist when building is off, whatever its metadata.
"""

import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from package_gate.core.errors import SourceError
from package_gate.core.inventory import Inventory
from package_gate.core.text import printable
from package_gate.inventory.formats.requirements import parse_requirement

_BACKENDS_ASK_FOR = {
    "setuptools": ("wheel",),  # before setuptools 70.1
    "mesonpy": ("ninja>=1.8.2",),
    "scikit_build_core": ("cmake>=3.15", "ninja>=1.5"),
}
"""By the top-level module of a build backend, where the machine does not have them."""


@dataclass(frozen=True, slots=True)
class SdistMetadata:
    """What an sdist says of itself."""

    requires: tuple[Requirement, ...]
    """Its dependencies, as declared."""
    known: bool
    """Whether a build can't change them (PEP 643)."""
    requires_python: SpecifierSet
    left_out: tuple[str, ...] = ()
    """Declared dependencies that can't be resolved from an index, as written."""
    build_requires: tuple[Requirement, ...] = ()
    """What its build needs, as declared, and what its backend asks for besides."""


def read_sdist(inventory: Inventory, name: str, version: Version) -> SdistMetadata:
    """Take from an sdist's inventory what resolving needs.

    Dependencies are known for certain when PKG-INFO has Metadata-Version 2.2 or newer and doesn't
    call Requires-Dist dynamic (PEP 643). Otherwise they are what PKG-INFO and setuptools'
    `*.egg-info/requires.txt` declare.

    Args:
        inventory: as the worker took it that has unpacked the sdist.
        name: normalised, of the release whose file it is.
        version: of that release.

    Raises:
        SourceError: it is no archive, says nothing of itself, or is of another release.
    """
    filename = inventory.artifact
    if not inventory.kind:
        raise SourceError(
            f"the sdist {filename} can't be read: it is no archive; ask for a release with wheels"
        )
    if not inventory.name or not inventory.version:
        problem = next((f" ({each.problem})" for each in inventory.unreadable), "")
        raise SourceError(
            f"the sdist {filename} has no PKG-INFO that says what it is{problem}; ask for a "
            "release that has wheels"
        )
    if canonicalize_name(inventory.name) != name or not _is(inventory.version, version):
        raise SourceError(
            f"the metadata of the sdist {filename} is of another release; ask the index's owner"
        )
    for each in inventory.unreadable:
        if each.path.endswith("/PKG-INFO"):
            raise SourceError(f"not all of the metadata of {filename} is known: {each.problem}")
    requires, left_out = _requirements(inventory.requires)
    known = not inventory.requires_may_change and not left_out
    build_requires, no_index = _requirements(_build_requires(inventory))
    return SdistMetadata(
        requires,
        known,
        SpecifierSet(inventory.requires_python),
        (*left_out, *no_index),
        build_requires,
    )


def _build_requires(inventory: Inventory) -> tuple[str, ...]:
    """Name what an installer puts into the environment in which it builds.

    Source without `[build-system]` gets setuptools (PEP 518); pip wants it so new that it has the
    backend. A backend may ask for more when it runs (PEP 517, `get_requires_for_build_wheel`).
    """
    written = inventory.build_requires
    backend = inventory.build_backend.partition(":")[0].partition(".")[0]
    if not backend:
        written, backend = (*written, "setuptools>=40.8.0"), "setuptools"
    return (*written, *_BACKENDS_ASK_FOR.get(backend, ()))


def _is(written: str, version: Version) -> bool:
    try:
        return Version(written) == version
    except InvalidVersion:
        return False


def stand_in(folder: Path, name: str, version: Version, metadata: SdistMetadata) -> Path:
    """Write a wheel that has only these dependencies and no content; returns its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    extras = {
        extra
        for requirement in metadata.requires
        for extra in re.findall(r'extra == "([A-Za-z0-9._-]+)"', str(requirement.marker or ""))
    }
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if metadata.requires_python:
        lines.append(f"Requires-Python: {metadata.requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
    lines += [f"Requires-Dist: {requirement}" for requirement in metadata.requires]
    files = {
        "METADATA": "\n".join([*lines, ""]),
        "WHEEL": "Wheel-Version: 1.0\nGenerator: package-gate\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        "RECORD": "",
    }
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for filename, text in files.items():
            archive.writestr(f"{stem}.dist-info/{filename}", text)
    return path


def _requirements(
    declared: Iterable[str],
) -> tuple[tuple[Requirement, ...], tuple[str, ...]]:
    """Split into requirements and those that no index can serve."""
    requires: dict[str, Requirement] = {}
    left_out: list[str] = []
    for text in declared:
        try:
            requirement = parse_requirement(text)
        except InvalidRequirement:
            requirement = None
        # What is written anew here must not become a second line of metadata.
        if requirement is None or requirement.url or not str(requirement).isprintable():
            left_out.append(printable(text))
        else:
            requires.setdefault(str(requirement), requirement)
    return tuple(requires.values()), tuple(dict.fromkeys(left_out))
