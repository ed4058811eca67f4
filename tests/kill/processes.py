"""Killing a gate, and looking for what it leaves running (Linux)."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path


class Mode(StrEnum):
    """Who gets SIGKILL."""

    PROCESS = "process"
    """The gate's process alone: what it has started hears of it by a closed pipe or not at all."""
    GROUP = "group"
    """Its process group, as a build's timeout does."""
    CONTAINER = "container"
    """All that it has started, as when a container ends."""


def kill(process: subprocess.Popen[bytes], mode: Mode) -> None:
    """Kill a gate that was started in a session of its own."""
    with suppress(ProcessLookupError):
        if mode is Mode.PROCESS:
            os.kill(process.pid, signal.SIGKILL)
        elif mode is Mode.GROUP:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGSTOP)  # it starts nothing more
            for descendant in list(descendants(process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(descendant, signal.SIGKILL)
            os.kill(process.pid, signal.SIGKILL)


def stand_still(process: subprocess.Popen[bytes], mode: Mode) -> list[int]:
    """Stop a gate as a frozen container or a machine that is moved does; gives who was stopped."""
    stopped = [process.pid]
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGSTOP)
        if mode is Mode.GROUP:
            os.killpg(process.pid, signal.SIGSTOP)
        elif mode is Mode.CONTAINER:
            for descendant in list(descendants(process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(descendant, signal.SIGSTOP)
                    stopped.append(descendant)
    return stopped


def go_on(process: subprocess.Popen[bytes], stopped: Sequence[int]) -> None:
    """Let a gate that was stopped go on."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGCONT)
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def descendants(pid: int) -> Iterator[int]:
    """Give all processes that a process has started, and theirs."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield int(child)
                yield from descendants(int(child))


def at_work_in(folder: Path) -> list[str]:
    """Give the command lines of those processes whose working directory is below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is somebody else's
            if (process / "cwd").readlink().is_relative_to(folder):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                found.append(command.decode("utf-8", "replace")[:120])
    return found
