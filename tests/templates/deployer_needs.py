"""What deploying asks of AWS: for each resource type, and for each command of scripts and guide.

CloudFormation calls AWS with the deployer's rights. Which it needs is said by the handlers of each
type in the CloudFormation registry, whose schemas cfn-lint ships. They name what any property may
need, so what no template uses is taken out here, with the reason.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # it has no types
    PROVIDER_SCHEMA_MANAGER,
)

from tests.shell.guide import PAGES, blocks
from tests.templates.physical import ACCOUNT, REGION

PROJECT = Path(__file__).parents[2]
OPERATIONS = ("create", "read", "update", "delete")


def _aws(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


ROLE = f"arn:aws:iam::{ACCOUNT}:role/package-gate-Role-1A2B"
BUCKET = "arn:aws:s3:::package-gate-artifacts-bucket-1a2b"
DOMAIN = _aws("codeartifact", "domain/package-gate")
ARNS = {
    "AWS::CloudFormation::Stack": _aws("cloudformation", "stack/package-gate-ScanPipeline-1A/1"),
    "AWS::CloudWatch::Alarm": _aws("cloudwatch", "alarm:package-gate-overdue"),
    "AWS::CodePipeline::Pipeline": _aws("codepipeline", "package-gate"),
    "AWS::CodePipeline::Webhook": _aws("codepipeline", "webhook:package-gate-GithubWebhook-1A"),
    "AWS::EC2::EIP": _aws("ec2", "elastic-ip/eipalloc-1"),
    "AWS::EC2::FlowLog": _aws("ec2", "vpc-flow-log/fl-1"),
    "AWS::EC2::InternetGateway": _aws("ec2", "internet-gateway/igw-1"),
    "AWS::EC2::NatGateway": _aws("ec2", "natgateway/nat-1"),
    "AWS::EC2::Route": _aws("ec2", "route-table/rtb-1"),
    "AWS::EC2::RouteTable": _aws("ec2", "route-table/rtb-1"),
    "AWS::EC2::SecurityGroup": _aws("ec2", "security-group/sg-1"),
    "AWS::EC2::SecurityGroupEgress": _aws("ec2", "security-group/sg-1"),
    "AWS::EC2::SecurityGroupIngress": _aws("ec2", "security-group/sg-1"),
    "AWS::EC2::Subnet": _aws("ec2", "subnet/subnet-1"),
    "AWS::EC2::SubnetRouteTableAssociation": _aws("ec2", "route-table/rtb-1"),
    "AWS::EC2::TransitGatewayAttachment": _aws("ec2", "transit-gateway-attachment/tgw-attach-1"),
    "AWS::EC2::VPC": _aws("ec2", "vpc/vpc-1"),
    "AWS::EC2::VPCEndpoint": _aws("ec2", "vpc-endpoint/vpce-1"),
    "AWS::EC2::VPCGatewayAttachment": _aws("ec2", "vpc/vpc-1"),
    "AWS::IAM::Policy": ROLE,
    "AWS::Logs::MetricFilter": _aws("logs", "log-group:/aws/codebuild/package-gate:*"),
    "AWS::Route53Resolver::FirewallDomainList": _aws(
        "route53resolver", "firewall-domain-list/rslvr-fdl-1"
    ),
    "AWS::Route53Resolver::FirewallRuleGroup": _aws(
        "route53resolver", "firewall-rule-group/rslvr-frg-1"
    ),
    "AWS::Route53Resolver::FirewallRuleGroupAssociation": _aws(
        "route53resolver", "firewall-rule-group-association/rslvr-frgassoc-1"
    ),
    "AWS::S3::BucketPolicy": BUCKET,
    "AWS::SNS::TopicPolicy": _aws("sns", "package-gate-ScanPipeline-1A-SNSTopic-1A"),
    "AWS::SNS::Subscription": _aws("sns", "package-gate-ScanPipeline-1A-SNSTopic-1A"),
    "AWS::SageMaker::Domain": _aws("sagemaker", "domain/d-1"),
    "AWS::SageMaker::StudioLifecycleConfig": _aws(
        "sagemaker", "studio-lifecycle-config/package-gate-notebook-log-in"
    ),
}
"""What a type's calls are about, where `Fn::GetAtt` gives no ARN."""

