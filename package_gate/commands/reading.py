"""What the commands that only read records have in common: which records, and what they print."""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from package_gate.commands.gate import DECIDED, OUTPUT, UNFINISHED, to_its_end
from package_gate.commands.options import Arguments, parsed
from package_gate.commands.process import prepare_process
from package_gate.core.errors import ConfigurationError
from package_gate.core.text import printable
from package_gate.records.storage import FolderStorage, Storage
from package_gate.records.store import Records
from package_gate.report.encoding import json_bytes

FOUND, NOT_ALL, NOTHING = DECIDED, UNFINISHED, 3
ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")


def reading_parser(
    environ: Mapping[str, str], folder: Path, program: str | None, description: str, status: str
) -> argparse.ArgumentParser:
    """Give a parser with the options that say which records are read.

    Args:
        environ: the environment.
        folder: where the records are that no argument names.
        program: what the command is called.
        description: what it does, in a sentence.
        status: what its exit statuses mean besides 1 and 2.
    """
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description=f"{description} From the records alone: nothing is fetched or written.",
        epilog=f"Exit status: {status} 1 a record can't be read, and the rest was told; 2 the "
        "arguments or the configuration are wrong.",
    )
    which = Arguments(parser.add_argument_group("which records"), environ)
    which.add(
        "--output", folder / OUTPUT, Path, "the folder of a run's output (default: %(default)s)"
    )
    which.add(
        "--records",
        "",
        str,
        "instead, where a build on AWS keeps them: s3://BUCKET/PREFIX, or that of one repository "
        "below it",
    )
    Arguments(parser, environ).add_switch("--json", "print a document for programs")
    return parser


def answered(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    environ: Mapping[str, str],
    answer: Callable[[Records, argparse.Namespace], int],
) -> int:
    """Read the arguments, open the records, and give the exit status of the answer."""
    prepare_process()
    options = parsed(parser, arguments, environ)
    return to_its_end(lambda: answer(Records(_storage(options, environ)), options))


def print_json(document: object) -> None:
    """Print a document on standard output."""
    sys.stdout.write(json_bytes(document).decode() + "\n")
    sys.stdout.flush()


def _storage(options: argparse.Namespace, environ: Mapping[str, str]) -> Storage:
    if options.records:
        return _s3(options.records, environ)
    if not (options.output / "decisions").is_dir():
        raise ConfigurationError(
            f"There are no records in {options.output}. Name the output folder of a run with "
            "--output, or with --records where a build keeps them, s3://BUCKET/PREFIX."
        )
    return FolderStorage(options.output.absolute())


def _s3(address: str, environ: Mapping[str, str]) -> Storage:
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise ConfigurationError(
            f"--records must be s3://BUCKET/PREFIX, and is {printable(address)}."
        )
    from package_gate.aws.session import AWSSession, region_of  # a folder needs none of it
    from package_gate.records.s3 import S3Settings, S3Storage

    session = AWSSession(region_of(environ))
    client = session.client("s3", S3Storage.readers)
    prefix = f"{(found['prefix'] or '').strip('/')}/".lstrip("/")
    settings = S3Settings(found["bucket"], prefix)
    storage = S3Storage(settings, client, client)
    repositories = storage.repositories()
    if not repositories:
        return storage
    if len(repositories) > 1:
        raise ConfigurationError(
            "There are records of several repositories. Name one of them: "
            + ", ".join(f"--records s3://{found['bucket']}/{prefix}{each}" for each in repositories)
        )
    return S3Storage(S3Settings(found["bucket"], prefix + repositories[0]), client, client)
