"""The pool's end of a worker: starts the process, asks it, kills it with all its children."""

import os
import selectors
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from package_gate.core.errors import ScannerError
from package_gate.core.packaged import packaged
from package_gate.core.text import printable
from package_gate.sandbox.protocol import MAX_ANSWER_BYTES

STDERR_CHARACTERS = 2000
"""So much of the end of what a worker wrote to standard error is kept."""
PIECE = 1 << 16

_COMMAND = (sys.executable, "-P", "-s", "-m", "package_gate.sandbox.worker")


class WorkerProcess:
    """A running worker. One thread asks it at a time; any thread may `stop` it."""

    def __init__(self, name: str, scratch: Path) -> None:
        """Start it in a new folder below `scratch`, in a process group of its own.

        Raises:
            OSError: the folder or the process can't be made.
        """
        self._folder = Path(tempfile.mkdtemp(prefix=f"worker-{name}-", dir=scratch))
        try:
            self._process = subprocess.Popen(
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=self._folder,
                env=_environment(self._folder),
                start_new_session=True,
            )
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._pipes: list[IO[bytes]] = [
            pipe
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
            if pipe is not None
        ]
        self._stdin, self._stdout, self._stderr = (pipe.fileno() for pipe in self._pipes)
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
        self._stderr_tail = b""
        self._lock = threading.Lock()

    def ask(self, line: bytes, seconds: float) -> bytes:
        """Send a line and wait for the one that answers it.

        Raises:
            ScannerError: it took too long, died, or said something else than one line. It must be
                disposed of then.
        """
        unsent, answer = memoryview(line + b"\n"), bytearray()
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdin, selectors.EVENT_WRITE)
            selector.register(self._stdout, selectors.EVENT_READ)
            selector.register(self._stderr, selectors.EVENT_READ)
            while not answer.endswith(b"\n"):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ScannerError(f"hung for {seconds:g} s{self._last_words()}")
                ready = {int(key.fd) for key, _ in selector.select(left)}
                if self._stdin in ready:
                    unsent = self._send(unsent)
                    if not unsent:
                        selector.unregister(self._stdin)
                if self._stderr in ready and not self._hear():
                    selector.unregister(self._stderr)
                if self._stdout in ready:
                    piece = os.read(self._stdout, PIECE)
                    if not piece:
                        raise ScannerError(self._cause_of_death())
                    answer += piece
                    if b"\n" in piece[:-1]:
                        raise ScannerError("answered with garbage: more than one line")
                    if len(answer) > MAX_ANSWER_BYTES:
                        raise ScannerError(
                            f"answered with more than {MAX_ANSWER_BYTES // 2**20} MiB"
                        )
        return bytes(answer)

    def is_quiet(self) -> bool:
        """Whether an idle worker is as it should be: alive, and saying nothing unasked."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            return not selector.select(0)

    def stop(self) -> None:
        """Kill it and its children, but leave it to the thread that asks it to find out."""
        with self._lock:
            # Until it is waited for, its id can't become another process group's.
            if self._process.returncode is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def dispose(self) -> None:
        """Kill it and its children, and remove what is left of it."""
        self.stop()
        with self._lock:
            self._process.wait()
            for pipe in self._pipes:
                pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _send(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[os.write(self._stdin, unsent[:PIECE]) :]
        except BrokenPipeError:
            return unsent[:0]  # it is dead, as the end of its standard output will tell

    def _hear(self) -> bool:
        """Take in what it wrote to standard error; False at the end."""
        piece = os.read(self._stderr, PIECE)
        self._stderr_tail = (self._stderr_tail + piece)[-4 * STDERR_CHARACTERS :]
        return bool(piece)

    def _cause_of_death(self) -> str:
        self.stop()
        with self._lock:
            status = self._process.wait()
        with suppress(BlockingIOError):
            while self._hear():
                pass
        if status < 0:
            cause = f"was killed by {signal.Signals(-status).name}"
        else:
            cause = f"ended by itself with status {status}"
        return cause + self._last_words()

    def _last_words(self) -> str:
        text = self._stderr_tail.decode("utf-8", "replace").strip()[-STDERR_CHARACTERS:]
        return f"; its last words: {printable(text, 2 * STDERR_CHARACTERS)}" if text else ""


def _environment(folder: Path) -> dict[str, str]:
    """Make an environment up: nothing of the gate's own, which holds credentials."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONUTF8": "1",
        # It may write nowhere but to its folder, so what it compiles would be compiled each time
        # anyway; what is compiled already is used.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    around = str(packaged("").parent)
    if around not in site.getsitepackages():  # a checkout, or installed where Python doesn't look
        environment["PYTHONPATH"] = around
    return environment
