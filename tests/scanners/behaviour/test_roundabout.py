"""Roundabout ways to run, send or replace something: `sixth.toml` to `fourteenth_waits.toml`."""

import base64
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.finding import Finding, Severity
from package_gate.core.limits import Limits
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from package_gate.scanners.behaviour.sending import ON_THE_QUIET
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
    found = findings(behaviour, folder, sample)
    return {each.rule for each in found if each.severity is not Severity.LOW}


def findings(behaviour: BehaviourScanner, folder: Path, sample: Any) -> list[Finding]:
    binary = {name: base64.b64decode(text) for name, text in sample.get("binary", {}).items()}
    files = {**sample["files"], **binary}
    return list(behaviour.scan(package(folder, files, filename=as_archive(files)[0])))


@pytest.mark.parametrize(
    "sample",
    [
        *read("sixth"),
        *read("seventh"),
        *read("eleventh_calls"),
        *read("eleventh_handed"),
        *read("twelfth_fetched"),
        *read("twelfth_sources"),
        *read("thirteenth_run"),
        *read("thirteenth_sent"),
        *read("thirteenth_set"),
        *read("fourteenth_run"),
    ],
)
def test_what_runs_by_itself_is_seen(
    behaviour: BehaviourScanner, tmp_path: Path, sample: Any
) -> None:
    assert rules(behaviour, tmp_path, sample) == set(sample["finds"])


@pytest.mark.parametrize(
    "sample",
    [
        *read("seventh"),
        *read("eleventh_calls"),
        *read("eleventh_handed"),
        *read("twelfth_fetched"),
        *read("twelfth_sources"),
        *read("thirteenth_run"),
        *read("thirteenth_sent"),
        *read("thirteenth_set"),
        *read("fourteenth_run"),
    ],
)
def test_it_runs_without_anybody_calling_it(
    behaviour: BehaviourScanner, tmp_path: Path, sample: Any
) -> None:
    found = findings(behaviour, tmp_path, sample)

    assert {each.rule for each in found if each.severity is Severity.HIGH}


@pytest.mark.parametrize(
    "sample",
    [
        each
        for name in ("eighth", "ninth", "tenth", "thirteenth_waits", "fourteenth_waits")
        for each in read(name)
    ],
)
def test_theft_and_sabotage_are_seen_when_they_wait_too(
    behaviour: BehaviourScanner, tmp_path: Path, sample: Any
) -> None:
    everything = findings(behaviour, tmp_path, sample)
    wanted = sample["finds"]
    found = [
        each for each in everything if each.severity is not Severity.LOW or each.rule in wanted
    ]

    waits = sample.get("waits", False)
    assert {(each.rule, each.waits) for each in found} == {(r, waits) for r in wanted}
    assert all(each.locations[0].fingerprint for each in everything)


def test_what_is_replaced_is_looked_for_without_running_it(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    code = (
        "import ensurepip\n\n\ndef quick():\n    pass\n\n\nensurepip.__main__.ensurepip = quick\n"
    )
    found = behaviour.scan(package(tmp_path, {"sample/__init__.py": code}))

    assert {each.rule for each in found} == {"replaces-what-others-use"}
    assert "ensurepip.__main__" not in sys.modules


def test_what_many_do_is_low(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    code = (
        "import requests\n\n\ndef event(name):\n    try:\n"
        "        requests.post('https://a.example/v{}', json=name)\n"
        "    except OSError:\n        pass\n"
    )
    found = []
    for number, text in enumerate((code, code.replace("/v{}", "/w"), code.replace("a.ex", "b.ex"))):
        target = package(tmp_path / str(number), {"sample/__init__.py": text})
        (each,) = behaviour.scan(target)
        assert (each.rule, each.severity, each.waits) == (ON_THE_QUIET, Severity.LOW, True)
        found.append(each.locations[0].fingerprint)

    assert found[0] == found[1] != found[2]  # it is known by whom it is sent to


@pytest.mark.parametrize(
    "sample",
    [
        each
        for name in (
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh_calls",
            "eleventh_handed",
            "twelfth_fetched",
            "twelfth_sources",
            "thirteenth",
            "fourteenth",
        )
        for each in read(f"{name}_honest")
    ],
)
def test_what_honest_packages_do_is_not(
    behaviour: BehaviourScanner, tmp_path: Path, sample: Any
) -> None:
    assert rules(behaviour, tmp_path, sample) == set()
