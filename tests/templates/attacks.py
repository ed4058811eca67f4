"""What an attacker would want, by who they are: a table of calls that must all be denied.

The callers outside of the gate's own roles are given every right that their own account can give
(`Allow * on *`), so what denies is the gate's side.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.templates.deployment import (
    BUCKET,
    DIGEST,
    DOMAIN,
    FAILURES,
    PIPELINE,
    REPOSITORY,
    TOPIC,
    Deployment,
)
from tests.templates.iam import ANYONE, Allowed, Caller, Denied, Policy, role, service
from tests.templates.physical import ACCOUNT, REGION

TEAM, ELSEWHERE = "111122223333", "999988887777"
EVERYTHING: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
BOTH = ("codeartifact", "github")
CODEARTIFACT = ("codeartifact",)
GITHUB = ("github",)
ROLES = {
    "build": "BuildRole",
    "pipeline": "CodeServicesRole",
    "retry": "RetryRole",
    "reevaluation": "ReevaluationRole",
}


def _arn(name: str, resource: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:{name}:{REGION}:{account}:{resource}"


HERE = f"{DOMAIN}/{REPOSITORY}"
PACKAGE = _arn("codeartifact", f"package/{HERE}/pypi//numpy")
REPOSITORY_ARN = _arn("codeartifact", f"repository/{HERE}")
DOMAIN_ARN = _arn("codeartifact", f"domain/{DOMAIN}")
ARTIFACTS = f"arn:aws:s3:::{BUCKET}"
BUNDLE = f"{ARTIFACTS}/gate/{DIGEST}.tar.gz"
OTHER_KEY = _arn("kms", "key/00000000-1111-2222-3333-444444444444")
PROJECT = _arn("codebuild", f"project/{PIPELINE}")
PIPELINE_ARN = _arn("codepipeline", PIPELINE)
STACK = _arn("cloudformation", "stack/research-gate/1")
LOG = _arn("logs", f"log-group:/aws/codebuild/{PIPELINE}:*")
TRAIL = _arn("cloudtrail", f"trail/{PIPELINE}-{REGION}")
TOKEN = _arn("secretsmanager", "secret:research-gate-github-token-AbCdEf")
VPC = _arn("ec2", "vpc/vpc-0a")
Context = dict[str, str | list[str]]


@dataclass(frozen=True)
class Attack:
    """One call that must be denied."""

    who: str
    action: str
    resource: str = "*"
    """An ARN; `KEY`, `SIGNING_KEY`, `BUILD`, `PIPELINE`, `REEVALUATION`, `TRAIL` and `LOGS` stand
    for those of the deployment."""
    context: Context = field(default_factory=dict)
    variants: tuple[str, ...] = BOTH

    def tried(self, deployment: Deployment) -> Allowed | Denied:
        """Make the call."""
        caller, identity = self._caller(deployment)
        places = {
            "KEY": deployment.arn("KMSKey"),
            "SIGNING_KEY": deployment.arn("SigningKey"),
            "BUILD": deployment.role("BuildRole").arn,
            "PIPELINE": deployment.role("CodeServicesRole").arn,
            "REEVALUATION": deployment.role("ReevaluationRole").arn,
            "TRAIL": deployment.arn("TrailBucket"),
            "LOGS": deployment.bucket.resources["AccessLogBucket"].attributes["Arn"],
        }
        first, slash, rest = self.resource.partition("/")
        resource = f"{places[first]}{slash}{rest}" if first in places else self.resource
        return deployment.evaluate(caller, self.action, resource, self.context, identity=identity)

    def _caller(self, deployment: Deployment) -> tuple[Caller, list[Policy] | None]:
        if self.who in ROLES:
            return deployment.role(ROLES[self.who]), None
        if self.who.endswith(".amazonaws.com"):
            return service(self.who), []
        return {
            "administrator": (role(f"arn:aws:iam::{ACCOUNT}:role/administrator"), [EVERYTHING]),
            "notebook": (role(f"arn:aws:iam::{ACCOUNT}:role/notebook"), [NOTEBOOK]),
            "team": (role(f"arn:aws:iam::{TEAM}:role/admin"), [EVERYTHING]),
            "organisation": (
                role(f"arn:aws:iam::{ELSEWHERE}:role/admin", organization="o-research00"),
                [EVERYTHING],
            ),
            "stranger": (
                role(f"arn:aws:iam::{ELSEWHERE}:role/admin", organization="o-other"),
                [EVERYTHING],
            ),
            "anyone": (ANYONE, []),
        }[self.who]


NOTEBOOK: Policy = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["codeartifact:GetAuthorizationToken", "codeartifact:ReadFromRepository"],
            "Resource": [DOMAIN_ARN, REPOSITORY_ARN],
        },
        {
            "Effect": "Allow",
            "Action": "sts:GetServiceBearerToken",
            "Resource": "*",
            "Condition": {"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}},
        },
    ],
}
"""What the guide gives a notebook in the gate's account."""

