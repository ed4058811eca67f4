"""A clone's tests pass without `../shared`; where it exists nothing is skipped."""

from pathlib import Path

import pytest

from tests import shared

Skipped, Failed = pytest.skip.Exception, pytest.fail.Exception


@pytest.fixture(autouse=True)
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give where the folder would be; there is none yet."""
    folder = tmp_path / "shared"
    monkeypatch.setattr(shared, "SHARED", folder)
    monkeypatch.delenv("TESTS_NEED_SHARED", raising=False)
    return folder


def test_without_the_folder_a_test_is_skipped_and_says_what_it_lacks(beside: Path) -> None:
    with pytest.raises(Skipped, match=f"{beside}/data/file is missing"):
        shared.shared("data/file")


def test_in_ci_with_the_folder_elsewhere_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_NEED_SHARED", "1")
    with pytest.raises(Failed, match="is missing"):
        shared.shared("data/file")


def test_a_file_that_the_folder_lacks_is_a_failure(beside: Path) -> None:
    beside.mkdir()
    with pytest.raises(Failed, match="is missing"):
        shared.shared("file")


def test_what_exists_is_given(beside: Path) -> None:
    beside.mkdir()
    (beside / "file").touch()
    assert shared.shared("file") == beside / "file"
