"""A shell with everything running that the two scan scripts need: AWS, and a private GitHub.

Usage: python -m tests.fakes.shell [COMMAND [ARGUMENT...]]

Starts moto, the fakes and a git server, says what is there, and runs $SHELL (or COMMAND) with the
environment that leads boto3, the AWS CLI, git and both scripts to them. Its home folder is a
temporary one, so that `aws codeartifact login` changes nobody's pip. Everything goes when it ends.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi

from tests.fakes.aws import (
    AWS,
    DOMAIN,
    MOTO_SERVICES,
    REGION,
    REPOSITORY,
    aws_services,
    moto_server,
)
from tests.fakes.codeartifact import ACCOUNT
from tests.fakes.git_server import GitServer, git_server

TOOLS = Path(__file__).parents[2] / ".venv" / "awscli" / "bin"
"""Where run-tests.sh installs the AWS CLI."""
BUCKET = "package-gate-records"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:package-gate"
ORGANISATION, GIT_REPOSITORY = "organisation", "packages"
TOKEN = "github_pat_of_the_fake"
FOREIGN = (
    *("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_SESSION_TOKEN", "REQUESTS_CA_BUNDLE"),
    *("GIT_ASKPASS", "PIP_CONFIG_FILE", "VIRTUAL_ENV", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
)
"""Variables of this machine that have no meaning for the fakes, or lead out of the home folder."""


def main(command: list[str]) -> int:
    """Run a command, or the user's shell, and return its exit status."""
    for name in FOREIGN:
        os.environ.pop(name, None)
    with everything() as (aws, git, environment):
        sys.stderr.write(description(aws, git))
        # The gate's own Python comes first, so that `python` is the one with its requirements.
        path = f"{Path(sys.executable).parent}:{TOOLS}:{os.environ['PATH']}"
        shell = [os.environ.get("SHELL", "/bin/sh")]
        return subprocess.run(
            command or shell, env={**os.environ, **environment, "PATH": path}, check=False
        ).returncode


@contextmanager
def everything() -> Iterator[tuple[AWS, GitServer, dict[str, str]]]:
    """Run all services until the block ends; gives the environment for a shell."""
    with (
        tempfile.TemporaryDirectory(prefix="package-gate-") as folder,
        moto_server() as moto_url,
        aws_services(moto_url) as aws,
        git_server(Path(folder) / "git", TOKEN) as git,
    ):
        aws.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        aws.client("sns").create_topic(Name=TOPIC.rpartition(":")[2])
        git.create(ORGANISATION, GIT_REPOSITORY)
        home = Path(folder) / "home"
        home.mkdir()
        nothing = Path(folder) / "nothing"
        nothing.mkdir()
        write_git_access(home, git)
        trusted = str(write_trusted(home, git))
        yield (
            aws,
            git,
            {
                **aws.environment,
                **script_variables(git),
                **dict.fromkeys(("GIT_SSL_CAINFO", "SSL_CERT_FILE"), trusted),
                "GIT_SSL_CAPATH": str(nothing),  # or git reads the world's a second time
                "HOME": str(home),
            },
        )


def write_git_access(home: Path, git: GitServer) -> None:
    """Let git find the fake under GitHub's address, and log in there."""
    (home / ".gitconfig").write_text(
        f'[url "https://{git.host}/{ORGANISATION}/"]\n'
        f"\tinsteadOf = https://github.com/{ORGANISATION}/\n"
    )
    netrc = home / ".netrc"
    netrc.touch(mode=0o600)
    netrc.write_text(f"machine localhost login reader password {git.token}\n")


def write_trusted(home: Path, git: GitServer) -> Path:
    """Write the authorities of the world and that of the fake into a file."""
    trusted = home / "trusted.pem"
    world = Path(os.environ.get("SSL_CERT_FILE") or certifi.where())
    trusted.write_text(f"{world.read_text()}\n{git.ca_file.read_text()}")
    return trusted


def script_variables(git: GitServer) -> dict[str, str]:
    """What configures the two scan scripts."""
    return {
        "ExampleDomain": DOMAIN,
        "InternalRepository": REPOSITORY,
        "PACKAGE_GATE_DOMAIN_OWNER": ACCOUNT,
        "SNSTopic": TOPIC,
        "PACKAGE_GATE_RECORDS": f"s3://{BUCKET}/decisions",
        "PrivateGitHubOwner": ORGANISATION,
        "PrivateGitHubRepo": GIT_REPOSITORY,
        "PrivateGitHubUsername": "package-gate",
        "PrivateGitHubEmail": "package-gate@example.com",
        "PrivateGitHubToken": git.token,
        "PACKAGE_GATE_GITHUB_HOST": git.host,
    }


def description(aws: AWS, git: GitServer) -> str:
    """What runs, and what to try."""
    repository = f"--domain {DOMAIN} --domain-owner {ACCOUNT} --repository {REPOSITORY}"
    services = ", ".join(name.replace("_", " ") for name in MOTO_SERVICES)
    return f"""\
AWS and a private GitHub on this machine, until this shell ends:
  CodeArtifact       {aws.codeartifact.url}  domain {DOMAIN}, repository {REPOSITORY}
    pypi endpoint    {aws.codeartifact.pypi.url}/pypi/{REPOSITORY}/
  CodeGuru Security  {aws.codeguru.url}
  Inspector Scan     {aws.inspector.url}
  moto               {aws.moto_url}  {services}
    records          s3://{BUCKET}/decisions
    topic            {TOPIC}
  git                https://{git.host}/{ORGANISATION}/{GIT_REPOSITORY}.git
The environment leads boto3, the AWS CLI, git and both scan scripts there. Try:
  aws codeartifact list-packages {repository}
  aws s3 ls
  python codeartifact-codeguru-security-scan.py --output ~/codeartifact
  python github-codeguru-security-scan.py --output ~/github
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
