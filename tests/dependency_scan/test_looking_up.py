"""Looking packages up: what scanners report is sorted to the packages, and failures are kept."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.decision import Verdict
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.policy import Policy
from package_gate.dependency_scan import looking_up
from package_gate.dependency_scan.looking_up import LookUp
from package_gate.inventory.pins import PinnedDependency, find_pins
from package_gate.scanners.interface import Scanner

TODAY = date(2026, 11, 1)
A, B = ("a", "1.0"), ("b", "2.0")


@dataclass
class Scripted:
    """A scanner that reports what a test says."""

    name: str
    report: Callable[[list[PinnedDependency]], Iterable[Finding]]
    seen: list[list[str]] = field(default_factory=list)

    @property
    def info(self) -> ScannerInfo:
        return ScannerInfo(self.name, "1")

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        pins = [
            each
            for each in find_pins(Path(target.artifacts[0].tree))
            if isinstance(each, PinnedDependency)
        ]
        self.seen.append([f"{pin.name} {pin.version}" for pin in pins])
        return self.report(pins)


def about(pin: PinnedDependency) -> Finding:
    return Finding(
        "osv", f"RULE-{pin.name}", Kind.VULNERABILITY, Severity.HIGH,
        f"The archive pins {pin.name} {pin.version}: it is broken.",
        artifact="requirements.txt", locations=(Location(pin.path, pin.line),),
    )  # fmt: skip


def look_up(scanners: Sequence[Scanner], folder: Path) -> LookUp:
    return LookUp(scanners, Policy(), folder, TODAY, lambda subject, what: None)


def test_findings_go_to_the_packages_that_they_are_about(tmp_path: Path) -> None:
    scanner = Scripted("osv", lambda pins: [about(pin) for pin in pins if pin.name == "b"])
    asks = look_up([scanner], tmp_path)
    found = asks.look_up([A, B, A])
    assert found[A].judgement.verdict is Verdict.APPROVED
    [judged] = found[B].judgement.findings
    assert (judged.finding.message, judged.finding.locations) == ("it is broken.", ())
    asks.look_up([B, ("c", "3")])
    assert scanner.seen == [["a 1.0", "b 2.0"], ["c 3"]]  # each once
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_kept_beside_findings(tmp_path: Path) -> None:
    def fail(pins: list[PinnedDependency]) -> Iterable[Finding]:
        raise ScannerError("it is out of order")

    osv = Scripted("osv", lambda pins: [about(pin) for pin in pins if pin.name == "b"])
    asks = look_up([osv, Scripted("snyk", fail)], tmp_path)
    found = asks.look_up([A, B])
    assert found[A].judgement.verdict is Verdict.UNDECIDED
    assert found[B].judgement.verdict is Verdict.REFUSED
    assert asks.failures == {"snyk did not finish: it is out of order": 2}


def test_a_finding_about_none_of_the_packages_is_kept(tmp_path: Path) -> None:
    stray = Finding("snyk", "SNYK-1", Kind.VULNERABILITY, Severity.HIGH, "Snyk names c 1.")
    asks = look_up([Scripted("snyk", lambda pins: [stray])], tmp_path)
    asks.look_up([A])
    assert list(asks.strays) == ["snyk reports SNYK-1: Snyk names c 1."]


def test_many_packages_are_asked_about_in_parts(tmp_path: Path) -> None:
    scanner = Scripted("osv", lambda pins: [])
    asks = look_up([scanner], tmp_path)
    count = looking_up.AT_ONCE + 1
    found = asks.look_up((f"p{number}", "1") for number in range(count))
    assert len(found) == count
    assert [len(names) for names in scanner.seen] == [looking_up.AT_ONCE, 1]


def test_a_version_that_would_be_read_otherwise_is_undecided(tmp_path: Path) -> None:
    scanner = Scripted("osv", lambda pins: [])
    strange = ("a", "1.0;x")
    found = look_up([scanner], tmp_path).look_up([strange, B])
    assert found[strange].judgement.verdict is Verdict.UNDECIDED
    assert found[B].judgement.verdict is Verdict.APPROVED
    assert scanner.seen == [["b 2.0"]]
