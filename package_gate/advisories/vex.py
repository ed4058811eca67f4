"""What suppliers say of vulnerabilities in their packages: OpenVEX, read as a suggestion only.

Nothing is waived by it: a finding names the statement, and InfoSec decides whether to write a
waiver. https://github.com/openvex/spec
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec
from packageurl import PackageURL

from package_gate.advisories.interface import NamedPackage
from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind
from package_gate.core.text import one_line

VEX_ENDING = ".openvex.json"
HARMLESS = {"not_affected": "is not affected", "fixed": "has it fixed"}
"""The statuses that speak for a package, in words."""
_MAX_SAID = 300


class _Vulnerability(msgspec.Struct):
    name: str = ""
    aliases: list[str] = []


class _Product(msgspec.Struct):
    id: str = msgspec.field(name="@id", default="")
    identifiers: dict[str, str] = {}


class _Statement(msgspec.Struct):
    status: str
    vulnerability: _Vulnerability | str
    products: list[_Product | str] = []
    justification: str = ""
    impact_statement: str = ""


class _Document(msgspec.Struct):
    context: str = msgspec.field(name="@context")
    author: str
    statements: list[_Statement]


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements by the normalised name of the package and the id of the vulnerability."""

    known: dict[tuple[str, str], list[tuple[str, str]]]
    """To each the version ("" for all) and what is said."""

    def suggested(self, package: NamedPackage, finding: Finding) -> Finding:
        """Say of a vulnerability that somebody says it does no harm, if so."""
        if finding.kind is not Kind.VULNERABILITY or not self.known:
            return finding
        said = dict.fromkeys(
            text
            for name in (finding.rule, *finding.aliases)
            for version, text in self.known.get((package.name, name), ())
            if not version or PYPI.same_version(version, package.version)
        )
        if not said:
            return finding
        return replace(finding, recommendation=" ".join([finding.recommendation, *said]).strip())


def read_statements(files: Iterable[tuple[str, bytes]]) -> Statements:
    """Read all OpenVEX documents among files, given by name and content.

    Raises:
        ScannerError: one is something else.
    """
    known: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, content in files:
        if name.endswith(VEX_ENDING):
            for package, vulnerability, version, said in _statements(name, content):
                known.setdefault((package, vulnerability), []).append((version, said))
    return Statements(known)


def _statements(name: str, content: bytes) -> Iterable[tuple[str, str, str, str]]:
    try:
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ScannerError(f"{one_line(name)} is no OpenVEX document: {error}.") from error
    if not document.context.startswith("https://openvex.dev/ns"):
        raise ScannerError(f"{one_line(name)} is no OpenVEX document, by its context.")
    for statement in document.statements:
        if statement.status not in HARMLESS:
            continue
        why = statement.justification.replace("_", " ") or statement.impact_statement
        said = one_line(
            f"{document.author} says in {name} that it {HARMLESS[statement.status]}"
            + (f": {why}" if why else ""),
            _MAX_SAID,
        )
        about = statement.vulnerability
        ids = [about] if isinstance(about, str) else [about.name, *about.aliases]
        for product in statement.products:
            if found := _package(product):
                for each in ids:
                    yield found[0], each, found[1], f"{said}. Read it before you waive."


def _package(product: _Product | str) -> tuple[str, str] | None:
    """Give the name and version of a PyPI package; None for anything else."""
    text = product if isinstance(product, str) else product.identifiers.get("purl") or product.id
    try:
        purl = PackageURL.from_string(text)
    except ValueError:
        return None
    if purl.type != "pypi":
        return None
    return PYPI.normalise_name(purl.name), purl.version or ""
