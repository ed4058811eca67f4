"""Runs the two scan scripts as a build does: as processes, by the environment's names."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests

from tests import programs
from tests.canaries import SeenProcesses, watched
from tests.fakes.aws import AWS, DOMAIN, REGION, REPOSITORY
from tests.fakes.codeartifact import ACCOUNT
from tests.fakes.package_index import PackageIndex
from tests.fakes.relay import Relay, relay_to
from tests.local_run import PROJECT, LocalRun
from tests.publishers.github_world import TOKEN, World

CODEARTIFACT = "codeartifact-codeguru-security-scan.py"
GITHUB = "github-codeguru-security-scan.py"
BUCKET = "records"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:verdicts"
WITHOUT_WAITING = Path(__file__).parent / "fakes" / "without_waiting"
"""On `PYTHONPATH` it shortens every sleep, so that retries take no time."""
STATUS_SECONDS = 120


@dataclass(frozen=True)
class SentEmail:
    """What the topic was handed."""

    subject: str
    body: str
    attributes: dict[str, str]


@dataclass
class ScriptRun(LocalRun):
    """One build: a script, its environment, and the services that it meets."""

    script: str = field(kw_only=True)
    aws: AWS = field(kw_only=True)
    relay: Relay = field(kw_only=True)
    """In front of S3 and SNS."""
    process: subprocess.Popen[str] | None = None
    killed: bool = False

    def another(self, name: str) -> "ScriptRun":
        """Make a build with the same services and a disk of its own."""
        folder = self.folder / name
        folder.mkdir()
        return replace(self, folder=folder, output=folder / "out", process=None)

    def environ(self) -> dict[str, str]:
        """Give a build's environment; the script finds the gate beside itself."""
        environ = {**super().environ(), **self.environment}
        if "PYTHONPATH" not in self.environment:
            del environ["PYTHONPATH"]
        return environ

    def command(self, requests: str, *arguments: str) -> list[str]:
        """Write the files as for a local run; the script in place of the module."""
        given = super().command(requests, "--scanners", "osv", *arguments)
        return [sys.executable, str(PROJECT / self.script), *given[given.index("--requests") :]]

    def start(self, requests: str, *arguments: str) -> subprocess.Popen[str]:
        """Begin a run; `finish` ends it."""
        self.process = subprocess.Popen(
            self.command(requests, *arguments),
            env=self.environ(),
            cwd=self.folder / "cwd",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for the run that was started."""
        assert self.process is not None
        output, errors = self.process.communicate(timeout=STATUS_SECONDS)
        return subprocess.CompletedProcess(
            self.process.args, self.process.returncode, output, errors
        )

    def watched(self) -> AbstractContextManager[SeenProcesses]:
        """Look at the processes of the run that was started until the block ends."""
        assert self.process is not None
        return watched(self.process)

    def kill(self) -> None:
        """End the run that was started as nothing can prevent; the next soon takes its turn."""
        assert self.process is not None
        self.killed = True
        self.environment["PACKAGE_GATE_LEASE_SECONDS"] = "3"
        os.kill(self.process.pid, signal.SIGKILL)

    def emails(self) -> list[SentEmail]:
        """Everything that the topic was handed, in order."""
        answer = requests.get(f"{self.aws.moto_url}/moto-api/data.json", timeout=30).json()
        return [
            SentEmail(subject, body, {name: value["Value"] for name, value in attributes.items()})
            for topic in answer["sns"].get("Topic", [])
            if topic["arn"] == TOPIC
            for _, body, subject, attributes, _ in topic["sent_notifications"]
        ]

    def records(self) -> dict[str, bytes]:
        """Every object of the record store by its key."""
        client = self.aws.client("s3")
        listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {
            item["Key"]: client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
            for item in listed
        }

    def notebook(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run an offered command as its reader does: a shell with pip, the AWS CLI and its keys.

        What pip installs lands in `notebook/site`.
        """
        home = self.folder / "notebook"
        home.mkdir(exist_ok=True)
        path = f"{programs.aws_cli()}:{programs.pip()}:{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "-c", command],
            env={
                **self.aws.environment,
                "PATH": path,
                "HOME": str(home),
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                "PIP_NO_CACHE_DIR": "1",
                "PIP_TARGET": str(home / "site"),
            },
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=STATUS_SECONDS,
        )

    @property
    def site(self) -> Path:
        """Where the notebook's pip installs."""
        return self.folder / "notebook" / "site"


def aws_variables(aws: AWS, relay: Relay) -> dict[str, str]:
    """What both scripts are configured by; makes the bucket and the topic."""
    aws.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    aws.client("sns").create_topic(Name="verdicts")
    return {
        **aws.environment,
        "AWS_ENDPOINT_URL_S3": relay.url,
        "AWS_ENDPOINT_URL_SNS": relay.url,
        "SNSTopic": TOPIC,
        "PACKAGE_GATE_RECORDS": f"s3://{BUCKET}/gate",
    }


CODEARTIFACT_VARIABLES = {
    "ExampleDomain": DOMAIN,
    "InternalRepository": REPOSITORY,
    "PACKAGE_GATE_DOMAIN_OWNER": ACCOUNT,
}


def github_variables(world: World) -> dict[str, str]:
    """What the GitHub script is configured by besides."""
    return {
        "PrivateGitHubOwner": "organisation",
        "PrivateGitHubRepo": "packages",
        "PrivateGitHubUsername": "gate-user",
        "PrivateGitHubEmail": "gate@example.test",
        "PrivateGitHubToken": TOKEN,
        "PACKAGE_GATE_GITHUB_HOST": world.server.host,
    }


@contextmanager
def script_run(
    folder: Path, index: PackageIndex, aws: AWS, script: str, variables: dict[str, str]
) -> Iterator[ScriptRun]:
    """Prepare a build; at its end every request to CodeArtifact must have been valid."""
    with relay_to(aws.moto_url) as relay:
        environment = {**aws_variables(aws, relay), **variables}
        run = ScriptRun(folder, index, environment=environment, script=script, aws=aws, relay=relay)
        yield run
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.communicate()
        # The request that a kill cuts off is no valid one.
        assert run.killed or aws.codeartifact.rejected == []
