"""The closed network and a notebook's: no way out, and endpoints that answer inside. vpc.yaml has
`test_vpc.py`."""

from typing import Any

import pytest

from tests.templates.deployment import BUCKET, PIPELINE, STAGED, deployed
from tests.templates.iam import Request, evaluate, role, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered
from tests.templates.stage_calls import closed_network
from tests.templates.test_notebook_access import notebook_stack

STRANGER = "999988887777"
HERE = f"{REGION}:{ACCOUNT}"
BUILD = role(f"arn:aws:iam::{ACCOUNT}:role/build")
NOTHING = ("tcp", 443, 443, "127.0.0.1/32")
"""A rule for the way out that leads nowhere: without one AWS would allow everything."""


def closed(**parameters: str) -> Rendered:
    return closed_network(
        deployed("codeartifact", **{**STAGED, "SignVerdicts": "on", **parameters})
    )


def notebook() -> Rendered:
    return notebook_stack("notebook", CodeCommitRepository="package-requests")


def studio(**parameters: str) -> Rendered:
    return notebook_stack("studio", NotebookKind="studio", **parameters)


def of_type(stack: Rendered, kind: str) -> list[dict[str, Any]]:
    return [each.properties for each in stack.of_type(f"AWS::EC2::{kind}").values()]


def rules(group: dict[str, Any], way: str) -> list[tuple[str, int, int, str]]:
    """Protocol, ports and the other side of each rule of a security group."""
    others = ("CidrIp", "DestinationPrefixListId", "DestinationSecurityGroupId")
    return [
        (
            rule["IpProtocol"],
            rule["FromPort"],
            rule["ToPort"],
            next(rule[name] for name in (*others, "SourceSecurityGroupId") if name in rule),
        )
        for rule in group.get(f"SecurityGroup{way}", [])
    ]


@pytest.mark.parametrize(
    ("stack", "vpc", "subnets"),
    [
        (closed, "VPC", ["Subnet1", "Subnet2"]),
        (notebook, "Vpc", ["PrivateSubnet1", "PrivateSubnet2"]),
        (studio, "Vpc", ["PrivateSubnet1", "PrivateSubnet2"]),
    ],
)
def test_the_network_has_two_zones_resolves_names_and_all_is_in_it(
    stack: Any, vpc: str, subnets: list[str]
) -> None:
    """Private names of endpoints need both settings; one zone may fail."""
    made = stack()
    network = made.resources[vpc]
    assert network.properties["EnableDnsSupport"] is True
    assert network.properties["EnableDnsHostnames"] is True
    for kind in ("Subnet", "RouteTable", "VPCEndpoint", "SecurityGroup"):
        assert {each["VpcId"] for each in of_type(made, kind)} == {network.ref}, kind
    found = [made.resources[name].properties for name in subnets]
    assert len({each["AvailabilityZone"] for each in found}) == 2
    assert not [each for each in found if each.get("MapPublicIpOnLaunch")]
    (table,) = made.of_type("AWS::EC2::RouteTable").values()
    tables = {
        each["SubnetId"]: each["RouteTableId"]
        for each in of_type(made, "SubnetRouteTableAssociation")
    }
    assert tables == {made.resources[name].ref: table.ref for name in subnets}
    (s3,) = (each for each in of_type(made, "VPCEndpoint") if each["VpcEndpointType"] == "Gateway")
    assert s3["RouteTableIds"] == [table.ref]
    assert s3["ServiceName"] == f"com.amazonaws.{REGION}.s3"


def test_the_notebooks_network_has_the_range_that_was_chosen() -> None:
    made = notebook_stack("notebook", VpcCidr="172.16.16.0/20")
    assert made.resources["Vpc"].properties["CidrBlock"] == "172.16.16.0/20"


def test_the_networks_addresses_are_private_and_each_subnet_is_in_them() -> None:
    """docs/staged-pipeline.md: 20 builds at once by default, up to 1000."""
    made = closed()
    assert made.resources["VPC"].properties["CidrBlock"] == "10.0.0.0/16"
    blocks = [made.resources[f"Subnet{zone}"].properties["CidrBlock"] for zone in (1, 2)]
    assert blocks == ["10.0.0.0/18", "10.0.64.0/18"]


