"""`cfn/vpc.yaml`: what it makes for each choice, and what its endpoints let through."""

import ipaddress
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.templates.iam import ANYONE, Caller, Request, evaluate, role, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered, render
from tests.templates.template import CFN, TemplateError, load
from tests.templates.test_lint import cfn_lint

CENTRAL = "210987654321"
"""The account with the central repository."""
STRANGER = "999988887777"
ENDPOINTS = {"none": 0, "essential": 4, "all": 9}
CHOICES = list(
    itertools.product(["one", "per-zone"], ENDPOINTS, ["10.20.0.0/16", "192.168.7.0/24"])
)
TRANSIT_GATEWAY = "tgw-0123456789abcdef0"
BUILD = role(f"arn:aws:iam::{ACCOUNT}:role/build")
PACKAGE = "package/research/internal/generic/tomli/tomli"
CALLS = {
    "CodeArtifactApi": ("codeartifact:PublishPackageVersion", f"codeartifact:{{}}:{PACKAGE}"),
    "CodeArtifactRepositories": (
        "codeartifact:ReadFromRepository",
        "codeartifact:{}:repository/research/internal",
    ),
    "SecretsManager": ("secretsmanager:GetSecretValue", "secretsmanager:{}:secret:token-1a2b3c"),
    "CodeBuild": ("codebuild:UpdateReport", "codebuild:{}:report-group/gate"),
    "SNS": ("sns:Publish", "sns:{}:gate"),
    "SSM": ("ssm:GetParameter", "ssm:{}:parameter/snyk"),
    "KMS": ("kms:Decrypt", "kms:{}:key/1"),
    "Logs": ("logs:PutLogEvents", "logs:{}:log-group:gate:*"),
}
"""A call through each endpoint, and the ARN it is about without account and region."""


def vpc(**parameters: str) -> Rendered:
    return render("vpc.yaml", parameters, stack="gate-vpc")


def properties(stack: Rendered, kind: str) -> list[dict[str, Any]]:
    return [each.properties for each in stack.of_type(f"AWS::EC2::{kind}").values()]


def let_through(
    stack: Rendered, name: str, caller: Caller, action: str, arn: str, **more: str
) -> bool:
    """Tell whether an endpoint's policy allows a call that all other policies allow."""
    open_to_all = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = stack.resources[f"{name}Endpoint"].properties["PolicyDocument"]
    own = {"Version": "2012-10-17", "Statement": [open_to_all]}
    theirs = {"Version": "2012-10-17", "Statement": [{**open_to_all, "Principal": "*"}]}
    request = Request(caller, action, arn, **more)  # type: ignore[arg-type]
    identity = [own] if caller.account else []
    return bool(evaluate(request, identity=identity, resource=[theirs], endpoint=document))


def arn(pattern: str, account: str) -> str:
    product, _, rest = pattern.partition(":{}:")
    return f"arn:aws:{product}:{REGION}:{account}:{rest}"


@pytest.mark.parametrize(("gateways", "endpoints", "cidr"), CHOICES)
def test_every_choice_gives_a_network(gateways: str, endpoints: str, cidr: str) -> None:
    stack = vpc(NatGateways=gateways, InterfaceEndpoints=endpoints, VpcCidr=cidr)
    network = ipaddress.ip_network(cidr)
    subnets = [ipaddress.ip_network(each["CidrBlock"]) for each in properties(stack, "Subnet")]
    kinds = [each["VpcEndpointType"] for each in properties(stack, "VPCEndpoint")]

    assert sorted(subnets) == list(network.subnets(prefixlen_diff=2))
    assert kinds.count("Interface") == ENDPOINTS[endpoints]
    assert kinds.count("Gateway") == 1
    assert len(properties(stack, "NatGateway")) == (2 if gateways == "per-zone" else 1)


