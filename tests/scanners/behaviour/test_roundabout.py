"""Roundabout ways to run, send or replace something: `sixth.toml`, `seventh.toml`."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.finding import Severity
from package_gate.core.limits import Limits
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from tests.fakes.malware_corpus import as_archive
from tests.scanners.packages import package

SAMPLES = Path(__file__).parents[2] / "samples"


def read(name: str) -> list[Any]:
    return [
        pytest.param(each, id=each["name"])
        for each in tomllib.loads((SAMPLES / f"{name}.toml").read_text())["samples"]
    ]


@pytest.fixture(scope="module")
def behaviour() -> BehaviourScanner:
    return BehaviourScanner(Limits())


def rules(behaviour: BehaviourScanner, folder: Path, sample: Any) -> set[str]:
    files = sample["files"]
    target = package(folder, files, filename=as_archive(files)[0])
    return {each.rule for each in behaviour.scan(target)}


@pytest.mark.parametrize("sample", [*read("sixth"), *read("seventh")])
def test_what_runs_by_itself_is_seen(
    behaviour: BehaviourScanner, tmp_path: Path, sample: Any
) -> None:
    assert rules(behaviour, tmp_path, sample) == set(sample["finds"])


@pytest.mark.parametrize("sample", read("seventh"))
def test_it_runs_without_anybody_calling_it(
    behaviour: BehaviourScanner, tmp_path: Path, sample: Any
) -> None:
    target = package(tmp_path, sample["files"])

    assert {each.rule for each in behaviour.scan(target) if each.severity is Severity.HIGH}


@pytest.mark.parametrize("sample", [*read("sixth_honest"), *read("seventh_honest")])
def test_what_honest_packages_do_is_not(
    behaviour: BehaviourScanner, tmp_path: Path, sample: Any
) -> None:
    assert rules(behaviour, tmp_path, sample) == set()