SERVICES = {
    "codeartifact.api": "CodeArtifactApiEndpoint",
    "codeartifact.repositories": "CodeArtifactRepositoriesEndpoint",
    "codebuild": "CodeBuildEndpoint",
    "git-codecommit": "CodeCommitEndpoint",
    "kms": "KMSEndpoint",
    "logs": "LogsEndpoint",
    "sagemaker.api": "SageMakerApiEndpoint",
    "sagemaker.runtime": "SageMakerRuntimeEndpoint",
    "sns": "SNSEndpoint",
    "sts": "StsEndpoint",
}


@pytest.mark.parametrize(
    ("stack", "subnets"),
    [(closed, "Subnet"), (notebook, "PrivateSubnet"), (studio, "PrivateSubnet")],
)
def test_each_endpoint_answers_in_place_of_its_service(stack: Any, subnets: str) -> None:
    """In both zones, under the service's own name, and to whom its security group lets in."""
    made = stack()
    zones = [made.resources[f"{subnets}{zone}"].ref for zone in (1, 2)]
    found = {
        name: each.properties
        for name, each in made.of_type("AWS::EC2::VPCEndpoint").items()
        if each.properties["VpcEndpointType"] == "Interface"
    }
    assert len(found) >= 6
    for name, endpoint in found.items():
        service_name = endpoint["ServiceName"].removeprefix(f"com.amazonaws.{REGION}.")
        assert SERVICES[service_name] == name
        assert endpoint["SubnetIds"] == zones
        assert endpoint["PrivateDnsEnabled"] is True
        own = "LogsSecurityGroup" if (stack, name) == (closed, "LogsEndpoint") else None
        group = made.resources[own or "EndpointSecurityGroup"].ref
        assert endpoint["SecurityGroupIds"] == [group]


def test_the_closed_networks_groups_let_through_https_to_what_is_named_alone() -> None:
    """docs/staged-pipeline.md, "The closed network": security groups."""
    made = closed()
    group = {
        name: made.resources[f"{name}SecurityGroup"]
        for name in ("Scan", "Conclude", "Logs", "Endpoint")
    }
    network, s3 = "10.0.0.0/16", STAGED["S3PrefixList"]
    expected = {
        "Scan": ([], [s3, group["Logs"].ref]),
        "Conclude": ([], [s3, network]),
        "Logs": ([network], ["127.0.0.1/32"]),
        "Endpoint": ([group["Conclude"].ref], ["127.0.0.1/32"]),
    }
    for name, sides in expected.items():
        for way, others in zip(("Ingress", "Egress"), sides, strict=True):
            expected_rules = [("tcp", 443, 443, other) for other in others]
            assert rules(group[name].properties, way) == expected_rules, (name, way)


@pytest.mark.parametrize("stack", [notebook, studio])
def test_a_notebook_reaches_its_endpoints_and_s3_alone_and_nobody_reaches_it(stack: Any) -> None:
    made = stack()
    own, endpoints = (made.resources[f"{each}SecurityGroup"] for each in ("Notebook", "Endpoint"))
    assert rules(own.properties, "Ingress") == []
    assert rules(own.properties, "Egress") == [
        ("tcp", 443, 443, made.parameters["VpcCidr"]),
        ("tcp", 443, 443, "pl-0123456789abcdef0"),
    ]
    assert rules(endpoints.properties, "Ingress") == [("tcp", 443, 443, own.ref)]
    assert rules(endpoints.properties, "Egress") == [NOTHING]
    for name in ("StudioTrafficIn", "StudioTrafficOut", "StudioHomesIn", "StudioHomesOut"):
        if stack is studio:
            assert made.resources[name].properties["GroupId"] == own.ref


def test_the_resolver_knows_no_other_names() -> None:
    """docs/staged-pipeline.md: "answers every other with NXDOMAIN". S3 has names with a bucket
    before them, and in us-east-1 without a region."""
    made = closed()
    of_s3 = {
        f"{star}s3{place}.amazonaws.com" for star in ("", "*.") for place in ("", f".{REGION}")
    }
    assert set(made.resources["NamesOfAWS"].properties["Domains"]) == of_s3 | {
        f"{name}.{REGION}.amazonaws.com"
        for name in ("logs", "codebuild", "sns", "codeartifact", "*.d.codeartifact", "kms")
    }
    (_, block) = made.resources["NameRules"].properties["FirewallRules"]
    assert (block["Action"], block["BlockResponse"]) == ("BLOCK", "NXDOMAIN")
    of_all = made.resources["NameRulesOfTheNetwork"].properties
    assert of_all["FirewallRuleGroupId"] == made.resources["NameRules"].ref


