"""IAM is exact: what the gate calls is allowed, what is granted is called, nothing else works."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws import AWS
from tests.fakes.https_server import HTTPSServer
from tests.templates.attacks import ATTACKS
from tests.templates.deployment import VARIANTS, Deployment, deployed
from tests.templates.gate_runs import calls_of
from tests.templates.iam import Policy, Request, granted, role
from tests.templates.iam_conditions import several
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.service_calls import CONNECTION, ServiceCall, service_calls

TEAM, ORGANISATION, STRANGER = "111122223333", "o-research00", "999988887777"
SNYK_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000001"
"""Somebody else's: its own policy has to let the build's role, too."""
SERVICES = {
    "Scanners": "osv,guarddog,behaviour,ruff,inspector,snyk,codeguru",
    "SnykToken": "/team/snyk",
    "SnykTokenKey": SNYK_KEY,
    "SnykOrganisation": "/team/snyk-organisation",
}
EVERYTHING: dict[str, dict[str, str]] = {
    "codeartifact": {
        **SERVICES,
        "SignVerdicts": "on",
        "CloudTrail": "on",
        "CodeConnectionArn": CONNECTION,
        "ConsumerAccounts": TEAM,
        "ConsumerOrganization": ORGANISATION,
    },
    "github": {
        **SERVICES,
        "SignVerdicts": "on",
        "CloudTrail": "on",
        "CodeConnectionArn": CONNECTION,
    },
}
UNUSED = {
    "AdministratorsManageTheKey": "for people: without administrators nobody could delete the key",
    "RolesReadThePublicHalfAsFarAsTheirOwnPoliciesSay": "for people: they make the trust file",
    "AdministratorsOfTheAccount": "for people: without administrators nobody could delete the key",
}
"""Statements that no run uses, by their `Sid`, and why they are there all the same."""

ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def everything(variant: str, **parameters: Any) -> Deployment:
    """Deploy with every option that adds a right."""
    return deployed(variant, **{**EVERYTHING[variant], **parameters})


@pytest.mark.timeout(900)  # five builds
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_a_build_calls_is_allowed_and_what_is_granted_is_called(
    variant: str, tmp_path: Path, server: HTTPSServer, aws: AWS
) -> None:
    deployment = everything(variant)
    build = deployment.role("BuildRole")
    recorded = calls_of(variant, deployment, tmp_path, server, aws)
    actions = {call.action for call in recorded}
    assert {"s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:Decrypt", "sns:Publish"} < actions
    if variant == "codeartifact":
        changes = ("PublishPackageVersion", "DeletePackageVersions", "DisposePackageVersions")
        assert {f"codeartifact:{each}" for each in changes} < actions
    calls = [ServiceCall(build, c.action, c.resource, dict(c.context)) for c in recorded]
    assert {"ssm:GetParameter", "inspector-scan:ScanSbom", "kms:Sign"} < actions
    denied = [
        str((call.action, call.resource, answer)) for call, answer in _denied(deployment, calls)
    ]
    assert denied == []
    calls += [*service_calls(deployment, variant), *_consumer_calls(variant)]
    requests = [request_of(call) for call in calls]
    unused = [text for text in _unused(deployment, requests) if text.split(":")[0] not in UNUSED]
    assert unused == []


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("options", ["every option", "none"])
def test_what_the_services_do_is_allowed(variant: str, options: str) -> None:
    deployment = everything(variant) if options == "every option" else deployed(variant)
    calls = service_calls(deployment, variant)
    assert len(calls) > 30
    denied = [
        str((call.action, call.resource, answer)) for call, answer in _denied(deployment, calls)
    ]
    assert denied == []


def test_every_explanation_is_of_a_statement_that_no_call_uses() -> None:
    deployment = everything("codeartifact")
    requests = [request_of(call) for call in service_calls(deployment, "codeartifact")]
    unused = {text.split(":")[0] for text in _unused(deployment, requests)}
    assert set(UNUSED) <= unused


@pytest.mark.parametrize("variant", VARIANTS)
def test_rights_for_options_come_with_the_options(variant: str) -> None:
    deployment = deployed(variant)
    build, pipeline = deployment.role("BuildRole"), deployment.role("CodeServicesRole")
    scans = f"arn:aws:codeguru-security:{REGION}:{ACCOUNT}:scans/x"
    assert not deployment.evaluate(build, "inspector-scan:ScanSbom")
    assert not deployment.evaluate(build, "codeguru-security:CreateScan", scans)
    for name in ("snyk", "snyk-organisation"):
        parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/team/{name}"
        assert not deployment.evaluate(build, "ssm:GetParameter", parameter)
    assert not deployment.evaluate(pipeline, "codeconnections:UseConnection", CONNECTION)
    assert deployment.environment["PACKAGE_GATE_SIGNER"] == ""
    assert "SigningKey" not in deployment.pipeline.resources


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_build_alone_signs_and_with_this_key_only(variant: str) -> None:
    deployment = deployed(variant, SignVerdicts="on")
    key = deployment.arn("SigningKey")
    build, pipeline = deployment.role("BuildRole"), deployment.role("CodeServicesRole")
    signing = {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "RAW"}
    assert deployment.environment["PACKAGE_GATE_SIGNER"] == f"kms:{key}"
    assert deployment.evaluate(build, "kms:Sign", key, signing)
    assert deployment.evaluate(build, "kms:GetPublicKey", key)
    assert not deployment.evaluate(build, "kms:Sign", deployment.arn("KMSKey"), signing)
    somebody = role(f"arn:aws:iam::{ACCOUNT}:role/administrator")
    assert not deployment.evaluate(somebody, "kms:Sign", key, signing, identity=[ALL])
    assert deployment.evaluate(somebody, "kms:GetPublicKey", key, identity=[ALL])
    assert not deployment.evaluate(pipeline, "kms:Sign", key, signing)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("who", sorted({attack.who for attack in ATTACKS}))
def test_what_an_attacker_wants_is_denied(variant: str, who: str) -> None:
    deployment = everything(variant)
    tried = [each for each in ATTACKS if each.who == who and variant in each.variants]
    assert [f"{each}: {answer}" for each in tried if (answer := each.tried(deployment))] == []


def test_the_table_of_attacks_is_long_and_has_each_kind_of_attacker() -> None:
    different = {repr(attack) for attack in ATTACKS}
    assert len(different) == len(ATTACKS) >= 500
    assert {attack.who for attack in ATTACKS} >= {
        "build",
        "pipeline",
        "retry",
        "reevaluation",
        "administrator",
        "notebook",
        "team",
        "organisation",
        "stranger",
        "anyone",
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_with_a_right_to_everything_the_same_attacks_would_succeed(variant: str) -> None:
    """What denies them is what the table is about, and no slip in a name: most would work."""
    deployment = everything(variant)
    build = deployment.role("BuildRole")
    tried = [each for each in ATTACKS if each.who == "build" and variant in each.variants]
    lax = Deployment(deployment.stack, deployment.bucket, deployment.network)
    lax.policies[build.arn].append(ALL)
    denied = [each for each in tried if not each.tried(lax)]
    assert len(denied) * 3 < len(tried), denied


def _consumer_calls(variant: str) -> Iterator[ServiceCall]:
    """Installing, as the notebooks of this and of other accounts do."""
    if variant != "codeartifact":
        return
    place = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}"
    here = "research/approved-packages"
    for caller in (
        role(f"arn:aws:iam::{TEAM}:role/notebook"),
        role(f"arn:aws:iam::{STRANGER}:role/notebook", organization=ORGANISATION),
    ):
        yield ServiceCall(caller, "codeartifact:GetAuthorizationToken", f"{place}:domain/research")
        for action in ("GetRepositoryEndpoint", "ListPackages", "ReadFromRepository"):
            yield ServiceCall(caller, f"codeartifact:{action}", f"{place}:repository/{here}")
        for action in ("GetPackageVersionAsset", "ListPackageVersions"):
            package = f"{place}:package/{here}/generic/tool/tool"
            yield ServiceCall(caller, f"codeartifact:{action}", package)


def test_notebooks_of_other_accounts_install_when_they_are_named() -> None:
    """By account or by organisation; both sides must allow."""
    for parameters, callers in (
        ({"ConsumerAccounts": "", "ConsumerOrganization": ""}, set()),
        ({"ConsumerOrganization": ""}, {TEAM}),
        ({"ConsumerAccounts": ""}, {STRANGER}),
        ({}, {TEAM, STRANGER}),
    ):
        deployment = everything("codeartifact", **parameters)
        for call in _consumer_calls("codeartifact"):
            given = (call.caller, call.action, call.resource)
            assert bool(deployment.evaluate(*given, identity=[ALL])) is (
                call.caller.account in callers
            )
            assert not deployment.evaluate(*given, identity=[])


def _denied(
    deployment: Deployment, calls: list[ServiceCall]
) -> Iterator[tuple[ServiceCall, object]]:
    """The calls that are denied, those through the network's endpoints included."""
    for call in calls:
        # What a service does, for the caller or with a role of its own, takes another way.
        in_a_build = call.caller.arn == deployment.role("BuildRole").arn
        inside = in_a_build and "kms:ViaService" not in call.context
        answer: object = deployment.evaluate(
            call.caller, call.action, call.resource, call.context, through_network=inside
        )
        if call.resource == SNYK_KEY:
            own = deployment.policies[call.caller.arn]
            answer = any(True for p in own for _ in granted(request_of(call), p, "identity"))
        if not answer:
            yield call, answer


