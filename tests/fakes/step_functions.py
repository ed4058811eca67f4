"""Step Functions on this machine: moto's, with what it lacks, `codebuild:startBuild.sync`.

A build of it is a call of a function, which says how the build ended. As in the service, a build
that does not succeed is the error `States.TaskFailed`. A retry begins at once. moto keeps no count
of tolerated failures: a child that fails leaves null in the map, which goes on.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests

from tests.fakes.aws import AWS, REGION
from tests.fakes.codeartifact import ACCOUNT

StartBuild = Callable[[str, Mapping[str, str]], bool]
"""Runs a build: the project's name, what is added to its variables; says whether it succeeded."""
RUN_SECONDS = 300


@contextmanager
def step_functions(aws: AWS, start_build: StartBuild) -> Iterator[None]:
    """Let moto run state machines in this process until the block ends."""
    # Here, because importing moto's interpreter takes half a second.
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service,
        state_task_service_factory,
    )
    from moto.stepfunctions.parser.asl.utils import boto_client

    class Builds(state_task_service.StateTaskService):
        def _get_supported_parameters(self) -> set[str] | None:
            return {"ProjectName", "EnvironmentVariablesOverride"}

        def _eval_service_task(self, env: Any, *given: Any, **named: Any) -> None:
            assert self.resource.resource_arn.endswith(":::codebuild:startBuild.sync")
            asked = named["normalised_parameters"]
            added = {each["Name"]: each["Value"] for each in asked["EnvironmentVariablesOverride"]}
            assert all(isinstance(value, str) for value in added.values()), added
            if not start_build(asked["ProjectName"], added):
                raise RuntimeError("the build did not succeed")
            env.stack.append({"Build": {"BuildStatus": "SUCCEEDED", "ProjectName": "x" * 3000}})

    builds: Any = Builds
    others = state_task_service_factory.state_task_service_for

    def service_for(service_name: str) -> Any:
        return builds() if service_name == "codebuild" else others(service_name)

    port = urlsplit(aws.moto_url).port
    configuration = f"{aws.moto_url}/moto-api/config"
    requests.post(
        configuration, json={"stepfunctions": {"execute_state_machine": True}}, timeout=30
    )
    try:
        with (
            mock.patch.object(state_task_factory, "state_task_service_for", service_for),
            mock.patch.object(boto_client, "moto_server_port", return_value=port),
            mock.patch.object(retrier_decl, "time", mock.Mock(sleep=lambda _seconds: None)),
        ):
            yield
    finally:
        off = {"stepfunctions": {"execute_state_machine": False}}
        requests.post(configuration, json=off, timeout=30)


def execute(aws: AWS, properties: Mapping[str, Any], given: Any) -> str:
    """Make a state machine, run it, and give the status with which it ended.

    Args:
        aws: where, inside `step_functions`.
        properties: of a rendered `AWS::StepFunctions::StateMachine`.
        given: its input.
    """
    aws.environment["AWS_ENDPOINT_URL_STEPFUNCTIONS"] = aws.moto_url
    client = aws.client("stepfunctions")
    made = client.create_state_machine(
        name=properties["StateMachineName"],
        definition=properties["DefinitionString"],
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/fleet",
    )
    assert made["stateMachineArn"].split(":")[3] == REGION
    started = client.start_execution(
        stateMachineArn=made["stateMachineArn"], input=json.dumps(given)
    )
    until = time.monotonic() + RUN_SECONDS
    while time.monotonic() < until:
        told = client.describe_execution(executionArn=started["executionArn"])
        if told["status"] != "RUNNING":
            assert told["status"] == "SUCCEEDED" or told.get("error"), told
            return str(told["status"])
        time.sleep(0.05)
    raise TimeoutError("the state machine did not end")
