"""The scanner that lets a package run, in a throw-away sandbox, and reports what it does there.

It is no worker's: the gate starts the sandbox's programs, and itself neither imports nor opens
anything of a package. What a package depends on is not there; an import that fails for that is
reported as not observed.
"""

import threading
from collections.abc import Iterable
from pathlib import Path

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.observation.findings import NAME, findings_of, not_observed
from package_gate.observation.observe import Observer, Wheel, fitting, sdist_of
from package_gate.scanners import versions

_AT_ONCE = 2


class Observed:
    """Observes the wheel of a package that this Python would install; implements `Scanner`."""

    name = NAME
    version = versions.OBSERVED

    def __init__(self, scratch: Path) -> None:
        """See whether this machine can isolate a package.

        Raises:
            ConfigurationError: it can't; the text says what is missing.
        """
        self._observer = Observer(scratch)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    @property
    def info(self) -> ScannerInfo:
        """See `Scanner.info`."""
        return ScannerInfo(self.name, self.version, isolation=self._observer.isolation)

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """See `Scanner.scan`."""
        wheels = [Wheel(Path(each.path), each.artifact.filename) for each in target.artifacts]
        wheel = fitting(wheels)
        found: list[Finding] = []
        if sdist_of([(each.path, each.artifact.filename) for each in target.artifacts]):
            why = "its sdist is built by package-gate observe, which has what its build needs"
            found = [not_observed(why)]
        if wheel is None:
            return found or [not_observed("it has no wheel for this machine's Python")]
        with self._turns:
            try:
                return [*findings_of(self._observer.observe(wheel, ())), *found]
            except ScannerError as error:
                raise ScannerError(f"{self.name} on {target.name}: {error}") from error
