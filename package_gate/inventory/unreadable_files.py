"""The finding that names files whose dependencies could not be read, the same from each scanner."""

from collections.abc import Sequence

from package_gate.core.finding import MAX_LOCATIONS, Finding, Kind, Location, Severity
from package_gate.core.inventory import UnreadableFile
from package_gate.core.text import one_line

UNREADABLE = "unreadable-dependency-file"
"""Its rule."""


def unreadable_files(files: Sequence[UnreadableFile], artifact: str, scanner: str) -> Finding:
    """Make one finding of all such files of an artifact.

    Args:
        files: at least one.
        artifact: the artifact's file name.
        scanner: who reports it.
    """
    first = files[0]
    path = one_line(first.path, 150)
    return Finding(
        scanner=scanner,
        rule=UNREADABLE,
        kind=Kind.VULNERABILITY,
        severity=Severity.INFO,
        message=f"Dependencies named in {path} could not be read: {first.problem}",
        recommendation="Look at what it depends on before using it.",
        artifact=artifact,
        locations=tuple(Location(each.path, each.line) for each in files[:MAX_LOCATIONS]),
        count=len(files),
    )
