"""`shell/stacks/bundle.sh`: what a deployment ships; the same bytes for the same content."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.local_run import PROJECT
from tests.templates.build_world import copy_of_project

TOOLS = ("bash", "cp", "dirname", "env", "git", "gzip", "mktemp", "rm", "sed")
"""All that it needs, besides `sha256sum` or `shasum`."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_of_project(tmp_path / "project")


def bundle(
    project: Path, output: Path, *arguments: str, umask: int = 0o022, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(project / "shell/stacks/bundle.sh"), str(output), *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        cwd="/",
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def names(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return archive.getnames()


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_bundle_holds_what_the_build_runs_and_nothing_else(
    project: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bundle.tar.gz"
    ran = bundle(project, output)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == hashlib.sha256(output.read_bytes()).hexdigest() + "\n"
    assert {name.split("/")[0] for name in names(output)} == {
        "codeartifact-codeguru-security-scan.py",
        "github-codeguru-security-scan.py",
        "dependency-scan.py",
        "package_gate",
        "requirements.txt",
        "scan-policy.toml",
        "shell",
    }
    assert [name for name in names(output) if name.startswith("shell/")] == ["shell/fetch-snyk.sh"]
    with tarfile.open(output) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    for path in (tmp_path / "unpacked").rglob("*"):
        name = str(path.relative_to(tmp_path / "unpacked"))
        original = project / name.replace("requirements.txt", "requirements/gate.txt")
        assert path.is_dir() or path.read_bytes() == original.read_bytes()
    modules = {str(p.relative_to(project)) for p in project.glob("package_gate/**/*.py")}
    assert modules <= set(names(output))


def test_the_same_content_gives_the_same_bytes_whoever_packs_it_and_where(
    project: Path, tmp_path: Path
) -> None:
    first = bundle(project, tmp_path / "first")
    elsewhere = shutil.copytree(project, tmp_path / "else where")
    for path in elsewhere.rglob("*.py"):
        os.utime(path, (1, 1))
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[tar]\n\tumask = 0077\n[core]\n\tautocrlf = true\n\texcludesFile = ~/ignored\n"
        "[init]\n\tdefaultObjectFormat = sha256\n[filter]\n\tx = y\n[user]\n\tname = Jo\n"
    )
    (home / "ignored").write_text("*.toml\n")
    second = bundle(
        elsewhere,
        tmp_path / "second",
        umask=0o077,
        HOME=str(home),
        GIT_DIR="/nowhere",
        GIT_INDEX_FILE="/nowhere/index",
        GIT_AUTHOR_DATE="2001-01-01T00:00:00Z",
        GZIP="-1",
        TZ="Pacific/Auckland",
    )
    assert second.returncode == 0, second.stderr
    assert first.stdout == second.stdout
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_checkout_is_packed_as_it_stands_and_left_as_it_is(project: Path, tmp_path: Path) -> None:
    without_git = bundle(project, tmp_path / "first").stdout
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "All")
    canary = tmp_path / "canary"
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        path = project / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {canary}\n")
        path.chmod(0o755)
    (project / ".git/info/exclude").write_text("scan-policy.toml\n")
    git(project, "config", "core.fsmonitor", f"touch {canary}; false")
    git(project, "config", "filter.evil.clean", f"touch {canary}; cat")
    before = {p: p.read_bytes() for p in (project / ".git").rglob("*") if p.is_file()}
    canary.unlink(missing_ok=True)

    assert bundle(project, tmp_path / "second").stdout == without_git

    policy = project / "scan-policy.toml"
    policy.write_text(policy.read_text() + "\n[cooldown]\ndays = 30\n")
    (project / "package_gate/new_module.py").write_text("X = 1\n")
    changed = bundle(project, tmp_path / "third")
    assert changed.stdout != without_git
    assert "package_gate/new_module.py" in names(tmp_path / "third")
    with tarfile.open(tmp_path / "third") as archive:
        packed = archive.extractfile("scan-policy.toml")
        assert packed
        assert packed.read() == policy.read_bytes()
    after = {p: p.read_bytes() for p in (project / ".git").rglob("*") if p.is_file()}
    assert before == after
    assert not canary.exists()


def test_what_gitignore_names_stays_out(project: Path, tmp_path: Path) -> None:
    before = bundle(project, tmp_path / "first").stdout
    (project / "package_gate/__pycache__").mkdir(exist_ok=True)
    (project / "package_gate/__pycache__/cli.cpython-311.pyc").write_bytes(b"x")
    (project / "package_gate/old.pyc").write_bytes(b"x")
    (project / "package_gate/built-from").write_text("bundle sha256:" + "0" * 64)
    assert bundle(project, tmp_path / "second").stdout == before


def test_it_needs_few_tools_and_takes_shasum_where_there_is_no_sha256sum(
    project: Path, tmp_path: Path
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (bin_folder / tool).symlink_to(found)
    shasum = bin_folder / "shasum"
    shasum.write_text(f'#!/bin/sh\n[ "$*" = "-a 256" ] && exec {shutil.which("sha256sum")}\n')
    shasum.chmod(0o755)
    ran = bundle(project, tmp_path / "bundle", PATH=str(bin_folder))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == hashlib.sha256((tmp_path / "bundle").read_bytes()).hexdigest() + "\n"


@pytest.mark.parametrize("name", ["requirements/gate.txt", "package_gate", "scan-policy.toml"])
def test_an_incomplete_copy_is_no_bundle(name: str, project: Path, tmp_path: Path) -> None:
    (project / name).rename(tmp_path / "gone")
    ran = bundle(project, tmp_path / "bundle")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"{project / name} is missing" in ran.stderr
    assert not (tmp_path / "bundle").exists()


def test_wrong_arguments_show_the_usage(project: Path, tmp_path: Path) -> None:
    for ran in (bundle(project, tmp_path / "a", "b"), bundle(project, Path("--help"))):
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "Usage: bundle.sh OUTPUT" in ran.stderr


def test_what_can_not_be_written_is_an_error(project: Path, tmp_path: Path) -> None:
    ran = bundle(project, tmp_path / "no-such-folder" / "bundle")
    assert ran.returncode == 1
    assert ran.stdout == ""


def test_this_checkout_can_be_packed(tmp_path: Path) -> None:
    """The copy of the other tests may have what the checkout lacks."""
    ran = bundle(PROJECT, tmp_path / "bundle")
    assert ran.returncode == 0, ran.stderr
    assert "package_gate/commands/gate.py" in names(tmp_path / "bundle")
    with tarfile.open(tmp_path / "bundle") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    default = tmp_path / "unpacked/package_gate/data/scan-policy.toml"
    assert default.read_bytes() == (PROJECT / "scan-policy.toml").read_bytes()