PUT, RECORD = "s3:PutObject", f"arn:aws:s3:::{BUCKET}/decisions/codeartifact/1.json"
TOPIC = f"arn:aws:sns:{HERE}:verdicts"
KEY = f"arn:aws:kms:{HERE}:key/1"
PACKAGE = f"arn:aws:codeartifact:{HERE}:package/research/approved-packages/pypi//tool"
REPOSITORY = f"arn:aws:codeartifact:{HERE}:repository/research/approved-packages"
REPORTS = f"arn:aws:codebuild:{HERE}:report-group/{PIPELINE}-requests"
LOG = f"arn:aws:logs:{HERE}:log-group:/aws/codebuild/{PIPELINE}:log-stream:x1"
THROUGH = [
    *(
        ("S3Endpoint", f"s3:{action}", RECORD)
        for action in ("DeleteObject", "GetObject", "GetObjectVersion", "PutObject")
    ),
    *(
        ("S3Endpoint", f"s3:{action}", f"arn:aws:s3:::{BUCKET}")
        for action in ("GetBucketAcl", "GetBucketLocation", "ListBucket")
    ),
    ("S3Endpoint", "s3:GetObject", "arn:aws:s3:::advisories/pypi/all.zip"),
    *(("LogsEndpoint", f"logs:{action}", LOG) for action in ("CreateLogStream", "PutLogEvents")),
    *(
        ("CodeBuildEndpoint", f"codebuild:{action}", REPORTS)
        for action in ("BatchPutTestCases", "CreateReport", "UpdateReport")
    ),
    *(
        ("CodeArtifactApiEndpoint", f"codeartifact:{action}", PACKAGE)
        for action in (
            *("DeletePackageVersions", "DisposePackageVersions", "GetPackageVersionAsset"),
            *("ListPackageVersionAssets", "ListPackageVersions", "PublishPackageVersion"),
            "UpdatePackageVersionsStatus",
        )
    ),
    ("CodeArtifactApiEndpoint", "codeartifact:GetRepositoryEndpoint", REPOSITORY),
    (
        "CodeArtifactApiEndpoint",
        "codeartifact:GetAuthorizationToken",
        f"arn:aws:codeartifact:{HERE}:domain/research",
    ),
    ("CodeArtifactRepositoriesEndpoint", "codeartifact:PublishPackageVersion", PACKAGE),
    ("SNSEndpoint", "sns:Publish", TOPIC),
    ("KMSEndpoint", "kms:Sign", KEY),
    ("KMSEndpoint", "kms:GetPublicKey", KEY),
]
"""What builds ask for through each endpoint of the closed network."""
ADMINISTRATION = [
    ("S3Endpoint", "s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}"),
    ("S3Endpoint", PUT, "arn:aws:s3:::advisories/pypi/all.zip"),
    ("S3Endpoint", PUT, "arn:aws:s3:::somebodys/loot"),
    ("S3Endpoint", "s3:GetObject", "arn:aws:s3:::advisories/other.zip"),
    ("LogsEndpoint", "logs:DeleteLogGroup", LOG),
    ("LogsEndpoint", "logs:PutLogEvents", LOG.replace(PIPELINE, "other")),
    ("CodeBuildEndpoint", "codebuild:StartBuild", f"arn:aws:codebuild:{HERE}:project/{PIPELINE}"),
    ("CodeBuildEndpoint", "codebuild:CreateReport", f"{REPORTS}-2"),
    ("CodeArtifactApiEndpoint", "codeartifact:PutRepositoryPermissionsPolicy", REPOSITORY),
    ("CodeArtifactRepositoriesEndpoint", "codeartifact:ReadFromRepository", REPOSITORY),
    ("SNSEndpoint", "sns:Subscribe", TOPIC),
    ("KMSEndpoint", "kms:Decrypt", KEY),
]


