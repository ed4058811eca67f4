"""Programs run as child processes: with bounds on time and output, or tied to this process."""

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from package_gate.core.errors import ScannerError

_PIECE = 65536
_ENDING_SECONDS = 5
"""How long a killed program may take to end."""
_LOOK_SECONDS = 0.2
"""How often to see whether the program has ended while a helper of it holds its pipes open."""


_TIED = Path(__file__).with_name("tied.py")
_running: set[subprocess.Popen[bytes]] = set()
"""Children that must not outlive the run."""
_running_lock = threading.Lock()


@contextmanager
def tied(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    pass_fds: Sequence[int] = (),
    ask: Callable[[], None] | None = None,
    even_killed: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that ends with the block, or with `end_all`.

    Its helpers end with it: it is in a process group of its own. Its standard streams are pipes.

    Args:
        command: the program and its arguments.
        folder: its working directory.
        environment: all variables that it gets.
        pass_fds: the open files that it inherits besides its standard streams.
        ask: for what others see: called directly before it starts, and raises when it must not; it
            is killed then when this process dies, too.
        even_killed: whether it ends with this process however that ends.

    Raises:
        FileNotFoundError: there is no such program.
    """
    if ask is not None or even_killed:
        command = [sys.executable, "-I", "-S", str(_TIED), str(os.getpid()), *command]
    with _running_lock:
        if ask is not None:
            ask()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        _running.add(process)
    try:
        with process:
            try:
                yield process
            finally:
                if process.returncode is None:
                    _kill_group(process)
    finally:
        _running.discard(process)


def end_all() -> None:
    """Kill all programs that are tied to this process, and wait until they have ended."""
    with _running_lock:
        running = list(_running)
        for process in running:
            if process.returncode is None:
                _kill_group(process)
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDING_SECONDS)


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended by itself."""

    status: int
    """Its exit status; the negative number of the signal when one ended it."""
    output: bytes
    errors: bytes


def run_bounded(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    most_bytes: int,
    even_killed: bool = False,
) -> Ended:
    """Run a program, tied, without input and with bounds.

    Args:
        command: the program's path and its arguments.
        folder: its working directory.
        environment: all variables that it gets.
        seconds: how long it may run.
        most_bytes: how much it may write to standard output, and to standard error.
        even_killed: see `tied`.

    Raises:
        ScannerError: it can't be started, takes longer, or writes more.
    """
    deadline = time.monotonic() + seconds
    name = Path(command[0]).name
    with ExitStack() as stack:
        try:
            process = stack.enter_context(
                tied(command, folder=folder, environment=environment, even_killed=even_killed)
            )
        except OSError as error:
            raise ScannerError(f"{name} can't be started: {error.strerror}.") from error
        assert process.stdin is not None  # noqa: S101  # for the type checker
        process.stdin.close()
        try:
            output, errors = _read(process, deadline, most_bytes)
            while not _has_ended(process):
                _check(deadline)
                time.sleep(0.02)
        except TimeoutError:
            raise ScannerError(f"{name} did not end within {seconds:g} seconds.") from None
        except OverflowError:
            raise ScannerError(f"{name} wrote more than {most_bytes} bytes.") from None
    return Ended(process.returncode, output, errors)


def _read(
    process: subprocess.Popen[bytes], deadline: float, most_bytes: int
) -> tuple[bytes, bytes]:
    """Read both pipes to their ends; raises TimeoutError and OverflowError."""
    assert process.stdout is not None  # noqa: S101  # for the type checker
    assert process.stderr is not None  # noqa: S101
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, errors)
        while selector.get_map():
            _check(deadline)
            for ready, _ in selector.select(_LOOK_SECONDS):
                piece = os.read(ready.fd, _PIECE)
                if not piece:
                    selector.unregister(ready.fileobj)
                ready.data.extend(piece)
                if len(ready.data) > most_bytes:
                    raise OverflowError
            if _has_ended(process):
                _kill_group(process)
    return bytes(output), bytes(errors)


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Look without reaping it: until then nobody else can get its number, nor its group's."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
