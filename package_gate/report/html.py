"""report.html: one self-contained page for the people who decide and those who wait.

The page loads nothing and runs nothing. Every value passes through `_shown` on its way in, and
Jinja2 escapes it after that, so a package can neither inject markup nor hide a character.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from package_gate.core.decision import JudgedFinding, PackageDecision, PackageSummary, Verdict
from package_gate.core.finding import Severity
from package_gate.core.owed import PackageKey
from package_gate.core.reevaluation import key_of
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.text import lines, one_line
from package_gate.report.reading import (
    COMMAND_LIMIT,
    INSTEAD,
    SAMPLE_WARNING,
    Blocker,
    Member,
    blockers,
    closure,
    earlier_scanners,
    install_command,
    next_steps,
    package_title,
    places,
    purpose,
    reasons_besides,
    subject,
    utc,
    waiver_block,
    web_address,
    withdrawn,
)

MAX_CARDS = 300
"""Requests shown in full; a page with more is slow on a phone."""
MAX_ROWS = 2000
"""Requests in the compact table; verdicts.json has them all."""
MAX_PACKAGES = 1000
"""Packages shown with their files; verdicts.json has them all."""
MAX_FINDINGS = 50
"""Findings that don't refuse, shown for each package."""
ORDER = (Verdict.REFUSED, Verdict.UNDECIDED, Verdict.APPROVED)
"""What needs somebody comes first."""


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one package that neither refuse nor are waived."""

    package: PackageDecision
    counts: str
    """Such as `2 medium, 1 low`."""
    findings: Sequence[JudgedFinding]
    hidden: int
    """How many more there are than are shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A package as the page shows it, once, whichever requests need it."""

    number: int
    """From 1; of its place in the page."""
    package: PackageDecision | PackageSummary
    notes: Sequence[str]
    provenance: str
    others: Group | None


@dataclass(frozen=True, slots=True)
class Card:
    """One request as the page shows it."""

    number: int
    """From 1; of its place in the page."""
    outcome: RequestOutcome
    title: str
    reasons: Sequence[str]
    members: Sequence[tuple[Member, Entry]]
    blocking: Sequence[Blocker]
    waived: Sequence[Blocker]
    steps: Sequence[str]
    waivers: str
    withdrawn: list[str]


def write_html(run: Run, file: BinaryIO, *, inventory: bool = False) -> None:
    """Write the page, in pieces; it leads to `inventory.html` when that is beside it."""
    shown, rows = _split(run.outcomes)
    entries: dict[PackageKey, Entry] = {}
    cards = [_card(number, outcome, entries) for number, outcome in enumerate(shown, 1)]
    counts = Counter(outcome.decision.verdict for outcome in run.outcomes)
    pieces = template("report.html.jinja").generate(
        run=run,
        inventory=inventory,
        counts=[(verdict, counts[verdict]) for verdict in ORDER],
        sections=[
            (verdict, list(members))
            for verdict, members in groupby(cards, lambda card: card.outcome.decision.verdict)
        ],
        packages=list(entries.values())[:MAX_PACKAGES],
        hidden_packages=max(len(entries) - MAX_PACKAGES, 0),
        max_packages=MAX_PACKAGES,
        earlier=earlier_scanners(run),
        rows=rows[:MAX_ROWS],
        hidden_rows=max(len(rows) - MAX_ROWS, 0),
        seconds=round((run.finished_at - run.started_at).total_seconds()),
        blocking=_severities(run.outcomes),
        any_samples=run.sample_advisories
        or any(outcome.decision.sample_advisories for outcome in run.outcomes),
        sample_warning=SAMPLE_WARNING,
        instead=INSTEAD,
    )
    for piece in pieces:
        file.write(piece.encode("utf-8"))


def _split(
    outcomes: Iterable[RequestOutcome],
) -> tuple[list[RequestOutcome], list[RequestOutcome]]:
    """Choose the requests that get a card, and those that get a row of the compact table.

    A card is for what was decided now and for what somebody still has to act on.
    """
    in_order = sorted(outcomes, key=lambda outcome: ORDER.index(outcome.decision.verdict))
    cards: list[RequestOutcome] = []
    rows: list[RequestOutcome] = []
    for outcome in in_order:
        told = not outcome.decided_now and outcome.decision.verdict is Verdict.APPROVED
        (rows if told else cards).append(outcome)
    return cards[:MAX_CARDS], cards[MAX_CARDS:] + rows


def _card(number: int, outcome: RequestOutcome, entries: dict[PackageKey, Entry]) -> Card:
    """Make the card of a request, and entries for those of its packages that have none yet."""
    decision, packages = outcome.decision, outcome.packages
    members = closure(outcome)
    for member in members:
        key = key_of(member.summary)
        known = entries.get(key)
        if known is None or (member.decision and isinstance(known.package, PackageSummary)):
            entries[key] = _entry(known.number if known else len(entries) + 1, member)
    return Card(
        number=number,
        outcome=outcome,
        title=subject(outcome.request),
        reasons=reasons_besides(decision, packages),
        members=[(member, entries[key_of(member.summary)]) for member in members],
        blocking=blockers(packages),
        waived=[
            Blocker(package, judged)
            for package in packages
            for judged in package.findings
            if judged.waiver
        ],
        steps=next_steps(decision, packages),
        waivers=waiver_block(decision, packages),
        withdrawn=withdrawn(packages),
    )


def _entry(number: int, member: Member) -> Entry:
    decision = member.decision
    if decision is None:
        return Entry(number, member.summary, (), "", None)
    return Entry(number, decision, decision.notes, decision.provenance, _group(decision))


def _group(package: PackageDecision) -> Group | None:
    findings = sorted(
        (judged for judged in package.findings if not judged.refuses and not judged.waiver),
        key=lambda judged: judged.severity,
        reverse=True,
    )
    told = _told(Counter(judged.severity for judged in findings))
    shown = findings[:MAX_FINDINGS]
    return Group(package, told, shown, len(findings) - len(shown)) if findings else None


def _severities(outcomes: Iterable[RequestOutcome]) -> str:
    """How many findings refuse, by severity; a package that several requests need counts once."""
    packages = {
        (package.origin, package.name, package.version): package
        for outcome in outcomes
        for package in outcome.packages
    }
    return _told(Counter(each.judged.severity for each in blockers(list(packages.values()))))


def _told(counts: Counter[Severity]) -> str:
    return ", ".join(f"{counts[severity]} {severity}" for severity in sorted(counts, reverse=True))


@functools.cache
def template(name: str) -> Template:
    """Give a template of this folder, with the filters that make everything fit to be read."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "command": install_command,
        "digest": lambda sha256: sha256[:12],
        "one_line": one_line,
        "places": places,
        "size": _size,
        "title_of": package_title,
        "purpose": purpose,
        "utc": utc,
        "web_address": web_address,
    }
    return environment.get_template(name)


def _shown(value: Any) -> Any:
    """Make each value printable, whatever a template's author forgot; markup is the template's."""
    return value if isinstance(value, Markup) else lines(str(value), COMMAND_LIMIT)


def _size(size: int) -> str:
    """Bytes for people, in binary units (IEC 80000-13): `12.8 MiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
