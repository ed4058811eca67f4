"""The local folder: pip installs from it exactly what was approved."""

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from package_gate.core.artifact import Artifact, ArtifactFile, Origin
from package_gate.core.errors import PublishError
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage
from package_gate.publishers.local import LocalFolder
from tests import programs

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "local repository"


@pytest.fixture
def publisher(output: Path) -> LocalFolder:
    return LocalFolder(output)


def wheel(name: str, version: str, requires: Sequence[str] = ()) -> bytes:
    """Make a minimal wheel with one module."""
    info = f"{name}-{version}.dist-info"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return content.getvalue()


def package(
    folder: Path,
    name: str,
    version: str,
    content: bytes | None = None,
    python: str = "",
    requires: Sequence[str] = (),
) -> ApprovedPackage:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    path.write_bytes(wheel(name, version, requires) if content is None else content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    artifact = Artifact(path.name, digest, path.stat().st_size, requires_python=python)
    return ApprovedPackage(name, version, Origin.PYPI, NOW, (ArtifactFile(artifact, path),))


def archive(folder: Path, content: bytes) -> ApprovedPackage:
    path = folder / "download.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", content)
    artifact = Artifact(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), 1)
    return ApprovedPackage("tool", "x", Origin.ARCHIVE, NOW, (ArtifactFile(artifact, path),))


def path() -> str:
    """Give a `PATH` with the pip of this environment."""
    return f"{programs.pip()}:{os.environ['PATH']}"


def published(package: ApprovedPackage) -> PublishedPackage:
    artifacts = tuple(file.artifact for file in package.files)
    return PublishedPackage(
        package.name, package.version, package.origin, package.decided_at, artifacts
    )


