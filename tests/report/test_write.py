from pathlib import Path

import pytest

from package_gate.core.errors import StoreError
from package_gate.report.write import write_reports
from tests.report.sample_run import hostile_run, sample_run


def test_all_four_reports_are_written(tmp_path: Path) -> None:
    write_reports(sample_run(), tmp_path / "new" / "output")
    assert sorted(path.name for path in (tmp_path / "new" / "output").iterdir()) == [
        "findings.sarif", "junit.xml", "report.html", "verdicts.json",
    ]  # fmt: skip


def test_hostile_text_stops_none_of_them(tmp_path: Path) -> None:
    write_reports(hostile_run(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    for path in tmp_path.iterdir():
        path.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("a file stands in the way")
    with pytest.raises(StoreError, match=r"verdicts\.json can't be written"):
        write_reports(sample_run(), tmp_path / "output")