PASSED_TO = {
    "AWS::CodeBuild::Project": "codebuild.amazonaws.com",
    "AWS::CodePipeline::Pipeline": "codepipeline.amazonaws.com",
    "AWS::EC2::FlowLog": "vpc-flow-logs.amazonaws.com",
    "AWS::Events::Rule": "events.amazonaws.com",
    "AWS::Scheduler::Schedule": "scheduler.amazonaws.com",
    "AWS::SageMaker::Domain": "sagemaker.amazonaws.com",
    "AWS::SageMaker::NotebookInstance": "sagemaker.amazonaws.com",
    "AWS::StepFunctions::StateMachine": "states.amazonaws.com",
}
WITHOUT_HANDLERS = {
    "AWS::CodeBuild::Project": (
        "codebuild:BatchGetProjects",
        "codebuild:CreateProject",
        "codebuild:DeleteProject",
        "codebuild:UpdateProject",
        "iam:PassRole",
    ),
}
"""Types that are older than the registry."""
NOT_NAMED = {
    # A connection that was made since 2024 has the new prefix; the handler names the old one.
    "AWS::CodePipeline::Pipeline": {"codeconnections:PassConnection"},
    # For private DNS names; the Service Authorization Reference has it beside CreateVpcEndpoint.
    "AWS::EC2::VPCEndpoint": {"route53:AssociateVPCWithHostedZone"},
}
"""What the handlers need and don't name."""

_LATTICE = "no endpoint is of VPC Lattice, none serves another region"
_ROLES = "no role has a managed policy or a boundary"
ONLY_WITH = {
    "codeartifact:AssociateExternalConnection": "ExternalConnections",
    "codeartifact:AssociateWithDownstreamRepository": "Upstreams",
    "codeartifact:DisassociateExternalConnection": "ExternalConnections",
}
"""Actions that are needed for the sake of one property, by its name."""
NOT_NEEDED: dict[str, dict[str, str]] = {
    "AWS::CloudFormation::Stack": {
        "cloudformation:[GS]et*": "nested stacks have no stack policy",
        "cloudformation:UpdateTerminationProtection": "nested stacks are not protected",
        "iam:PassRole": "stacks have no role of their own",
    },
    "AWS::CloudTrail::Trail": {
        "cloudtrail:[GP]*Insight*": "no insights",
        "cloudtrail:*EventConfiguration": "no event configuration",
        "iam:*": "it writes to no log group, and is no organisation's",
        "organizations:*": "it is no organisation's",
    },
    "AWS::CodePipeline::Pipeline": {
        "codepipeline:*StageTransition": "no stage is disabled",
        "iam:GetRole": "the role is given by its ARN",
    },
    "AWS::EC2::EIP": {
        "ec2:AcceptAddressTransfer": "no address is transferred",
        "ec2:AssociateAddress": "the NAT gateway does that",
    },
    "AWS::EC2::FlowLog": {
        "autoscaling:*": "no instances",
        "iam:CreateServiceLinkedRole": "it has a role of its own",
        "logs:*LogDelivery": "for other destinations than a log group",
        "s3:*": "for other destinations than a log group",
    },
    "AWS::EC2::NatGateway": {
        "ec2:*NatGatewayAddress": "it keeps its one address",
    },
    "AWS::EC2::Subnet": {"ec2:*SubnetCidrBlock": "no IPv6"},
    "AWS::EC2::VPC": {
        "ec2:ModifyVpcTenancy": "default tenancy",
        "ec2:*VpcEncryptionControl*": "no encryption control",
    },
    "AWS::EC2::VPCEndpoint": {"vpc-lattice:*": _LATTICE, "vpce:*": _LATTICE},
    "AWS::EC2::VPCGatewayAttachment": {"ec2:*Vpn*": "no VPN gateway"},
    "AWS::IAM::Policy": {"iam:*User*": "for roles only", "iam:*Group*": "for roles only"},
    "AWS::IAM::Role": {
        "iam:AttachRolePolicy": _ROLES,
        "iam:DetachRolePolicy": _ROLES,
        "iam:*RolePermissionsBoundary": _ROLES,
    },
    "AWS::KMS::Key": {
        "kms:Disable*": "every key is enabled and rotated",
        "kms:EnableKey": "every key is enabled from the beginning",
    },
    "AWS::Logs::LogGroup": {
        "firehose:*": "no delivery",
        "logs:*DataProtectionPolicy": "no data protection",
        "logs:*LogDelivery": "no delivery",
        "logs:PutBearerTokenAuthentication": "no bearer tokens",
        "logs:PutLogGroupDeletionProtection": "not protected",
        "logs:[PD]*IndexPolicy": "no index",
        "logs:[PD]*ResourcePolicy": "no resource policy",
        "s3:*": "no delivery",
    },
    "AWS::S3::Bucket": {
        "iam:PassRole": "no replication",
        "s3tables:*": "no metadata tables",
        "s3:*Abac": "no access by tags",
        "s3:*Accelerate*": "no acceleration",
        "s3:*Acl": "access lists are off",
        "s3:*Analytics*": "no analytics",
        "s3:*CORS": "no CORS",
        "s3:*Cors": "no CORS",
        "s3:*IntelligentTiering*": "no tiering",
        "s3:*Inventory*": "no inventory",
        "s3:*Metadata*": "no metadata tables",
        "s3:*Metrics*": "no metrics",
        "s3:*Notification": "no notifications",
        "s3:*ObjectLock*": "no lock",
        "s3:*Replication*": "no replication",
        "s3:*Website": "no website",
        "s3:DeleteBucketEncryption": "always encrypted",
        "s3:DeleteBucketLifecycle": "always a lifecycle",
        "s3:DeleteObject": "for the inventory",
        "s3:ListTagsForResource": "for other things than buckets",
        "s3:TagResource": "for other things than buckets",
        "s3:UntagResource": "for other things than buckets",
    },
    "AWS::SNS::Subscription": {"iam:*": "no Firehose subscription"},
    "AWS::SNS::Topic": {
        "iam:*": "no delivery status logs",
        "sns:PutDataProtectionPolicy": "no data protection",
        "sns:Unsubscribe": "its subscription is a resource of its own",
    },
    "AWS::SageMaker::Domain": {
        "iam:CreateServiceLinkedRole": "made with the first domain of an account, or by hand",
        "sagemaker:DescribeApp": "no app is part of the stack",
        "sagemaker:DescribeImage*": "no custom image",
        "sagemaker:DescribeUserProfile": "no user is part of the stack",
    },
    "AWS::StepFunctions::StateMachine": {
        "kms:*": "its history has AWS's key",
        "s3:*": "its definition stands in the template",
    },
}
"""By type: a pattern of actions, and why they are not needed."""

