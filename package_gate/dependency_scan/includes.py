"""Requirements files with all that they include: what is installed together.

A file that another one includes is part of that one and not resolved by itself.
"""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from package_gate.core.finding import Location
from package_gate.dependency_scan.collected import Collected
from package_gate.dependency_scan.indexes import not_followed
from package_gate.dependency_scan.models import Direct, Problem, RequirementSet
from package_gate.inventory.formats.conda import read_environment
from package_gate.inventory.formats.items import (
    Asked,
    Elsewhere,
    Folder,
    FormatProblem,
    Include,
    IndexOption,
    Prereleases,
)
from package_gate.inventory.formats.requirements import Item, decode, read_requirements, shown
from package_gate.inventory.pins import inside

MAX_NAMED = 20
"""Conda packages that a problem names."""
MAX_DEPTH = 50
"""Files that include files."""


@dataclass
class _Gathered:
    """One requirements file with everything that it includes."""

    requirements: list[Direct] = field(default_factory=list)
    constraints: list[Direct] = field(default_factory=list)
    prereleases: bool = False
    seen: set[tuple[str, bool]] = field(default_factory=set)
    """Files that were read, and whether as constraints."""


class RequirementsFiles:
    """Puts requirements files together, into the sets of what is collected."""

    def __init__(
        self, collected: Collected, indexes: Collection[str], environments: Collection[str] = ()
    ) -> None:
        """Take what is known.

        Args:
            collected: where to put them.
            indexes: the addresses that packages are resolved from.
            environments: conda environments, whose `pip:` sections are requirements files.
        """
        self._environments = environments
        self._collected = collected
        self._folder = collected.repository.folder
        self._indexes = indexes
        self._items: dict[str, list[Item]] = {}

    def add(self, paths: Iterable[str]) -> None:
        """Read these files and what they include."""
        paths = list(dict.fromkeys(paths))
        included: set[str] = set()
        constraining: set[str] = set()
        for path in paths:
            for item in self._items_of(path):
                if isinstance(item, Include):
                    other = inside(self._folder, path, item.path)
                    (constraining if item.constraints else included).add(other or "")
        roots = [path for path in paths if path not in included]
        done: set[str] = set()
        # The second time for files that include each other in a circle.
        for path in [*roots, *paths]:
            if path in done:
                continue
            # Any other file may constrain one and be installed as well.
            if not PurePosixPath(path).name.lower().startswith("constraints"):
                done |= self._add_root(path, paths)
            elif path not in constraining:
                done.add(path)
                self._collected.notes.append(
                    f"{shown(path)} is a constraints file that no requirements file names: it "
                    "installs nothing, so nothing of it was scanned."
                )

    def _add_root(self, path: str, paths: Collection[str]) -> set[str]:
        """Add what one file installs; returns the files that are part of that."""
        gathered = self._gather(path)
        part = {each for each, constraints in gathered.seen if not constraints}
        text = str(PurePosixPath(path).with_suffix(".txt"))
        self._collected.says_what_is_installed = True
        if path.endswith(".in") and text in paths:
            self._check_compiled(path, text, gathered.requirements)
            # What it includes is not resolved with it, and may be installed by itself.
            return {each for each in part if each.endswith(".in")}
        if gathered.requirements:
            self._collected.sets.append(
                RequirementSet(
                    path,
                    path,
                    tuple(gathered.requirements),
                    tuple(gathered.constraints),
                    gathered.prereleases,
                )
            )
        return part

    def _check_compiled(self, path: str, text: str, asked: Iterable[Direct]) -> None:
        """Check that a compiled file fits its source; what is scanned is what gets installed."""
        pins: dict[str, list[str]] = {}
        for direct in self._gather(text).requirements:
            pins.setdefault(direct.name, []).extend(
                each.version
                for each in direct.requirement.specifier
                if each.operator in ("==", "===")
            )
        for direct in asked:
            held = pins.get(direct.name)
            contains = direct.requirement.specifier.contains
            if (held is None and direct.requirement.marker is None) or (
                held and not any(contains(version, prereleases=True) for version in held)
            ):
                self._tell(
                    direct.place.path,
                    direct.place.line,
                    f"{text} doesn't hold what fits {shown(str(direct))!r}. Compile it again.",
                )
        self._collected.notes.append(
            f"{shown(path)} was not resolved: {shown(text)} is made from it."
        )

    def _gather(self, path: str) -> _Gathered:
        gathered = _Gathered()
        self._gather_into(gathered, path, (), constraints=False)
        return gathered

    def _gather_into(
        self, into: _Gathered, path: str, above: tuple[str, ...], *, constraints: bool
    ) -> None:
        if (path, constraints) in into.seen:
            return
        into.seen.add((path, constraints))
        for item in self._items_of(path):
            match item:
                case Asked():
                    direct = Direct(item.requirement, Location(path, item.line), item.hashes)
                    (into.constraints if constraints else into.requirements).append(direct)
                case Include():
                    other = self._included(path, item, above)
                    deeper = constraints or item.constraints
                    if other is not None:
                        self._gather_into(into, other, (*above, path), constraints=deeper)
                case Prereleases():
                    into.prereleases = True
                case Folder():
                    self._check_folder(path, item)
                case Elsewhere():
                    self._tell(path, item.line, from_elsewhere(item))
                case IndexOption():
                    self._check_index(path, item)
                case FormatProblem():
                    self._tell(path, item.line, item.text)

    def _included(self, path: str, item: Include, above: tuple[str, ...]) -> str | None:
        other = inside(self._folder, path, item.path)
        if other is None:
            text = f"It includes {shown(item.path)}, which is outside the repository or a link."
        elif other == path or other in above:
            text = f"It includes {shown(other)}, which includes it."
        elif len(above) == MAX_DEPTH:
            text = f"It is included by more than {MAX_DEPTH} files in a row."
        else:
            return other
        self._tell(path, item.line, text)
        return None

    def _check_folder(self, path: str, item: Folder) -> None:
        # pip takes a folder relative to where it is started, which is the repository as a rule.
        folder = inside(self._folder, "requirements.txt", item.path)
        if folder is None or not os.path.isdir(self._folder / folder):  # noqa: PTH112 - it never fails
            text = f"It installs {shown(item.path)}, which is no folder of the repository."
            self._tell(path, item.line, text)
            return
        project = str(PurePosixPath(folder) / "pyproject.toml")
        if project in self._collected.projects:
            self._collected.notes.append(
                f"{shown(path)} installs the folder {shown(item.path)}: its pyproject.toml is "
                "scanned by itself."
            )
        elif project not in self._collected.repository.excluded:
            text = (
                f"It installs the folder {shown(item.path)}, where no pyproject.toml was read: "
                "there is none, or the folder is one that is not looked into."
            )
            self._tell(path, item.line, text)

    def _check_index(self, path: str, item: IndexOption) -> None:
        if text := not_followed(item.address, item.shown, self._indexes):
            self._tell(path, item.line, text)

    def _items_of(self, path: str) -> list[Item]:
        if path not in self._items:
            data = self._collected.read(path)
            self._items[path] = self._read(path, data) if data is not None else []
        return self._items[path]

    def _read(self, path: str, data: bytes) -> list[Item]:
        if path not in self._environments:
            text = decode(data)
            return [text] if isinstance(text, FormatProblem) else list(read_requirements(text))
        environment = read_environment(data)
        if environment is None:  # another tool's file by a name that conda's users like
            return []
        if isinstance(environment, FormatProblem):
            return [environment]
        if environment.packages:
            named = ", ".join(environment.packages[:MAX_NAMED])
            more = len(environment.packages) - MAX_NAMED
            named += f" and {more} more" if more > 0 else ""
            text = (
                f"Its conda packages are not judged ({named}): they are none of the Python package "
                "index."
            )
            self._tell(path, None, text)
        return list(environment.items)

    def _tell(self, path: str, line: int | None, text: str) -> None:
        self._collected.add_problems(Problem(path, line, text))


def from_elsewhere(item: Elsewhere) -> str:
    """Say that what a requirements file asks for is not scanned."""
    subject = f"{item.name} comes" if item.name else "It comes"
    return (
        f"{subject} from {shown(item.address)}, which is neither fetched nor scanned: advisories "
        "are about releases of the package index. Ask for a release instead."
    )
