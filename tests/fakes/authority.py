"""The certificate authority of a test run: all fakes have their certificates from it."""

import ssl
from functools import cache
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1", "mirror.test")


@cache
def authority() -> trustme.CA:
    """Make it, once a process."""
    return trustme.CA()


def write_authority(folder: Path) -> Path:
    """Write its certificate, for clients to trust, into a folder and give the file."""
    file = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(file))
    return file


@cache
def server_context() -> ssl.SSLContext:
    """What servers on this machine serve with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # one that comes late looks like data on an idle connection
    authority().issue_cert(*NAMES).configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    """What a client that trusts this authority only asks with."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context
