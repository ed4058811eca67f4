"""Core metadata: `METADATA` and `PKG-INFO`.

https://packaging.python.org/en/latest/specifications/core-metadata/. The fields are read by
`packaging.metadata`. Where one that should stand once is repeated, the first counts, as for pip and
`importlib.metadata`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

from packaging.metadata import parse_email
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from package_gate.core.inventory import Licence
from package_gate.core.patterns import PACKAGE_NAME, PACKAGE_VERSION
from package_gate.core.text import one_line
from package_gate.inventory.bounds import (
    LICENCE_CLASSIFIER,
    MAX_CLASSIFIERS,
    MAX_FIELD,
    MAX_LICENCE_FILES,
    MAX_LICENCE_TEXT,
    MAX_METADATA_BYTES,
    MAX_SPECIFIER,
    MAX_SUMMARY,
)
from package_gate.inventory.formats.items import FormatProblem

MAX_FIELD_NAMES = 200
"""Different field names in one file; `parse_email` looks through all fields for each of them."""
_MIME = ("content-type", "content-transfer-encoding", "mime-version")
"""Fields that make an email's parser read the description as something else than text."""
_LAST_PATCH = 99
"""A patch release of Python that no upper bound is meant to leave out."""


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """What a distribution says of itself; what is missing or malformed is "" or empty."""

    name: str = ""
    """As written, with the form of a project name (PEP 508)."""
    version: str = ""
    """As written; printable ASCII without spaces."""
    requires_python: str = ""
    """A valid specifier."""
    requires: tuple[str, ...] = ()
    """As written, however many and long; so is `dynamic`."""
    summary: str = ""
    """One printable line."""
    metadata_version: str = ""
    """Printable ASCII without spaces."""
    dynamic: tuple[str, ...] = ()
    """The fields that a build may change (PEP 643)."""
    licence: Licence = field(default_factory=Licence)
    line: int | None = None
    """Where the name stands, from 1."""

    @property
    def requires_may_change(self) -> bool:
        """Whether a build of this source may add to `requires`, which PEP 643 can forbid."""
        try:
            fixed = Version(self.metadata_version or "1.0") >= Version("2.2")
        except InvalidVersion:
            fixed = False
        return not fixed or "requires-dist" in {each.lower() for each in self.dynamic}


def read_core_metadata(data: bytes) -> CoreMetadata | FormatProblem:
    """Read the content of a `METADATA` or `PKG-INFO` file."""
    if len(data) > MAX_METADATA_BYTES:
        return FormatProblem(f"It has more than {MAX_METADATA_BYTES} bytes.")
    keys = set(BytesHeaderParser().parsebytes(data))
    if len(keys) > MAX_FIELD_NAMES:
        return FormatProblem(f"It has more than {MAX_FIELD_NAMES} different fields.")
    if mime := {key.lower() for key in keys}.intersection(_MIME):
        return FormatProblem(f"It has the field {min(mime)}, which core metadata does not have.")
    raw, unparsed = parse_email(data)

    def first(name: str) -> str:
        value = raw.get(name.replace("-", "_"))
        return value if isinstance(value, str) else next(iter(unparsed.get(name, ())), "")

    metadata_version = first("metadata-version").strip()
    return CoreMetadata(
        name=sound_name(first("name")),
        version=sound_version(first("version")),
        requires_python=str(specifiers(first("requires-python"))),
        requires=tuple(raw.get("requires_dist", ())),
        summary=one_line(first("summary"), MAX_SUMMARY),
        metadata_version=metadata_version if PACKAGE_VERSION.fullmatch(metadata_version) else "",
        dynamic=tuple(raw.get("dynamic", ())),
        licence=shortened_licence(
            raw.get("license_expression", ""),
            first("license"),
            raw.get("classifiers", ()),
            raw.get("license_files", ()),
        ),
        line=_line_of_name(data),
    )


def sound_name(written: str) -> str:
    """Give a name that has the form of one (PEP 508), or ""."""
    return name if PACKAGE_NAME.fullmatch(name := written.strip()) else ""


def sound_version(written: str) -> str:
    """Give a version that could be one: printable ASCII without spaces; or ""."""
    return version if PACKAGE_VERSION.fullmatch(version := written.strip()) else ""


def shortened_licence(
    expression: str, text: str, classifiers: Sequence[str], files: Sequence[str]
) -> Licence:
    """Make what is written about a licence fit for an inventory.

    Args:
        expression: an SPDX expression, or "".
        text: what else is written, be it the whole text.
        classifiers: all of them; those about the licence count.
        files: paths or patterns of licence files.
    """
    stripped = (each.strip() for each in classifiers)
    licences = [one_line(each) for each in stripped if each.startswith(LICENCE_CLASSIFIER)]
    return Licence(
        expression=one_line(expression, MAX_FIELD),
        text=one_line(text[: 2 * MAX_LICENCE_TEXT], MAX_LICENCE_TEXT),
        classifiers=tuple(licences[:MAX_CLASSIFIERS]),
        files=tuple(one_line(each) for each in files[:MAX_LICENCE_FILES]),
    )


def _line_of_name(data: bytes) -> int | None:
    for number, line in enumerate(data.splitlines(), start=1):
        if line[:5].lower() == b"name:":
            return number
        if not line.strip():
            break
    return None


def specifiers(text: str) -> SpecifierSet:
    """Read a `Requires-Python`; one that can't be read, or is absurdly long, asks for nothing."""
    try:
        return SpecifierSet(text if len(text) <= MAX_SPECIFIER else "")
    except InvalidSpecifier:
        return SpecifierSet()


def takes_all_of(requires: SpecifierSet, python: str) -> bool:
    """Whether a `Requires-Python` has no upper bound that leaves this minor version out.

    Args:
        requires: the whole of it; only its upper bounds count here.
        python: such as `3.11`, which stands for all of its patch releases.
    """
    return requires.contains(f"{python}.{_LAST_PATCH}", prereleases=True)
