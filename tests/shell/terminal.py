"""A terminal with a shell, at which a person types and presses Ctrl-C."""

import os
import pty
import select
import signal
import time
from collections.abc import Mapping

from tests.shell.caller import Caller

PATIENCE = 200
"""How many seconds a text may take to come."""


class Terminal:
    """A shell that somebody types into."""

    def __init__(self, caller: Caller, environment: Mapping[str, str | None] | None = None) -> None:
        self.shown = ""
        flags = ["-f", "-i", "-o", "NO_ZLE"] if caller.shell == "zsh" else ["--norc", "-i"]
        variables = {**caller.environment(environment), "TERM": "dumb", "PS1": "> "}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(caller.home)
            shell = [caller.shell, *flags]
            os.execvpe(shell[0], shell, variables)
        self.wait_for("> ")

    def type(self, line: str) -> None:
        self.shown = ""
        os.write(self.fd, line.encode() + b"\r")

    def press_ctrl_c(self) -> None:
        os.write(self.fd, b"\x03")

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + PATIENCE
        while text not in self.shown:
            readable, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert readable, f"{text!r} did not come: {self.shown}"
            self.shown += os.read(self.fd, 65536).decode("utf-8", "replace")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
