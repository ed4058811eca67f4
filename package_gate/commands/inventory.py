"""`package-gate inventory`: everything on record, and how it stands."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from package_gate.commands.options import console_for
from package_gate.commands.process import complain
from package_gate.commands.reading import FOUND, NOT_ALL, answered, reading_parser
from package_gate.records.reading import package_rows, read_catalogue, request_rows
from package_gate.records.store import Records
from package_gate.report.inventory import inventory_csv, inventory_rows, print_inventory
from package_gate.report.inventory_page import inventory_page

FORMATS = ("table", "json", "csv", "html")


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
    wanted = "json" if options.json else options.format
    document = msgspec.json.encode(read.catalogue)
    if wanted == "json":
        sys.stdout.write(document.decode() + "\n")
    elif wanted == "html":
        sys.stdout.write(inventory_page(document).decode())
    else:
        rows = inventory_rows(
            dict(package_rows(read.catalogue)), [row for _, row in request_rows(read.catalogue)]
        )
        if wanted == "csv":
            sys.stdout.write(inventory_csv(rows))
        else:
            print_inventory(rows, console_for(options))
    sys.stdout.flush()
    for message in read.unreadable:
        complain("package gate", message)
    return NOT_ALL if read.unreadable else FOUND


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
    return parser