def test_each_choice_lints_with_its_values_filled_in(tmp_path: Path) -> None:
    for (gateways, endpoints, cidr), transit_gateway in (
        (CHOICES[0], ""),
        (CHOICES[-1], ""),
        (CHOICES[0], TRANSIT_GATEWAY),
    ):
        stack = vpc(
            NatGateways=gateways,
            InterfaceEndpoints=endpoints,
            VpcCidr=cidr,
            EgressTransitGatewayId=transit_gateway,
        )
        resources = {
            name: {"Type": each.type, "Properties": each.properties}
            for name, each in stack.resources.items()
        }
        filled_in = tmp_path / "template.json"
        filled_in.write_text(json.dumps({"Resources": resources}))

        faults = [line for line in cfn_lint(filled_in) if " E" in line]

        assert faults == []


def test_each_kind_of_subnet_stands_in_two_zones() -> None:
    stack = vpc()

    for kind in ("Public", "Private"):
        zones = [stack.resources[f"{kind}Subnet{n}"].properties["AvailabilityZone"] for n in (1, 2)]
        assert len(set(zones)) == 2


def test_nothing_in_the_network_gets_a_public_address_by_itself() -> None:
    assert not any(each["MapPublicIpOnLaunch"] for each in properties(vpc(), "Subnet"))


@pytest.mark.parametrize(("gateways", "second"), [("one", 1), ("per-zone", 2)])
def test_private_subnets_leave_through_a_nat_gateway_only(gateways: str, second: int) -> None:
    stack = vpc(NatGateways=gateways)

    for zone, gateway in ((1, 1), (2, second)):
        table = stack.resources[f"PrivateSubnet{zone}RouteTable"].properties["RouteTableId"]
        routes = [each for each in properties(stack, "Route") if each["RouteTableId"] == table]
        assert [each["NatGatewayId"] for each in routes] == [
            stack.resources[f"NatGateway{gateway}"].ref
        ]
        subnet = stack.resources[f"NatGateway{gateway}"].properties["SubnetId"]
        assert subnet == stack.resources[f"PublicSubnet{gateway}"].ref


@pytest.mark.parametrize("gateways", ["one", "per-zone"])
def test_with_central_egress_private_subnets_leave_through_the_transit_gateway_only(
    gateways: str,
) -> None:
    stack = vpc(EgressTransitGatewayId=TRANSIT_GATEWAY, NatGateways=gateways)

    for kind in ("NatGateway", "InternetGateway", "VPCGatewayAttachment", "EIP"):
        assert properties(stack, kind) == []
    private = [stack.resources[f"PrivateSubnet{zone}"].ref for zone in (1, 2)]
    (attachment,) = properties(stack, "TransitGatewayAttachment")
    assert attachment["SubnetIds"] == private
    assert attachment["TransitGatewayId"] == TRANSIT_GATEWAY
    assert attachment["VpcId"] == stack.resources["VPC"].ref
    assert len(properties(stack, "Subnet")) == 2
    routes = properties(stack, "Route")
    tables = [stack.resources[f"PrivateRouteTable{zone}"].ref for zone in (1, 2)]
    assert [route["RouteTableId"] for route in routes] == tables
    for route in routes:
        assert route["TransitGatewayId"] == TRANSIT_GATEWAY
        assert route["DestinationCidrBlock"] == "0.0.0.0/0"
        assert "NatGatewayId" not in route
    assert not {"NatAddresses", "PublicSubnet1", "PublicSubnet2"} & set(stack.outputs)


def test_without_central_egress_there_is_no_transit_gateway() -> None:
    stack = vpc()
    assert properties(stack, "TransitGatewayAttachment") == []
    assert not any("TransitGatewayId" in route for route in properties(stack, "Route"))


def test_a_route_waits_for_the_attachment_that_it_leads_to() -> None:
    """User guide, "Transit gateways": traffic is routed to an attachment that is available."""
    for stack in (vpc(EgressTransitGatewayId=TRANSIT_GATEWAY), vpc()):
        attachment = stack.resources.get("EgressAttachment")
        for zone in (1, 2):
            after = stack.resources[f"PrivateRoute{zone}"].metadata["MadeAfter"]
            assert after == (attachment.ref if attachment else "nothing")


