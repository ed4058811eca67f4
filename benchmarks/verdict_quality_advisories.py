"""Whether known vulnerable versions are flagged, and the versions with the fix are not.

The truth is what the advisory database says literally, without any comparison of versions of ours:
a version is affected because the record lists it by name in `affected[].versions`; a version is
unaffected because a range of the record names it as the one with the fix, and the record doesn't
list it. The gate matches by name, list and range, as it does in a run.
"""

import json
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from benchmarks.measure import print_table
from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.osv import OSV, OSVSettings

PAIRS = 300
SEED = 20241010


@dataclass(frozen=True, slots=True)
class Pair:
    """A vulnerable release."""

    advisory: str
    package: str
    affected: str
    """A version that the advisory lists."""
    fixed: str
    """The nearest later version that the advisory names as fixed; "" when it names none."""


def sample_pairs(snapshot: Path, count: int = PAIRS, seed: int = SEED) -> list[Pair]:
    """Pick advisories, then a version of each, by a fixed seed."""
    with zipfile.ZipFile(snapshot) as archive:
        records = [json.loads(archive.read(name)) for name in sorted(archive.namelist())]
    usable = [
        (record, affected)
        for record in records
        if not record.get("withdrawn")
        for affected in record["affected"]
        if affected.get("versions")
    ]
    chosen = random.Random(seed)
    return [
        _pair(record["id"], affected, chosen.choice(affected["versions"]))
        for record, affected in chosen.sample(usable, count)
    ]


def _pair(advisory: str, affected: dict[str, Any], version: str) -> Pair:
    fixes = sorted(set(_later_fixes(affected, version)), key=Version)
    return Pair(advisory, affected["package"]["name"], version, fixes[0] if fixes else "")


def _later_fixes(affected: dict[str, Any], version: str) -> Iterator[str]:
    for each in affected.get("ranges", ()):
        for event in each["events"] if each["type"] == "ECOSYSTEM" else ():
            fix = event.get("fixed")
            try:
                later = fix is not None and Version(fix) > Version(version)
            except InvalidVersion:
                continue
            if later and fix not in affected["versions"]:
                yield fix


def flagged(osv: OSV, package: str, version: str, advisory: str) -> bool:
    """Whether the gate's source reports this advisory for that release."""
    [findings] = osv.query([NamedPackage(canonicalize_name(package), version)])
    return any(advisory in (finding.rule, *finding.aliases) for finding in findings)


def measure_advisories(snapshot: Path) -> None:
    """Measure and print."""
    osv = OSV(OSVSettings(str(snapshot)))
    pairs = sample_pairs(snapshot)
    found = [pair for pair in pairs if flagged(osv, pair.package, pair.affected, pair.advisory)]
    fixed = [pair for pair in pairs if pair.fixed]
    wrongly = [pair for pair in fixed if flagged(osv, pair.package, pair.fixed, pair.advisory)]
    print_table(
        f"Known vulnerabilities, seed {SEED}",
        ("what", "versions", "flagged", "goal"),
        [
            ("listed as affected", str(len(pairs)), _share(found, pairs), "99 %"),
            ("named as the fix", str(len(fixed)), _share(wrongly, fixed), "0"),
        ],
    )
    for pair in pairs:
        if pair not in found:
            print(f"missed: {pair.package} {pair.affected}, {pair.advisory}")
    for pair in wrongly:
        print(f"wrongly flagged: {pair.package} {pair.fixed}, {pair.advisory}")


def _share(part: list[Pair], whole: list[Pair]) -> str:
    return f"{len(part)} ({len(part) / len(whole):.1%})"