def request_of(call: ServiceCall) -> Request:
    """Give the request that IAM sees."""
    account = ACCOUNT if call.resource.startswith("arn:aws:s3:::") else ""
    return Request(call.caller, call.action, call.resource, call.context, account)


def _unused(deployment: Deployment, requests: list[Request]) -> Iterator[str]:
    """Every action and every resource of an allowing statement that no request uses."""
    for arn, policies in deployment.policies.items():
        own = [each for each in requests if each.caller.arn == arn]
        for policy in policies:
            yield from unused_of(policy, "identity", own)
    for arns, policy in deployment.resource_policies():
        there = [each for each in requests if any(each.resource.startswith(arn) for arn in arns)]
        yield from unused_of(policy, "resource", there)


def unused_of(policy: Policy, kind: str, requests: list[Request]) -> Iterator[str]:
    """Give every action and resource of a policy's allowing statements that no request uses."""
    for statement in policy["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        name = statement.get("Sid", "a statement")
        for element in ("Action", "Resource", "Principal"):
            for value in _values(statement.get(element, [])):
                one = {**policy, "Statement": [{**statement, element: value}]}
                if not any(True for each in requests for _ in granted(each, one, kind)):
                    yield f"{name}: {element} {value}"


def _values(element: Any) -> list[Any]:
    """Each value of an element by itself, as the element would be with it alone."""
    if isinstance(element, dict):
        return [{kind: each} for kind, values in element.items() for each in several(values)]
    return several(element) if element else []


def test_an_unused_grant_is_found() -> None:
    """The test above can fail: each thing that is added is named."""
    caller = role(f"arn:aws:iam::{ACCOUNT}:role/x")
    requests = [Request(caller, "s3:GetObject", "arn:aws:s3:::a/1")]
    statement = {
        "Sid": "Read",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"],
    }
    found = list(
        unused_of({"Version": "2012-10-17", "Statement": [statement]}, "identity", requests)
    )
    assert found == ["Read: Action s3:PutObject", "Read: Resource arn:aws:s3:::b/*"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_role_has_a_wildcard_for_an_action(variant: str) -> None:
    deployment = everything(variant)
    assert len(deployment.policies) == 5
    for policies in deployment.policies.values():
        for policy in policies:
            for statement in policy["Statement"]:
                assert not [each for each in several(statement["Action"]) if "*" in each]
                assert statement["Effect"] == "Allow"
