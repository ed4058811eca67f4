"""The compliant closure: the newest one without a package that an advisory refuses.

What a requirement leaves open is chosen so that no known vulnerability comes along; what it pins is
left as it is, and when that is refused, a request is named that would not be. Whatever is chosen is
fetched, scanned and judged as every closure is: this decides nothing.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from packaging.requirements import Requirement

from package_gate.advisories.interface import AdvisorySource, NamedPackage
from package_gate.advisories.standing import standing_of_releases
from package_gate.core.artifact import Resolution, ResolvedPackage
from package_gate.core.ecosystem import ecosystem_of
from package_gate.core.errors import GateError
from package_gate.core.judge import refuses
from package_gate.core.request import PyPISource, Request
from package_gate.pipeline.settings import Settings
from package_gate.sources.interface import Release, Steering

MAX_ROUNDS = 10
"""How often a closure is resolved again without what an advisory refuses of the one before."""
MAX_RELEASES = 200
"""Of one project, the newest first, that advisories are asked about at once."""

Refused = Mapping[Release, tuple[str, ...]]
"""Name and version → the rules that refuse it."""


@dataclass(frozen=True, slots=True)
class Better:
    """What would not be refused by an advisory."""

    resolution: Resolution | None = None
    """A closure of the request as it is written; None when there is none."""
    instead: str = ""
    """A line for the request file that has such a closure; "" for none."""


class Compliant:
    """Looks for closures that no advisory refuses. Several threads may use it."""

    def __init__(
        self, steering: Steering | None, advisories: Sequence[AdvisorySource], settings: Settings
    ) -> None:
        """Resolve with `steering`; without, or where the policy does not want it, nothing is."""
        wanted = settings.conditions.policy.resolve.compliant
        self._steering = steering if wanted else None
        self._advisories = advisories
        self._settings = settings

    def refused(self, packages: Iterable[ResolvedPackage]) -> Refused:
        """Name the packages that an advisory refuses; none of which nothing could be learned."""
        known = [each for each in packages if ecosystem_of(each.origin).looked_up_by_name]
        if not self._steering or not known:
            return {}
        policy, today = self._settings.conditions.policy, self._settings.now().date()
        named = {each: NamedPackage(each.name, each.version) for each in known}
        said = standing_of_releases(list(dict.fromkeys(named.values())), self._advisories)
        found = {
            (each.name, each.version): tuple(
                finding.rule
                for finding in said[name].findings
                if refuses(each, finding, policy, today)
            )
            for each, name in named.items()
        }
        return {release: rules for release, rules in found.items() if rules}

    def better(self, request: Request, refused: Refused) -> Better:
        """Look for a closure of the request, or else for another request, without what is refused.

        Args:
            request: the line that asked.
            refused: what an advisory refuses of its closure.
        """
        if not self._steering or not refused:
            return Better()
        resolution = self._steer(self._steering, request, refused, any_release=False)
        if resolution is not None:
            return Better(resolution)
        return Better(instead=self._other(self._steering, request, refused))

    def instead(self, request: Request) -> str:
        """Give a request for another release, where the requirement lets no notebook have any.

        Returns:
            A line for the request file that no advisory refuses; "" for none.
        """
        source = request.source
        if (
            not self._steering
            or not isinstance(source, PyPISource)
            or not Requirement(source.requirement).specifier
        ):
            return ""
        return self._other(self._steering, request, {})

    def _other(self, steering: Steering, request: Request, refused: Refused) -> str:
        other = self._steer(steering, request, refused, any_release=True)
        return _line(request, other.packages[0]) if other else ""

    def _steer(
        self, steering: Steering, request: Request, refused: Refused, *, any_release: bool
    ) -> Resolution | None:
        """Resolve without what is refused, until nothing is; None when that can't be."""
        passed: dict[Release, tuple[str, ...]] = {}
        avoid: dict[Release, None] = {}
        asked: set[str] = set()
        for _ in range(MAX_ROUNDS):
            passed |= refused
            avoid |= dict.fromkeys(refused)
            try:
                for name in sorted({name for name, _ in refused} - asked):
                    asked.add(name)
                    avoid |= dict.fromkeys(self._all_refused(steering, name))
                resolution = steering.resolve_without(
                    request, tuple(avoid), any_release=any_release
                )
            except GateError:
                return None
            refused = self.refused(resolution.packages)
            if not refused:
                return replace(resolution, notes=(*resolution.notes, *map(_note, passed.items())))
        return None

    def _all_refused(self, steering: Steering, name: str) -> Iterable[Release]:
        """Name all releases of a project that an advisory refuses, so that each costs no round."""
        releases = islice(steering.releases(name), MAX_RELEASES)
        return self.refused(releases)


def _note(refused: tuple[Release, tuple[str, ...]]) -> str:
    (name, version), rules = refused
    more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
    return f"{name} {version} was passed over: {', '.join(rules[:3])}{more} would refuse it"


def _line(request: Request, package: ResolvedPackage) -> str:
    """Write the request for another release, with what it asked for besides."""
    source = request.source
    if not isinstance(source, PyPISource):
        return ""
    asked = Requirement(source.requirement)
    extras = ",".join(sorted(asked.extras))
    marker = f"; {asked.marker}" if asked.marker else ""
    wanted = f"{asked.name}{f'[{extras}]' if extras else ''}=={package.version}{marker}"
    other = PyPISource(wanted, source.constraints)
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([request.name, str(other)])
    return line.getvalue()
