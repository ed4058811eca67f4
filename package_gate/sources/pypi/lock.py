"""What uv resolved, read as the untrusted input it is: the files of a closure, or its graph."""

import re
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockValidationError
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from package_gate.core.artifact import RemoteFile
from package_gate.core.errors import SourceError, SourceRefusedError
from package_gate.core.patterns import DISTRIBUTION_FILE, PACKAGE_NAME
from package_gate.core.text import printable


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package of a lock."""

    name: str
    """Normalised (PEP 503)."""
    version: Version
    files: tuple[RemoteFile, ...]
    """The wheels that serve the target; empty when only a stand-in of ours does, and in a graph."""
    needed_by: tuple[str, ...] = ()
    """In a graph: the names of the packages that depend on it."""
    hashes: tuple[str, ...] = ()
    """In a graph, when they were asked for: `sha256:…` of each of its files."""
    yanked: str = ""
    """In a graph: why its authors have yanked it, "" when they haven't."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A closure for one target."""

    packages: tuple[LockedPackage, ...]


def parse_lock(text: str, stand_ins: Path | None = None) -> Lock:
    """Read a lock (PEP 751) that names files of an index only.

    Wheels in the folder `stand_ins` are left out: they are ours.

    Raises:
        SourceError: it isn't a lock, a digest is missing, or a file isn't what its name must say.
        SourceRefusedError: a file comes from a folder, a repository, or a plain `http` address.
    """
    try:
        lock = Pylock.from_dict(tomllib.loads(text))
        packages = lock.packages
    except (tomllib.TOMLDecodeError, PylockValidationError, RecursionError) as error:
        raise SourceError(
            f"uv's lock can't be used: {printable(str(error))}; ask the index's owner, and check "
            "that this is the pinned uv"
        ) from error
    return Lock(tuple(_locked(package, stand_ins) for package in packages))


def parse_graph(text: str, warnings: str) -> Lock:
    """Read uv's `requirements.txt` output with `--annotation-style=line`: who needs whom.

    Args:
        text: such as `idna==3.10    # via requests`; with hashes, these and the names of who needs
            it stand on indented lines of their own.
        warnings: what uv wrote besides, where it names yanked releases.

    Raises:
        SourceError: a line is none of these.
    """
    yanked = {
        (found["name"], found["version"]): found["why"] or "no reason was given"
        for found in _YANKED.finditer(warnings)
    }
    packages: list[LockedPackage] = []
    for line in text.splitlines():
        found = _NEEDED.fullmatch(line)
        if (
            found is None
            or (found["name"] is None and not packages)
            or (found["name"] and not _is_version(found["version"]))
        ):
            raise SourceError(
                f"uv's answer can't be used: {printable(line)!r}; check that this is the pinned uv"
            )
        if found["name"]:
            name, version = canonicalize_name(found["name"]), found["version"]
            why = printable(yanked.get((name, version), ""))
            packages.append(LockedPackage(name, Version(version), (), yanked=why))
        last = packages[-1]
        needed_by = [each.strip() for each in (found["via"] or "").split(",")]
        packages[-1] = replace(
            last,
            needed_by=last.needed_by
            + tuple(canonicalize_name(each) for each in needed_by if PACKAGE_NAME.fullmatch(each)),
            hashes=last.hashes + ((found["hash"],) if found["hash"] else ()),
        )
    return Lock(tuple(packages))


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


_NEEDED = re.compile(
    rf"(?:(?P<name>{PACKAGE_NAME.pattern})==(?P<version>[A-Za-z0-9.!+_-]{{1,128}})"
    r"|    --hash=(?P<hash>[a-z0-9]{1,20}:[0-9a-f]{1,200})|)(?: *# via (?P<via>.*))?(?: \\)?"
)
_YANKED = re.compile(
    rf"^warning: `(?P<name>{PACKAGE_NAME.pattern})==(?P<version>[^`\s]{{1,128}})` is yanked"
    r"(?: \(reason: \"(?P<why>[^\n]{0,300})\"\))?",
    re.MULTILINE,
)


def _locked(package: Package, stand_ins: Path | None) -> LockedPackage:
    if package.vcs or package.directory or package.archive or package.version is None:
        raise SourceRefusedError(
            f"{package.name} would come from somewhere other than a package index"
        )
    listed: list[PackageWheel | PackageSdist] = list(package.wheels or ())
    if not listed and package.sdist:
        listed = [package.sdist]
    own = {path.as_uri() for path in stand_ins.iterdir()} if stand_ins else set()
    files = {
        file.filename: file
        for entry in listed
        if entry.url not in own
        for file in [_remote_file(package.name, package.version, entry)]
    }
    return LockedPackage(package.name, package.version, tuple(files.values()))


def _remote_file(name: str, version: Version, entry: PackageWheel | PackageSdist) -> RemoteFile:
    url = urlsplit(entry.url or "")._replace(fragment="").geturl()
    filename = unquote(PurePosixPath(urlsplit(url).path).name)
    uploaded = as_utc(entry.upload_time)
    file = RemoteFile(filename, url, entry.hashes.get("sha256"), entry.size, uploaded)
    check_remote_file(file, name, version)
    return file


def check_remote_file(file: RemoteFile, name: str, version: Version) -> None:
    """Raise unless this can be a file of that release, with a digest, at an https address.

    Raises:
        SourceError: its name contradicts the release, or it has no SHA-256.
        SourceRefusedError: it comes from a folder, or from a plain `http` address.
    """
    address = urlsplit(file.url)
    shown = printable(file.filename) or "a file"
    if address.scheme != "https" or not address.hostname or address.username or address.password:
        raise SourceRefusedError(
            f"{shown} of {name} {version} is not at a plain https address; fix uv's configuration "
            "so that every index is an https address, files are without credentials in theirs, and "
            "no folder is searched (find-links)"
        )
    if release_of(file.filename) != (name, version):
        raise SourceError(
            f"the index offers {shown} as a file of {name} {version}, which its name contradicts; "
            "ask the index's owner"
        )
    if not re.fullmatch(r"[0-9a-f]{64}", file.sha256 or ""):
        raise SourceError(
            f"the index gives no SHA-256 for {shown}; use an index that does, or ask its owner"
        )
    if file.size is not None and file.size < 0:
        raise SourceError(f"the index gives {shown} a negative size; ask its owner")


def release_of(filename: str) -> tuple[str, Version] | None:
    """Give the normalised name and the version in a wheel's or sdist's file name.

    None for any other name, and for one that isn't safe as a path.
    """
    if not DISTRIBUTION_FILE.fullmatch(filename):
        return None
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[:2]
        return parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def as_utc(moment: datetime | None) -> datetime | None:
    """Give the same moment in UTC; one without a zone is taken as UTC."""
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # the first or the last day that there is: hours don't matter
        return moment.replace(tzinfo=UTC)
