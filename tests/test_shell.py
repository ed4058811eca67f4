"""The shell commands, in a project of their own that has next to nothing to install."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PINNED = "# nothing to install\n"


@dataclass
class Installed:
    """A project in which scan-locally.sh has run once, in a folder with hostile modules."""

    project: Path
    folder: Path
    first: subprocess.CompletedProcess[str]
    """What that run said."""

    @property
    def script(self) -> Path:
        return self.project / "shell" / "scan-locally.sh"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install once for all who only look at it: that takes seconds."""
    project = copy_of_project(tmp_path_factory.mktemp("installed"))
    folder = tmp_path_factory.mktemp("planted")
    for module in ("package_gate", "venv", "ensurepip", "pip", "sitecustomize", "json"):
        (folder / f"{module}.py").write_text("raise SystemExit('planted')\n")
    script = project / "shell" / "scan-locally.sh"
    first = run(script, "--requests", "a b.csv", "--dry-run", folder=folder)
    return Installed(project, folder, first)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_of_project(tmp_path)


def copy_of_project(folder: Path) -> Path:
    """Copy the shell commands beside a gate that only tells how it was started."""
    project = folder / "a project"
    shutil.copytree(PROJECT / "shell", project / "shell")
    (project / "package_gate").mkdir()
    (project / "package_gate" / "__main__.py").write_text(
        "import os, sys\n"
        "print(sys.argv[1:], os.getcwd(), sys.flags.safe_path)\n"
        "names = ('REQUESTS', 'POLICY', 'OUTPUT')\n"
        "print(*[os.environ[f'PACKAGE_GATE_{name}'] for name in names], sep='|')\n"
        "sys.exit(3)\n"
    )
    (project / "requirements").mkdir()
    (project / "requirements" / "gate.txt").write_text(PINNED)
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


def test_scan_locally_installs_once_and_hands_everything_on(installed: Installed) -> None:
    first = installed.first
    assert first.returncode == 3, first.stderr
    started, defaults = first.stdout.splitlines()
    assert started == f"['run', '--requests', 'a b.csv', '--dry-run'] {installed.folder} True"
    assert defaults.split("|") == [
        str(installed.project / name)
        for name in ("external-package-request.csv", "scan-policy.toml", "local-repository")
    ]
    assert "only the first time" in first.stderr
    assert "WARNING" not in first.stderr  # pip's own words go to a file
    assert re.search(r"\nInstalled in \d+ s\.\n$", first.stderr)
    assert (installed.project / ".venv/gate.log").exists()
    second = run(installed.script, folder=installed.folder)
    assert second.stderr == ""
    assert second.returncode == 3


def test_scan_locally_lets_the_callers_environment_choose(
    installed: Installed, tmp_path: Path
) -> None:
    given = {"PACKAGE_GATE_POLICY": "my.toml", "PACKAGE_GATE_REQUESTS": "", "HOME": "/"}
    result = run(installed.script, folder=tmp_path, environment=given)
    project = installed.project
    assert result.stdout.splitlines()[1].split("|") == [
        str(project / "external-package-request.csv"), "my.toml", str(project / "local-repository"),
    ]  # fmt: skip


def test_changed_pins_are_installed_again(installed: Installed, tmp_path: Path) -> None:
    pinned = installed.project / "requirements" / "gate.txt"
    pins = pinned.read_text()
    pinned.write_text(pins + "# another comment\n    # via one\n")
    assert run(installed.script, folder=tmp_path).stderr == ""
    pinned.write_text(pins + "--no-index\n")
    assert "Installing" in run(installed.script, folder=tmp_path).stderr
    assert run(installed.script, folder=tmp_path).stderr == ""


def test_a_pin_without_hash_is_not_installed(project: Path, tmp_path: Path) -> None:
    (project / "requirements" / "gate.txt").write_text("idna==3.7\n")
    result = run(project / "shell" / "scan-locally.sh", folder=tmp_path)
    assert result.returncode == 2
    assert "hashes" in result.stderr
    log = project / ".venv/gate.log"
    assert f"could not be installed; all that pip said is in {log}\n" in result.stderr
    assert "idna==3.7" in log.read_text()
    assert not (project / ".venv/gate/installed-requirements.txt").exists()


def test_a_missing_or_old_python_is_named(project: Path, tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("bash", "dirname", "rm", "cp", "env", "sed"):
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


def test_modules_in_the_working_directory_are_not_imported(installed: Installed) -> None:
    for result in (installed.first, run(installed.script, folder=installed.folder)):
        assert "planted" not in result.stderr
        assert result.returncode == 3


def test_help_of_run_benchmark_is_its_head(project: Path, tmp_path: Path) -> None:
    result = run(project / "shell" / "run-benchmark.sh", folder=tmp_path)
    assert result.returncode == 2
    assert "Usage: run-benchmark.sh NAME" in result.stderr
