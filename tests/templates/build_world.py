"""A deployed gate that builds can run in: the template's project, a bundle, and all services."""

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.aws_run import (
    AWS_CLI,
    BUCKET,
    CODEARTIFACT,
    CODEARTIFACT_VARIABLES,
    GITHUB,
    ScriptRun,
    script_run,
)
from tests.fakes.aws import AWS
from tests.fakes.codebuild import Build, run_build
from tests.fakes.https_server import HTTPSServer, respond
from tests.fakes.package_index import PackageIndex
from tests.local_run import POLICY, PROJECT
from tests.publishers.github_world import SAMPLE, TOKEN, World, github_world, zipped
from tests.templates.deployment import COMMON, deployed

REQUESTS = "external-package-request.csv"
SNAPSHOT = "advisories/all.zip"
IN_A_BUNDLE = (
    *("package_gate", CODEARTIFACT, GITHUB, "dependency-scan.py"),
    *("requirements/gate.txt", "scan-policy.toml", ".gitignore", "shell/stacks/bundle.sh"),
)
SHIM = """\
#!/bin/sh
# The image's Python; its environments have everything that the gate's requirements pin.
if [ "$*" = "-I -m venv venv" ]; then
  mkdir -p venv/bin && cp "$0" venv/bin/python && exit
fi
case "$*" in
  "-I -m pip install "*" --require-hashes --only-binary :all: "*) exit ;;
  "-I -m pip "*) echo "pip would take what nobody has pinned: $*" >&2 && exit 64 ;;
esac
exec {python} "$@"
"""


def copy_of_project(folder: Path) -> Path:
    """Copy what a bundle is made of and by, with a policy that lets downloads come from here."""
    for name in IN_A_BUNDLE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name)
        else:
            shutil.copy(PROJECT / name, folder / name)
    (folder / "scan-policy.toml").write_text(POLICY)
    return folder


def make_bundle(project: Path, output: Path) -> str:
    """Run a project's bundle.sh; gives the SHA-256."""
    program = project / "shell/stacks/bundle.sh"
    ran = subprocess.run(
        ["bash", str(program), str(output)], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.removesuffix("\n")


@dataclass
class Gate:
    """One variant, deployed."""

    run: ScriptRun
    """Its services, and what they were told."""
    server: HTTPSServer
    variant: str
    parameters: dict[str, str]
    folder: Path
    world: World | None = None
    """The GitHub variant's git server."""
    builds: int = 0

    @property
    def aws(self) -> AWS:
        return self.run.aws

    def put(self, key: str, content: bytes) -> None:
        """Put an object into the artifacts bucket."""
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)

    def build(self, checkout: Path | str, *, real_python: bool = False, **parameters: str) -> Build:
        """Run a build of what requesters have pushed.

        Args:
            checkout: their repository, or the text of their request file.
            real_python: install the bundle's requirements with pip, from the index.
            parameters: of the stack, where they differ.
        """
        self.builds += 1
        folder = self.folder / f"build{self.builds}"
        folder.mkdir()
        if isinstance(checkout, str):
            text, checkout = checkout, self.folder / f"checkout{self.builds}"
            checkout.mkdir()
            (checkout / REQUESTS).write_text(text)
        stack = deployed(self.variant, **{**self.parameters, **parameters})
        project = stack.pipeline.resources["CodeBuildProject"].properties
        image = folder / "image"
        image.mkdir()
        machine = dict(self.run.index.environment)
        if real_python:
            (image / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
            machine |= {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
        else:
            (image / "python3").write_text(SHIM.format(python=sys.executable))
            (image / "python3").chmod(0o755)
        if self.world:
            machine["PACKAGE_GATE_GITHUB_HOST"] = self.world.server.host
            machine["PACKAGE_GATE_GITHUB_SCHEME"] = "http"
        path: list[Path | str] = [image, AWS_CLI, *os.environ["PATH"].split(":")]
        return run_build(project, checkout, folder, self.aws, path=path, machine=machine)

    def published(self) -> set[str]:
        """The packages, or branches, that the repository has."""
        if self.world:
            return set(self.world.git("for-each-ref", "--format=%(refname:lstrip=2)").split())
        return {key.package for key, there in self.aws.codeartifact.packages.items() if there}

    def untouched(self) -> bool:
        """Whether nothing was published, recorded or sent."""
        decided = [key for key in self.run.records() if key.startswith("decisions/")]
        return not (self.published() or decided or self.run.emails())


@contextmanager
def gate(
    variant: str, folder: Path, server: HTTPSServer, aws: AWS, bundle: tuple[str, bytes]
) -> Iterator[Gate]:
    """Deploy a variant, with the packages `app`, which needs `dep`, `holey`, and an archive."""
    index = PackageIndex(server)
    index.add_wheel("app", "1.0", ["dep>=1"])
    index.add_wheel("dep", "1.5")
    index.add_wheel("holey", "2.0")
    server.routes["/tool.zip"] = respond(zipped(SAMPLE))
    script = {"codeartifact": CODEARTIFACT, "github": GITHUB}[variant]
    digest, content = bundle
    parameters = {
        "GateBundle": f"gate/{digest}.tar.gz",
        "GateBundleSHA256": digest,
        "Scanners": "osv",
        "Advisories": f"s3://{BUCKET}/{SNAPSHOT}",
    }
    with ExitStack() as stack:
        world = None
        if variant == "github":
            (folder / "git").mkdir()
            world = stack.enter_context(github_world(folder / "git"))
        services = script_run(folder, index, aws, script, CODEARTIFACT_VARIABLES)
        run = stack.enter_context(services)
        aws.client("secretsmanager").create_secret(
            Name=str(COMMON["PrivateGitHubToken"]),
            SecretString=json.dumps({"token": TOKEN, "webhook": "hmac"}),
        )
        made = Gate(run, server, variant, parameters, folder, world)
        made.put(parameters["GateBundle"], content)
        made.put(SNAPSHOT, _snapshot("holey", "2.0"))
        yield made


def requests(server: HTTPSServer) -> str:
    """A request of each kind and one that is refused."""
    app, tool = "app,pypi:app,jo@example.com", f"tool,{server.url}/tool.zip"
    lines = [app, tool, "holey,pypi:holey,kim@example.com"]
    return "".join(f"{line}\n" for line in lines)


def executable(path: Path, text: str) -> None:
    """Write a program."""
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _snapshot(package: str, version: str) -> bytes:
    record: dict[str, Any] = {
        "id": "PYSEC-2026-1",
        "modified": "2026-01-01T00:00:00Z",
        "summary": "A hole.",
        "database_specific": {"severity": "HIGH"},
        "affected": [
            {"package": {"ecosystem": "PyPI", "name": package}, "versions": [version]},
        ],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{record['id']}.json", json.dumps(record))
    return buffer.getvalue()
