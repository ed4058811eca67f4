"""Who may do what with packages: the notebook's role, its endpoints, and the repository's policies.

Each row of the table is one call. The policies are those of both templates as they are rendered:
the notebook's role, the endpoint that the call goes through, the domain and the repository.
"""

import base64
from dataclasses import dataclass
from functools import cache

import pytest

from tests.templates.deployment import COMMON
from tests.templates.iam import Policy, Request, evaluate, role
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered, render

TEAM = "444455556666"
"""Another account, with a notebook of the same template."""
STRANGER = "999900001111"
DOMAIN, REPOSITORY, STORE = "package-gate", "internal", "pypi-store"
FILES = "assets-of-codeartifact"
SCRIPTS = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance-lifecycle-config"
HERE = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}"
RESOURCES = {
    "domain": f"{HERE}:domain/{DOMAIN}",
    "other domain": f"{HERE}:domain/elsewhere",
    "repository": f"{HERE}:repository/{DOMAIN}/{REPOSITORY}",
    "store": f"{HERE}:repository/{DOMAIN}/{STORE}",
    "package": f"{HERE}:package/{DOMAIN}/{REPOSITORY}/pypi//humanize",
    "archive": f"{HERE}:package/{DOMAIN}/{REPOSITORY}/generic/tomli/tomli",
    "stored package": f"{HERE}:package/{DOMAIN}/{STORE}/pypi//urllib3",
    "file": f"arn:aws:s3:::{FILES}/0123/abcd",
    "other file": "arn:aws:s3:::somebodys-bucket/secrets",
    "requests": f"arn:aws:codecommit:{REGION}:{ACCOUNT}:package-requests",
    "other requests": f"arn:aws:codecommit:{REGION}:{ACCOUNT}:package-requests-2",
    "script of another": f"{SCRIPTS}/somebodys",
    "all": "*",
}
TOKEN = {"sts:AWSServiceName": "codeartifact.amazonaws.com"}
ADMINISTRATOR: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class World:
    """The gate's stack, a notebook's stack in its account, and one in the team's."""

    gate: Rendered
    notebook: Rendered
    team: Rendered

    def allowed(self, who: str, action: str, what: str, way: str) -> bool:
        """Decide a call.

        Args:
            who: `notebook`, `team` (the notebook of another account), `build`, `admin` of the
                gate's account or `stranger`.
            action: what is called.
            what: a key of `RESOURCES`, or a resource of the notebook's stack.
            way: the logical id of an endpoint in the notebook's VPC, or `internet`.
        """
        build = self.gate.resources["BuildRole"]
        team_role = self.team.resources["NotebookRole"].attributes["Arn"]
        callers = {
            "notebook": (
                self.notebook.resources["NotebookRole"].attributes["Arn"],
                policies(self.notebook, "NotebookRole"),
            ),
            "team": (
                team_role.replace(ACCOUNT, TEAM),
                policies(self.team, "NotebookRole"),
            ),
            "build": (build.attributes["Arn"], policies(self.gate, "BuildRole")),
            "admin": (f"arn:aws:iam::{ACCOUNT}:role/Admin", [ADMINISTRATOR]),
            "stranger": (f"arn:aws:iam::{STRANGER}:role/Admin", [ADMINISTRATOR]),
        }
        arn, identity = callers[who]
        stack = self.team if who == "team" else self.notebook
        endpoint = None
        if way != "internet":
            endpoint = stack.resources[way].properties["PolicyDocument"]
        resource = RESOURCES.get(what) or self.notebook.resources[what].ref
        request = Request(role(arn), action, resource, TOKEN if action.startswith("sts") else {})
        if what == "file":  # CodeArtifact signed its address: nobody's own policy is asked
            assert endpoint
            identity = [ADMINISTRATOR]
        return bool(
            evaluate(request, identity=identity, resource=self.of_resource(what), endpoint=endpoint)
        )

    def of_resource(self, what: str) -> list[Policy]:
        """The policies of a resource; what is in a domain has the domain's besides."""
        repositories = {
            "repository": "InternalRepository",
            "package": "InternalRepository",
            "archive": "InternalRepository",
            "store": "PyPIStore",
            "stored package": "PyPIStore",
        }
        names = ["ExampleDomain"] if what == "domain" or what in repositories else []
        if what in repositories:
            names.append(repositories[what])
        documents = (
            self.gate.resources[name].properties.get("PermissionsPolicyDocument") for name in names
        )
        return [document for document in documents if document]


