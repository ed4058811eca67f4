"""The network of the two rooms: every address and every name is this machine, which takes all.

Nothing leaves: the network namespace has a loopback device only. A name server gives each name an
address of its own, and listeners keep what is sent, in TLS too, with certificates of an authority
that the inner room trusts.
"""

import fcntl
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from package_gate.observation.trace import METADATA_ADDRESSES

PORTS = (
    21, 22, 25, 80, 443, 465, 587, 1080, 1337, 3128, 3333, 4443, 4444, 5000, 5555, 6667, 7777,
    8000, 8080, 8081, 8443, 8888, 9000, 9001, 9090, 9999, 14444, 31337,
)  # fmt: skip
"""Where it listens from the beginning; what else is connected to, it opens for the second run."""
MOST_CONNECTIONS = 200
MOST_BYTES = 1 << 20
"""Of one connection."""
IDLE_SECONDS = 5.0
_TAKING_SECONDS = 2.0
_FIRST_ADDRESS = 0xC6120002
"""198.18.0.2, of the network for measurements (RFC 2544)."""
_MOST_NAMES = 60_000
_MAIL_PORTS = (25, 587)
_SIOCSIFFLAGS = 0x8914
_UP_AND_RUNNING = 0x1 | 0x8 | 0x40
_RTM_NEWROUTE, _REQUEST_ACK_CREATE = 24, 0x1 | 0x4 | 0x400
_TABLE_LOCAL, _BY_BOOT, _SCOPE_HOST, _TYPE_LOCAL, _OUTGOING = 255, 3, 254, 2, 4
_IP_PKTINFO = 8


