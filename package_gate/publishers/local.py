"""The local publisher: a PEP 503/691 index and an archive folder that pip and people can read.

simple/NAME/…                     files of approved PyPI packages
simple/NAME/FILE.vsa.json         what is signed about a file, with a signer; likewise in generic/
simple/standing-list.json         which signatures count no more
simple/NAME/index.html            PEP 503, what `pip install --index-url file://…/simple` reads
simple/NAME/index.v1_json         PEP 691, for who serves the folder over HTTP
generic/NAME/VERSION/NAME.zip     approved archives; a wheel keeps its own name
generic/NAME/Latest/NAME.zip      the newest of them
"""

import html
import json
import os
import shlex
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NotRequired, TypedDict
from urllib.parse import quote

import msgspec
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from package_gate.core.artifact import Artifact, ArtifactFile, Origin
from package_gate.core.attestation import STATEMENT_SUFFIX
from package_gate.core.decision import PackageSummary
from package_gate.core.errors import PublishError
from package_gate.core.files import copy_verified, sha256_of, write_atomically
from package_gate.core.request import Request
from package_gate.core.standing_list import STANDING_LIST
from package_gate.publishers.interface import (
    ApprovedPackage,
    PublishedPackage,
    PublisherByOrigin,
    archive_asset,
    archive_version,
    is_wheel,
    requirements_for,
)

JSON_INDEX = "index.v1_json"
LATEST = "Latest"

IndexEntry = TypedDict(
    "IndexEntry",
    {
        "filename": str,
        "url": str,
        "hashes": dict[str, str],
        "size": int,
        "requires-python": NotRequired[str],
    },
)
"""One file as PEP 691 describes it."""


class LocalFolder(PublisherByOrigin):
    """Approved packages in a folder; implements `Publisher`."""

    def __init__(self, output: Path) -> None:
        """Publish below `output`, an absolute path."""
        self._output = output
        self._index = _Index(output / "simple")
        self._lock = threading.Lock()
        archives = _Archives(output / "generic")
        super().__init__({Origin.PYPI: self._index, Origin.ARCHIVE: archives})

    def publish(self, package: ApprovedPackage) -> str:
        """See `Publisher.publish`."""
        with self._lock, self._writing(f"{package.name} {package.version}"):
            return super().publish(package)

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `Publisher.attest`."""
        with self._lock, self._writing(f"The statement on {package.name} {package.version}"):
            super().attest(package, statement)

    def post_standing_list(self, content: bytes) -> None:
        """See `Publisher.post_standing_list`."""
        path = self._output / "simple" / STANDING_LIST
        with self._writing("The standing list"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PublishError(
                f"{what} can't be written to {self._output}: {error.strerror or error}."
            ) from error

    def withdraw(self, package: PublishedPackage) -> bool:
        """See `Publisher.withdraw`."""
        try:
            with self._lock:
                return super().withdraw(package)
        except OSError as error:
            raise PublishError(
                f"{package.name} {package.version} can't be taken back from "
                f"{self._output}: {error.strerror or error}. Delete it by hand."
            ) from error

    def finish(self) -> None:
        """See `Publisher.finish`: list the projects, for people; pip reads a project's page."""
        try:
            self._index.list_projects()
        except OSError as error:
            raise PublishError(
                f"The list of projects in {self._output / 'simple'} can't be written: "
                f"{error.strerror or error}."
            ) from error


def pip_install(index: str, what: str) -> str:
    """Give the command that installs from this index alone.

    `--index-url` leaves the `extra-index-url` of pip's configuration files and of the environment
    as it is, where a package of the same name may be.
    """
    return (
        f"PIP_CONFIG_FILE=/dev/null pip --isolated install --index-url {shlex.quote(index)} {what}"
    )


