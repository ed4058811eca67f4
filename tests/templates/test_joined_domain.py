"""Several gates in one CodeArtifact domain: one stack makes it, others join it."""

import pytest

from tests.templates.deployment import DOMAIN, REPOSITORY, STAGED, Deployment, deployed
from tests.templates.iam import Policy, Request, granted, role
from tests.templates.iam_conditions import several
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.template import load

OWNER, TEAM = "999900001111", "111122223333"
TEAMS = "team-packages"
OWNED = {"ExampleDomain", "PyPIOrigins", "ArchiveOrigins"}
"""What only the owner of a domain has."""
EVERYTHING: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def joined(owner: str) -> Deployment:
    return deployed("codeartifact", DomainOwner=owner, RepositoryName=TEAMS)


def may(stack: Deployment, action: str, account: str, resource: str) -> bool:
    """Whether the build may do it, as far as its own policies say."""
    arn = f"arn:aws:codeartifact:{REGION}:{account}:{resource}"
    return bool(stack.evaluate(stack.role("BuildRole"), f"codeartifact:{action}", arn))


@pytest.mark.parametrize("owner", [ACCOUNT, OWNER], ids=["this account's", "another account's"])
def test_a_stack_that_joins_a_domain_makes_a_repository_in_it_and_leaves_the_domain_alone(
    owner: str,
) -> None:
    stack = joined(owner)
    assert not OWNED & set(stack.stack.resources)
    repository = stack.stack.resources["InternalRepository"].properties
    assert (repository["DomainName"], repository["DomainOwner"]) == (DOMAIN, owner)
    assert repository["RepositoryName"] == TEAMS
    assert stack.environment["PACKAGE_GATE_DOMAIN_OWNER"] == owner
    assert stack.environment["InternalRepository"] == TEAMS


def test_a_stack_that_makes_its_domain_knows_that_it_is_its_own() -> None:
    stack = deployed("codeartifact")
    assert set(stack.stack.resources) >= OWNED
    assert "DomainOwner" not in stack.stack.resources["InternalRepository"].properties
    assert stack.environment["PACKAGE_GATE_DOMAIN_OWNER"] == ACCOUNT


