"""The result where the commit is: CodeCommit by botocore's model, GitHub by a real HTTPS server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from package_gate.core.errors import ConfigurationError, NotifyError
from package_gate.dependency_scan.commit_status import CodeCommitComment, GitHubStatus
from package_gate.dependency_scan.models import DependencyScan, Problem
from package_gate.net.session import Network
from package_gate.notifications.github import GitHub
from tests.dependency_scan.world import NOW
from tests.fakes.https_server import HTTPSServer, respond

COMMIT, BASE = "a" * 40, "b" * 40
TOKEN = "ghp_status-token-canary-5d2f"
CLEAN = DependencyScan(
    repository="team/app", branch="main", commit=COMMIT, author="Jo", closures=(), packages=(),
    problems=(), notes=(), proposals=(), unfixed=(), scanners=(), policy_digest="0" * 64,
    gate_version="0.2.0+g1a2b3c4d5e6f",
    started_at=NOW, finished_at=NOW,
)  # fmt: skip
UNDETERMINED = replace(
    CLEAN, problems=(Problem("a.txt", 3, "**It** is <b>no</b> requirement."),) * 500
)


@pytest.fixture
def codecommit() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client(
        "codecommit", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    with Stubber(client) as stubber:
        yield client, stubber
    client.close()


def test_a_pull_request_gets_a_comment(codecommit: tuple[Any, Stubber]) -> None:
    client, stubber = codecommit
    seen: list[dict[str, str]] = []
    client.meta.events.register(
        "provide-client-params.codecommit.*", lambda params, **_: seen.append(params)
    )
    stubber.add_response("post_comment_for_pull_request", {})
    CodeCommitComment(client, "app", COMMIT, BASE, "7").tell(UNDETERMINED, "", fails=True)
    stubber.assert_no_pending_responses()
    [given] = seen
    assert given["pullRequestId"] == "7"
    assert (given["beforeCommitId"], given["afterCommitId"]) == (BASE, COMMIT)
    assert given["content"].startswith("**Dependency scan: undetermined**")
    assert len(given["content"]) < 10_240
    # What comes from outside is indented, which Markdown shows as it is.
    assert all(line.startswith("    ") for line in given["content"].splitlines()[2:])


def test_a_commit_gets_a_comment_when_it_is_not_clean(codecommit: tuple[Any, Stubber]) -> None:
    client, stubber = codecommit
    comment = CodeCommitComment(client, "app", COMMIT, "", "")
    comment.tell(CLEAN, "", fails=True)
    stubber.add_response("post_comment_for_compared_commit", {})
    comment.tell(UNDETERMINED, "", fails=True)
    stubber.assert_no_pending_responses()
    stubber.add_client_error("post_comment_for_compared_commit", "CommitDoesNotExistException")
    with pytest.raises(NotifyError, match="CommitDoesNotExist"):
        comment.tell(UNDETERMINED, "", fails=True)


def status(server: HTTPSServer, **more: str) -> GitHubStatus:
    given = {
        "address": f"{server.url}/api/v3", "token": TOKEN, "repository": "team/app",
        "commit": COMMIT, **more,
    }  # fmt: skip
    commit = given.pop("commit")
    return GitHubStatus(GitHub(Network(ca_bundle=str(server.ca_file)), **given), commit)


@pytest.mark.parametrize(
    ("scan", "fails", "state"),
    [
        (CLEAN, True, "success"),
        (UNDETERMINED, True, "error"),
        (UNDETERMINED, False, "success"),
    ],
    ids=["clean", "undetermined", "report-only"],
)
def test_a_commit_gets_a_status(
    server: HTTPSServer, scan: DependencyScan, state: str, *, fails: bool
) -> None:
    bodies: list[dict[str, str]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        bodies.append(json.loads(handler.body))  # type: ignore[attr-defined]
        respond(b"{}", 201)(handler)

    server.routes[f"/api/v3/repos/team/app/statuses/{COMMIT}"] = answer
    status(server).tell(scan, "https://builds.test/1", fails=fails)
    [body] = bodies
    assert (body["state"], body["context"]) == (state, "dependency-scan")
    assert body["target_url"] == "https://builds.test/1"
    assert len(body["description"]) <= 140
    [(method, _, headers)] = server.requests
    assert (method, headers["Authorization"]) == ("POST", f"Bearer {TOKEN}")


@pytest.mark.parametrize("code", [200, 302, 401, 404, 500])
def test_an_answer_that_is_no_success_is_told_without_the_token(
    server: HTTPSServer, code: int
) -> None:
    server.routes[f"/api/v3/repos/team/app/statuses/{COMMIT}"] = respond(
        TOKEN.encode(), code, {"Location": f"{server.url}/elsewhere"}
    )
    with pytest.raises(NotifyError, match=str(code)) as raised:
        status(server).tell(CLEAN, "", fails=True)
    assert TOKEN not in str(raised.value)
    assert len(server.requests) == 1


def test_a_host_out_of_reach_is_told_without_the_token() -> None:
    unreachable = GitHubStatus(GitHub(Network(), "https://localhost:9", TOKEN, "team/app"), COMMIT)
    with pytest.raises(NotifyError, match="can't be reached") as raised:
        unreachable.tell(CLEAN, "", fails=True)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://api.test"}, {"repository": "app"}, {"repository": "../x/y"},
        {"commit": "main"}, {"token": "two words"},
    ],
    ids=range(5),
)  # fmt: skip
def test_malformed_settings_are_refused(server: HTTPSServer, wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        status(server, **wrong)
