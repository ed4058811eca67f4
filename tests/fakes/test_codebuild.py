"""The fake of CodeBuild plays phases as the service documents them."""

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.fakes.aws import AWS
from tests.fakes.codebuild import Build, BuildSpecError, run_build

IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:6.0"


def build(
    tmp_path: Path,
    aws: AWS,
    phases: dict[str, dict[str, Any]],
    variables: list[dict[str, str]] | None = None,
    **more: Any,
) -> Build:
    spec = {
        "version": 0.2,
        "env": {"shell": "bash"},
        "phases": phases,
        "artifacts": {"files": ["*.txt"]},
        **more,
    }
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    project = {
        "Name": "project",
        "Environment": {"Image": IMAGE, "EnvironmentVariables": variables or []},
        "Source": {"BuildSpec": yaml.safe_dump(spec, sort_keys=False)},
    }
    folder = tmp_path / "machine"
    folder.mkdir()
    return run_build(project, checkout, folder, aws, path=["/usr/bin", "/bin"])


def test_all_commands_share_one_shell(tmp_path: Path, aws: AWS) -> None:
    phases = {
        "install": {"commands": ["export WORD=told", "word=kept"]},
        "build": {"commands": ["echo $WORD $word $CODEBUILD_BUILD_SUCCEEDING >a.txt"]},
    }
    ran = build(tmp_path, aws, phases)
    assert ran.succeeded
    assert ran.artifacts == {"a.txt": b"told kept 1\n"}


def test_a_failing_command_ends_its_phase_but_not_its_finally(tmp_path: Path, aws: AWS) -> None:
    phases = {"install": {"commands": ["false", "echo never"], "finally": ["echo last"]}}
    ran = build(tmp_path, aws, {**phases, "build": {"commands": ["echo built"]}})
    assert ran.phases == {"install": "FAILED"}
    assert "last" in ran.log
    assert "never" not in ran.log
    assert "built" not in ran.log


def test_after_a_failed_build_comes_post_build_and_the_artifacts(tmp_path: Path, aws: AWS) -> None:
    phases = {
        "build": {"commands": ["echo x >a.txt; exec 3>&1; (exit 4)"]},
        "post_build": {"commands": ["echo $CODEBUILD_BUILD_SUCCEEDING >b.txt"]},
    }
    ran = build(tmp_path, aws, phases)
    assert ran.phases["build"] == "FAILED"
    assert ran.phases["post_build"] == "SUCCEEDED"
    assert not ran.succeeded
    assert ran.artifacts == {"a.txt": b"x\n", "b.txt": b"0\n"}


def test_a_build_without_its_artifacts_has_failed(tmp_path: Path, aws: AWS) -> None:
    ran = build(tmp_path, aws, {"build": {"commands": ["true"]}})
    assert ran.phases["upload_artifacts"] == "FAILED"


def test_variables_come_from_the_project_and_from_secrets_manager_alone(
    tmp_path: Path, aws: AWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_TESTS", "x")
    aws.client("secretsmanager").create_secret(Name="a/b", SecretString='{"token": "secret"}')
    variables = [
        {"Name": "PLAIN", "Value": "p"},
        {"Name": "SECRET", "Type": "SECRETS_MANAGER", "Value": "a/b:token"},
    ]
    phases = {"build": {"commands": ["echo $PLAIN $SECRET ${OF_THE_TESTS-none} >a.txt"]}}
    assert build(tmp_path, aws, phases, variables).artifacts == {"a.txt": b"p secret none\n"}


@pytest.mark.parametrize(
    "command",
    ["cd /", "set -e", "set -o pipefail", "exit 0"],
    ids=["folder", "option", "long option", "exit"],
)
def test_what_the_service_leaves_open_is_refused(command: str, tmp_path: Path, aws: AWS) -> None:
    with pytest.raises(BuildSpecError, match="shell"):
        build(tmp_path, aws, {"build": {"commands": [command]}})


@pytest.mark.parametrize(
    ("phases", "more"),
    [
        ({"install": {"runtime-versions": {"python": 3.9}}}, {}),
        ({"install": {"runtime-versions": {"perl": 5}}}, {}),
        ({"built": {"commands": []}}, {}),
        ({"build": {"comands": []}}, {}),
        ({"build": {"commands": []}}, {"batch": {}}),
        ({"build": {"commands": []}}, {"cache": {"paths": ["/usr/**/*"]}}),
    ],
    ids=["version", "runtime", "phase", "key", "section", "cache"],
)
def test_a_buildspec_that_it_does_not_know_is_refused(
    phases: dict[str, Any], more: dict[str, Any], tmp_path: Path, aws: AWS
) -> None:
    with pytest.raises(BuildSpecError):
        build(tmp_path, aws, phases, **more)
