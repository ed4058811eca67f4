"""A name server in a dictionary, and sockets that say where they were connected to."""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from package_gate.net.addresses import IPAddress


class FakeDNS:
    """Answers each query for a host with the next of its answers; the last one for ever."""

    def __init__(self) -> None:
        self._answers: dict[str, list[list[str]]] = {}
        self.queries: list[str] = []

    def add(self, host: str, *answers: Sequence[str]) -> "FakeDNS":
        """Let a host have these addresses, one answer after another."""
        self._answers[host] = [list(answer) for answer in answers]
        return self

    def __call__(self, host: str, port: int) -> Sequence[IPAddress]:
        self.queries.append(host)
        answers = self._answers.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ipaddress.ip_address(address) for address in answer]


def record_connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the address of every connection made from here on; all of them end at 127.0.0.1."""
    connected: list[str] = []

    class RecordingSocket(socket.socket):
        def connect(self, address: Any) -> None:
            connected.append(address[0])
            super().connect(("127.0.0.1", address[1]))

    monkeypatch.setattr(socket, "socket", RecordingSocket)
    return connected
