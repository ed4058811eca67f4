"""Uploading a scanned file to a package index with twine, in a process of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from package_gate.core.artifact import ArtifactFile
from package_gate.core.child import tied
from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import PublishError
from package_gate.core.inventory import Inventory, Licence
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
    ask: Callable[[], None],
) -> UploadAnswer:
    """Upload one file of a package.

    The file must have the scanned digest, and its inventory must name this package and version: the
    repository files it under the name and version that it is told.

    Args:
        index: where to, and as whom.
        package: what the file belongs to.
        file: the file, under any name on the disk.
        scratch: an existing folder for an empty working directory.
        environment: all variables that the process gets, such as proxies; nothing secret.
        ask: raises `TurnError` when it is not this run's turn to publish.

    Returns:
        The answer of the index, whatever its status.

    Raises:
        TransientUploadError: the index could not be reached.
        PublishError: the file must not or can't be uploaded.
    """
    subject = f"{package.name} {package.version}: {file.artifact.filename}"
    metadata = described(package, file.artifact.filename, subject)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="upload-") as folder:
        named = Path(folder) / Path(file.artifact.filename).name
        named.symlink_to(file.path.resolve())  # twine uploads a file under its name on the disk
        job = {
            "url": index.url,
            "username": index.username,
            "password": index.password,
            "path": str(named),
            "sha256": file.artifact.sha256,
            **metadata,
        }
        command = [sys.executable, "-I", "-X", "utf8", str(WORKER)]
        with tied(command, folder=Path(folder), environment=environment, ask=ask) as worker:
            try:
                output, _ = worker.communicate(msgspec.json.encode(job), UPLOAD_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise TransientUploadError(
                    f"{subject} was not uploaded within {UPLOAD_SECONDS} seconds."
                ) from error
    try:
        answer = _read_answer(output)
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


def described(package: ApprovedPackage, filename: str, subject: str) -> dict[str, object]:
    """Give what twine would read in the file, of what was read when it was scanned.

    Raises:
        PublishError: nothing was, or it is of another release.
    """
    inventory = next((each for each in package.inventories if each.artifact == filename), None)
    if inventory is None:
        raise PublishError(
            f"{subject} can't be uploaded: what its metadata says is not on record. Decide it "
            "again with --rescan."
        )
    said = f"{inventory.name} {inventory.version}".strip()
    if canonicalize_name(inventory.name) != package.name or not PYPI.same_version(
        inventory.version, package.version
    ):
        raise PublishError(f"{subject} can't be uploaded: its metadata says that it is {said!r}.")
    is_wheel = filename.endswith(".whl")
    return {
        "metadata": _metadata(inventory),
        "python_version": filename.split("-")[-3] if is_wheel else "source",
        "filetype": "bdist_wheel" if is_wheel else "sdist",
    }


def _metadata(inventory: Inventory) -> dict[str, str | Sequence[str]]:
    """Write an inventory as `packaging.metadata.RawMetadata`."""
    licence = inventory.licence
    if licence.expression:  # it stands for the older ways of saying it (PEP 639)
        licence = Licence(licence.expression)
    fields: dict[str, str | Sequence[str]] = {
        "name": inventory.name,
        "version": inventory.version,
        "summary": inventory.summary,
        "requires_python": inventory.requires_python,
        "requires_dist": inventory.requires,
        "classifiers": licence.classifiers,
        "license": licence.text,
        "license_expression": licence.expression,
    }
    return {
        "metadata_version": "2.4" if licence.expression else "2.1",
        **{field: value for field, value in fields.items() if value},
    }