PUBLISHING = (
    "CopyPackageVersions",
    "DeletePackage",
    "DeletePackageVersions",
    "DisposePackageVersions",
    "PublishPackageVersion",
    "PutPackageMetadata",
    "UpdatePackageVersionsStatus",
)
OPENING = {
    "AssociateExternalConnection": REPOSITORY_ARN,
    "CreateRepository": REPOSITORY_ARN,
    "DeleteDomain": DOMAIN_ARN,
    "DeleteDomainPermissionsPolicy": DOMAIN_ARN,
    "DeleteRepository": REPOSITORY_ARN,
    "DeleteRepositoryPermissionsPolicy": REPOSITORY_ARN,
    "PutDomainPermissionsPolicy": DOMAIN_ARN,
    "PutPackageOriginConfiguration": PACKAGE,
    "PutRepositoryPermissionsPolicy": REPOSITORY_ARN,
    "UpdatePackageGroupOriginConfiguration": _arn("codeartifact", f"package-group/{DOMAIN}/*"),
    "UpdateRepository": REPOSITORY_ARN,
}
TAKING_OVER = {
    "cloudformation:UpdateStack": STACK,
    "cloudtrail:DeleteTrail": TRAIL,
    "cloudtrail:StopLogging": TRAIL,
    "cloudtrail:UpdateTrail": TRAIL,
    "cloudwatch:DeleteAlarms": _arn("cloudwatch", f"alarm:{PIPELINE}-overdue"),
    "cloudwatch:DisableAlarmActions": _arn("cloudwatch", f"alarm:{PIPELINE}-overdue"),
    "codebuild:UpdateProject": PROJECT,
    "codepipeline:PutWebhook": PIPELINE_ARN,
    "codepipeline:UpdatePipeline": PIPELINE_ARN,
    "events:DisableRule": _arn("events", f"rule/{PIPELINE}-retry"),
    "events:PutTargets": _arn("events", f"rule/{PIPELINE}-retry"),
    "iam:AttachRolePolicy": "BUILD",
    "iam:CreateRole": f"arn:aws:iam::{ACCOUNT}:role/mine",
    "iam:PassRole": "BUILD",
    "iam:PutRolePolicy": "BUILD",
    "iam:UpdateAssumeRolePolicy": "BUILD",
    "kms:CreateGrant": "KEY",
    "kms:PutKeyPolicy": "KEY",
    "kms:ScheduleKeyDeletion": "KEY",
    "lambda:CreateFunction": _arn("lambda", "function:mine"),
    "logs:DeleteLogGroup": LOG,
    "logs:PutRetentionPolicy": LOG,
    "s3:BypassGovernanceRetention": BUNDLE,
    "s3:DeleteBucket": ARTIFACTS,
    "s3:DeleteBucketPolicy": ARTIFACTS,
    "s3:PutBucketPolicy": ARTIFACTS,
    "s3:PutBucketVersioning": ARTIFACTS,
    "s3:PutLifecycleConfiguration": ARTIFACTS,
    "secretsmanager:PutSecretValue": TOKEN,
    "sns:AddPermission": TOPIC,
    "sns:ConfirmSubscription": TOPIC,
    "sns:DeleteTopic": TOPIC,
    "sns:SetSubscriptionAttributes": TOPIC,
    "sns:SetTopicAttributes": TOPIC,
    "sns:Subscribe": TOPIC,
    "sns:Unsubscribe": TOPIC,
    "sts:AssumeRole": f"arn:aws:iam::{ACCOUNT}:role/administrator",
}


