"""The example, against real advisories: none is missed, and the proposed file has none.

The index is a fake with these four projects, so that nothing depends on what is released next.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from package_gate.advisories import osv
from package_gate.core.decision import Verdict
from package_gate.core.policy import AdvisoryAges
from tests.dependency_scan.world import World, proposed, verdicts
from tests.fakes.package_index import metadata
from tests.shared import shared

PROJECT = Path(__file__).parent.parent.parent
EXAMPLE = PROJECT / "examples" / "dependency-scan" / "requirements.txt"
SNAPSHOT = "advisories/PyPI-all.zip"
PINS = {"pyyaml": "5.3.1", "pillow": "7.1.2", "pylint": "2.5.3", "urllib3": "1.25.8"}


def records() -> list[dict[str, Any]]:
    with zipfile.ZipFile(shared(SNAPSHOT)) as archive:
        return [json.loads(archive.read(name)) for name in archive.namelist()]


def known() -> dict[str, set[str]]:
    """Read by another way than the scanner's: the ids of all records that list the version."""
    ids: dict[str, set[str]] = {name: set() for name in PINS}
    for record in records():
        for affected in record.get("affected", ()):
            name = affected["package"]["name"].lower()
            if not record.get("withdrawn") and PINS.get(name) in affected.get("versions", ()):
                ids[name].add(record["id"])
    return ids


def test_the_example(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in (("pyyaml", "5.3.1"), ("pillow", "7.1.2"), ("lazy-object-proxy", "1.4.3")):
        world.index.add_sdist(name, version, {"PKG-INFO": metadata(name, version)})
    wheels: list[tuple[str, str, list[str]]] = [
        ("pyyaml", "6.0.2", []), ("pillow", "10.4.0", []), ("pillow", "9.5.0", []),
        ("pylint", "2.5.3", ["astroid>=2.4.0,<=2.5"]), ("pylint", "3.3.1", ["astroid"]),
        ("astroid", "2.4.2", ["lazy-object-proxy==1.4.*"]), ("astroid", "3.3.5", []),
        ("urllib3", "1.25.8", []), ("urllib3", "1.26.20", []), ("urllib3", "2.2.3", []),
    ]  # fmt: skip
    for name, version, requires in wheels:
        world.index.add_wheel(name, version, requires)
    snapshot = osv.OSVSettings(str(shared(SNAPSHOT)))
    monkeypatch.setattr("tests.dependency_scan.world.OSVSettings", lambda _: snapshot)

    ages = AdvisoryAges(undecided_after_days=3650)
    result = world.scan({"requirements.txt": EXAMPLE.read_text()}, advisories=ages)
    assert "OLD ADVISORIES" in result.old_advisories

    found = {
        package.name: {
            name
            for judged in package.findings
            for name in (judged.finding.rule, *judged.finding.aliases)
        }
        for package in result.packages
    }
    expected = known()
    assert {name: len(ids) for name, ids in expected.items()} == {
        "pyyaml": 1, "pillow": 26, "pylint": 0, "urllib3": 4,
    }  # fmt: skip
    for name, ids in expected.items():
        assert ids <= found[name]
    assert found["pylint"] == set()
    assert not any(
        affected["package"]["name"] == "pylint"
        for record in records()
        for affected in record.get("affected", ())
    )
    assert all(
        judged.finding.recommendation.startswith("Upgrade to ")
        for package in result.packages
        for judged in package.findings
    )
    assert result.problems == ()
    assert proposed(result) == {
        "requirements.txt": EXAMPLE.read_text()
        .replace("5.3.1", "6.0.2")
        .replace("7.1.2", "10.4.0")
        .replace("1.25.8", "2.2.3")
    }
    again = world.scan({"requirements.txt": proposed(result)["requirements.txt"]}, advisories=ages)
    assert again.verdict is Verdict.APPROVED
    assert verdicts(again)["pylint 2.5.3"] == "approved"
