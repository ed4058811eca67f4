"""A gate that joins a CodeArtifact domain never takes it away."""

import pytest

from tests.fakes.codeartifact import ACCOUNT
from tests.shell.caller import STACK, Caller

DOMAIN, TEAMS = "everybodys", "team-packages"
JOIN = {
    "CODEARTIFACT_DOMAIN": DOMAIN,
    "CODEARTIFACT_DOMAIN_OWNER": ACCOUNT,
    "CODEARTIFACT_REPOSITORY": TEAMS,
}


def test_a_gate_joins_a_domain_and_leaves_it_when_it_goes(bash: Caller) -> None:
    bash.aws.codeartifact.create_domain({"domain": DOMAIN})
    bash.aws.codeartifact.create_repository({"domain": DOMAIN, "repository": "somebodys"})
    made = bash.source("create-codeartifact", environment=JOIN)
    assert made.status == 0, made.said
    assert bash.cloudformation.stack(STACK).parameters["DomainOwner"] == ACCOUNT

    again = bash.source("create-codeartifact", environment=dict.fromkeys(JOIN))
    assert (again.status, f"Stack {STACK} is up to date." in again.said) == (0, True), again.said

    gone = bash.source("delete-codeartifact", "--yes", dict.fromkeys(JOIN))
    assert gone.status == 0, gone.said
    assert f"repository {TEAMS} and all packages in it; the domain {DOMAIN}" in gone.said
    assert DOMAIN in bash.aws.codeartifact.domains


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, f"CodeArtifact does not show the domain {DOMAIN} of the account {ACCOUNT}"),
        ({"CODEARTIFACT_REPOSITORY": None}, "needs a name of its own"),
        ({"PYPI_STORE": "gate-only"}, "a gate that joins a domain has no store"),
    ],
)
def test_what_stands_in_the_way_of_joining_is_told_before_anything_is_made(
    bash: Caller, changed: dict[str, str | None], problem: str
) -> None:
    before = bash.left()
    answer = bash.source("create-codeartifact", environment={**JOIN, **changed})
    assert (answer.status, problem in answer.said) == (2, True), answer.said
    assert bash.left() == before


def test_a_gate_does_not_join_the_domain_that_it_has_made(bash: Caller) -> None:
    own = {"CODEARTIFACT_DOMAIN": DOMAIN}
    assert bash.source("create-codeartifact", environment=own).status == 0
    bash.aws.codeartifact.create_domain({"domain": DOMAIN})
    before = bash.left()
    answer = bash.source("create-codeartifact", "--yes --replace", JOIN)
    assert answer.status == 2
    assert f"the stack {STACK} has made a domain of its own and would delete it" in answer.said
    assert bash.left() == before


def test_a_domain_that_others_have_joined_is_not_deleted_half_way(bash: Caller) -> None:
    assert (
        bash.source("create-codeartifact", environment={"CODEARTIFACT_DOMAIN": DOMAIN}).status == 0
    )
    codeartifact = bash.aws.codeartifact
    codeartifact.create_domain({"domain": DOMAIN})
    for name in ("internal", TEAMS):
        codeartifact.create_repository({"domain": DOMAIN, "repository": name})
    before = bash.left()
    refused = bash.source("delete-codeartifact", "--yes")
    assert refused.status == 2
    assert f"The domain {DOMAIN} is in use: the repository {TEAMS} is in it." in refused.said
    assert bash.left() == before

    codeartifact.repositories.remove((DOMAIN, TEAMS))
    gone = bash.source("delete-codeartifact", "--yes")
    assert gone.status == 0, gone.said
