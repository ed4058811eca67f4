"""InfoSec's policy: its file, its defaults, and what it makes of findings.

`load_policy` reads `scan-policy.toml`; `judge` is the only place where a verdict on a package is
made. Both are pure: no clock, no network, no environment.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from packaging.utils import canonicalize_name

from package_gate.core.artifact import PackageIdentity
from package_gate.core.decision import Waiver
from package_gate.core.ecosystem import Ecosystem, ecosystem_of
from package_gate.core.errors import ConfigurationError
from package_gate.core.finding import Kind
from package_gate.core.licence_expressions import problem_with_entry
from package_gate.core.limits import MIB, Limits, Positive
from package_gate.core.policy_mistakes import explain_mistake
from package_gate.core.text import one_line, printable

Threshold = Literal["info", "low", "medium", "high", "critical", "never"]
ScannerName = Literal[
    "archive",
    "behaviour",
    "codeguru",
    "guarddog",
    "index",
    "inspector",
    "inventory",
    "observed",
    "osv",
    "provenance",
    "ruff",
    "snyk",
]
PythonVersion = Annotated[str, msgspec.Meta(pattern=r"^3\.[0-9]{1,2}\Z")]
Platform = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]*\Z")]
PART_OF: dict[str, ScannerName] = {"behaviour": "guarddog"}
"""Scanners that were a part of another one: who names only that one still means both."""
Publisher = Annotated[
    str, msgspec.Meta(pattern=r"^(github|gitlab|google|circleci):[A-Za-z0-9._@/+-]+\Z")
]
"""Who attests files, as `sources.pypi.attestations` names them."""
MAX_FILE_BYTES = MIB
NEVER = "never"
COOLDOWN = "cooldown"
"""What a waiver names to let a fresh release through."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the policy file; an unknown key in it is an error."""


class Refuse(_Section, frozen=True):
    """The lowest severity that refuses, by kind; `never` reports without refusing."""

    vulnerability: Threshold = "medium"
    malware: Threshold = "high"
    code: Threshold = "never"
    archive: Threshold = "low"
    license: Threshold = "never"
    scanners: dict[ScannerName, Threshold] = {}
    """A threshold for all findings of one scanner, in place of the one for their kind."""

    def threshold(self, scanner: str, kind: Kind) -> Threshold:
        """Give the lowest severity at which a finding of this scanner and kind refuses."""
        by_scanner: dict[str, Threshold] = dict(self.scanners.items())
        for name in (scanner, PART_OF.get(scanner, "")):
            if name in by_scanner:
                return by_scanner[name]
        of_kind: Threshold = getattr(self, kind.value)
        return of_kind


class Cooldown(_Section, frozen=True):
    """How long a PyPI release must have been public."""

    days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 7


class HistoryRules(_Section, frozen=True):
    """What older releases of a project say about a suspicion."""

    precedent: bool = True
    """Whether what stood unchanged in an older release is set aside."""
    days: Annotated[int, msgspec.Meta(ge=30, le=3650)] = 180
    """How long that release must have been public without a report of malware."""
    carried_days: Annotated[int, msgspec.Meta(ge=14, le=3650)] = 30
    """How long at least, when another release was made after it."""


class Reevaluate(_Section, frozen=True):
    """What a re-evaluation does about approved packages that the policy would refuse today."""

    vulnerabilities: Literal["withdraw", "report"] = "withdraw"
    """Malware is withdrawn at once, whatever stands here."""
    grace_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 7
    """How long a vulnerability is only reported before its package is withdrawn."""
    most_withdrawals: Positive = 20
    """More packages than this are not withdrawn without somebody's confirmation."""


class AdvisoryAges(_Section, frozen=True):
    """How old advisories may be: what has become known since is in none of them."""

    warn_after_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 3
    """Older ones are told of, in the report and in each email."""
    undecided_after_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 30
    """Older ones approve nothing."""


class Prioritise(_Section, frozen=True):
    """What exploitation and fixes change about vulnerabilities."""

    kev: Threshold = "critical"
    """The least severity of one that is known to be exploited; `never` leaves it as it is."""
    epss: Threshold = "high"
    """The least severity of one that is likely to be."""
    epss_at_least: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    """From which probability on it is likely."""
    no_fix: Literal["refuse", "report"] = "refuse"
    """`report`: one without a fixed version refuses nothing, unless it is exploited."""


