"""Records of gate 0.1 are taken over as evidence and decisions, and nothing is done twice."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from package_gate.core.artifact import Origin
from package_gate.core.decision import JudgedFinding, PackageDecision, Verdict
from package_gate.core.errors import SourceError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.policy import Policy, Refuse
from package_gate.records.legacy import evidence_of
from package_gate.report.encoding import json_bytes
from tests.gate_parts import World, request
from tests.records.test_store import PACKAGE

NEW_FIELDS = {"schema", "evidence", "standing", "until", "basis", "complete"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, scanners={"guarddog": "3.2", "ruff": "0.9"})


def make_old(world: World) -> None:
    """Write the records as gate 0.1 would have."""
    rmtree(world.folder / "evidence")

    def old(record: dict[str, Any]) -> None:
        for name in NEW_FIELDS & record.keys():
            del record[name]
        for artifact in record.get("artifacts", ()):
            artifact.pop("kind", None)
            artifact.pop("yanked", None)
        if "notified" in record:
            said = json_bytes([record["verdict"], record["reasons"]])
            digest = hashlib.sha256(said).hexdigest()
            record["notified"] = dict.fromkeys(record["notified"], digest)
        record["policy_digest"] = "of the file"

    edit_all(world, old)


def edit_all(world: World, edit: Callable[[dict[str, Any]], None]) -> None:
    for path in (world.folder / "decisions").rglob("*.json"):
        record = json.loads(path.read_text())
        edit(record)
        path.write_text(json.dumps(record))


def found(scanner: str, rule: str) -> JudgedFinding:
    finding = Finding(scanner, rule, Kind.MALWARE, Severity.MEDIUM, "Odd.")
    return JudgedFinding(finding, Severity.MEDIUM, refuses=False)


OLD = replace(
    PACKAGE,
    findings=(
        found("guarddog", "runs-decoded-code"),
        found("guarddog", "threat-runtime-obfuscation"),
        found("osv", "PYSEC-1"),
    ),
    scanners=tuple(ScannerInfo(name, "1.5") for name in ("archive", "guarddog", "osv", "ruff")),
)


def test_an_old_record_is_evidence_of_its_content_scanners() -> None:
    evidence = evidence_of(OLD)
    assert evidence is not None
    found = {s.scanner.name: [f.rule for f in s.findings] for s in evidence.scans}
    assert found == {
        "archive": [],
        "behaviour": ["runs-decoded-code"],
        "guarddog": ["threat-runtime-obfuscation"],
        "ruff": [],
    }
    assert evidence.artifacts == OLD.artifacts
    assert evidence.inventories is None


@pytest.mark.parametrize(
    "decision", [replace(OLD, schema=2), replace(OLD, verdict=Verdict.UNDECIDED)]
)
def test_other_records_are_none(decision: PackageDecision) -> None:
    assert evidence_of(decision) is None


def test_approvals_stand_and_nothing_is_published_or_emailed_again(world: World) -> None:
    world.closures["app"] = ["app", "dep"]
    world.run(request("app", "jo@example.com"))
    make_old(world)
    world.calls.clear()
    run = world.run(request("app", "jo@example.com"))
    assert run.outcomes[0].decision.verdict is Verdict.APPROVED
    assert not run.unfinished
    assert world.count("publish app") == world.count("publish dep") == 0
    assert len(world.emails) == 1
    assert world.count("scan app") == 0  # only unpacked again, for its inventory
    world.calls.clear()
    world.run(request("app", "jo@example.com"))
    assert world.calls == []


def test_approvals_stand_when_their_files_cannot_be_had_any_more(world: World) -> None:
    world.run(request("x"))
    make_old(world)
    world.fetch_errors["x"] = world.resolve_errors["x"] = SourceError("404")
    run = world.run(request("x"))
    assert run.outcomes[0].decision.verdict is Verdict.APPROVED
    assert run.unfinished
    assert list(world.published) == ["x 1.0"]


def test_what_an_old_record_found_counts_by_the_policy_of_today(world: World) -> None:
    world.findings["x"] = [Finding("guarddog", "odd", Kind.MALWARE, Severity.MEDIUM, "Odd.")]
    world.run(request("x"))
    make_old(world)
    world.findings.clear()
    world.policy = Policy(refuse=Refuse(malware="medium"))
    run = world.run(request("x"))
    assert run.outcomes[0].decision.verdict is Verdict.REFUSED
    assert world.published == {}


def test_a_release_that_was_yanked_stays_so(world: World) -> None:
    world.run(request("x"))
    make_old(world)
    yanked = Finding("index", "yanked", Kind.VULNERABILITY, Severity.MEDIUM, "Yanked.")

    def add(record: dict[str, Any]) -> None:
        if "findings" in record:
            judged = JudgedFinding(yanked, Severity.MEDIUM, refuses=False)
            record["findings"] = [json.loads(json_bytes(judged))]

    edit_all(world, add)
    run = world.run(request("x"))
    assert run.outcomes[0].decision.verdict is Verdict.REFUSED
    assert world.records.package(Origin.PYPI, "x", "1.0").verdict is Verdict.REFUSED  # type: ignore[union-attr]
