"""From unpacked trees to a zip at the address that CodeGuru Security gives out for it."""

import os
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote_to_bytes, urlsplit

import requests
import tenacity

from package_gate.aws.secrets import keep_out_of_log
from package_gate.core.artifact import UnpackedArtifact
from package_gate.core.errors import ScannerError
from package_gate.scanners.trees import regular_files

# An upload address is signed: who has it can upload.
keep_out_of_log("botocore.parsers", '"s3Url"')
keep_out_of_log("urllib3.connectionpool", "X-Amz-Signature")

MAX_FILES = 200_000
_PIECE = 1 << 20
_PLAIN = "/ +@=,()"
"""Besides letters, digits and `_.-~`, what stands in a name in the zip as it is."""
_TRANSIENT_STATUS = {408, 425, 429, 500, 502, 503, 504}


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


def upload(
    url: str,
    headers: Mapping[str, str],
    file: IO[bytes],
    *,
    ca_bundle: str,
    proxies: Mapping[str, str],
    timeout: float,
    attempts: int,
) -> None:
    """Send a file to a presigned address.

    Args:
        url: the address; it never shows up in a message.
        headers: all that are sent besides what HTTP itself needs; the signature covers them.
        file: it is read from its beginning.
        ca_bundle: a file with the certificate authorities to trust; "" for the usual ones.
        proxies: by scheme, as `requests` takes them.
        timeout: seconds for the connection and for each wait on it.
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
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()
        session.verify = ca_bundle or True
        session.proxies = dict(proxies)
        try:
            retrying(_put, session, url, headers, file, timeout)
        except _TransientError as error:
            raise _failed(str(error)) from None


def _put(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    file: IO[bytes],
    timeout: float,
) -> None:
    file.seek(0)
    try:
        with session.put(
            url, data=file, headers=dict(headers), timeout=timeout, allow_redirects=False
        ) as response:
            status = response.status_code
    # Their texts, and those of their causes, hold the address.
    except requests.exceptions.SSLError:
        raise _failed("the storage's TLS certificate can't be verified") from None
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _TransientError(f"the connection failed ({type(error).__name__})") from None
    except requests.RequestException as error:
        raise _failed(type(error).__name__) from None
    if status in _TRANSIENT_STATUS:
        raise _TransientError(f"the storage answered HTTP status {status}")
    if status != requests.codes.ok:
        raise _failed(f"the storage answered HTTP status {status}")


def _failed(reason: str) -> ScannerError:
    return ScannerError(
        f"The package could not be uploaded to CodeGuru Security: {reason}. The next run tries "
        "again."
    )