def policies(stack: Rendered, logical_id: str) -> list[Policy]:
    """The policies of a role."""
    own = stack.resources[logical_id]
    attached = [
        each.properties["PolicyDocument"]
        for each in stack.of_type("AWS::IAM::Policy").values()
        if own.ref in each.properties["Roles"]
    ]
    return [
        *(each["PolicyDocument"] for each in own.properties.get("Policies", [])),
        *attached,
    ]


def notebook_stack(name: str, **parameters: str) -> Rendered:
    return render(
        "isolated-notebook.yaml",
        {
            "DomainName": DOMAIN,
            "RepositoryName": REPOSITORY,
            "PackageAssetsBucket": FILES,
            "S3PrefixList": "pl-0123456789abcdef0",
            **parameters,
        },
        stack=name,
    )


def gate_stack(**parameters: str | list[str]) -> Rendered:
    return render(
        "codeartifact-private-repo.yaml",
        {**COMMON, "DomainName": DOMAIN, "RepositoryName": REPOSITORY, **parameters},
    )


@cache
def world() -> World:
    notebook = notebook_stack(
        "notebook", CodeCommitRepository="package-requests", TrustFile="e30=", Verify1="e30="
    )
    team = notebook_stack("team-notebook", DomainOwner=ACCOUNT)
    for each in team.resources.values():  # the same template, rendered in the other account
        if "PolicyDocument" in each.properties:
            for statement in each.properties["PolicyDocument"]["Statement"]:
                equals = statement.get("Condition", {}).get("StringEquals", {})
                if equals.get("aws:PrincipalAccount") == ACCOUNT:
                    equals["aws:PrincipalAccount"] = TEAM
    return World(
        gate_stack(
            Store="gate-only",
            ConsumerAccounts=[TEAM],
            ConsumerRoles=[notebook.resources["NotebookRole"].attributes["Arn"]],
        ),
        notebook,
        team,
    )


