"""The scanners of content that are no workers: chosen by `--scanners`.

Services are configured by the environment and hold credentials, so they run inside the gate. What
observes packages starts a sandbox of its own. Each is imported only when it is chosen.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from package_gate.aws.session import AWSSession, region_of
from package_gate.net.session import Network
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


def observing_scanners(names: Iterable[str], scratch: Path) -> list[Scanner]:
    """Make those of these scanners that let packages run in a sandbox.

    Raises:
        ConfigurationError: this machine can't isolate them; the text says what is missing.
    """
    if not those(names, Where.OBSERVATION):
        return []
    from package_gate.scanners.observed import Observed

    return [Observed(scratch)]


_MAKERS = {"codeguru": _codeguru}
