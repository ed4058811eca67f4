"""The console script `package-gate`: which commands there are; each imports what only it needs."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from package_gate.core.version import gate_version

if TYPE_CHECKING:
    from package_gate.commands.destinations import Destination

PROGRAM = "package-gate"
DEFAULT = "run"
MISCONFIGURED = 2


@dataclass(frozen=True, slots=True)
class Command:
    """What one word after `package-gate` does."""

    summary: str
    """What it does, for the list of commands."""
    main: Callable[[Sequence[str]], int]
    """Does it with the arguments that follow the word; gives the exit status."""


def scan_script(target: "Destination", folder: Path) -> int:
    """Do what a script for one destination is started for: `run`, unless it names another command.

    Args:
        target: where approved packages go.
        folder: where the files are that no argument names.

    Returns:
        The exit status.
    """
    name, rest = sys.argv[1] if sys.argv[1:] else "", sys.argv[2:]
    if name in _FOR_DESTINATIONS:
        program = f"{Path(sys.argv[0]).name} {name}"
        return _FOR_DESTINATIONS[name](target, rest, folder, program)
    return _run(target, None, folder, None)


def _run(
    target: "Destination", arguments: Sequence[str] | None, folder: Path, program: str | None
) -> int:
    from package_gate.commands import gate

    return gate.main(target, arguments, folder=folder, program=program)


def _reevaluate(target: "Destination", arguments: Sequence[str], folder: Path, program: str) -> int:
    from package_gate.commands import reevaluate

    return reevaluate.main(target, arguments, folder=folder, program=program)


def _plan(target: "Destination", arguments: Sequence[str], folder: Path, program: str) -> int:
    from package_gate.commands import stages

    return stages.plan(target, arguments, folder=folder, program=program)


def _scan(target: "Destination", arguments: Sequence[str], folder: Path, program: str) -> int:
    from package_gate.commands import stages

    return stages.scan(arguments, folder=folder, program=program)


def _conclude(target: "Destination", arguments: Sequence[str], folder: Path, program: str) -> int:
    from package_gate.commands import stages

    return stages.conclude(target, arguments, folder=folder, program=program)


_FOR_DESTINATIONS: Mapping[str, Callable[["Destination", Sequence[str], Path, str], int]] = {
    DEFAULT: _run,
    "reevaluate": _reevaluate,
    "plan": _plan,
    "scan": _scan,
    "conclude": _conclude,
}
"""The commands that differ by where approved packages go."""


def _locally(name: str) -> Callable[[Sequence[str]], int]:
    """Give one of them for the local folder."""

    def command(arguments: Sequence[str]) -> int:
        from package_gate.commands.destinations import LOCAL

        return _FOR_DESTINATIONS[name](LOCAL, arguments, Path(), f"{PROGRAM} {name}")

    return command


def _inventory(arguments: Sequence[str]) -> int:
    from package_gate.commands import inventory

    return inventory.main(arguments, program=f"{PROGRAM} inventory")


def _explain(arguments: Sequence[str]) -> int:
    from package_gate.commands import explain

    return explain.main(arguments, program=f"{PROGRAM} explain")


def _affected_by(arguments: Sequence[str]) -> int:
    from package_gate.commands import affected_by

    return affected_by.main(arguments, program=f"{PROGRAM} affected-by")


def _trust(arguments: Sequence[str]) -> int:
    from package_gate.commands import trust

    return trust.main(arguments, program=f"{PROGRAM} trust")


def _check(arguments: Sequence[str]) -> int:
    from package_gate.commands import check

    return check.main(arguments, program=f"{PROGRAM} check")


def _observe(arguments: Sequence[str]) -> int:
    from package_gate.commands import observe

    return observe.main(arguments, program=f"{PROGRAM} observe")


def _scan_dependencies(arguments: Sequence[str]) -> int:
    from package_gate.commands import dependencies

    return dependencies.main(arguments, program=f"{PROGRAM} dependencies")


COMMANDS: Mapping[str, Command] = {
    DEFAULT: Command(
        "decide the requests of external-package-request.csv; approved packages go to a folder",
        _locally(DEFAULT),
    ),
    "reevaluate": Command(
        "judge what is approved by what is known today; withdraw what the policy refuses",
        _locally("reevaluate"),
    ),
    "plan": Command(
        "the first stage of a run: resolve and fetch, and write down what must be scanned",
        _locally("plan"),
    ),
    "scan": Command(
        "the second: look at one batch of the plan, without a network",
        _locally("scan"),
    ),
    "observe": Command(
        "between plan and conclude: let packages run in a throw-away sandbox, and watch them",
        _observe,
    ),
    "conclude": Command(
        "the last: decide by what was found; publish, record and tell",
        _locally("conclude"),
    ),
    "inventory": Command(
        "list every package and request on record, and how it stands",
        _inventory,
    ),
    "explain": Command(
        "tell why a package was decided as it was, and what has happened to it",
        _explain,
    ),
    "affected-by": Command(
        "tell what an advisory, or the name of a package, hits",
        _affected_by,
    ),
    "trust": Command(
        "write the file of public keys by which notebooks verify what they install",
        _trust,
    ),
    "check": Command(
        "try the new lines of a pull request at GitHub, and say there what becomes of them",
        _check,
    ),
    "dependencies": Command(
        "scan what a repository of your own depends on",
        _scan_dependencies,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; without one, `run`.

    Args:
        arguments: the command line without the program's name; None for the process's own.

    Returns:
        The command's exit status; 2 when there is no such command.
    """
    if arguments is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing has begun that could be interrupted
    name, *rest = (sys.argv[1:] if arguments is None else [*arguments]) or [DEFAULT]
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"package gate {gate_version()}")
        return 0
    if name.startswith("-"):
        name, rest = DEFAULT, [name, *rest]
    if name not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"package gate: there is no command {name!r}; choose from {known}.", file=sys.stderr)
        return MISCONFIGURED
    return COMMANDS[name].main(rest)


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {each.summary}" for name, each in COMMANDS.items())
    return (
        f"usage: {PROGRAM} [COMMAND] [ARGUMENT...]\n\n"
        "A gate for external packages on their way into a closed data-science environment.\n\n"
        f"commands ({DEFAULT} when none is given):\n{commands}\n\n"
        f"{PROGRAM} COMMAND --help lists what a command takes; {PROGRAM} --version tells the "
        "version."
    )
