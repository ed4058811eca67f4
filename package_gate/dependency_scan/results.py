"""What a scan says of each direct requirement and file, for all reports in the same words."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from package_gate.core.artifact import Origin
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.finding import MAX_LOCATIONS, Finding, Location
from package_gate.dependency_scan.models import (
    Chain,
    DependencyScan,
    Direct,
    ScannedClosure,
    ScannedPackage,
)

WORDS = {
    Verdict.APPROVED: "clean",
    Verdict.REFUSED: "refused",
    Verdict.UNDECIDED: "undetermined",
}
"""Verdicts in the words of a scan, which approves of nothing."""
WORDS_OF_ONE = {**WORDS, Verdict.APPROVED: "nothing known"}
"""The same of one package or requirement: about some, nobody has ever written an advisory."""
CLEAN_MEANS = (
    "Clean means that the scanners' data, at its date, holds nothing against these versions that "
    "reaches the policy's thresholds. A package that nobody has written an advisory about looks "
    "the same as a harmless one."
)


@dataclass(frozen=True, slots=True)
class DirectResult:
    """A direct requirement with what it brings in."""

    closure: ScannedClosure
    direct: Direct
    version: str
    """To which it was resolved; "" when it was not."""
    verdict: Verdict
    refused: tuple[tuple[ScannedPackage, Chain], ...]
    why: str
    """Why it is undetermined."""


def direct_results(scan: DependencyScan) -> Iterator[DirectResult]:
    """Say of every direct requirement of every set what it brings in."""
    refused: dict[tuple[str, Location], list[tuple[ScannedPackage, Chain]]] = {}
    for package in scan.packages:
        for chain in package.chains:
            key = chain.direct.name, chain.direct.place
            if package.verdict is Verdict.REFUSED:
                refused.setdefault(key, []).append((package, chain))
    lines = {(problem.path, problem.line): problem.text for problem in scan.problems}
    judged = {package.key: package.verdict for package in scan.packages}
    for closure in scan.closures:
        versions: dict[str, list[str]] = {}
        for held in closure.packages:
            versions.setdefault(held.name, []).append(held.version)
        unjudged = any(judged.get(each.key) is Verdict.UNDECIDED for each in closure.packages)
        for direct in closure.directs:
            brings_in = tuple(refused.get((direct.name, direct.place), ()))
            why = lines.get((direct.place.path, direct.place.line), "")
            if not why and not closure.locked and not closure.targets:
                why = f"{closure.name} was not resolved."
            if not why and unjudged:
                why = "Not every scanner finished."
            verdict = Verdict.UNDECIDED if why else Verdict.APPROVED
            yield DirectResult(
                closure,
                direct,
                ", ".join(versions.get(direct.name, ())),
                Verdict.REFUSED if brings_in else verdict,
                brings_in,
                why,
            )


def places_of(package: ScannedPackage) -> list[Location]:
    """Name the lines of the dependency files that bring a package in."""
    places = [chain.direct.place for chain in package.chains]
    return list(dict.fromkeys([*places, *package.locked_at]))


def brought_in(package: ScannedPackage) -> list[str]:
    """Say in words which requirements bring a package in, one each."""
    told = []
    for chain in package.chains:
        place = chain.direct.place
        line = f":{place.line}" if place.line else ""
        way = f" ({chain})" if len(chain.names) > 1 else ""
        told.append(f"{chain.direct} in {place.path}{line}{way}")
    told += [
        f"{place.path}{f':{place.line}' if place.line else ''}"
        for place in package.locked_at
        if not package.chains
    ]
    return list(dict.fromkeys(told))


def decisions(scan: DependencyScan) -> list[PackageDecision]:
    """Give the packages as the gate's own reports take them, placed in the repository's files."""
    return [
        PackageDecision(
            name=package.name,
            version=package.version,
            origin=Origin.PYPI,
            verdict=package.verdict,
            reasons=package.reasons,
            notes=(),
            artifacts=(),
            findings=tuple(
                replace(judged, finding=_placed(judged.finding, package))
                for judged in package.findings
            ),
            scanners=package.scanners,
            policy_digest=scan.policy_digest,
            decided_at=scan.finished_at,
            gate_version=scan.gate_version,
        )
        for package in scan.packages
        if package.findings
    ]


def _placed(finding: Finding, package: ScannedPackage) -> Finding:
    places = places_of(package)
    told = brought_in(package)
    message = f"{finding.message} Brought in by {told[0]}." if told else finding.message
    return replace(
        finding,
        message=message,
        locations=tuple(places[:MAX_LOCATIONS]),
        count=max(len(places), 1),
    )
