"""What a package index says of a project's files, through the simple API (PEP 503, 691, 700)."""

import re
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import SourceError
from package_gate.core.text import printable
from package_gate.inventory.formats.core_metadata import specifiers
from package_gate.net.addresses import IndexAddress
from package_gate.net.guarding_proxy import guarding_proxy
from package_gate.net.session import Answer, HTTPSession, Network, NoAnswerError, network_of
from package_gate.sources.pypi.lock import as_utc, release_of
from package_gate.sources.pypi.uv import IndexSettings, read_uv_config

AT_ONCE = 4
"""Queries side by side. A connection costs about 50 ms of processor time, for its certificates."""
MAX_PAGE = 64 * 1024 * 1024
"""Bytes of one project's answer; the largest known are about 10 MiB."""
PAGE_SECONDS = 120
"""From asking to the last byte of one answer."""
WAIT_SECONDS = 30
"""Between two bytes."""
PROBES = ("pip", "setuptools", "numpy")
"""Projects that most indexes have."""
LATE_SECONDS = (1.0, 3.0)
"""Pauses after which an index is asked again for a project that it did not have."""
_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.5, text/html;q=0.01"
)
"""JSON where the index has it (PEP 691)."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of a project."""

    version: Version
    wheels: tuple[RemoteFile, ...]
    sdists: tuple[RemoteFile, ...]
    requires_python: SpecifierSet
    """Of the sdist when there is one; empty when nothing is said."""

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """All of them."""
        return self.wheels + self.sdists

    @property
    def last_python(self) -> Version | None:
        """The newest Python that has a wheel; None where one is for all, or none says."""
        pythons: list[Version] = []
        for file in self.wheels:
            for tag in parse_wheel_filename(file.filename)[3]:
                if tag.interpreter in ("py3", "cp3") or tag.abi.startswith("abi3"):
                    return None
                if found := re.fullmatch(r"cp3([0-9]{1,2})", tag.interpreter):
                    pythons.append(Version(f"3.{found[1]}"))
        return max(pythons, default=None)

    def was_built_before(self, python: str) -> bool:
        """Whether it has compiled wheels for older Pythons only: nobody built it for this one."""
        return self.last_python is not None and self.last_python < Version(python)


@dataclass(frozen=True, slots=True)
class Project:
    """What an index says of a project."""

    name: str
    """Normalised (PEP 503)."""
    files: tuple[RemoteFile, ...]
    """In the index's order, of every sort."""
    requires_python: Mapping[str, str] = field(default_factory=dict)
    """By file name, where the index gives one."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """By file name: where the attestations of the file are (PEP 740), "" when it has none. Files
    are left out of which the index does not say."""
    status: str = ""
    """What the index says of it as a whole: `active`, `archived`, `deprecated` or `quarantined`
    (PEP 792); "" when it doesn't say."""
    status_reason: str = ""
    """Why; "" when it doesn't say."""

    @property
    def quarantined(self) -> bool:
        """Whether the index has taken it out of circulation, as suspected malware."""
        return self.status == "quarantined"

    @property
    def first_upload(self) -> datetime | None:
        """When its oldest file was received (UTC); None when the index doesn't say of all."""
        uploads = [file.uploaded for file in self.files]
        return min((each for each in uploads if each), default=None) if all(uploads) else None

    def file(self, filename: str, sha256: str | None) -> RemoteFile | None:
        """Find the file with this name and digest."""
        return next(
            (each for each in self.files if (each.filename, each.sha256) == (filename, sha256)),
            None,
        )

    def releases(self) -> tuple[Release, ...]:
        """Group wheels and sdists by version, the newest first; other files are left out."""
        wheels: dict[Version, list[RemoteFile]] = {}
        sdists: dict[Version, list[RemoteFile]] = {}
        for file in self.files:
            name, version = release_of(file.filename) or ("", Version("0"))
            if name == self.name:
                found = wheels if file.filename.endswith(".whl") else sdists
                found.setdefault(version, []).append(file)
        return tuple(
            Release(
                version,
                tuple(wheels.get(version, ())),
                tuple(sdists.get(version, ())),
                self._python(sdists.get(version) or wheels[version]),
            )
            for version in sorted({*wheels, *sdists}, reverse=True)
        )

    def _python(self, files: list[RemoteFile]) -> SpecifierSet:
        return specifiers(self.requires_python.get(files[0].filename, ""))


