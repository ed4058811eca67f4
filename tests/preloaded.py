"""Processes of the gate that begin as forks of one which has imported it.

Half of the processor time of a short run is imports and templates, and each of its workers imports
for itself; the suite makes hundreds of runs. A fork is a process like any other, with the
environment, folder, arguments and streams that it is given, and a child of whoever starts it; only
what happens before the first line of its module is left out. Tests of that start real processes.
"""

import atexit
import ctypes
import fcntl
import gc
import importlib
import inspect
import json
import os
import platform
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
MODULES = (
    "boto3",
    "package_gate.commands.gate",
    "package_gate.commands.aws_destinations",
    "package_gate.commands.dependencies",
    "package_gate.advisories.inspector",
    "package_gate.scanners.codeguru",
    "package_gate.sandbox.worker",
    "package_gate.scanners.archive",
    "package_gate.scanners.behaviour.scanner",
    "package_gate.scanners.guarddog",
    "package_gate.scanners.ruff",
)
"""What is imported beforehand."""
SECONDS = 400
CLONE = {"Linux x86_64": 56, "Linux aarch64": 220}.get(f"{platform.system()} {platform.machine()}")
"""The number of the system call (https://man7.org/linux/man-pages/man2/clone.2.html); elsewhere
every process is a real one."""
CLONE_PARENT = 0x8000


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: int | None = subprocess.DEVNULL,
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, as `subprocess.run` does with `capture_output` and `text`.

    Args:
        command: this Python, perhaps `-P` and `-s`, and a script or `-m` and a module, with
            arguments.
        env: the whole environment.
        cwd: the working directory.
        stdin: as `subprocess` takes it.
    """
    pipe = subprocess.PIPE
    with Popen(command, env=env, cwd=cwd, stdin=stdin, stdout=pipe, stderr=pipe, text=True) as done:
        try:
            output, errors = done.communicate(timeout=SECONDS)
        except BaseException:
            done.kill()
            raise
    return subprocess.CompletedProcess(command, done.returncode, output, errors)


class Popen(subprocess.Popen[Any]):
    """Starts Python with a part of the gate as a fork, and any other program as it is."""

    def _execute_child(self, *given: Any) -> None:
        """Do with a fork what `subprocess` does on POSIX with a new program."""
        method = super()._execute_child  # type: ignore[misc]
        named = inspect.signature(method).bind(*given).arguments
        command, env, cwd = named["args"], named["env"], named["cwd"]
        if not _is_forked(command, env):
            method(*given)
            return
        sys.audit("subprocess.Popen", command[0], command, cwd, env)
        order = {
            "words": [os.fspath(word) for word in command[1:]],
            "env": dict(env),
            "cwd": os.fspath(cwd or Path.cwd()),
            "session": named["start_new_session"],
        }
        ends = (named["p2cread"], named["c2pwrite"], named["errwrite"])
        self.pid = _forks().start(order, [own if end < 0 else end for own, end in enumerate(ends)])
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(named[pipe] for pipe in pipes))  # type: ignore[attr-defined]


def _is_forked(command: Any, env: Mapping[str, str] | None) -> bool:
    """Whether a fork is what the command would be: this Python with a part of the gate."""
    if CLONE is None or isinstance(command, str | bytes) or command[0] != sys.executable:
        return False
    words = _without_options(command[1:])
    of_the_gate = Path(words[0]).parent == PROJECT or (
        words[0] == "-m" and words[1].partition(".")[0] == "package_gate"
    )
    return of_the_gate and env is not None


def _without_options(words: Sequence[str | Path]) -> list[str]:
    """Leave out those of Python with which the process was started that forks."""
    strings = [os.fspath(word) for word in words]
    while strings[0] in ("-P", "-s"):
        strings.pop(0)
    return strings


class _Forks:
    """The process that forks, as another sees it; its forks become that one's children."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def start(self, order: Mapping[str, Any], streams: Sequence[int]) -> int:
        """Fork, and give the number of the process."""
        line = json.dumps(order).encode()
        with self._lock:
            socket.send_fds(self._connection, [len(line).to_bytes(4, "big")], streams)
            self._connection.sendall(line)
            return int.from_bytes(_receive(self._connection, 4), "big")


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ConnectionError("the process that forks has died")
        received += piece
    return received


@cache
def _forks() -> _Forks:
    """Start the process that forks, once in this one."""
    ours, its = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-P", "-s", __file__, str(its.fileno())],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[its.fileno()],
    )
    its.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return _Forks(ours)


def preload() -> None:
    """Import what the gate and its workers would, each for itself."""
    for module in MODULES:
        importlib.import_module(module)
    templates = importlib.import_module("package_gate.report.html")
    for path in sorted((PROJECT / "package_gate" / "report").glob("*.jinja")):
        templates.template(path.name)
    gc.collect()
    gc.freeze()


def serve(connection: socket.socket) -> None:
    """Fork for each order until nobody can give one; in a fork, be what was ordered."""
    while True:
        begin, streams, _, _ = socket.recv_fds(connection, 4, 3)
        if not begin:
            os._exit(0)
        begin += _receive(connection, 4 - len(begin))
        order = json.loads(_receive(connection, int.from_bytes(begin, "big")))
        process = _fork_for_parent()
        if process == 0:
            connection.close()
            _become(order, streams)
            return
        for stream in streams:
            os.close(stream)
        connection.sendall(process.to_bytes(4, "big"))


def _fork_for_parent() -> int:
    """Do what `os.fork` does, but make the new process a child of this one's parent."""
    python = ctypes.pythonapi
    system_call = ctypes.PyDLL(None, use_errno=True).syscall
    system_call.restype = ctypes.c_long
    words = [ctypes.c_long(word) for word in (CLONE or 0, CLONE_PARENT | signal.SIGCHLD, *[0] * 4)]
    python.PyOS_BeforeFork()
    process: int = system_call(*words)
    if process == 0:
        python.PyOS_AfterFork_Child()
        return 0
    python.PyOS_AfterFork_Parent()
    if process < 0:
        raise OSError(ctypes.get_errno(), "the system call clone has failed")
    return process


def _become(order: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Be the process that was ordered; its end is that of this function."""
    high = [fcntl.fcntl(stream, fcntl.F_DUPFD, 3) for stream in streams]
    for number, stream in enumerate(high):
        os.dup2(stream, number)
    for stream in {*streams, *high} - {0, 1, 2}:
        os.close(stream)
    if order["session"]:
        os.setsid()
    words = _without_options(order["words"])
    if words[:2] != ["-m", "package_gate.sandbox.worker"]:
        _start_workers_as_forks()
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    for folder in order["env"].get("PYTHONPATH", str(PROJECT)).split(":"):
        if folder != str(PROJECT):
            sys.path.insert(0, folder)
            sys.modules.pop("sitecustomize", None)
            importlib.import_module("sitecustomize")
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")


def _start_workers_as_forks() -> None:
    """Let this process start its workers as it was started itself."""
    ours, its = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        os.close(nothing)
        os.chdir("/")
        serve(its)
        sys.exit()
    its.close()
    forks = _Forks(ours)
    globals()["_forks"] = lambda: forks
    subprocess.Popen = Popen  # type: ignore[misc]


if __name__ == "__main__":
    preload()
    serve(socket.socket(fileno=int(sys.argv[1])))
