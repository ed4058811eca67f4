"""A run with one of everything that a report must show, and one in which every text is hostile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from package_gate.core.artifact import Artifact, Origin
from package_gate.core.decision import (
    Cause,
    JudgedFinding,
    PackageDecision,
    PackageSummary,
    RequestDecision,
    Verdict,
    Waiver,
)
from package_gate.core.finding import Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.request import ArchiveSource, LineError, PyPISource, Request
from package_gate.core.run import RequestOutcome, Run

STARTED = datetime(2026, 11, 22, 10, 14, 8, tzinfo=UTC)
DECIDED = datetime(2026, 11, 22, 10, 15, 0, tzinfo=UTC)
FINISHED = datetime(2026, 11, 22, 10, 15, 21, tzinfo=UTC)
VERSION = "0.2.0+g1a2b3c4d5e6f"
POLICY = sha256(b"policy").hexdigest()
SCANNERS = (
    ScannerInfo("archive", "0.1.0"),
    ScannerInfo("osv", "0.1.0", "2026-11-21", "sample advisories"),
    ScannerInfo("guarddog", "3.2.0", "2026-10-30", "GuardDog's own rules"),
    ScannerInfo("ruff", "0.17.6"),
)


def artifact(filename: str, size: int) -> Artifact:
    """Make an artifact whose digest follows from its name."""
    return Artifact(
        filename=filename,
        sha256=sha256(filename.encode()).hexdigest(),
        size=size,
        url=f"https://files.index.example/{filename}",
        uploaded=datetime(2024, 9, 11, 15, 49, 57, tzinfo=UTC),
        requires_python=">=3.9",
    )


def judged(
    rule: str,
    severity: Severity,
    kind: Kind = Kind.CODE,
    *,
    scanner: str = "ruff",
    refuses: bool = False,
    waiver: Waiver | None = None,
    message: str = "Something that a reader should know.",
    recommendation: str = "",
    references: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    filename: str = "",
    locations: tuple[Location, ...] = (),
    count: int = 1,
) -> JudgedFinding:
    """Make a judged finding."""
    finding = Finding(
        scanner, rule, kind, severity, message, recommendation, references, aliases, filename,
        locations, count,
    )  # fmt: skip
    return JudgedFinding(finding, severity, refuses, waiver)


def package(
    name: str,
    version: str,
    artifacts: tuple[Artifact, ...] = (),
    findings: tuple[JudgedFinding, ...] = (),
    *,
    verdict: Verdict = Verdict.APPROVED,
    origin: Origin = Origin.PYPI,
    reasons: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    withdrawn_at: datetime | None = None,
) -> PackageDecision:
    """Make a package's decision; an approved one is published."""
    published = f"simple/{name}/" if verdict is Verdict.APPROVED else ""
    return PackageDecision(
        name=name,
        version=version,
        origin=origin,
        verdict=verdict,
        reasons=reasons,
        notes=notes,
        artifacts=artifacts,
        findings=findings,
        scanners=SCANNERS,
        policy_digest=POLICY,
        decided_at=DECIDED,
        gate_version=VERSION,
        published_to=published,
        published_at=DECIDED if published else None,
        withdrawn_at=withdrawn_at,
    )


def outcome(
    request: Request,
    verdict: Verdict,
    reasons: tuple[str, ...],
    packages: tuple[PackageDecision, ...] = (),
    *,
    notes: tuple[str, ...] = (),
    install_command: str = "",
    unfetched: tuple[PackageSummary, ...] = (),
    decided_now: bool = True,
    decided_at: datetime = DECIDED,
    sample_advisories: bool = False,
) -> RequestOutcome:
    """Make a request's outcome; `unfetched` are packages without a decision."""
    summaries = tuple(
        PackageSummary(
            each.name, each.version, each.origin, each.verdict, each.artifacts, each.published_to
        )
        for each in packages
    )
    decision = RequestDecision(
        name=request.name,
        source=str(request.source),
        verdict=verdict,
        reasons=reasons,
        notes=notes,
        packages=summaries + unfetched,
        policy_digest=POLICY,
        decided_at=decided_at,
        gate_version=VERSION,
        install_command=install_command,
        sample_advisories=sample_advisories,
    )
    return RequestOutcome(request, decision, packages, decided_now)


