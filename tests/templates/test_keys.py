"""The KMS keys of all templates: they are rotated, and nobody is locked out of them."""

from typing import Any

import pytest

from tests.templates.deployer_needs import needed
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
