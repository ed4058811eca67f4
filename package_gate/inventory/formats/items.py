"""What readers of dependency files give back."""

from dataclasses import dataclass

from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Asked:
    """A requirement on a release of the package index."""

    requirement: Requirement
    """Its name is normalised (PEP 503)."""
    line: int | None
    """From 1; None when the format leaves no way to tell. So for all others here."""
    last_line: int | None = None
    """Of those that continue it."""
    hashes: tuple[str, ...] = ()
    """`sha256:…` and the like, as `--hash` gives them."""
    written: str = ""
    """How it stands in the file, where that is not `str(requirement)`."""

    @property
    def pins(self) -> list[str]:
        """The versions that it names exactly; none where it leaves a choice."""
        return [
            each.version
            for each in self.requirement.specifier
            if each.operator in ("==", "===") and not each.version.endswith(".*")
        ]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A requirement on something that no package index serves: an address, or an archive."""

    line: int | None
    address: str
    """May hold credentials."""
    name: str = ""
    """What it is called there; "" when the address alone stands there."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A requirement on the code in a folder, as written: relative to where pip is started."""

    line: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Include:
    """A requirements file that names another one."""

    path: str
    line: int
    constraints: bool = False
    """Whether that one only limits versions."""


@dataclass(frozen=True, slots=True)
class IndexOption:
    """An index that a requirements file wants packages from."""

    line: int
    address: str
    """May hold credentials; "" for an option other than an index's address."""
    shown: str
    """The line without them."""


@dataclass(frozen=True, slots=True)
class Prereleases:
    """`--pre`."""

    line: int


@dataclass(frozen=True, slots=True)
class FormatProblem:
    """Why a file, or a line of it, can't be read."""

    text: str
    """One sentence, or two with what to do."""
    line: int | None = None
    """None also when it is about the whole file."""


@dataclass(frozen=True, slots=True)
class Unparsed(FormatProblem):
    """A requirement that PEP 508 doesn't take, or that no index could be asked for."""

    written: str = ""
    """How it stands in the file."""
