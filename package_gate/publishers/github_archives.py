"""Archives on branches of the private repository: the source at the root, the archive beside it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from package_gate.core.artifact import ArtifactFile
from package_gate.core.attestation import STATEMENT_SUFFIX
from package_gate.core.decision import PackageSummary
from package_gate.core.errors import PublishError, ScannerError
from package_gate.core.request import Request
from package_gate.publishers.git import Repository, Tip
from package_gate.publishers.git_names import ARCHIVE_FOLDER, archive_file, request_branch
from package_gate.publishers.github_branches import Branches
from package_gate.publishers.github_files import (
    WITHDRAWN_FILE,
    archive_command,
    archive_message,
    is_ours,
    published_digest,
)
from package_gate.publishers.github_trees import store_file, store_source
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage

Unpack = Callable[[ArtifactFile], AbstractContextManager[Path]]
"""Gives the tree of an archive for the length of a block, made in a process without credentials:
`sandbox.unpacking.unpacked`. Raises ScannerError when there is none."""


class GitHubArchives:
    """Approved archives on branches; implements `OriginPublisher`."""

    def __init__(self, branches: Branches, unpack: Unpack) -> None:
        """Publish to these branches."""
        self._branches = branches
        self._unpack = unpack

    def publish(self, package: ApprovedPackage) -> str:
        """Push the package's files to its branch and return the branch's page.

        Raises:
            PublishError: it failed, a file is over GitHub's limit, another digest stands under
                the same name, or the branch is somebody else's.
        """
        branch = request_branch(package.name)
        if len(package.files) != 1:
            raise PublishError(f"{package.name} must be one archive, not {len(package.files)}.")
        file = package.files[0]
        archive = f"{ARCHIVE_FOLDER}/{archive_file(package.name, file.artifact.filename)}"
        with self._branches.repository() as git:
            stored = store_file(git, file)
            try:
                with self._unpack(file) as source:
                    files, omitted = store_source(git, source)
            except ScannerError as error:
                raise PublishError(f"{package.name} could not be unpacked: {error}") from error
            files[archive.encode()] = stored

            def tree(tip: Tip | None) -> str:
                same = tip and published_digest(tip.message) == file.artifact.sha256
                signed = _statements(git, tip) if tip and same else {}
                return git.write_tree({**files, **signed})

            text = archive_message(package.name, file.artifact, omitted)
            self._branches.append(git, branch, tree, text, package.decided_at)
        return self._branches.page(branch)

    def attest(self, package: PublishedPackage, statement: bytes) -> None:
        """See `OriginPublisher.attest`.

        Raises:
            PublishError: it failed.
        """
        branch = request_branch(package.name)
        artifact = package.artifacts[0]
        archive = f"{ARCHIVE_FOLDER}/{archive_file(package.name, artifact.filename)}"
        with self._branches.repository() as git:
            tip = self._branches.tips(git, lambda head: head == branch).get(branch)
            if tip is None or published_digest(tip.message) != artifact.sha256:
                return
            signed = git.write(statement)

            def tree(tip: Tip | None) -> str | None:
                if tip is None or published_digest(tip.message) != artifact.sha256:
                    return None
                path = f"{archive}{STATEMENT_SUFFIX}".encode()
                return git.write_tree({**git.files(tip), path: signed})

            self._branches.append(git, branch, tree, tip.message, package.decided_at)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """Give the install command; the branch is complete once it is published.

        Raises:
            PublishError: the archive is not in the repository (any more).
        """
        package = packages[0]
        branch = request_branch(package.name)
        artifact = package.artifacts[0]
        with self._branches.repository() as git:
            tip = self._branches.tips(git, lambda head: head == branch).get(branch)
            if not tip or published_digest(tip.message) != artifact.sha256:
                raise PublishError(
                    f"Branch {branch} does not hold the archive with SHA-256 {artifact.sha256}. "
                    "Scan the request again to publish it."
                )
            root = git.entries(tip)
        archive = archive_file(package.name, artifact.filename)
        return archive_command(package.name, root, archive, self._branches.address)

    def repair(self, package: PackageSummary) -> None:
        """See `OriginPublisher.repair`: a push moves a branch as a whole, or not at all."""

    def restore(self, package: PublishedPackage) -> str:
        """See `OriginPublisher.restore`: what was withdrawn is gone."""
        return ""

    def withdraw(self, package: PublishedPackage) -> bool:
        """Leave nothing to install on the package's branch.

        Raises:
            PublishError: it failed.
        """
        branch = request_branch(package.name)
        with self._branches.repository() as git:
            return self._branches.empty(
                git, package, [branch], lambda tip: _holds(git, tip, package)
            )


def _holds(git: Repository, tip: Tip, package: PublishedPackage) -> bool:
    """Whether the archive could still be installed from a branch's tip.

    It could unless the branch is withdrawn, or the gate has published another archive of that name
    since.
    """
    if git.entries(tip).keys() == {WITHDRAWN_FILE}:
        return False
    return not is_ours(tip.message) or published_digest(tip.message) == package.artifacts[0].sha256


def _statements(git: Repository, tip: Tip) -> dict[bytes, str]:
    """Give what is signed about a branch's archive: path → object id."""
    if ARCHIVE_FOLDER not in git.entries(tip):
        return {}
    entries = git.entries(tip, ARCHIVE_FOLDER)
    return {
        f"{ARCHIVE_FOLDER}/{name}".encode(): blob
        for name, blob in entries.items()
        if name.endswith(STATEMENT_SUFFIX)
    }