API, REPOSITORIES = "CodeArtifactApiEndpoint", "CodeArtifactRepositoriesEndpoint"
STS, LOGS, S3 = "StsEndpoint", "LogsEndpoint", "S3Endpoint"
GIT, SAGEMAKER = "CodeCommitEndpoint", "SageMakerApiEndpoint"
DESCRIBE_SCRIPT = "sagemaker:DescribeNotebookInstanceLifecycleConfig"
CALLS = [
    # What a notebook does
    ("notebook", "codeartifact:GetAuthorizationToken", "domain", API, True),
    ("notebook", "sts:GetServiceBearerToken", "all", API, True),
    ("notebook", "sts:GetServiceBearerToken", "all", STS, True),
    ("notebook", "codeartifact:GetRepositoryEndpoint", "repository", API, True),
    ("notebook", "codeartifact:ReadFromRepository", "repository", REPOSITORIES, True),
    ("notebook", "codeartifact:GetPackageVersionAsset", "archive", API, True),
    ("notebook", "codeartifact:ListPackageVersions", "archive", API, True),
    ("notebook", "s3:GetObject", "file", S3, True),
    # The notebook of another account, in the list of consumers
    ("team", "codeartifact:GetAuthorizationToken", "domain", API, True),
    ("team", "codeartifact:GetRepositoryEndpoint", "repository", API, True),
    ("team", "codeartifact:ReadFromRepository", "repository", REPOSITORIES, True),
    ("team", "codeartifact:GetPackageVersionAsset", "archive", API, True),
    ("team", "codeartifact:PublishPackageVersion", "package", "internet", False),
    ("team", "codeartifact:DeletePackageVersions", "package", "internet", False),
    ("team", "codeartifact:ReadFromRepository", "store", REPOSITORIES, False),
    # Asking from inside: git alone, and this repository alone, whoever does it
    ("notebook", "codecommit:GitPull", "requests", GIT, True),
    ("notebook", "codecommit:GitPush", "requests", GIT, True),
    ("notebook", "codecommit:GitPush", "other requests", GIT, False),
    ("notebook", "codecommit:GitPush", "other requests", "internet", False),
    ("notebook", "codecommit:PutFile", "requests", "internet", False),
    ("notebook", "codecommit:DeleteBranch", "requests", "internet", False),
    ("admin", "codecommit:GitPush", "other requests", GIT, False),
    ("stranger", "codecommit:GitPush", "requests", GIT, False),
    ("team", "codecommit:GitPush", "requests", "internet", False),
    # verify.py, and no other script
    ("notebook", DESCRIBE_SCRIPT, "VerifyScript", SAGEMAKER, True),
    ("notebook", DESCRIBE_SCRIPT, "script of another", SAGEMAKER, False),
    (
        "notebook",
        "sagemaker:UpdateNotebookInstanceLifecycleConfig",
        "VerifyScript",
        "internet",
        False,
    ),
    ("admin", "sagemaker:UpdateNotebookInstanceLifecycleConfig", "VerifyScript", SAGEMAKER, False),
    ("stranger", DESCRIBE_SCRIPT, "VerifyScript", SAGEMAKER, False),
    # The store, and other domains, are not for notebooks
    ("notebook", "codeartifact:ReadFromRepository", "store", REPOSITORIES, False),
    ("notebook", "codeartifact:ReadFromRepository", "store", "internet", False),
    ("notebook", "codeartifact:GetRepositoryEndpoint", "store", API, False),
    ("notebook", "codeartifact:GetPackageVersionAsset", "stored package", API, False),
    ("notebook", "codeartifact:GetAuthorizationToken", "other domain", API, False),
    # Nothing is changed from a notebook: by no right of its own …
    ("notebook", "codeartifact:PublishPackageVersion", "package", "internet", False),
    ("notebook", "codeartifact:CopyPackageVersions", "package", "internet", False),
    ("notebook", "codeartifact:DeletePackageVersions", "package", "internet", False),
    ("notebook", "codeartifact:DisposePackageVersions", "package", "internet", False),
    ("notebook", "codeartifact:UpdatePackageVersionsStatus", "package", "internet", False),
    ("notebook", "codeartifact:DeleteRepository", "repository", "internet", False),
    ("notebook", "codeartifact:PutRepositoryPermissionsPolicy", "repository", "internet", False),
    ("notebook", "codeartifact:UpdateRepository", "repository", "internet", False),
    ("notebook", "codeartifact:AssociateExternalConnection", "repository", "internet", False),
    ("notebook", "codeartifact:DeleteDomain", "domain", "internet", False),
    ("notebook", "codeartifact:PutDomainPermissionsPolicy", "domain", "internet", False),
    # … and through its endpoints by nobody, whatever credentials somebody brings along
    ("admin", "codeartifact:PublishPackageVersion", "package", REPOSITORIES, False),
    ("admin", "codeartifact:PublishPackageVersion", "package", API, False),
    ("build", "codeartifact:PublishPackageVersion", "package", API, False),
    ("build", "codeartifact:PublishPackageVersion", "package", REPOSITORIES, False),
    ("admin", "codeartifact:CreateDomain", "domain", API, False),
    ("admin", "codeartifact:DeleteDomain", "domain", API, False),
    ("admin", "codeartifact:CreateRepository", "repository", API, False),
    ("admin", "codeartifact:DeleteRepository", "repository", API, False),
    ("admin", "codeartifact:UpdateRepository", "repository", API, False),
    ("admin", "codeartifact:PutRepositoryPermissionsPolicy", "repository", API, False),
    ("admin", "codeartifact:PutDomainPermissionsPolicy", "domain", API, False),
    ("admin", "codeartifact:AssociateExternalConnection", "repository", API, False),
    ("admin", "codeartifact:DeletePackageVersions", "package", API, False),
    ("admin", "codeartifact:ReadFromRepository", "store", REPOSITORIES, False),
    ("stranger", "codeartifact:GetAuthorizationToken", "domain", API, False),
    ("stranger", "codeartifact:ReadFromRepository", "repository", REPOSITORIES, False),
    ("stranger", "sts:GetServiceBearerToken", "all", STS, False),
    # S3: the files of packages, and no other bucket to carry data to or from
    ("admin", "s3:GetObject", "other file", S3, False),
    ("admin", "s3:PutObject", "other file", S3, False),
    ("admin", "s3:PutObject", "file", S3, False),
    # Without a consumer's place in the policies another account has no access, by any way
    ("stranger", "codeartifact:GetAuthorizationToken", "domain", "internet", False),
    ("stranger", "codeartifact:ReadFromRepository", "repository", "internet", False),
    ("stranger", "codeartifact:PublishPackageVersion", "package", "internet", False),
    # The gate: it alone publishes, and it alone reads the store
    ("build", "codeartifact:PublishPackageVersion", "package", "internet", True),
    ("build", "codeartifact:DeletePackageVersions", "package", "internet", True),
    ("build", "codeartifact:ReadFromRepository", "store", "internet", True),
    ("build", "codeartifact:PublishPackageVersion", "stored package", "internet", False),
    ("admin", "codeartifact:PublishPackageVersion", "package", "internet", False),
    ("admin", "codeartifact:DeletePackageVersions", "package", "internet", False),
    ("admin", "codeartifact:ReadFromRepository", "store", "internet", False),
]


