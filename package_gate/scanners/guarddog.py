"""The `guarddog` scanner: malware, by GuardDog's rules.

GuardDog (https://github.com/DataDog/guarddog) matches YARA rules against source files, combines
what they find to risks, and gives the whole a score from 0 to 10. It is used as a library: its
rules and its risk engine, without its command line, its downloads and its metadata rules, which
need the network. What its rules miss, because they look for words, the scanner `behaviour` finds by
following the data.
"""

import ast
import importlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from package_gate.core.artifact import UnpackedArtifact, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import MAX_LOCATIONS, Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.import_time import STARTED, reach_of, running_code, running_nodes
from package_gate.core.limits import Limits
from package_gate.core.module_graph import ModuleGraph
from package_gate.core.source import read_source
from package_gate.core.syntax import NotPythonError, TooHardError, deep_recursion, parse
from package_gate.core.text import one_line, printable
from package_gate.inventory.once import Once
from package_gate.inventory.running.build_reach import waits
from package_gate.inventory.running.files import RunningFiles, Runs
from package_gate.sandbox.progress import note_file
from package_gate.scanners import versions
from package_gate.scanners.behaviour.dataflow import Flow
from package_gate.scanners.behaviour.fingerprints import (
    Fingerprints,
    graph_of,
    occasion,
    of_whole_file,
)
from package_gate.scanners.behaviour.rules import Behaviour, Sink
from package_gate.scanners.guarddog_rules import (
    MAX_FILE_BYTES,
    Hit,
    Matches,
    RuleSet,
    TreeScan,
)

NAME = "guarddog"
HIGH_RISK = 7.0
"""GuardDog's own border between "suspicious" and "high risk"."""
SUSPICIOUS = 5.0
"""GuardDog's own border between "low" and "suspicious"."""

_USUAL_IN_SETUP = {
    "threat-process-download-exec",
    "threat-setup-network-in-install",
    "threat-setup-suspicious-imports",
}
"""Rules that match many an honest `setup.py`, which looks for compilers, fetches sources, or quotes
a readme: there they are no evidence, however many match. The scanner `behaviour` knows what such a
file does.
"""

_BY_ITSELF = " This runs by itself, on installation, on import or when Python starts."
_READ_FIRST = "Look at these lines: what is run, fetched or sent there, and whether it has to be."
_REFERENCES = ("https://github.com/DataDog/guarddog",)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of a package's files, since its artifacts have many in common."""

    rules: Once[Matches]
    running: Once[dict[str, list[Hit]]]


