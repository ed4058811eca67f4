"""What differs between ecosystems, as facts: names, versions, and how advisories know a package.

Who adds an ecosystem adds a member to `Origin`, an `Ecosystem` to `ECOSYSTEMS`, a `Source` that
resolves its requests (`sources/interface.py`) and a part to each publisher. Everything else asks
`ecosystem_of` and never compares origins.
"""

from collections.abc import Callable
from dataclasses import dataclass

from packageurl import PackageURL
from packaging.utils import canonicalize_name, canonicalize_version

from package_gate.core.artifact import Origin


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """The rules of one ecosystem. Pure: no network, no files."""

    origin: Origin
    normalise_name: Callable[[str], str]
    """All spellings of a name → one; never fails."""
    normalise_version: Callable[[str], str]
    """All spellings of a version → one, for comparing; what is no version stays as it is."""
    osv_name: str
    """What OSV's `affected[].package.ecosystem` calls it; "" when advisories don't know its
    packages by name and version, so that what such a package holds and pins is looked up."""
    purl_type: str
    """https://github.com/package-url/purl-spec; "" when its packages have no purl."""
    named_by_digest: bool
    """Whether a version is known only once the one file is, because it follows from its digest
    (`digest_version`). Else the version is known beforehand, and versions stand side by side."""
    versions_grow: bool
    """Whether a version gets further files when notebooks of another kind need them, so that one
    decision covers more and more files. Else a version is exactly one set of files."""

    @property
    def looked_up_by_name(self) -> bool:
        """Whether advisories know a package of it by its name and version."""
        return bool(self.osv_name)

    def same_version(self, one: str, other: str) -> bool:
        """Whether both are spellings of one version."""
        return self.normalise_version(one) == self.normalise_version(other)

    def purl(self, name: str, version: str) -> str:
        """Give a package's purl, such as `pkg:pypi/idna@3.10`; "" when there is none."""
        if not self.purl_type:
            return ""
        return PackageURL(
            self.purl_type, name=self.normalise_name(name), version=version
        ).to_string()


PYPI = Ecosystem(
    origin=Origin.PYPI,
    normalise_name=canonicalize_name,  # PEP 503
    normalise_version=canonicalize_version,  # PEP 440
    osv_name="PyPI",
    purl_type="pypi",
    named_by_digest=False,
    versions_grow=True,
)
ARCHIVE = Ecosystem(
    origin=Origin.ARCHIVE,
    # Requesters choose these names; those that differ in their spelling only are taken for one.
    normalise_name=canonicalize_name,
    normalise_version=str,
    osv_name="",
    purl_type="",
    named_by_digest=True,
    versions_grow=False,
)
ECOSYSTEMS = {each.origin: each for each in (PYPI, ARCHIVE)}


def ecosystem_of(origin: Origin) -> Ecosystem:
    """Give the rules for packages of this origin."""
    return ECOSYSTEMS[origin]


def digest_version(sha256: str) -> str:
    """Make the version of a package that has none of its own from the digest of its file.

    Half of the digest: of less, somebody could make two archives that share a waiver.
    """
    return f"sha256-{sha256[:32]}"
