"""The proxy that guards what uv connects to: who may use it, for what, and what is left of it."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from package_gate.core.errors import ConfigurationError, SourceRefusedError
from package_gate.core.policy import Sources
from package_gate.net.addresses import AddressGuard
from package_gate.net.guarding_proxy import GuardingProxy, guarding_proxy
from package_gate.net.session import Network
from tests.fakes.connect_proxy import connect_proxy
from tests.fakes.https_server import HTTPSServer, https_server, respond
from tests.fakes.package_index import LOCAL


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    with https_server(tmp_path_factory.mktemp("server")) as running:
        running.routes["/x"] = respond(b"there" * 100_000)
        yield running


def get(proxy: str, url: str, server: HTTPSServer) -> bytes:
    with requests.Session() as session:
        session.trust_env = False
        proxies = {"https": proxy, "http": proxy}
        answer = session.get(url, proxies=proxies, verify=str(server.ca_file), timeout=20)
        answer.raise_for_status()
        return answer.content


def asking(proxy: GuardingProxy, host: str, port: int) -> bytes:
    """The request for a tunnel, with the proxy's password."""
    login = base64.b64encode(urlsplit(proxy.url).netloc.rpartition("@")[0].encode()).decode()
    lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Proxy-Authorization: Basic {login}", "", ""]
    return "\r\n".join(lines).encode()


def spoken(proxy: GuardingProxy, request: bytes) -> bytes:
    """What the proxy answers to these bytes, until it hangs up."""
    parts = urlsplit(proxy.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 20) as sock:
        sock.sendall(request)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_what_is_allowed_comes_through_whole_and_with_the_servers_own_certificate(
    server: HTTPSServer,
) -> None:
    with guarding_proxy(LOCAL, Network()) as proxy:
        assert get(proxy.url, f"{server.url}/x", server) == b"there" * 100_000
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{server.url}/x", proxies={"https": proxy.url}, timeout=20, verify=True)
        proxy.check()


def test_nobody_uses_it_without_its_password(server: HTTPSServer) -> None:
    with guarding_proxy(LOCAL, Network()) as proxy:
        assert "gate:" not in repr(proxy)
        before = len(server.requests)
        for method in ("CONNECT", "GET"):
            for login in ("", "Proxy-Authorization: Basic Z2F0ZTo=\r\n"):
                asked = f"{method} localhost:{server.port} HTTP/1.1\r\n{login}\r\n".encode()
                assert spoken(proxy, asked).startswith(b"HTTP/1.0 407")
        assert (len(server.requests), proxy.refused) == (before, [])


@pytest.mark.parametrize(
    "url", ["http://localhost:{port}/x", "http://169.254.169.254/?secret", "http://[::1]/x"]
)
def test_plain_http_is_refused_and_its_query_is_not_repeated(server: HTTPSServer, url: str) -> None:
    with guarding_proxy(LOCAL, Network()) as proxy:
        with pytest.raises(requests.HTTPError, match="403"):
            get(proxy.url, url.format(port=server.port), server)
        with pytest.raises(SourceRefusedError, match="only https is fetched") as caught:
            proxy.check()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "2130706433", "user@localhost", "0x7f.1"],
)
@pytest.mark.parametrize("through", [False, True])
def test_forbidden_hosts_are_refused_also_before_the_organisations_proxy(
    server: HTTPSServer, host: str, through: bool
) -> None:
    with connect_proxy(server.port) as upstream:
        network = Network(proxies={"https": upstream.url} if through else {})
        with guarding_proxy(LOCAL, network) as proxy:
            assert spoken(proxy, asking(proxy, host, server.port)).startswith(b"HTTP/1.0 403")
            assert len(proxy.refused) == 1
        assert upstream.requests == []


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_organisations_proxy_is_gone_through(server: HTTPSServer, encrypted: bool) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    both = server.ca_file.parent / "both.pem"
    both.write_bytes(server.ca_file.read_bytes() + authority.cert_pem.bytes())
    with connect_proxy(server.port, tls if encrypted else None) as upstream:
        network = Network(str(both), {"https": upstream.url.replace("://", "://u:p%40@")})
        with guarding_proxy(LOCAL, network) as proxy:
            assert get(proxy.url, f"{server.url}/x", server)
            upstream.status = 407
            with pytest.raises(requests.exceptions.ProxyError):
                get(proxy.url, f"{server.url}/x", server)
            proxy.check()
            assert "the proxy answered 407" in proxy.failed[0]
        (asked, headers), _ = upstream.requests
        assert asked == f"localhost:{server.port}"
        assert headers["Proxy-Authorization"] == "Basic dTpwQA=="


def test_no_proxy_keeps_a_host_away_from_the_organisations_proxy(server: HTTPSServer) -> None:
    with connect_proxy(server.port) as upstream:
        network = Network(proxies={"https": upstream.url}, no_proxy="localhost")
        with guarding_proxy(LOCAL, network) as proxy:
            assert get(proxy.url, f"{server.url}/x", server)
        assert upstream.requests == []


def test_nothing_is_left_when_the_block_ends(server: HTTPSServer) -> None:
    threads = set(threading.enumerate())
    with guarding_proxy(LOCAL, Network()) as proxy:
        parts = urlsplit(proxy.url)
        idle = socket.create_connection((parts.hostname or "", parts.port or 0), 20)
        idle.sendall(asking(proxy, "localhost", server.port))
        assert idle.recv(100).startswith(b"HTTP/1.0 200")
    with idle:
        assert idle.recv(1) == b""
    for thread in set(threading.enumerate()) - threads:
        if "_Handler" in repr(thread) or "process_request" in thread.name:
            thread.join(20)
            assert not thread.is_alive()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((parts.hostname or "", parts.port or 0), 20)


def test_a_server_that_does_not_answer_is_a_failure_and_no_refusal() -> None:
    with guarding_proxy(LOCAL, Network()) as proxy:
        with pytest.raises(requests.exceptions.ProxyError):
            requests.get("https://localhost:1/", proxies={"https": proxy.url}, timeout=20)
        proxy.check()
        assert proxy.failed


def test_a_proxy_that_is_none_is_a_wrong_configuration(tmp_path: Path) -> None:
    network = Network(proxies={"https": "ftp://proxy.test"})
    guard = AddressGuard(Sources())
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY"), guarding_proxy(guard, network):
        raise AssertionError
