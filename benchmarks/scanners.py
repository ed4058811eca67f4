"""The gate's default scanners, as a run on this machine has them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from package_gate.commands.advisory_sources import advisory_sources
from package_gate.commands.scan_setup import ScanSetup
from package_gate.core.policy import AdvisoryAges, Policy
from package_gate.net.session import Network
from package_gate.pipeline.assembly import Scanners
from package_gate.scanners.registry import DEFAULTS

LATELY = datetime.now(UTC) - timedelta(days=30)
"""Before the cooldown, but not so long ago that a release is a precedent."""
ANY_AGE = AdvisoryAges(undecided_after_days=3650)
"""For figures that are to stay the same with the same advisories."""


@contextmanager
def default_scanners(
    advisories: str, policy: Policy, scratch: Path, names: Sequence[str] = DEFAULTS
) -> Iterator[Scanners]:
    """Give them until the block ends.

    Args:
        advisories: a snapshot's path.
        policy: whose limits hold.
        scratch: an existing folder, below which all packages lie.
        names: those of them that are wanted.
    """
    sources = advisory_sources(names, advisories, {}, Network(), scratch, may_use_sample=True)
    with sources, ScanSetup(names, policy.limits, scratch) as workers:
        yield Scanners(workers.unpacker, workers.scanners, sources.sources, sources.sample)
