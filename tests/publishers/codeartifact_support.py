"""What the tests of the CodeArtifact publisher share: packages, a publisher, commands."""

import base64
import hashlib
import io
import os
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import tenacity.nap
from botocore.retries.standard import ExponentialBackoff

from package_gate.aws.session import client_config
from package_gate.core.artifact import Artifact, ArtifactFile, Origin
from package_gate.publishers.codeartifact import CodeArtifact
from package_gate.publishers.codeartifact_api import CodeArtifactSettings
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage
from package_gate.records.turn import Turn
from tests import programs
from tests.fakes.aws import AWS, DOMAIN, REPOSITORY
from tests.fakes.codeartifact import ACCOUNT
from tests.fakes.describing import describe

DECIDED = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
NAME = "langchain"


def retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing wait between two attempts."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=lambda seconds: None))


def make_publisher(aws: AWS, folder: Path, **settings: object) -> CodeArtifact:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    everything = CodeArtifactSettings(DOMAIN, REPOSITORY, scratch, domain_owner=ACCOUNT)
    client = aws.client("codeartifact", client_config("codeartifact"))
    turn = Turn()  # nobody else has one
    return CodeArtifact(replace(everything, **settings), client, turn.ask)  # type: ignore[arg-type]


def zip_bytes(content: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{NAME}-master/module.py"), content)
    return file.getvalue()


def archive(
    folder: Path,
    content: bytes,
    decided: datetime = DECIDED,
    filename: str = "master.zip",
    kind: str = "zip",
) -> ApprovedPackage:
    sha256 = hashlib.sha256(content).hexdigest()
    path = folder / f"artifact-{sha256[:8]}"
    path.write_bytes(content)
    artifact = Artifact(filename, sha256, len(content), kind=kind)
    return ApprovedPackage(
        NAME, sha256[:12], Origin.ARCHIVE, decided, (ArtifactFile(artifact, path),)
    )


def wheel(
    folder: Path, code: str = "ANSWER = 42\n", metadata_name: str = "tiny-tool", tag: str = "py3"
) -> ArtifactFile:
    """Build a wheel that pip installs."""
    info = "tiny_tool-1.0.dist-info"
    files = {
        "tiny_tool.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {metadata_name}\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record += f"{name},sha256={digest.rstrip('=')},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    path = folder / f"stored-{hashlib.sha256(repr(files).encode()).hexdigest()[:8]}"
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(zipfile.ZipInfo(name), text)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    filename = f"tiny_tool-1.0-{tag}-none-any.whl"
    return ArtifactFile(Artifact(filename, sha256, path.stat().st_size), path)


def pypi_package(*files: ArtifactFile) -> ApprovedPackage:
    inventories = tuple(describe(file) for file in files)
    return ApprovedPackage("tiny-tool", "1.0", Origin.PYPI, DECIDED, files, inventories)


def published(package: ApprovedPackage) -> PublishedPackage:
    return PublishedPackage(
        package.name,
        package.version,
        package.origin,
        package.decided_at,
        tuple(file.artifact for file in package.files),
    )


def run(
    command: str, environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command as the requester's shell does, with the AWS CLI on its path."""
    path = f"{programs.aws_cli()}:{programs.pip()}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        env={**environment, "PATH": path, "HOME": str(folder), "PIP_NO_CACHE_DIR": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