def pip_download(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the offered `pip install` as a download into a folder, without other indexes."""
    index = command.split("--index-url ")[1].rsplit(" ", 1)
    return subprocess.run(
        [programs.pip() / "pip", "--isolated", "download", "--no-deps", "--dest", folder,
         "--index-url", index[0].strip("'"), index[1]],
        env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_pip_gets_the_approved_bytes_and_nothing_else(
    publisher: LocalFolder, tmp_path: Path
) -> None:
    approved = package(tmp_path, "good", "1.0")
    publisher.publish(approved)
    request = Request("good", PyPISource("good"), "", 1)
    command = publisher.offer(request, [published(approved)])
    result = pip_download(command, tmp_path / "got")
    assert result.returncode == 0, result.stderr
    got = (tmp_path / "got" / "good-1.0-py3-none-any.whl").read_bytes()
    assert got == approved.files[0].path.read_bytes()
    refused = pip_download(command.replace("good==1.0", "bad==1.0"), tmp_path / "got")
    assert "No matching distribution found for bad==1.0" in refused.stderr


def test_both_index_forms_name_digest_and_python(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = package(tmp_path, "good", "1.0", python=">=3.11")
    publisher.publish(approved)
    digest = approved.files[0].artifact.sha256
    html = (output / "simple/good/index.html").read_text()
    assert f'href="good-1.0-py3-none-any.whl#sha256={digest}"' in html
    assert 'data-requires-python="&gt;=3.11"' in html
    (file,) = json.loads((output / "simple/good/index.v1_json").read_text())["files"]
    assert file["hashes"] == {"sha256": digest}
    assert file["requires-python"] == ">=3.11"


def test_the_list_of_projects_is_written_once_a_run(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    publisher.finish()
    assert not (output / "simple").exists()
    for name in ("good", "better"):
        publisher.publish(package(tmp_path, name, "1.0"))
    assert not (output / "simple/index.html").exists()
    publisher.finish()
    links = re.findall(r'<a href="([^"]*)"', (output / "simple/index.html").read_text())
    assert links == ["better/", "good/"]
    listing = json.loads((output / "simple/index.v1_json").read_text())
    assert listing["projects"] == [{"name": "better"}, {"name": "good"}]
    written = (output / "simple/index.html").stat().st_mtime_ns
    publisher.finish()
    assert (output / "simple/index.html").stat().st_mtime_ns == written
    (output / "simple/index.html").unlink()
    (output / "simple/index.html").mkdir()
    with pytest.raises(PublishError, match="list of projects"):
        publisher.finish()


def test_publishing_twice_changes_nothing(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = package(tmp_path, "good", "1.0")
    first = publisher.publish(approved)
    file = output / "simple/good/good-1.0-py3-none-any.whl"
    inode = file.stat().st_ino
    assert publisher.publish(approved) == first
    assert file.stat().st_ino == inode


def test_other_bytes_under_a_published_name_are_an_error_that_names_both(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = package(tmp_path, "good", "1.0")
    publisher.publish(approved)
    (output / "simple/good/good-1.0-py3-none-any.whl").write_bytes(b"swapped")
    with pytest.raises(PublishError) as caught:
        publisher.publish(approved)
    assert approved.files[0].artifact.sha256 in str(caught.value)
    assert hashlib.sha256(b"swapped").hexdigest() in str(caught.value)


def test_bytes_that_changed_since_the_scan_are_not_published(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = package(tmp_path, "good", "1.0")
    approved.files[0].path.write_bytes(b"changed")
    with pytest.raises(PublishError, match="changed between scan"):
        publisher.publish(approved)
    assert list((output / "simple/good").iterdir()) == []


def test_withdrawing_one_version_leaves_the_others(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    old, new = package(tmp_path, "good", "1.0"), package(tmp_path, "good", "1.0.1")
    publisher.publish(old)
    publisher.publish(new)
    publisher.withdraw(published(old))
    publisher.withdraw(published(old))
    files = {path.name for path in (output / "simple/good").iterdir()}
    assert files == {"good-1.0.1-py3-none-any.whl", "index.html", "index.v1_json"}
    assert "good-1.0-py3" not in (output / "simple/good/index.html").read_text()


def test_an_archive_stands_under_its_version_and_as_the_latest(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = archive(tmp_path, b"one")
    content = approved.files[0].path.read_bytes()
    where = publisher.publish(approved)
    digest = approved.files[0].artifact.sha256
    fixed = output / f"generic/tool/20260601T123000Z-{digest[:12]}/tool.zip"
    assert where == fixed.as_uri()
    assert fixed.read_bytes() == (output / "generic/tool/Latest/tool.zip").read_bytes() == content
    request = Request("tool", ArchiveSource("https://host.example/tool.zip"), "", 1)
    command = publisher.offer(request, [published(approved)])
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "tool.zip").read_bytes() == content


def test_a_wheel_by_its_address_keeps_its_name_and_is_installed(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = replace(package(tmp_path, "tool", "1.0"), name="asked", origin=Origin.ARCHIVE)
    publisher.publish(approved)
    latest = output / "generic/asked/Latest/tool-1.0-py3-none-any.whl"
    assert latest.read_bytes() == approved.files[0].path.read_bytes()
    request = Request("asked", ArchiveSource("https://host.example/tool.whl"), "", 1)
    command = publisher.offer(request, [published(approved)])
    target = shlex.quote(str(tmp_path / "site"))
    result = subprocess.run(
        f"{command} --target {target}", shell=True, cwd=tmp_path, env={"PATH": path()},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "site/tool.py").is_file()


def test_the_command_installs_from_no_other_index(publisher: LocalFolder, tmp_path: Path) -> None:
    app = package(tmp_path, "app", "1.0", requires=["dep"])
    dep = package(tmp_path, "dep", "1.5")
    for each in (app, dep):
        publisher.publish(each)
    other = LocalFolder(tmp_path / "other")
    other.publish(package(tmp_path, "dep", "9.0"))
    other.finish()
    extra = (tmp_path / "other/simple").as_uri()
    (tmp_path / "home/.config/pip").mkdir(parents=True)
    (tmp_path / "home/.config/pip/pip.conf").write_text(f"[global]\nextra-index-url = {extra}\n")
    command = publisher.offer(Request("app", PyPISource("app"), "", 1), [published(app)])
    publisher.finish()
    target = shlex.quote(str(tmp_path / "site"))
    environment = {"PATH": path(), "HOME": str(tmp_path / "home")}
    # What is there to be taken by mistake: pip as it is configured takes it.
    plain = command.replace("PIP_CONFIG_FILE=/dev/null pip --isolated ", "pip ")
    for line, version, env in (
        (plain, "9.0", {}),
        (command, "1.5", {}),
        (command, "1.5", {"PIP_EXTRA_INDEX_URL": extra}),
    ):
        shutil.rmtree(tmp_path / "site", ignore_errors=True)
        subprocess.run(
            f"{line} --target {target}", shell=True, check=True, env={**environment, **env}
        )
        assert (tmp_path / f"site/dep-{version}.dist-info").is_dir()


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ("good[b,a]>=1", "'good[a,b]==1.0'"),
        ("good", "good==1.0"),
        ("Good==1; python_version > '3'", "good==1.0"),
    ],
)
def test_the_command_has_the_extras_that_were_asked_for(
    publisher: LocalFolder, tmp_path: Path, asked: str, command: str
) -> None:
    approved = package(tmp_path, "good", "1.0")
    publisher.publish(approved)
    offered = publisher.offer(Request("x", PyPISource(asked), "", 1), [published(approved)])
    assert offered.endswith(f" {command}")


def test_the_command_keeps_to_the_constraints_on_what_is_installed(
    publisher: LocalFolder, tmp_path: Path
) -> None:
    """The index may have other versions, approved for other requests."""
    closure = [published(package(tmp_path, name, "1.0")) for name in ("good", "dep", "tool")]
    closure[2] = replace(closure[2], for_build=True)
    source = PyPISource("good==1.0", ("dep<2", "tool<2", "other<2"))
    command = publisher.offer(Request("x", source, "", 1), closure)
    assert command.endswith(" good==1.0 'dep<2'")


def test_each_notebook_gets_the_release_that_is_for_it(
    publisher: LocalFolder, tmp_path: Path
) -> None:
    ours = f"Python {sys.version_info.major}.{sys.version_info.minor} on"
    closure = []
    for version, target in (("1.0", f"{ours} x86_64-any"), ("2.0", "Python 3.9 on x86_64-any")):
        approved = package(tmp_path, "good", version)
        publisher.publish(approved)
        closure.append(replace(published(approved), targets=(target,)))
    for asked in (closure, closure[::-1]):
        command = publisher.offer(Request("x", PyPISource("good[x]"), "", 1), asked)
        said = subprocess.run(
            ["bash", "-c", f"{command} --dry-run --target {tmp_path / 'site'}"],
            env={"PATH": f"{programs.pip()}:{os.environ['PATH']}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Would install good-1.0\n" in said.stdout, said.stderr
    # Where they can't be told apart it is the first.
    same = [replace(each, targets=()) for each in closure]
    assert publisher.offer(Request("x", PyPISource("good"), "", 1), same).endswith(" good==1.0")


def test_a_newer_archive_becomes_the_latest_and_the_older_stays(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    publisher.publish(archive(tmp_path, b"one"))
    newer = replace(archive(tmp_path, b"two"), decided_at=NOW.replace(hour=13))
    publisher.publish(newer)
    assert len(list((output / "generic/tool").iterdir())) == 3
    latest = (output / "generic/tool/Latest/tool.zip").read_bytes()
    assert latest == newer.files[0].path.read_bytes()
    publisher.withdraw(published(newer))
    assert list((output / "generic/tool/Latest").iterdir()) == []
    assert len(list((output / "generic/tool").iterdir())) == 2


def test_an_archive_that_a_later_decision_refuses_leaves_all_its_versions(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = archive(tmp_path, b"one")
    publisher.publish(approved)
    publisher.publish(replace(approved, decided_at=NOW.replace(hour=13)))
    publisher.withdraw(replace(published(approved), decided_at=NOW.replace(hour=14)))
    publisher.withdraw(replace(published(approved), decided_at=NOW.replace(hour=14)))
    assert list(output.glob("generic/tool/*/*")) == []


def test_an_offer_makes_latest_what_the_request_was_decided_about(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    older = archive(tmp_path, b"one")
    content = older.files[0].path.read_bytes()
    publisher.publish(older)
    publisher.publish(replace(archive(tmp_path, b"two"), decided_at=NOW.replace(hour=13)))
    request = Request("tool", ArchiveSource("https://host.example/tool.zip"), "", 1)
    publisher.offer(request, [published(older)])
    latest = (output / "generic/tool/Latest/tool.zip").read_bytes()
    assert latest == content


def test_an_archive_that_is_gone_is_not_offered(publisher: LocalFolder, tmp_path: Path) -> None:
    approved = archive(tmp_path, b"one")
    publisher.publish(approved)
    publisher.withdraw(published(approved))
    request = Request("tool", ArchiveSource("https://host.example/tool.zip"), "", 1)
    with pytest.raises(PublishError, match="is not in"):
        publisher.offer(request, [published(approved)])


def test_a_folder_that_cannot_be_written_is_a_publish_error(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    output.write_text("a file in the way")
    with pytest.raises(PublishError, match="can't be written"):
        publisher.publish(package(tmp_path, "good", "1.0"))


def test_a_statement_stands_beside_each_file_and_leaves_with_it(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    approved = package(tmp_path, "tiny", "1.0")
    publisher.publish(approved)
    publisher.attest(published(approved), b"one")
    publisher.attest(published(approved), b"two")
    publisher.finish()
    folder = output / "simple" / "tiny"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "index.html", "index.v1_json", "tiny-1.0-py3-none-any.whl",
        "tiny-1.0-py3-none-any.whl.vsa.json",
    }  # fmt: skip
    assert (folder / "tiny-1.0-py3-none-any.whl.vsa.json").read_bytes() == b"two"
    assert "vsa" not in (folder / "index.html").read_text()
    assert publisher.withdraw(published(approved))
    assert {path.name for path in folder.iterdir()} == {"index.html", "index.v1_json"}


def test_an_archives_statement_stands_in_its_version_and_in_latest(
    publisher: LocalFolder, output: Path, tmp_path: Path
) -> None:
    made = []
    for content in (b"one", b"two"):
        made.append(approved := archive(tmp_path, content))
        publisher.publish(approved)
        publisher.attest(published(approved), approved.files[0].artifact.sha256.encode())
    first, second = made
    request = Request("tool", ArchiveSource("https://host.example/tool.zip"), "", 1)
    for approved in (second, first):
        publisher.offer(request, [published(approved)])
        statements = {path.read_text() for path in output.glob("generic/tool/Latest/*.vsa.json")}
        assert statements == {approved.files[0].artifact.sha256}
        assert len(list(output.glob("generic/tool/Latest/*"))) == 2
    assert publisher.withdraw(published(first))
    (left,) = output.glob("generic/tool/*/*.vsa.json")
    assert left.read_text() == second.files[0].artifact.sha256


def test_the_standing_list_lies_in_the_index_and_is_no_project(
    publisher: LocalFolder, output: Path
) -> None:
    for content in (b"one", b"two"):
        publisher.post_standing_list(content)
    publisher.finish()
    assert (output / "simple" / "standing-list.json").read_bytes() == b"two"
    assert "standing" not in (output / "simple" / "index.html").read_text()
