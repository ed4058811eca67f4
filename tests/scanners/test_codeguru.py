"""The scanner `codeguru` against the fake of the service that AWS ended."""

import io
import logging
import os
import socket
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap
from botocore.config import Config
from botocore.retries.standard import ExponentialBackoff

from package_gate.core.artifact import Artifact, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, Location, ScannerInfo, Severity
from package_gate.net.session import Network
from package_gate.scanners import codeguru, codeguru_upload
from package_gate.scanners.codeguru import CodeGuru, CodeGuruSettings
from package_gate.scanners.codeguru_upload import place_of, upload_zip, write_zip
from package_gate.scanners.interface import Scanner
from tests.fakes.aws import SECRET_ACCESS_KEY
from tests.fakes.aws_client import client_of, running
from tests.fakes.aws_service import Fault
from tests.fakes.codeguru_security import UPLOAD, CodeGuruSecurity, finding
from tests.fakes.https_server import HTTPSServer, respond

ENDED = r"AWS ended the service on 2025-11-20, so remove `codeguru` from --scanners"


def package(name: str, version: str) -> UnpackedPackage:
    """Make a PyPI package without files."""
    return UnpackedPackage(name, version, Origin.PYPI, ())


def unpacked(folder: Path, filename: str, files: dict[str, str]) -> UnpackedArtifact:
    """Write an unpacked artifact."""
    tree = folder / f"tree-{filename}"
    tree.mkdir()
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return UnpackedArtifact(Artifact(filename, "0" * 64, 1), str(folder / filename), str(tree))


def archive(folder: Path, files: dict[str, str]) -> UnpackedPackage:
    """Make an archive request's package, `sample`, with this content."""
    artifact = unpacked(folder, "sample.zip", files)
    return UnpackedPackage("sample", "0123456789ab", Origin.ARCHIVE, (artifact,))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry and look again at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[CodeGuruSecurity]:
    with running(CodeGuruSecurity, tmp_path) as service:
        yield service


@pytest.fixture
def client(service: CodeGuruSecurity) -> Iterator[Any]:
    with client_of(service) as client:
        yield client


@pytest.fixture
def settings(tmp_path: Path) -> CodeGuruSettings:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return CodeGuruSettings(scratch)


@pytest.fixture
def scanner(settings: CodeGuruSettings, client: Any) -> CodeGuru:
    return CodeGuru(settings, client)


@pytest.fixture
def target(tmp_path: Path) -> UnpackedPackage:
    return archive(tmp_path, {"src/app.py": "x = 1\n", "README": "read me\n"})


def scan(scanner: Scanner, target: UnpackedPackage) -> list[Finding]:
    return list(scanner.scan(target))


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def uploaded(service: CodeGuruSecurity) -> list[bytes]:
    return [code.content for code in service.code.values() if code.content is not None]


# Findings


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Critical", Severity.CRITICAL),
        ("High", Severity.HIGH),
        ("Medium", Severity.MEDIUM),
        ("Low", Severity.LOW),
        ("Info", Severity.INFO),
    ],
)
def test_every_severity_is_told_apart(
    service: CodeGuruSecurity,
    scanner: CodeGuru,
    target: UnpackedPackage,
    word: str,
    severity: Severity,
) -> None:
    place = {"path": "0/src/app.py", "startLine": 3, "endLine": 3}
    links = ["https://cwe.example/798"]
    service.findings = [finding(word, vulnerability={"filePath": place, "referenceUrls": links})]

    assert scan(scanner, target) == [
        Finding(
            scanner="codeguru",
            rule="python/hardcoded-credentials",
            kind=Kind.CODE,
            severity=severity,
            message="Hardcoded credentials: A secret stands in the code.",
            recommendation="Keep it in a secret store.",
            references=("https://docs.example/", "https://cwe.example/798"),
            artifact="sample.zip",
            locations=(Location("src/app.py", 3),),
        )
    ]


def test_a_clean_package_has_no_findings(scanner: CodeGuru, target: UnpackedPackage) -> None:
    assert scan(scanner, target) == []


