"""A source is asked about each package once, and left alone for a while after it failed."""

from collections.abc import Sequence

import pytest

from package_gate.advisories.cached import REST_SECONDS, Cached
from package_gate.advisories.interface import NamedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity

A, B = NamedPackage("a", "1"), NamedPackage("b", "1")


class Source:
    name = "osv"
    info = ScannerInfo("osv", "1")

    def __init__(self) -> None:
        self.asked: list[list[NamedPackage]] = []
        self.error: ScannerError | None = None
        self.closed = False

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        self.asked.append(list(packages))
        if self.error:
            raise self.error
        return [
            (Finding("osv", each.name, Kind.VULNERABILITY, Severity.LOW, "x"),) for each in packages
        ]

    def close(self) -> None:
        self.closed = True


def test_each_package_is_asked_about_once_and_answers_keep_their_order() -> None:
    source = Source()
    cached = Cached(source)
    assert [f[0].rule for f in cached.query([B, A, B])] == ["b", "a", "b"]
    assert [f[0].rule for f in cached.query([A, B])] == ["a", "b"]
    assert source.asked == [[B, A]]
    cached.close()
    assert source.closed


def test_after_a_failure_it_rests_but_what_is_known_is_said() -> None:
    source, now = Source(), [0.0]
    cached = Cached(source, lambda: now[0])
    cached.query([A])
    source.error = ScannerError("no answer")
    for _ in range(2):
        with pytest.raises(ScannerError, match="no answer"):
            cached.query([A, B])
    assert source.asked == [[A], [B]]
    assert len(cached.query([A])) == 1
    source.error = None
    now[0] = REST_SECONDS
    assert len(cached.query([A, B])) == 2
