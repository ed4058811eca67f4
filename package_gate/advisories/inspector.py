"""Known vulnerabilities and malware by Amazon Inspector, which is given an SBOM.

https://docs.aws.amazon.com/inspector/v2/APIReference/API_scan_ScanSbom.html. Of its output formats
`CYCLONE_DX_1_5` is used: it is the SBOM that was sent, with `vulnerabilities` as CycloneDX defines
them, so each names the component that it is about, and every component that was not looked up
says so. Its own properties are listed at
https://docs.aws.amazon.com/inspector/latest/user/cyclonedx-namespace.html.

Each vulnerability is rated by several sources, such as NVD and GitHub; the highest rating counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from package_gate.advisories.interface import NOT_LOOKED_UP, NamedPackage
from package_gate.advisories.sbom import cyclonedx, in_batches
from package_gate.aws.errors import aws_errors
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.service_text import MAX_ID, addresses, sentence
from package_gate.core.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_inspector_scan import InspectorscanClient

SCANNER = "inspector"
REMOVE = "Do not install it, and remove it where it is installed."
MALICIOUS = "openssf-malicious-package"
"""The rule for a component that is called malicious without an advisory."""

_OWN = "amazon:inspector:sbom_scanner:"
_SKIPPED = "Component skipped:"
_NOTHING_KNOWN = "Component skipped: no rules found"
"""It is no failure: there is no advisory for this package at all."""

_SAME = ("CVE-", "GHSA-", "MAL-", "PYSEC-", "SNYK-")
"""Ids of one flaw. A distribution's advisory, such as `ALAS-2023-101`, may be about several."""

_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.INFO,
    "none": Severity.INFO,
    "unknown": None,
}
"""CycloneDX's words."""


class _Property(msgspec.Struct):
    name: str
    value: str = ""


class _Source(msgspec.Struct):
    name: str = ""
    url: str = ""


class _Rating(msgspec.Struct):
    severity: str = "unknown"
    source: _Source = msgspec.field(default_factory=_Source)


class _Reference(msgspec.Struct):
    id: str
    source: _Source = msgspec.field(default_factory=_Source)


class _Advisory(msgspec.Struct):
    url: str


class _Affected(msgspec.Struct):
    ref: str


class _Vulnerability(msgspec.Struct):
    id: str
    affects: list[_Affected]
    source: _Source = msgspec.field(default_factory=_Source)
    ratings: list[_Rating] = []
    references: list[_Reference] = []
    advisories: list[_Advisory] = []
    properties: list[_Property] = []
    description: str = ""


class _Component(msgspec.Struct):
    ref: str = msgspec.field(name="bom-ref")
    properties: list[_Property] = []


class _Metadata(msgspec.Struct):
    properties: list[_Property]


class _Report(msgspec.Struct):
    metadata: _Metadata
    components: list[_Component]
    vulnerabilities: list[_Vulnerability] = []


_READER = msgspec.json.Decoder(_Report)
"""Never used: it makes what `msgspec.convert` needs before there are threads; see `decisions`."""


