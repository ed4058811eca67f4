"""What a person sees of the templates in the console, and what no linter holds us to."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.templates.template import CFN, load, several

TEMPLATES = sorted(path.name for path in CFN.glob("*.yaml"))
Template = dict[str, Any]
CONSTRAINTS = {
    "AllowedPattern",
    "AllowedValues",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
}
PLACEHOLDER = re.compile(r"[<>]|YOUR|CHANGE-?ME|TODO|XXX", re.IGNORECASE)
ACCOUNT_ID = re.compile(r"(?<![0-9a-f-])\d{12}(?!\d)")
REGION = re.compile(r"\b(af|ap|ca|cn|eu|il|me|mx|sa|us)(-gov)?-[a-z]+-\d\b")
CODEARTIFACTS_OWN_BUCKET = re.compile(r":s3:::assets-\d{12}-[a-z]+-[a-z]+-\d/\*$")
"""AWS's, one a region; documented for endpoint policies."""
NAMING = {
    "AlarmName",
    "AliasName",
    "BucketName",
    "DomainName",
    "FunctionName",
    "GroupName",
    "LogGroupName",
    "ManagedPolicyName",
    "Name",
    "NotebookInstanceName",
    "QueueName",
    "RepositoryName",
    "RoleName",
    "StateMachineName",
    "TopicName",
    "TrailName",
}
"""Properties that name a resource."""
POLICY_ABOUT_ITSELF = {
    "AWS::CodeArtifact::Domain",
    "AWS::CodeArtifact::Repository",
    "AWS::KMS::Key",
}
"""Types in whose policies the resource `*` is the resource itself."""
IAM = {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"}


def inside(value: Any) -> Iterator[Any]:
    """Give a value and everything in it, keys included."""
    yield value
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from inside(each)
    elif isinstance(value, list):
        for each in value:
            yield from inside(each)


def parameters_out_of_place(template: Template) -> Iterator[str]:
    interface = template.get("Metadata", {}).get("AWS::CloudFormation::Interface", {})
    groups = interface.get("ParameterGroups", [])
    grouped = [name for group in groups for name in group["Parameters"]]
    declared = list(template.get("Parameters", {}))
    if sorted(grouped) != sorted(declared):
        yield f"grouped are {grouped}, declared {declared}"
    if set(interface.get("ParameterLabels", {})) != set(declared):
        yield f"labelled are {sorted(interface.get('ParameterLabels', {}))}, declared {declared}"
    labels = [*groups, *({"Label": each} for each in interface.get("ParameterLabels", {}).values())]
    if not all(each["Label"]["default"].strip() for each in labels):
        yield "a label is empty"


def parameters_that_explain_nothing(template: Template) -> Iterator[str]:
    for name, declared in template.get("Parameters", {}).items():
        described = declared.get("Description", "")
        if len(described.split()) < 4 or not described.rstrip().endswith("."):
            yield f"{name} has no sentence as its description: {described!r}"
        if CONSTRAINTS & set(declared) and "ConstraintDescription" not in declared:
            yield f"{name} has a constraint without a message"
        if PLACEHOLDER.search(str(declared.get("Default", ""))):
            yield f"{name} has a placeholder as its default"


def outputs_that_explain_nothing(template: Template) -> Iterator[str]:
    for name, output in template.get("Outputs", {}).items():
        if len(output.get("Description", "").split()) < 2:
            yield f"the output {name} has no description"


def what_is_written_down_that_differs_elsewhere(template: Template) -> Iterator[str]:
    for section in ("Conditions", "Mappings", "Outputs", "Parameters", "Resources"):
        for text in inside(template.get(section, {})):
            if not isinstance(text, str) or CODEARTIFACTS_OWN_BUCKET.search(text):
                continue
            if ACCOUNT_ID.search(text):
                yield f"an account id: {text}"
            if "arn:aws:" in text:
                yield f"a partition: {text}"
            if REGION.search(text) and section != "Parameters":
                yield f"a region: {text}"
    for name, body in template["Resources"].items():
        for key, value in body.get("Properties", {}).items():
            if key in NAMING and isinstance(value, str):
                yield f"{name} has the name {value}, so that there can be one only"


def policies_of_another_version(template: Template) -> Iterator[str]:
    for name, body in template["Resources"].items():
        for each in inside(body.get("Properties", {})):
            is_policy = isinstance(each, dict) and "Statement" in each
            if is_policy and each.get("Version") != "2012-10-17":
                yield f"{name} has a policy of version {each.get('Version')}"


def rights_without_limits(template: Template) -> Iterator[str]:
    for name, body in template["Resources"].items():
        suppressed = body.get("Metadata", {}).get("cfn_nag", {}).get("rules_to_suppress", [])
        reasoned = {each["id"] for each in suppressed} & {"W11", "W12", "W13"}
        for each in inside(body.get("Properties", {})):
            if not isinstance(each, dict) or each.get("Effect") != "Allow":
                continue
            actions = [one for one in several(each.get("Action", "*")) if isinstance(one, str)]
            if any(action == "*" or action.endswith(":*") for action in actions):
                yield f"{name} allows {actions}"
            if "*" not in several(each.get("Resource")) or body["Type"] in POLICY_ABOUT_ITSELF:
                continue
            if body["Type"] in IAM and reasoned:
                continue
            if body["Type"] == "AWS::EC2::VPCEndpoint" and each.get("Condition"):
                continue
            yield f"{name} allows {actions} on everything, without a reason"


def selections_that_a_default_does_not_have(template: Template) -> Iterator[str]:
    """CloudFormation refuses them also where the condition of the resource is false."""
    for each in inside(template):
        match each:
            case {"Fn::Select": [index, {"Fn::Split": [str(separator), {"Ref": str(name)}]}]}:
                default = template["Parameters"].get(name, {}).get("Default")
                if default is not None and int(index) >= len(default.split(separator)):
                    yield f"{name} has no part {index} when it is {default!r}"


CHECKS: list[Callable[[Template], Iterator[str]]] = [
    parameters_out_of_place,
    parameters_that_explain_nothing,
    outputs_that_explain_nothing,
    what_is_written_down_that_differs_elsewhere,
    policies_of_another_version,
    rights_without_limits,
    selections_that_a_default_does_not_have,
]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_template_is_free_of(check: Callable[[Template], Iterator[str]], template: str) -> None:
    assert list(check(load(template))) == []


def statement(**changed: Any) -> Template:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Ref": "Arn"}} | changed


def resource(kind: str, **properties: Any) -> Template:
    return {"Resources": {"It": {"Type": kind, "Properties": properties}}}


def allowing(kind: str, **changed: Any) -> Template:
    document = {"Version": "2012-10-17", "Statement": [statement(**changed)]}
    return resource(kind, PolicyDocument=document)


def parameter(**changed: Any) -> Template:
    declared = {"Type": "String", "Description": "Where the emails are sent."} | changed
    return {"Parameters": {"Email": declared}, "Resources": {}}


FAULTY: list[tuple[Callable[[Template], Iterator[str]], Template]] = [
    (parameters_out_of_place, parameter()),
    (parameters_that_explain_nothing, parameter(Description="The email")),
    (parameters_that_explain_nothing, parameter(AllowedPattern=".+@.+")),
    (parameters_that_explain_nothing, parameter(Default="<YOUR-EMAIL>")),
    (outputs_that_explain_nothing, {"Outputs": {"Topic": {"Value": "x"}}, "Resources": {}}),
    (
        what_is_written_down_that_differs_elsewhere,
        allowing("AWS::IAM::Policy", Resource="arn:${AWS::Partition}:iam::111122223333:root"),
    ),
    (what_is_written_down_that_differs_elsewhere, resource("A", Key="arn:aws:kms:::key/1")),
    (what_is_written_down_that_differs_elsewhere, resource("A", Endpoint="s3.us-gov-west-1")),
    (what_is_written_down_that_differs_elsewhere, resource("A", TopicName="gate")),
    (policies_of_another_version, resource("A", KeyPolicy={"Statement": []})),
    (rights_without_limits, allowing("AWS::IAM::Policy", Action=["kms:Decrypt", "kms:*"])),
    (rights_without_limits, allowing("AWS::IAM::Policy", Resource="*")),
    (rights_without_limits, allowing("AWS::EC2::VPCEndpoint", Resource="*")),
    (rights_without_limits, allowing("AWS::S3::BucketPolicy", Resource=["*"])),
    (
        selections_that_a_default_does_not_have,
        parameter(Default="")
        | resource("A", Key={"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Email"}]}]}),
    ),
]


