"""What was observed of a package on another machine, with its closure."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec
import pytest

from package_gate.commands.service_scanners import observing_scanners
from package_gate.core.artifact import Artifact, Origin, RemoteFile, ResolvedPackage
from package_gate.core.decision import Verdict
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Severity
from package_gate.core.plan import Plan
from package_gate.core.request_file import RequestFile
from package_gate.observation.documents import Deed, Report, Run, Step
from package_gate.observation.observe import Observer, Sdist, Wheel
from package_gate.pipeline.observed import (
    Closure,
    Observation,
    closure_of,
    observe_task,
    observed_key,
    scan_of,
)
from package_gate.pipeline.stages import read_batch
from package_gate.scanners import versions
from package_gate.scanners.registry import version_of
from package_gate.staging.documents import PlanDocument, RequestAnswer, Task
from package_gate.staging.place import FolderPlace, Place
from tests.gate_parts import request
from tests.stages import StagedWorld, any_scanner

__all__ = ["any_scanner"]

pytestmark = pytest.mark.usefixtures("any_scanner")

NOW = datetime(2026, 11, 29, tzinfo=UTC)
STEPS = [Step("import", "demo")]
NOTHING = Report([Run(STEPS, [])])
CONNECTS = Report([Run(STEPS, [Deed("connects", "a.example:443", 0)])])


class World(StagedWorld):
    """A world whose packages are observed between scan and conclusion."""

    def scan(self, place: Place, number: int) -> None:
        rules = self.scanners.pop("observed")
        super().scan(place, number)
        self.scanners["observed"] = rules


def verdict(folder: Path, *between: Callable[[World, Place], None]) -> tuple[Verdict, str]:
    world = World(folder)
    world.scanners = {**world.scanners, "observed": "1"}
    place, file = FolderPlace(folder / "work"), RequestFile((request("idna"),), ())
    world.plan(place, file)
    world.scan(place, 0)
    for change in between:
        change(world, place)
    world.plan(place, file)  # a suspicion asks for the precedent
    (outcome,) = world.conclude(place, file).outcomes
    return outcome.decision.verdict, " ".join(outcome.decision.reasons)


def saying(seen_of: Report, **changes: object) -> Callable[[World, Place], None]:
    """Write what was observed of the packages of the first batch."""

    def write(world: World, place: Place) -> None:
        for task in read_batch(place, 0, world.policy.digest).tasks:
            seen = Observation(task.digest, "1", NOW, seen_of)
            document = msgspec.json.encode(msgspec.structs.replace(seen, **changes))
            place.write(observed_key(task.digest), document)

    return write


def test_what_nobody_observed_is_undecided(tmp_path: Path) -> None:
    decided, reasons = verdict(tmp_path)

    assert decided is Verdict.UNDECIDED
    assert "was not observed" in reasons


def test_a_clean_observation_stands_in_no_way(tmp_path: Path) -> None:
    assert verdict(tmp_path, saying(NOTHING))[0] is Verdict.APPROVED


def test_a_package_that_connects_is_refused(tmp_path: Path) -> None:
    decided, reasons = verdict(tmp_path, saying(CONNECTS))

    assert decided is Verdict.REFUSED
    assert "a.example:443" in reasons


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "0" * 64},
        {"rules": "0"},
        {"schema": 2},
        {"report": Report([])},
        {"observed_at": datetime(2026, 11, 29)},  # that is what is wrong with it
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_about_something_else_counts_for_nothing(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    assert verdict(tmp_path, saying(NOTHING, **changes))[0] is Verdict.UNDECIDED


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 99_999, b"\xff", b"null"])
def test_garbage_is_an_error(content: bytes) -> None:
    with pytest.raises(ScannerError, match="can't be read"):
        scan_of(content, "0" * 64, "1")


def test_what_could_not_be_run_is_said() -> None:
    seen = Observation("0" * 64, "1", NOW, None, absent="it has no wheel")
    (finding,) = scan_of(msgspec.json.encode(seen), "0" * 64, "1").findings

    assert (finding.rule, finding.severity) == ("not-observed", Severity.LOW)


def resolved(
    name: str, *, for_build: bool = False, suffix: str = "-py3-none-any.whl"
) -> ResolvedPackage:
    file = RemoteFile(f"{name}-1.0{suffix}", f"https://a.example/{name}", digest(name), 1)
    return ResolvedPackage(name, "1.0", Origin.PYPI, (file,), for_build=for_build)


def digest(name: str) -> str:
    return name[0].encode().hex() * 32


def task(name: str) -> Task:
    package = resolved(name)
    artifact = Artifact(package.files[0].filename, digest(name), 1)
    return Task(package, (artifact,), ("archive", "observed"))


PLAN = PlanDocument(
    NOW,
    "1",
    "2",
    (
        RequestAnswer("app", "pypi:app", Plan(
            (resolved("app"), resolved("base"), resolved("cython", for_build=True),
             resolved("sdist", suffix=".tar.gz")), (), recorded=False)),
        RequestAnswer("other", "pypi:other", Plan(
            (resolved("other"), resolved("base")), (), recorded=False)),
        RequestAnswer("none", "pypi:none"),
    ),
)  # fmt: skip


def test_a_package_is_observed_with_what_is_installed_with_it() -> None:
    def names(of: str, asked: str | None = None) -> list[str] | None:
        closure = closure_of(PLAN, task(of), asked)
        return None if closure is None else [wheel.filename for wheel in closure.installed]

    assert names("app") == ["base-1.0-py3-none-any.whl"]
    assert names("base") == ["other-1.0-py3-none-any.whl"], "the smaller closure"
    assert names("base", "app") == ["app-1.0-py3-none-any.whl"]
    assert names("app", "other") is None
    assert names("unknown") is None


def test_a_package_is_built_with_what_builds_need() -> None:
    closure = closure_of(PLAN, task("app"))

    assert closure is not None
    assert [wheel.filename for wheel in closure.build] == [
        "cython-1.0-py3-none-any.whl",
        "base-1.0-py3-none-any.whl",
    ]


class FakeObserver:
    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []

    def observe(self, wheel: Wheel, closure: Sequence[Wheel]) -> Report:
        assert all(each.path.is_file() for each in (wheel, *closure))
        self.asked.append((wheel.filename, [each.filename for each in closure]))
        return NOTHING

    def observe_build(
        self, sdist: Sdist, build: Sequence[Wheel], closure: Sequence[Wheel]
    ) -> Report:
        paths = [sdist.path, *(each.path for each in (*build, *closure))]
        assert all(path.is_file() for path in paths)
        self.asked.append((f"build of {sdist.filename}", [each.filename for each in build]))
        return NOTHING


def test_what_was_not_staged_is_left_out(tmp_path: Path) -> None:
    place, observer = FolderPlace(tmp_path / "work"), FakeObserver()
    file = tmp_path / "app"
    file.write_bytes(b"app")
    sha256 = hashlib.sha256(b"app").hexdigest()
    place.put_file(file, sha256)
    artifact = Artifact("app-1.0-py3-none-any.whl", sha256, 3)
    planned = Task(resolved("app"), (artifact,), ("observed",))
    closure = closure_of(PLAN, task("app"))
    assert closure

    seen = observe_task(
        planned, closure, place, cast(Observer, observer), tmp_path, builds=False, now=NOW
    )

    assert observer.asked == [("app-1.0-py3-none-any.whl", [])]
    assert (seen.digest, seen.closure) == (planned.digest, [])


@pytest.mark.parametrize(
    ("builds", "asked", "says"),
    [
        (True, [("build of sdist-1.0.tar.gz", ["tool.whl"])], []),
        (False, [], ["it has no wheel", "[sdists] observe"]),
    ],
)
def test_an_sdist_is_built_only_where_the_policy_says_so(
    tmp_path: Path, builds: bool, asked: list[tuple[str, list[str]]], says: list[str]
) -> None:
    place, observer = FolderPlace(tmp_path / "work"), FakeObserver()
    sha256s = {}
    for name in ("sdist", "tool"):
        tmp_path.joinpath(name).write_text(name)
        sha256s[name] = hashlib.sha256(name.encode()).hexdigest()
        place.put_file(tmp_path / name, sha256s[name])
    artifact = Artifact("sdist-1.0.tar.gz", sha256s["sdist"], 5)
    planned = Task(resolved("sdist"), (artifact,), ("observed",))
    needed = Wheel(Path(sha256s["tool"]), "tool.whl")

    seen = observe_task(
        planned,
        Closure([], [needed]),
        place,
        cast(Observer, observer),
        tmp_path,
        builds=builds,
        now=NOW,
    )

    assert observer.asked == asked
    assert all(each in seen.absent for each in says)
    found = scan_of(msgspec.json.encode(seen), planned.digest, seen.rules)
    assert [finding.rule for finding in found.findings] == ([] if builds else ["not-observed"])


def test_what_is_built_has_other_rules_than_what_is_not() -> None:
    """So that evidence of a time when nothing was built does not hold once the policy wants it."""
    built, not_built = versions.observed(builds=True), versions.observed(builds=False)

    assert built != not_built == version_of("observed")
    (elsewhere,) = observing_scanners(["observed"], Path(), elsewhere=True, builds=True)
    assert elsewhere.version == built


def test_what_held_is_in_the_evidence() -> None:
    report = Report(NOTHING.runs, ["memory"])
    seen = Observation("0" * 64, "1", NOW, report)
    without = msgspec.structs.replace(seen, report=NOTHING)

    def isolation(of: Observation) -> str:
        return scan_of(msgspec.json.encode(of), "0" * 64, "1").scanner.isolation

    assert "memory by control groups" in isolation(seen)
    assert "control groups" not in isolation(without)
