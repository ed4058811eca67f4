"""Snapshots of advisories on disk: found, whole, or an error."""

import json
import os
import struct
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from package_gate.advisories import osv_snapshot
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_snapshot import Snapshot
from package_gate.core.errors import ConfigurationError, ScannerError
from tests.fakes.advisories import advisory, write_snapshot

ONE = advisory("PYSEC-2024-1", "One", versions=["1.0"], modified="2024-02-01T00:00:00Z")
TWO = advisory("PYSEC-2024-2", "two", versions=["1.0"], modified="2024-03-01T23:59:59.5Z")
NPM = advisory(
    "GHSA-aaaa-bbbb-cccc",
    modified="2025-01-01T00:00:00Z",
    affected=[{"package": {"ecosystem": "npm", "name": "one"}}],
)


def write_zip(path: Path, *advisories: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in advisories:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
    return path


def ids(path: Path, *names: str) -> list[list[str]]:
    snapshot = Snapshot(path)
    try:
        found = snapshot.find([NamedPackage(name, "1.0") for name in names])
    finally:
        snapshot.close()
    return [[record.id for record in records] for records in found]


def test_a_folder_is_read_at_any_depth(tmp_path: Path) -> None:
    write_snapshot(tmp_path, ONE, TWO, NPM)
    (tmp_path / "README.md").write_text("not a record")
    assert ids(tmp_path, "one", "two", "three") == [["PYSEC-2024-1"], ["PYSEC-2024-2"], []]


def test_a_zip_is_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "all.zip", ONE, TWO, NPM)
    assert ids(path, "two", "one") == [["PYSEC-2024-2"], ["PYSEC-2024-1"]]


def test_its_date_is_that_of_the_youngest_record_about_pypi(tmp_path: Path) -> None:
    snapshot = Snapshot(write_snapshot(tmp_path, ONE, TWO, NPM))
    assert snapshot.newest == datetime(2024, 3, 1, 23, 59, 59, 500000, UTC)


def test_of_two_records_with_one_id_the_one_modified_last_counts(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "a", {**ONE, "modified": "2024-09-01T00:00:00Z"})
    write_snapshot(tmp_path / "b", {**ONE, "withdrawn": "2024-02-01T00:00:00Z"})
    assert ids(tmp_path, "one") == [["PYSEC-2024-1"]]
    write_snapshot(
        tmp_path / "c",
        {**ONE, "modified": "2024-10-01T00:00:00Z", "withdrawn": "2024-10-01T00:00:00Z"},
    )
    assert ids(tmp_path, "one") == [[]]


@pytest.mark.parametrize("advisories", [[], [NPM]])
def test_a_snapshot_without_a_record_about_pypi_is_a_mistake(
    tmp_path: Path, advisories: list[dict[str, Any]]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="no record about a PyPI package"):
        Snapshot(write_snapshot(folder, *advisories))
    with pytest.raises(ConfigurationError, match="no record about a PyPI package"):
        Snapshot(write_zip(tmp_path / "all.zip", *advisories))


def test_a_path_that_is_no_snapshot_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="do not exist"):
        Snapshot(tmp_path / "missing.zip")
    (tmp_path / "all.zip").write_bytes(b"<html>404</html>")
    with pytest.raises(ConfigurationError, match="neither a folder nor a whole zip"):
        Snapshot(tmp_path / "all.zip")


@pytest.mark.parametrize("text", ["", "{", "{}", '{"id": "X-1", "modified": 5}', "null"])
def test_one_broken_record_stops_it_and_is_named(tmp_path: Path, text: str) -> None:
    write_snapshot(tmp_path / "folder", ONE)
    (tmp_path / "folder" / "PyPI" / "X-1.json").write_text(text)
    with pytest.raises(ScannerError, match=r"PyPI/X-1\.json.*not an OSV record"):
        Snapshot(tmp_path / "folder")
    path = write_zip(tmp_path / "all.zip", ONE)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("X-1.json", text)
    with pytest.raises(ScannerError, match=r"X-1\.json.*not an OSV record"):
        Snapshot(path)


def test_a_broken_record_of_another_ecosystem_stops_it_too(tmp_path: Path) -> None:
    write_snapshot(tmp_path, ONE, {**NPM, "affected": "everything"})
    with pytest.raises(ScannerError, match=r"GHSA-aaaa-bbbb-cccc\.json"):
        Snapshot(tmp_path)


def test_a_truncated_zip_is_an_error(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "all.zip", ONE, TWO)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises((ScannerError, ConfigurationError)):
        Snapshot(path)


def test_a_zip_entry_with_changed_bytes_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PYSEC-2024-1.json", json.dumps(ONE))
    path.write_bytes(path.read_bytes().replace(b'"1.0"', b'"9.9"'))
    with pytest.raises(ScannerError, match=r"PYSEC-2024-1\.json.*can't be read"):
        Snapshot(path)


def test_an_encrypted_entry_is_an_error(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "all.zip", ONE)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    for flags_at in (6, directory + 8):
        [flags] = struct.unpack_from("<H", data, flags_at)
        struct.pack_into("<H", data, flags_at, flags | 1)
    path.write_bytes(data)
    with pytest.raises(ScannerError, match="encrypted"):
        Snapshot(path)


def test_two_zip_entries_of_one_name_are_an_error(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "all.zip", ONE)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("PYSEC-2024-1.json", json.dumps(ONE))
    with pytest.raises(ScannerError, match="several files of one name"):
        Snapshot(path)


def test_sizes_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_snapshot(tmp_path / "folder", {**ONE, "details": "x" * 5000}, TWO)
    path = write_zip(tmp_path / "all.zip", {**ONE, "details": "x" * 5000}, TWO)
    monkeypatch.setattr(osv_snapshot, "MAX_RECORD_BYTES", 4000)
    for snapshot in (folder, path):
        with pytest.raises(ScannerError, match=r"PYSEC-2024-1\.json.*larger than 4000"):
            Snapshot(snapshot)
    monkeypatch.setattr(osv_snapshot, "MAX_SNAPSHOT_BYTES", 4500)
    with pytest.raises(ScannerError, match="unpacks to more than 4500"):
        Snapshot(path)
    monkeypatch.setattr(osv_snapshot, "MAX_RECORDS", 1)
    with pytest.raises(ScannerError, match="more than 1 files"):
        Snapshot(folder)


def test_what_is_no_regular_file_is_an_error(tmp_path: Path) -> None:
    write_snapshot(tmp_path, ONE)
    os.mkfifo(tmp_path / "PyPI" / "X-1.json")
    with pytest.raises(ScannerError, match=r"X-1\.json.*it is no file"):
        Snapshot(tmp_path)


def test_a_folder_that_cant_be_listed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_snapshot(tmp_path, ONE)
    (tmp_path / "closed").mkdir()
    listed = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ScannerError, match="Permission denied"):
        Snapshot(tmp_path)


def test_a_record_that_breaks_after_loading_is_an_error(tmp_path: Path) -> None:
    snapshot = Snapshot(write_snapshot(tmp_path, ONE))
    (tmp_path / "PyPI" / "PYSEC-2024-1.json").write_text("{")
    with pytest.raises(ScannerError, match=r"PYSEC-2024-1\.json"):
        snapshot.find([NamedPackage("one", "1.0")])
    (tmp_path / "PyPI" / "PYSEC-2024-1.json").unlink()
    with pytest.raises(ScannerError, match=r"PYSEC-2024-1\.json"):
        snapshot.find([NamedPackage("one", "1.0")])
