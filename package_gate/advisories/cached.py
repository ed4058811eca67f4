"""A source of advisories that is asked about each package once a run, and rests after a failure."""

import threading
import time
from collections.abc import Callable, Sequence

from package_gate.advisories.interface import AdvisorySource, NamedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, ScannerInfo

REST_SECONDS = 60.0
"""So long a failure is taken for the answer to every further question: a source that does not
answer has been asked several times already, and thousands of packages may be waiting."""


class Cached:
    """Remembers what a source answers; implements `AdvisorySource`."""

    def __init__(self, source: AdvisorySource, clock: Callable[[], float] = time.monotonic) -> None:
        """Stand before `source`."""
        self._source = source
        self._clock = clock
        self._known: dict[NamedPackage, tuple[Finding, ...]] = {}
        self._failed: tuple[float, ScannerError] | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """See `AdvisorySource.name`."""
        return self._source.name

    @property
    def info(self) -> ScannerInfo:
        """See `AdvisorySource.info`."""
        return self._source.info

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """See `AdvisorySource.query`."""
        with self._lock:
            unknown = [each for each in dict.fromkeys(packages) if each not in self._known]
            failed = self._failed
        if unknown:
            if failed and self._clock() - failed[0] < REST_SECONDS:
                raise ScannerError(str(failed[1])) from failed[1]
            try:
                answers = self._source.query(unknown)
            except ScannerError as error:
                with self._lock:
                    self._failed = self._clock(), error
                raise
            with self._lock:
                self._known.update(zip(unknown, answers, strict=True))
        return [self._known[each] for each in packages]

    def close(self) -> None:
        """See `AdvisorySource.close`."""
        self._source.close()
