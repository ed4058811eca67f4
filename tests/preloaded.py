"""Runs of the gate that begin as forks of a process which has imported it.

Half of the processor time of a short run is imports and templates, and the suite makes hundreds of
runs. A fork is a process like any other, with the environment, folder, arguments and streams that
it is given; only what happens before the gate's first line is left out. Tests of that start real
processes.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parent.parent
MODULES = (
    "boto3",
    "package_gate.commands.gate",
    "package_gate.commands.aws_destinations",
    "package_gate.commands.dependencies",
    "package_gate.advisories.inspector",
    "package_gate.scanners.codeguru",
)
"""What is imported beforehand."""
SECONDS = 400


def run(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, as `subprocess.run` does with `capture_output` and `text`.

    Args:
        command: this Python, perhaps `-P` and `-s`, and a script or `-m` and a module, with
            arguments.
        env: the whole environment. With a `PYTHONPATH` of its own it is a real process.
        cwd: the working directory.
    """
    if env.get("PYTHONPATH") not in (None, str(PROJECT)):
        return subprocess.run(
            command,
            env=dict(env),
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    order = json.dumps({"command": list(command), "env": dict(env), "cwd": str(cwd)}).encode()
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        socket.socket(socket.AF_UNIX) as server,
    ):
        server.settimeout(SECONDS)
        server.connect(str(_server()))
        socket.send_fds(server, [len(order).to_bytes(4, "big")], [output.fileno(), errors.fileno()])
        server.sendall(order)
        status = int.from_bytes(_receive(server, 4), "big", signed=True)
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess(
            list(command), status, output.read().decode(), errors.read().decode()
        )


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ConnectionError("the process that runs gates has died")
        received += piece
    return received


@cache
def _server() -> Path:
    """Start the process, once in this one; gives the address at which it listens."""
    folder = tempfile.TemporaryDirectory(prefix="preloaded-")
    address = Path(folder.name, "socket")
    process = subprocess.Popen(
        [sys.executable, "-P", "-s", __file__, str(address)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        process.kill()
        process.wait()
        folder.cleanup()

    atexit.register(end)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return address


def serve(address: str) -> None:
    """Fork for each order; the fork forks again and waits, to tell how that ended."""
    for module in MODULES:
        importlib.import_module(module)
    templates = importlib.import_module("package_gate.report.html")
    for path in sorted((PROJECT / "package_gate" / "report").glob("*.jinja")):
        templates.template(path.name)
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(16)
    os.write(1, b"ready\n")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits are not waited for
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            break
        connection.close()
    begin, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
    order = json.loads(_receive(connection, int.from_bytes(begin, "big")))
    process = os.fork()
    if process:
        _, ended = os.waitpid(process, 0)
        connection.sendall(os.waitstatus_to_exitcode(ended).to_bytes(4, "big", signed=True))
        os._exit(0)
    connection.close()
    _become(order["command"], order["env"], order["cwd"], descriptors)


def _become(
    command: Sequence[str], env: Mapping[str, str], cwd: str, descriptors: Sequence[int]
) -> None:
    """Be the process that was ordered."""
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    words = list(command[1:])
    while words[0] in ("-P", "-s"):
        words.pop(0)
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    serve(sys.argv[1])
