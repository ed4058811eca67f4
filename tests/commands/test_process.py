from pathlib import Path

import pytest

from package_gate.commands.process import complain, scratch_folder
from package_gate.core.errors import ConfigurationError, StoreError
from package_gate.core.policy import load_policy


def test_the_scratch_folder_is_empty_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "out") as scratch:
        assert list(scratch.iterdir()) == []
        (scratch / "file").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


def test_what_a_killed_run_left_goes_first_and_its_name_is_not_used_again(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as killed:
        name = killed.name
    left = tmp_path / ".scratch" / name
    left.mkdir(parents=True)
    (left / "half").touch()
    with scratch_folder(tmp_path) as scratch:
        assert not left.exists()
        left.mkdir()  # a child of the killed run goes on writing
        (left / "late").touch()
        assert scratch != left
        assert list(scratch.iterdir()) == []
    assert not (tmp_path / ".scratch").exists()


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (tmp_path / ".scratch").symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="can't be written"), scratch_folder(tmp_path):
        pass
    assert [path.name for path in elsewhere.iterdir()] == ["kept"]


def test_two_runs_do_not_share_an_output_folder(tmp_path: Path) -> None:
    with (
        scratch_folder(tmp_path),
        pytest.raises(StoreError, match="Another run"),
        scratch_folder(tmp_path),
    ):
        pass


def test_what_is_wrong_is_said_without_what_commands_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('"\\u001b[2J\\u202e" = 1')
    with pytest.raises(ConfigurationError) as caught:
        load_policy(policy)

    complain("package gate", caught.value)

    said = capsys.readouterr().err
    assert said.startswith("package gate: The policy ")
    assert said.rstrip("\n").isprintable()
    assert r"\x1b[2J\u202e" in said
