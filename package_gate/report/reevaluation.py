"""What a re-evaluation did: `reevaluation.json` for machines, lines for who looks on."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console

from package_gate.core.reevaluation import Hit, Reevaluated
from package_gate.core.text import one_line
from package_gate.report.encoding import json_bytes
from package_gate.report.reading import package_title
from package_gate.report.terminal import print_line, print_verdicts, print_warnings
from package_gate.report.verdicts import timestamp
from package_gate.report.write import write_files

REPORT = "reevaluation.json"


def write_reevaluation(outcome: Reevaluated, output: Path) -> None:
    """Write the document.

    Raises:
        StoreError: the folder can't be written.
    """
    write_files(output, {REPORT: partial(_write, outcome)})


def print_reevaluation(outcome: Reevaluated, console: Console, *, quiet: bool = False) -> None:
    """Print the requests that were decided again, and what stays approved with findings.

    Args:
        outcome: what it did.
        console: where.
        quiet: leave out what is approved.
    """
    if outcome.run.outcomes:
        print_verdicts(outcome.run, console, quiet=quiet)
    else:
        print_warnings(outcome.run, console)
    for hit in outcome.reported:
        due = "is only reported" if hit.due == date.max else f"to be withdrawn from {hit.due}"
        print_line(
            console,
            f"{package_title(hit.decision)} stays approved ({due}): "
            + one_line(", ".join(hit.rules), 200),
            "yellow",
        )
    looked_up, decided = f"{outcome.packages:,} packages looked up", len(outcome.decided)
    print_line(
        console,
        f"{looked_up}, {decided} decided again, {len(outcome.reported)} reported",
        "bold",
    )


def _write(outcome: Reevaluated, file: BinaryIO) -> None:
    run = outcome.run
    document = {
        "packages": outcome.packages,
        "decided_again": [_hit(hit) for hit in outcome.decided],
        "reported": [_hit(hit) for hit in outcome.reported],
        "requests": [
            {
                "name": each.request.name,
                "source": str(each.request.source),
                "requester": each.request.requester,
                "verdict": each.decision.verdict.value,
                "reasons": each.decision.reasons,
            }
            for each in run.outcomes
        ],
        "warnings": run.warnings,
        "unfinished": run.unfinished,
        "sample_advisories": run.sample_advisories,
        "policy_digest": run.policy_digest,
        "gate_version": run.gate_version,
        "started_at": timestamp(run.started_at),
        "finished_at": timestamp(run.finished_at),
    }
    file.write(json_bytes(document) + b"\n")


def _hit(hit: Hit) -> dict[str, Any]:
    decision = hit.decision
    return {
        "name": decision.name,
        "version": decision.version,
        "origin": decision.origin.value,
        "findings": hit.rules,
        "since": hit.since.isoformat(),
        "due": None if hit.due == date.max else hit.due.isoformat(),
    }
