"""An sdist's static metadata, read from the archive without unpacking or running anything.

`stand_in` writes what was read as a wheel without content, so that uv can go on resolving where a
release has no wheel: uv itself refuses every sdist when building is off, whatever its metadata.
"""

import gzip
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from package_gate.core.errors import SourceError
from package_gate.core.text import printable
from package_gate.inventory.formats.core_metadata import read_core_metadata
from package_gate.inventory.formats.items import FormatProblem

MAX_UNPACKED = 1024 * 1024 * 1024
"""Bytes of a tar that are read in search of its metadata."""
MAX_MEMBERS = 100_000
MAX_FILE = 1024 * 1024
"""Bytes of one metadata file."""
MAX_REQUIREMENT = 10_000
"""Characters of one dependency; parsing takes time, and brackets the stack."""
MAX_ZIP = 16 * 1024 * 1024
"""Bytes of a zip: its directory is read into memory as a whole. PEP 625 knows only `.tar.gz`."""

_Stream = IO[bytes] | gzip.GzipFile
_BLOCK = tarfile.BLOCKSIZE
_PKG_INFO = re.compile(r"[^/]+/PKG-INFO")
_REQUIRES_TXT = re.compile(r"[^/]+/(?:src/)?[^/]+\.egg-info/requires\.txt")


@dataclass(frozen=True, slots=True)
class SdistMetadata:
    """What an sdist says of itself."""

    requires: tuple[Requirement, ...]
    """Its dependencies, as declared."""
    known: bool
    """Whether a build can't change them (PEP 643)."""
    requires_python: SpecifierSet
    left_out: tuple[str, ...] = ()
    """Declared dependencies that can't be resolved from an index, as written."""


def read_sdist(path: Path, name: str, version: Version) -> SdistMetadata:
    """Read the metadata of a downloaded `.tar.gz` or `.zip`.

    Dependencies are known for certain when PKG-INFO has Metadata-Version 2.2 or newer and doesn't
    call Requires-Dist dynamic (PEP 643). Otherwise they are what PKG-INFO and setuptools'
    `*.egg-info/requires.txt` declare.

    Raises:
        SourceError: it is broken, too large, or of another release.
    """
    try:
        found = _metadata_files(path)
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, zipfile.BadZipFile,
            NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise SourceError(
            f"the sdist {path.name} can't be read ({printable(str(error))}); "
            "ask for a release that has wheels"
        ) from error
    core = found.get("PKG-INFO")
    if core is None:
        raise SourceError(f"the sdist {path.name} has no PKG-INFO; ask for a release with wheels")
    return _read_metadata(core, found.get("requires.txt", b""), path.name, (name, version))


