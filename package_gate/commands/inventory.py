"""`package-gate inventory`: everything on record, and how it stands."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from package_gate.commands.options import console_for
from package_gate.commands.process import complain, now
from package_gate.commands.reading import FOUND, NOT_ALL, answered, print_json, reading_parser
from package_gate.core.artifact import Origin
from package_gate.core.catalogue import Catalogue
from package_gate.records.reading import (
    of_requests,
    package_rows,
    read_catalogue,
    read_decisions,
    request_rows,
)
from package_gate.records.store import Records
from package_gate.report.inventory import inventory_csv, inventory_rows, print_inventory
from package_gate.report.inventory_page import inventory_page
from package_gate.report.sbom import packages_sbom

FORMATS = ("table", "json", "csv", "html", "cyclonedx")


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """List what is on record.

    Args:
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.
        folder: where the records are that no argument names; the current one.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 all is listed; 1 a record can't be read, the rest is listed; 2 the
        arguments or the configuration are wrong.
    """
    return answered(_parser(environ, folder, program), arguments, environ, _list)


def _list(records: Records, options: argparse.Namespace) -> int:
    read = read_catalogue(records)
    catalogue = of_requests(read.catalogue, options.request)
    unreadable = list(read.unreadable)
    wanted = "json" if options.json else options.format
    document = msgspec.json.encode(catalogue)
    if wanted == "json":
        sys.stdout.write(document.decode() + "\n")
    elif wanted == "html":
        sys.stdout.write(inventory_page(document).decode())
    elif wanted == "cyclonedx":
        print_json(_sbom(records, catalogue, options.request, unreadable))
    else:
        rows = inventory_rows(
            dict(package_rows(catalogue)), [row for _, row in request_rows(catalogue)]
        )
        if wanted == "csv":
            sys.stdout.write(inventory_csv(rows))
        else:
            print_inventory(rows, console_for(options))
    sys.stdout.flush()
    for message in unreadable:
        complain("package gate", message)
    return NOT_ALL if unreadable else FOUND


def _sbom(
    records: Records, catalogue: Catalogue, request: str, unreadable: list[str]
) -> dict[str, Any]:
    """Describe what notebooks can install."""
    rows = {key: row for key, row in package_rows(catalogue) if row.published_to}
    keys = [(Origin(row.origin), row.name, row.version) for row in rows.values()]
    return packages_sbom(
        request or "the approved packages",
        read_decisions(records, keys, unreadable),
        {key: row.licence for key, row in rows.items()},
        now(),
    )


def _parser(
    environ: Mapping[str, str], folder: Path = Path(), program: str | None = None
) -> argparse.ArgumentParser:
    parser = reading_parser(
        environ,
        folder,
        program,
        "List every package and request on record, and how it stands.",
        "0 all is listed;",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="how it is printed (default: %(default)s; --json is --format json)",
    )
    parser.add_argument(
        "--request",
        default="",
        metavar="NAME",
        help="only what a request needs, by the name in its line (default: everything)",
    )
    return parser
