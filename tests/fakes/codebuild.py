"""CodeBuild on this machine: runs a project's buildspec as the service does.

All commands run in one shell; a failing command ends its phase; `install` and `pre_build` end the
build, `build` is followed by `post_build`; then reports and artifacts are collected by their
patterns, also of a failed build. What the service leaves open is refused here: a command that ends
the shared shell, or leaves it with other options or in another folder.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.fakes.aws import AWS, REGION
from tests.fakes.codeartifact import ACCOUNT

PHASES = ("install", "pre_build", "build", "post_build")
RUNTIMES = {
    "aws/codebuild/amazonlinux-x86_64-standard:6.0": {
        "python": {"3.10", "3.11", "3.12", "3.13", "3.14"},
        "nodejs": {"22", "24"},
    }
}
"""What an image has, of its `runtimes.yml` in aws/aws-codebuild-docker-images."""
BUILD_SECONDS = 900
_KEYS = {
    "": {"version", "env", "phases", "artifacts", "reports", "cache"},
    "env": {"shell", "exported-variables"},
    "phase": {"runtime-versions", "commands", "finally"},
    "artifacts": {"base-directory", "files"},
    "report": {"base-directory", "files", "file-format"},
    "cache": {"paths"},
}
"""What this fake plays; a buildspec with another key is refused."""

DRIVER = r"""
run_commands() {
  local file status before
  for file in "$COMMANDS/$1-$2"-*; do
    [ -e "$file" ] || return 0
    before="$SHELLOPTS:$PWD"
    eval "$(<"$file")" </dev/null
    status=$?
    [ "$SHELLOPTS:$PWD" = "$before" ] || echo "$1 changed the shell" >>"$STATUS"
    if [ "$status" -ne 0 ]; then
      echo "[Container] Command did not exit successfully: $status"
      return 1
    fi
  done
}
phase() {
  local result=SUCCEEDED
  echo "[Container] Entering phase $1"
  run_commands "$1" commands || result=FAILED
  run_commands "$1" finally || result=FAILED
  echo "$1 $result" >>"$STATUS"
  [ "$result" = SUCCEEDED ] || export CODEBUILD_BUILD_SUCCEEDING=0
  [ "$result" = SUCCEEDED ]
}
phase install && phase pre_build && { phase build; phase post_build; }
for name in $EXPORTED; do
  printf '%s=%s\n' "$name" "${!name-}"
done >"$STATUS.exported"
echo end >>"$STATUS"
"""


class BuildSpecError(Exception):
    """The service, or this fake, doesn't take the project."""


@dataclass(frozen=True)
class Build:
    """What is left of a build."""

    phases: dict[str, str]
    """Phase → SUCCEEDED or FAILED, of those that were entered."""
    log: str
    source: Path
    """What `CODEBUILD_SRC_DIR` was."""
    artifacts: dict[str, bytes] = field(default_factory=dict)
    """By their names in the artifact."""
    reports: dict[str, list[bytes]] = field(default_factory=dict)
    """By the ARN of their group."""
    exported: dict[str, str] = field(default_factory=dict)
    """The variables that the buildspec hands to the pipeline."""

    @property
    def succeeded(self) -> bool:
        """Whether every phase did."""
        return "FAILED" not in self.phases.values()

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of the log that a metric filter reads as JSON."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]


