"""How this machine reaches the internet, and the only client for services that it reaches.

Files that people name are fetched by `download`, whose connections are guarded; a service's address
is the administrator's.
"""

import ipaddress
import re
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import IO, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from package_gate import __version__
from package_gate.core.errors import ConfigurationError
from package_gate.net.addresses import CheckedURL, literal_address, parse_url
from package_gate.net.failures import FAILURES, RETRIED_STATUSES, advice_on

CONNECT_SECONDS = 10.0
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Network:
    """What the environment says of the way to the internet."""

    ca_bundle: str | bool = True
    """A file or folder of certificate authorities (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`); True
    for those that come with `requests`."""
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Scheme → proxy URL, as `urllib.request.getproxies` gives them; may hold credentials."""
    no_proxy: str = ""
    """Hosts that are reached without the proxy: names (subdomains included), addresses and
    networks, each with or without a port, separated by commas; `*` for all."""


def network_of(environ: Mapping[str, str]) -> Network:
    """Read proxies and certificates from environment variables, as `requests` names them."""

    def setting(name: str) -> str:
        return environ.get(name) or environ.get(name.upper()) or ""

    proxies = {scheme: setting(f"{scheme}_proxy") for scheme in ("https", "all")}
    return Network(
        ca_bundle=environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or True,
        proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
        no_proxy=setting("no_proxy"),
    )


def check_ca_bundle(network: Network) -> None:
    """Read the certificate authorities once, so that a mistake shows before any download.

    Raises:
        ConfigurationError: they can't be read, or the check of certificates is switched off.
    """
    bundle = network.ca_bundle
    if bundle is True:
        return
    if not bundle:
        raise ConfigurationError("The certificates of servers are always checked.")
    try:
        if Path(bundle).is_dir():
            ssl.create_default_context(capath=bundle)
        else:
            ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise ConfigurationError(
            f"The certificate authorities in {bundle} can't be read: {error.strerror or error}. "
            "Correct SSL_CERT_FILE or REQUESTS_CA_BUNDLE."
        ) from error


def https_proxy(network: Network) -> str:
    """Choose the URL of the proxy for https, "" when there is none.

    Raises:
        ConfigurationError: it is no proxy that can be used; the message does not repeat it,
            because it may hold a password.
    """
    url = network.proxies.get("https") or network.proxies.get("all") or ""
    if not url:
        return ""
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            "The proxy for https can't be used. Set HTTPS_PROXY to http://HOST:PORT or "
            "https://HOST:PORT, with user name and password before the host if it needs them."
        )
    return url


def goes_direct(target: CheckedURL, network: Network) -> bool:
    """Tell whether `no_proxy` keeps a target away from the proxy."""
    address = literal_address(target.host)
    for entry in re.split(r"[,\s]+", network.no_proxy.lower()):
        if entry == "*":
            return True
        may_have_port = entry.count(":") == 1 or entry.startswith("[")
        host = entry.removesuffix(f":{target.port}") if may_have_port else entry
        if address is not None:
            with suppress(ValueError):
                if address in ipaddress.ip_network(host.strip("[]"), strict=False):
                    return True
        elif _is_within(target.host, host.removeprefix("*").removeprefix(".")):
            return True
    return False


def _is_within(host: str, domain: str) -> bool:
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's whole answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By name, in any case."""
    body: bytes
    url: str
    """Where it came from, after redirects."""


class NoAnswerError(Exception):
    """A service gave no answer, or not all of it.

    `str(error)` is a clause that says why, without address, credentials or what a server wrote.
    """

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing
        """Whether it may pass by itself, so that another attempt is worth it."""


class _NoPlainHTTP(HTTPAdapter):
    """Stands where an https address may have redirected to."""

    def send(self, *_args: object, **_options: object) -> requests.Response:
        raise NoAnswerError("it redirects to a plain http address", passing=False)


