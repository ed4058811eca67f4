"""What lies beside the advisories and says more of vulnerabilities than they do.

Files are taken in the folder or zip that the advisories are in, and in the folder of that zip: what
is known of exploitation (`exploitation`), and what suppliers say of their own packages (`vex`).
"""

import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from package_gate.advisories.exploitation import (
    EPSS_FILE,
    KEV_FILE,
    Exploitation,
    read_exploitation,
)
from package_gate.advisories.interface import AdvisorySource, NamedPackage
from package_gate.advisories.vex import VEX_ENDING, Statements, read_statements
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, ScannerInfo

MAX_BYTES = 64 * 1024 * 1024
"""A file as it lies there; the largest of today has 2.5 MB."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies there."""

    exploitation: Exploitation
    statements: Statements

    def annotated(self, package: NamedPackage, finding: Finding) -> Finding:
        """Say of a finding about a package what is known besides."""
        return self.exploitation.marked(self.statements.suggested(package, finding))


class Annotated:
    """A source of advisories whose findings say what is known besides.

    Implements `AdvisorySource`.
    """

    def __init__(self, source: AdvisorySource, read: Callable[[], Beside]) -> None:
        """Stand before `source`; what lies beside the advisories is read at the first question."""
        self.source = source
        self._read = read

    @property
    def name(self) -> str:
        """See `AdvisorySource.name`."""
        return self.source.name

    @property
    def info(self) -> ScannerInfo:
        """See `AdvisorySource.info`; it names the data on exploitation too."""
        info = self.source.info
        shown = self._read().exploitation.shown
        return replace(info, data=f"{info.data}; {shown}") if shown else info

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """See `AdvisorySource.query`."""
        beside = self._read()
        return [
            tuple(beside.annotated(package, finding) for finding in findings)
            for package, findings in zip(packages, self.source.query(packages), strict=True)
        ]

    def close(self) -> None:
        """See `AdvisorySource.close`."""
        self.source.close()


def is_beside(name: str) -> bool:
    """Whether a file of this name is none of the advisories but lies beside them."""
    return name == KEV_FILE or name.endswith(VEX_ENDING) or EPSS_FILE.fullmatch(name) is not None


def reader(advisories: Callable[[], Path | None], at_least: float) -> Callable[[], Beside]:
    """Give what reads the files once, for however many sources and threads ask.

    Args:
        advisories: gives the folder or zip, which may have to be fetched first; None for an API's,
            beside which nothing lies.
        at_least: see `read_exploitation`.
    """
    lock = threading.Lock()
    found: list[Beside] = []

    def read() -> Beside:
        with lock:
            if not found:
                found.append(read_beside(advisories(), at_least))
            return found[0]

    return read


def read_beside(advisories: Path | None, at_least: float) -> Beside:
    """Read what lies beside the advisories.

    Args:
        advisories: a folder or a zip; None for nothing.
        at_least: see `read_exploitation`.

    Raises:
        ScannerError: a file is there and can't be read, or is something else.
    """
    try:
        files = list(_files(advisories)) if advisories else []
    except (OSError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise ScannerError(
            f"What lies beside the advisories {advisories} can't be read: {error}."
        ) from error
    return Beside(read_exploitation(files, at_least), read_statements(files))


def _files(advisories: Path) -> Iterator[tuple[str, bytes]]:
    """Give the files by name: those in the zip first, and the newest forecast before others."""
    if advisories.is_file():
        with zipfile.ZipFile(advisories) as archive:
            for entry in sorted(archive.namelist(), reverse=True):
                if is_beside(name := entry.rpartition("/")[2]):
                    with archive.open(entry) as file:
                        yield name, _bounded(name, file.read(MAX_BYTES + 1))
    there = advisories.rglob("*") if advisories.is_dir() else advisories.parent.iterdir()
    for path in sorted(there, key=lambda path: path.name, reverse=True):
        if is_beside(path.name) and path.is_file():
            with path.open("rb") as file:
                yield path.name, _bounded(path.name, file.read(MAX_BYTES + 1))


def _bounded(name: str, content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise ScannerError(f"{name} is larger than {MAX_BYTES} bytes. Is it another file?")
    return content
