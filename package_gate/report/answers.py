"""What the records answer, for people and for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console

from package_gate.core.answers import Affected, Asker, Explanation, Hits, Story
from package_gate.core.catalogue import Reevaluated
from package_gate.core.decision import JudgedFinding
from package_gate.core.text import lines, one_line
from package_gate.report.reading import package_title, places, utc
from package_gate.report.terminal import print_line
from package_gate.report.verdicts import finding_json, scanner_json, timestamp

MAX_FINDINGS = 20
"""Findings that neither refuse nor are waived, which are printed."""


def explanation_json(answer: Explanation) -> dict[str, Any]:
    """Give the document of `package-gate explain --json`; its keys are a contract."""
    return {
        "name": answer.name,
        "version": answer.version,
        "on": answer.on.isoformat() if answer.on else None,
        "packages": [_story_json(story) for story in answer.stories],
        "requests_without_packages": [_asker_json(asker) for asker in answer.undecided],
        "decided_later": answer.later,
        "reevaluated": _reevaluated_json(answer.reevaluated),
        "unreadable": answer.unreadable,
    }


def hits_json(answer: Hits) -> dict[str, Any]:
    """Give the document of `package-gate affected-by --json`; its keys are a contract."""
    return {
        "asked": answer.asked,
        "names": answer.names,
        "packages": [_affected_json(each) for each in answer.affected],
        "reevaluated": _reevaluated_json(answer.reevaluated),
        "unreadable": answer.unreadable,
    }


def print_explanation(answer: Explanation, console: Console, *, policies: bool) -> None:
    """Print the story of each version.

    Args:
        answer: what is on record.
        console: where.
        policies: whether the texts of policies are printed as well.
    """
    for story in answer.stories:
        _print_story(story, console)
    for asker in answer.undecided:
        print_line(console, f"No package is known of the request {_asker(asker)}")
    for version in answer.later:
        print_line(console, f"Nothing was on record then of {one_line(answer.name)} {version}.")
    if not answer.on_record:
        what = one_line(f"{answer.name} {answer.version}")
        print_line(console, f"Nothing is on record of {what}.", "bold")
    if policies:
        texts = {k: v for story in answer.stories for k, v in story.policies.items()}
        for digest, text in texts.items():
            print_line(console, f"Policy {digest}:", "bold")
            print_line(console, lines(text, 1000) if text else "  Its text is not kept.")
    _print_end(answer.unreadable, console)


def print_hits(answer: Hits, console: Console) -> None:
    """Print what is hit, what notebooks can install first."""
    for each in sorted(answer.affected, key=lambda each: not each.installable):
        where = (
            f", published to {one_line(each.decision.published_to, 500)}"
            if each.installable
            else ", not in the repository"
        )
        style = "bold red" if each.installable else "bold"
        print_line(
            console, f"{package_title(each.decision)}: {each.decision.verdict}{where}", style
        )
        for finding in each.findings:
            print_line(console, f"  {one_line(finding, 500)}")
        for asker in each.askers:
            print_line(console, f"  needed by {_asker(asker)}")
    names = [name for name in answer.names if name.casefold() != answer.asked.casefold()]
    also = f" (also {one_line(', '.join(names), 500)})" if names else ""
    hit = len(answer.affected)
    reachable = sum(each.installable for each in answer.affected)
    print_line(
        console,
        f"{one_line(answer.asked)}{also}: {hit} package{'s' * (hit != 1)} on record, "
        f"{reachable} of them in the repository.",
        "bold",
    )
    if judged := answer.reevaluated:
        dates = ", ".join(f"{name} of {date}" for name, date in judged.advisories.items())
        print_line(
            console,
            one_line(f"Approvals were judged again last {judged.ended_at}, by {dates}.", 500),
        )
    else:
        print_line(console, "Approvals were never judged again: see package-gate reevaluate.")
    _print_end(answer.unreadable, console)


def _print_story(story: Story, console: Console) -> None:
    decision = story.decision
    print_line(console, f"{package_title(decision)}: {story.state}", "bold")
    for reason in decision.reasons[:10]:
        print_line(console, f"  {one_line(reason, 500)}")
    if decision.may_be_published:
        place = one_line(decision.published_to, 500) or "a place that was not noted"
        print_line(console, f"  published to {place}{_when(decision.published_at)}")
    if decision.provenance:
        print_line(console, f"  provenance: {one_line(decision.provenance, 1000)}")
    if story.inexact:
        print_line(console, f"  {one_line(story.inexact, 1000)}", "yellow")
    if story.reported:
        since = one_line(", ".join(story.reported), 500)
        print_line(console, f"  reported since by the last re-evaluation: {since}", "yellow")
    _print_list(console, "asked for by", [_asker(asker) for asker in story.askers])
    _print_list(
        console,
        "looked at by",
        [
            one_line(
                f"{each.name} {each.version}"
                + (f", data of {each.data_date}" * bool(each.data_date))
            )
            for each in decision.scanners
        ],
    )
    counting = [item for item in decision.findings if item.refuses or item.waiver]
    others = [item for item in decision.findings if not item.refuses and not item.waiver]
    _print_list(console, "found, and counts", [_finding(item) for item in counting])
    more = [f"and {len(others) - MAX_FINDINGS} more"] if len(others) > MAX_FINDINGS else []
    shown = [_finding(item) for item in others[:MAX_FINDINGS]]
    _print_list(console, "found, below the policy's thresholds", [*shown, *more])
    kept = "its text is kept" if story.policies.get(decision.policy_digest) else "no text is kept"
    _print_list(
        console,
        "judged",
        [
            f"by policy {one_line(decision.policy_digest[:12])} ({kept}), gate "
            f"{one_line(decision.gate_version)}{_when(decision.judged_at or decision.decided_at)}"
        ],
    )
    _print_list(
        console,
        "files",
        [one_line(f"{each.filename} sha256:{each.sha256}", 500) for each in decision.artifacts],
    )
    _print_list(
        console,
        f"what happened, from {utc(story.known_from)} on",
        [f"{utc(event.at)} {one_line(event.what, 500)}" for event in story.events],
    )


def _print_list(console: Console, heading: str, items: Sequence[str]) -> None:
    if items:
        print_line(console, f"  {heading}:", "dim")
        for item in items:
            print_line(console, f"    {item}")


def _print_end(unreadable: Sequence[str], console: Console) -> None:
    for message in unreadable:
        print_line(console, f"Not all is told: {one_line(message, 1000)}", "bold red")


def _finding(item: JudgedFinding) -> str:
    finding = item.finding
    ids = ", ".join((finding.rule, *finding.aliases))
    where = next(places(finding), "")
    told = f"{ids} ({item.rating} {finding.kind}, {finding.scanner}): {finding.message}"
    if where:
        told += f" [{where}]"
    if waiver := item.waiver:
        told += f" Waived until {waiver.expires} by {waiver.approved_by}: {waiver.reason}"
    return one_line(told, 600)


def _asker(asker: Asker) -> str:
    who = ", ".join(one_line(each) or "nobody named" for each in asker.requesters)
    once = "" if asker.needs else " (its closure holds it no more)"
    return (
        f"{one_line(asker.name)} ({one_line(asker.source, 300)}), {asker.state} since "
        f"{asker.decided_at:%Y-%m-%d}; {who or 'nobody was told yet'}{once}"
    )


def _when(moment: datetime | None) -> str:
    return f", {utc(moment)}" if moment else ""


def _story_json(story: Story) -> dict[str, Any]:
    decision = story.decision
    return {
        "name": decision.name,
        "version": decision.version,
        "origin": decision.origin.value,
        "state": story.state,
        "verdict": decision.verdict.value,
        "reasons": decision.reasons,
        "notes": decision.notes,
        "provenance": decision.provenance,
        "installable": decision.may_be_published,
        "published_to": decision.published_to,
        "decided_at": timestamp(decision.decided_at),
        "judged_at": timestamp(decision.judged_at or decision.decided_at),
        "published_at": timestamp(decision.published_at),
        "withdrawn_at": timestamp(decision.withdrawn_at),
        "gate_version": decision.gate_version,
        "policy_digest": decision.policy_digest,
        "policies": story.policies,
        "files": [{"filename": a.filename, "sha256": a.sha256} for a in decision.artifacts],
        "scanners": [scanner_json(info) for info in decision.scanners],
        "findings": [finding_json(item) for item in decision.findings],
        "inexact": story.inexact,
        "reported_since": story.reported,
        "requests": [_asker_json(asker) for asker in story.askers],
        "known_from": timestamp(story.known_from),
        "events": [{"at": timestamp(each.at), "what": each.what} for each in story.events],
    }


def _affected_json(each: Affected) -> dict[str, Any]:
    decision = each.decision
    return {
        "name": decision.name,
        "version": decision.version,
        "origin": decision.origin.value,
        "verdict": decision.verdict.value,
        "installable": each.installable,
        "published_to": decision.published_to,
        "withdrawn_at": timestamp(decision.withdrawn_at),
        "findings": each.findings,
        "requests": [_asker_json(asker) for asker in each.askers],
    }


def _asker_json(asker: Asker) -> dict[str, Any]:
    return {
        "name": asker.name,
        "source": asker.source,
        "state": asker.state,
        "decided_at": timestamp(asker.decided_at),
        "requesters": [each for each in asker.requesters if each],
        "needs_it": asker.needs,
    }


def _reevaluated_json(judged: Reevaluated | None) -> dict[str, Any] | None:
    if judged is None:
        return None
    return {"ended_at": judged.ended_at, "advisories": judged.advisories}
