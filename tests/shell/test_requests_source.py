"""`REQUESTS_SOURCE`: requests from CodeCommit, and back to GitHub."""

from typing import Any

import pytest

from tests.shell.caller import STACK, Caller, moto_client

AWAY = dict.fromkeys(("PRIVATE_GITHUB_PAT", "PRIVATE_GITHUB_OWNER", "PRIVATE_GITHUB_REPO"))
CODECOMMIT: dict[str, Any] = {"REQUESTS_SOURCE": "codecommit", "CODECOMMIT_REPOSITORY": "requests"}


def make_repository(bash: Caller) -> None:
    moto_client(bash.aws, "codecommit").create_repository(repositoryName="requests")


def test_codecommit_needs_nothing_of_github_and_stays_until_it_is_taken_away(bash: Caller) -> None:
    make_repository(bash)
    made = bash.source("create-codeartifact", environment={**AWAY, **CODECOMMIT})
    assert made.status == 0, made.said
    assert "Push a request to requests, branch main" in made.said
    assert "secrets" not in bash.left()
    stack = bash.cloudformation.stack(STACK)
    assert stack.parameters["CodeCommitRepository"] == "requests"
    assert stack.parameters["PrivateGitHubOwner"] == ""
    changed = {**AWAY, "SNS_EMAIL": "b@example.com"}
    again = bash.source("create-codeartifact", "--yes", changed)
    assert again.status == 0, again.said
    stack = bash.cloudformation.stack(STACK)
    assert stack.parameters["SNSEmail"] == "b@example.com"
    assert stack.parameters["CodeCommitRepository"] == "requests"
    back = bash.source("create-codeartifact", "--yes", {"REQUESTS_SOURCE": "github"})
    assert back.status == 0, back.said
    parameters = bash.cloudformation.stack(STACK).parameters
    assert parameters["CodeCommitRepository"] == ""
    assert parameters["PrivateGitHubToken"] == f"{STACK}-github-token"


def test_a_repository_that_is_not_there_is_told_with_how_to_look(bash: Caller) -> None:
    answer = bash.source("create-codeartifact", environment={**AWAY, **CODECOMMIT})
    assert answer.status == 2, answer.said
    assert "aws codecommit list-repositories" in answer.said
    assert bash.left() == {}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"REQUESTS_SOURCE": "gitlab"}, "REQUESTS_SOURCE is gitlab"),
        ({"CODECOMMIT_REPOSITORY": None}, "CODECOMMIT_REPOSITORY is not set"),
        ({"REQUESTS_SOURCE": None}, "REQUESTS_SOURCE is not codecommit"),
        ({"PRIVATE_GITHUB_PAT": "github_pat_0123456789"}, "nothing goes to GitHub"),
    ],
    ids=["another", "unnamed", "unsaid", "a token"],
)
def test_what_does_not_fit_together_is_told(
    bash: Caller, changed: dict[str, Any], told: str
) -> None:
    answer = bash.source("create-codeartifact", environment={**AWAY, **CODECOMMIT, **changed})
    assert (answer.status, told in answer.said) == (2, True), answer.said


def test_the_github_variant_publishes_there_all_the_same(bash: Caller) -> None:
    make_repository(bash)
    made = bash.source("create-github", environment=CODECOMMIT)
    assert made.status == 0, made.said
    parameters = bash.cloudformation.stack(STACK).parameters
    assert parameters["CodeCommitRepository"] == "requests"
    assert parameters["PrivateGitHubToken"] == f"{STACK}-github-token"
