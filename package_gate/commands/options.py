"""Options, and what the environment says in their place."""

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace, _ArgumentGroup
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from package_gate.core.packaged import packaged
from package_gate.core.text import printable
from package_gate.net.session import Network, check_ca_bundle, network_of
from package_gate.report.terminal import Progress

ENVIRONMENT_PREFIX = "PACKAGE_GATE_"
_YES, _NO = ("1", "true", "yes"), ("", "0", "false", "no")
POLICY = "scan-policy.toml"
PACKAGED_POLICY = packaged(f"data/{POLICY}")


OPTIONS = frozenset(
    {
        *(
            "REQUESTS",
            "POLICY",
            "OUTPUT",
            "SCANNERS",
            "ADVISORIES",
            "RESCAN",
            "DRY_RUN",
            "FAIL_ON",
            "BASE",
        ),
        *("JSON", "QUIET", "VERBOSE", "EXCLUDE", "SNYK_MONITOR", "REPORT_ONLY"),
        "CONFIRM",
        *("SIGNER", "VERIFIER", "STANDING_DAYS"),
        *("WORK", "BATCH", "BATCHES", "BATCHES_FROM"),
    }
)
"""What stands in place of an option of one of the commands."""
SETTINGS = frozenset(
    {
        *("DOMAIN_OWNER", "INDEX_REPOSITORY", "GITHUB_HOST"),
        *("RECORDS", "RECORDS_KEY", "LEASE_SECONDS", "POLL_SECONDS", "WAIT_SECONDS", "STATE"),
        *(
            "SNYK_TOKEN",
            "SNYK_ORGANISATION",
            "SNYK_PLAN",
            "REPOSITORY",
            "BRANCH",
            "COMMIT",
            "AUTHOR",
        ),
        *("BASE_COMMIT", "PULL_REQUEST", "REPORT_URL", "STATUS", "STATUS_API", "STATUS_TOKEN"),
        "TRUST",
    }
)
"""What else is read, here or by the scripts around."""


class TakesArguments(Protocol):
    """A parser of the standard library's `argparse`, or a group of one."""

    def add_argument(self, *names: str, **settings: Any) -> object: ...  # noqa: D102


class Arguments:
    """Adds options, each of which a build project can set as an environment variable."""

    def __init__(self, parser: TakesArguments, environ: Mapping[str, str]) -> None:
        """Add to this parser."""
        self._parser = parser
        self._environ = environ

    def add(self, option: str, default: object, parse: Callable[[str], object], text: str) -> None:
        """Add an option with a value."""
        given = self._environ.get(_variable(option))
        self._parser.add_argument(option, type=parse, default=given or default, help=text)

    def add_switch(self, option: str, text: str) -> None:
        """Add an option without one."""
        given = self._environ.get(_variable(option), "").lower() in _YES
        self._parser.add_argument(option, action="store_true", default=given, help=text)


def parsed(
    parser: ArgumentParser, arguments: Sequence[str] | None, environ: Mapping[str, str]
) -> Namespace:
    """Read the arguments; what is wrong with them, or with a variable, ends the process with 2."""
    options = parser.parse_args(arguments)
    known = {ENVIRONMENT_PREFIX + name for name in OPTIONS | SETTINGS}
    for name in sorted(environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"; did you mean {near[0]}?" if near else ""
            parser.error(f"there is no variable {printable(name, 80)}{meant}")
    if getattr(options, "quiet", False) and getattr(options, "verbose", False):
        parser.error("--quiet and --verbose exclude each other")
    for action in parser._actions:
        for option in action.option_strings:
            value = environ.get(_variable(option), "").lower()
            if isinstance(action.default, bool) and value not in (*_YES, *_NO):
                parser.error(f"{_variable(option)} is neither 1 nor 0: {printable(value, 40)}")
    return options


def _variable(option: str) -> str:
    return ENVIRONMENT_PREFIX + option.strip("-").upper().replace("-", "_")


def add_output(group: _ArgumentGroup, environ: Mapping[str, str], document: str) -> None:
    """Add `--json`, `--quiet` and `--verbose`; `document` is what the first prints."""
    Arguments(group, environ).add_switch(
        "--json", f"print {document} on standard output, and all else on standard error"
    )
    amount = Arguments(group.add_mutually_exclusive_group(), environ)
    amount.add_switch("--quiet", "print warnings, what is not clean or approved, and totals only")
    amount.add_switch("--verbose", "print each step with its time, on terminals too")


def console_for(options: Namespace) -> Console:
    """Give where a command speaks to people: standard output, unless a program reads that."""
    return Console(soft_wrap=True, highlight=False, stderr=options.json)


def progress_for(options: Namespace, console: Console) -> Progress:
    """Show what is done on a console, as much as is wanted."""
    return Progress(console, quiet=options.quiet, verbose=options.verbose)


def print_document(options: Namespace, document: Path) -> None:
    """Print a written report on standard output, when a program reads that."""
    if options.json:
        with document.open(encoding="utf-8") as file:
            shutil.copyfileobj(file, sys.stdout)
        sys.stdout.flush()


def add_policy(arguments: Arguments, folder: Path) -> None:
    """Add `--policy`: by default the folder's own file, or the packaged one when it has none."""
    own = folder / POLICY
    arguments.add(
        "--policy",
        own if os.path.lexists(own) else PACKAGED_POLICY,
        Path,
        "InfoSec's policy (default: %(default)s)",
    )


def packaged_policy_warning(policy: Path) -> list[str]:
    """Say it when nobody's own policy judges."""
    if policy != PACKAGED_POLICY:
        return []
    return [
        f"There is no {POLICY} here, so the defaults judge. Give InfoSec's policy with --policy."
    ]


def checked_network(environ: Mapping[str, str]) -> Network:
    """Read proxies and certificates from the environment.

    Raises:
        ConfigurationError: there is no such file of certificates.
    """
    network = network_of(environ)
    check_ca_bundle(network)
    return network