class _File(msgspec.Struct):
    """A file of a PEP 691 answer, only the keys that are used."""

    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int | None = None
    upload_time: datetime | None = msgspec.field(name="upload-time", default=None)
    yanked: bool | str = False
    requires_python: str | None = msgspec.field(name="requires-python", default=None)
    provenance: str | msgspec.UnsetType | None = msgspec.UNSET
    """None for a file without attestations; unset where the index offers none of any file."""


class _Status(msgspec.Struct):
    """What an index says of a project as a whole (PEP 792)."""

    status: str = ""
    reason: str | None = None


class _Page(msgspec.Struct):
    """A PEP 691 answer; read this way it takes a twentieth of the time of a full model."""

    files: list[_File]
    project_status: _Status = msgspec.field(name="project-status", default_factory=_Status)


_read_json = msgspec.json.Decoder(_Page)


def public_index() -> str:
    """Give the index that uv and pip ask when nothing else is configured.

    The library that says so takes 0.3 s to import, which most runs don't need.
    """
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT


def configured_indexes(settings: IndexSettings) -> tuple[IndexAddress, ...]:
    """List the indexes in the order in which uv asks them; the default one is last.

    See https://docs.astral.sh/uv/concepts/indexes/.

    Raises:
        SourceError: uv's configuration file can't be read, or an index isn't at an https address.
    """
    environment = settings.environment
    config = read_uv_config(settings)
    pip = _table(config.get("pip"))
    tables = [_table(entry) for entry in _entries(config.get("index"))]
    extra: list[tuple[str, str]] = [_split_name(text) for text in _words(environment, "UV_INDEX")]
    extra += [("", text) for text in _words(environment, "UV_EXTRA_INDEX_URL")]
    default: list[tuple[str, str]] = [
        _split_name(text)
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
        for text in _words(environment, name)
    ]
    for table in tables:
        named = (str(table.get("name") or ""), str(table.get("url")))
        if not table.get("explicit"):
            (default if table.get("default") else extra).append(named)
    for section in (pip, config):
        extra += [("", str(url)) for url in _entries(section.get("extra-index-url"))]
        default += [("", str(section["index-url"]))] if section.get("index-url") else []
    default = default or [("", public_index())]
    return tuple(
        dict.fromkeys(_address(name, url, environment) for name, url in [*extra, default[0]])
    )


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(environment: Mapping[str, str], name: str) -> list[str]:
    return environment.get(name, "").split()


def _split_name(text: str) -> tuple[str, str]:
    """Split uv's `NAME=URL`."""
    found = re.fullmatch(r"([A-Za-z0-9._-]+)=(.*)", text)
    return (found[1], found[2]) if found else ("", text)


