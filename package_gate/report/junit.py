"""junit.xml: a test case for each request, for a build service's report group.

A refused request is a failure, an undecided one or an unreadable line is an error, and one that
waits for a cooldown to end is skipped. The elements are those that CodeBuild's "Test reporting"
reads of the JUnit XML format.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import BinaryIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from package_gate.core.decision import Verdict
from package_gate.core.request import LineError
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.text import one_line, printable

SUITE = "package gate"
MAX_CASES = 500
"""Test cases of one file: CodeBuild cuts off what comes after ("Quotas for AWS CodeBuild", "Maximum
number of test cases per test report")."""


@dataclass(frozen=True, slots=True)
class Case:
    """A test case."""

    classname: str
    name: str
    element: str = ""
    """`failure`, `error` or `skipped`; "" for a case that passes."""

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look at it."""
        return self.element in ("failure", "error")

    kind: str = ""
    message: str = ""
    text: str = ""
    seconds: float | None = None
    """How long it took; None where nobody knows."""


def write_junit(run: Run, file: BinaryIO) -> None:
    """Write a run of the gate."""
    cases = list(chain(map(_request, run.outcomes), map(_line_error, run.line_errors)))
    cases = capped(cases, "package_gate.requests", "verdicts.json")
    write_cases(SUITE, cases, run.started_at, run.finished_at, file)


def capped(cases: Sequence[Case], classname: str, document: str) -> list[Case]:
    """Give at most `MAX_CASES`: when there are more, the bad ones first and one that says so.

    Args:
        cases: all of them.
        classname: of the case that says how many are left out.
        document: where those are.
    """
    if len(cases) <= MAX_CASES:
        return list(cases)
    cases = sorted(cases, key=lambda case: not case.is_bad)
    left_out = cases[MAX_CASES - 1 :]
    bad = sum(case.is_bad for case in left_out)
    rest = Case(
        classname,
        f"{len(left_out)} more: see {document}",
        "failure" if bad else "",
        "left out",
        f"{bad} of them are refused or undecided.",
    )
    return [*cases[: MAX_CASES - 1], rest]


def write_cases(
    suite: str, cases: Sequence[Case], started: datetime, finished: datetime, file: BinaryIO
) -> None:
    """Write the document in UTF-8."""
    counts = Counter(case.element for case in cases)
    totals = {
        "name": suite,
        "tests": str(len(cases)),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
        "skipped": str(counts["skipped"]),
        "time": f"{(finished - started).total_seconds():.3f}",
    }
    xml = XMLGenerator(file, encoding="utf-8", short_empty_elements=True)
    xml.startDocument()
    xml.startElement("testsuites", AttributesImpl(totals))
    timestamp = {"timestamp": f"{started:%Y-%m-%dT%H:%M:%S}"}
    xml.startElement("testsuite", AttributesImpl(totals | timestamp))
    for case in cases:
        attributes = {"classname": case.classname, "name": case.name}
        if case.seconds is not None:
            attributes["time"] = f"{case.seconds:.3f}"
        xml.startElement("testcase", AttributesImpl(attributes))
        if case.element:
            fault = {"type": case.kind, "message": one_line(case.message, 500)}
            xml.startElement(case.element, AttributesImpl(fault))
            xml.characters(case.text)
            xml.endElement(case.element)
        xml.endElement("testcase")
    xml.endElement("testsuite")
    xml.endElement("testsuites")
    xml.endDocument()


def _request(outcome: RequestOutcome) -> Case:
    request, decision = outcome.request, outcome.decision
    case = Case(
        "package_gate.requests",
        one_line(f"{request.name} ({request.source})", 500),
        seconds=outcome.seconds,
    )
    if decision.verdict is Verdict.APPROVED:
        return case
    reasons = decision.reasons or ("No reason was recorded.",)
    undecided = "skipped" if outcome.is_waiting else "error"
    return replace(
        case,
        element="failure" if decision.verdict is Verdict.REFUSED else undecided,
        kind=decision.verdict.value,
        message=reasons[0],
        text="\n".join(map(_reason, reasons)),
    )


def _line_error(error: LineError) -> Case:
    return Case(
        "package_gate.lines",
        f"line {error.line}",
        "error",
        "bad line",
        error.message,
        f"{printable(error.text, 500)}\nWrite: {one_line(error.suggestion, 5000)}",
    )


def _reason(reason: str) -> str:
    return one_line(reason, 2000)
