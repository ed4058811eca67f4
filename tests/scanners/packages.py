"""Packages to scan, made of text."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from package_gate.core.artifact import Artifact, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.finding import Severity
from package_gate.scanners.behaviour.scanner import BehaviourScanner


def package(
    folder: Path,
    files: Mapping[str, str | bytes] | None = None,
    *,
    name: str = "sample",
    filename: str = "sample-1.0-py3-none-any.whl",
) -> UnpackedPackage:
    """Write files as the unpacked tree of a package with one artifact."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    for path, content in (files or {}).items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    downloaded = folder / filename
    downloaded.write_bytes(b"as downloaded")
    artifact = Artifact(filename, "0" * 64, downloaded.stat().st_size)
    unpacked = UnpackedArtifact(artifact, str(downloaded), str(tree))
    return UnpackedPackage(name, "1.0", Origin.PYPI, (unpacked,))


def refusing_rules(
    behaviour: BehaviourScanner, folder: Path, files: Mapping[str, str | bytes]
) -> set[str]:
    """Name the rules of `behaviour` that refuse these files in a young project."""
    found = behaviour.scan(package(folder, files))
    return {each.rule for each in found if (each.severity or Severity.HIGH) >= Severity.MEDIUM}


def package_of(*targets: UnpackedPackage) -> UnpackedPackage:
    """Make one package of several, with all their artifacts."""
    artifacts = tuple(artifact for target in targets for artifact in target.artifacts)
    return replace(targets[0], artifacts=artifacts)
