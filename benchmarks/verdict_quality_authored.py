"""Imitations of public incidents and honest look-alikes, by an author who has not seen the rules.

Usage: python -m benchmarks.verdict_quality_authored [FOLDER] [ADVISORIES]

Each is judged as a release of today. A takeover has an old release too, which is what the project's
index has to show; the others have no history. Only counts are printed.
"""

import base64
import hashlib
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import PROJECT, print_table
from benchmarks.scanners import ANY_AGE
from benchmarks.verdict_quality_packages import judging
from benchmarks.verdict_quality_requests import ADVISORIES, suspected
from package_gate.core.artifact import Artifact, ArtifactFile, Origin, RemoteFile, ResolvedPackage
from package_gate.core.decision import PackageDecision, Verdict
from package_gate.core.policy import HistoryRules, Policy
from tests.fakes.malware_corpus import as_archive

FOLDER = PROJECT / "benchmarks" / "data" / "authored"
YOUNG, OLD = timedelta(days=10), timedelta(days=400)


@dataclass(slots=True)
class TestIndex:
    """Has the releases of the samples; implements `History`."""

    now: datetime
    contents: dict[str, bytes] = field(default_factory=dict)
    """URL → the file there."""
    old: dict[str, ResolvedPackage] = field(default_factory=dict)

    def add(self, name: str, version: str, files: Any, age: timedelta) -> ResolvedPackage:
        """Publish a release of so many days ago."""
        filename, content = as_archive(files, name, version)
        url = f"https://samples.example/{name}/{filename}"
        self.contents[url] = content
        digest = hashlib.sha256(content).hexdigest()
        file = RemoteFile(filename, url, digest, len(content), self.now - age)
        return ResolvedPackage(name, version, Origin.PYPI, (file,))

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        """Write a file where the gate wants it."""
        path = folder / file.filename
        path.write_bytes(self.contents[file.url])
        artifact = Artifact(file.filename, file.sha256 or "", path.stat().st_size, file.url)
        return ArtifactFile(artifact, path)

    def precedent(
        self, name: str, version: str, files: Iterable[str], now: datetime, rules: HistoryRules
    ) -> ResolvedPackage | None:
        """See `History.precedent`."""
        return self.old.get(name)


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Give the samples by their file's name; files that are no text are decoded."""
    return {path.stem: tomllib.loads(path.read_text()) for path in sorted(folder.glob("*.toml"))}


def contents(sample: Mapping[str, Any]) -> dict[str, str | bytes]:
    """Give all files of a sample, or of its old release."""
    binary = {name: base64.b64decode(text) for name, text in sample.get("binary", {}).items()}
    return {**sample["files"], **binary}


def judge(samples: Mapping[str, Mapping[str, Any]], advisories: Path) -> list[PackageDecision]:
    """Judge each with the default policy."""
    index = TestIndex(datetime.now(UTC))
    packages = []
    for sample in samples.values():
        name = sample["name"]
        packages.append(index.add(name, sample["version"], contents(sample), YOUNG))
        if "old" in sample:
            old = contents(sample["old"])
            index.old[name] = index.add(name, sample["old"]["version"], old, OLD)
    with judging(index.fetch, Policy(advisories=ANY_AGE), advisories, index) as judged:
        return judged(packages)


def main(folder: Path, advisories: Path) -> int:
    """Measure and print."""
    rows = []
    hostile, honest = read(folder / "hostile"), read(folder / "honest")
    decisions = dict(zip(hostile, judge(hostile, advisories), strict=True))
    parts = {
        "hostile, runs by itself": [n for n, s in hostile.items() if s["runs"] != "called"],
        "hostile, waits to be called": [n for n, s in hostile.items() if s["runs"] == "called"],
        "hostile, takeovers of both kinds": [n for n, s in hostile.items() if "old" in s],
    }
    for title, names in parts.items():
        rows.append(_row(title, [decisions[name] for name in names]))
    rows.append(_row("honest look-alikes", judge(honest, advisories)))
    columns = ("set", "of", "refused by suspicion", "refused otherwise", "undecided")
    print_table("Samples of an author who has not seen the rules", columns, rows)
    return 0


def _row(title: str, decisions: list[PackageDecision]) -> tuple[str, ...]:
    caught = sum(bool(suspected([each])) for each in decisions)
    refused = sum(each.verdict is Verdict.REFUSED for each in decisions)
    undecided = sum(each.verdict is Verdict.UNDECIDED for each in decisions)
    share = f"{caught} ({caught / len(decisions):.0%})"
    return title, str(len(decisions)), share, str(refused - caught), str(undecided)


if __name__ == "__main__":
    given = [*map(Path, sys.argv[1:]), FOLDER, ADVISORIES]
    sys.exit(main(given[0], given[1] if len(sys.argv) > 2 else ADVISORIES))
