"""The dependency scan's buildspec runs: rendered, as CodeBuild does, with a real bundle."""

import json
import sys
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.session import get_session
from botocore.validate import ParamValidator

from tests.canaries import traces
from tests.fakes import snyk_cli
from tests.fakes.aws import ACCESS_KEY_ID, AWS, SECRET_ACCESS_KEY
from tests.fakes.https_server import HTTPSServer, respond
from tests.templates.build_world import OfferedSnyk, copy_of_project, make_bundle, offer_snyk
from tests.templates.scan_world import (
    BASE,
    BUCKET,
    COMMIT,
    PULL_REQUEST,
    PUSH,
    STACK,
    Scan,
    report,
    scan_stack,
    start_build,
)

HOLE = {"requirements.txt": "web\n"}
CLEAN = {"requirements.txt": "deep==0.9\n"}
PASSED = dict.fromkeys(
    ("install", "pre_build", "build", "post_build", "upload_artifacts"), "SUCCEEDED"
)
FAILED = {**PASSED, "build": "FAILED"}
REPORTS = {"dependencies.json", "findings.sarif", "junit.xml", "report.html"}
SECRETS = {
    "the AWS key's id": ACCESS_KEY_ID,
    "the AWS key": SECRET_ACCESS_KEY,
    "Snyk's token": snyk_cli.TOKEN,
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """The scan's bundle: its SHA-256 and its bytes."""
    folder = tmp_path_factory.mktemp("bundle")
    output = folder / "bundle.tar.gz"
    digest = make_bundle(copy_of_project(folder / "project"), output)
    return digest, output.read_bytes()


@pytest.fixture
def scan(tmp_path: Path, server: HTTPSServer, aws: AWS, bundle: tuple[str, bytes]) -> Scan:
    return Scan(tmp_path, server, aws, bundle)


def emails(aws: AWS) -> list[tuple[str, dict[str, str]]]:
    """Subject and attributes of all that the topic was handed."""
    answer = requests.get(f"{aws.moto_url}/moto-api/data.json", timeout=30).json()
    return [
        (subject, {name: value["Value"] for name, value in attributes.items()})
        for topic in answer["sns"]["Topic"]
        for _, _, subject, attributes, _ in topic["sent_notifications"]
    ]


def test_a_push_at_github_is_scanned_reported_and_fails_on_findings(scan: Scan) -> None:
    webhook = {
        "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/fix/1",
        "CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID": "4711",
    }
    build = scan.build(HOLE, given=webhook)
    assert build.phases == FAILED, build.log
    assert set(build.artifacts) >= REPORTS
    assert b"deep==0.9" in build.artifacts["proposed/requirements.txt"]
    found = report(build)
    assert found["gate_version"].endswith(f"(bundle sha256:{scan.bundle[0]})")
    assert (found["repository"], found["branch"]) == ("organisation/app", "fix/1")
    assert (found["commit"], found["author"]) == (COMMIT, "4711")
    assert {p["name"]: p["verdict"] for p in found["packages"]}["deep"] == "refused"
    ((group, (junit,)),) = build.reports.items()
    assert group.endswith(f":report-group/{STACK}-dependencies")
    assert ET.fromstring(junit).get("failures") == "1"
    ((subject, attributes),) = emails(scan.aws)
    assert subject.startswith("[dependency scan] organisation/app fix/1: refused")
    assert (attributes["branch"], attributes["author"]) == ("fix/1", "4711")
    assert traces(SECRETS, {"log": build.log.encode(), **build.artifacts}) == []


def test_a_clean_repository_passes_and_report_only_passes_whatever_is_found(scan: Scan) -> None:
    build = scan.build(CLEAN)
    assert build.phases == PASSED, build.log
    build = scan.build(HOLE, FailOnFindings="report-only")
    assert build.phases == PASSED, build.log
    assert report(build)["verdict"] == "refused"


@pytest.mark.parametrize("how", ["one more byte", "empty", "missing"])
def test_a_tampered_bundle_stops_the_build_before_anything_of_it_runs(how: str, scan: Scan) -> None:
    key = f"gate/{scan.bundle[0]}.tar.gz"
    if how == "missing":
        scan.aws.client("s3").delete_object(Bucket=BUCKET, Key=key)
    else:
        scan.put(key, b"" if how == "empty" else scan.bundle[1] + b"\0")
    build = scan.build(CLEAN)
    assert build.phases == {"install": "FAILED"}
    assert how == "missing" or "Nothing of it was run" in build.log
    assert not (scan.scratch / "gate").exists()
    assert not (scan.scratch / "venv").exists()
    assert emails(scan.aws) == []


def test_a_hostile_repository_changes_nothing(scan: Scan, tmp_path: Path) -> None:
    """It is data: nothing of it is run, and no tool takes its settings from it."""
    canary = tmp_path / "canary"
    sing = f"#!{sys.executable}\nopen({str(canary)!r}, 'w')\n"
    programs = (
        *("setup.py", "sitecustomize.py", "usercustomize.py", "json.py", "conftest.py", "pip.py"),
        *(
            "dependency-scan.py",
            "package_gate/__init__.py",
            "package_gate/commands/dependencies.py",
        ),
        *("gate/dependency-scan.py", "venv/bin/python", "aws", "npm", "python3", "sha256sum"),
        *("report/junit.xml", ".git/hooks/post-checkout"),
    )
    evil = "https://evil.test/"
    settings = {
        "buildspec.yml": f"version: 0.2\nphases: {{build: {{commands: [touch {canary}]}}}}\n",
        "scan-policy.toml": '[refuse]\nvulnerability = "never"\n',
        "pip.conf": f"[global]\nindex-url = {evil}\n",
        "uv.toml": f'index-url = "{evil}"\n',
        ".npmrc": f"registry={evil}\n",
        ".netrc": "default login a password b\n",
        ".aws/config": f"[default]\nendpoint_url = {evil}\n",
        ".python-version": "../../../../x\n",
        "-rf": "",
        "new\nline": "",
    }
    files = {**dict.fromkeys(programs, sing), **settings, **HOLE}
    build = scan.build(files)
    assert build.phases == FAILED, build.log
    found = report(build)
    assert {p["name"]: p["verdict"] for p in found["packages"]}["deep"] == "refused"
    assert not canary.exists()
    assert sing.encode() not in b"".join(build.artifacts.values())
    assert "evil.test" not in build.log
    left = {str(p.relative_to(build.source)) for p in build.source.rglob("*") if p.is_file()}
    assert left == set(files)


def test_codecommit_gets_the_result_as_a_comment(scan: Scan, server: HTTPSServer) -> None:
    """From the events to the comments, by the rules of the template."""
    model = get_session().get_service_model("codecommit")
    posted: list[tuple[str, dict[str, Any]]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        operation = handler.headers["X-Amz-Target"].rpartition(".")[2]
        given = json.loads(handler.body)  # type: ignore[attr-defined]
        shape = model.operation_model(operation).input_shape
        assert shape
        assert not ParamValidator().validate(given, shape).has_errors()
        posted.append((operation, given))
        respond(b"{}")(handler)

    server.routes["/"] = answer
    scan.machine = {
        "AWS_ENDPOINT_URL_CODECOMMIT": server.url,
        "AWS_CA_BUNDLE": str(server.ca_file),
    }
    rules = scan_stack("codecommit").resources
    for name, event in (("PullRequestRule", PULL_REQUEST), ("PushRule", PUSH)):
        told = start_build(rules[name].properties, event)
        variables = told["environmentVariablesOverride"]
        build = scan.build(HOLE, "codecommit", {each["name"]: each["value"] for each in variables})
        assert build.phases == FAILED, build.log
    assert report(build)["branch"] == 'fix/"quoted"'
    (first, on_request), (second, on_commit) = posted
    assert first == "PostCommentForPullRequest"
    assert on_request["pullRequestId"] == "7"
    assert (on_request["beforeCommitId"], on_request["afterCommitId"]) == (BASE, COMMIT)
    assert second == "PostCommentForComparedCommit"
    assert on_commit["afterCommitId"] == COMMIT
    assert on_commit["content"].startswith("**Dependency scan: refused**")
    assert [attributes["branch"] for _, attributes in emails(scan.aws)] == ["fix", 'fix/"quoted"']


def with_snyk(scan: Scan, folder: Path, served: bytes = b"") -> OfferedSnyk:
    offered = offer_snyk(folder, scan.aws, scan.bundle, served)
    scan.programs = [offered.image]
    scan.deploy(offered.bundle)
    return offered


def test_snyk_scans_and_watches_when_its_token_is_configured(scan: Scan, tmp_path: Path) -> None:
    offered = with_snyk(scan, tmp_path)
    snyk = offered.cli
    snyk.vulnerabilities["pkg:pypi/web@1.0"] = [
        snyk_cli.vulnerability("SNYK-PYTHON-WEB-1", "critical")
    ]
    snyk.know()
    organisation = "0f6b3c1e-0000-4000-8000-000000000001"
    scan.aws.client("ssm").put_parameter(Name="/team/org", Value=organisation, Type="String")
    build = scan.build(HOLE, SnykToken="/team/snyk", SnykOrganisation="/team/org", SnykMonitor="on")
    assert build.phases == FAILED, build.log
    assert "https://downloads.snyk.io/cli/" in offered.fetched[0]
    rules = {p["name"]: [f["rule"] for f in p["findings"]] for p in report(build)["packages"]}
    assert rules["web"] == ["SNYK-PYTHON-WEB-1"]
    assert len(snyk.monitored) == 1
    for run in (*snyk.tests, *snyk.monitored):
        assert f"--org={organisation}" in run["arguments"]
        assert "sbom" not in run["arguments"]
    assert traces(SECRETS, {"log": build.log.encode(), **build.artifacts}) == []

    build = scan.build(CLEAN, SnykToken="/team/snyk", SnykPlan="enterprise")
    assert build.phases == PASSED, build.log
    assert snyk.tests[-1]["arguments"][:2] == ["sbom", "test"]

    build = scan.build(CLEAN)
    assert build.phases == PASSED, build.log
    assert len(offered.fetched) == 2


def test_another_program_than_the_pinned_one_of_snyk_is_not_run(scan: Scan, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    offered = with_snyk(scan, tmp_path, f"#!/bin/sh\ntouch {canary}\n".encode())
    build = scan.build(CLEAN, SnykToken="/team/snyk")
    assert build.phases == {"install": "FAILED"}, build.log
    assert "is not Snyk's program of version" in build.log
    assert not canary.exists()
    assert offered.cli.runs == []
