"""The evaluator of IAM policies, table by table after the IAM User Guide."""

from typing import Any

import pytest

from tests.templates.iam import ANYONE, Caller, Request, evaluate, role, service
from tests.templates.iam_conditions import UnsupportedError

HERE, THERE = "123456789012", "111122223333"
BUILD = role(f"arn:aws:iam::{HERE}:role/build", "run-1", organization="o-1")
OTHER = role(f"arn:aws:iam::{HERE}:role/other")
STRANGER = role(f"arn:aws:iam::{THERE}:role/reader")
EVENTS = service("events.amazonaws.com", HERE)
TOPIC = f"arn:aws:sns:eu-central-1:{HERE}:verdicts"
KEY = f"arn:aws:kms:eu-central-1:{HERE}:key/1234"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(action: str = "sns:Publish", effect: str = "Allow", **others: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": "*", **others}


def trust(principal: Any, action: str = "sns:Publish", effect: str = "Allow") -> dict[str, Any]:
    return policy(statement(action, effect, Principal=principal))


def condition_result(condition: dict[str, Any], context: dict[str, Any]) -> bool:
    allowing = policy(statement(Condition=condition))
    return bool(evaluate(Request(BUILD, "sns:Publish", TOPIC, context), identity=[allowing]))


ALLOW, DENY = policy(statement()), policy(statement(effect="Deny"))
ROOT = {"AWS": f"arn:aws:iam::{HERE}:root"}
BY_NAME = {"AWS": BUILD.arn}


@pytest.mark.parametrize(
    ("caller", "identity", "resource", "expected"),
    [
        # within the account, either
        (BUILD, [], [], False),
        (BUILD, [ALLOW], [], True),
        (BUILD, [], [trust(BY_NAME)], True),
        (BUILD, [], [trust({"AWS": BUILD.session})], True),
        (BUILD, [], [trust("*")], True),
        (BUILD, [], [trust({"AWS": "*"})], True),
        (BUILD, [], [trust(ROOT)], False),
        (BUILD, [ALLOW], [trust({"AWS": OTHER.arn})], True),
        (OTHER, [], [trust(BY_NAME)], False),
        (OTHER, [], [trust({"AWS": [OTHER.arn, BUILD.arn]})], True),
        # a deny anywhere
        (BUILD, [ALLOW, DENY], [], False),
        (BUILD, [DENY], [trust(BY_NAME)], False),
        (BUILD, [ALLOW], [trust("*", effect="Deny")], False),
        (BUILD, [ALLOW], [trust(ROOT, effect="Deny")], False),
        (BUILD, [ALLOW], [trust({"AWS": OTHER.arn}, effect="Deny")], True),
        # across accounts, both
        (STRANGER, [ALLOW], [], False),
        (STRANGER, [], [trust("*")], False),
        (STRANGER, [ALLOW], [trust(ROOT)], False),
        (STRANGER, [ALLOW], [trust({"AWS": THERE})], True),
        (STRANGER, [ALLOW], [trust({"AWS": f"arn:aws:iam::{THERE}:root"})], True),
        (STRANGER, [ALLOW], [trust({"AWS": STRANGER.arn})], True),
        (STRANGER, [ALLOW], [trust("*")], True),
        (STRANGER, [ALLOW], [trust({"AWS": THERE}), trust("*", effect="Deny")], False),
        # services and anybody have no policies of their own
        (EVENTS, [], [trust({"Service": "events.amazonaws.com"})], True),
        (EVENTS, [], [trust({"Service": "sns.amazonaws.com"})], False),
        (EVENTS, [], [trust(ROOT)], False),
        (BUILD, [], [trust({"Service": "events.amazonaws.com"})], False),
        (ANYONE, [], [trust("*")], True),
        (ANYONE, [], [trust(ROOT)], False),
    ],
)
def test_identity_and_resource_policies(
    caller: Caller, identity: list[Any], resource: list[Any], expected: bool
) -> None:
    request = Request(caller, "sns:Publish", TOPIC)
    assert bool(evaluate(request, identity=identity, resource=resource)) is expected


@pytest.mark.parametrize(
    ("caller", "identity", "resource", "expected"),
    [
        (BUILD, True, [], False),
        (BUILD, True, [trust(ROOT, "kms:*")], True),
        (BUILD, False, [trust(ROOT, "kms:*")], False),
        (BUILD, False, [trust(BY_NAME, "kms:Decrypt")], True),
        (BUILD, True, [trust({"AWS": OTHER.arn}, "kms:Decrypt")], False),
        (STRANGER, True, [trust(ROOT, "kms:*")], False),
        (STRANGER, True, [trust({"AWS": THERE}, "kms:Decrypt")], True),
    ],
)
def test_a_key_is_used_only_by_whom_its_own_policy_lets(
    caller: Caller, identity: bool, resource: list[Any], expected: bool
) -> None:
    policies = [policy(statement("kms:Decrypt"))] if identity else []
    request = Request(caller, "kms:Decrypt", KEY)
    assert bool(evaluate(request, identity=policies, resource=resource)) is expected


def test_a_role_is_assumed_only_by_whom_its_trust_policy_lets() -> None:
    request = Request(BUILD, "sts:AssumeRole", OTHER.arn)
    may = policy(statement("sts:AssumeRole"))
    trusts = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    assert not evaluate(request, identity=[may])
    assert not evaluate(
        request,
        identity=[may],
        resource=[policy({**trusts, "Principal": {"Service": "codebuild.amazonaws.com"}})],
    )
    assert evaluate(request, identity=[may], resource=[policy({**trusts, "Principal": ROOT})])


@pytest.mark.parametrize(
    ("endpoint", "boundary", "expected"),
    [
        (trust("*"), None, True),
        (trust("*", "sns:Subscribe"), None, False),
        (trust("*", "*", "Deny"), None, False),
        (None, ALLOW, True),
        (None, policy(statement("s3:*")), False),
        (None, DENY, False),
    ],
)
def test_endpoint_and_boundary_must_allow_besides(
    endpoint: Any, boundary: Any, expected: bool
) -> None:
    request = Request(BUILD, "sns:Publish", TOPIC)
    given = evaluate(request, identity=[ALLOW], endpoint=endpoint, boundary=boundary)
    assert bool(given) is expected
    assert not evaluate(request, endpoint=trust("*"), boundary=ALLOW)  # neither grants by itself


@pytest.mark.parametrize(
    ("given", "action", "expected"),
    [
        ("s3:GetObject", "s3:GetObject", True),
        ("s3:getobject", "S3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:PutObject", False),
        ("s3:GetObject", "s3:GetObjectAcl", False),
        ("s3:?etObject", "s3:GetObject", True),
        ("*", "s3:GetObject", True),
        ("s3.GetObject", "s3:GetObject", False),
        (["sns:Publish", "s3:GetObject"], "s3:GetObject", True),
    ],
)
def test_actions(given: str | list[str], action: str, expected: bool) -> None:
    allowing = policy({"Effect": "Allow", "Action": given, "Resource": "*"})
    excluding = policy({"Effect": "Allow", "NotAction": given, "Resource": "*"})
    request = Request(BUILD, action, "arn:aws:s3:::records/a")
    assert bool(evaluate(request, identity=[allowing])) is expected
    assert bool(evaluate(request, identity=[excluding])) is not expected


@pytest.mark.parametrize(
    ("given", "arn", "expected"),
    [
        ("*", "arn:aws:s3:::records/a", True),
        ("arn:aws:s3:::records/*", "arn:aws:s3:::records/a/b", True),
        ("arn:aws:s3:::records/*", "arn:aws:s3:::records", False),
        ("arn:aws:s3:::records/*", "arn:aws:s3:::records-2/a", False),
        ("arn:aws:s3:::records*", "arn:aws:s3:::records-2/a", True),
        ("arn:aws:s3:::records/?", "arn:aws:s3:::records/ab", False),
        ("arn:aws:s3:::records", "arn:aws:s3:::Records", False),
        ("arn:aws:logs:*:*:log-group:/a:*", f"arn:aws:logs:eu-west-1:{HERE}:log-group:/a:*", True),
        (f"arn:aws:sns:*:{HERE}:v*", TOPIC, True),
        (f"arn:aws:sns:eu-*:{THERE}:v*", TOPIC, False),
        ("arn:*:sns:*:*:verdicts", TOPIC, True),
        ("arn:aws:s*:verdicts", TOPIC, None),
        ("arn:aws:sns:*:${aws:PrincipalAccount}:verdicts", TOPIC, True),
        ("arn:aws:sns:*:${aws:PrincipalOrgID}:verdicts", TOPIC, False),
        ("arn:aws:sns:*:*:${aws:PrincipalTag/topic}", TOPIC, False),
        ("arn:aws:sns:*:*:${aws:PrincipalTag/topic, 'verdicts'}", TOPIC, True),
        ("arn:aws:s3:::${*}", "arn:aws:s3:::records", False),
        ("arn:aws:s3:::${*}", "arn:aws:s3:::*", True),
        (["arn:aws:s3:::a", "arn:aws:s3:::b"], "arn:aws:s3:::b", True),
    ],
)
def test_resources(given: str | list[str], arn: str, expected: bool | None) -> None:
    allowing = policy({"Effect": "Allow", "Action": "*", "Resource": given})
    request = Request(BUILD, "any:Thing", arn)
    if expected is None:
        with pytest.raises(UnsupportedError, match="is no ARN"):
            evaluate(request, identity=[allowing])
        return
    assert bool(evaluate(request, identity=[allowing])) is expected
    if "${" not in str(given):
        excluding = policy({"Effect": "Allow", "Action": "*", "NotResource": given})
        assert bool(evaluate(request, identity=[excluding])) is not expected


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", "A", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "a*c", "abc", True),
        ("StringLike", "a?", "abc", False),
        ("StringNotLike", "a*", "abc", False),
        ("StringNotLike", "a*", "b", True),
        ("StringEquals", "${aws:PrincipalAccount}", HERE, True),
        ("StringLike", "${aws:PrincipalAccount}/*", f"{HERE}/x", True),
        ("ArnLike", "arn:aws:sns:*:*:v*", TOPIC, True),
        ("ArnEquals", "arn:aws:sns:*:*:v*", TOPIC, True),
        ("ArnLike", "arn:aws:sns:*:*:w*", TOPIC, False),
        ("ArnNotLike", "arn:aws:sns:*:*:v*", TOPIC, False),
        ("ArnNotEquals", ["arn:aws:sns:*:*:w", TOPIC], TOPIC, False),
        ("ArnLike", "arn:aws:s3:::*", "no-arn", False),
        ("Bool", "false", "false", True),
        ("Bool", False, "false", True),
        ("Bool", "true", "false", False),
        ("NumericLessThan", "1.2", "1.1", True),
        ("NumericLessThan", "1.2", "1.2", False),
        ("NumericLessThanEquals", "1.2", "1.2", True),
        ("NumericGreaterThan", 3, "4", True),
        ("NumericGreaterThanEquals", 3, "2", False),
        ("NumericEquals", 3, "3.0", True),
        ("NumericNotEquals", 3, "3.0", False),
    ],
)
def test_condition_operators(operator: str, wanted: Any, value: str, expected: bool) -> None:
    key = "aws:SourceArn"
    assert condition_result({operator: {key: wanted}}, {"aws:sourcearn": value}) is expected
    if_exists = {f"{operator}IfExists": {key: wanted}}
    assert condition_result(if_exists, {"aws:SourceArn": value}) is expected
    assert condition_result(if_exists, {}) is True
    negated = "Not" in operator
    assert condition_result({operator: {key: wanted}}, {}) is negated


