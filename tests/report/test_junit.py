import io
from xml.etree import ElementTree

from package_gate.core.run import Run
from package_gate.report.junit import write_junit
from tests.report.sample_run import hostile_run, sample_run


def suite(run: Run) -> ElementTree.Element:
    file = io.BytesIO()
    write_junit(run, file)
    (only,) = ElementTree.fromstring(file.getvalue())
    return only


def test_each_request_and_each_bad_line_is_a_test_case() -> None:
    told = suite(sample_run())
    assert told.get("name") == "package gate"
    assert (told.get("tests"), told.get("failures"), told.get("errors")) == ("11", "1", "4")
    assert len(told.findall("testcase")) == 11
    assert told.get("time") == "73.000"


def test_a_refusal_is_a_failure_with_its_reasons() -> None:
    (failure,) = suite(sample_run()).findall("testcase[@name='pyyaml (pypi:PyYAML==5.3.1)']/*")
    assert (failure.tag, failure.get("type")) == ("failure", "refused")
    assert "PYSEC-2021-142" in (failure.get("message") or "")
    assert "exec-base64" in (failure.text or "")


def test_an_approval_passes_and_an_undecided_request_is_an_error() -> None:
    told = suite(sample_run())
    assert not list(told.findall("testcase")[0])
    (error,) = told.findall("testcase")[2]
    assert (error.tag, error.get("type")) == ("error", "undecided")
    (bad_line,) = told.findall("testcase[@name='line 6']/*")
    assert "semicolons" in (bad_line.get("message") or "")


def test_hostile_text_stays_text() -> None:
    told = suite(hostile_run())
    assert len(told.findall("testcase")) == 13
    assert {element.tag for element in told.iter()} == {"testsuite", "testcase", "failure", "error"}
    assert all(
        line.isprintable()
        for element in told.iter()
        for text in (element.text or "", *element.attrib.values())
        for line in text.split("\n")
    )
