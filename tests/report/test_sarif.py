import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from package_gate.core.decision import Verdict
from package_gate.core.finding import Location, Severity
from package_gate.core.request import PyPISource, Request
from package_gate.core.run import Run
from package_gate.report.sarif import write_sarif
from tests.report.sample_run import (
    artifact,
    hostile_run,
    judged,
    outcome,
    package,
    refused,
    run,
    sample_run,
)

SCHEMA = Path(__file__).parents[1] / "data" / "sarif-schema-2.1.0.json"
URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2})+")


def sarif(told: Run) -> Any:
    file = io.BytesIO()
    write_sarif(told, file)
    return json.loads(file.getvalue().decode("utf-8"))


def results(told: Run) -> list[Any]:
    return [result for each in sarif(told)["runs"] for result in each["results"]]


def uris(told: Run) -> list[str]:
    return [
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in results(told)
        for location in result["locations"] + result.get("relatedLocations", [])
    ]


def run_with(*findings: Any, name: str = "demo", version: str = "1.0") -> Run:
    demo = package(name, version, (artifact("demo.whl", 1),), findings)
    return run(
        outcome(Request("demo", PyPISource("demo"), "", 1), Verdict.REFUSED, ("x",), (demo,))
    )


@pytest.mark.parametrize("told", [sample_run(), hostile_run(), run()], ids=["all", "hostile", "no"])
def test_the_log_is_valid_by_the_schema(told: Run) -> None:
    validator = jsonschema.Draft4Validator(json.loads(SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(sarif(told))] == []


def test_there_is_one_run_for_each_scanner() -> None:
    drivers = [each["tool"]["driver"] for each in sarif(sample_run())["runs"]]
    assert [(driver["name"], driver.get("version")) for driver in drivers] == [
        ("archive", "0.1.0"), ("osv", "0.1.0"), ("guarddog", "3.2.0"), ("ruff", "0.17.6"),
    ]  # fmt: skip


def test_a_scanner_that_only_an_earlier_decision_names_has_its_run_too() -> None:
    told = run_with(judged("SNYK-1", Severity.HIGH, scanner="snyk"))
    assert [each["tool"]["driver"]["name"] for each in sarif(told)["runs"]][-1] == "snyk"
    assert len(results(told)) == 1


def test_each_result_points_to_its_rule() -> None:
    for each in sarif(hostile_run())["runs"] + sarif(sample_run())["runs"]:
        rules = each["tool"]["driver"]["rules"]
        for result in each["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.LOW, "note", "2.0"),
        (Severity.INFO, "note", "0.0"),
    ],
)
def test_severity_gives_level_and_score(severity: Severity, level: str, score: str) -> None:
    told = run_with(judged("R1", severity))
    (result,) = results(told)
    assert (result["level"], result["properties"]["security-severity"]) == (level, score)
    (rule,) = sarif(told)["runs"][3]["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == score


def test_a_rule_is_as_severe_as_its_worst_finding() -> None:
    told = run_with(judged("R1", Severity.LOW), judged("R1", Severity.HIGH))
    (rule,) = sarif(told)["runs"][3]["tool"]["driver"]["rules"]
    assert rule["defaultConfiguration"]["level"] == "error"


def test_a_waiver_is_a_suppression_and_nothing_else_is() -> None:
    suppressed = {
        result["ruleId"]: result["suppressions"]
        for result in results(sample_run())
        if result["suppressions"]
    }
    assert list(suppressed) == ["PYSEC-2024-900"]
    (suppression,) = suppressed["PYSEC-2024-900"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert "approved by Jo Example, until 2027-03-31" in suppression["justification"]


def test_places_are_told_by_package_version_artifact_and_path() -> None:
    (result,) = (each for each in results(sample_run()) if each["ruleId"] == "exec-base64")
    first = result["locations"][0]["physicalLocation"]
    assert first == {
        "artifactLocation": {"uri": "pyyaml/5.3.1/PyYAML-5.3.1.tar.gz/PyYAML-5.3.1/setup.py"},
        "region": {"startLine": 41},
    }
    assert len(result["relatedLocations"]) == 1
    assert result["occurrenceCount"] == 5


def test_every_place_is_a_relative_reference_that_stays_in_its_package() -> None:
    for uri in uris(hostile_run()) + uris(sample_run()):
        assert URI_REFERENCE.fullmatch(uri)
        assert not uri.startswith("/")
        assert ".." not in unquote(uri).split("/")


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("../../etc/passwd", "demo/1.0/demo.whl/%252E%252E/%252E%252E/etc/passwd"),
        ("/etc/passwd", "demo/1.0/demo.whl/etc/passwd"),
        ("a b#c?d%2e/é", "demo/1.0/demo.whl/a%20b%23c%3Fd%252e/%C3%A9"),
        ("C:\\x", "demo/1.0/demo.whl/C%3A%5Cx"),
    ],
)
def test_a_path_is_percent_encoded(path: str, uri: str) -> None:
    finding = judged("R1", Severity.HIGH, filename="demo.whl", locations=(Location(path),))
    assert uris(run_with(finding)) == [uri]


def test_a_message_holds_neither_links_nor_placeholders() -> None:
    finding = judged("R1", Severity.HIGH, message="[click](https://evil.example) {0}")
    (result,) = results(run_with(finding))
    assert "](" not in result["message"]["text"]
    assert "{{0}}" in result["message"]["text"]


def test_fingerprints_are_the_same_in_every_run_and_differ_between_findings() -> None:
    def fingerprints(told: Run) -> list[str]:
        return [each["partialFingerprints"]["packageGateFinding/v1"] for each in results(told)]

    again = sample_run()
    moved = replace(again, outcomes=tuple(reversed(again.outcomes)))
    assert set(fingerprints(sample_run())) == set(fingerprints(moved))
    assert len(set(fingerprints(again))) == len(fingerprints(again))


def test_a_package_that_several_requests_need_is_told_once() -> None:
    assert len(results(run(refused(), refused()))) == len(results(run(refused())))
