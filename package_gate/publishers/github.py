"""Approved packages on branches of a private GitHub repository.

An archive request: branch `NAME`. The unpacked source is its root, so that
`pip install "git+https://HOST/OWNER/REPO.git@NAME"` works; the scanned archive stands beside it
at `.packages/NAME.zip` (its true extension; a wheel under its own name).

A PyPI request: branch `pypi/NAME`, or `pypi/NAME==VERSION` and the like: one for each requirement
(`git_names.pypi_request_branch`), with every file of its closure in `packages/`, their digests in
`SHA256SUMS`, and the closure pinned with hashes in `requirements.txt`. It is installed without any
index by

    git clone --depth 1 --branch pypi/NAME https://HOST/OWNER/REPO.git NAME &&
    pip install --no-index --find-links NAME/packages --require-hashes -r NAME/requirements.txt

When the closure has a package in several versions (one for each Python of the notebooks), which
pip takes in no requirements file, the files are checked first and pip chooses among them:

    … && (cd NAME && sha256sum --check --quiet SHA256SUMS) &&
    pip install --no-index --find-links NAME/packages 'REQUIREMENT'

Each package's files are uploaded once, to branch `pypi-packages/NAME/VERSION` (the same layout
without requirements); a request's branch only names them again. An sdist is built in the
notebook, which must have its build backend.

With a signer, what is signed about a file stands on the same branch: `attestations/FILE.vsa.json`,
beside an archive `.packages/FILE.vsa.json`. Which signatures count no more is on branch
`package-gate/standing-list`.

Branches only move forward, by commits on their tip. A branch whose tip the gate did not make is
somebody else's work and is left alone. Git keeps a withdrawn package in the branch's history; its
tip has nothing left to install.

What could act stays out of the commits. In a clone: `.git` folders, `.gitattributes`,
`.gitmodules`, `.lfsconfig`, in every spelling that a file system takes for them. At the server:
`.github` and what else GitHub, or a service that hears of the push, acts on at the root. The
commit message lists them. No file is a link or executable.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from package_gate.core.artifact import Origin
from package_gate.core.errors import ConfigurationError
from package_gate.core.standing_list import STANDING_LIST
from package_gate.publishers.git import Remote
from package_gate.publishers.git_names import STANDING_BRANCH
from package_gate.publishers.github_archives import GitHubArchives, Unpack
from package_gate.publishers.github_branches import Branches
from package_gate.publishers.github_files import message
from package_gate.publishers.github_pypi import GitHubPyPI
from package_gate.publishers.interface import PublisherByOrigin

PATTERNS = {
    "host": r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?",
    "owner": r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
    "repository": r"(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}",
    "username": r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
    "email": r"[^\s<>@\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,255}",
    "token": r"[!-~]{1,512}",
    "proxy": r"(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?)?",
}
"""Of the settings, by name."""


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
        for name, pattern in PATTERNS.items():
            if not re.fullmatch(pattern, getattr(self, name)):
                shown = "" if name in ("token", "proxy") else f" {getattr(self, name)!r}"
                raise ConfigurationError(f"The GitHub {name}{shown} is malformed or missing.")


class GitHub(PublisherByOrigin):
    """The publisher; see the module for what stands on which branch."""

    def __init__(
        self,
        settings: GitHubSettings,
        unpack: Unpack,
        ask: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Publish to one repository.

        Args:
            settings: which one.
            unpack: gives the tree of an archive.
            ask: raises `TurnError` when it is not this run's turn to publish.
            now: the time (UTC).
        """
        remote = Remote(
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
        branches = Branches(remote, settings.scratch, settings.pause_seconds, ask, now)
        self._branches = branches
        self._now = now
        archives = GitHubArchives(branches, unpack)
        super().__init__({Origin.PYPI: GitHubPyPI(branches), Origin.ARCHIVE: archives})

    def post_standing_list(self, content: bytes) -> None:
        """See `Publisher.post_standing_list`."""
        with self._branches.repository() as git:
            tree = git.write_tree({STANDING_LIST.encode(): git.write(content)})
            text = message("The standing list", "signed")
            self._branches.append(git, STANDING_BRANCH, lambda _: tree, text, self._now())