@pytest.mark.parametrize(
    ("who", "action", "what", "way", "expected"),
    CALLS,
    ids=[f"{who}-{action.split(':')[1]}-{what}-{way}" for who, action, what, way, _ in CALLS],
)
def test_a_call_is_allowed_just_where_it_should_be(
    who: str, action: str, what: str, way: str, expected: bool
) -> None:
    assert world().allowed(who, action, what, way) is expected


def test_without_its_policy_the_role_is_denied_although_the_endpoints_are_there() -> None:
    """The second check of the guide."""
    arn = world().notebook.resources["NotebookRole"].attributes["Arn"]
    endpoint = world().notebook.resources[API].properties["PolicyDocument"]
    request = Request(role(arn), "codeartifact:GetAuthorizationToken", RESOURCES["other domain"])
    assert not evaluate(request, identity=[], endpoint=endpoint)
    unnamed = gate_stack().resources["ExampleDomain"].properties
    request = Request(role(arn), "codeartifact:GetAuthorizationToken", RESOURCES["domain"])
    policy = unnamed.get("PermissionsPolicyDocument")
    assert not evaluate(
        request, identity=[], resource=[policy] if policy else [], endpoint=endpoint
    )


def test_the_role_has_no_other_right_of_codeartifact() -> None:
    granted = {
        action
        for policy in policies(world().notebook, "NotebookRole")
        for statement in policy["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert {action for action in granted if action.startswith(("codeartifact", "sts"))} == {
        "codeartifact:GetAuthorizationToken",
        "codeartifact:GetPackageVersionAsset",
        "codeartifact:GetRepositoryEndpoint",
        "codeartifact:ListPackageVersions",
        "codeartifact:ReadFromRepository",
        "sts:GetServiceBearerToken",
    }
    assert granted - {
        action for action in granted if action.startswith(("codeartifact", "sts"))
    } == {
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "codecommit:GitPull",
        "codecommit:GitPush",
        "sagemaker:DescribeNotebookInstanceLifecycleConfig",
        "sagemaker:DescribeStudioLifecycleConfig",
    }


def test_a_new_network_has_no_way_to_the_internet() -> None:
    kinds = {each.type for each in world().notebook.resources.values()}
    assert not kinds & {
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::Route",
        "AWS::EC2::VPCPeeringConnection",
        "AWS::EC2::TransitGatewayAttachment",
    }
    notebook = world().notebook.resources["Notebook"].properties
    assert notebook["DirectInternetAccess"] == "Disabled"
    assert notebook["RootAccess"] == "Disabled"
    assert notebook["KmsKeyId"]


@pytest.mark.parametrize(
    ("block", "subnets"),
    [
        ("10.90.0.0/24", ["10.90.0.0/26", "10.90.0.64/26"]),
        ("172.16.16.0/20", ["172.16.16.0/26", "172.16.16.64/26"]),
        ("192.168.0.0/16", ["192.168.0.0/26", "192.168.0.64/26"]),
    ],
)
def test_a_new_network_of_any_size_has_its_subnets(block: str, subnets: list[str]) -> None:
    found = notebook_stack("notebook", VpcCidr=block).of_type("AWS::EC2::Subnet").values()
    assert [subnet.properties["CidrBlock"] for subnet in found] == subnets


def test_a_model_that_is_deployed_is_out_of_reach() -> None:
    """`sagemaker.runtime` serves nothing else; only Studio has it, whose role calls no model."""
    studio = notebook_stack("studio", NotebookKind="studio")
    for stack, more in ((world().notebook, ["git-codecommit"]), (studio, ["sagemaker.runtime"])):
        services = [
            each.properties["ServiceName"].partition(f".{REGION}.")[2]
            for each in stack.of_type("AWS::EC2::VPCEndpoint").values()
        ]
        assert services == [
            *("codeartifact.api", "codeartifact.repositories", "sts", "logs", "sagemaker.api"),
            *more,
            "s3",
        ]
        granted = [
            statement["Action"]
            for policy in policies(stack, "NotebookRole")
            for statement in policy["Statement"]
        ]
        assert "sagemaker:InvokeEndpoint" not in str(granted)


def test_existing_endpoints_are_not_made_for_studio() -> None:
    stack = notebook_stack(
        "studio",
        NotebookKind="studio",
        Endpoints="existing",
        CodeCommitRepository="package-requests",
        NotebookVpc="vpc-00000001",
        NotebookSubnets="subnet-00000001",
    )
    assert stack.of_type("AWS::EC2::VPCEndpoint") == {}


def test_who_does_not_ask_from_inside_has_no_way_and_no_right_to() -> None:
    assert "CodeCommitEndpoint" not in world().team.resources
    assert "codecommit" not in str(policies(world().team, "NotebookRole"))


def test_the_internal_repository_has_an_upstream_only_when_somebody_chains_it_knowingly() -> None:
    def internal(store: str) -> dict[str, object]:
        return gate_stack(Store=store).resources["InternalRepository"].properties

    assert "Upstreams" not in internal("none")
    assert "Upstreams" not in internal("gate-only")
    assert internal("chained-bypassing-the-gate")["Upstreams"] == [STORE]
    assert "ExternalConnections" not in internal("chained-bypassing-the-gate")
    for store in ("gate-only", "chained-bypassing-the-gate"):
        properties = gate_stack(Store=store).resources["PyPIStore"].properties
        assert properties["ExternalConnections"] == ["public:pypi"]
    assert "PyPIStore" not in gate_stack(Store="none").resources


def test_a_studio_domain_has_no_internet_either() -> None:
    stack = notebook_stack("studio", NotebookKind="studio")
    domain = stack.resources["StudioDomain"].properties
    assert domain["AppNetworkAccessType"] == "VpcOnly"
    assert domain["DefaultUserSettings"]["ExecutionRole"]
    assert "Notebook" not in stack.resources


WORK = {
    "domain/{domain}": ("DescribeDomain",),
    "user-profile/{domain}/jo": ("CreatePresignedDomainUrl", "DescribeUserProfile"),
    "app/{domain}/jo/JupyterLab/default": ("CreateApp", "DeleteApp", "DescribeApp"),
    "space/{domain}/jo": (
        *("AddTags", "CreateSpace", "DeleteSpace", "DescribeSpace", "ListTags", "UpdateSpace"),
    ),
}
"""What Studio does with the user's role, by what it is done to."""
LISTS = ("ListApps", "ListDomains", "ListSpaces", "ListUserProfiles")
"""What knows no resources (Service Authorization Reference, "Amazon SageMaker AI")."""


@pytest.mark.parametrize(("place", "actions"), WORK.items())
def test_whoever_works_in_studio_may_do_it_in_the_own_domain_through_the_endpoint(
    place: str, actions: tuple[str, ...]
) -> None:
    stack = notebook_stack("studio", NotebookKind="studio")
    own = policies(stack, "NotebookRole")
    arn = stack.resources["NotebookRole"].attributes["Arn"]
    endpoint = stack.resources["SageMakerApiEndpoint"].properties["PolicyDocument"]
    for domain, allowed in ((stack.resources["StudioDomain"].ref, True), ("d-other", False)):
        target = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{place.format(domain=domain)}"
        for action in actions:
            asked = Request(role(arn), f"sagemaker:{action}", target, {}, ACCOUNT)
            found = bool(evaluate(asked, identity=own, endpoint=endpoint))
            assert found is allowed, (action, target)


@pytest.mark.parametrize("action", LISTS)
def test_studio_lists_what_there_is(action: str) -> None:
    """Developer Guide, "Private spaces": the execution role lists apps, spaces and profiles."""
    stack = notebook_stack("studio", NotebookKind="studio")
    arn = stack.resources["NotebookRole"].attributes["Arn"]
    endpoint = stack.resources["SageMakerApiEndpoint"].properties["PolicyDocument"]
    own = policies(stack, "NotebookRole")
    asked = Request(role(arn), f"sagemaker:{action}", "*", {}, ACCOUNT)
    assert evaluate(asked, identity=own, endpoint=endpoint)
    assert not evaluate(asked, identity=policies(notebook_stack("notebook"), "NotebookRole"))


@pytest.mark.parametrize(
    ("action", "context", "allowed"),
    [
        ("CreateGrant", {"kms:GrantIsForAWSResource": "true"}, True),
        ("CreateGrant", {"kms:GrantIsForAWSResource": "false"}, False),
        ("Decrypt", {}, True),
        ("DescribeKey", {}, True),
        ("GenerateDataKeyWithoutPlaintext", {}, True),
        ("ScheduleKeyDeletion", {}, False),
    ],
)
def test_the_volume_of_a_space_is_encrypted_with_the_domains_key(
    action: str, context: dict[str, str], allowed: bool
) -> None:
    """Developer Guide, "Encrypt your Studio domain with a customer managed key"."""
    stack = notebook_stack("studio", NotebookKind="studio")
    arn = stack.resources["NotebookRole"].attributes["Arn"]
    key = stack.resources["KMSKey"]
    asked = Request(role(arn), f"kms:{action}", key.attributes["Arn"], dict(context), ACCOUNT)
    of_key = [key.properties["KeyPolicy"]]
    own = policies(stack, "NotebookRole")
    assert bool(evaluate(asked, identity=own, resource=of_key)) is allowed
    other = policies(notebook_stack("notebook"), "NotebookRole")
    assert not evaluate(asked, identity=other, resource=of_key)


@pytest.mark.parametrize("way", ["StudioHomesIn", "StudioHomesOut"])
def test_apps_reach_their_home_folders(way: str) -> None:
    """The same page: "NFS traffic over TCP on port 2049 between the domain and the volume"."""
    stack = notebook_stack("studio", NotebookKind="studio", VpcCidr="10.1.0.0/24")
    rule = stack.resources[way].properties
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 2049, 2049)
    assert rule["CidrIp"] == "10.1.0.0/24"
    assert way not in notebook_stack("notebook").resources


