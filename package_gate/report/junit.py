"""junit.xml: a test case for each request, for a build service's report group.

A refused request is a failure, an undecided one or an unreadable line is an error. The elements
are those that CodeBuild's "Test reporting" reads of the JUnit XML format.
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


@dataclass(frozen=True, slots=True)
class Case:
    """A test case."""

    classname: str
    name: str
    element: str = ""
    """`failure` or `error`; "" for a case that passes."""
    kind: str = ""
    message: str = ""
    text: str = ""
    seconds: float = 0.0


def write_junit(run: Run, file: BinaryIO) -> None:
    """Write a run of the gate."""
    cases = chain(map(_request, run.outcomes), map(_line_error, run.line_errors))
    write_cases(SUITE, list(cases), run.started_at, run.finished_at, file)


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
        "skipped": "0",
        "time": f"{(finished - started).total_seconds():.3f}",
    }
    xml = XMLGenerator(file, encoding="utf-8", short_empty_elements=True)
    xml.startDocument()
    xml.startElement("testsuites", AttributesImpl(totals))
    timestamp = {"timestamp": f"{started:%Y-%m-%dT%H:%M:%S}"}
    xml.startElement("testsuite", AttributesImpl(totals | timestamp))
    for case in cases:
        attributes = {"classname": case.classname, "name": case.name, "time": f"{case.seconds:.3f}"}
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
    return replace(
        case,
        element="failure" if decision.verdict is Verdict.REFUSED else "error",
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
