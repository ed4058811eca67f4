"""The address guard for what does its own HTTP: a proxy on loopback that makes guarded tunnels.

uv resolves names, follows redirects and takes addresses from an index's pages by itself. Behind
this proxy it can do none of that unseen: each connection is a CONNECT to a host and a port, the
host is resolved here once, checked by the policy, and connected to at an address that was checked.
TLS stays between the program and the server. Plain http, which would come as a GET, is refused.
"""

import base64
import hmac
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import unquote, urlsplit

from package_gate.core.errors import SourceRefusedError
from package_gate.core.text import printable
from package_gate.net.addresses import AddressGuard, CheckedURL, parse_url
from package_gate.net.failures import FAILURES, advice_on
from package_gate.net.session import CONNECT_SECONDS, Network, goes_direct, https_proxy

IDLE_SECONDS = 120.0
"""How long a tunnel may be silent before it is closed."""
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class GuardingProxy:
    """The proxy, and what it did not do. Messages hold no query and no credentials."""

    url: str = field(repr=False)
    """With a password that only this proxy takes: other processes can't use it."""
    refused: list[str] = field(default_factory=list)
    """Why a connection was forbidden, in order of arrival."""
    failed: list[str] = field(default_factory=list)
    """Why an allowed one could not be made."""

    def check(self) -> None:
        """Raise what was forbidden, after the program behind the proxy has failed.

        Raises:
            SourceRefusedError: something was.
        """
        if self.refused:
            raise SourceRefusedError(self.refused[0])


@contextmanager
def guarding_proxy(guard: AddressGuard, network: Network) -> Iterator[GuardingProxy]:
    """Serve until the block ends; then every tunnel is closed.

    Args:
        guard: decides what may be connected to.
        network: the proxy of the organisation, when there is one; its certificates.

    Raises:
        ConfigurationError: the organisation's proxy can't be used.
        OSError: no port of this machine can be listened on.
    """
    login = f"gate:{secrets.token_urlsafe(24)}"
    way = _Way(guard, network)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.way = way
        server.login = "Basic " + base64.b64encode(login.encode()).decode()
        server.proxy = GuardingProxy(f"http://{login}@127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.proxy
        finally:
            server.shutdown()
            thread.join()
            for sock in list(server.tunnels):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _Way:
    """Makes connections: to checked addresses, or through the organisation's proxy."""

    def __init__(self, guard: AddressGuard, network: Network) -> None:
        self._guard = guard
        self._network = network
        self._proxy = https_proxy(network)

    def connect(self, target: CheckedURL) -> socket.socket:
        """Connect.

        Raises:
            SourceRefusedError: the host or an address of it is forbidden.
            OSError: it failed.
        """
        if self._proxy and not goes_direct(target, self._network):
            self._guard.check_proxied(target.host, target.port)
            return self._through_proxy(target)
        failure = OSError("the name has no address")
        for address in self._guard.addresses(target.host, target.port):
            try:
                return socket.create_connection((str(address), target.port), CONNECT_SECONDS)
            except OSError as error:
                failure = error
        raise failure

    def _through_proxy(self, target: CheckedURL) -> socket.socket:
        parts = urlsplit(self._proxy)
        encrypted = parts.scheme == "https"
        headers = {}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        port = parts.port or (443 if encrypted else 80)
        connection = _ToProxy(parts.hostname or "", port, timeout=CONNECT_SECONDS)
        connection.tls = _trusting(self._network.ca_bundle) if encrypted else None
        connection.set_tunnel(target.host, target.port, headers)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection.sock


class _ToProxy(HTTPConnection):
    """A tunnel through a proxy, to which the way may be encrypted itself."""

    tls: ssl.SSLContext | None = None

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), self.timeout)
        if self.tls is not None:
            self.sock = self.tls.wrap_socket(self.sock, server_hostname=self.host)
        self._tunnel()  # type: ignore[attr-defined]  # as urllib3 does


def _trusting(ca_bundle: str | bool) -> ssl.SSLContext:
    if not isinstance(ca_bundle, str):
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with suppress(IsADirectoryError):
        context.load_verify_locations(cafile=ca_bundle)
        return context
    context.load_verify_locations(capath=ca_bundle)
    return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    way: _Way
    login: str
    proxy: GuardingProxy

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.tunnels: set[socket.socket] = set()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without `HTTPServer`'s question to the name server for this machine's name."""
        TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = IDLE_SECONDS
    server: _Server

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.close_connection = True

    def do_CONNECT(self) -> None:
        if not self._may_ask():
            return
        proxy = self.server.proxy
        try:
            upstream = self.server.way.connect(_host_and_port(self.path))
        except SourceRefusedError as error:
            proxy.refused.append(str(error))
            self.send_error(403)
        except FAILURES as error:
            proxy.failed.append(advice_on(error)[0].rstrip("."))
            self.send_error(502)
        else:
            with upstream:
                self._join(upstream)

    def do_GET(self) -> None:
        """Refuse what a client sends when an address is no https address."""
        if self._may_ask():
            shown = printable(self.path.partition("?")[0].rpartition("@")[2])
            self.server.proxy.refused.append(f"{shown}: only https is fetched")
            self.send_error(403)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_GET  # noqa: N815

    def _may_ask(self) -> bool:
        given = self.headers.get("Proxy-Authorization", "")
        if hmac.compare_digest(given.encode(), self.server.login.encode()):
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", "Basic")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _join(self, upstream: socket.socket) -> None:
        """Hand bytes over in both directions until both sides are done."""
        tunnels = {self.connection, upstream}
        for sock in tunnels:
            sock.settimeout(IDLE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.tunnels |= tunnels
        try:
            self.send_response_only(200)
            self.end_headers()
            back = threading.Thread(target=_copy, args=(upstream, self.connection), daemon=True)
            back.start()
            _copy(self.connection, upstream)
            back.join()
        finally:
            self.server.tunnels -= tunnels

    def log_message(self, format: str, *args: object) -> None:
        pass


def _host_and_port(asked: str) -> CheckedURL:
    if re.search(r"[/?#]", asked):
        raise SourceRefusedError("a tunnel was asked for to something that is no host")
    return parse_url(f"https://{asked}")


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
