"""The scanner `osv` on packages and on archives' trees."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from package_gate import __version__
from package_gate.advisories.osv import OSV, OSVSettings
from package_gate.core.artifact import Artifact, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding, Kind, Location, Severity
from package_gate.inventory.unreadable_files import UNREADABLE
from package_gate.scanners.interface import Scanner
from tests.fakes.advisories import advisory, write_snapshot

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


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def package(name: str, version: str) -> UnpackedPackage:
    return UnpackedPackage(name, version, Origin.PYPI, ())


def archive(*trees: Path) -> UnpackedPackage:
    artifacts = tuple(
        UnpackedArtifact(Artifact(f"{tree.name}.zip", "0" * 64, 1), f"{tree}.zip", str(tree))
        for tree in trees
    )
    return UnpackedPackage("my-request", "", Origin.ARCHIVE, artifacts)


def scan(snapshot: Path, target: UnpackedPackage) -> list[Finding]:
    scanner: Scanner = OSV(OSVSettings(str(snapshot)))
    assert scanner.name == scanner.info.name == "osv"
    return list(scanner.scan(target))


def test_a_package_is_looked_up_by_name_and_version(snapshot: Path) -> None:
    [finding] = scan(snapshot, package("pyyaml", "5.3.1"))
    assert finding == Finding(
        scanner="osv",
        rule="PYSEC-2021-142",
        kind=Kind.VULNERABILITY,
        severity=None,
        message="Runs code.",
        recommendation="Upgrade to 5.4 or newer.",
        aliases=("CVE-2020-14343",),
    )
    assert scan(snapshot, package("pyyaml", "5.4")) == []
    assert scan(snapshot, package("unheard-of", "1.0")) == []


def test_known_malware_is_critical(snapshot: Path) -> None:
    [finding] = scan(snapshot, package("evil", "0.1"))
    assert (finding.kind, finding.severity) == (Kind.MALWARE, Severity.CRITICAL)


def test_a_package_of_the_index_is_not_searched_for_pins(snapshot: Path, tree: Path) -> None:
    (tree / "requirements.txt").write_text("pyyaml==5.3.1\n")
    target = UnpackedPackage("clean", "1.0", Origin.PYPI, archive(tree).artifacts)
    assert scan(snapshot, target) == []


def test_what_an_archive_pins_is_looked_up(snapshot: Path, tree: Path) -> None:
    (tree / "requirements.txt").write_text("# tools\npyyaml==5.3.1\nevil==1.0\n")
    (tree / "requirements-dev.txt").write_text("PyYAML==5.3.1\npyyaml==6.0\n")
    by_rule = {finding.rule: finding for finding in scan(snapshot, archive(tree))}
    assert set(by_rule) == {"PYSEC-2021-142", "MAL-2024-1"}
    finding = by_rule["PYSEC-2021-142"]
    assert finding.message == "The archive pins pyyaml 5.3.1: Runs code."
    assert finding.artifact == "tree.zip"
    assert finding.count == 2
    assert finding.locations == (
        Location("requirements-dev.txt", 1),
        Location("requirements.txt", 2),
    )


def test_what_an_archive_holds_is_looked_up(snapshot: Path, tree: Path) -> None:
    (tree / "PyYAML-5.3.1").mkdir()
    (tree / "PyYAML-5.3.1" / "PKG-INFO").write_text("Name: PyYAML\nVersion: 5.3.1\n")
    [finding] = scan(snapshot, archive(tree))
    assert finding.message == "The archive holds pyyaml 5.3.1: Runs code."
    assert finding.locations == (Location("PyYAML-5.3.1/PKG-INFO", 1),)


def test_an_archive_is_not_looked_up_by_the_name_of_its_request(snapshot: Path, tree: Path) -> None:
    target = UnpackedPackage("evil", "", Origin.ARCHIVE, archive(tree).artifacts)
    assert scan(snapshot, target) == []


def test_each_artifact_of_an_archive_is_searched(snapshot: Path, tmp_path: Path) -> None:
    trees = [tmp_path / "one", tmp_path / "two"]
    for each in trees:
        each.mkdir()
        (each / "requirements.txt").write_text("pyyaml==5.3.1\n")
    findings = scan(snapshot, archive(*trees))
    assert [finding.artifact for finding in findings] == ["one.zip", "two.zip"]


def test_a_finding_names_at_most_twenty_places(snapshot: Path, tree: Path) -> None:
    (tree / "requirements.txt").write_text("pyyaml==5.3.1\n" * 50)
    [finding] = scan(snapshot, archive(tree))
    assert finding.count == 50
    assert len(finding.locations) == 20


def test_dependency_files_that_cant_be_read_are_one_finding(snapshot: Path, tree: Path) -> None:
    (tree / "poetry.lock").write_text("[[")
    (tree / "requirements.txt").write_text("pyyaml==5.3.1\n?\n")
    findings = scan(snapshot, archive(tree))
    assert [finding.rule for finding in findings] == ["PYSEC-2021-142", UNREADABLE]
    assert findings[1].severity is Severity.INFO
    assert findings[1].count == 2
    assert findings[1].locations == (Location("poetry.lock"), Location("requirements.txt", 2))
    assert "poetry.lock" in findings[1].message


def test_a_pinned_version_that_cant_be_compared_counts(snapshot: Path, tree: Path) -> None:
    (tree / "requirements.txt").write_text("pyyaml==5.3.1-custom-build\n")
    [finding] = scan(snapshot, archive(tree))
    assert "can't be compared" in finding.message


def test_a_scan_fails_when_the_snapshot_breaks_under_it(snapshot: Path) -> None:
    scanner = OSV(OSVSettings(str(snapshot)))
    (snapshot / "PyPI" / "PYSEC-2021-142.json").write_text("{}")
    with pytest.raises(ScannerError):
        list(scanner.scan(package("pyyaml", "5.3.1")))
    assert list(scanner.scan(package("unheard-of", "1.0"))) == []


def test_it_names_itself_and_its_data(snapshot: Path) -> None:
    info = OSV(OSVSettings(str(snapshot))).info
    assert (info.name, info.version) == ("osv", __version__)
    assert (info.data, info.data_date) == (str(snapshot), "2024-05-01")
    assert OSV(OSVSettings(str(snapshot), sample=True)).info.data == "sample advisories"


def test_the_date_is_in_utc(tmp_path: Path) -> None:
    late = advisory(versions=["1"], modified="2024-05-01T23:30:00-05:00")
    assert OSV(OSVSettings(str(write_snapshot(tmp_path, late)))).info.data_date == "2024-05-02"


@pytest.mark.parametrize("path", ["", "missing", "missing.zip", "C:\\advisories", "a\x00b"])
def test_a_path_that_is_no_snapshot_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="--advisories"):
        OSV(OSVSettings(path))


def test_its_settings_travel_as_json() -> None:
    settings = OSVSettings("https://api.example", proxies={"https": "http://proxy.test"})
    text = msgspec.json.encode(settings)
    assert msgspec.json.decode(text, type=OSVSettings) == settings
    least: dict[str, Any] = {"advisories": "/srv/advisories"}
    assert msgspec.convert(least, OSVSettings) == OSVSettings("/srv/advisories")
