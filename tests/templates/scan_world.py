"""The dependency scan, deployed: its project and its rules, and builds that run."""

import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import programs
from tests.dependency_scan.world import write_files
from tests.fakes.advisories import advisory
from tests.fakes.aws import AWS, REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.fakes.codebuild import Build, run_build
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.templates.build_world import shim
from tests.templates.rendered import Rendered, render

STACK, BUCKET, APP = "dependency-scan", "scan-artifacts", "app"
DIGEST = "0123456789abcdef" * 4
SNAPSHOT = f"s3://{BUCKET}/advisories/all.zip"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:results"
COMMIT, BASE = "c" * 40, "b" * 40
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/1a2b3c4d-0000"
COMMON: dict[str, str | list[str]] = {
    "SNSEmail": "team@example.test",
    "Advisories": SNAPSHOT,
    "S3ArtifactsBucket": BUCKET,
    "GateBundle": f"gate/{DIGEST}.tar.gz",
    "GateBundleSHA256": DIGEST,
    "CodeServicesVpc": "vpc-0a",
    "CodeServicesSubnet": ["subnet-0a", "subnet-0b"],
}
SOURCES: dict[str, dict[str, str | list[str]]] = {
    "codecommit": {"SourceKind": "codecommit", "RepositoryName": APP},
    "github": {"RepositoryName": f"organisation/{APP}", "CodeConnectionArn": CONNECTION},
}
REPOSITORY_ARN = f"arn:aws:codecommit:{REGION}:{ACCOUNT}:{APP}"
PUSH: dict[str, Any] = {
    "source": "aws.codecommit",
    "detail-type": "CodeCommit Repository State Change",
    "resources": [REPOSITORY_ARN],
    "detail": {
        "event": "referenceUpdated",
        "repositoryName": APP,
        "referenceType": "branch",
        "referenceName": 'fix/"quoted"',
        "referenceFullName": 'refs/heads/fix/"quoted"',
        "commitId": COMMIT,
    },
}
PULL_REQUEST: dict[str, Any] = {
    "source": "aws.codecommit",
    "detail-type": "CodeCommit Pull Request State Change",
    "resources": [REPOSITORY_ARN],
    "detail": {
        "event": "pullRequestCreated",
        "callerUserArn": f"arn:aws:iam::{ACCOUNT}:user/Jo",
        "destinationCommit": BASE,
        "destinationReference": "refs/heads/main",
        "pullRequestId": "7",
        "sourceCommit": COMMIT,
        "sourceReference": "refs/heads/fix",
    },
}
"""As "Monitoring CodeCommit events" shows them; a push's sample has no author."""


def scan_stack(kind: str, **parameters: Any) -> Rendered:
    """Render the template for a repository in `codecommit` or at `github`."""
    given = {**COMMON, **SOURCES[kind], **parameters}
    return render("dependency-scan.yaml", given, stack=STACK, attributes={"SNSTopic": TOPIC})


def start_build(rule: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """Fill a rule's template with an event, as EventBridge does; gives what StartBuild is told.

    A value replaces `<name>` as JSON; between quotes as it is, and nothing when it isn't there.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    (target,) = rule["Targets"]
    values = {
        name: _at(event, path) for name, path in target["InputTransformer"]["InputPathsMap"].items()
    }
    text = target["InputTransformer"]["InputTemplate"]
    text = re.sub(r'"<(\w+)>"', lambda match: f'"{values[match[1]] or ""}"', text)
    text = re.sub(
        r"<(\w+)>", lambda m: "" if values[m[1]] is None else json.dumps(values[m[1]]), text
    )
    told = json.loads(text)
    return {"projectName": target["Arn"].rpartition("/")[2], **told}


def _at(event: Any, path: str) -> Any:
    for name in path.removeprefix("$.").split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


@dataclass
class Scan:
    """A deployed scan, in whose repository `web` needs `deep`, whose version 1.0 has a hole."""

    folder: Path
    server: HTTPSServer
    aws: AWS
    bundle: tuple[str, bytes]
    programs: list[Path] = field(default_factory=list)
    """Folders with what the image has besides."""
    machine: dict[str, str] = field(default_factory=dict)
    builds: int = 0

    def __post_init__(self) -> None:
        self.index = PackageIndex(self.server)
        self.index.add_wheel("web", "1.0", ["deep"])
        self.index.add_wheel("deep", "1.0")
        self.index.add_wheel("deep", "0.9")
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.deploy(self.bundle)
        archive = self.folder / "all.zip"
        hole = advisory(package="deep", versions=["1.0"], database_specific={"severity": "HIGH"})
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr(f"{hole['id']}.json", json.dumps(hole))
        self.put("advisories/all.zip", archive.read_bytes())
        self.aws.client("sns").create_topic(Name=TOPIC.rpartition(":")[2])

    def deploy(self, bundle: tuple[str, bytes]) -> None:
        """Let the next builds run this bundle: its SHA-256 and its bytes."""
        self.bundle = bundle
        self.put(f"gate/{bundle[0]}.tar.gz", bundle[1])

    def put(self, key: str, content: bytes) -> None:
        """Put an object into the artifacts bucket."""
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)

    def build(
        self,
        files: Mapping[str, str],
        kind: str = "github",
        given: Mapping[str, str] | None = None,
        **parameters: str,
    ) -> Build:
        """Run a build of a repository.

        Args:
            files: what is in it.
            kind: where it is.
            given: variables that the webhook or the rule gives the build.
            parameters: of the stack, where they differ.
        """
        self.builds += 1
        folder = self.folder / f"build{self.builds}"
        checkout = folder / "checkout"
        write_files(checkout, files)
        bundle = {
            "GateBundle": f"gate/{self.bundle[0]}.tar.gz",
            "GateBundleSHA256": self.bundle[0],
        }
        stack = scan_stack(kind, **{**bundle, **parameters})
        project = json.loads(json.dumps(stack.resources["CodeBuildProject"].properties))
        # Each build has a machine of its own.
        spec = project["Source"]["BuildSpec"]
        assert "/tmp/scan" in spec
        project["Source"]["BuildSpec"] = spec.replace("/tmp/scan", str(self.scratch))
        variables = project["Environment"]["EnvironmentVariables"]
        differing = given or {}
        project["Environment"]["EnvironmentVariables"] = [
            *(each for each in variables if each["Name"] not in differing),
            *({"Name": name, "Value": value} for name, value in differing.items()),
        ]
        image = folder / "image"
        image.mkdir()
        (image / "python3").write_text(shim())
        (image / "python3").chmod(0o755)
        machine = folder / "machine"
        machine.mkdir()
        here = os.environ["PATH"].split(":")
        path: list[Path | str] = [image, *self.programs, programs.aws_cli(), *here]
        environment = {
            **self.index.environment,
            "CODEBUILD_RESOLVED_SOURCE_VERSION": COMMIT,
            "CODEBUILD_BUILD_URL": "https://builds.test/1",
            **self.machine,
        }
        return run_build(project, checkout, machine, self.aws, path=path, machine=environment)

    @property
    def scratch(self) -> Path:
        """What `/tmp/scan` is."""
        return self.folder / f"build{self.builds}" / "scan"


def report(build: Build) -> Any:
    """Read the report of a build."""
    return json.loads(build.artifacts["dependencies.json"])
