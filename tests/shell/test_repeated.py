"""A create script that runs again changes what was set, says so before, and nothing else."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from moto.cloudformation.exceptions import ValidationError

from tests.fakes.aws import REGION
from tests.shell.caller import PROJECT, STACK, Caller
from tests.shell.change_sets import _changes
from tests.shell.stack_parameters import effective, kept_and_given
from tests.templates.template import CFN, load, string

CHOSEN = {
    "CODEARTIFACT_DOMAIN": "packages",
    "CONSUMER_ACCOUNTS": "111122223333,444455556666",
    "SCANNERS": "osv,ruff",
    "ADVISORIES": "s3://advisories/pypi/all.zip",
    "RETRY_SCHEDULE": "rate(2 days)",
    "REEVALUATION_SCHEDULE": "none",
    "LOG_RETENTION_DAYS": "90",
    "CLOUDTRAIL": "on",
    "SIGN_VERDICTS": "on",
    "PYPI_STORE": "gate-only",
}
"""None of them is the template's default."""
VPC = "package-gate-vpc"


def only(caller: Caller, **environment: str) -> dict[str, str | None]:
    """Give a shell that has nothing but what is needed to find the stack, and this."""
    nothing = dict.fromkeys((*caller.variables, *caller.network))
    kept = {name: caller.variables[name] for name in ("PATH", "AWS_REGION", "STACK_NAME")}
    return {**nothing, **kept, **environment}


def test_a_new_token_in_another_shell_changes_the_token_alone(bash: Caller) -> None:
    """UpdateStack takes the template's default for what it is not sent (`stack_parameters.py`)."""
    made = bash.source("create-codeartifact", environment=CHOSEN)
    assert made.status == 0, made.said
    stack = bash.cloudformation.stack(STACK)
    before = dict(stack.parameters)
    idle = bash.source("create-codeartifact", environment=only(bash))
    assert (idle.status, f"Stack {STACK} is up to date." in idle.said) == (0, True), idle.said

    token = only(bash, PRIVATE_GITHUB_PAT="another-token")
    asked = bash.source("create-codeartifact", environment=token)
    assert (asked.status, "Give --yes" in asked.said) == (2, True)
    shown = re.findall(r"^  (\w+): (.*)$", asked.said, re.MULTILINE)
    assert [name for name, _ in shown] == ["TokenVersion"], asked.said
    assert shown[0][1].startswith(f"{before['TokenVersion']} -> ")
    assert "  ScanPipeline (AWS::CloudFormation::Stack): changed in place" in asked.said
    assert "another-token" not in asked.said
    assert stack.parameters == before
    done = bash.source("create-codeartifact", "--yes", token)
    assert done.status == 0, done.said
    assert {n for n in before if stack.parameters[n] != before[n]} == {"TokenVersion"}

    # What is set and empty takes the default again; what is new is asked for.
    other = only(bash, CONSUMER_ACCOUNTS="", SCANNERS="", CODEARTIFACT_DOMAIN="other")
    before = dict(stack.parameters)
    refused = bash.source("create-codeartifact", "--yes", other)
    assert (refused.status, "Give --yes --replace" in refused.said) == (2, True), refused.said
    for line in (
        "  Scanners: osv,ruff -> osv,guarddog,behaviour,ruff",
        "  ConsumerAccounts: 111122223333,444455556666 -> (empty)",
        "  DomainName: packages -> other",
        "  ExampleDomain (ExampleDomain), replaced by a new one: the domain",
        "  InternalRepository (InternalRepository), replaced by a new one: the repository",
    ):
        assert line in refused.said, refused.said
    assert stack.parameters == before
    replaced = bash.source("create-codeartifact", "--yes --replace", other)
    assert replaced.status == 0, replaced.said
    changed = {n for n in before if stack.parameters[n] != before[n]}
    assert changed == {"Scanners", "ConsumerAccounts", "DomainName"}


def test_a_network_is_not_replaced_unsaid(bash: Caller) -> None:
    chosen = {
        "VPC_NAT_GATEWAYS": "per-zone",
        "VPC_ENDPOINTS": "all",
        "VPC_ZONE1": f"{REGION}b",
        "VPC_ZONE2": f"{REGION}c",
        "VPC_REPOSITORY_ACCOUNTS": "111122223333",
        "VPC_FLOW_LOG_DAYS": "90",
    }
    assert bash.source("create-vpc", environment=chosen).status == 0
    stack = bash.cloudformation.stack(VPC)
    before = dict(stack.parameters)
    assert (before["Zone2"], before["FlowLogRetentionDays"]) == (f"{REGION}c", "90")
    idle = bash.source("create-vpc")
    assert (idle.status, stack.parameters) == (0, before), idle.said
    moved = bash.source("create-vpc", "--yes", {"VPC_CIDR": "10.9.0.0/16"})
    assert moved.status == 2
    assert f"VPC ({before_id(stack, 'VPC')}), replaced by a new one: the network" in moved.said
    assert "  PrivateSubnet1 (AWS::EC2::Subnet): replaced by a new one" in moved.said
    assert stack.parameters == before
    fewer = bash.source("create-vpc", "--yes", {"VPC_ENDPOINTS": ""})
    assert fewer.status == 0, fewer.said
    assert "  InterfaceEndpoints: all -> essential" in fewer.said
    assert "  SNSEndpoint (AWS::EC2::VPCEndpoint): removed" in fewer.said
    assert stack.parameters == {**before, "InterfaceEndpoints": "essential"}


