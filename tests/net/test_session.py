import pytest

from package_gate.net.addresses import parse_url
from package_gate.net.session import Network, goes_direct


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("::1", True),
        ("[::1]", True),
        ("[::1]:8443", True),
        ("[::1]:443", False),
        ("::/64", True),
        ("127.0.0.0/8", False),
        ("nonsense:::, ,::1", True),
    ],
)
def test_no_proxy_names_ipv6_addresses_in_each_usual_way(no_proxy: str, direct: bool) -> None:
    target = parse_url("https://[::1]:8443/x.zip")
    assert goes_direct(target, Network(no_proxy=no_proxy)) is direct
