"""What a request needs: the closure that its record holds, or a new one from its source."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from package_gate.core.artifact import Resolution, ResolvedPackage
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.finding import Finding
from package_gate.core.plan import Plan
from package_gate.core.request import Request
from package_gate.pipeline.compliant import Compliant
from package_gate.pipeline.packages import remote_files
from package_gate.pipeline.reuse import closure_holds
from package_gate.pipeline.settings import Settings
from package_gate.records.store import Records
from package_gate.sources.index_findings import INDEX, YANKED
from package_gate.sources.interface import Source


class Planning(Protocol):
    """Says what each request needs. Several threads may use it."""

    def plan(self, request: Request, earlier: RequestDecision | None) -> Plan:
        """Give the closure of a request.

        Args:
            request: the line that asked.
            earlier: what was decided of it before.

        Raises:
            SourceError: it could not be resolved.
            SourceRefusedError: the policy or the address guard forbids it.
            StoreError: a record can't be read.
        """
        ...

    def instead(self, request: Request) -> str:
        """See `Compliant.instead`."""
        ...


class Planner:
    """Says what each request needs, by its record and its source; implements `Planning`."""

    def __init__(
        self,
        sources: Mapping[type, Source],
        compliant: Compliant,
        records: Records,
        settings: Settings,
    ) -> None:
        """Take who resolves which class of `Request.source`."""
        self._sources = sources
        self._compliant = compliant
        self._records = records
        self._settings = settings

    def plan(self, request: Request, earlier: RequestDecision | None) -> Plan:
        """See `Planning.plan`."""
        if earlier is not None and closure_holds(earlier, self._settings.conditions):
            recorded = self._records.packages(earlier)
            if len(recorded) == len(earlier.packages) and all(p.artifacts for p in recorded):
                packages = tuple(
                    ResolvedPackage(
                        p.name,
                        p.version,
                        p.origin,
                        remote_files(p),
                        p.notes,
                        said_by_index(p),
                        summary.for_build,
                        summary.targets,
                    )
                    for p, summary in zip(recorded, earlier.packages, strict=True)
                )
                plan = Plan(
                    packages,
                    earlier.notes,
                    recorded=True,
                    targets=earlier.targets,
                    instead=earlier.instead,
                )
                # What is refused already was looked at then.
                return self._steered(request, plan) if earlier.verdict is Verdict.APPROVED else plan
        self._settings.progress.step(request.name, "resolving")
        resolution = self._sources[type(request.source)].resolve(request)
        return self._steered(request, _plan(resolution))

    def instead(self, request: Request) -> str:
        """See `Compliant.instead`."""
        return self._compliant.instead(request)

    def _steered(self, request: Request, plan: Plan) -> Plan:
        """Give the plan, or one that no advisory refuses, or name a request that has one."""
        refused = self._compliant.refused(plan.packages)
        better = self._compliant.better(request, refused)
        if better.resolution is not None:
            return _plan(better.resolution)
        return plan if plan.instead == better.instead else replace(plan, instead=better.instead)


def _plan(resolution: Resolution) -> Plan:
    return Plan(resolution.packages, resolution.notes, recorded=False, targets=resolution.targets)


def said_by_index(decision: PackageDecision) -> tuple[Finding, ...]:
    """Give what the index said against a project when it was resolved; what is yanked is noted
    with the files."""
    return tuple(
        judged.finding
        for judged in decision.findings
        if judged.finding.scanner == INDEX and judged.finding.rule != YANKED
    )