def approved() -> RequestOutcome:
    """Approve scikit-learn with its closure; one finding is waived."""
    waiver = Waiver(
        "PYSEC-2024-900", "joblib", "1.4.2", "2027-03-31", "Jo Example",
        "We load no pickles from outside; fixed in the next release.",
    )  # fmt: skip
    packages = (
        package(
            "scikit-learn",
            "1.5.2",
            (
                artifact("scikit_learn-1.5.2-cp311-cp311-manylinux_2_17_x86_64.whl", 13_300_123),
                artifact("scikit_learn-1.5.2-cp312-cp312-manylinux_2_17_x86_64.whl", 12_900_321),
            ),
            (
                judged("S301", Severity.MEDIUM, message="`pickle` can execute what it loads.",
                       filename="scikit_learn-1.5.2-cp311-cp311-manylinux_2_17_x86_64.whl",
                       locations=(Location("sklearn/utils/_testing.py", 812),), count=14),
                judged("S101", Severity.LOW, message="`assert` is removed from optimised code.",
                       locations=(Location("sklearn/base.py", 10),), count=2140),
            ),
        ),
        package(
            "numpy",
            "2.1.3",
            (artifact("numpy-2.1.3-cp311-cp311-manylinux_2_17_x86_64.whl", 16_300_000),),
            (
                judged("shady-links", Severity.MEDIUM, Kind.MALWARE, scanner="guarddog",
                       message="The package contains an address on a rarely used domain.",
                       locations=(Location("numpy/conftest.py", 3),)),
                judged("S102", Severity.MEDIUM, message="`exec` is used.", count=9,
                       locations=(Location("numpy/f2py/capi_maps.py", 158),)),
            ),
        ),
        package("scipy", "1.14.1",
                (artifact("scipy-1.14.1-cp311-cp311-manylinux_2_17_x86_64.whl", 41_200_000),)),
        package(
            "joblib",
            "1.4.2",
            (artifact("joblib-1.4.2-py3-none-any.whl", 301_817),),
            (
                judged("PYSEC-2024-900", Severity.HIGH, Kind.VULNERABILITY, scanner="osv",
                       waiver=waiver, aliases=("CVE-2024-90000",),
                       message="A pickle from an untrusted cache runs code when it is loaded.",
                       recommendation="Upgrade to 1.4.3 or later.",
                       references=("https://osv.example/PYSEC-2024-900",)),
            ),
        ),
        package("threadpoolctl", "3.5.0",
                (artifact("threadpoolctl-3.5.0-py3-none-any.whl", 18_414),)),
        package("narwhals", "1.13.5", (artifact("narwhals-1.13.5-py3-none-any.whl", 213_044),)),
        package("six", "1.16.0", (artifact("six-1.16.0-py2.py3-none-any.whl", 11_053),)),
    )  # fmt: skip
    return outcome(
        Request("scikit-learn", PyPISource("scikit-learn==1.5.2"), "ada@research.example", 2),
        Verdict.APPROVED,
        (
            "All 7 packages are approved: all scanners finished (archive, guarddog, osv, ruff) "
            "and no finding reaches the policy's thresholds. 1 waived.",
        ),
        packages,
        notes=("Wheels for Python 3.11 and 3.12 on x86_64-manylinux_2_28 were approved.",),
        install_command=(
            "python -m pip install --index-url file:///srv/gate/local-repository/simple "
            "scikit-learn==1.5.2"
        ),
        sample_advisories=True,
    )


