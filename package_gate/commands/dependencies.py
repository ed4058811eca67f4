"""Arguments and environment → a dependency scan; here alone a scan reads the environment."""

import argparse
import os
import signal
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from package_gate.commands.advisory_sources import SNYK_TOKEN, advisory_sources
from package_gate.commands.dependency_services import Services
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
from package_gate.commands.scan_setup import describer
from package_gate.core.decision import Verdict
from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import ConfigurationError, GateError, NotifyError
from package_gate.core.freshness import Freshness
from package_gate.core.policy import load_policy
from package_gate.core.version import gate_version
from package_gate.dependency_scan.closures import Closures
from package_gate.dependency_scan.fixing import Fixer
from package_gate.dependency_scan.hashes import LockedFiles
from package_gate.dependency_scan.looking_up import LookUp
from package_gate.dependency_scan.messages import print_scan
from package_gate.dependency_scan.models import DependencyScan
from package_gate.dependency_scan.reports import write_scan
from package_gate.dependency_scan.repository import Checkout
from package_gate.dependency_scan.scan import Parts, Subject, failed, scan
from package_gate.net.download import Downloader
from package_gate.scanners.registry import SCANNERS, Where, those
from package_gate.sources.pypi.cooldown import IndexCooldown
from package_gate.sources.pypi.index import Index, configured_indexes, public_index
from package_gate.sources.pypi.resolver import Resolver
from package_gate.sources.pypi.uv import PythonTarget, index_settings

OUTPUT = "dependency-report"
MAX_SDISTS = 60
"""Releases of one closure that may exist only as sdists; old pins often do."""

PASSED, FAILED, MISCONFIGURED = 0, 1, 2
_EPILOG = """\
examples:
  %(prog)s .                                      scan this repository
  %(prog)s . --exclude 'tests/*,docs/*'           leave out what is not shipped
  %(prog)s . --quiet --json > dependencies.json   for a program

Each option can be given as an environment variable, such as PACKAGE_GATE_POLICY for --policy or
PACKAGE_GATE_REPORT_ONLY=1. Exit status: 0 nothing refuses and everything was determined, or
--report-only; 1 something refuses, could not be determined or told; 2 the configuration or the
arguments are wrong.
"""


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Scan once.

    Args:
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment.
        folder: where policy and output are unless an argument names them; the current one.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 nothing refuses and everything was determined, or it only reports; 1
        something refuses, could not be determined, or could not be told; 2 the configuration or
        the arguments are wrong.
    """
    prepare_process()
    options = parsed(_parser(environ, folder, program), arguments, environ)
    options.output = options.output.absolute()
    try:
        with scratch_folder(options.output) as scratch:
            return _run(options, environ, scratch)
    except ConfigurationError as error:
        complain("dependency scan", error)
        return MISCONFIGURED
    except GateError as error:
        complain("dependency scan", error)
        return FAILED
    except Exception as error:  # a fault of ours must never read as a clean repository
        complain("dependency scan", _unexpected(error))
        return FAILED
    except KeyboardInterrupt as interrupt:
        complain("dependency scan", "stopped.")
        os._exit(128 + getattr(interrupt, "number", signal.SIGINT))


def _run(options: argparse.Namespace, environ: Mapping[str, str], scratch: Path) -> int:
    console = console_for(options)
    policy = load_policy(options.policy)
    open_repository = partial(_open, options)
    repository = open_repository({})  # a folder that isn't there is a wrong argument
    if repository.folder.is_relative_to(options.output.resolve()):
        raise ConfigurationError(
            f"{options.path} lies in the output folder, which is written anew: give another "
            "--output."
        )
    network = checked_network(environ)
    advisories = advisory_sources(
        options.scanners,
        options.advisories,
        environ,
        network,
        scratch,
        prioritise=policy.prioritise,
    )
    services = Services(environ, network, advisories.sources, monitor=options.snyk_monitor)
    subject = Subject(
        repository=environ.get("PACKAGE_GATE_REPOSITORY") or options.path.resolve().name,
        branch=environ.get("PACKAGE_GATE_BRANCH", ""),
        commit=environ.get("PACKAGE_GATE_COMMIT", ""),
        author=environ.get("PACKAGE_GATE_AUTHOR", ""),
    )
    settings = index_settings(environ, Path.home(), policy.sources)
    known = partial(configured_indexes, settings)
    downloads = Downloader(network, policy.sources, policy.limits, indexes=known)
    with advisories, downloads as downloader, progress_for(options, console) as progress:
        index = Index(settings)
        closures = Closures(
            Resolver(settings, index, downloader.fetch, describer(policy, scratch), MAX_SDISTS),
            index,
            [
                PythonTarget(python, platform)
                for python in policy.targets.python_versions
                for platform in policy.targets.platforms
            ],
            scratch,
            progress.step,
        )
        look_up = LookUp(advisories.sources, policy, now().date(), progress.step)
        cooldown = IndexCooldown(Freshness(policy, PYPI, now()))
        asked = [address.url for address in configured_indexes(settings)]
        parts = Parts(
            closures=closures,
            look_up=look_up,
            fixer=Fixer(closures, look_up, index, cooldown, progress.step),
            locked_files=LockedFiles(index, asked, progress.step),
            # Advisories are about the public index, so its packages are known whatever mirrors.
            indexes=[public_index(), *asked],
            policy_digest=policy.digest,
            now=now,
        )
        started = now()
        try:
            result = scan(open_repository, subject, parts)
        except GateError:
            raise
        except Exception as error:  # people and hosts must hear of it, as of any other result
            result = failed(subject, parts, started, _unexpected(error))
    result = services.monitored(result)
    warnings = packaged_policy_warning(options.policy)
    result = replace(result, notes=(*warnings, *result.notes))
    write_scan(result, options.output)
    print_scan(result, console)
    if not options.quiet:
        console.print(f"Report: {(options.output / 'report.html').as_uri()}")
    print_document(options, options.output / "dependencies.json")
    told = _tell(services, result, environ, fails=not options.report_only)
    if options.report_only:
        return PASSED
    return PASSED if told and result.verdict is Verdict.APPROVED else FAILED


def _unexpected(error: Exception) -> str:
    """Name a fault of ours in one line; what its text holds, nobody knows."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"The scan failed unexpectedly ({type(error).__name__}, {Path(frame.filename).name}:"
        f"{frame.lineno}), so nothing was determined. Tell whoever looks after it."
    )


