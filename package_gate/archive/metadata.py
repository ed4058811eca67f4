"""Reads a package's metadata files as they lie in the tree (core metadata, PEP 566 and after)."""

from email.message import Message
from email.parser import BytesHeaderParser

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from package_gate.archive.placing import Placer
from package_gate.core.limits import MIB

_MAX_HEADERS = MIB
"""Bytes of a metadata file that are looked at; the headers come first."""

_MAX_VERSION = 255
"""Characters."""


def read_start(placer: Placer, path: str, most: int = _MAX_HEADERS) -> bytes:
    """Read at most so many first bytes of a file that was unpacked."""
    with placer.tree.open(placer.base + tuple(path.split("/"))) as file:
        return file.read(most)


def read_headers(placer: Placer, path: str) -> Message | None:
    """Parse `Key: value` lines as pip does; None when there is no such file."""
    if path not in placer.files and path not in placer.copies:
        return None
    return BytesHeaderParser().parsebytes(read_start(placer, path))


def check_identity(placer: Placer, path: str, name: str, version: Version) -> bool:
    """Compare the metadata in `path` with the name and version of the file name.

    False when there is no such file.
    """
    headers = read_headers(placer, path)
    if headers is None:
        return False
    for key in ("Name", "Version"):
        values = [str(value) for value in headers.get_all(key, [])]
        if len(values) != 1:
            placer.add("metadata-ambiguous", path, f"{len(values)} times {key}")
        for value in values:
            same = same_name(value, name) if key == "Name" else same_version(value, version)
            if not same:
                placer.add("metadata-mismatch", path, f"{key} {value}")
    return True


def same_name(written: str, name: str) -> bool:
    """Whether two project names are the same once normalised (PEP 503)."""
    return canonicalize_name(written.strip()) == canonicalize_name(name)


def same_version(written: str, version: Version) -> bool:
    """Whether `written` is that version (PEP 440); `1.0` and `1.0.0` are the same."""
    try:
        # None that stands in a file name is longer; parsing a megabyte of digits takes a second.
        return len(written) <= _MAX_VERSION and Version(written) == version
    except InvalidVersion:
        return False
