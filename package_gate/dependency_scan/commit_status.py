"""The result where the commit is: a comment in CodeCommit, or a commit status at GitHub.

CodeCommit: `PostCommentForPullRequest` and `PostCommentForComparedCommit`
(https://docs.aws.amazon.com/codecommit/latest/APIReference/). It has no statuses.
GitHub: "Create a commit status" (https://docs.github.com/en/rest/commits/statuses).
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from package_gate.aws.errors import aws_errors
from package_gate.core.decision import Verdict
from package_gate.core.errors import ConfigurationError, NotifyError
from package_gate.core.text import one_line
from package_gate.dependency_scan.messages import comment, headline
from package_gate.dependency_scan.models import DependencyScan
from package_gate.net.session import HTTPSession, Network, NoAnswerError

CONTEXT = "dependency-scan"
SECONDS = 30
"""For GitHub's answer."""
_MAX_ANSWER = 1 << 20
"""Bytes."""
MAX_DESCRIPTION = 140
_STATES = {
    Verdict.APPROVED: "success",
    Verdict.REFUSED: "failure",
    Verdict.UNDECIDED: "error",
}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?")


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

    def __init__(
        self, network: Network, address: str, token: str, repository: str, commit: str
    ) -> None:
        """Make ready.

        Args:
            network: proxy and certificates.
            address: of the API, `https://api.github.com` or an Enterprise Server's `/api/v3`.
            token: with the right to write commit statuses.
            repository: `OWNER/NAME`.
            commit: its full SHA.

        Raises:
            ConfigurationError: one of them is malformed.
        """
        if not _ADDRESS.fullmatch(address):
            raise ConfigurationError(
                "PACKAGE_GATE_STATUS_API is malformed: the https:// address of GitHub's API."
            )
        if not _REPOSITORY.fullmatch(repository):
            raise ConfigurationError("PACKAGE_GATE_REPOSITORY must be OWNER/NAME for GitHub.")
        if not _COMMIT.fullmatch(commit):
            raise ConfigurationError("PACKAGE_GATE_COMMIT must be a commit's full SHA.")
        if not re.fullmatch(r"[!-~]{1,512}", token):
            raise ConfigurationError("The secret that PACKAGE_GATE_STATUS_TOKEN names is no token.")
        self._network = network
        self._token = token
        self._url = f"{address.rstrip('/')}/repos/{repository}/statuses/{commit}"

    def tell(self, scan: DependencyScan, report: str, *, fails: bool) -> None:
        """Set the status; one that must not hold anything up is a success whatever was found.

        Raises:
            NotifyError: GitHub did not take it.
        """
        text = headline(scan) if fails else f"Report only. {headline(scan)}"
        body = {
            "state": _STATES[scan.verdict] if fails else "success",
            "context": CONTEXT,
            "description": one_line(text, MAX_DESCRIPTION),
        }
        if _ADDRESS.match(report):
            body["target_url"] = report
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
        }
        try:
            with HTTPSession(
                self._network,
                wait_seconds=SECONDS,
                answer_seconds=SECONDS,
                answer_bytes=_MAX_ANSWER,
            ) as session:
                status = session.ask("POST", self._url, headers, json=body).status
        except NoAnswerError as error:
            raise NotifyError(f"GitHub can't be reached for the commit status: {error}.") from None
        if status != HTTPStatus.CREATED:
            raise NotifyError(
                f"GitHub answered {status} to the commit status. Check that the token "
                "may write commit statuses, and the names of repository and commit."
            )


CommitStatus = CodeCommitComment | GitHubStatus
