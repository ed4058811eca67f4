"""What a payload would try that has taken over the process of a scan."""

import ctypes
import fcntl
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import threading
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
    "clone3": (435, 435),
    "memory-file": (319, 279),
    "secret-memory": (447, 447),
    "shared-memory": (29, 194),
    "semaphores": (64, 190),
    "queue": (68, 186),
    "posix-queue": (240, 180),
    "watch-files": (294, 26),
    "watch-all-files": (300, 262),
    "mount": (165, 40),
    "open-tree": (428, 428),
    "open-by-handle": (304, 265),
    "compare": (312, 272),
    "read-memory": (310, 270),
    "give-advice": (440, 440),
    "signal-thread": (234, 131),
    "signal-thread-alone": (200, 130),
    "queue-signal": (129, 138),
    "limits": (302, 261),
    "old-limits": (160, 164),
    "mode-at": (268, 53),
    "mode-at-2": (452, 452),
    "owner-at": (260, 54),
    "times-at": (280, 88),
    "attribute-at": (463, 463),
    "priority-of-io": (251, 30),
    "core-scheduling": (157, 167),
    "personality": (135, 92),
    "sync": (162, 81),
    "timer-file": (283, 85),
    "event-file": (290, 19),
    "move-pages": (279, 239),
}
_HERE = -100
"""AT_FDCWD."""
_TERMINAL_INPUT, _TERMINAL_CONTROL = 0x5412, 0x541C
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
        "list-others": lambda: list(Path("..", "..").iterdir()),
        "read-package": lambda: Path(target.artifacts[0].path).read_bytes(),
        "write-own": lambda: Path("note").write_text("x"),
        "symlink": lambda: Path("link").symlink_to(secret),
        "hard-link": lambda: Path("link").hardlink_to(tree),
        "pipe": lambda: os.mkfifo("pipe"),
    }
    metadata: dict[str, Callable[[], object]] = {
        f"{what}-{whose}": attempt
        for whose, file in (("secret", secret), ("tree", tree), ("own", Path()))
        for what, attempt in _metadata(file).items()
    }
    outliving: dict[str, Callable[[], object]] = {
        "shared-memory": lambda: _call("shared-memory", 0x5AFE, 1 << 20, 0o1666),
        "semaphores": lambda: _call("semaphores", 0x5AFE, 1, 0o1666),
        "queue": lambda: _call("queue", 0x5AFE, 0o1666),
        "posix-queue": lambda: _call("posix-queue", b"planted", os.O_CREAT | os.O_RDWR, 0o666, 0),
        "memory-file": lambda: _call("memory-file", b"planted", 0),
        "secret-memory": lambda: _call("secret-memory", 0),
        "shared-memory-folder": lambda: Path("/dev/shm/planted").write_text("x"),
        "temporary-folder": lambda: Path("/tmp/planted").write_text("x"),
        "socket-pair": _socket_pair,
    }
    doors: dict[str, Callable[[], object]] = {
        "watch-files": lambda: _call("watch-files", 0),
        "watch-all-files": lambda: _call("watch-all-files", 0, 0),
        "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
        "open-tree": lambda: _call("open-tree", _HERE, b"/", 0),
        "open-by-handle": lambda: _call("open-by-handle", _HERE, bytes(200), 0),
        "personality": lambda: _call("personality", 0x0040000),
        "clone3": lambda: _call("clone3", bytes(88), 88),
        "sync": lambda: _call("sync"),
        "timer-file": lambda: _call("timer-file", 1, 0),
        "event-file": lambda: _call("event-file", 0, 0),
        "terminal-input": lambda: fcntl.ioctl(0, _TERMINAL_INPUT, b"x"),
        "terminal-control": lambda: fcntl.ioctl(0, _TERMINAL_CONTROL, b"\x03"),
        "lease": lambda: fcntl.fcntl(os.open(tree, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK),
        "notify": lambda: fcntl.fcntl(os.open(tree, os.O_RDONLY), fcntl.F_NOTIFY, 1),
        "lock": lambda: fcntl.flock(os.open(tree, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB),
    }
    processes: dict[str, Callable[[], object]] = {
        **{
            f"{name}-{what}": attempt
            for name, pid in (("gate", gate), ("worker", worker))
            for what, attempt in _to_a_process(pid).items()
        },
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
        "thread": _thread,
        "namespace": lambda: _call("namespace", _NEW_USER_NAMESPACE),
        "kernel-program": lambda: _call("kernel-program", 0, 0, 0),
        "page-faults": lambda: _call("page-faults", 1),
        "more-time": lambda: resource.setrlimit(resource.RLIMIT_CPU, (9999, 9999)),
        "more-memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
        "fork": _fork,
        "run-program": lambda: subprocess.run(["/bin/sh", "-c", ":"], check=True),
        "child-network": lambda: _child_connects(knows.port),
    }
    return {**network, **files, **metadata, **outliving, **doors, **processes}


def _metadata(file: Path) -> dict[str, Callable[[], object]]:
    """Give what changes a file, but not its content."""
    name = os.fsencode(file)
    return {
        "mode": lambda: file.chmod(0o777),
        "mode-open": lambda: os.fchmod(os.open(file, os.O_RDONLY), 0o777),
        "mode-at": lambda: _call("mode-at", _HERE, name, 0o777),
        "mode-at-2": lambda: _call("mode-at-2", _HERE, name, 0o777, 0),
        "owner": lambda: os.chown(file, 0, 0),
        "owner-open": lambda: os.fchown(os.open(file, os.O_RDONLY), 0, 0),
        "owner-link": lambda: os.lchown(file, 0, 0),
        "owner-at": lambda: _call("owner-at", _HERE, name, 0, 0, 0),
        "times": lambda: os.utime(file, (0, 0)),
        "times-at": lambda: _call("times-at", _HERE, name, bytes(32), 0),
        "attribute": lambda: os.setxattr(file, "user.planted", b"x"),
        "attribute-open": lambda: os.setxattr(os.open(file, os.O_RDONLY), "user.planted", b"x"),
        "attribute-link": lambda: os.setxattr(file, "user.p", b"x", follow_symlinks=False),
        "attribute-at": lambda: _call("attribute-at", _HERE, name, 0, b"user.p", bytes(16), 16),
        "attribute-removed": lambda: os.removexattr(file, "user.planted"),
    }


def _to_a_process(pid: int) -> dict[str, Callable[[], object]]:
    """Give what reaches another process, besides files in /proc."""
    return {
        "limits": lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)),
        "limits-read": lambda: resource.prlimit(pid, resource.RLIMIT_CPU),
        "limits-by-number": lambda: _call("limits", pid | 1 << 32, 0, (ctypes.c_long * 2)(1, 1), 0),
        "affinity": lambda: os.sched_setaffinity(pid, {0}),
        "priority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
        "scheduling": lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
        "priority-of-io": lambda: _call("priority-of-io", 1, pid, 3 << 13),
        "core-scheduling": lambda: _call("core-scheduling", 62, 2, pid, 0, 0),
        "compare": lambda: _call("compare", os.getpid(), pid, 0, 0, 0),
        "read-memory": lambda: _call("read-memory", pid, 0, 0, 0, 0, 0),
        "give-advice": lambda: _call("give-advice", pid, 0, 0, 0, 0),
        "move-pages": lambda: _call("move-pages", pid, 0, 0, 0, 0, 0),
        "signal-thread": lambda: _call("signal-thread", pid, pid, 0),
        "signal-thread-alone": lambda: _call("signal-thread-alone", pid, 0),
        "queue-signal": lambda: _call("queue-signal", pid, signal.SIGUSR1, bytes(128)),
        "signal-group": lambda: os.kill(-pid, 0),
        "owner-of-signals": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, pid),
        "files": lambda: list(Path(f"/proc/{pid}/fd").iterdir()),
        "maps": lambda: Path(f"/proc/{pid}/maps").read_text(),
        "score": lambda: Path(f"/proc/{pid}/oom_score_adj").write_text("1000"),
    }


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


def _socket_pair() -> None:
    for each in socket.socketpair():
        each.close()


def _thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def _call(name: str, *arguments: object) -> None:
    _checked(_CALLS[name][_COLUMN], *arguments)


def _checked(number: int, *arguments: object) -> None:
    """Make a system call that no library of Python's makes."""
    system = ctypes.CDLL(None, use_errno=True)
    if system.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
