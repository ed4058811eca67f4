import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from package_gate.core.errors import ConfigurationError, SourceRefusedError
from package_gate.core.policy import Sources
from package_gate.net.addresses import AddressGuard, canonical_host, forbidden, parse_url, resolve
from tests.fakes.dns import FakeDNS

FORBIDDEN = {
    "0.0.0.0": "this network",
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "100.64.0.1": "shared",
    "100.100.100.200": "metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "platform",
    "169.254.0.1": "link-local",
    "169.254.169.254": "metadata",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "IETF",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:93.184.216.34": "IPv4-mapped",
    "64:ff9b::127.0.0.1": "loopback",
    "64:ff9b::169.254.169.254": "metadata",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b:1::a00:1": "NAT64",
    "100::1": "discard",
    "100:0:0:1::1": "not global",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
    "2001:2::1": "benchmarking",
    "2001:20::1": "IETF",
    "2002:7f00:1::": "6to4",
    "2600:1f18::5efe:a00:1": "ISATAP",
    "2600:1f18::200:5efe:a00:1": "ISATAP",
    "4000::1": "not global",
    "5f00::1": "not global",
    "fc00::1": "unique local",
    "fd00:ec2::254": "metadata",
    "fd20:ce::254": "metadata",
    "fd12:3456::1": "unique local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "interface",
    "2600:1f18::1%1": "interface",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
}
PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.2.1",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.100.1",
    "203.0.113.7",
    "223.255.255.255",
    "64:ff9b::8.8.8.8",
    "2001:200::1",
    "2001:db8::1",
    "2606:4700::1111",
    "3fff::1",
]


@pytest.mark.parametrize(("address", "reason"), FORBIDDEN.items())
def test_an_address_that_nothing_public_has_is_forbidden_with_its_reason(
    address: str, reason: str
) -> None:
    rule = forbidden(ipaddress.ip_address(address))
    assert rule is not None
    assert reason in rule.reason


@pytest.mark.parametrize("address", PUBLIC)
def test_public_and_documentation_addresses_are_allowed(address: str) -> None:
    assert forbidden(ipaddress.ip_address(address)) is None


@given(st.ip_addresses())
def test_nothing_that_ipaddress_calls_not_global_is_allowed_but_the_documentation_networks(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    documentation = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    if any(address in ipaddress.ip_network(network) for network in documentation):
        return
    if forbidden(address) is None:
        assert address.is_global or address in ipaddress.ip_network("3fff::/20")


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "224.0.0.1", "fe80::1"])
def test_a_private_host_may_not_have_a_metadata_or_link_local_address(address: str) -> None:
    guard = AddressGuard(
        Sources(private_hosts=("mirror.test",)), FakeDNS().add("mirror.test", [address])
    )
    with pytest.raises(SourceRefusedError, match="Nothing is fetched from there"):
        guard.addresses("mirror.test", 443)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.0.9", "100.64.3.4", "fd12::1"]
)
def test_a_private_host_may_have_a_private_address_and_others_may_not(address: str) -> None:
    dns = FakeDNS().add("mirror.test", [address]).add("other.test", [address])
    guard = AddressGuard(Sources(private_hosts=("mirror.test",)), dns)
    assert [str(found) for found in guard.addresses("mirror.test", 443)] == [address]
    with pytest.raises(SourceRefusedError, match=r"ask InfoSec to add other\.test to sources"):
        guard.addresses("other.test", 443)


def test_one_forbidden_address_among_public_ones_refuses_the_host() -> None:
    dns = FakeDNS().add("mixed.test", ["203.0.113.1", "10.0.0.1"])
    with pytest.raises(SourceRefusedError, match=r"mixed\.test is at 10\.0\.0\.1 \(private"):
        AddressGuard(Sources(), dns).addresses("mixed.test", 443)


@pytest.mark.parametrize(
    ("pattern", "host", "allowed"),
    [
        ("files.example", "files.example", True),
        ("files.example", "FILES.example.", True),
        ("Files.Example.", "files.example", True),
        ("files.example", "a.files.example", False),
        ("files.example", "evilfiles.example", False),
        ("*.files.example", "a.files.example", True),
        ("*.files.example", "a.b.files.example", True),
        ("*.files.example", "files.example", False),
        ("*.files.example", "evilfiles.example", False),
        ("*.files.example", "files.example.evil.test", False),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("*.bücher.example", "a.Bücher.example", True),
        ("203.0.113.9", "203.0.113.9", True),
        ("[2001:db8::9]", "2001:DB8:0::9", True),
        ("2001:db8::9", "2001:db8::9", True),
    ],
)
def test_the_host_lists_compare_exactly_or_by_subdomain(
    pattern: str, host: str, allowed: bool
) -> None:
    guard = AddressGuard(Sources(allowed_hosts=(pattern,)))
    if allowed:
        guard.check_host(canonical_host(host))
    else:
        with pytest.raises(SourceRefusedError, match=r"not in sources\.allowed_hosts"):
            guard.check_host(canonical_host(host))


def test_an_empty_allow_list_allows_every_host() -> None:
    AddressGuard(Sources()).check_host("anything.example")


def test_a_private_host_must_be_on_the_allow_list_too() -> None:
    guard = AddressGuard(Sources(allowed_hosts=("a.test",), private_hosts=("b.test",)), FakeDNS())
    with pytest.raises(SourceRefusedError, match=r"not in sources\.allowed_hosts"):
        guard.addresses("b.test", 443)


