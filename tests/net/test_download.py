import base64
import errno
import hashlib
import io
import os
import socket
import ssl
import struct
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import StreamRequestHandler
from typing import Any

import pytest
import trustme

from package_gate import __version__
from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import (
    ConfigurationError,
    DigestError,
    SourceError,
    SourceRefusedError,
)
from package_gate.core.limits import Limits
from package_gate.core.policy import Sources
from package_gate.net.addresses import IndexAddress
from package_gate.net.download import Downloader, Timing
from package_gate.net.session import Network
from tests.fakes.connect_proxy import connect_proxy
from tests.fakes.dns import FakeDNS, record_connections
from tests.fakes.https_server import HTTPSServer, Responder, https_server, respond

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRIVATE = Sources(private_hosts=("localhost",))


def zip_bytes(content: bytes = b"print('hello')\n") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("module.py", content)
    return buffer.getvalue()


ARCHIVE = zip_bytes()
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    """Run one server for all of these tests: ending one takes half a second."""

    def finish(handler: StreamRequestHandler) -> None:
        # The server closes the socket that it accepted, not the TLS socket made of it.
        try:
            finish_only(handler)
        finally:
            handler.connection.close()

    finish_only = StreamRequestHandler.finish
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StreamRequestHandler, "finish", finish)
        with https_server(tmp_path_factory.mktemp("server")) as server:
            yield server


