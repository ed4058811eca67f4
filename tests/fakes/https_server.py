"""A real HTTPS server on a loopback port."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes.authority import server_context, write_authority

Responder = Callable[[BaseHTTPRequestHandler], None]


def respond(
    body: bytes = b"", status: int = 200, headers: dict[str, str] | None = None
) -> Responder:
    """Answer with these bytes and their true length; a header given as "" is left out."""

    def responder(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            if value:
                handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return responder


@dataclass
class HTTPSServer:
    """What a test sees of the server."""

    port: int
    ca_file: Path
    routes: dict[str, Responder] = field(default_factory=dict)
    """Path without query → who answers it. Anything else is a 404."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path with query, and headers of every request, in order of arrival."""

    @property
    def url(self) -> str:
        """The server's address by name."""
        return f"https://localhost:{self.port}"


@contextmanager
def https_server(folder: Path) -> Iterator[HTTPSServer]:
    """Serve until the block ends; whom to trust is written to `folder`."""
    context = server_context()
    ca_file = write_authority(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True  # headers and body are two packets

        def setup(self) -> None:
            # The handshake happens here, in the connection's own thread, so that a client
            # which never finishes it holds up nobody else.
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def answer(self) -> None:
            server.requests.append((self.command, self.path, dict(self.headers.items())))
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length) if length else b""
            server.routes.get(urlsplit(self.path).path, respond(b"not found", 404))(self)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # clients of these tests hang up half-way on purpose

    with Quiet(("127.0.0.1", 0), Handler) as listener:
        server = HTTPSServer(port=listener.server_address[1], ca_file=ca_file)
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
