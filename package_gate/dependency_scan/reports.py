"""The files that a scan leaves: HTML for people, SARIF, JUnit and JSON for machines, proposals."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from package_gate.core.decision import Verdict
from package_gate.core.finding import Location
from package_gate.core.text import one_line
from package_gate.dependency_scan.models import (
    DependencyScan,
    Proposal,
    ScannedClosure,
    ScannedPackage,
)
from package_gate.dependency_scan.results import (
    CLEAN_MEANS,
    WORDS,
    WORDS_OF_ONE,
    DirectResult,
    brought_in,
    decisions,
    direct_results,
)
from package_gate.report.encoding import json_bytes
from package_gate.report.html import ORDER, template
from package_gate.report.junit import Case, capped, write_cases
from package_gate.report.sarif import write_log
from package_gate.report.verdicts import finding_json, scanner_json, timestamp
from package_gate.report.write import write_files

PROPOSED = "proposed"
"""The folder of the proposed files, in the output folder."""
MAX_ROWS = 500
MAX_CARDS = 200


def write_scan(scan: DependencyScan, output: Path) -> None:
    """Write report.html, findings.sarif, junit.xml, dependencies.json, and proposed files.

    What an earlier run proposed goes.

    Raises:
        StoreError: the folder can't be written.
    """
    shutil.rmtree(output / PROPOSED, ignore_errors=True)
    write_files(
        output,
        {
            "dependencies.json": partial(_write_json, scan),
            "findings.sarif": partial(
                write_log, scan.scanners, decisions(scan), in_repository=True
            ),
            "report.html": partial(_write_html, scan),
            "junit.xml": partial(_write_junit, scan),
            **{
                f"{PROPOSED}/{proposal.path}": partial(_write_proposal, proposal)
                for proposal in scan.proposals
            },
        },
    )


def _write_proposal(proposal: Proposal, file: BinaryIO) -> None:
    file.write(proposal.content)


def _write_json(scan: DependencyScan, file: BinaryIO) -> None:
    results: dict[str, list[DirectResult]] = {}
    for result in direct_results(scan):
        results.setdefault(result.closure.name, []).append(result)
    document = {
        "verdict": WORDS[scan.verdict],
        "repository": scan.repository,
        "branch": scan.branch,
        "commit": scan.commit,
        "author": scan.author,
        "policy_digest": scan.policy_digest,
        "gate_version": scan.gate_version,
        "started_at": timestamp(scan.started_at),
        "finished_at": timestamp(scan.finished_at),
        "scanners": [scanner_json(info) for info in scan.scanners],
        "problems": [
            {"path": each.path, "line": each.line, "text": each.text} for each in scan.problems
        ],
        "old_advisories": scan.old_advisories,
        "notes": scan.notes,
        "files": [_file_json(each, results.get(each.name, [])) for each in scan.closures],
        "packages": [_package_json(package) for package in scan.packages],
        "proposals": [
            {
                "path": proposal.path,
                "file": f"{PROPOSED}/{proposal.path}",
                "changes": [
                    {
                        "line": change.place.line,
                        "before": change.before,
                        "after": change.after,
                        "fixes": change.fixes,
                    }
                    for change in proposal.changes
                ],
            }
            for proposal in scan.proposals
        ],
        "unfixed": [
            {"name": each.name, "path": each.path, "text": each.text} for each in scan.unfixed
        ],
    }
    file.write(json_bytes(document))


def _file_json(closure: ScannedClosure, results: list[DirectResult]) -> dict[str, Any]:
    return {
        "name": closure.name,
        "path": closure.path,
        "locked": closure.locked,
        "resolved_for": closure.targets,
        "requirements": [
            {
                "requirement": str(result.direct),
                **_place_json(result.direct.place),
                "version": result.version,
                "verdict": WORDS_OF_ONE[result.verdict],
                "why": result.why,
                "brings_in": [str(chain) for _, chain in result.refused],
            }
            for result in results
        ],
        "packages": [
            {"name": each.name, "version": each.version, "needed_by": each.needed_by}
            for each in closure.packages
        ],
    }


def _package_json(package: ScannedPackage) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "verdict": WORDS_OF_ONE[package.verdict],
        "reasons": package.reasons,
        "brought_in_by": [
            {
                "requirement": str(chain.direct),
                **_place_json(chain.direct.place),
                "chain": chain.names,
            }
            for chain in package.chains
        ],
        "locked_at": [_place_json(place) for place in package.locked_at],
        "findings": [finding_json(judged) for judged in package.findings],
    }


def _place_json(place: Location) -> dict[str, Any]:
    return {"path": place.path, "line": place.line}


def _write_junit(scan: DependencyScan, file: BinaryIO) -> None:
    cases = [
        Case(
            one_line(problem.path) or "package_gate.inventory.pins",
            f"line {problem.line}" if problem.line else "as a whole",
            "error",
            "undetermined",
            problem.text,
            one_line(problem.text, 2000),
        )
        for problem in scan.problems
    ]
    cases += [_case(result) for result in direct_results(scan)]
    cases += [_locked_case(closure, scan) for closure in scan.closures if not closure.directs]
    cases.sort(key=lambda case: not case.element)
    cases = capped(cases, "package_gate.inventory.pins", "dependencies.json")
    write_cases("dependency scan", cases, scan.started_at, scan.finished_at, file)


def _case(result: DirectResult) -> Case:
    place = result.direct.place
    name = one_line(f"{result.direct} (line {place.line})" if place.line else str(result.direct))
    case = (one_line(result.closure.name), name)
    if result.verdict is Verdict.APPROVED:
        return Case(*case)
    if result.verdict is Verdict.UNDECIDED:
        return Case(*case, "error", "undetermined", result.why, one_line(result.why, 2000))
    told = [f"{chain}: {reason}" for package, chain in result.refused for reason in package.reasons]
    return Case(
        *case, "failure", "refused", told[0], "\n".join(one_line(each, 2000) for each in told)
    )


def _locked_case(closure: ScannedClosure, scan: DependencyScan) -> Case:
    """A lock without a file that says what was asked for is one case."""
    held = {package.key for package in closure.packages}
    told = [
        f"{package.name} {package.version}: {reason}"
        for package in scan.packages
        if package.key in held and package.verdict is Verdict.REFUSED
        for reason in package.reasons
    ]
    case = (one_line(closure.path), f"{len(held)} locked packages")
    if not told:
        return Case(*case)
    return Case(
        *case, "failure", "refused", told[0], "\n".join(one_line(each, 2000) for each in told)
    )


def _write_html(scan: DependencyScan, file: BinaryIO) -> None:
    refused = [package for package in scan.packages if package.verdict is Verdict.REFUSED]
    others = [package for package in scan.packages if package not in refused and package.findings]
    results = sorted(direct_results(scan), key=lambda each: ORDER.index(each.verdict))
    pieces = template("dependencies.html.jinja").generate(
        scan=scan,
        words=WORDS,
        words_of_one=WORDS_OF_ONE,
        refused=refused[:MAX_CARDS],
        hidden_refused=len(refused[MAX_CARDS:]),
        others=others[:MAX_CARDS],
        results=results[:MAX_ROWS],
        hidden_results=len(results[MAX_ROWS:]),
        counts=(
            (Verdict.REFUSED, len(refused), "packages refused"),
            (Verdict.UNDECIDED, len(scan.problems), "not determined"),
            ("", len(scan.packages), "packages in all"),
            ("", len(scan.closures), "files, extras and groups"),
        ),
        seconds=round((scan.finished_at - scan.started_at).total_seconds()),
        brought_in=brought_in,
        proposed=PROPOSED,
        clean_means=CLEAN_MEANS,
    )
    for piece in pieces:
        file.write(piece.encode("utf-8"))
