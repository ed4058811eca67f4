"""The KMS keys of all templates: they are rotated, and nobody is locked out of them."""

from typing import Any

import pytest

from tests.templates.deployer_needs import needed
from tests.templates.deployment import PIPELINE, STAGED, deployed
from tests.templates.iam import Request, evaluate, role, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered
from tests.templates.scan_world import STACK, scan_stack
from tests.templates.template import CFN, load, several

ANSWERED_WITHOUT_THE_KEY = {"kms:CreateKey"}
"""It makes the key, so no key's policy is asked."""


def keys() -> dict[str, dict[str, Any]]:
    """Give the properties of each key of each template."""
    return {
        f"{path.stem} {name}": body["Properties"]
        for path in sorted(CFN.glob("*.yaml"))
        for name, body in load(path.name)["Resources"].items()
        if body["Type"] == "AWS::KMS::Key"
    }


def administrators(key: dict[str, Any]) -> set[str]:
    """What a key's policy lets the account's administrators do."""
    (root,) = (
        statement
        for statement in key["KeyPolicy"]["Statement"]
        if "kms:ScheduleKeyDeletion" in several(statement.get("Action", []))
    )
    assert root["Effect"] == "Allow"
    assert root["Resource"] == "*"
    assert str(root["Principal"]["AWS"]).endswith(":root'}")
    return set(several(root["Action"]))


def test_there_are_keys() -> None:
    assert len(keys()) >= 5


@pytest.mark.parametrize("name", keys())
def test_every_key_that_kms_can_rotate_is_rotated(name: str) -> None:
    signing = "KeySpec" in keys()[name]  # KMS rotates symmetric keys only
    assert (keys()[name].get("EnableKeyRotation") is True) is not signing


@pytest.mark.parametrize("name", keys())
def test_administrators_can_do_with_a_key_what_a_stack_needs(name: str) -> None:
    """A key that nobody may administer can't be deleted: `kms:PutKeyPolicy` would be refused."""
    key = keys()[name]
    wanted = {each for each in needed("AWS::KMS::Key") if each.startswith("kms:")}
    wanted |= {"kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:PutKeyPolicy"}
    if "KeySpec" in key:
        wanted = {each for each in wanted if "Rotation" not in each}
    assert wanted - administrators(key) - ANSWERED_WITHOUT_THE_KEY == set()


CARE = {
    *("CancelKeyDeletion", "DescribeKey", "DisableKey", "EnableKey", "GetKeyPolicy"),
    *("GetKeyRotationStatus", "ListGrants", "ListResourceTags", "PutKeyPolicy", "RevokeGrant"),
    *("ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateKeyDescription"),
}
"""What people need with any key: to see it, to stop it, to take a grant back, to delete it."""
ROTATION = {"DisableKeyRotation", "EnableKeyRotation"}
LOOKED_UP = {"CreateAlias", "DeleteAlias", "ListKeyPolicies"}
VOLUME = {
    *("CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
    *("ReEncryptFrom", "ReEncryptTo"),
}
"""What whoever makes a notebook must be allowed, so that SageMaker can encrypt its volume."""
BESIDES = {
    "dependency-scan KMSKey": ROTATION | LOOKED_UP | {"ListAliases"},
    "isolated-notebook KMSKey": {"EnableKeyRotation"} | VOLUME,
    "scan-pipeline KMSKey": ROTATION | LOOKED_UP | {"ListAliases"},
    "scan-pipeline SigningKey": LOOKED_UP | {"ListAliases"},
    "vpc FlowLogKey": ROTATION | LOOKED_UP | {"CreateGrant", "UpdateAlias"},
}


@pytest.mark.parametrize("name", keys())
def test_administrators_take_care_of_a_key_and_use_none_but_a_volumes(name: str) -> None:
    found = {each.removeprefix("kms:") for each in administrators(keys()[name])}
    assert found == CARE | BESIDES[name]


def gate() -> Rendered:
    return deployed("codeartifact", **STAGED, SignVerdicts="on").pipeline


def dependency_scan() -> Rendered:
    return scan_stack("codecommit")


@pytest.mark.parametrize(
    ("stack", "logs"),
    [
        (gate, [f"/aws/codebuild/{PIPELINE}", f"/aws/vpc/{PIPELINE}-closed"]),
        (dependency_scan, [f"/aws/codebuild/{STACK}"]),
    ],
)
def test_a_key_serves_the_stacks_own_logs_and_no_others(stack: Any, logs: list[str]) -> None:
    """CloudWatch Logs User Guide, "Encrypt log data": these calls, with the group's ARN."""
    key = stack().resources["KMSKey"]
    arn, policy = key.attributes["Arn"], key.properties["KeyPolicy"]
    caller = service(f"logs.{REGION}.amazonaws.com")
    for name in (*logs, "/aws/codebuild/another"):
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
        for action in (
            *("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"),
            *("GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"),
        ):
            context: dict[str, str | list[str]] = {"kms:EncryptionContext:aws:logs:arn": group}
            asked = Request(caller, f"kms:{action}", arn, context)
            assert bool(evaluate(asked, resource=[policy])) is (name in logs), (name, action)


def test_the_key_of_verdicts_signs_and_its_administrators_do_not() -> None:
    """docs/signed-verdicts.md: ECDSA on the curve P-256; only the build signs."""
    key = gate().resources["SigningKey"]
    assert (key.properties["KeySpec"], key.properties["KeyUsage"]) == (
        "ECC_NIST_P256",
        "SIGN_VERIFY",
    )
    caller = role(f"arn:aws:iam::{ACCOUNT}:role/administrator")
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    own = {"Version": "2012-10-17", "Statement": [allow]}
    for action, expected in (
        ("ScheduleKeyDeletion", True),
        ("GetPublicKey", True),
        ("Sign", False),
    ):
        asked = Request(caller, f"kms:{action}", key.attributes["Arn"])
        answer = evaluate(asked, identity=[own], resource=[key.properties["KeyPolicy"]])
        assert bool(answer) is expected, action
