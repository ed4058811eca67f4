"""The client for services: what it trusts, sends, follows and reads."""

import ast
import gzip
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.errors import ConfigurationError
from package_gate.net.session import HTTPSession, Network, NoAnswerError, network_of
from tests.fakes.connect_proxy import connect_proxy
from tests.fakes.https_server import HTTPSServer, https_server, respond

PACKAGE = Path(__file__).parent.parent.parent / "package_gate"


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    with https_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(shared_server: HTTPSServer) -> HTTPSServer:
    shared_server.routes.clear()
    shared_server.requests.clear()
    return shared_server


@contextmanager
def session(server: HTTPSServer, **changes: Any) -> Iterator[HTTPSession]:
    given = {
        "network": Network(ca_bundle=str(server.ca_file)),
        "wait_seconds": 5,
        "answer_seconds": 5,
        "answer_bytes": 1000,
        **changes,
    }
    with HTTPSession(**given) as made:
        yield made


def test_an_answer_is_given_whatever_its_status(server: HTTPSServer) -> None:
    server.routes["/x"] = respond(b"no", 503, {"Retry-After": "7"})
    with session(server) as asking:
        answer = asking.ask("POST", f"{server.url}/x", {"x-mine": "1"}, json={"a": 1})
    assert (answer.status, answer.body, answer.url) == (503, b"no", f"{server.url}/x")
    assert answer.headers["retry-after"] == "7"
    ((method, _, headers),) = server.requests
    assert (method, headers["x-mine"]) == ("POST", "1")
    assert headers["Content-Type"] == "application/json"


def test_nothing_comes_from_the_environment(
    server: HTTPSServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login jo password canary")
    monkeypatch.setenv("NETRC", str(netrc))
    server.routes["/x"] = respond()
    with session(server) as asking:
        asking.ask("GET", f"{server.url}/x")
    ((_, _, headers),) = server.requests
    assert "Authorization" not in headers


def test_no_cookie_is_kept(server: HTTPSServer) -> None:
    server.routes["/x"] = respond(headers={"Set-Cookie": "canary=1; Path=/"})
    with session(server) as asking:
        asking.ask("GET", f"{server.url}/x")
        asking.ask("GET", f"{server.url}/x")
    assert all("Cookie" not in headers for _, _, headers in server.requests)


def test_a_certificate_of_another_authority_is_not_trusted(server: HTTPSServer) -> None:
    with (
        session(server, network=Network()) as asking,
        pytest.raises(NoAnswerError, match="certificate is not valid") as error,
    ):
        asking.ask("GET", f"{server.url}/x?token=canary")
    assert not error.value.passing
    assert "canary" not in str(error.value)
    assert server.requests == []


def test_a_redirect_is_an_answer_unless_redirects_are_to_be_followed(server: HTTPSServer) -> None:
    server.routes["/a"] = respond(status=302, headers={"Location": "/b"})
    server.routes["/b"] = respond(b"here")
    server.routes["/circle"] = respond(status=302, headers={"Location": "/circle"})
    with session(server) as asking:
        assert asking.ask("GET", f"{server.url}/a").status == 302
    with session(server, follow_redirects=True) as asking:
        answer = asking.ask("GET", f"{server.url}/a")
        assert (answer.body, answer.url) == (b"here", f"{server.url}/b")
        with pytest.raises(NoAnswerError, match="redirects too often"):
            asking.ask("GET", f"{server.url}/circle")


def test_a_login_is_sent_to_the_host_that_it_is_for(server: HTTPSServer) -> None:
    server.routes["/a"] = respond(status=302, headers={"Location": f"{server.url}/b"})
    server.routes["/b"] = respond(
        status=302, headers={"Location": f"https://127.0.0.1:{server.port}/c"}
    )
    server.routes["/c"] = respond()
    with session(server, follow_redirects=True) as asking:
        asking.ask("GET", f"{server.url}/a", login=("jo", "secret"))
    assert ["Authorization" in headers for _, _, headers in server.requests] == [True, True, False]


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    server: HTTPSServer, *, compressed: bool
) -> None:
    body = bytes(100_000_000) if compressed else bytes(1001)
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    server.routes["/x"] = respond(gzip.compress(body, 1) if compressed else body, headers=headers)
    with session(server) as asking, pytest.raises(NoAnswerError, match="larger than 1000") as error:
        asking.ask("GET", f"{server.url}/x", {"Accept-Encoding": "gzip"})
    assert not error.value.passing


def test_an_answer_may_be_compressed_when_that_was_asked_for(server: HTTPSServer) -> None:
    server.routes["/x"] = respond(gzip.compress(b"text"), headers={"Content-Encoding": "gzip"})
    with session(server) as asking:
        given = asking.ask("GET", f"{server.url}/x", {"Accept-Encoding": "gzip"})
        assert given.body == b"text"
        with pytest.raises(NoAnswerError, match="encoding that was not asked for"):
            asking.ask("GET", f"{server.url}/x")


