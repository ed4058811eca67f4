"""DNS rebinding: the system's own resolver and a real DNS server, in a network of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
NOT_ALLOWED = 77

_ATTACK = """
import json, sys
from pathlib import Path
from tests.fakes import network_namespace as network

folder, answers = Path(sys.argv[1]), json.loads(sys.argv[2])
try:
    network.enter(folder)
except OSError as error:
    print(error)
    sys.exit(77)

from package_gate.core.errors import GateError
from package_gate.core.artifact import RemoteFile
from package_gate.core.limits import Limits
from package_gate.core.policy import Sources
from package_gate.net.download import Downloader, Timing
from package_gate.net.session import Network
from package_gate.sources.pypi.index import Index
from package_gate.sources.pypi.uv import Compilation, IndexSettings, PythonTarget, run_uv
from tests.archive.makers import Zipped, make_zip
from tests.fakes.https_server import https_server, respond


def ask_index(server, path):
    environment = {
        "UV_DEFAULT_INDEX": f"https://mirror.test:{server.port}/simple/",
        "SSL_CERT_FILE": str(server.ca_file),
        "UV_HTTP_RETRIES": "0",
    }
    settings = IndexSettings(environment)
    client, _, project = path.partition(":")
    if client == "index":
        return str(Index(settings).project(project))
    target = PythonTarget("3.11", "x86_64-manylinux_2_28")
    return str(run_uv(settings, Compilation(project, target), folder))


with https_server(folder) as server:
    page = b'<a href="/thing-1.0-py3-none-any.whl#sha256=' + b"0" * 64 + b'">thing</a>'
    html = {"Content-Type": "text/html", "Connection": "close"}
    server.routes["/simple/thing/"] = respond(page, headers=html)
    server.routes["/simple/moved/"] = respond(
        b"", 302, {"Location": "/simple/thing/", "Connection": "close"}
    )
    server.routes["/x.zip"] = respond(make_zip([Zipped(b"a.py")]))
    server.routes["/moved"] = respond(b"", 302, {"Location": "/x.zip", "Connection": "close"})
    server.routes["/broken"] = respond(b"", 503, {"Connection": "close"})
    relay, dns = network.Relay(server.port), network.DNS(answers)
    reasons = []
    with Downloader(Network(ca_bundle=str(server.ca_file)), Sources(), Limits(),
                    timing=Timing(sleep=lambda _: None)) as downloader:
        for path in sys.argv[3:]:
            try:
                if ":" in path:
                    reasons.append(ask_index(server, path))
                    continue
                url = f"https://mirror.test:{server.port}/{path}"
                downloader.fetch(RemoteFile("x.zip", url), folder)
                reasons.append("fetched")
            except GateError as error:
                reasons.append(f"{type(error).__name__}: {error}")
    print(json.dumps({"reasons": reasons, "asked": dns.asked, "requests": len(server.requests),
                      "by_relay": relay.connections}))
"""


def attack(tmp_path: Path, answers: list[list[tuple[int, str]]], *paths: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", _ATTACK, str(tmp_path), json.dumps(answers), *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode == NOT_ALLOWED or sys.platform != "linux":
        pytest.skip(f"this machine gives no process a network of its own: {done.stdout}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


A, AAAA = 1, 28
PUBLIC, INSIDE = (A, "203.0.113.1"), (A, "127.0.0.1")


def test_the_address_that_was_checked_is_connected_to_whatever_the_next_answer_is(
    tmp_path: Path,
) -> None:
    told = attack(tmp_path, [[PUBLIC], [INSIDE]], "x.zip")

    assert told == {"reasons": ["fetched"], "asked": 1, "requests": 1, "by_relay": 1}


@pytest.mark.parametrize("path", ["moved", "broken", "index:moved", "uv:moved", "uv:thing"])
def test_an_answer_that_changes_between_two_connections_is_refused(
    tmp_path: Path, path: str
) -> None:
    told = attack(tmp_path, [[PUBLIC], [INSIDE]], path)

    assert told["reasons"][0].startswith("SourceRefusedError: ")
    assert "127.0.0.1" in told["reasons"][0]
    assert (told["asked"], told["requests"], told["by_relay"]) == (2, 1, 1)


@pytest.mark.parametrize("path", ["x.zip", "index:thing", "uv:thing"])
@pytest.mark.parametrize(
    "answer",
    [
        [INSIDE],
        [PUBLIC, INSIDE],
        [(A, "169.254.169.254")],
        [(A, "0.0.0.0")],
        [(AAAA, "::1")],
        [(AAAA, "::ffff:127.0.0.1")],
        [(AAAA, "64:ff9b::7f00:1")],
        [(AAAA, "fd00:ec2::254")],
        [PUBLIC, (AAAA, "2002:7f00:1::")],
    ],
    ids=lambda answer: "+".join(value for _, value in answer),
)
def test_a_name_with_an_address_inside_is_refused_without_a_connection(
    tmp_path: Path, answer: list[tuple[int, str]], path: str
) -> None:
    told = attack(tmp_path, [answer], path)

    assert told["reasons"][0].startswith("SourceRefusedError: ")
    assert (told["requests"], told["by_relay"]) == (0, 0)