def test_what_is_no_transit_gateway_is_refused() -> None:
    with pytest.raises(TemplateError, match="EgressTransitGatewayId"):
        vpc(EgressTransitGatewayId="tgw-attach-0123456789abcdef0")


def test_s3_is_reached_through_its_gateway_endpoint_from_both_private_subnets() -> None:
    stack = vpc(InterfaceEndpoints="none")

    assert stack.resources["S3Endpoint"].properties["RouteTableIds"] == [
        stack.resources["PrivateRouteTable1"].ref,
        stack.resources["PrivateRouteTable2"].ref,
    ]


def test_endpoints_are_reached_over_https_from_the_network_only() -> None:
    (group,) = properties(vpc(VpcCidr="10.9.8.0/24"), "SecurityGroup")
    (inward,) = group["SecurityGroupIngress"]
    (outward,) = group["SecurityGroupEgress"]

    assert (inward["FromPort"], inward["ToPort"], inward["CidrIp"]) == (443, 443, "10.9.8.0/24")
    assert outward["CidrIp"] == "127.0.0.1/32"


@pytest.mark.parametrize("name", CALLS)
def test_an_endpoint_lets_through_what_this_account_does_with_what_is_its_own(name: str) -> None:
    stack = vpc(InterfaceEndpoints="all")
    action, pattern = CALLS[name]
    stranger = role(f"arn:aws:iam::{STRANGER}:role/thief")

    assert let_through(stack, name, BUILD, action, arn(pattern, ACCOUNT))
    assert not let_through(stack, name, BUILD, action, arn(pattern, STRANGER))
    assert not let_through(stack, name, stranger, action, arn(pattern, ACCOUNT))
    assert not let_through(stack, name, stranger, action, arn(pattern, STRANGER))


def test_every_interface_endpoint_has_a_call_in_these_tests() -> None:
    names = set(vpc(InterfaceEndpoints="all").of_type("AWS::EC2::VPCEndpoint"))

    assert names == {f"{name}Endpoint" for name in (*CALLS, "S3", "STS")}


@pytest.mark.parametrize(
    ("name", "action", "pattern"),
    [
        ("CodeArtifactApi", "codeartifact:DeleteRepository", "codeartifact:{}:repository/a/b"),
        ("SecretsManager", "secretsmanager:PutSecretValue", CALLS["SecretsManager"][1]),
        ("SSM", "ssm:PutParameter", CALLS["SSM"][1]),
        ("KMS", "kms:ScheduleKeyDeletion", CALLS["KMS"][1]),
        ("SNS", "sns:Subscribe", CALLS["SNS"][1]),
        ("Logs", "logs:DeleteLogGroup", CALLS["Logs"][1]),
        ("CodeBuild", "codebuild:UpdateProject", "codebuild:{}:project/gate"),
    ],
)
def test_an_endpoint_lets_through_no_administration(name: str, action: str, pattern: str) -> None:
    stack = vpc(InterfaceEndpoints="all")

    assert not let_through(stack, name, BUILD, action, arn(pattern, ACCOUNT))


def test_packages_and_buckets_of_another_account_are_reached_when_it_is_named() -> None:
    stack = vpc(InterfaceEndpoints="all", RepositoryAccounts=f"111122223333,{CENTRAL}")

    for name in ("CodeArtifactApi", "CodeArtifactRepositories"):
        action, pattern = CALLS[name]
        assert let_through(stack, name, BUILD, action, arn(pattern, CENTRAL))
        assert let_through(stack, name, BUILD, action, arn(pattern, ACCOUNT))
        assert not let_through(stack, name, BUILD, action, arn(pattern, STRANGER))
    action, pattern = CALLS["SecretsManager"]
    assert not let_through(stack, "SecretsManager", BUILD, action, arn(pattern, CENTRAL))
    get, key = "s3:GetObject", "arn:aws:s3:::advisories/all.zip"
    assert let_through(stack, "S3", BUILD, get, key, resource_account=CENTRAL)
    assert not let_through(stack, "S3", BUILD, get, key, resource_account=STRANGER)


