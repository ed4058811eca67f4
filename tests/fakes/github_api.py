"""GitHub's REST API for one repository: statuses, comments of one pull request, files.

It answers as https://docs.github.com/en/rest says ("Create a commit status", "List issue comments",
"Create an issue comment", "Update an issue comment", "Get repository content"), and 401 without the
token, 422 for what those pages don't allow.
"""

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.https_server import HTTPSServer, Responder, respond

API = "/api/v3"
STATES = ("error", "failure", "pending", "success")


@dataclass
class FakeGitHub:
    """What a test sees of it."""

    server: HTTPSServer
    repository: str = "team/requests"
    token: str = "ghs_canary-of-a-workflow-77c1"
    number: int = 7
    account: str = "github-actions[bot]"
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Path and revision → content."""
    commits: set[str] = field(default_factory=set)
    statuses: list[dict[str, str]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._route(f"/issues/{self.number}/comments", self._issue)

    @property
    def url(self) -> str:
        return f"{self.server.url}{API}"

    def add_commit(self, sha: str) -> None:
        self.commits.add(sha)
        self._route(f"/statuses/{sha}", self._status)

    def add_file(self, path: str, revision: str, content: bytes) -> None:
        self.files[path, revision] = content
        self._route(f"/contents/{path}", self._content)

    def add_comment(self, author: str | None, body: str) -> dict[str, Any]:
        comment = {"id": 1000 + len(self.comments), "body": body, "created_at": "2026-11-29"}
        comment["user"] = {"login": author, "type": "User"} if author else None
        self.comments.append(comment)
        self._route(f"/issues/comments/{comment['id']}", self._update)
        return comment

    def _route(self, path: str, answer: Responder) -> None:
        def checked(handler: BaseHTTPRequestHandler) -> None:
            if handler.headers["Authorization"] != f"Bearer {self.token}":
                respond(b'{"message": "Bad credentials"}', 401)(handler)
                return
            answer(handler)

        self.server.routes[f"{API}/repos/{self.repository}{path}"] = checked

    def _status(self, handler: BaseHTTPRequestHandler) -> None:
        status = _body(handler)
        if handler.command != "POST" or status["state"] not in STATES:
            _answer(handler, {"message": "Validation Failed"}, 422)
            return
        if len(status["description"]) > 140:
            _answer(handler, {"message": "description is too long"}, 422)
            return
        status["sha"] = urlsplit(handler.path).path.rpartition("/")[2]
        self.statuses.append(status)
        _answer(handler, status, 201)

    def _content(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        assert handler.headers["Accept"] == "application/vnd.github.raw+json"
        path = parts.path.partition("/contents/")[2]
        content = self.files.get((path, parse_qs(parts.query)["ref"][0]))
        if content is None:
            _answer(handler, {"message": "Not Found"}, 404)
            return
        respond(content)(handler)

    def _issue(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "POST":
            body = _body(handler)["body"]
            if len(body) > 65_536:
                _answer(handler, {"message": "body is too long"}, 422)
                return
            _answer(handler, self.add_comment(self.account, body), 201)
            return
        query = parse_qs(urlsplit(handler.path).query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        assert size <= 100
        _answer(handler, self.comments[(page - 1) * size : page * size])

    def _update(self, handler: BaseHTTPRequestHandler) -> None:
        assert handler.command == "PATCH"
        wanted = int(urlsplit(handler.path).path.rpartition("/")[2])
        [comment] = [each for each in self.comments if each["id"] == wanted]
        comment["body"] = _body(handler)["body"]
        _answer(handler, comment)


def _body(handler: BaseHTTPRequestHandler) -> Any:
    return json.loads(handler.body)  # type: ignore[attr-defined]


def _answer(handler: BaseHTTPRequestHandler, document: object, status: int = 200) -> None:
    respond(json.dumps(document).encode(), status)(handler)