def test_a_trickle_does_not_outlast_the_time_for_an_answer(server: HTTPSServer) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "900")
        handler.end_headers()
        for _ in range(900):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    server.routes["/x"] = trickle
    started = time.monotonic()
    with (
        session(server, answer_seconds=0.5) as asking,
        pytest.raises(NoAnswerError, match=r"no whole answer in 0\.5 seconds") as error,
    ):
        asking.ask("GET", f"{server.url}/x")
    assert error.value.passing
    assert time.monotonic() - started < 10


def test_an_answer_that_ends_early_is_none(server: HTTPSServer) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "900")
        handler.end_headers()
        handler.wfile.write(b"x")
        handler.close_connection = True

    server.routes["/x"] = cut
    with session(server) as asking, pytest.raises(NoAnswerError) as error:
        asking.ask("GET", f"{server.url}/x")
    assert error.value.passing


def test_what_fails_for_a_passing_reason_is_asked_again_as_often_as_it_is_to_be(
    server: HTTPSServer,
) -> None:
    server.routes["/x"] = respond(b"busy", 503, {"Retry-After": "3600"})
    with session(server, retries=2) as asking:
        assert asking.ask("GET", f"{server.url}/x").status == 503
    assert len(server.requests) == 3
    with session(server) as asking:
        asking.ask("GET", f"{server.url}/x")
    assert len(server.requests) == 4


def test_a_file_is_sent_with_its_length(server: HTTPSServer) -> None:
    server.routes["/x"] = respond()
    with session(server) as asking:
        asking.ask("PUT", f"{server.url}/x", {"x-given": "1"}, file=io.BytesIO(b"zip"))
    ((method, _, headers),) = server.requests
    assert (method, headers["Content-Length"], headers["x-given"]) == ("PUT", "3", "1")
    assert "Transfer-Encoding" not in headers


def test_the_proxy_is_used_except_where_it_is_not_to_be(server: HTTPSServer) -> None:
    server.routes["/x"] = respond(b"here")
    address = f"https://mirror.test:{server.port}/x"
    with connect_proxy(server.port) as proxy:
        network = Network(str(server.ca_file), {"all": proxy.url}, "localhost")
        with session(server, network=network) as asking:
            assert asking.ask("GET", address).body == b"here"
            assert [host for host, _ in proxy.requests] == [f"mirror.test:{server.port}"]
            assert asking.ask("GET", f"{server.url}/x").body == b"here"
            assert len(proxy.requests) == 1


def test_a_proxy_that_cannot_be_used_is_a_configuration_error(server: HTTPSServer) -> None:
    network = Network(proxies={"https": "socks5://jo:canary@proxy.test"})
    with (
        session(server, network=network) as asking,
        pytest.raises(ConfigurationError, match="HTTPS_PROXY") as error,
    ):
        asking.ask("GET", f"{server.url}/x")
    assert "canary" not in str(error.value)


def test_a_proxys_password_is_in_no_message(server: HTTPSServer) -> None:
    network = Network(str(server.ca_file), {"https": "http://jo:canary@127.0.0.1:1"})
    with session(server, network=network) as asking, pytest.raises(NoAnswerError) as error:
        asking.ask("GET", f"{server.url}/x")
    assert "canary" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Network()),
        ({"HTTPS_PROXY": "http://p:1"}, Network(proxies={"https": "http://p:1"})),
        (
            {"https_proxy": "http://q", "HTTPS_PROXY": "http://p", "NO_PROXY": "a.test"},
            Network(proxies={"https": "http://q"}, no_proxy="a.test"),
        ),
        ({"all_proxy": "http://p"}, Network(proxies={"all": "http://p"})),
        ({"SSL_CERT_FILE": "/a"}, Network("/a")),
        ({"SSL_CERT_FILE": "/a", "REQUESTS_CA_BUNDLE": "/b"}, Network("/b")),
    ],
)
def test_proxies_and_certificates_are_read_as_requests_reads_them(
    environ: dict[str, str], expected: Network
) -> None:
    assert network_of(environ) == expected


def test_nothing_else_makes_a_session() -> None:
    """The worker of twine, a program of its own, uses the session that twine makes."""
    makers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in ("requests", "urllib3", "httpx")
                and (node.attr in ("Session", "session", "PoolManager", "Client", "request"))
                | (node.attr in ("get", "post", "put", "head", "patch", "delete"))
            ) or (isinstance(node, ast.Import | ast.ImportFrom) and "urlopen" in ast.unparse(node)):
                makers.add(path.relative_to(PACKAGE).as_posix())
    assert makers == {"net/session.py"}
