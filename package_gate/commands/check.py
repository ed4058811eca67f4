"""`package-gate check`: what the gate would say of a pull request's new lines, said there.

It runs in a workflow of GitHub Actions for the event `pull_request_target`, whose workflow file is
the base's, and reads what that sets (https://docs.github.com/en/actions: "Variables reference" and
"Events that trigger workflows"; https://docs.github.com/en/webhooks: "Webhook events and
payloads"). Of the pull request it takes one file, as data, through the API: nothing of it is
checked out.
"""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from package_gate.commands.destinations import LOCAL
from package_gate.commands.gate import (
    DECIDED,
    OUTPUT,
    REQUESTS,
    UNFINISHED,
    add_judges,
    decide,
    to_its_end,
)
from package_gate.commands.options import Arguments, checked_network, parsed
from package_gate.commands.process import complain, prepare_process, scratch_folder
from package_gate.core.decision import Verdict
from package_gate.core.errors import ConfigurationError, GateError, NotifyError
from package_gate.core.request_file import RequestFile, read_changed
from package_gate.core.run import Run
from package_gate.core.version import gate_version
from package_gate.notifications.github import GITHUB_API, CommitState, GitHub, checked_commit
from package_gate.report.comment import headline, write_comment

CONTEXT = "package-gate"
"""Of the commit status."""
MARK = "<!-- package-gate check -->"
AUTHOR = "github-actions[bot]"
"""Whose comments those of a workflow's own token are."""
MAX_REQUESTS = 20
"""That one pull request may have tried."""
MAX_BYTES = 4 << 20
"""Of the request file, as in the pipeline."""
_EPILOG = """\
A workflow of GitHub Actions starts it: see docs/pull-requests.md. Each option can be given as an
environment variable, such as PACKAGE_GATE_POLICY for --policy. Exit status: 0 it is said at the
pull request what became of each line, 1 it could not be found out or said, 2 the configuration or
the arguments are wrong.
"""


@dataclass(frozen=True, slots=True)
class _Repository:
    full_name: str


@dataclass(frozen=True, slots=True)
class _Side:
    ref: str
    sha: str
    repo: _Repository | None
    """None when it is gone."""


@dataclass(frozen=True, slots=True)
class _PullRequest:
    number: int
    head: _Side
    base: _Side


@dataclass(frozen=True, slots=True)
class _Event:
    pull_request: _PullRequest


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Check once.

    Args:
        arguments: the command line without the program's name; None for the process's own.
        environ: the environment, as a workflow of GitHub Actions has it, with `GITHUB_TOKEN`.
        folder: where the files are that no argument names; the current one.
        program: what the command is called; None for the name of the script that was started.

    Returns:
        The exit status: 0 the pull request says what became of its lines, 1 it does not, or not of
        all, 2 the configuration or the arguments are wrong.
    """
    prepare_process()
    options = parsed(_parser(environ, folder, program), arguments, environ)
    options.output = options.output.absolute()
    return to_its_end(lambda: _check(options, environ))


def _check(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    pull_request = _pull_request(environ)
    commit = checked_commit(pull_request.head.sha)
    github = GitHub(
        checked_network(environ),
        environ.get("GITHUB_API_URL") or GITHUB_API,
        environ.get("GITHUB_TOKEN", ""),
        environ.get("GITHUB_REPOSITORY", ""),
    )
    state = CommitState("pending", CONTEXT, "The new lines are being tried.", _log(environ))
    github.set_status(commit, state)
    try:
        with scratch_folder(options.output) as scratch:
            wanted = _new_lines(github, pull_request, scratch)
            requests = replace(wanted, requests=wanted.requests[:MAX_REQUESTS])
            left_out = len(wanted.requests) - len(requests.requests)
            target = replace(LOCAL, may_use_sample_advisories=False)
            run = decide(options, target, environ, scratch, requests)
        github.keep_comment(
            pull_request.number,
            MARK,
            write_comment(run, commit, left_out),
            AUTHOR,
            only_update=not wanted.requests and not wanted.errors,
        )
        result = _state(run, left_out)
        said = headline(run, left_out)
    except BaseException:
        failed = "It could not be found out: the log of the check says why."
        try:
            github.set_status(commit, replace(state, state="error", description=failed))
        except NotifyError as error:  # what went wrong first says more
            complain("package gate", error)
        raise
    github.set_status(commit, replace(state, state=result, description=said))
    return UNFINISHED if result == "error" else DECIDED


def _state(run: Run, left_out: int) -> str:
    """Give the commit's status: a line that waits for a cooldown alone may be merged."""
    if run.line_errors or any(o.decision.verdict is Verdict.REFUSED for o in run.outcomes):
        return "failure"
    open_ones = [
        outcome
        for outcome in run.outcomes
        if outcome.decision.verdict is not Verdict.APPROVED and not outcome.is_waiting
    ]
    return "error" if open_ones or left_out or run.unfinished else "success"


def _new_lines(github: GitHub, pull_request: _PullRequest, scratch: Path) -> RequestFile:
    """Read both states of the request file, and give the lines that are new.

    Raises:
        GateError: one of them can't be had.
    """
    paths = []
    for name, revision in (("head", pull_request.head.sha), ("base", pull_request.base.ref)):
        content = github.file(REQUESTS, revision)
        if content is None and name == "head":
            raise GateError(f"The pull request has no {REQUESTS}. Don't take it away.")
        if content is not None and len(content) > MAX_BYTES:
            raise GateError(f"{REQUESTS} is larger than {MAX_BYTES >> 20} MiB.")
        path = scratch / f"{name}.csv"
        path.write_bytes(content or b"")  # a base without it has no line yet
        paths.append(path)
    return read_changed(*paths)


def _pull_request(environ: Mapping[str, str]) -> _PullRequest:
    """Read what the workflow was started for.

    Raises:
        ConfigurationError: it is no pull request, or one of a fork: whoever can read a repository
            can make one, and have the gate fetch and scan what they please.
    """
    try:
        content = Path(environ.get("GITHUB_EVENT_PATH") or os.devnull).read_bytes()
        pull_request = msgspec.json.decode(content, type=_Event).pull_request
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "GITHUB_EVENT_PATH names no event of a pull request: start this from a workflow for "
            "pull_request_target."
        ) from error
    here = environ.get("GITHUB_REPOSITORY", "")
    for side in (pull_request.base, pull_request.head):
        if side.repo is None or side.repo.full_name != here:
            raise ConfigurationError(
                "The pull request is of a fork, and those are not checked: push to a branch of the "
                "repository itself."
            )
    return pull_request


def _log(environ: Mapping[str, str]) -> str:
    """Give the address of the workflow's run, "" when it is not known."""
    server, run = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_RUN_ID", "")
    if not server or not re.fullmatch("[0-9]+", run):
        return ""
    return f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"


def _parser(
    environ: Mapping[str, str], folder: Path, program: str | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="Try the new lines of a pull request, and say there what becomes of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    given = Arguments(parser, environ)
    add_judges(given, folder)
    given.add(
        "--output",
        folder / OUTPUT,
        Path,
        "where the reports go (default: %(default)s)",
    )
    parser.set_defaults(
        rescan=False, dry_run=True, signer="", quiet=False, verbose=False, json=False
    )
    parser.add_argument("--version", action="version", version=f"package gate {gate_version()}")
    return parser
