"""A source of advisories that answers what a test says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from package_gate.advisories.interface import NamedPackage
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity


def flaw(rule: str, message: str = "It is broken.", scanner: str = "osv") -> Finding:
    """Make a finding as a source gives it."""
    return Finding(scanner, rule, Kind.VULNERABILITY, Severity.HIGH, message)


def nothing(package: NamedPackage) -> Sequence[Finding]:
    """Know nothing of any package."""
    return ()


@dataclass
class FakeSource:
    """Answers each package by a function, and remembers what it was asked."""

    name: str = "osv"
    answer: Callable[[NamedPackage], Sequence[Finding]] = nothing
    asked: list[list[str]] = field(default_factory=list)
    closed: bool = False

    @property
    def info(self) -> ScannerInfo:
        """See `AdvisorySource.info`."""
        return ScannerInfo(self.name, "1", "2026-11-01")

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """See `AdvisorySource.query`."""
        self.asked.append([str(package) for package in packages])
        return [tuple(self.answer(package)) for package in packages]

    def close(self) -> None:
        """See `AdvisorySource.close`."""
        self.closed = True