def make_network() -> None:
    """Bring the loopback device up, and make every address one of this machine (rtnetlink(7)).

    Raises:
        OSError: this is no network namespace of our own.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _UP_AND_RUNNING))
    for family in (socket.AF_INET, socket.AF_INET6):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
            route = struct.pack(
                "=BBBBBBBBI", family, 0, 0, 0, _TABLE_LOCAL, _BY_BOOT, _SCOPE_HOST, _TYPE_LOCAL, 0
            )
            device = struct.pack("=HHI", 8, _OUTGOING, socket.if_nametoindex("lo"))
            length = 16 + len(route) + len(device)
            head = struct.pack("=IHHII", length, _RTM_NEWROUTE, _REQUEST_ACK_CREATE, 1, 0)
            kernel.send(head + route + device)
            (error,) = struct.unpack("=i", kernel.recv(4096)[16:20])
            if error and family == socket.AF_INET:
                raise OSError(-error, "every address can't be made local")


@dataclass(slots=True)
class Sent:
    """What came by one connection, or as one question to the name server."""

    host: str
    """The name that its address was given for, else the address."""
    port: int
    reached: str
    """The host again, as it was known when it was connected to: a name in TLS may say another."""
    content: bytearray = field(default_factory=bytearray)
    """At most `MOST_BYTES`."""
    length: int = 0
    """Of all that came."""
    began: float = field(default_factory=time.time)


class Sinkhole:
    """Takes everything, as long as its process lives."""

    def __init__(self, authority: str, metadata: str, folder: Path) -> None:
        """Listen.

        Args:
            authority: as `certificates.make_authority` gives it.
            metadata: what the metadata service gives away: a canary's value.
            folder: where certificates may be written.
        """
        self.names: dict[str, str] = {}
        """Address → name."""
        self._asked: list[tuple[str, float]] = []
        self._sent: list[Sent] = []
        self._listening: set[int] = set()
        self._listeners: list[socket.socket] = []
        self._addresses: dict[str, str] = {}
        self._authority, self._metadata, self._folder = authority, metadata, folder
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        server.bind(("0.0.0.0", 53))  # noqa: S104  # of a network without a way out
        threading.Thread(target=self._answer_names, args=(server,), daemon=True).start()
        self.listen(PORTS)

    def listen(self, ports: Iterable[int]) -> None:
        """Take what is sent to these TCP ports too, as far as nobody else listens there."""
        for port in sorted({*ports} - self._listening):
            with suppress(OSError):
                listener = socket.create_server(
                    ("::", port), family=socket.AF_INET6, backlog=64, dualstack_ipv6=True
                )
                listener.setblocking(False)
                self._listening.add(port)
                self._listeners.append(listener)
                threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()

    def take(self) -> tuple[list[Sent], list[tuple[str, float]]]:
        """Give what came since the last time, and which names were asked for when."""
        deadline = time.monotonic() + _TAKING_SECONDS
        for thread in self._taking(deadline):
            thread.join(max(deadline - time.monotonic(), 0.0))
        with self._lock:
            sent, self._sent = self._sent, []
            asked, self._asked = self._asked, []
        return sent, asked

    def _taking(self, deadline: float) -> list[threading.Thread]:
        """Give the threads that take, once nobody waits to be let in."""
        while True:
            with self._lock:
                if not _somebody_waits(self._listeners, 0) or time.monotonic() > deadline:
                    threads, self._threads = self._threads, []
                    return threads
            time.sleep(0.001)

    def _accept(self, listener: socket.socket, port: int) -> None:
        while True:
            _somebody_waits([listener])
            with self._lock:  # whoever is let in is on the list at once
                try:
                    connection, _ = listener.accept()
                except BlockingIOError:  # it is gone again
                    continue
                except OSError:
                    return
                if len(self._sent) >= MOST_CONNECTIONS:
                    connection.close()
                    continue
                address = str(connection.getsockname()[0]).removeprefix("::ffff:")
                host = self.names.get(address, address)
                sent = Sent(host, port, host)
                self._sent.append(sent)
                thread = threading.Thread(
                    target=self._take, args=(connection, sent, address), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _take(self, connection: socket.socket, sent: Sent, address: str) -> None:
        connection.settimeout(IDLE_SECONDS)
        with suppress(OSError, ValueError), connection:
            if sent.port in _MAIL_PORTS:
                connection.sendall(b"220 ready\r\n")
            if connection.recv(1, socket.MSG_PEEK) == b"\x16":
                connection = self._in_tls(connection, sent)
            self._converse(connection, sent, address)

    def _in_tls(self, connection: socket.socket, sent: Sent) -> ssl.SSLSocket:
        context = self._context(sent.host)

        def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name:
                sent.host = name
                tls.context = self._context(name)

        context.sni_callback = choose
        return context.wrap_socket(connection, server_side=True)

    def _context(self, name: str) -> ssl.SSLContext:
        """Give what serves a certificate for a name."""
        with self._lock:
            if name not in self._contexts:
                # It takes long to load, and most packages never need it.
                from package_gate.observation.certificates import certified

                file = self._folder / f"certificate-{len(self._contexts)}.pem"
                file.write_text(certified(name, self._authority))
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(file)
                self._contexts[name] = context
            return self._contexts[name]

    def _converse(self, connection: socket.socket, sent: Sent, address: str) -> None:
        """Keep what comes, and say what keeps it coming."""
        asked = bytearray()
        while piece := connection.recv(65536):
            sent.length += len(piece)
            sent.content += piece[: MOST_BYTES - len(sent.content)]
            asked = (asked + piece)[-MOST_BYTES:]
            if sent.port in _MAIL_PORTS:
                connection.sendall(b"250 ok\r\n")
                continue
            head, end, body = bytes(asked).partition(b"\r\n\r\n")
            if not end or b" HTTP/1." not in head:
                continue
            low = head.lower()
            if b"100-continue" in low and not body:
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            if _is_whole(low, body):
                answer = self._answer(head, address)
                length = f"Content-Length: {len(answer)}\r\n\r\n".encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + answer)
                asked.clear()

    def _answer(self, head: bytes, address: str) -> bytes:
        if address not in METADATA_ADDRESSES:
            return b"ok"
        if b"/security-credentials/ " in head:
            return b"notebook"
        return (
            '{"Code": "Success", "AccessKeyId": "ASIA' + self._metadata[:16] + '", '
            f'"SecretAccessKey": "{self._metadata}", "Token": "{self._metadata}", '
            '"Expiration": "2099-01-01T00:00:00Z"}'
        ).encode()

    def _answer_names(self, server: socket.socket) -> None:
        while True:
            try:
                question, ancillary, _, client = server.recvmsg(4096, 256)
            except OSError:
                return
            with suppress(IndexError, struct.error, OSError, UnicodeDecodeError):
                answer = self._answer_to(question)
                # From the address that was asked, whichever it was.
                places = [d for level, kind, d in ancillary if kind == _IP_PKTINFO]
                source = struct.pack("=I4s4x", 0, places[0][8:12])
                server.sendmsg([answer], [(socket.IPPROTO_IP, _IP_PKTINFO, source)], 0, client)

    def _answer_to(self, question: bytes) -> bytes:
        """Answer a question as a name server does (RFC 1035): each name has an IPv4 address."""
        labels, place = [], 12
        while length := question[place]:
            labels.append(question[place + 1 : place + 1 + length].decode("latin-1"))
            place += 1 + length
        kind, _ = struct.unpack("!HH", question[place + 1 : place + 5])
        name = ".".join(labels)
        if len(self._asked) < _MOST_NAMES:
            self._asked.append((name, time.time()))
        asked = question[12 : place + 5]
        address = self._address(name.lower())
        has_one = kind == 1
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, int(has_one), 0, 0)
        if not has_one:
            return head + asked
        record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
        return head + asked + record

    def _address(self, name: str) -> str:
        if name == "metadata.google.internal":
            return METADATA_ADDRESSES[0]
        if name not in self._addresses:
            number = _FIRST_ADDRESS + len(self._addresses) % _MOST_NAMES
            self._addresses[name] = socket.inet_ntoa(struct.pack("!I", number))
            self.names[self._addresses[name]] = name
        return self._addresses[name]


def _somebody_waits(listeners: Iterable[socket.socket], milliseconds: int | None = None) -> bool:
    """Wait until somebody has connected to one of these, or for so long."""
    poll = select.poll()
    for each in listeners:
        poll.register(each, select.POLLIN)
    return bool(poll.poll(milliseconds))


def _is_whole(head: bytes, body: bytes) -> bool:
    """Whether a request's body has come, as its head (in small letters) says."""
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    _, found, after = head.partition(b"content-length:")
    wanted = after.partition(b"\r\n")[0].strip()
    return not found or (wanted.isdigit() and len(body) >= int(wanted))
