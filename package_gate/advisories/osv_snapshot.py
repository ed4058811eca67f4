"""A snapshot of advisories on disk, in the layout in which OSV publishes an ecosystem.

That is a zip (`PyPI/all.zip`) with one `ID.json` a record, or a folder of such files at any depth
(https://google.github.io/osv.dev/data/#data-dumps). Every record is decoded once to see that it is
whole. Only where a package's records stand is kept; they are read again when somebody asks for
that package.
"""

import os
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, NoReturn, Protocol

from package_gate.advisories.beside import is_beside
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv_records import Record, decode_record
from package_gate.core.errors import ConfigurationError, ScannerError

MAX_RECORD_BYTES = 16 * 1024 * 1024
MAX_SNAPSHOT_BYTES = 8 * 1024 * 1024 * 1024
"""All records of a zip, unpacked."""
MAX_RECORDS = 1_000_000

_WHAT_TO_GIVE = "Give --advisories a folder or a .zip with one OSV record in each .json file."


class _Files(Protocol):
    """The record files of a snapshot."""

    @property
    def names(self) -> Sequence[str]: ...

    def read(self, name: str) -> bytes:
        """Return a file's content, or one byte more than a record may have.

        Raises `OSError`, `RuntimeError`, `zlib.error` or `zipfile.BadZipFile`.
        """
        ...

    def close(self) -> None: ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = sorted(
            os.path.relpath(Path(folder, file), path)
            for folder, _, files in os.walk(path, onerror=_raise)
            for file in files
            if file.lower().endswith(".json") and not is_beside(file)
        )

    def read(self, name: str) -> bytes:
        path = self._path / name
        if not path.is_file():
            raise OSError("it is no file")
        with path.open("rb") as file:
            return file.read(MAX_RECORD_BYTES + 1)

    def close(self) -> None:
        pass


class _Zip:
    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        try:
            self.names = _record_names(self._zip)
        except BaseException:
            self._zip.close()
            raise

    def read(self, name: str) -> bytes:
        with self._zip.open(name) as file:
            return file.read(MAX_RECORD_BYTES + 1)

    def close(self) -> None:
        self._zip.close()


class _Version(NamedTuple):
    """A record as one file gives it."""

    modified: datetime
    file: str
    packages: set[str]
    """Normalised names; empty when the record is withdrawn."""


class Snapshot:
    """The PyPI records of a snapshot, found by package."""

    newest: datetime
    """When the youngest record was modified."""
    entries: int
    """How many records about PyPI packages there are, withdrawn ones too."""

    def __init__(self, path: Path) -> None:
        """Read all of it once.

        Args:
            path: the folder or the zip.

        Raises:
            ConfigurationError: there is no snapshot, or it holds no record about PyPI.
            ScannerError: it can't be read, or a record in it is broken.
        """
        self._path = path
        self._files = _open(path)
        try:
            latest = self._latest()
        except BaseException:
            self._files.close()
            raise
        self.entries = len(latest)
        self.newest = max(version.modified for version in latest.values())
        self._files_of: dict[str, list[str]] = {}
        for version in latest.values():
            for package in version.packages:
                self._files_of.setdefault(package, []).append(version.file)

    def find(self, packages: Sequence[NamedPackage]) -> list[list[Record]]:
        """Return, for each of the packages, the records about it, whatever the version.

        Raises:
            ScannerError: the snapshot changed or broke since it was read.
        """
        names = {package.name for package in packages}
        found = {
            name: [self._read(file) for file in self._files_of.get(name, ())] for name in names
        }
        return [found[package.name] for package in packages]

    def close(self) -> None:
        """Close its files."""
        self._files.close()

    def _latest(self) -> dict[str, _Version]:
        """Read all records about PyPI packages.

        Of several with one id the one modified last is authoritative, as the format has it.
        """
        latest: dict[str, _Version] = {}
        if len(self._files.names) > MAX_RECORDS:
            raise ScannerError(f"The advisories {self._path} are more than {MAX_RECORDS} files.")
        for file in self._files.names:
            record = self._read(file)
            packages = record.pypi_names()
            known = latest.get(record.id)
            if packages and (known is None or known.modified < record.modified):
                counting = packages if record.withdrawn is None else set()
                latest[record.id] = _Version(record.modified, file, counting)
        if not latest:
            raise ConfigurationError(
                f"The advisories {self._path} hold no record about a PyPI package. {_WHAT_TO_GIVE}"
            )
        return latest

    def _read(self, file: str) -> Record:
        where = f"The advisory {file!r} in {self._path}"
        try:
            data = self._files.read(file)
        except (OSError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
            raise ScannerError(f"{where} can't be read: {error}.") from error
        if len(data) > MAX_RECORD_BYTES:
            raise ScannerError(f"{where} is larger than {MAX_RECORD_BYTES} bytes.")
        return decode_record(data, where)


def check_snapshot(path: Path) -> None:
    """See at a glance whether there is a snapshot; what is in it shows when it is read.

    Raises:
        ConfigurationError: there is neither a folder nor a zip, or no record in it.
    """
    with suppress(ScannerError, OSError):
        files = _open(path)
        names = files.names
        files.close()
        if not names:
            raise ConfigurationError(f"The advisories {path} hold no record. {_WHAT_TO_GIVE}")


def _open(path: Path) -> _Files:
    try:
        if path.is_dir():
            return _Folder(path)
        exists = path.exists()
        if exists and zipfile.is_zipfile(path):
            return _Zip(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise ScannerError(f"The advisories {path} can't be read: {error}.") from error
    problem = "are neither a folder nor a whole zip" if exists else "do not exist"
    raise ConfigurationError(f"The advisories {path} {problem}. {_WHAT_TO_GIVE}")


def _record_names(archive: zipfile.ZipFile) -> list[str]:
    entries = [
        each
        for each in archive.infolist()
        if each.filename.lower().endswith(".json") and not is_beside(each.filename.split("/")[-1])
    ]
    if sum(each.file_size for each in entries) > MAX_SNAPSHOT_BYTES:
        raise zipfile.BadZipFile(f"it unpacks to more than {MAX_SNAPSHOT_BYTES} bytes")
    names = [each.filename for each in entries]
    if len(set(names)) < len(names):
        raise zipfile.BadZipFile("it holds several files of one name")
    return names


def _raise(error: OSError) -> NoReturn:
    raise error
