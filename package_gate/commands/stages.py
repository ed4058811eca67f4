"""`plan`, `scan` and `conclude`: a run in stages, each with the rights that it needs."""

import argparse
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from package_gate.commands.destinations import Destination
from package_gate.commands.gate import (
    DECIDED,
    OUTPUT,
    REQUESTS,
    UNFINISHED,
    add_fail_on,
    add_judges,
    add_reports,
    decide,
    status_of,
    take_through,
    to_its_end,
)
from package_gate.commands.options import (
    Arguments,
    add_output,
    add_policy,
    console_for,
    parsed,
)
from package_gate.commands.process import now, prepare_process, scratch_folder
from package_gate.commands.scan_setup import ScanSetup
from package_gate.commands.signing import add_signing
from package_gate.commands.work_place import add_work, one_plan_at_a_time, work_place
from package_gate.core.errors import ConfigurationError, StoreError
from package_gate.core.policy import load_policy_file
from package_gate.core.request_file import RequestFile, read_requests
from package_gate.core.text import lines
from package_gate.pipeline.scan import Scanning
from package_gate.pipeline.stages import (
    ConcludeStage,
    PlanStage,
    begin_plan,
    read_batch,
    read_plan,
    scan_batch,
)
from package_gate.scanners.registry import SCANNERS, UNPACKER, Where, those
from package_gate.staging.documents import encoded
from package_gate.staging.place import REQUESTS_KEY, Place

_STATUS = "2 the configuration or the arguments are wrong."


