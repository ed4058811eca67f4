"""`cfn/github-private-repo.yaml`."""

from typing import Any

import pytest

from tests.templates.deployment import Deployment, deployed
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.template import TemplateError

SECRET = "research-gate-github-token"
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/0a1b2c3d-0000"


def secrets(stack: Deployment) -> list[dict[str, Any]]:
    project = stack.pipeline.resources["CodeBuildProject"].properties
    variables = project["Environment"]["EnvironmentVariables"]
    return [each for each in variables if each.get("Type")]


@pytest.mark.parametrize("connection", ["", CONNECTION], ids=["webhook", "connection"])
def test_the_token_reaches_the_build_from_secrets_manager(connection: str) -> None:
    (token,) = secrets(deployed("github", CodeConnectionArn=connection))
    assert token == {
        "Name": "PrivateGitHubToken",
        "Type": "SECRETS_MANAGER",
        "Value": f"{SECRET}:token",
    }


def test_the_build_reads_this_secret_and_no_other() -> None:
    stack = deployed("github")
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{SECRET}"

    def may(arn: str) -> bool:
        return bool(stack.evaluate(stack.role("BuildRole"), "secretsmanager:GetSecretValue", arn))

    assert may(f"{secret}-AbCdEf")
    assert not may(f"{secret}-of-others-AbCdEf")
    assert not may(secret.replace(SECRET, "other-AbCdEf"))
    assert not may(secret.replace(ACCOUNT, "111122223333") + "-AbCdEf")


@pytest.mark.parametrize(
    ("given", "repository"),
    [("", "package-requests"), ("packages", "packages")],
    ids=["the requesters'", "its own"],
)
def test_packages_go_to_the_requesters_repository_or_to_their_own(
    given: str, repository: str
) -> None:
    stack = deployed("github", PrivateGitHubPackagesRepo=given)
    environment = stack.environment
    assert environment["PrivateGitHubOwner"] == "organisation"
    assert environment["PrivateGitHubRepo"] == repository
    assert environment["PrivateGitHubUsername"] == "gate-user"
    assert environment["PrivateGitHubEmail"] == "gate@example.test"
    assert environment["ScanScript"] == "github-codeguru-security-scan.py"
    records = (
        f"arn:aws:s3:::records/decisions/github/github.com/organisation/{repository}/requests/a"
    )
    assert stack.evaluate(stack.role("BuildRole"), "s3:PutObject", records)
    others = records.replace(f"/{repository}/", "/others/")
    assert not stack.evaluate(stack.role("BuildRole"), "s3:PutObject", others)


def test_there_is_no_codeartifact() -> None:
    stack = deployed("github")
    assert not [each for each in stack.stack.resources.values() if "CodeArtifact" in each.type]
    own = str(stack.policies[stack.arn("BuildRole")])
    assert "codeartifact" not in own


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PrivateGitHubToken", ""),
        ("PrivateGitHubUsername", "Jo Example"),
        ("PrivateGitHubEmail", "jo"),
        ("PrivateGitHubPackagesRepo", "organisation/packages"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(TemplateError, match=name):
        deployed("github", **{name: value})