class GuardDog:
    """Scans with rules that are compiled once."""

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.scan_seconds
        self._rules = RuleSet()
        self._engine = importlib.import_module("guarddog.analyzer.risk_engine")
        self.info = ScannerInfo(NAME, versions.guarddog(), data=f"{len(self._rules.rules)} rules")

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Report the rules that matched in each artifact, and the artifact's score.

        Raises:
            ScannerError: a rule failed, or a file can't be read.
        """
        artifacts = len(target.artifacts)
        seen = _Seen(Once(artifacts), Once(artifacts))
        for artifact in target.artifacts:
            try:
                with deep_recursion():
                    found = list(self._scan_tree(artifact, seen))
                yield from found
            except OSError as error:
                raise ScannerError(f"can't read {artifact.artifact.filename}: {error}") from error

    def _scan_tree(self, artifact: UnpackedArtifact, seen: _Seen) -> Iterator[Finding]:
        filename = artifact.artifact.filename
        files = RunningFiles(Path(artifact.tree), filename)
        found = self._rules.scan(Path(artifact.tree), self._seconds, seen.rules, files.scripts)
        yield from _too_large(found, filename)
        risks = self._risks(found.hits)
        score = self._engine.calculate_risk_score(risks)
        if score.score > 0:
            yield _score_finding(score, filename)
        running = self._running(found, artifact, files, seen.running)
        identify = _Identify(artifact, files)
        for rule_id in self._rules.rules:
            # A capability, such as opening files, is no news by itself.
            if (found.hits[rule_id] or rule_id in running) and self._is_threat(rule_id):
                of_rule = [risk for risk in risks if risk.threat_finding.rule_name == rule_id]
                yield from self._of_rule(
                    rule_id, found.hits[rule_id], running.get(rule_id, []), of_rule, identify
                )

    def _is_threat(self, rule_id: str) -> bool:
        return str(self._rules.rules[rule_id].identifies).startswith("threat.")

    def _risks(self, hits: dict[str, list[Hit]]) -> list[Any]:
        """Let GuardDog's engine combine hits to risks, as its `Analyzer` does."""
        level, findings = self._engine.Level, []
        for rule_id, hits_of_rule in hits.items():
            rule = self._rules.rules[rule_id]
            if not rule.identifies or not self._engine.validate_identifies(rule.identifies):
                continue
            findings += [
                self._engine.Finding(
                    rule_name=rule_id,
                    file_path=hit.path,
                    identifies=rule.identifies,
                    severity=level(rule.severity or "medium"),
                    mitre_tactics=rule.mitre_tactics or [],
                    specificity=level(rule.specificity or "medium"),
                    sophistication=level(rule.sophistication or "medium"),
                    max_hits=rule.max_hits,
                    location=hit,
                )
                for hit in hits_of_rule
            ]
        risks: list[Any] = self._engine.form_risks_from_findings(findings)
        return risks

    def _running(
        self,
        found: TreeScan,
        artifact: UnpackedArtifact,
        files: RunningFiles,
        once: Once[dict[str, list[Hit]]],
    ) -> dict[str, list[Hit]]:
        """Find the strong threats in code that runs by itself, by rule.

        For that the rules run once more, over that code alone: a rule often needs several things
        in a file, and in honest files most of them are in functions. In a package's other modules
        than `__init__.py` it takes two strong rules, because honest ones start a program or name a
        start-up file on import as well. Scripts, tests and JavaScript don't run by themselves.
        """
        running: dict[str, list[Hit]] = {}
        modules: ModuleGraph | None = None
        for path, rule_ids in found.matched.items():
            anywhere = {rule_id: [Hit(path, 1, "")] for rule_id in rule_ids}
            runs = files.when(path)
            if not _suffice(self._strong_rules(anywhere), path, runs):
                continue
            if runs is Runs.IMPORTED and waits(path):
                modules = modules or graph_of(Path(artifact.tree), files)
                if _is_for_tests(path, modules):
                    continue
            note_file(path)
            code = Path(artifact.tree, path).read_bytes()
            whole = files.whole(path)
            called = {STARTED} if files.is_started(path) else ()
            look = partial(self._hits_in_running_code, path, code, called, whole=whole)
            hits = once(f"{path} {whole}", code, look)
            strong = self._strong_rules(hits)
            if _suffice(strong, path, runs):
                for rule_id in strong:
                    running.setdefault(rule_id, []).extend(hits[rule_id])
        return running

    def _hits_in_running_code(
        self, path: str, code: bytes, called: Collection[str], *, whole: bool
    ) -> dict[str, list[Hit]]:
        if not path.endswith(".pth"):
            code = running_code(read_source(code).code, whole=whole, called=called)
        return self._rules.scan_code(path, code, self._seconds)

    def _strong_rules(self, hits: dict[str, list[Hit]]) -> set[str]:
        return {risk.threat_finding.rule_name for risk in self._risks(hits) if _is_strong(risk)}

    def _of_rule(
        self,
        rule_id: str,
        counted: list[Hit],
        running: list[Hit],
        risks: list[Any],
        identify: "_Identify",
    ) -> Iterator[Finding]:
        """Report a rule: what runs by itself, and apart from it what it matched besides."""
        severity = max(map(_severity, risks), default=Severity.INFO)
        runs = {(hit.path, hit.line) for hit in running}
        others = [hit for hit in counted if (hit.path, hit.line) not in runs]
        for hits, by_itself in ((running, True), (others, False)):
            places = list({(hit.path, hit.line): hit for hit in hits}.values())
            matched = list(dict.fromkeys(one_line(hit.matched, 60) for hit in places))
            description = (str(self._rules.rules[rule_id].description) or rule_id).rstrip(".")
            said = f"{description}: {', '.join(matched[:3])}."
            for first in range(0, len(places), MAX_LOCATIONS):
                yield Finding(
                    scanner=NAME,
                    rule=rule_id,
                    kind=Kind.MALWARE,
                    severity=Severity.HIGH if by_itself else severity,
                    message=f"Suspicious: {said}{_BY_ITSELF}" if by_itself else said,
                    recommendation=_READ_FIRST if by_itself else "",
                    references=_REFERENCES,
                    artifact=identify.filename,
                    locations=tuple(
                        identify(rule_id, hit, by_itself=by_itself)
                        for hit in places[first : first + MAX_LOCATIONS]
                    ),
                    count=len(places[first : first + MAX_LOCATIONS]),
                )


