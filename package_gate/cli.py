"""Arguments and environment → a configured gate; the only module that reads the environment."""

import argparse
import ctypes
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

from rich.console import Console

from package_gate import __version__
from package_gate.decisions import Decisions
from package_gate.errors import ConfigurationError, GateError, StoreError
from package_gate.files import locked
from package_gate.gate import Gate, Options
from package_gate.models import ArchiveSource, PyPISource, Run, Verdict
from package_gate.package_work import PackageWorker
from package_gate.policy import load_policy, policy_warnings
from package_gate.report.terminal import Progress, print_verdicts
from package_gate.report.write import write_reports
from package_gate.request_file import read_requests
from package_gate.scan_setup import DEFAULT_SCANNERS, UNPACKER, WORKERS, ScanSetup
from package_gate.service_scanners import SERVICES, service_scanner
from package_gate.sources.archive_url import ArchiveURL
from package_gate.sources.download import Downloader
from package_gate.sources.network import Network, check_ca_bundle
from package_gate.sources.pypi import PyPI
from package_gate.sources.uv import index_settings
from package_gate.targets import Target

PROJECT = Path(__file__).parent.parent
ENVIRONMENT_PREFIX = "PACKAGE_GATE_"

DECIDED, UNFINISHED, MISCONFIGURED = 0, 1, 2


def main(
    target: Target, arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ
) -> int:
    """Run the gate once.

    Args:
        target: where approved packages go.
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.

    Returns:
        The exit status: 0 every request was decided; 1 something is unfinished: a request is
        undecided, a line can't be read, or an email or report could not be written; 2 the
        configuration or the arguments are wrong.
    """
    for stream in (sys.stdout, sys.stderr):  # an ASCII terminal shows what it can't write escaped
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    _hide_environment()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    options = _parser(environ).parse_args(arguments)
    options.output = options.output.absolute()
    try:
        with _scratch(options.output) as scratch:
            return _run(options, target, environ, scratch)
    except ConfigurationError as error:
        print(f"package gate: {error}", file=sys.stderr)
        return MISCONFIGURED
    except GateError as error:
        print(f"package gate: {error}", file=sys.stderr)
        return UNFINISHED
    except KeyboardInterrupt:
        # Threads may be amid a download. What is recorded stays recorded and the next run
        # finishes the rest, so nobody waits for them.
        print("package gate: stopped. The next run finishes what is open.", file=sys.stderr)
        sys.stderr.flush()
        os._exit(128 + signal.SIGINT)