def plan(
    target: Destination,
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Resolve and fetch what requests need, and write down what must be scanned.

    Arguments as of `gate.main`.

    Returns:
        The exit status: 0 the plan is written, 1 it is not, 2 the configuration or the arguments
        are wrong.
    """
    prepare_process()
    options = parsed(_plan_parser(environ, folder, program), arguments, environ)
    options.output = options.output.absolute()

    def run() -> int:
        _only_without_network(options.scanners)
        place = work_place(options.work, environ)
        requests = read_requests(options.requests)
        policy = load_policy_file(options.policy).policy
        with _scratch() as scratch, one_plan_at_a_time(place):
            work = begin_plan(place, policy.digest, now())
            place.write(REQUESTS_KEY, options.requests.read_bytes())
            done, _ = take_through(options, target, environ, scratch, requests, PlanStage(work))
            many = len(work.tasks.new) >= options.batches_from
            still = work.write(options.batches if many else 1)
        console = console_for(options)
        for warning in done.warnings:
            console.print(f"Warning: {lines(warning, 500)}", markup=False)
        failures = work.answers.failures
        for name, failure in failures if not options.quiet else ():
            console.print(f"{name}: {lines(failure.message, 1000)}", markup=False)
        packages, size = sum(each.packages for each in still), sum(each.bytes for each in still)
        console.print(
            f"{len(requests.requests)} requests, {len(failures)} of them without a plan; "
            f"{packages} packages of {size / 1e6:,.1f} MB to be scanned in {len(still)} batches"
            + (f": {', '.join(str(each.batch) for each in still)}" if still else "")
        )
        if options.json:
            print(encoded(still).decode())
        return DECIDED

    return to_its_end(run)


def scan(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Look at the packages of one batch; nothing but the place of `--work` is reached.

    Arguments as of `gate.main`.

    Returns:
        The exit status: 0 it is written of each package what is in it, or what could not be told;
        1 not of all; 2 the configuration or the arguments are wrong.
    """
    prepare_process()
    options = parsed(_scan_parser(environ, folder, program), arguments, environ)

    def run() -> int:
        place = work_place(options.work, environ)
        policy = load_policy_file(options.policy).policy
        batch = read_batch(place, options.batch, policy.digest)
        wanted = sorted({name for task in batch.tasks for name in task.wanted})
        known = {UNPACKER, *those(SCANNERS, Where.WORKER), *those(SCANNERS, Where.OBSERVATION)}
        if unknown := set(wanted) - known:
            raise StoreError(f"The plan wants scanners that there are not: {', '.join(unknown)}.")
        console = Console(soft_wrap=True, highlight=False)

        def tell(message: str) -> None:
            if not options.quiet:
                console.print(lines(message, 1000), markup=False)

        with _scratch() as scratch, ScanSetup(wanted, policy.limits, scratch) as workers:
            scanning = Scanning(workers.unpacker, workers.scanners, now)
            left = scan_batch(batch, options.batch, place, scanning, scratch, tell)
            scanning.close()
        done = len(batch.tasks) - left
        console.print(f"Batch {options.batch}: {done} of {len(batch.tasks)} packages are looked at")
        return UNFINISHED if left else DECIDED

    return to_its_end(run)


def conclude(
    target: Destination,
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Decide by what was planned and scanned, publish, record and tell.

    Arguments and exit status as of `gate.main`.
    """
    prepare_process()
    options = parsed(_conclude_parser(environ, folder, program), arguments, environ)
    options.output = options.output.absolute()
    options.dry_run = False

    def run() -> int:
        _only_without_network(options.scanners)
        place = work_place(options.work, environ)
        policy = load_policy_file(options.policy).policy
        with scratch_folder(options.output) as scratch:
            requests = _requests(options, place, scratch)
            stage = ConcludeStage(read_plan(place, policy.digest, now()))
            done = decide(options, target, environ, scratch, requests, stage)
        return status_of(done, options.fail_on)

    return to_its_end(run)


def _requests(options: argparse.Namespace, place: Place, scratch: Path) -> RequestFile:
    """Read the request file that was given, or the plan's."""
    if options.requests is not None:
        return read_requests(options.requests)
    content = place.read(REQUESTS_KEY)
    if content is None:
        raise StoreError(f"{place.address(REQUESTS_KEY)} is not there. Plan first.")
    path = scratch / REQUESTS
    path.write_bytes(content)
    return read_requests(path)


def _only_without_network(scanners: Sequence[str]) -> None:
    """Refuse scanners that hand packages to a service.

    Raises:
        ConfigurationError: there is one.
    """
    if services := those(scanners, Where.SERVICE):
        raise ConfigurationError(
            f"{', '.join(services)} can't scan in stages: it hands packages to a service, and a "
            "scan has no network."
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="package-gate-") as name:
        yield Path(name)


def _plan_parser(
    environ: Mapping[str, str], folder: Path, program: str | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="The first stage of a run: resolve and fetch what is asked for, and write down "
        "what must be scanned. Nothing is published, recorded or sent. Plan again after the scans: "
        "what they make necessary becomes further batches.",
        epilog=f"Exit status: 0 the plan is written, 1 it is not, {_STATUS}",
    )
    given = Arguments(parser.add_argument_group("what is planned, and by what"), environ)
    given.add("--requests", folder / REQUESTS, Path, "the request file (default: %(default)s)")
    add_judges(given, folder)
    given.add_switch("--rescan", "resolve, fetch and scan again what was decided")
    given = Arguments(parser.add_argument_group("where"), environ)
    add_work(given, folder)
    given.add("--output", folder / OUTPUT, Path, "where the records are (default: %(default)s)")
    given.add("--batches", 1, _number, "spread over so many batches at least (default: 1)")
    given.add("--batches-from", 1, _number, "but only so many packages or more (default: 1)")
    add_output(parser.add_argument_group("what it tells"), environ, "batches.json")
    return parser


def _scan_parser(
    environ: Mapping[str, str], folder: Path, program: str | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="The second stage of a run: look at the packages of one batch of the plan. "
        "Only the place of --work is reached.",
        epilog="Exit status: 0 it is written of each package what is in it, or which scanner did "
        f"not finish; 1 not of all; {_STATUS}",
    )
    given = Arguments(parser.add_argument_group("what is scanned"), environ)
    add_work(given, folder)
    given.add("--batch", 0, number_from_0, "the number of the batch (default: 0)")
    add_policy(given, folder)
    told = Arguments(parser.add_argument_group("what it tells"), environ)
    told.add_switch("--quiet", "print the total only")
    return parser


def _conclude_parser(
    environ: Mapping[str, str], folder: Path, program: str | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="The last stage of a run: decide by what was planned and scanned; publish, "
        "record and tell. The index is not asked.",
        epilog="Exit status: 0 every request was decided, or waits for a cooldown to end; 1 "
        f"something is unfinished; {_STATUS}",
    )
    given = Arguments(parser.add_argument_group("what is decided, and by what"), environ)
    add_work(given, folder)
    given.add("--requests", None, Path, "the request file (default: the one that was planned)")
    add_judges(given, folder)
    given.add_switch("--rescan", "publish again what was decided, as it was planned with --rescan")
    add_fail_on(given)
    add_signing(parser.add_argument_group("who signs"), environ)
    add_reports(parser, environ, folder)
    return parser


def _number(text: str) -> int:
    number = number_from_0(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def number_from_0(text: str) -> int:
    """Read the number of a batch.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or not text.isascii() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)
