"""A network of its own, with a real DNS server that the system's resolver asks (Linux).

Runs in a process that may be spoilt: it leaves this machine's network and name service for good.
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Sequence
from pathlib import Path

PUBLIC = "203.0.113.1"
"""An address of the documentation's network, which this network has on its loopback device."""
_NEW_USER, _NEW_NETWORK, _NEW_MOUNTS = 0x10000000, 0x40000000, 0x00020000
_BIND, _PRIVATE = 0x1000, 0x40000 | 0x4000
_SET_ADDRESS, _SET_FLAGS, _UP = 0x8916, 0x8914, 0x41
A, AAAA, CNAME = 1, 28, 5


def enter(folder: Path) -> None:
    """Leave this machine's network; raises OSError where that is not allowed."""
    user, group = os.getuid(), os.getgid()
    system = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *arguments: object) -> None:
        if getattr(system, name)(*arguments) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    call("unshare", _NEW_USER | _NEW_NETWORK | _NEW_MOUNTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    call("mount", b"none", b"/", None, _PRIVATE, None)
    for name, content in (
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n"),
        ("nsswitch.conf", "hosts: files dns\n"),
        ("hosts", "127.0.0.1 localhost\n"),
    ):
        (folder / name).write_text(content)
        call("mount", str(folder / name).encode(), f"/etc/{name}".encode(), None, _BIND, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        for label, address in ((b"lo", "127.0.0.1"), (b"lo:1", PUBLIC)):
            place = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(device, _SET_ADDRESS, struct.pack("16s16s", label, place))


class DNS:
    """Answers each A question with the next of its answers, the last one for ever."""

    def __init__(self, answers: Sequence[Sequence[tuple[int, str]]]) -> None:
        """Take for each answer its records: the type and the address or name."""
        self.asked = 0
        self._answers = [*answers]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._current = self._answers[0]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(2000)
            end = question.index(b"\0", 12) + 5
            wanted = int.from_bytes(question[end - 4 : end - 2], "big")
            if wanted == A:
                self.asked += 1
                if len(self._answers) > 1:
                    self._current = self._answers.pop(0)
                else:
                    self._current = self._answers[0]
            # The C library asks for both kinds at once; an AAAA answer is that of the turn.
            records = [
                _record(kind, value)
                for kind, value in self._current
                if kind in (wanted, CNAME)
            ]  # fmt: skip
            header = question[:2] + struct.pack(">5H", 0x8180, 1, len(records), 0, 0)
            self._socket.sendto(header + question[12:end] + b"".join(records), sender)


def _record(kind: int, value: str) -> bytes:
    if kind == CNAME:
        data = b"".join(bytes([len(part)]) + part.encode() for part in value.split(".")) + b"\0"
    else:
        family = socket.AF_INET if kind == A else socket.AF_INET6
        data = socket.inet_pton(family, value)
    return struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(data)) + data


class Relay:
    """Hands connections at the public address on to the same port of the loopback address."""

    def __init__(self, port: int) -> None:
        """Listen."""
        self.connections = 0
        self._port = port
        self._listening = socket.create_server((PUBLIC, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listening.accept()
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
