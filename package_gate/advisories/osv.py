"""Known vulnerabilities and known malware, by name and version, from OSV advisories.

A PyPI package is looked up as what it is. An archive has no name and version of its own, so what
stands in its tree is looked up: the packages it holds and the dependencies it pins.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from packaging.utils import canonicalize_name

from package_gate import __version__
from package_gate.advisories.osv_api import API
from package_gate.advisories.osv_findings import SCANNER, findings
from package_gate.advisories.osv_records import Installed, Record, affects
from package_gate.advisories.osv_snapshot import Snapshot
from package_gate.core.artifact import Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ConfigurationError
from package_gate.core.finding import Finding, Location, ScannerInfo
from package_gate.core.inventory import UnreadableFile
from package_gate.inventory.pins import find_pins
from package_gate.inventory.unreadable_files import unreadable_files

_API_ADDRESS = re.compile(
    r"(?:https://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])|http://(?:localhost|127\.0\.0\.1|\[::1\]))"
    r"(?::[0-9]{1,5})?(?:/[a-z0-9._~/-]*)?",
    re.IGNORECASE,
)
"""Plain HTTP is for this machine only; credentials and queries have no place in it."""


@dataclass(frozen=True, slots=True)
class OSVSettings:
    """Where the advisories are."""

    advisories: str
    """A folder or a `.zip` in OSV's published layout, or the `https://` address of an OSV API."""
    sample: bool = False
    """Whether they are the small hand-written set."""
    shown: str = ""
    """What the record calls them; "" for `advisories` itself."""
    ca_bundle: str = ""
    """A file with the certificate authorities that the API's certificate must come from; "" for
    the usual ones."""
    proxies: dict[str, str] = field(default_factory=dict)
    """Scheme → address of the proxy on the way to the API."""
    timeout: float = 30.0
    """Seconds for one answer of the API."""
    attempts: int = 4
    """How often a call to the API is made when it fails for a passing reason."""
    pause: float = 1.0
    """Seconds before the second attempt; they double with each."""
    today: str = ""
    """The date (ISO 8601, UTC) that the record shows for an API, whose advisories are those of the
    day on which it is asked; "" for this machine's date."""


class _Advisories(Protocol):
    """Where records come from: a snapshot or an API."""

    def find(self, packages: Sequence[Installed]) -> list[list[Record]]:
        """Return, for each of the packages, records that may affect it."""
        ...

    def close(self) -> None: ...


class OSV:
    """The scanner `osv`."""

    name = SCANNER
    info: ScannerInfo

    def __init__(self, settings: OSVSettings) -> None:
        """Read the snapshot, or make ready to ask the API.

        Raises:
            ConfigurationError: the settings name neither a snapshot nor an API.
            ScannerError: the snapshot can't be read.
        """
        self._advisories: _Advisories
        if "://" in settings.advisories:
            if not _API_ADDRESS.fullmatch(settings.advisories):
                raise ConfigurationError(
                    "--advisories takes a folder, a .zip, or the https:// address of an OSV API "
                    "without credentials or query."
                )
            if settings.ca_bundle and not Path(settings.ca_bundle).exists():
                raise ConfigurationError(f"The CA bundle {settings.ca_bundle} does not exist.")
            self._advisories = API(
                settings.advisories,
                ca_bundle=settings.ca_bundle,
                proxies=settings.proxies,
                timeout=settings.timeout,
                attempts=settings.attempts,
                pause=settings.pause,
            )
            data_date = settings.today or datetime.now(UTC).date().isoformat()
        else:
            snapshot = Snapshot(Path(settings.advisories))
            self._advisories = snapshot
            data_date = snapshot.newest.astimezone(UTC).date().isoformat()
        self.info = ScannerInfo(
            name=self.name,
            version=__version__,
            data_date=data_date,
            data="sample advisories" if settings.sample else settings.shown or settings.advisories,
        )

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Report what is known against the package, or against what an archive holds and pins.

        Raises:
            ScannerError: the advisories could not be had.
        """
        if target.origin is Origin.PYPI:
            installed = Installed(canonicalize_name(target.name), target.version)
            for records in self._affecting([installed]):
                yield from findings(records, installed)
        else:
            for artifact in target.artifacts:
                yield from self._scan_tree(artifact)

    def close(self) -> None:
        """Close files and connections."""
        self._advisories.close()

    def _affecting(self, packages: Sequence[Installed]) -> Iterator[list[Record]]:
        """Give, for each of the packages, the records that affect its version."""
        for installed, records in zip(packages, self._advisories.find(packages), strict=True):
            yield [record for record in records if affects(record, installed)]

    def _scan_tree(self, artifact: UnpackedArtifact) -> Iterator[Finding]:
        named: dict[tuple[str, str, bool], list[Location]] = {}
        unreadable: list[UnreadableFile] = []
        for each in find_pins(Path(artifact.tree)):
            if isinstance(each, UnreadableFile):
                unreadable.append(each)
            else:
                places = named.setdefault((each.name, each.version, each.held), [])
                places.append(Location(each.path, each.line))
        packages = [Installed(name, version) for name, version, _ in named]
        filename = artifact.artifact.filename
        for ((_, _, held), places), installed, records in zip(
            named.items(), packages, self._affecting(packages), strict=True
        ):
            subject = f"The archive {'holds' if held else 'pins'} {installed}"
            yield from findings(
                records, installed, subject=subject, artifact=filename, locations=places
            )
        if unreadable:
            yield unreadable_files(unreadable, filename, SCANNER)