class Licences(_Section, frozen=True):
    """Which licences packages may declare, as SPDX identifiers; `GPL-*` is all that begin so."""

    allow: tuple[str, ...] = ()
    """Empty: every one that is not denied."""
    deny: tuple[str, ...] = ()
    """It counts before `allow`, but for a licence with its exception that stands there."""
    unknown: Threshold = "info"
    """The severity of a licence that is not declared or not known, where a list stands above."""

    def __post_init__(self) -> None:
        """Refuse entries that no licence has.

        Raises:
            ValueError: the text says what is wrong; as a file is read, it becomes a mistake in it.
        """
        for entry in (*self.allow, *self.deny):
            if problem := problem_with_entry(entry):
                raise ValueError(f"the licence {entry[:100]!a} is {problem}")


class Provenance(_Section, frozen=True):
    """Who must have attested the files of PyPI packages (PEP 740)."""

    require: Literal["never", "downgrade", "listed"] = "never"
    """`never` does not ask. `downgrade`: who has attested older files of the project, if anybody
    has. `listed`: the same, and for the projects below the publishers that stand there."""
    publishers: dict[str, Annotated[tuple[Publisher, ...], msgspec.Meta(min_length=1)]] = {}
    """Project → those of which one must have attested each file."""

    def __post_init__(self) -> None:
        """Refuse a list that would count for nothing.

        Raises:
            ValueError: the text says what is wrong; as a file is read, it becomes a mistake in it.
        """
        if bool(self.publishers) != (self.require == "listed"):
            raise ValueError(
                '`require = "listed"` and the table [provenance.publishers] go together: one of '
                "them is missing"
            )
        for name in self.publishers:
            if canonicalize_name(name) != name:
                raise ValueError(
                    f"the project {name[:100]!a} is spelled {canonicalize_name(name)[:100]!a} here"
                )

    def publishers_of(self, name: str) -> tuple[str, ...]:
        """Give the listed publishers of a project (normalised name); () for one not listed."""
        return self.publishers.get(name, ())


class Targets(_Section, frozen=True):
    """The notebooks that packages are resolved for."""

    python_versions: Annotated[tuple[PythonVersion, ...], msgspec.Meta(min_length=1)] = (
        "3.11",
        "3.12",
    )
    platforms: Annotated[tuple[Platform, ...], msgspec.Meta(min_length=1)] = (
        "x86_64-manylinux_2_28",
    )
    """As uv's `--python-platform` names them."""


class Resolve(_Section, frozen=True):
    """What is chosen where a requirement leaves a choice."""

    compliant: bool = True
    """Whether releases are passed over that an advisory would refuse."""


class Sdists(_Section, frozen=True):
    """Releases that have no wheel for a notebook, and are built where they are installed."""

    allowed: bool = True
    """Whether a closure may have some, with what their builds need; else it is refused."""
    newer_python: bool = False
    """Whether one may be built for a Python newer than any that its release has a wheel for."""
    observe: bool = False
    """Whether they are built where packages are observed, in the sandbox."""


class Sources(_Section, frozen=True):
    """Where downloads may come from."""

    allowed_hosts: tuple[str, ...] = ()
    """Host names; `*.example.com` means every subdomain. Empty: every public host."""
    private_hosts: tuple[str, ...] = ()
    """Hosts that may have private or loopback addresses: internal mirrors."""


class WaiverEntry(_Section, frozen=True):
    """A `[[waivers]]` table: this finding, in this package, until this date."""

    package: Annotated[str, msgspec.Meta(min_length=1)]
    finding: Annotated[str, msgspec.Meta(min_length=1)]
    expires: date
    approved_by: Annotated[str, msgspec.Meta(min_length=1)]
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    version: str = ""

    def __post_init__(self) -> None:
        """Refuse what holds for nothing, or reads like something else than it is.

        Raises:
            ValueError: the text says what is wrong; as a file is read, it becomes a mistake in it.
        """
        for key in ("package", "finding", "version"):
            value: str = getattr(self, key)
            if not value.isascii() or not value.isprintable() or value != value.strip():
                raise ValueError(
                    f"`{key}` of a waiver is {value[:100]!a}: nothing is spelled so. Copy it from "
                    "the report"
                )
            if "*" in value:
                raise ValueError(
                    f"`{key}` of a waiver is {value[:100]!a}: nothing is a wildcard. Name one, or "
                    "leave `version` out"
                )
        for key in ("approved_by", "reason"):
            value = getattr(self, key)
            if not value.strip() or one_line(value, len(value) + 1) != " ".join(value.split()):
                raise ValueError(
                    f"`{key}` of a waiver is {value[:100]!a}: write it in letters that are seen"
                )

    def holds(self, today: date) -> bool:
        """Whether it holds on this day (UTC)."""
        return today <= self.expires

    def covers(self, ecosystem: Ecosystem, name: str, version: str) -> bool:
        """Whether it is about this version of a package.

        Without a version it is about every one, except where requesters choose the names: such a
        package is waived by the digest in its version only.
        """
        if ecosystem.normalise_name(self.package) != ecosystem.normalise_name(name):
            return False
        if not self.version:
            return not ecosystem.named_by_digest
        return ecosystem.same_version(self.version, version)


