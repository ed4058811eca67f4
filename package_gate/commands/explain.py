"""`package-gate explain`: why a package was decided as it was, and what happened to it."""

import argparse
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from package_gate.commands.options import console_for
from package_gate.commands.reading import (
    FOUND,
    NOT_ALL,
    NOTHING,
    answered,
    print_json,
    reading_parser,
)
from package_gate.records.answers import Answers
from package_gate.records.store import Records
from package_gate.report.answers import explanation_json, print_explanation


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Explain one package.

    Args:
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.
        folder: where the records are that no argument names; the current one.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 it is on record; 3 it is not, or was not on that day; 1 a record can't
        be read, the rest is told; 2 the arguments or the configuration are wrong.
    """
    return answered(_parser(environ, folder, program), arguments, environ, _explain)


def _explain(records: Records, options: argparse.Namespace) -> int:
    name, version = options.package
    answer = Answers(records).explain(name, version, options.on)
    if options.json:
        print_json(explanation_json(answer))
    else:
        print_explanation(answer, console_for(options), policies=options.policies)
    if answer.unreadable:
        return NOT_ALL
    return FOUND if answer.on_record else NOTHING


def _parser(
    environ: Mapping[str, str], folder: Path = Path(), program: str | None = None
) -> argparse.ArgumentParser:
    parser = reading_parser(
        environ,
        folder,
        program,
        "Tell who asked for a package, what was found, who looked, by which policy and waivers it "
        "was judged, and what has happened since.",
        "0 it is on record; 3 it is not, or was not on that day;",
    )
    parser.add_argument(
        "package", type=_package, metavar="NAME[==VERSION]", help="without a version: all of them"
    )
    parser.add_argument(
        "--on",
        type=_day,
        metavar="DATE",
        help="how it stood at the end of this day (UTC), such as 2026-03-31",
    )
    parser.add_argument(
        "--policies", action="store_true", help="print the texts of the policies as well"
    )
    return parser


def _package(text: str) -> tuple[str, str]:
    name, separator, version = (part.strip() for part in text.partition("=="))
    if not name or bool(separator) != bool(version) or "/" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is neither NAME nor NAME==VERSION")
    return name, version


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-03-31") from error
