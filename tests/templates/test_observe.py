"""`cfn/observe.yaml`: builds in which packages run, and what they may do."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.fakes.aws import AWS
from tests.templates.deployment import DIGEST, PIPELINE, STAGED, Deployment, deployed
from tests.templates.iam import Caller, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered
from tests.templates.service_calls import EC2, ServiceCall
from tests.templates.stage_calls import ARTIFACTS, closed_network, endpoints
from tests.templates.test_exact_iam import request_of, unused_of
from tests.templates.test_fleet import Builds, put_batches, run

IMAGE = f"gate/{DIGEST[::-1]}.tar.gz"
WORK = f"{ARTIFACTS}/work/{PIPELINE}/run-1"
ONCE: dict[str, str | list[str]] = {"s3:if-none-match": "*"}
VIA_S3: dict[str, str | list[str]] = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
PROJECT = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}-observe"
STATES = f"arn:aws:states:{REGION}:{ACCOUNT}"
MACHINE = f"{STATES}:stateMachine:{PIPELINE}-observe"
EXECUTION = f"{STATES}:execution:{PIPELINE}-observe"


def observing(variant: str = "codeartifact", **parameters: str) -> Deployment:
    return deployed(variant, **{**STAGED, "ObserveImage": IMAGE, **parameters})


def stack(deployment: Deployment) -> Rendered:
    nested = deployment.pipeline.resources["Observe"].nested
    assert nested
    return nested


def role(deployment: Deployment, name: str = "ObserveRole") -> Caller:
    return deployment.caller(stack(deployment).resources[name].attributes["Arn"])


def calls(deployment: Deployment) -> list[ServiceCall]:
    """What a build, CodeBuild, Step Functions and the pipeline ask for."""
    observe, machine = role(deployment), role(deployment, "StateMachineRole")
    closed = closed_network(deployment)
    there: dict[str, str | list[str]] = {"ec2:Vpc": f"{EC2}:vpc/{closed.outputs['VpcId']}"}
    group = closed.outputs["ScanSecurityGroup"]
    interface = f"{EC2}:network-interface/eni-1"
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/{PIPELINE}:log-stream:x1"
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
    key = deployment.arn("KMSKey")
    pipeline = deployment.role("CodeServicesRole")
    builds, states = service("codebuild.amazonaws.com"), service("states.amazonaws.com")
    asked: list[tuple[Caller, str, str, dict[str, str | list[str]]]] = [
        (builds, "sts:AssumeRole", observe.arn, {"aws:SourceArn": PROJECT}),
        *(
            (observe, "s3:GetObject", resource, {})
            for resource in (
                f"{ARTIFACTS}/gate/{DIGEST}.tar.gz",
                f"{ARTIFACTS}/{IMAGE}",
                f"{ARTIFACTS}/wheelhouse/{DIGEST}/ruff.whl",
                f"{WORK}/plan.json",
                f"{WORK}/batches/0.json",
                f"{WORK}/staging/sha256/ab/abcd",
            )
        ),
        (observe, "s3:ListBucket", ARTIFACTS, {"s3:prefix": f"wheelhouse/{DIGEST}/"}),
        (observe, "s3:ListBucket", ARTIFACTS, {"s3:prefix": f"work/{PIPELINE}/run-1/observed/"}),
        (observe, "s3:PutObject", f"{WORK}/observed/{DIGEST}.json", ONCE),
        *((observe, f"kms:{action}", key, VIA_S3) for action in ("Decrypt", "GenerateDataKey")),
        *((observe, f"logs:{action}", log, {}) for action in ("CreateLogStream", "PutLogEvents")),
        *(
            (observe, f"ec2:Describe{thing}", "*", {})
            for thing in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
        ),
        (observe, "ec2:CreateNetworkInterface", f"{EC2}:network-interface/*", {}),
        (observe, "ec2:CreateNetworkInterface", f"{EC2}:security-group/{group}", there),
        (observe, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-1", there),
        (
            observe,
            "ec2:CreateNetworkInterfacePermission",
            interface,
            {**there, "ec2:AuthorizedService": "codebuild.amazonaws.com"},
        ),
        (observe, "ec2:DeleteNetworkInterface", interface, there),
        (states, "sts:AssumeRole", machine.arn, {"aws:SourceArn": MACHINE}),
        (machine, "s3:GetObject", f"{WORK}/batches.json", {}),
        (machine, "kms:Decrypt", key, VIA_S3),
        (machine, "states:StartExecution", MACHINE, {}),
        *(
            (machine, f"states:{action}Execution", child, {})
            for child in (f"{EXECUTION}:x1", f"{EXECUTION}/x1:x2")
            for action in ("Describe", "Stop")
        ),
        *(
            (machine, f"codebuild:{action}", PROJECT, {})
            for action in ("BatchGetBuilds", "StartBuild", "StopBuild")
        ),
        *(
            (machine, f"events:{action}", rule, {})
            for action in ("DescribeRule", "PutRule", "PutTargets")
        ),
        (pipeline, "states:DescribeStateMachine", MACHINE, {}),
        (pipeline, "states:StartExecution", MACHINE, {}),
        (pipeline, "states:DescribeExecution", f"{EXECUTION}:x1", {}),
    ]  # fmt: skip
    return [ServiceCall(*each) for each in asked]


def test_the_roles_may_do_what_is_asked_and_nothing_else() -> None:
    deployment = observing()
    asked = calls(deployment)
    denied = [
        f"{call.action} {call.resource}"
        for call in asked
        if not deployment.evaluate(call.caller, call.action, call.resource, dict(call.context))
    ]
    assert denied == []
    for name in ("ObserveRole", "StateMachineRole"):
        caller = role(deployment, name)
        own = [request_of(call) for call in asked if call.caller == caller]
        policies = deployment.policies[caller.arn]
        assert [text for each in policies for text in unused_of(each, "identity", own)] == []


def test_what_a_build_asks_of_s3_and_the_log_goes_through_the_closed_networks_endpoints() -> None:
    deployment = observing()
    for call in calls(deployment):
        if call.caller == role(deployment) and call.action.startswith(("s3:", "logs:")):
            ways = endpoints(deployment, call.action)
            context = dict(call.context)
            assert deployment.evaluate(
                call.caller, call.action, call.resource, context, endpoints=ways
            ), call.action


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        *(
            (action, f"{WORK}/{name}", ONCE)
            for action in ("s3:PutObject", "s3:DeleteObject")
            for name in ("plan.json", "batches.json", "batches/0.json", "staging/sha256/ab/abcd")
        ),
        ("s3:PutObject", f"{WORK}/evidence/0/{DIGEST}.json", ONCE),
        ("s3:PutObject", f"{WORK}/observed/{DIGEST}.json", {}),  # over what is there
        ("s3:DeleteObject", f"{WORK}/observed/{DIGEST}.json", ONCE),
        ("s3:GetObject", f"{WORK}/evidence/0/{DIGEST}.json", {}),
        ("s3:GetObject", f"{WORK}/requests.csv", {}),
        ("s3:GetObject", f"{ARTIFACTS}/decisions/lease", {}),
        ("s3:GetObject", f"{ARTIFACTS}/{PIPELINE}/Requests/x", {}),
        ("s3:PutObject", f"{ARTIFACTS}/{IMAGE}", ONCE),
        ("s3:PutObject", f"{ARTIFACTS}/wheelhouse/{DIGEST}/ruff.whl", ONCE),
        ("s3:ListBucket", ARTIFACTS, {"s3:prefix": "decisions/"}),
        ("kms:Decrypt", "KMSKey", {}),
        ("sts:AssumeRole", "BuildRole", {}),
        ("iam:PassRole", "BuildRole", {}),
        ("codebuild:StartBuild", PROJECT, {}),
        ("states:StartExecution", MACHINE, {}),
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:{PIPELINE}", {}),
    ],
)
def test_what_an_attacker_who_has_left_the_sandbox_wants_is_denied(
    action: str, resource: str, context: dict[str, str | list[str]]
) -> None:
    deployment = observing()
    if resource in ("KMSKey", "BuildRole"):
        resource = deployment.arn(resource)
    assert not deployment.evaluate(role(deployment), action, resource, context)


@pytest.mark.parametrize("variant", ["codeartifact", "github"])
def test_packages_are_observed_beside_the_scans_and_in_their_network(variant: str) -> None:
    deployment = observing(variant)
    pipeline = deployment.pipeline
    (_, stage) = pipeline.resources["CodePipeline"].properties["Stages"]
    order: dict[int, set[str]] = {}
    for each in stage["Actions"]:
        order.setdefault(each["RunOrder"], set()).add(each["Name"])
    assert order[2] == {"Scan", "Observe"}
    assert order[4] == {"ScanPrecedents", "ObservePrecedents"}
    project = stack(deployment).resources["ObserveProject"].properties
    assert project["VpcConfig"] == pipeline.resources["ScanProject"].properties["VpcConfig"]
    assert project["Environment"]["PrivilegedMode"] is True
    for name, scanners in (
        ("PlanProject", True),
        ("CodeBuildProject", True),
        ("ScanProject", None),
    ):
        variables = pipeline.resources[name].properties["Environment"]["EnvironmentVariables"]
        given = {each["Name"]: each["Value"] for each in variables}.get("PACKAGE_GATE_SCANNERS")
        assert (given and given.endswith(",observed")) == scanners


def test_only_what_observes_is_privileged_and_only_where_it_is_wanted() -> None:
    projects = observing(FleetFrom="10").pipeline.of_type("AWS::CodeBuild::Project").values()
    privileged = [
        each.properties["Name"]
        for each in projects
        if each.properties["Environment"]["PrivilegedMode"] is not False
    ]
    assert privileged == [f"{PIPELINE}-observe"]
    without = deployed("codeartifact", **STAGED).pipeline
    assert "Observe" not in without.resources
    for project in without.of_type("AWS::CodeBuild::Project").values():
        assert "observed" not in json.dumps(project.properties["Environment"])


def test_every_batch_is_a_build_that_is_tried_once_more(aws: AWS) -> None:
    put_batches(aws, 1, 1)
    builds = Builds(failing={"1": 2})
    nested = stack(observing(ObserveConcurrency="2"))
    assert run(aws, nested, builds, 2) == "SUCCEEDED"
    assert sorted(batch for *_, batch in builds.started) == ["0", "1", "1"]
    assert {project for project, *_ in builds.started} == {f"{PIPELINE}-observe"}


def test_a_plan_without_anything_new_starts_no_build(aws: AWS) -> None:
    builds = Builds()
    assert run(aws, stack(observing()), builds, 0) == "SUCCEEDED"
    assert builds.started == []


def commands(phase: str) -> list[str]:
    project = stack(observing()).resources["ObserveProject"].properties
    spec: dict[str, Any] = yaml.safe_load(project["Source"]["BuildSpec"])
    found: list[str] = spec["phases"][phase]["commands"]
    return found


def test_the_file_system_is_unpacked_only_when_its_digest_is_right(tmp_path: Path) -> None:
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text("#!/bin/sh\necho other >image.tar.gz\n")
    aws.chmod(0o755)
    environment = {
        "PATH": f"{aws.parent}:/usr/bin:/bin",
        "CODEBUILD_SRC_DIR": str(tmp_path),
        "S3ArtifactsBucket": "bucket",
        "ObserveImage": IMAGE,
    }
    (command,) = [each for each in commands("install") if "image.tar.gz" in each]
    ended = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True)
    assert (ended.returncode, "Nothing of it was run" in ended.stderr) == (1, True), ended.stderr
    assert not (tmp_path / "image").exists()
