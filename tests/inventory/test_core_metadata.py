"""What an unpacked package says about itself: a hostile tree hangs and breaks nothing."""

import os
from pathlib import Path

import pytest

from package_gate.inventory.core_metadata import requires_python


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "x-1.0.dist-info").mkdir(parents=True)
    return tmp_path / "tree" / "x-1.0.dist-info" / "METADATA"


def test_requires_python_is_read(metadata: Path) -> None:
    metadata.write_text("Metadata-Version: 2.1\nRequires-Python: >=3.9, <4\n")
    assert requires_python(metadata.parent.parent) == "<4,>=3.9"


@pytest.mark.parametrize("value", ["what?", ">=3<script>", ">=" + "9" * 5000])
def test_what_is_no_specifier_is_left_out(metadata: Path, value: str) -> None:
    metadata.write_text(f"Requires-Python: {value}\n")
    assert requires_python(metadata.parent.parent) == ""


def test_a_folder_in_place_of_the_file_is_passed_over(metadata: Path) -> None:
    metadata.mkdir()
    assert requires_python(metadata.parent.parent) == ""


def test_a_pipe_in_place_of_the_file_is_not_waited_for(metadata: Path) -> None:
    os.mkfifo(metadata)
    assert requires_python(metadata.parent.parent) == ""


def test_a_link_out_of_the_tree_is_not_followed(metadata: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("Requires-Python: >=3.9\n")
    metadata.symlink_to(outside)
    assert requires_python(metadata.parent.parent) == ""