@pytest.fixture
def server(running: HTTPSServer) -> HTTPSServer:
    """Give the server with nothing on it."""
    running.routes.clear()
    running.requests.clear()
    return running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the empty folder that files are fetched into."""
    path = tmp_path / "fetched"
    path.mkdir()
    return path


class Make:
    """Makes downloaders that trust the test server and never wait between attempts."""

    def __init__(self, server: HTTPSServer) -> None:
        self.server = server
        self.slept: list[float] = []
        self.made: list[Downloader] = []

    def __call__(
        self,
        sources: Sources = PRIVATE,
        limits: Limits | None = None,
        network: Network | None = None,
        **more: Any,
    ) -> Downloader:
        times = {each.name: more.pop(each.name) for each in fields(Timing) if each.name in more}
        downloader = Downloader(
            network or Network(ca_bundle=str(self.server.ca_file)),
            sources,
            limits or Limits(),
            timing=Timing(**{"sleep": self.slept.append, "now": lambda: NOW, **times}),
            **more,
        )
        self.made.append(downloader)
        return downloader


@pytest.fixture
def make(server: HTTPSServer) -> Iterator[Make]:
    """Give the way to make downloaders; their connections are closed in the end."""
    maker = Make(server)
    yield maker
    for downloader in maker.made:
        downloader.close()


def remote(server: HTTPSServer, path: str = "/x.zip", **more: Any) -> RemoteFile:
    return RemoteFile("x.zip", server.url + path, **more)


def in_turn(*responders: Responder) -> Responder:
    """Answer each request with the next of these, the last one for ever."""
    waiting = list(responders)

    def responder(handler: BaseHTTPRequestHandler) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)

    return responder


def redirect(location: str, status: int = 302, headers: dict[str, str] | None = None) -> Responder:
    return respond(b"", status, {"Location": location, **(headers or {})})


def raw(*pieces: bytes, seconds_between: float = 0) -> Responder:
    """Send these bytes, headers and all, as they are, and hang up."""

    def responder(handler: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)
            time.sleep(seconds_between)
        handler.close_connection = True

    return responder


def reset_after(sent: bytes) -> Responder:
    """Send this and then break the connection (RST)."""

    def responder(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(sent)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(handler.connection.detach())

    return responder


def head(length: int | str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


# What arrives


def test_a_file_is_fetched_hashed_and_named(server: HTTPSServer, make: Make, folder: Path) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    fetched = make().fetch(remote(server, "/x.zip?a=1", uploaded=NOW), folder)
    assert fetched.path == folder / "x.zip"
    assert fetched.path.read_bytes() == ARCHIVE
    assert fetched.artifact.filename == "x.zip"
    assert fetched.artifact.sha256 == DIGEST
    assert fetched.artifact.size == len(ARCHIVE)
    assert fetched.artifact.url == f"{server.url}/x.zip?a=1"
    assert fetched.artifact.uploaded == NOW
    assert [path.name for path in folder.iterdir()] == ["x.zip"]


def test_a_request_says_who_asks_and_nothing_else(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    make().fetch(remote(server, "/x.zip?a=%20b"), folder)
    ((method, path, headers),) = server.requests
    assert (method, path) == ("GET", "/x.zip?a=%20b")
    assert headers == {
        "Host": f"localhost:{server.port}",
        "User-Agent": f"package-gate/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }


def test_a_chunked_answer_is_put_together(server: HTTPSServer, make: Make, folder: Path) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, ARCHIVE[i : i + 1]) for i in range(len(ARCHIVE)))
    server.routes["/x.zip"] = raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    )
    assert make().fetch(remote(server), folder).artifact.sha256 == DIGEST


def test_the_size_and_digest_that_the_index_says_are_accepted_when_they_are_true(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    file = remote(server, sha256=DIGEST.upper(), size=len(ARCHIVE))
    assert make().fetch(file, folder).artifact.sha256 == DIGEST


def fails(
    make: Make,
    file: RemoteFile,
    folder: Path,
    match: str | None,
    attempts: int,
    error: type[Exception] = SourceError,
    **more: Any,
) -> str:
    """Fetch, and expect this error after so many attempts with nothing left on disk."""
    with pytest.raises(error, match=match) as failure:
        make(**more).fetch(file, folder)
    assert failure.type is error
    assert list(folder.iterdir()) == []
    assert len(make.slept) == attempts - 1
    return str(failure.value)


def test_a_wrong_digest_is_an_error_without_another_attempt(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    file = remote(server, sha256="0" * 64)
    fails(make, file, folder, f"{DIGEST} instead of 0000", 1, error=DigestError)


def test_another_size_than_the_index_says_is_an_error(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    fails(make, remote(server, size=7), folder, "the index says 7", 1)


def test_another_size_than_the_index_says_is_an_error_without_an_announced_length(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nP\r\n0\r\n\r\n"
    )
    fails(make, remote(server, size=7), folder, "1 bytes arrived instead of 7", 1)


@pytest.mark.parametrize(
    ("body", "appearance"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "an HTML page"),
        (b"\n <HTML>", "an HTML page"),
        (b"<?xml version='1.0'?>", "an XML document"),
        (b'{"message": "Not Found"}', "a JSON document"),
        (b"404: Not Found", "a text"),
        (b"\x7fELF\0\0\0\0", "something else"),
        (b"", "an empty file"),
    ],
)
def test_what_is_no_archive_is_an_error_that_says_what_it_looks_like(
    server: HTTPSServer, make: Make, folder: Path, body: bytes, appearance: str
) -> None:
    server.routes["/x.zip"] = respond(body)
    fails(make, remote(server), folder, f"not a zip or tar archive; .* {appearance}", 1)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "br", "identity, gzip", "\x1b[2J"])
def test_a_content_encoding_is_an_error(
    server: HTTPSServer, make: Make, folder: Path, encoding: str
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE, headers={"Content-Encoding": encoding})
    assert fails(make, remote(server), folder, "Content-Encoding", 1).isprintable()


def test_a_transfer_encoding_that_would_be_stored_with_the_file_is_an_error(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE, headers={"Transfer-Encoding": "gzip, chunked"})
    fails(make, remote(server), folder, "Transfer-Encoding", 1)


# Length and size


def test_an_answer_that_is_cut_short_is_tried_again_and_then_an_error(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = raw(head(len(ARCHIVE) + 10) + ARCHIVE)
    fails(make, remote(server), folder, r"tried 4 times", 4)
    assert len(server.requests) == 4


@pytest.mark.parametrize("size", [100, 8192, 300_000])
def test_an_answer_longer_than_announced_is_an_error(
    server: HTTPSServer, make: Make, folder: Path, size: int
) -> None:
    body = zip_bytes(os.urandom(size))
    server.routes["/x.zip"] = raw(head(len(body) - 20) + body)
    fails(make, remote(server), folder, "sent more than the", 1)


def test_after_an_answer_longer_than_announced_the_connection_is_not_used_again(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    # 8192 bytes are read at once; what follows in the same TLS record waits for the next reader.
    short = (head(5) + b"short").ljust(8192, b"x")

    def poisoner(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(short + head(len(ARCHIVE)) + ARCHIVE)

    server.routes["/poison"] = poisoner
    server.routes["/x.zip"] = respond(zip_bytes(b"honest"))
    downloader = make()
    with pytest.raises(SourceError, match="sent more"):
        downloader.fetch(remote(server, "/poison"), folder)
    assert downloader.fetch(remote(server), folder).artifact.sha256 != DIGEST


@pytest.mark.parametrize("length", ["-1", "+5", "1_0", "0x10", "5, 6", "99999999999999999999"])
def test_a_length_that_is_no_number_is_an_error(
    server: HTTPSServer, make: Make, folder: Path, length: str
) -> None:
    server.routes["/x.zip"] = raw(head(length) + ARCHIVE)
    with pytest.raises(SourceError):
        make().fetch(remote(server), folder)
    assert list(folder.iterdir()) == []


def test_without_a_length_a_connection_that_is_cut_is_not_taken_for_the_end(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + ARCHIVE)
    fails(make, remote(server), folder, "tried 4 times", 4)


def test_without_a_length_the_goodbye_of_tls_is_the_end(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    def responder(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + ARCHIVE)
        assert isinstance(handler.connection, ssl.SSLSocket)
        handler.connection.settimeout(0)
        handler.close_connection = True
        handler.connection.unwrap()

    server.routes["/x.zip"] = responder
    assert make().fetch(remote(server), folder).artifact.sha256 == DIGEST


def test_a_file_announced_as_too_large_is_not_read(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = raw(head(10**12))
    limits = Limits(download_bytes=1000)
    fails(make, remote(server), folder, "larger than 1000 bytes", 1, limits=limits)


def test_a_file_without_announced_length_stops_at_the_limit(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    sent: list[int] = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while len(sent) < 10_000:
            handler.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent.append(1)

    server.routes["/x.zip"] = endless
    limits = Limits(download_bytes=100_000)
    fails(make, remote(server), folder, "larger than 100000 bytes", 1, limits=limits)
    assert len(sent) < 10_000


# Time


def fast_clock() -> float:
    """Let a second of the limits pass in a fifth of one."""
    return time.monotonic() * 5


def dripping(start: bytes, drip: bytes) -> Responder:
    return raw(start, *[drip] * 300, seconds_between=0.05)


@pytest.mark.parametrize(
    "responder",
    [
        dripping(head(100_000), b"x"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
    ],
    ids=["body", "headers", "one header", "continue", "chunk size", "trailers"],
)
def test_a_server_that_trickles_holds_the_gate_no_longer_than_the_limit(
    server: HTTPSServer, make: Make, folder: Path, responder: Responder
) -> None:
    server.routes["/x.zip"] = responder
    started = time.monotonic()
    fails(
        make,
        remote(server),
        folder,
        "not finished within 1 seconds",
        1,
        limits=Limits(download_seconds=1),
        clock=fast_clock,
    )
    assert time.monotonic() - started < 5


def test_a_server_that_stalls_is_asked_again_and_then_given_up(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    done = threading.Event()

    def stall(handler: BaseHTTPRequestHandler) -> None:
        done.wait(20)

    server.routes["/x.zip"] = stall
    try:
        fails(make, remote(server), folder, "did not answer in time", 4, read_seconds=0.1)
    finally:
        done.set()


def test_a_server_that_stalls_in_the_middle_is_asked_again(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    done = threading.Event()

    def stall(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head(len(ARCHIVE)) + ARCHIVE[:10])
        done.wait(20)

    server.routes["/x.zip"] = in_turn(stall, respond(ARCHIVE))
    try:
        assert make(read_seconds=0.2).fetch(remote(server), folder).artifact.sha256 == DIGEST
    finally:
        done.set()
    assert len(make.slept) == 1


def test_a_server_that_never_finishes_the_handshake_is_given_up(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}/x.zip"
        file = RemoteFile("x.zip", url)
        fails(make, file, folder, "did not answer in time", 4, connect_seconds=0.1)


def test_no_attempt_is_made_for_which_no_time_is_left(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(b"", 503, {"Retry-After": "30"})
    limits = Limits(download_seconds=20)
    fails(make, remote(server), folder, "tried 1 time", 1, limits=limits)


# Attempts


def test_a_connection_reset_half_way_is_tried_again(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    body = zip_bytes(os.urandom(200_000))
    server.routes["/x.zip"] = in_turn(
        reset_after(head(len(body)) + body[:150_000]), reset_after(b""), respond(body)
    )
    fetched = make().fetch(remote(server), folder)
    assert fetched.path.read_bytes() == body
    assert fetched.artifact.sha256 == hashlib.sha256(body).hexdigest()
    assert len(make.slept) >= 2  # a busy machine may reset one more


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_status_that_passes_is_tried_again(
    server: HTTPSServer, make: Make, folder: Path, status: int
) -> None:
    server.routes["/x.zip"] = in_turn(respond(b"", status), respond(ARCHIVE))
    assert make().fetch(remote(server), folder).artifact.sha256 == DIGEST
    assert 1 <= make.slept[0] <= 2


def test_a_status_that_does_not_pass_is_an_error_after_four_attempts_ever_further_apart(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(b"", 500)
    fails(make, remote(server), folder, r"localhost.* answered 500 \(tried 4 times\)", 4)
    assert [int(seconds) for seconds in make.slept] in ([1, 2, 4], [1, 2, 5], [1, 3, 4], [1, 3, 5])


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 451, 501])
def test_any_other_status_is_an_error_at_once(
    server: HTTPSServer, make: Make, folder: Path, status: int
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE if status not in (204, 304) else b"", status)
    fails(make, remote(server), folder, f"localhost.* answered {status}", 1)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9, 9),
        ("86400", 60, 60),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), 60, 60),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 1, 2),
        ("soon", 1, 2),
        ("-5", 1, 2),
        ("9" * 5000, 1, 2),
        ("Thu, 99 Foo 2026 99:99:99 GMT", 1, 2),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_in_both_forms_up_to_a_minute(
    server: HTTPSServer,
    make: Make,
    folder: Path,
    status: int,
    value: str,
    least: float,
    most: float,
) -> None:
    refusal = respond(b"", status, {"Retry-After": value})
    server.routes["/x.zip"] = in_turn(refusal, respond(ARCHIVE))
    make().fetch(remote(server), folder)
    assert least <= make.slept[0] <= most


def test_a_refused_connection_is_tried_again(server: HTTPSServer, make: Make, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    file = RemoteFile("x.zip", f"https://localhost:{port}/x.zip")
    fails(make, file, folder, "Connection refused", 4)


def test_the_next_address_is_taken_when_one_does_not_answer(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    dns = FakeDNS().add("localhost", ["::1", "127.0.0.1"])
    assert make(resolver=dns).fetch(remote(server), folder).artifact.sha256 == DIGEST


@pytest.mark.parametrize(
    ("error", "match", "attempts"),
    [
        (socket.gaierror(socket.EAI_NONAME, "not known"), "no host of this name", 1),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "name server did not answer", 4),
    ],
)
def test_a_name_that_does_not_exist_is_no_failure_that_passes(
    server: HTTPSServer,
    make: Make,
    folder: Path,
    error: OSError,
    match: str,
    attempts: int,
) -> None:
    def resolver(host: str, port: int) -> list[Any]:
        raise error

    fails(make, remote(server), folder, match, attempts, resolver=resolver)


# Certificates


def test_an_unknown_authority_is_an_error_without_another_attempt(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    fails(make, remote(server), folder, "certificate is not valid", 1, network=Network())
    assert server.requests == []


def test_a_certificate_for_another_host_is_an_error(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    sources = Sources(private_hosts=("other.test",))
    dns = FakeDNS().add("other.test", ["127.0.0.1"])
    file = RemoteFile("x.zip", f"https://other.test:{server.port}/x.zip")
    fails(make, file, folder, "other.test", 1, sources=sources, resolver=dns)
    assert server.requests == []


@pytest.mark.parametrize("content", [None, b"not a certificate"])
def test_a_certificate_bundle_that_cannot_be_read_is_a_configuration_error(
    tmp_path: Path, content: bytes | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        Downloader(Network(ca_bundle=str(bundle)), Sources(), Limits())


def test_checking_certificates_cannot_be_switched_off() -> None:
    with pytest.raises(ConfigurationError, match="always checked"):
        Downloader(Network(ca_bundle=False), Sources(), Limits())


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(server: HTTPSServer, make: Make, folder: Path, status: int) -> None:
    server.routes["/a"] = redirect("/x.zip?sig=1", status)
    server.routes["/x.zip"] = respond(ARCHIVE)
    fetched = make().fetch(remote(server, "/a"), folder)
    assert fetched.artifact.sha256 == DIGEST
    assert fetched.artifact.url == f"{server.url}/a"
    assert server.requests[1][1] == "/x.zip?sig=1"


def test_the_body_of_a_redirect_is_not_read(server: HTTPSServer, make: Make, folder: Path) -> None:
    server.routes["/a"] = redirect("/x.zip", headers={"Content-Length": str(10**12)})
    server.routes["/x.zip"] = respond(ARCHIVE)
    assert make(read_seconds=1).fetch(remote(server, "/a"), folder).artifact.sha256 == DIGEST
    assert make.slept == []


def test_five_redirects_are_followed_and_six_are_an_error(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    for hop in range(6):
        server.routes[f"/{hop}"] = redirect(f"/{hop + 1}")
    server.routes["/6"] = respond(ARCHIVE)
    fails(make, remote(server, "/0"), folder, "redirects more than 5 times", 1)
    assert make().fetch(remote(server, "/1"), folder).artifact.sha256 == DIGEST


def test_a_redirect_loop_is_an_error(server: HTTPSServer, make: Make, folder: Path) -> None:
    server.routes["/a"] = redirect("/b")
    server.routes["/b"] = redirect("/a#again")
    fails(make, remote(server, "/a"), folder, "redirects in a circle", 1)
    assert len(server.requests) == 2


def test_a_redirect_to_nowhere_is_an_error(server: HTTPSServer, make: Make, folder: Path) -> None:
    server.routes["/a"] = respond(b"", 302)
    fails(make, remote(server, "/a"), folder, "without saying where to", 1)


def test_a_redirect_off_the_allow_list_is_refused(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    sources = Sources(
        allowed_hosts=("localhost",),
        private_hosts=(
            "localhost",
            "mirror.test",
        ),
    )
    dns = FakeDNS().add("localhost", ["127.0.0.1"]).add("mirror.test", ["127.0.0.1"])
    server.routes["/a"] = redirect(f"https://mirror.test:{server.port}/x.zip?sig=secret")
    server.routes["/x.zip"] = respond(ARCHIVE)
    text = fails(
        make,
        remote(server, "/a"),
        folder,
        r"localhost.* redirects to https://mirror\.test.*allowed_hosts",
        1,
        SourceRefusedError,
        sources=sources,
        resolver=dns,
    )
    assert "secret" not in text
    assert len(server.requests) == 1


def test_cookies_are_neither_kept_nor_sent(server: HTTPSServer, make: Make, folder: Path) -> None:
    cookie = {"Set-Cookie": "session=1; Path=/; Secure"}
    server.routes["/a"] = redirect("/x.zip", headers=cookie)
    server.routes["/x.zip"] = respond(ARCHIVE, headers=cookie)
    downloader = make()
    downloader.fetch(remote(server, "/a"), folder)
    downloader.fetch(RemoteFile("y.zip", f"{server.url}/x.zip"), folder)
    assert len(server.requests) == 3
    assert not any("Cookie" in headers for _, _, headers in server.requests)


def test_a_planted_netrc_changes_nothing(
    server: HTTPSServer,
    make: Make,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login user password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.chdir(tmp_path)
    server.routes["/a"] = redirect("/x.zip")
    server.routes["/x.zip"] = respond(ARCHIVE)
    make().fetch(remote(server, "/a"), folder)
    assert not any("Authorization" in headers for _, _, headers in server.requests)


LOGIN = ("aws", "index-password-canary")
AUTHORIZATION = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()


def authorized(server: HTTPSServer) -> list[tuple[str, bool]]:
    """Path → whether the index's login came with it."""
    return [
        (path, headers.get("Authorization") == AUTHORIZATION)
        for _, path, headers in server.requests
    ]


