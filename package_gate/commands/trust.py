"""`package-gate trust`: write the file of public keys by which notebooks verify."""

import argparse
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from package_gate.attestations.trust import Trust, read_trust
from package_gate.commands.options import Arguments, parsed
from package_gate.commands.process import complain, now
from package_gate.commands.signing import add_signer, signer_of
from package_gate.core.errors import ConfigurationError

DAYS = 730
_WRITTEN, _MISCONFIGURED = 0, 2


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    program: str | None = None,
) -> int:
    """Print a trust file.

    Args:
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 it was printed, 2 the configuration or the arguments are wrong.
    """
    options = parsed(_parser(environ, program), arguments, environ)
    try:
        print(_trust(options).content.decode(), end="")
    except ConfigurationError as error:
        complain("package gate", error)
        return _MISCONFIGURED
    return _WRITTEN


def _trust(options: argparse.Namespace) -> Trust:
    if not options.signer:
        raise ConfigurationError("Name the key with --signer.")
    if options.add_to:
        trust = read_trust(options.add_to)
        if options.repository not in (None, trust.repository):
            raise ConfigurationError(f"{options.add_to} is about {trust.repository}.")
    elif options.repository:
        trust = Trust(options.verifier, options.repository)
    else:
        raise ConfigurationError(
            "Name the repository with --repository, as the gate's statements do, or the file to "
            "add the key to with --add-to."
        )
    start = options.not_before or now().replace(microsecond=0)
    end = options.not_after or start + timedelta(days=DAYS)
    if end <= start:
        raise ConfigurationError("--not-after must be later than --not-before.")
    return trust.with_key(signer_of(options.signer), start, end)


def _parser(environ: Mapping[str, str], program: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="Print the file of public keys by which notebook/verify.py verifies. Give it "
        "to notebooks by their lifecycle script, never by the repository that it is about.",
        epilog="Exit status: 0 it was printed, 2 the configuration or the arguments are wrong.",
    )
    add_signer(Arguments(parser, environ))
    parser.add_argument(
        "--repository",
        help="which repository: codeartifact://DOMAIN/REPOSITORY, https://HOST/OWNER/REPOSITORY on "
        "GitHub, or file://…/simple of a local run",
    )
    parser.add_argument(
        "--add-to",
        type=Path,
        metavar="FILE",
        help="take what this trust file says and add the key, for a rotation",
    )
    parser.add_argument(
        "--not-before", type=_day, metavar="DATE", help="from when it counts (default: now)"
    )
    parser.add_argument(
        "--not-after",
        type=_day,
        metavar="DATE",
        help=f"until when it counts (default: {DAYS} days later)",
    )
    return parser


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2027-12-31") from error
