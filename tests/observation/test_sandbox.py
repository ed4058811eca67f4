"""Samples that misbehave are seen for what they are, and no sample gets out of the sandbox.

Those that are no more than a module are put into one wheel, so that the sandbox starts once.
"""

import hashlib
import sys
from pathlib import Path

import pytest

from package_gate.core.finding import Severity
from package_gate.observation.documents import Bounds, Report
from package_gate.observation.findings import findings_of
from package_gate.observation.observe import Observer, Wheel
from tests.observation.machine import needs_sandbox
from tests.observation.samples import INFO, Sample, read, wheel_of

pytestmark = needs_sandbox
SAMPLES = read()
ENDS_THE_RUN = [sample for sample in SAMPLES if "limit" in sample.finds]
TOGETHER = [s for s in SAMPLES if s.is_one_module and s not in ENDS_THE_RUN]
ALONE = [sample for sample in SAMPLES if sample not in (*TOGETHER, *ENDS_THE_RUN)]
BOUNDS = Bounds(
    step_seconds=60, run_seconds=280, memory_bytes=2**30, disk_bytes=2**26, processes=60
)


def observed(folder: Path, files: dict[str, str], bounds: Bounds = BOUNDS) -> Report:
    return Observer(folder, bounds).observe(wheel_of(folder, files), [])


def state_of_the_host(folder: Path) -> str:
    """Digest the names, sizes and times of the files that the sandbox could best get at."""
    digest = hashlib.sha256()
    for top in (folder, Path("/etc"), Path("/usr/bin"), Path(sys.base_prefix, "bin")):
        for path in sorted(top.rglob("*")):
            state = path.lstat()
            digest.update(f"{path} {state.st_size} {state.st_mtime_ns} {state.st_mode}".encode())
    return digest.hexdigest()


def rules_of(report: Report, module: str | None = None) -> set[str]:
    """Name the rules of what was seen, of one module's import only."""
    return {
        deed.kind
        for run in report.runs
        for deed in run.deeds
        if module in (None, run.steps[deed.step].subject)
    }


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What was seen of one wheel with a module for each sample."""
    files = {
        path.replace("demo", f"sample_{number}", 1): text
        for number, sample in enumerate(TOGETHER)
        for path, text in sample.files.items()
    }
    return observed(tmp_path_factory.mktemp("together"), files)


@pytest.mark.parametrize(
    ("number", "sample"), [pytest.param(n, s, id=s.name) for n, s in enumerate(TOGETHER)]
)
def test_what_a_module_does_is_seen(number: int, sample: Sample, together: Report) -> None:
    found = rules_of(together, f"sample_{number}")

    assert sample.finds <= found
    assert sample.finds or not found


def test_modules_end_as_they_should(together: Report) -> None:
    """Those that attack the sandbox saw nothing of the host, which they would say."""
    failed = {
        TOGETHER[int(step.subject.removeprefix("sample_"))].name: step.failure
        for run in together.runs
        for step in run.steps
        if step.failure
    }

    assert [run.failure for run in together.runs] == ["", ""]
    assert not [failure for failure in failed.values() if "saw" in failure]
    assert {name for name, failure in failed.items() if "SIGSYS" in failure} == {
        "a child out of strace's sight",
        "a socket to the host of a virtual machine",
    }


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.name) for s in ALONE])
def test_what_runs_by_other_ways_is_seen(sample: Sample, tmp_path: Path) -> None:
    assert sample.finds <= rules_of(observed(tmp_path, dict(sample.files)))


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.name) for s in ENDS_THE_RUN])
def test_a_bomb_is_ended_and_said_to_be_one(sample: Sample, tmp_path: Path) -> None:
    report = observed(tmp_path, dict(sample.files))

    findings = {finding.rule: finding for finding in findings_of(report)}
    assert findings["limit"].severity is Severity.HIGH
    assert "not-observed" in findings


def test_most_samples_are_found() -> None:
    """The tests above hold each to its `finds`; here is how many find nothing wrong."""
    found = [sample for sample in SAMPLES if not sample.is_missed]

    assert len(SAMPLES) >= 25
    assert len(found) >= 0.9 * len(SAMPLES)


def test_an_honest_package_has_no_finding_and_the_host_stays_as_it_is(tmp_path: Path) -> None:
    wheel = wheel_of(
        tmp_path,
        {
            "demo/__init__.py": "import json, ssl, threading, uuid, zoneinfo\nfrom . import part\n",
            "demo/part.py": "import socket\nsocket.getfqdn()\n",
            "demo/cli.py": "import argparse\nmain = argparse.ArgumentParser().parse_args\n",
            f"{INFO}/entry_points.txt": "[console_scripts]\ndemo = demo.cli:main\n",
        },
    )
    before = state_of_the_host(tmp_path)

    report = Observer(tmp_path, BOUNDS).observe(wheel, [])

    assert findings_of(report) == []
    assert [(s.kind, s.subject) for s in report.runs[0].steps] == [
        ("import", "demo"),
        ("script", "demo"),
    ]
    assert state_of_the_host(tmp_path) == before


def test_what_is_too_much_to_try_is_not_observed(tmp_path: Path) -> None:
    scripts = "".join(f"demo{number} = demo:main\n" for number in range(7))
    entry_points = f"[console_scripts]\n{scripts}"
    report = observed(
        tmp_path,
        {"demo.py": "def main(): pass\n", f"{INFO}/entry_points.txt": entry_points},
    )

    (finding,) = findings_of(report)
    assert finding.rule == "not-observed"
    assert [place.path for place in finding.locations] == ["bin/demo5", "bin/demo6"]


def test_an_import_that_fails_is_not_observed(tmp_path: Path) -> None:
    files = {"absent.py": "import not_there\n", "ends.py": "import os\nos._exit(0)\n"}
    report = observed(tmp_path, files)

    (finding,) = findings_of(report)
    assert finding.rule == "not-observed"
    assert finding.severity is Severity.LOW
    assert "No module named 'not_there'" in finding.message
    assert "ends: ended Python by itself, with status 0" in finding.message


def test_what_is_no_wheel_is_not_observed(tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {})
    wheel.path.write_bytes(b"no zip")

    (finding,) = findings_of(Observer(tmp_path, BOUNDS).observe(wheel, []))
    assert finding.rule == "not-observed"


def test_a_dependency_of_the_closure_is_installed(tmp_path: Path) -> None:
    dependency = wheel_of(tmp_path / "dependency", {"base.py": "VALUE = 1\n"})
    other = Wheel(dependency.path, "base-1.0-py3-none-any.whl")
    wheel = wheel_of(tmp_path, {"demo.py": "from base import VALUE\n"})

    assert findings_of(Observer(tmp_path, BOUNDS).observe(wheel, [other])) == []
