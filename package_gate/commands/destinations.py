"""Where approved packages, records and emails go: one destination an entry point.

The local one is here; those on AWS are in `aws_destinations`, so that a local run does not import
what only they need.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from package_gate.core.policy import Policy
from package_gate.notifications.outbox import Notifier, Outbox
from package_gate.publishers.interface import Publisher
from package_gate.publishers.local import LocalFolder
from package_gate.records.storage import FolderStorage, Storage
from package_gate.sources.pypi.uv import IndexSettings


@dataclass(frozen=True, slots=True)
class DestinationParts:
    """What a destination gives to the gate."""

    publisher: Publisher
    storage: Storage
    notifier: Notifier
    repository: str
    """Where approved packages go, as statements about them say it: a URI."""
    index: IndexSettings | None = None
    """The package index, where the destination brings one of its own."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One place where the gate publishes."""

    build: Callable[[Mapping[str, str], Path, Path, Policy], DestinationParts]
    """Makes its parts from the environment, the output folder, the scratch folder and the policy.

    Raises ConfigurationError, naming all that is missing, before anything is downloaded.
    """
    look: Callable[[Mapping[str, str], Path, Path, Policy], DestinationParts]
    """Does as `build` for who only reads the records: nothing can be published or sent by it, and
    no right or credential for that is needed."""
    may_use_sample_advisories: bool = False


def reading(
    storage: Storage, scratch: Path, repository: str, index: IndexSettings | None = None
) -> DestinationParts:
    """Give the parts of a destination of which only the records are read.

    Args:
        storage: the records.
        scratch: a folder that is gone afterwards.
        repository: as in `DestinationParts`.
        index: likewise.
    """
    nowhere = scratch / "nowhere"
    return DestinationParts(LocalFolder(nowhere), storage, Outbox(nowhere), repository, index)


def _local(
    environ: Mapping[str, str], output: Path, scratch: Path, policy: Policy
) -> DestinationParts:
    return DestinationParts(
        publisher=LocalFolder(output),
        storage=FolderStorage(output),
        notifier=Outbox(output / "outbox"),
        repository=(output / "simple").as_uri(),
    )


def _local_records(
    environ: Mapping[str, str], output: Path, scratch: Path, policy: Policy
) -> DestinationParts:
    return reading(FolderStorage(output), scratch, (output / "simple").as_uri())


LOCAL = Destination(_local, _local_records, may_use_sample_advisories=True)