_ALIASES = {"efs": "elasticfilesystem"}


def needed(kind: str) -> set[str]:
    """Give every action that creating, reading, updating or deleting this type needs."""
    if kind in WITHOUT_HANDLERS:
        return set(WITHOUT_HANDLERS[kind])
    unneeded = NOT_NEEDED.get(kind, {})
    return NOT_NAMED.get(kind, set()) | {
        action
        for action in handled(kind)
        if not any(fnmatchcase(action, pattern) for pattern in unneeded)
    }


def handled(kind: str) -> set[str]:
    """Give every action that the registry's handlers of this type name."""
    schema: Any = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    handlers = schema["handlers"]
    listed = [handlers[name].get("permissions", []) for name in OPERATIONS if name in handlers]
    pairs = [action.split(":", 1) for actions in listed for action in actions]
    lower = [(service.lower(), name) for service, name in pairs]
    return {f"{_ALIASES.get(service, service)}:{name}" for service, name in lower}


@dataclass(frozen=True)
class Command:
    """A command of the AWS CLI in a script or on a page."""

    place: str
    service: str
    operation: str


_COMMAND = re.compile(
    r"\b(?:cli|aws) ([a-z][a-z0-9]+) (\"\$operation\"|\"\$1-change-set\"|[a-z][a-z-]+)"
)
_NO_CALLS = {("sso", "login")}


def commands() -> Iterator[Command]:
    """Give each command of the AWS CLI in the scripts, those that they or the guide tell people to
    run too."""
    texts = {path.name: path.read_text() for path in sorted((PROJECT / "shell").rglob("*.sh"))}
    texts |= {f"{page}.md": "\n".join(blocks(page)) for page in PAGES}
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            for service, operation in _COMMAND.findall(line.partition("# ")[0]):
                if (service, operation) not in _NO_CALLS:
                    yield Command(f"{name}:{number}", service, operation)


