"""What a request needs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.decision import PackageDecision, PackageSummary


@dataclass(frozen=True, slots=True)
class Plan:
    """The closure of a request."""

    packages: tuple[ResolvedPackage, ...]
    """The requested package first when it is known."""
    notes: tuple[str, ...]
    recorded: bool
    """Whether it was resolved by an earlier run."""
    targets: tuple[str, ...] = ()
    """Those of the policy's notebooks that it is for; empty for all."""
    instead: str = ""
    """A request that no advisory would refuse, when one refuses this; "" for none."""

    def summaries(self, decisions: Iterable[PackageDecision]) -> tuple[PackageSummary, ...]:
        """Give what the request's record says of its packages."""
        planned = {(p.origin, p.name, p.version): p for p in self.packages}
        summaries = []
        for decision in decisions:
            summary = decision.summary
            package = planned.get((summary.origin, summary.name, summary.version))
            if package and (package.for_build or package.targets):
                summary = replace(summary, for_build=package.for_build, targets=package.targets)
            summaries.append(summary)
        return tuple(summaries)
