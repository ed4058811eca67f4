"""Looks for marked credentials everywhere that a run leaves something or can be looked at."""

import base64
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

BASE64_START = (0, 2, 3)
"""From which character on base64 depends on nothing before a text, by that text's place modulo 3.
"""


@dataclass
class SeenProcesses:
    """The processes that a run started, itself left out."""

    seen: set[tuple[bytes, bytes]] = field(default_factory=set)
    """Command line and environment, each as `/proc` shows it."""

    def environments(self, command_part: bytes) -> list[bytes]:
        """The environments of those with this in their command line."""
        return [environment for command, environment in self.seen if command_part in command]

    def places(self) -> dict[str, bytes]:
        """What can be read of them, by a name for it."""
        found = {}
        for number, (command, environment) in enumerate(sorted(self.seen)):
            program = command.replace(b"\0", b" ")[:120].decode("utf-8", "replace")
            found[f"command line of process {number}: {program}"] = command
            found[f"environment of process {number}: {program}"] = environment
        return found


@contextmanager
def watched(process: subprocess.Popen[str]) -> Iterator[SeenProcesses]:
    """Look at all descendants of a process, again and again, until the block ends."""
    processes = SeenProcesses()
    done = threading.Event()
    thread = threading.Thread(target=_watch, args=(process.pid, processes, done))
    thread.start()
    try:
        yield processes
    finally:
        done.set()
        thread.join()


def _watch(pid: int, processes: SeenProcesses, done: threading.Event) -> None:
    own_command = b""
    while not done.wait(0.003):
        with suppress(OSError):  # it is empty for a moment after the process has started
            own_command = Path(f"/proc/{pid}/cmdline").read_bytes()
        for descendant in _descendants(pid):
            folder = Path(f"/proc/{descendant}")
            # A process that ends meanwhile, or has ended and was not waited for, can't be read.
            with suppress(OSError):
                command = (folder / "cmdline").read_bytes()
                # A child has its parent's memory until it has started its own program.
                if command and command != own_command:
                    processes.seen.add((command, (folder / "environ").read_bytes()))


def _descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def git_history(repository: Path) -> dict[str, bytes]:
    """Every object and every reference of a repository."""
    git = ["git", "-C", str(repository)]
    objects = [*git, "cat-file", "--batch-all-objects", "--batch"]
    return {
        "git objects": subprocess.run(objects, capture_output=True, check=True).stdout,
        "git references": subprocess.run(
            [*git, "for-each-ref"], capture_output=True, check=True
        ).stdout,
    }


def traces(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Tell where a secret stands: as it is, percent-encoded, or within base64.

    Args:
        secrets: secret by a name for it.
        places: content by a name for the place.
    """
    return [
        f"{name} in {place}"
        for name, secret in secrets.items()
        for place, content in places.items()
        if any(spelling in content for spelling in _spellings(secret))
    ]


def _spellings(secret: str) -> set[bytes]:
    raw = secret.encode()
    in_base64 = {
        base64.b64encode(b"\0" * place + raw)[start:-4] for place, start in enumerate(BASE64_START)
    }
    return {raw, quote(secret, safe="").encode(), *in_base64}