def test_a_login_to_codeartifact_goes_through() -> None:
    stack = vpc()
    domain = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:domain/research"

    assert let_through(
        stack, "CodeArtifactApi", BUILD, "codeartifact:GetAuthorizationToken", domain
    )
    for name in ("CodeArtifactApi", "STS"):
        assert let_through(stack, name, BUILD, "sts:GetServiceBearerToken", "*")


def test_nothing_is_carried_out_to_a_strangers_bucket() -> None:
    stack = vpc()
    ours, theirs = "arn:aws:s3:::ours/gate/1", "arn:aws:s3:::theirs/loot"
    thief = role(f"arn:aws:iam::{STRANGER}:role/thief")

    for action in ("s3:GetObject", "s3:PutObject"):
        assert let_through(stack, "S3", BUILD, action, ours)
        assert not let_through(stack, "S3", BUILD, action, theirs, resource_account=STRANGER)
        assert not let_through(stack, "S3", thief, action, theirs, resource_account=STRANGER)
        assert not let_through(stack, "S3", ANYONE, action, theirs, resource_account=STRANGER)


def test_assets_that_codeartifact_signs_for_can_be_read_and_nothing_else() -> None:
    stack = vpc()
    assets = f"arn:aws:s3:::assets-769407342218-{REGION}/asset"
    lookalike = f"arn:aws:s3:::assets-{STRANGER}-{REGION}/asset"

    assert let_through(stack, "S3", ANYONE, "s3:GetObject", assets, resource_account=STRANGER)
    assert not let_through(stack, "S3", ANYONE, "s3:PutObject", assets, resource_account=STRANGER)
    assert not let_through(stack, "S3", ANYONE, "s3:GetObject", lookalike)


def test_flow_logs_of_the_network_are_kept_encrypted_and_written_by_their_role_alone() -> None:
    stack = vpc(FlowLogRetentionDays="90")
    group = stack.resources["FlowLogGroup"]
    (log,) = properties(stack, "FlowLog")
    writer = stack.resources["FlowLogRole"]
    (rights,) = writer.properties["Policies"]
    caller = role(writer.attributes["Arn"])

    def may(action: str, resource: str) -> bool:
        request = Request(caller, action, resource)
        return bool(evaluate(request, identity=[rights["PolicyDocument"]]))

    assert log["ResourceId"] == stack.resources["VPC"].ref
    assert (log["TrafficType"], log["LogGroupName"]) == ("ALL", group.ref)
    assert log["DeliverLogsPermissionArn"] == writer.attributes["Arn"]
    assert group.properties["RetentionInDays"] == "90"
    assert group.properties["KmsKeyId"] == stack.resources["FlowLogKey"].attributes["Arn"]
    assert may("logs:PutLogEvents", group.attributes["Arn"])
    assert not may("logs:PutLogEvents", group.attributes["Arn"].replace(group.ref, "other"))
    assert not may("logs:DeleteLogGroup", group.attributes["Arn"])


def test_only_flow_logs_of_this_account_assume_the_role() -> None:
    role_ = vpc().resources["FlowLogRole"]
    trust = role_.properties["AssumeRolePolicyDocument"]

    def may(account: str, log_of: str) -> bool:
        source = f"arn:aws:ec2:{REGION}:{log_of}:vpc-flow-log/fl-1"
        request = Request(
            service("vpc-flow-logs.amazonaws.com", account),
            "sts:AssumeRole",
            role_.attributes["Arn"],
            {"aws:SourceArn": source},
        )
        return bool(evaluate(request, resource=[trust]))

    assert may(ACCOUNT, ACCOUNT)
    assert not may(STRANGER, ACCOUNT)
    assert not may(ACCOUNT, STRANGER)


