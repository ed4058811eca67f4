"""What the builds of isolated stages asked of AWS, and what the services do for them."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

from tests.fakes.aws import AWS
from tests.fakes.recorded_calls import AWSCall, Keys, recorded
from tests.templates.deployment import BUCKET, PIPELINE, Deployment
from tests.templates.iam import Caller, Policy, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered
from tests.templates.service_calls import EC2, VPC, ServiceCall
from tests.templates.staged_world import Asked

ARTIFACTS = f"arn:aws:s3:::{BUCKET}"
ROLES = {
    f"{PIPELINE}-plan": "PlanRole",
    f"{PIPELINE}-scan": "ScanRole",
    f"{PIPELINE}-fleet": "ScanRole",
    PIPELINE: "BuildRole",
}
"""Of each project."""
ENDPOINTS = {
    "codeartifact": ("CodeArtifactApiEndpoint", "CodeArtifactRepositoriesEndpoint"),
    "codebuild": ("CodeBuildEndpoint",),
    "kms": ("KMSEndpoint",),
    "logs": ("LogsEndpoint",),
    "s3": ("S3Endpoint",),
    "sns": ("SNSEndpoint",),
    "sts": ("CodeArtifactApiEndpoint",),
}
"""Through which of the closed network's endpoints a service is called; one of them will do."""
Context = dict[str, str | list[str]]


def calls_of_builds(
    deployment: Deployment, aws: AWS, asked: list[Asked]
) -> Iterator[tuple[Caller, AWSCall]]:
    """Give what each build asked, as its role."""
    key = deployment.arn("KMSKey")
    keys = Keys(topics={deployment.environment["SNSTopic"]: key})
    nobody = SimpleNamespace(calls=[])
    encrypted: dict[str, str] = {}  # what one build has written, another reads
    for each in asked:
        codeartifact = SimpleNamespace(
            repositories=aws.codeartifact.repositories,
            calls=each.codeartifact,
            pypi=SimpleNamespace(reads=[]),
        )
        met = SimpleNamespace(codeartifact=codeartifact, codeguru=nobody, inspector=nobody)
        for call in recorded(cast(AWS, met), each.received, keys, encrypted):
            yield deployment.role(ROLES[each.project]), call


def calls_of_services(deployment: Deployment) -> Iterator[ServiceCall]:
    """What CodeBuild, CodePipeline and Step Functions do with the roles of the stages."""
    plan, scan = deployment.role("PlanRole"), deployment.role("ScanRole")
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/{PIPELINE}:log-stream:x1"
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}"
    for role, names in ((plan, ["plan"]), (scan, ["scan", "fleet"])):
        for name in names:
            yield ServiceCall(
                service("codebuild.amazonaws.com"),
                "sts:AssumeRole",
                role.arn,
                {"aws:SourceArn": f"{project}-{name}"},
            )
        for action in ("s3:GetBucketAcl", "s3:GetBucketLocation"):
            yield ServiceCall(role, action, ARTIFACTS)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield ServiceCall(role, action, log)
        yield from _interface(deployment, role)
    for action in ("s3:GetObject", "s3:GetObjectVersion"):
        yield ServiceCall(plan, action, f"{ARTIFACTS}/{PIPELINE}/Requests/x1")
        for name in ("Batches", "Remaining"):
            yield ServiceCall(scan, action, f"{ARTIFACTS}/{PIPELINE}/{name}/x1")
    for name in ("Batches", "Remaining"):
        yield ServiceCall(plan, "s3:PutObject", f"{ARTIFACTS}/{PIPELINE}/{name}/x1")
    pipeline = deployment.role("CodeServicesRole")
    for name in ("", "-plan", "-scan"):
        for action in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
            yield ServiceCall(pipeline, action, f"{project}{name}")
    yield from _fleet(deployment, pipeline)
    if deployment.pipeline.parameters["IndexRepository"]:
        yield from _store(plan)