@pytest.mark.parametrize(
    "pattern",
    ["", "*", "*.", "*.10.0.0.1", "mirror.test:8443", "https://mirror.test", "10.0.0.0/8", "a b"],
)
@pytest.mark.parametrize("key", ["allowed_hosts", "private_hosts"])
def test_a_list_entry_that_is_no_host_is_a_configuration_error(key: str, pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=f"sources.{key}"):
        AddressGuard(Sources(**{key: (pattern,)}))


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("EXAMPLE.test.", "example.test"),
        ("127。0。0。1", "127.0.0.1"),
        ("\uff11\uff12\uff17\uff0e0\uff0e0\uff0e1", "127.0.0.1"),
        ("①②⑦.0.0.1", "127.0.0.1"),
        ("ⓛocalhost", "localhost"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("127.0.0.1.", "127.0.0.1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("a_b.example", "a_b.example"),
    ],
)
def test_every_spelling_of_a_host_becomes_one(host: str, canonical: str) -> None:
    assert canonical_host(host) == canonical


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.0x1",
        "1.2.3.4.5",
        "example.0x",
        "fe80::1%eth0",
        "127.0.0.1%00",
        "%31",
        "",
        ".",
        "a..b",
        "-a.example",
        "a" * 64 + ".example",
        "a." * 127 + "example",
        "a\u202eb.example",
        "١٢٧.0.0.1",
        "exa mple",
        "a/b",
        "a\0b",
    ],
)
def test_an_ambiguous_or_malformed_host_is_nothing(host: str) -> None:
    with pytest.raises(ValueError, match=r"host|address|zones"):
        canonical_host(host)


@given(st.text(max_size=40))
def test_a_canonical_host_is_plain_ascii_and_its_own_canonical_form(text: str) -> None:
    try:
        host = canonical_host(text)
    except ValueError:
        return
    assert host.isascii()
    assert not set(host) & set("/@\\?#%[] \t\r\n")
    assert canonical_host(host) == host


@pytest.mark.parametrize(
    ("url", "asked", "host", "port"),
    [
        ("https://a.test/x.zip", "https://a.test/x.zip", "a.test", 443),
        ("HTTPS://A.test:443/x#frag", "https://a.test/x", "a.test", 443),
        ("https://a.test:8443?sig=1", "https://a.test:8443/?sig=1", "a.test", 8443),
        ("https://a.test:/x", "https://a.test/x", "a.test", 443),
        ("https://[2001:DB8::0]:1/x", "https://[2001:db8::]:1/x", "2001:db8::", 1),
        ("https://1.2.3.4#@a.test/", "https://1.2.3.4/", "1.2.3.4", 443),
        ("https://a.test?@b.test/", "https://a.test/?@b.test/", "a.test", 443),
    ],
)
def test_a_url_is_taken_apart(url: str, asked: str, host: str, port: int) -> None:
    target = parse_url(url)
    assert (target.url, target.host, target.port) == (asked, host, port)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.test/x",
        "ftp://a.test/x",
        "file:///etc/passwd",
        "//a.test/x",
        "https:a.test",
        "https:///x",
        "https://user@a.test/",
        "https://user:password@a.test/",
        "https://a.test\\@b.test/",
        "https://a.test\\.b.test/",
        "https://a.test/\r\nHost: b.test",
        "https://a.test/\tx",
        " https://a.test/",
        "https://a.test:0/",
        "https://a.test:65536/",
        "https://a.test:-1/",
        "https://a.test:\uff14\uff14\uff13/",
        "https://[::1%25eth0]/",
        "https://[v1.x]/",
        "https://[::1]x/",
        "https://[::1/",
        "https://%31%32%37.0.0.1/",
        "https://℀.test/",
        "https://a.test/" + "x" * 9000,
    ],
)
def test_a_url_that_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(SourceRefusedError, match="Use an https:// address"):
        parse_url(url)


def test_a_message_holds_neither_password_nor_signature_nor_control_characters() -> None:
    with pytest.raises(SourceRefusedError) as refusal:
        parse_url("https://user:hunter2@a.test/\x1b[2J\u202e?X-Signature=0123#part")
    text = str(refusal.value)
    assert "hunter2" not in text
    assert "0123" not in text
    assert text.isprintable()
    assert "0123" not in str(parse_url("https://a.test/x.zip?X-Signature=0123"))


def test_a_host_is_resolved_by_the_system_without_repetitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def getaddrinfo(host: str, port: int, **kwargs: Any) -> list[Any]:
        stream = (socket.SOCK_STREAM, 6, "")
        return [
            (socket.AF_INET6, *stream, ("fe80::1%2", port, 0, 2)),
            (socket.AF_INET, *stream, ("203.0.113.1", port)),
            (socket.AF_INET, *stream, ("203.0.113.1", port)),
            (socket.AF_UNIX, *stream, "/run/socket"),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = resolve("a.test", 443)
    assert [str(address) for address in found] == ["fe80::1%2", "203.0.113.1"]
    with pytest.raises(SourceRefusedError, match="network interface"):
        AddressGuard(Sources()).addresses("a.test", 443)


def test_an_address_in_the_url_is_not_resolved() -> None:
    dns = FakeDNS()
    assert [str(a) for a in AddressGuard(Sources(), dns).addresses("203.0.113.1", 1)] == [
        "203.0.113.1"
    ]
    assert dns.queries == []


def test_a_name_that_only_the_proxy_can_resolve_is_left_to_it() -> None:
    guard = AddressGuard(Sources(), FakeDNS().add("inside.test", ["10.0.0.1"]))
    guard.check_proxied("unknown.test", 443)
    for host in ("inside.test", "127.0.0.1", "::1"):
        with pytest.raises(SourceRefusedError):
            guard.check_proxied(host, 443)