class _Index:
    """PyPI packages as an index that pip reads; implements `OriginPublisher`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def publish(self, package: ApprovedPackage) -> str:
        folder = self._folder / package.name
        folder.mkdir(parents=True, exist_ok=True)
        for file in package.files:
            _copy(file, folder / file.artifact.filename)
        entries = _read_index(folder) | {
            file.artifact.filename: _index_entry(file.artifact) for file in package.files
        }
        self._write_index(folder, entries)
        return folder.as_uri() + "/"

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        for artifact in package.artifacts:
            path = self._folder / package.name / artifact.filename
            if path.exists():
                _attest(path, statement)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """The packages are there already, so only the command is made."""
        return pip_install(self._folder.as_uri(), requirements_for(request, packages))

    def withdraw(self, package: PublishedPackage) -> bool:
        folder = self._folder / package.name
        entries = _read_index(folder)
        version = Version(package.version)
        gone = {filename for filename in entries if _version_of(filename) == version}
        if gone:
            kept = {name: entry for name, entry in entries.items() if name not in gone}
            self._write_index(folder, kept)
        # A publication that was stopped may have left files that are not listed.
        gone |= {a.filename for a in package.artifacts if (folder / a.filename).exists()}
        for filename in gone:
            _remove(folder / filename)
        return bool(gone)

    def restore(self, package: PublishedPackage) -> str:
        """What was withdrawn is gone."""
        return ""

    def repair(self, package: PackageSummary) -> None:
        """Files that are not listed yet are of no harm."""

    def list_projects(self) -> None:
        if not self._folder.is_dir():
            return
        projects = sorted(entry.name for entry in os.scandir(self._folder) if entry.is_dir())
        listing = {"meta": {"api-version": "1.0"}, "projects": [{"name": n} for n in projects]}
        links = [f'<a href="{quote(name)}/">{html.escape(name)}</a>' for name in projects]
        for name, content in (
            (JSON_INDEX, msgspec.json.encode(listing)),
            ("index.html", _html_page("Approved packages", links)),
        ):
            path = self._folder / name
            if not path.exists() or path.read_bytes() != content:
                write_atomically(path, content)

    def _write_index(self, folder: Path, entries: dict[str, IndexEntry]) -> None:
        """Write both forms of a project's page."""
        files = [entries[filename] for filename in sorted(entries)]
        page = {"meta": {"api-version": "1.0"}, "name": folder.name, "files": files}
        write_atomically(folder / JSON_INDEX, json.dumps(page, indent=1).encode())
        links = [_html_link(entry) for entry in files]
        write_atomically(folder / "index.html", _html_page(folder.name, links))


