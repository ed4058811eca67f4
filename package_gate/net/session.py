"""How this machine reaches the internet: certificate authorities and proxies."""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from package_gate.core.errors import ConfigurationError
from package_gate.net.addresses import CheckedURL, literal_address


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
