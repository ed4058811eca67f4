"""Approved packages on branches of a private GitHub repository.

An archive request: branch `NAME`. The unpacked source is its root, so that
`pip install "git+https://HOST/OWNER/REPO.git@NAME"` works; the scanned archive stands beside it
at `.packages/NAME.zip` (its true extension; a wheel under its own name).

A PyPI request: branch `pypi/NAME`, with every file of its closure in `packages/`, their digests
in `SHA256SUMS`, and the closure pinned with hashes in `requirements.txt`. It is installed without
any index by

    git clone --depth 1 --branch pypi/NAME https://HOST/OWNER/REPO.git NAME &&
    pip install --no-index --find-links NAME/packages --require-hashes -r NAME/requirements.txt

When the closure has a package in several versions (one for each Python of the notebooks), which
pip takes in no requirements file, the files are checked first and pip chooses among them:

    … && (cd NAME && sha256sum --check --quiet SHA256SUMS) &&
    pip install --no-index --find-links NAME/packages 'REQUIREMENT'

Each package's files are uploaded once, to branch `pypi-packages/NAME/VERSION` (the same layout
without requirements); a request's branch only names them again. An sdist is built in the
notebook, which must have its build backend.

Branches only move forward, by commits on their tip. A branch whose tip the gate did not make is
somebody else's work and is left alone. Git keeps a withdrawn package in the branch's history; its
tip has nothing left to install.

What could act in a clone stays out of the commits: `.git` folders, `.gitattributes`,
`.gitmodules`, `.lfsconfig`, in every spelling that a file system takes for them. The commit
message lists them. No file is a link or executable.
"""

import os
import random
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from package_gate.core.artifact import ArtifactFile, Origin
from package_gate.core.errors import ConfigurationError, PublishError, ScannerError
from package_gate.core.request import Request
from package_gate.publishers.git import Remote, Repository, Tip, repository
from package_gate.publishers.git_errors import TryAgainError
from package_gate.publishers.git_names import (
    ARCHIVE_FOLDER,
    PYPI_REQUESTS,
    archive_file,
    checked_file,
    conflicting_branch,
    pypi_package_branch,
    pypi_request_branch,
    request_branch,
)
from package_gate.publishers.github_files import (
    REQUIREMENTS_FILE,
    WITHDRAWN_FILE,
    archive_command,
    archive_message,
    is_ours,
    message,
    published_digest,
    pypi_command,
    requirements_text,
    withdrawn_text,
)
from package_gate.publishers.github_trees import (
    SMALL_FILE,
    files_tree,
    holds,
    published_files,
    store_file,
    store_source,
)
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage

T = TypeVar("T")

Unpack = Callable[[ArtifactFile], AbstractContextManager[Path]]
"""Gives the tree of an archive for the length of a block, made in a process without credentials:
`sandbox.unpacking.unpacked`. Raises ScannerError when there is none."""

_ATTEMPTS = 4

