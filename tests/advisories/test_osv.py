"""The source `osv`: what it answers, and when it reads its advisories."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from package_gate import __version__
from package_gate.advisories import osv as osv_module
from package_gate.advisories.interface import AdvisorySource, NamedPackage
from package_gate.advisories.osv import OSV, OSVSettings
from package_gate.advisories.osv_snapshot import Snapshot
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding, Kind, Severity
from tests.fakes.advisories import MODIFIED, advisory, write_snapshot

PYYAML = advisory(
    "PYSEC-2021-142",
    "PyYAML",
    events=[{"introduced": "0"}, {"fixed": "5.4"}],
    aliases=["CVE-2020-14343"],
    summary="Runs code",
)
EVIL = advisory("MAL-2024-1", "evil", events=[{"introduced": "0"}], summary="Steals tokens")


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "snapshot", PYYAML, EVIL)


def known(snapshot: Path, name: str, version: str) -> tuple[Finding, ...]:
    source: AdvisorySource = OSV(OSVSettings(str(snapshot)))
    assert source.name == source.info.name == "osv"
    [found] = source.query([NamedPackage(name, version)])
    source.close()
    return found


def test_a_package_is_looked_up_by_name_and_version(snapshot: Path) -> None:
    [finding] = known(snapshot, "pyyaml", "5.3.1")
    assert finding == Finding(
        scanner="osv",
        rule="PYSEC-2021-142",
        kind=Kind.VULNERABILITY,
        severity=None,
        message="Runs code.",
        recommendation="Upgrade to 5.4 or newer.",
        aliases=("CVE-2020-14343",),
        fixed_in=("5.4",),
    )
    assert known(snapshot, "pyyaml", "5.4") == ()
    assert known(snapshot, "unheard-of", "1.0") == ()


def test_known_malware_is_critical(snapshot: Path) -> None:
    [finding] = known(snapshot, "evil", "0.1")
    assert (finding.kind, finding.severity) == (Kind.MALWARE, Severity.CRITICAL)


def test_each_package_has_its_own_answer_in_the_order_of_the_question(snapshot: Path) -> None:
    asked = [("evil", "1.0"), ("pyyaml", "6.0"), ("unheard-of", "1.0"), ("pyyaml", "5.3.1")]
    found = OSV(OSVSettings(str(snapshot))).query([NamedPackage(*each) for each in asked])
    rules = [[finding.rule for finding in each] for each in found]
    assert rules == [["MAL-2024-1"], [], [], ["PYSEC-2021-142"]]
    assert OSV(OSVSettings(str(snapshot))).query([]) == []


def test_a_version_that_cant_be_compared_counts(snapshot: Path) -> None:
    [finding] = known(snapshot, "pyyaml", "5.3.1-custom-build")
    assert "can't be compared" in finding.message


def test_nothing_is_read_before_the_first_question_and_then_once_for_all_threads(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    together = threading.Barrier(8)

    def opening(path: Path) -> Snapshot:
        opened.append(path)
        return Snapshot(path)

    def ask(_: int) -> int:
        together.wait(10)
        [found] = source.query([NamedPackage("evil", "1")])
        return len(found)

    monkeypatch.setattr(osv_module, "Snapshot", opening)
    source = OSV(OSVSettings(str(snapshot)))
    assert opened == []
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [1] * 8
    assert opened == [snapshot]


def test_a_query_fails_when_the_snapshot_breaks_under_it(snapshot: Path) -> None:
    source = OSV(OSVSettings(str(snapshot)))
    assert source.query([NamedPackage("unheard-of", "1.0")]) == [()]
    (snapshot / "PyPI" / "PYSEC-2021-142.json").write_text("{}")
    with pytest.raises(ScannerError):
        source.query([NamedPackage("pyyaml", "5.3.1")])
    assert source.query([NamedPackage("unheard-of", "1.0")]) == [()]


def test_a_snapshot_that_is_broken_is_an_error_for_the_whole_run(snapshot: Path) -> None:
    broken = snapshot / "PyPI" / "PYSEC-2021-142.json"
    whole = broken.read_text()
    broken.write_text("{}")
    source = OSV(OSVSettings(str(snapshot)))
    for _ in range(2):
        with pytest.raises(ScannerError, match="not an OSV record"):
            source.query([NamedPackage("unheard-of", "1.0")])
        broken.write_text(whole)  # it isn't read again for every package
    with pytest.raises(ScannerError, match="not an OSV record"):
        _ = source.info


def test_a_folder_without_a_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        OSV(OSVSettings(str(tmp_path)))
    (tmp_path / "GHSA-1.json").write_text(json.dumps({"id": "GHSA-1", "modified": f"{MODIFIED}"}))
    with pytest.raises(ScannerError, match="no record about a PyPI package"):
        OSV(OSVSettings(str(tmp_path))).query([])


def test_it_names_itself_and_its_data(snapshot: Path) -> None:
    info = OSV(OSVSettings(str(snapshot))).info
    assert (info.name, info.version) == ("osv", __version__)
    assert (info.data, info.data_date) == (str(snapshot), f"{MODIFIED:%Y-%m-%d}")
    assert OSV(OSVSettings(str(snapshot), sample=True)).info.data == "sample advisories"


def test_the_date_is_in_utc(tmp_path: Path) -> None:
    late = advisory(versions=["1"], modified="2024-05-01T23:30:00-05:00")
    assert OSV(OSVSettings(str(write_snapshot(tmp_path, late)))).info.data_date == "2024-05-02"


def test_a_snapshot_in_s3_is_fetched_at_the_first_question_and_named_with_its_version(
    tmp_path: Path, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[tuple[Any, ...]] = []

    def fetch(*arguments: object) -> tuple[Path, str]:
        fetched.append(arguments)
        return snapshot, "s3://bucket/all.zip (version 7)"

    monkeypatch.setattr(osv_module, "fetch_snapshot", fetch)
    source = OSV(OSVSettings("s3://bucket/all.zip", scratch=tmp_path, region="eu-west-1"))
    assert fetched == []
    assert len(source.query([NamedPackage("evil", "1")])[0]) == 1
    assert (source.info.data, source.info.data_date) == (
        "s3://bucket/all.zip (version 7)",
        f"{MODIFIED:%Y-%m-%d}",
    )
    assert fetched == [("s3://bucket/all.zip", tmp_path, "eu-west-1")]


def test_the_date_of_an_api_is_the_day_on_which_it_is_asked() -> None:
    days = iter([datetime(2026, 3, 1, 23, 59, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)])
    source = OSV(OSVSettings("https://api.example/osv"), lambda: next(days))
    infos = [source.info, source.info]
    assert [info.data_date for info in infos] == ["2026-03-01", "2026-03-02"]
    assert infos[0].data == "https://api.example/osv"
    source.close()


@pytest.mark.parametrize(
    "path", ["missing", "missing.zip", "C:\\advisories", "a\x00b", "s3://bucket/all.tar"]
)
def test_a_path_that_is_no_snapshot_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="--advisories"):
        OSV(OSVSettings(path))