def test_another_lifecycle_script_of_studio_has_another_name() -> None:
    """SageMaker has no call that changes one: CloudFormation replaces it, and names are unique."""
    names = {
        notebook_stack("studio", NotebookKind="studio", LifecycleDigest=digest)
        .resources["StudioLifecycleConfig"]
        .properties["StudioLifecycleConfigName"]
        for digest in ("0123456789ab", "ba9876543210")
    }
    assert len(names) == 2


@pytest.mark.parametrize("way", ["StudioTrafficIn", "StudioTrafficOut"])
def test_jupyterlab_and_its_kernels_reach_each_other(way: str) -> None:
    """Developer Guide, "Connect Studio in a VPC to External Resources": "TCP traffic within the
    security group … ports 8192-65535"."""
    rule = notebook_stack("studio", NotebookKind="studio").resources[way].properties
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 8192, 65535)
    other = "SourceSecurityGroupId" if way.endswith("In") else "DestinationSecurityGroupId"
    assert rule["GroupId"] == rule[other]


def test_the_notebook_is_in_the_closed_network_and_starts_by_logging_in() -> None:
    """docs/isolated-notebook.md. The second version of the metadata service needs a token, which
    a forged request can't get."""
    stack = notebook_stack("notebook", VolumeSizeInGB="50")
    notebook = stack.resources["Notebook"].properties
    assert notebook["SubnetId"] == stack.resources["PrivateSubnet1"].ref
    group = stack.resources["NotebookSecurityGroup"].attributes["GroupId"]
    assert notebook["SecurityGroupIds"] == [group]
    assert notebook["KmsKeyId"] == stack.resources["KMSKey"].attributes["Arn"]
    assert notebook["VolumeSizeInGB"] == "50"
    assert notebook["InstanceMetadataServiceConfiguration"] == {
        "MinimumInstanceMetadataServiceVersion": "2"
    }
    script = stack.resources["LifecycleConfig"]
    name = script.attributes["NotebookInstanceLifecycleConfigName"]
    assert notebook["LifecycleConfigName"] == name
    (at_start,) = script.properties["OnStart"]
    assert list(script.properties) == ["OnStart"]
    assert base64.b64decode(at_start["Content"]).startswith(b"#!/bin/bash\n")


