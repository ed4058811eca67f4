"""What an artifact is, holds and pins, read from its unpacked tree without running it."""

from dataclasses import dataclass

from package_gate.core.finding import Finding, Location


@dataclass(frozen=True, slots=True)
class Component:
    """A PyPI package that a tree holds or pins."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    """As written; printable ASCII without spaces."""
    held: bool = False
    """Whether the tree holds the package itself, by its own metadata; else a file pins it."""
    locations: tuple[Location, ...] = ()
    """Where it is named; at most the first `MAX_LOCATIONS` places of `count`."""
    count: int = 1


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """An entry point of an installed distribution."""

    group: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Licence:
    """What a distribution says of its licence, as written."""

    expression: str = ""
    """The SPDX expression of `License-Expression` (PEP 639)."""
    text: str = ""
    """The field `License`, shortened."""
    classifiers: tuple[str, ...] = ()
    """Those that begin with `License ::`."""
    files: tuple[str, ...] = ()
    """The fields `License-File`."""


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file whose dependencies are not known, or not all of them."""

    path: str
    line: int | None
    problem: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one artifact says of itself, holds and pins."""

    artifact: str
    """The artifact's file name."""
    kind: str = ""
    """One of `ARCHIVE_KINDS` by its bytes; "" when it is none."""
    name: str = ""
    """Of its own core metadata, as written, or what is static of it in the `pyproject.toml` of
    source that has none; "" where there is neither. So for all below."""
    version: str = ""
    requires_python: str = ""
    """A valid specifier, or ""."""
    summary: str = ""
    """One line on what it is for."""
    requires: tuple[str, ...] = ()
    """The fields `Requires-Dist`, and what older source declares beside them."""
    requires_may_change: bool = False
    """Whether a build may add to them: of source whose metadata does not fix them (PEP 643)."""
    licence: Licence = Licence()
    entry_points: tuple[EntryPoint, ...] = ()
    components: tuple[Component, ...] = ()
    """Each name and version once for held and once for pinned ones."""
    unreadable: tuple[UnreadableFile, ...] = ()
    build_requires: tuple[str, ...] = ()
    """What source says that its build needs (PEP 518, `setup_requires`), as written."""
    build_backend: str = ""
    """The `build-backend` of source (PEP 517); "" where none is named."""
    addresses: tuple[str, ...] = ()
    """The hosts that its code names and that one owner has alone, see `core.addresses`."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came of unpacking a package, besides its trees."""

    findings: tuple[Finding, ...]
    """What is wrong with its archives."""
    inventories: tuple[Inventory, ...]
    """One for each artifact, in their order."""