class _Archives:
    """Archives, each in a folder of its version; implements `OriginPublisher`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def publish(self, package: ApprovedPackage) -> str:
        (file,) = package.files
        filename = archive_asset(package.name, file)
        folder = self._folder / package.name
        fixed = folder / archive_version(package) / filename
        fixed.parent.mkdir(parents=True, exist_ok=True)
        _copy(file, fixed)
        self._set_latest(fixed, file.artifact.sha256)
        return fixed.as_uri()

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        for path in self._holding(package):
            _attest(path, statement)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """See `OriginPublisher.offer`: `Latest` becomes what the request was decided about."""
        package = packages[0]
        sha256 = package.artifacts[0].sha256
        folder = self._folder / package.name
        latest = self._latest(folder)
        if latest is None or sha256_of(latest) != sha256:
            fixed = next((f for f in self._holding(package) if f.parent.name != LATEST), None)
            if fixed is None:
                raise PublishError(f"{package.name} with SHA-256 {sha256} is not in {folder}.")
            latest = self._set_latest(fixed, sha256)
        if is_wheel(latest.name):
            index = (folder.parent.parent / "simple").as_uri()
            return pip_install(index, shlex.quote(str(latest)))
        return f"cp {shlex.quote(str(latest))} ."

    def restore(self, package: PublishedPackage) -> str:
        """What was withdrawn is gone."""
        return ""

    def repair(self, package: PackageSummary) -> None:
        """`Latest` is replaced in one step, so it is never missing."""

    def withdraw(self, package: PublishedPackage) -> bool:
        holding = self._holding(package)
        for file in holding:
            _remove(file)
            if file.parent.name != LATEST and not any(file.parent.iterdir()):
                file.parent.rmdir()
        return bool(holding)

    def _holding(self, package: PublishedPackage) -> list[Path]:
        """Give the files with an archive's bytes, that of `Latest` first.

        A later decision is younger than the version that was published, so that is found by its
        bytes.
        """
        sha256 = package.artifacts[0].sha256
        folder = self._folder / package.name
        places = (folder / LATEST, *folder.glob(f"*-{sha256[:12]}"))
        files = [file for place in places for file in place.glob("[!.]*")]
        return [file for file in files if sha256_of(file) == sha256]

    def _latest(self, folder: Path) -> Path | None:
        files = folder.glob(f"{LATEST}/[!.]*")
        return next((file for file in files if not file.name.endswith(STATEMENT_SUFFIX)), None)

    def _set_latest(self, fixed: Path, sha256: str) -> Path:
        """Let `Latest` hold the file of an immutable version."""
        latest = fixed.parent.parent / LATEST / fixed.name
        latest.parent.mkdir(exist_ok=True)
        copy_verified(fixed, latest, sha256)
        statement = _statement(fixed)
        if statement.exists():
            write_atomically(_statement(latest), statement.read_bytes())
        keeps = {latest.name, _statement(latest).name} if statement.exists() else {latest.name}
        for other in latest.parent.iterdir():
            if other.name not in keeps:  # an earlier archive of another kind, or about an earlier
                other.unlink()
        return latest


def _statement(file: Path) -> Path:
    """Where what is signed about a file stands."""
    return file.with_name(file.name + STATEMENT_SUFFIX)


def _attest(file: Path, statement: bytes) -> None:
    path = _statement(file)
    if not path.exists() or path.read_bytes() != statement:
        write_atomically(path, statement)


def _remove(file: Path) -> None:
    """Remove what is signed about a file, then the file, by which a later attempt finds both."""
    _statement(file).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def _copy(file: ArtifactFile, target: Path) -> None:
    """Copy an artifact to where it is published, unless it is there; never other bytes."""
    expected = file.artifact.sha256
    if target.exists():
        if (there := sha256_of(target)) != expected:
            raise PublishError(
                f"{target} holds other bytes (SHA-256 {there}) than the approved ones "
                f"({expected}). Find out who put them there, then delete the file."
            )
        return
    try:
        copy_verified(file.path, target, expected)
    except ValueError as error:
        raise PublishError(
            f"{file.artifact.filename} changed between scan (SHA-256 {expected}) and publication "
            f"({error}). It was not published."
        ) from error


def _version_of(filename: str) -> Version:
    if filename.endswith(".whl"):
        return parse_wheel_filename(filename)[1]
    return parse_sdist_filename(filename)[1]


def _read_index(folder: Path) -> dict[str, IndexEntry]:
    """Give a project's entries by file name."""
    try:
        page = json.loads((folder / JSON_INDEX).read_bytes())
    except FileNotFoundError:
        return {}
    return {entry["filename"]: entry for entry in page["files"]}


def _index_entry(artifact: Artifact) -> IndexEntry:
    entry: IndexEntry = {
        "filename": artifact.filename,
        "url": quote(artifact.filename),
        "hashes": {"sha256": artifact.sha256},
        "size": artifact.size,
    }
    if artifact.requires_python:
        entry["requires-python"] = artifact.requires_python
    return entry


def _html_link(entry: IndexEntry) -> str:
    """One file as PEP 503 describes it."""
    requires = entry.get("requires-python")
    attribute = f' data-requires-python="{html.escape(requires)}"' if requires else ""
    address = html.escape(f"{entry['url']}#sha256={entry['hashes']['sha256']}")
    return f'<a href="{address}"{attribute}>{html.escape(entry["filename"])}</a>'


def _html_page(title: str, links: list[str]) -> bytes:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="pypi:repository-version" content="1.0">',
        f"<title>{html.escape(title)}</title></head><body>",
        *(f"{link}<br>" for link in links),
        "</body></html>",
        "",
    ]
    return "\n".join(lines).encode()
