"""What is known against packages by name and version, and what the policy makes of it.

Nothing of a package is fetched.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from package_gate.advisories.interface import AdvisorySource, NamedPackage
from package_gate.advisories.standing import standing_of_releases
from package_gate.core.artifact import ResolvedPackage
from package_gate.core.ecosystem import PYPI
from package_gate.core.finding import ScannerInfo
from package_gate.core.judge import Judgement, judge
from package_gate.core.policy import Policy
from package_gate.core.standing import Standing, old_advisories
from package_gate.core.text import printable
from package_gate.dependency_scan.models import PackageKey
from package_gate.sources.index_findings import yanked_release

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,127}")
"""Of any other text a source may not say that it knows no such version."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A package with what the policy makes of it."""

    judgement: Judgement
    scanners: tuple[ScannerInfo, ...]
    """Those that finished."""


class LookUp:
    """Asks the sources of advisories about packages, about each of them once."""

    def __init__(
        self,
        sources: Sequence[AdvisorySource],
        policy: Policy,
        today: date,
        progress: Callable[[str, str], None],
    ) -> None:
        """Ask these sources.

        Args:
            sources: all of them are asked about each package.
            policy: InfoSec's policy.
            today: the date (UTC) on which waivers must hold.
            progress: is told subject and step.
        """
        self._sources = sources
        self._policy = policy
        self._today = today
        self._progress = progress
        self._known: dict[PackageKey, Looked] = {}
        self.failures: dict[str, int] = {}
        """Why sources did not finish → for how many packages."""
        self.infos: dict[str, ScannerInfo] = {}
        """The sources that answered."""

    @property
    def old_advisories(self) -> str:
        """A warning when what was asked is old, else ""."""
        return old_advisories(self.infos.values(), self._policy.advisories, self._today)

    def look_up(
        self, packages: Iterable[PackageKey], yanked: Mapping[PackageKey, str] | None = None
    ) -> dict[PackageKey, Looked]:
        """Judge packages.

        Args:
            packages: normalised names and versions.
            yanked: why their authors have yanked some of them.

        Returns:
            All of them; what could not be looked up is undecided.
        """
        wanted = list(dict.fromkeys(packages))
        new = [key for key in wanted if key not in self._known]
        if new:
            self._progress(f"{len(new)} packages", "looking up")
            self._known |= self._ask(new, yanked or {})
        return {key: self._known[key] for key in wanted}

    def _ask(
        self, keys: Sequence[PackageKey], yanked: Mapping[PackageKey, str]
    ) -> dict[PackageKey, Looked]:
        packages = {key: NamedPackage(*key) for key in keys if _VERSION.fullmatch(key[1])}
        standings = standing_of_releases(list(packages.values()), self._sources)
        looked = {}
        for key in keys:
            package = packages.get(key)
            standing = standings[package] if package else _unknown(key)
            standing = standing.checked_age(self._policy.advisories, self._today)
            for failure in standing.failures:
                self.failures[failure] = self.failures.get(failure, 0) + 1
            self.infos |= {info.name: info for info in standing.scanners}
            looked[key] = Looked(self._judge(key, standing, yanked), standing.scanners)
        return looked

    def _judge(
        self, key: PackageKey, standing: Standing, yanked: Mapping[PackageKey, str]
    ) -> Judgement:
        findings = [*standing.findings]
        if key in yanked:
            findings.append(yanked_release(yanked[key]))
        package = ResolvedPackage(*key, PYPI.origin, ())
        return judge(
            package, findings, standing.scanners, standing.failures, self._policy, self._today
        )


def _unknown(key: PackageKey) -> Standing:
    version = printable(key[1])
    return Standing((), (), (f"The version {version!r} is none that advisories know.",))
