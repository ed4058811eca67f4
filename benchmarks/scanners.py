"""The gate's default scanners, as a run on this machine has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from package_gate.commands.advisory_sources import advisory_sources
from package_gate.commands.scan_setup import ScanSetup
from package_gate.core.policy import Policy
from package_gate.net.session import Network
from package_gate.pipeline.assembly import Scanners
from package_gate.scanners.registry import DEFAULTS


@contextmanager
def default_scanners(advisories: str, policy: Policy, scratch: Path) -> Iterator[Scanners]:
    """Give them until the block ends.

    Args:
        advisories: a snapshot's path.
        policy: whose limits hold.
        scratch: an existing folder, below which all packages lie.
    """
    sources = advisory_sources(DEFAULTS, advisories, {}, Network(), scratch, may_use_sample=True)
    with sources, ScanSetup(DEFAULTS, policy.limits, scratch) as workers:
        yield Scanners(workers.unpacker, workers.scanners, sources.sources, sources.sample)
