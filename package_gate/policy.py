"""InfoSec's policy: its file, its defaults, and what it makes of findings.

`load_policy` reads `scan-policy.toml`; `judge` is the only place where a verdict on a package is
made. Both are pure: no clock, no network, no environment.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

Threshold = Literal["info", "low", "medium", "high", "critical", "never"]
Positive = Annotated[int, msgspec.Meta(gt=0)]
MIB = 1024 * 1024


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the policy file; an unknown key in it is an error."""


class Refuse(_Section, frozen=True):
    """The lowest severity that refuses, by kind; `never` reports without refusing."""

    vulnerability: Threshold = "medium"
    malware: Threshold = "high"
    code: Threshold = "never"
    archive: Threshold = "low"
    scanners: dict[str, Threshold] = {}
    """A threshold for all findings of one scanner, in place of the one for their kind."""


class Cooldown(_Section, frozen=True):
    """How long a PyPI release must have been public."""

    days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 7


class Targets(_Section, frozen=True):
    """The notebooks that packages are resolved for."""

    python_versions: Annotated[list[str], msgspec.Meta(min_length=1)] = ["3.11", "3.12"]
    platforms: Annotated[list[str], msgspec.Meta(min_length=1)] = ["x86_64-manylinux_2_28"]
    """As uv's `--python-platform` names them."""


class Sources(_Section, frozen=True):
    """Where downloads may come from."""

    allowed_hosts: list[str] = []
    """Host names; `*.example.com` means every subdomain. Empty: every public host."""
    private_hosts: list[str] = []
    """Hosts that may have private or loopback addresses: internal mirrors."""


class Limits(_Section, frozen=True):
    """Sizes and times beyond which the gate stops; all of them are enforced while reading."""

    download_bytes: Positive = 2048 * MIB
    """One downloaded file."""
    download_seconds: Positive = 600
    """One download from first to last byte."""
    unpacked_bytes: Positive = 8192 * MIB
    """All files of one artifact, unpacked."""
    unpacked_file_bytes: Positive = 4096 * MIB
    """One file of it."""
    entries: Positive = 100_000
    """Files, folders and links in one archive."""
    ratio: Positive = 200
    """Unpacked to packed size of one archive; not applied below 10 MiB unpacked."""
    depth: Positive = 40
    """Folders within folders."""
    path_bytes: Positive = 1024
    """One path in an archive, in UTF-8."""
    scan_seconds: Positive = 300
    """One scanner on one package, by the clock."""
    scan_cpu_seconds: Positive = 300
    """One scanner on one package, processor time."""
    scan_memory_bytes: Positive = 4096 * MIB
    """One scanner process."""


class WaiverEntry(_Section, frozen=True):
    """A `[[waivers]]` table as written."""

    package: str
    finding: str
    expires: date
    approved_by: Annotated[str, msgspec.Meta(min_length=1)]
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    version: str = ""


class Policy(_Section, frozen=True):
    """The whole file. Every key has this default when it is missing."""

    refuse: Refuse = Refuse()
    unrated_vulnerability: Literal["info", "low", "medium", "high", "critical"] = "medium"
    """What an advisory without a severity counts as."""
    cooldown: Cooldown = Cooldown()
    targets: Targets = Targets()
    sources: Sources = Sources()
    limits: Limits = Limits()
    waivers: list[WaiverEntry] = []
    digest: str = ""
    """SHA-256 of the file; set by `load_policy`."""
