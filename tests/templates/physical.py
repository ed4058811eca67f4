"""What AWS would call a template's resources: deterministic ids, names and ARNs by type."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "123456789012"
REGION = "eu-central-1"
PARTITION = "aws"


class UnknownTypeError(Exception):
    """A resource type or attribute that is not in the table below; add it there."""


@dataclass(frozen=True)
class Kind:
    """How resources of one type are called.

    The texts are format strings: `{name}` is the property that names the resource, or a generated
    name; `{digits}` and `{uuid}` are generated; `{p[X]}` is the property X.
    """

    ref: str
    """What `Ref` gives."""
    attributes: dict[str, str] = field(default_factory=dict)
    """What `Fn::GetAtt` gives."""
    named_by: str = ""
    """The property that gives the name, when the template has it."""


def _arn(service: str, resource: str) -> str:
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"


def _iam(resource: str) -> str:
    return f"arn:{{partition}}:iam::{{account}}:{resource}"


def _identified(prefix: str, *attributes: str, **others: str) -> Kind:
    """EC2's kind: an id such as `vpc-0123456789abcdef0`."""
    given = f"{prefix}-{{digits}}"
    return Kind(given, {**dict.fromkeys(attributes, given), **others})


def _named(property_name: str, arn: str = "", **attributes: str) -> Kind:
    """Most services' kind: `Ref` gives the name, `Arn` the ARN."""
    return Kind("{name}", ({"Arn": arn} if arn else {}) | attributes, property_name)


def _by_arn(property_name: str, arn: str, *same: str, **attributes: str) -> Kind:
    """Some services' kind: `Ref` gives the ARN."""
    return Kind(arn, {**dict.fromkeys(same, arn), **attributes}, property_name)


_DOMAIN = _arn("codeartifact", "domain/{p[DomainName]}")
_REPOSITORY = _arn("codeartifact", "repository/{p[DomainName]}/{p[RepositoryName]}")
_GROUP = _arn("codeartifact", "package-group/{p[DomainName]}{p[Pattern]}")
_SECRET = _arn("secretsmanager", "secret:{name}-AbCdEf")

