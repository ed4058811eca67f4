"""What a payload would try that has taken over the process of a scan."""

import ctypes
import os
import platform
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from package_gate.core.artifact import UnpackedPackage

_COLUMN = 0 if platform.machine() == "x86_64" else 1
_CALLS = {
    "io-uring": (425, 425),
    "keyring": (250, 219),
    "namespace": (272, 97),
    "kernel-program": (321, 280),
    "page-faults": (323, 282),
    "pidfd": (434, 434),
}
_NEW_USER_NAMESPACE = 0x10000000
_PTRACE = (101, 117)
_PTRACE_SEIZE = 0x4206


class Knows(Protocol):
    """What a test tells it."""

    @property
    def gate(self) -> int:
        """The process that started the workers."""
        ...

    @property
    def path(self) -> str:
        """A file that holds a secret."""
        ...

    @property
    def port(self) -> int:
        """Where somebody listens on this machine."""
        ...

    @property
    def socket(self) -> str:
        """The path of a listening UNIX socket."""
        ...

    @property
    def other_package(self) -> str:
        """The folder of another package."""
        ...


def attempts(knows: Knows, target: UnpackedPackage) -> dict[str, Callable[[], object]]:
    """Name each attempt; one that fails raises."""
    worker = os.getppid()
    gate = knows.gate
    secret, other = Path(knows.path), Path(knows.other_package)
    tree = Path(target.artifacts[0].tree)
    network: dict[str, Callable[[], object]] = {
        "tcp": lambda: socket.create_connection(("127.0.0.1", knows.port), 2).close(),
        "udp": lambda: _udp(knows.port),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "unix": lambda: _connect(knows.socket),
        "unix-abstract": lambda: _connect("\0" + knows.socket),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
        "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close(),
        "io-uring": lambda: _call("io-uring", 8, ctypes.create_string_buffer(200)),
    }
    files: dict[str, Callable[[], object]] = {
        "read-secret": secret.read_text,
        "list-folder": lambda: list(secret.parent.iterdir()),
        "read-system": Path("/etc/passwd").read_text,
        "write-beside": lambda: secret.with_name("planted").write_text("x"),
        "read-other-package": (other / Path(target.artifacts[0].path).name).read_bytes,
        "write-other-package": lambda: (other / "tree" / "planted").write_text("x"),
        "write-tree": lambda: (tree / "planted").write_text("x"),
        "write-download": lambda: Path(target.artifacts[0].path).write_text("x"),
        "write-worker-folder": lambda: Path("..", "planted").write_text("x"),
        "read-package": lambda: Path(target.artifacts[0].path).read_bytes(),
        "write-own": lambda: Path("note").write_text("x"),
        "symlink": lambda: Path("link").symlink_to(secret),
        "hard-link": lambda: Path("link").hardlink_to(tree),
        "pipe": lambda: os.mkfifo("pipe"),
    }
    processes: dict[str, Callable[[], object]] = {
        **{
            f"{name}-environ": Path(f"/proc/{pid}/environ").read_bytes
            for name, pid in (("gate", gate), ("worker", worker))
        },
        **{
            f"{name}-memory": Path(f"/proc/{pid}/mem").open
            for name, pid in (("gate", gate), ("worker", worker))
        },
        "gate-trace": lambda: _checked(_PTRACE[_COLUMN], _PTRACE_SEIZE, gate, 0, 0),
        "worker-trace": lambda: _checked(_PTRACE[_COLUMN], _PTRACE_SEIZE, worker, 0, 0),
        "gate-signal": lambda: os.kill(gate, 0),
        "worker-signal": lambda: os.kill(worker, 0),
        "all-signal": lambda: os.kill(-1, 0),
        "pidfd": lambda: _call("pidfd", worker, 0),
        "session": os.setsid,
        "group": lambda: os.setpgid(0, 0),
        "keyring": lambda: _call("keyring", 0, -3, 0),
        "namespace": lambda: _call("namespace", _NEW_USER_NAMESPACE),
        "kernel-program": lambda: _call("kernel-program", 0, 0, 0),
        "page-faults": lambda: _call("page-faults", 1),
        "more-time": lambda: resource.setrlimit(resource.RLIMIT_CPU, (9999, 9999)),
        "more-memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
        "fork": _fork,
        "run-program": lambda: subprocess.run(["/bin/sh", "-c", ":"], check=True),
        "child-network": lambda: _child_connects(knows.port),
    }
    return {**network, **files, **processes}


def _udp(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"a secret", ("127.0.0.1", port))


def _connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def _child_connects(port: int) -> None:
    code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _call(name: str, *arguments: object) -> None:
    _checked(_CALLS[name][_COLUMN], *arguments)


def _checked(number: int, *arguments: object) -> None:
    """Make a system call that no library of Python's makes."""
    system = ctypes.CDLL(None, use_errno=True)
    if system.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
