"""A record names the code that made it: the commit, or the bundle."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from package_gate import __version__
from package_gate.core import version

DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have the program lie in a folder of its own."""
    folder = tmp_path / "around" / "package_gate"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text("X = 1\n")
    monkeypatch.setattr(version, "packaged", lambda name: folder / name)
    version.gate_version.cache_clear()
    yield folder
    version.gate_version.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=n", "-c", "user.email=e")
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def checkout(folder: Path) -> str:
    """Make a commit of all that is in a folder; gives its id."""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "All")
    return git(folder, "rev-parse", "HEAD")


def test_a_checkout_names_its_commit(package: Path) -> None:
    commit = checkout(package.parent)
    assert version.gate_version() == f"{__version__}+g{commit[:12]}"


def test_a_worktree_names_its_own_commit(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(package.parent)
    git(package.parent, "worktree", "add", "--quiet", str(tmp_path / "other"))
    (tmp_path / "other" / "package_gate" / "module.py").write_text("X = 2\n")
    git(tmp_path / "other", "commit", "--quiet", "--all", "--message", "Changed")
    commit = git(tmp_path / "other", "rev-parse", "HEAD")
    monkeypatch.setattr(version, "packaged", lambda name: tmp_path / "other/package_gate" / name)
    assert version.built_from() == f"g{commit[:12]}"


@pytest.mark.parametrize("changed", ["module.py", "new.py"])
def test_a_changed_program_is_not_that_commit(package: Path, changed: str) -> None:
    commit = checkout(package.parent)
    (package / changed).write_text("X = 2\n")
    assert version.built_from() == f"g{commit[:12]}.dirty"


def test_other_files_of_the_checkout_change_nothing(package: Path) -> None:
    commit = checkout(package.parent)
    (package.parent / "external-package-request.csv").write_text("humanize,pypi:humanize\n")
    assert version.built_from() == f"g{commit[:12]}"


def test_nobodys_settings_and_variables_lead_git_elsewhere(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = checkout(package.parent)
    canary = tmp_path / "canary"
    git(package.parent, "config", "core.fsmonitor", f"touch {canary}; false")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    index = (package.parent / ".git/index").read_bytes()
    assert version.built_from() == f"g{commit[:12]}"
    assert not canary.exists()
    assert (package.parent / ".git/index").read_bytes() == index


def test_a_repository_around_an_environment_is_not_the_programs(package: Path) -> None:
    checkout(package.parent.parent)
    assert version.gate_version() == f"{__version__}+unknown"


def test_what_was_written_when_it_was_built_is_believed_first(package: Path) -> None:
    checkout(package.parent)
    (package / version.BUILT_FROM).write_text(f"bundle sha256:{DIGEST}\n")
    assert version.gate_version() == f"{__version__} (bundle sha256:{DIGEST})"


def test_an_installed_program_names_the_commit_that_it_was_built_from(package: Path) -> None:
    (package / version.BUILT_FROM).write_text("g1a2b3c4d5e6f.dirty\n")
    assert version.gate_version() == f"{__version__}+g1a2b3c4d5e6f.dirty"


@pytest.mark.parametrize("text", ["", "unknown\n", "g1a2b3c4\nmore\n", f"sha256:{DIGEST}", "\xe9"])
def test_anything_else_that_was_written_is_unknown(package: Path, text: str) -> None:
    (package / version.BUILT_FROM).write_bytes(text.encode())
    assert version.gate_version() == f"{__version__}+unknown"


def test_without_git_it_is_unknown(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout(package.parent)
    monkeypatch.setenv("PATH", "/nowhere")
    assert version.built_from() == "unknown"


def test_a_checkout_without_a_commit_is_unknown(package: Path) -> None:
    git(package.parent, "init", "--quiet")
    assert version.built_from() == "unknown"
