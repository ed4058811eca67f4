"""Core metadata: `METADATA` and `PKG-INFO`.

https://packaging.python.org/en/latest/specifications/core-metadata/. The fields are read by
`packaging.metadata`. Where one that should stand once is repeated, the first counts, as for pip and
`importlib.metadata`.
"""

from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

from packaging.metadata import RawMetadata, parse_email
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from package_gate.core.inventory import Licence
from package_gate.core.text import one_line
from package_gate.inventory.bounds import (
    LICENCE_CLASSIFIER,
    MAX_CLASSIFIERS,
    MAX_FIELD,
    MAX_LICENCE_FILES,
    MAX_LICENCE_TEXT,
    MAX_METADATA_BYTES,
    MAX_SPECIFIER,
    NAME,
    VERSION,
)
from package_gate.inventory.formats.items import FormatProblem

MAX_FIELD_NAMES = 200
"""Different field names in one file; `parse_email` looks through all fields for each of them."""
_MIME = ("content-type", "content-transfer-encoding", "mime-version")
"""Fields that make an email's parser read the description as something else than text."""


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
    metadata_version: str = ""
    """Printable ASCII without spaces."""
    dynamic: tuple[str, ...] = ()
    """The fields that a build may change (PEP 643)."""
    licence: Licence = field(default_factory=Licence)
    line: int | None = None
    """Where the name stands, from 1."""


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

    name, version = first("name").strip(), first("version").strip()
    metadata_version = first("metadata-version").strip()
    return CoreMetadata(
        name=name if NAME.fullmatch(name) else "",
        version=version if VERSION.fullmatch(version) else "",
        requires_python=str(specifiers(first("requires-python"))),
        requires=tuple(raw.get("requires_dist", ())),
        metadata_version=metadata_version if VERSION.fullmatch(metadata_version) else "",
        dynamic=tuple(raw.get("dynamic", ())),
        licence=_licence(raw, first("license")),
        line=_line_of_name(data),
    )


def _licence(raw: RawMetadata, text: str) -> Licence:
    classifiers = (each.strip() for each in raw.get("classifiers", ()))
    licences = [one_line(each) for each in classifiers if each.startswith(LICENCE_CLASSIFIER)]
    return Licence(
        expression=one_line(raw.get("license_expression", ""), MAX_FIELD),
        text=one_line(text[: 2 * MAX_LICENCE_TEXT], MAX_LICENCE_TEXT),
        classifiers=tuple(licences[:MAX_CLASSIFIERS]),
        files=tuple(one_line(each) for each in raw.get("license_files", ())[:MAX_LICENCE_FILES]),
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
