"""PyPI packages in CodeArtifact: against the fake, installed with the real pip."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from package_gate.core.artifact import Origin
from package_gate.core.errors import PublishError
from package_gate.core.inventory import Inventory, Licence
from package_gate.core.request import PyPISource, Request
from package_gate.publishers.codeartifact import CodeArtifact
from package_gate.publishers.codeartifact_api import CodeArtifactRepository
from package_gate.publishers.interface import PublishedPackage
from package_gate.publishers.twine_upload import described
from tests.fakes.aws import AWS, DOMAIN, REPOSITORY, SECRET_ACCESS_KEY
from tests.fakes.aws_service import Fault
from tests.fakes.codeartifact import ACCOUNT, TOKEN_MARK
from tests.fakes.codeartifact_state import PackageKey
from tests.publishers.codeartifact_support import (
    DECIDED,
    make_publisher,
    published,
    pypi_package,
    retry_at_once,
    run,
    wheel,
    zip_bytes,
)

WHEEL_KEY = PackageKey(DOMAIN, REPOSITORY, "pypi", "", "tiny-tool")
UPLOAD = "pypi:upload"


@pytest.fixture
def publisher(aws: AWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CodeArtifact]:
    """Publish to the fake, retrying at once; every request must be valid."""
    retry_at_once(monkeypatch)
    yield make_publisher(aws, tmp_path)
    assert aws.codeartifact.rejected == []


def test_the_offered_command_installs_an_approved_wheel_and_a_refused_one_is_not_there(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = pypi_package(wheel(tmp_path))
    publisher.publish(package)
    request = Request("tiny-tool", PyPISource("tiny_tool==1.0"), "", 1)
    command = publisher.offer(request, [published(package)])
    assert command == (
        "aws codeartifact login --tool pip --domain research --domain-owner 123456789012 "
        "--repository approved-packages && "
        'PIP_EXTRA_INDEX_URL="$(pip config get global.index-url)" pip install tiny-tool==1.0'
    )
    target = tmp_path / "site"
    done = run(f"{command} --target {target}", aws.environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (target / "tiny_tool.py").read_text() == "ANSWER = 42\n"
    refused = run("pip download refused-tool", aws.environment, tmp_path)
    assert refused.returncode != 0
    assert "No matching distribution" in refused.stderr


def test_a_request_with_extras_is_offered_with_them(publisher: CodeArtifact) -> None:
    package = PublishedPackage("tiny-tool", "1.0", Origin.PYPI, DECIDED, ())
    request = Request("t", PyPISource("tiny_tool[b,a]>=1"), "", 1)
    assert publisher.offer(request, [package]).endswith("pip install 'tiny-tool[a,b]==1.0'")


def test_files_that_are_there_with_the_same_digest_are_left_alone(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    first, second = wheel(tmp_path), wheel(tmp_path, tag="py2")
    publisher.publish(pypi_package(first))
    publisher.publish(pypi_package(first))
    assert aws.codeartifact.count(UPLOAD) == 1
    publisher.publish(pypi_package(first, second))
    uploads = [c.parameters["asset"] for c in aws.codeartifact.calls if c.operation == UPLOAD]
    assert uploads == [first.artifact.filename, second.artifact.filename]


def test_a_file_that_is_there_with_another_digest_is_an_error_that_names_both(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    there, scanned = wheel(tmp_path, "planted\n"), wheel(tmp_path)
    publisher.publish(pypi_package(there))
    with pytest.raises(PublishError) as caught:
        publisher.publish(pypi_package(scanned))
    assert there.artifact.sha256 in str(caught.value)
    assert scanned.artifact.sha256 in str(caught.value)
    assert aws.codeartifact.count(UPLOAD) == 1


def test_a_409_for_a_file_with_the_same_digest_is_a_success(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.order(UPLOAD, Fault("lost-reply"))
    publisher.publish(pypi_package(wheel(tmp_path)))
    assert aws.codeartifact.count(UPLOAD) == 2
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Published"}


def test_a_409_for_a_file_that_is_not_there_is_an_error(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.order(UPLOAD, Fault("conflict"))
    with pytest.raises(PublishError, match="doesn't list it"):
        publisher.publish(pypi_package(wheel(tmp_path)))


@pytest.mark.parametrize("kind", ["throttle", "internal-error", "reset"])
def test_a_passing_fault_of_an_upload_is_retried(
    kind: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.order(UPLOAD, Fault(kind, times=2))  # type: ignore[arg-type]
    publisher.publish(pypi_package(wheel(tmp_path)))
    assert aws.codeartifact.count(UPLOAD) == 3
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Published"}


def test_an_upload_that_fails_for_ever_is_an_error(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.order(UPLOAD, Fault("internal-error", times=None))
    with pytest.raises(PublishError, match=r"tiny_tool-1\.0-py3-none-any\.whl.*HTTP status 500"):
        publisher.publish(pypi_package(wheel(tmp_path)))
    assert aws.codeartifact.status(WHEEL_KEY) == {}


def test_an_upload_without_the_right_is_an_error_at_once(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.order(UPLOAD, Fault("access-denied", times=None))
    with pytest.raises(PublishError, match="HTTP status 403"):
        publisher.publish(pypi_package(wheel(tmp_path)))
    assert aws.codeartifact.count(UPLOAD) == 1


def test_a_wrong_digest_of_an_uploaded_file_is_an_error(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.order(UPLOAD, Fault("wrong-digest"))
    with pytest.raises(PublishError, match="0" * 64):
        publisher.publish(pypi_package(wheel(tmp_path)))


def test_a_wheel_whose_metadata_names_another_package_is_not_uploaded(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    with pytest.raises(PublishError, match=r"its metadata says that it is 'requests 1\.0'"):
        publisher.publish(pypi_package(wheel(tmp_path, metadata_name="requests")))
    assert aws.codeartifact.count(UPLOAD) == 0


def test_twine_is_told_what_the_scan_read(tmp_path: Path) -> None:
    inventory = Inventory(
        "tiny_tool-1.0.tar.gz",
        name="Tiny_Tool",
        version="1.0.0",
        requires_python=">=3.9",
        summary="A tool.",
        requires=("idna>=2", 'six ; extra == "x"'),
        licence=Licence("MIT", "see LICENSE", ("License :: OSI Approved :: MIT License",)),
    )
    package = replace(pypi_package(), inventories=(inventory,))

    assert described(package, inventory.artifact, "tiny-tool") == {
        "metadata": {
            "metadata_version": "2.4",
            "name": "Tiny_Tool",
            "version": "1.0.0",
            "summary": "A tool.",
            "requires_python": ">=3.9",
            "requires_dist": ("idna>=2", 'six ; extra == "x"'),
            "license_expression": "MIT",
        },
        "python_version": "source",
        "filetype": "sdist",
    }


def test_a_file_of_which_no_metadata_is_on_record_is_not_uploaded(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = replace(pypi_package(wheel(tmp_path)), inventories=())
    with pytest.raises(PublishError, match=r"not on record\. Decide it again with --rescan"):
        publisher.publish(package)
    assert aws.codeartifact.count(UPLOAD) == 0


@pytest.mark.parametrize("content", [b"", b"no wheel", zip_bytes("no metadata")])
def test_a_file_without_metadata_is_not_uploaded(
    content: bytes, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    file = wheel(tmp_path)
    file.path.write_bytes(content)
    with pytest.raises(PublishError, match="its metadata says that it is ''"):
        publisher.publish(pypi_package(file))
    assert aws.codeartifact.count(UPLOAD) == 0


def test_a_wheel_that_changed_on_the_disk_after_the_scan_is_not_uploaded(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    scanned, other = wheel(tmp_path), wheel(tmp_path, "changed\n")
    with pytest.raises(PublishError, match="SHA-256 on the disk"):
        publisher.publish(pypi_package(replace(scanned, path=other.path)))
    assert aws.codeartifact.count(UPLOAD) == 0


def test_one_short_lived_token_serves_many_uploads_and_is_renewed_when_it_is_refused(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    publisher.publish(pypi_package(wheel(tmp_path), wheel(tmp_path, tag="py2")))
    tokens = [c for c in aws.codeartifact.calls if c.operation == "GetAuthorizationToken"]
    assert [call.parameters["durationSeconds"] for call in tokens] == [900]
    aws.codeartifact.expire_tokens()
    publisher.publish(pypi_package(wheel(tmp_path, tag="py4")))
    assert aws.codeartifact.count("GetAuthorizationToken") == 2


def test_an_old_token_is_not_used_for_another_upload(
    aws: AWS,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository = CodeArtifactRepository(aws.client("codeartifact"), DOMAIN, REPOSITORY, ACCOUNT)
    first = repository.token()
    assert repository.token() == first
    later = time.monotonic() + 601
    monkeypatch.setattr("package_gate.publishers.codeartifact_api.time.monotonic", lambda: later)
    assert repository.token() != first


def uploads(aws: AWS) -> int:
    return sum(call.operation == "pypi:upload" for call in aws.codeartifact.calls)


def test_a_withdrawn_package_can_not_be_installed_until_it_is_restored_without_an_upload(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = pypi_package(wheel(tmp_path))
    place = publisher.publish(package)
    assert publisher.withdraw(published(package))
    assert not publisher.withdraw(published(package))
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Archived"}
    (token, *_) = aws.codeartifact.tokens
    index = f"{aws.codeartifact.pypi.url}/pypi/{REPOSITORY}/simple/".replace(
        "//", f"//aws:{token}@", 1
    )
    download = f"pip download --no-deps --index-url {index} tiny-tool"
    assert run(download, aws.environment, tmp_path).returncode != 0
    with pytest.raises(PublishError, match=r"1\.0 is Archived"):  # nobody says that the gate did it
        publisher.publish(package)
    assert publisher.restore(published(package)) == place
    assert publisher.restore(published(package)) == place  # after a kill
    done = run(download, aws.environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert uploads(aws) == 1


def test_withdrawn_malware_is_gone_and_its_version_stays_taken_until_it_is_approved(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = pypi_package(wheel(tmp_path))
    publisher.publish(package)
    publisher.withdraw(published(package))
    malware = replace(published(package), malware=True)
    assert publisher.withdraw(malware)  # also when it is hidden already
    assert not publisher.withdraw(malware)
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Disposed"}
    with pytest.raises(PublishError, match=r"1\.0 is Disposed"):
        publisher.publish(package)
    assert publisher.restore(published(package)) == ""
    publisher.publish(package)
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Published"}
    assert uploads(aws) == 2


@pytest.mark.parametrize("there", ["more", "less"])
def test_what_was_hidden_with_other_files_is_published_anew(
    there: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    one, two = wheel(tmp_path), wheel(tmp_path, tag="py2")
    before = pypi_package(one, two) if there == "more" else pypi_package(one)
    approved = pypi_package(one) if there == "more" else pypi_package(one, two)
    publisher.publish(before)
    publisher.withdraw(published(before))
    assert publisher.restore(published(approved)) == ""
    publisher.publish(approved)
    (version,) = aws.codeartifact.packages[WHEEL_KEY].values()
    assert version.status == "Published"
    assert version.assets.keys() == {file.artifact.filename for file in approved.files}


def test_what_is_hidden_with_another_digest_is_not_restored(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = pypi_package(wheel(tmp_path))
    publisher.publish(package)
    publisher.withdraw(published(package))
    other = pypi_package(wheel(tmp_path, "ANSWER = 43\n"))
    with pytest.raises(PublishError, match="has the SHA-256"):
        publisher.restore(published(other))
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Archived"}


def test_what_somebody_has_unlisted_is_withdrawn_and_not_restored_by_itself(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = pypi_package(wheel(tmp_path))
    publisher.publish(package)
    aws.codeartifact.packages[WHEEL_KEY]["1.0"].status = "Unlisted"
    assert publisher.restore(published(package)) == ""
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Unlisted"}
    assert publisher.withdraw(published(package))  # it can be downloaded
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Archived"}


def test_withdrawing_what_was_never_published_is_fine(publisher: CodeArtifact) -> None:
    for malware in (False, True):
        never = PublishedPackage("tiny-tool", "1.0", Origin.PYPI, DECIDED, (), malware=malware)
        assert not publisher.withdraw(never)
        assert publisher.restore(never) == ""


@pytest.mark.parametrize("status", ["Archived", "Unlisted"])
def test_a_hidden_pypi_version_is_not_brought_back(
    status: str, publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    package = pypi_package(wheel(tmp_path))
    publisher.publish(package)
    aws.codeartifact.packages[WHEEL_KEY]["1.0"].status = status
    with pytest.raises(PublishError, match=f"1.0 is {status}"):
        publisher.publish(package)


def test_no_token_is_sent_to_an_endpoint_without_encryption(
    publisher: CodeArtifact, aws: AWS, tmp_path: Path
) -> None:
    aws.codeartifact.pypi.url = "http://codeartifact.example"
    with pytest.raises(PublishError, match="not HTTPS"):
        publisher.publish(pypi_package(wheel(tmp_path)))
    assert aws.codeartifact.count("GetAuthorizationToken") == 0


def test_the_token_is_in_no_log_no_output_no_argument_no_environment_and_no_file(
    publisher: CodeArtifact,
    aws: AWS,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    aws.codeartifact.order(UPLOAD, Fault("slow", seconds=0.5))
    aws.codeartifact.order(UPLOAD, Fault("access-denied"))
    seen: list[bytes] = []
    processes = 0
    stop = threading.Event()

    def watch() -> None:
        nonlocal processes
        while not stop.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    arguments = (process / "cmdline").read_bytes()
                    if b"twine_worker" in arguments:
                        processes += 1
                        seen.append(arguments + (process / "environ").read_bytes())
                except OSError:
                    continue
            with suppress(OSError):
                for path in (tmp_path / "scratch").rglob("*"):
                    seen.append(path.read_bytes() if path.is_file() else b"")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with pytest.raises(PublishError) as caught:
            publisher.publish(pypi_package(wheel(tmp_path), wheel(tmp_path, tag="py2")))
    finally:
        stop.set()
        watcher.join()
    assert aws.codeartifact.tokens
    assert processes
    out, err = capfd.readouterr()
    everything = "\n".join([caplog.text, out, err, str(caught.value), *map(repr, seen)])
    assert "GetAuthorizationToken" in everything
    assert TOKEN_MARK not in everything
    assert SECRET_ACCESS_KEY not in everything


def test_twine_takes_nothing_from_configuration_files(
    aws: AWS,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = "[distutils]\nindex-servers=pypi\n[pypi]\nrepository=http://127.0.0.1:1/\nusername=x\npassword=y\n"
    (tmp_path / ".pypirc").write_text(planted)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    (tmp_path / "twine.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    environment = {
        "HOME": str(tmp_path),
        "TWINE_REPOSITORY_URL": "http://127.0.0.1:1/",
        "TWINE_PASSWORD": "y",
        "PYTHONPATH": str(tmp_path),
    }
    make_publisher(aws, tmp_path, environment=environment).publish(pypi_package(wheel(tmp_path)))
    assert aws.codeartifact.status(WHEEL_KEY) == {"1.0": "Published"}
