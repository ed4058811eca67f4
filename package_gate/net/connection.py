"""Connections that go to checked addresses only, and reads that end at a deadline.

`requests` and urllib3 do the HTTP; two things of theirs are replaced. A connection takes its
address from the guard instead of asking the system's resolver itself, so that what was checked is
what is connected to, while the Host header, SNI and the certificate check keep the name. And a
response is read through a file that gives each wait no more than what is left of the download's
time: a socket's own timeout starts anew with every byte, in the headers as in the body.
"""

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.response import assert_header_parsing

from package_gate import __version__
from package_gate.net.addresses import AddressGuard, CheckedURL, IPAddress

Clock = Callable[[], float]


class Deadline:
    """The moment at which a download must be over."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds until then; negative afterwards."""
        return self._end - self._clock()


class GuardedAdapter(HTTPAdapter):
    """Sends requests over guarded connections and keeps these for the next request.

    There is no `requests.Session` around it, so nothing adds cookies, `.netrc` credentials or
    settings of the environment, and nothing follows a redirect by itself. One download at a time.
    """

    def __init__(
        self,
        guard: AddressGuard,
        ca_bundle: str | bool,
        connect_seconds: float,
        read_seconds: float,
        clock: Clock,
    ) -> None:
        self.guard = guard
        self.connect_seconds = connect_seconds
        self.read_seconds = read_seconds
        self.deadline = Deadline(0, clock)
        """When the download that this adapter serves now must be over."""
        self.sent_too_much = False
        """Whether bytes followed the end of the last response that was read."""
        self._ca_bundle = ca_bundle
        super().__init__(pool_maxsize=1)

    def get(
        self, target: CheckedURL, proxies: dict[str, str], login: tuple[str, str] | None = None
    ) -> requests.Response:
        """Ask for a file as it is stored; the body is still to be read.

        `login` is a user and a password for this one request.

        Raises:
            SourceRefusedError: the host or its address is forbidden.
            requests.RequestException, urllib3.exceptions.HTTPError, OSError: it failed.
        """
        self.sent_too_much = False
        headers = {
            "User-Agent": f"package-gate/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        return self.send(
            requests.Request("GET", target.url, headers=headers, auth=login).prepare(),
            stream=True,
            timeout=(self.connect_seconds, self.read_seconds),
            verify=self._ca_bundle,
            proxies=proxies,
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Give the pool of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pool_classes()
        return manager

    def _pool_classes(self) -> Mapping[str, Any]:
        return {"https": partial(_Pool, self)}


class _Pool(HTTPSConnectionPool):
    """Makes connections that know the adapter which they serve."""

    def __init__(self, adapter: GuardedAdapter, *args: Any, **kwargs: Any) -> None:
        self.ConnectionCls = partial(_Connection, adapter)  # type: ignore[assignment]
        super().__init__(*args, **kwargs)


class _Connection(HTTPSConnection):
    """An HTTPS connection to an address that the guard has checked."""

    def __init__(self, adapter: GuardedAdapter, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._adapter = adapter
        self._response: _Response | None = None
        self.response_class = self._make_response  # type: ignore[assignment]

    def connect(self) -> None:
        super().connect()
        # By default a connection that is cut looks like one that was closed. Where a response has
        # no length, only TLS's own goodbye tells its end (RFC 9112, 9.8).
        self.sock.suppress_ragged_eofs = False  # type: ignore[union-attr]

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        try:
            return super().getresponse()
        except BaseException:
            # urllib3 leaves a response open whose headers it does not take.
            if self._response is not None:
                self._response.close()
            raise

    def _make_response(self, *args: Any, **kwargs: Any) -> "_Response":
        self._response = _Response(self._adapter, *args, **kwargs)
        return self._response

    def _new_conn(self) -> socket.socket:
        if self.proxy is not None:
            return super()._new_conn()  # the administrator's proxy, wherever it is
        try:
            addresses = self._adapter.guard.addresses(self.host, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        failure: OSError = OSError("the name has no address")
        for address in addresses:
            try:
                return self._connect_to(address)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "connecting took too long") from failure
        raise NewConnectionError(self, "no address could be connected to") from failure

    def _connect_to(self, address: IPAddress) -> socket.socket:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(_wait(self._adapter.deadline, self._adapter.connect_seconds))
            sock.connect((str(address), self.port))
        except BaseException:
            sock.close()
            raise
        return sock


class _Response(http.client.HTTPResponse):
    """A response that is read through a `_Reader`; an answer to CONNECT as well."""

    def __init__(
        self, adapter: GuardedAdapter, sock: socket.socket, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self._reader = self.fp = _Reader(adapter, sock)

    def begin(self) -> None:
        super().begin()
        self._reader.is_body = True
        # urllib3 takes headers that can't be read, and logs the address with its query.
        assert_header_parsing(self.headers)


class _Reader(io.BufferedReader):
    """The receiving side of a connection, for one response.

    When it is closed it looks whether bytes follow the response. Then its length was a lie, and
    the connection must not be used again: the next request would read them as its answer.
    """

    def __init__(self, adapter: GuardedAdapter, sock: socket.socket) -> None:
        self.is_body = False
        self._adapter = adapter
        self._source = _Source(adapter, sock)
        super().__init__(self._source)

    def close(self) -> None:
        if not self.closed and self.is_body:
            self._source.blocking = False
            with suppress(OSError, ValueError):
                self._adapter.sent_too_much = bool(self.peek(1))
        super().close()


class _Source(io.RawIOBase):
    """Reads a socket; no wait is longer than the time that is left."""

    def __init__(self, adapter: GuardedAdapter, sock: socket.socket) -> None:
        self.blocking = True
        self._adapter = adapter
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self.blocking:
            return self._read_what_is_there(buffer)
        self._sock.settimeout(_wait(self._adapter.deadline, self._adapter.read_seconds))
        return self._file.readinto(buffer)

    def _read_what_is_there(self, buffer: Any) -> int | None:
        self._sock.settimeout(0)
        try:
            return self._sock.recv_into(buffer)
        except (ssl.SSLWantReadError, BlockingIOError):
            return None

    def close(self) -> None:
        self._file.close()
        super().close()


def _wait(deadline: Deadline, longest: float) -> float:
    """Say how many seconds to wait at most; a socket takes 0 for "don't wait"."""
    left = deadline.left
    if left <= 0:
        raise TimeoutError("the download's time is over")
    return min(left, longest)
