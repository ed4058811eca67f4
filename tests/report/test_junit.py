import io
from dataclasses import replace
from xml.etree import ElementTree

from package_gate.core.run import Run
from package_gate.report.junit import MAX_CASES, Case, capped, write_junit
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


def test_a_request_that_waits_for_a_cooldown_is_skipped() -> None:
    run = sample_run()
    waiting = [
        replace(each, decision=replace(each.decision, waits_until=run.finished_at))
        for each in run.outcomes
        if each.request.name == "polars"
    ]
    told = suite(replace(run, outcomes=tuple(waiting), line_errors=()))
    assert (told.get("skipped"), told.get("errors")) == (str(len(waiting)), "0")
    assert {each.tag for each in told.findall("testcase/*")} == {"skipped"}


def test_more_cases_than_codebuild_takes_are_capped_with_the_bad_ones_kept() -> None:
    """Quotas for AWS CodeBuild: 500 test cases a report."""
    fine = [Case("a", str(number)) for number in range(MAX_CASES)]
    assert capped(fine, "more", "all.json") == fine
    bad = [Case("b", str(number), "failure") for number in range(MAX_CASES)]
    some = capped([*fine, *bad[:3]], "more", "all.json")
    assert len(some) == MAX_CASES
    assert some[:3] == bad[:3]
    assert (some[-1].name, some[-1].element) == ("4 more: see all.json", "")
    rest = capped([*fine, *bad], "more", "all.json")[-1]
    assert (rest.name, rest.element) == ("501 more: see all.json", "failure")
    assert rest.message == "1 of them are refused or undecided."
