"""What the Snyk CLI writes with `--json`, and the findings in it.

The shape is that of `snyk test`, which `snyk sbom test` shares: one result, or a list of them
(https://docs.snyk.io/developer-tools/snyk-cli/commands/test). Only what is used here is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from packaging.utils import canonicalize_name

from package_gate.advisories.interface import NamedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.service_text import MAX_ID, addresses, sentence
from package_gate.core.text import one_line

SCANNER = "snyk"
_ADVISORY_PAGE = "https://security.snyk.io/vuln/"
_UNTITLED = "The advisory does not say what is wrong."
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "none": Severity.INFO,
}


class _Identifiers(msgspec.Struct, rename="upper"):
    cve: list[str] | None = None
    ghsa: list[str] | None = None


class _Link(msgspec.Struct):
    url: str = ""


class Vulnerability(msgspec.Struct, rename="camel"):
    """One issue in one package; it stands there once for each path to the package."""

    id: str
    name: str
    """The package."""
    version: str
    severity: str | None = None
    severity_with_critical: str | None = None
    """Where the former one is of old and has `high` for `critical`."""
    type: str | None = None
    """`license` for an issue that is none of security."""
    title: str | None = None
    malicious: bool | None = None
    identifiers: _Identifiers | None = None
    fixed_in: list[str] | None = None
    references: list[_Link] | None = None


class _Filtered(msgspec.Struct):
    ignore: list[Vulnerability] | None = None


class Result(msgspec.Struct, rename="camel"):
    """What a test found."""

    ok: bool
    vulnerabilities: list[Vulnerability]
    filtered: _Filtered | None = None
    dependency_count: int = 0
    """How many packages were tested; each once."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A finished test."""

    vulnerabilities: tuple[Vulnerability, ...]
    """Those included that an ignore rule at Snyk hides."""
    packages: int
    """How many were tested; 0 where the CLI does not say it."""


class SnykFailure(msgspec.Struct):
    """What is written in place of a result."""

    error: str


# Made before there are threads; see `decisions`.
_read_results = msgspec.json.Decoder(list[Result] | Result).decode
_read_failure = msgspec.json.Decoder(SnykFailure).decode


def read_results(output: bytes, *, found_some: bool) -> Tested:
    """Read the issues of a finished test, those included that an ignore rule at Snyk hides.

    Exceptions are the business of the gate's policy, where they expire and have an approver.

    Args:
        output: what the CLI wrote.
        found_some: whether its exit status says that there are issues.

    Raises:
        ScannerError: it is no result, or contradicts the exit status.
    """
    try:
        read = _read_results(output)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ScannerError(f"snyk's answer is no test result ({one_line(str(error))}).") from error
    results = read if isinstance(read, list) else [read]
    if not results:
        raise ScannerError("snyk's answer holds no test result.")
    for says_some in (
        any(result.vulnerabilities for result in results),
        not all(result.ok for result in results),
    ):
        if says_some != found_some:
            raise ScannerError(
                "snyk's answer and its exit status contradict each other: one of them says that "
                "there are vulnerabilities, the other that there are none."
            )
    found: list[Vulnerability] = []
    for result in results:
        found += result.vulnerabilities
        found += (result.filtered and result.filtered.ignore) or []
    return Tested(tuple(found), sum(result.dependency_count for result in results))


def read_snyk_failure(output: bytes) -> str:
    """Read the reason for which there is no result; "" when the CLI gives none."""
    try:
        return _read_failure(output).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def findings_of(tested: Tested, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
    """Make one finding for each issue in each package; issues of licences are left out.

    Args:
        tested: what the CLI reports for these packages.
        packages: what was looked up.

    Returns:
        The findings about each of the packages, in their order.

    Raises:
        ScannerError: an issue is about a package that was not looked up, or its severity is none
            that Snyk documents.
    """
    found: list[list[Finding]] = [[] for _ in packages]
    by_name: dict[str, list[int]] = {}
    for place, package in enumerate(packages):
        by_name.setdefault(package.name, []).append(place)
    seen: set[tuple[str, str, str]] = set()
    for each in tested.vulnerabilities:
        name = canonicalize_name(each.name)
        if each.type == "license" or (each.id, name, each.version) in seen:
            continue
        seen.add((each.id, name, each.version))
        same_name = by_name.get(name, [])
        places = [place for place in same_name if packages[place].public_version == each.version]
        if not same_name:
            raise ScannerError(
                f"snyk's answer is about {one_line(name, MAX_ID)} {one_line(each.version, MAX_ID)}"
                ", which it was not asked about."
            )
        # A version that Snyk spells in its own way is reported all the same.
        subject = "" if places else f"Snyk names {name} {each.version}"
        for place in places or same_name:
            found[place].append(_finding(each, subject))
    return [tuple(findings) for findings in found]


def _finding(vulnerability: Vulnerability, subject: str) -> Finding:
    malicious = bool(vulnerability.malicious)
    identifiers = vulnerability.identifiers or _Identifiers()
    fixed = [one_line(version, MAX_ID) for version in (vulnerability.fixed_in or [])[:5]]
    if malicious:
        recommendation = "Do not install it, and remove it where it is installed."
    elif fixed:
        recommendation = f"Upgrade to {' or '.join(fixed)} or newer."
    else:
        recommendation = "No fixed version is known."
    rule = one_line(vulnerability.id, MAX_ID)
    return Finding(
        scanner=SCANNER,
        rule=rule,
        kind=Kind.MALWARE if malicious else Kind.VULNERABILITY,
        severity=Severity.CRITICAL if malicious else _severity(vulnerability),
        message=sentence(subject, vulnerability.title or _UNTITLED),
        recommendation=recommendation,
        references=addresses(
            [_ADVISORY_PAGE + rule, *(each.url for each in vulnerability.references or [])]
        ),
        aliases=tuple(
            one_line(each, MAX_ID) for each in (identifiers.cve or []) + (identifiers.ghsa or [])
        ),
        fixed_in=None if malicious else tuple(fixed),
    )


def _severity(vulnerability: Vulnerability) -> Severity | None:
    """Give the higher of the two; None when there is none."""
    severities = []
    for word in (vulnerability.severity, vulnerability.severity_with_critical):
        if not word:
            continue
        if word not in _SEVERITIES:
            raise ScannerError(f"snyk reports an unknown severity {one_line(word, MAX_ID)!r}.")
        severities.append(_SEVERITIES[word])
    return max(severities, default=None)
