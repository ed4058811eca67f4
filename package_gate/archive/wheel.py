"""Checks a wheel as installers and indexes do, and should (PEP 427, PEP 376).

Indexes refuse wheels whose RECORD doesn't list the archive's files. Here the hashes must be right
too, because some installers believe RECORD and others the archive.
"""

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterator

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from package_gate.archive.compiled import check_purity
from package_gate.archive.installed import check_installed
from package_gate.archive.metadata import (
    check_identity,
    read_headers,
    read_start,
    same_name,
    same_version,
)
from package_gate.archive.placing import Placer
from package_gate.core.limits import MIB

_MAX_RECORD = 32 * MIB
_STRONG = ("sha256", "sha384", "sha512")


def check_wheel(filename: str, placer: Placer) -> None:
    """Compare a wheel's metadata with its file name and its files with RECORD."""
    try:
        name, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        placer.add("wrong-format", detail="its name is no wheel's")
        return
    top = placer.top_level()
    infos = sorted(folder for folder in top if folder.endswith(".dist-info"))
    if len(infos) != 1:
        placer.add("dist-info", detail=f"it has {len(infos)}")
        return
    info = infos[0]
    if not _is_of(info.removesuffix(".dist-info"), name, version):
        placer.add("dist-info", info, "of another name or version")
    if not check_identity(placer, f"{info}/METADATA", name, version):
        placer.add("metadata-missing", f"{info}/METADATA")
    _check_format_version(placer, f"{info}/WHEEL")
    _check_record(placer, info)
    data_folders = sorted(folder for folder in top if folder.endswith(".data"))
    for folder in data_folders:
        # pip takes any, uv only this one.
        if folder != f"{info.removesuffix('.dist-info')}.data":
            placer.add("data-folder", folder, f"not spelled like {info}")
    normal = canonicalize_name(name)
    check_purity(placer, (tag.platform for tag in tags), normal)
    check_installed(placer, info, data_folders, normal)


def _is_of(stem: str, name: str, version: Version) -> bool:
    """Whether `stem` is NAME-VERSION, normalised."""
    written, _, number = stem.rpartition("-")
    return same_name(written, name) and same_version(number.replace("_", "-"), version)


def _check_format_version(placer: Placer, path: str) -> None:
    headers = read_headers(placer, path)
    if headers is None:
        placer.add("metadata-missing", path)
        return
    versions = [str(value).strip() for value in headers.get_all("Wheel-Version", [])]
    if len(versions) != 1 or not re.fullmatch(r"1(\.[0-9]+)*", versions[0]):
        placer.add("wheel-version", path, ", ".join(versions[:3]) or "none")


def _check_record(placer: Placer, info: str) -> None:
    path = f"{info}/RECORD"
    unlisted = {path, f"{path}.jws", f"{path}.p7s"}
    if path not in placer.files:
        placer.add("metadata-missing", path)
        return
    if placer.files[path].size > _MAX_RECORD:
        placer.add("record-malformed", path, "too large")
        return
    seen: dict[str, tuple[str, str]] = {}
    try:
        for name, digest, size in _rows(placer, path):
            if seen.setdefault(name, (digest, size)) != (digest, size):
                placer.add("record-malformed", name, "two different lines for it")
            elif name in placer.files:
                if name not in unlisted:
                    _check_row(placer, name, digest, size)
            elif name not in unlisted:
                placer.add("record-missing-file", name)
    except (csv.Error, ValueError) as error:
        placer.add("record-malformed", path, str(error))
        return
    for name in placer.files:
        if name not in seen and name not in unlisted:
            placer.add("record-extra-file", name)


def _rows(placer: Placer, path: str) -> Iterator[tuple[str, str, str]]:
    """Read RECORD's lines: path, `ALGORITHM=DIGEST` and size.

    Raises:
        csv.Error: a line can't be read.
        ValueError: a line has not three fields, or is not UTF-8.
    """
    text = read_start(placer, path, _MAX_RECORD).decode("utf-8")
    for row in csv.reader(io.StringIO(text, newline=""), strict=True):
        if not row:
            continue
        if len(row) != 3:
            raise ValueError(f"{len(row)} fields in a line")
        yield row[0], row[1], row[2]


def _check_row(placer: Placer, name: str, written: str, size: str) -> None:
    file = placer.files[name]
    algorithm, _, digest = written.partition("=")
    if algorithm not in _STRONG:
        placer.add("record-weak", name, algorithm[:20] or "no hash")
    else:
        found = file.sha256 if algorithm == "sha256" else _digest(placer, name, algorithm)
        if base64.urlsafe_b64encode(found).decode().rstrip("=") != digest.rstrip("="):
            placer.add("record-mismatch", name, f"another {algorithm}")
            return
    if size and size != str(file.size):
        placer.add("record-mismatch", name, f"{file.size} bytes instead of {size[:20]}")


def _digest(placer: Placer, name: str, algorithm: str) -> bytes:
    digest = hashlib.new(algorithm)
    for piece in placer.tree.pieces(placer.base + tuple(name.split("/"))):
        digest.update(piece)
    return digest.digest()
