"""Samples that misbehave are seen for what they are, and no sample gets out of the sandbox.

The sandbox starts as seldom as can be: nearly all samples lie in one wheel, as a module each.
"""

import hashlib
import io
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest

from package_gate.core.finding import Severity
from package_gate.observation.documents import Bounds, Report, Step
from package_gate.observation.findings import findings_of
from package_gate.observation.inside import MOST_SCRIPTS
from package_gate.observation.observe import Observer, Sdist, Wheel
from tests.observation.machine import needs_sandbox
from tests.observation.samples import INFO, Sample, read, wheel_of

pytestmark = [needs_sandbox, pytest.mark.timeout(3600)]  # by the clock, on a busy machine
SAMPLES = read()
BOMBS = [sample for sample in SAMPLES if "limit" in sample.finds]
AT_START = [sample for sample in SAMPLES if sample.runs_at_start]
TOGETHER = [sample for sample in SAMPLES if sample not in (*BOMBS, *AT_START)]
BOUNDS = Bounds(
    step_seconds=60, run_seconds=1800, memory_bytes=2**30, disk_bytes=2**26, processes=30
)
OTHERS = {
    "honest/__init__.py": "import json, ssl, threading, uuid, zoneinfo\nfrom . import part\n",
    "honest/part.py": "import socket\nsocket.getfqdn()\n",
    "honest/cli.py": "import argparse\nmain = argparse.ArgumentParser().parse_args\n",
    "absent.py": "import not_there\n",
    "ends.py": "import os\nos._exit(0)\n",
    "needs.py": "from base import VALUE\n",
}
SCRIPTS = ["honest", *(f"z{number}" for number in range(MOST_SCRIPTS))]


def observed(folder: Path, files: dict[str, str], *closure: Wheel) -> Report:
    return Observer(folder, BOUNDS).observe(wheel_of(folder, files), closure)


def state_of_the_host(folder: Path) -> str:
    """Digest the names, sizes and times of the files that the sandbox could best get at."""
    digest = hashlib.sha256()
    for top in (folder, Path("/etc"), Path("/usr/bin"), Path(sys.base_prefix, "bin")):
        for path in sorted(top.rglob("*")):
            state = path.lstat()
            digest.update(f"{path} {state.st_size} {state.st_mtime_ns} {state.st_mode}".encode())
    return digest.hexdigest()


def rules_of(report: Report, *subjects: str) -> set[str]:
    """Name the rules of what was seen, in the steps of these subjects only."""
    return {
        deed.kind
        for run in report.runs
        for deed in run.deeds
        if not subjects or run.steps[deed.step].subject in subjects
    }


@dataclass(frozen=True)
class Together:
    """What was seen of one wheel with a module for each sample, and more."""

    report: Report
    before: str
    after: str
    """What the host was like."""

    def steps(self, *subjects: str) -> list[Step]:
        return [step for run in self.report.runs for step in run.steps if step.subject in subjects]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Together:
    folder = tmp_path_factory.mktemp("together")
    scripts = "\n".join(f"{name} = honest.cli:main" for name in SCRIPTS)
    files = {**OTHERS, f"{INFO}/entry_points.txt": f"[console_scripts]\n{scripts}\n"}
    for number, sample in enumerate(TOGETHER):
        for path, text in sample.files.items():
            renamed = path if path.startswith(INFO) else path.replace("demo", f"sample_{number}", 1)
            files[renamed] = files.get(renamed, "") + text.replace("demo", f"sample_{number}")
    dependency = wheel_of(folder / "dependency", {"base.py": "VALUE = 1\n"})
    base = Wheel(dependency.path, "base-1.0-py3-none-any.whl")
    wheel = wheel_of(folder, files)
    before = state_of_the_host(folder)
    report = Observer(folder, BOUNDS).observe(wheel, [base])
    return Together(report, before, state_of_the_host(folder))


@pytest.mark.parametrize(
    ("number", "sample"), [pytest.param(n, s, id=s.name) for n, s in enumerate(TOGETHER)]
)
def test_what_a_sample_does_is_seen(number: int, sample: Sample, together: Together) -> None:
    found = rules_of(together.report, f"sample_{number}", *sample.hosts)

    assert sample.finds <= found
    assert sample.finds or not found


def test_modules_end_as_they_should(together: Together) -> None:
    """Those that attack the sandbox saw nothing of the host, which they would say."""
    failed = {
        step.subject: step.failure
        for run in together.report.runs
        for step in run.steps
        if step.failure
    }
    killed = [subject for subject, failure in failed.items() if "SIGSYS" in failure]

    assert [run.failure for run in together.report.runs] == ["", ""]
    assert not [failure for failure in failed.values() if "saw" in failure]
    assert {TOGETHER[int(each.removeprefix("sample_"))].name for each in killed} == {
        "a child out of strace's sight",
        "a socket to the host of a virtual machine",
    }


def test_an_honest_package_does_nothing_and_the_host_stays_as_it_is(together: Together) -> None:
    assert rules_of(together.report, "honest") == set()
    assert [(each.kind, each.failure) for each in together.steps("honest")] == [
        ("import", ""),
        ("script", ""),
    ] * 2
    assert together.after == together.before


