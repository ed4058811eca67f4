"""verdicts.json: everything that a run has to say, for machines.

Its keys are a contract (docs/architecture.md, "The output folder"): keys may come, none goes.
Strings are as they came; who shows them makes them printable first.
"""

from collections import Counter
from datetime import datetime
from typing import Any, BinaryIO

from package_gate.core.artifact import Artifact
from package_gate.core.decision import JudgedFinding, Verdict, Waiver
from package_gate.core.finding import ScannerInfo
from package_gate.core.request import LineError
from package_gate.core.run import RequestOutcome, Run
from package_gate.report.encoding import json_bytes, write_array
from package_gate.report.reading import Member, closure, earlier_scanners


def write_verdicts(run: Run, file: BinaryIO) -> None:
    """Write the document, one request a line; no more than one request is held as text."""
    counts = Counter(outcome.decision.verdict for outcome in run.outcomes)
    head = {
        "summary": {
            **{verdict.value: counts[verdict] for verdict in Verdict},
            "waiting": run.waiting,
            "overdue": run.overdue,
        },
        "warnings": run.warnings,
        "sample_advisories": run.sample_advisories,
        "unfinished": run.unfinished,
        "policy_digest": run.policy_digest,
        "gate_version": run.gate_version,
        "started_at": timestamp(run.started_at),
        "finished_at": timestamp(run.finished_at),
        "scanners": [scanner_json(info) for info in run.scanners],
        "earlier_scanners": [
            {"scanners": scanners, "requests": count}
            for scanners, count in earlier_scanners(run).items()
        ],
        "errors": [_line_error(error) for error in run.line_errors],
    }
    file.write(b"{\n")
    for key, value in head.items():
        file.write(json_bytes(key) + b": " + json_bytes(value) + b",\n")
    file.write(b'"requests": ')
    write_array((_request(outcome) for outcome in run.outcomes), file)
    file.write(b"\n}\n")


def _request(outcome: RequestOutcome) -> dict[str, Any]:
    request, decision = outcome.request, outcome.decision
    return {
        "name": request.name,
        "source": str(request.source),
        "requester": request.requester,
        "line": request.line,
        "verdict": decision.verdict.value,
        "waits_until": timestamp(decision.waits_until) if decision.waits_until else "",
        "reasons": decision.reasons,
        "notes": decision.notes,
        "install_command": decision.install_command,
        "targets": decision.targets,
        "instead": decision.instead,
        "causes": [cause.value for cause in decision.causes],
        "scanners": decision.basis.scanners if decision.basis else (),
        "decided_now": outcome.decided_now,
        "seconds": round(outcome.seconds, 3),
        "decided_at": timestamp(decision.decided_at),
        "policy_digest": decision.policy_digest,
        "gate_version": decision.gate_version,
        "sample_advisories": decision.sample_advisories,
        "old_advisories": decision.old_advisories,
        "packages": [_package(member) for member in closure(outcome)],
    }


def _package(member: Member) -> dict[str, Any]:
    summary, decision = member.summary, member.decision
    told: dict[str, Any] = {
        "name": summary.name,
        "version": summary.version,
        "origin": summary.origin.value,
        "verdict": summary.verdict.value,
        "for_build": summary.for_build,
        "targets": summary.targets,
        "artifacts": [_artifact(artifact) for artifact in summary.artifacts],
        "findings": [],
        "published_to": summary.published_to,
    }
    if decision is not None:
        told |= {
            "verdict": decision.verdict.value,
            "artifacts": [_artifact(artifact) for artifact in decision.artifacts],
            "findings": [finding_json(judged) for judged in decision.findings],
            "published_to": decision.published_to,
            "reasons": decision.reasons,
            "notes": decision.notes,
            "provenance": decision.provenance,
            "scanners": [scanner_json(info) for info in decision.scanners],
            "policy_digest": decision.policy_digest,
            "gate_version": decision.gate_version,
            "decided_at": timestamp(decision.decided_at),
            "published_at": timestamp(decision.published_at),
            "withdrawn_at": timestamp(decision.withdrawn_at),
        }
    return told


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "filename": artifact.filename,
        "sha256": artifact.sha256,
        "size": artifact.size,
        "url": artifact.url,
        "uploaded": timestamp(artifact.uploaded),
        "requires_python": artifact.requires_python,
    }


def finding_json(judged: JudgedFinding) -> dict[str, Any]:
    """Tell a finding."""
    finding = judged.finding
    return {
        "scanner": finding.scanner,
        "rule": finding.rule,
        "kind": finding.kind.value,
        "severity": judged.severity.value,
        "rated": judged.finding.severity is not None,
        "refuses": judged.refuses,
        "waiver": _waiver(judged.waiver),
        "waived_by": judged.waiver.approved_by if judged.waiver else None,
        "message": finding.message,
        "recommendation": finding.recommendation,
        "references": finding.references,
        "aliases": finding.aliases,
        "artifact": finding.artifact,
        "locations": [
            {"path": location.path, "line": location.line, "code": location.code}
            for location in finding.locations
        ],
        "count": finding.count,
    }


def _waiver(waiver: Waiver | None) -> dict[str, str] | None:
    if waiver is None:
        return None
    return {
        "finding": waiver.finding,
        "package": waiver.package,
        "version": waiver.version,
        "expires": waiver.expires,
        "approved_by": waiver.approved_by,
        "reason": waiver.reason,
    }


def scanner_json(info: ScannerInfo) -> dict[str, str]:
    """Tell a scanner."""
    return {
        "name": info.name,
        "version": info.version,
        "data_date": info.data_date,
        "data": info.data,
        "isolation": info.isolation,
    }


def _line_error(error: LineError) -> dict[str, Any]:
    return {
        "line": error.line,
        "text": error.text,
        "message": error.message,
        "suggestion": error.suggestion,
    }


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, or None for what has not happened."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
