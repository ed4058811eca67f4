"""The OSV API: which advisories may affect a package, and the advisories themselves.

https://google.github.io/osv.dev/api/. The API only names candidates: each record is matched here
again, as one of a snapshot is. What it answers is bounded in size and time, and anything but a
whole answer is an error.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
import tenacity

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_records import ADVISORY_ID, Record, decode_record, parse_version
from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import ScannerError
from package_gate.net.session import HTTPSession, Network, NoAnswerError

MAX_QUERIES = 1000
"""In one call, as the API has it."""
MAX_PAGES = 100
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_PAUSE_SECONDS = 30.0
CONNECTIONS = 8

_TRANSIENT_STATUS = {408, 425, 429, 500, 502, 503, 504}


class _Found(msgspec.Struct):
    id: str


class _Result(msgspec.Struct):
    vulns: list[_Found] | None = None
    next_page_token: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result]


class _TransientError(Exception):
    """Worth another attempt, after at least `pause` seconds."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


class API:
    """A session with an OSV API, for many threads; records are kept."""

    def __init__(
        self,
        address: str,
        network: Network,
        *,
        timeout: float = 30.0,
        attempts: int = 4,
        pause: float = 1.0,
    ) -> None:
        """Connect to nothing yet.

        Args:
            address: such as `https://api.osv.dev`; `/v1/…` is added.
            network: proxies and certificates.
            timeout: seconds for the connection, for each wait on it, and for one whole answer.
            attempts: how often a call that fails for a passing reason is made in all; once only
                while the API is failing, so that a dead one holds up each package a short time.
            pause: seconds before the second attempt; they double with each.
        """
        self._address = address.rstrip("/")
        self._attempts = attempts
        self._pause = pause
        self._has_failed = False
        self._records: dict[str, Record] = {}
        self._fetchers = ThreadPoolExecutor(CONNECTIONS, "osv")
        self._connections = threading.BoundedSemaphore(CONNECTIONS)
        self._session = HTTPSession(
            network,
            wait_seconds=timeout,
            answer_seconds=timeout,
            answer_bytes=MAX_ANSWER_BYTES,
            connections=CONNECTIONS,
        )

    def find(self, packages: Sequence[NamedPackage]) -> list[list[Record]]:
        """Return, for each of the packages, the records that the API finds for its version.

        Raises:
            ScannerError: the API could not be reached, or its answer is not whole.
        """
        ids = [
            found
            for start in range(0, len(packages), MAX_QUERIES)
            for found in self._find_ids(packages[start : start + MAX_QUERIES])
        ]
        self._fetch_all({each for found in ids for each in found} - self._records.keys())
        return [[self._records[each] for each in sorted(found)] for found in ids]

    def close(self) -> None:
        """Close its connections."""
        self._fetchers.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def _find_ids(self, packages: Sequence[NamedPackage]) -> list[set[str]]:
        """Ask for one batch, page by page."""
        found: list[set[str]] = [set() for _ in packages]
        waiting = {position: _query(package) for position, package in enumerate(packages)}
        for _ in range(MAX_PAGES):
            data = self._call("POST", "/v1/querybatch", {"queries": list(waiting.values())})
            try:
                results = msgspec.json.decode(data, type=_Answer).results
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise self._error(f"its answer is not what the API promises ({error})") from error
            if len(results) != len(waiting):
                raise self._error(f"it answered {len(results)} of {len(waiting)} queries")
            more = {}
            for (position, query), result in zip(waiting.items(), results, strict=True):
                found[position].update(each.id for each in result.vulns or ())
                if result.next_page_token:
                    more[position] = {**query, "page_token": result.next_page_token}
            waiting = more
            if not waiting:
                return found
        raise self._error(f"it has more than {MAX_PAGES} pages for one package")

    def _fetch_all(self, ids: set[str]) -> None:
        for record in self._fetchers.map(self._fetch, sorted(ids)):
            self._records[record.id] = record

    def _fetch(self, advisory_id: str) -> Record:
        if not ADVISORY_ID.fullmatch(advisory_id):
            raise self._error(f"it names an advisory {advisory_id[:80]!r}")
        data = self._call("GET", f"/v1/vulns/{quote(advisory_id, safe='')}")
        record = decode_record(data, f"{self._address}/v1/vulns/{advisory_id}")
        if record.id != advisory_id:
            raise self._error(f"it answered {record.id} when asked for {advisory_id}")
        return record

    def _call(self, method: str, path: str, body: object = None) -> bytes:
        """Make one call, again after a passing failure, and return the whole answer."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TransientError),
            stop=tenacity.stop_after_attempt(1 if self._has_failed else self._attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            data = retrying(self._attempt, method, path, body)
        except _TransientError as error:
            self._has_failed = True
            raise self._error(str(error)) from error
        self._has_failed = False
        return data

    def _wait(self, state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked_for = failure.pause if isinstance(failure, _TransientError) else 0.0
        doubled = self._pause * 2.0 ** (state.attempt_number - 1)
        return min(MAX_PAUSE_SECONDS, max(doubled, asked_for))

    def _attempt(self, method: str, path: str, body: object) -> bytes:
        try:
            with self._connections:
                answer = self._session.ask(
                    method, self._address + path, {"Accept": "application/json"}, json=body
                )
        except NoAnswerError as error:
            if error.passing:
                raise _TransientError(str(error)) from error
            raise self._error(str(error)) from error
        if answer.status in _TRANSIENT_STATUS:
            pause = answer.headers.get("Retry-After", "")
            seconds = float(pause) if pause.isascii() and pause.isdigit() else 0.0
            raise _TransientError(f"it answered HTTP status {answer.status}", seconds)
        if answer.status != HTTPStatus.OK:
            raise self._error(f"it answered HTTP status {answer.status}")
        return answer.body

    def _error(self, reason: str) -> ScannerError:
        return ScannerError(
            f"The advisories of {self._address} could not be had: {reason}. Run again later, or "
            "give a snapshot of them: --advisories FOLDER-or-ZIP."
        )


def _query(package: NamedPackage) -> dict[str, Any]:
    query: dict[str, Any] = {"package": {"name": package.name, "ecosystem": PYPI.osv_name}}
    # A version that PEP 440 can't order counts as affected by all that is known of the package,
    # and the API, asked about such a version, may know nothing.
    if parse_version(package.version) is not None:
        query["version"] = package.public_version
    return query