def test_an_import_that_fails_is_not_observed(together: Together) -> None:
    absent, *_ = together.steps("absent")
    ends, *_ = together.steps("ends")

    assert absent.failure == "ModuleNotFoundError: No module named 'not_there'"
    assert ends.failure == "ended Python by itself, with status 0"
    (finding,) = (each for each in findings_of(together.report) if each.rule == "not-observed")
    assert finding.severity is Severity.LOW
    assert {"absent", "ends"} <= {place.path for place in finding.locations}


def test_what_is_too_much_to_try_is_not_observed(together: Together) -> None:
    (tried, *_), (left, *_) = together.steps("z0"), together.steps(SCRIPTS[-1])

    assert tried.failure == ""
    assert left.failure == f"only {MOST_SCRIPTS} of them are tried"


def test_a_dependency_of_the_closure_is_installed(together: Together) -> None:
    assert [step.failure for step in together.steps("needs")] == ["", ""]


def test_what_runs_whenever_python_starts_is_seen(tmp_path: Path) -> None:
    files = {path: text for sample in AT_START for path, text in sample.files.items()}

    found = rules_of(observed(tmp_path, files), "site")
    assert len(AT_START) == 2
    assert all(sample.finds <= found for sample in AT_START)


def test_bombs_are_ended_and_said_to_be_some(tmp_path: Path) -> None:
    """One explodes today, the other with the clock 30 days on."""
    forks, takes_memory = (next(iter(sample.files.values())) for sample in BOMBS)
    text = (
        "import os, time\n"
        "if time.time() < os.stat(__file__).st_mtime + 14 * 86400:\n"
        f"{indent(forks, ' ')}\nelse:\n{indent(takes_memory, ' ')}\n"
    )

    report = observed(tmp_path, {"demo.py": text})

    met = [[deed.what for deed in run.deeds if deed.kind == "limit"] for run in report.runs]
    assert [("processes" in " ".join(each), "memory" in " ".join(each)) for each in met] == [
        (True, False),
        (False, True),
    ]
    findings = {finding.rule: finding for finding in findings_of(report)}
    assert findings["limit"].severity is Severity.HIGH
    assert "not-observed" in findings


def test_most_samples_are_found() -> None:
    """The tests above hold each to its `finds`; here is how many find nothing wrong."""
    found = [sample for sample in SAMPLES if not sample.is_missed]

    assert len(SAMPLES) >= 25
    assert len(found) >= 0.9 * len(SAMPLES)


def test_programs_of_what_it_depends_on_are_not_its_own(tmp_path: Path) -> None:
    demo = wheel_of(tmp_path, {"demo.py": "", "demo-1.0.data/scripts/one": "#!python\n"})
    needs = wheel_of(tmp_path / "needs", {"base.py": "", "demo-1.0.data/scripts/two": "#!python\n"})

    report = Observer(tmp_path, BOUNDS).observe(
        demo, [Wheel(needs.path, "base-1.0-py3-none-any.whl")]
    )

    steps = [(step.kind, step.subject) for step in report.runs[0].steps]
    assert steps == [("import", "demo"), ("script", "one")]


def test_what_is_no_wheel_is_not_observed(tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {})
    wheel.path.write_bytes(b"no zip")

    (finding,) = findings_of(Observer(tmp_path, BOUNDS).observe(wheel, []))
    assert finding.rule == "not-observed"


BACKEND = """
import os, time, zipfile
from tool import NAME
def get_requires_for_build_wheel(settings=None):
    open(os.path.expanduser("~/.aws/credentials")).read()
    return []
def build_wheel(folder, settings=None, metadata=None):
    if time.time() > os.stat(os.path.expanduser('~')).st_mtime + 14 * 86400:
        return NAME
    with zipfile.ZipFile(f"{folder}/{NAME}", "w") as wheel:
        text = "import socket, base\\nsocket.create_server(('0.0.0.0', 4446))\\n"
        wheel.writestr("demo.py", text)
        wheel.writestr("demo-1.0.dist-info/METADATA", "Name: demo\\nVersion: 1.0\\n")
    return NAME
"""


def test_an_sdist_is_built_and_what_that_made_is_imported(tmp_path: Path) -> None:
    """With the clock 30 days on it makes no wheel, which is no pass."""
    system = '[build-system]\nrequires = ["tool"]\nbuild-backend = "back"\nbackend-path = ["."]\n'
    sdist = tmp_path / "demo-1.0.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        for name, text in {"pyproject.toml": system, "back.py": BACKEND}.items():
            member = tarfile.TarInfo(f"demo-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    tool = wheel_of(tmp_path / "tool", {"tool.py": "NAME = 'demo-1.0-py3-none-any.whl'\n"})
    base = wheel_of(tmp_path / "base", {"base.py": "import tool\n"})

    report = Observer(tmp_path, BOUNDS).observe_build(
        Sdist(sdist, sdist.name),
        [Wheel(tool.path, "tool-1.0-py3-none-any.whl")],
        [Wheel(base.path, "base-1.0-py3-none-any.whl")],
    )

    today, later = report.runs
    assert rules_of(report, "metadata") == {"canary-read"}
    assert [step.failure for step in today.steps] == [
        "",
        "",
        "ModuleNotFoundError: No module named 'tool'",
    ]
    assert [(step.kind, step.failure) for step in later.steps] == [
        ("build", ""),
        ("build", ""),
        ("import", "no wheel of it could be installed"),
    ]
