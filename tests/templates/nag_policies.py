"""cfn_nag's rules for policy documents, restated."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.templates.nag_complexity import complexity
from tests.templates.nag_model import Resource, listed, rule, true

Statement = Mapping[str, Any]


def statements(document: Any) -> list[Statement]:
    """Give a policy document's statements; an `Fn::If` among them is one without elements."""
    found = listed(document.get("Statement") if isinstance(document, dict) else None)
    return [each if isinstance(each, dict) else {} for each in found]


def _documents(each: Resource) -> Iterator[Any]:
    if each.type == "AWS::IAM::Role":
        for policy in listed(each.properties.get("Policies")):
            if "PolicyName" in policy:
                yield policy["PolicyDocument"]
    else:
        yield each.properties.get("PolicyDocument")


def _allowing(document: Any) -> list[Statement]:
    return [each for each in statements(document) if each.get("Effect") == "Allow"]


def _wildcard_action(each: Statement) -> bool:
    actions = [action for action in listed(each.get("Action")) if isinstance(action, str)]
    return any(action == "*" or (action.endswith(":*") and len(action) > 2) for action in actions)


def _wildcard_resource(each: Statement) -> bool:
    return "*" in listed(each.get("Resource"))


def wildcard_principal(each: Statement) -> bool:
    """Tell whether its principal is, or contains, an asterisk."""
    principal = each.get("Principal")
    values = list(principal.values()) if isinstance(principal, dict) else [principal]
    return any("*" in one for value in values for one in listed(value) if isinstance(one, str))


def _passes_any_role(each: Statement) -> bool:
    passing = {"*", "iam:*"} | {f"iam:{'PassRole'[:n]}*" for n in range(1, 9)} | {"iam:PassRole"}
    passing |= {f"iam:*{'PassRole'[n:]}" for n in range(8)}
    return _wildcard_resource(each) and not passing.isdisjoint(
        action for action in listed(each.get("Action")) if isinstance(action, str)
    )


def _has(element: str) -> Callable[[Statement], bool]:
    return lambda each: each.get(element) is not None


def _policy_rule(kind: str, identifier: str, broken: Callable[[Statement], bool]) -> None:
    """Register a rule that an allowing statement breaks."""
    rule(identifier, kind)(
        lambda resource: any(
            broken(each) for document in _documents(resource) for each in _allowing(document)
        )
    )


for _kind, _ids in {
    "AWS::IAM::Role": ("F3", "W11", "W15", "W21", "F38"),
    "AWS::IAM::Policy": ("F4", "W12", "W16", "W22", "F39"),
    "AWS::IAM::ManagedPolicy": ("F5", "W13", "W17", "W23", "F40"),
}.items():
    _policy_rule(_kind, _ids[0], _wildcard_action)
    _policy_rule(_kind, _ids[1], _wildcard_resource)
    _policy_rule(_kind, _ids[2], _has("NotAction"))
    _policy_rule(_kind, _ids[3], _has("NotResource"))
    _policy_rule(_kind, _ids[4], _passes_any_role)
for _kind, _resource_ids in {
    "AWS::S3::BucketPolicy": ("F15", "F16", "F9", "W20"),
    "AWS::SQS::QueuePolicy": ("F20", "F21", "F7", "W18"),
    "AWS::SNS::TopicPolicy": ("", "F18", "F8", "W19"),
}.items():
    if _resource_ids[0]:
        _policy_rule(_kind, _resource_ids[0], _wildcard_action)
    _policy_rule(_kind, _resource_ids[1], wildcard_principal)
    _policy_rule(_kind, _resource_ids[2], _has("NotPrincipal"))
    _policy_rule(_kind, _resource_ids[3], _has("NotAction"))
for _id, _broken in {
    "F2": _wildcard_action,
    "F6": _has("NotPrincipal"),
    "W14": _has("NotAction"),
}.items():
    rule(_id, "AWS::IAM::Role")(
        lambda resource, broken=_broken: any(  # type: ignore[misc]
            broken(each) for each in _allowing(resource.properties["AssumeRolePolicyDocument"])
        )
    )


def _managed_policies(each: Resource) -> str:
    return json.dumps(each.properties.get("ManagedPolicyArns", []))


@rule("W43", "AWS::IAM::Role")
def _administrator(each: Resource) -> bool:
    return "iam::aws:policy/AdministratorAccess" in _managed_policies(each)


@rule("W44", "AWS::IAM::Role")
def _elevated(each: Resource) -> bool:
    elevated = ("PowerUserAccess", "IAMFullAccess")
    return any(f"iam::aws:policy/{name}" in _managed_policies(each) for name in elevated)


@rule("W76", "AWS::IAM::Policy", "AWS::IAM::Role")
def _complex(each: Resource) -> bool:
    return any(complexity(statements(document)) >= 25 for document in _documents(each))


@rule("F19", "AWS::KMS::Key")
def _no_rotation(each: Resource) -> bool:
    return not true(each.properties.get("EnableKeyRotation"))


@rule("F76", "AWS::KMS::Key")
def _key_for_anybody(each: Resource) -> bool:
    return any(map(wildcard_principal, _allowing(each.properties["KeyPolicy"])))
