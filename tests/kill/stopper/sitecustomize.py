"""Stops the gate's process just before one of its own file operations or starts of programs.

A Python that has this folder on its path imports it first
(https://docs.python.org/3/library/site.html). An audit hook hears of an operation before it is done
(https://docs.python.org/3/library/audit_events.html). At the wanted one the process stops with all
its threads, and the test kills it as it likes.

    KILL_OUTPUT   the output folder; only what happens to files below it counts
    KILL_LOG      a file that takes each operation, a line each
    KILL_AT       "NUMBER OPERATION": stop before the operation that is in the log so often
    KILL_GOES_ON  set when the process is not killed then but goes on
"""

import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

FILE_OPERATIONS = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link"}
CHANGING = re.compile(
    r"(?P<kind>\.new-|/tmp|/git-|/uv-|/upload-|/pypi-|/stand-ins-|/worker-[a-z]+-)[a-z0-9_]+"
    r"|\d{8}T\d{6}(\.\d{6})?Z|[0-9a-f]{12,}"
)
"""What of an operation differs from run to run."""
GIT_OPTION = re.compile(r"-[a-z]|[\w.]+=.*", re.DOTALL)


def operation(output: str, event: str, arguments: tuple[Any, ...]) -> str:
    """Describe an operation, the same in every run; "" for one that doesn't count."""
    if event == "subprocess.Popen":
        return start(*map(os.fsdecode, arguments[1]))
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return ""
    path = str(arguments[1] if event == "os.rename" else arguments[0])
    if not path.startswith(f"{output}/"):
        return ""
    name = CHANGING.sub(lambda found: f"{found['kind'] or ''}*", path.removeprefix(output))
    return f"{event.removeprefix('os.')} {name}"


def start(program: str, *arguments: str) -> str:
    """Describe the start of a program: its name and what it is to do."""
    name = Path(program).name
    if name == "git":
        arguments = tuple(word for word in arguments if not GIT_OPTION.fullmatch(word))
    words = [Path(word).name for word in arguments if not word.startswith("-")]
    return f"start {name} {words[0] if words else ''}".strip()


def install(output: str, log: str, at: str) -> None:
    """Hear of every operation from now on."""
    number, _, wanted = at.partition(" ")
    lines = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    seen: Counter[str] = Counter()
    lock = threading.Lock()

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in FILE_OPERATIONS and event != "subprocess.Popen":
            return
        described = operation(output, event, arguments)
        if not described:
            return
        with lock:
            os.write(lines, f"{described}\n".encode())
            seen[described] += 1
            if described != wanted or seen[described] != int(number):
                return
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.5)  # it may take this thread a moment to stop
        while "KILL_GOES_ON" not in os.environ:
            time.sleep(60)

    sys.addaudithook(hear)


if "KILL_OUTPUT" in os.environ:
    install(os.environ["KILL_OUTPUT"], os.environ["KILL_LOG"], os.environ.get("KILL_AT", ""))
