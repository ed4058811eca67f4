"""The harmless samples of malware, through the gate as the archives that they would be."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from benchmarks.scanners import LATELY
from benchmarks.verdict_quality_packages import judging, resolved
from package_gate.core.artifact import Artifact, ArtifactFile, RemoteFile
from package_gate.core.decision import PackageDecision
from package_gate.core.policy import Policy
from tests.fakes.malware_corpus import Files, as_archive


def judge_samples(
    samples: Mapping[str, Files], policy: Policy, advisories: Path
) -> dict[str, PackageDecision]:
    """Give the gate's decision on each sample, by its name."""
    contents: dict[str, bytes] = {}

    def fetch(file: RemoteFile, folder: Path) -> ArtifactFile:
        path = folder / file.filename
        path.write_bytes(contents[file.url])
        size = path.stat().st_size
        return ArtifactFile(
            Artifact(file.filename, file.sha256 or "", size, file.url, file.uploaded), path
        )

    packages = []
    for number, files in enumerate(samples.values()):
        filename, content = as_archive(files)
        url = f"https://samples.example/{number}/{filename}"
        contents[url] = content
        digest = hashlib.sha256(content).hexdigest()
        packages.append(
            resolved("sample", "1.0", [RemoteFile(filename, url, digest, len(content), LATELY)])
        )
    with judging(fetch, policy, advisories) as judge:
        return dict(zip(samples, judge(packages), strict=True))
