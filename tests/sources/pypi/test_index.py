"""Asking an index through its simple API."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.version import Version

from package_gate.core.errors import SourceError, SourceRefusedError
from package_gate.net.addresses import IndexAddress
from package_gate.sources.pypi import index as module
from package_gate.sources.pypi.index import Index, Project, configured_indexes, public_index
from package_gate.sources.pypi.uv import IndexSettings
from tests.fakes.connect_proxy import connect_proxy
from tests.fakes.https_server import HTTPSServer, https_server, respond
from tests.fakes.package_index import JSON_TYPE, LOCAL, PackageIndex

PROJECT = Path(__file__).parents[3]


# The test server leaves its side of a TLS connection to the garbage collector.
@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    with https_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def index(server: HTTPSServer) -> PackageIndex:
    return PackageIndex(server)


def asking(index: PackageIndex, **more: str) -> Index:
    return Index(IndexSettings({**index.environment, **more}, guard=LOCAL))


def known(project: Project | None) -> Project:
    assert project is not None
    return project


def urls(environment: dict[str, str], config: Path | None = None) -> list[str]:
    return [each.url for each in configured_indexes(IndexSettings(environment, config))]


def test_files_come_with_what_the_index_says(index: PackageIndex) -> None:
    uploaded = datetime(2025, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    entry = index.add_wheel("Some.Thing", "1.0", uploaded=uploaded, yanked="broken")
    index.add_sdist("some-thing", "1.1", yanked=True)
    project = known(asking(index).project("Some_Thing"))
    wheel = project.file(entry["filename"], entry["hashes"]["sha256"])
    assert wheel is not None
    assert (wheel.uploaded, wheel.yanked, wheel.size) == (uploaded, "broken", entry["size"])
    newest, older = project.releases()
    assert (newest.version, newest.sdists[0].yanked) == (Version("1.1"), "")
    assert older.wheels == (wheel,)


def test_a_file_is_only_known_with_its_own_digest(index: PackageIndex) -> None:
    entry = index.add_wheel("thing", "1.0")
    assert known(asking(index).project("thing")).file(entry["filename"], "0" * 64) is None


def test_an_html_index_gives_digests_and_yanks_but_no_times(index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0", yanked=True)
    page = index._html("thing")
    index.answer("thing", respond(page, headers={"Content-Type": "text/html; charset=utf-8"}))
    file = known(asking(index).project("thing")).files[0]
    assert (len(file.sha256 or ""), file.yanked, file.uploaded) == (64, "", None)


def test_relative_addresses_are_resolved_against_the_answer(index: PackageIndex) -> None:
    entry = index.add_wheel("thing", "1.0")
    entry["url"] = "../../files/thing-1.0-py3-none-any.whl#sha256=abc"
    address = known(asking(index).project("thing")).files[0].url
    root = index.url.removesuffix("/simple")
    assert address == f"{root}/files/thing-1.0-py3-none-any.whl"


def test_a_project_that_no_index_has_is_none(index: PackageIndex) -> None:
    assert asking(index).project("nothing") is None


def test_each_project_is_asked_for_once(index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    asker = asking(index)
    for names in (["thing", "Thing", "none"], ["none", "thing"]):
        assert asker.projects(names).keys() == {"thing", "none"}
    assert sorted(index.asked) == ["none", "thing"]


def test_a_failure_is_not_remembered(index: PackageIndex) -> None:
    asker = asking(index)
    index.answer("thing", respond(status=500))
    with pytest.raises(SourceError):
        asker.project("thing")
    index.add_wheel("thing", "1.0")
    assert asker.project("thing") is not None


def test_questions_of_several_threads_go_side_by_side(index: PackageIndex) -> None:
    both = threading.Barrier(2, timeout=60)

    def once_the_other_is_here(name: str) -> Callable[[BaseHTTPRequestHandler], None]:
        index.add_wheel(name, "1.0")
        answer = index.server.routes[f"{index.prefix}/{name}/"]

        def respond_then(handler: BaseHTTPRequestHandler) -> None:
            both.wait()
            answer(handler)

        return respond_then

    for name in ("one", "two"):
        index.server.routes[f"{index.prefix}/{name}/"] = once_the_other_is_here(name)
    asker = asking(index)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(asker.project, ("one", "two", "one", "two")))
    assert [known(each).name for each in found] == ["one", "two", "one", "two"]
    assert sorted(index.asked) == ["one", "two"]


def test_what_is_refused_is_so_for_who_asked_for_it_alone(index: PackageIndex) -> None:
    place = "https://169.254.169.254/latest/"
    index.answer("bad", respond(status=302, headers={"Location": place}))
    index.answer("broken", respond(status=500))
    index.add_wheel("good", "1.0")
    asker = asking(index)
    for _ in range(2):
        with pytest.raises(SourceRefusedError, match="cloud metadata"):
            asker.project("bad")
        with pytest.raises(SourceError, match="answered 500"):
            asker.project("broken")
        assert asker.project("good") is not None


def test_a_program_that_has_asked_an_index_ends(index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    code = (
        "import os, sys\n"
        "from package_gate.sources.pypi.index import Index\n"
        "from package_gate.sources.pypi.uv import IndexSettings\n"
        "from tests.fakes.package_index import LOCAL\n"
        "index = Index(IndexSettings(dict(os.environ), guard=LOCAL))\n"
        "print(index.project('thing').name)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PROJECT), **index.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.stdout, ran.returncode) == ("thing\n", 0), ran.stderr


def test_a_passing_failure_is_tried_again(index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    path = f"{index.prefix}/thing/"
    good = index.server.routes[path]

    def first_fails(handler: BaseHTTPRequestHandler) -> None:
        index.server.routes[path] = good
        respond(status=503, headers={"Retry-After": "3600"})(handler)

    index.server.routes[path] = first_fails
    assert asking(index, UV_HTTP_RETRIES="1").project("thing") is not None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (respond(b"no", 401), "401.*credentials"),
        (respond(b"no", 500), "answered 500"),
        (respond(b"{]", headers={"Content-Type": JSON_TYPE}), "can't be read"),
        (respond(b'{"files": [{"filename": 3}]}', headers={"Content-Type": JSON_TYPE}), "be read"),
        (
            respond(
                json.dumps(
                    {"files": [{"filename": "a", "url": "b", "upload-time": "soon"}]}
                ).encode(),
                headers={"Content-Type": JSON_TYPE},
            ),
            "can't be read",
        ),
        (respond(b"{}", headers={"Content-Type": JSON_TYPE}), "can't be read"),
        (
            respond(
                b'<meta name="pypi:repository-version" content="9.0">',
                headers={"Content-Type": "text/html"},
            ),
            "can't be read",
        ),
    ],
)
def test_an_answer_that_is_no_answer_is_an_error(
    index: PackageIndex, answer: Callable[[BaseHTTPRequestHandler], None], words: str
) -> None:
    index.answer("thing", answer)
    with pytest.raises(SourceError, match=words):
        asking(index).project("thing")


def test_an_answer_without_end_is_an_error(
    index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PAGE", 100_000)
    index.answer("thing", respond(b" " * 500_000, headers={"Content-Type": JSON_TYPE}))
    with pytest.raises(SourceError, match="larger than"):
        asking(index).project("thing")


def test_an_index_that_cannot_be_reached_is_an_error() -> None:
    settings = IndexSettings(
        {"UV_DEFAULT_INDEX": "https://localhost:1", "UV_HTTP_RETRIES": "0"}, guard=LOCAL
    )
    with pytest.raises(SourceError, match="can't be asked about thing"):
        Index(settings).project("thing")


def test_a_certificate_that_is_not_trusted_is_an_error(index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    with pytest.raises(SourceError, match="certificate is not valid"):
        asking(index, SSL_CERT_FILE="").project("thing")


def test_the_first_index_that_has_a_project_speaks_for_it(index: PackageIndex) -> None:
    inner = PackageIndex(index.server)
    inner.add_wheel("mine", "1.0")
    index.add_wheel("mine", "9.0")
    index.add_wheel("theirs", "2.0")
    found = asking(index, UV_INDEX=f"inner={inner.url}").projects(["mine", "theirs"])
    assert [str(each.version) for each in known(found["mine"]).releases()] == ["1.0"]
    assert [str(each.version) for each in known(found["theirs"]).releases()] == ["2.0"]
    assert index.asked == ["theirs"]


def test_all_indexes_speak_when_uv_is_told_to_mix_them(index: PackageIndex) -> None:
    inner = PackageIndex(index.server)
    inner.add_wheel("mine", "1.0")
    index.add_wheel("mine", "9.0")
    mixed = asking(index, UV_INDEX=inner.url, UV_INDEX_STRATEGY="unsafe-best-match")
    releases = known(mixed.project("mine")).releases()
    assert [str(each.version) for each in releases] == ["9.0", "1.0"]


def test_credentials_go_to_their_index_only_and_netrc_is_not_read(
    index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login planted password planted\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    inner = PackageIndex(index.server)
    index.add_wheel("thing", "1.0")
    secret = inner.url.replace("https://", "https://user:p%40ss@")
    asking(index, UV_INDEX=secret).project("thing")
    sent = {
        path: headers.get("Authorization")
        for _, path, headers in index.server.requests
        if path.startswith((inner.prefix, index.prefix))
    }
    assert sent == {
        f"{inner.prefix}/thing/": "Basic dXNlcjpwQHNz",
        f"{index.prefix}/thing/": None,
    }


def test_the_default_index_is_last_and_known_without_configuration() -> None:
    assert urls({}) == [public_index()]
    more = {"UV_INDEX": "a=https://a.test https://b.test/", "UV_EXTRA_INDEX_URL": "https://c.test"}
    assert urls(more) == [
        "https://a.test/",
        "https://b.test/",
        "https://c.test/",
        public_index(),
    ]
    assert urls({"UV_INDEX_URL": "https://old.test"}) == ["https://old.test/"]
    both = {"UV_INDEX_URL": "https://old.test", "UV_DEFAULT_INDEX": "https://new.test/simple"}
    assert urls(both) == ["https://new.test/simple/"]


def test_indexes_of_the_configuration_file_are_known(tmp_path: Path) -> None:
    config = tmp_path / "uv.toml"
    config.write_text(
        'extra-index-url = ["https://extra.test"]\n'
        '[[index]]\nname = "inner"\nurl = "https://inner.test/simple"\n'
        '[[index]]\nname = "torch"\nurl = "https://torch.test"\nexplicit = true\n'
        '[[index]]\nname = "main"\nurl = "https://main.test"\ndefault = true\n'
    )
    assert urls({}, config) == [
        "https://inner.test/simple/",
        "https://extra.test/",
        "https://main.test/",
    ]
    assert urls({"UV_DEFAULT_INDEX": "https://env.test"}, config)[-1] == "https://env.test/"
    config.write_text('[pip]\nindex-url = "https://pip.test"\n')
    assert urls({}, config) == ["https://pip.test/"]


@pytest.mark.parametrize("url", ["http://m.test/simple", "file:///srv/simple", "/srv/simple"])
def test_an_index_that_is_not_at_an_https_address_is_an_error(url: str) -> None:
    with pytest.raises(SourceError, match="not at an https address"):
        urls({"UV_INDEX": url})


def test_credentials_by_name_of_the_index_are_found_and_not_shown(tmp_path: Path) -> None:
    config = tmp_path / "uv.toml"
    config.write_text('[[index]]\nname = "my-mirror"\nurl = "https://m.test"\ndefault = true\n')
    environment = {"UV_INDEX_MY_MIRROR_USERNAME": "u", "UV_INDEX_MY_MIRROR_PASSWORD": "secret"}
    settings = IndexSettings(environment, config)
    assert configured_indexes(settings) == (IndexAddress("https://m.test/", ("u", "secret")),)
    assert "secret" not in repr(settings) + repr(configured_indexes(settings))


def test_a_broken_configuration_file_is_an_error(tmp_path: Path) -> None:
    config = tmp_path / "uv.toml"
    config.write_text("[[index")
    with pytest.raises(SourceError, match=r"uv\.toml can't be read"):
        urls({}, config)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://169.254.169.254/latest/meta-data/", "cloud metadata"),
        ("https://127.0.0.1:{port}/inside/", "loopback"),
        ("https://10.0.0.1/", "private network"),
        ("http://localhost:{port}/inside/", "plain http"),
        ("http://169.254.169.254/latest/", "plain http"),
    ],
)
def test_no_redirect_leads_to_where_the_guard_forbids(
    index: PackageIndex, location: str, words: str
) -> None:
    place = location.format(port=index.server.port)
    index.answer("thing", respond(status=302, headers={"Location": place}))
    before = len(index.server.requests)
    with pytest.raises((SourceError, SourceRefusedError), match=words):
        asking(index).project("thing")
    assert [path for _, path, _ in index.server.requests[before:] if "inside" in path] == []


def test_a_redirect_to_another_allowed_address_is_followed(index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    there = f"{index.url}/thing/"
    index.answer("moved", respond(status=301, headers={"Location": there}))
    assert known(asking(index).project("moved")).files


def test_an_index_at_a_private_address_must_be_a_private_host_of_the_policy(
    index: PackageIndex,
) -> None:
    index.add_wheel("thing", "1.0")
    with pytest.raises(SourceRefusedError, match=r"localhost is at .*private_hosts"):
        Index(IndexSettings(index.environment)).project("thing")
    assert index.asked == []


def test_the_organisations_proxy_is_asked_for_allowed_hosts_only(index: PackageIndex) -> None:
    index.add_wheel("thing", "1.0")
    index.answer("other", respond(status=302, headers={"Location": "https://10.0.0.1/"}))
    with connect_proxy(index.server.port) as upstream:
        through = asking(index, HTTPS_PROXY=upstream.url)
        assert through.project("thing") is not None
        with pytest.raises(SourceRefusedError, match="private network"):
            through.project("other")
        assert {asked for asked, _ in upstream.requests} == {f"localhost:{index.server.port}"}


def test_a_project_that_shows_up_late_is_found(
    index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            index.add_wheel("late", "1.0")

    monkeypatch.setattr("time.sleep", sleep)
    asked = asking(index)
    assert asked.project("late") is None
    assert asked.appears("Late")
    assert known(asked.project("late")).releases()[0].version == Version("1.0")
    assert slept == list(module.LATE_SECONDS)


def test_a_project_that_never_shows_up_is_waited_for_once(
    index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    asked = asking(index)
    assert not asked.appears("nothing")
    assert not asked.appears("nothing")
    assert slept == list(module.LATE_SECONDS)


@pytest.mark.parametrize("html", [False, True], ids=["JSON", "HTML"])
def test_what_is_not_offered_is_not_taken_for_absent(index: PackageIndex, html: bool) -> None:
    index.add_wheel("plain", "1.0")
    attested, other = index.add_wheel("thing", "1.0"), index.add_wheel("thing", "1.1")
    path = index.attest(attested, b"{}")
    index.attest(other, None)
    if html:
        for name in ("plain", "thing"):
            index.answer(name, respond(index._html(name), headers={"Content-Type": "text/html"}))
    projects = asking(index).projects(["plain", "thing"])
    assert known(projects["plain"]).provenance == {}
    assert known(projects["thing"]).provenance == {
        attested["filename"]: index.server.url + path,
        other["filename"]: "",
    }


def test_documents_are_fetched_as_pages_are(index: PackageIndex) -> None:
    entry = index.add_wheel("thing", "1.0")
    address = index.server.url + index.attest(entry, b"provenance")
    assert asking(index).documents([address, address]) == {address: b"provenance"}
    with pytest.raises(SourceError, match=r"answered 404 for /.*/provenance"):
        asking(index).documents([address, f"{index.url}/lost/provenance"])
    with pytest.raises(SourceRefusedError):
        asking(index).documents(["https://169.254.169.254/latest"])


def test_documents_below_the_index_are_asked_for_with_its_login(index: PackageIndex) -> None:
    inside = f"{index.url.removesuffix('/simple')}/integrity"
    outside = f"{index.server.url}/elsewhere"
    for address in (inside, outside):
        index._serve(urlsplit(address).path, respond(b"here"))
    index.asks_for = lambda user, password: (user, password) == ("reader", "secret")
    login = index.url.replace("https://", "https://reader:secret@")
    asker = asking(index, UV_DEFAULT_INDEX=login)
    assert asker.documents([inside]) == {inside: b"here"}
    with pytest.raises(SourceError, match="answered 401"):
        asker.documents([outside])