@pytest.mark.parametrize(
    ("operator", "wanted", "values", "expected"),
    [
        ("ForAnyValue:StringEquals", ["a", "b"], ["x", "b"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["x", "y"], False),
        ("ForAnyValue:StringEquals", ["a"], None, False),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "x"], False),
        ("ForAllValues:StringEquals", ["a"], None, True),
        ("ForAllValues:StringLike", ["a*"], ["ab", "ac"], True),
        ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
        ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
        ("ForAllValues:StringNotEquals", ["a"], ["a", "b"], False),
    ],
)
def test_conditions_on_many_values(
    operator: str, wanted: list[str], values: list[str] | None, expected: bool
) -> None:
    context = {} if values is None else {"aws:TagKeys": values}
    assert condition_result({operator: {"aws:TagKeys": wanted}}, context) is expected


@pytest.mark.parametrize(
    ("wanted", "context", "expected"),
    [("true", {}, True), ("false", {}, False), (False, {"aws:SourceVpce": "vpce-1"}, True)],
)
def test_null(wanted: Any, context: dict[str, str], expected: bool) -> None:
    assert condition_result({"Null": {"aws:SourceVpce": wanted}}, context) is expected


def test_every_operator_and_key_of_a_condition_must_hold() -> None:
    context = {"sns:Protocol": "email", "sns:Endpoint": "a@b"}
    both = {"sns:Protocol": "email", "sns:Endpoint": "a@b"}
    assert condition_result({"StringEquals": both, "StringLike": {"sns:Endpoint": "*@b"}}, context)
    assert not condition_result({"StringEquals": {**both, "sns:Endpoint": "c"}}, context)
    assert not condition_result(
        {"StringEquals": both, "StringLike": {"sns:Endpoint": "*@c"}}, context
    )


