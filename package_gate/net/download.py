"""The guarded downloader: HTTPS only, checked addresses only, bounded in size and time.

Everything that is fetched for a request comes through `Downloader.fetch`. Hosts are guarded in
`addresses.py`, connections in `connection.py`; here are the redirects, the retries, and the checks
of what arrives.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import urljoin

import requests
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from package_gate.archive.kinds import may_be_archive
from package_gate.core.artifact import Artifact, ArtifactFile, RemoteFile
from package_gate.core.errors import DigestError, SourceError, SourceRefusedError
from package_gate.core.limits import Limits
from package_gate.core.patterns import DISTRIBUTION_FILE
from package_gate.core.policy import Sources
from package_gate.core.text import printable
from package_gate.net.addresses import (
    AddressGuard,
    CheckedURL,
    IndexAddress,
    Resolver,
    parse_url,
    resolve,
)
from package_gate.net.connection import Clock, Deadline, GuardedAdapter
from package_gate.net.failures import (
    FAILURES,
    RETRIED_STATUSES,
    TransientError,
    advice_on,
    looks_like,
    retry_after,
    status_advice,
)
from package_gate.net.session import Network, check_ca_bundle, goes_direct, https_proxy

ATTEMPTS = 4
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PIECE = 64 * 1024
"""The most bytes taken from a connection at once; a TLS record has a quarter of it."""

_BACKOFF = wait_exponential_jitter(initial=1, max=30, jitter=1)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a downloader waits, and by which clocks."""

    connect_seconds: float = 10
    """How long one connection may take, and its TLS handshake again."""
    read_seconds: float = 60
    """How long a server may send nothing."""
    sleep: Callable[[float], None] = time.sleep
    """Waits between two attempts."""
    clock: Clock = time.monotonic
    """Seconds from any fixed moment."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The time (UTC), for a `Retry-After` that is a date."""


