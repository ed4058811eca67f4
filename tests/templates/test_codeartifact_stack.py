"""`cfn/codeartifact-private-repo.yaml`."""

import pytest

from tests.templates.deployment import DOMAIN, REPOSITORY, Deployment, deployed
from tests.templates.iam import Caller, Policy, role
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.template import TemplateError, load

TEAM, OTHER_TEAM, ORGANISATION = "111122223333", "444455556666", "o-a1b2c3d4e5"
PLACE = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}"
PACKAGE = f"{PLACE}:package/{DOMAIN}/{REPOSITORY}/pypi//app"
ARNS = {
    "GetAuthorizationToken": f"{PLACE}:domain/{DOMAIN}",
    "GetRepositoryEndpoint": f"{PLACE}:repository/{DOMAIN}/{REPOSITORY}",
    "ReadFromRepository": f"{PLACE}:repository/{DOMAIN}/{REPOSITORY}",
    "GetPackageVersionAsset": PACKAGE,
}
"""What `aws codeartifact login`, pip and `get-package-version-asset` need."""
CHANGES = (
    *("CopyPackageVersions", "DeletePackage", "DeletePackageVersions", "DisposePackageVersions"),
    *("PublishPackageVersion", "PutPackageMetadata", "UpdatePackageVersionsStatus"),
)
EVERYTHING: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def may(stack: Deployment, caller: Caller, action: str, resource: str, **context: str) -> bool:
    """Whether a caller whose own policy allows everything may do it."""
    own = caller.arn == stack.arn("BuildRole")
    identity: list[Policy] | None = None if own else [EVERYTHING]
    given = {key.replace("__", ":"): value for key, value in context.items()}
    answer = stack.evaluate(caller, f"codeartifact:{action}", resource, given, identity=identity)
    return bool(answer)


def test_nothing_reaches_the_repository_but_what_the_gate_publishes() -> None:
    stack = deployed("codeartifact").stack
    repository = stack.resources["InternalRepository"].properties
    assert not {"Upstreams", "ExternalConnections"} & set(repository)
    groups = [stack.resources[name].properties for name in ("PyPIOrigins", "ArchiveOrigins")]
    # A domain is born with the group /*: another one can't be made.
    assert [group["Pattern"] for group in groups] == ["/pypi/*", "/generic/*"]
    for group in groups:
        assert group["OriginConfiguration"]["Restrictions"] == {
            "Publish": {
                "RestrictionMode": "ALLOW_SPECIFIC_REPOSITORIES",
                "Repositories": [repository["RepositoryName"]],
            },
            "ExternalUpstream": {"RestrictionMode": "BLOCK"},
            "InternalUpstream": {"RestrictionMode": "BLOCK"},
        }


def test_a_store_takes_from_the_public_index_and_gives_to_the_gate_only() -> None:
    stack = deployed("codeartifact", Store="gate-only").stack
    group = stack.resources["PyPIOrigins"].properties["OriginConfiguration"]["Restrictions"]
    assert group["ExternalUpstream"]["Repositories"] == ["pypi-store"]
    assert group["InternalUpstream"] == {"RestrictionMode": "BLOCK"}
    assert "pypi-store" not in group["Publish"]["Repositories"]
    pipeline = stack.resources["ScanPipeline"].nested
    assert pipeline
    assert pipeline.parameters["IndexRepository"] == "pypi-store"


@pytest.mark.parametrize("action", CHANGES)
def test_not_even_an_administrator_publishes_or_deletes(action: str) -> None:
    stack = deployed("codeartifact")
    administrator = role(f"arn:aws:iam::{ACCOUNT}:role/Administrator")
    assert not may(stack, administrator, action, PACKAGE)


def test_the_build_publishes_and_withdraws() -> None:
    stack = deployed("codeartifact")
    for action in ("PublishPackageVersion", "DeletePackageVersions", "UpdatePackageVersionsStatus"):
        assert may(stack, stack.role("BuildRole"), action, PACKAGE)


@pytest.mark.parametrize("action", ["AssociateExternalConnection", "PutPackageOriginConfiguration"])
def test_nobody_opens_the_repository_to_the_world(action: str) -> None:
    stack = deployed("codeartifact")
    for caller in (role(f"arn:aws:iam::{ACCOUNT}:role/Administrator"), stack.role("BuildRole")):
        assert not may(stack, caller, action, ARNS["ReadFromRepository"])


@pytest.mark.parametrize("action", ARNS)
def test_a_notebook_of_this_account_installs_as_far_as_its_own_policy_says(action: str) -> None:
    notebook = role(f"arn:aws:iam::{ACCOUNT}:role/Notebook")
    assert may(deployed("codeartifact"), notebook, action, ARNS[action])


