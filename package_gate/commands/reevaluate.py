"""`package-gate reevaluate`: judge what is approved by what is known today."""

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from package_gate.commands.advisory_sources import advisory_sources
from package_gate.commands.destinations import Destination
from package_gate.commands.gate import DECIDED, OUTPUT, UNFINISHED, scanner_names, to_its_end
from package_gate.commands.options import (
    ENVIRONMENT_PREFIX,
    Arguments,
    add_output,
    add_policy,
    checked_network,
    console_for,
    packaged_policy_warning,
    parsed,
    print_document,
    progress_for,
)
from package_gate.commands.process import now, prepare_process, scratch_folder
from package_gate.commands.scan_setup import ScanSetup
from package_gate.commands.signing import add_signing, attestor_of
from package_gate.core.artifact import ArtifactFile, RemoteFile, Resolution, ResolvedPackage
from package_gate.core.errors import SourceError
from package_gate.core.policy import HistoryRules, load_policy_file, policy_warnings
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.pipeline.assembly import Options, Outside, Scanners, open_gate
from package_gate.pipeline.reevaluate import Reevaluation
from package_gate.report.reevaluation import REPORT, print_reevaluation, write_reevaluation
from package_gate.report.write import write_unless_there
from package_gate.scanners.registry import DEFAULTS, SCANNERS, Where, those


def main(
    target: Destination,
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Judge once.

    Args:
        target: where approved packages are.
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.
        folder: where the files are that no argument names; the current one.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 everything was judged, and what had to be withdrawn was; 1 something is
        left to a person or to the next run; 2 the configuration or the arguments are wrong.
    """
    prepare_process()
    options = parsed(_parser(environ, folder, program), arguments, environ)
    options.output = options.output.absolute()

    def run() -> int:
        with scratch_folder(options.output) as scratch:
            return _run(options, target, environ, scratch)

    return to_its_end(run)


class _NothingOutside:
    """Stands where a run goes to the network: a source, the history of projects, a downloader."""

    def resolve(self, request: Request) -> Resolution:
        raise SourceError(f"{request.name} {_ONLY_RECORDS}")

    def precedent(
        self, name: str, version: str, files: Iterable[str], now: datetime, rules: HistoryRules
    ) -> ResolvedPackage | None:
        raise SourceError(f"{name} {version} {_ONLY_RECORDS}")

    def fetch(self, file: RemoteFile, folder: Path) -> ArtifactFile:
        raise SourceError(f"{file.filename} {_ONLY_RECORDS}")


_ONLY_RECORDS = "can't be judged by its record alone. A run with --rescan judges it."


def _run(
    options: argparse.Namespace,
    target: Destination,
    environ: Mapping[str, str],
    scratch: Path,
) -> int:
    console = console_for(options)
    policy_file = load_policy_file(options.policy)
    policy = policy_file.policy
    parts = target.build(environ, options.output, scratch, policy)
    attestor = attestor_of(options, parts.repository)
    advisories = advisory_sources(
        options.scanners,
        options.advisories,
        environ,
        checked_network(environ),
        scratch,
        prioritise=policy.prioritise,
        may_use_sample=target.may_use_sample_advisories,
    )
    nothing = _NothingOutside()
    with (
        advisories,
        ScanSetup((), policy.limits, scratch) as workers,  # of which none is started
        progress_for(options, console) as progress,
    ):
        outside = Outside(
            sources={ArchiveSource: nothing, PyPISource: nothing},
            fetch=nothing.fetch,
            publisher=parts.publisher,
            storage=parts.storage,
            notifier=parts.notifier,
            now=now,
            progress=progress,
            history=nothing,
            attestor=attestor,
        )
        scanners = Scanners(workers.unpacker, (), advisories.sources, advisories.sample)
        run_options = Options(
            reevaluates=True,
            policy_text=policy_file.text,
            report_hint=str(options.output / REPORT),
            warnings=(
                *packaged_policy_warning(options.policy),
                *policy_warnings(policy, now().date()),
            ),
        )
        with open_gate(outside, scanners, policy, run_options, scratch) as gate:
            outcome = Reevaluation(gate).run(
                report_only=options.report_only, confirmed=options.confirm
            )
    write_reevaluation(outcome, options.output)
    write_unless_there(gate.catalogue, options.output)
    print_reevaluation(outcome, console, quiet=options.quiet)
    if not options.quiet:
        console.print(f"Report: {(options.output / REPORT).as_uri()}")
    print_document(options, options.output / REPORT)
    return UNFINISHED if outcome.run.unfinished else DECIDED


def _parser(
    environ: Mapping[str, str], folder: Path, program: str | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="Judge what is approved by what is known today; withdraw what the policy "
        "refuses. Nothing is downloaded, scanned or approved.",
        epilog="Exit status: 0 everything was judged and what had to be withdrawn was, 1 something "
        "is left to a person or to the next run, 2 the configuration or the arguments are wrong.",
    )
    given = Arguments(parser.add_argument_group("what is judged, and by what"), environ)
    add_policy(given, folder)
    given.add(
        "--scanners",
        those(DEFAULTS, Where.ADVISORIES),
        _sources,
        "the sources of advisories, separated by commas (default: osv); others are left out",
    )
    given.add(
        "--advisories",
        "",
        str,
        "a folder or zip in OSV's published layout, also s3://BUCKET/KEY.zip, or the address of an "
        "OSV API (default: the OSV API)",
    )
    acting = parser.add_argument_group("how far it goes")
    Arguments(acting, environ).add_switch(
        "--report-only", "tell what would be withdrawn, and leave it"
    )
    acting.add_argument(
        "--confirm",
        type=int,
        default=environ.get(f"{ENVIRONMENT_PREFIX}CONFIRM") or None,
        metavar="N",
        help="the advisories are right, and up to N withdrawals are",
    )
    add_signing(parser.add_argument_group("who signs"), environ)
    output = parser.add_argument_group("what it tells")
    Arguments(output, environ).add(
        "--output",
        folder / OUTPUT,
        Path,
        "where records and the report are (default: %(default)s)",
    )
    add_output(output, environ, REPORT)
    return parser


def _sources(text: str) -> list[str]:
    found = [name for name in scanner_names(text) if SCANNERS[name].where is Where.ADVISORIES]
    if not found:
        raise argparse.ArgumentTypeError(f"none of {text!r} is a source of advisories")
    return found