def test_the_key_serves_the_flow_logs_and_no_other_log_group() -> None:
    stack = vpc()
    key = stack.resources["FlowLogKey"]
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"

    def may(group: str) -> bool:
        request = Request(
            service(f"logs.{REGION}.amazonaws.com"),
            "kms:GenerateDataKey",
            key.attributes["Arn"],
            {"kms:EncryptionContext:aws:logs:arn": logs + group},
        )
        return bool(evaluate(request, resource=[key.properties["KeyPolicy"]]))

    assert may(stack.resources["FlowLogGroup"].ref)
    assert not may("somebody-elses")


@pytest.mark.parametrize(
    "cidr",
    ["8.8.0.0/16", "10.0.0.0/8", "10.1.2.0/16", "10.1.2.3/24", "172.32.0.0/16", "10.300.0.0/16"],
)
def test_what_is_no_private_range_of_these_sizes_is_refused(cidr: str) -> None:
    with pytest.raises(TemplateError, match="VpcCidr"):
        vpc(VpcCidr=cidr)


def test_the_description_tells_what_the_endpoints_cost() -> None:
    described = load("vpc.yaml")["Parameters"]["InterfaceEndpoints"]["Description"]

    for choice in ("essential", "all"):
        monthly = ENDPOINTS[choice] * 2 * 0.01 * 730
        assert f'"{choice}" costs about {monthly:.0f} US dollars' in described


