"""How often the gate's verdicts are right: false refusals, known vulnerabilities, malware patterns.

Usage: ./shell/run-benchmark.sh verdict_quality [ADVISORIES]

ADVISORIES is an OSV snapshot of PyPI (a zip); without it, the one beside the project. The 200
packages are downloaded once, to .venv/verdict-quality. Goals: at most 1 % of popular packages
refused without an advisory; at least 99 % of known vulnerable versions flagged, and no version with
the fix; at least 95 % of harmless malware samples refused. docs/verdict-quality.md explains all.
"""

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measure import PROJECT, print_table
from benchmarks.scanners import ANY_AGE
from benchmarks.verdict_quality_advisories import measure_advisories
from benchmarks.verdict_quality_curve import Curve, draw
from benchmarks.verdict_quality_packages import (
    HonestPackage,
    download,
    fetch_from_cache,
    honest_packages,
    judging,
    judging_with_history,
    resolved,
)
from benchmarks.verdict_quality_samples import judge_samples
from package_gate.core.decision import JudgedFinding, PackageDecision, Verdict
from package_gate.core.finding import Kind, Severity
from package_gate.core.policy import Policy
from tests.fakes.malware_corpus import FIFTH, FIRST, FOURTH, HELD_OUT, SECOND, THIRD

ADVISORIES = PROJECT.parent / "shared" / "advisories" / "PyPI-all.zip"
PICTURE = PROJECT / "docs" / "verdict-quality.svg"
SCORE = re.compile(r"risk score is ([0-9.]+) of 10")


def main(advisories: Path) -> int:
    """Measure and print."""
    if not advisories.exists():
        print(f"There are no advisories at {advisories}; name an OSV snapshot.", file=sys.stderr)
        return 2
    policy = Policy(advisories=ANY_AGE)
    packages = honest_packages()
    with_sdist = [each for each in packages if each.sdist]
    download(packages)
    with judging(fetch_from_cache, policy, advisories) as judge:
        wheels = judge([resolved(p.name, p.version, p.wheels) for p in packages])
        sdists = judge([resolved(p.name, p.version, p.sdist) for p in with_sdist])
    refused = [
        resolved(package.name, package.version, files)
        for package, files, decision in (
            *zip(packages, [p.wheels for p in packages], wheels, strict=True),
            *zip(with_sdist, [p.sdist for p in with_sdist], sdists, strict=True),
        )
        if decision.verdict is Verdict.REFUSED and not _has_advisory(decision)
    ]
    with judging_with_history(policy, advisories) as judge:
        with_history = judge(refused)
    samples = judge_samples({**FIRST, **SECOND, **THIRD, **FOURTH, **FIFTH}, policy, advisories)
    report_packages("Wheels", packages, wheels)
    report_packages("Sdists", with_sdist, sdists)
    report_history(with_history)
    report_samples(samples)
    measure_advisories(advisories)
    draw_curve(packages, wheels, samples)
    return 0


def report_packages(
    title: str, packages: Sequence[HonestPackage], decisions: Sequence[PackageDecision]
) -> None:
    """Print how many were refused, and why each of them."""
    rows = []
    for part, tuned_on in (("tuned with", True), ("looked at later", False)):
        of_part = [d for p, d in zip(packages, decisions, strict=True) if p.tuned_on == tuned_on]
        verdicts = Counter(decision.verdict for decision in of_part)
        advised = sum(map(_has_advisory, of_part))
        wrongly = sum(d.verdict is Verdict.REFUSED and not _has_advisory(d) for d in of_part)
        rows.append(
            (
                part,
                str(len(of_part)),
                str(verdicts[Verdict.UNDECIDED]),
                str(advised),
                f"{wrongly} ({wrongly / len(of_part):.1%})",
            )
        )
    columns = ("part", "packages", "undecided", "with an advisory", "refused without (goal: 1 %)")
    print_table(f"{title} of the 200 most downloaded projects", columns, rows)
    for package, decision in zip(packages, decisions, strict=True):
        if decision.verdict is not Verdict.APPROVED:
            part = "tuned with" if package.tuned_on else "looked at later"
            reasons = "; ".join(decision.reasons)[:400]
            print(f"{package.name} {package.version} ({part}), {decision.verdict}: {reasons}")


