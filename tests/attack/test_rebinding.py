"""DNS rebinding: the system's own resolver and a real DNS server, in a network of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
NOT_ALLOWED = 77

_ATTACKS = """
import json, os, sys, traceback
from pathlib import Path
from tests.fakes import network_namespace as network
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


def ask_index(server, path, folder):
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


def attack(folder, answers, path):
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
        with Downloader(Network(ca_bundle=str(server.ca_file)), Sources(), Limits(),
                        timing=Timing(sleep=lambda _: None)) as downloader:
            try:
                if ":" in path:
                    reason = ask_index(server, path, folder)
                else:
                    url = f"https://mirror.test:{server.port}/{path}"
                    downloader.fetch(RemoteFile("x.zip", url), folder)
                    reason = "fetched"
            except GateError as error:
                reason = f"{type(error).__name__}: {error}"
        return {"reason": reason, "asked": dns.asked, "requests": len(server.requests),
                "by_relay": relay.connections}


for number, (answers, path) in enumerate(json.loads(sys.argv[2])):
    folder = Path(sys.argv[1], str(number))
    folder.mkdir()
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        if os.waitstatus_to_exitcode(status) == 77:
            sys.exit(77)
        continue
    try:
        network.enter(folder)
    except OSError as error:
        print(error, flush=True)
        os._exit(77)
    try:
        (folder / "told.json").write_text(json.dumps(attack(folder, answers, path)))
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)
"""


A, AAAA = 1, 28
PUBLIC, INSIDE = (A, "203.0.113.1"), (A, "127.0.0.1")
Answers = Sequence[Sequence[tuple[int, str]]]
"""An answer of the name server after the other, the last one for ever."""
CHANGING = ("moved", "broken", "index:moved", "uv:moved", "uv:thing")
ASKED = ("x.zip", "index:thing", "uv:thing")
ADDRESSES: list[list[tuple[int, str]]] = [
    [INSIDE],
    [PUBLIC, INSIDE],
    [(A, "169.254.169.254")],
    [(A, "0.0.0.0")],
    [(AAAA, "::1")],
    [(AAAA, "::ffff:127.0.0.1")],
    [(AAAA, "64:ff9b::7f00:1")],
    [(AAAA, "fd00:ec2::254")],
    [PUBLIC, (AAAA, "2002:7f00:1::")],
]
ATTACKS: list[tuple[Answers, str]] = [
    *(([[PUBLIC], [INSIDE]], path) for path in ("x.zip", *CHANGING)),
    *(([answer], path) for answer in ADDRESSES for path in ASKED),
]
"""With the path that is asked for, of an index behind `index:` (by ourselves) or `uv:`."""


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Make all attacks, each in a fork of one process; gives what each told, or did not."""
    folder = tmp_path_factory.mktemp("attacks")
    done = subprocess.run(
        [sys.executable, "-c", _ATTACKS, str(folder), json.dumps(ATTACKS)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=250,
    )
    if done.returncode == NOT_ALLOWED or sys.platform != "linux":
        pytest.skip(f"this machine gives no process a network of its own: {done.stdout}")
    assert done.returncode == 0
    return [folder / str(number) / "told.json" for number in range(len(ATTACKS))]


def attack(attacks: Sequence[Path], answers: Answers, path: str) -> Any:
    return json.loads(attacks[ATTACKS.index((answers, path))].read_bytes())


def test_the_address_that_was_checked_is_connected_to_whatever_the_next_answer_is(
    attacks: Sequence[Path],
) -> None:
    told = attack(attacks, [[PUBLIC], [INSIDE]], "x.zip")

    assert told == {"reason": "fetched", "asked": 1, "requests": 1, "by_relay": 1}


@pytest.mark.parametrize("path", CHANGING)
def test_an_answer_that_changes_between_two_connections_is_refused(
    attacks: Sequence[Path], path: str
) -> None:
    told = attack(attacks, [[PUBLIC], [INSIDE]], path)

    assert told["reason"].startswith("SourceRefusedError: ")
    assert "127.0.0.1" in told["reason"]
    assert (told["asked"], told["requests"], told["by_relay"]) == (2, 1, 1)


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize(
    "answer", ADDRESSES, ids=lambda answer: "+".join(value for _, value in answer)
)
def test_a_name_with_an_address_inside_is_refused_without_a_connection(
    attacks: Sequence[Path], answer: list[tuple[int, str]], path: str
) -> None:
    told = attack(attacks, [answer], path)

    assert told["reason"].startswith("SourceRefusedError: ")
    assert (told["requests"], told["by_relay"]) == (0, 0)