def test_an_index_gets_its_login_with_requests_for_its_files_and_nobody_else_does(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    for path in ("/pypi/store/simple/a/1/x.zip", "/pypi/store-2/x.zip", "/pypi/x.zip"):
        server.routes[path] = respond(ARCHIVE)
    index = IndexAddress(f"{server.url}/pypi/store/simple/", LOGIN)
    downloader = make(indexes=lambda: [index])
    for number, path in enumerate(server.routes):
        downloader.fetch(RemoteFile(f"{number}.zip", server.url + path), folder)
    assert authorized(server) == [
        ("/pypi/store/simple/a/1/x.zip", True),
        ("/pypi/store-2/x.zip", False),
        ("/pypi/x.zip", False),
    ]


def test_a_login_is_not_sent_where_the_index_redirects_to(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/pypi/store/x.zip"] = redirect("/elsewhere/x.zip")
    server.routes["/elsewhere/x.zip"] = respond(ARCHIVE)
    index = IndexAddress(f"{server.url}/pypi/store/simple/", LOGIN)
    make(indexes=lambda: [index]).fetch(remote(server, "/pypi/store/x.zip"), folder)
    assert authorized(server) == [("/pypi/store/x.zip", True), ("/elsewhere/x.zip", False)]


@pytest.mark.parametrize(
    "path",
    [
        "/pypi/store/../internal/x.zip",
        "/pypi/store/%2e%2e/internal/x.zip",
        "/pypi/store/..%2fx.zip",
    ],
)
def test_no_path_out_of_the_index_carries_its_login(
    server: HTTPSServer, make: Make, folder: Path, path: str
) -> None:
    index = IndexAddress(f"{server.url}/pypi/store/simple/", LOGIN)
    with pytest.raises(SourceError):
        make(indexes=lambda: [index]).fetch(remote(server, path), folder)
    assert [login for _, login in authorized(server)] == [False]


def test_what_an_index_does_not_have_yet_is_asked_for_again(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    path = "/pypi/store/simple/a/1/x.zip"
    server.routes[path] = in_turn(respond(b"", 404), respond(b"", 404), respond(ARCHIVE))
    index = IndexAddress(f"{server.url}/pypi/store/simple/")
    downloader = make(indexes=lambda: [index])
    assert downloader.fetch(remote(server, path), folder).artifact.sha256 == DIGEST
    assert len(make.slept) == 2
    assert sum(make.slept) < 10


def test_what_an_index_never_has_is_an_error_that_says_so(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    index = IndexAddress(f"{server.url}/pypi/store/simple/")
    downloader = make(indexes=lambda: [index])
    with pytest.raises(SourceError, match=r"404.*nothing under this address.*4 times"):
        downloader.fetch(remote(server, "/pypi/store/x.zip"), folder)


def test_an_index_that_is_not_configured_right_is_an_error_and_no_download(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    def indexes() -> list[IndexAddress]:
        raise SourceError("uv's configuration can't be read")

    with pytest.raises(SourceError, match="can't be read"):
        make(indexes=indexes).fetch(remote(server), folder)
    assert server.requests == []


def test_the_environment_is_not_read(
    server: HTTPSServer, make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nonexistent")
    server.routes["/x.zip"] = respond(ARCHIVE)
    assert make().fetch(remote(server), folder).artifact.sha256 == DIGEST


# Addresses that must not be reached

NAMES = {
    "loopback.test": "127.0.0.1",
    "metadata.test": "169.254.169.254",
    "private.test": "10.0.0.1",
    "six.test": "::1",
    "mapped.test": "::ffff:127.0.0.1",
    "nat64.test": "64:ff9b::7f00:1",
    "six-metadata.test": "fd00:ec2::254",
    "localhost": "127.0.0.1",
}
ATTEMPTS = [
    *(f"https://{name}:{{port}}/x.zip" for name in NAMES),
    "https://127.0.0.1:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://127.1:{port}/",
    "https://2130706433:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0.0.1:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://127。0。0。1:{port}/",
    "https://\uff11\uff12\uff17.0.0.1:{port}/",
    "https://ⓛocalhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://%31%32%37.0.0.1:{port}/",
    "https://127.0.0.1%00.good.test:{port}/",
    "https://good.test@127.0.0.1:{port}/",
    "https://good.test:443@127.0.0.1:{port}/",
    "https://good.test\\@127.0.0.1:{port}/",
    "https://127.0.0.1\\.good.test:{port}/",
    "https://127.0.0.1:{port}#@good.test/",
    "https://127.0.0.1:{port}?@good.test/",
    "https://[::1]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://[::]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::127.0.0.1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[fe80::1%25eth0]:{port}/",
    "https://[fe80::1%eth0]:{port}/",
    "https://[fd00:ec2::254]:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254:{port}/latest/meta-data/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://192.168.0.1:{port}/",
    "https://100.64.0.1:{port}/",
    "https://224.0.0.1:{port}/",
    "https://255.255.255.255:{port}/",
    "http://good.test:{port}/x.zip",
    "HTTP://good.test:{port}/x.zip",
    "file:///etc/passwd",
    "ftp://good.test/x.zip",
    "gopher://127.0.0.1:{port}/_GET",
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_address_inside_is_refused_without_a_connection(
    server: HTTPSServer,
    make: Make,
    folder: Path,
    attempt: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dns = FakeDNS()
    for name, address in NAMES.items():
        dns.add(name, [address])
    connected = record_connections(monkeypatch)
    file = RemoteFile("x.zip", attempt.format(port=server.port))
    fails(make, file, folder, None, 1, SourceRefusedError, sources=Sources(), resolver=dns)
    assert connected == []
    assert server.requests == []


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_redirect_to_an_address_inside_is_refused_without_a_connection(
    server: HTTPSServer,
    make: Make,
    folder: Path,
    attempt: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dns = FakeDNS().add("mirror.test", ["203.0.113.1"])
    for name, address in NAMES.items():
        dns.add(name, [address])
    location = attempt.format(port=server.port).encode().decode("latin-1")
    server.routes["/a"] = redirect(location)
    connected = record_connections(monkeypatch)
    file = RemoteFile("x.zip", f"https://mirror.test:{server.port}/a")
    fails(
        make, file, folder, "redirects to", 1, SourceRefusedError, sources=Sources(), resolver=dns
    )
    assert connected == ["203.0.113.1"]
    assert len(server.requests) == 1


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    server: HTTPSServer, make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    dns = FakeDNS().add("mirror.test", ["203.0.113.1"], ["127.0.0.1"])
    connected = record_connections(monkeypatch)
    monkeypatch.setattr(socket, "getaddrinfo", None)
    file = RemoteFile("x.zip", f"https://mirror.test:{server.port}/x.zip")
    make(sources=Sources(), resolver=dns).fetch(file, folder)
    assert connected == ["203.0.113.1"]
    assert dns.queries == ["mirror.test"]
    assert server.requests[0][2]["Host"] == f"mirror.test:{server.port}"


def test_a_name_that_is_rebound_between_two_attempts_is_refused(
    server: HTTPSServer, make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.routes["/x.zip"] = raw(b"")
    dns = FakeDNS().add("mirror.test", ["203.0.113.1"], ["127.0.0.1"])
    connected = record_connections(monkeypatch)
    file = RemoteFile("x.zip", f"https://mirror.test:{server.port}/x.zip")
    fails(make, file, folder, "127.0.0.1", 2, SourceRefusedError, sources=Sources(), resolver=dns)
    assert connected == ["203.0.113.1"]


def test_a_name_that_is_rebound_between_two_redirects_is_refused(
    server: HTTPSServer, make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.routes["/a"] = redirect("/x.zip")
    dns = FakeDNS().add("mirror.test", ["203.0.113.1"], ["169.254.169.254"])
    connected = record_connections(monkeypatch)
    file = RemoteFile("x.zip", f"https://mirror.test:{server.port}/a")
    fails(make, file, folder, "metadata", 1, SourceRefusedError, sources=Sources(), resolver=dns)
    assert connected == ["203.0.113.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_host_on_any_port_is_fetched_from(
    server: HTTPSServer, make: Make, folder: Path, host: str
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    file = RemoteFile("x.zip", f"https://{host}:{server.port}/x.zip")
    downloader = make(sources=Sources(private_hosts=(host,)))
    assert downloader.fetch(file, folder).artifact.sha256 == DIGEST


# Proxies


def through(server: HTTPSServer, proxy_url: str, no_proxy: str = "") -> Network:
    return Network(str(server.ca_file), {"https": proxy_url}, no_proxy)


def test_a_file_is_fetched_through_the_proxy(server: HTTPSServer, make: Make, folder: Path) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    file = RemoteFile("x.zip", "https://mirror.test/x.zip")
    with connect_proxy(server.port) as proxy:
        url = proxy.url.replace("//", "//user:hunter2@")
        downloader = make(sources=Sources(), network=through(server, url), resolver=FakeDNS())
        assert downloader.fetch(file, folder).artifact.sha256 == DIGEST
        ((asked, headers),) = proxy.requests
        downloader.close()
    assert asked == "mirror.test:443"
    assert headers["Proxy-Authorization"].startswith("Basic ")
    assert not any("Authorization" in name for name in server.requests[0][2])


def test_a_file_is_fetched_through_a_proxy_that_is_spoken_to_over_tls(
    server: HTTPSServer, make: Make, folder: Path, tmp_path: Path
) -> None:
    body = zip_bytes(os.urandom(300_000))
    server.routes["/x.zip"] = respond(body)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "both.pem"
    bundle.write_bytes(server.ca_file.read_bytes() + authority.cert_pem.bytes())
    with connect_proxy(server.port, context) as proxy:
        network = Network(str(bundle), {"https": proxy.url})
        downloader = make(sources=Sources(), network=network, resolver=FakeDNS())
        for name in ("a.zip", "b.zip"):
            file = RemoteFile(name, "https://mirror.test/x.zip")
            assert downloader.fetch(file, folder).path.read_bytes() == body
        assert len(proxy.requests) == 1
        downloader.close()


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_proxy_is_not_asked_for_an_address_inside(
    server: HTTPSServer, make: Make, folder: Path, attempt: str
) -> None:
    dns = FakeDNS()
    for name, address in NAMES.items():
        dns.add(name, [address])
    file = RemoteFile("x.zip", attempt.format(port=server.port))
    with connect_proxy(server.port) as proxy:
        fails(
            make,
            file,
            folder,
            None,
            1,
            SourceRefusedError,
            sources=Sources(),
            network=through(server, proxy.url),
            resolver=dns,
        )
        assert proxy.requests == []


def test_a_proxy_is_not_asked_for_a_host_off_the_allow_list(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    with connect_proxy(server.port) as proxy:
        fails(
            make,
            RemoteFile("x.zip", "https://mirror.test/x.zip"),
            folder,
            "allowed_hosts",
            1,
            SourceRefusedError,
            sources=Sources(allowed_hosts=("other.test",)),
            network=through(server, proxy.url),
            resolver=FakeDNS(),
        )
        assert proxy.requests == []


@pytest.mark.parametrize(("status", "attempts"), [(407, 1), (403, 1), (503, 4)])
def test_a_proxy_that_refuses_is_named_without_its_password(
    server: HTTPSServer, make: Make, folder: Path, status: int, attempts: int
) -> None:
    with connect_proxy(server.port) as proxy:
        proxy.status = status
        text = fails(
            make,
            RemoteFile("x.zip", "https://mirror.test/x.zip?sig=secret"),
            folder,
            f"the proxy answered {status}",
            attempts,
            network=through(server, proxy.url.replace("//", "//user:hunter2@")),
            resolver=FakeDNS(),
        )
    assert "hunter2" not in text
    assert "secret" not in text


def test_a_server_that_speaks_like_a_proxys_error_is_not_taken_for_one(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = raw(b"Tunnel connection failed: 407\r\n\r\n")
    assert "proxy" not in fails(make, remote(server), folder, "the connection failed", 4)


def test_a_proxy_that_is_down_is_tried_again(server: HTTPSServer, make: Make, folder: Path) -> None:
    file = RemoteFile("x.zip", "https://mirror.test/x.zip")
    network = through(server, "http://user:hunter2@127.0.0.1:1")
    text = fails(
        make, file, folder, "proxy could not be reached", 4, network=network, resolver=FakeDNS()
    )
    assert "hunter2" not in text


def test_a_proxy_that_trickles_holds_the_gate_no_longer_than_the_limit(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    stop = threading.Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"A: b\r\n")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle, args=(listener,))
        thread.start()
        started = time.monotonic()
        fails(
            make,
            RemoteFile("x.zip", "https://mirror.test/x.zip"),
            folder,
            "not finished within 1 seconds",
            1,
            network=through(server, f"http://127.0.0.1:{listener.getsockname()[1]}"),
            resolver=FakeDNS(),
            limits=Limits(download_seconds=1),
            clock=fast_clock,
        )
        stop.set()
        thread.join()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("", "localhost", False),
        ("*", "localhost", True),
        ("localhost", "localhost", True),
        ("a.test, localhost", "localhost", True),
        ("LOCALHOST", "localhost", True),
        ("localhost:{port}", "localhost", True),
        ("localhost:1", "localhost", False),
        ("host", "localhost", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("127.0.0.1:{port}", "127.0.0.1", True),
        ("::1", "127.0.0.1", False),
        ("test", "mirror.test", True),
        (".test", "mirror.test", True),
        ("*.test", "mirror.test", True),
        ("irror.test", "mirror.test", False),
    ],
)
def test_no_proxy_keeps_hosts_away_from_the_proxy(
    server: HTTPSServer, make: Make, folder: Path, no_proxy: str, host: str, direct: bool
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    dns = FakeDNS().add("mirror.test", ["127.0.0.1"]).add("localhost", ["127.0.0.1"])
    with connect_proxy(server.port) as proxy:
        downloader = make(
            sources=Sources(private_hosts=("localhost", "127.0.0.1", "mirror.test")),
            network=through(server, proxy.url, no_proxy.format(port=server.port)),
            resolver=dns,
        )
        downloader.fetch(RemoteFile("x.zip", f"https://{host}:{server.port}/x.zip"), folder)
        assert bool(proxy.requests) is not direct
        downloader.close()


@pytest.mark.parametrize(
    "url", ["socks5://user:hunter2@proxy.test:1080", "http://", "http://proxy.test:x", "http://[x"]
)
@pytest.mark.parametrize("scheme", ["https", "all"])
def test_a_proxy_that_cannot_be_used_is_a_configuration_error(scheme: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as error:
        Downloader(Network(proxies={scheme: url}), Sources(), Limits())
    assert "hunter2" not in str(error.value)


def test_a_proxy_for_other_schemes_is_not_asked(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    network = Network(str(server.ca_file), {"http": "http://127.0.0.1:1", "no": "a.test"})
    assert make(network=network).fetch(remote(server), folder).artifact.sha256 == DIGEST


def test_the_proxys_password_is_not_in_the_settings_text() -> None:
    assert "hunter2" not in repr(Network(proxies={"https": "http://user:hunter2@proxy.test"}))


# The folder


@pytest.mark.parametrize(
    "filename",
    [
        "",
        ".",
        "..",
        "../x.zip",
        "a/b.zip",
        "a\\b.zip",
        ".x",
        "-x",
        "a\0b",
        "a b",
        "x" * 201,
        "ü.zip",
    ],
)
def test_a_name_that_is_no_file_name_is_an_error(
    server: HTTPSServer, make: Make, folder: Path, filename: str
) -> None:
    fails(make, RemoteFile(filename, f"{server.url}/x.zip"), folder, "no file name", 1)
    assert server.requests == []


def test_a_second_file_of_the_same_name_does_not_replace_the_first(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    server.routes["/x.zip"] = respond(ARCHIVE)
    server.routes["/y.zip"] = respond(zip_bytes(b"other"))
    downloader = make()
    first = downloader.fetch(remote(server), folder)
    with pytest.raises(SourceError, match="twice"):
        downloader.fetch(remote(server, "/y.zip"), folder)
    assert first.path.read_bytes() == ARCHIVE


def test_two_downloads_never_write_into_one_file(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    (folder / "x.zip.part").write_bytes(b"another thread's")
    with pytest.raises(SourceError, match="File exists"):
        make().fetch(remote(server), folder)
    assert (folder / "x.zip.part").read_bytes() == b"another thread's"


@pytest.mark.parametrize("failing", ["write", "flush"])
def test_a_full_disk_is_an_error_that_says_so(
    server: HTTPSServer, make: Make, folder: Path, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open_full(path: Path, mode: str) -> io.BufferedWriter:
        return io.BufferedWriter(FullDisk(path, mode), 1 if failing == "write" else 1 << 20)

    server.routes["/x.zip"] = respond(ARCHIVE)
    monkeypatch.setattr(Path, "open", open_full)
    fails(make, remote(server), folder, r"x\.zip can't be stored: No space left", 1)


def test_a_folder_that_is_not_there_is_an_error(
    server: HTTPSServer, make: Make, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="No such file"):
        make().fetch(remote(server), tmp_path / "missing")


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["body", "between attempts"])
def test_an_interrupt_passes_and_leaves_nothing(
    server: HTTPSServer, make: Make, folder: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "body":
        server.routes["/x.zip"] = respond(ARCHIVE)
        monkeypatch.setattr("urllib3.HTTPResponse.read1", interrupt)
    else:
        server.routes["/x.zip"] = respond(b"", 500)
    with pytest.raises(KeyboardInterrupt):
        make(sleep=interrupt).fetch(remote(server), folder)
    assert list(folder.iterdir()) == []


# Connections


def noting_clients(clients: set[int], responder: Responder) -> Responder:
    def noting(handler: BaseHTTPRequestHandler) -> None:
        clients.add(handler.client_address[1])
        responder(handler)

    return noting


def test_files_from_one_host_come_over_one_connection(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    clients: set[int] = set()
    body = zip_bytes(os.urandom(100_000))
    server.routes["/x.zip"] = noting_clients(clients, respond(body))
    downloader = make()
    for number in range(10):
        downloader.fetch(RemoteFile(f"{number}.zip", f"{server.url}/x.zip"), folder)
    assert len(clients) == 1


def test_several_threads_fetch_at_once_and_reuse_their_connections(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    clients: set[int] = set()
    bodies = {number: zip_bytes(os.urandom(50_000)) for number in range(40)}
    for number, body in bodies.items():
        server.routes[f"/{number}.zip"] = noting_clients(clients, respond(body))
    downloader = make()

    def fetch(number: int) -> bool:
        url = f"{server.url}/{number}.zip"
        fetched = downloader.fetch(RemoteFile(f"{number}.zip", url), folder)
        return (
            fetched.path.read_bytes() == bodies[number]
            and fetched.artifact.sha256 == hashlib.sha256(bodies[number]).hexdigest()
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(fetch, bodies))
    assert len(clients) <= 8


def test_a_connection_that_the_server_closed_meanwhile_is_no_failure(
    server: HTTPSServer, make: Make, folder: Path
) -> None:
    closed = threading.Event()

    def close(handler: BaseHTTPRequestHandler) -> None:
        respond(ARCHIVE)(handler)
        handler.connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    server.routes["/x.zip"] = close
    downloader = make()
    for number in range(3):
        downloader.fetch(RemoteFile(f"{number}.zip", f"{server.url}/x.zip"), folder)
        assert closed.wait(10)
        closed.clear()


def test_a_downloader_closes_its_connections_at_the_end_of_its_block(
    server: HTTPSServer, folder: Path
) -> None:
    ended = threading.Event()

    def then_wait(handler: BaseHTTPRequestHandler) -> None:
        respond(ARCHIVE)(handler)
        if handler.rfile.read(1) == b"":
            ended.set()
        handler.close_connection = True

    server.routes["/x.zip"] = then_wait
    with Downloader(Network(str(server.ca_file)), PRIVATE, Limits()) as downloader:
        downloader.fetch(remote(server), folder)
        assert not ended.is_set()
    assert ended.wait(10)


# Messages


@pytest.mark.parametrize(
    "responder",
    [
        respond(b"", 404),
        respond(b"", 500),
        raw(b"garbage \x1b[2J ?sig=secret\r\n\r\n"),
        raw(b"HTTP/1.1 \x1b[2J\r\n\r\n"),
        raw(b"HTTP/1.1 999999 x\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde"),
        raw(b"HTTP/1.1 200 OK\r\n\0: \0\r\n\r\n"),
        raw(b"HTTP/1.1 302 Found\r\nLocation: \r\n\r\n"),
        raw(b"HTTP/1.1 302 Found\r\nLocation: https://[\r\n\r\n"),
        raw(b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\x1b[2J\r\n\r\n"),
        raw(b"\x16\x03\x01\x02\x00"),
    ],
)
def test_whatever_a_server_answers_the_error_names_the_host_and_is_fit_to_print(
    server: HTTPSServer,
    make: Make,
    folder: Path,
    responder: Responder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.routes["/x.zip"] = responder
    with pytest.raises((SourceError, SourceRefusedError)) as error:
        make().fetch(remote(server, "/x.zip?X-Amz-Signature=secret"), folder)
    assert "secret" not in caplog.text
    text = str(error.value)
    assert "localhost" in text
    assert "secret" not in text
    assert text.isprintable()
    assert len(text) < 600
    assert list(folder.iterdir()) == []


def test_a_server_that_speaks_no_tls_is_an_error(make: Make, folder: Path) -> None:
    def answer(listener: socket.socket, times: int) -> None:
        for _ in range(times):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread: threading.Thread = threading.Thread(target=answer, args=(listener, 4))
        thread.start()
        url = f"https://localhost:{listener.getsockname()[1]}/x.zip"
        fails(make, RemoteFile("x.zip", url), folder, "the connection failed", 4)
        thread.join()
