"""junit.xml: a test case for each request, for a build service's report group.

A refused request is a failure, an undecided one or an unreadable line is an error. The elements
are those that CodeBuild's "Test reporting" reads of the JUnit XML format.
"""

from collections import Counter
from typing import BinaryIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from package_gate.models import LineError, RequestOutcome, Run, Verdict
from package_gate.text import one_line, printable

SUITE = "package gate"


def write_junit(run: Run, file: BinaryIO) -> None:
    """Write the document in UTF-8, one test case at a time."""
    counts = Counter(outcome.decision.verdict for outcome in run.outcomes)
    totals = {
        "name": SUITE,
        "tests": str(len(run.outcomes) + len(run.line_errors)),
        "failures": str(counts[Verdict.REFUSED]),
        "errors": str(counts[Verdict.UNDECIDED] + len(run.line_errors)),
        "skipped": "0",
        "time": f"{(run.finished_at - run.started_at).total_seconds():.3f}",
    }
    xml = XMLGenerator(file, encoding="utf-8", short_empty_elements=True)
    xml.startDocument()
    xml.startElement("testsuites", AttributesImpl(totals))
    timestamp = {"timestamp": f"{run.started_at:%Y-%m-%dT%H:%M:%S}"}
    xml.startElement("testsuite", AttributesImpl(totals | timestamp))
    for outcome in run.outcomes:
        _write_request(outcome, xml)
    for error in run.line_errors:
        _write_line_error(error, xml)
    xml.endElement("testsuite")
    xml.endElement("testsuites")
    xml.endDocument()


def _write_request(outcome: RequestOutcome, xml: XMLGenerator) -> None:
    request, decision = outcome.request, outcome.decision
    _start_case("package_gate.requests", one_line(f"{request.name} ({request.source})", 500), xml)
    if decision.verdict is not Verdict.APPROVED:
        reasons = decision.reasons or ("No reason was recorded.",)
        element = "failure" if decision.verdict is Verdict.REFUSED else "error"
        _write_fault(
            element, decision.verdict.value, reasons[0], "\n".join(map(_reason, reasons)), xml
        )
    xml.endElement("testcase")


def _write_line_error(error: LineError, xml: XMLGenerator) -> None:
    _start_case("package_gate.lines", f"line {error.line}", xml)
    _write_fault("error", "bad line", error.message, printable(error.text, 500), xml)
    xml.endElement("testcase")


def _start_case(classname: str, name: str, xml: XMLGenerator) -> None:
    attributes = {"classname": classname, "name": name, "time": "0"}
    xml.startElement("testcase", AttributesImpl(attributes))


def _write_fault(element: str, kind: str, message: str, text: str, xml: XMLGenerator) -> None:
    xml.startElement(element, AttributesImpl({"type": kind, "message": one_line(message, 500)}))
    xml.characters(text)
    xml.endElement(element)


def _reason(reason: str) -> str:
    return one_line(reason, 2000)
