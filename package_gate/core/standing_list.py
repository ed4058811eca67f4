"""The standing list: what was approved and is refused now; withdrawal beats a signature."""

from datetime import datetime

import msgspec

from package_gate.core.artifact import Origin
from package_gate.core.attestation import Envelope
from package_gate.core.finding import ScannerInfo
from package_gate.core.owed import PackageKey

STANDING_LIST = "standing-list.json"
"""The file that a repository has it in."""


class Withdrawn(msgspec.Struct, frozen=True):
    """A package that was approved and is refused."""

    origin: Origin
    name: str
    version: str
    files: tuple[str, ...]
    """SHA-256 of each."""
    since: datetime
    """UTC."""

    @property
    def key(self) -> PackageKey:
        """Which package it is."""
        return self.origin, self.name, self.version


STANDING_SCHEMA = 1


class LastStanding(msgspec.Struct, frozen=True):
    """The standing list as the last run left it, for the next one."""

    withdrawn: tuple[Withdrawn, ...] = ()
    advisories: tuple[ScannerInfo, ...] = ()
    """Those by which the approvals were last judged."""
    signed_as: str = ""
    """See `Attestor.identity`: as that all decisions on record are signed; "" when not all are."""
    envelope: Envelope | None = None
    """The list that was signed; None before the first."""
    schema: int = STANDING_SCHEMA