def refused() -> RequestOutcome:
    """Refuse PyYAML 5.3.1 with four findings of mixed severities, two of them refusing."""
    findings = (
        judged(
            "PYSEC-2021-142",
            Severity.CRITICAL,
            Kind.VULNERABILITY,
            scanner="osv",
            refuses=True,
            message=(
                "Loading untrusted YAML with full_load or FullLoader runs arbitrary code, because "
                "the earlier fix for python/object/new was incomplete."
            ),
            recommendation="Upgrade to 5.4 or later.",
            aliases=("CVE-2020-14343", "GHSA-8q59-q68h-6hv4"),
            references=(
                "https://osv.example/vulnerability/PYSEC-2021-142",
                "http://unsafe.example/advisory",
            ),
        ),
        judged(
            "exec-base64",
            Severity.HIGH,
            Kind.MALWARE,
            scanner="guarddog",
            refuses=True,
            message="Code that was hidden in base64 is executed.",
            recommendation="Read the place that is named before asking for a waiver.",
            filename="PyYAML-5.3.1.tar.gz",
            locations=(
                Location("PyYAML-5.3.1/setup.py", 41),
                Location("PyYAML-5.3.1/lib/yaml/constructor.py", 203),
            ),
            count=5,
        ),
        judged("S506", Severity.MEDIUM, message="`yaml.load` with an unsafe loader.",
               filename="PyYAML-5.3.1.tar.gz",
               locations=(Location("PyYAML-5.3.1/lib/yaml/__init__.py", 114),)),
        judged("S101", Severity.INFO, message="`assert` is removed from optimised code.", count=33,
               locations=(Location("PyYAML-5.3.1/lib/yaml/resolver.py", 49),)),
    )  # fmt: skip
    pyyaml = package(
        "pyyaml",
        "5.3.1",
        (artifact("PyYAML-5.3.1.tar.gz", 269_377),),
        findings,
        verdict=Verdict.REFUSED,
        notes=("A source distribution: its dependencies are read from static metadata.",),
    )
    return outcome(
        Request("pyyaml", PyPISource("PyYAML==5.3.1"), "grace@research.example", 3),
        Verdict.REFUSED,
        (
            "pyyaml 5.3.1 is refused: PYSEC-2021-142 (critical vulnerability).",
            "pyyaml 5.3.1 is refused: exec-base64 (high malware).",
        ),
        (pyyaml,),
        sample_advisories=True,
    )


def too_fresh() -> RequestOutcome:
    """Leave a fresh release undecided until its date."""
    told = outcome(
        Request("polars", PyPISource("polars==1.30.0"), "ada@research.example", 4),
        Verdict.UNDECIDED,
        (
            "polars 1.30.0 was released on 2026-11-20 and is too fresh until 2026-11-27: releases "
            "younger than 7 days are not approved.",
        ),
    )
    return replace(told, decision=replace(told.decision, causes=(Cause.COOLDOWN,)))


def scanner_crash() -> RequestOutcome:
    """Leave an archive undecided because a scanner crashed; one package was never fetched."""
    archive = package(
        "langchain",
        "9f2c41d07ab3",
        (artifact("langchain.zip", 88_211_004),),
        verdict=Verdict.UNDECIDED,
        origin=Origin.ARCHIVE,
    )
    told = outcome(
        Request(
            "langchain",
            ArchiveSource("https://code.example/langchain-ai/langchain/archive/master.zip"),
            "",
            5,
        ),
        Verdict.UNDECIDED,
        ("guarddog did not finish on langchain.zip: it was stopped after 300 s.",),
        (archive,),
        unfetched=(PackageSummary("langchain-core", "0.3.0", Origin.PYPI, Verdict.UNDECIDED, ()),),
    )
    return replace(told, decision=replace(told.decision, causes=(Cause.GATE,)))


