"""Observing the packages of a plan, each with its closure, and what the conclusion makes of it.

What was observed is written to `observed/DIGEST.json` by a machine that ran strangers' code, so it
counts only when it is about the planned bytes, and its findings are made here, of facts that were
checked.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from package_gate.core.errors import ScannerError, SourceError
from package_gate.core.evidence import Scan
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.text import one_line
from package_gate.observation.documents import Report
from package_gate.observation.findings import NAME, findings_of, not_observed
from package_gate.observation.observe import ISOLATION, Observer, Wheel, fitting
from package_gate.staging.documents import PlanDocument, Task
from package_gate.staging.place import Place

OBSERVATION_SCHEMA = 1
MAX_OBSERVATION_BYTES = 32 * 1024 * 1024


class Observation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was seen of a package."""

    digest: str
    """The name of the package with its files."""
    rules: str
    """The version of the scanner."""
    observed_at: datetime
    """UTC."""
    report: Report | None
    """None where nothing of it could be run."""
    closure: list[str] = []
    """The file names of the wheels that were installed with it."""
    absent: str = ""
    """Why there is no report."""
    schema: int = OBSERVATION_SCHEMA


def observed_key(digest: str) -> str:
    """Say where it stands what was seen of a package."""
    return f"observed/{digest}.json"


def closure_of(plan: PlanDocument, task: Task, request: str | None = None) -> list[Wheel] | None:
    """Give the wheels that a package is installed with, by their digests; None: none asks for it.

    Args:
        plan: of the run.
        task: the package.
        request: the request whose closure it is; None for the first that needs the package.

    Returns:
        Wheels whose path is the digest of their bytes.
    """
    wanted = {file.sha256 for file in task.package.files}
    for answer in plan.requests:
        packages = answer.plan.packages if answer.plan else ()
        if request not in (None, answer.name):
            continue
        if any(wanted == {file.sha256 for file in each.files} for each in packages):
            others = [each for each in packages if wanted != {file.sha256 for file in each.files}]
            chosen = (
                fitting([Wheel(Path(f.sha256), f.filename) for f in each.files if f.sha256])
                for each in others
                if not each.for_build
            )
            return [wheel for wheel in chosen if wheel is not None]
    return None


def observe_task(
    task: Task,
    closure: Iterable[Wheel],
    place: Place,
    observer: Observer,
    scratch: Path,
    rules: str,
    now: datetime,
) -> Observation:
    """Observe a package whose files are in staging.

    Args:
        task: the package.
        closure: as `closure_of` gives it; what is not in staging is left out, and imports that need
            it fail.
        place: where the files are.
        observer: who observes.
        scratch: an empty folder.
        rules: the version of the scanner.
        now: the time (UTC).

    Raises:
        SourceError: the package's own wheel can't be had.
        ScannerError: the sandbox failed.
    """
    wheel = fitting([Wheel(Path(a.sha256), a.filename) for a in task.artifacts])
    if wheel is None:
        why = "it has no wheel for this machine's Python"
        return Observation(task.digest, rules, now, None, absent=why)
    own = _fetched(wheel, place, scratch)
    others: list[Wheel] = []
    for each in closure:
        try:
            others.append(_fetched(each, place, scratch))
        except SourceError:
            continue
    report = observer.observe(own, others)
    return Observation(task.digest, rules, now, report, [each.filename for each in others])


def _fetched(wheel: Wheel, place: Place, folder: Path) -> Wheel:
    """Bring the bytes of a digest here."""
    path = folder / str(wheel.path)
    if not path.exists():
        place.get_file(str(wheel.path), path)
    return Wheel(path, wheel.filename)


def scan_of(content: bytes | None, digest: str, rules: str) -> Scan:
    """Make what a scanner would have found of what was observed, as hostile input.

    Raises:
        ScannerError: the package was not observed, or this is about something else.
    """
    if content is None:
        raise ScannerError("it was not observed: package-gate observe does that")
    if len(content) > MAX_OBSERVATION_BYTES:
        raise ScannerError("what was observed is too long")
    try:
        said = msgspec.json.decode(content, type=Observation)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = one_line(str(error))
        raise ScannerError(f"what was observed can't be read ({text})") from error
    if (said.schema, said.digest, said.rules) != (OBSERVATION_SCHEMA, digest, rules):
        raise ScannerError("what was observed is about other bytes, or by other rules")
    if said.observed_at.tzinfo is None:
        raise ScannerError("what was observed has no moment")
    if said.report is not None and not said.report.runs:
        raise ScannerError("what was observed has no run")
    info = ScannerInfo(NAME, rules, isolation=ISOLATION)
    return Scan(info, tuple(_findings(said)), said.observed_at)


def _findings(said: Observation) -> Sequence[Finding]:
    if said.report is None:
        return [not_observed(said.absent[:600] or "it was not run")]
    return findings_of(said.report)
