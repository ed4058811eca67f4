"""What the sandbox is told of a scanner: where its class is, and what its processes may do.

The sandbox knows no scanner by name; `scanners.registry` describes ours.
"""

from dataclasses import dataclass

from package_gate.core.finding import Kind


@dataclass(frozen=True, slots=True)
class Needs:
    """What a scanner needs besides reading packages and writing to its own folder."""

    unpacks: bool = False
    """Whether it writes the trees of a package."""
    programs: bool = False
    """Whether it starts other programs."""
    threads: bool = False
    """Whether it is such a program: it has threads, and becomes itself by `execve`."""

    @property
    def writes(self) -> bool:
        """Whether it makes files; that of programs is for what these say."""
        return self.unpacks or self.programs


@dataclass(frozen=True, slots=True)
class ScannerSpec:
    """A scanner of a run."""

    name: str
    """What its findings are signed with."""
    factory: str
    """`module:attribute` of what makes it, which only its own worker imports."""
    kinds: frozenset[Kind]
    """What its findings are about; any other kind is an error of the scanner."""
    needs: Needs = Needs()
    settings: object = None
    """What the factory takes as `settings`; anything that `msgspec` can write as JSON."""
    processes: int = 1
    """How many packages it looks at side by side."""
