"""A person's shell, in which the scripts are sourced, and the AWS that they work on."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.ec2.models import ec2_backends
from moto.efs.models import efs_backends
from moto.kms.models import kms_backends
from moto.sagemaker.models import sagemaker_backends

from tests.fakes.aws import AWS, REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.shell.cloudformation import CloudFormation

PROJECT = Path(__file__).parents[2]
TOKEN = 'github_pat_"canary\\of-the-token'
"""With the two characters that JSON escapes."""
SHELLS = ("bash", "zsh")
GATES = ("codeartifact", "github")
SCRIPTS = tuple(f"{what}-{kind}" for kind in ("vpc", *GATES) for what in ("create", "delete"))
STACK = "gate"


def in_turn(scripts: Iterable[str]) -> list[tuple[str, str]]:
    """Give each script a shell, so that creations and deletions meet both."""
    return [(script, SHELLS[(at + at // 2) % 2]) for at, script in enumerate(scripts)]


@dataclass
class Answer:
    """What a shell did."""

    status: int
    stdout: str
    said: str
    """Standard error."""


@dataclass
class Caller:
    """One shell with its environment."""

    aws: AWS
    cloudformation: CloudFormation
    home: Path
    project: Path
    variables: dict[str, str]
    network: dict[str, str]
    shell: str = "bash"

    def source(
        self, script: str, arguments: str = "", environment: Mapping[str, str | None] | None = None
    ) -> Answer:
        """Source a script of `shell/`, without a terminal; the answer has its status.

        Args:
            script: such as `create-vpc`.
            arguments: as a person writes them.
            environment: additions; None takes a variable away.
        """
        command = f'. "$PROJECT/shell/{script}-stack.sh" {arguments}; exit $?'
        return self.run(command, environment)

    def run(self, command: str, environment: Mapping[str, str | None] | None = None) -> Answer:
        """Run commands in the shell."""
        with self.start(command, environment) as process:
            stdout, said = process.communicate(timeout=250)
        return Answer(process.returncode, stdout, said)

    def start(
        self, command: str, environment: Mapping[str, str | None] | None = None
    ) -> subprocess.Popen[str]:
        """Start the shell with commands."""
        return subprocess.Popen(
            self.arguments(command),
            env=self.environment(environment),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def arguments(self, command: str) -> list[str]:
        """Without anybody's start files."""
        return [self.shell, *(["-f"] if self.shell == "zsh" else ["--norc"]), "-c", command]

    def environment(self, additions: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Give all that the shell inherits."""
        merged: dict[str, str | None] = {
            "PROJECT": str(self.project),
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "PACKAGE_GATE_POLL_SECONDS": "0.1",
            **self.aws.environment,
            **self.variables,
            **self.network,
            **(additions or {}),
        }
        return {name: value for name, value in merged.items() if value is not None}

    def state_file(self, name: str = STACK) -> Path:
        """Where the scripts remember a stack."""
        return self.home / ".package-gate" / f"{name}.env"

    def secret(self) -> dict[str, Any]:
        """Give the secret with the token as Secrets Manager has it."""
        client = self.aws.client("secretsmanager")
        found: dict[str, Any] = client.get_secret_value(SecretId=f"{STACK}-github-token")
        return found

    def left(self) -> dict[str, list[str]]:
        """Tell what the scripts have left, but for keys that wait to be deleted."""
        client = self.aws.client
        ec2 = ec2_client(self.aws)
        found = {
            "stacks": list(self.cloudformation.statuses()),
            "buckets": [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
            "secrets": [s["Name"] for s in client("secretsmanager").list_secrets()["SecretList"]],
            "keys": [
                key.id
                for key in kms_backends[ACCOUNT][REGION].keys.values()
                if key.key_state != "PendingDeletion"
            ],
            "topics": [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
            "groups": [
                group["logGroupName"]
                for group in moto_client(self.aws, "logs").describe_log_groups()["logGroups"]
            ],
            "networks": [
                vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]
            ],
            "security groups": [
                group.name
                for groups in ec2_backends[ACCOUNT][REGION].groups.values()
                for group in groups.values()
                if group.name != "default"
            ],
            "Studio domains": list(sagemaker_backends[ACCOUNT][REGION].domains),
            "file systems": list(efs_backends[ACCOUNT][REGION].file_systems_by_id),
            "temporary files": [path.name for path in (self.home / "tmp").iterdir()],
            "state": [path.name for path in self.home.glob(".package-gate/*")],
        }
        return {name: names for name, names in found.items() if names}


def copy_project(copy: Path) -> Path:
    """Copy what the scripts use, so that nobody changes it meanwhile.

    They pack the gate and run nothing of it, so a part of it does.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    gate = ("package_gate/pipeline", "package_gate/report")
    for folder in ("shell", "cfn", "notebook", *gate, "requirements"):
        shutil.copytree(PROJECT / folder, copy / folder, ignore=ignored)
    for pattern in ("*-scan.py", "scan-policy.toml", ".gitignore"):
        for file in PROJECT.glob(pattern):
            shutil.copy2(file, copy)
    return copy


def moto_client(aws: AWS, service: str) -> Any:
    """Give a client of a service that only moto plays."""
    aws.environment[f"AWS_ENDPOINT_URL_{service.upper()}"] = aws.moto_url
    return aws.client(service)


def ec2_client(aws: AWS) -> Any:
    """Give a client of EC2."""
    return moto_client(aws, "ec2")


def default_network(aws: AWS) -> dict[str, str]:
    """Name the VPC that is in every account, and two subnets of it."""
    first, second, *_ = ec2_client(aws).describe_subnets()["Subnets"]
    return {
        "CODESERVICES_VPC_ID": first["VpcId"],
        "CODESERVICES_SUBNET_ID1": first["SubnetId"],
        "CODESERVICES_SUBNET_ID2": second["SubnetId"],
    }


def artifacts_bucket(caller: Caller) -> str:
    """Name the bucket of the gate."""
    outputs = caller.cloudformation.stack(f"{STACK}-artifacts").outputs
    found: dict[str, str] = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    return found["BucketName"]


def gate_variables(tools: Path) -> dict[str, str]:
    """Give what a person exports before creating a gate of either variant."""
    return {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "AWS_REGION": REGION,
        "STACK_NAME": STACK,
        "CODEPIPELINE_NAME": "gate-pipeline",
        "SNS_EMAIL": "infosec@example.com",
        "PRIVATE_GITHUB_OWNER": "organisation",
        "PRIVATE_GITHUB_REPO": "requests",
        "PRIVATE_GITHUB_BRANCH": "main",
        "PRIVATE_GITHUB_PAT": TOKEN,
        "PRIVATE_GITHUB_USERNAME": "package-gate",
        "PRIVATE_GITHUB_EMAIL": "package-gate@example.com",
    }


def named(said: str) -> set[str]:
    """Which variables the list of problems names."""
    return set(re.findall(r"^  - ([A-Z][A-Z_0-9]+)", said, re.MULTILINE))