def test_a_studio_domain_is_in_the_closed_network_and_its_apps_start_by_logging_in() -> None:
    stack = notebook_stack("studio", NotebookKind="studio")
    domain = stack.resources["StudioDomain"].properties
    assert domain["VpcId"] == stack.resources["Vpc"].ref
    zones = [stack.resources[f"PrivateSubnet{zone}"].ref for zone in (1, 2)]
    assert domain["SubnetIds"] == zones
    assert domain["KmsKeyId"] == stack.resources["KMSKey"].attributes["Arn"]
    settings = domain["DefaultUserSettings"]
    group = stack.resources["NotebookSecurityGroup"].attributes["GroupId"]
    assert settings["SecurityGroups"] == [group]
    script = stack.resources["StudioLifecycleConfig"]
    assert script.properties["StudioLifecycleConfigAppType"] == "JupyterLab"
    arn = script.attributes["StudioLifecycleConfigArn"]
    lab = settings["JupyterLabAppSettings"]
    assert lab["LifecycleConfigArns"] == [arn]
    assert lab["DefaultResourceSpec"] == {
        "LifecycleConfigArn": arn,
        "InstanceType": "ml.t3.medium",  # the page's default of a notebook
    }


@pytest.mark.parametrize("kind", ["notebook-instance", "studio"])
def test_an_endpoint_lets_this_accounts_callers_through_alone(kind: str) -> None:
    """S3's lets through what CodeArtifact has signed, whoever asks, and nothing but its files."""
    stack = notebook_stack("notebook", NotebookKind=kind, CodeCommitRepository="package-requests")
    for name, each in stack.of_type("AWS::EC2::VPCEndpoint").items():
        for statement in each.properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow" and name != "S3Endpoint":
                equals = statement["Condition"]["StringEquals"]
                assert equals["aws:PrincipalAccount"] == ACCOUNT, (name, statement["Sid"])


