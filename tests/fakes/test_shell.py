"""The documented command gives a shell in which the AWS CLI finds everything."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_shell_runs_a_command_with_everything_there_and_hands_back_its_status() -> None:
    command = (
        "aws codeartifact list-packages --domain research --repository approved-packages && exit 7"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.fakes.shell", "sh", "-c", command],
        cwd=ROOT,
        env={**os.environ, "AWS_PROFILE": "somebody", "AWS_CA_BUNDLE": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 7, done.stderr
    assert json.loads(done.stdout) == {"packages": []}
    assert "domain research, repository approved-packages" in done.stderr
