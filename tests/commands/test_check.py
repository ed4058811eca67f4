"""`package-gate check`, as a workflow at GitHub starts it for a pull request."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests import preloaded
from tests.fakes.github_api import FakeGitHub
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import POLICY, PROJECT, LocalRun

HEAD, REQUESTS = "a" * 40, "external-package-request.csv"
BASE = "humanize,pypi:humanize\n"


@dataclass
class Check:
    """A pull request, and the workflow's folder."""

    local: LocalRun
    github: FakeGitHub
    event: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        repository = {"full_name": self.github.repository}
        self.event = {
            "number": 7,
            "pull_request": {
                "number": 7,
                "head": {"ref": "ask", "sha": HEAD, "repo": repository},
                "base": {"ref": "main", "sha": "b" * 40, "repo": repository},
            },
        }
        self.github.add_commit(HEAD)
        self.github.add_file(REQUESTS, "main", BASE.encode())

    def run(self, head: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        if head is not None:
            self.github.add_file(REQUESTS, HEAD, head.encode())
        self.local.command("")  # writes what a run needs
        (self.local.folder / "event.json").write_text(json.dumps(self.event))
        # What the repository says of a policy does not count: the gate's own does.
        (self.local.folder / "policy.toml").write_text(POLICY)
        environment = {
            **self.local.environ(),
            "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_PATH": str(self.local.folder / "event.json"),
            "GITHUB_REPOSITORY": self.github.repository,
            "GITHUB_RUN_ID": "4711",
            "GITHUB_SERVER_URL": "https://github.test",
            "GITHUB_TOKEN": self.github.token,
            **more,
        }
        return preloaded.run(
            [
                sys.executable, "-P", "-s", "-m", "package_gate", "check",
                "--policy", str(self.local.folder / "policy.toml"),
                "--advisories", str(self.local.advisories), "--scanners", "osv,ruff",
                "--output", str(self.local.output),
            ],
            env=environment,
            cwd=self.local.folder / "cwd",
        )  # fmt: skip

    @property
    def states(self) -> list[str]:
        return [status["state"] for status in self.github.statuses]


@pytest.fixture
def check(tmp_path: Path, server: HTTPSServer) -> Check:
    local = LocalRun(tmp_path, PackageIndex(server))
    return Check(local, FakeGitHub(server))


def test_new_lines_are_tried_and_told_in_one_comment_and_a_status(check: Check) -> None:
    for version in ("1.0", "1.1"):
        check.local.index.add_wheel("app", version)
    check.local.index.add_wheel("fine", "2.0")
    check.local.add_advisory("app", "1.0")
    done = check.run(f"{BASE}app,pypi:app==1.0\nfine;pypi:fine\n")
    assert done.returncode == 0, done.stderr
    assert check.states == ["pending", "failure"]
    last = check.github.statuses[-1]
    assert (last["context"], last["sha"]) == ("package-gate", HEAD)
    assert last["description"] == "0 approved, 1 refused, 0 undecided, 1 bad line"
    assert last["target_url"] == "https://github.test/team/requests/actions/runs/4711"
    [comment] = check.github.comments
    assert "**Line 2: refused**" in comment["body"]
    assert "Request instead:\n\n    app,pypi:app==1.1" in comment["body"]
    assert "**Line 3: can't be read**" in comment["body"]
    assert "humanize" not in comment["body"], "what is no new line"
    assert not (check.local.output / "simple").exists(), "nothing is published"
    assert check.github.token not in done.stdout + done.stderr

    done = check.run(f"{BASE}fine,pypi:fine\n")
    assert done.returncode == 0, done.stderr
    assert check.states[2:] == ["pending", "success"]
    [comment] = check.github.comments
    assert "**Line 2: would be approved**" in comment["body"]

    done = check.run(BASE)
    assert check.states[4:] == ["pending", "success"]
    assert "No line is new" in check.github.comments[0]["body"]


def test_no_more_than_some_lines_are_tried(check: Check) -> None:
    # Plain addresses that policy and guard refuse before anything is fetched.
    lines = "".join(f"a{n},https://10.0.0.1/{n}.zip\n" for n in range(22))
    done = check.run(BASE + lines)
    assert done.returncode == 0, done.stderr
    assert check.github.statuses[-1]["description"].endswith("20 refused, 0 undecided, 2 not tried")
    assert "2 new lines were not tried" in check.github.comments[0]["body"]
    assert "**Line 22: " not in check.github.comments[0]["body"]


@pytest.mark.parametrize("head", [{"full_name": "mallory/requests"}, None], ids=["fork", "gone"])
def test_a_pull_request_of_a_fork_is_not_looked_at(check: Check, head: object) -> None:
    check.event["pull_request"]["head"]["repo"] = head
    done = check.run(BASE)
    assert (done.returncode, check.states, check.github.comments) == (2, [], [])
    assert "is of a fork" in done.stderr


def test_what_can_not_be_found_out_is_no_success(check: Check) -> None:
    done = check.run()  # the request file is gone
    assert (done.returncode, check.states) == (1, ["pending", "error"])
    assert "has no external-package-request.csv" in done.stderr
    check.local.index.add_wheel("fine", "2.0")
    del check.github.server.routes["/api/v3/repos/team/requests/issues/7/comments"]
    done = check.run(f"{BASE}fine,pypi:fine\n")
    assert (done.returncode, check.states[2:]) == (1, ["pending", "error"])
    assert "GitHub answered 404 to the question for comments" in done.stderr


def test_without_an_event_nothing_is_begun(check: Check) -> None:
    done = check.run(BASE, GITHUB_EVENT_PATH="")
    assert (done.returncode, check.states) == (2, [])
    assert "pull_request_target" in done.stderr


def test_base_is_for_trying_only(check: Check) -> None:
    check.local.index.add_wheel("fine", "2.0")
    (check.local.folder / "base.csv").write_text(BASE)
    base = ("--base", str(check.local.folder / "base.csv"))
    done = check.local.run(BASE, *base)
    assert (done.returncode, "--base needs --dry-run" in done.stderr) == (2, True)
    assert check.local.run(f"{BASE}fine,pypi:fine\n", *base, "--dry-run").returncode == 0
    assert check.local.verdicts() == {"fine": "approved"}


def test_the_workflow_gives_a_pull_request_nothing_to_say() -> None:
    text = (PROJECT / "examples/pull-request-check/package-gate-check.yml").read_text()
    workflow = yaml.load(text, yaml.BaseLoader)  # texts only: `on` is no truth here
    assert set(workflow["on"]) == {"pull_request_target"}, "the base's workflow"
    assert workflow["on"]["pull_request_target"]["paths"] == [REQUESTS]
    rights = {"contents": "read", "pull-requests": "write", "statuses": "write"}
    assert workflow["permissions"] == rights
    job = workflow["jobs"]["check"]
    assert job["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    checkout, install, last = job["steps"]
    assert re.fullmatch("actions/checkout@[0-9a-f]{40}", checkout["uses"])
    assert checkout["with"]["ref"] == "COMMIT", "nothing of the pull request"
    assert "${{" not in install["run"] + last["run"], "no text of others in a script"
    assert last["env"] == {"GITHUB_TOKEN": "${{ github.token }}"}
    assert " -m package_gate check --policy scan-policy.toml --output report" in last["run"]