class _Identify:
    """Makes places of hits, with fingerprints: see `behaviour.fingerprints`."""

    def __init__(self, artifact: UnpackedArtifact, running: RunningFiles) -> None:
        self.filename = artifact.artifact.filename
        self._tree = Path(artifact.tree)
        self._running = running
        self._prints = Fingerprints(self._tree, lambda: graph_of(self._tree, self._running))
        self._flows: dict[str, tuple[ast.Module, Flow] | None] = {}

    def __call__(self, rule: str, hit: Hit, *, by_itself: bool) -> Location:
        """Give the place of a hit; what does not run by itself is known by its whole file."""
        blank = hit.matched[: len(hit.matched) - len(hit.matched.lstrip())]
        line = hit.line + blank.count("\n")  # rules may begin before a line
        content = Path(self._tree, hit.path).read_bytes()
        if not by_itself:
            fingerprint = of_whole_file(rule, content, ["waits"])
        elif hit.path.endswith(".pth"):
            lines = content.splitlines()
            fingerprint = of_whole_file(rule, b"".join(lines[line - 1 : line]), ["start"])
        else:
            when = [occasion(hit.path, self._running, self._prints.graph)]
            try:
                fingerprint = self._fingerprint(rule, replace(hit, line=line), when)
            except (RecursionError, MemoryError):
                fingerprint = of_whole_file(rule, content, when)
        return Location(printable(hit.path, 1024), line, one_line(hit.matched, 200), fingerprint)

    def _fingerprint(self, rule: str, hit: Hit, when: list[str]) -> str:
        parsed = self._flow(hit.path)
        if parsed is None:
            return of_whole_file(rule, Path(self._tree, hit.path).read_bytes(), when)
        module, flow = parsed
        statements = [
            node
            for node in reach_of(module).nodes
            if isinstance(node, ast.stmt)
            and node.lineno <= hit.line <= (node.end_lineno or node.lineno)
        ]
        if not statements:
            return ""
        innermost = max(statements, key=lambda node: (node.lineno, node.col_offset))
        sink = Sink(Behaviour(rule, hit.line, ""), (innermost,))
        matched = one_line(hit.matched, 1000)
        return self._prints.of(sink, flow, module, hit.path, [*when, matched])

    def _flow(self, path: str) -> tuple[ast.Module, Flow] | None:
        if path not in self._flows:
            whole = self._running.whole(path)
            called = (STARTED,) if self._running.is_started(path) else ()
            try:
                module = parse(read_source(Path(self._tree, path).read_bytes()).text)
                self._flows[path] = module, Flow(running_nodes(module, whole=whole, called=called))
            except (NotPythonError, TooHardError):
                self._flows[path] = None
        return self._flows[path]


def _score_finding(score: Any, filename: str) -> Finding:
    """Report GuardDog's score for the artifact.

    By itself it never reaches `high`: pandas, PyYAML, setuptools, JupyterLab and one in six of the
    most popular packages score as "high risk", because their clipboards, loaders and build steps
    look like a dropper's. What tells malware apart is that it runs before anybody calls it.
    """
    severity = Severity.INFO
    if score.score >= HIGH_RISK:
        severity = Severity.MEDIUM
    elif score.score >= SUSPICIOUS:
        severity = Severity.LOW
    label = str(score.label.value).replace("_", " ")
    return Finding(
        scanner=NAME,
        rule="guarddog-score",
        kind=Kind.MALWARE,
        severity=severity,
        message=f"GuardDog's risk score is {score.score} of 10 ({label}).",
        references=_REFERENCES,
        artifact=filename,
    )


def _severity(risk: Any) -> Severity:
    if risk.severity.value == "low":
        return Severity.INFO
    return Severity.MEDIUM if _is_strong(risk) else Severity.LOW


def _is_strong(risk: Any) -> bool:
    """Whether it is bad and a rule found it that seldom matches honest code."""
    return bool(risk.severity.value == "high" and risk.specificity.value != "low")


def _is_for_tests(path: str, modules: ModuleGraph) -> bool:
    """Whether only tests import a module, directly or not, and nothing else has its name."""
    found = [path]
    for each in found:  # it grows meanwhile
        found += (other for other in modules.importers(each) if other not in found)
    name = PurePosixPath(path).stem.encode()
    others = (code for other, code in modules.modules.items() if not waits(other))
    return all(map(waits, found)) and not any(name in code for code in others)


def _suffice(strong_rules: set[str], path: str, runs: Runs) -> bool:
    """Whether these rules make what runs by itself in a file suspicious."""
    if not strong_rules or runs is Runs.NEVER:
        return False
    if PurePosixPath(path).name == "setup.py":
        return not strong_rules <= _USUAL_IN_SETUP
    return runs is Runs.AT_ONCE or len(strong_rules) > 1


def _too_large(found: TreeScan, filename: str) -> Iterator[Finding]:
    if found.too_large:
        yield Finding(
            scanner=NAME,
            rule="file-too-large",
            kind=Kind.MALWARE,
            # Source code of this size hides something, if only from scanners.
            severity=Severity.HIGH,
            message=f"Source files of more than {MAX_FILE_BYTES // 2**20} MiB were not scanned.",
            recommendation="Look at them by hand.",
            artifact=filename,
            locations=tuple(
                Location(printable(path, 1024)) for path in found.too_large[:MAX_LOCATIONS]
            ),
            count=len(found.too_large),
        )
