"""A deployed gate that builds can run in: the template's project, a bundle, and all services."""

import atexit
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from compileall import compile_dir
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from typing import Any

from tests import programs
from tests.aws_run import (
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
from tests.fakes.snyk_cli import TOKEN as TOKEN_OF_SNYK
from tests.fakes.snyk_cli import SnykCLI, install
from tests.local_run import POLICY, PROJECT
from tests.publishers.github_world import SAMPLE, TOKEN, World, github_world, zipped
from tests.templates.deployment import COMMON, deployed
from tests.templates.rendered import Rendered

REQUESTS = "external-package-request.csv"
SNAPSHOT = "advisories/all.zip"
IN_A_BUNDLE = (
    *("package_gate", CODEARTIFACT, GITHUB, "dependency-scan.py"),
    *("requirements/gate.txt", "scan-policy.toml", ".gitignore"),
    *("shell/stacks/bundle.sh", "shell/fetch-snyk.sh"),
)
_SHIM = """\
#!/bin/sh
# The image's Python; its environments have everything that the gate's requirements pin.
if [ "$*" = "-I -m venv venv" ]; then
  cp -R {compiled}/package_gate gate/
  mkdir -p venv/bin && cp "$0" venv/bin/python && exit
fi
case "$*" in
  "-I -m pip install "*" --require-hashes --only-binary :all: "*) exit ;;
  "-I -m pip "*) echo "pip would take what nobody has pinned: $*" >&2 && exit 64 ;;
esac
exec {python} "$@"
"""


@cache
def shim() -> str:
    """Give the image's Python, which need not compile the gate anew in each build.

    Of the bundle's modules it takes what is compiled of exactly their bytes (PEP 552).
    """
    folder = TemporaryDirectory(prefix="compiled-")
    atexit.register(folder.cleanup)
    compiled = Path(folder.name, "package_gate")
    shutil.copytree(
        PROJECT / "package_gate", compiled, ignore=shutil.ignore_patterns("__pycache__")
    )
    compile_dir(compiled, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    for path in compiled.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            path.unlink()
    return _SHIM.format(python=sys.executable, compiled=folder.name)


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


def repinned(bundle: tuple[str, bytes], program: bytes) -> tuple[str, bytes]:
    """Pin another program than Snyk's in a bundle; gives its SHA-256 and its bytes."""
    digest = hashlib.sha256(program).hexdigest()
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(bundle[1])) as before,
        tarfile.open(fileobj=packed, mode="w:gz") as after,
    ):
        for member in before.getmembers():
            content = before.extractfile(member)
            data = content.read() if content else b""
            if member.name == "shell/fetch-snyk.sh":
                data, replaced = re.subn(rb"(?<=digest=)[0-9a-f]{64}", digest.encode(), data)
                assert replaced == 1
            after.addfile(member, io.BytesIO(data) if content else None)
    return hashlib.sha256(packed.getvalue()).hexdigest(), packed.getvalue()


@dataclass
class OfferedSnyk:
    """The fake of Snyk's program as a build fetches it."""

    cli: SnykCLI
    image: Path
    """A folder for the build's `PATH`, whose `curl` fetches it."""
    bundle: tuple[str, bytes]
    """A bundle that pins it: SHA-256 and bytes."""

    @property
    def fetched(self) -> list[str]:
        """The arguments of each `curl`."""
        runs = self.image / "curl.runs"
        return runs.read_text().splitlines() if runs.exists() else []


def offer_snyk(
    folder: Path, aws: AWS, bundle: tuple[str, bytes], served: bytes = b""
) -> OfferedSnyk:
    """Let `curl` fetch a program that runs the fake, and keep a token at `/team/snyk`.

    Args:
        folder: an existing one.
        aws: where the token is kept.
        bundle: what the build would run otherwise.
        served: what `curl` gives instead of the program that is pinned.
    """
    (folder / "snyk").mkdir()
    cli = install(folder / "snyk")
    program = f'#!/bin/sh\nexec {sys.executable} {cli.folder}/snyk "$@"\n'.encode()
    image = folder / "programs"
    image.mkdir()
    (image / "served").write_bytes(served or program)
    executable(
        image / "curl",
        '#!/bin/sh\nprintf "%s\\n" "$*" >>"$0.runs"\n'
        'while [ "$1" != --output ]; do shift; done\ncp "${0%/*}/served" "$2"\n',
    )
    aws.client("ssm").put_parameter(Name="/team/snyk", Value=TOKEN_OF_SNYK, Type="SecureString")
    return OfferedSnyk(cli, image, repinned(bundle, program))


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
    programs: list[Path] = field(default_factory=list)
    """Folders with what the image has besides."""
    machine: dict[str, str] = field(default_factory=dict)
    """What builds find in their environment besides."""

    @property
    def aws(self) -> AWS:
        return self.run.aws

    def deploy(self, bundle: tuple[str, bytes]) -> None:
        """Let the next builds run this bundle: its SHA-256 and its bytes."""
        digest, content = bundle
        self.parameters |= {"GateBundle": f"gate/{digest}.tar.gz", "GateBundleSHA256": digest}
        self.put(self.parameters["GateBundle"], content)

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
        project = self.stack(**parameters).resources["CodeBuildProject"].properties
        return self.run_project(project, checkout, folder, real_python=real_python)

    def reevaluate(self, **parameters: str) -> Build:
        """Run a build of what schedule and rule start; it has no source."""
        self.builds += 1
        folder, nothing = self.folder / f"build{self.builds}", self.folder / f"no{self.builds}"
        folder.mkdir()
        nothing.mkdir()
        project = self.stack(**parameters).resources["ReevaluationProject"].properties
        return self.run_project(project, nothing, folder)

    def stack(self, **parameters: str) -> Rendered:
        """Give the nested stack with the pipeline and its projects."""
        return deployed(self.variant, **{**self.parameters, **parameters}).pipeline

    def run_project(
        self,
        project: Mapping[str, Any],
        checkout: Path,
        folder: Path,
        *,
        real_python: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> Build:
        """Run a build of one of the stacks' projects.

        Args:
            project: its properties.
            checkout: its source.
            folder: an empty one.
            real_python: as in `build`.
            variables: what `StartBuild` adds.
        """
        image = folder / "image"
        image.mkdir()
        machine = {**self.run.index.environment, **self.machine}
        if real_python:
            (image / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
            machine |= {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
            machine["PIP_NO_COMPILE"] = "1"  # it uses little of all that it installs
        else:
            (image / "python3").write_text(shim())
            (image / "python3").chmod(0o755)
        if self.world:
            machine["PACKAGE_GATE_GITHUB_HOST"] = self.world.server.host
        here = os.environ["PATH"].split(":")
        path: list[Path | str] = [image, *self.programs, programs.aws_cli(), *here]
        return run_build(
            project, checkout, folder, self.aws, path=path, machine=machine, variables=variables
        )

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
    parameters = {"Scanners": "osv", "Advisories": f"s3://{BUCKET}/{SNAPSHOT}"}
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
        made.deploy(bundle)
        made.put(SNAPSHOT, snapshot("holey", "2.0"))
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


def snapshot(package: str, version: str, identifier: str = "PYSEC-2026-1") -> bytes:
    """A snapshot with one record."""
    record: dict[str, Any] = {
        "id": identifier,
        "modified": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
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
