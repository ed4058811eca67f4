"""`package-gate observe`: which packages of a plan it lets run, and what it writes of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from package_gate.commands import observe
from package_gate.core.artifact import Artifact, Origin, RemoteFile, ResolvedPackage
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.plan import Plan
from package_gate.core.policy import load_policy
from package_gate.core.version import gate_version
from package_gate.observation.documents import Report, Run, Step
from package_gate.observation.observe import Sdist, Wheel
from package_gate.pipeline.observed import observed_key, scan_of
from package_gate.scanners import versions
from package_gate.staging.documents import Batch, PlanDocument, RequestAnswer, Task, encoded
from package_gate.staging.place import PLAN_KEY, FolderPlace, batch_key
from tests.observation.machine import needs_sandbox
from tests.observation.samples import wheel_of

SEEN = Report([Run([Step("import", "demo")], [])])
BUILDS = "[sdists]\nobserve = true\n"


@dataclass
class Work:
    """A plan in a folder, with a batch for each package."""

    folder: Path
    policy: str = ""
    tasks: list[Task] = field(default_factory=list)
    wanted: tuple[str, ...] = ("archive", "observed")

    @property
    def place(self) -> FolderPlace:
        return FolderPlace(self.folder / "work")

    def add(self, filename: str, content: bytes) -> Task:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.folder / sha256
        path.write_bytes(content)
        self.place.put_file(path, sha256)
        file = RemoteFile(filename, f"https://a.example/{filename}", sha256, len(content))
        package = ResolvedPackage(filename.partition("-")[0], "1.0", Origin.PYPI, (file,))
        task = Task(package, (Artifact(filename, sha256, len(content)),), self.wanted)
        self.tasks.append(task)
        return task

    def observe(self, *arguments: str) -> int:
        """Plan them as one closure, and let them run."""
        policy = self.folder / "scan-policy.toml"
        policy.write_text(self.policy)
        digest = load_policy(policy).digest
        plan = Plan(tuple(task.package for task in self.tasks), (), recorded=False)
        document = PlanDocument(
            datetime.now(UTC),
            gate_version(),
            digest,
            (RequestAnswer("demo", "pypi:demo", plan),),
            batches=len(self.tasks),
        )
        self.place.write(PLAN_KEY, encoded(document))
        for number, task in enumerate(self.tasks):
            self.place.write(batch_key(number), encoded(Batch((task,), digest)))
        work = str(self.folder / "work")
        return observe.main(["--work", work, *arguments], {}, folder=self.folder)

    def rules(self, task: Task, *, builds: bool = False) -> list[str]:
        """Name the rules of what was seen of a package."""
        content = self.place.read(observed_key(task.digest))
        scan = scan_of(content, task.digest, versions.observed(builds=builds))
        return [finding.rule for finding in scan.findings]


class FakeObserver:
    """Runs nothing; what is named in `fails` can't be run."""

    asked: list[str]
    fails: set[str]

    def __init__(self, scratch: Path) -> None:
        pass

    def observe(self, wheel: Wheel, closure: Sequence[Wheel]) -> Report:
        self.asked.append(wheel.filename)
        if wheel.filename in self.fails:
            raise ScannerError("the sandbox failed")
        return SEEN

    def observe_build(
        self, sdist: Sdist, build: Sequence[Wheel], closure: Sequence[Wheel]
    ) -> Report:
        self.asked.append(sdist.filename)
        return SEEN


@pytest.fixture(autouse=True)
def _leaves_this_process_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prepares a process of its own, with signals that end it."""
    monkeypatch.setattr(observe, "prepare_process", lambda: None)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeObserver]:
    FakeObserver.asked, FakeObserver.fails = [], set()
    monkeypatch.setattr(observe, "Observer", FakeObserver)
    return FakeObserver


def name(project: str) -> str:
    return f"{project}-1.0-py3-none-any.whl"


def test_a_package_that_can_t_be_run_stops_no_other_and_is_tried_again(
    tmp_path: Path, fake: type[FakeObserver], capsys: pytest.CaptureFixture[str]
) -> None:
    work = Work(tmp_path)
    bad, good = work.add(name("bad"), b"1"), work.add(name("good"), b"2")
    fake.fails = {name("bad")}

    assert work.observe() == 1
    assert "bad 1.0: the sandbox failed" in capsys.readouterr().out
    assert work.place.read(observed_key(bad.digest)) is None
    assert work.rules(good) == []
    fake.fails = set()
    assert work.observe() == 0
    *first, again = fake.asked
    assert sorted(first) == [name("bad"), name("good")], "two at once"
    assert again == name("bad")


@pytest.mark.parametrize(("gibibytes", "packages"), [(2, 1), (8, 1), (15, 1), (16, 2), (64, 2)])
def test_packages_at_once_leave_each_other_their_memory(gibibytes: int, packages: int) -> None:
    assert observe.at_once(gibibytes << 30) == packages


def test_only_what_is_asked_for_is_observed(tmp_path: Path, fake: type[FakeObserver]) -> None:
    work = Work(tmp_path)
    work.add(name("a"), b"1")
    work.add(name("b"), b"2")

    assert work.observe("--batch", "1") == 0
    assert fake.asked == [name("b")]
    assert work.observe("--request", "another") == 0
    assert fake.asked == [name("b")]


@pytest.mark.parametrize(
    ("policy", "asked", "rules"), [("", [], ["not-observed"]), (BUILDS, ["a-1.0.tar.gz"], [])]
)
def test_an_sdist_is_built_only_where_the_policy_says_so(
    tmp_path: Path, fake: type[FakeObserver], policy: str, asked: list[str], rules: list[str]
) -> None:
    work = Work(tmp_path, policy)
    task = work.add("a-1.0.tar.gz", b"1")

    assert work.observe() == 0
    assert fake.asked == asked
    assert work.rules(task, builds=bool(policy)) == rules


def test_a_plan_that_wants_nothing_observed_is_an_error(
    tmp_path: Path, fake: type[FakeObserver], capsys: pytest.CaptureFixture[str]
) -> None:
    work = Work(tmp_path, wanted=("archive", "ruff"))
    work.add(name("a"), b"1")

    assert work.observe() == 1
    assert "plan with observed among --scanners" in capsys.readouterr().err
    assert fake.asked == []


def test_a_machine_that_can_t_isolate_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(scratch: Path) -> None:
        raise ConfigurationError("there is no bubblewrap")

    monkeypatch.setattr(observe, "Observer", refuses)
    work = Work(tmp_path)
    work.add(name("a"), b"1")

    assert work.observe() == 2
    assert "no bubblewrap" in capsys.readouterr().err


@needs_sandbox
def test_a_package_of_a_plan_runs_with_its_closure_and_what_it_does_is_written(
    tmp_path: Path,
) -> None:
    work = Work(tmp_path)
    thief = "import os, base\nopen(os.path.expanduser('~/.aws/credentials')).read()\n"
    wheel = wheel_of(tmp_path / "demo", {"demo.py": thief})
    task = work.add(wheel.filename, wheel.path.read_bytes())
    base = wheel_of(tmp_path / "base", {"base.py": ""})
    work.add(name("base"), base.path.read_bytes())

    assert work.observe("--batch", "0") == 0
    assert work.rules(task) == ["canary-read"]