KINDS: dict[str, Kind] = {
    "AWS::Athena::WorkGroup": _named("Name"),
    "AWS::CloudTrail::Trail": _named("TrailName", _arn("cloudtrail", "trail/{name}")),
    "AWS::CloudWatch::Alarm": _named("AlarmName", _arn("cloudwatch", "alarm:{name}")),
    "AWS::CloudWatch::Dashboard": _named("DashboardName"),
    "AWS::CodeArtifact::Domain": _by_arn(
        "DomainName",
        _DOMAIN,
        "Arn",
        Name="{p[DomainName]}",
        Owner="{account}",
        EncryptionKey=_arn("kms", "key/{uuid}"),
    ),
    "AWS::CodeArtifact::Repository": _by_arn(
        "RepositoryName",
        _REPOSITORY,
        "Arn",
        Name="{p[RepositoryName]}",
        DomainName="{p[DomainName]}",
        DomainOwner="{account}",
    ),
    "AWS::CodeArtifact::PackageGroup": _by_arn("Pattern", _GROUP, "Arn"),
    "AWS::CodeBuild::Project": _named("Name", _arn("codebuild", "project/{name}")),
    "AWS::CodeBuild::ReportGroup": _by_arn("Name", _arn("codebuild", "report-group/{name}"), "Arn"),
    "AWS::CodeConnections::Connection": _by_arn(
        "ConnectionName", _arn("codeconnections", "connection/{uuid}"), "ConnectionArn"
    ),
    "AWS::CodePipeline::Pipeline": _named("Name", Version="1"),
    "AWS::CodePipeline::Webhook": _named(
        "Name", Id=_arn("codepipeline", "webhook:{name}"), Url="https://{region}.webhooks.invalid/t"
    ),
    "AWS::EC2::EIP": Kind(
        "203.0.113.10", {"AllocationId": "eipalloc-{digits}", "PublicIp": "203.0.113.10"}
    ),
    "AWS::EC2::FlowLog": _identified("fl", "Id"),
    "AWS::EC2::InternetGateway": _identified("igw", "InternetGatewayId"),
    "AWS::EC2::NatGateway": _identified("nat", "NatGatewayId"),
    "AWS::EC2::NetworkAcl": _identified("acl", "Id"),
    "AWS::EC2::RouteTable": _identified("rtb", "RouteTableId"),
    "AWS::EC2::SecurityGroup": _identified("sg", "GroupId", "Id", VpcId="{p[VpcId]}"),
    "AWS::EC2::SecurityGroupEgress": _identified("sgr", "Id"),
    "AWS::EC2::SecurityGroupIngress": _identified("sgr", "Id"),
    "AWS::EC2::Subnet": _identified(
        "subnet", "SubnetId", AvailabilityZone="{p[AvailabilityZone]}", VpcId="{p[VpcId]}"
    ),
    "AWS::EC2::TransitGatewayAttachment": _identified("tgw-attach", "Id"),
    "AWS::EC2::VPC": _identified(
        "vpc", "VpcId", CidrBlock="{p[CidrBlock]}", DefaultSecurityGroup="sg-{digits}"
    ),
    "AWS::EC2::VPCEndpoint": _identified("vpce", "Id"),
    "AWS::EC2::VPCGatewayAttachment": _identified("attachment"),
    "AWS::ECR::Repository": _named("RepositoryName", _arn("ecr", "repository/{name}")),
    "AWS::Events::Connection": _named("Name", _arn("events", "connection/{name}/{uuid}")),
    "AWS::Events::Rule": _named("Name", _arn("events", "rule/{name}")),
    "AWS::IAM::InstanceProfile": _named(
        "InstanceProfileName", _iam("instance-profile{path}{name}")
    ),
    "AWS::IAM::ManagedPolicy": _by_arn(
        "ManagedPolicyName", _iam("policy{path}{name}"), "PolicyArn"
    ),
    "AWS::IAM::Policy": _named("PolicyName", Id="{name}"),
    "AWS::IAM::Role": _named("RoleName", _iam("role{path}{name}"), RoleId="AROA{digits}"),
    "AWS::KMS::Alias": _named("AliasName"),
    "AWS::KMS::Key": Kind("{uuid}", {"Arn": _arn("kms", "key/{uuid}"), "KeyId": "{uuid}"}),
    "AWS::Lambda::Function": _named("FunctionName", _arn("lambda", "function:{name}")),
    "AWS::Lambda::Permission": _identified("permission", "Id"),
    "AWS::Logs::LogGroup": _named("LogGroupName", _arn("logs", "log-group:{name}:*")),
    "AWS::Logs::MetricFilter": _named("FilterName"),
    "AWS::Route53Resolver::FirewallDomainList": Kind(
        "rslvr-fdl-{digits}",
        {
            "Arn": _arn("route53resolver", "firewall-domain-list/rslvr-fdl-{digits}"),
            "Id": "rslvr-fdl-{digits}",
        },
    ),
    "AWS::Route53Resolver::FirewallRuleGroup": Kind(
        "rslvr-frg-{digits}",
        {
            "Arn": _arn("route53resolver", "firewall-rule-group/rslvr-frg-{digits}"),
            "Id": "rslvr-frg-{digits}",
        },
    ),
    "AWS::Route53Resolver::FirewallRuleGroupAssociation": Kind(
        "rslvr-frgassoc-{digits}",
        {
            "Arn": _arn(
                "route53resolver", "firewall-rule-group-association/rslvr-frgassoc-{digits}"
            ),
            "Id": "rslvr-frgassoc-{digits}",
        },
    ),
    "AWS::S3::Bucket": _named(
        "BucketName",
        "arn:{partition}:s3:::{name}",
        DomainName="{name}.s3.amazonaws.com",
        RegionalDomainName="{name}.s3.{region}.amazonaws.com",
    ),
    "AWS::S3::BucketPolicy": _named("Bucket"),
    "AWS::SNS::Subscription": _by_arn("", "{p[TopicArn]}:{uuid}", "Arn"),
    "AWS::SNS::Topic": _by_arn("TopicName", _arn("sns", "{name}"), "TopicArn", TopicName="{name}"),
    "AWS::SNS::TopicPolicy": _identified("policy", "Id"),
    "AWS::SQS::Queue": Kind(
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        {"Arn": _arn("sqs", "{name}"), "QueueName": "{name}"},
        "QueueName",
    ),
    "AWS::SSM::Document": _named("Name"),
    "AWS::SSM::Parameter": _named("Name", Type="{p[Type]}", Value="{p[Value]}"),
    "AWS::SageMaker::Domain": Kind(
        "d-{digits}",
        {
            "DomainArn": _arn("sagemaker", "domain/d-{digits}"),
            "DomainId": "d-{digits}",
            "HomeEfsFileSystemId": "fs-{digits}",
            "SecurityGroupIdForDomainBoundary": "sg-{digits}",
        },
    ),
    "AWS::SageMaker::NotebookInstance": _by_arn(
        "NotebookInstanceName",
        _arn("sagemaker", "notebook-instance/{name}"),
        NotebookInstanceName="{name}",
    ),
    "AWS::SageMaker::NotebookInstanceLifecycleConfig": _by_arn(
        "NotebookInstanceLifecycleConfigName",
        _arn("sagemaker", "notebook-instance-lifecycle-config/{name}"),
        NotebookInstanceLifecycleConfigName="{name}",
    ),
    "AWS::SageMaker::StudioLifecycleConfig": _named(
        "StudioLifecycleConfigName",
        StudioLifecycleConfigArn=_arn("sagemaker", "studio-lifecycle-config/{name}"),
    ),
    "AWS::Scheduler::Schedule": _named("Name", _arn("scheduler", "schedule/default/{name}")),
    "AWS::SecretsManager::Secret": _by_arn("Name", _SECRET, "Id"),
    "AWS::StepFunctions::StateMachine": _by_arn(
        "StateMachineName", _arn("states", "stateMachine:{name}"), "Arn", Name="{name}"
    ),
}


def physical(
    kind: str, stack: str, logical_id: str, properties: Mapping[str, Any], region: str
) -> tuple[str, dict[str, str]]:
    """Give what `Ref` and `Fn::GetAtt` give for a resource.

    Raises:
        UnknownTypeError: the type is not in the table.
    """
    if kind not in KINDS:
        raise UnknownTypeError(
            f"{kind} ({logical_id}): tests/templates/physical.py doesn't know it"
        )
    known = KINDS[kind]
    digest = hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()
    generated = f"{stack}-{logical_id}-{digest[:12].upper()}"
    if kind == "AWS::S3::Bucket":
        generated = generated.lower()
    values = {
        "name": properties.get(known.named_by, generated),
        "path": properties.get("Path", "/"),
        "digits": digest[:17],
        "uuid": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])),
        "region": region,
        "account": ACCOUNT,
        "partition": PARTITION,
        "p": properties,
    }
    attributes = {}
    for name, text in known.attributes.items():
        try:
            attributes[name] = text.format(**values)
        except KeyError:
            continue  # an optional property that this resource doesn't have
    return known.ref.format(**values), attributes
