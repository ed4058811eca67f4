"""The result where the commit is: a comment in CodeCommit, or a commit status at GitHub.

CodeCommit: `PostCommentForPullRequest` and `PostCommentForComparedCommit`
(https://docs.aws.amazon.com/codecommit/latest/APIReference/). It has no statuses.
GitHub: see `notifications.github`.
"""

from dataclasses import dataclass
from typing import Protocol

from package_gate.aws.errors import aws_errors
from package_gate.core.decision import Verdict
from package_gate.core.errors import NotifyError
from package_gate.dependency_scan.messages import comment, headline
from package_gate.dependency_scan.models import DependencyScan
from package_gate.notifications.github import CommitState, GitHub, checked_commit

CONTEXT = "dependency-scan"
_STATES = {
    Verdict.APPROVED: "success",
    Verdict.REFUSED: "failure",
    Verdict.UNDECIDED: "error",
}


class CodeCommitClient(Protocol):
    """What is used of boto3's client, which the pinned types don't hold."""

    def post_comment_for_pull_request(self, **arguments: str) -> object: ...  # noqa: D102
    def post_comment_for_compared_commit(self, **arguments: str) -> object: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class CodeCommitComment:
    """Comments on a pull request; without one on a commit that isn't clean."""

    client: CodeCommitClient
    repository: str
    commit: str
    base_commit: str
    """The pull request's destination, or the commit before; "" when nobody says."""
    pull_request: str
    """Its id; "" when the push belongs to none."""

    def tell(self, scan: DependencyScan, report: str, *, fails: bool) -> None:
        """Post the comment.

        Raises:
            NotifyError: CodeCommit did not take it.
        """
        text = comment(scan, report)
        with aws_errors("CodeCommit did not take the comment", NotifyError):
            if self.pull_request:
                self.client.post_comment_for_pull_request(
                    pullRequestId=self.pull_request,
                    repositoryName=self.repository,
                    beforeCommitId=self.base_commit,
                    afterCommitId=self.commit,
                    content=text,
                )
            elif scan.verdict is not Verdict.APPROVED:
                before = {"beforeCommitId": self.base_commit} if self.base_commit else {}
                self.client.post_comment_for_compared_commit(
                    repositoryName=self.repository,
                    afterCommitId=self.commit,
                    content=text,
                    **before,
                )


class GitHubStatus:
    """Sets a commit's status."""

    def __init__(self, github: GitHub, commit: str) -> None:
        """Make ready.

        Args:
            github: the repository; its token may write commit statuses.
            commit: its full SHA.

        Raises:
            ConfigurationError: it is no SHA.
        """
        self._github = github
        self._commit = checked_commit(commit)

    def tell(self, scan: DependencyScan, report: str, *, fails: bool) -> None:
        """Set the status; one that must not hold anything up is a success whatever was found.

        Raises:
            NotifyError: GitHub did not take it.
        """
        text = headline(scan) if fails else f"Report only. {headline(scan)}"
        state = _STATES[scan.verdict] if fails else "success"
        self._github.set_status(self._commit, CommitState(state, CONTEXT, text, report))


CommitStatus = CodeCommitComment | GitHubStatus
