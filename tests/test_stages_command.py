"""`plan`, `scan` and `conclude` as processes; the scans have no network."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import LocalRun

NO_SOCKETS = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise PermissionError(f"{event} is forbidden")

sys.addaudithook(refuse)
"""
REQUESTS = """\
app,pypi:app,jo@example.com
holey,pypi:holey==2.0
tool,https://localhost:{port}/tool.zip
lost,pypi:no-such-project
broken line
"""


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer) -> LocalRun:
    return LocalRun(tmp_path, PackageIndex(server))


def without_network() -> list[str]:
    """Give what starts a command in a network namespace with nothing in it."""
    command = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("this machine makes no network namespaces for us (unshare --net)")
    return command


def stage(
    local: LocalRun, name: str, *arguments: str, within: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    environment = local.environ()
    if within:
        hook = local.folder / "hook"
        hook.mkdir(exist_ok=True)
        (hook / "sitecustomize.py").write_text(NO_SOCKETS)
        environment["PYTHONPATH"] = f"{hook}:{environment['PYTHONPATH']}"
    return subprocess.run(
        [*within, sys.executable, "-P", "-s", "-m", "package_gate", name,
         "--work", str(local.folder / "work"), "--policy", str(local.folder / "policy.toml"),
         *arguments],
        env=environment, cwd=local.folder / "cwd", capture_output=True, text=True, check=False,
    )  # fmt: skip


def plain(report: Any) -> Any:
    """Leave out of a report what two runs need not have in common.

    Whether a refused request's package is published depends on which of its requests ends first.
    """
    if isinstance(report, dict):
        return {
            key: plain(value)
            for key, value in report.items()
            if not key.endswith(("_at", "seconds"))
            and key not in ("data", "isolation", "published_to")
        }
    if isinstance(report, list):
        return [plain(value) for value in report]
    return report


def listed(local: LocalRun) -> set[str]:
    """Name the files of the index."""
    folder = local.output / "simple"
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}


def test_a_run_in_stages_ends_as_one_in_a_piece_and_scans_without_a_network(
    local: LocalRun,
) -> None:
    within = without_network()
    local.index.add_wheel("app", "1.0", ["dep>=1"])
    local.index.add_wheel("dep", "1.5")
    local.index.add_wheel("holey", "2.0", ["dep"])
    local.add_advisory("holey", "2.0")
    requests = REQUESTS.format(port=local.index.server.port)
    judges = ("--advisories", str(local.advisories))
    whole = local.run(requests)
    assert whole.returncode == 1, whole.stdout + whole.stderr
    expected, published = local.report(), listed(local)
    shutil.rmtree(local.output)
    reading = ("--output", str(local.output), *judges)

    planned = stage(
        local, "plan", "--requests", str(local.folder / "requests.csv"), "--batches", "2", *reading
    )
    assert planned.returncode == 0, planned.stdout + planned.stderr
    batches = json.loads((local.folder / "work" / "batches.json").read_text())
    assert [each["batch"] for each in batches] == [0, 1]
    for each in batches:
        scanned = stage(local, "scan", "--batch", str(each["batch"]), within=within)
        assert scanned.returncode == 0, scanned.stdout + scanned.stderr
    concluded = stage(local, "conclude", *reading, within=within)
    assert concluded.returncode == 1, concluded.stdout + concluded.stderr
    assert plain(local.report()) == plain(expected)
    assert listed(local) == published
    assert local.verdicts()["app"] == "approved"
    assert {each.name for each in (local.output / "simple").iterdir() if each.is_dir()} == {
        "app",
        "dep",
    }