_PATTERNS = {
    "host": r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?",
    "owner": r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
    "repository": r"(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}",
    "username": r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
    "email": r"[^\s<>@\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,255}",
    "token": r"[!-~]{1,512}",
    "proxy": r"(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?)?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSettings:
    """Which repository, and who writes to it.

    Raises:
        ConfigurationError: a value is malformed; it is named before anything is started.
    """

    owner: str
    repository: str
    username: str
    """The token's user; also the author of the commits."""
    email: str
    """The author's address, stored in every commit."""
    token: str = field(repr=False)
    """A personal access token or an installation token with write access to the contents."""
    scratch: Path
    """A folder for repositories that are thrown away; it must allow programs to be started."""
    host: str = "github.com"
    """Or a GitHub Enterprise host."""
    scheme: str = "https"
    """`http` is for tests on localhost."""
    ca_bundle: Path | None = None
    """PEM file with the authorities to trust in place of the system's."""
    proxy: str = ""
    """`http://HOST:PORT`, or "" for none; without credentials."""
    program_path: str = os.defpath
    """`PATH` on which git is looked for."""
    timeout_seconds: float = 900.0
    """One git command, by the clock."""
    pause_seconds: float = 1.0
    """Before the second attempt, doubled for each further one, with jitter."""

    def __post_init__(self) -> None:
        for name, pattern in _PATTERNS.items():
            if not re.fullmatch(pattern, getattr(self, name)):
                shown = "" if name in ("token", "proxy") else f" {getattr(self, name)!r}"
                raise ConfigurationError(f"The GitHub {name}{shown} is malformed or missing.")
        local = self.host.split(":")[0] in ("localhost", "127.0.0.1")
        if self.scheme != "https" and not (self.scheme == "http" and local):
            raise ConfigurationError("The GitHub token is sent over https only.")


class GitHub:
    """The publisher; see the module for what stands on which branch."""

    def __init__(
        self,
        settings: GitHubSettings,
        unpack: Unpack,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._unpack = unpack
        self._now = now
        self._remote = Remote(
            scheme=settings.scheme,
            host=settings.host,
            path=f"{settings.owner}/{settings.repository}",
            username=settings.username,
            email=settings.email,
            token=settings.token,
            ca_bundle=settings.ca_bundle,
            proxy=settings.proxy,
            program_path=settings.program_path,
            timeout_seconds=settings.timeout_seconds,
        )

    def publish(self, package: ApprovedPackage) -> str:
        """Push the package's files to its branch and return the branch's page.

        Raises:
            PublishError: it failed, a file is over GitHub's limit, another digest stands under
                the same name, or the branch is somebody else's.
        """
        if package.origin is Origin.ARCHIVE:
            return self._publish_archive(package)
        return self._publish_files(package)

    def _publish_archive(self, package: ApprovedPackage) -> str:
        branch = request_branch(package.name)
        if len(package.files) != 1:
            raise PublishError(f"{package.name} must be one archive, not {len(package.files)}.")
        file = package.files[0]
        archive = f"{ARCHIVE_FOLDER}/{archive_file(package.name, file.artifact.filename)}"
        with self._repository() as git:
            stored = store_file(git, file)
            try:
                with self._unpack(file) as source:
                    files, omitted = store_source(git, source)
            except ScannerError as error:
                raise PublishError(f"{package.name} could not be unpacked: {error}") from error
            tree = git.write_tree({**files, archive.encode(): stored})
            text = archive_message(package.name, file.artifact, omitted)
            self._append(git, branch, lambda _: tree, text, package.decided_at)
        return self._page(branch)

    def _publish_files(self, package: ApprovedPackage) -> str:
        branch = pypi_package_branch(package.name, package.version)
        digests = {checked_file(f.artifact.filename): f.artifact.sha256 for f in package.files}
        with self._repository() as git:
            stored = {f.artifact.filename: store_file(git, f) for f in package.files}

            def tree(tip: Tip | None) -> str:
                known, blobs = published_files(git, branch, tip)
                for name in stored.keys() & known.keys():
                    if digests[name] != known[name] or stored[name] != blobs[name]:
                        raise PublishError(
                            f"{name} was approved with SHA-256 {digests[name]}, but branch "
                            f"{branch} already holds other bytes (said to be {known[name]}). "
                            "Find out why; delete the branch to publish the approved ones."
                        )
                return files_tree(git, {**known, **digests}, {**blobs, **stored})

            text = message(f"{package.name} {package.version}: approved", "published")
            when = package.decided_at
            self._append(git, branch, tree, text, when, largest_file=SMALL_FILE)
        return self._page(branch)

    def offer(self, request: Request, packages: Sequence[PublishedPackage]) -> str:
        """Write a PyPI request's branch from files already there, and return the install command.

        An archive request's branch is complete once it is published; it is only looked at.

        Args:
            request: the approved request.
            packages: its closure, the requested package first.

        Raises:
            PublishError: it failed, or a package is not in the repository (any more).
        """
        if packages[0].origin is Origin.ARCHIVE:
            return self._offer_archive(packages[0])
        branch = pypi_request_branch(request.name)
        command = pypi_command(request, packages, self._remote.address, branch)
        with self._repository() as git:
            digests, blobs = self._closure(git, packages)
            extra = {}
            if (requirements := requirements_text(packages, command)) is not None:
                extra[REQUIREMENTS_FILE] = git.write(requirements)
            tree = files_tree(git, digests, blobs, extra)
            when = max(package.decided_at for package in packages)
            text = message(f"{request.name}: approved with its dependencies", "offered")
            self._append(git, branch, lambda _: tree, text, when)
        return command

    def _closure(
        self, git: Repository, packages: Sequence[PublishedPackage]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The digests and object ids of a closure's files, by file name."""
        branches = [pypi_package_branch(package.name, package.version) for package in packages]
        tips = self._tips(git, lambda head: head in branches, SMALL_FILE)
        digests, blobs = {}, {}
        for package, branch in zip(packages, branches, strict=True):
            known, stored = published_files(git, branch, tips.get(branch))
            for artifact in package.artifacts:
                name = checked_file(artifact.filename)
                if known.get(name) != artifact.sha256:
                    raise PublishError(
                        f"{name} with SHA-256 {artifact.sha256} is not on branch {branch}. "
                        "Scan the request again to publish it."
                    )
                digests[name], blobs[name] = artifact.sha256, stored[name]
        return digests, blobs

    def _offer_archive(self, package: PublishedPackage) -> str:
        branch = request_branch(package.name)
        artifact = package.artifacts[0]
        with self._repository() as git:
            tip = self._tips(git, lambda head: head == branch).get(branch)
            if not tip or published_digest(tip.message) != artifact.sha256:
                raise PublishError(
                    f"Branch {branch} does not hold the archive with SHA-256 {artifact.sha256}. "
                    "Scan the request again to publish it."
                )
            root = git.entries(tip)
        archive = archive_file(package.name, artifact.filename)
        return archive_command(package.name, root, archive, self._remote.address)

    def withdraw(self, package: PublishedPackage) -> None:
        """Leave nothing to install on the branches that hold the package.

        The package's own branch, and the branch of every PyPI request whose closure it is in,
        get a commit with nothing but a notice. Nothing is rewritten: the files stay in the
        history, for the record. This is done on top of other people's commits too, because a
        refused package must not be offered.

        Raises:
            PublishError: it failed.
        """
        with self._repository() as git:
            notice = git.write_tree({WITHDRAWN_FILE.encode(): git.write(withdrawn_text(package))})

            def emptied(tip: Tip | None) -> str | None:
                return notice if tip and holds(git, tip, package) else None

            text = message(f"{package.name} {package.version}: withdrawn", "withdrawn")
            for branch in self._branches_to_empty(git, package):
                self._append(git, branch, emptied, text, self._now(), only_ours=False)

    def finish(self) -> None:
        """See `Publisher.finish`: there is nothing left to do."""

    def _branches_to_empty(self, git: Repository, package: PublishedPackage) -> list[str]:
        """The requests' branches first: those are what people install from."""
        if package.origin is Origin.ARCHIVE:
            return [request_branch(package.name)]
        tips = self._tips(git, lambda head: head.startswith(f"{PYPI_REQUESTS}/"))
        holding = [branch for branch, tip in tips.items() if holds(git, tip, package)]
        return [*holding, pypi_package_branch(package.name, package.version)]

    def _tips(
        self, git: Repository, wanted: Callable[[str], bool], largest_file: int = 0
    ) -> dict[str, Tip]:
        """Fetch the tips of those branches of the remote that are wanted."""
        return self._persist(
            lambda: git.fetch([head for head in git.heads() if wanted(head)], largest_file)
        )

    def _append(
        self,
        git: Repository,
        branch: str,
        tree: Callable[[Tip | None], str | None],
        text: str,
        when: datetime,
        *,
        only_ours: bool = True,
        largest_file: int = 0,
    ) -> None:
        """Put a commit with this tree on a branch's tip, unless the tip has that tree already.

        Args:
            tree: takes the present tip (None for a branch that is not there) and gives the
                wanted tree's id, or None to leave the branch as it is.
            only_ours: whether a tip that the gate did not make is an error.
            largest_file: bytes; smaller files of the tip are fetched for `tree` to read.
        """
        git.check_branch(branch)

        def attempt() -> None:
            heads = git.heads()
            tip = git.fetch({branch} & heads.keys(), largest_file).get(branch)
            if tip and only_ours and not is_ours(tip.message):
                raise PublishError(
                    f"Commit {tip.commit} on branch {branch} of {self._remote.path} is not "
                    "the gate's. Move that work to another branch and delete this one."
                )
            wanted = tree(tip)
            if wanted is None or (tip and tip.tree == wanted):
                return
            if not tip and (other := conflicting_branch(branch, heads)):
                raise PublishError(
                    f"Branch {branch} can't stand beside branch {other} of "
                    f"{self._remote.path}; give the request another name."
                )
            git.push(branch, git.commit(wanted, tip, text, when))

        self._persist(attempt)

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Try something again when a race was lost or the connection broke."""
        pause = self._settings.pause_seconds
        for _ in range(_ATTEMPTS - 1):
            try:
                return attempt()
            except TryAgainError:
                time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 (jitter, no secret)
                pause *= 2
        return attempt()

    def _repository(self) -> AbstractContextManager[Repository]:
        return repository(self._remote, self._settings.scratch)

    def _page(self, branch: str) -> str:
        return f"{self._remote.address.removesuffix('.git')}/tree/{branch}"
