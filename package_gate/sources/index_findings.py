"""What an index says against a release or its project (for PyPI: PEP 592, PEP 792)."""

from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.text import one_line

INDEX = "index"
"""Who reports it."""
YANKED = "yanked"
QUARANTINED = "quarantined"
NAME_CONFUSION = "name-confusion"


def yanked_release(reason: str, files: int = 1) -> Finding:
    """Report a release of which the index says that it is yanked.

    Args:
        reason: the maintainers'; "" when they gave none.
        files: how many of its files are yanked.
    """
    return Finding(
        scanner=INDEX,
        rule=YANKED,
        kind=Kind.VULNERABILITY,
        severity=Severity.MEDIUM,
        message="Its maintainers have yanked this release: "
        f"{one_line(reason, 200) or 'no reason was given'}.",
        recommendation="Ask for another version.",
        count=files,
    )


def quarantined_project(reason: str) -> Finding:
    """Report a project that the index has taken out of circulation as suspected malware."""
    said = f": {one_line(reason, 200)}" if reason else ""
    return Finding(
        scanner=INDEX,
        rule=QUARANTINED,
        kind=Kind.MALWARE,
        severity=Severity.CRITICAL,
        message=f"The index has quarantined the project as suspected malware{said}.",
        recommendation="Do not install it until the index has cleared it.",
    )


def name_confusion(other: str, first_upload: str, *, asked_for: bool) -> Finding:
    """Report a young project whose name may be taken for that of a popular one.

    Args:
        other: the popular project.
        first_upload: the day of the project's first file.
        asked_for: whether a person wrote the name, who may have meant the other one; what only
            the authors of other packages name is reported without refusing.
    """
    return Finding(
        scanner=INDEX,
        rule=NAME_CONFUSION,
        kind=Kind.MALWARE,
        severity=Severity.HIGH if asked_for else Severity.MEDIUM,
        message=f"The project exists only since {first_upload}, and its name may be taken for that "
        f"of the popular {other}.",
        recommendation=f"Ask for {other} if that is what is meant; else InfoSec looks at it and "
        "waives this finding.",
    )
