"""From unpacked trees to a zip at the address that CodeGuru Security gives out for it."""

import os
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote_to_bytes, urlsplit

import tenacity

from package_gate.aws.secrets import keep_out_of_log
from package_gate.core.artifact import UnpackedArtifact
from package_gate.core.errors import ScannerError
from package_gate.inventory.trees import regular_files
from package_gate.net.failures import RETRIED_STATUSES
from package_gate.net.session import HTTPSession, Network, NoAnswerError

# An upload address is signed: who has it can upload.
keep_out_of_log("botocore.parsers", '"s3Url"')
keep_out_of_log("urllib3.connectionpool", "X-Amz-Signature")

MAX_FILES = 200_000
_PIECE = 1 << 20
_PLAIN = "/ +@=,()"
"""Besides letters, digits and `_.-~`, what stands in a name in the zip as it is."""
_PASSING_STATUSES = RETRIED_STATUSES | {408, 425}
_MAX_ANSWER = 1 << 20
"""Bytes; the storage answers with nothing, or says what is wrong."""


class _TransientError(Exception):
    """Worth another attempt."""


def write_zip(artifacts: Sequence[UnpackedArtifact], file: IO[bytes], most_bytes: int) -> None:
    """Pack the regular files of each artifact's tree below a folder `0`, `1` and so on.

    The same trees give the same bytes. Names are percent-encoded where they are not plain, so that
    none of them means anything to who unpacks it; `place_of` reads them back.

    Args:
        artifacts: what to pack.
        file: an empty file that can be sought in.
        most_bytes: how large the files may be together.

    Raises:
        ScannerError: they are larger, too many, or can't be read.
    """
    files, size = 0, 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, artifact in enumerate(artifacts):
            for path in _files(artifact.tree):
                with _open(path) as content:
                    length = os.fstat(content.fileno()).st_size
                    files, size = files + 1, size + length
                    if size > most_bytes or files > MAX_FILES:
                        raise ScannerError(
                            f"The package is too large for CodeGuru Security: more than "
                            f"{most_bytes} bytes or {MAX_FILES} files."
                        )
                    relative = os.fsencode(path.relative_to(artifact.tree))
                    entry = zipfile.ZipInfo(f"{number}/{quote(relative, safe=_PLAIN)}")
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = (stat.S_IFREG | 0o644) << 16
                    entry.file_size = length
                    with archive.open(entry, "w") as packed:
                        while piece := content.read(_PIECE):
                            packed.write(piece)


def place_of(name: str, artifacts: Sequence[UnpackedArtifact]) -> tuple[str, str]:
    """Tell which file of which artifact a name in the zip stands for.

    Returns:
        The artifact's file name, "" when it can't be told, and the path in its tree.
    """
    folder, _, path = name.removeprefix("./").lstrip("/").partition("/")
    if path and folder.isascii() and folder.isdigit() and int(folder) < len(artifacts):
        shown = unquote_to_bytes(path).decode("utf-8", "replace")
        return artifacts[int(folder)].artifact.filename, shown
    return "", name


def _files(tree: str) -> Iterator[Path]:
    try:
        yield from regular_files(Path(tree))
    except OSError as error:
        raise _unreadable(error) from error


def _open(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> ScannerError:
    return ScannerError(f"The unpacked package can't be read: {error.strerror}.")


def upload_zip(
    url: str,
    headers: Mapping[str, str],
    file: IO[bytes],
    *,
    network: Network,
    timeout: float,
    attempts: int,
) -> None:
    """Send a file to a presigned address.

    Args:
        url: the address; it never shows up in a message.
        headers: all that are sent besides what HTTP itself needs; the signature covers them.
        file: it is read from its beginning.
        network: the way there.
        timeout: seconds for each wait on the connection, and for the answer.
        attempts: how often it is tried in all when it fails for a passing reason.

    Raises:
        ScannerError: it was not taken.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ScannerError("CodeGuru Security gave an upload address that is not HTTPS.")
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_TransientError),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_random_exponential(multiplier=1, max=20),
        reraise=True,
    )
    with HTTPSession(
        network, wait_seconds=timeout, answer_seconds=timeout, answer_bytes=_MAX_ANSWER
    ) as session:
        try:
            retrying(_put, session, url, headers, file)
        except _TransientError as error:
            raise _failed(str(error)) from None


def _put(session: HTTPSession, url: str, headers: Mapping[str, str], file: IO[bytes]) -> None:
    file.seek(0)
    try:
        status = session.ask("PUT", url, headers, file=file).status
    except NoAnswerError as error:
        if error.passing:
            raise _TransientError(str(error)) from None
        raise _failed(str(error)) from None
    if status in _PASSING_STATUSES:
        raise _TransientError(f"the storage answered HTTP status {status}")
    if status != HTTPStatus.OK:
        raise _failed(f"the storage answered HTTP status {status}")


def _failed(reason: str) -> ScannerError:
    return ScannerError(
        f"The package could not be uploaded to CodeGuru Security: {reason}. The next run tries "
        "again."
    )
