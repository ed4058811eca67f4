"""What cfn_nag would say of the templates, by its restated rules, which are tested here too."""

from typing import Any

import pytest

from tests.templates.nag_complexity import TOO_COMPLEX, complexity
from tests.templates.nag_model import RULED_TYPES, RULES
from tests.templates.nag_rules import WITHOUT_RULES, Violation, violations
from tests.templates.nag_samples import BESIDE, SAMPLES
from tests.templates.template import CFN, load

TEMPLATES = sorted(path.name for path in CFN.glob("*.yaml"))
GROUP = "AWS::EC2::SecurityGroup"


def found(resources: dict[str, Any], rule: str) -> list[str]:
    return [each.resource for each in violations({"Resources": resources}) if each.rule == rule]


@pytest.mark.parametrize("template", TEMPLATES)
def test_cfn_nag_would_report_nothing(template: str) -> None:
    assert violations(load(template)) == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_type_has_been_looked_up_in_cfn_nag(template: str) -> None:
    types = {body["Type"] for body in load(template)["Resources"].values()}

    assert types <= RULED_TYPES | WITHOUT_RULES


def test_every_rule_has_a_sample() -> None:
    assert set(SAMPLES) == set(RULES)


@pytest.mark.parametrize("rule", SAMPLES)
def test_a_rule_finds_what_breaks_it_and_passes_what_does_not(rule: str) -> None:
    kind, broken, harmless = SAMPLES[rule]
    document = {"Version": "2012-10-17", "Statement": []}
    needed = {"AssumeRolePolicyDocument": document} if kind == "AWS::IAM::Role" else {}
    resources = {
        "Broken": {"Type": kind, "Properties": needed | broken},
        "Harmless": {"Type": kind, "Properties": needed | harmless},
        **BESIDE.get(rule, {}),
    }

    assert found(resources, rule) == ["Broken"]


def test_a_suppression_silences_its_rule_for_its_resource_only() -> None:
    suppressed = {"cfn_nag": {"rules_to_suppress": [{"id": "W35", "reason": "holds the logs"}]}}
    resources = {
        "Silenced": {"Type": "AWS::S3::Bucket", "Metadata": suppressed},
        "Other": {"Type": "AWS::S3::Bucket"},
    }

    found = violations({"Resources": resources})

    assert Violation("W35", "Other") in found
    assert Violation("W35", "Silenced") not in found
    assert Violation("W41", "Silenced") in found


def test_every_condition_holds() -> None:
    key = {"Fn::If": ["HasKey", {"Fn::If": ["Other", "a", None]}, None]}
    no_key = {"Fn::If": ["NoKey", None, "b"]}
    resources = {
        "First": {"Type": "AWS::Logs::LogGroup", "Properties": {"KmsKeyId": key}},
        "Second": {"Type": "AWS::Logs::LogGroup", "Properties": {"KmsKeyId": no_key}},
    }

    assert found(resources, "W84") == ["Second"]


def test_a_rule_that_stands_alone_counts_for_its_group() -> None:
    egress = {"IpProtocol": -1, "CidrIp": "0.0.0.0/0"}
    resources = {
        "Group": {"Type": GROUP, "Properties": {}},
        "Joined": {
            "Type": f"{GROUP}Egress",
            "Properties": {"GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}, **egress},
        },
        "Alone": {"Type": f"{GROUP}Egress", "Properties": {"GroupId": "sg-1", **egress}},
    }

    assert found(resources, "F1000") == []
    assert found(resources, "W5") == ["Alone", "Group"]
    assert found(resources, "W36") == ["Alone", "Joined"]


def test_a_secret_parameter_without_default_may_hold_the_webhooks_token() -> None:
    webhook = {
        "Type": "AWS::CodePipeline::Webhook",
        "Properties": {"AuthenticationConfiguration": {"SecretToken": {"Ref": "Token"}}},
    }

    def reported(parameter: dict[str, Any]) -> bool:
        template = {"Parameters": {"Token": parameter}, "Resources": {"Webhook": webhook}}
        return Violation("F69", "Webhook") in violations(template)

    assert not reported({"Type": "String", "NoEcho": True})
    assert reported({"Type": "String", "NoEcho": True, "Default": "x"})
    assert reported({"Type": "String"})


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}, 1),
        ({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}, 2),
        ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Ref": "Arn"}}, 4),
        ({"Effect": "Allow", "Action": ["s3:A", "sns:B"], "Resource": "*"}, 3),
        ({"Effect": "Allow", "Action": "s3:A", "Resource": ["*", "arn:aws:s3:::b"]}, 2),
        ({"Effect": "Allow", "NotAction": "s3:A", "NotResource": "arn:aws:s3:::b"}, 3),
    ],
    ids=["plain", "deny", "unresolved", "two-services", "mixed", "inverted"],
)
def test_complexity_counts_as_cfn_nag_does(statement: dict[str, Any], expected: int) -> None:
    assert complexity([statement]) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}, 2),
        ({"StringEqualsIfExists": {"aws:A": "x"}}, 3),
        ({"ForAnyValue:StringLike": {"aws:A": ["x", "${aws:username}"]}}, 5),
        ({"StringLike": {"aws:A": "${*}"}}, 2),
        ({"Null": {"aws:A": "true"}}, 3),
        ({"StringEquals": {"aws:A": ["x", {"Ref": "AWS::AccountId"}]}}, TOO_COMPLEX),
    ],
    ids=["plain", "if-exists", "variable", "escaped", "null", "unresolved-in-a-list"],
)
def test_conditions_add_to_the_complexity(condition: dict[str, Any], expected: int) -> None:
    statement = {"Effect": "Allow", "Action": "s3:A", "Resource": "*", "Condition": condition}

    assert complexity([statement]) == 1 + expected
