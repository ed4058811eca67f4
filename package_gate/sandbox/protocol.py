"""What the pool and a worker say to each other: one JSON document a line.

The pool writes `Setup`, and after the worker's `Ready` one `Job` for each package. The worker
answers each with one line. Both sides check the types of all that they read.
"""

import msgspec

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Inventory
from package_gate.core.limits import Limits
from package_gate.sandbox.spec import Needs

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The longest line that is taken from a worker."""
MAX_FINDINGS = 20_000
"""The most findings of one scanner about one package."""


class Setup(msgspec.Struct, frozen=True, tag="setup"):
    """The first line to a worker."""

    scanner: str
    factory: str
    """`module:attribute` of what makes it."""
    needs: Needs
    settings: msgspec.Raw
    """What the factory takes as `settings`, as JSON."""
    limits: Limits
    packages: str
    """The folder below which all packages lie, absolute."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The scanner is loaded and waits for packages."""

    info: ScannerInfo
    isolation: str
    """What the kernel keeps its scans from, in words."""


class Job(msgspec.Struct, frozen=True, tag="job"):
    """Scan a package; a scanner that needs to unpack makes its trees."""

    number: int
    """The answer bears the same, so that a late one is never taken for another package's."""
    target: UnpackedPackage


class Findings(msgspec.Struct, frozen=True, tag="findings"):
    """The scan finished."""

    number: int
    findings: list[Finding]


class Unpacking(msgspec.Struct, frozen=True, tag="unpacking"):
    """The unpacking finished; the answer of a scanner that unpacks, in place of `Findings`."""

    number: int
    findings: list[Finding]
    inventories: list[Inventory]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The scan, or the loading of the scanner, did not finish."""

    message: str
    number: int = 0
    ends: bool = False
    """Whether the worker ends after this, because it can't trust itself any more."""


Answer = Ready | Findings | Unpacking | Failed
