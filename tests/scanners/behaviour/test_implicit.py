"""What runs although nothing calls it by its name: inherited, or by an operator."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from package_gate.inventory.running.files import RunningFiles
from package_gate.scanners.behaviour.package import PackageBehaviour, Seen

SAMPLES = tomllib.loads(Path(__file__).parents[2].joinpath("samples", "implicit.toml").read_text())[
    "samples"
]


@pytest.mark.parametrize("sample", [pytest.param(each, id=each["name"]) for each in SAMPLES])
def test_what_nobody_calls_by_name_runs_where_python_calls_it(
    tmp_path: Path, sample: dict[str, Any]
) -> None:
    for name, text in sample["files"].items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    package = PackageBehaviour(
        tmp_path, RunningFiles(tmp_path, "a-1.0-py3-none-any.whl"), Seen.nothing(1)
    )

    found = [each for path in sample["files"] for each in package.of(path) if not each.waits]

    assert bool(found) == sample["runs"]
