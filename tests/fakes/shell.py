"""A shell with all the AWS services of this machine running.

Usage: python -m tests.fakes.shell [COMMAND [ARGUMENT...]]

Starts moto and the fakes, says what is there, and runs $SHELL (or COMMAND) with the environment
that leads boto3 and the AWS CLI to them. Everything stops when it ends.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.aws import AWS, DOMAIN, MOTO_SERVICES, REPOSITORY, aws_services, moto_server
from tests.fakes.codeartifact import ACCOUNT

TOOLS = Path(__file__).parents[2] / ".venv" / "awscli" / "bin"
"""Where run-tests.sh installs the AWS CLI."""


def main(command: list[str]) -> int:
    """Run a command, or the user's shell, and return its exit status."""
    with moto_server() as moto_url, aws_services(moto_url) as aws:
        sys.stderr.write(description(aws))
        environment = {**os.environ, **aws.environment, "PATH": f"{TOOLS}:{os.environ['PATH']}"}
        # A certificate authority or a profile of this machine has no meaning for the fakes.
        for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            environment.pop(name, None)
        shell = [os.environ.get("SHELL", "/bin/sh")]
        return subprocess.run(command or shell, env=environment, check=False).returncode


def description(aws: AWS) -> str:
    """What runs, and what to try."""
    repository = f"--domain {DOMAIN} --domain-owner {ACCOUNT} --repository {REPOSITORY}"
    services = ", ".join(name.replace("_", " ") for name in MOTO_SERVICES)
    return f"""\
AWS on this machine, until this shell ends:
  CodeArtifact       {aws.codeartifact.url}  domain {DOMAIN}, repository {REPOSITORY}
    pypi endpoint    {aws.codeartifact.pypi.url}/pypi/{REPOSITORY}/
  CodeGuru Security  {aws.codeguru.url}
  Inspector Scan     {aws.inspector.url}
  moto               {aws.moto_url}  {services}
The environment leads boto3 and the AWS CLI there. Try:
  aws codeartifact list-packages {repository}
  aws s3 ls
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