class Inspector:
    """The source `inspector`; a boto3 client may be used by many threads."""

    name = SCANNER

    def __init__(
        self,
        client: "InspectorscanClient",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Make ready to ask.

        Args:
            client: of boto3.
            now: the time (UTC).
        """
        self._client = client
        self._now = now

    @property
    def info(self) -> ScannerInfo:
        """Its version is the API's; its advisories are those of the day on which it is asked."""
        return ScannerInfo(
            SCANNER,
            self._client.meta.service_model.api_version,
            self._now().date().isoformat(),
            "Amazon Inspector",
        )

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """See `AdvisorySource.query`."""
        return [found for batch in in_batches(packages) for found in self._look_up(batch)]

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _look_up(self, packages: Mapping[str, NamedPackage]) -> list[tuple[Finding, ...]]:
        sbom = cyclonedx(packages)
        with aws_errors("Amazon Inspector ScanSbom failed", ScannerError):
            answer = self._client.scan_sbom(sbom=sbom, outputFormat="CYCLONE_DX_1_5")
        try:
            report = msgspec.convert(answer.get("sbom"), _Report)
        except msgspec.ValidationError as error:
            raise _wrong(str(error)) from error
        if not any(each.name.startswith(_OWN) for each in report.metadata.properties):
            raise _wrong("it does not say that the SBOM was scanned")
        answered = {component.ref for component in report.components}
        if answered != packages.keys():
            raise _wrong(f"it is about {len(answered)} components of {len(packages)}")
        called_malicious = {
            component.ref for component in report.components if _is_malicious(component.properties)
        }
        found: dict[str, list[Finding]] = {reference: [] for reference in packages}
        for component in report.components:
            found[component.ref] += _unscanned(component)
        explained = set()
        for vulnerability in report.vulnerabilities:
            for reference in _affected(vulnerability, packages):
                malicious = reference in called_malicious
                found[reference].append(_finding(vulnerability, reference, malicious=malicious))
                explained.add(reference)
        for reference in called_malicious - explained:
            found[reference].append(_UNEXPLAINED)
        return [tuple(findings) for findings in found.values()]


_UNEXPLAINED = Finding(
    scanner=SCANNER,
    rule=MALICIOUS,
    kind=Kind.MALWARE,
    severity=Severity.CRITICAL,
    message="OpenSSF calls it malicious.",
    recommendation=REMOVE,
)


def _affected(vulnerability: _Vulnerability, packages: Mapping[str, NamedPackage]) -> Iterable[str]:
    """Give the components that it affects, each once."""
    affected = dict.fromkeys(each.ref for each in vulnerability.affects)
    if not affected:
        raise _wrong(f"it does not say what {one_line(vulnerability.id, MAX_ID)} affects")
    if not affected.keys() <= packages.keys():
        raise _wrong(f"{one_line(vulnerability.id, MAX_ID)} is about an unknown component")
    return affected


def _finding(vulnerability: _Vulnerability, reference: str, *, malicious: bool) -> Finding:
    """Make the finding about one component.

    Args:
        vulnerability: it affects the component.
        reference: the component's `bom-ref`.
        malicious: whether the component itself is called malicious.
    """
    ids = [vulnerability.id, *(each.id for each in vulnerability.references)]
    malicious = (
        malicious
        or _is_malicious(vulnerability.properties)
        or any(each.startswith("MAL-") for each in ids)
    )
    properties = {each.name: each.value for each in vulnerability.properties}
    fixed = one_line(properties.get(f"{_OWN}fixed_version:{reference}", ""), MAX_ID)
    if malicious:
        recommendation = REMOVE
    elif fixed:
        recommendation = f"Upgrade to {fixed} or newer."
    else:
        recommendation = "No fixed version is known."
    return Finding(
        scanner=SCANNER,
        rule=one_line(vulnerability.id, MAX_ID),
        kind=Kind.MALWARE if malicious else Kind.VULNERABILITY,
        severity=Severity.CRITICAL if malicious else _severity(vulnerability),
        message=sentence(vulnerability.description or "The advisory does not say what is wrong."),
        recommendation=recommendation,
        references=addresses(
            [
                vulnerability.source.url,
                *(each.url for each in vulnerability.advisories),
                *(each.source.url for each in vulnerability.references),
            ]
        ),
        aliases=tuple(
            sorted({one_line(each, MAX_ID) for each in ids[1:] if each.startswith(_SAME)})
        ),
        fixed_in=None if malicious else ((fixed,) if fixed else ()),
    )


def _severity(vulnerability: _Vulnerability) -> Severity | None:
    """Give the highest rating; None when there is none."""
    severities = []
    for rating in vulnerability.ratings:
        # A probability of attacks (https://www.first.org/epss/), always with severity `none`.
        if rating.source.name == "EPSS":
            continue
        if rating.severity not in _SEVERITIES:
            raise _wrong(f"it has a severity {one_line(rating.severity, MAX_ID)!r}")
        severities.append(_SEVERITIES[rating.severity])
    return max((severity for severity in severities if severity is not None), default=None)


def _unscanned(component: _Component) -> Iterator[Finding]:
    """Say that a component was not looked up, and why."""
    for each in component.properties:
        if each.value.startswith(_SKIPPED) and not each.value.startswith(_NOTHING_KNOWN):
            reason = one_line(each.value.removeprefix(_SKIPPED), 200).rstrip(".")
            yield Finding(
                scanner=SCANNER,
                rule=NOT_LOOKED_UP,
                kind=Kind.VULNERABILITY,
                severity=Severity.INFO,
                message=sentence(f"Amazon Inspector did not look it up ({reason})"),
                recommendation="Find out elsewhere what is known against it.",
            )


def _is_malicious(properties: Iterable[_Property]) -> bool:
    return any(
        each.name == f"{_OWN}is_malicious" and each.value.lower() == "true" for each in properties
    )


def _wrong(reason: str) -> ScannerError:
    return ScannerError(
        f"Amazon Inspector's answer is not what its documentation promises: {reason}."
    )
