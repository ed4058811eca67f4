"""Comments, statuses and files at GitHub, against a server that answers as its API."""

import json
from collections.abc import Callable

import pytest

from package_gate.core.errors import NotifyError
from package_gate.net.session import Network
from package_gate.notifications.github import CommitState, GitHub
from tests.fakes.github_api import FakeGitHub
from tests.fakes.https_server import HTTPSServer, respond

MARK = "<!-- mark -->"


@pytest.fixture
def fake(server: HTTPSServer) -> FakeGitHub:
    return FakeGitHub(server)


def client(fake: FakeGitHub, token: str = "") -> GitHub:
    network = Network(ca_bundle=str(fake.server.ca_file))
    return GitHub(network, fake.url, token or fake.token, fake.repository)


def keep(fake: FakeGitHub, text: str, *, only_update: bool = False) -> None:
    client(fake).keep_comment(7, MARK, text, fake.account, only_update=only_update)


def test_there_is_one_comment_and_it_says_the_latest(fake: FakeGitHub) -> None:
    for _ in range(100):
        fake.add_comment("jo", "hello")
    keep(fake, "nothing", only_update=True)
    assert len(fake.comments) == 100
    keep(fake, "first")
    keep(fake, "second")  # it stands on the second page
    keep(fake, "third", only_update=True)
    assert [each["body"] for each in fake.comments[100:]] == [f"{MARK}\n\nthird"]


def test_a_comment_that_another_account_has_marked_is_left_alone(fake: FakeGitHub) -> None:
    fake.add_comment("mallory", f"{MARK}\n\nall approved")
    fake.add_comment(None, f"{MARK}\n\nall approved")
    fake.add_comment(fake.account, f"of another workflow: {MARK}")
    keep(fake, "refused")
    assert [each["body"] for each in fake.comments[2:]] == [
        f"of another workflow: {MARK}", f"{MARK}\n\nrefused",
    ]  # fmt: skip
    assert fake.comments[0]["body"].endswith("all approved")


def test_a_text_that_is_too_long_is_cut(fake: FakeGitHub) -> None:
    keep(fake, "x" * 100_000)
    assert len(fake.comments[0]["body"]) == 65_536


def test_a_file_is_read_as_it_is_at_a_revision(fake: FakeGitHub) -> None:
    fake.add_file("requests.csv", "team/branch&ref=main", b"\xff\r\n")
    assert client(fake).file("requests.csv", "team/branch&ref=main") == b"\xff\r\n"
    assert client(fake).file("requests.csv", "main") is None
    assert client(fake).file("other.csv", "main") is None


@pytest.mark.parametrize("answer", [b"{}", b'[{"id": "x"}]', b"\xff", b"<html>"])
def test_what_is_no_list_of_comments_is_an_error(fake: FakeGitHub, answer: bytes) -> None:
    fake.server.routes["/api/v3/repos/team/requests/issues/7/comments"] = respond(answer)
    with pytest.raises(NotifyError, match="none of its API"):
        keep(fake, "text")


def test_what_is_not_taken_is_told_without_the_token(fake: FakeGitHub) -> None:
    fake.add_commit("a" * 40)
    fake.add_file("requests.csv", "main", b"")
    wrong = client(fake, "ghs_another-canary")
    state = CommitState("success", "gate", "fine")
    attempts: list[Callable[[], object]] = [
        lambda: wrong.set_status("a" * 40, state),
        lambda: wrong.keep_comment(7, MARK, "text", fake.account),
        lambda: wrong.file("requests.csv", "main"),
    ]
    for attempt in attempts:
        with pytest.raises(NotifyError, match="401") as raised:
            attempt()
        assert "canary" not in str(raised.value)


def test_a_pull_request_with_too_many_comments_is_an_error(fake: FakeGitHub) -> None:
    page = json.dumps([{"id": 1, "body": "", "user": None}] * 100).encode()
    fake.server.routes["/api/v3/repos/team/requests/issues/7/comments"] = respond(page)
    with pytest.raises(NotifyError, match="more than 3000 comments"):
        keep(fake, "text")
