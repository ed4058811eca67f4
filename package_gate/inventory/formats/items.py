"""What readers of files give back besides what they find."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormatProblem:
    """Why a file, or a line of it, can't be read."""

    text: str
    """One sentence."""
    line: int | None = None
    """From 1; None when it is about the whole file, or the format leaves no way to tell."""
