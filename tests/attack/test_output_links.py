"""Links that lie where the gate writes: none is written through, none is emptied."""

from pathlib import Path

import pytest

from package_gate.core.errors import StoreError
from package_gate.core.files import locked, replacing, write_atomically
from package_gate.records.storage import FolderStorage
from package_gate.report.write import write_reports
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import LocalRun
from tests.report.sample_run import sample_run


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    path = tmp_path / "precious"
    path.write_text("kept")
    return path


def test_a_report_takes_the_place_of_a_link(tmp_path: Path, precious: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    names = ("verdicts.json", "report.html", "findings.sarif", "junit.xml")
    for name in names:
        (output / name).symlink_to(precious)

    write_reports(sample_run(), output)

    assert precious.read_text() == "kept"
    assert not any((output / name).is_symlink() for name in names)


def test_a_record_takes_the_place_of_a_link(tmp_path: Path, precious: Path) -> None:
    storage = FolderStorage(tmp_path)
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "a.json").symlink_to(precious)

    storage.write("a.json", b"{}")

    assert precious.read_text() == "kept"


def test_what_is_half_written_is_no_way_through_either(tmp_path: Path, precious: Path) -> None:
    target, precious_link = tmp_path / "file", tmp_path / "link"
    with replacing(target):
        (temporary,) = tmp_path.glob(".new-*")
    precious_link.symlink_to(precious)
    precious_link.rename(temporary)  # its name can be known before

    write_atomically(target, b"second")

    assert target.read_bytes() == b"second"
    assert not target.is_symlink()
    assert precious.read_text() == "kept"


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path, precious: Path) -> None:
    folder = tmp_path / "decisions"
    folder.mkdir()
    (folder / ".lock").symlink_to(precious)

    with pytest.raises(OSError, match="symbolic links"), locked(folder / ".lock"):
        pass
    with (
        pytest.raises(StoreError, match="can't be written"),
        FolderStorage(folder.parent).exclusive(),
    ):
        pass
    assert precious.read_text() == "kept"


def test_an_output_folder_that_is_a_link_works_and_its_scratch_may_not_be_one(
    tmp_path: Path, server: HTTPSServer
) -> None:
    real, precious = tmp_path / "real", tmp_path / "precious"
    real.mkdir()
    precious.mkdir()
    (precious / "file").write_text("kept")
    link = tmp_path / "link"
    link.symlink_to(real)
    local = LocalRun(tmp_path, PackageIndex(server), output=link)
    assert local.run("a;pypi:a\n").returncode == 1  # a bad line, so nothing is downloaded
    assert (real / "report.html").is_file()

    (real / ".scratch").symlink_to(precious)
    assert local.run("a;pypi:a\n").returncode == 2

    assert (precious / "file").read_text() == "kept"
