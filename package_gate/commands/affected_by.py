"""`package-gate affected-by`: what an advisory, or the name of a package, hits."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from package_gate.commands.options import console_for
from package_gate.commands.reading import (
    FOUND,
    NOT_ALL,
    answered,
    print_json,
    reading_parser,
)
from package_gate.records.answers import Answers
from package_gate.records.store import Records
from package_gate.report.answers import hits_json, print_hits

INSTALLABLE = 3


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Tell what is hit.

    Args:
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.
        folder: where the records are that no argument names; the current one.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 nothing that is hit is in the repository; 3 something is; 1 a record
        can't be read, the rest is told; 2 the arguments or the configuration are wrong.
    """
    return answered(_parser(environ, folder, program), arguments, environ, _tell)


def _tell(records: Records, options: argparse.Namespace) -> int:
    answer = Answers(records).affected_by(options.asked.strip())
    if options.json:
        print_json(hits_json(answer))
    else:
        print_hits(answer, console_for(options))
    if answer.unreadable:
        return NOT_ALL
    return INSTALLABLE if answer.any_installable else FOUND


def _parser(
    environ: Mapping[str, str], folder: Path = Path(), program: str | None = None
) -> argparse.ArgumentParser:
    parser = reading_parser(
        environ,
        folder,
        program,
        "Tell which packages, versions, requests and requesters an advisory or a package hits.",
        "0 nothing that is hit is in the repository; 3 something is;",
    )
    parser.add_argument(
        "asked",
        metavar="ID-or-NAME",
        help="an advisory, such as CVE-2024-35195, GHSA-9wx4-h78v-vm56, PYSEC-2024-60 or "
        "MAL-2024-1, or the name of a package",
    )
    return parser