def _own_roles() -> Iterator[Attack]:
    """A scanner is broken out of, or the pipeline is misused."""
    for action, resource in TAKING_OVER.items():
        for who in ROLES:
            yield Attack(who, action, resource)
    for action, resource in OPENING.items():
        for who in ("build", "pipeline"):
            yield Attack(who, f"codeartifact:{action}", resource, variants=CODEARTIFACT)
    for action in PUBLISHING:
        other = _arn("codeartifact", f"package/{DOMAIN}/other/pypi//numpy")
        domain = _arn("codeartifact", f"package/other/{REPOSITORY}/pypi//numpy")
        longer = _arn("codeartifact", f"package/{HERE}-2/pypi//numpy")
        account = _arn("codeartifact", f"package/{HERE}/pypi//numpy", TEAM)
        for resource in (other, domain, longer, account):
            yield Attack("build", f"codeartifact:{action}", resource)
        yield Attack("pipeline", f"codeartifact:{action}", PACKAGE)
        yield Attack("build", f"codeartifact:{action}", PACKAGE, variants=GITHUB)
    for action in ("CopyPackageVersions", "DeletePackage"):
        yield Attack("build", f"codeartifact:{action}", PACKAGE)
    for name in ("other", f"{DOMAIN}-2"):
        token = _arn("codeartifact", f"domain/{name}")
        yield Attack("build", "codeartifact:GetAuthorizationToken", token)
    yield Attack(
        "build", "sts:GetServiceBearerToken", "*", {"sts:AWSServiceName": "x.amazonaws.com"}
    )
    yield from _objects()
    yield from _secrets_and_keys()
    yield from _machines()


def _objects() -> Iterator[Attack]:
    mine = {
        "codeartifact": f"codeartifact/{HERE}",
        "github": "github/github.com/organisation/packages",
    }
    for place in (
        BUNDLE,
        f"{ARTIFACTS}/gate/{'f' * 64}.tar.gz",
        f"{ARTIFACTS}/templates/{DIGEST}/scan-pipeline.yaml",
        f"{ARTIFACTS}/decisions/lease",
        f"{ARTIFACTS}/decisions/codeartifact/{DOMAIN}/other/lease",
        f"{ARTIFACTS}/decisions/codeartifact/{HERE}-2/lease",
        f"{ARTIFACTS}/decisions/github/github.com/organisation/package-requests/lease",
        f"{ARTIFACTS}/{PIPELINE}-2/Requests/x",
        f"{ARTIFACTS}/cache/{PIPELINE}-2/x",
        "arn:aws:s3:::other-bucket/x",
        "TRAIL/AWSLogs/x",
        "LOGS/artifacts/x",
    ):
        for who in ROLES:
            yield Attack(who, "s3:PutObject", place)
            yield Attack(who, "s3:DeleteObject", place)
    for place in (f"{ARTIFACTS}/gate/{'f' * 64}.tar.gz", "TRAIL/AWSLogs/x", "LOGS/artifacts/x"):
        yield Attack("build", "s3:GetObject", place)
        yield Attack("pipeline", "s3:GetObject", place)
    for variant, prefix in mine.items():
        record = f"{ARTIFACTS}/decisions/{prefix}/packages/pypi/numpy/2.0.json"
        for action in ("DeleteObject", "DeleteObjectVersion", "GetObjectVersion", "PutObjectAcl"):
            yield Attack("build", f"s3:{action}", record, variants=(variant,))
        for action in ("GetObject", "PutObject"):
            yield Attack("pipeline", f"s3:{action}", record, variants=(variant,))
    plain: Context = {"aws:SecureTransport": "false"}
    old: Context = {"s3:TlsVersion": "1.1"}
    for context in (plain, old):
        yield Attack("build", "s3:GetObject", BUNDLE, context)
    yield Attack("build", "sns:Publish", TOPIC, plain)
    yield Attack("build", "sns:Publish", f"{TOPIC}-2")
    yield Attack("pipeline", "sns:Publish", TOPIC)
    for who in ROLES:
        yield Attack(who, "sns:Publish", FAILURES)


