"""The shell commands, in a project of their own that has next to nothing to install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PINNED = "# nothing to install\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a copy of the shell commands beside a gate that only tells how it was started."""
    project = tmp_path / "a project"
    shutil.copytree(PROJECT / "shell", project / "shell")
    (project / "package_gate").mkdir()
    (project / "package_gate" / "__main__.py").write_text(
        "import os, sys\nprint(sys.argv[1:], os.getcwd(), sys.flags.safe_path)\nsys.exit(3)\n"
    )
    (project / "requirements.txt").write_text(PINNED)
    return project


def run(
    script: Path, *arguments: str, folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *arguments],
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_scan_locally_installs_once_and_hands_everything_on(project: Path, tmp_path: Path) -> None:
    script = project / "shell" / "scan-locally.sh"
    first = run(script, "--requests", "a b.csv", "--dry-run", folder=tmp_path)
    assert first.returncode == 3, first.stderr
    assert first.stdout.strip() == f"['--requests', 'a b.csv', '--dry-run'] {tmp_path} True"
    assert "only the first time" in first.stderr
    second = run(script, folder=tmp_path)
    assert second.stderr == ""
    assert second.returncode == 3


def test_changed_pins_are_installed_again(project: Path, tmp_path: Path) -> None:
    script = project / "shell" / "scan-locally.sh"
    run(script, folder=tmp_path)
    (project / "requirements.txt").write_text(PINNED + "# another\n")
    assert "Installing" in run(script, folder=tmp_path).stderr


def test_a_pin_without_hash_is_not_installed(project: Path, tmp_path: Path) -> None:
    (project / "requirements.txt").write_text("idna==3.7\n")
    result = run(project / "shell" / "scan-locally.sh", folder=tmp_path)
    assert result.returncode == 2
    assert "hashes" in result.stderr
    assert "could not be installed" in result.stderr
    assert not (project / ".venv/gate/installed-requirements.txt").exists()


def test_a_missing_or_old_python_is_named(project: Path, tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("bash", "dirname", "cmp", "rm", "cp", "env", "sed"):
        (commands / name).symlink_to(shutil.which(name) or "")
    old = commands / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = run(
        project / "shell" / "scan-locally.sh", folder=tmp_path, environment={"PATH": str(commands)}
    )
    assert result.returncode == 2
    assert "Python 3.11 or newer is needed" in result.stderr


def test_a_python_without_venv_is_named(project: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare-python"
    bare.write_text('#!/bin/sh\n[ "$1" = -c ]\n')
    bare.chmod(0o755)
    result = run(
        project / "shell" / "scan-locally.sh", folder=tmp_path, environment={"PYTHON": str(bare)}
    )
    assert result.returncode == 2
    assert "The Python module venv is missing" in result.stderr


def test_modules_in_the_working_directory_are_not_imported(project: Path, tmp_path: Path) -> None:
    for module in ("package_gate", "venv", "ensurepip", "pip", "sitecustomize", "json"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('planted')\n")
    result = run(project / "shell" / "scan-locally.sh", folder=tmp_path)
    assert "planted" not in result.stderr
    assert result.returncode == 3


def test_help_of_run_benchmark_is_its_head(project: Path, tmp_path: Path) -> None:
    result = run(project / "shell" / "run-benchmark.sh", folder=tmp_path)
    assert result.returncode == 2
    assert "Usage: run-benchmark.sh NAME" in result.stderr
