"""Who takes which role: a service, for this account, and for the one thing that the role is for."""

import pytest

from tests.templates.deployment import DIGEST, PIPELINE, STAGED, deployed
from tests.templates.iam import Request, evaluate, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered, Resource, render
from tests.templates.scan_world import STACK, scan_stack
from tests.templates.test_notebook_access import notebook_stack

STRANGER = "999988887777"
OPTIONS = {
    **STAGED,
    "FleetFrom": "10",
    "ObserveImage": f"gate/{DIGEST}.tar.gz",
    "CodeCommitRepository": "package-requests",
}


def of_builds(*names: str) -> tuple[str, list[str]]:
    return "codebuild", [f"codebuild:{REGION}:{ACCOUNT}:project/{name}" for name in names]


def of_rule(name: str) -> tuple[str, list[str]]:
    return "events", [f"events:{REGION}:{ACCOUNT}:rule/{name}"]


def of_machine(name: str) -> tuple[str, list[str]]:
    return "states", [f"states:{REGION}:{ACCOUNT}:stateMachine:{name}"]


FLOW_LOGS = ("vpc-flow-logs", [f"ec2:{REGION}:{ACCOUNT}:vpc-flow-log/fl-1"])
GATE = {
    "BuildRole": of_builds(PIPELINE, f"{PIPELINE}-reevaluate"),
    "ScanPipeline/PlanRole": of_builds(f"{PIPELINE}-plan"),
    "ScanPipeline/ScanRole": of_builds(f"{PIPELINE}-scan", f"{PIPELINE}-fleet"),
    "ScanPipeline/Observe/ObserveRole": of_builds(f"{PIPELINE}-observe"),
    "ScanPipeline/CodeServicesRole": (
        "codepipeline",
        [f"codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}"],
    ),
    "ScanPipeline/RequestsRole": of_rule(f"{PIPELINE}-requests"),
    "ScanPipeline/RetryRole": of_rule(f"{PIPELINE}-retry"),
    # EventBridge Scheduler names the group, not the schedule.
    "ScanPipeline/ReevaluationRole": (
        "scheduler",
        [f"scheduler:{REGION}:{ACCOUNT}:schedule-group/default"],
    ),
    "ScanPipeline/ScanFleet/StateMachineRole": of_machine(f"{PIPELINE}-fleet"),
    "ScanPipeline/Observe/StateMachineRole": of_machine(f"{PIPELINE}-observe"),
    "ScanPipeline/ClosedNetwork/FlowLogRole": FLOW_LOGS,
}
"""Each role: the service, and for what it takes the role, where the service says so."""
NOTEBOOK: dict[str, tuple[str, list[str]]] = {
    "NotebookRole": ("sagemaker", []),
    "FlowLogRole": ("vpc-flow-logs", []),
}
STACKS = {
    "codeartifact": GATE,
    "github": GATE,
    "dependency-scan": {"BuildRole": of_builds(STACK), "StartRole": ("events", [])},
    "notebook-instance": NOTEBOOK,
    "studio": NOTEBOOK,
    "vpc": {"FlowLogRole": FLOW_LOGS},
}


def stack(name: str) -> Rendered:
    if name == "vpc":
        return render("vpc.yaml")
    if name == "dependency-scan":
        return scan_stack("codecommit")
    if name in ("notebook-instance", "studio"):
        return notebook_stack("notebook", NotebookKind=name)
    return deployed(name, **OPTIONS).stack


def takes(role: Resource, who: str, account: str, source: str) -> bool:
    policy = role.properties["AssumeRolePolicyDocument"]
    arn = role.attributes["Arn"]
    context: dict[str, str | list[str]] = {"aws:SourceArn": f"arn:aws:{source}"} if source else {}
    caller = service(f"{who}.amazonaws.com", account)
    return bool(evaluate(Request(caller, "sts:AssumeRole", arn, context), resource=[policy]))


@pytest.mark.parametrize("name", STACKS)
def test_a_role_is_taken_by_its_service_for_its_purpose_and_this_account(name: str) -> None:
    roles = stack(name).of_type("AWS::IAM::Role")
    assert set(roles) == set(STACKS[name])
    for logical_id, (who, sources) in STACKS[name].items():
        role = roles[logical_id]
        for source in sources or [""]:
            assert takes(role, who, ACCOUNT, source), logical_id
            assert not takes(role, who, STRANGER, source), logical_id
            assert not takes(role, "lambda", ACCOUNT, source), logical_id
            for other in (f"{source}-2", source.replace(ACCOUNT, STRANGER)):
                if source and not (who == "vpc-flow-logs" and other == f"{source}-2"):
                    assert not takes(role, who, ACCOUNT, other), logical_id