def _secrets_and_keys() -> Iterator[Attack]:
    secret = _arn("secretsmanager", "secret:")
    for name in ("production/database-AbCdEf", "research-gate-github-token-2-AbCdEf"):
        for who in ROLES:
            yield Attack(who, "secretsmanager:GetSecretValue", f"{secret}{name}")
    yield Attack("build", "secretsmanager:GetSecretValue", TOKEN, variants=CODEARTIFACT)
    yield Attack("pipeline", "secretsmanager:GetSecretValue", TOKEN)
    yield Attack("build", "secretsmanager:ListSecrets")
    for action in ("GetParameter", "GetParametersByPath", "PutParameter"):
        yield Attack("build", f"ssm:{action}", _arn("ssm", "parameter/production/database"))
    for action in ("GetParameters", "GetParameterHistory", "PutParameter", "DeleteParameter"):
        yield Attack("build", f"ssm:{action}", _arn("ssm", "parameter/team/snyk"))
    yield Attack("build", "ssm:GetParameter", _arn("ssm", "parameter/team/snyk-2"))
    for who in ("pipeline", "retry", "reevaluation"):
        yield Attack(who, "ssm:GetParameter", _arn("ssm", "parameter/team/snyk"))
    for who in ROLES:
        for action in ("Decrypt", "GenerateDataKey"):
            yield Attack(who, f"kms:{action}", OTHER_KEY)
    yield Attack("retry", "kms:Decrypt", "KEY")
    yield Attack("build", "kms:Encrypt", "KEY")
    signing: Context = {"kms:SigningAlgorithm": "ECDSA_SHA_256"}
    for who in ("pipeline", "retry", "administrator", "notebook"):
        yield Attack(who, "kms:Sign", "SIGNING_KEY", signing)
    yield Attack("build", "kms:Sign", "SIGNING_KEY", {"kms:SigningAlgorithm": "ECDSA_SHA_384"})
    for key in ("KEY", OTHER_KEY):
        yield Attack("build", "kms:Sign", key, signing)
    for action in ("PutKeyPolicy", "ScheduleKeyDeletion", "CreateGrant", "DisableKey", "Verify"):
        yield Attack("build", f"kms:{action}", "SIGNING_KEY")


