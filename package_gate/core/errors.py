"""The gate's errors: each is one plain message that says what happened and what to do next.

Everything but `ConfigurationError` concerns one request or package and never stops the others.
"""

import logging
from datetime import datetime
from traceback import format_exception

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.text import lines

log = logging.getLogger(__name__)


class GateError(Exception):
    """The base of all of them; `str(error)` is for people and never holds a credential."""


class ConfigurationError(GateError):
    """The arguments, the environment or the policy are wrong; nothing was started."""


class SourceError(GateError):
    """A request could not be resolved or fetched: undecided, and tried again by the next run."""


class DigestError(SourceError):
    """What arrived has another digest than it should."""


class SourceRefusedError(GateError):
    """The policy or the address guard forbids this source: refused."""


class UnresolvedError(SourceError):
    """A request can't be resolved as it is written; what is known of the release still counts."""

    def __init__(self, message: str, asked: ResolvedPackage) -> None:
        """Take the requested package; its version is "" where the request leaves a choice."""
        super().__init__(message)
        self.asked = asked


class NotOfferedError(SourceRefusedError):
    """No index offers a project of this name, and asking again tomorrow would not change that."""

    def __init__(self, message: str, asked: ResolvedPackage) -> None:
        """Take the requested package; its version is "" where the request leaves a choice."""
        super().__init__(message)
        self.asked = asked


class UnfitError(NotOfferedError):
    """An index offers it, but nothing that the policy's notebooks could install."""


class TooFreshError(GateError):
    """A release is younger than the cooldown: undecided until `until`."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class ArchiveError(GateError):
    """Unpacking failed for a reason of ours, such as a full disk: undecided."""


class ScannerError(GateError):
    """A scanner did not finish: undecided."""


class PublishError(GateError):
    """An approved package could not be published or withdrawn; tried again by the next run."""


class SigningError(PublishError):
    """A verdict could not be signed, or its statement not be put beside the package: what should be
    signed and is not is not published."""


class StoreError(GateError):
    """A record could not be read or written."""


class TurnError(StoreError):
    """It is not this run's turn any more: it does nothing further that others see."""


class UnreadableRecordError(StoreError):
    """A record is damaged, or was written by a newer version: no later run can read it either."""


class NotifyError(GateError):
    """An email could not be handed over; tried again by the next run."""


def describe(error: Exception) -> str:
    """Say what went wrong; a fault of ours goes to the log, since nobody knows what its text holds.

    It must not stop the other requests. In the log, what is no printable text is escaped.
    """
    if isinstance(error, GateError):
        return str(error)
    log.error("unexpected error\n%s", lines("".join(format_exception(error)), 500))
    return f"The gate failed unexpectedly ({type(error).__name__}). Its log tells more."


class AgesUnknownError(GateError):
    """An index doesn't say when files were uploaded, so nobody knows which releases are old."""
