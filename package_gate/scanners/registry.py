"""The table of scanners: what each reports, where it runs, and which rules it has.

Whatever else names scanners, such as the policy, the options, the templates and the documentation,
agrees with it by a test (`tests/scanners/test_registry.py`). It loads none of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from package_gate.core.finding import Kind
from package_gate.core.policy import PART_OF
from package_gate.sandbox.spec import Needs, ScannerSpec
from package_gate.scanners import versions


class Where(Enum):
    """Where a scanner looks at packages."""

    WORKER = auto()
    """In processes of its own, without credentials (`package_gate.sandbox`)."""
    SERVICE = auto()
    """In the gate itself, which hands packages to a service and holds the credentials for it."""
    OBSERVATION = auto()
    """In a throw-away sandbox that runs what is in them (`package_gate.observation`)."""
    ADVISORIES = auto()
    """By name and version only (`package_gate.advisories`); nothing of a package is read."""


@dataclass(frozen=True, slots=True)
class Worker:
    """How a scanner's processes are made."""

    factory: str
    """`module:attribute` of its class, which only its own worker imports."""
    needs: Needs = field(default_factory=Needs)
    processes: int = 1
    """How many packages it looks at side by side."""


@dataclass(frozen=True, slots=True)
class ScannerEntry:
    """A row of the table."""

    kinds: frozenset[Kind]
    """What its findings are about; any other kind is an error of the scanner."""
    where: Where
    default: bool
    """Whether it is on when nobody says which are."""
    rules: Callable[[], str] | None = None
    """Gives the version of the scanner and its rules without loading it, as `ScannerInfo.version`
    says it; None for advisories, which change every day."""
    worker: Worker | None = None
    """None when it has no processes of its own."""


UNPACKER = "archive"
"""The scanner that makes the trees which the others read: it can't be switched off."""

_OF_ADVISORIES = frozenset({Kind.VULNERABILITY, Kind.MALWARE})

SCANNERS = {
    UNPACKER: ScannerEntry(
        frozenset({Kind.ARCHIVE}),
        Where.WORKER,
        default=True,
        rules=lambda: versions.ARCHIVE,
        worker=Worker(
            "package_gate.scanners.archive:Archive",
            Needs(unpacks=True),
            processes=2,
        ),
    ),
    "osv": ScannerEntry(_OF_ADVISORIES, Where.ADVISORIES, default=True),
    "guarddog": ScannerEntry(
        frozenset({Kind.MALWARE}),
        Where.WORKER,
        default=True,
        rules=versions.guarddog,
        worker=Worker("package_gate.scanners.guarddog:GuardDog", processes=2),
    ),
    "behaviour": ScannerEntry(
        frozenset({Kind.MALWARE}),
        Where.WORKER,
        default=True,
        rules=lambda: versions.BEHAVIOUR,
        worker=Worker("package_gate.scanners.behaviour.scanner:BehaviourScanner", processes=2),
    ),
    "ruff": ScannerEntry(
        frozenset({Kind.CODE}),
        Where.WORKER,
        default=True,
        rules=versions.ruff,
        # One is enough: Ruff uses all cores by itself.
        worker=Worker("package_gate.scanners.ruff:Ruff", Needs(programs=True)),
    ),
    "observed": ScannerEntry(
        frozenset({Kind.MALWARE}),
        Where.OBSERVATION,
        default=False,
        rules=lambda: versions.OBSERVED,
    ),
    "inspector": ScannerEntry(_OF_ADVISORIES, Where.ADVISORIES, default=False),
    "snyk": ScannerEntry(_OF_ADVISORIES, Where.ADVISORIES, default=False),
    "codeguru": ScannerEntry(
        frozenset({Kind.CODE}), Where.SERVICE, default=False, rules=lambda: versions.CODEGURU
    ),
}
"""All scanners by name, as policy, records and `--scanners` call them."""

DEFAULTS = tuple(name for name, entry in SCANNERS.items() if entry.default and name != UNPACKER)
"""What `--scanners` has when nobody says otherwise."""


def those(names: Iterable[str], where: Where) -> list[str]:
    """Give those of these scanners that look at packages in this way, without the unpacker."""
    return [name for name in names if SCANNERS[name].where is where and name != UNPACKER]


def chosen(names: Iterable[str]) -> list[str]:
    """Give the scanners that these names mean, each once, without the unpacker.

    Raises:
        ValueError: there is no such scanner, or none of them reads packages; the text says more.
    """
    found: list[str] = []
    for name in names:
        if name not in SCANNERS:
            known = ", ".join(sorted(SCANNERS))
            raise ValueError(f"there is no scanner {name!r}; choose from {known}")
        found += [name, *(part for part, whole in PART_OF.items() if whole == name)]
    found = [name for name in dict.fromkeys(found) if name != UNPACKER]
    reading = {SCANNERS[name].where for name in found} & {Where.WORKER, Where.SERVICE}
    if those(found, Where.OBSERVATION) and not reading:
        raise ValueError("what is only observed is never approved: name scanners that read, too")
    return found


def worker_spec(name: str) -> ScannerSpec:
    """Describe a scanner that runs in worker processes to the sandbox."""
    entry = SCANNERS[name]
    worker = entry.worker
    if worker is None:
        raise ValueError(f"{name} does not run in worker processes")
    return ScannerSpec(name, worker.factory, entry.kinds, worker.needs, processes=worker.processes)


def version_of(name: str) -> str:
    """Give the version of a scanner of content with its rules, without loading it."""
    rules = SCANNERS[name].rules
    if rules is None:
        raise ValueError(f"{name} reads no content")
    return rules()


def outer_unpacker() -> ScannerSpec:
    """Describe what unpacks an archive outside a scan: archives within it stay as they are."""
    return replace(worker_spec(UNPACKER), factory="package_gate.scanners.archive:outermost")
