"""What went wrong with a download, in words: why, what to do, and whether it passes by itself.

The texts of `requests` and urllib3 are not repeated: they hold the address with its query, which
may be a signature, and what the server or the proxy wrote.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions

from package_gate.core.text import printable

FAILURES = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)
"""What `requests`, urllib3 and http.client raise when a server or the network misbehaves."""
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT = 60.0
"""Seconds that a server may make us wait before the next attempt."""

_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: ([0-9]{3})")
_ADVICE = {
    401: "It asks for a login; requests must name public addresses.",
    403: "It does not give the file to everyone; requests must name public addresses.",
    404: "There is nothing under this address (any more); correct the request.",
    410: "The file was removed for good; correct the request.",
    451: "The file may not be offered for legal reasons; request another package.",
}


class TransientError(Exception):
    """A failure that may pass by itself: worth another attempt."""

    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the server wants us to wait at least."""


def advice_on(error: Exception) -> tuple[str, bool]:
    """Say in words what failed on the network, and whether it may pass by itself."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its TLS certificate is not valid ({printable(cause.verify_message, 100)}). If "
                "your organisation's own authority signed it, name that authority in "
                "SSL_CERT_FILE.",
                False,
            )
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return "the name server did not answer", True
            return "there is no host of this name. Correct the address.", False
        # The exact class: the errors around it, and others, repeat what a server wrote.
        if type(cause) is OSError and (tunnel := _TUNNEL_STATUS.match(str(cause))):
            status = int(tunnel[1])
            if status in RETRIED_STATUSES:
                return f"the proxy answered {status}", True
            return (
                f"the proxy answered {status}. Ask its owner to let the gate reach this host, or "
                "correct HTTPS_PROXY.",
                False,
            )
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        return "the proxy could not be reached", True
    if any(isinstance(cause, urllib3.exceptions.HeaderParsingError) for cause in causes):
        return "the headers of the answer can't be read", True
    cut = (http.client.IncompleteRead, ssl.SSLEOFError)
    if any(isinstance(cause, cut) for cause in causes):
        return "the connection ended before the file did", True
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return f"the connection failed: {printable(cause.strerror, 100)}", True
    if any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return "the server did not answer in time", True
    return f"the connection failed ({type(causes[-1]).__name__})", True


def _causes(error: Exception) -> Iterator[BaseException]:
    """Give an error and the errors that it wraps, in whichever of the ways there are."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__]


def status_advice(status: int) -> str:
    """Say what to do about a status that another attempt would not change."""
    return _ADVICE.get(status, "That is no answer to a download; check the address.")


def retry_after(response: requests.Response, now: datetime) -> float:
    """Read how long a server wants us to wait (RFC 9110, 10.2.3): seconds, or a date.

    Returns:
        Seconds, at most `LONGEST_WAIT`; 0 when it says nothing that can be read.
    """
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return min(max((when - now).total_seconds(), 0), LONGEST_WAIT)


def looks_like(head: bytes) -> str:
    """Name what a file is that should have been an archive, by its first bytes."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        return "an empty file"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<!--")):
        return "an HTML page"
    if text.startswith(b"<"):
        return "an XML document"
    if text.startswith((b"{", b"[")):
        return "a JSON document"
    if b"\0" not in head and all(byte >= 0x20 or byte in b"\t\r\n" for byte in head):
        return "a text"
    return "something else"