def test_a_high_finding_on_the_third_page_is_found(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.page_size = 2
    service.findings = [finding("Info", f"python/rule-{number}") for number in range(5)]
    service.findings.append(finding("High", "python/the-one"))

    found = scan(scanner, target)

    assert [each.rule for each in found if each.severity is Severity.HIGH] == ["python/the-one"]
    assert (len(found), service.count("GetFindings")) == (6, 3)


@pytest.mark.parametrize("changes", [{"severity": "Severe"}, {"severity": None}, {"ruleId": ""}])
def test_a_finding_without_a_known_severity_or_rule_is_an_error(
    service: CodeGuruSecurity,
    scanner: CodeGuru,
    target: UnpackedPackage,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
) -> None:
    odd = {name: value for name, value in (finding("High") | changes).items() if value is not None}
    odd.pop("detectorId")
    monkeypatch.setattr(scanner._client, "get_findings", lambda **given: {"findings": [odd]})

    with pytest.raises(ScannerError, match=r"unknown severity|names no rule"):
        scan(scanner, target)


def test_many_places_of_a_rule_are_one_finding_with_their_number(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.findings = [
        finding("Low", vulnerability={"filePath": {"path": "0/src/app.py", "startLine": line}})
        for line in range(1, 31)
    ]

    [found] = scan(scanner, target)

    assert (found.count, len(found.locations)) == (30, 20)
    assert found.locations[0] == Location("src/app.py", 1)


def test_a_finding_without_a_place_is_a_finding(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.findings = [finding("High", vulnerability={})]

    assert [each.locations for each in scan(scanner, target)] == [()]


def test_each_artifact_has_its_own_findings(
    service: CodeGuruSecurity, scanner: CodeGuru, tmp_path: Path
) -> None:
    artifacts = tuple(
        unpacked(tmp_path, name, {"tool.py": "x = 1\n"}) for name in ("tool.whl", "tool.tar.gz")
    )
    service.findings = [
        finding("Low", vulnerability={"filePath": {"path": f"{number}/tool.py", "startLine": 1}})
        for number in (0, 1, 7)
    ]

    found = scan(scanner, UnpackedPackage("tool", "1.0", Origin.PYPI, artifacts))

    assert {(each.artifact, each.locations[0].path) for each in found} == {
        ("tool.whl", "tool.py"),
        ("tool.tar.gz", "tool.py"),
        ("", "7/tool.py"),
    }
    assert service.count("CreateScan") == 1


# The upload


def names_in(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_the_uploaded_zip_holds_every_regular_file(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    scan(scanner, target)

    [content] = uploaded(service)
    assert names_in(content) == ["0/README", "0/src/app.py"]
    [call] = [each for each in service.calls if each.operation == "CreateScan"]
    assert call.parameters["analysisType"] == "Security"
    assert call.parameters["scanType"] == "Standard"


def test_the_same_tree_gives_the_same_zip(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    scan(scanner, target)
    os.utime(Path(target.artifacts[0].tree, "README"), (0, 0))
    scan(scanner, target)

    assert len(uploaded(service)) == 2
    assert len(set(uploaded(service))) == 1


def test_links_and_pipes_stay_out_of_the_zip(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage, tmp_path: Path
) -> None:
    tree = Path(target.artifacts[0].tree)
    (tmp_path / "secret").write_text("not yours")
    (tree / "link").symlink_to(tmp_path / "secret")
    (tree / "folder").symlink_to(tmp_path)
    os.mkfifo(tree / "pipe")

    scan(scanner, target)

    assert names_in(uploaded(service)[0]) == ["0/README", "0/src/app.py"]


HOSTILE = [
    b"\xff.py",
    b"a\nb.py",
    b"C:\\evil.py",
    b"..\\up.py",
    b"\xe2\x80\xaetxt.py",
    b"100%41.py",
]


def test_hostile_names_mean_nothing_in_the_zip_and_are_read_back(tmp_path: Path) -> None:
    artifact = unpacked(tmp_path, "sample.zip", {"plain name-1.py": ""})
    for name in HOSTILE:
        (Path(artifact.tree) / os.fsdecode(name)).write_text("x = 1\n")
    file = io.BytesIO()

    write_zip([artifact], file, 1 << 20)

    names = names_in(file.getvalue())
    assert len(set(names)) == len(HOSTILE) + 1
    assert not [name for name in names if not name.isascii() or set(name) & set("\\:\n")]
    shown = {place_of(name, [artifact]) for name in names}
    expected = {name.decode(errors="replace") for name in HOSTILE} | {"plain name-1.py"}
    assert shown == {("sample.zip", name) for name in expected}


def test_a_package_over_the_limit_is_an_error_before_anything_is_sent(
    service: CodeGuruSecurity, client: Any, settings: CodeGuruSettings, target: UnpackedPackage
) -> None:
    with pytest.raises(ScannerError, match="too large for CodeGuru Security: more than 10 bytes"):
        scan(CodeGuru(replace(settings, most_bytes=10), client), target)

    assert service.calls == []


def test_too_many_files_are_an_error(
    scanner: CodeGuru, target: UnpackedPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codeguru_upload, "MAX_FILES", 1)

    with pytest.raises(ScannerError, match="too large"):
        scan(scanner, target)


def test_a_tree_that_cannot_be_read_is_an_error(scanner: CodeGuru, target: UnpackedPackage) -> None:
    missing = replace(target.artifacts[0], tree=target.artifacts[0].tree + "-not")

    with pytest.raises(ScannerError, match="can't be read: No such file"):
        scan(scanner, replace(target, artifacts=(missing,)))


def test_an_upload_that_the_storage_turns_away_for_now_is_tried_again(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.order(UPLOAD, Fault("throttle", times=3))

    scan(scanner, target)

    assert len(uploaded(service)) == 1


def test_an_upload_that_never_succeeds_is_an_error(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.order(UPLOAD, Fault("throttle", times=None))

    with pytest.raises(ScannerError, match=r"could not be uploaded.*HTTP status 503"):
        scan(scanner, target)

    assert service.count("CreateScan") == 0


NETWORK = Network()


def send(url: str, network: Network = NETWORK) -> None:
    upload_zip(url, {"x-header": "1"}, io.BytesIO(b"zip"), network=network, timeout=2.0, attempts=2)


def test_a_storage_that_cannot_be_reached_is_an_error_without_its_address() -> None:
    with pytest.raises(ScannerError, match="the connection failed") as error:
        send(f"https://127.0.0.1:{closed_port()}/upload?X-Amz-Signature=canary")

    assert "canary" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_storage_with_a_wrong_certificate_gets_nothing(server: HTTPSServer) -> None:
    with pytest.raises(ScannerError, match="TLS certificate is not valid") as error:
        send(f"{server.url}?X-Amz-Signature=canary")

    assert "canary" not in str(error.value)


def test_an_upload_has_the_given_headers_and_none_of_our_own(server: HTTPSServer) -> None:
    server.routes["/upload"] = respond()

    send(f"{server.url}/upload?X-Amz-Signature=canary", Network(ca_bundle=str(server.ca_file)))

    [(method, path, headers)] = server.requests
    assert (method, path) == ("PUT", "/upload?X-Amz-Signature=canary")
    spoken = {"host", "content-length", "accept-encoding", "user-agent"}
    assert {name.lower() for name in headers} - spoken == {"x-header"}
    assert headers["Content-Length"] == "3"


def test_no_upload_goes_over_plain_http() -> None:
    with pytest.raises(ScannerError, match="not HTTPS"):
        send("http://storage.test/upload?X-Amz-Signature=canary")


# Waiting


def test_a_scan_in_progress_is_looked_at_until_it_is_done(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.polls = 7
    service.findings = [finding("High")]

    assert len(scan(scanner, target)) == 1
    assert service.count("GetScan") >= 7


def test_a_failed_scan_is_an_error(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.outcome = "Failed"

    with pytest.raises(ScannerError, match="ended as Failed: the fake was told to fail"):
        scan(scanner, target)

    assert service.count("GetFindings") == 0


def test_a_scan_past_its_deadline_is_an_error(
    service: CodeGuruSecurity, client: Any, settings: CodeGuruSettings, target: UnpackedPackage
) -> None:
    service.polls = 1_000_000
    started = time.monotonic()

    with pytest.raises(ScannerError, match=r"did not finish within 0\.2 seconds"):
        scan(CodeGuru(replace(settings, scan_seconds=0.2), client), target)

    assert time.monotonic() - started < 30


def test_pages_that_repeat_are_an_error(
    service: CodeGuruSecurity,
    scanner: CodeGuru,
    target: UnpackedPackage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = {"findings": [finding("Info")], "nextToken": "page-1"}
    monkeypatch.setattr(service, "get_findings", lambda given: endless, raising=False)

    with pytest.raises(ScannerError, match="same page of findings again"):
        scan(scanner, target)


def test_pages_without_end_are_an_error(
    service: CodeGuruSecurity,
    scanner: CodeGuru,
    target: UnpackedPackage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codeguru, "MAX_FINDINGS", 20)
    pages = iter(range(1_000))
    monkeypatch.setattr(
        service,
        "get_findings",
        lambda given: {"findings": [], "nextToken": f"page-{next(pages)}"},
        raising=False,
    )

    with pytest.raises(ScannerError, match="more than 20 findings"):
        scan(scanner, target)


# Failures of the service

CALLS = ["CreateUploadUrl", "CreateScan", "GetScan", "GetFindings"]


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("fault", ["throttle", "internal-error", "reset"])
def test_a_passing_failure_is_tried_again(
    service: CodeGuruSecurity,
    scanner: CodeGuru,
    target: UnpackedPackage,
    operation: str,
    fault: Any,
) -> None:
    service.findings = [finding("High")]
    service.order(operation, Fault(fault, times=2))

    assert len(scan(scanner, target)) == 1


def test_a_scan_that_was_started_though_the_answer_was_lost_is_waited_for(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.findings = [finding("High")]
    service.polls = 3
    service.order("CreateScan", Fault("lost-reply"))

    assert len(scan(scanner, target)) == 1


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("fault", ["throttle", "internal-error"])
def test_a_failure_that_stays_is_an_error_of_a_living_service(
    service: CodeGuruSecurity,
    scanner: CodeGuru,
    target: UnpackedPackage,
    operation: str,
    fault: Any,
) -> None:
    service.order(operation, Fault(fault, times=None))

    with pytest.raises(ScannerError, match=f"CodeGuru Security {operation} failed") as error:
        scan(scanner, target)

    assert "2025-11-20" not in str(error.value)


def test_a_service_that_denies_access_is_said_to_have_ended(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.order("CreateUploadUrl", Fault("access-denied", times=None))

    with pytest.raises(ScannerError, match=rf"\(AccessDeniedException\): {ENDED}"):
        scan(scanner, target)


def test_a_service_that_cannot_be_reached_is_said_to_have_ended(
    service: CodeGuruSecurity, settings: CodeGuruSettings, target: UnpackedPackage
) -> None:
    service.url = f"http://127.0.0.1:{closed_port()}"
    with (
        client_of(service) as client,
        pytest.raises(ScannerError, match=rf"\(EndpointConnectionError\): {ENDED}"),
    ):
        scan(CodeGuru(settings, client), target)


def test_a_service_that_does_not_answer_is_an_error(
    service: CodeGuruSecurity, settings: CodeGuruSettings, target: UnpackedPackage
) -> None:
    service.order("CreateUploadUrl", Fault("slow", times=None, seconds=30))
    impatient = Config(read_timeout=0.2, retries={"total_max_attempts": 1})

    with (
        client_of(service, impatient) as client,
        pytest.raises(ScannerError, match="CreateUploadUrl failed: Read timeout"),
    ):
        scan(CodeGuru(settings, client), target)


# Names, threads, records, credentials


@pytest.mark.parametrize("name", ["langchain", "a b/c\n", "ü" * 300, "x" * 300])
def test_every_package_gets_a_valid_scan_name(
    service: CodeGuruSecurity, scanner: CodeGuru, name: str
) -> None:
    assert scan(scanner, package(name, "1.0+cpu")) == []
    assert len(service.scans) == 1


def test_several_scans_of_one_package_at_once_do_not_meet(
    service: CodeGuruSecurity, scanner: CodeGuru, target: UnpackedPackage
) -> None:
    service.findings = [finding("High")]
    service.polls = 3

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: scan(scanner, target), range(6)))

    assert [len(findings) for findings in found] == [1] * 6
    assert len(service.scans) == 6


def test_the_record_tells_the_api_version(scanner: CodeGuru) -> None:
    assert scanner.info == ScannerInfo("codeguru", "2018-05-10", "", "Amazon CodeGuru Security")


def test_nothing_is_left_in_the_scratch_folder(
    scanner: CodeGuru, settings: CodeGuruSettings, target: UnpackedPackage
) -> None:
    scan(scanner, target)

    assert list(settings.scratch.iterdir()) == []


def test_no_credential_and_no_signed_address_is_in_the_log(
    service: CodeGuruSecurity,
    scanner: CodeGuru,
    target: UnpackedPackage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    scan(scanner, target)

    assert "CreateUploadUrl" in caplog.text
    [code] = service.code.values()
    for secret in (SECRET_ACCESS_KEY, code.signature):
        assert secret not in caplog.text


def test_a_scratch_folder_that_is_not_there_is_an_error(
    settings: CodeGuruSettings, client: Any, target: UnpackedPackage
) -> None:
    nowhere = replace(settings, scratch=settings.scratch / "nowhere")

    with pytest.raises(ScannerError, match="can't be packed for CodeGuru Security: No such file"):
        scan(CodeGuru(nowhere, client), target)
