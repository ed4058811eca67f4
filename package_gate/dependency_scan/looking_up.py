"""What is known against packages by name and version, and what the policy makes of it.

The packages are written down as a requirements file, which the gate's scanners take as they take
an archive that pins packages. Nothing of a package is fetched.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from package_gate.core.artifact import Artifact, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.judge import Judgement, judge
from package_gate.core.policy import Policy
from package_gate.core.text import one_line, printable
from package_gate.dependency_scan.models import PackageKey
from package_gate.inventory.pins import PinnedDependency, find_pins
from package_gate.scanners.interface import Scanner

AT_ONCE = 500
"""Packages that a scanner is given at once."""
_LIST = "requirements.txt"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,127}")


@dataclass(frozen=True, slots=True)
class Looked:
    """A package with what the policy makes of it."""

    judgement: Judgement
    scanners: tuple[ScannerInfo, ...]
    """Those that finished."""


class LookUp:
    """Asks the scanners about packages, about each of them once."""

    def __init__(
        self,
        scanners: Sequence[Scanner],
        policy: Policy,
        scratch: Path,
        today: date,
        progress: Callable[[str, str], None],
    ) -> None:
        """Ask these scanners.

        Args:
            scanners: each takes an archive that pins packages.
            policy: InfoSec's policy.
            scratch: a folder that workers may read.
            today: the date (UTC) on which waivers must hold.
            progress: is told subject and step.
        """
        self._scanners = scanners
        self._policy = policy
        self._scratch = scratch
        self._today = today
        self._progress = progress
        self._known: dict[PackageKey, Looked] = {}
        self.strays: dict[str, None] = {}
        """What scanners reported that is about none of the packages."""
        self.failures: dict[str, int] = {}
        """Why scanners did not finish → for how many packages."""
        self.infos: dict[str, ScannerInfo] = {}

    def look_up(
        self, packages: Iterable[PackageKey], yanked: dict[PackageKey, str] | None = None
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
        for start in range(0, len(new), AT_ONCE):
            batch = new[start : start + AT_ONCE]
            self._progress(f"{len(batch)} packages", "looking up")
            self._known |= self._batch(batch, yanked or {})
        return {key: self._known[key] for key in wanted}

    def _batch(
        self, batch: Sequence[PackageKey], yanked: dict[PackageKey, str]
    ) -> dict[PackageKey, Looked]:
        asked = [key for key in batch if _VERSION.fullmatch(key[1])]
        findings: dict[PackageKey, list[Finding]] = {key: [] for key in batch}
        finished: list[ScannerInfo] = []
        failures: list[str] = []
        with TemporaryDirectory(prefix="list-", dir=self._scratch) as folder:
            target = _target(Path(folder), asked)
            for scanner in self._scanners:
                try:
                    info = scanner.info
                    self.infos[scanner.name] = info
                    if asked:
                        self._sort(list(scanner.scan(target)), asked, findings)
                    finished.append(info)
                except ScannerError as error:
                    failures.append(f"{scanner.name} did not finish: {error}")
        unasked = set(batch) - set(asked)
        for failure in failures:
            self.failures[failure] = self.failures.get(failure, 0) + len(batch)
        for _, version in unasked:
            self.failures[_UNREADABLE.format(printable(version))] = 1
        for key in batch:
            if key in yanked:
                findings[key].append(_yanked(yanked[key]))
        return {
            key: Looked(
                judge(
                    *key,
                    findings[key],
                    finished,
                    [
                        *failures,
                        *([_UNREADABLE.format(printable(key[1]))] if key in unasked else []),
                    ],
                    self._policy,
                    self._today,
                ),
                tuple(finished),
            )
            for key in batch
        }

    def _sort(
        self,
        reported: Iterable[Finding],
        asked: Sequence[PackageKey],
        findings: dict[PackageKey, list[Finding]],
    ) -> None:
        """Give each finding to its package, which its line of the list tells."""
        for finding in reported:
            lines = {location.line for location in finding.locations}
            keys = [asked[line - 1] for line in lines if line and line <= len(asked)]
            for name, version in keys:
                message = finding.message.removeprefix(f"The archive pins {name} {version}: ")
                own = replace(finding, message=message, artifact="", locations=(), count=1)
                findings[name, version].append(own)
            if not keys:
                self.strays[f"{finding.scanner} reports {finding.rule}: {finding.message}"] = None


_UNREADABLE = "The version {!r} is none that advisories could be asked about."


def _target(folder: Path, packages: Sequence[PackageKey]) -> UnpackedPackage:
    """Write the list, and check that it is read back as it was meant."""
    text = "".join(f"{name}=={version}\n" for name, version in packages)
    (folder / _LIST).write_text(text)
    read = [each for each in find_pins(folder) if isinstance(each, PinnedDependency)]
    if [(each.name, each.version, each.line) for each in read] != [
        (*key, line) for line, key in enumerate(packages, 1)
    ]:
        raise ScannerError("The list of packages can't be written so that scanners understand it.")
    artifact = Artifact(_LIST, "0" * 64, len(text))
    unpacked = UnpackedArtifact(artifact, str(folder / _LIST), str(folder))
    return UnpackedPackage("dependencies", "", Origin.ARCHIVE, (unpacked,))


def _yanked(reason: str) -> Finding:
    """Report a release that its authors have yanked (PEP 592), as the gate does."""
    return Finding(
        scanner="index",
        rule="yanked",
        kind=Kind.VULNERABILITY,
        severity=Severity.MEDIUM,
        message=f"Its maintainers have yanked this release: {one_line(reason, 200)}.",
        recommendation="Ask for another version.",
    )