def _open(options: argparse.Namespace, replaced: Mapping[str, bytes]) -> Checkout:
    return Checkout(options.path, options.exclude, replaced, skip=options.output)


def _tell(
    services: Services, result: DependencyScan, environ: Mapping[str, str], *, fails: bool
) -> bool:
    """Send the email and set the status; what goes wrong with one doesn't stop the other."""
    report = environ.get("PACKAGE_GATE_REPORT_URL", "")
    told = True
    for tell in (services.send_email, services.set_status):
        try:
            tell(result, report, fails=fails)
        except NotifyError as error:
            complain("dependency scan", error)
            told = False
    return told


def _parser(
    environ: Mapping[str, str], folder: Path = Path(), program: str | None = None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="Scan the dependencies of a repository; nothing of it is installed or built.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    group = parser.add_argument_group("what is scanned, and by what")
    group.add_argument("path", type=Path, metavar="PATH", help="the repository's folder")
    given = Arguments(group, environ)
    add_policy(given, folder)
    scanners = ["osv", "snyk"] if environ.get(SNYK_TOKEN) else ["osv"]
    given.add(
        "--scanners",
        scanners,
        _scanners,
        "osv, snyk, inspector, separated by commas (default: osv, and snyk where its token is "
        "configured)",
    )
    given.add(
        "--advisories",
        "",
        str,
        "a folder or zip in OSV's published layout, also s3://BUCKET/KEY.zip, or the address of an "
        "OSV API (default: the OSV API)",
    )
    given.add(
        "--exclude",
        [],
        lambda text: [each.strip() for each in text.split(",") if each.strip()],
        "patterns of paths that are left out, separated by commas, such as tests/*",
    )
    group = parser.add_argument_group("what follows from it")
    Arguments(group, environ).add_switch(
        "--snyk-monitor", "let Snyk watch what was found from now on"
    )
    only = group.add_mutually_exclusive_group()
    Arguments(only, environ).add_switch("--report-only", "exit with 0 whatever is found")
    only.add_argument(
        "--fail-on-findings",
        dest="report_only",
        action="store_false",
        help="exit with 1 when something refuses or could not be determined (the default)",
    )
    output = parser.add_argument_group("what it tells")
    Arguments(output, environ).add(
        "--output",
        folder / OUTPUT,
        Path,
        "where reports and proposed files go (default: %(default)s)",
    )
    add_output(output, environ, "dependencies.json")
    parser.add_argument("--version", action="version", version=f"package gate {gate_version()}")
    return parser


def _scanners(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = those(SCANNERS, Where.ADVISORIES)
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(
                f"there is no scanner {name!r} of dependencies; choose from {', '.join(known)}"
            )
    if not names:
        raise argparse.ArgumentTypeError("name at least one scanner")
    return list(dict.fromkeys(names))
