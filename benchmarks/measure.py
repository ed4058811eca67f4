"""What the benchmarks share: timing processes and watching their memory."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

MIB = 1024 * 1024
PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Measured:
    """A process that has ended."""

    seconds: float
    peaks: dict[str, int]
    """The largest resident set in bytes of any one process, by what the process is."""
    status: int
    output: str


def measure(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path
) -> Measured:
    """Run a command to its end and watch it and its children.

    Peaks are `VmHWM` of /proc/PID/status (Linux), which the kernel keeps, so none is missed in a
    process that is seen at all; it is looked at 50 times a second.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peaks: dict[str, int] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for pid in _tree(process.pid):
                name = _name(pid)
                peaks[name] = max(peaks.get(name, 0), _peak(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        output, _ = process.communicate()
    finally:
        done.set()
        watcher.join()
    return Measured(time.perf_counter() - begin, peaks, process.returncode, output)


def _tree(root: int) -> list[int]:
    """Give a process and all that descend from it."""
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        with suppress(OSError):  # it, or a thread of it, has ended meanwhile
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                queue += map(int, task.read_text().split())
    return found


def _name(pid: int) -> str:
    """Say what a process is: the module that Python runs, or the program."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return "?"
    return words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of results."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    Console(width=int(os.environ.get("COLUMNS", "110"))).print(table)