def report_history(decisions: Sequence[PackageDecision]) -> None:
    """Print which of those that were refused still are, beside older releases of their projects."""
    still = [each for each in decisions if each.verdict is not Verdict.APPROVED]
    print(f"Beside older releases, {len(still)} of those {len(decisions)} are refused:")
    for each in still:
        print(f"{each.name} {each.version}, {each.verdict}: {'; '.join(each.reasons)[:400]}")


def _has_advisory(decision: PackageDecision) -> bool:
    """Whether a known vulnerability refuses it."""
    return any(
        item.refuses and item.finding.kind is Kind.VULNERABILITY for item in decision.findings
    )


def report_samples(decisions: Mapping[str, PackageDecision]) -> None:
    """Print how many samples were refused; of the held-out ones that passed, no names."""
    parts = (
        ("first set, tuned with", FIRST),
        ("second set, tuned with", SECOND.keys() - HELD_OUT.keys()),
        ("second set, held out", HELD_OUT),
        ("third set, tuned with afterwards", THIRD),
        ("fourth set, tuned with afterwards", FOURTH),
        ("fifth set, held out", FIFTH),
    )
    rows = []
    for part, names in parts:
        of_part = [decisions[name] for name in names]
        refused = sum(decision.verdict is Verdict.REFUSED for decision in of_part)
        before = sum(refused_by_guarddog_rules(decision) for decision in of_part)
        share = f"{refused} ({refused / len(of_part):.1%})"
        rows.append((part, str(len(of_part)), f"{before} ({before / len(of_part):.1%})", share))
    columns = ("part", "samples", "by GuardDog's rules alone", "refused (goal: 95 %)")
    print_table("Harmless samples of malware", columns, rows)


def refused_by_guarddog_rules(decision: PackageDecision) -> bool:
    """Whether a rule of GuardDog's own would refuse it."""
    return any(
        item.refuses and item.finding.rule.startswith("threat-") for item in _malware(decision)
    )


def _malware(decision: PackageDecision) -> list[JudgedFinding]:
    return [item for item in decision.findings if item.finding.scanner == "guarddog"]


def _score(decision: PackageDecision) -> float:
    messages = (item.finding.message for item in _malware(decision))
    scores = [float(found[1]) for message in messages if (found := SCORE.search(message))]
    return max(scores, default=0.0)


def _has_code_finding(decision: PackageDecision) -> bool:
    return any(
        item.finding.kind is Kind.CODE and item.severity >= Severity.MEDIUM
        for item in decision.findings
    )


def draw_curve(
    packages: Sequence[HonestPackage],
    wheels: Sequence[PackageDecision],
    samples: Mapping[str, PackageDecision],
) -> None:
    """Draw what other rules would refuse, on the held-out parts only."""
    honest = [d for p, d in zip(packages, wheels, strict=True) if not p.tuned_on]
    malicious = [samples[name] for name in (*HELD_OUT, *FIFTH)]

    def share(decisions: Sequence[PackageDecision], refused: Sequence[bool]) -> float:
        return 100 * sum(refused) / len(decisions)

    thresholds = [number / 2 for number in range(1, 20)]
    by_score = [
        (
            share(honest, [_score(each) >= threshold for each in honest]),
            share(malicious, [_score(each) >= threshold for each in malicious]),
        )
        for threshold in thresholds
    ]
    points = {
        "static analysis, medium or higher": _has_code_finding,
        "GuardDog's rules, in code that runs by itself": refused_by_guarddog_rules,
        "the default policy": lambda each: each.verdict is Verdict.REFUSED,
    }
    curve = Curve(
        [(f"{threshold:g}", *place) for threshold, place in zip(thresholds, by_score, strict=True)],
        {
            name: (share(honest, [*map(rule, honest)]), share(malicious, [*map(rule, malicious)]))
            for name, rule in points.items()
        },
    )
    PICTURE.write_text(draw(curve))
    rows = [(f"GuardDog's score ≥ {t}", f"{x:.1f} %", f"{y:.1f} %") for t, x, y in curve.scores]
    rows += [(name, f"{x:.1f} %", f"{y:.1f} %") for name, (x, y) in curve.points.items()]
    print_table(
        f"What would be refused of the later halves ({PICTURE.relative_to(PROJECT)})",
        ("rule", "honest packages", "malware samples"),
        rows,
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ADVISORIES))