def _machines() -> Iterator[Attack]:
    for who in ("build", "retry", "reevaluation"):
        yield Attack(who, "codebuild:StartBuild", PROJECT)
    for who in ("build", "pipeline", "reevaluation"):
        yield Attack(who, "codepipeline:StartPipelineExecution", PIPELINE_ARN)
    for who in ("build", "pipeline", "retry"):
        yield Attack(who, "codebuild:StartBuild", f"{PROJECT}-reevaluate")
    for who in ("pipeline", "build"):
        yield Attack(who, "codebuild:StartBuild", _arn("codebuild", "project/other"))
    yield Attack("retry", "codepipeline:StartPipelineExecution", _arn("codepipeline", "other"))
    yield Attack(
        "pipeline", "codeconnections:UseConnection", _arn("codeconnections", "connection/2")
    )
    yield Attack("build", "codeconnections:UseConnection", _arn("codeconnections", "connection/2"))
    yield Attack("build", "codebuild:BatchPutTestCases", _arn("codebuild", "report-group/other"))
    yield Attack("build", "logs:PutLogEvents", _arn("logs", "log-group:/other:log-stream:x"))
    yield Attack("build", "ec2:RunInstances", _arn("ec2", "instance/*"))
    interface, subnet = _arn("ec2", "network-interface/eni-1"), _arn("ec2", "subnet/subnet-1")
    group = _arn("ec2", "security-group/sg-1")
    other_vpc: Context = {"ec2:Vpc": _arn("ec2", "vpc/vpc-other")}
    yield Attack("build", "ec2:CreateNetworkInterface", subnet, other_vpc)
    theirs = _arn("ec2", "subnet/subnet-1", TEAM)  # CodeBuild runs in no shared network
    for network in (VPC, _arn("ec2", "vpc/vpc-0a", TEAM)):
        yield Attack("build", "ec2:CreateNetworkInterface", theirs, {"ec2:Vpc": network})
    yield Attack("build", "ec2:CreateNetworkInterface", group, {"ec2:Vpc": VPC})
    yield Attack("build", "ec2:DeleteNetworkInterface", interface, other_vpc)
    lend = "ec2:CreateNetworkInterfacePermission"
    ours: Context = {"ec2:Vpc": VPC, "ec2:AuthorizedUser": f"arn:aws:iam::{ELSEWHERE}:root"}
    yield Attack("build", lend, interface, ours)
    codebuild: Context = {"ec2:AuthorizedService": "codebuild.amazonaws.com"}
    yield Attack("build", lend, interface, {**other_vpc, **codebuild})


def _others() -> Iterator[Attack]:
    """People and roles of this account and of others."""
    for action in PUBLISHING:
        for who in ("administrator", "notebook", "team", "organisation", "stranger", "anyone"):
            yield Attack(who, f"codeartifact:{action}", PACKAGE, variants=CODEARTIFACT)
    for who in ("administrator", "team", "organisation", "stranger"):
        yield Attack(
            who, "codeartifact:AssociateExternalConnection", REPOSITORY_ARN, variants=CODEARTIFACT
        )
        yield Attack(
            who, "codeartifact:PutPackageOriginConfiguration", PACKAGE, variants=CODEARTIFACT
        )
    reading = {
        "GetAuthorizationToken": DOMAIN_ARN,
        "ReadFromRepository": REPOSITORY_ARN,
        "GetRepositoryEndpoint": REPOSITORY_ARN,
        "GetPackageVersionAsset": PACKAGE,
        "ListPackageVersions": PACKAGE,
    }
    for action, resource in reading.items():
        for who in ("stranger", "anyone"):
            yield Attack(who, f"codeartifact:{action}", resource, variants=CODEARTIFACT)
    for action, resource in OPENING.items():
        for who in ("notebook", "team", "organisation", "stranger"):
            if (who, action) not in _TWICE:
                yield Attack(who, f"codeartifact:{action}", resource, variants=CODEARTIFACT)
    for who in ("notebook", "team", "organisation", "stranger", "anyone"):
        for action, resource in TAKING_OVER.items():
            if action != "sts:AssumeRole" and action != "iam:CreateRole":
                yield Attack(who, action, resource)
        yield Attack(who, "kms:Decrypt", "KEY")
        yield Attack(who, "s3:GetObject", f"{ARTIFACTS}/decisions/codeartifact/{HERE}/lease")
        yield Attack(who, "s3:PutObject", BUNDLE)
        yield Attack(who, "sns:Publish", TOPIC)
        yield Attack(who, "sns:Publish", FAILURES)
        yield Attack(who, "codebuild:StartBuild", PROJECT)
        yield Attack(who, "codepipeline:StartPipelineExecution", PIPELINE_ARN)
        yield Attack(who, "secretsmanager:GetSecretValue", TOKEN)
    for who in ("administrator", "notebook", "team", "organisation", "stranger", "anyone"):
        yield Attack(who, "sts:AssumeRole", "BUILD")
        yield Attack(who, "sts:AssumeRole", "PIPELINE")


_TWICE = {
    (who, action)
    for who in ("team", "organisation", "stranger")
    for action in ("AssociateExternalConnection", "PutPackageOriginConfiguration")
}


