"""Uploading a scanned file to a package index with twine, in a process of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from package_gate.core.artifact import ArtifactFile
from package_gate.core.errors import PublishError
from package_gate.core.text import one_line
from package_gate.publishers.interface import ApprovedPackage

WORKER = Path(__file__).with_name("twine_worker.py")
UPLOAD_SECONDS = 3600
"""For one file, from the start of the process to the end."""


@dataclass(frozen=True, slots=True)
class UploadIndex:
    """Where files are uploaded, and as whom."""

    url: str
    username: str
    password: str


class TransientUploadError(PublishError):
    """An upload that may succeed when it is tried again."""


class UploadAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """What the worker says: the index's answer, or why there is none."""

    status: int = 0
    """The HTTP status; 0 when the index did not answer."""
    text: str = ""
    """The beginning of the answer's body."""
    problem: str = ""
    transient: bool = False


_read_answer = msgspec.json.Decoder(UploadAnswer).decode
"""Made before there are threads; see `decisions`."""


def upload_with_twine(
    index: UploadIndex,
    package: ApprovedPackage,
    file: ArtifactFile,
    scratch: Path,
    environment: Mapping[str, str],
) -> UploadAnswer:
    """Upload one file of a package.

    The file must have the scanned digest, and its metadata must name this package and version.

    Args:
        index: where to, and as whom.
        package: what the file belongs to.
        file: the file, under any name on the disk.
        scratch: an existing folder for an empty working directory.
        environment: all variables that the process gets, such as proxies; nothing secret.

    Returns:
        The answer of the index, whatever its status.

    Raises:
        TransientUploadError: the index could not be reached.
        PublishError: the file must not or can't be uploaded.
    """
    subject = f"{package.name} {package.version}: {file.artifact.filename}"
    with tempfile.TemporaryDirectory(dir=scratch, prefix="upload-") as folder:
        named = Path(folder) / Path(file.artifact.filename).name
        named.symlink_to(file.path.resolve())  # twine uploads a file under its name on the disk
        job = {
            "url": index.url,
            "username": index.username,
            "password": index.password,
            "path": str(named),
            "sha256": file.artifact.sha256,
            "name": package.name,
            "version": package.version,
        }
        try:
            worker = subprocess.run(
                [sys.executable, "-I", "-X", "utf8", str(WORKER)],
                input=msgspec.json.encode(job),
                capture_output=True,
                cwd=folder,
                env=dict(environment),
                timeout=UPLOAD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TransientUploadError(
                f"{subject} was not uploaded within {UPLOAD_SECONDS} seconds."
            ) from error
    try:
        answer = _read_answer(worker.stdout)
    except msgspec.DecodeError as error:
        # Its standard error is not shown: nobody knows what a crash writes there.
        raise PublishError(
            f"{subject} can't be uploaded: twine's process ended with status {worker.returncode}."
        ) from error
    if answer.problem:
        kind = TransientUploadError if answer.transient else PublishError
        problem = one_line(answer.problem.replace(index.password, "***"), 500)
        raise kind(f"{subject} can't be uploaded: {problem}.")
    return answer