def earlier(number: int) -> RequestOutcome:
    """Make a request that an earlier run approved."""
    return outcome(
        Request(f"earlier-{number}", PyPISource(f"earlier-{number}==1.0"), "", number),
        Verdict.APPROVED,
        ("All scanners finished and no finding reaches the policy's thresholds.",),
        (package(f"earlier-{number}", "1.0", (artifact(f"earlier_{number}-1.0.whl", 1000),)),),
        install_command=f"python -m pip install earlier-{number}==1.0",
        decided_now=False,
        decided_at=DECIDED - timedelta(days=30),
    )


def run(*outcomes: RequestOutcome, errors: tuple[LineError, ...] = (), **more: object) -> Run:
    """Make a run of these outcomes."""
    return Run(outcomes, errors, SCANNERS, POLICY, VERSION, STARTED, FINISHED, **more)  # type: ignore[arg-type]


def sample_run() -> Run:
    """Make a run with one of everything."""
    return run(
        approved(),
        refused(),
        too_fresh(),
        scanner_crash(),
        *(earlier(number) for number in range(10, 15)),
        errors=(
            LineError(6, "pandas;pypi:pandas==2.2.3", "The columns are separated by semicolons. "
                      "Write commas.", "pandas,pypi:pandas==2.2.3"),
            LineError(9, "torch", "The source is missing. Write name,source.",
                      "torch,pypi:torch"),
        ),
        warnings=("An email to grace@research.example could not be sent: it is tried again.",),
        sample_advisories=True,
    )  # fmt: skip


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><b>&amp;{{7*7}}{% raw %}"
    "\u202egpj.exe\u2066\x00\x1b[31m\x1b]8;;https://evil.example\x07\r\nX-Evil: 1\n\ud800\ufffe"
    "[red]bold[/red][click](https://evil.example){0}]]>--><!--\U000e0041 :skull:"
    "=?utf-8?q?=0D=0AX-Evil:_2?= \u3164\u2800\ufe0f\u034f\x9b2J\x85\u2028\u061c"
)
"""Markup, template syntax, an encoded word, bidirectional, control, invisible, surrogate and tag
characters, all at once."""


def hostile_run() -> Run:
    """Make a run in which every text that comes from outside is `HOSTILE`."""
    evil = HOSTILE
    waiver = Waiver(evil, evil, evil, evil, evil, evil)
    finding = Finding(
        evil, evil, Kind.VULNERABILITY, Severity.CRITICAL, evil, evil,
        (evil, "javascript:alert(1)", f"https://x.example/{evil}", "https://user@evil.example/"),
        (evil,), evil, (Location(evil, 1), Location("../../etc/passwd", 0)), 7,
    )  # fmt: skip
    bad = Artifact(evil, evil, 1, evil, None, evil)
    findings = (
        JudgedFinding(finding, Severity.CRITICAL, refuses=True),
        JudgedFinding(finding, Severity.HIGH, refuses=False, waiver=waiver),
        JudgedFinding(finding, Severity.INFO, refuses=False),
    )
    scanner = ScannerInfo(evil, evil, evil, evil)
    decision = PackageDecision(
        name=evil,
        version=evil,
        origin=Origin.ARCHIVE,
        verdict=Verdict.REFUSED,
        reasons=(evil,),
        notes=(evil,),
        artifacts=(bad,),
        findings=findings,
        scanners=(scanner,),
        policy_digest=evil,
        decided_at=DECIDED,
        gate_version=evil,
        published_to=evil,
        withdrawn_at=DECIDED,
    )
    outcomes = tuple(
        outcome(
            Request(evil, source, evil, 1), verdict, (evil,), (decision,), notes=(evil,),
            install_command=evil, decided_now=now,
        )
        for source in (PyPISource(evil), ArchiveSource(evil))
        for verdict in Verdict
        for now in (True, False)
    )  # fmt: skip
    return Run(
        outcomes,
        (LineError(1, evil, evil, evil),),
        (scanner,),
        evil,
        evil,
        STARTED,
        FINISHED,
        (evil,),
        True,
    )
