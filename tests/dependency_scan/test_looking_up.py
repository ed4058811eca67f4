"""Looking packages up: each is judged by what is known of it, and failures are kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from package_gate.advisories.interface import NOT_LOOKED_UP, AdvisorySource, NamedPackage
from package_gate.core.decision import Verdict
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Severity
from package_gate.core.policy import Policy
from package_gate.dependency_scan.looking_up import LookUp
from tests.fakes.advisory_source import FakeSource, flaw

TODAY = date(2026, 11, 1)
A, B = ("a", "1.0"), ("b", "2.0")


def about_b(package: NamedPackage) -> Sequence[Finding]:
    return [flaw("RULE-b")] if package.name == "b" else []


def fail(package: NamedPackage) -> Sequence[Finding]:
    raise ScannerError("it is out of order")


def look_up(*sources: AdvisorySource) -> LookUp:
    return LookUp(sources, Policy(), TODAY, lambda subject, what: None)


def test_findings_are_those_of_the_packages_and_each_is_asked_about_once() -> None:
    source = FakeSource(answer=about_b)
    asks = look_up(source)
    found = asks.look_up([A, B, A])
    assert found[A].judgement.verdict is Verdict.APPROVED
    [judged] = found[B].judgement.findings
    assert judged.finding == flaw("RULE-b")
    asks.look_up([B, ("c", "3")])
    assert source.asked == [["a 1.0", "b 2.0"], ["c 3"]]
    asks.look_up([A])
    assert len(source.asked) == 2
    assert asks.infos == {"osv": source.info}


def test_a_failure_is_kept_beside_findings() -> None:
    asks = look_up(FakeSource("osv", about_b), FakeSource("snyk", fail))
    found = asks.look_up([A, B])
    assert found[A].judgement.verdict is Verdict.UNDECIDED
    assert found[B].judgement.verdict is Verdict.REFUSED
    assert asks.failures == {"The scanner snyk did not finish: it is out of order": 2}


def test_a_package_that_was_not_looked_up_is_undecided_and_the_others_are_not() -> None:
    unknown = replace(flaw(NOT_LOOKED_UP, "It was skipped."), severity=Severity.INFO)
    asks = look_up(FakeSource(answer=lambda package: [unknown] if package.name == "b" else []))
    found = asks.look_up([A, B])
    assert found[A].judgement.verdict is Verdict.APPROVED
    assert found[B].judgement.verdict is Verdict.UNDECIDED
    assert asks.failures == {"The scanner osv did not finish: It was skipped.": 1}


def test_a_yanked_release_is_a_finding() -> None:
    found = look_up(FakeSource()).look_up([A, B], {B: "broken"})
    assert found[A].judgement.findings == ()
    [judged] = found[B].judgement.findings
    assert (judged.finding.scanner, judged.finding.rule) == ("index", "yanked")
    assert "broken" in judged.finding.message


def test_a_version_that_no_advisory_can_be_about_is_undecided() -> None:
    source = FakeSource()
    strange = ("a", "1.0;x")
    found = look_up(source).look_up([strange, B])
    assert found[strange].judgement.verdict is Verdict.UNDECIDED
    assert found[B].judgement.verdict is Verdict.APPROVED
    assert source.asked == [["b 2.0"]]
