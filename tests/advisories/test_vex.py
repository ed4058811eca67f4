"""OpenVEX is a suggestion: it changes what a finding recommends, and no verdict."""

import json
from pathlib import Path
from typing import Any

import pytest

from package_gate.advisories.beside import read_beside
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_snapshot import Snapshot
from package_gate.core.artifact import Origin, ResolvedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.judge import judge
from package_gate.core.policy import Policy
from tests.core.test_policy import TODAY

HOLE = Finding(
    "osv", "PYSEC-1", Kind.VULNERABILITY, Severity.HIGH, "A hole.", "Upgrade.", aliases=("CVE-1",)
)
PACKAGE = NamedPackage("demo-x", "1.0")
SAID = (
    "Upgrade. Demo Ltd says in demo.openvex.json that it is not affected: vulnerable code not "
    "present. Read it before you waive."
)


def vex(**changes: Any) -> dict[str, Any]:
    statement = {
        "vulnerability": {"name": "CVE-1"},
        "products": [{"@id": "pkg:pypi/Demo_X@1.0"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
    }
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "Demo Ltd",
        "timestamp": "2026-01-01T00:00:00Z",
        "statements": [statement | changes],
    }


def suggested(folder: Path, document: Any, package: NamedPackage = PACKAGE) -> str:
    (folder / "demo.openvex.json").write_text(json.dumps(document))
    return read_beside(folder, 0.5).annotated(package, HOLE).recommendation


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"vulnerability": "CVE-1"},
        {"vulnerability": {"name": "GHSA-1", "aliases": ["CVE-1"]}},
        {"products": ["pkg:pypi/demo-x"]},
        {"products": [{"@id": "https://example.com", "identifiers": {"purl": "pkg:pypi/demo-x"}}]},
    ],
)
def test_a_statement_about_the_package_is_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert suggested(tmp_path, vex(**changes)) == SAID


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "affected"},
        {"status": "under_investigation"},
        {"vulnerability": "CVE-2"},
        {"products": ["pkg:pypi/demo-x@1.1"]},
        {"products": ["pkg:npm/demo-x@1.0", "demo-x", ""]},
        {"products": []},
    ],
)
def test_other_statements_are_not(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert suggested(tmp_path, vex(**changes)) == "Upgrade."


def test_it_waives_nothing(tmp_path: Path) -> None:
    (tmp_path / "demo.openvex.json").write_text(json.dumps(vex()))
    finding = read_beside(tmp_path, 0.5).annotated(PACKAGE, HOLE)
    package = ResolvedPackage("demo-x", "1.0", Origin.PYPI, ())
    scanners = [ScannerInfo("osv", "1")]
    (judged,) = judge(package, [finding], scanners, [], Policy(), TODAY).findings
    assert (judged.refuses, judged.waiver) == (True, None)


def test_hostile_text_is_made_fit_to_be_read(tmp_path: Path) -> None:
    said = suggested(tmp_path, vex(justification="", impact_statement="\x1b[2J\n" + "x" * 9999))
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", json.dumps(vex() | {"@context": "https://example.com"}), "[" * 9999]
)
def test_something_else_leaves_packages_undecided(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.openvex.json").write_text(content)
    with pytest.raises(ScannerError, match="no OpenVEX document"):
        read_beside(tmp_path, 0.5)


def test_it_is_no_advisory(tmp_path: Path) -> None:
    (tmp_path / "demo.openvex.json").write_text(json.dumps(vex()))
    record = {
        "id": "PYSEC-1", "modified": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1"]}],
    }  # fmt: skip
    (tmp_path / "PYSEC-1.json").write_text(json.dumps(record))
    assert Snapshot(tmp_path).entries == 1
