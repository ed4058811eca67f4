"""How a run is to be: what every part of the pipeline goes by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from package_gate.pipeline.reuse import Conditions


class Progress(Protocol):
    """Is told what the gate is doing, by several threads."""

    def step(self, subject: str, what: str, arrived: Callable[[], int] | None = None) -> None:
        """Hear that something begins with a request or a package.

        Of a long download, `arrived` says how many bytes are here.
        """
        ...

    def end(self, subject: str, what: str = "") -> None:
        """Hear that nothing more is done with it, and perhaps what came of it."""
        ...

    def count(self, kind: str, done: int, total: int) -> None:
        """Hear how many `requests` or `packages` are done, of those that are known."""
        ...


class Silent:
    """Tells nobody; implements `Progress`."""

    def step(self, subject: str, what: str, arrived: Callable[[], int] | None = None) -> None:
        """See `Progress.step`."""

    def end(self, subject: str, what: str = "") -> None:
        """See `Progress.end`."""

    def count(self, kind: str, done: int, total: int) -> None:
        """See `Progress.count`."""


class WithoutVerdicts:
    """Tells what is done, and not what came of it, since nothing has yet; implements `Progress`."""

    def __init__(self, progress: Progress) -> None:
        """Tell this one."""
        self.step = progress.step
        self.count = progress.count
        self._progress = progress

    def end(self, subject: str, what: str = "") -> None:
        """See `Progress.end`."""
        self._progress.end(subject)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the parts have in common."""

    conditions: Conditions
    now: Callable[[], datetime]
    """The time (UTC)."""
    progress: Progress
    dry_run: bool = False
    """Decide and report; publish, record and send nothing."""
    report_hint: str = ""
    """Where the full report is, for the emails."""
