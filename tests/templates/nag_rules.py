"""cfn_nag's rules for the resource types of our templates, restated, because cfn_nag needs Ruby.

Each rule has cfn_nag's id and looks at the raw template as cfn_nag does without parameter values:

- every condition holds, so a property that is `Fn::If` is its first branch; an `Fn::If` inside a
  list is not looked into;
- other intrinsic functions stay unresolved, and a rule that wants a literal passes over them;
- `Metadata: cfn_nag: rules_to_suppress: [{id, reason}]` of a resource silences a rule for it.

After the rules of https://github.com/stelligent/cfn_nag and the model of
https://github.com/stelligent/cfn-model.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tests.templates.nag_policies  # noqa: F401  # registers its rules
from tests.templates.nag_model import (
    RULED_TYPES,
    RULES,
    Model,
    Resource,
    absent,
    listed,
    rule,
    true,
)
from tests.templates.nag_policies import wildcard_principal

WITHOUT_RULES = frozenset(
    {
        "AWS::Athena::NamedQuery",
        "AWS::Athena::WorkGroup",
        "AWS::CloudFormation::Stack",
        "AWS::CloudTrail::Trail",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeArtifact::Domain",
        "AWS::CodeArtifact::PackageGroup",
        "AWS::CodeArtifact::Repository",
        "AWS::CodeBuild::ReportGroup",
        "AWS::CodePipeline::Pipeline",
        "AWS::EC2::EIP",
        "AWS::EC2::FlowLog",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::Events::Rule",
        "AWS::KMS::Alias",
        "AWS::Logs::MetricFilter",
        "AWS::Logs::ResourcePolicy",
        "AWS::SageMaker::Domain",
        "AWS::SageMaker::NotebookInstanceLifecycleConfig",
        "AWS::SageMaker::StudioLifecycleConfig",
        "AWS::SageMaker::UserProfile",
        "AWS::Scheduler::Schedule",
        "AWS::SNS::Subscription",
        "AWS::SSM::Parameter",
        "AWS::StepFunctions::StateMachine",
    }
)
"""Types that cfn_nag has no rule for. One that is neither here nor ruled is to be looked up."""


@dataclass(frozen=True)
class Violation:
    """What cfn_nag would report."""

    rule: str
    resource: str
    """The logical id."""


def violations(template: Mapping[str, Any]) -> list[Violation]:
    """Give what cfn_nag would report for a template, short tags written out."""
    model = Model(
        [
            Resource(name, body["Type"], _properties(body.get("Properties", {})))
            for name, body in template["Resources"].items()
        ],
        template.get("Parameters", {}),
    )
    silenced = {
        (each["id"], name)
        for name, body in template["Resources"].items()
        for each in body.get("Metadata", {}).get("cfn_nag", {}).get("rules_to_suppress", [])
    }
    found = {(rule, each.name) for rule, check in RULES.items() for each in check(model)}
    return [Violation(*each) for each in sorted(found - silenced)]


def _properties(given: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in given.items() if key != "Fn::If"}
    chosen = _chosen({"Fn::If": given["Fn::If"]}) if "Fn::If" in given else {}
    return {key: _chosen(value) for key, value in {**plain, **chosen}.items()}


def _chosen(value: Any, inside: bool = False) -> Any:
    """Take the first branch of an `Fn::If`, and of those in the mapping that it gives."""
    if isinstance(value, dict) and list(value) == ["Fn::If"]:
        return _chosen(value["Fn::If"][1], inside=True)
    if inside and isinstance(value, dict):
        return {key: _chosen(each, inside=True) for key, each in value.items()}
    return value


# Security groups

GROUP = "AWS::EC2::SecurityGroup"


@dataclass(frozen=True)
class _Rules:
    """One direction of the rules of a security group, and those that stand alone."""

    direction: str

    def by_resource(self, model: Model) -> Iterator[tuple[Resource, list[Mapping[str, Any]]]]:
        alone = model.of(f"{GROUP}{self.direction}")
        for group in model.of(GROUP):
            inline = listed(group.properties.get(f"SecurityGroup{self.direction}"))
            joined = [each.properties for each in alone if self._group(each) == group.name]
            yield group, [*inline, *joined]
        for each in alone:
            if self._group(each) is None:
                yield each, [each.properties]

    def _group(self, each: Resource) -> str | None:
        """Give the logical id of its group; none when it is another stack's."""
        group = each.properties.get("GroupId")
        if not isinstance(group, dict):
            return None
        attribute = group.get("Fn::GetAtt", ["", ""])
        return group.get("Ref") or (attribute[0] if attribute[1] == "GroupId" else None)

    def add(self, identifier: str, broken: Callable[[Mapping[str, Any]], bool]) -> None:
        RULED_TYPES.update({GROUP, f"{GROUP}{self.direction}"})
        RULES[identifier] = lambda model: [
            each for each, rules in self.by_resource(model) if any(map(broken, rules))
        ]


def _world(rule: Mapping[str, Any]) -> bool:
    return rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0"


def _range(rule: Mapping[str, Any]) -> bool:
    four, six = rule.get("CidrIp"), rule.get("CidrIpv6")
    return (isinstance(four, str) and not four.endswith("/32")) or (
        isinstance(six, str) and not six.endswith("/128")
    )


