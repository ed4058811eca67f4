"""The standing of packages: what the sources of advisories know of them by name and version.

A PyPI package is looked up as what it is. An archive has no name and version of its own, so what
its inventories name is looked up: the packages that it holds and those that it pins.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from package_gate.advisories.interface import NOT_LOOKED_UP, AdvisorySource, NamedPackage
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.errors import ScannerError
from package_gate.core.evidence import Evidence
from package_gate.core.finding import MAX_LOCATIONS, Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.inventory import Component, Inventory
from package_gate.core.standing import Standing
from package_gate.core.text import one_line

INVENTORY = "inventory"
"""Who reports that something in an archive could not be read."""
UNREADABLE = "unreadable-dependency-file"
"""The rule of that finding."""
_MAX_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one source said."""

    info: ScannerInfo
    known: Mapping[NamedPackage, tuple[Finding, ...]]


def standing(evidence: Evidence, sources: Sequence[AdvisorySource]) -> Standing:
    """Ask what is known of a package.

    Args:
        evidence: what is in it.
        sources: each is asked once, side by side with the others.
    """
    ecosystem = ecosystem_of(evidence.origin)
    if ecosystem.looked_up_by_name:
        release = NamedPackage(ecosystem.normalise_name(evidence.name), evidence.version)
        return standing_of_releases([release], sources)[release]
    inventories = evidence.inventories or ()
    taken = {inventory.artifact for inventory in inventories}
    if evidence.inventories is None or not taken >= {each.filename for each in evidence.artifacts}:
        return Standing((), (), ("What the archive holds and pins is not known.",))
    return _standing_of_archive(inventories, sources)


def standing_of_releases(
    packages: Sequence[NamedPackage], sources: Sequence[AdvisorySource]
) -> dict[NamedPackage, Standing]:
    """Ask what is known of releases, of all of them at once.

    Args:
        packages: each name and version once.
        sources: each is asked once, side by side with the others.
    """
    answers, failures = _ask(sources, packages)
    return {package: _standing_of(package, answers, failures) for package in packages}


def _standing_of(
    package: NamedPackage, answers: Sequence[_Answer], failures: Sequence[str]
) -> Standing:
    """Take what concerns one package; a source that did not look it up has not answered."""
    findings: list[Finding] = []
    finished: list[ScannerInfo] = []
    unknown: list[str] = []
    for answer in answers:
        said = answer.known[package]
        reasons = [each.message for each in said if each.rule == NOT_LOOKED_UP]
        findings += (each for each in said if each.rule != NOT_LOOKED_UP)
        unknown += (_failure(answer.info.name, reason) for reason in reasons)
        if not reasons:
            finished.append(answer.info)
    return Standing(tuple(findings), tuple(finished), (*failures, *unknown))


def _standing_of_archive(
    inventories: Sequence[Inventory], sources: Sequence[AdvisorySource]
) -> Standing:
    components = [(each, one) for one in inventories for each in one.components]
    packages = dict.fromkeys(_named(component) for component, _ in components)
    answers, failures = _ask(sources, list(packages))
    findings = [
        _placed(finding, component, inventory.artifact)
        for answer in answers
        for component, inventory in components
        for finding in answer.known[_named(component)]
    ]
    findings += (_unreadable(inventory) for inventory in inventories if inventory.unreadable)
    return Standing(tuple(findings), tuple(answer.info for answer in answers), tuple(failures))


def _ask(
    sources: Sequence[AdvisorySource], packages: Sequence[NamedPackage]
) -> tuple[list[_Answer], list[str]]:
    """Give what the sources answered, and why others did not."""

    def ask(source: AdvisorySource) -> _Answer | str:
        try:
            known = dict(zip(packages, source.query(packages), strict=True))
            return _Answer(source.info, known)
        except ScannerError as error:
            return _failure(source.name, str(error))

    if len(sources) < 2:
        outcomes = [ask(source) for source in sources]
    else:
        threads = ThreadPoolExecutor(len(sources))
        try:
            outcomes = list(threads.map(ask, sources))
        finally:
            threads.shutdown(wait=False)  # who interrupts the run doesn't wait for a service
    return (
        [each for each in outcomes if isinstance(each, _Answer)],
        [each for each in outcomes if isinstance(each, str)],
    )


def _failure(source: str, reason: str) -> str:
    return f"The scanner {source} did not finish: {reason}"


def _named(component: Component) -> NamedPackage:
    return NamedPackage(component.name, component.version)


def _placed(finding: Finding, component: Component, artifact: str) -> Finding:
    """Make a finding about a package one about the archive that names it."""
    subject = f"The archive {'holds' if component.held else 'pins'} {_named(component)}"
    return replace(
        finding,
        message=f"{one_line(subject, _MAX_SUBJECT)}: {finding.message}",
        artifact=artifact,
        locations=component.locations,
        count=component.count,
    )


def _unreadable(inventory: Inventory) -> Finding:
    """Name the files of an artifact whose dependencies are not known, or not all of them."""
    files = inventory.unreadable
    path = one_line(files[0].path, _MAX_SUBJECT)
    return Finding(
        scanner=INVENTORY,
        rule=UNREADABLE,
        kind=Kind.VULNERABILITY,
        severity=Severity.INFO,
        message=f"Dependencies named in {path} could not be read: {files[0].problem}",
        recommendation="Look at what it depends on before using it.",
        artifact=inventory.artifact,
        locations=tuple(Location(each.path, each.line) for each in files[:MAX_LOCATIONS]),
        count=len(files),
    )
