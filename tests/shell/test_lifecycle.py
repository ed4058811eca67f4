"""Every create and delete script, in both shells: fresh, repeated, deleted, nothing left."""

import json
import stat

import pytest

from tests.fakes.aws import REGION
from tests.shell.caller import STACK, TOKEN, Caller, artifacts_bucket

VPC = "package-gate-vpc"
LIVES = [
    ("bash", "codeartifact", "gate-only", "another day"),
    ("zsh", "codeartifact", "chained-bypassing-the-gate", "a new machine"),
    ("zsh", "github", None, "a new machine"),
]
"""Shell, variant, the store that is chosen, and where it is deleted: on another day the state file
has the region, on a new machine the person knows it. The guide's test takes every variant through
every shell, on another day."""


def test_the_network_comes_again_and_goes(caller: Caller) -> None:
    caller.cloudformation.polls = 2
    exported = ". \"$PROJECT/shell/create-vpc-stack.sh\" && env | grep '^CODESERVICES_' | sort"
    first = caller.run(exported, dict.fromkeys(caller.network))
    assert first.status == 0, first.said
    names = [line.partition("=")[0] for line in first.stdout.split()]
    assert names == ["CODESERVICES_SUBNET_ID1", "CODESERVICES_SUBNET_ID2", "CODESERVICES_VPC_ID"]
    assert "Waiting for stack package-gate-vpc (CREATE_IN_PROGRESS)" in first.said
    assert caller.run(exported).stdout == first.stdout
    assert caller.cloudformation.operations == [f"create {VPC}"]

    unasked = caller.source("delete-vpc")
    assert (unasked.status, list(caller.cloudformation.statuses())) == (2, [VPC])
    assert "--yes" in unasked.said
    gone = caller.source("delete-vpc", "--yes")
    assert gone.status == 0, gone.said
    assert caller.left() == {}
    again = caller.source("delete-vpc", "--yes")
    assert (again.status, "There is no stack" in again.said) == (0, True)


@pytest.mark.parametrize(("shell", "variant", "store", "where"), LIVES)
def test_a_gate_comes_again_and_goes(
    bash: Caller, shell: str, variant: str, store: str | None, where: str
) -> None:
    caller = bash
    caller.shell = shell
    options = {"CLOUDTRAIL": "on", "PYPI_STORE": store}
    first = caller.source(f"create-{variant}", environment=options)
    assert first.status == 0, first.said
    for next_step in ("Confirm both subscriptions", "organisation/requests", "gate-pipeline/view"):
        assert next_step in first.said
    assert caller.cloudformation.stack(STACK).parameters.get("Store", "none") == (store or "none")
    secret = caller.secret()
    content = json.loads(secret["SecretString"])
    assert content["token"] == TOKEN
    assert len(content["webhook"]) == 64
    state = caller.state_file()
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert TOKEN not in state.read_text()

    second = caller.source(f"create-{variant}", environment=options)
    assert second.status == 0, second.said
    assert caller.secret()["VersionId"] == secret["VersionId"]
    assert caller.cloudformation.operations[:2] == [f"create {STACK}-artifacts", f"create {STACK}"]
    assert not any(o.startswith("update") for o in caller.cloudformation.operations)

    bucket = artifacts_bucket(caller)
    s3 = caller.aws.client("s3")
    s3.put_object(Bucket=bucket, Key="decisions/a b/one.json", Body=b"old")
    s3.put_object(Bucket=bucket, Key="decisions/a b/one.json", Body=b"new")
    s3.delete_object(Bucket=bucket, Key="gate/gone")
    s3.create_multipart_upload(Bucket=bucket, Key="half an upload")
    environment: dict[str, str | None]
    if where == "a new machine":  # the person knows the name and the region only
        state.unlink()
        environment = {"AWS_REGION": REGION}
    else:
        environment = {"AWS_REGION": None}
    other_shell: dict[str, str | None] = {
        name: None for name in caller.variables if name not in ("PATH", "STACK_NAME")
    }
    gone = caller.source(
        f"delete-{variant}", '--yes --records "$HOME/my records"', {**other_shell, **environment}
    )
    assert gone.status == 0, gone.said
    assert (caller.home / "my records/decisions/a b/one.json").read_bytes() == b"new"
    assert "On purpose this is left: the KMS key" in gone.said
    assert "PendingDeletion" in gone.said
    assert "AWS deletes it on 20" in gone.said  # a date, whatever version the AWS CLI has
    assert "revoke it at https://github.com/settings/tokens" in gone.said
    assert caller.left() == {}
    again = caller.source(f"delete-{variant}", "--yes")
    assert (again.status, "There is no gate" in again.said) == (0, True)