def _run(
    options: argparse.Namespace,
    target: Target,
    environ: Mapping[str, str],
    scratch: Path,
) -> int:
    console = Console(soft_wrap=True, highlight=False)
    policy, policy_digest = load_policy(options.policy)
    request_file = read_requests(options.requests)
    parts = target.build(environ, options.output, scratch, policy)
    decisions = Decisions(parts.storage)
    connection = _network(environ)
    packages = scratch / "packages"  # all that workers may see of the scratch folder
    packages.mkdir()
    services = [
        service_scanner(name, environ, connection, scratch)
        for name in options.scanners
        if name in SERVICES
    ]
    scans = ScanSetup(
        names=[name for name in options.scanners if name in WORKERS],
        advisories=options.advisories,
        may_use_sample=target.may_use_sample_advisories,
        network=connection,
        limits=policy.limits,
        scratch=packages,
    )
    downloads = Downloader(connection, policy.sources, policy.limits)
    with scans, downloads as downloader, Progress(console) as progress:
        worker = PackageWorker(
            fetch=downloader.fetch,
            scanners=[*scans.scanners, *services],
            policy=policy,
            policy_digest=policy_digest,
            decisions=decisions,
            scratch=packages,
            now=_now,
            progress=progress.step,
            record=not options.dry_run,
            rescan=options.rescan,
            sample_advisories=scans.sample,
        )
        gate = Gate(
            sources={
                ArchiveSource: ArchiveURL(),
                PyPISource: PyPI(
                    index_settings(environ, Path.home()),
                    policy,
                    scratch,
                    _now(),
                    downloader.fetch,
                ),
            },
            packages=worker,
            publisher=parts.publisher,
            decisions=decisions,
            notifier=parts.notifier,
            policy_digest=policy_digest,
            now=_now,
            progress=progress.step,
            options=Options(
                rescan=options.rescan,
                dry_run=options.dry_run,
                sample_advisories=scans.sample,
                report_hint=str(options.output / "report.html"),
                warnings=tuple(policy_warnings(policy, _now().date())),
            ),
        )
        with closing(worker):
            run = gate.run(request_file)
    write_reports(run, options.output)
    print_verdicts(run, console)
    console.print(f"Report: {(options.output / 'report.html').as_uri()}")
    return _status(run)


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Describe the arguments; each has an environment variable that a build project can set."""
    parser = argparse.ArgumentParser(
        description="Fetch, scan and judge the requested packages; publish those that pass.",
        epilog="Each option can be given as an environment variable, such as "
        f"{ENVIRONMENT_PREFIX}REQUESTS for --requests or {ENVIRONMENT_PREFIX}DRY_RUN=1. "
        "Exit status: 0 every request was decided (a refusal is a decision), 1 something is "
        "unfinished, 2 the configuration or the arguments are wrong.",
    )

    def add(option: str, default: object, parse: Callable[[str], object], text: str) -> None:
        name = ENVIRONMENT_PREFIX + option.strip("-").upper().replace("-", "_")
        given = environ.get(name)
        parser.add_argument(option, type=parse, default=given or default, help=text)

    def add_switch(option: str, text: str) -> None:
        name = ENVIRONMENT_PREFIX + option.strip("-").upper().replace("-", "_")
        given = environ.get(name, "").lower() in ("1", "true", "yes")
        parser.add_argument(option, action="store_true", default=given, help=text)

    add(
        "--requests",
        PROJECT / "external-package-request.csv",
        Path,
        "the request file (default: this checkout's external-package-request.csv)",
    )
    add(
        "--policy",
        PROJECT / "scan-policy.toml",
        Path,
        "InfoSec's policy (default: this checkout's scan-policy.toml)",
    )
    add(
        "--output",
        PROJECT / "local-repository",
        Path,
        "where reports and records go (default: local-repository in this checkout)",
    )
    add(
        "--scanners",
        list(DEFAULT_SCANNERS),
        _scanners,
        f"scanners besides '{UNPACKER}', which is always on, separated by commas "
        f"(default: {','.join(DEFAULT_SCANNERS)})",
    )
    add(
        "--advisories",
        "",
        str,
        "a folder or zip in OSV's published layout, or the address of an OSV API "
        "(default: the OSV API)",
    )
    add_switch("--rescan", "decide again what was decided")
    add_switch("--dry-run", "decide and report; publish, record and send nothing")
    parser.add_argument("--version", action="version", version=f"package gate {__version__}")
    return parser


def _scanners(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in WORKERS and name not in SERVICES:
            known = ", ".join(sorted([*WORKERS, *SERVICES]))
            raise argparse.ArgumentTypeError(f"there is no scanner {name!r}; choose from {known}")
    return list(dict.fromkeys(names))


def _network(environ: Mapping[str, str]) -> Network:
    def setting(name: str) -> str:
        return environ.get(name) or environ.get(name.upper()) or ""

    proxies = {scheme: setting(f"{scheme}_proxy") for scheme in ("https", "all")}
    connection = Network(
        ca_bundle=environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or True,
        proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
        no_proxy=setting("no_proxy"),
    )
    check_ca_bundle(connection)
    return connection


@contextmanager
def _scratch(output: Path) -> Iterator[Path]:
    """Give an empty folder in the output folder; what a killed run left in it goes first."""
    scratch = output / ".scratch"
    with ExitStack() as stack:
        try:
            output.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(output / ".lock"))
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(mode=0o700)
        except BlockingIOError as error:
            raise StoreError(
                f"Another run is writing to {output}. Wait until it is done."
            ) from error
        except OSError as error:
            raise ConfigurationError(f"{output} can't be written: {error.strerror}.") from error
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        yield scratch


def _status(run: Run) -> int:
    undecided = any(o.decision.verdict is Verdict.UNDECIDED for o in run.outcomes)
    return UNFINISHED if undecided or run.line_errors or run.unfinished else DECIDED


def _hide_environment() -> None:
    """Keep other processes of this user, scanners among them, out of this one's memory (Linux).

    `PR_SET_DUMPABLE` of prctl(2); it does not stop root.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _now() -> datetime:
    return datetime.now(UTC)
