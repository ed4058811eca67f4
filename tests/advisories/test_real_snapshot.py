"""2,661 real advisories, and a slow, literal reading of the format's evaluation to compare with."""

import json
import random
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from package_gate.advisories import osv_records as advisories
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_records import affects
from package_gate.advisories.osv_snapshot import Snapshot
from tests.shared import shared

BEFORE_EVERYTHING = Version("0.dev0")

Record = dict[str, Any]


@pytest.fixture(scope="module")
def real() -> Path:
    return shared("advisories/PyPI-all.zip")


@pytest.fixture(scope="module")
def records(real: Path) -> list[Record]:
    with zipfile.ZipFile(real) as archive:
        return [json.loads(archive.read(name)) for name in sorted(archive.namelist())]


class Ours:
    """The gate's answer; what is read of a package is kept, for the tests' speed."""

    def __init__(self, real: Path) -> None:
        self._snapshot = Snapshot(real)
        self._found: dict[str, list[advisories.Record]] = {}

    def __call__(self, name: str, version: str) -> set[str]:
        installed = NamedPackage(canonicalize_name(name), version)
        if installed.name not in self._found:
            [self._found[installed.name]] = self._snapshot.find([installed])
        return {each.id for each in self._found[installed.name] if affects(each, installed)}


@pytest.fixture(scope="module")
def ours(real: Path) -> Ours:
    return Ours(real)


def oracle(records: list[Record], name: str, version: str) -> set[str]:
    """`IsVulnerable` of the format's documentation, word for word, on every record."""
    return {
        record["id"]
        for record in records
        if not record.get("withdrawn")
        and any(
            normalised(affected["package"]["name"]) == normalised(name)
            and (
                included_in_versions(Version(version), affected.get("versions", []))
                or included_in_ranges(Version(version), affected.get("ranges", []))
            )
            for affected in record["affected"]
        )
    }


def included_in_versions(version: Version, versions: list[str]) -> bool:
    return any(is_pep_440(each) and parsed(each) == version for each in versions)


def included_in_ranges(version: Version, ranges: list[Record]) -> bool:
    for each in ranges:
        if each["type"] != "ECOSYSTEM":
            continue
        vulnerable = False
        for event in sorted(each["events"], key=event_order):
            if "introduced" in event and version >= event_version(event):
                vulnerable = True
            elif "fixed" in event and version >= event_version(event):  # noqa: SIM114  # as there
                vulnerable = False
            elif "last_affected" in event and version > event_version(event):
                vulnerable = False
        if vulnerable:
            return True
    return False


def event_order(event: dict[str, str]) -> tuple[Version, bool]:
    # The format does not say which of two events at one version goes first. A fix does, so that
    # [3.1, 3.2) and [3.2, 3.3) in one list leave no hole at 3.2: see PYSEC-2023-72.
    return event_version(event), "fixed" not in event


def event_version(event: dict[str, str]) -> Version:
    [(kind, text)] = event.items()
    return BEFORE_EVERYTHING if (kind, text) == ("introduced", "0") else Version(text)


normalised = cache(canonicalize_name)
parsed = cache(Version)


@cache
def is_pep_440(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def versions_of_interest(record: Record) -> list[str]:
    """Every version that a record names, and its neighbours."""
    named = {
        version
        for affected in record["affected"]
        for version in [
            *affected.get("versions", []),
            *(
                text
                for each in affected.get("ranges", [])
                if each["type"] == "ECOSYSTEM"
                for event in each["events"]
                for text in event.values()
            ),
        ]
    }
    good = sorted(filter(is_pep_440, named))
    near = [f"{Version(version).public}.post1" for version in good]
    return good + list(filter(is_pep_440, near))


def test_300_versions_are_judged_as_a_literal_reading_of_the_format_does(
    records: list[Record], ours: Ours
) -> None:
    # A bound that PEP 440 can't order is ours to judge; the literal reading has no answer.
    comparable = [
        record
        for record in records
        if all(
            is_pep_440(text)
            for affected in record["affected"]
            for each in affected.get("ranges", [])
            if each["type"] == "ECOSYSTEM"
            for event in each["events"]
            for text in event.values()
        )
    ]
    assert len(comparable) >= len(records) - 2
    chosen = random.Random(20241010)
    affected = 0
    for record in chosen.sample(comparable, 300):
        name = record["affected"][0]["package"]["name"]
        version = chosen.choice(versions_of_interest(record) or ["1.0"])
        expected = oracle(comparable, name, version)
        assert ours(name, version) & {r["id"] for r in comparable} == expected, (
            name,
            version,
        )
        affected += bool(expected)
    assert 100 < affected < 300


def test_ranges_that_touch_leave_no_hole(ours: Ours) -> None:
    assert "PYSEC-2023-72" in ours("pyspark", "3.2.1")
    assert "PYSEC-2023-72" not in ours("pyspark", "3.2.2")


def test_withdrawn_records_never_count(records: list[Record], ours: Ours) -> None:
    withdrawn = [record for record in records if record.get("withdrawn")]
    assert len(withdrawn) == 10
    for record in withdrawn:
        name = record["affected"][0]["package"]["name"]
        for version in [*versions_of_interest(record)[::9], "1.0", "99999"]:
            assert record["id"] not in ours(name, version)


def test_every_listed_version_is_found(records: list[Record], ours: Ours) -> None:
    for record in random.Random(1).sample([r for r in records if not r.get("withdrawn")], 100):
        for affected in record["affected"]:
            for version in affected.get("versions", [])[::50]:
                assert record["id"] in ours(affected["package"]["name"], version)


def test_the_version_with_the_fix_is_not_flagged(records: list[Record], ours: Ours) -> None:
    checked = 0
    for record in records:
        [affected] = record["affected"]
        for each in affected.get("ranges", []):
            if each["type"] != "ECOSYSTEM" or len(each["events"]) != 2:
                continue
            fixed = each["events"][1].get("fixed")
            if fixed is None or fixed in affected.get("versions", []) or not is_pep_440(fixed):
                continue
            checked += 1
            if checked % 5 == 0:
                assert record["id"] not in ours(affected["package"]["name"], fixed)
    assert checked > 1000


def test_records_that_give_only_ranges_are_matched(records: list[Record], ours: Ours) -> None:
    checked = 0
    for record in records:
        [affected] = record["affected"]
        ranges = [each for each in affected.get("ranges", []) if each["type"] == "ECOSYSTEM"]
        if affected.get("versions") or not ranges or record.get("withdrawn"):
            continue
        bounds = {kind: text for event in ranges[0]["events"] for kind, text in event.items()}
        introduced, fixed = bounds["introduced"], bounds.get("fixed")
        inside = f"{fixed}.dev0" if fixed and introduced == "0" else introduced
        assert record["id"] in ours(affected["package"]["name"], inside), record["id"]
        checked += 1
    assert checked >= 26
