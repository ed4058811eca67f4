"""CodePipeline on this machine: runs the actions of a stage as the service does, in their order.

An action gets its input artifacts and the variables of those before it; one that fails ends the
stage. Actions of CodeBuild and of Step Functions are played; another is refused.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-StepFunctions.html
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.codebuild import Build

_VARIABLE = re.compile(r"#\{([^}]+)\}")
StartBuild = Callable[[str, Path, Mapping[str, str]], Build]
"""Starts a build: the project's name, the source, what is added to its variables."""
StartExecution = Callable[[str, Any], bool]
"""Starts a state machine by its ARN with an input, and says whether it succeeded."""


@dataclass
class StageRun:
    """What became of a stage."""

    succeeded: bool = False
    builds: dict[str, Build] = field(default_factory=dict)
    """By the names of the actions."""
    executions: dict[str, Any] = field(default_factory=dict)
    """What state machines were given, by the names of the actions."""


def run_stage(
    stage: Mapping[str, Any],
    artifacts: dict[str, Path],
    folder: Path,
    build: StartBuild,
    execute: StartExecution,
    **variables: str,
) -> StageRun:
    """Run a stage of a rendered pipeline.

    Args:
        stage: its properties.
        artifacts: what the stages before have left, by name; what this one leaves is added.
        folder: an empty one, for artifacts.
        build: starts CodeBuild.
        execute: starts Step Functions.
        variables: values of `#{…}`, such as `codepipeline_PipelineExecutionId` with `_` for `.`.
    """
    values = {name.replace("_", ".", 1): value for name, value in variables.items()}
    run = StageRun()

    def resolved(text: str) -> str:
        return _VARIABLE.sub(lambda match: values[match[1]], text)

    for action in sorted(stage["Actions"], key=lambda each: each.get("RunOrder", 1)):
        name, configuration = action["Name"], action["Configuration"]
        provider = action["ActionTypeId"]["Provider"]
        if provider == "StepFunctions":
            given = json.loads(resolved(configuration["Input"]))
            run.executions[name] = given
            if not execute(configuration["StateMachineArn"], given):
                return run
            continue
        assert provider == "CodeBuild", f"{provider} is not played here"
        (source,) = action["InputArtifacts"]  # without one CodePipeline takes no build
        added = {
            each["name"]: resolved(each["value"])
            for each in json.loads(configuration["EnvironmentVariables"])
        }
        done = build(configuration["ProjectName"], artifacts[source["Name"]], added)
        run.builds[name] = done
        if not done.succeeded:
            return run
        for output in action.get("OutputArtifacts", []):
            place = folder / output["Name"]
            place.mkdir()
            for path, content in done.artifacts.items():
                (place / path).write_bytes(content)
            artifacts[output["Name"]] = place
        if "Namespace" in action:
            values |= {f"{action['Namespace']}.{key}": v for key, v in done.exported.items()}
    run.succeeded = True
    return run