@pytest.mark.parametrize(
    ("way", "action", "what"),
    [
        (API, "codeartifact:ReadFromRepository", "repository"),
        (STS, "sts:GetCallerIdentity", "all"),
        *(
            (LOGS, f"logs:{action}", "log")
            for action in (
                "CreateLogGroup",
                "CreateLogStream",
                "DescribeLogStreams",
                "PutLogEvents",
            )
        ),
        ("SageMakerRuntimeEndpoint", "sagemaker:InvokeEndpoint", "model"),
    ],
)
def test_an_endpoint_lets_through_what_may_be_asked_of_it(way: str, action: str, what: str) -> None:
    """Whatever the role has besides: who adds a right to it needs no change of the endpoint."""
    stack = notebook_stack("studio", NotebookKind="studio")
    there = {
        "log": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/NotebookInstances:x",
        "model": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/m",
    }
    caller = role(stack.resources["NotebookRole"].attributes["Arn"])
    asked = Request(caller, action, there.get(what) or RESOURCES[what], {}, ACCOUNT)
    endpoint = stack.resources[way].properties["PolicyDocument"]
    assert evaluate(asked, identity=[ADMINISTRATOR], endpoint=endpoint)
    stranger = Request(role(f"arn:aws:iam::{STRANGER}:role/a"), action, asked.resource, {}, ACCOUNT)
    assert not evaluate(stranger, identity=[ADMINISTRATOR], endpoint=endpoint)


