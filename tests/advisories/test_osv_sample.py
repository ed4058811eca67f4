"""The hand-written sample set: what it knows is right, and it says what it is."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv import OSV, OSVSettings
from package_gate.core.finding import Finding, Severity
from package_gate.core.packaged import packaged
from tests.shared import shared

SAMPLE = packaged("data/advisories")
RECORDS = sorted(SAMPLE.rglob("*.json"))


@pytest.fixture(scope="module")
def source() -> OSV:
    return OSV(OSVSettings(str(SAMPLE), sample=True))


def known(source: OSV, name: str, version: str) -> tuple[Finding, ...]:
    [found] = source.query([NamedPackage(name, version)])
    return found


@pytest.mark.parametrize(
    ("name", "version", "rules"),
    [
        ("pyyaml", "5.3.1", {"PYSEC-2021-142"}),
        (
            "urllib3",
            "1.25.8",
            {"PYSEC-2020-148", "PYSEC-2021-108", "PYSEC-2023-192", "PYSEC-2023-212"},
        ),
        ("requests", "2.30.0", {"PYSEC-2023-74"}),
        ("jinja2", "2.10", {"PYSEC-2019-217", "PYSEC-2021-66"}),
        ("idna", "3.6", {"PYSEC-2024-60"}),
        ("certifi", "2022.12.7", {"PYSEC-2023-135"}),
        ("flask", "2.3.1", {"PYSEC-2023-62"}),
        ("werkzeug", "3.0.0", {"PYSEC-2023-221"}),
    ],
)
def test_known_vulnerable_releases_are_found(
    source: OSV, name: str, version: str, rules: set[str]
) -> None:
    assert {finding.rule for finding in known(source, name, version)} == rules


def test_pillow_7_1_2_has_its_known_flaws(source: OSV) -> None:
    findings = known(source, "pillow", "7.1.2")
    assert len(findings) == 26
    assert {"PYSEC-2021-35", "PYSEC-2022-10", "PYSEC-2023-175"} <= {f.rule for f in findings}


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("pyyaml", "5.4"),
        ("pyyaml", "6.0.2"),
        ("pillow", "10.4.0"),
        ("urllib3", "1.26.20"),
        ("urllib3", "2.2.3"),
        ("requests", "2.32.3"),
        ("jinja2", "3.1.4"),
        ("idna", "3.10"),
        ("certifi", "2024.8.30"),
        ("flask", "3.0.3"),
        ("werkzeug", "3.0.4"),
        ("click", "8.1.7"),
        ("six", "1.16.0"),
    ],
)
def test_releases_without_a_known_flaw_are_clean(source: OSV, name: str, version: str) -> None:
    assert known(source, name, version) == ()


def test_the_flaw_of_pyyaml_5_3_1_is_told_in_full(source: OSV) -> None:
    [finding] = known(source, "pyyaml", "5.3.1")
    assert finding.severity is Severity.CRITICAL
    assert finding.aliases == ("GHSA-8q59-q68h-6hv4", "CVE-2020-14343")
    assert finding.recommendation == "Upgrade to 5.4 or newer."


def test_verdicts_can_be_seen_to_rest_on_the_sample(source: OSV) -> None:
    assert source.info.data == "sample advisories"
    assert source.info.data_date == "2024-10-10"


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_each_record_says_where_it_comes_from(path: Path) -> None:
    record = json.loads(path.read_text())
    assert record["id"] == path.stem
    assert record["database_specific"] == {"source": "package gate sample"}
    assert record["summary"]
    assert "details" not in record


def _ecosystem_events(record: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        event
        for affected in record["affected"]
        for each in affected["ranges"]
        if each["type"] == "ECOSYSTEM"
        for entry in each["events"]
        for event in entry.items()
    }


def test_the_facts_are_those_of_the_real_advisories() -> None:
    with zipfile.ZipFile(shared("advisories/PyPI-all.zip")) as archive:
        for path in RECORDS:
            ours, real = json.loads(path.read_text()), json.loads(archive.read(path.name))
            assert "withdrawn" not in real
            assert _ecosystem_events(ours) == _ecosystem_events(real)
            assert set(ours.get("aliases", [])) <= set(real.get("aliases", []))
            if "severity" in real:
                assert ours["severity"] == real["severity"]
            [affected], [real_affected] = ours["affected"], real["affected"]
            assert affected["package"]["name"] == real_affected["package"]["name"]
            assert ours["summary"] not in real["details"]
