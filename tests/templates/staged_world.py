"""A gate with isolated stages: its pipeline's stage runs, build by build, or with a fleet."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.aws_run import BUCKET
from tests.fakes import step_functions
from tests.fakes.aws_service import Call
from tests.fakes.codebuild import Build
from tests.fakes.codepipeline import StageRun, run_stage
from tests.fakes.relay import Received
from tests.local_run import PROJECT
from tests.templates.build_world import REQUESTS, SNAPSHOT, Gate
from tests.templates.deployment import PIPELINE, STAGED, Deployment, deployed
from tests.templates.rendered import Rendered

ISOLATED = {**STAGED, "Advisories": f"s3://{BUCKET}/{SNAPSHOT}", "SnapshotObject": SNAPSHOT}
WHEELS = (
    f"wheelhouse/{hashlib.sha256((PROJECT / 'requirements/gate.txt').read_bytes()).hexdigest()}"
)


@dataclass(frozen=True)
class Asked:
    """What one build asked of AWS."""

    project: str
    received: list[Received]
    """By the relay."""
    codeartifact: list[Call]


@dataclass
class StagedGate:
    """A deployed gate whose stages are isolated."""

    gate: Gate
    parameters: dict[str, str] = field(default_factory=dict)
    """Of the stack, besides what isolated stages need."""
    execution: str = "0f0e0d0c-0000-4000-8000-000000000001"
    """Of the pipeline; a retry has the same."""
    fleet_builds: list[Build] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
    """How many builds of a batch of the fleet are killed before they have done anything."""
    asked: list[Asked] = field(default_factory=list)
    """By each build, in their order."""
    _numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        relay = self.gate.run.relay.url
        names = ("S3", "SNS", "KMS", "SSM")
        self.gate.machine |= {f"AWS_ENDPOINT_URL_{name}": relay for name in names}
        self.gate.put(f"{WHEELS}/complete", b"")

    @property
    def deployment(self) -> Deployment:
        """The stacks."""
        given = {**self.gate.parameters, **ISOLATED, **self.parameters}
        return deployed(self.gate.variant, **given)

    @property
    def stack(self) -> Rendered:
        """The nested stack with the pipeline."""
        return self.deployment.pipeline

    @property
    def place(self) -> str:
        """The key below which the stages meet."""
        return f"work/{PIPELINE}/{self.execution}"

    def push(self, requests: str, rescan: str = "0") -> StageRun:
        """Run the pipeline's second stage with a request file."""
        folder = self._folder()
        source = folder / "source"
        source.mkdir()
        (source / REQUESTS).write_text(requests)
        (_, stage) = self.stack.resources["CodePipeline"].properties["Stages"]
        with step_functions.step_functions(self.gate.aws, self._fleet):
            return run_stage(
                stage,
                {"Requests": source},
                folder,
                self._build,
                self._execute,
                variables_Rescan=rescan,
                codepipeline_PipelineExecutionId=self.execution,
            )

    def _build(self, project: str, source: Path, variables: Mapping[str, str]) -> Build:
        projects = self.stack.of_type("AWS::CodeBuild::Project").values()
        (properties,) = [p.properties for p in projects if p.properties["Name"] == project]
        received, calls = self.gate.run.relay.received, self.gate.aws.codeartifact.calls
        before = len(received), len(calls)
        build = self.gate.run_project(properties, source, self._folder(), variables=variables)
        self.asked.append(Asked(project, received[before[0] :], calls[before[1] :]))
        return build

    def _fleet(self, project: str, variables: Mapping[str, str]) -> bool:
        batch = variables["PACKAGE_GATE_BATCH"]
        if self.killed.get(batch, 0):
            self.killed[batch] -= 1
            return False
        nothing = self._folder() / "nothing"
        nothing.mkdir()
        build = self._build(project, nothing, variables)
        self.fleet_builds.append(build)
        return build.succeeded

    def _execute(self, arn: str, given: Any) -> bool:
        (machine,) = self.stack.of_type("AWS::StepFunctions::StateMachine").values()
        assert machine.ref == arn
        properties = {**machine.properties}
        properties["StateMachineName"] += f"-{next(self._numbers)}"
        return step_functions.execute(self.gate.aws, properties, given) == "SUCCEEDED"

    def _folder(self) -> Path:
        folder = self.gate.folder / f"staged{next(self._numbers)}"
        folder.mkdir()
        return folder
