"""Requests that come from CodeCommit: source, start and rights, in both variants."""

import json
from typing import Any

import pytest

from tests.templates.deployment import PIPELINE, VARIANTS, Deployment, deployed
from tests.templates.iam import Request, granted, role, service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.service_calls import CONNECTION, service_calls
from tests.templates.template import load

REQUESTS = "package-requests"
HERE = f"arn:aws:codecommit:{REGION}:{ACCOUNT}"
PUSH: dict[str, Any] = {
    "source": "aws.codecommit",
    "detail-type": "CodeCommit Repository State Change",
    "resources": [f"{HERE}:{REQUESTS}"],
    "detail": {"event": "referenceUpdated", "referenceType": "branch", "referenceName": "main"},
}
"""As CodeCommit's "Monitoring CodeCommit events" shows it, but for what no rule asks about."""


def gate(variant: str, **parameters: str) -> Deployment:
    without = {"PrivateGitHubToken": ""} if variant == "codeartifact" else {}
    return deployed(variant, CodeCommitRepository=REQUESTS, **without, **parameters)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("connection", ["", CONNECTION], ids=["alone", "beside a connection"])
def test_the_pipeline_pulls_from_codecommit_alone(variant: str, connection: str) -> None:
    stack = gate(variant, CodeConnectionArn=connection, PrivateGitHubBranch="release/2026").pipeline
    properties = stack.resources["CodePipeline"].properties
    (action,) = properties["Stages"][0]["Actions"]
    assert action["ActionTypeId"] == {
        "Category": "Source", "Owner": "AWS", "Provider": "CodeCommit", "Version": "1",
    }  # fmt: skip
    assert action["Configuration"] == {
        "RepositoryName": REQUESTS, "BranchName": "release/2026", "PollForSourceChanges": "false",
    }  # fmt: skip
    (build,) = properties["Stages"][1]["Actions"]
    assert build["InputArtifacts"] == action["OutputArtifacts"]
    assert "Triggers" not in properties
    assert "GithubWebhook" not in stack.resources
    assert "resolve:" not in json.dumps([each.properties for each in stack.resources.values()])


def matches(pattern: Any, event: Any) -> bool:
    """Tell whether a pattern of exact values matches an event, as EventBridge does."""
    if isinstance(pattern, dict):
        return all(name in event and matches(each, event[name]) for name, each in pattern.items())
    return bool(set(pattern) & set(event if isinstance(event, list) else [event]))


def test_a_push_to_the_branch_starts_the_pipeline_and_nothing_else_does() -> None:
    rule = gate("codeartifact").pipeline.resources["RequestsRule"].properties
    (target,) = rule["Targets"]
    assert target["Arn"] == f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}"
    assert target["RoleArn"] == gate("codeartifact").role("RequestsRole").arn
    assert rule["Name"] == f"{PIPELINE}-requests"
    pattern = rule["EventPattern"]
    assert matches(pattern, PUSH)
    changes: tuple[dict[str, Any], ...] = (
        {"source": "aws.codebuild"},
        {"resources": [f"{HERE}:another"]},
        {"detail-type": "CodeCommit Pull Request State Change"},
        *(
            {"detail": {**PUSH["detail"], **each}}
            for each in (
                {"event": "referenceDeleted"}, {"referenceType": "tag"},
                {"referenceName": "main2"},
            )
        ),
    )  # fmt: skip
    for change in changes:
        assert not matches(pattern, {**PUSH, **change}), change


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_the_services_do_is_allowed_and_what_is_granted_is_done(variant: str) -> None:
    deployment = gate(variant)
    calls = service_calls(deployment, variant)
    denied = [
        call.action
        for call in calls
        if not deployment.evaluate(call.caller, call.action, call.resource, call.context)
    ]
    assert denied == []
    for name in ("CodeServicesRole", "RequestsRole"):
        arn = deployment.role(name).arn
        done = [
            Request(each.caller, each.action, each.resource, each.context)
            for each in calls
            if each.caller.arn == arn
        ]
        for policy in deployment.policies[arn]:
            for statement in policy["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    one = {**policy, "Statement": [{**statement, "Action": action}]}
                    used = any(True for each in done for _ in granted(each, one, "identity"))
                    assert used, f"{name}: {action}"


def test_nobody_gets_more_of_codecommit() -> None:
    deployment = gate("codeartifact")
    pipeline, starter = deployment.role("CodeServicesRole"), deployment.role("RequestsRole")
    build = deployment.role("BuildRole")
    here, elsewhere = f"{HERE}:{REQUESTS}", f"{HERE}:{REQUESTS}-2"
    for caller, action, place in (
        (pipeline, "UploadArchive", elsewhere), (pipeline, "GitPush", here),
        (pipeline, "PutFile", here), (pipeline, "GitPull", here), (starter, "GetBranch", here),
        (build, "GitPull", here), (build, "GitPush", here), (build, "GetBranch", here),
    ):  # fmt: skip
        assert not deployment.evaluate(caller, f"codecommit:{action}", place), (action, place)
    start = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}"
    assert not deployment.evaluate(starter, "codepipeline:StartPipelineExecution", f"{start}-2")
    events, rule = "events.amazonaws.com", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PIPELINE}"
    for caller, source in (
        (service(events), f"{rule}-other"), (service(events, "999988887777"), f"{rule}-requests"),
        (role(f"arn:aws:iam::{ACCOUNT}:role/x"), f"{rule}-requests"),
    ):  # fmt: skip
        context: dict[str, str | list[str]] = {"aws:SourceArn": source}
        assert not deployment.evaluate(caller, "sts:AssumeRole", starter.arn, context)


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_it_nothing_of_it_is_there(variant: str) -> None:
    deployment = deployed(variant)
    assert not {"RequestsRole", "RequestsRule"} & set(deployment.pipeline.resources)
    pipeline = deployment.role("CodeServicesRole")
    assert not deployment.evaluate(pipeline, "codecommit:GetBranch", f"{HERE}:{REQUESTS}")


def test_the_requests_must_be_somewhere() -> None:
    rule = load("codeartifact-private-repo.yaml")["Rules"]["PullsSomehow"]
    told = [each["AssertDescription"] for each in rule["Assertions"]]
    assert len(told) == 2
    assert all("CodeCommitRepository" in each for each in told)
    rules = load("github-private-repo.yaml")["Rules"]
    assert "PullsSomehow" not in rules, "it publishes to GitHub in any case"
