"""A relay in front of another server, with moments to order: kill, break off, answer instead.

moto can't be told to fail. What goes through this relay can: just before it is done, or when it is
done and nobody has been told yet.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.fakes.authority import client_context, server_context

HOLD_SECONDS = 120


@dataclass
class Moment:
    """Something that happens to a request."""

    when: str
    """Part of its request line and body, such as `PUT /records/lease` or `Action=Publish`."""
    act: Callable[[], None] | None = None
    """Called; then the connection breaks off without an answer, unless there is `hold`."""
    after: bool = False
    """Whether the server does its work first."""
    status: int = 0
    """The answer in place of the server's, which is not asked then."""
    times: int = 1
    skip: int = 0
    """How many such requests come before it."""
    hold: threading.Event | None = None
    """Waited for after `act`: then the request is done and answered all the same."""


@dataclass(frozen=True)
class Received:
    """One request, whole."""

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    status: int
    """Of the server's answer; 0 when it was not asked."""


@dataclass
class Relay:
    """What a test sees of it."""

    url: str
    moments: list[Moment] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Request line and body of each, in order of arrival."""
    received: list[Received] = field(default_factory=list)
    """All of each, in order of its answer."""
    held: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Part of a request line → called before the body of such a request is read."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, part: str) -> int:
        """How many requests had this in their request line or body."""
        return sum(part in request for request in self.requests)

    def next_moment(self, request: str) -> Moment | None:
        """Take down a request and give the moment that was ordered for it."""
        with self._lock:
            self.requests.append(request)
            for moment in self.moments:
                if moment.when in request:
                    if moment.skip:
                        moment.skip -= 1
                        continue
                    moment.times -= 1
                    if not moment.times:
                        self.moments.remove(moment)
                    return moment
        return None


@contextmanager
def relay_to(target: str) -> Iterator[Relay]:
    """Relay to the server at this address until the block ends; with TLS where that has it."""
    secure = urlsplit(target).scheme == "https"
    netloc = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def setup(self) -> None:
            if secure:
                self.request = server_context().wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            if secure:
                self.request.close()  # the listener closes only what was below TLS

        def answer(self) -> None:
            self.close_connection = True
            for part, hold in relay.held.items():
                if part in f"{self.command} {self.path}":
                    hold()
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # its sender was killed
                return
            request = f"{self.command} {self.path}\n{body.decode('utf-8', 'replace')}"
            moment = relay.next_moment(request)
            status = 0
            try:
                status = self._relayed(body, moment)
            finally:
                headers = {name.lower(): value for name, value in self.headers.items()}
                relay.received.append(Received(self.command, self.path, headers, body, status))

        def _relayed(self, body: bytes, moment: Moment | None) -> int:
            """Give the status of the server's answer; 0 when it was not asked."""
            if moment and moment.status:
                self._send(moment.status, {}, b"")
                return 0
            if moment and not moment.after:
                self._act(moment)
                if not moment.hold:
                    return 0
            upstream = (
                HTTPSConnection(netloc, timeout=30, context=client_context())
                if secure
                else HTTPConnection(netloc, timeout=30)
            )
            try:
                upstream.request(self.command, self.path, body, dict(self.headers.items()))
                answer = upstream.getresponse()
                content = answer.read()
            finally:
                upstream.close()
            if moment and moment.after:
                self._act(moment)
            if not moment or moment.hold:
                self._send(answer.status, dict(answer.getheaders()), content)
            return answer.status

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def _act(self, moment: Moment) -> None:
            if moment.act:
                moment.act()
            if moment.hold:
                moment.hold.wait(HOLD_SECONDS)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # its clients are killed on purpose

    with Quiet(("127.0.0.1", 0), Handler) as listener:
        relay = Relay(f"{'https' if secure else 'http'}://127.0.0.1:{listener.server_address[1]}")
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            listener.shutdown()
            thread.join()