@pytest.mark.parametrize("owner", [ACCOUNT, OWNER], ids=["this account's", "another account's"])
def test_the_build_publishes_to_its_own_repository_of_the_domain_only(owner: str) -> None:
    stack = joined(owner)
    for account in {ACCOUNT, owner}:  # whose stands in the ARN is not documented
        assert may(stack, "PublishPackageVersion", account, f"package/{DOMAIN}/{TEAMS}/pypi//app")
        assert may(stack, "GetRepositoryEndpoint", account, f"repository/{DOMAIN}/{TEAMS}")
    (log_in,) = (
        statement
        for policy in stack.stack.resources["BuildRole"].properties["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "codeartifact:GetAuthorizationToken"
    )
    assert log_in["Resource"] == f"arn:aws:codeartifact:{REGION}:{owner}:domain/{DOMAIN}"
    others = f"package/{DOMAIN}/{REPOSITORY}/pypi//app"
    assert not may(stack, "PublishPackageVersion", owner, others)
    assert not may(stack, "PublishPackageVersion", TEAM, f"package/{DOMAIN}/{TEAMS}/pypi//app")


def test_nobody_but_the_build_publishes_to_a_joined_repository() -> None:
    stack = joined(ACCOUNT)
    administrator = role(f"arn:aws:iam::{ACCOUNT}:role/Administrator")
    package = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:package/{DOMAIN}/{TEAMS}/pypi//app"
    for action in ("PublishPackageVersion", "DeletePackageVersions"):
        answer = stack.evaluate(
            administrator, f"codeartifact:{action}", package, identity=[EVERYTHING]
        )
        assert not answer


@pytest.mark.parametrize(
    ("action", "what"),
    [
        *(
            (action, "package")
            for action in (
                *("DeletePackageVersions", "DisposePackageVersions", "GetPackageVersionAsset"),
                *("ListPackageVersionAssets", "ListPackageVersions", "PublishPackageVersion"),
                "UpdatePackageVersionsStatus",
            )
        ),
        ("GetRepositoryEndpoint", "repository"),
    ],
)
def test_the_repository_in_another_accounts_domain_lets_the_build_publish(
    action: str, what: str
) -> None:
    """What the role's own policy allows may not be enough there."""
    stack = joined(OWNER)
    own = stack.stack.resources["InternalRepository"].properties["PermissionsPolicyDocument"]
    end = "/pypi//app" if what == "package" else ""
    arn = f"arn:aws:codeartifact:{REGION}:{OWNER}:{what}/{DOMAIN}/{TEAMS}{end}"
    stranger = role(f"arn:aws:iam::{ACCOUNT}:role/Administrator")
    for caller, expected in ((stack.role("BuildRole"), True), (stranger, False)):
        asked = Request(caller, f"codeartifact:{action}", arn)
        assert any(True for _ in granted(asked, own, "resource")) is expected


JOINING = ("CreateRepository", "DescribeDomain", "GetAuthorizationToken", "TagResource")
REFUSED = ("DeleteDomain", "PutDomainPermissionsPolicy", "CreatePackageGroup", "DeleteRepository")


@pytest.mark.parametrize("action", [*JOINING, *REFUSED])
def test_the_owner_lets_accounts_join_and_do_no_more(action: str) -> None:
    """User guide, "Domain policies": CreateRepository on the domain, TagResource for tags."""
    deployer = role(f"arn:aws:iam::{TEAM}:role/Deployer")
    domain = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:domain/{DOMAIN}"

    def allowed(**parameters: str) -> bool:
        stack = deployed("codeartifact", **parameters)
        name = f"codeartifact:{action}"
        return bool(stack.evaluate(deployer, name, domain, identity=[EVERYTHING]))

    assert allowed(JoiningAccounts=f"444455556666,{TEAM}") is (action in JOINING)
    assert not allowed(JoiningAccounts="444455556666")
    assert not allowed()


@pytest.mark.parametrize("group", ["PyPIOrigins", "ArchiveOrigins"])
def test_the_owner_lets_the_repositories_of_others_be_published_to(group: str) -> None:
    stack = deployed("codeartifact", JoinedRepositories=f"{TEAMS},other").stack
    restrictions = stack.resources[group].properties["OriginConfiguration"]["Restrictions"]
    assert restrictions["Publish"]["Repositories"] == [REPOSITORY, TEAMS, "other"]
    assert restrictions["ExternalUpstream"] == {"RestrictionMode": "BLOCK"}
    assert restrictions["InternalUpstream"] == {"RestrictionMode": "BLOCK"}


@pytest.mark.parametrize("owner", ["", ACCOUNT, OWNER], ids=["own", "this account's", "other's"])
def test_isolated_stages_reach_the_domain_that_they_publish_to_and_no_other(owner: str) -> None:
    network = deployed("codeartifact", **STAGED, DomainOwner=owner).pipeline
    closed = network.resources["ClosedNetwork"].nested
    assert closed
    for name in ("CodeArtifactApiEndpoint", "CodeArtifactRepositoriesEndpoint"):
        (statement,) = closed.resources[name].properties["PolicyDocument"]["Statement"]
        reached = several(statement["Condition"]["StringEquals"]["aws:ResourceAccount"])
        assert set(reached) == {ACCOUNT, owner or ACCOUNT}


def test_no_store_is_made_in_somebody_elses_domain() -> None:
    rule = load("codeartifact-private-repo.yaml")["Rules"]["TheStoreIsInADomainOfItsOwn"]
    (assertion,) = rule["Assertions"]
    assert assertion["Assert"] == {
        "Fn::Or": [
            {"Fn::Equals": [{"Ref": "DomainOwner"}, ""]},
            {"Fn::Equals": [{"Ref": "Store"}, "none"]},
        ]
    }
