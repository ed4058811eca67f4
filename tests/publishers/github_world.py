"""What the tests of the GitHub publisher share: a server, a publisher, and packages."""

import hashlib
import io
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from package_gate.core.artifact import Artifact, ArtifactFile, Origin
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.publishers.github import GitHub, GitHubSettings
from package_gate.publishers.github_archives import Unpack
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage
from package_gate.records.turn import Turn
from tests import programs
from tests.fakes.git_server import GitServer, git_server, run_git

TOKEN = "github_pat_CANARY+/0123456789"
DECIDED = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
WITHDRAWN = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)

# A build backend inside the package itself, so that pip needs no network to build it.
BACKEND = b"""\
import pathlib, zipfile
def get_requires_for_build_wheel(config_settings=None):
    return []
def build_wheel(directory, config_settings=None, metadata_directory=None):
    filename = "sample-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory) / filename, "w") as wheel:
        wheel.write("sample.py")
        info = "sample-1.0.dist-info/"
        for name, lines in {
            "METADATA": ["Metadata-Version: 2.1", "Name: sample", "Version: 1.0"],
            "WHEEL": ["Wheel-Version: 1.0", "Root-Is-Purelib: true", "Tag: py3-none-any"],
            "RECORD": [],
        }.items():
            wheel.writestr(info + name, "\\n".join(lines))
    return filename
"""
SAMPLE = {
    "sample-master/pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\n'
    b'backend-path = ["."]\n',
    "sample-master/backend.py": BACKEND,
    "sample-master/sample.py": b"ANSWER = 42\r\n",
    "sample-master/docs/index.md": b"# Sample\n",
}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive with these files, the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def wheel(name: str, version: str, requires: str = "", payload: bytes = b"") -> tuple[str, bytes]:
    """A pure Python wheel: its file name and bytes."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n".encode(),
        f"{name}.bin": payload,
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    return f"{name}-{version}-py3-none-any.whl", zipped(files)


Fill = Callable[[Path, Path], object]
"""Makes a tree (second) of an archive (first)."""


def unzip(path: Path, tree: Path) -> None:
    """Unpack as the gate does, without its limits: these archives are the tests' own."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tree)


def unpacking(fill: Fill, scratch: Path) -> Unpack:
    """Unpack in this process, which is quick; `sandbox.unpacking` does it in one of its own."""

    @contextmanager
    def unpack(file: ArtifactFile) -> Iterator[Path]:
        with TemporaryDirectory(dir=scratch) as folder:
            tree = Path(folder, "tree")
            fill(file.path, tree)
            yield tree

    return unpack


def published(package: ApprovedPackage) -> PublishedPackage:
    """The package as its decision tells it."""
    return PublishedPackage(
        name=package.name,
        version=package.version,
        origin=package.origin,
        decided_at=package.decided_at,
        artifacts=tuple(file.artifact for file in package.files),
    )


def archive_request(name: str) -> Request:
    """The request of an archive."""
    return Request(name, ArchiveSource(f"https://code.test/{name}.zip"), "", 1)


def pypi_request(name: str, requirement: str) -> Request:
    """The request of a PyPI package."""
    return Request(name, PyPISource(requirement), "", 1)


@dataclass
class World:
    """A server with one empty repository, and a publisher for it."""

    folder: Path
    server: GitServer
    repository: Path
    settings: GitHubSettings

    def publisher(self, fill: Fill = unzip, unpack: Unpack | None = None, **changes: Any) -> GitHub:
        """A publisher, with other settings or another unpacking when they are given."""
        settings = replace(self.settings, **changes)
        unpack = unpack or unpacking(fill, settings.scratch)
        return GitHub(settings, unpack, Turn().ask, lambda: WITHDRAWN)

    def package(
        self,
        name: str,
        files: Sequence[tuple[str, bytes]],
        *,
        origin: Origin = Origin.PYPI,
        version: str = "1.0",
    ) -> ApprovedPackage:
        """An approved package whose files (name, bytes) lie on the disk."""
        folder = self.folder / "downloads"
        folder.mkdir(exist_ok=True)
        scanned = []
        for filename, content in files:
            digest = hashlib.sha256(content).hexdigest()
            path = folder / digest
            path.write_bytes(content)
            scanned.append(ArtifactFile(Artifact(filename, digest, len(content)), path))
        return ApprovedPackage(name, version, origin, DECIDED, tuple(scanned))

    def archive(
        self, name: str, files: Mapping[str, bytes], filename: str = "master.zip"
    ) -> ApprovedPackage:
        """An approved archive request."""
        content = zipped(files)
        return self.package(name, [(filename, content)], origin=Origin.ARCHIVE, version="v")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in the server's repository."""
        return run_git("-C", str(self.repository), *arguments, stdin=stdin)

    def files(self, branch: str) -> list[str]:
        """The paths on a branch."""
        listed = self.git("ls-tree", "-r", "-z", "--name-only", branch)
        return sorted(name for name in listed.split("\0") if name)

    def content(self, branch: str, path: str) -> bytes:
        """A file's bytes on a branch."""
        command = ["git", "-C", str(self.repository), "cat-file", "blob", f"{branch}:{path}"]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def commits(self, branch: str) -> int:
        """How many commits a branch has."""
        return int(self.git("rev-list", "--count", branch))

    def somebody_pushes(self, branch: str, message: str = "By hand") -> str:
        """Put a commit on a branch's tip and return its id."""
        parent = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()
        blob = self.git("hash-object", "-w", "--stdin", stdin=b"by hand\n").strip()
        tree = self.git("mktree", stdin=f"100644 blob {blob}\tnotes.txt\n".encode()).strip()
        parents = ["-p", parent] if parent else []
        commit = self.git("commit-tree", tree, *parents, "-m", message).strip()
        self.git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def pushes(self) -> int:
        """How many times something was pushed."""
        return self.server.count("POST /organisation/packages.git/git-receive-pack")

    def notebook(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run an install command as its reader does: in a shell, with pip and access to the
        repository, without network. What pip installs lands in `notebook/site`."""
        home = self.folder / "notebook"
        home.mkdir(exist_ok=True)
        nothing = home / "nothing"
        nothing.mkdir(exist_ok=True)
        netrc = home / ".netrc"
        netrc.write_text(f"machine localhost login reader password {TOKEN}\n")
        netrc.chmod(0o600)
        environment = {
            "PATH": f"{programs.pip()}:{os.environ['PATH']}",
            "HOME": str(home),
            "TMPDIR": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_SSL_CAINFO": str(self.server.ca_file),
            "GIT_SSL_CAPATH": str(nothing),  # or git reads all certificates of the system
            "GIT_TERMINAL_PROMPT": "0",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_INDEX_URL": "http://localhost:9/",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_TARGET": str(home / "site"),
        }
        return subprocess.run(
            ["sh", "-c", command],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @property
    def site(self) -> Path:
        """Where the notebook's pip installs."""
        return self.folder / "notebook" / "site"


@contextmanager
def github_world(folder: Path, **repository: Any) -> Iterator[World]:
    """Start a server with one empty repository (see `GitServer.create` for its options)."""
    scratch = folder / "scratch"
    scratch.mkdir()
    with git_server(folder / "server", TOKEN) as server:
        bare = server.create("organisation", "packages", **repository)
        settings = GitHubSettings(
            host=server.host,
            owner="organisation",
            repository="packages",
            username="gate-user",
            email="gate@example.test",
            token=TOKEN,
            scratch=scratch,
            ca_bundle=server.ca_file,
            program_path=os.environ["PATH"],
            pause_seconds=0.01,
        )
        yield World(folder, server, bare, settings)
