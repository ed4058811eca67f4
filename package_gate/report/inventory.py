"""The catalogue as a table for a terminal, and as CSV for spreadsheets."""

import csv
import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from package_gate.core.catalogue import STATES, PackageRow, RequestRow
from package_gate.report.terminal import TABLE_WIDTH, print_line

COLUMNS = (
    *("name", "version", "origin", "state", "python", "licence", "decided_at", "advisories_of"),
    *("published_to", "withdrawn_at", "waits_until", "advisories", "requests", "install_command"),
    "reason",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute (OWASP, "CSV Injection")."""
_STYLES = {"approved": "green", "refused": "red", "withdrawn": "red"}


def inventory_rows(
    packages: dict[str, PackageRow], requests: Sequence[RequestRow]
) -> list[dict[str, str]]:
    """Give a row for each package, and for each request of which no package is known.

    Args:
        packages: by their keys.
        requests: all of them.
    """
    needed: dict[str, list[str]] = {}
    commands: dict[str, str] = {}
    for request in requests:
        for position, key in enumerate(request.packages):
            needed.setdefault(key, []).append(request.name)
            if position == 0 and request.install_command:
                commands[key] = request.install_command
    found = [
        _row(
            row,
            version=row.version,
            origin=row.origin,
            python=" ".join((*row.pythons, row.requires_python)).strip(),
            licence=row.licence,
            advisories_of=row.advisories_of,
            published_to=row.published_to,
            withdrawn_at=row.withdrawn_at,
            advisories=" ".join(row.advisories),
            requests=" ".join(needed.get(key, ())),
            install_command=commands.get(key, "") if row.state == "approved" else "",
        )
        for key, row in packages.items()
    ]
    found += [_row(row, requests=row.name) for row in requests if not row.packages]
    return sorted(found, key=lambda row: (row["name"], row["version"]))


def _row(row: PackageRow | RequestRow, **more: str) -> dict[str, str]:
    own = {
        "name": row.name,
        "state": row.state,
        "decided_at": row.decided_at,
        "waits_until": row.waits_until,
        "reason": row.reason,
    }
    return {column: more.get(column, own.get(column, "")) for column in COLUMNS}


def inventory_csv(rows: Sequence[dict[str, str]]) -> str:
    """Write rows as CSV (RFC 4180); no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row.values())
    return text.getvalue()


def print_inventory(rows: Sequence[dict[str, str]], console: Console) -> None:
    """Print a table, and how many stand how."""
    headings = ("package", "state", "python", "licence", "decided", "advisories of")
    table = Table(*headings, box=None, pad_edge=False)
    as_table = console.is_terminal and console.width >= TABLE_WIDTH
    for row in rows:
        state = row["state"]
        if state == "approved" and not row["published_to"]:
            state = "approved, not published"
        cells = (
            f"{row['name']} {row['version']}".strip(),
            state,
            row["python"],
            row["licence"],
            row["decided_at"][:10],
            row["advisories_of"],
        )
        style = _STYLES.get(row["state"], "yellow")
        if as_table:
            table.add_row(*(Text(cell, style if cell == state else "") for cell in cells))
        else:
            named = zip(headings[2:], cells[2:], strict=True)
            more = "".join(f", {heading} {cell}" for heading, cell in named if cell)
            print_line(console, f"{cells[0]}: {state}{more}", style)
    if as_table and rows:
        console.print(table, soft_wrap=False)
    counted = ((sum(row["state"] == state for row in rows), state) for state in STATES)
    print_line(console, ", ".join(f"{count} {state}" for count, state in counted), "bold")
