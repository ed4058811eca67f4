"""The precedent of a release: an older one of its project that the world has lived with."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from package_gate.core.artifact import Origin, RemoteFile, ResolvedPackage
from package_gate.core.errors import AgesUnknownError
from package_gate.core.policy import HistoryRules
from package_gate.core.precedent import latest_upload
from package_gate.sources.pypi.index import Index, Release


class PyPIHistory:
    """Chooses precedents by what the index says; implements `History`."""

    def __init__(self, index: Index) -> None:
        """Ask this index."""
        self._index = index

    def precedent(
        self,
        name: str,
        version: str,
        files: Iterable[str],
        now: datetime,
        rules: HistoryRules,
    ) -> ResolvedPackage | None:
        """Name the newest release that has been public for long enough, and files of it.

        Each file counts by its own upload time, since files can be added to an old release. A
        project counts once it has been public for twice `days`, so that nobody makes one for the
        purpose in that time. What is yanked or quarantined is no precedent.

        Args:
            name: of the project.
            version: of the release that is to be decided; "" when nobody knows.
            files: the names of its files; those of the precedent are as much like them as can be.
            now: the moment of the run (UTC).
            rules: how long a release must have been public, see `latest_upload`.

        Returns:
            It, perhaps the very release itself; None when there is none.

        Raises:
            SourceError: the index can't be asked.
            AgesUnknownError: it doesn't say when files were uploaded.
        """
        project = self._index.project(name)
        if project is None or project.quarantined:
            return None
        releases = project.releases()
        files_known = [file for release in releases for file in release.files]
        uploads = [file.uploaded for file in files_known if file.uploaded]
        if files_known and not uploads:
            raise AgesUnknownError(f"the package index tells no upload times of {name}")
        if not uploads or min(uploads) > now - timedelta(days=2 * rules.days):
            return None
        own, filenames = _version(version), set(files)
        made = _made([each for each in releases if each.version == own], filenames)
        old = {}
        for release in releases:
            itself = own is None or release.version == own
            latest = latest_upload(rules, now, made, itself=itself)
            old[release.version] = _old_files(release, latest)
        chosen = _newest([v for v, its_files in old.items() if its_files], own)
        if chosen is None:
            return None
        picked = {
            file.filename: file
            for wanted in sorted(filenames)
            if (file := _like(wanted, old[chosen]))
        }
        return ResolvedPackage(
            canonicalize_name(name), str(chosen), Origin.PYPI, tuple(picked.values())
        )


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _made(own: Iterable[Release], filenames: Collection[str]) -> datetime | None:
    """Say when the first of these files of a release was uploaded; None: it has none of them."""
    uploads = (
        file.uploaded
        for release in own
        for file in release.files
        if file.filename in filenames and file.uploaded
    )
    return min(uploads, default=None)


def _old_files(release: Release, latest: datetime) -> list[RemoteFile]:
    return [
        file
        for file in release.files
        if file.sha256 and file.yanked is None and file.uploaded and file.uploaded <= latest
    ]


def _newest(versions: Sequence[Version], limit: Version | None) -> Version | None:
    """Choose the newest, but none that is newer than a release of an older line."""
    final = [each for each in versions if not each.is_prerelease or each == limit] or versions
    earlier = [each for each in final if limit is None or each <= limit]
    return max(earlier or final, default=None)


def _like(wanted: str, files: Sequence[RemoteFile]) -> RemoteFile:
    """Choose the file that is most like one: of its kind, then its platform, then its Python.

    In the same release that is the very file.
    """
    return max(
        files,
        key=lambda file: (
            file.filename == wanted,
            _likeness(wanted, file.filename),
            file.filename,
        ),
    )


def _likeness(one: str, other: str) -> tuple[bool, bool, bool, bool, int]:
    tags, others = _tags(one), _tags(other)
    if tags is None or others is None:
        return (tags is others, False, False, False, 0)
    platforms, other_platforms = ({_platform(tag[2]) for tag in each} for each in (tags, others))
    return (
        True,
        bool(platforms & other_platforms),
        bool({tag[:2] for tag in tags} & {tag[:2] for tag in others}),
        other_platforms == {"any "},
        len(tags & others),
    )


def _tags(filename: str) -> set[tuple[str, str, str]] | None:
    """Give Python, ABI and platform of a wheel; None for an sdist or another archive."""
    try:
        return {
            (tag.interpreter, tag.abi, tag.platform) for tag in parse_wheel_filename(filename)[3]
        }
    except (InvalidWheelFilename, InvalidVersion):
        return None


def _platform(tag: str) -> str:
    """Give what is one platform whatever the version of its C library, such as `linux x86_64`."""
    system, _, machine = tag.partition("_")
    machine = re.sub(r"^[0-9_]+", "", machine)
    return f"{re.sub('[0-9]+$', '', system).removeprefix('many')} {machine}"
