"""GitHub's REST API: commit statuses, comments on pull requests, and a file of a repository.

"Create a commit status" (https://docs.github.com/en/rest/commits/statuses), "List issue comments",
"Create an issue comment" and "Update an issue comment"
(https://docs.github.com/en/rest/issues/comments; each pull request is an issue), "Get repository
content" (https://docs.github.com/en/rest/repos/contents).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import msgspec

from package_gate.core.errors import ConfigurationError, NotifyError
from package_gate.core.text import one_line
from package_gate.net.session import Answer, HTTPSession, Network, NoAnswerError

GITHUB_API = "https://api.github.com"
SECONDS = 30
"""For an answer."""
MAX_DESCRIPTION = 140
"""Characters that a status takes."""
MAX_COMMENT = 65_536
"""Characters that a comment takes: more answers 422."""
_MAX_ANSWER = 32 << 20
"""Bytes: a page of comments may have a hundred of `MAX_COMMENT` characters."""
_RETRIES = 2
"""Of what only reads: a session repeats nothing that writes."""
_PAGE, _MAX_PAGES = 100, 30
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?")


@dataclass(frozen=True, slots=True)
class CommitState:
    """A status of a commit."""

    state: str
    """`success`, `failure`, `error` or `pending`."""
    context: str
    """Whose it is: a commit has one for each."""
    description: str
    """One line; what is longer than `MAX_DESCRIPTION` is cut."""
    target: str = ""
    """Where there is more: an address, or "" for nowhere."""


@dataclass(frozen=True, slots=True)
class _User:
    login: str


@dataclass(frozen=True, slots=True)
class _Comment:
    id: int
    body: str | None = None
    user: _User | None = None
    """None of an account that is gone."""


class GitHub:
    """One repository at GitHub, as far as a token may see and change it."""

    def __init__(self, network: Network, address: str, token: str, repository: str) -> None:
        """Make ready.

        Args:
            network: proxy and certificates.
            address: of the API, `https://api.github.com` or an Enterprise Server's `/api/v3`.
            token: of an app, a person or a workflow.
            repository: `OWNER/NAME`.

        Raises:
            ConfigurationError: one of them is malformed.
        """
        if not _ADDRESS.fullmatch(address):
            raise ConfigurationError(
                "The address of GitHub's API is malformed: it is https://api.github.com, or "
                "https://HOST/api/v3 of an Enterprise Server."
            )
        if not _REPOSITORY.fullmatch(repository):
            raise ConfigurationError("The name of a repository at GitHub must be OWNER/NAME.")
        if not re.fullmatch(r"[!-~]{1,512}", token):
            raise ConfigurationError("The token for GitHub is no token.")
        self._network = network
        self._token = token
        self._url = f"{address.rstrip('/')}/repos/{repository}"

    def set_status(self, commit: str, state: CommitState) -> None:
        """Set a status of a commit; the newest of a context counts.

        Args:
            commit: its full SHA.
            state: what to say of it.

        Raises:
            ConfigurationError: it is no SHA.
            NotifyError: GitHub did not take it.
        """
        what = "the commit status"
        body = {
            "state": state.state,
            "context": state.context,
            "description": one_line(state.description, MAX_DESCRIPTION),
        }
        if _ADDRESS.match(state.target):
            body["target_url"] = state.target
        answer = self._ask("POST", f"/statuses/{checked_commit(commit)}", what, json=body)
        if answer.status != HTTPStatus.CREATED:
            raise NotifyError(
                f"GitHub answered {answer.status} to {what}. Check that the token may write commit "
                "statuses, and the names of repository and commit."
            )

    def file(self, path: str, revision: str) -> bytes | None:
        """Read a file of the repository; None when there is none.

        Args:
            path: in the repository.
            revision: a branch or a commit.

        Raises:
            NotifyError: it can't be read.
        """
        what = f"the question for {path}"
        place = f"/contents/{quote(path)}?ref={quote(revision, safe='')}"
        answer = self._ask("GET", place, what, accept="application/vnd.github.raw+json")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        self._check(answer, HTTPStatus.OK, what, "contents")
        return answer.body

    def keep_comment(
        self, number: int, mark: str, text: str, author: str, *, only_update: bool = False
    ) -> None:
        """Have one comment of ours on a pull request say something: the one that is there, or one.

        A mark alone proves nothing, as anybody can write it: what another account has written is
        left alone, because that account could change it again.

        Args:
            number: of the pull request.
            mark: begins the comment, and no other one of that author.
            text: what follows the mark; as Markdown.
            author: the account that the token's comments are by, such as `github-actions[bot]`.
            only_update: make none where there is none.

        Raises:
            NotifyError: GitHub did not take it.
        """
        what = "the comment"
        body = {"body": f"{mark}\n\n{text}"[:MAX_COMMENT]}
        for comment in self._comments(number):
            if (
                comment.user
                and comment.user.login == author
                and (comment.body or "")[: len(mark)] == mark
            ):
                answer = self._ask("PATCH", f"/issues/comments/{comment.id}", what, json=body)
                self._check(answer, HTTPStatus.OK, what, "pull requests")
                return
        if not only_update:
            answer = self._ask("POST", f"/issues/{number}/comments", what, json=body)
            self._check(answer, HTTPStatus.CREATED, what, "pull requests")

    def _comments(self, number: int) -> Iterator[_Comment]:
        what = "the question for comments"
        for page in range(1, _MAX_PAGES + 1):
            place = f"/issues/{number}/comments?per_page={_PAGE}&page={page}"
            answer = self._ask("GET", place, what)
            self._check(answer, HTTPStatus.OK, what, "pull requests")
            try:
                comments = msgspec.json.decode(answer.body, type=list[_Comment])
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise NotifyError(f"GitHub's answer to {what} is none of its API.") from None
            yield from comments
            if len(comments) < _PAGE:
                return
        raise NotifyError(f"The pull request has more than {_PAGE * _MAX_PAGES} comments.")

    def _check(self, answer: Answer, status: HTTPStatus, what: str, right: str) -> None:
        if answer.status != status:
            raise NotifyError(
                f"GitHub answered {answer.status} to {what}. Check the token's right to {right}, "
                "and the name of the repository."
            )

    def _ask(
        self,
        method: str,
        place: str,
        what: str,
        *,
        json: object = None,
        accept: str = "application/vnd.github+json",
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        try:
            with HTTPSession(
                self._network,
                wait_seconds=SECONDS,
                answer_seconds=SECONDS,
                answer_bytes=_MAX_ANSWER,
                retries=_RETRIES if method == "GET" else 0,
            ) as session:
                return session.ask(method, f"{self._url}{place}", headers, json=json)
        except NoAnswerError as error:
            raise NotifyError(f"GitHub can't be reached for {what}: {error}.") from None


def checked_commit(commit: str) -> str:
    """Give a commit's SHA back.

    Raises:
        ConfigurationError: it is none.
    """
    if not _COMMIT.fullmatch(commit):
        raise ConfigurationError("A commit at GitHub must be given by its full SHA.")
    return commit