@pytest.mark.parametrize("way", [API, REPOSITORIES])
def test_endpoints_of_codeartifact_deny_changes_even_if_somebody_allows_them(way: str) -> None:
    """docs/isolated-notebook.md: "every call that changes … is denied, whoever makes it"."""
    endpoint = notebook_stack("notebook").resources[way].properties["PolicyDocument"]
    opened = {**endpoint, "Statement": [*endpoint["Statement"], *ANYTHING]}
    caller = role(f"arn:aws:iam::{ACCOUNT}:role/notebook")
    for action in CHANGES:
        asked = Request(caller, f"codeartifact:{action}", RESOURCES["repository"], {}, ACCOUNT)
        assert not evaluate(asked, identity=[ADMINISTRATOR], endpoint=opened), action


CHANGES = (
    *("AssociateExternalConnection", "AssociateWithDownstreamRepository", "CopyPackageVersions"),
    *("CreateDomain", "CreatePackageGroup", "CreateRepository", "DeleteDomain"),
    *("DeleteDomainPermissionsPolicy", "DeletePackage", "DeletePackageGroup"),
    *("DeletePackageVersions", "DeleteRepository", "DeleteRepositoryPermissionsPolicy"),
    *("DisassociateExternalConnection", "DisposePackageVersions", "PublishPackageVersion"),
    *("PutDomainPermissionsPolicy", "PutPackageMetadata", "PutPackageOriginConfiguration"),
    *("PutRepositoryPermissionsPolicy", "UpdatePackageGroup"),
    *("UpdatePackageGroupOriginConfiguration", "UpdatePackageVersionsStatus", "UpdateRepository"),
)
"""CodeArtifact's writing calls (Service Authorization Reference), tags aside."""
ANYTHING = [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]


@pytest.mark.parametrize("service_name", ["codeartifact", "ecr"])
def test_a_bearer_token_is_for_codeartifact_alone(service_name: str) -> None:
    stack = notebook_stack("notebook")
    caller = role(stack.resources["NotebookRole"].attributes["Arn"])
    asked = Request(
        caller,
        "sts:GetServiceBearerToken",
        "*",
        {"sts:AWSServiceName": f"{service_name}.amazonaws.com"},
    )
    expected = service_name == "codeartifact"
    assert bool(evaluate(asked, identity=policies(stack, "NotebookRole"))) is expected
    endpoint = stack.resources[API].properties["PolicyDocument"]
    assert bool(evaluate(asked, identity=[ADMINISTRATOR], endpoint=endpoint)) is expected


@pytest.mark.parametrize("kind", ["notebook-instance", "studio"])
def test_what_verifies_is_read_through_the_endpoint_where_there_is_any(kind: str) -> None:
    stack = notebook_stack("notebook", NotebookKind=kind, TrustFile="e30=", Verify1="e30=")
    what = "NotebookInstance" if kind == "notebook-instance" else "Studio"
    script = stack.resources["VerifyScript" if what == "NotebookInstance" else "StudioVerifyScript"]
    arn = script.attributes.get("StudioLifecycleConfigArn", script.ref)
    held = script.properties
    content = held.get("StudioLifecycleConfigContent") or held["OnCreate"][0]["Content"]
    # No notebook has this script, and it would do nothing.
    assert base64.b64decode(content) == b"#!/bin/sh\nexit 0\ne30=\n"
    asked = Request(
        role(stack.resources["NotebookRole"].attributes["Arn"]),
        f"sagemaker:Describe{what}LifecycleConfig",
        arn,
        {},
        ACCOUNT,
    )
    endpoint = stack.resources["SageMakerApiEndpoint"].properties["PolicyDocument"]
    assert evaluate(asked, identity=policies(stack, "NotebookRole"), endpoint=endpoint)
    without = notebook_stack("notebook", NotebookKind=kind)
    assert not evaluate(asked, identity=policies(without, "NotebookRole"), endpoint=endpoint)
    assert not [each for each in without.resources if each.endswith("VerifyScript")]


def test_the_notebook_is_of_a_platform_that_is_maintained() -> None:
    """Developer Guide, "Amazon Linux 2023 notebook instances"; those of Amazon Linux 2 retire."""
    notebook = notebook_stack("notebook").resources["Notebook"].properties
    assert notebook["PlatformIdentifier"] == "notebook-al2023-v1"