def run_build(
    project: Mapping[str, Any],
    checkout: Path,
    folder: Path,
    aws: AWS,
    *,
    path: Sequence[Path | str],
    machine: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Build:
    """Run a project's build.

    Args:
        project: the rendered properties of an `AWS::CodeBuild::Project`.
        checkout: what the pipeline's source action gives; it is copied.
        folder: an empty one for the build's machine.
        aws: the services that the build meets, Secrets Manager among them.
        path: where the image's programs are.
        machine: what this machine needs besides to meet the fakes.
        variables: what `StartBuild` adds to the project's own.

    Raises:
        BuildSpecError: the project could not be built.
    """
    spec = yaml.safe_load(project["Source"]["BuildSpec"])
    _check(spec, project["Environment"]["Image"])
    source = folder / "codebuild" / "output" / "src1" / "src"
    source.parent.mkdir(parents=True)
    shutil.copytree(checkout, source, symlinks=True)
    commands = folder / "commands"
    commands.mkdir()
    for name, phase in spec["phases"].items():
        for part in ("commands", "finally"):
            for number, command in enumerate(phase.get(part, [])):
                (commands / f"{name}-{part}-{number:03}").write_text(command)
    status, home = folder / "status", folder / "root"
    status.touch()
    home.mkdir()
    environment = {
        "PATH": ":".join(map(str, path)),
        "HOME": str(home),
        "LANG": "en_US.utf-8",
        "COMMANDS": str(commands),
        "STATUS": str(status),
        "EXPORTED": " ".join(spec.get("env", {}).get("exported-variables", [])),
        "CODEBUILD_SRC_DIR": str(source),
        "CODEBUILD_BUILD_ID": f"{project['Name']}:00000000-0000-4000-8000-000000000000",
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": f"codepipeline/{project['Name']}",
        **aws.environment,
        **(machine or {}),
        **_variables(project, aws),
        **(variables or {}),
    }
    with (folder / "log").open("w+b") as log:
        subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", DRIVER],
            env=environment,
            cwd=source,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=BUILD_SECONDS,
        )
        log.seek(0)
        text = log.read().decode()
    *lines, end = status.read_text().splitlines()
    if end != "end" or any("changed" in line for line in lines):
        raise BuildSpecError(f"a command ended or changed the shell: {lines, end}\n{text}")
    phases = dict(line.split() for line in lines)
    if "build" not in phases:
        return Build(phases, text, source)
    artifacts = {}
    if "artifacts" in spec:
        artifacts = _collect(source, spec["artifacts"])
        phases["upload_artifacts"] = "SUCCEEDED" if artifacts else "FAILED"
    reports = {
        group: list(_collect(source, report).values())
        for group, report in spec.get("reports", {}).items()
    }
    lines = (folder / "status.exported").read_text().splitlines()
    exported = dict(line.split("=", 1) for line in lines)
    return Build(phases, text, source, artifacts, reports, exported)


def _check(spec: dict[str, Any], image: str) -> None:
    parts = {
        "": spec,
        "env": spec.get("env", {}),
        "artifacts": spec.get("artifacts", {}),
        "cache": spec.get("cache", {}),
    }
    found = [(kind, set(part) - _KEYS[kind]) for kind, part in parts.items()]
    found += [("phase", set(phase) - _KEYS["phase"]) for phase in spec["phases"].values()]
    found += [("report", set(each) - _KEYS["report"]) for each in spec.get("reports", {}).values()]
    unknown = [(kind, keys) for kind, keys in found if keys]
    if unknown or spec["version"] != 0.2 or set(spec["phases"]) - set(PHASES):
        raise BuildSpecError(f"unknown: {unknown}, {spec['version']}, {list(spec['phases'])}")
    if spec.get("env", {}).get("shell") != "bash":
        raise BuildSpecError("only bash is played here")
    for name, phase in spec["phases"].items():
        for runtime, version in phase.get("runtime-versions", {}).items():
            if name != "install" or str(version) not in RUNTIMES[image].get(runtime, ()):
                raise BuildSpecError(f"{name}: {image} has no {runtime} {version}")
    for report in spec.get("reports", {}).values():
        if report["file-format"] != "JUNITXML":
            raise BuildSpecError(f"unknown format {report['file-format']}")
    if any(not each.startswith("/root/") for each in spec.get("cache", {}).get("paths", [])):
        raise BuildSpecError("what is cached must lie in the home folder")


def _variables(project: Mapping[str, Any], aws: AWS) -> dict[str, str]:
    """The project's variables, with the secrets that it names."""
    variables = {}
    for each in project["Environment"]["EnvironmentVariables"]:
        kind = each.get("Type", "PLAINTEXT")
        if kind not in ("PLAINTEXT", "SECRETS_MANAGER"):
            raise BuildSpecError(f"{each['Name']}: {kind} is not played here")
        value = each["Value"]
        if not isinstance(value, str):
            raise BuildSpecError(f"{each['Name']} is no text: {value!r}")
        if kind == "SECRETS_MANAGER":
            secret, _, key = value.partition(":")
            answer = aws.client("secretsmanager").get_secret_value(SecretId=secret)
            value = json.loads(answer["SecretString"])[key]
        variables[each["Name"]] = value
    return {**variables, "AWS_REGION": REGION, "AWS_ACCOUNT_ID": ACCOUNT}


def _collect(source: Path, section: dict[str, Any]) -> dict[str, bytes]:
    """Give the files that a section's patterns name, by their paths in its base directory."""
    base = source / section.get("base-directory", "")
    return {
        str(path.relative_to(base)): path.read_bytes()
        for pattern in section["files"]
        for path in sorted(base.glob(pattern))
        if path.is_file()
    }