class Policy(_Section, frozen=True):
    """The whole file. Every key has this default when it is missing."""

    refuse: Refuse = Refuse()
    unrated_vulnerability: Literal["info", "low", "medium", "high", "critical"] = "medium"
    """What an advisory without a severity counts as."""
    cooldown: Cooldown = Cooldown()
    history: HistoryRules = HistoryRules()
    reevaluate: Reevaluate = Reevaluate()
    advisories: AdvisoryAges = AdvisoryAges()
    prioritise: Prioritise = Prioritise()
    licenses: Licences = Licences()
    provenance: Provenance = Provenance()
    targets: Targets = Targets()
    resolve: Resolve = Resolve()
    sdists: Sdists = Sdists()
    sources: Sources = Sources()
    limits: Limits = Limits()
    waivers: tuple[WaiverEntry, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of all its values, defaults too: the same for two files that mean the same."""
        return _digest(self)

    @property
    def targets_digest(self) -> str:
        """SHA-256 of the notebooks that packages are resolved for."""
        return _digest(self.targets)

    def waiver_for(
        self, package: PackageIdentity, findings: Iterable[str], today: date
    ) -> Waiver | None:
        """Find the first waiver that holds today for one of these rules of a package."""
        rules = set(findings)
        ecosystem = ecosystem_of(package.origin)
        for entry in self.waivers:
            if (
                entry.finding in rules
                and entry.holds(today)
                and entry.covers(ecosystem, package.name, package.version)
            ):
                return Waiver(
                    finding=entry.finding,
                    package=ecosystem.normalise_name(entry.package),
                    version=entry.version,
                    expires=entry.expires.isoformat(),
                    approved_by=entry.approved_by,
                    reason=entry.reason,
                )
        return None


def _digest(section: _Section) -> str:
    return hashlib.sha256(msgspec.json.encode(section, order="deterministic")).hexdigest()


def load_policy(path: Path) -> Policy:
    """Read a policy file; see `load_policy_file`."""
    return load_policy_file(path).policy


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy as its file has it."""

    policy: Policy
    text: str


def load_policy_file(path: Path) -> PolicyFile:
    """Read a policy file, and keep its text.

    Raises:
        ConfigurationError: it can't be read, is no TOML, or has an unknown key or a bad value.
    """
    text = ""
    try:
        content = path.read_bytes()
        if len(content) > MAX_FILE_BYTES:
            raise ConfigurationError(
                f"The policy {path} is larger than {MAX_FILE_BYTES // MIB} MiB. Is it another file?"
            )
        text = content.decode("utf-8-sig")
        return PolicyFile(msgspec.convert(tomllib.loads(text), Policy), text)
    except OSError as error:
        raise ConfigurationError(f"The policy {path} can't be read: {error.strerror}.") from error
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"The policy {path} has a mistake: {explain_mistake(error, text, Policy)}. The keys "
            "and their values are described in docs/policy.md."
        ) from error
    except RecursionError as error:
        raise ConfigurationError(f"The policy {path} is nested too deeply.") from error
    except ValueError as error:  # not only TOMLDecodeError: a number may have too many digits
        raise ConfigurationError(
            f"The policy {path} is not valid TOML: {printable(str(error), 300)}"
        ) from error


def policy_warnings(policy: Policy, today: date) -> list[str]:
    """Say what InfoSec should know about their policy before reading any verdict."""
    warnings = []
    thresholds = {kind: getattr(policy.refuse, kind.value) for kind in Kind}
    if all(threshold == NEVER for threshold in thresholds.values()) and all(
        threshold == NEVER for threshold in policy.refuse.scanners.values()
    ):
        warnings.append("The policy refuses nothing: every threshold is 'never'.")
    for entry in policy.waivers:
        if not entry.holds(today):
            warnings.append(
                f"The waiver for {entry.finding} in {entry.package} expired on {entry.expires} "
                "and no longer holds."
            )
    return warnings
