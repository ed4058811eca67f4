"""What a template or a script takes for a name, the gate takes too."""

import re

import pytest

from package_gate.commands import aws_destinations
from package_gate.core.patterns import is_email
from package_gate.publishers.github import PATTERNS
from tests.templates.template import CFN, load

COMMON = (CFN.parent / "shell" / "stacks" / "common.sh").read_text()
GITHUB = "github-private-repo"
CODEARTIFACT = "codeartifact-private-repo"


def pattern(template: str, parameter: str) -> str:
    allowed = load(f"{template}.yaml")["Parameters"][parameter]["AllowedPattern"]
    assert isinstance(allowed, str)
    return allowed


@pytest.mark.parametrize(
    ("template", "parameter", "expected"),
    [
        (GITHUB, "PrivateGitHubUsername", PATTERNS["username"]),
        (GITHUB, "PrivateGitHubEmail", PATTERNS["email"]),
        (CODEARTIFACT, "DomainName", aws_destinations.DOMAIN),
        (CODEARTIFACT, "RepositoryName", aws_destinations.REPOSITORY),
        (CODEARTIFACT, "StoreName", aws_destinations.REPOSITORY),
        ("isolated-notebook", "DomainName", aws_destinations.DOMAIN),
        ("isolated-notebook", "RepositoryName", aws_destinations.REPOSITORY),
    ],
)
def test_a_name_is_the_same_in_a_template_and_in_the_gate(
    template: str, parameter: str, expected: str
) -> None:
    assert pattern(template, parameter) == expected


@pytest.mark.parametrize("template", [GITHUB, CODEARTIFACT, "scan-pipeline", "dependency-scan"])
def test_an_email_address_is_the_same_in_every_template_and_script(template: str) -> None:
    (script,) = re.findall(r"^email_pattern='(.+)'$", COMMON, re.MULTILINE)
    assert pattern(template, "SNSEmail") == script.replace("[:space:]", r"\s")


@pytest.mark.parametrize("address", ["jo@example.com", "jo.o'neil+x@mail.example.co.uk"])
def test_a_usual_address_is_one_everywhere(address: str) -> None:
    assert is_email(address)
    assert re.fullmatch(pattern(GITHUB, "SNSEmail"), address)
    assert re.fullmatch(PATTERNS["email"], address)
