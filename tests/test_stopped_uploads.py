"""A gate that is stopped while twine uploads or git pushes: neither outlives the gate's turn."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.aws_run import (
    CODEARTIFACT,
    CODEARTIFACT_VARIABLES,
    GITHUB,
    ScriptRun,
    github_variables,
    script_run,
)
from tests.fakes.aws import AWS
from tests.fakes.git_server import Fault
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex, metadata, wheel
from tests.fakes.relay import Moment, relay_to
from tests.kill.processes import at_work_in
from tests.publishers.github_world import github_world

PATIENCE = 60
LARGE = 32 * 1024 * 1024
"""More than the sockets between twine and the index hold: twine still sends while that reads."""
LINGERING = 1.0
"""Seconds after the end in which nothing more may arrive."""
PUSH = "POST /organisation/packages.git/git-receive-pack"


@dataclass
class Stopping:
    """A build whose upload does not get on until it is let go on."""

    run: ScriptRun
    begun: threading.Event
    go_on: threading.Event
    published: Callable[[], bool]
    """Whether the upload has come to its end."""
    at_work_when_freed: list[list[str]]
    """The build's other processes at the moment when its turn was given back."""

    def others(self) -> list[str]:
        """Give what the build has started and is there still; scanners reach no network."""
        return [each for each in at_work_in(self.run.output) if "package_gate.sandbox" not in each]


@pytest.fixture(params=["twine", "git"])
def stopping(
    request: pytest.FixtureRequest, tmp_path: Path, server: HTTPSServer, aws: AWS
) -> Iterator[Stopping]:
    index = PackageIndex(server)
    begun, go_on = threading.Event(), threading.Event()

    def held() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    published: Callable[[], bool]
    with ExitStack() as stack:
        if request.param == "twine":
            add_large_wheel(index)
            relay = stack.enter_context(relay_to(aws.codeartifact.pypi.url))
            relay.held["POST /pypi/"] = held
            aws.codeartifact.pypi.url = relay.url
            script, variables = CODEARTIFACT, CODEARTIFACT_VARIABLES
            published = lambda: bool(relay.requests)  # noqa: E731 - of those that came whole
        else:
            index.add_wheel("app", "1.0")
            (tmp_path / "git").mkdir()
            world = stack.enter_context(github_world(tmp_path / "git"))
            asked = "GET /organisation/packages.git/info/refs?service=git-receive-pack"
            world.server.faults.append(Fault(asked, before=held, times=100))
            script, variables = GITHUB, github_variables(world)
            published = lambda: bool(world.server.count(PUSH))  # noqa: E731
        run = stack.enter_context(script_run(tmp_path, index, aws, script, variables))
        run.killed = True
        stopping = Stopping(run, begun, go_on, published, [])
        run.relay.moments.append(
            Moment('"holder":""', lambda: stopping.at_work_when_freed.append(stopping.others()))
        )
        yield stopping
        go_on.set()


def add_large_wheel(index: PackageIndex) -> None:
    """Add app 1.0, with bytes that can't be compressed."""
    noise = {"app/noise.bin": os.urandom(LARGE)}
    filename, content = wheel("app", "1.0", metadata("app", "1.0"), content=noise)
    index.add_file("app", filename, content)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_upload_ends_before_the_turn_of_a_stopped_run_does(
    stopping: Stopping, number: signal.Signals
) -> None:
    process = stopping.run.start("app,pypi:app\n")
    assert stopping.begun.wait(PATIENCE)
    assert stopping.others() != []
    process.send_signal(number)
    done = stopping.run.finish()
    assert done.returncode == 128 + number
    assert done.stderr.splitlines()[-1] == (
        "package gate: stopped. The next run finishes what is open."
    )
    assert "Traceback" not in done.stderr
    assert stopping.at_work_when_freed == [[]]
    nothing_more_arrives(stopping)
    assert stopping.run.emails() == []


def test_an_upload_dies_with_a_killed_run(stopping: Stopping) -> None:
    process = stopping.run.start("app,pypi:app\n")
    assert stopping.begun.wait(PATIENCE)
    process.kill()
    assert stopping.run.finish().returncode == -signal.SIGKILL
    deadline = time.monotonic() + PATIENCE
    while stopping.others() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stopping.at_work_when_freed == []
    nothing_more_arrives(stopping)


def nothing_more_arrives(stopping: Stopping) -> None:
    assert stopping.others() == []
    stopping.go_on.set()
    time.sleep(LINGERING)
    assert not stopping.published()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of pypiserver
def test_what_is_held_here_arrives_when_nobody_stops_the_run(stopping: Stopping) -> None:
    """Or the tests above could not fail."""
    stopping.run.relay.moments.clear()
    stopping.run.start("app,pypi:app\n")
    assert stopping.begun.wait(PATIENCE)
    stopping.go_on.set()
    done = stopping.run.finish()
    assert done.returncode == 0, done.stdout + done.stderr
    assert stopping.published()
