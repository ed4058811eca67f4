"""Observing the packages of a plan, each with its closure, and what the conclusion makes of it.

What was observed is written to `observed/DIGEST.json` by a machine that ran strangers' code, so it
counts only when it is about the planned bytes, and its findings are made here, of facts that were
checked.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace as replace_fields

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.errors import ScannerError, SourceError
from package_gate.core.evidence import Scan
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.text import one_line
from package_gate.observation.documents import Report
from package_gate.observation.findings import NAME, findings_of, not_observed
from package_gate.observation.observe import (
    Observer,
    Wheel,
    fitting,
    isolation_of,
    sdist_of,
)
from package_gate.scanners import versions
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
    """The file names of the wheels that were installed with it, or for its build."""
    absent: str = ""
    """Why there is no report, or what is not in it."""
    schema: int = OBSERVATION_SCHEMA


def observed_key(digest: str) -> str:
    """Say where it stands what was seen of a package."""
    return f"observed/{digest}.json"


@dataclass(frozen=True, slots=True)
class Closure:
    """The wheels of a closure; the path of each is the digest of its bytes."""

    installed: list[Wheel]
    """What a package is installed with."""
    build: list[Wheel]
    """What its build may need: what the builds of the closure need, and the rest of it."""


def closure_of(plan: PlanDocument, task: Task, request: str | None = None) -> Closure | None:
    """Give the wheels that a package is installed and built with; None: none asks for it.

    Args:
        plan: of the run.
        task: the package.
        request: the request whose closure it is; None for the one that needs the fewest packages
            besides, since all of them are installed each time.
    """
    wanted = {file.sha256 for file in task.package.files}

    def is_wanted(package: ResolvedPackage) -> bool:
        return wanted == {file.sha256 for file in package.files}

    closures = [
        answer.plan.packages
        for answer in plan.requests
        if answer.plan
        and request in (None, answer.name)
        and any(map(is_wanted, answer.plan.packages))
    ]
    if not closures:
        return None
    packages = min(closures, key=len)
    own = [each for each in packages if is_wanted(each)]
    others = [each for each in packages if each not in own]
    builds = [each for each in others if each.for_build]
    installed = [each for each in others if each not in builds or own[0].for_build]
    for_builds = {each.name for each in builds}
    rest = [each for each in others if each.name not in for_builds]
    return Closure(_wheels(installed), _wheels([*builds, *rest]))


def _wheels(packages: Iterable[ResolvedPackage]) -> list[Wheel]:
    chosen = (
        fitting([Wheel(Path(f.sha256), f.filename) for f in each.files if f.sha256])
        for each in packages
    )
    return [wheel for wheel in chosen if wheel is not None]


def observe_task(
    task: Task,
    closure: Closure,
    place: Place,
    observer: Observer,
    scratch: Path,
    *,
    builds: bool,
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
        builds: whether its sdist is built, if it has one.
        now: the time (UTC).

    Raises:
        SourceError: the package's own file can't be had.
        ScannerError: the sandbox failed.
    """
    wheel = fitting([Wheel(Path(a.sha256), a.filename) for a in task.artifacts])
    sdist = None
    if ecosystem_of(task.package.origin).looked_up_by_name:
        sdist = sdist_of([(a.sha256, a.filename) for a in task.artifacts])
    reports: list[Report] = []
    used: set[str] = set()
    if wheel is not None:
        own = replace(wheel, path=_fetched(wheel.path, place, scratch))
        others = _those_there(closure.installed, place, scratch)
        used |= {each.filename for each in others}
        reports.append(observer.observe(own, others))
    if sdist is not None and builds:
        source = replace(sdist, path=_fetched(sdist.path, place, scratch))
        needed = _those_there(closure.build, place, scratch)
        others = _those_there(closure.installed, place, scratch)
        used |= {each.filename for each in (*needed, *others)}
        reports.append(observer.observe_build(source, needed, others))
    absent = []
    if not reports:
        absent.append("it has no wheel for this machine's Python")
    if sdist is not None and not builds:
        absent.append("its sdist is built only where the policy says so ([sdists] observe)")
    return Observation(
        task.digest,
        versions.observed(builds=builds),
        now,
        _joined(reports),
        sorted(used),
        ", and ".join(absent),
    )


def _joined(reports: Sequence[Report]) -> Report | None:
    if not reports:
        return None
    return replace_fields(reports[0], runs=[run for each in reports for run in each.runs])


def _those_there(wheels: Iterable[Wheel], place: Place, folder: Path) -> list[Wheel]:
    """Bring those of these wheels here that are in staging."""
    found = []
    for each in wheels:
        with suppress(SourceError):
            found.append(replace(each, path=_fetched(each.path, place, folder)))
    return found


def _fetched(sha256: Path, place: Place, folder: Path) -> Path:
    """Bring the bytes of a digest here."""
    path = folder / sha256
    if not path.exists():
        place.get_file(str(sha256), path)
    return path


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
    held = said.report.held if said.report else ()
    info = ScannerInfo(NAME, rules, isolation=isolation_of(held))
    return Scan(info, tuple(_findings(said)), said.observed_at)


def _findings(said: Observation) -> Sequence[Finding]:
    if said.report is None:
        return [not_observed(said.absent[:600] or "it was not run")]
    return [*findings_of(said.report), *([not_observed(said.absent[:600])] if said.absent else [])]