class HTTPSession:
    """Asks services over kept connections. Several threads may use it.

    It takes nothing from the environment (no `.netrc`, no other program's proxies), keeps no
    cookies, and sends no headers of its own but the user agent.
    """

    def __init__(
        self,
        network: Network,
        *,
        wait_seconds: float,
        answer_seconds: float,
        answer_bytes: int,
        connections: int = 1,
        retries: int = 0,
        follow_redirects: bool = False,
    ) -> None:
        """Connect to nothing yet.

        Args:
            network: proxies and certificates.
            wait_seconds: for the connection (at most `CONNECT_SECONDS`) and between two bytes.
            answer_seconds: from asking to the last byte.
            answer_bytes: of an answer's body, decoded.
            connections: that are kept, one for each thread that asks at a time.
            retries: after a failure that may pass, and `RETRIED_STATUSES`.
            follow_redirects: to https addresses; else a redirect is an answer.
        """
        self._network = network
        self._timeouts = (min(CONNECT_SECONDS, wait_seconds), wait_seconds)
        self._answer_seconds = answer_seconds
        self._answer_bytes = answer_bytes
        self._follow_redirects = follow_redirects
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = network.ca_bundle
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers["User-Agent"] = f"package-gate/{__version__}"
        retry = Retry(
            total=retries,
            backoff_factor=0.2,
            status_forcelist=RETRIED_STATUSES if retries else (),
            raise_on_status=False,  # the last answer says more
            respect_retry_after_header=False,  # a server could make us wait for hours
        )
        for scheme in ("https://", "http://"):
            adapter = HTTPAdapter(pool_maxsize=connections, max_retries=retry)
            self._session.mount(scheme, adapter)
        if follow_redirects:
            self._session.mount("http://", _NoPlainHTTP())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        json: object = None,
        file: IO[bytes] | None = None,
        login: tuple[str, str] | None = None,
    ) -> Answer:
        """Send a request and read the whole answer.

        Args:
            method: such as `POST`.
            url: `https://…`, or `http://…` on this machine.
            headers: `Accept-Encoding: gzip` among them lets the answer be compressed.
            json: a document to send.
            file: bytes to send instead, from where it stands.
            login: user and password.

        Raises:
            NoAnswerError: there is no whole answer within the limits.
            ConfigurationError: the proxy can't be used.
        """
        deadline = time.monotonic() + self._answer_seconds
        given = {"Accept-Encoding": "identity", **(headers or {})}
        try:
            with self._session.request(
                method,
                url,
                headers=given,
                json=json,
                data=file,
                auth=login,
                proxies=self._proxies(url),
                timeout=self._timeouts,
                allow_redirects=self._follow_redirects,
                stream=True,
            ) as response:
                encoding = response.headers.get("Content-Encoding", "identity").lower()
                if encoding not in ("identity", given["Accept-Encoding"]):
                    raise NoAnswerError(
                        "it is in an encoding that was not asked for", passing=False
                    )
                body = self._read(response, deadline)
                return Answer(response.status_code, response.headers, body, response.url or url)
        except requests.TooManyRedirects:
            raise NoAnswerError("it redirects too often", passing=False) from None
        except FAILURES as error:
            reason, passing = advice_on(error)
            raise NoAnswerError(reason.rstrip("."), passing=passing) from None

    def _proxies(self, url: str) -> dict[str, str]:
        """Choose the proxy; plain http goes nowhere but to this machine."""
        proxy = https_proxy(self._network)
        if (
            not proxy
            or not url.startswith("https://")
            or goes_direct(parse_url(url), self._network)
        ):
            return {}
        return {"https": proxy}

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        # `read1` returns what has arrived, so that a trickle can't outlast the deadline.
        body = bytearray()
        while piece := response.raw.read1(_PIECE, decode_content=True):
            body += piece
            if len(body) > self._answer_bytes:
                raise NoAnswerError(
                    f"the answer is larger than {self._answer_bytes} bytes", passing=False
                )
            if time.monotonic() > deadline:
                raise NoAnswerError(
                    f"no whole answer in {self._answer_seconds:g} seconds", passing=True
                )
        return bytes(body)
