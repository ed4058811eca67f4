"""`package-gate` and its commands, as somebody types them in a folder of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from package_gate.commands.main import COMMANDS
from package_gate.core.packaged import packaged
from tests import preloaded
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import POLICY, PROJECT, LocalRun


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return preloaded.run(
        [sys.executable, "-P", "-m", "package_gate", *arguments],
        env={
            "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(PROJECT),
            **environment,
        },
        cwd=folder,
    )  # fmt: skip


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer) -> LocalRun:
    local = LocalRun(tmp_path, PackageIndex(server))
    local.index.add_wheel("app", "1.0")
    local.add_advisory("unrelated", "0.1")
    return local


def test_help_lists_the_commands(tmp_path: Path) -> None:
    result = run(tmp_path, "--help")
    assert result.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout
        shown = run(tmp_path, name, "--help")
        assert shown.stdout.startswith(f"usage: package-gate {name} ")


def test_the_version_names_what_it_is_from(tmp_path: Path) -> None:
    for arguments in (["--version"], ["run", "--version"], ["dependencies", "--version"]):
        assert run(tmp_path, *arguments).stdout.startswith("package gate 0.")


def test_an_unknown_command_is_named_with_those_that_exist(tmp_path: Path) -> None:
    result = run(tmp_path, "scna")
    assert (result.returncode, result.stdout) == (2, "")
    assert "no command 'scna'; choose from run, reevaluate, plan" in result.stderr


@pytest.mark.parametrize("command", [[], ["run"]])
def test_everything_lies_in_the_current_folder_unless_arguments_name_it(
    local: LocalRun, command: list[str]
) -> None:
    (local.folder / "external-package-request.csv").write_text("app,pypi:app\n")
    (local.folder / "scan-policy.toml").write_text(POLICY)
    environment = {**local.index.environment, "PACKAGE_GATE_ADVISORIES": str(local.advisories)}
    result = run(local.folder, *command, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (local.folder / "local-repository" / "simple" / "app").is_dir()


def test_options_alone_are_a_run_and_win_over_the_environment(local: LocalRun) -> None:
    (local.folder / "my.csv").write_text("app,pypi:app\n")
    (local.folder / "my.toml").write_text(POLICY)
    environment = {
        **local.index.environment,
        "PACKAGE_GATE_ADVISORIES": str(local.advisories),
        "PACKAGE_GATE_POLICY": "my.toml",
        "PACKAGE_GATE_OUTPUT": "elsewhere",
    }
    result = run(local.folder, "--requests", "my.csv", "--output", "out", **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (local.folder / "out" / "verdicts.json").exists()
    assert not (local.folder / "elsewhere").exists()


def test_without_a_policy_the_packaged_one_judges_and_the_run_says_so(local: LocalRun) -> None:
    (local.folder / "external-package-request.csv").write_text("a line that is wrong\n")
    result = run(local.folder, PACKAGE_GATE_ADVISORIES=str(local.advisories))
    assert result.returncode == 1
    assert "There is no scan-policy.toml here, so the defaults judge" in result.stdout
    report = (local.folder / "local-repository" / "report.html").read_text()
    assert "so the defaults judge" in report


def test_a_policy_that_a_link_loses_is_an_error_and_not_the_packaged_one(local: LocalRun) -> None:
    (local.folder / "external-package-request.csv").write_text("app,pypi:app\n")
    (local.folder / "scan-policy.toml").symlink_to("gone.toml")
    result = run(local.folder)
    assert result.returncode == 2
    assert "The policy scan-policy.toml can't be read" in result.stderr


def test_the_packaged_policy_is_the_one_that_the_readme_shows() -> None:
    assert packaged("data/scan-policy.toml").resolve() == PROJECT / "scan-policy.toml"


def test_without_a_request_file_nothing_is_written_and_the_message_says_what_to_do(
    tmp_path: Path,
) -> None:
    result = run(tmp_path)
    assert result.returncode == 2
    assert "There is no request file external-package-request.csv" in result.stderr
    assert "--requests" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_dependencies_scans_a_repository_and_says_which_policy_judged(local: LocalRun) -> None:
    (local.folder / "app").mkdir()
    (local.folder / "app" / "requirements.txt").write_text("# none\n")
    environment = {**local.index.environment, "PACKAGE_GATE_ADVISORIES": str(local.advisories)}
    result = run(local.folder, "dependencies", "app", **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    report = (local.folder / "dependency-report" / "dependencies.json").read_text()
    assert "so the defaults judge" in report
