"""The rooms end with the gate, even where it is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.local_run import PROJECT
from tests.observation.machine import needs_sandbox

GATE = """
import sys
from pathlib import Path
from package_gate.core.child import run_bounded
from package_gate.observation.rooms import _namespaces

command = [*_namespaces(), "sh", "-c", f"echo in >{sys.argv[1]}; exec sleep 6173"]
run_bounded(command, folder=Path("/"), environment={"PATH": "/usr/bin:/bin"}, seconds=500,
            most_bytes=100, even_killed=True)
"""


@needs_sandbox
def test_what_runs_in_the_sandbox_ends_when_the_gate_is_killed(tmp_path: Path) -> None:
    room = tmp_path / "room"
    gate = subprocess.Popen(
        [sys.executable, "-c", GATE, room], env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    while not room.exists():
        assert gate.poll() is None
        time.sleep(0.01)
    (sleeping,) = processes_of_the_room()
    gate.send_signal(signal.SIGKILL)
    gate.wait()
    for _ in range(3000):
        if not Path(f"/proc/{sleeping}").exists():
            return
        time.sleep(0.01)
    raise AssertionError("it goes on")


def processes_of_the_room() -> list[int]:
    """Give the process that has come to its `sleep`, in the namespace of whoever asks."""
    found: list[int] = []
    while not found:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and _command(entry) == b"sleep\x006173\x00":
                found.append(int(entry.name))
    return found


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