@pytest.mark.parametrize(
    ("caller", "key", "value"),
    [
        (BUILD, "aws:PrincipalArn", BUILD.arn),
        (BUILD, "aws:PrincipalAccount", HERE),
        (BUILD, "aws:PrincipalOrgID", "o-1"),
        (BUILD, "aws:SecureTransport", "true"),
        (BUILD, "aws:PrincipalIsAWSService", "false"),
        (EVENTS, "aws:PrincipalIsAWSService", "true"),
        (EVENTS, "aws:SourceAccount", HERE),
        (EVENTS, "aws:PrincipalServiceName", "events.amazonaws.com"),
        (STRANGER, "aws:ResourceAccount", HERE),
        (BUILD, "aws:RequestedRegion", "eu-central-1"),
    ],
)
def test_keys_that_every_request_has(caller: Caller, key: str, value: str) -> None:
    given = {"StringEquals": {key: value}}
    for condition, expected in ((given, False), ({"StringEquals": {key: "x"}}, True)):
        denying = statement(effect="Deny", Principal="*", Condition=condition)
        opened = policy(statement(Principal="*"), denying)
        request = Request(caller, "sns:Publish", TOPIC)
        assert bool(evaluate(request, identity=[ALLOW], resource=[opened])) is expected


@pytest.mark.parametrize(
    "document",
    [
        policy(statement(NotPrincipal={"AWS": HERE})),
        policy(statement(Condition={"IpAddress": {"aws:SourceArn": "10.0.0.0/8"}})),
        policy(statement(Condition={"StringLikes": {"aws:SourceArn": "a"}})),
        policy(statement(Condition={"ForSomeValues:StringLike": {"aws:TagKeys": "a"}})),
        policy(statement(Condition={"StringEquals": {"aws:Invented": "a"}})),
        policy(statement(Condition={"StringEquals": {"aws:SourceArn": []}})),
        policy(statement(Condition={"Bool": {"aws:SecureTransport": "no"}})),
        policy(statement(Condition={"StringEquals": {"aws:TagKeys": "a"}})),
        policy(statement(Principal={"Federated": "x"})),
        policy(statement(Principal={"AWS": "arn:aws:iam::123456789012:role/*"})),
        policy(statement(Principal={"AWS": "build"})),
        policy(statement(Principal="everyone")),
        policy(statement(Resource="arn:aws:sns:*:${aws:Invented}:a")),
        policy(statement(effect="allow")),
        policy(statement(Actions="sns:Publish")),
        policy({"Effect": "Allow", "Principal": "*", "Resource": "*"}),
        {"Version": "2008-10-17", "Statement": []},
    ],
    ids=str,
)
def test_what_is_unknown_raises(document: dict[str, Any]) -> None:
    context = {"aws:TagKeys": ["a"]}
    request = Request(BUILD, "sns:Publish", TOPIC, context)
    resource = "Principal" in str(document)
    with pytest.raises(UnsupportedError):
        evaluate(request, **{"resource" if resource else "identity": [document]})  # type: ignore[arg-type]


def test_principals_stand_in_resource_policies_only() -> None:
    request = Request(BUILD, "sns:Publish", TOPIC)
    with pytest.raises(UnsupportedError):
        evaluate(request, identity=[trust("*")])
    with pytest.raises(UnsupportedError):
        evaluate(request, resource=[ALLOW])
    with pytest.raises(UnsupportedError):
        evaluate(request, identity=[policy({"Effect": "Allow", "Action": "*"})])
    with pytest.raises(UnsupportedError, match="aws:PrincipalAccount"):
        evaluate(request, identity=[ALLOW], endpoint=trust(ROOT))


def test_the_answer_says_why() -> None:
    request = Request(BUILD, "sns:Publish", TOPIC)
    assert evaluate(request, identity=[policy(statement(Sid="Tell"))]) == evaluate(
        request, identity=[policy(statement(Sid="Tell"))]
    )
    assert "Tell" in str(evaluate(request, identity=[policy(statement(Sid="Tell"))]))
    no = policy(statement(Sid="Never", effect="Deny"))
    assert "Never" in str(evaluate(request, identity=[ALLOW, no]))
