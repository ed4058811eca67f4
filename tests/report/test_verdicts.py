import io
import json
from pathlib import Path
from typing import Any

from package_gate.core.run import Run
from package_gate.report.verdicts import write_verdicts
from package_gate.report.write import write_reports
from tests.report.sample_run import HOSTILE, earlier, hostile_run, run, sample_run


def verdicts(told: Run) -> Any:
    file = io.BytesIO()
    write_verdicts(told, file)
    return json.loads(file.getvalue().decode("utf-8"))


def test_the_document_has_the_keys_of_the_contract() -> None:
    document = verdicts(sample_run())

    assert document["summary"] == {
        "approved": 6,
        "refused": 1,
        "undecided": 2,
        "waiting": 0,
        "overdue": 0,
    }
    assert [error["line"] for error in document["errors"]] == [6, 9]
    assert len(document["requests"]) == 9
    for request in document["requests"]:
        assert {
            "name", "source", "requester", "line", "verdict", "reasons", "packages",
        } <= request.keys()  # fmt: skip
        for package in request["packages"]:
            assert {
                "name", "version", "verdict", "artifacts", "findings", "published_to",
            } <= package.keys()  # fmt: skip
            for artifact in package["artifacts"]:
                assert {"filename", "sha256", "size"} <= artifact.keys()


def test_a_finding_tells_whether_it_refuses_and_who_waived_it() -> None:
    document = verdicts(sample_run())
    findings = {
        finding["rule"]: finding
        for request in document["requests"]
        for package in request["packages"]
        for finding in package["findings"]
    }

    critical = findings["PYSEC-2021-142"]
    assert (critical["severity"], critical["refuses"]) == ("critical", True)
    assert critical["waived_by"] is None
    waived = findings["PYSEC-2024-900"]
    assert (waived["refuses"], waived["waived_by"]) == (False, "Jo Example")
    assert waived["waiver"]["expires"] == "2027-03-31"
    malware = findings["exec-base64"]
    assert malware["count"] == 5
    assert malware["locations"][0] == {
        "path": "PyYAML-5.3.1/setup.py",
        "line": 41,
        "code": "",
    }


def test_warnings_and_sample_advisories_are_in_it() -> None:
    document = verdicts(sample_run())
    assert document["sample_advisories"] is True
    assert "grace@research.example" in document["warnings"][0]


def test_a_package_that_was_never_decided_is_listed_without_findings() -> None:
    requests = {request["name"]: request for request in verdicts(sample_run())["requests"]}
    core = requests["langchain"]["packages"][1]
    assert (core["name"], core["verdict"], core["findings"]) == ("langchain-core", "undecided", [])


def test_hostile_text_comes_back_as_it_was_but_for_lone_surrogates() -> None:
    document = verdicts(hostile_run())
    assert document["requests"][0]["reasons"] == [HOSTILE.replace("\ud800", "?")]


def test_an_empty_run_is_a_valid_document() -> None:
    document = verdicts(run())
    assert document["requests"] == []
    assert document["summary"] == {
        "approved": 0,
        "refused": 0,
        "undecided": 0,
        "waiting": 0,
        "overdue": 0,
    }


class _Pieces(io.BytesIO):
    """Remembers the largest piece that was written at once."""

    largest = 0

    def write(self, piece: Any) -> int:
        self.largest = max(self.largest, len(piece))
        return super().write(piece)


def test_many_requests_are_written_in_small_pieces() -> None:
    file = _Pieces()
    write_verdicts(run(*(earlier(number) for number in range(1000))), file)
    assert len(file.getvalue()) > 500_000
    assert file.largest < 5_000


def test_an_old_report_stays_whole_when_writing_fails(tmp_path: Path) -> None:
    write_reports(sample_run(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    broken = run("not an outcome")  # type: ignore[arg-type]

    try:
        write_reports(broken, tmp_path)
    except AttributeError:
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    else:
        raise AssertionError("the broken run was written")