SECRET = _aws("secretsmanager", "secret:package-gate-github-token-1a2B3c")
STACK = _aws("cloudformation", "stack/package-gate/1")
RECORD = f"{BUCKET}/decisions/lease"
BUNDLE = f"{BUCKET}/gate/{'0' * 64}.tar.gz"
WHEEL = f"{BUCKET}/wheelhouse/{'0' * 64}/ruff-0.17.6-py3-none-any.whl"
TEMPLATE = f"{BUCKET}/templates/{'0' * 64}/scan-pipeline.yaml"
KEY = _aws("kms", "key/1")
TOPIC = ARNS["AWS::SNS::TopicPolicy"]
STUDIO = ARNS["AWS::SageMaker::Domain"]
STUDIO_HOMES = _aws("elasticfilesystem", "file-system/fs-1")
STUDIO_GROUP = _aws("ec2", "security-group/sg-2")
"""SageMaker makes these two for a domain, and tags them with its ARN."""
Needs = tuple[tuple[str, str], ...]
CALLS: dict[tuple[str, str], Needs] = {
    # create-stack or create-change-set.
    ("cloudformation", '"$operation"'): (
        ("cloudformation:CreateStack", STACK),
        ("cloudformation:CreateChangeSet", STACK),
        ("cloudformation:TagResource", STACK),
        ("s3:GetObject", TEMPLATE),
        ("secretsmanager:GetSecretValue", SECRET),
    ),
    ("cloudformation", '"$1-change-set"'): (
        ("cloudformation:DeleteChangeSet", STACK),
        ("cloudformation:DescribeChangeSet", STACK),
        ("cloudformation:ExecuteChangeSet", STACK),
    ),
    ("cloudformation", "get-template"): (("cloudformation:GetTemplate", STACK),),
    ("cloudformation", "continue-update-rollback"): (
        ("cloudformation:ContinueUpdateRollback", STACK),
    ),
    ("cloudformation", "delete-stack"): (("cloudformation:DeleteStack", STACK),),
    ("cloudformation", "describe-stack-events"): (("cloudformation:DescribeStackEvents", STACK),),
    ("cloudformation", "describe-stacks"): (("cloudformation:DescribeStacks", STACK),),
    ("cloudformation", "list-stack-resources"): (("cloudformation:ListStackResources", STACK),),
    ("codecommit", "get-repository"): (
        ("codecommit:GetRepository", f"arn:aws:codecommit:{REGION}:{ACCOUNT}:package-requests"),
    ),
    ("codecommit", "list-repositories"): (("codecommit:ListRepositories", "*"),),
    ("codeartifact", "describe-domain"): (
        ("codeartifact:DescribeDomain", _aws("codeartifact", "domain/somebodys")),
    ),
    ("codeartifact", "list-repositories-in-domain"): (
        ("codeartifact:ListRepositoriesInDomain", DOMAIN),
    ),
    ("codepipeline", "start-pipeline-execution"): (
        ("codepipeline:StartPipelineExecution", ARNS["AWS::CodePipeline::Pipeline"]),
    ),
    ("ec2", "describe-managed-prefix-lists"): (("ec2:DescribeManagedPrefixLists", "*"),),
    ("ec2", "delete-security-group"): (("ec2:DeleteSecurityGroup", STUDIO_GROUP),),
    ("ec2", "describe-security-group-rules"): (("ec2:DescribeSecurityGroupRules", "*"),),
    ("ec2", "describe-security-groups"): (("ec2:DescribeSecurityGroups", "*"),),
    ("ec2", "revoke-security-group-egress"): (("ec2:RevokeSecurityGroupEgress", STUDIO_GROUP),),
    ("ec2", "revoke-security-group-ingress"): (("ec2:RevokeSecurityGroupIngress", STUDIO_GROUP),),
    ("efs", "delete-file-system"): (("elasticfilesystem:DeleteFileSystem", STUDIO_HOMES),),
    ("efs", "delete-mount-target"): (("elasticfilesystem:DeleteMountTarget", STUDIO_HOMES),),
    ("efs", "describe-file-systems"): (("elasticfilesystem:DescribeFileSystems", "*"),),
    ("efs", "describe-mount-targets"): (("elasticfilesystem:DescribeMountTargets", STUDIO_HOMES),),
    ("sagemaker", "delete-app"): (("sagemaker:DeleteApp", _aws("sagemaker", "app/d-1/a/b/c")),),
    ("sagemaker", "delete-domain"): (("sagemaker:DeleteDomain", STUDIO),),
    ("sagemaker", "delete-space"): (
        ("sagemaker:DeleteSpace", _aws("sagemaker", "space/d-1/work")),
    ),
    ("sagemaker", "delete-user-profile"): (
        ("sagemaker:DeleteUserProfile", _aws("sagemaker", "user-profile/d-1/jo")),
    ),
    # Of a domain that is gone too, which has no tag any more.
    ("sagemaker", "describe-domain"): (
        ("sagemaker:DescribeDomain", _aws("sagemaker", "domain/d-gone")),
    ),
    ("sagemaker", "list-apps"): (("sagemaker:ListApps", "*"),),
    ("sagemaker", "list-spaces"): (("sagemaker:ListSpaces", "*"),),
    ("sagemaker", "list-user-profiles"): (("sagemaker:ListUserProfiles", "*"),),
    ("ec2", "describe-subnets"): (("ec2:DescribeSubnets", "*"),),
    ("kms", "cancel-key-deletion"): (("kms:CancelKeyDeletion", KEY),),
    ("kms", "describe-key"): (("kms:DescribeKey", KEY),),
    ("logs", "filter-log-events"): (
        ("logs:FilterLogEvents", _aws("logs", "log-group:/aws/codebuild/package-gate:*")),
    ),
    ("s3", "cp"): (
        ("s3:PutObject", BUNDLE),
        ("s3:PutObject", TEMPLATE),
        ("s3:PutObject", WHEEL),
        ("s3:AbortMultipartUpload", BUNDLE),
        ("s3:GetObject", BUNDLE),
        ("s3:GetObject", RECORD),
        ("s3:ListBucket", BUCKET),
        ("kms:Decrypt", KEY),
    ),
    ("s3api", "abort-multipart-upload"): (("s3:AbortMultipartUpload", RECORD),),
    ("s3api", "delete-bucket"): (("s3:DeleteBucket", BUCKET),),
    ("s3api", "delete-objects"): (
        ("s3:DeleteObject", RECORD),
        ("s3:DeleteObjectVersion", RECORD),
    ),
    ("s3api", "head-object"): (
        ("s3:GetObject", BUNDLE),
        ("s3:GetObject", WHEEL),
        ("s3:ListBucket", BUCKET),
    ),
    ("s3api", "head-bucket"): (("s3:ListBucket", BUCKET),),
    ("s3api", "list-multipart-uploads"): (("s3:ListBucketMultipartUploads", BUCKET),),
    ("s3api", "list-object-versions"): (("s3:ListBucketVersions", BUCKET),),
    ("secretsmanager", "create-secret"): (
        ("secretsmanager:CreateSecret", SECRET),
        ("secretsmanager:TagResource", SECRET),
    ),
    ("secretsmanager", "delete-secret"): (("secretsmanager:DeleteSecret", SECRET),),
    ("secretsmanager", "describe-secret"): (("secretsmanager:DescribeSecret", SECRET),),
    ("secretsmanager", "get-secret-value"): (("secretsmanager:GetSecretValue", SECRET),),
    ("secretsmanager", "put-secret-value"): (("secretsmanager:PutSecretValue", SECRET),),
    ("secretsmanager", "restore-secret"): (("secretsmanager:RestoreSecret", SECRET),),
    ("sns", "get-subscription-attributes"): (("sns:GetSubscriptionAttributes", "*"),),
    ("sns", "set-subscription-attributes"): (("sns:SetSubscriptionAttributes", "*"),),
    ("sns", "subscribe"): (("sns:Subscribe", TOPIC),),
    ("sns", "list-subscriptions-by-topic"): (
        ("sns:ListSubscriptionsByTopic", ARNS["AWS::SNS::TopicPolicy"]),
    ),
    ("sts", "get-caller-identity"): (),  # needs no right
}
"""What each command needs: actions and what they are about."""
