"""The pipeline with isolated stages, and with a fleet, from a push to the emails: real commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.aws import AWS
from tests.fakes.https_server import HTTPSServer
from tests.templates.build_world import copy_of_project, gate, make_bundle, requests
from tests.templates.staged_world import StagedGate

VERDICTS = {"app": "approved", "tool": "approved", "holey": "refused"}
ACTIONS = ["Plan", "Scan", "PlanPrecedents", "ScanPrecedents", "Conclude"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    folder = tmp_path_factory.mktemp("bundle")
    output = folder / "bundle.tar.gz"
    digest = make_bundle(copy_of_project(folder / "project"), output)
    return digest, output.read_bytes()


@pytest.fixture
def staged(
    tmp_path: Path, server: HTTPSServer, aws: AWS, bundle: tuple[str, bytes]
) -> Iterator[StagedGate]:
    with gate("codeartifact", tmp_path, server, aws, bundle) as deployed:
        yield StagedGate(deployed)


def verdicts(artifacts: dict[str, bytes]) -> dict[str, str]:
    report = json.loads(artifacts["verdicts.json"])
    return {request["name"]: request["verdict"] for request in report["requests"]}


def test_a_push_is_planned_scanned_and_concluded_by_builds_of_their_own(
    staged: StagedGate, server: HTTPSServer
) -> None:
    run = staged.push(requests(server))
    logs = "\n".join(build.log for build in run.builds.values())
    assert run.succeeded, logs
    assert list(run.builds) == ACTIONS
    assert verdicts(run.builds["Conclude"].artifacts) == VERDICTS
    assert staged.gate.published() == {"app", "dep", "tool"}
    told = {e.attributes["package"]: e.attributes["verdict"] for e in staged.gate.run.emails()}
    assert told == VERDICTS
    assert run.builds["Plan"].exported == {"PACKAGES": "4"}
    assert run.builds["PlanPrecedents"].exported == {"PACKAGES": "0"}
    # Nothing to scan: it ends before anything is installed.
    assert not (run.builds["ScanPrecedents"].source / "gate").exists()
    for name in ACTIONS:
        assert sum(map(len, run.builds[name].artifacts.values())) < 1_000_000


def test_a_large_plan_is_scanned_by_a_fleet(staged: StagedGate, server: HTTPSServer) -> None:
    staged.parameters = {"FleetFrom": "4", "FleetConcurrency": "2"}
    run = staged.push(requests(server))
    logs = "\n".join(build.log for build in [*run.builds.values(), *staged.fleet_builds])
    assert run.succeeded, logs
    assert list(run.builds) == ["Plan", "PlanPrecedents", "Conclude"]
    assert run.executions == {
        "Scan": {"work": staged.place, "packages": "4"},
        "ScanPrecedents": {"work": staged.place, "packages": "0"},
    }
    assert len(staged.fleet_builds) == 1  # at most 200 packages are one batch
    assert verdicts(run.builds["Conclude"].artifacts) == VERDICTS
    assert staged.gate.published() == {"app", "dep", "tool"}