def _interface(deployment: Deployment, role: Caller) -> Iterator[ServiceCall]:
    """The network interface of a build: a scan has it in the closed network."""
    closed = closed_network(deployment)
    vpc, group = VPC, deployment.arn("CodeBuildSecurityGroup")
    if role == deployment.role("ScanRole"):
        vpc = f"{EC2}:vpc/{closed.outputs['VpcId']}"
        group = closed.outputs["ScanSecurityGroup"]
    there: Context = {"ec2:Vpc": vpc}
    for thing in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"):
        yield ServiceCall(role, f"ec2:Describe{thing}")
    yield ServiceCall(role, "ec2:CreateNetworkInterface", f"{EC2}:network-interface/*")
    yield ServiceCall(role, "ec2:CreateNetworkInterface", f"{EC2}:security-group/{group}", there)
    yield ServiceCall(role, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-1", there)
    lent: Context = {**there, "ec2:AuthorizedService": "codebuild.amazonaws.com"}
    interface = f"{EC2}:network-interface/eni-1"
    yield ServiceCall(role, "ec2:CreateNetworkInterfacePermission", interface, lent)
    yield ServiceCall(role, "ec2:DeleteNetworkInterface", interface, there)


def _fleet(deployment: Deployment, pipeline: Caller) -> Iterator[ServiceCall]:
    fleet = deployment.pipeline.resources["ScanFleet"].nested
    assert fleet
    states = f"arn:aws:states:{REGION}:{ACCOUNT}"
    machine = f"{states}:stateMachine:{PIPELINE}-fleet"
    execution = f"{states}:execution:{PIPELINE}-fleet"
    for action in ("states:DescribeStateMachine", "states:StartExecution"):
        yield ServiceCall(pipeline, action, machine)
    yield ServiceCall(pipeline, "states:DescribeExecution", f"{execution}:x1")
    role = deployment.caller(fleet.resources["StateMachineRole"].attributes["Arn"])
    yield ServiceCall(
        service("states.amazonaws.com"), "sts:AssumeRole", role.arn, {"aws:SourceArn": machine}
    )
    batches = f"{ARTIFACTS}/work/{PIPELINE}/x1/batches.json"
    yield ServiceCall(role, "s3:GetObject", batches)
    through: Context = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    yield ServiceCall(role, "kms:Decrypt", deployment.arn("KMSKey"), through)
    yield ServiceCall(role, "states:StartExecution", machine)
    for child in (f"{execution}:x1", f"{execution}/x1:x2"):
        for action in ("states:DescribeExecution", "states:StopExecution"):
            yield ServiceCall(role, action, child)
    builds = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}-fleet"
    for action in ("BatchGetBuilds", "StartBuild", "StopBuild"):
        yield ServiceCall(role, f"codebuild:{action}", builds)
    rule = "rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
    for action in ("DescribeRule", "PutRule", "PutTargets"):
        yield ServiceCall(role, f"events:{action}", f"arn:aws:events:{REGION}:{ACCOUNT}:{rule}")


def _store(plan: Caller) -> Iterator[ServiceCall]:
    place = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}"
    for action in ("GetRepositoryEndpoint", "ReadFromRepository"):
        yield ServiceCall(plan, f"codeartifact:{action}", f"{place}:repository/research/pypi-store")
    yield ServiceCall(plan, "codeartifact:GetAuthorizationToken", f"{place}:domain/research")
    bearer: Context = {"sts:AWSServiceName": "codeartifact.amazonaws.com"}
    yield ServiceCall(plan, "sts:GetServiceBearerToken", "*", bearer)


def closed_network(deployment: Deployment) -> Rendered:
    """The nested stack with the network that has no way out."""
    nested = deployment.pipeline.resources["ClosedNetwork"].nested
    assert nested
    return nested


def endpoints(deployment: Deployment, action: str) -> list[Policy]:
    """The policies of the closed network's endpoints through which a call may go."""
    resources = closed_network(deployment).resources
    names = ENDPOINTS.get(action.split(":")[0], ())
    return [resources[name].properties["PolicyDocument"] for name in names if name in resources]
