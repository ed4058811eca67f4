"""What the policy makes of who has attested the files of a package (PEP 740). Pure.

An attestation is a publisher's signed statement that it made a file. The index offers it with the
file; where the index offers none of anything, nothing is known of anybody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.text import one_line

PROVENANCE = "provenance"
"""Who reports it."""
ATTESTATION_INVALID = "attestation-invalid"
ATTESTATION_MISSING = "attestation-missing"
OTHER_PUBLISHER = "other-publisher"
_MAX_NAMES = 300


@dataclass(frozen=True, slots=True)
class AttestedFile:
    """Who has attested an older file of the same project."""

    filename: str
    uploaded: str
    """The day (ISO 8601)."""
    publishers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileProvenance:
    """Who has attested a file, as far as its index says."""

    filename: str
    offered: bool = True
    """Whether the index offers attestations at all."""
    publishers: tuple[str, ...] = ()
    """Such as `github:pypa/sampleproject`; what they have signed was verified."""
    invalid: str = ""
    """Why what is offered does not verify; "" when it does."""
    before: AttestedFile | None = None
    """What it is compared with; None when no older file of the project is attested."""


@dataclass(frozen=True, slots=True)
class ProvenanceJudgement:
    """What comes of it for a package."""

    findings: tuple[Finding, ...]
    failures: tuple[str, ...]
    """Why what the policy wants to know can't be known."""
    note: str
    """What is known, for the record."""


def judge_provenance(files: Sequence[FileProvenance], wanted: Sequence[str]) -> ProvenanceJudgement:
    """Report files that do not come from whom they should.

    Args:
        files: all of a package.
        wanted: the publishers that the policy lists for the project. When there are none, a file
            must come from who has attested older files of the project, if anybody has.
    """
    findings = tuple(found for file in files if (found := _finding(file, wanted)))
    unknown = wanted and not all(file.offered for file in files)
    failure = (
        f"The policy wants it attested by {_names(wanted)}, and the index offers no attestations. "
        "Use an index that does (PEP 740), or take the project from [provenance.publishers]."
    )
    return ProvenanceJudgement(findings, (failure,) if unknown else (), _note(files))


def _finding(file: FileProvenance, wanted: Sequence[str]) -> Finding | None:
    if not file.offered:
        return None
    name = one_line(file.filename, 200)
    if file.invalid:
        return _suspicion(
            ATTESTATION_INVALID,
            file,
            f"The attestation that the index offers for {name} does not verify: {file.invalid}.",
        )
    if wanted:
        expected, why = wanted, "as the policy wants"
    elif file.before:
        before = file.before
        expected = before.publishers
        why = f"as {one_line(before.filename, 200)} was, uploaded on {before.uploaded}"
    else:
        return None
    if not file.publishers:
        message = f"{name} is not attested by {_names(expected)}, {why}."
        return _suspicion(ATTESTATION_MISSING, file, message)
    if _folded(file.publishers).isdisjoint(_folded(expected)):
        by = _names(file.publishers)
        message = f"{name} is attested by {by}, not by {_names(expected)}, {why}."
        return _suspicion(OTHER_PUBLISHER, file, message)
    return None


def _suspicion(rule: str, file: FileProvenance, message: str) -> Finding:
    return Finding(
        scanner=PROVENANCE,
        rule=rule,
        kind=Kind.MALWARE,
        severity=Severity.HIGH,
        message=message,
        recommendation="Ask the project's maintainers whether this file is theirs; InfoSec waives "
        "the finding when it is.",
        artifact=file.filename,
    )


def _note(files: Sequence[FileProvenance]) -> str:
    """Say who has attested which of the files."""
    said: dict[str, list[str]] = {}
    for file in files:
        said.setdefault(_said_of(file), []).append(one_line(file.filename, 200))
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in said.items())


def _said_of(file: FileProvenance) -> str:
    if not file.offered:
        return "unknown: the index offers no attestations"
    if file.invalid:
        return "attested by nobody who can be told: what is offered does not verify"
    if file.publishers:
        return f"attested by {_names(file.publishers)}"
    return "not attested" if file.before else "not attested, as no older file of the project is"


def _names(publishers: Iterable[str]) -> str:
    return one_line(" or ".join(publishers), _MAX_NAMES)


def _folded(publishers: Iterable[str]) -> set[str]:
    """Hosts of repositories take no notice of case."""
    return {each.casefold() for each in publishers}
