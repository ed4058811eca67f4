"""A Studio domain in place of a notebook instance: made, and deleted with what SageMaker made."""

from collections.abc import Iterator

import pytest
from moto.ec2.models import ec2_backends
from moto.efs.models import efs_backends

from tests.fakes.aws import DOMAIN, REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.shell.caller import Caller, moto_client
from tests.shell.studio import TAG, remove_domain

NOTEBOOK = "package-gate-notebook"
STUDIO = f"d-{NOTEBOOK}"
MADE = {
    "Studio domains": [STUDIO],
    "security groups": [
        f"security-group-for-{way}-nfs-{STUDIO}" for way in ("inbound", "outbound")
    ],
}


@pytest.fixture(autouse=True)
def domain(bash: Caller) -> Iterator[None]:
    """Export what a Studio domain needs besides."""
    del bash.variables["STACK_NAME"]
    bash.variables |= {"CODEARTIFACT_DOMAIN": DOMAIN, "NOTEBOOK_KIND": "studio"}
    yield
    assert [path.name for path in (bash.home / "tmp").iterdir()] == []


def create(caller: Caller) -> None:
    made = caller.source("create-notebook")
    assert made.status == 0, made.said
    left = caller.left()
    assert left["Studio domains"] == MADE["Studio domains"]
    assert set(left["security groups"]) >= set(MADE["security groups"])
    assert len(left["file systems"]) == 1


def test_a_studio_domain_comes_and_goes_with_its_people_and_their_homes(caller: Caller) -> None:
    create(caller)
    assert not moto_client(caller.aws, "sagemaker").list_notebook_instances()["NotebookInstances"]
    studio = caller.cloudformation.studio
    if caller.shell == "bash":  # the other one has no people
        studio.move_in(STUDIO)
        studio.polls = 1
        unasked = caller.source("delete-notebook")
        assert (unasked.status, "--yes" in unasked.said) == (2, True)
        assert "the home folders of all its users. Nothing brings them back" in unasked.said
        assert studio.is_inhabited(STUDIO)
    gone = caller.source("delete-notebook", "--yes", {"AWS_REGION": None})
    assert gone.status == 0, gone.said
    if caller.shell == "bash":
        assert f"Waiting for the user profiles of {STUDIO} to go" in gone.said
        assert "still there: jo, kim\n" in gone.said
    assert caller.left() == {}
    assert caller.cloudformation.operations == [f"create {NOTEBOOK}", f"delete {NOTEBOOK}"]
    again = caller.source("delete-notebook", "--yes")
    assert (again.status, "There is no stack" in again.said) == (0, True)


def test_a_deletion_that_ends_half_way_goes_on_where_it_was(bash: Caller) -> None:
    first, second = (bash.network[f"CODESERVICES_SUBNET_ID{number}"] for number in (1, 2))
    bash.variables |= {
        "NOTEBOOK_VPC_ID": bash.network["CODESERVICES_VPC_ID"],
        "NOTEBOOK_SUBNET_IDS": f"{first},{second}",
        "NOTEBOOK_VPC_CIDR": "172.31.0.0/16",
        "NOTEBOOK_ENDPOINTS": "existing",
    }
    create(bash)
    studio = bash.cloudformation.studio
    studio.move_in(STUDIO)
    studio.failing = "The file system is locked"
    answer = bash.source("delete-notebook", "--yes", {"PACKAGE_GATE_WAIT_SECONDS": "0"})
    assert answer.status == 1
    assert f"The apps of {STUDIO} did not go in time" in answer.said
    answer = bash.source("delete-notebook", "--yes")
    assert answer.status == 1
    assert f"could not delete the domain {STUDIO}: The file system is locked" in answer.said

    # Somebody deletes it in the console, which keeps the homes. The script remembers them.
    remove_domain(STUDIO, "Retain")
    efs = efs_backends[ACCOUNT][REGION]
    (homes,) = efs.file_systems_by_id
    efs.tagging_service.untag_resource_using_names(homes, [TAG])
    gone = bash.source("delete-notebook", "--yes")
    assert gone.status == 0, gone.said
    assert bash.left() == {}


def test_what_a_deletion_without_the_script_has_left_goes_too(bash: Caller) -> None:
    """CloudFormation alone keeps the file system, and then can't delete the network."""
    create(bash)
    mistake = bash.source("create-notebook", environment={"NOTEBOOK_KIND": "notebook-instance"})
    assert mistake.status == 2
    assert "is a Studio domain, with people's home folders" in mistake.said

    stack = bash.cloudformation.stack(NOTEBOOK).stack_id
    moto_client(bash.aws, "cloudformation").delete_stack(StackName=stack)
    assert bash.cloudformation.statuses() == {NOTEBOOK: "DELETE_FAILED"}
    assert "Studio domains" not in bash.left()
    bash.state_file(NOTEBOOK).unlink()
    ec2 = ec2_backends[ACCOUNT][REGION]
    outbound = ec2.get_security_group_from_name(MADE["security groups"][1])
    assert outbound
    assert outbound.vpc_id
    ec2.groups[outbound.vpc_id].pop(outbound.id)  # somebody's first aid
    gone = bash.source("delete-notebook", "--yes")
    assert gone.status == 0, gone.said
    assert bash.left() == {}
