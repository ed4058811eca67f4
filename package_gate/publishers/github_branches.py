"""Branches of the private repository: their tips, and commits on them."""

import random
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from package_gate.core.errors import PublishError
from package_gate.publishers.git import Remote, Repository, Tip, repository
from package_gate.publishers.git_errors import TryAgainError
from package_gate.publishers.git_names import conflicting_branch
from package_gate.publishers.github_files import WITHDRAWN_FILE, is_ours, message, withdrawn_text
from package_gate.publishers.interface import PublishedPackage

T = TypeVar("T")

_ATTEMPTS = 4


class Branches:
    """The branches of one repository. They only move forward, by commits on their tip."""

    def __init__(
        self,
        remote: Remote,
        scratch: Path,
        pause_seconds: float,
        ask: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        """Connect to nothing yet.

        Args:
            remote: the repository.
            scratch: a folder for repositories that are thrown away.
            pause_seconds: before the second attempt, doubled for each further one, with jitter.
            ask: raises `TurnError` when it is not this run's turn to publish.
            now: the time (UTC).
        """
        self._ask = ask
        self.address = remote.address
        self._remote = remote
        self._scratch = scratch
        self._pause_seconds = pause_seconds
        self._now = now

    def repository(self) -> AbstractContextManager[Repository]:
        """Make a local repository for the length of a block."""
        return repository(self._remote, self._scratch)

    def page(self, branch: str) -> str:
        """Give the address of a branch's page."""
        return f"{self.address.removesuffix('.git')}/tree/{branch}"

    def tips(
        self, git: Repository, wanted: Callable[[str], bool], largest_file: int = 0
    ) -> dict[str, Tip]:
        """Fetch the tips of those branches of the remote that are wanted."""
        return self._persist(
            lambda: git.fetch([head for head in git.heads() if wanted(head)], largest_file)
        )

    def spelled(self, git: Repository, branch: str) -> str:
        """Give a lower-case branch as the remote spells it: earlier gates kept capitals."""
        heads = self._persist(git.heads)
        same = [head for head in heads if head.lower() == branch]
        return branch if branch in same else min(same, default=branch)

    def append(
        self,
        git: Repository,
        branch: str,
        tree: Callable[[Tip | None], str | None],
        text: str,
        when: datetime,
        *,
        only_ours: bool = True,
        largest_file: int = 0,
    ) -> bool:
        """Put a commit with this tree on a branch's tip, unless the tip has that tree already.

        Args:
            tree: takes the present tip (None for a branch that is not there) and gives the
                wanted tree's id, or None to leave the branch as it is.
            only_ours: whether a tip that the gate did not make is an error.
            largest_file: bytes; smaller files of the tip are fetched for `tree` to read.

        Returns:
            Whether the branch was moved.
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
                    f"{self._remote.path}. Delete that one, or give the request another name."
                )
            ask = self._ask if only_ours else _always  # a withdrawal is never wrong
            git.push(branch, git.commit(wanted, tip, text, when), ask)
            pushed.append(branch)

        pushed: list[str] = []
        self._persist(attempt)
        return bool(pushed)

    def empty(
        self,
        git: Repository,
        package: PublishedPackage,
        branches: Iterable[str],
        holds: Callable[[Tip], bool],
    ) -> bool:
        """Leave nothing but a notice on those of the branches that hold a package.

        Nothing is rewritten: the files stay in the history, for the record. This is done on top of
        other people's commits too, because a refused package must not be offered.

        Args:
            git: the local repository.
            package: what was refused.
            branches: where it may be.
            holds: whether it could be installed from a tip.

        Returns:
            Whether any of them did.
        """
        notice = git.write_tree({WITHDRAWN_FILE.encode(): git.write(withdrawn_text(package))})

        def emptied(tip: Tip | None) -> str | None:
            return notice if tip and holds(tip) else None

        text = message(f"{package.name} {package.version}: withdrawn", "withdrawn")
        moved = [
            self.append(git, branch, emptied, text, self._now(), only_ours=False)
            for branch in branches
        ]
        return any(moved)

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Try something again when a race was lost or the connection broke."""
        pause = self._pause_seconds
        for _ in range(_ATTEMPTS - 1):
            try:
                return attempt()
            except TryAgainError:
                time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 (jitter, no secret)
                pause *= 2
        return attempt()


def _always() -> None:
    """A turn that is not asked for."""
