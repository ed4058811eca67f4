"""Which scanners a run has, and which advisories they use."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from package_gate.advisories.osv import OSVSettings
from package_gate.advisories.s3_snapshot import SCHEME, fetch_snapshot
from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Unpacked
from package_gate.core.policy import Limits
from package_gate.net.session import Network, https_proxy
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners.interface import Scanner, UnpackingScanner
from package_gate.scanners.registry import UNPACKER, worker_spec

OSV_API = "https://api.osv.dev"
SAMPLE_ADVISORIES = Path(__file__).parent.parent.parent / "examples" / "advisories"
PROBE_SECONDS = 10


class WorkerScanner:
    """A scanner of the pool, as the gate sees it; implements `Scanner`."""

    def __init__(self, name: str, pool: ScannerPool) -> None:
        """Stand for the pool's scanner of this name."""
        self.name = name
        self._pool = pool

    @property
    def info(self) -> ScannerInfo:
        """See `Scanner.info`."""
        return replace(self._pool.info(self.name), isolation=self._pool.isolation(self.name))

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """See `Scanner.scan`."""
        return self._pool.scan(self.name, target)


class WorkerUnpacker:
    """The scanner of the pool that unpacks, as the gate sees it; implements `UnpackingScanner`."""

    name = UNPACKER

    def __init__(self, pool: ScannerPool) -> None:
        """Stand for the pool's unpacking scanner."""
        self._pool = pool

    @property
    def info(self) -> ScannerInfo:
        """See `Scanner.info`."""
        return replace(self._pool.info(self.name), isolation=self._pool.isolation(self.name))

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        """See `UnpackingScanner.unpack`."""
        return self._pool.unpack(self.name, package)


class UnavailableScanner:
    """Stands in for a scanner that has no data: every package stays undecided."""

    def __init__(self, name: str, reason: str) -> None:
        """Remember why."""
        self.name = name
        self._reason = reason

    @property
    def info(self) -> ScannerInfo:
        """Raise ScannerError."""
        raise ScannerError(self._reason)

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Raise ScannerError."""
        raise ScannerError(self._reason)


class ScanSetup:
    """The scanners of a run; a context manager that ends their processes."""

    def __init__(
        self,
        names: Sequence[str],
        advisories: str,
        network: Network,
        limits: Limits,
        scratch: Path,
        *,
        may_use_sample: bool,
        region: str = "",
    ) -> None:
        """Choose scanners and advisories; no process is started before it is needed.

        Args:
            names: scanners besides the unpacker that run in worker processes.
            advisories: a snapshot's path or its address in S3, or an API's address; "" for the OSV
                API.
            network: how the API is reached.
            limits: what a scanner may use.
            scratch: where workers may write.
            may_use_sample: whether the hand-written set may stand in for an unreachable API.
            region: where a snapshot in S3 lies.

        Raises:
            ConfigurationError: an unknown scanner, or advisories that can't be used.
        """
        self.sample = False
        unavailable: dict[str, Scanner] = {}
        shown = ""
        if "osv" in names:
            try:
                if advisories.startswith(SCHEME):
                    path, shown = fetch_snapshot(advisories, scratch, region)
                    advisories = str(path)
                advisories = self._choose_advisories(advisories, network, may_use_sample)
            except ScannerError as error:
                unavailable["osv"] = UnavailableScanner("osv", str(error))
        proxy = https_proxy(network)
        osv = OSVSettings(
            advisories=advisories,
            sample=self.sample,
            shown=shown,
            ca_bundle=network.ca_bundle if isinstance(network.ca_bundle, str) else "",
            proxies={"https": proxy} if proxy else {},
        )
        settings = {"osv": osv}
        chosen = [name for name in names if name != UNPACKER]
        self._pool = ScannerPool(
            [worker_spec(name, settings.get(name)) for name in (UNPACKER, *chosen)],
            limits,
            scratch,
        )
        self.unpacker: UnpackingScanner = WorkerUnpacker(self._pool)
        self.scanners: list[Scanner] = [
            unavailable.get(name) or WorkerScanner(name, self._pool) for name in chosen
        ]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all worker processes."""
        self._pool.close()

    def _choose_advisories(self, advisories: str, network: Network, may_use_sample: bool) -> str:
        if not advisories:
            if may_use_sample and not _reachable(OSV_API, network):
                self.sample = True
                return str(SAMPLE_ADVISORIES)
            return OSV_API
        if "://" in advisories:
            return advisories
        path = Path(advisories).absolute()
        if path.resolve() == SAMPLE_ADVISORIES.resolve():
            if not may_use_sample:
                raise ConfigurationError(
                    f"{advisories} holds sample advisories, which only scan-locally.sh may use. "
                    "Give an OSV snapshot or the address of an OSV API."
                )
            self.sample = True
        return str(path)


def _reachable(address: str, network: Network) -> bool:
    """Ask the API nothing, to learn whether it answers."""
    proxy = https_proxy(network)
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                f"{address}/v1/querybatch",
                json={"queries": []},
                timeout=PROBE_SECONDS,
                verify=network.ca_bundle,
                proxies={"https": proxy} if proxy else {},
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
    return answer.ok