def test_the_next_stacks_find_what_they_need() -> None:
    stack = vpc(InterfaceEndpoints="none")

    assert stack.outputs["VpcId"] == stack.resources["VPC"].ref
    assert stack.outputs["NatAddresses"] == "203.0.113.10"
    both = render("vpc.yaml", {"NatGateways": "per-zone"})
    assert both.outputs["NatAddresses"] == "203.0.113.10,203.0.113.10"
    for subnet in ("PrivateSubnet1", "PrivateSubnet2"):
        assert stack.exports[f"gate-vpc-{subnet}"] == stack.resources[subnet].ref


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..EC2..TransitGatewayAttachment")
def test_the_stack_comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    chosen = {
        "NatGateways": "per-zone",
        "InterfaceEndpoints": "all",
        "RepositoryAccounts": f"111122223333,{CENTRAL}",
    }
    with mock_aws():
        cloudformation = boto3.client("cloudformation", REGION)
        cloudformation.create_stack(
            StackName="gate-vpc",
            TemplateBody=(CFN / "vpc.yaml").read_text(),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in chosen.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        (stack,) = cloudformation.describe_stacks(StackName="gate-vpc")["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        subnets = boto3.client("ec2", REGION).describe_subnets(
            SubnetIds=[outputs["PrivateSubnet1"], outputs["PrivateSubnet2"]]
        )["Subnets"]

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {each["VpcId"] for each in subnets} == {outputs["VpcId"]}
    assert len({each["AvailabilityZone"] for each in subnets}) == 2


# What benchmarks/template_mutations.py found that nothing above would notice


def test_all_of_it_is_in_this_network_and_resolves_names() -> None:
    for stack in (vpc(NatGateways="per-zone", InterfaceEndpoints="all"), vpc()):
        network = stack.resources["VPC"]
        assert network.properties["CidrBlock"] == "10.20.0.0/16"
        assert network.properties["EnableDnsSupport"] is True
        assert network.properties["EnableDnsHostnames"] is True
        inside = ("Subnet", "VPCGatewayAttachment", "RouteTable", "VPCEndpoint", "SecurityGroup")
        for kind in inside:
            assert {each["VpcId"] for each in properties(stack, kind)} == {network.ref}, kind


@pytest.mark.parametrize("gateways", ["one", "per-zone"])
def test_nat_gateways_have_an_address_and_a_way_to_the_internet(gateways: str) -> None:
    stack = vpc(NatGateways=gateways)
    internet = stack.resources["InternetGateway"].ref
    (attachment,) = properties(stack, "VPCGatewayAttachment")
    assert attachment["InternetGatewayId"] == internet
    tables = {
        each["SubnetId"]: each["RouteTableId"]
        for each in properties(stack, "SubnetRouteTableAssociation")
    }
    addresses = stack.of_type("AWS::EC2::EIP")
    assert all(each.properties["Domain"] == "vpc" for each in addresses.values())
    for number, gateway in enumerate(properties(stack, "NatGateway"), 1):
        address = addresses[f"NatAddress{number}"].attributes["AllocationId"]
        assert gateway["AllocationId"] == address
        table = tables[gateway["SubnetId"]]
        (route,) = (each for each in properties(stack, "Route") if each["RouteTableId"] == table)
        assert route["DestinationCidrBlock"] == "0.0.0.0/0"
        assert route["GatewayId"] == internet


def test_each_subnet_has_its_route_table() -> None:
    stack = vpc()
    tables = {
        each["SubnetId"]: each["RouteTableId"]
        for each in properties(stack, "SubnetRouteTableAssociation")
    }
    for kind, zone, table in (
        ("Public", 1, "PublicRouteTable"),
        ("Public", 2, "PublicRouteTable"),
        ("Private", 1, "PrivateRouteTable1"),
        ("Private", 2, "PrivateRouteTable2"),
    ):
        subnet = stack.resources[f"{kind}Subnet{zone}"].ref
        assert tables[subnet] == stack.resources[table].ref


SERVICES = {
    "CodeArtifactApi": "codeartifact.api",
    "CodeArtifactRepositories": "codeartifact.repositories",
    "SecretsManager": "secretsmanager",
    "STS": "sts",
    "CodeBuild": "codebuild",
    "SNS": "sns",
    "SSM": "ssm",
    "KMS": "kms",
    "Logs": "logs",
}


def test_each_endpoint_answers_in_place_of_its_service() -> None:
    stack = vpc(InterfaceEndpoints="all")
    private = [stack.resources[f"PrivateSubnet{zone}"].ref for zone in (1, 2)]
    group = stack.resources["EndpointSecurityGroup"].ref
    named = {name: stack.resources[f"{name}Endpoint"].properties for name in SERVICES}
    assert len(properties(stack, "VPCEndpoint")) == len(SERVICES) + 1  # S3's

    for name, service_name in SERVICES.items():
        assert named[name]["ServiceName"] == f"com.amazonaws.{REGION}.{service_name}"
        assert named[name]["SubnetIds"] == private
        assert named[name]["SecurityGroupIds"] == [group]
        assert named[name]["PrivateDnsEnabled"] is True
    s3 = stack.resources["S3Endpoint"].properties
    assert s3["ServiceName"] == f"com.amazonaws.{REGION}.s3"


def test_endpoints_begin_no_connection() -> None:
    """Without a rule for the way out AWS would allow all of it."""
    group = vpc().resources["EndpointSecurityGroup"].properties
    for kind, address in (("Ingress", "10.20.0.0/16"), ("Egress", "127.0.0.1/32")):
        (rule,) = group[f"SecurityGroup{kind}"]
        assert rule["CidrIp"] == address
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)


