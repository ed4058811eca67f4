"""The search for credentials finds them: otherwise the tests that use it could not fail."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canaries import files_below, git_history, traces, watched
from tests.fakes.git_server import run_git

SECRET = "github_pat_CANARY+/0123456789"


@pytest.mark.parametrize(
    "content",
    [
        f"token={SECRET}".encode(),
        f"https://user:{quote(SECRET, safe='')}@host/".encode(),
        *(base64.b64encode(f"{user}:{SECRET}".encode()) for user in ("a", "bc", "def")),
    ],
)
def test_a_secret_is_found_in_every_spelling(content: bytes) -> None:
    assert traces({"the token": SECRET}, {"log": content}) == ["the token in log"]


def test_a_text_without_it_has_no_trace() -> None:
    assert traces({"the token": SECRET}, {"log": b"github_pat_ and other words"}) == []


def test_command_lines_and_environments_of_grandchildren_are_seen_and_the_runs_own_is_not() -> None:
    # The run itself has the secret in its environment, as a build has.
    run = subprocess.Popen(
        [sys.executable, "-c", "import os, subprocess; subprocess.run("
         "['sh', '-c', 'sleep 0.3; true', os.environ['SECRET']], env={'GIVEN': 'on'})"],
        env={"PATH": os.environ["PATH"], "SECRET": SECRET},
        text=True,
    )  # fmt: skip
    with watched(run) as processes:
        assert run.wait(30) == 0
    found = traces({"it": SECRET}, processes.places())
    assert len(found) == 1
    assert "command line of process" in found[0]
    assert processes.environments(b"sleep 0.3") == [b"GIVEN=on\0"]
    assert processes.environments(b"sleep\0")


def test_what_git_has_compressed_is_searched(tmp_path: Path) -> None:
    run_git("init", "--quiet", "--bare", str(tmp_path / "r"))
    run_git("-C", str(tmp_path / "r"), "hash-object", "-w", "--stdin", stdin=SECRET.encode())
    assert traces({"it": SECRET}, files_below(tmp_path / "r")) == []
    assert traces({"it": SECRET}, git_history(tmp_path / "r")) == ["it in git objects"]
