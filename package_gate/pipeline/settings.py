"""How a run is to be: what every part of the pipeline goes by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from package_gate.pipeline.reuse import Conditions

Progress = Callable[[str, str], None]
"""Is given the subject and the step that begins."""


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
