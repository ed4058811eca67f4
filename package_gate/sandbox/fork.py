"""One scan in a process of its own, forked from the worker that has loaded the scanner.

What a package does to the process that looks at it ends with that scan: the next package gets a
fresh copy of the worker, which itself never reads a byte of a package.
"""

import ctypes
import gc
import os
import resource
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from package_gate.core.limits import Limits
from package_gate.sandbox.progress import note_file, noted_file
from package_gate.sandbox.protocol import MAX_ANSWER_BYTES

_PIECE = 1 << 16
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


class Garbage(Exception):  # noqa: N818  # it says what the scan said
    """The scan answered with something else than one line; the text says with what."""


class Orphans(Exception):  # noqa: N818
    """The scan left processes behind."""


class Stopped(Exception):  # noqa: N818
    """The scan met a limit of time; the text says which, and at what file."""

    def __init__(self, text: str, *, orphans: bool) -> None:
        """Take the text, and whether processes were left behind, so that this one must end."""
        super().__init__(text)
        self.orphans = orphans


@dataclass(frozen=True, slots=True)
class _End:
    """How a fork ended."""

    status: int
    """As `waitpid` gives it."""
    processor_seconds: float
    orphans: bool
    """Whether it left processes behind."""


def adopt_orphans() -> None:
    """Become the parent of what a scan leaves behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run_alone(
    scan: Callable[[], bytes],
    confine: Callable[[Path], object],
    limits: Limits,
    orders: int,
    answers: int,
) -> bytes:
    """Fork, and give the one line that the fork answers with.

    It lives in this process's group, in a new folder below the current one, and is killed once it
    has answered. When it dies without an answer, this process dies in the same way.

    Args:
        scan: makes the line, in the fork.
        confine: isolates the fork, given its folder.
        limits: how long it may take, by the clock and of processor time.
        orders: the pipe from the pool. When it closes, this whole process group is killed.
        answers: the pipe to the pool; the fork has neither of them.

    Raises:
        Garbage: it answered with more than a line, or with too much.
        Orphans: it left processes behind; this process must end.
        Stopped: it took too long.
    """
    note_file("")
    folder = Path(tempfile.mkdtemp(prefix="scan-", dir=Path.cwd()))
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        for pipe in (reading, orders, answers):
            os.close(pipe)
        _run(scan, confine, limits.scan_cpu_seconds, folder, writing)
    os.close(writing)
    overdue = False
    line = b""
    try:
        line = _read_line(reading, orders, limits.scan_seconds)
    except TimeoutError:
        overdue = True
    finally:
        os.close(reading)
        end = _end(pid)
        shutil.rmtree(folder, ignore_errors=True)
        if end.orphans and not overdue:
            raise Orphans("left processes behind")
    if not line.endswith(b"\n"):
        used_up = end.processor_seconds >= limits.scan_cpu_seconds
        if overdue or used_up or os.waitstatus_to_exitcode(end.status) == -signal.SIGXCPU:
            raise Stopped(_at_a_limit(limits, end, overdue=overdue), orphans=end.orphans)
        _die_like(end.status)
    return line


def _at_a_limit(limits: Limits, end: _End, *, overdue: bool) -> str:
    used = round(end.processor_seconds)
    text = f"used {used} of {limits.scan_cpu_seconds} s of processor time"
    if overdue:
        text = f"took more than {limits.scan_seconds} s, and {text}"
    file = noted_file()
    return f"{text}, at last on {file}" if file else text


def _read_line(reading: int, orders: int, seconds: float) -> bytes:
    """Read up to the end of a line, or of what there is; end with the pool meanwhile.

    Raises:
        Garbage: something follows the line, or it is too long.
        TimeoutError: it takes more than so many seconds.
    """
    deadline = time.monotonic() + seconds
    line = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        selector.register(orders, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            ready = {key.fd for key, _ in selector.select(max(deadline - time.monotonic(), 0))}
            if not ready:
                raise TimeoutError
            if orders in ready:
                _end_with_the_pool()  # it never speaks during a scan
            piece = os.read(reading, _PIECE)
            if not piece:
                break
            line += piece
            if b"\n" in piece[:-1]:
                raise Garbage("more than one line")
            if len(line) > MAX_ANSWER_BYTES:
                raise Garbage(f"more than {MAX_ANSWER_BYTES // 2**20} MiB")
    return bytes(line)


def write(pipe: int, line: bytes) -> None:
    """Write all of it."""
    unsent = memoryview(line)
    while unsent:
        unsent = unsent[os.write(pipe, unsent) :]


def _end_with_the_pool() -> NoReturn:
    """Kill this process with all that it has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _run(
    scan: Callable[[], bytes],
    confine: Callable[[Path], object],
    seconds: int,
    folder: Path,
    answer: int,
) -> NoReturn:
    """Be the fork."""
    status = 1
    try:
        if sys.platform == "linux":  # a worker has one thread, so its end is the process's
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.chdir(folder)
        os.environ.update(HOME=str(folder), TMPDIR=str(folder))
        tempfile.tempdir = None
        # A scan makes many objects and hardly any circles, and ends soon: looking for those would
        # take a tenth of its time. Who makes some collects them itself.
        gc.freeze()
        gc.disable()
        # The soft limit can be lifted up to the hard one, and its signal caught.
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        confine(folder)
        write(answer, scan())
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end(pid: int) -> _End:
    """Kill the fork, see how it ended (death itself is not undone), and what is left."""
    os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    used = usage.ru_utime + usage.ru_stime
    try:
        while True:
            orphan, _ = os.waitpid(-1, os.WNOHANG)
            if orphan == 0:
                return _End(status, used, orphans=True)
    except ChildProcessError:
        return _End(status, used, orphans=False)


def _die_like(status: int) -> NoReturn:
    """End as the fork did, so that the pool says why and starts another worker."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        signal.pause()
    os._exit(code)
