"""The scanners of content that are no workers: chosen by `--scanners`.

Services are configured by the environment and hold credentials, so they run inside the gate. What
observes packages starts a sandbox of its own. Each is imported only when it is chosen.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from package_gate.aws.session import AWSSession, region_of
from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.net.session import Network
from package_gate.observation.findings import NAME
from package_gate.scanners import versions
from package_gate.scanners.interface import Scanner
from package_gate.scanners.registry import Where, those


def service_scanners(
    names: Iterable[str], environ: Mapping[str, str], network: Network, scratch: Path
) -> list[Scanner]:
    """Make those of these scanners that are services.

    Raises:
        ConfigurationError: something that one needs is missing; it is named.
    """
    return [_MAKERS[name](environ, network, scratch) for name in those(names, Where.SERVICE)]


def _codeguru(environ: Mapping[str, str], network: Network, scratch: Path) -> Scanner:
    from package_gate.scanners.codeguru import CodeGuru, CodeGuruSettings

    settings = CodeGuruSettings(scratch, network)
    return CodeGuru(settings, AWSSession(region_of(environ)).client("codeguru-security"))


class ObservedElsewhere:
    """Stands for what `package-gate observe` does on a machine of its own."""

    name = NAME

    def __init__(self, *, builds: bool) -> None:
        """Stand for what observes packages, and builds their sdists or not."""
        self.version = versions.observed(builds=builds)

    @property
    def info(self) -> ScannerInfo:
        """See `Scanner.info`."""
        return ScannerInfo(self.name, self.version)

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Raise `ScannerError`: nothing is observed here."""
        raise ScannerError(f"{target.name} is observed by package-gate observe, not by this stage")


def observing_scanners(
    names: Iterable[str], scratch: Path, *, elsewhere: bool = False, builds: bool = False
) -> list[Scanner]:
    """Make those of these scanners that let packages run in a sandbox.

    Args:
        names: scanners; the others are left out.
        scratch: an existing folder.
        elsewhere: whether another program lets them run, as in stages.
        builds: whether that builds sdists.

    Raises:
        ConfigurationError: this machine can't isolate them; the text says what is missing.
    """
    chosen = those(names, Where.OBSERVATION)
    if elsewhere:
        return [ObservedElsewhere(builds=builds) for _ in chosen]
    if not chosen:
        return []
    from package_gate.scanners.observed import Observed

    return [Observed(scratch)]


_MAKERS = {"codeguru": _codeguru}
