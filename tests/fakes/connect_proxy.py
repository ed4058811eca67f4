"""A real HTTP proxy that does nothing but CONNECT, to wherever a test says."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ConnectProxy:
    """What a test sees of the proxy."""

    url: str
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """`host:port` and headers of every CONNECT, in order of arrival."""
    status: int = 200
    """What it answers; it only connects for 200."""


@contextmanager
def connect_proxy(target_port: int, tls: ssl.SSLContext | None = None) -> Iterator[ConnectProxy]:
    """Serve until the block ends; whatever host is asked for, 127.0.0.1:`target_port` is got.

    With `tls` the way to the proxy is encrypted too.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def setup(self) -> None:
            if tls is not None:
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def do_CONNECT(self) -> None:
            proxy.requests.append((self.path, dict(self.headers.items())))
            self.send_response(proxy.status)
            self.end_headers()
            if proxy.status == 200:
                with socket.create_connection(("127.0.0.1", target_port), 30) as upstream:
                    back = threading.Thread(target=_copy, args=(upstream, self.connection))
                    back.start()
                    _copy(self.connection, upstream)
                    back.join()
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as listener:
        scheme = "http" if tls is None else "https"
        proxy = ConnectProxy(f"{scheme}://127.0.0.1:{listener.server_address[1]}")
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown()
            thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