def before_id(stack: Any, name: str) -> str:
    """Give the id of a resource."""
    return str(stack.resource_map._parsed_resources[name].physical_resource_id)


def test_the_gate_keeps_its_connection_until_it_is_taken_away(bash: Caller) -> None:
    arn = f"arn:aws:codeconnections:{REGION}:123456789012:connection/01234567-89ab-cdef"
    token = bash.variables.pop("PRIVATE_GITHUB_PAT")
    made = bash.source("create-codeartifact", environment={"CODE_CONNECTION_ARN": arn})
    assert made.status == 0, made.said
    unclear = bash.source("create-codeartifact", environment={"PRIVATE_GITHUB_PAT": token})
    assert (unclear.status, "export CODE_CONNECTION_ARN=)" in unclear.said) == (2, True)
    back = {"PRIVATE_GITHUB_PAT": token, "CODE_CONNECTION_ARN": ""}
    changed = bash.source("create-codeartifact", "--yes", back)
    assert changed.status == 0, changed.said
    parameters = bash.cloudformation.stack(STACK).parameters
    assert parameters["CodeConnectionArn"] == ""
    assert parameters["PrivateGitHubToken"] == f"{STACK}-github-token"


@pytest.mark.parametrize("template", sorted(path.name for path in CFN.glob("*.yaml")))
def test_the_scripts_know_every_parameter_and_its_default(template: str, tmp_path: Path) -> None:
    script = f'. "{PROJECT}/shell/stacks/common.sh"; template_parameters {template}'
    read = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    found = dict(line.split("\t") for line in read.stdout.splitlines())
    assert found == {
        name: string(declared.get("Default", ""))
        for name, declared in load(template)["Parameters"].items()
    }


# The emulator


class Stack:
    """As much of moto's as a change set looks at."""

    def __init__(self, template: str, parameters: dict[str, str]) -> None:
        self.name = "stack"
        self.template_dict = load(template)
        self.parameters = effective(self.template_dict, parameters)
        self.resource_map = type("Map", (), {"_parsed_resources": {}})


def test_what_is_not_sent_takes_the_default() -> None:
    vpc = load("vpc.yaml")
    first = effective(vpc, {"NatGateways": "per-zone", "RepositoryAccounts": "111122223333"})
    sent = [{"ParameterKey": "NatGateways", "UsePreviousValue": True}]
    after = effective(vpc, kept_and_given(sent, first))
    assert (after["NatGateways"], after["RepositoryAccounts"]) == ("per-zone", "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"Surprise": "1"}, r"Parameters: \[Surprise\] do not exist in the template"),
        ({"NatGateways": "two"}, "NatGateways failed to satisfy constraint: must be one or"),
        ({"RepositoryAccounts": "111122223333,4"}, "RepositoryAccounts failed to satisfy"),
        ({"FlowLogRetentionDays": "2"}, "FlowLogRetentionDays failed to satisfy"),
    ],
)
def test_what_a_template_forbids_is_refused(given: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        effective(load("vpc.yaml"), given)
    assert re.search(reason, str(refused.value.message))


def test_a_missing_value_a_broken_rule_and_a_strange_network_are_refused() -> None:
    notebook = load("isolated-notebook.yaml")
    with pytest.raises(ValidationError, match="must have values"):
        effective(notebook, {})
    needed = {
        "DomainName": "research",
        "RepositoryName": "internal",
        "PackageAssetsBucket": "assets-123456789012-eu-central-1",
        "S3PrefixList": "pl-0123456789abcdef0",
    }
    assert effective(notebook, needed)["NotebookKind"] == "notebook-instance"
    with pytest.raises(ValidationError, match="name its private subnets"):
        effective(notebook, {**needed, "NotebookVpc": "vpc-0123456789abcdef0"})


def test_a_change_set_tells_a_replacement_from_a_change() -> None:
    stack = Stack("vpc.yaml", {})
    template = load("vpc.yaml")

    def changes(**given: str) -> dict[str, tuple[str, str]]:
        after = effective(template, {**stack.parameters, **given})
        return {
            each["LogicalResourceId"]: (each["Action"], each.get("Replacement", ""))
            for each in _changes(stack, template, after)
        }

    assert changes() == {}
    assert changes(RepositoryAccounts="111122223333")["S3Endpoint"] == ("Modify", "False")
    moved = changes(VpcCidr="10.9.0.0/16")
    assert moved["VPC"] == moved["PrivateSubnet1"] == ("Modify", "True")
    assert moved["EndpointSecurityGroup"] == ("Modify", "Conditional")
    more = changes(NatGateways="per-zone")
    assert (more["NatGateway2"], more["PrivateRoute2"]) == (("Add", ""), ("Modify", "False"))
    central = changes(EgressTransitGatewayId="tgw-0123456789abcdef0")
    assert (central["NatGateway1"][0], central["EgressAttachment"][0]) == ("Remove", "Add")
    assert central["PrivateRoute1"] == ("Modify", "False"), "not removed and made again"


def test_a_network_leaves_through_a_transit_gateway(bash: Caller) -> None:
    gateway = "tgw-0123456789abcdef0"
    made = bash.source("create-vpc", environment={"VPC_EGRESS_TRANSIT_GATEWAY_ID": gateway})
    assert made.status == 0, made.said
    assert "reaches the internet through the transit gateway" in made.said
    assert "NatGateway" not in made.said
    gone = bash.source("delete-vpc", "--yes")
    assert gone.status == 0, gone.said