def stand_in(folder: Path, name: str, version: Version, metadata: SdistMetadata) -> Path:
    """Write a wheel that has only these dependencies and no content; returns its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    extras = {
        extra
        for requirement in metadata.requires
        for extra in re.findall(r'extra == "([A-Za-z0-9._-]+)"', str(requirement.marker or ""))
    }
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if metadata.requires_python:
        lines.append(f"Requires-Python: {metadata.requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
    lines += [f"Requires-Dist: {requirement}" for requirement in metadata.requires]
    files = {
        "METADATA": "\n".join([*lines, ""]),
        "WHEEL": "Wheel-Version: 1.0\nGenerator: package-gate\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        "RECORD": "",
    }
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for filename, text in files.items():
            archive.writestr(f"{stem}.dist-info/{filename}", text)
    return path


def _metadata_files(path: Path) -> dict[str, bytes]:
    """Collect PKG-INFO and requires.txt, by these names; the first of each counts."""
    found: dict[str, bytes] = {}
    if path.name.endswith(".zip"):
        if path.stat().st_size > MAX_ZIP:
            raise ValueError(f"a zip of more than {MAX_ZIP} bytes")
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                # Thousands of entries may bear the name; the first one counts.
                if (kind := _kind(entry.filename)) and kind not in found:
                    with archive.open(entry) as member:
                        found[kind] = _read(member, MAX_FILE + 1)
    else:
        with gzip.open(path, "rb") as stream:
            for kind, content in _tar_members(stream):
                found.setdefault(kind, content)
                if len(found) == 2:
                    break
    if any(len(content) > MAX_FILE for content in found.values()):
        raise ValueError(f"a metadata file of more than {MAX_FILE} bytes")
    return found


def _kind(path: str) -> str:
    if _PKG_INFO.fullmatch(path):
        return "PKG-INFO"
    return "requires.txt" if _REQUIRES_TXT.fullmatch(path) else ""


def _tar_members(stream: _Stream) -> Iterator[tuple[str, bytes]]:
    """Walk a tar's headers and give the metadata files.

    `tarfile` would read extended headers and sparse maps of any size into memory. The files looked
    for have plain headers, so everything else is skipped by its size.
    """
    total = 0
    for _ in range(MAX_MEMBERS):
        block = _read(stream, _BLOCK)
        if not block.strip(b"\0"):
            return
        header = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        padded = -(-header.size // _BLOCK) * _BLOCK
        total += _BLOCK + padded
        if header.size < 0 or total > MAX_UNPACKED or header.type == tarfile.GNUTYPE_SPARSE:
            raise ValueError("larger than an sdist should be, or sparse")
        kind = _kind(header.name.removeprefix("./")) if header.isreg() else ""
        if kind and header.size <= MAX_FILE:
            yield kind, _read(stream, padded)[: header.size]
        else:
            left = padded
            while left:
                skipped = len(stream.read(min(left, 1024 * 1024)))
                if not skipped:
                    raise EOFError("cut short")
                left -= skipped
    raise ValueError(f"more than {MAX_MEMBERS} entries")


def _read(stream: _Stream, size: int) -> bytes:
    """Read until `size` bytes or the end."""
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _read_metadata(
    core: bytes, requires_txt: bytes, filename: str, release: tuple[str, Version]
) -> SdistMetadata:
    metadata = read_core_metadata(core)
    if isinstance(metadata, FormatProblem):
        raise SourceError(
            f"the metadata of the sdist {filename} can't be read ({metadata.text}); ask for a "
            "release that has wheels"
        )
    said: tuple[str, Version]
    try:
        said = (canonicalize_name(metadata.name), Version(metadata.version))
        newest = Version(metadata.metadata_version or "1.0") >= Version("2.2")
    except ValueError:  # no version, or one of thousands of digits
        said, newest = ("", Version("0")), False
    if said != release:
        raise SourceError(
            f"the metadata of the sdist {filename} is of another release; ask the index's owner"
        )
    dynamic = {entry.lower() for entry in metadata.dynamic}
    known = newest and "requires-dist" not in dynamic
    declared = list(metadata.requires)
    if not known:
        declared += _from_requires_txt(requires_txt.decode("utf-8", "replace"))
    requires, left_out = _requirements(declared)
    python = SpecifierSet(metadata.requires_python)
    return SdistMetadata(requires, known and not left_out, python, left_out)


def _requirements(
    declared: Iterable[str],
) -> tuple[tuple[Requirement, ...], tuple[str, ...]]:
    """Split into requirements and those that no index can serve."""
    requires: dict[str, Requirement] = {}
    left_out: list[str] = []
    for text in declared:
        try:
            requirement = Requirement(text) if len(text) <= MAX_REQUIREMENT else None
        except (InvalidRequirement, RecursionError):
            requirement = None
        # What is written anew here must not become a second line of metadata.
        if requirement is None or requirement.url or not str(requirement).isprintable():
            left_out.append(printable(text))
        else:
            requires.setdefault(str(requirement), requirement)
    return tuple(requires.values()), tuple(dict.fromkeys(left_out))


def _from_requires_txt(text: str) -> Iterator[str]:
    """Turn setuptools' `requires.txt` into Requires-Dist lines.

    Sections are `[EXTRA]`, `[:MARKER]` or `[EXTRA:MARKER]`. See
    https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html#requires-txt.
    """
    markers: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            markers = [f"({marker})"] if marker else []
            markers += [f'extra == "{extra}"'] if extra else []
        elif line and not line.startswith("#"):
            yield f"{line} ; {' and '.join(markers)}" if markers else line
