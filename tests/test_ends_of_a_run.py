"""Streams that end before a run does, and machines on which nothing is left: as processes."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import PROJECT, LocalRun

REPORTS = ("verdicts.json", "report.html", "findings.sarif", "junit.xml")
STREAMS = {
    "a reader who goes after a line": 'set -o pipefail; "$@" | head -1; exit "${PIPESTATUS[0]}"',
    "a reader who has gone": '"$@" | :; exit "${PIPESTATUS[0]}"',
    "no standard output": 'exec "$@" >&-',
    "a full disk behind standard output": 'exec "$@" >/dev/full',
    "no standard error": 'exec "$@" 2>&-',
    "a full disk behind standard error": 'exec "$@" 2>/dev/full',
    "no standard input": 'exec "$@" <&-',
    "no stream at all": 'exec "$@" <&- >&- 2>&-',
}
"""What is there instead of a terminal → the shell's line."""


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer) -> LocalRun:
    index = PackageIndex(server)
    index.add_wheel("app", "1.0")
    index.add_wheel("holey", "2.0")
    run = LocalRun(tmp_path, index, environment={"PACKAGE_GATE_SCANNERS": "osv"})
    run.add_advisory("holey", "2.0")
    return run


def run_with(
    local: LocalRun, command: Sequence[str], shell: str, limits: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", shell, "bash", *command],
        env={**local.environ(), "PYTHONWARNINGS": "error::ResourceWarning"},
        cwd=local.folder / "cwd",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=limits,
    )


def emails(local: LocalRun) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in (local.output / "outbox").iterdir())


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_ends_first_changes_nothing_about_a_run(local: LocalRun, name: str) -> None:
    requests = "app,pypi:app,jo@example.com\nholey,pypi:holey\n"
    done = run_with(local, local.command(requests), STREAMS[name])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert local.verdicts() == {"app": "approved", "holey": "refused"}
    assert emails(local) == ["approved", "refused"]
    assert all((local.output / report).stat().st_size for report in REPORTS)
    assert (local.output / "simple/app/index.html").exists()


@pytest.mark.parametrize("name", ["a reader who has gone", "a full disk behind standard output",
                                  "no stream at all"])  # fmt: skip
@pytest.mark.parametrize(
    ("requests", "arguments", "status"),
    [("app,pypi:app\nnonsense\n", (), 1), ("app,pypi:app\n", ("--scanners", "none"), 2)],
    ids=["1", "2"],
)
def test_the_exit_status_is_the_runs_own(
    local: LocalRun, name: str, requests: str, arguments: Sequence[str], status: int
) -> None:
    done = run_with(local, local.command(requests, *arguments), STREAMS[name])
    assert done.returncode == status
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_ends_first_changes_nothing_about_a_dependency_scan(
    local: LocalRun, name: str
) -> None:
    done = run_with(local, dependency_scan(local, "holey"), STREAMS[name])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    report = json.loads((local.output / "dependencies.json").read_bytes())
    assert report["verdict"] == "refused"
    assert (local.output / "report.html").stat().st_size


def dependency_scan(local: LocalRun, package: str) -> list[str]:
    local.command("")
    repository = local.folder / "repository"
    repository.mkdir(exist_ok=True)
    (repository / "requirements.txt").write_text(f"{package}\n")
    return [
        sys.executable, "-P", "-s", "-m", "package_gate", "dependencies", str(repository),
        "--policy", str(local.folder / "policy.toml"), "--output", str(local.output),
        "--advisories", str(local.advisories), "--scanners", "osv",
    ]  # fmt: skip


@pytest.fixture(params=["gate", "dependency scan"])
def command(request: pytest.FixtureRequest, local: LocalRun) -> list[str]:
    if request.param == "gate":
        return local.command("app,pypi:app\n")
    return dependency_scan(local, "app")


@pytest.mark.parametrize("descriptors", [8, 12])
def test_few_descriptors_are_an_error_that_is_told(
    local: LocalRun, command: list[str], descriptors: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    said = unfinished(run_with(local, command, 'exec "$@"', limit))
    assert "Too many open files" in said or "could not" in said or "undecided" in said


def test_an_output_folder_that_cannot_be_made_is_an_error_that_is_told(
    local: LocalRun, command: list[str]
) -> None:
    local.output.write_text("a file")
    done = run_with(local, command, 'exec "$@"')
    assert done.returncode == 2
    assert f"{local.output} can't be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", ["size=1m,nr_inodes=2", "size=8k", "ro"])
def test_a_disk_without_room_is_an_error_that_is_told(
    local: LocalRun, command: list[str], options: str
) -> None:
    local.output.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", local.output],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        unfinished(run_with(local, command, 'exec "$@"'))
        assert not (local.output / "simple/app/index.html").exists()
    finally:
        subprocess.run(["umount", local.output], check=True)


INJECTED = """
import errno, os, warnings
import {module} as module
def fail(*_, **__):
    raise {error}
module.{name} = fail
warnings.simplefilter("error", ResourceWarning)
"""


@pytest.mark.parametrize(
    "error", ["MemoryError()", "OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"]
)
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("package_gate.commands.process", "mkdtemp"),
        ("package_gate.commands.process", "locked"),
        ("package_gate.commands.gate", "read_requests"),
        ("package_gate.commands.gate", "load_policy_file"),
        ("package_gate.commands.gate", "write_reports"),
        ("package_gate.commands.gate", "print_verdicts"),
        ("package_gate.records.storage", "locked"),
        ("package_gate.pipeline.gate", "quick_or_slow"),
    ],
)
def test_no_room_and_no_memory_anywhere_end_in_one_line(
    local: LocalRun, module: str, name: str, error: str
) -> None:
    program = INJECTED.format(module=module, name=name, error=error)
    (local.folder / "sitecustomize.py").write_text(program)
    local.environment["PYTHONPATH"] = f"{local.folder}:{PROJECT}"
    done = local.run("app,pypi:app\n")
    said = unfinished(done)
    assert "memory" in said or "No space left on device" in said
    assert done.stderr.count("\n") <= 2


def unfinished(done: subprocess.CompletedProcess[str]) -> str:
    said = done.stdout + done.stderr
    assert done.returncode in (1, 2), said
    assert "Traceback" not in said
    assert said.strip()
    return said


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_that_is_ignored_from_the_start_stays_so(
    local: LocalRun, server: HTTPSServer, number: signal.Signals
) -> None:
    """As of `nohup`; a run that is told to end does."""
    process: list[subprocess.Popen[str]] = []
    for path, responder in server.routes.items():
        if path.endswith(".whl"):

            def told(handler: object, answer: Callable[..., None] = responder) -> None:
                process[0].send_signal(number)
                answer(handler)

            server.routes[path] = told
    process.append(
        subprocess.Popen(
            ["bash", "-c", 'trap "" HUP; exec "$@"', "bash", *local.command("app,pypi:app\n")],
            env=local.environ(),
            cwd=local.folder / "cwd",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    )
    said, _ = process[0].communicate(timeout=120)
    assert process[0].returncode == (0 if number is signal.SIGHUP else 128 + number), said
