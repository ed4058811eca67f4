"""The record: written whole, checked when read, history kept."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from package_gate.core.artifact import Artifact, Origin
from package_gate.core.decision import (
    JudgedFinding,
    PackageDecision,
    RequestDecision,
    Verdict,
    Waiver,
)
from package_gate.core.errors import StoreError
from package_gate.core.finding import Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.request import PyPISource, Request
from package_gate.records.storage import FolderStorage
from package_gate.records.store import Records
from tests.local_run import PROJECT

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REQUEST = Request("idna", PyPISource("idna==3.7"), "jo@example.com", 3)
FINDING = Finding(
    "osv", "PYSEC-1", Kind.VULNERABILITY, None, "Bad.", locations=(Location("a.py", 3),)
)
PACKAGE = PackageDecision(
    name="idna",
    version="3.7",
    origin=Origin.PYPI,
    verdict=Verdict.APPROVED,
    reasons=("Fine.",),
    notes=(),
    artifacts=(Artifact("idna-3.7-py3-none-any.whl", "0" * 64, 5, "https://host.example/i", NOW),),
    findings=(
        JudgedFinding(
            FINDING, Severity.MEDIUM, False, Waiver("PYSEC-1", "idna", "", "2027-01-01", "Jo", "x")
        ),
    ),
    scanners=(ScannerInfo("osv", "1", "2026-05-31"),),
    policy_digest="p",
    decided_at=NOW,
    gate_version="1",
)
DECISION = RequestDecision(
    name="idna",
    source="pypi:idna==3.7",
    verdict=Verdict.APPROVED,
    reasons=("Fine.",),
    notes=(),
    packages=(),
    policy_digest="p",
    decided_at=NOW,
    gate_version="1",
    notified={"jo@example.com": "d"},
)


@pytest.fixture
def decisions(tmp_path: Path) -> Records:
    return Records(FolderStorage(tmp_path))


def only_record(folder: Path) -> Path:
    (record,) = (path for path in folder.glob("*/*/*.json") if path.parent.name != "owed")
    return record


def test_what_is_put_is_read_back(decisions: Records, tmp_path: Path) -> None:
    decisions.put(PACKAGE)
    decisions.put(DECISION)
    for reader in (decisions, Records(FolderStorage(tmp_path))):
        assert reader.package(Origin.PYPI, "idna", "3.7") == PACKAGE
        assert reader.request(REQUEST) == DECISION


def test_what_could_not_be_written_over_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FolderStorage(tmp_path)
    decisions = Records(storage)
    decisions.put(PACKAGE)
    with monkeypatch.context() as full:

        def write(key: str, content: bytes) -> None:
            FolderStorage(tmp_path).write(key, content)
            raise StoreError("The connection broke when it was written.")

        full.setattr(storage, "write", write)
        with pytest.raises(StoreError):
            decisions.put(replace(PACKAGE, notes=("New.",)))
    now = decisions.package(Origin.PYPI, "idna", "3.7")
    assert now is not None
    assert now.notes == ("New.",)


def test_another_runs_refusal_is_seen_when_it_matters(decisions: Records, tmp_path: Path) -> None:
    decisions.put(PACKAGE)
    Records(FolderStorage(tmp_path)).put(replace(PACKAGE, verdict=Verdict.REFUSED))
    now = decisions.package_now(Origin.PYPI, "idna", "3.7")
    assert now is not None
    assert now.verdict is Verdict.REFUSED


def test_what_was_never_decided_is_none(decisions: Records) -> None:
    assert decisions.package(Origin.PYPI, "idna", "3.7") is None
    assert decisions.package(Origin.ARCHIVE, "idna", "3.7") is None
    assert decisions.request(REQUEST) is None


def test_a_request_is_known_by_name_and_source_whoever_asks(decisions: Records) -> None:
    decisions.put(DECISION)
    assert decisions.request(replace(REQUEST, requester="x@y.example", line=9)) == DECISION
    assert decisions.request(replace(REQUEST, source=PyPISource("idna==3.8"))) is None


def test_an_overturned_decision_is_kept_in_the_history(decisions: Records, tmp_path: Path) -> None:
    decisions.put(PACKAGE)
    refused = replace(PACKAGE, verdict=Verdict.REFUSED, decided_at=datetime(2026, 7, 1, tzinfo=UTC))
    decisions.put(refused)
    assert decisions.package(Origin.PYPI, "idna", "3.7") == refused
    (kept,) = (tmp_path / "decisions/history/packages/pypi/idna/3.7").iterdir()
    assert kept.name == "20260601T120000.000000Z.json"
    assert json.loads(kept.read_bytes())["verdict"] == "approved"


def test_a_decision_that_only_gained_a_publication_leaves_no_history(
    decisions: Records, tmp_path: Path
) -> None:
    decisions.put(PACKAGE)
    decisions.put(replace(PACKAGE, published_to="file:///x"))
    assert not (tmp_path / "decisions" / "history").exists()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"verdict": "approved"}', b"\xff\xfe"],
)
def test_a_damaged_record_is_an_error_not_a_missing_one(
    decisions: Records, tmp_path: Path, damage: bytes
) -> None:
    decisions.put(DECISION)
    only_record(tmp_path).write_bytes(damage)
    with pytest.raises(StoreError, match="damaged"):
        decisions.request(REQUEST)


def test_a_verdict_that_no_gate_writes_is_an_error(decisions: Records, tmp_path: Path) -> None:
    decisions.put(DECISION)
    record = only_record(tmp_path)
    record.write_text(record.read_text().replace('"approved"', '"allowed"'))
    with pytest.raises(StoreError, match="verdict"):
        decisions.request(REQUEST)


def test_a_record_copied_over_another_requests_is_an_error(
    decisions: Records, tmp_path: Path
) -> None:
    decisions.put(replace(DECISION, name="other"))
    other = only_record(tmp_path)
    approved = other.read_bytes()
    other.unlink()
    decisions.put(DECISION)
    only_record(tmp_path).write_bytes(approved)
    with pytest.raises(StoreError, match="another request's"):
        decisions.request(REQUEST)


@pytest.mark.parametrize("name", ["../x", "a/b", ".lock"])
def test_no_name_leaves_the_folder(decisions: Records, name: str) -> None:
    with pytest.raises(StoreError, match="can't be the name"):
        decisions.put(replace(PACKAGE, name=name))


def test_a_failed_write_leaves_the_earlier_record_and_no_litter(
    decisions: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions.put(DECISION)

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        decisions.put(replace(DECISION, reasons=("Changed.",)))
    assert decisions.request(REQUEST) == DECISION
    assert [path.name for path in (tmp_path / "decisions" / "requests").iterdir()] == [
        only_record(tmp_path).name
    ]


def test_two_runs_do_not_hold_the_store_at_once(tmp_path: Path) -> None:
    first, second = FolderStorage(tmp_path), FolderStorage(tmp_path)
    with first.exclusive(), pytest.raises(StoreError, match="Another run"), second.exclusive():
        pass
    with second.exclusive():
        pass


def test_what_threads_read_is_known_to_msgspec_before_there_are_threads() -> None:
    """Two threads that are the first to read a class crashed the process, one time in ten."""
    program = (
        "import package_gate.core.decision as c, package_gate.records.store as d\n"
        "for kind in (d.PackageDecision, d.RequestDecision, c.PackageSummary):\n"
        "    print('__msgspec_cache__' in vars(kind))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3


def test_nothing_is_recorded_once_the_run_is_over(tmp_path: Path) -> None:
    """Threads that an interrupt leaves at work take the end of everything for failures."""
    decisions = Records(FolderStorage(tmp_path))
    with decisions.exclusive():
        decisions.put(PACKAGE)
    with pytest.raises(StoreError, match="was stopped"):
        decisions.put(replace(PACKAGE, verdict=Verdict.UNDECIDED))
    assert decisions.package(Origin.PYPI, "idna", "3.7") == PACKAGE