def test_codeartifacts_buckets_are_those_of_all_its_regions() -> None:
    """User guide, "Create the Amazon S3 gateway endpoint": one a region."""
    (assets,) = (
        statement
        for statement in vpc().resources["S3Endpoint"].properties["PolicyDocument"]["Statement"]
        if statement["Sid"] == "CodeArtifactAssets"
    )
    regions = [
        each.split(":")[-1].split("-", 2)[2].removesuffix("/*") for each in assets["Resource"]
    ]
    assert regions == [
        *("ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1"),
        *("eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("us-east-1", "us-east-2", "us-west-2"),
    ]


def test_security_token_service_is_asked_by_callers_of_this_account_only() -> None:
    stack = vpc()
    stranger = role(f"arn:aws:iam::{STRANGER}:role/build")
    for action in ("sts:GetCallerIdentity", "sts:GetServiceBearerToken"):
        assert let_through(stack, "STS", BUILD, action, "*")
        assert not let_through(stack, "STS", stranger, action, "*")
    for account in (ACCOUNT, CENTRAL, STRANGER):
        other = f"arn:aws:iam::{account}:role/reader"
        assert not let_through(stack, "STS", BUILD, "sts:AssumeRole", other)


BUILDS = (
    *("scan-pipeline.yaml", "dependency-scan.yaml"),
    *("codeartifact-private-repo.yaml", "github-private-repo.yaml"),
)
"""The templates with roles of builds, and with what readers of the repository may do."""
THROUGH = {
    "codeartifact:ReadFromRepository": {"CodeArtifactRepositories"},
    "codeartifact:PublishPackageVersion": {"CodeArtifactApi", "CodeArtifactRepositories"},
    "sts:GetServiceBearerToken": {"CodeArtifactApi", "STS"},
}
"""Which endpoints calls go through whose service has several: user guide of CodeArtifact."""
BY_SERVICE = {
    **{"codeartifact": {"CodeArtifactApi"}, "codebuild": {"CodeBuild"}, "kms": {"KMS"}},
    **{"logs": {"Logs"}, "s3": {"S3"}, "secretsmanager": {"SecretsManager"}, "sns": {"SNS"}},
    **{"ssm": {"SSM"}, "sts": {"STS"}},
}
BESIDES = {("STS", "sts:GetCallerIdentity")}
"""What whoever wants to know who they are asks; it needs no right."""


def statements(part: Any) -> Iterator[dict[str, Any]]:
    """Each statement of a policy that allows something, whatever it depends on."""
    if isinstance(part, dict):
        if part.get("Effect") == "Allow" and "Action" in part:
            yield part
        else:
            yield from (each for value in part.values() for each in statements(value))
    elif isinstance(part, list):
        yield from (each for value in part for each in statements(value))


def actions(*policies: Any) -> set[str]:
    """What policies allow; but for calls of a key that another service makes."""
    found: set[str] = set()
    for statement in statements([*policies]):
        if "kms:ViaService" not in json.dumps(statement.get("Condition", {})):
            action = statement["Action"]
            found |= {action} if isinstance(action, str) else {*action}
    return found


def asked_by_builds_and_readers() -> set[str]:
    found: set[str] = set()
    for template in BUILDS:
        for resource in load(template)["Resources"].values():
            made = resource["Properties"]
            trust = json.dumps(made.get("AssumeRolePolicyDocument", {}))
            of_a_role = "codebuild.amazonaws.com" in trust
            if of_a_role or "BuildRole" in json.dumps(made.get("Roles", [])):
                found |= actions(made.get("Policies", []), made.get("PolicyDocument", {}))
            if resource["Type"] == "AWS::CodeArtifact::Repository":
                found |= actions(made.get("PermissionsPolicyDocument", {}))
    return found


def test_endpoints_let_through_what_builds_and_readers_may_ask_for_and_nothing_else() -> None:
    asked = {
        (endpoint, action)
        for action in asked_by_builds_and_readers()
        for endpoint in THROUGH.get(action, BY_SERVICE.get(action.partition(":")[0], set()))
    }
    let_through_now = {
        (name.removesuffix("Endpoint"), action)
        for name, endpoint in vpc(InterfaceEndpoints="all").of_type("AWS::EC2::VPCEndpoint").items()
        for action in actions(endpoint.properties["PolicyDocument"])
    }
    assert let_through_now == asked | BESIDES
