"""Ctrl-C anywhere is safe: the next run goes on. Each variant in each shell has its own points."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from tests.shell.caller import STACK, Caller
from tests.shell.terminal import PATIENCE, Terminal

WAITING = """\
#!/bin/sh
# The AWS CLI; but before one command it waits for a person who presses Ctrl-C.
case "$*" in
  *{command}*) : >"$HOME/waiting" && exec sleep {patience} ;;
esac
PATH=${{PATH#*:}} exec aws "$@"
"""
POINTS = [
    ("codeartifact", "bash", "s3\\ cp", "describe-stack-events*:stack/gate/"),
    ("codeartifact", "zsh", "create-stack*\\ gate\\ ", "delete-objects"),
    ("github", "bash", "describe-stack-events*:stack/gate/", "delete-stack*:stack/gate-artifacts/"),
    ("github", "zsh", "create-secret", "delete-secret"),
]
"""Variant, shell, and the commands of the AWS CLI before which each is interrupted.

Creation: when the bucket is there, when the secret is there, during the main stack, before the
secret. Deletion: during the main stack's, when it is gone, when the bucket is empty, before the
secret's.
"""


def interrupt(caller: Caller, script: str, command: str) -> None:
    """Source a script and press Ctrl-C when it is about to run this command of the AWS CLI."""
    tools = caller.home / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "aws").write_text(WAITING.format(command=command, patience=PATIENCE))
    (tools / "aws").chmod(0o755)
    waiting = caller.home / "waiting"
    terminal = Terminal(caller, {"PATH": f"{tools}:{caller.variables['PATH']}"})
    try:
        terminal.type(f'. "$PROJECT/shell/{script}')
        end = time.monotonic() + PATIENCE
        while not waiting.exists():
            assert time.monotonic() < end, f"{script} does not run {command}"
            time.sleep(0.02)
        terminal.press_ctrl_c()
        terminal.wait_for("run the same again to continue")
        terminal.type("echo status''=$?")
        terminal.wait_for("status=130")
    finally:
        terminal.close()
    waiting.unlink()


@pytest.mark.parametrize(
    ("variant", "shell", "creating", "deleting"), POINTS, ids=lambda each: each.split("\\")[0]
)
def test_an_interrupted_creation_or_deletion_is_finished_by_the_next_run(
    bash: Caller, variant: str, shell: str, creating: str, deleting: str
) -> None:
    bash.shell = shell
    bash.cloudformation.polls = 1
    interrupt(bash, f'create-{variant}-stack.sh"', creating)
    created = bash.source(f"create-{variant}")
    assert created.status == 0, created.said
    first, second, nested = bash.cloudformation.operations  # each once
    assert (first, second) == (f"create {STACK}-artifacts", f"create {STACK}")
    assert nested.startswith(f"create {STACK}-ScanPipeline")

    interrupt(bash, f'delete-{variant}-stack.sh" --yes', deleting)
    assert bash.left() != {}
    deleted = bash.source(f"delete-{variant}", "--yes")
    assert deleted.status == 0, deleted.said
    assert "On purpose this is left: the KMS key" in deleted.said
    assert bash.left() == {}


EXPANDING = """
. "$PROJECT/shell/stacks/common.sh"
work() {
  say working
  while :; do
    value=$(printf a)$(printf b)$(printf "$(printf c)")
  done
}
run work
"""


def test_no_interrupt_is_lost_amid_an_expansion(bash: Caller) -> None:
    """Bash 5.2 lost one in six there, and could not read the trap in every second one."""
    script = bash.home / "expanding.sh"
    script.write_text(EXPANDING)
    for _ in range(12):
        process = subprocess.Popen(
            ["bash", "-p", script],
            env=bash.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        os.killpg(process.pid, signal.SIGINT)
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 130, said
        assert said.startswith("\nInterrupted."), said
    assert bash.left() == {}
