"""The OSV API: asked as it documents, and nothing less than a whole answer is taken."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from package_gate.advisories import osv_api as osv_api_module
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv import OSV, OSVSettings
from package_gate.advisories.osv_api import API
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding
from package_gate.net.session import Network
from tests.fakes.advisories import advisory
from tests.fakes.https_server import HTTPSServer, respond
from tests.fakes.osv_api import QUERYBATCH, FakeOSVAPI, break_off, osv_api, trickle

ONE = NamedPackage("one", "1.0")
DIRECT = Network()


@pytest.fixture
def fake() -> Iterator[FakeOSVAPI]:
    with osv_api() as running:
        yield running


@pytest.fixture
def api(fake: FakeOSVAPI) -> Iterator[API]:
    client = API(fake.url, DIRECT, timeout=5, attempts=3, pause=0.01)
    yield client
    client.close()


def ids(api: API, *packages: NamedPackage) -> list[list[str]]:
    return [[record.id for record in records] for records in api.find(packages)]


def test_it_finds_ids_by_batch_and_gets_each_record_once(fake: FakeOSVAPI, api: API) -> None:
    fake.add(advisory("PYSEC-2024-1", "one"), ("one", "1.0"), ("two", "2.0"))
    fake.add(advisory("GHSA-aaaa-bbbb-cccc", "one"), ("one", "1.0"))
    found = ids(api, ONE, NamedPackage("two", "2.0+cpu"), NamedPackage("three", "3.0"))
    assert found == [["GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"], ["PYSEC-2024-1"], []]
    assert [query["version"] for query in fake.batches[0]] == ["1.0", "2.0", "3.0"]
    assert sorted(fake.paths) == [
        QUERYBATCH,
        "/v1/vulns/GHSA-aaaa-bbbb-cccc",
        "/v1/vulns/PYSEC-2024-1",
    ]
    assert ids(api, ONE) == [found[0]]
    assert fake.paths[3:] == [QUERYBATCH]


def test_every_page_of_every_query_is_read(fake: FakeOSVAPI, api: API) -> None:
    fake.page_size = 2
    for number in range(5):
        fake.add(advisory(f"PYSEC-2024-{number}", "one"), ("one", "1.0"))
    fake.add(advisory("PYSEC-2024-9", "two"), ("two", "2.0"))
    found = ids(api, NamedPackage("two", "2.0"), ONE)
    assert found == [["PYSEC-2024-9"], [f"PYSEC-2024-{number}" for number in range(5)]]
    assert [len(batch) for batch in fake.batches] == [2, 1, 1]


def test_pages_without_end_are_an_error(
    fake: FakeOSVAPI, api: API, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osv_api_module, "MAX_PAGES", 3)
    fake.failures = [respond(b'{"results": [{"next_page_token": "again"}]}')] * 3
    with pytest.raises(ScannerError, match="more than 3 pages"):
        api.find([ONE])


def test_a_batch_has_at_most_a_thousand_queries(fake: FakeOSVAPI, api: API) -> None:
    fake.add(advisory("PYSEC-2024-1", "p2400"), ("p2400", "1.0"))
    found = ids(api, *(NamedPackage(f"p{number}", "1.0") for number in range(2500)))
    assert [len(batch) for batch in fake.batches] == [1000, 1000, 500]
    assert len(found) == 2500
    assert found[2400] == ["PYSEC-2024-1"]
    assert sum(map(len, found)) == 1


def test_nothing_is_asked_for_no_package(fake: FakeOSVAPI, api: API) -> None:
    assert api.find([]) == []
    assert fake.paths == []


def test_passing_failures_are_tried_again(fake: FakeOSVAPI, api: API) -> None:
    fake.add(advisory("PYSEC-2024-1", "one"), ("one", "1.0"))
    fake.failures = [respond(b"", 500), break_off]
    assert ids(api, ONE) == [["PYSEC-2024-1"]]
    assert fake.paths == [QUERYBATCH] * 3 + ["/v1/vulns/PYSEC-2024-1"]


def test_a_record_is_tried_again_too(fake: FakeOSVAPI, api: API) -> None:
    fake.add(advisory("PYSEC-2024-1", "one"), ("one", "1.0"))
    found = respond(b'{"results": [{"vulns": [{"id": "PYSEC-2024-1"}]}]}')
    fake.failures = [found, respond(b"", 503), respond(b"", 429, {"Retry-After": "0"})]
    assert ids(api, ONE) == [["PYSEC-2024-1"]]
    assert fake.paths == [QUERYBATCH] + ["/v1/vulns/PYSEC-2024-1"] * 3


def test_a_pause_that_the_api_asks_for_is_kept_within_bounds(
    fake: FakeOSVAPI, api: API, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", pauses.append)
    fake.failures = [
        respond(b"", 429, {"Retry-After": "7"}),
        respond(b"", 429, {"Retry-After": "9" * 400}),
    ]
    api.find([ONE])
    assert pauses == [7.0, 30.0]


def test_a_lasting_failure_is_an_error_that_says_what_to_do(fake: FakeOSVAPI, api: API) -> None:
    fake.failures = [respond(b"secret details", 500)] * 3
    with pytest.raises(ScannerError) as caught:
        api.find([ONE])
    assert "HTTP status 500" in str(caught.value)
    assert "--advisories FOLDER-or-ZIP" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_api_that_is_failing_gets_one_attempt_until_it_answers(
    fake: FakeOSVAPI, api: API
) -> None:
    fake.failures = [respond(b"", 500)] * 5
    for calls in (3, 4, 5):
        with pytest.raises(ScannerError):
            api.find([ONE])
        assert len(fake.paths) == calls
    api.find([ONE])
    fake.failures = [respond(b"", 500)]
    api.find([ONE])
    assert len(fake.paths) == 8


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (301, {"Location": "https://localhost:1/v1/querybatch"}),
        (307, {"Location": "http://169.254.169.254/"}),
        (400, {}),
        (403, {}),
        (404, {}),
        (204, {}),
    ],
)
def test_other_answers_are_errors_at_once_and_no_redirect_is_followed(
    fake: FakeOSVAPI, api: API, status: int, headers: dict[str, str]
) -> None:
    fake.failures = [respond(b"", status, headers)]
    with pytest.raises(ScannerError, match=f"HTTP status {status}"):
        api.find([ONE])
    assert len(fake.paths) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>login</html>",
        b"{}",
        b"[]",
        b'{"results": null}',
        b'{"results": []}',
        b'{"results": [{}, {}]}',
        b'{"results": [{"vulns": [{"modified": "2024-01-01T00:00:00Z"}]}]}',
        b'{"results": [{"vulns": [{"id": 5}]}]}',
        b'{"results": [{"vulns": [{"id": "\xff"}]}]}',
        b'{"results": ' + b"[" * 100_000,
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_an_error(
    fake: FakeOSVAPI, api: API, body: bytes
) -> None:
    fake.failures = [respond(body)]
    with pytest.raises(ScannerError, match="--advisories"):
        api.find([ONE])


@pytest.mark.parametrize(
    "advisory_id",
    ["../../etc/passwd", "..", "A/B", "A?b=c", "A#b", "A%2e", "A B", "", "x" * 200, "A\n"],
)
def test_an_id_that_is_none_is_never_put_into_an_address(
    fake: FakeOSVAPI, api: API, advisory_id: str
) -> None:
    fake.found[("one", "1.0")] = [advisory_id]
    with pytest.raises(ScannerError, match="names an advisory"):
        api.find([ONE])
    assert fake.paths == [QUERYBATCH]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (json.dumps(advisory("PYSEC-2024-2")).encode(), "answered PYSEC-2024-2 when asked for"),
        (b"{}", "not an OSV record"),
    ],
)
def test_a_record_that_is_not_the_one_asked_for_is_an_error(
    fake: FakeOSVAPI, api: API, body: bytes, problem: str
) -> None:
    fake.found[("one", "1.0")] = ["PYSEC-2024-1"]
    fake.records["PYSEC-2024-1"] = body
    with pytest.raises(ScannerError, match=problem):
        api.find([ONE])


def test_a_record_that_the_api_finds_but_does_not_have_is_an_error(
    fake: FakeOSVAPI, api: API
) -> None:
    fake.found[("one", "1.0")] = ["PYSEC-2024-1"]
    with pytest.raises(ScannerError, match="HTTP status 404"):
        api.find([ONE])


def test_an_answer_is_limited_in_size(fake: FakeOSVAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv_api_module, "MAX_ANSWER_BYTES", 1000)
    fake.failures = [respond(b'{"results": [{}]}' + b" " * 2000)]
    with (
        closing(API(fake.url, DIRECT)) as api,
        pytest.raises(ScannerError, match="larger than 1000 bytes"),
    ):
        api.find([ONE])


def test_an_answer_that_trickles_in_is_cut_off(fake: FakeOSVAPI) -> None:
    api = API(fake.url, DIRECT, timeout=0.3, attempts=1)
    fake.failures = [trickle]
    with pytest.raises(ScannerError, match=r"no whole answer in 0\.3 seconds"):
        api.find([ONE])
    api.close()


def test_a_compressed_answer_is_refused(fake: FakeOSVAPI, api: API) -> None:
    fake.failures = [respond(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})]
    with pytest.raises(ScannerError, match="encoding that was not asked for"):
        api.find([ONE])


def test_a_server_that_does_not_answer_at_all_is_an_error() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        api = API(
            f"http://127.0.0.1:{silent.getsockname()[1]}", DIRECT, timeout=0.2, attempts=2, pause=0
        )
        with pytest.raises(ScannerError, match="the server did not answer in time"):
            api.find([ONE])
        api.close()


def test_a_closed_port_is_an_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        api = API(f"http://127.0.0.1:{closed.getsockname()[1]}", DIRECT, attempts=2, pause=0)
        with pytest.raises(ScannerError, match="connection failed"):
            api.find([ONE])
        api.close()


def test_a_certificate_that_cant_be_verified_is_an_error_at_once(server: HTTPSServer) -> None:
    api = API(server.url, DIRECT, attempts=3, pause=60)
    with pytest.raises(ScannerError, match="certificate is not valid"):
        api.find([ONE])
    assert server.requests == []
    api.close()


def test_a_certificate_of_the_given_authority_is_taken(server: HTTPSServer) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        respond(b'{"results": [{}]}')(handler)
        handler.close_connection = True
        handler.connection.close()

    server.routes[QUERYBATCH] = answer
    api = API(server.url, Network(ca_bundle=str(server.ca_file)))
    assert api.find([ONE]) == [[]]
    api.close()


def test_a_proxy_that_fails_is_not_named_with_its_password(server: HTTPSServer) -> None:
    proxies = {"https": "http://user:hunter2@127.0.0.1:9"}
    api = API(server.url, Network(proxies=proxies), attempts=1)
    with pytest.raises(ScannerError, match="proxy could not be reached") as caught:
        api.find([ONE])
    assert "hunter2" not in str(caught.value)
    assert server.requests == []
    api.close()


def test_nothing_of_the_environment_is_sent(
    fake: FakeOSVAPI, api: API, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    fake.failures = [respond(b'{"results": [{}]}', headers={"Set-Cookie": "a=b; Path=/"})]
    api.find([ONE])
    api.find([ONE])
    sent = [headers for _, headers in fake.calls]
    assert len(sent) == 2
    assert all("Authorization" not in headers and "Cookie" not in headers for headers in sent)


def known(settings: OSVSettings, package: NamedPackage) -> tuple[Finding, ...]:
    with closing(OSV(settings)) as source:
        [found] = source.query([package])
    return found


def test_the_api_only_names_candidates_and_records_are_matched_here(
    fake: FakeOSVAPI,
) -> None:
    asked = ("my-pkg", "1.0")
    fake.add(advisory("PYSEC-2024-1", "my-pkg", versions=["1.0"]), asked)
    fake.add(advisory("PYSEC-2024-2", "my-pkg", versions=["2.0"]), asked)
    fake.add(advisory("PYSEC-2024-3", "other", versions=["1.0"]), asked)
    withdrawn = "2024-06-01T00:00:00Z"
    fake.add(advisory("PYSEC-2024-4", "my-pkg", versions=["1.0"], withdrawn=withdrawn), asked)
    findings = known(OSVSettings(fake.url), NamedPackage("my-pkg", "1.0"))
    assert [finding.rule for finding in findings] == ["PYSEC-2024-1"]


def test_a_version_that_cant_be_ordered_is_asked_about_by_its_package_alone(
    fake: FakeOSVAPI,
) -> None:
    fake.add(advisory("PYSEC-2024-1", "one", versions=["1.0"]), ("one", ""))
    [finding] = known(OSVSettings(fake.url), NamedPackage("one", "1.0-custom"))
    assert "can't be compared" in finding.message
    assert fake.batches == [[{"package": {"name": "one", "ecosystem": "PyPI"}}]]


def test_many_threads_ask_at_once_over_few_connections(fake: FakeOSVAPI) -> None:
    for number in range(20):
        fake.add(
            advisory(f"PYSEC-2024-{number}", f"p{number}", versions=["1"]), (f"p{number}", "1")
        )
    with closing(OSV(OSVSettings(fake.url))) as source, ThreadPoolExecutor(20) as pool:

        def ask(number: int) -> list[str]:
            [found] = source.query([NamedPackage(f"p{number}", "1")])
            return [finding.rule for finding in found]

        rules = list(pool.map(ask, range(20)))
    assert rules == [[f"PYSEC-2024-{number}"] for number in range(20)]
    assert fake.most_at_once <= osv_api_module.CONNECTIONS


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example",
        "http://localhost.example",
        "http://localhost@api.example/",
        "ftp://api.example",
        "file:///srv/advisories",
        "https://",
        "https://user:hunter2@api.example",
        "https://api.example/?key=hunter2",
        "https://api.example/#v1",
        "https://api.example\n",
        "https://api.example/a b",
        "https://api.example:port",
    ],
)
def test_what_is_no_address_of_an_api_is_a_mistake(address: str) -> None:
    with pytest.raises(ConfigurationError, match="--advisories takes") as caught:
        OSV(OSVSettings(address))
    assert "hunter2" not in str(caught.value)
