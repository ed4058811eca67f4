"""Which hosts and addresses a download may connect to.

Whoever writes a request's URL may own the DNS of its host and the server behind it, so nothing
that they name is trusted: a host name is resolved once, every address of the answer is checked
here, and the connection goes to an address that was checked (see `connection.py`).

The forbidden networks follow the IANA special-purpose registries (RFC 6890) and the metadata
services of the clouds. The documentation networks (RFC 5737, RFC 3849, RFC 9637) are not among
them: nothing internal lives there, and closed networks put gateways on them.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

import idna

from package_gate.core.errors import ConfigurationError, SourceRefusedError
from package_gate.core.policy import Sources
from package_gate.core.text import printable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[IPAddress]]


@dataclass(frozen=True, slots=True)
class IndexAddress:
    """An index and how to log in to it."""

    url: str
    """Without credentials."""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    """User and password."""

    def holds(self, url: str) -> bool:
        """Whether a file's address is below the index's own folder, the parent of `simple/`."""
        parts = urlsplit(self.url)
        folder = parts._replace(path=parts.path.rstrip("/").rpartition("/")[0] + "/").geturl()
        return url.startswith(folder) and ".." not in unquote(url)


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Why an address may not be connected to."""

    reason: str
    internal: bool = False
    """Organisations number their own hosts like this; `sources.private_hosts` may allow it."""


# The first network that holds an address gives the reason.
_IPV4 = tuple(
    (ipaddress.IPv4Network(network), Forbidden(reason, internal))
    for network, reason, internal in (
        ("0.0.0.0/8", "this network, RFC 1122", False),
        ("10.0.0.0/8", "private network, RFC 1918", True),
        ("100.100.100.200/32", "cloud metadata service", False),
        ("100.64.0.0/10", "shared address space, RFC 6598", True),
        ("127.0.0.0/8", "loopback, RFC 1122", True),
        ("168.63.129.16/32", "cloud platform service", False),
        ("169.254.169.254/32", "cloud metadata service", False),
        ("169.254.0.0/16", "link-local, RFC 3927", False),
        ("172.16.0.0/12", "private network, RFC 1918", True),
        ("192.0.0.0/24", "IETF protocol assignments, RFC 6890", False),
        ("192.168.0.0/16", "private network, RFC 1918", True),
        ("198.18.0.0/15", "benchmarking, RFC 2544", False),
        ("224.0.0.0/4", "multicast, RFC 5771", False),
        ("255.255.255.255/32", "broadcast, RFC 919", False),
        ("240.0.0.0/4", "reserved, RFC 1112", False),
    )
)
_IPV6 = tuple(
    (ipaddress.IPv6Network(network), Forbidden(reason, internal))
    for network, reason, internal in (
        ("::/128", "unspecified, RFC 4291", False),
        ("::1/128", "loopback, RFC 4291", True),
        ("::ffff:0:0/96", "IPv4-mapped, RFC 4291", False),
        ("::/96", "IPv4-compatible, RFC 4291", False),
        ("64:ff9b:1::/48", "local NAT64, RFC 8215", False),
        ("100::/64", "discard-only, RFC 6666", False),
        ("2001::/32", "Teredo, RFC 4380", False),
        ("2001:2::/48", "benchmarking, RFC 5180", False),
        ("2001::/23", "IETF protocol assignments, RFC 2928", False),
        ("2002::/16", "6to4, RFC 3056", False),
        ("fd00:ec2::/32", "cloud metadata service", False),
        ("fd20:ce::254/128", "cloud metadata service", False),
        ("fc00::/7", "unique local, RFC 4193", True),
        ("fe80::/10", "link-local, RFC 4291", False),
        ("fec0::/10", "site-local, RFC 3879", False),
        ("ff00::/8", "multicast, RFC 4291", False),
        # Global unicast is 2000::/3 (RFC 4291); these three are everything else.
        ("::/3", "not global unicast, RFC 4291", False),
        ("4000::/2", "not global unicast, RFC 4291", False),
        ("8000::/1", "not global unicast, RFC 4291", False),
    )
)
# Networks with IPv6 only reach the IPv4 internet through this prefix, so what counts is the
# IPv4 address in the last 32 bits (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SCOPED = Forbidden("bound to one network interface, RFC 4007")
_ISATAP = Forbidden("ISATAP, RFC 5214")


def forbidden(address: IPAddress) -> Forbidden | None:
    """Say why an address may not be connected to; None when it may."""
    if isinstance(address, ipaddress.IPv4Address):
        return next((rule for network, rule in _IPV4 if address in network), None)
    if address.scope_id is not None:
        return _SCOPED
    if address in _NAT64:
        return forbidden(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    # An ISATAP interface identifier is 0000:5efe or 0200:5efe and then an IPv4 address.
    if (int(address) >> 32) & 0xFDFF_FFFF == 0x5EFE:
        return _ISATAP
    return next((rule for network, rule in _IPV6 if address in network), None)


def resolve(host: str, port: int) -> Sequence[IPAddress]:
    """Ask the system for a host's addresses, without repetition, in its order of preference.

    Raises:
        OSError: (`socket.gaierror`) the name can't be resolved.
    """
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = [
        ipaddress.ip_address(address[0])
        for family, _, _, _, address in answers
        if family in (socket.AF_INET, socket.AF_INET6)
    ]
    return list(dict.fromkeys(found))


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.%]+\](:[0-9]*)?")


