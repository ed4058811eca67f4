"""The pipeline with isolated stages, and with a fleet, from a push to the emails: real commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.aws import AWS
from tests.fakes.https_server import HTTPSServer
from tests.templates.build_world import copy_of_project, gate, make_bundle, requests
from tests.templates.deployment import deployed
from tests.templates.service_calls import ServiceCall
from tests.templates.stage_calls import calls_of_builds, calls_of_services, endpoints
from tests.templates.staged_world import ISOLATED, StagedGate
from tests.templates.test_buildspec import PUBLISHED
from tests.templates.test_exact_iam import request_of, unused_of

VERDICTS = {"app": "approved", "tool": "approved", "holey": "refused"}
VIA = "kms:ViaService"
STORE = {"Store": "gate-only"}
OF_THE_PIPELINE = (
    "PassArtifacts",
    "CheckTheBucket",
    "EncryptArtifacts",
    "PullThroughTheConnection",
)
"""Statements of the pipeline's role that it needs without stages, too: `test_exact_iam.py`."""
ACTIONS = ["Plan", "Scan", "PlanPrecedents", "ScanPrecedents", "Conclude"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    folder = tmp_path_factory.mktemp("bundle")
    output = folder / "bundle.tar.gz"
    digest = make_bundle(copy_of_project(folder / "project"), output)
    return digest, output.read_bytes()


@pytest.fixture(params=["codeartifact"])
def staged(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: HTTPSServer,
    aws: AWS,
    bundle: tuple[str, bytes],
) -> Iterator[StagedGate]:
    with gate(request.param, tmp_path, server, aws, bundle) as deployed:
        yield StagedGate(deployed)


def verdicts(artifacts: dict[str, bytes]) -> dict[str, str]:
    report = json.loads(artifacts["verdicts.json"])
    return {request["name"]: request["verdict"] for request in report["requests"]}


def documents(staged: StagedGate, part: str) -> list[bytes]:
    """What lies in the work place below keys that have this part."""
    records = staged.gate.run.records()
    return [content for key, content in records.items() if staged.place in key and part in key]


def denied(staged: StagedGate) -> list[str]:
    """What a build asked that its role, or the closed network's endpoints, don't allow."""
    deployment, found = staged.deployment, []
    for caller, call in calls_of_builds(deployment, staged.gate.aws, staged.asked):
        inside = caller != deployment.role("PlanRole")
        context = dict(call.context)
        # S3 itself asks KMS.
        ways = endpoints(deployment, call.action) if inside and not context.get(VIA) else []
        answer = deployment.evaluate(caller, call.action, call.resource, context, endpoints=ways)
        if not answer:
            found.append(f"{caller.arn}: {call.action} {call.resource}: {answer}")
    return found


def unused(staged: StagedGate) -> list[str]:
    """What the roles of plan, scan and state machine are granted that nobody has asked for."""
    deployment = deployed(
        "codeartifact", **{**staged.gate.parameters, **ISOLATED, **staged.parameters, **STORE}
    )
    calls = [
        ServiceCall(caller, call.action, call.resource, dict(call.context))
        for caller, call in calls_of_builds(staged.deployment, staged.gate.aws, staged.asked)
    ]
    calls += calls_of_services(deployment)
    asked = [request_of(call) for call in calls]
    stages = {each.caller.arn for each in asked} - {deployment.role("BuildRole").arn}
    return [
        text
        for arn in stages
        for policy in deployment.policies.get(arn, [])
        for text in unused_of(policy, "identity", [r for r in asked if r.caller.arn == arn])
        if not text.startswith(OF_THE_PIPELINE)
    ]


@pytest.mark.parametrize("staged", PUBLISHED, indirect=True)
def test_a_push_is_planned_scanned_and_concluded_by_builds_of_their_own(
    staged: StagedGate, server: HTTPSServer
) -> None:
    run = staged.push(requests(server))
    logs = "\n".join(build.log for build in run.builds.values())
    assert run.succeeded, logs
    assert list(run.builds) == ACTIONS
    assert verdicts(run.builds["Conclude"].artifacts) == VERDICTS
    assert staged.gate.published() == PUBLISHED[staged.gate.variant]
    told = {e.attributes["package"]: e.attributes["verdict"] for e in staged.gate.run.emails()}
    assert told == VERDICTS
    assert run.builds["Plan"].exported == {"PACKAGES": "4"}
    assert run.builds["PlanPrecedents"].exported == {"PACKAGES": "0"}
    # Nothing to scan: it ends before anything is installed.
    assert not (run.builds["ScanPrecedents"].source / "gate").exists()
    for name in ACTIONS:
        assert sum(map(len, run.builds[name].artifacts.values())) < 1_000_000
    if staged.gate.variant == "codeartifact":
        assert denied(staged) == []


def test_a_large_plan_is_scanned_by_a_fleet_whose_builds_may_die(
    staged: StagedGate, server: HTTPSServer
) -> None:
    staged.parameters = {"FleetFrom": "4", "FleetConcurrency": "2"}
    staged.killed = {"1": 2}  # as often as the state machine starts it
    run = staged.push(requests(server))
    logs = "\n".join(build.log for build in [*run.builds.values(), *staged.fleet_builds])
    assert run.succeeded, logs
    assert list(run.builds) == ["Plan", "PlanPrecedents", "Conclude"]
    assert run.executions == {
        "Scan": {"work": staged.place, "packages": "4"},
        "ScanPrecedents": {"work": staged.place, "packages": "2"},  # of the batch that died
    }
    batches = [json.loads(each) for each in documents(staged, "/batches/")]
    assert sorted(len(each["tasks"]) for each in batches) == [2, 2]  # one for each build at once
    assert len(staged.fleet_builds) == 2
    assert denied(staged) == []
    assert unused(staged) == []
    assert verdicts(run.builds["Conclude"].artifacts) == VERDICTS
    assert staged.gate.published() == {"app", "dep", "tool"}