def let_through(made: Rendered, name: str, caller: Any, action: str, resource: str) -> bool:
    """Whoever's role it is: both sides allow everything, so the endpoint decides."""
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    own = {"Version": "2012-10-17", "Statement": [allow]}
    theirs = {"Version": "2012-10-17", "Statement": [{**allow, "Principal": "*"}]}
    document = made.resources[name].properties["PolicyDocument"]
    request = Request(caller, action, resource, {}, ACCOUNT if ":s3:::" in resource else "")
    return bool(evaluate(request, identity=[own], resource=[theirs], endpoint=document))


@pytest.mark.parametrize(("name", "action", "resource"), THROUGH)
def test_an_endpoint_lets_a_build_of_this_account_do_its_work(
    name: str, action: str, resource: str
) -> None:
    made = closed()
    assert let_through(made, name, BUILD, action, resource)
    thief = role(f"arn:aws:iam::{STRANGER}:role/thief")
    assert not let_through(made, name, thief, action, resource)
    if not resource.startswith("arn:aws:s3:::"):
        assert not let_through(made, name, BUILD, action, resource.replace(ACCOUNT, STRANGER))


@pytest.mark.parametrize(("name", "action", "resource"), ADMINISTRATION)
def test_an_endpoint_lets_nothing_else_through(name: str, action: str, resource: str) -> None:
    assert not let_through(closed(), name, BUILD, action, resource)


def test_a_login_to_codeartifact_goes_through_for_this_account() -> None:
    made, action = closed(), "sts:GetServiceBearerToken"
    thief = role(f"arn:aws:iam::{STRANGER}:role/thief")
    assert let_through(made, "CodeArtifactApiEndpoint", BUILD, action, "*")
    assert not let_through(made, "CodeArtifactApiEndpoint", thief, action, "*")


@pytest.mark.parametrize(
    ("stack", "vpc", "retention"),
    [
        (closed, "VPC", {"LogRetentionDays": "90"}),
        (studio, "Vpc", {"LogRetentionDays": "90"}),
    ],
)
def test_every_connection_is_logged_encrypted_and_by_the_logs_own_role(
    stack: Any, vpc: str, retention: dict[str, str]
) -> None:
    made = stack(**retention)
    group, writer = made.resources["FlowLogGroup"], made.resources["FlowLogRole"]
    (log,) = of_type(made, "FlowLog")
    assert (log["ResourceType"], log["ResourceId"]) == ("VPC", made.resources[vpc].ref)
    assert (log["TrafficType"], log["LogGroupName"]) == ("ALL", group.ref)
    assert log["DeliverLogsPermissionArn"] == writer.attributes["Arn"]
    assert group.properties["RetentionInDays"] == "90"
    key = made.resources["KMSKey"].attributes["Arn"] if "KMSKey" in made.resources else None
    assert group.properties["KmsKeyId"] == (key or made.parameters["KMSKey"])
    own = [each["PolicyDocument"] for each in writer.properties["Policies"]]
    caller, there = role(writer.attributes["Arn"]), group.attributes["Arn"]
    # docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    for action in ("CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents"):
        assert evaluate(Request(caller, f"logs:{action}", there), identity=own)
    assert not evaluate(Request(caller, "logs:DeleteLogGroup", there), identity=own)
    elsewhere = there.replace(group.ref, "other")
    assert not evaluate(Request(caller, "logs:PutLogEvents", elsewhere), identity=own)
    if vpc == "VPC":
        assert group.ref == f"/aws/vpc/{PIPELINE}-closed"
    else:  # the key serves this account's log groups, for the logs' service
        logs = service(f"logs.{REGION}.amazonaws.com")
        policy = made.resources["KMSKey"].properties["KeyPolicy"]
        for action in (
            "Decrypt",
            "DescribeKey",
            "Encrypt",
            "GenerateDataKey",
            "ReEncryptFrom",
            "ReEncryptTo",
        ):
            name = f"arn:aws:logs:{HERE}:log-group:{group.ref}"
            for arn, allowed in ((name, True), (name.replace(ACCOUNT, STRANGER), False)):
                asked = {"kms:EncryptionContext:aws:logs:arn": arn}
                request = Request(logs, f"kms:{action}", str(key), dict(asked))
                assert bool(evaluate(request, resource=[policy])) is allowed