class Downloader:
    """Fetches files; may be used by several threads at once, and reuses its connections."""

    def __init__(
        self,
        network: Network,
        sources: Sources,
        limits: Limits,
        *,
        resolver: Resolver = resolve,
        timing: Timing = Timing(),
        indexes: Callable[[], Iterable[IndexAddress]] = tuple,
    ) -> None:
        """Take what the environment and the policy say.

        Args:
            network: certificate authorities and proxies.
            sources: which hosts are allowed, and which may be internal.
            limits: `download_bytes` and `download_seconds` bound one `fetch`, retries included.
            resolver: asks for the addresses of a host; its waiting alone is bounded by the
                system's resolver instead of by `download_seconds`.
            timing: how long it waits, and by which clocks.
            indexes: the package indexes; those with a login get it with requests for their files,
                and nobody else does, wherever they redirect to.

        Raises:
            ConfigurationError: the certificate bundle can't be read, the proxy's address is none,
                or the policy lists something that is not a host.
        """
        check_ca_bundle(network)
        self._network = network
        self._proxy = https_proxy(network)
        self._guard = AddressGuard(sources, resolver)
        self._limits = limits
        self._timing = timing
        self._indexes = cache(indexes)
        self._idle: list[GuardedAdapter] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept for reuse."""
        while self._idle:
            self._idle.pop().close()

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        """Download a file whole, and check its length, its digest and that it is an archive.

        Args:
            file: what to fetch; its size and digest are checked as far as they are known.
            folder: an existing folder without a file of that name. It holds `FILENAME.part`
                meanwhile, which is removed whatever happens.

        Raises:
            SourceRefusedError: the policy or the address guard forbids the address, or one that
                it redirects to.
            SourceError: it could not be fetched, or is not what it should be.
        """
        if not DISTRIBUTION_FILE.fullmatch(file.filename):
            raise SourceError(
                f'The index names a file "{printable(file.filename, 100)}", which is no file name '
                "that a package can have. Report it to the index."
            )
        try:
            return self._fetch(file, folder)
        except OSError as error:  # failures of the network have become SourceError by now
            raise SourceError(
                f"{file.filename} can't be stored: {error.strerror or type(error).__name__}. "
                "Make room in the folder for temporary files; the next run tries again."
            ) from error

    def _fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        path = folder / file.filename
        part = folder / f"{file.filename}.part"
        # Exclusive, so that two downloads never write into one file.
        with part.open("xb") as out:
            try:
                _check_is_new(path)
                artifact = self._attempts(file, out)
                out.close()
                _check_is_archive(artifact, part)
                part.rename(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        return ArtifactFile(artifact, path)

    def _attempts(self, file: RemoteFile, out: BinaryIO) -> Artifact:
        """Try, and try again after failures that pass by themselves."""
        deadline = Deadline(self._limits.download_seconds, self._timing.clock)

        def wait(state: RetryCallState) -> float:
            error = state.outcome and state.outcome.exception()
            asked = error.retry_after if isinstance(error, TransientError) else 0.0
            return max(_BACKOFF(state), asked)

        def no_time_left(state: RetryCallState) -> bool:
            return state.upcoming_sleep >= deadline.left

        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait,
            stop=lambda state: stop_after_attempt(ATTEMPTS)(state) or no_time_left(state),
            sleep=self._timing.sleep,
            reraise=True,
        )
        try:
            with self._adapter(deadline) as adapter:
                return retrying(self._attempt, file, out, adapter)
        except TransientError as error:
            tried = retrying.statistics["attempt_number"]
            raise SourceError(
                f"{error} (tried {tried} {'time' if tried == 1 else 'times'}). "
                "The next run tries again."
            ) from None

    @contextmanager
    def _adapter(self, deadline: Deadline) -> Iterator[GuardedAdapter]:
        """Lend an adapter to one download, one with open connections if there is any."""
        try:
            adapter = self._idle.pop()
        except IndexError:
            adapter = GuardedAdapter(
                self._guard,
                self._network.ca_bundle,
                self._timing.connect_seconds,
                self._timing.read_seconds,
                self._timing.clock,
            )
        adapter.deadline = deadline
        try:
            yield adapter
        finally:
            self._idle.append(adapter)

    def _attempt(self, file: RemoteFile, out: BinaryIO, adapter: GuardedAdapter) -> Artifact:
        out.seek(0)
        out.truncate()
        target, response = self._open(file.url, adapter)
        with response:
            declared = self._check_headers(file, target, response)
            sha256, size = self._receive(target, response, out, adapter)
        if adapter.sent_too_much:
            adapter.close()
            raise SourceError(
                f"{target}: the server sent more than the {declared} bytes that it announced. "
                "Tell the server's owner, or use another address."
            )
        for known in (declared, file.size):
            if known is not None and size != known:
                raise SourceError(
                    f"{target}: {size} bytes arrived instead of {known}. "
                    "Check the address; the next run tries again."
                )
        if file.sha256 is not None and sha256 != file.sha256.lower():
            raise DigestError(
                f"{target}: the file has the SHA-256 {sha256} instead of "
                f"{printable(file.sha256, 64)}. It was changed on its way or at its place: "
                "tell InfoSec."
            )
        return Artifact(file.filename, sha256, size, file.url, file.uploaded)

    def _open(self, url: str, adapter: GuardedAdapter) -> tuple[CheckedURL, requests.Response]:
        """Ask for a file, following redirects; each hop is guarded like the first."""
        first = target = parse_url(url)
        seen = {target.url}
        response = self._ask(target, adapter)
        while response.status_code in REDIRECTS:
            response.close()
            if len(seen) > MAX_REDIRECTS:
                raise SourceError(f"{first} redirects more than {MAX_REDIRECTS} times.")
            try:
                target = _redirect(target, response)
                if target.url in seen:
                    raise SourceError(
                        f"{first} redirects in a circle. Use the address where the file is."
                    )
                seen.add(target.url)
                response = self._ask(target, adapter)
            except SourceRefusedError as error:
                raise SourceRefusedError(f"{first} redirects to {error}") from None
        if response.status_code == HTTPStatus.OK:
            return target, response
        response.close()
        status = response.status_code
        if status in RETRIED_STATUSES:
            raise TransientError(
                f"{target}: the server answered {status}", retry_after(response, self._timing.now())
            )
        ours = any(index.holds(first.url) for index in self._indexes())
        answered = f"{target}: the server answered {status}. {status_advice(status)}"
        if status == HTTPStatus.NOT_FOUND and ours:
            raise TransientError(answered)  # CodeArtifact does so with what is new to it
        raise SourceError(answered)

    def _ask(self, target: CheckedURL, adapter: GuardedAdapter) -> requests.Response:
        proxies = {}
        try:
            if self._proxy and not goes_direct(target, self._network):
                self._guard.check_proxied(target.host, target.port)
                proxies = {"https": self._proxy}
            return adapter.get(target, proxies, self._login(target))
        except SourceRefusedError as error:
            raise SourceRefusedError(f"{target}: {error}") from None
        except FAILURES as error:
            raise self._failure(target, error, adapter) from None

    def _login(self, target: CheckedURL) -> tuple[str, str] | None:
        holders = (index for index in self._indexes() if index.holds(target.url))
        return next((index.credentials for index in holders if index.credentials), None)

    def _check_headers(
        self, file: RemoteFile, target: CheckedURL, response: requests.Response
    ) -> int | None:
        """Check what is announced; give the length in bytes, None when none is announced."""
        for header, plain in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
            encoding = response.headers.get(header, plain).strip()
            if encoding.lower() not in ("", plain):
                raise SourceError(
                    f'{target}: the server answers with {header} "{printable(encoding, 40)}" '
                    "though it was asked for the file as it is. Use another address."
                )
        text = response.headers.get("Content-Length")
        if text is not None and not re.fullmatch(r"[0-9]{1,18}", text):
            raise SourceError(
                f'{target}: the length "{printable(text, 40)}" is no number. Use another address.'
            )
        declared = None if text is None else int(text)
        if declared is not None and file.size is not None and declared != file.size:
            raise SourceError(
                f"{target}: the file has {declared} bytes, the index says {file.size}. "
                "Tell InfoSec: it was changed, or a proxy answers in place of the server."
            )
        self._check_size(target, max(declared or 0, file.size or 0))
        return declared

    def _check_size(self, target: CheckedURL, size: int) -> None:
        if size > self._limits.download_bytes:
            raise SourceError(
                f"{target}: the file is larger than {self._limits.download_bytes} bytes. "
                "Ask InfoSec to raise limits.download_bytes in the policy if it must be."
            )

    def _receive(
        self,
        target: CheckedURL,
        response: requests.Response,
        out: BinaryIO,
        adapter: GuardedAdapter,
    ) -> tuple[str, int]:
        """Write the body to disk while hashing it; give its SHA-256 and its size."""
        digest = hashlib.sha256()
        size = 0
        while True:
            try:
                piece = response.raw.read1(PIECE, decode_content=False)
            except FAILURES as error:
                raise self._failure(target, error, adapter) from None
            if not piece:
                return digest.hexdigest(), size
            size += len(piece)
            self._check_size(target, size)
            digest.update(piece)
            out.write(piece)

    def _failure(
        self, target: CheckedURL, error: Exception, adapter: GuardedAdapter
    ) -> SourceError | TransientError:
        if adapter.deadline.left <= 0:
            return SourceError(
                f"{target}: the download was not finished within {self._limits.download_seconds} "
                "seconds. The next run tries again; InfoSec may raise limits.download_seconds."
            )
        what, passes = advice_on(error)
        if passes:
            return TransientError(f"{target}: {what}")
        return SourceError(f"{target}: {what}")


def _redirect(target: CheckedURL, response: requests.Response) -> CheckedURL:
    """Read where a response redirects to (RFC 9110, 10.2.2)."""
    location = response.headers.get("Location")
    if location is None:
        raise SourceError(f"{target}: the server redirects without saying where to.")
    # http.client reads headers as Latin-1; addresses are sent in UTF-8 if not in ASCII.
    location = location.encode("latin-1", "replace").decode("utf-8", "replace").strip()
    try:
        joined = urljoin(target.url, location)
    except ValueError:
        joined = location
    return parse_url(joined)


def _check_is_new(path: Path) -> None:
    if path.exists():
        raise SourceError(f"{path.name} comes twice in one package. Report it to the index.")


def _check_is_archive(artifact: Artifact, path: Path) -> None:
    if not may_be_archive(path):
        with path.open("rb") as file:
            appearance = looks_like(file.read(1024))
        raise SourceError(
            f"{artifact.filename} is not a zip or tar archive; it looks like {appearance}. "
            "Give the address under which the archive itself is downloaded."
        )