def _address(name: str, url: str, environment: Mapping[str, str]) -> IndexAddress:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise SourceError(
            f"the package index {name or parts.hostname or 'without a host'} is not at an https "
            "address; fix it in uv's configuration (UV_DEFAULT_INDEX, UV_INDEX or uv.toml)"
        )
    variable = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    user = unquote(parts.username or "") or environment.get(f"{variable}_USERNAME", "")
    password = unquote(parts.password or "") or environment.get(f"{variable}_PASSWORD", "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return IndexAddress(bare.rstrip("/") + "/", (user, password) if user or password else None)


class Index:
    """Asks the configured indexes, once for each project in the life of this object.

    Several threads may use it. Its connections are kept, and closed when it is given up.
    """

    def __init__(self, settings: IndexSettings) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._known: dict[str, Project | None] = {}
        self._asked: dict[str, Future[Project | None]] = {}
        self._missing: set[str] = set()
        self._idle: list[_Client] = []
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(AT_ONCE, "index")
        weakref.finalize(self, _close, self._threads, self._idle)

    def project(self, name: str) -> Project | None:
        """Give what the index says of this project; None when no index knows it.

        Raises:
            SourceError: an index can't be reached, or its answer can't be read.
            SourceRefusedError: it is at a forbidden address, or redirects to one.
        """
        return self.projects([name])[canonicalize_name(name)]

    def projects(self, names: Iterable[str]) -> dict[str, Project | None]:
        """Do the same for several, side by side; the keys are normalised names."""
        wanted = {canonicalize_name(name) for name in names}
        with self._lock:
            answers: dict[str, Project | None] = {
                name: self._known[name] for name in wanted & self._known.keys()
            }
            for name in sorted(wanted - self._known.keys() - self._asked.keys()):
                self._asked[name] = self._threads.submit(self._ask, name)
            asked = {name: self._asked[name] for name in wanted - answers.keys()}
        return answers | {name: each.result() for name, each in asked.items()}

    def _ask(self, name: str) -> Project | None:
        try:
            with self._client() as client:
                project = client.ask(name)
            with self._lock:
                self._known[name] = project
            return project
        finally:
            with self._lock:  # whoever wants to know it after a failure asks again
                del self._asked[name]

    def documents(self, addresses: Iterable[str]) -> dict[str, bytes]:
        """Fetch what an index names beside its files, side by side.

        Raises:
            SourceError: one of them can't be had.
            SourceRefusedError: one is at a forbidden address, or redirects to one.
        """
        wanted = sorted(set(addresses))
        return dict(zip(wanted, self._threads.map(self._document, wanted), strict=True))

    def _document(self, address: str) -> bytes:
        with self._client() as client:
            return client.document(address)

    @contextmanager
    def _client(self) -> Iterator["_Client"]:
        """Lend a client to one question at a time: what it was refused belongs to that one."""
        with self._lock:
            client = self._idle.pop() if self._idle else None
        client = client or _Client(self._settings)
        try:
            yield client
        except BaseException:
            client.close()
            raise
        with self._lock:
            self._idle.append(client)

    def answers(self) -> bool:
        """Whether the indexes are known to have any project at all.

        One that is configured wrong answers 404 to everything.
        """
        if not any(list(self._known.values())):
            return any(self.projects(PROBES).values())
        return True

    def appears(self, name: str) -> bool:
        """Whether a project that no index has shows up within a few seconds.

        CodeArtifact answers 404 at first for what is new to it.

        Raises:
            SourceError, SourceRefusedError: as `project`.
        """
        name = canonicalize_name(name)
        for pause in LATE_SECONDS if name not in self._missing else ():
            time.sleep(pause)
            with self._lock:
                if self._known.get(name) is None:
                    self._known.pop(name, None)
            if self.project(name):
                return True
        self._missing.add(name)
        return False


def _close(threads: ThreadPoolExecutor, idle: "list[_Client]") -> None:
    """End what an index holds, when nobody holds the index any more or the program ends."""
    threads.shutdown(wait=False, cancel_futures=True)
    for client in idle:
        client.close()


class _Client:
    """A connection to the indexes that takes nothing from the environment."""

    def __init__(self, settings: IndexSettings) -> None:
        environment = settings.environment
        config = read_uv_config(settings)
        strategy = environment.get("UV_INDEX_STRATEGY") or config.get("index-strategy")
        self._first_only = strategy in (None, "first-index")
        self._indexes = configured_indexes(settings)
        tries = environment.get("UV_HTTP_RETRIES", "")
        network = network_of(environment)
        self._open = ExitStack()
        self._proxy = self._open.enter_context(guarding_proxy(settings.guard, network))
        self._session = HTTPSession(
            Network(network.ca_bundle, {"https": self._proxy.url}),
            wait_seconds=WAIT_SECONDS,
            answer_seconds=PAGE_SECONDS,
            answer_bytes=MAX_PAGE,
            retries=int(tries) if tries.isdecimal() else 3,
            follow_redirects=True,
        )
        self._open.callback(self._session.close)

    def close(self) -> None:
        """Close the connection."""
        self._open.close()

    def ask(self, name: str) -> Project | None:
        """Ask index after index, as uv does: the first one that has the project speaks for it."""
        found: list[Project] = []
        for index in self._indexes:
            if project := self._query(index, name):
                found.append(project)
                if self._first_only:
                    break
        if not found:
            return None
        return Project(
            name,
            tuple(file for project in found for file in project.files),
            {key: value for project in found for key, value in project.requires_python.items()},
            {key: value for project in found for key, value in project.provenance.items()},
            *_worst_status(found),
        )

    def document(self, address: str) -> bytes:
        """Fetch a document that an index names."""
        holders = (index for index in self._indexes if index.holds(address))
        login = next((index.credentials for index in holders if index.credentials), None)
        what = printable(urlsplit(address).path, 300)
        answer = self._get(address, what, "application/json", login)
        if answer.status != 200:
            raise SourceError(_answered(answer.status, what))
        return answer.body

    def _query(self, index: IndexAddress, name: str) -> Project | None:
        answer = self._get(f"{index.url}{name}/", name, _ACCEPT, index.credentials)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise SourceError(_answered(answer.status, name))
        content_type = answer.headers.get("Content-Type", "")
        return _read_page(name, answer.body, content_type, answer.url)

    def _get(self, address: str, what: str, accept: str, login: tuple[str, str] | None) -> Answer:
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        try:
            return self._session.ask("GET", address, headers, login=login)
        except NoAnswerError as error:
            self._proxy.check()
            why = self._proxy.failed[-1] if self._proxy.failed else error
            raise SourceError(
                f"the package index can't be asked about {what} ({why}); check the network, the "
                "proxy and UV_DEFAULT_INDEX; the next run tries again"
            ) from error


def _answered(status: int, what: str) -> str:
    return (
        f"the package index answered {status} for {what}; the next run tries again "
        "(a 401 or 403 means that its credentials must be fixed)"
    )


def _worst_status(projects: list[Project]) -> tuple[str, str]:
    """What counts when several indexes have a project."""
    order = ("quarantined", "deprecated", "archived")
    told = [(each.status, each.status_reason) for each in projects]
    return min(told, key=lambda each: order.index(each[0]) if each[0] in order else len(order))


def _read_page(name: str, body: bytes, content_type: str, address: str) -> Project:
    try:
        if content_type.partition(";")[0].strip().endswith("json"):
            page = _read_json.decode(body)
        else:
            page = _read_html(name, body, address)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SourceError(
            f"the package index's answer about {name} can't be read; is UV_DEFAULT_INDEX the "
            "address of a simple API (PEP 503 or 691)?"
        ) from error
    return Project(
        name,
        tuple(_remote_file(entry, address) for entry in page.files),
        {entry.filename: entry.requires_python for entry in page.files if entry.requires_python},
        {
            entry.filename: urljoin(address, entry.provenance) if entry.provenance else ""
            for entry in page.files
            if entry.provenance is not msgspec.UNSET
        },
        page.project_status.status.lower(),
        page.project_status.reason or "",
    )


def _read_html(name: str, body: bytes, address: str) -> _Page:
    from pypi_simple import ProjectPage, UnsupportedRepoVersionError  # takes 0.3 s

    try:
        page = ProjectPage.from_html(name, body, address)
    except UnsupportedRepoVersionError as error:
        raise ValueError(str(error)) from error
    offers = any(package.provenance_url for package in page.packages)
    return _Page(
        [
            _File(
                filename=package.filename,
                url=package.url,
                hashes=package.digests,
                yanked=(package.yanked_reason or "") if package.is_yanked else False,
                requires_python=package.requires_python,
                provenance=package.provenance_url if offers else msgspec.UNSET,
            )
            for package in page.packages
        ],
        _Status(page.status or "", page.status_reason),
    )


def _remote_file(entry: _File, address: str) -> RemoteFile:
    # A page has thousands of files, and joining takes longer than all the rest.
    absolute = entry.url.startswith("https://")
    return RemoteFile(
        filename=entry.filename,
        url=(entry.url if absolute else urljoin(address, entry.url)).partition("#")[0],
        sha256=entry.hashes.get("sha256"),
        size=entry.size,
        uploaded=as_utc(entry.upload_time),
        # PEP 592: the key is a reason or just true.
        yanked=None if entry.yanked is False else "" if entry.yanked is True else entry.yanked,
    )
