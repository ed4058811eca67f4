"""An OSV API on a loopback port: batch queries with pages, and records by id.

It checks its callers' requests against https://google.github.io/osv.dev/post-v1-querybatch/ and
answers 400 to what the real one would not take.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.https_server import Responder, respond

QUERYBATCH = "/v1/querybatch"


@dataclass
class FakeOSVAPI:
    """What a test sees of it; fill `found` and `records`."""

    port: int = 0
    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(Package, version) → the ids that a batch query finds; version "" when it names none."""
    records: dict[str, bytes] = field(default_factory=dict)
    """Id → what is answered when it is asked for."""
    page_size: int = 1000
    failures: list[Responder] = field(default_factory=list)
    """What answers the next calls instead, one call each."""
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of each call, in order of arrival."""
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    """The queries of each batch call that was answered."""
    most_at_once: int = 0
    """How many calls were answered side by side."""
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://localhost:{self.port}"

    @property
    def paths(self) -> list[str]:
        """The paths of the calls."""
        return [path for path, _ in self.calls]

    def add(self, record: dict[str, Any], *affected: tuple[str, str]) -> None:
        """Serve a record, and find it for these packages and versions."""
        self.records[record["id"]] = json.dumps(record).encode()
        for package in affected:
            self.found.setdefault(package, []).append(record["id"])

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one call."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self._answer(handler)
        finally:
            with self.lock:
                self.at_once -= 1

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.calls.append((handler.path, dict(handler.headers.items())))
        if self.failures:
            self.failures.pop(0)(handler)
        elif (handler.command, handler.path) == ("POST", QUERYBATCH):
            self._querybatch(body)(handler)
        elif handler.command == "GET" and handler.path.startswith("/v1/vulns/"):
            record = self.records.get(handler.path.removeprefix("/v1/vulns/"))
            (respond(b"{}", 404) if record is None else respond(record))(handler)
        else:
            respond(b"{}", 404)(handler)

    def _querybatch(self, body: bytes) -> Responder:
        queries = json.loads(body)["queries"]
        if len(queries) > 1000 or not all(map(_is_query, queries)):
            return respond(b'{"code": 3, "message": "Invalid query."}', 400)
        self.batches.append(queries)
        return respond(json.dumps({"results": list(map(self._result, queries))}).encode())

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        ids = self.found.get((query["package"]["name"], query.get("version", "")), [])
        start = int(query.get("page_token", 0))
        end = start + self.page_size
        result: dict[str, Any] = {}
        if ids[start:end]:
            modified = "2024-01-01T00:00:00Z"
            result["vulns"] = [{"id": each, "modified": modified} for each in ids[start:end]]
        if len(ids) > end:
            result["next_page_token"] = str(end)
        return result


@contextmanager
def osv_api() -> Iterator[FakeOSVAPI]:
    """Serve until the block ends."""
    fake = FakeOSVAPI()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            fake.answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # clients of these tests hang up half-way on purpose

    with Quiet(("127.0.0.1", 0), Handler) as listener:
        fake.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            listener.shutdown()
            thread.join()


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """Send a long answer a byte at a time, so that no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def break_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent, and hang up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"results": [')
    handler.close_connection = True


def _is_query(query: dict[str, Any]) -> bool:
    return (
        set(query) <= {"package", "version", "page_token"}
        and set(query["package"]) == {"name", "ecosystem"}
        and query["package"]["ecosystem"] == "PyPI"
        and query.get("version") != ""
    )
