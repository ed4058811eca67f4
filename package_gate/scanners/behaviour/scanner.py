"""The `behaviour` scanner: malware, by what code does that runs by itself.

Rules that look for words miss what is spelled in another way, and find what honest packages do in
functions. This follows the data, in the code that runs when a package is installed or imported, or
when Python starts. Nothing of a package is run for that.
"""

import gc
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from package_gate.core.artifact import UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import (
    MAX_LOCATIONS,
    Finding,
    Kind,
    Location,
    ScannerInfo,
    Severity,
    quoted,
)
from package_gate.core.limits import Limits
from package_gate.core.syntax import deep_recursion
from package_gate.core.text import printable
from package_gate.inventory.once import Once
from package_gate.inventory.running.files import RunningFiles
from package_gate.sandbox.progress import note_file
from package_gate.scanners import versions
from package_gate.scanners.behaviour import LOOK, NAME, NEWS, RULES
from package_gate.scanners.behaviour.build_settings import of_build_settings
from package_gate.scanners.behaviour.candidates import MAX_FILE_BYTES, CandidateRules
from package_gate.scanners.behaviour.compiled_sources import of_compiled_sources
from package_gate.scanners.behaviour.data_files import of_data_files
from package_gate.scanners.behaviour.package import PackageBehaviour, Seen
from package_gate.scanners.behaviour.rules import Behaviour, counts_where_new

_BY_ITSELF = " This runs by itself, on installation, on import or when Python starts."
_WHEN_CALLED = " This waits for somebody to call it."


class BehaviourScanner:
    """Looks at the modules of a package, as far as they run by themselves."""

    def __init__(self, limits: Limits) -> None:
        self._candidates = CandidateRules(limits.scan_seconds)
        self.info = ScannerInfo(NAME, versions.BEHAVIOUR, data=f"{len(RULES)} rules of the gate")

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Report what each artifact's code does by itself, all places of a rule together.

        Raises:
            ScannerError: YARA failed, or a file can't be read.
        """
        artifacts = len(target.artifacts)
        candidates: Once[frozenset[str]] = Once(artifacts)
        seen = Seen.nothing(artifacts)
        for number, artifact in enumerate(target.artifacts):
            if number:
                # What is known of modules refers to itself, and would stand beside the next one's.
                gc.collect()
            try:
                yield from self._scan_tree(artifact, candidates, seen)
            except OSError as error:
                raise ScannerError(f"can't read {artifact.artifact.filename}: {error}") from error

    def _scan_tree(
        self, artifact: UnpackedArtifact, once: Once[frozenset[str]], seen: Seen
    ) -> Iterator[Finding]:
        tree, filename = Path(artifact.tree), artifact.artifact.filename
        running = RunningFiles(tree, filename)
        candidates = self._candidates.scan(tree, running, once)
        if candidates.too_large:
            yield _too_large(candidates.too_large, filename)
        package = PackageBehaviour(tree, running, seen)
        places: dict[tuple[str, bool], list[tuple[str, Behaviour]]] = {}
        with deep_recursion():
            for path in candidates.paths:
                note_file(path)
                for each in package.of(path):
                    places.setdefault((each.rule, each.waits), []).append((path, each))
            for path in candidates.data:
                note_file(path)
                for each in package.of_data(path):
                    places.setdefault((each.rule, each.waits), []).append((path, each))
        for path, each in of_data_files(tree):
            places.setdefault((each.rule, each.waits), []).append((path, each))
        if not filename.endswith(".whl"):
            of_builds = (of_build_settings(tree, package.own), of_compiled_sources(tree))
            for path, each in chain(*of_builds):
                places.setdefault((each.rule, each.waits), []).append((path, each))
        for (rule, waits), behaving in places.items():
            for first in range(0, len(behaving), MAX_LOCATIONS):
                shown = behaving[first : first + MAX_LOCATIONS]
                yield _finding(rule, shown, filename, waits=waits)


def _finding(
    rule: str, behaving: list[tuple[str, Behaviour]], filename: str, *, waits: bool
) -> Finding:
    places = tuple(
        Location(printable(path, 1024), each.line, each.code, each.fingerprint)
        for path, each in behaving
    )
    code = quoted(places)
    says = f"{RULES[rule]}: {code}." if code else f"{RULES[rule]}."
    is_news = rule in NEWS
    when = _WHEN_CALLED if waits else _BY_ITSELF
    severity = Severity.MEDIUM if waits else Severity.HIGH
    if counts_where_new(rule, waits=waits):
        severity, waits = Severity.LOW, True
    return Finding(
        scanner=NAME,
        rule=rule,
        kind=Kind.MALWARE,
        severity=Severity.INFO if is_news else severity,
        message=says if is_news else f"Suspicious: {says[0].lower()}{says[1:]}{when}",
        recommendation="" if is_news else f"Look at these lines: {LOOK[rule]}.",
        artifact=filename,
        locations=places,
        count=len(behaving),
        waits=waits,
    )


def _too_large(paths: tuple[str, ...], filename: str) -> Finding:
    return Finding(
        scanner=NAME,
        rule="file-too-large",
        kind=Kind.MALWARE,
        # Source code of this size hides something, if only from scanners.
        severity=Severity.HIGH,
        message=f"Python files of more than {MAX_FILE_BYTES // 2**20} MiB were not looked at.",
        recommendation="Look at them by hand.",
        artifact=filename,
        locations=tuple(Location(printable(path, 1024)) for path in paths[:MAX_LOCATIONS]),
        count=len(paths),
    )