def _deputies() -> Iterator[Attack]:
    """Another customer, or another resource of this account, sends a service ahead."""
    sources = {
        ("codebuild.amazonaws.com", "BUILD"): ("codebuild", f"project/{PIPELINE}", "project/other"),
        ("codepipeline.amazonaws.com", "PIPELINE"): ("codepipeline", PIPELINE, "other"),
    }
    for (principal, target), (name, own, other) in sources.items():
        for source in (_arn(name, own, ELSEWHERE), _arn(name, other)):
            context: Context = {
                "aws:SourceArn": source,
                "aws:SourceAccount": source.split(":")[4],
            }
            yield Attack(principal, "sts:AssumeRole", target, context)
    for principal, place in (
        ("scheduler", _arn("scheduler", "schedule-group/default", ELSEWHERE)),
        ("scheduler", _arn("scheduler", "schedule-group/other")),
        ("scheduler", _arn("scheduler", "schedule/default/other")),
        ("events", _arn("events", f"rule/{PIPELINE}-snapshot")),  # without one to watch
        ("events", _arn("events", f"rule/{PIPELINE}-retry")),
        ("codebuild", f"{PROJECT}-reevaluate"),
    ):
        from_there: Context = {
            "aws:SourceArn": place,
            "aws:SourceAccount": place.split(":")[4],
        }
        yield Attack(f"{principal}.amazonaws.com", "sts:AssumeRole", "REEVALUATION", from_there)
    # CodePipeline's documented trust has no condition, so a call that names no source passes.
    yield Attack("codebuild.amazonaws.com", "sts:AssumeRole", "BUILD")
    for principal in ("lambda.amazonaws.com", "ec2.amazonaws.com", "sagemaker.amazonaws.com"):
        yield Attack(principal, "sts:AssumeRole", "BUILD")
    for account in (ACCOUNT, ELSEWHERE):  # no rule at all writes where verdicts come from
        rule: Context = {"aws:SourceArn": _arn("events", "rule/x", account)}
        yield Attack("events.amazonaws.com", "sns:Publish", TOPIC, rule)
    yield Attack("events.amazonaws.com", "sns:Publish", TOPIC)
    yield Attack("events.amazonaws.com", "sns:Subscribe", FAILURES)
    alarm: Context = {"aws:SourceArn": _arn("cloudwatch", "alarm:x")}
    for topic_arn in (TOPIC, FAILURES):
        yield Attack("cloudwatch.amazonaws.com", "sns:Publish", topic_arn, alarm)
    topic: Context = {"kms:EncryptionContext:aws:sns:topicArn": _arn("sns", "theirs", ELSEWHERE)}
    for principal in ("events.amazonaws.com", "cloudwatch.amazonaws.com"):
        yield Attack(principal, "kms:Decrypt", "KEY", topic)
        yield Attack(principal, "kms:Decrypt", "KEY")
    log: Context = {"kms:EncryptionContext:aws:logs:arn": _arn("logs", "log-group:/other")}
    yield Attack(f"logs.{REGION}.amazonaws.com", "kms:Decrypt", "KEY", log)
    trail: Context = {"aws:SourceArn": _arn("cloudtrail", "trail/theirs", ELSEWHERE)}
    yield Attack("cloudtrail.amazonaws.com", "kms:GenerateDataKey", "KEY", trail)
    owned: Context = {**trail, "s3:x-amz-acl": "bucket-owner-full-control"}
    yield Attack("cloudtrail.amazonaws.com", "s3:PutObject", f"TRAIL/AWSLogs/{ACCOUNT}/x", owned)
    delivery: Context = {"aws:SourceArn": "arn:aws:s3:::theirs", "aws:SourceAccount": ELSEWHERE}
    yield Attack("logging.s3.amazonaws.com", "s3:PutObject", "LOGS/artifacts/x", delivery)


ATTACKS = [*_own_roles(), *_others(), *_deputies()]