@pytest.mark.parametrize("action", ARNS)
def test_other_accounts_install_only_when_they_are_named(action: str) -> None:
    notebook = role(f"arn:aws:iam::{TEAM}:role/Notebook")
    alone = deployed("codeartifact")
    by_account = deployed("codeartifact", ConsumerAccounts=f"{OTHER_TEAM},{TEAM}")
    by_organisation = deployed("codeartifact", ConsumerOrganization=ORGANISATION)
    assert not may(alone, notebook, action, ARNS[action])
    assert may(by_account, notebook, action, ARNS[action])
    member = {"aws__PrincipalOrgID": ORGANISATION}
    assert may(by_organisation, notebook, action, ARNS[action], **member)
    stranger = {"aws__PrincipalOrgID": "o-stranger000"}
    assert not may(by_organisation, notebook, action, ARNS[action], **stranger)


SEARCHES = {"ListPackages": ARNS["ReadFromRepository"], "ListPackageVersions": PACKAGE}


@pytest.mark.parametrize(("action", "what"), {**ARNS, **SEARCHES}.items())
def test_a_role_of_another_account_installs_when_it_is_named_and_its_neighbours_do_not(
    action: str, what: str
) -> None:
    notebook = f"arn:aws:iam::{TEAM}:role/Notebook"
    stack = deployed("codeartifact", ConsumerRoles=f"arn:aws:iam::{OTHER_TEAM}:role/a,{notebook}")
    assert may(stack, role(notebook), action, what)
    assert not may(stack, role(f"{notebook}-2"), action, what)


@pytest.mark.parametrize("action", CHANGES)
def test_consumers_never_change_anything(action: str) -> None:
    stack = deployed("codeartifact", ConsumerAccounts=TEAM, ConsumerOrganization=ORGANISATION)
    notebook = role(f"arn:aws:iam::{TEAM}:role/Notebook")
    assert not may(stack, notebook, action, PACKAGE, aws__PrincipalOrgID=ORGANISATION)


@pytest.mark.parametrize(
    ("store", "external", "internal"),
    [
        ("none", None, None),
        ("gate-only", ["pypi-store"], None),
        ("chained-bypassing-the-gate", ["pypi-store"], [REPOSITORY]),
    ],
)
def test_packages_come_from_where_the_layout_says(
    store: str, external: list[str] | None, internal: list[str] | None
) -> None:
    """docs/isolated-notebook.md, "The store"."""
    origins = deployed("codeartifact", Store=store).stack.resources["PyPIOrigins"].properties
    restrictions = origins["OriginConfiguration"]["Restrictions"]
    for name, repositories in (("ExternalUpstream", external), ("InternalUpstream", internal)):
        expected = {
            "RestrictionMode": "ALLOW_SPECIFIC_REPOSITORIES",
            "Repositories": repositories,
        }
        assert restrictions[name] == (expected if repositories else {"RestrictionMode": "BLOCK"})


def test_the_build_takes_packages_from_the_store_and_nobody_puts_any_there() -> None:
    stack = deployed("codeartifact", Store="gate-only")
    store = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:repository/{DOMAIN}/pypi-store"
    for action in ("GetRepositoryEndpoint", "ReadFromRepository"):
        assert stack.evaluate(stack.role("BuildRole"), f"codeartifact:{action}", store)
    package = store.replace(":repository/", ":package/") + "/pypi//numpy"
    for caller in (stack.role("BuildRole"), role(f"arn:aws:iam::{ACCOUNT}:role/Admin")):
        for action in ("PublishPackageVersion", "CopyPackageVersions"):
            name = f"codeartifact:{action}"
            assert not stack.evaluate(caller, name, package, identity=[EVERYTHING])


def test_the_build_knows_where_to_publish() -> None:
    environment = deployed("codeartifact").environment
    assert environment["ExampleDomain"] == DOMAIN
    assert environment["InternalRepository"] == REPOSITORY
    assert environment["ScanScript"] == "codeartifact-codeguru-security-scan.py"
    project = deployed("codeartifact").pipeline.resources["CodeBuildProject"].properties
    kinds = {each.get("Type") for each in project["Environment"]["EnvironmentVariables"]}
    assert kinds == {None}  # the GitHub token is the pipeline's alone


def test_either_a_token_or_a_connection_must_be_given() -> None:
    rule = load("codeartifact-private-repo.yaml")["Rules"]["PullsSomehow"]
    assertion = rule["Assertions"][0]
    given = {"Fn::Not": [{"Fn::Equals": [{"Ref": "PrivateGitHubToken"}, ""]}]}
    assert given in assertion["Assert"]["Fn::Or"]
    assert "CodeConnectionArn" in assertion["AssertDescription"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ConsumerAccounts", "12345"),
        ("ConsumerAccounts", f"{TEAM},*"),
        ("ConsumerOrganization", "*"),
        ("DomainName", "Research"),
        ("RepositoryName", "a/b"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(TemplateError, match=name):
        deployed("codeartifact", **{name: value})


def test_the_outputs_say_what_the_next_stack_needs() -> None:
    outputs = deployed("codeartifact", CloudTrail="on").stack.outputs
    assert outputs["ExampleDomain"] == DOMAIN
    assert outputs["InternalRepository"] == REPOSITORY
    assert set(outputs) >= {"SNSTopic", "KMSKey", "BuildLog", "BuildRole", "TrailBucket"}
    assert "TrailBucket" not in deployed("codeartifact").stack.outputs
