"""Arguments and environment → a configured gate; the only module that reads the environment."""

import argparse
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from package_gate.commands.advisory_sources import advisory_sources
from package_gate.commands.destinations import Destination
from package_gate.commands.options import (
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
from package_gate.commands.process import complain, now, prepare_process, scratch_folder
from package_gate.commands.scan_setup import ScanSetup, describer
from package_gate.commands.service_scanners import observing_scanners, service_scanners
from package_gate.commands.signing import add_signing, attestor_of
from package_gate.core.decision import Verdict
from package_gate.core.errors import ConfigurationError, GateError
from package_gate.core.policy import load_policy_file, policy_warnings
from package_gate.core.request import ArchiveSource, PyPISource
from package_gate.core.request_file import RequestFile, read_changed, read_requests
from package_gate.core.run import Run
from package_gate.core.version import gate_version
from package_gate.net.download import Downloader
from package_gate.pipeline.assembly import Options, Outside, Scanners, Stage, open_gate
from package_gate.report.terminal import print_verdicts
from package_gate.report.write import write_reports, write_unless_there
from package_gate.scanners.registry import DEFAULTS, UNPACKER, chosen
from package_gate.sources.archive_url import ArchiveURL
from package_gate.sources.pypi.attestations import AttestationVerifier
from package_gate.sources.pypi.history import PyPIHistory
from package_gate.sources.pypi.index import configured_indexes
from package_gate.sources.pypi.provenance import PyPIAttestations
from package_gate.sources.pypi.source import PyPI
from package_gate.sources.pypi.uv import index_settings

REQUESTS = "external-package-request.csv"
OUTPUT = "local-repository"

DECIDED, UNFINISHED, MISCONFIGURED = 0, 1, 2
FAIL_ON = ("undecided", "refused")
_EPILOG = """\
examples:
  %(prog)s                                        decide what is asked for here
  %(prog)s --advisories all.zip                   by a snapshot of OSV's advisories
  %(prog)s --dry-run --requests new.csv           try lines without publishing anything
  %(prog)s --dry-run --base old.csv               try only what old.csv does not have
  %(prog)s --fail-on refused --quiet --json       in CI: fail on a refusal, verdicts for a program

Each option can be given as an environment variable, such as PACKAGE_GATE_REQUESTS for --requests or
PACKAGE_GATE_DRY_RUN=1. Exit status: 0 every request was decided (a refusal is a decision, but for
--fail-on refused) or waits for a cooldown to end, 1 something is unfinished, 2 the configuration or
the arguments are wrong.
"""


def main(
    target: Destination,
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Run the gate once.

    Args:
        target: where approved packages go.
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.
        folder: where the files are that no argument names; the current one.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 every request was decided, or waits for a cooldown to end; 1 something
        is unfinished: a request is undecided for another reason (or refused, with `--fail-on
        refused`), a line can't be read, or an email or report could not be written; 2 the
        configuration or the arguments are wrong.
    """
    prepare_process()
    options = parsed(_parser(environ, folder, program), arguments, environ)
    options.output = options.output.absolute()

    def run() -> int:
        requests = _requests(options)  # before anything is written
        with scratch_folder(options.output) as scratch:
            done = decide(options, target, environ, scratch, requests)
        return status_of(done, options.fail_on)

    return to_its_end(run)


def to_its_end(run: Callable[[], int]) -> int:
    """Run a command on the records, and give its exit status however it ends.

    Args:
        run: gives the status where nothing prevents it.
    """
    try:
        return run()
    except ConfigurationError as error:
        complain("package gate", error)
        return MISCONFIGURED
    except GateError as error:
        complain("package gate", error)
        return UNFINISHED
    except (OSError, MemoryError) as error:  # no inode, no descriptor, no memory is left
        reason = getattr(error, "strerror", "") or "not enough memory"
        complain("package gate", f"{reason}. The next run finishes what is open.")
        return UNFINISHED
    except KeyboardInterrupt as interrupt:
        # Threads may be amid a download. What is recorded stays recorded and the next run
        # finishes the rest, so nobody waits for them.
        complain("package gate", "stopped. The next run finishes what is open.")
        os._exit(128 + getattr(interrupt, "number", signal.SIGINT))


def _requests(options: argparse.Namespace) -> RequestFile:
    if options.base is None:
        return read_requests(options.requests)
    if not options.dry_run:
        raise ConfigurationError("--base needs --dry-run: a run decides the whole request file.")
    return read_changed(options.requests, options.base)


def decide(
    options: argparse.Namespace,
    target: Destination,
    environ: Mapping[str, str],
    scratch: Path,
    requests: RequestFile,
    stage: Stage | None = None,
) -> Run:
    """Take requests through the gate once, and write and print the reports.

    Args:
        options: what the arguments of the command say, see `add_judges` and `add_output`.
        target: where approved packages go.
        environ: the environment.
        scratch: an empty folder.
        requests: what is asked for.
        stage: which stage of a run this is; None for all in one.

    Raises:
        GateError: it can't be done at all.
    """
    run, catalogue = take_through(options, target, environ, scratch, requests, stage)
    console = console_for(options)
    write_reports(run, options.output, inventory=bool(catalogue))
    write_unless_there(catalogue, options.output)
    print_verdicts(run, console, quiet=options.quiet)
    if not options.quiet:
        console.print(f"Report: {(options.output / 'report.html').as_uri()}")
    print_document(options, options.output / "verdicts.json")
    return run


def take_through(
    options: argparse.Namespace,
    target: Destination,
    environ: Mapping[str, str],
    scratch: Path,
    requests: RequestFile,
    stage: Stage | None = None,
) -> tuple[Run, Mapping[str, bytes]]:
    """Take requests through the gate; arguments and errors as of `decide`.

    Returns:
        What became of them, and the files of the catalogue.
    """
    console = console_for(options)
    policy_file = load_policy_file(options.policy)
    policy = policy_file.policy
    plans = stage is not None and stage.plans
    build = target.look if plans else target.build
    parts = build(environ, options.output, scratch, policy)
    attestor = None if plans else attestor_of(options, parts.repository)
    connection = checked_network(environ)
    packages = scratch / "packages"  # all that workers may see of the scratch folder
    packages.mkdir()
    services = service_scanners(options.scanners, environ, connection, scratch)
    observing = observing_scanners(
        options.scanners, scratch, elsewhere=stage is not None, builds=policy.sdists.observe
    )
    advisories = advisory_sources(
        options.scanners,
        options.advisories,
        environ,
        connection,
        scratch,
        prioritise=policy.prioritise,
        may_use_sample=target.may_use_sample_advisories,
    )
    workers = ScanSetup(options.scanners, policy.limits, packages)
    index = parts.index or index_settings(environ, Path.home(), policy.sources)
    downloads = Downloader(
        connection, policy.sources, policy.limits, indexes=partial(configured_indexes, index)
    )
    with advisories, workers, downloads as downloader, progress_for(options, console) as progress:
        pypi = PyPI(index, policy, scratch, now(), downloader.fetch, describer(policy, scratch))
        outside = Outside(
            sources={ArchiveSource: ArchiveURL(), PyPISource: pypi},
            fetch=downloader.fetch,
            publisher=parts.publisher,
            storage=parts.storage,
            notifier=parts.notifier,
            now=now,
            progress=progress,
            history=PyPIHistory(pypi.index),
            steering=pypi,
            attestations=PyPIAttestations(
                pypi.index, AttestationVerifier(), now, policy.history.days
            ),
            attestor=attestor,
        )
        scanners = Scanners(
            unpacker=workers.unpacker,
            content=[*workers.scanners, *services, *observing],
            advisories=advisories.sources,
            sample_advisories=advisories.sample,
        )
        run_options = Options(
            rescan=options.rescan,
            dry_run=plans or options.dry_run,
            policy_text=policy_file.text,
            report_hint=str(options.output / "report.html"),
            warnings=(
                *packaged_policy_warning(options.policy),
                *policy_warnings(policy, now().date()),
            ),
            stage=stage,
        )
        with open_gate(outside, scanners, policy, run_options, packages) as gate:
            run = gate.run(requests)
    return run, gate.catalogue


def _parser(
    environ: Mapping[str, str], folder: Path = Path(), program: str | None = None
) -> argparse.ArgumentParser:
    """Describe the arguments; each has an environment variable that a build project can set."""
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="Fetch, scan and judge the requested packages; publish those that pass.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    given = Arguments(parser.add_argument_group("what is decided, and by what"), environ)
    given.add(
        "--requests",
        folder / REQUESTS,
        Path,
        "the request file (default: %(default)s)",
    )
    given.add(
        "--base",
        None,
        Path,
        "with --dry-run: an earlier state of the request file, whose lines are not decided",
    )
    add_judges(given, folder)
    given = Arguments(parser.add_argument_group("how far it goes"), environ)
    given.add_switch("--rescan", "resolve, fetch and scan again what was decided")
    given.add_switch("--dry-run", "decide and report; publish, record and send nothing")
    add_fail_on(given)
    add_signing(parser.add_argument_group("who signs"), environ)
    add_reports(parser, environ, folder)
    parser.add_argument("--version", action="version", version=f"package gate {gate_version()}")
    return parser


def add_judges(given: Arguments, folder: Path) -> None:
    """Add `--policy`, `--scanners` and `--advisories`: by what is decided."""
    add_policy(given, folder)
    given.add(
        "--scanners",
        list(DEFAULTS),
        scanner_names,
        f"scanners besides '{UNPACKER}', which is always on, separated by commas "
        f"(default: {','.join(DEFAULTS)})",
    )
    given.add(
        "--advisories",
        "",
        str,
        "a folder or zip in OSV's published layout, also s3://BUCKET/KEY.zip, or the address of an "
        "OSV API "
        "(default: the OSV API)",
    )


def add_reports(parser: argparse.ArgumentParser, environ: Mapping[str, str], folder: Path) -> None:
    """Add `--output`, and what `add_output` adds: where a run's reports go, and what it prints."""
    output = parser.add_argument_group("what it tells")
    Arguments(output, environ).add(
        "--output",
        folder / OUTPUT,
        Path,
        "where reports and records go (default: %(default)s)",
    )
    add_output(output, environ, "verdicts.json")


def add_fail_on(given: Arguments) -> None:
    """Add `--fail-on`: what counts as failed."""
    given.add(
        "--fail-on",
        FAIL_ON[0],
        _fail_on,
        "refused: exit with 1 when a request is refused, too, for CI (default: %(default)s)",
    )


def scanner_names(text: str) -> list[str]:
    """Read the value of `--scanners`."""
    try:
        return chosen(name.strip() for name in text.split(",") if name.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _fail_on(text: str) -> str:
    if text not in FAIL_ON:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(FAIL_ON)}")
    return text


def status_of(run: Run, fail_on: str) -> int:
    """Give the exit status of a run."""
    failing = {Verdict.UNDECIDED} | ({Verdict.REFUSED} if fail_on == "refused" else set())
    failed = any(
        outcome.decision.verdict in failing and not outcome.is_waiting for outcome in run.outcomes
    )
    return UNFINISHED if failed or run.line_errors or run.unfinished else DECIDED
