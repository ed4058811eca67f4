"""`cfn/scan-fleet.yaml`: its state machine, run as it is deployed, and its builds."""

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from tests.aws_run import BUCKET
from tests.fakes.aws import AWS, REGION
from tests.fakes.step_functions import execute, step_functions
from tests.templates.deployment import DIGEST, PIPELINE, STAGED, deployed
from tests.templates.rendered import Rendered
from tests.templates.template import CFN, load

WORK = f"work/{PIPELINE}/run-1"


def fleet(**parameters: str) -> Rendered:
    stack = deployed("codeartifact", **{**STAGED, "FleetFrom": "1000", **parameters}).pipeline
    nested = stack.resources["ScanFleet"].nested
    assert nested
    return nested


def machine(stack: Rendered) -> dict[str, Any]:
    return stack.resources["StateMachine"].properties


class Builds:
    """Counts builds; the first `failing` of each batch fail."""

    def __init__(self, failing: Mapping[str, int] | None = None, together: int = 1) -> None:
        self.failing = dict(failing or {})
        self.started: list[tuple[str, str, str]] = []
        self.at_once = self.most = 0
        self._lock = threading.Lock()
        self._meet = threading.Barrier(together)

    def start(self, project: str, variables: Mapping[str, str]) -> bool:
        batch = variables["PACKAGE_GATE_BATCH"]
        with self._lock:
            self.started.append((project, variables["PACKAGE_GATE_WORK"], batch))
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self._meet.wait(timeout=30)
        with self._lock:
            self.at_once -= 1
            self.failing[batch] = self.failing.get(batch, 0) - 1
            return self.failing[batch] < 0


def put_batches(aws: AWS, *packages: int) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    batches = [{"batch": k, "packages": n, "bytes": 1} for k, n in enumerate(packages)]
    s3.put_object(Bucket=BUCKET, Key=f"{WORK}/batches.json", Body=json.dumps(batches))


def run(aws: AWS, stack: Rendered, builds: Builds, packages: int) -> str:
    with step_functions(aws, builds.start):
        return execute(aws, machine(stack), {"work": WORK, "packages": str(packages)})


def test_every_batch_of_a_large_plan_is_a_build_of_many_at_once(aws: AWS) -> None:
    put_batches(aws, 200, 200, 200, 200, 200)
    builds = Builds(together=5)  # they wait for each other
    assert run(aws, fleet(FleetConcurrency="5"), builds, 1000) == "SUCCEEDED"
    assert sorted(builds.started) == [
        (f"{PIPELINE}-fleet", f"s3://{BUCKET}/{WORK}", str(k)) for k in range(5)
    ]


def test_a_plan_below_the_threshold_is_scanned_by_one_build_after_the_other(aws: AWS) -> None:
    put_batches(aws, 200, 200, 199)
    builds = Builds()
    assert run(aws, fleet(FleetFrom="600"), builds, 599) == "SUCCEEDED"
    assert [batch for *_, batch in builds.started] == ["0", "1", "2"]
    assert builds.most == 1


def test_a_plan_without_anything_to_scan_starts_no_build(aws: AWS) -> None:
    builds = Builds()  # there are no batches to read either
    assert run(aws, fleet(), builds, 0) == "SUCCEEDED"
    assert builds.started == []


def test_a_batch_that_fails_is_tried_once_more_and_stops_no_other(aws: AWS) -> None:
    put_batches(aws, 1, 1, 1)
    builds = Builds(failing={"1": 2, "2": 1})
    # One after the other: moto counts the tries of items side by side together, now and then.
    assert run(aws, fleet(FleetFrom="1", FleetConcurrency="1"), builds, 3) == "SUCCEEDED"
    assert sorted(batch for *_, batch in builds.started) == ["0", "1", "1", "2", "2"]


@pytest.mark.parametrize("name", ["fleet", "observe"])
def test_a_machine_starts_a_build_for_each_batch_so_many_at_once(name: str) -> None:
    """docs/staged-pipeline.md, "Many machines": of the runs above what can be read off."""
    image = f"gate/{DIGEST}.tar.gz"
    stack = deployed(
        "codeartifact",
        **STAGED,
        FleetFrom="1000",
        FleetConcurrency="7",
        ObserveImage=image,
        ObserveConcurrency="7",
    ).pipeline
    nested = stack.resources["ScanFleet" if name == "fleet" else "Observe"].nested
    assert nested
    made = machine(nested)
    assert (made["StateMachineName"], made["StateMachineType"]) == (
        f"{PIPELINE}-{name}",
        "STANDARD",
    )
    assert made["RoleArn"] == nested.resources["StateMachineRole"].attributes["Arn"]
    states = json.loads(made["DefinitionString"])["States"]
    many = [each for each in states.values() if each["Type"] == "Map"]
    assert many
    at_once = [each.get("MaxConcurrency", each.get("Result")) for each in states.values()]
    assert 7 in at_once
    for each in many:
        assert each["ToleratedFailurePercentage"] == 100
        assert each["ItemReader"]["Parameters"]["Bucket"] == BUCKET
        (build,) = each["ItemProcessor"]["States"].values()
        assert build["Resource"] == "arn:aws:states:::codebuild:startBuild.sync"
        assert build["Parameters"]["ProjectName"] == f"{PIPELINE}-{name}"
        assert build["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
        assert build["Retry"][-1]["MaxAttempts"] == 1


@pytest.mark.parametrize("name", ["ScanFleet", "Observe"])
def test_a_machine_decrypts_the_batches_through_s3_alone(name: str) -> None:
    image = f"gate/{DIGEST}.tar.gz"
    deployment = deployed("codeartifact", **STAGED, FleetFrom="1000", ObserveImage=image)
    nested = deployment.pipeline.resources[name].nested
    assert nested
    caller = deployment.caller(nested.resources["StateMachineRole"].attributes["Arn"])
    key = deployment.arn("KMSKey")
    through: dict[str, str | list[str]] = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    assert deployment.evaluate(caller, "kms:Decrypt", key, through)
    assert not deployment.evaluate(caller, "kms:Decrypt", key)


def test_the_page_has_every_variable_of_the_script_and_the_templates_defaults() -> None:
    script = (CFN.parent / "shell/stacks/fleet.sh").read_text()
    page = (CFN.parent / "docs/staged-pipeline.md").read_text()
    rows = dict(re.findall(r"^\| `(FLEET_\w+)` \|.*\| `(\w+)` \|$", page, re.MULTILINE))
    assert set(rows) == set(re.findall(r"FLEET_[A-Z]+", script))
    declared = load("scan-pipeline.yaml")["Parameters"]
    assert rows["FLEET_CONCURRENCY"] == str(declared["FleetConcurrency"]["Default"])
    assert rows["FLEET_MINUTES"] == str(declared["FleetMinutes"]["Default"])
    assert declared["FleetCompute"]["Default"].endswith(rows["FLEET_COMPUTE"])
    assert f"default_from={rows['FLEET_FROM']}\n" in script
    for name in re.findall(r"source \./shell/([a-z-]+\.sh)", page):
        assert (CFN.parent / "shell" / name).is_file()