def canonical_host(host: str) -> str:
    """Write a host in the one way in which it is compared, resolved and connected to.

    Names in lower case, in IDNA form (UTS 46) and without a trailing dot; addresses as
    `ipaddress` prints them, IPv6 without brackets.

    Raises:
        ValueError: it is neither a host name nor an address in its usual notation. `2130706433`,
            `0x7f.1` and `0177.0.0.1` are addresses for some resolvers and names for others, so
            they are nothing here.
    """
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise ValueError("is not a valid international host name") from None
    host = host.lower().removesuffix(".")
    if "%" in host:
        raise ValueError("holds a % sign: zones and encoded host names are not taken")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError("looks like an address, but is not four decimal numbers")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("is not a valid host name")
    return host


def literal_address(host: str) -> IPAddress | None:
    """Read a canonical host as an address; None when it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class CheckedURL:
    """An address on the web, checked and taken apart."""

    url: str
    """With canonical host, without user information and fragment: what is requested."""
    host: str
    port: int

    def __str__(self) -> str:
        """Without the query, which may hold a signature: fit for a message."""
        return printable(self.url.partition("?")[0])


def parse_url(url: str) -> CheckedURL:
    """Take an `https` URL apart (RFC 3986), strictly: what parsers disagree on is refused.

    Raises:
        SourceRefusedError: it is no such URL, or it holds credentials.
    """

    def refuse(problem: str) -> SourceRefusedError:
        return SourceRefusedError(
            f"{_without_secrets(url)}: {problem}. Use an https:// address with a plain host name."
        )

    if len(url) > 8192:
        raise refuse("the address is longer than 8192 characters")
    if any(char <= " " or char in "\\\x7f" for char in url):
        raise refuse("the address holds a backslash, a space or a control character")
    try:
        parts = urlsplit(url)
        port = 443 if parts.port is None else parts.port
    except ValueError:
        raise refuse("the address can't be read") from None
    if parts.scheme != "https":
        raise refuse("only https is fetched")
    if "@" in parts.netloc:
        raise refuse("the address holds a user name or a password")
    if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):
        raise refuse("what stands in brackets is not an IPv6 address")
    if port == 0:
        raise refuse("port 0 can't be connected to")
    try:
        host = canonical_host(parts.hostname or "")
    except ValueError as error:
        raise refuse(f"the host {error}") from None
    netloc = f"[{host}]" if ":" in host else host
    if port != 443:
        netloc += f":{port}"
    return CheckedURL(urlunsplit(("https", netloc, parts.path or "/", parts.query, "")), host, port)


def _without_secrets(url: str) -> str:
    """Print a URL that could not be read: no query, no fragment, no user information."""
    shown = re.split(r"[?#]", url, maxsplit=1)[0]
    return printable(re.sub(r"//.*@", "//", shown))


class _Hosts:
    """A list of hosts in the policy: exact, or `*.example.com` for every subdomain."""

    def __init__(self, key: str, patterns: Iterable[str]) -> None:
        hosts = set()
        for pattern in patterns:
            try:
                hosts.add(_read_pattern(pattern.strip()))
            except ValueError as error:
                raise ConfigurationError(
                    f'sources.{key} in the policy: "{printable(pattern, 100)}" {error}. '
                    "Write a host such as mirror.example.com or *.example.com, without port."
                ) from None
        self._exact = frozenset(host for host in hosts if not host.startswith("."))
        self._suffixes = tuple(host for host in hosts if host.startswith("."))

    def __contains__(self, host: str) -> bool:
        return host in self._exact or host.endswith(self._suffixes)

    def __bool__(self) -> bool:
        return bool(self._exact or self._suffixes)


def _read_pattern(pattern: str) -> str:
    """Give the canonical host of an entry, or for `*.example.com` the suffix `.example.com`."""
    if not pattern.startswith("*."):
        return canonical_host(pattern.removeprefix("[").removesuffix("]"))
    host = canonical_host(pattern[2:])
    if literal_address(host) is not None:
        raise ValueError("is an address: write it without *.")
    return f".{host}"


class AddressGuard:
    """Decides, by the policy, which host may be asked and at which address."""

    def __init__(self, sources: Sources, resolver: Resolver = resolve) -> None:
        """Read the policy's host lists.

        Raises:
            ConfigurationError: an entry is not a host.
        """
        self._allowed = _Hosts("allowed_hosts", sources.allowed_hosts)
        self._private = _Hosts("private_hosts", sources.private_hosts)
        self._resolver = resolver

    def check_host(self, host: str) -> None:
        """Compare a canonical host with `sources.allowed_hosts`.

        Raises:
            SourceRefusedError: the list is not empty and does not have it.
        """
        if self._allowed and host not in self._allowed:
            raise SourceRefusedError(
                f"the host {host} is not in sources.allowed_hosts of the policy. "
                "Take the package from a host that is, or ask InfoSec to add this one."
            )

    def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        """Resolve a canonical host once and check every address of the answer.

        One forbidden address refuses the host: an answer that mixes public and internal
        addresses is how DNS rebinding looks.

        Raises:
            SourceRefusedError: the host or an address of it is forbidden.
            OSError: (`socket.gaierror`) the name can't be resolved.
        """
        self.check_host(host)
        literal = literal_address(host)
        found = self._resolver(host, port) if literal is None else [literal]
        for address in found:
            rule = forbidden(address)
            if rule is None or (rule.internal and host in self._private):
                continue
            advice = (
                f"If it is an internal mirror, ask InfoSec to add {host} to "
                "sources.private_hosts of the policy."
                if rule.internal
                else "Nothing is fetched from there; use a public address of the package."
            )
            raise SourceRefusedError(f"the host {host} is at {address} ({rule.reason}). {advice}")
        return found

    def check_proxied(self, host: str, port: int) -> None:
        """Check a host that a proxy will connect to, as far as that can be seen from here.

        A name that only the proxy can resolve is left to the proxy.

        Raises:
            SourceRefusedError: the host is forbidden, or an address that it has here is.
        """
        try:
            self.addresses(host, port)
        except OSError:
            return
