import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from package_gate.core.files import replacing, write_atomically
from tests.local_run import PROJECT

DIES_AMID_WRITING = """
import os, signal, sys
from pathlib import Path
from package_gate.core.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_has_half_written_is_gone_once_it_is_written_again(
    tmp_path: Path,
) -> None:
    place = tmp_path / "record.json"
    write_atomically(place, b"old")
    command = [sys.executable, "-c", DIES_AMID_WRITING, str(place)]
    killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert place.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2
    write_atomically(place, b"new")
    assert place.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [place]


def test_an_error_amid_writing_leaves_the_old_file_alone(tmp_path: Path) -> None:
    place = tmp_path / "record.json"
    write_atomically(place, b"old")
    with pytest.raises(UnicodeEncodeError), replacing(place) as file:
        file.write("\ud800".encode())
    assert place.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [place]


def test_a_link_in_the_place_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "record.json", tmp_path / "elsewhere"
    with replacing(place):
        (beside,) = tmp_path.iterdir()
    elsewhere.write_bytes(b"untouched")
    beside.symlink_to(elsewhere)
    write_atomically(place, b"new")
    assert elsewhere.read_bytes() == b"untouched"
    assert place.read_bytes() == b"new"
    assert not place.is_symlink()


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("n" * 255), b"content")
    assert len(list(tmp_path.iterdir())) == 1
