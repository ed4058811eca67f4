"""A dependency scan: the order of its steps, and the only module that knows it.

Collect the dependency files, resolve what isn't locked, look everything up, judge, and propose
what would be clean. Whatever fails is told and makes a clean result impossible; it stops nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from package_gate.core.errors import GateError
from package_gate.core.finding import Location
from package_gate.core.version import gate_version
from package_gate.dependency_scan.closures import Closures
from package_gate.dependency_scan.collect import collect
from package_gate.dependency_scan.collected import Collected
from package_gate.dependency_scan.fixing import Fixer
from package_gate.dependency_scan.hashes import LockedFiles
from package_gate.dependency_scan.looking_up import LookUp
from package_gate.dependency_scan.models import (
    Chain,
    DependencyScan,
    Graph,
    PackageKey,
    Problem,
    ScannedClosure,
    ScannedPackage,
)
from package_gate.dependency_scan.proposing import Proposer
from package_gate.dependency_scan.repository import Checkout
from package_gate.report.html import ORDER


@dataclass(frozen=True, slots=True)
class Subject:
    """What is scanned, in words for people."""

    repository: str
    branch: str = ""
    commit: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a scan is made of."""

    closures: Closures
    look_up: LookUp
    fixer: Fixer
    locked_files: LockedFiles
    indexes: Sequence[str]
    """Addresses of the package indexes, without credentials."""
    policy_digest: str
    now: Callable[[], datetime]


def scan(
    open_repository: Callable[[Mapping[str, bytes]], Checkout], subject: Subject, parts: Parts
) -> DependencyScan:
    """Scan a repository.

    Args:
        open_repository: opens it, with the content of some files replaced.
        subject: what it is called.
        parts: resolver, scanners and the rest.
    """
    started = parts.now()
    collected = collect(open_repository({}), parts.indexes)
    closures = list(collected.locks)
    for lock in collected.locks:
        collected.add_problems(*parts.locked_files.check(lock))
    for asked in collected.sets:
        outcome = parts.closures.resolve(asked)
        closures.append(outcome.closure)
        collected.add_problems(*outcome.problems)
    packages = _judge(closures, parts.look_up)
    # Before other releases are tried: what goes wrong with those is another matter.
    problems, unfinished = collected.problems, _unfinished(parts.look_up)
    proposer = Proposer(
        parts.fixer,
        parts.closures,
        parts.look_up,
        collected,
        lambda replaced: collect(open_repository(replaced), parts.indexes),
    )
    try:
        proposals = tuple(proposer.propose(closures, packages))
    except GateError as error:
        proposals = ()
        collected.notes.append(f"No better versions could be proposed: {error}")
    return DependencyScan(
        repository=subject.repository,
        branch=subject.branch,
        commit=subject.commit,
        author=subject.author,
        closures=tuple(closures),
        packages=tuple(
            sorted(packages.values(), key=lambda each: (ORDER.index(each.verdict), each.key))
        ),
        problems=(*problems, *unfinished),
        notes=_notes(collected, closures),
        proposals=proposals,
        unfixed=tuple(proposer.unfixed),
        scanners=tuple(parts.look_up.infos.values()),
        old_advisories=parts.look_up.old_advisories,
        policy_digest=parts.policy_digest,
        gate_version=gate_version(),
        started_at=started,
        finished_at=parts.now(),
    )


def failed(subject: Subject, parts: Parts, started: datetime, text: str) -> DependencyScan:
    """Report a scan that did not come to its end: nothing is known.

    Args:
        subject: what was to be scanned.
        parts: what the scan was made of.
        started: when it began.
        text: what happened.
    """
    return DependencyScan(
        repository=subject.repository,
        branch=subject.branch,
        commit=subject.commit,
        author=subject.author,
        closures=(),
        packages=(),
        problems=(Problem("", None, text),),
        notes=(),
        proposals=(),
        unfixed=(),
        scanners=tuple(parts.look_up.infos.values()),
        old_advisories=parts.look_up.old_advisories,
        policy_digest=parts.policy_digest,
        gate_version=gate_version(),
        started_at=started,
        finished_at=parts.now(),
    )


def _judge(closures: Sequence[ScannedClosure], look_up: LookUp) -> dict[PackageKey, ScannedPackage]:
    """Look up every package of all closures once, and say what brings in those with findings."""
    yanked = {
        package.key: package.yanked
        for closure in closures
        for package in closure.packages
        if package.yanked
    }
    looked = look_up.look_up(
        (package.key for closure in closures for package in closure.packages), yanked
    )
    interesting = {key for key, each in looked.items() if each.judgement.findings}
    chains: dict[PackageKey, dict[Chain, None]] = {key: {} for key in interesting}
    locked_at: dict[PackageKey, list[Location]] = {key: [] for key in interesting}
    for closure in closures:
        graph = Graph(closure)
        for package in closure.packages:
            if package.key in interesting:
                chains[package.key].update(dict.fromkeys(graph.chains(package.name)))
                if closure.locked:
                    locked_at[package.key].append(Location(closure.path, package.line))
    return {
        key: ScannedPackage(
            *key,
            each.judgement.verdict,
            each.judgement.reasons,
            each.judgement.findings,
            each.scanners,
            tuple(chains.get(key, ())),
            tuple(locked_at.get(key, ())),
        )
        for key, each in looked.items()
    }


def _unfinished(look_up: LookUp) -> list[Problem]:
    """Tell what was not judged."""
    return [
        Problem("", None, f"Not judged, {count} package{'s' * (count != 1)}: {failure}")
        for failure, count in look_up.failures.items()
    ]


def _notes(collected: Collected, closures: Sequence[ScannedClosure]) -> tuple[str, ...]:
    notes = [*collected.notes, *(note for closure in closures for note in closure.notes)]
    return tuple(dict.fromkeys(notes))
