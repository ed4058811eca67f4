"""What a run has to say besides its decisions."""

import logging
from collections.abc import Iterable

from package_gate.core.text import printable

log = logging.getLogger(__name__)


class Remarks:
    """Warnings, and whether something is left to the next run."""

    def __init__(self, warnings: Iterable[str]) -> None:
        """Begin with these warnings, which are in the log already."""
        self.warnings = list(warnings)
        self.unfinished = False

    def warn(self, warning: str) -> None:
        """Say something that the reader must see first."""
        log.warning(printable(warning, 2000))
        self.warnings.append(warning)

    def warn_first(self, warning: str) -> None:
        """Say something before all else, once."""
        if warning not in self.warnings:
            self.warn(warning)
            self.warnings.insert(0, self.warnings.pop())

    def leave(self, warning: str) -> None:
        """Warn of something that is left to the next run."""
        self.warn(warning)
        self.unfinished = True

    def leave_once(self, warning: str) -> None:
        """Warn once of what concerns every request that is left to the next run."""
        if warning not in self.warnings:
            self.leave(warning)
        self.unfinished = True
