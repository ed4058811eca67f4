"""What is missing or wrong is told at once, before anything changes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.fakes.aws import DOMAIN
from tests.shell.caller import (
    GATES,
    SCRIPTS,
    STACK,
    TOKEN,
    Caller,
    ec2_client,
    in_turn,
    moto_client,
    named,
)

REQUIRED = {
    *("AWS_REGION", "STACK_NAME", "CODEPIPELINE_NAME", "SNS_EMAIL", "PRIVATE_GITHUB_OWNER"),
    *("PRIVATE_GITHUB_REPO", "PRIVATE_GITHUB_BRANCH", "PRIVATE_GITHUB_PAT"),
    *("CODESERVICES_VPC_ID", "CODESERVICES_SUBNET_ID1", "CODESERVICES_SUBNET_ID2"),
}
MISSING = {
    "create-vpc": {"AWS_REGION"},
    "delete-vpc": {"AWS_REGION"},
    "create-codeartifact": REQUIRED,
    "delete-codeartifact": {"AWS_REGION", "STACK_NAME"},
    "create-github": REQUIRED | {"PRIVATE_GITHUB_USERNAME", "PRIVATE_GITHUB_EMAIL"},
    "delete-github": {"AWS_REGION", "STACK_NAME"},
}
MALFORMED = {
    "AWS_REGION": "Frankfurt",
    "STACK_NAME": "my_gate",
    "CODEPIPELINE_NAME": "<YOUR-PIPELINE>",
    "SNS_EMAIL": "nobody",
    "PRIVATE_GITHUB_OWNER": "https://github.com/me",
    "PRIVATE_GITHUB_REPO": "me/requests",
    "PRIVATE_GITHUB_BRANCH": "main\n",
    "PRIVATE_GITHUB_PAT": f"{TOKEN} with a blank",
    "CODESERVICES_VPC_ID": "vpc",
    "CODESERVICES_SUBNET_ID1": "subnet-1",
    "CODESERVICES_SUBNET_ID2": "file:///etc/passwd",
    "SCANNERS": "osv, ruff",
    "ADVISORIES": "s3://bucket/all.tar",
    "ADVISORIES_KEY": "alias/key",
    "SNYK_TOKEN_PARAMETER": "the-token",
    "SNYK_TOKEN_KEY": "alias/key",
    "SNYK_ORGANISATION_PARAMETER": "organisation",
    "SNYK_PLAN": "team",
    "RETRY_SCHEDULE": "daily",
    "REEVALUATION_SCHEDULE": "daily",
    "LOG_RETENTION_DAYS": "7 days",
    "CLOUDTRAIL": "yes",
    "SIGN_VERDICTS": "yes",
    "CODEARTIFACT_DOMAIN_OWNER": "me",
    "CODEARTIFACT_REPOSITORY": "a/b",
    "JOINING_ACCOUNTS": "12345",
    "JOINED_REPOSITORIES": "a/b",
    "CONSUMER_ACCOUNTS": "12345",
    "CONSUMER_ORGANIZATION": "my organisation",
}
PIPELINE_NAMES = {
    "my--gate": "two hyphens side by side, which no trail takes",
    "gate-": "2 to 20 letters, digits and hyphens, beginning with a letter, ending with a letter",
}


def nothing_changed(caller: Caller) -> bool:
    return caller.cloudformation.operations == [] and caller.left() == {}


@pytest.mark.parametrize(("script", "shell"), in_turn(SCRIPTS))
def test_everything_that_is_missing_is_named(bash: Caller, script: str, shell: str) -> None:
    bash.shell = shell
    nothing = {name: None for name in (*bash.variables, *bash.network) if name != "PATH"}
    nothing |= {"AWS_REGION": None, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    answer = bash.source(script, environment=nothing)
    assert answer.status == 2
    assert named(answer.said) == MISSING[script] | {"AWS"}, answer.said
    assert "does not take your credentials" in answer.said
    assert "aws sso login" in answer.said


@pytest.mark.parametrize("variant", GATES)
def test_everything_that_is_malformed_is_named(bash: Caller, variant: str) -> None:
    answer = bash.source(f"create-{variant}", environment=MALFORMED)
    own = {"CODEARTIFACT_REPOSITORY", "CONSUMER_ACCOUNTS", "CONSUMER_ORGANIZATION"}
    own |= {"CODEARTIFACT_DOMAIN_OWNER", "JOINING_ACCOUNTS", "JOINED_REPOSITORIES"}
    expected = set(MALFORMED) | {"CODEARTIFACT_DOMAIN"}
    if variant == "github":
        expected -= {*own, "CODEARTIFACT_DOMAIN"}
    assert answer.status == 2
    assert named(answer.said) == expected, answer.said
    assert "canary" not in answer.said
    assert nothing_changed(bash)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"SCANNERS": "osv,snyk"}, "the scanner snyk needs a token"),
        ({"SCANNERS": "osv", "SNYK_TOKEN_PARAMETER": "/a/b"}, "SCANNERS does not name snyk"),
        ({"SNYK_TOKEN_PARAMETER": "/a/b"}, "SCANNERS does not name snyk"),
    ],
)
def test_snyk_and_its_token_go_together(
    bash: Caller, environment: dict[str, str | None], problem: str
) -> None:
    answer = bash.source("create-github", environment=environment)
    assert (answer.status, named(answer.said)) == (2, {"SNYK_TOKEN_PARAMETER"})
    assert problem in answer.said
    assert nothing_changed(bash)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"AWS_REGION": "us-gov-west-1"}, "VPC_ENDPOINTS must be none in us-gov-west-1"),
        ({"VPC_ZONE1": "eu-central-1a"}, "VPC_ZONE2 is not set"),
        (dict.fromkeys(("VPC_ZONE1", "VPC_ZONE2"), "eu-central-1a"), "are the same"),
        ({"VPC_ZONE2": "zone"}, "VPC_ZONE2 is zone, but must be another availability zone"),
        ({"VPC_REPOSITORY_ACCOUNTS": "1"}, "account numbers of 12 digits"),
        ({"VPC_FLOW_LOG_DAYS": "a year"}, "a number of days"),
        ({"VPC_EGRESS_TRANSIT_GATEWAY_ID": "tgw-attach-0123"}, "the id of a transit gateway"),
    ],
)
def test_a_network_that_can_not_be_is_told_before(
    bash: Caller, environment: dict[str, str | None], problem: str
) -> None:
    answer = bash.source("create-vpc", environment=environment)
    assert (answer.status, problem in answer.said) == (2, True), answer.said
    assert nothing_changed(bash)


@pytest.mark.parametrize("kind", ["SCANNERS", "ADVISORIES"])
def test_what_the_template_would_refuse_is_told_before(bash: Caller, kind: str) -> None:
    wrong = {"SCANNERS": "osv,guarddogs", "ADVISORIES": "s3://advisories/all"}
    answer = bash.source("create-github", environment={kind: wrong[kind]})
    assert (answer.status, named(answer.said)) == (2, {kind}), answer.said
    assert nothing_changed(bash)


@pytest.mark.parametrize("name", PIPELINE_NAMES)
def test_a_name_that_no_pipeline_may_have_is_told_with_the_rule(bash: Caller, name: str) -> None:
    answer = bash.source("create-github", environment={"CODEPIPELINE_NAME": name})
    assert (answer.status, named(answer.said)) == (2, {"CODEPIPELINE_NAME"})
    assert PIPELINE_NAMES[name] in answer.said
    assert nothing_changed(bash)


@pytest.mark.parametrize(("script", "shell"), in_turn(SCRIPTS))
def test_wrong_credentials_are_told(bash: Caller, script: str, shell: str) -> None:
    bash.shell = shell
    with refusing_sts() as address:
        answer = bash.source(script, environment={"AWS_ENDPOINT_URL_STS": address})
    assert answer.status == 2
    assert "does not take your credentials in eu-central-1" in answer.said
    assert "The security token included in the request is invalid" in answer.said
    assert bash.cloudformation.operations == []


def test_a_missing_or_strange_aws_cli_is_told(bash: Caller, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("awk", "bash", "dirname", "env", "git", "mktemp", "rm", "sed", "tar"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    missing = bash.source("create-vpc", environment={"PATH": str(tools)})
    assert (missing.status, "The AWS CLI is not installed" in missing.said) == (2, True)
    (tools / "aws").write_text("#!/bin/sh\necho aws-cli/0.9\n")
    (tools / "aws").chmod(0o755)
    strange = bash.source("create-vpc", environment={"PATH": str(tools)})
    assert (strange.status, "must be version 2 or 1" in strange.said) == (2, True)


def test_names_that_are_taken_are_told_at_once(caller: Caller) -> None:
    cloudformation = moto_client(caller.aws, "cloudformation")
    template = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    cloudformation.create_stack(StackName=STACK, TemplateBody=template)
    tags = [{"Key": "package-gate", "Value": "vpc"}]
    cloudformation.create_stack(StackName=f"{STACK}-artifacts", TemplateBody=template, Tags=tags)
    secrets = caller.aws.client("secretsmanager")
    secrets.create_secret(Name=f"{STACK}-github-token", SecretString="somebody's")
    before = caller.left()
    answer = caller.source("create-codeartifact", environment={"CODEARTIFACT_DOMAIN": DOMAIN})
    assert answer.status == 2
    for problem in (
        f"There is a stack {STACK} already, which was not made by the package gate",
        f"There is a stack {STACK}-artifacts already, of the kind vpc and not artifacts",
        f"There is a secret {STACK}-github-token already",
        f"There is a CodeArtifact domain {DOMAIN} already",
    ):
        assert problem in answer.said
    assert caller.left() == before
    deletion = caller.source("delete-codeartifact", "--yes")
    assert (deletion.status, caller.left()) == (2, before)
    network = caller.source("create-vpc", environment={"VPC_STACK_NAME": STACK})
    assert (network.status, caller.left()) == (2, before)
    assert "not made by the package gate" in network.said


def test_subnets_of_another_network_are_told(bash: Caller) -> None:
    vpc = ec2_client(bash.aws).create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    environment = {
        "CODESERVICES_VPC_ID": vpc,
        "CODESERVICES_SUBNET_ID2": bash.network["CODESERVICES_SUBNET_ID1"],
    }
    answer = bash.source("create-github", environment=environment)
    assert answer.status == 2
    assert "are the same" in answer.said
    assert f"not in CODESERVICES_VPC_ID ({vpc})" in answer.said
    missing = {f"CODESERVICES_SUBNET_ID{n}": f"subnet-0123456789abcdef{n}" for n in (1, 2)}
    answer = bash.source("create-github", environment=missing)
    assert answer.status == 2
    assert re.search("subnet-0123456789abcdef[12]' does not exist", answer.said)


@pytest.mark.parametrize(("script", "shell"), in_turn(SCRIPTS))
def test_run_instead_of_sourced_says_what_to_do(bash: Caller, script: str, shell: str) -> None:
    bash.shell = shell
    answer = bash.run(f'{bash.shell} "$PROJECT/shell/{script}-stack.sh"')
    assert answer.status == 2
    assert answer.said.startswith("Source this file, don't run it: source /")


@contextmanager
def refusing_sts() -> Iterator[str]:
    """Run an STS that takes nobody's credentials; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), RefusingSTS)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class RefusingSTS(BaseHTTPRequestHandler):
    """Answers as STS does to a key that is not there."""

    def do_POST(self) -> None:
        body = (
            b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            b"<Type>Sender</Type><Code>InvalidClientTokenId</Code>"
            b"<Message>The security token included in the request is invalid.</Message>"
            b"</Error></ErrorResponse>"
        )
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