def _several_ports(rule: Mapping[str, Any]) -> bool:
    return bool(rule.get("FromPort") != rule.get("ToPort"))


def _every_protocol(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("IpProtocol")) == "-1"


_ingress, _egress = _Rules("Ingress"), _Rules("Egress")
_ingress.add("W2", _world)
_ingress.add("W9", _range)
_ingress.add("W27", _several_ports)
_ingress.add("W42", _every_protocol)
_egress.add("W5", _world)
_egress.add("W29", _several_ports)
_egress.add("W40", _every_protocol)


def _no_egress(model: Model) -> list[Resource]:
    return [each for each, rules in _egress.by_resource(model) if not rules]


def _egress_in_if(model: Model) -> list[Resource]:
    return [
        each for each, rules in _egress.by_resource(model) if any("Fn::If" in one for one in rules)
    ]


def _undescribed(model: Model) -> Iterator[Resource]:
    for direction in (_ingress, _egress):
        for group in model.of(GROUP):
            inline = listed(group.properties.get(f"SecurityGroup{direction.direction}"))
            if any(not {"Description", "Fn::If"} & set(one) for one in inline):
                yield group
        for each in model.of(f"{GROUP}{direction.direction}"):
            if "Description" not in each.properties:
                yield each


RULES["F1000"] = _no_egress
RULES["W36"] = _undescribed
RULES["crash"] = _egress_in_if
"""No rule: cfn_nag stops at an `Fn::If` among the egress rules."""

# Other resources

absent("W32", "AWS::CodeBuild::Project", "EncryptionKey")
absent("W35", "AWS::S3::Bucket", "LoggingConfiguration")
absent("W37", "AWS::EC2::Volume", "KmsKeyId")
absent("W41", "AWS::S3::Bucket", "BucketEncryption")
absent("W47", "AWS::SNS::Topic", "KmsMasterKeyId")
absent("W48", "AWS::SQS::Queue", "KmsMasterKeyId")
absent("W77", "AWS::SecretsManager::Secret", "KmsKeyId")
absent("W84", "AWS::Logs::LogGroup", "KmsKeyId")
absent("W86", "AWS::Logs::LogGroup", "RetentionInDays")
absent("W89", "AWS::Lambda::Function", "VpcConfig")
absent("W92", "AWS::Lambda::Function", "ReservedConcurrentExecutions")
absent("W1200", "AWS::SageMaker::EndpointConfig", "KmsKeyId")
absent("W1201", "AWS::SageMaker::NotebookInstance", "KmsKeyId")

_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
}


@rule("W28", *_NAMES)
def _named(each: Resource) -> bool:
    return each.properties.get(_NAMES[each.type]) is not None


@rule("W31", "AWS::S3::Bucket")
def _public(each: Resource) -> bool:
    return each.properties.get("AccessControl") == "PublicRead"


@rule("F14", "AWS::S3::Bucket")
def _writable_by_all(each: Resource) -> bool:
    return each.properties.get("AccessControl") == "PublicReadWrite"


@rule("W33", "AWS::EC2::Subnet")
def _public_addresses(each: Resource) -> bool:
    return true(each.properties.get("MapPublicIpOnLaunch"))


@rule("F1", "AWS::EC2::Volume")
def _unencrypted(each: Resource) -> bool:
    return not true(each.properties.get("Encrypted"))


@rule("F13", "AWS::Lambda::Permission")
def _anybody_invokes(each: Resource) -> bool:
    return wildcard_principal(each.properties)


def _webhooks_with_plain_token(model: Model) -> Iterator[Resource]:
    for each in model.of("AWS::CodePipeline::Webhook"):
        token = each.properties.get("AuthenticationConfiguration", {}).get("SecretToken")
        if isinstance(token, dict) and "Ref" in token and token["Ref"] != "AWS::NoValue":
            parameter = model.parameters.get(token["Ref"], {})
            if not true(parameter.get("NoEcho")) or "Default" in parameter:
                yield each
        elif isinstance(token, str):
            secret = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")
            if not (token.startswith(secret) and token.endswith("}}")):
                yield each


def _buckets_without_policy(model: Model) -> Iterator[Resource]:
    refs = [each.properties.get("Bucket") for each in model.of("AWS::S3::BucketPolicy")]
    for each in model.of("AWS::S3::Bucket"):
        if not any(
            bucket == {"Ref": each.name}
            or (not isinstance(bucket, dict) and bucket == each.properties.get("BucketName"))
            for bucket in refs
        ):
            yield each


def _networks_without_flow_log(model: Model) -> Iterator[Resource]:
    logged = [each.properties.get("ResourceId") for each in model.of("AWS::EC2::FlowLog")]
    for each in model.of("AWS::EC2::VPC"):
        if {"Ref": each.name} not in logged:
            yield each


RULED_TYPES.update({"AWS::CodePipeline::Webhook", "AWS::EC2::VPC"})
RULES["F69"] = _webhooks_with_plain_token
RULES["W51"] = _buckets_without_policy
RULES["W60"] = _networks_without_flow_log