@pytest.mark.parametrize("case", range(len(FAULTY)))
def test_each_check_finds_its_fault(case: int) -> None:
    check, template = FAULTY[case]

    assert list(check(template)) != []


def test_what_has_a_reason_is_no_fault() -> None:
    reasoned = allowing("AWS::IAM::Policy", Resource="*")
    reasoned["Resources"]["It"]["Metadata"] = {"cfn_nag": {"rules_to_suppress": [{"id": "W12"}]}}
    denied = allowing("AWS::S3::BucketPolicy", Effect="Deny", Action="s3:*", Resource="*")
    limited = allowing("AWS::EC2::VPCEndpoint", Resource="*", Condition={"StringEquals": {}})
    own = allowing("AWS::KMS::Key", Resource="*")

    for template in (reasoned, denied, limited, own):
        assert list(rights_without_limits(template)) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_number_is_bounded_as_is_told(name: str) -> None:
    for parameter, declared in load(name)["Parameters"].items():
        if "MinValue" in declared or "MaxValue" in declared:
            told = [int(each) for each in re.findall(r"\d+", declared["ConstraintDescription"])]
            assert told == [declared["MinValue"], declared["MaxValue"]], parameter


@pytest.mark.parametrize(
    ("name", "parameter", "page", "words"),
    [
        ("artifacts-bucket", "ArtifactRetentionDays", "dependency-scan", "files too; {} days"),
        ("artifacts-bucket", "WorkRetentionDays", "staged-pipeline", "goes after {} days"),
        ("artifacts-bucket", "AccessLogRetentionDays", "deployment", "logs are kept | `{}`"),
        ("scan-pipeline", "LogRetentionDays", "deployment", "logs are kept | `{}`"),
        ("scan-pipeline", "ObserveConcurrency", "observe", "(default {})"),
        ("isolated-notebook", "VolumeSizeInGB", "isolated-notebook", "`ml.t3.medium`, `{}`"),
    ],
)
def test_a_default_is_that_of_its_page(name: str, parameter: str, page: str, words: str) -> None:
    declared = load(f"{name}.yaml")["Parameters"][parameter]
    text = (CFN.parent / f"docs/{page}.md").read_text()
    assert words.format(declared["Default"]) in text


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_statement_of_a_policy_says_what_it_is_about(name: str) -> None:
    """AWS takes a policy of a resource without it in no service; only a role's trust has none."""
    for logical_id, body in load(name)["Resources"].items():
        trust = body["Properties"].get("AssumeRolePolicyDocument")
        for each in inside(body["Properties"]):
            if isinstance(each, dict) and "Effect" in each and not within(trust, each):
                assert "Resource" in each, (logical_id, each.get("Sid"))


def within(whole: Any, part: Any) -> bool:
    return any(each is part for each in inside(whole))
