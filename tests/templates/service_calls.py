"""What AWS's own services do with the gate's roles and resources, which no run can record.

After each service's guide: CodeBuild, "Allow CodeBuild to interact with other AWS services", "Use
CodeBuild with a VPC"; CodePipeline, "Manage the CodePipeline service role"; SNS, "Enable event
sources"; CloudTrail, "Amazon S3 bucket policy for CloudTrail"; CloudWatch Logs, "Encrypt log data".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.templates.deployment import BUCKET, FAILURES, PIPELINE, Deployment
from tests.templates.iam import Caller, service
from tests.templates.physical import ACCOUNT, REGION

ARTIFACTS = f"arn:aws:s3:::{BUCKET}"
CONNECTION = (
    f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/1a2b3c4d-0000-4000-8000-000000000000"
)
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
VPC = f"{EC2}:vpc/vpc-0a"


@dataclass(frozen=True)
class ServiceCall:
    """One authorization that a service needs."""

    caller: Caller
    action: str
    resource: str = "*"
    context: dict[str, str | list[str]] = field(default_factory=dict)


def service_calls(deployment: Deployment, variant: str) -> list[ServiceCall]:
    """Give what the services do in a deployment."""
    return [
        *_codebuild(deployment, variant),
        *_codepipeline(deployment),
        *_reevaluation(deployment),
        *_notices(deployment),
        *_logs(deployment),
    ]


def _codebuild(deployment: Deployment, variant: str) -> Iterator[ServiceCall]:
    build, key = deployment.role("BuildRole"), deployment.arn("KMSKey")
    in_s3: dict[str, str | list[str]] = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}"
    for each in (project, f"{project}-reevaluate"):
        yield ServiceCall(
            service("codebuild.amazonaws.com"),
            "sts:AssumeRole",
            deployment.role("BuildRole").arn,
            {"aws:SourceArn": each},
        )
    # what a re-evaluation leaves: PATH/BUILD-ID/NAME
    yield ServiceCall(build, "s3:PutObject", f"{ARTIFACTS}/{PIPELINE}/0-0/reevaluation/x.json")
    # the buildspec's own: the bundle; a HEAD is the same right
    yield ServiceCall(build, "s3:GetObject", f"{ARTIFACTS}/{deployment.environment['GateBundle']}")
    # the pipeline's source, the reports, pip's cache
    for prefix in (f"{PIPELINE}/Requests", f"cache/{PIPELINE}"):
        yield ServiceCall(build, "s3:GetObject", f"{ARTIFACTS}/{prefix}/x1")
    for prefix in (f"{PIPELINE}/Reports", f"cache/{PIPELINE}"):
        yield ServiceCall(build, "s3:PutObject", f"{ARTIFACTS}/{prefix}/x1")
    yield ServiceCall(build, "s3:GetObjectVersion", f"{ARTIFACTS}/{PIPELINE}/Requests/x1")
    for action in ("s3:GetBucketAcl", "s3:GetBucketLocation"):
        yield ServiceCall(build, action, ARTIFACTS)
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        yield ServiceCall(build, action, key, in_s3)
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/{PIPELINE}:log-stream:x1"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield ServiceCall(build, action, log)
    for action in ("BatchPutTestCases", "CreateReport", "UpdateReport"):
        yield ServiceCall(build, f"codebuild:{action}", deployment.arn("RequestReports"))
    for thing in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"):
        yield ServiceCall(build, f"ec2:Describe{thing}")
    # One call, three resources; each must be allowed. The interface isn't in a VPC yet.
    group = f"{EC2}:security-group/{deployment.arn('CodeBuildSecurityGroup')}"
    yield ServiceCall(build, "ec2:CreateNetworkInterface", f"{EC2}:network-interface/*")
    yield ServiceCall(build, "ec2:CreateNetworkInterface", group, {"ec2:Vpc": VPC})
    for subnet in ("subnet-0a", "subnet-0b"):
        there = f"{EC2}:subnet/{subnet}"
        yield ServiceCall(build, "ec2:CreateNetworkInterface", there, {"ec2:Vpc": VPC})
        yield ServiceCall(
            build,
            "ec2:CreateNetworkInterfacePermission",
            f"{EC2}:network-interface/eni-1",
            {
                "ec2:Vpc": VPC,
                "ec2:Subnet": there,
                "ec2:AuthorizedService": "codebuild.amazonaws.com",
            },
        )
        yield ServiceCall(
            build,
            "ec2:DeleteNetworkInterface",
            f"{EC2}:network-interface/eni-1",
            {"ec2:Vpc": VPC, "ec2:Subnet": there},
        )
    if variant == "github":  # the token, as an environment variable
        name = deployment.pipeline.parameters["PrivateGitHubToken"]
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-a1B2c3"
        yield ServiceCall(build, "secretsmanager:GetSecretValue", secret)


def _codepipeline(deployment: Deployment) -> Iterator[ServiceCall]:
    role, key = deployment.role("CodeServicesRole"), deployment.arn("KMSKey")
    pipeline = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}"
    yield ServiceCall(
        service("codepipeline.amazonaws.com"),
        "sts:AssumeRole",
        role.arn,
        {"aws:SourceArn": pipeline},
    )
    for action in ("s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"):
        yield ServiceCall(role, action, f"{ARTIFACTS}/{PIPELINE}/Requests/x1")
    for action in ("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"):
        yield ServiceCall(role, action, ARTIFACTS)
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        yield ServiceCall(role, action, key)
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}"
    for action in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
        yield ServiceCall(role, action, project)
    if connection := deployment.pipeline.parameters["CodeConnectionArn"]:
        # Which of the two it is depends on the connection's age.
        for prefix in ("codeconnections", "codestar-connections"):
            yield ServiceCall(role, f"{prefix}:UseConnection", connection)
    if repository := deployment.pipeline.parameters["CodeCommitRepository"]:
        place = f"arn:aws:codecommit:{REGION}:{ACCOUNT}:{repository}"
        for action in (
            *("GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus"),
            "CancelUploadArchive",
        ):
            yield ServiceCall(role, f"codecommit:{action}", place)
        starter = deployment.role("RequestsRole")
        rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PIPELINE}-requests"
        events = service("events.amazonaws.com")
        yield ServiceCall(events, "sts:AssumeRole", starter.arn, {"aws:SourceArn": rule})
        yield ServiceCall(starter, "codepipeline:StartPipelineExecution", pipeline)
    if deployment.pipeline.parameters["RetrySchedule"]:
        retry = deployment.role("RetryRole")
        rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PIPELINE}-retry"
        events = service("events.amazonaws.com")
        yield ServiceCall(events, "sts:AssumeRole", retry.arn, {"aws:SourceArn": rule})
        yield ServiceCall(retry, "codepipeline:StartPipelineExecution", pipeline)


def _reevaluation(deployment: Deployment) -> Iterator[ServiceCall]:
    """What "Managing access to Amazon EventBridge Scheduler" says of the role, and its rule."""
    role = deployment.role("ReevaluationRole")
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default"
    scheduler, events = (service(f"{name}.amazonaws.com") for name in ("scheduler", "events"))
    yield ServiceCall(scheduler, "sts:AssumeRole", role.arn, {"aws:SourceArn": group})
    if "SnapshotRule" in deployment.pipeline.resources:
        rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PIPELINE}-snapshot"
        yield ServiceCall(events, "sts:AssumeRole", role.arn, {"aws:SourceArn": rule})
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}-reevaluate"
    yield ServiceCall(role, "codebuild:StartBuild", project)


def _notices(deployment: Deployment) -> Iterator[ServiceCall]:
    verdicts, key = deployment.environment["SNSTopic"], deployment.arn("KMSKey")
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{PIPELINE}-overdue"
    # EventBridge does not say which rule it is.
    sources: dict[str, tuple[str, dict[str, str | list[str]]]] = {
        "events": (FAILURES, {}),
        "cloudwatch": (verdicts, {"aws:SourceArn": alarm}),
    }
    for name, (topic, context) in sources.items():
        caller = service(f"{name}.amazonaws.com")
        yield ServiceCall(caller, "sns:Publish", topic, context)
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            yield ServiceCall(
                caller, action, key, {"kms:EncryptionContext:aws:sns:topicArn": topic}
            )


def _logs(deployment: Deployment) -> Iterator[ServiceCall]:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    flows = next(iter(deployment.network.of_type("AWS::Logs::LogGroup").values()))
    keys = {
        f"{group}/aws/codebuild/{PIPELINE}": deployment.arn("KMSKey"),
        flows.attributes["Arn"].removesuffix(":*"): flows.properties["KmsKeyId"],
    }
    for name, key in keys.items():
        # GenerateDataKey* and ReEncrypt* stand for these in the guide's key policy.
        for action in (
            *("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"),
            *("GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"),
        ):
            yield ServiceCall(
                service(f"logs.{REGION}.amazonaws.com"),
                f"kms:{action}",
                key,
                {"kms:EncryptionContext:aws:logs:arn": name},
            )
    bucket = deployment.bucket.resources["AccessLogBucket"].attributes["Arn"]
    yield ServiceCall(
        service("logging.s3.amazonaws.com"),
        "s3:PutObject",
        f"{bucket}/artifacts/x1",
        {"aws:SourceArn": ARTIFACTS},
    )
    writer = deployment.network.resources["FlowLogRole"].attributes["Arn"]
    flow_log = f"{EC2}:vpc-flow-log/fl-1"
    yield ServiceCall(
        service("vpc-flow-logs.amazonaws.com"),
        "sts:AssumeRole",
        writer,
        {"aws:SourceArn": flow_log},
    )
    caller = deployment.caller(writer)
    for action in ("CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents"):
        yield ServiceCall(caller, f"logs:{action}", flows.attributes["Arn"])
    if "Trail" in deployment.pipeline.resources:
        yield from _trail(deployment)


def _trail(deployment: Deployment) -> Iterator[ServiceCall]:
    bucket = deployment.arn("TrailBucket")
    trail = service("cloudtrail.amazonaws.com")
    source: dict[str, str | list[str]] = {
        "aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{PIPELINE}-{REGION}"
    }
    owned = {**source, "s3:x-amz-acl": "bucket-owner-full-control"}
    yield ServiceCall(trail, "s3:GetBucketAcl", bucket, source)
    yield ServiceCall(trail, "s3:PutObject", f"{bucket}/AWSLogs/{ACCOUNT}/CloudTrail/x1", owned)
    for action in ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"):
        yield ServiceCall(trail, action, deployment.arn("KMSKey"), source)
