"""The scanners of content that are services: chosen by `--scanners`, configured by the environment.

They hold credentials, so they run inside the gate and not in worker processes. The AWS library is
imported only when one of them is chosen.
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


_MAKERS = {"codeguru": _codeguru}
