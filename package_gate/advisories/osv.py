"""Known vulnerabilities and known malware from OSV advisories: an API, or a snapshot of them."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from package_gate import __version__
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_api import API
from package_gate.advisories.osv_findings import SCANNER, findings
from package_gate.advisories.osv_records import Record, affects
from package_gate.advisories.osv_snapshot import Snapshot, check_snapshot
from package_gate.advisories.s3_snapshot import SCHEME, check_address, fetch_snapshot
from package_gate.core.errors import ConfigurationError, GateError, ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.standing import SAMPLE_DATA
from package_gate.net.session import Network

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
    """A folder or a `.zip` in OSV's published layout, `s3://BUCKET/KEY.zip`, or the `https://`
    address of an OSV API."""
    sample: bool = False
    """Whether they are the small hand-written set."""
    scratch: Path = Path()
    """An existing folder of the run's own, for a snapshot that lies in S3."""
    region: str = ""
    """Of the bucket; "" for boto3's own configuration."""
    network: Network = field(default_factory=Network)
    """How the API is reached."""
    timeout: float = 30.0
    """Seconds for one answer of the API."""
    attempts: int = 4
    """How often a call to the API is made when it fails for a passing reason."""
    pause: float = 1.0
    """Seconds before the second attempt; they double with each."""


class _Records(Protocol):
    """Where records come from: a snapshot or an API."""

    def find(self, packages: Sequence[NamedPackage]) -> list[list[Record]]:
        """Return, for each of the packages, records that may affect it."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Opened:
    records: _Records
    snapshot: Path | None
    """Where they lie; None for an API."""
    shown: str
    """What the record calls them."""
    date: str = ""
    """Of the youngest record (ISO 8601, UTC); "" when they are those of the day on which they are
    asked for."""
    entries: int = 0
    """How many they are; 0 when nobody knows."""


class OSV:
    """The source `osv`."""

    name = SCANNER

    def __init__(
        self, settings: OSVSettings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Look at the settings; advisories are read or asked for at the first question.

        Args:
            settings: where the advisories are.
            now: the time (UTC).

        Raises:
            ConfigurationError: the settings name neither a snapshot nor an API.
        """
        _check(settings)
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._opened: _Opened | ScannerError | None = None

    @property
    def info(self) -> ScannerInfo:
        """The date of its data is that of the youngest record, or for an API the day.

        Raises:
            ScannerError: the advisories could not be had.
        """
        opened = self._open()
        return ScannerInfo(
            name=self.name,
            version=__version__,
            data_date=opened.date or self._now().date().isoformat(),
            data=SAMPLE_DATA if self._settings.sample else opened.shown,
            entries=opened.entries,
        )

    @property
    def snapshot(self) -> Path | None:
        """Where the advisories lie on this machine; None when an API is asked.

        Raises:
            ScannerError: the advisories could not be had.
        """
        return self._open().snapshot

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """See `AdvisorySource.query`."""
        found = self._open().records.find(packages)
        return [
            tuple(findings([record for record in records if affects(record, package)], package))
            for package, records in zip(packages, found, strict=True)
        ]

    def close(self) -> None:
        """Close files and connections."""
        with self._lock:
            if isinstance(self._opened, _Opened):
                self._opened.records.close()

    def _open(self) -> _Opened:
        """Open the advisories; who comes meanwhile waits, and a failure holds for this run."""
        with self._lock:
            if self._opened is None:
                try:
                    self._opened = _open(self._settings)
                except GateError as error:
                    self._opened = ScannerError(str(error))
            if isinstance(self._opened, ScannerError):
                raise ScannerError(str(self._opened))
            return self._opened


def _check(settings: OSVSettings) -> None:
    advisories = settings.advisories
    if advisories.startswith(SCHEME):
        check_address(advisories)
    elif "://" not in advisories:
        check_snapshot(Path(advisories))
    elif not _API_ADDRESS.fullmatch(advisories):
        raise ConfigurationError(
            "--advisories takes a folder, a .zip, s3://BUCKET/KEY.zip, or the https:// address of "
            "an OSV API without credentials or query."
        )


def _open(settings: OSVSettings) -> _Opened:
    path, shown = settings.advisories, settings.advisories
    if path.startswith(SCHEME):
        fetched, shown = fetch_snapshot(path, settings.scratch, settings.region)
        path = str(fetched)
    elif "://" in path:
        api = API(
            path,
            settings.network,
            timeout=settings.timeout,
            attempts=settings.attempts,
            pause=settings.pause,
        )
        return _Opened(api, None, shown)
    snapshot = Snapshot(Path(path))
    date = snapshot.newest.astimezone(UTC).date().isoformat()
    return _Opened(snapshot, Path(path), shown, date, snapshot.entries)
