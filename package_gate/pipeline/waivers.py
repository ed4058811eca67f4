"""Waivers of the policy that no package of a run needs: misspelt, or left over."""

from collections.abc import Sequence
from datetime import date

from package_gate.core.decision import PackageSummary, Verdict
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.policy import COOLDOWN, Policy, WaiverEntry
from package_gate.core.run import RequestOutcome


def idle_waivers(policy: Policy, outcomes: Sequence[RequestOutcome], today: date) -> list[str]:
    """Name the waivers that hold today and match nothing.

    What is not known whole is given the benefit of the doubt: while a request is undecided its
    closure may have any package, and of what an earlier run decided the findings are not read.
    """
    packages = list(dict.fromkeys(each for o in outcomes for each in o.decision.packages))
    known = all(
        o.decision.complete or o.decision.verdict is Verdict.REFUSED for o in outcomes
    ) and bool(outcomes)
    told = []
    for entry in policy.waivers:
        if not entry.holds(today):
            continue  # which is told by itself
        covered = [each for each in packages if _covers(entry, each)]
        if not covered and known:
            told.append(
                f"The waiver for {entry.finding} in {_subject(entry)} matches nothing: no request "
                "needs that package. Correct its name or version, or remove it."
            )
        elif covered and entry.finding != COOLDOWN and not _may_be_used(entry, covered, outcomes):
            told.append(
                f"The waiver for {entry.finding} in {_subject(entry)} matches nothing: the package "
                "has no such finding. Correct the finding's name, or remove the waiver."
            )
    return told


def _covers(entry: WaiverEntry, package: PackageSummary) -> bool:
    return entry.covers(ecosystem_of(package.origin), package.name, package.version)


def _may_be_used(
    entry: WaiverEntry, covered: Sequence[PackageSummary], outcomes: Sequence[RequestOutcome]
) -> bool:
    """Whether a covered package has the finding, or its findings are not all at hand."""
    wanted = {(each.origin, each.name, each.version) for each in covered}
    decisions = {
        (each.origin, each.name, each.version): each for o in outcomes for each in o.packages
    }
    for key in wanted:
        decision = decisions.get(key)
        if decision is None or not decision.scanners:
            return True
        if any(
            entry.finding in (judged.finding.rule, *judged.finding.aliases)
            for judged in decision.findings
        ):
            return True
    return False


def _subject(entry: WaiverEntry) -> str:
    return f"{entry.package} {entry.version}".strip()
