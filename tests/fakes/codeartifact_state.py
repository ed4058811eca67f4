"""What a CodeArtifact repository holds: packages, their versions, and the versions' files."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

Result = dict[str, Any]


@dataclass
class Asset:
    """One file of a version."""

    name: str
    path: Path
    size: int
    hashes: dict[str, str]

    @classmethod
    def of_file(cls, name: str, path: Path) -> Self:
        """Hash a file."""
        algorithms = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}
        digests = {key: hashlib.new(name) for key, name in algorithms.items()}
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                for digest in digests.values():
                    digest.update(piece)
        hashes = {key: digest.hexdigest() for key, digest in digests.items()}
        return cls(name, path, path.stat().st_size, hashes)

    def summary(self) -> Result:
        """As the API writes it."""
        return {"name": self.name, "size": self.size, "hashes": dict(self.hashes)}


@dataclass
class Version:
    """One version of a package."""

    version: str
    status: str
    assets: dict[str, Asset] = field(default_factory=dict)
    published: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def revision(self) -> str:
        """Another one for each set of assets."""
        text = "\n".join(sorted(f"{a.name} {a.hashes['SHA-256']}" for a in self.assets.values()))
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@dataclass(frozen=True)
class PackageKey:
    """Where a package is."""

    domain: str
    repository: str
    format: str
    namespace: str
    package: str
