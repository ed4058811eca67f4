"""Releases that their maintainers have yanked, as an index says (for PyPI: PEP 592)."""

from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.text import one_line


def yanked_release(reason: str, files: int = 1) -> Finding:
    """Report a release of which the index says that it is yanked.

    Args:
        reason: the maintainers'; "" when they gave none.
        files: how many of its files are yanked.
    """
    return Finding(
        scanner="index",
        rule="yanked",
        kind=Kind.VULNERABILITY,
        severity=Severity.MEDIUM,
        message="Its maintainers have yanked this release: "
        f"{one_line(reason, 200) or 'no reason was given'}.",
        recommendation="Ask for another version.",
        count=files,
    )
