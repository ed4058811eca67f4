"""A run in stages does what a run does; nothing that lies between the stages is trusted."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from package_gate.core.artifact import Artifact, Origin, ResolvedPackage
from package_gate.core.decision import Verdict
from package_gate.core.errors import SourceError, StoreError
from package_gate.core.policy import Policy
from package_gate.core.request_file import RequestFile
from package_gate.core.run import Run
from package_gate.pipeline.stages import begin_plan, read_plan
from package_gate.staging.documents import MAX_PACKAGES, Task, spread
from package_gate.staging.place import FolderPlace, Place, file_key
from tests.gate_parts import archive, request
from tests.pipeline import test_gate, test_precedent
from tests.pipeline.test_precedent import OLD, release, suspicion
from tests.pipeline.test_reuse import STRICT, SUSPICION
from tests.stages import StagedWorld, any_scanner

__all__ = ["any_scanner"]

pytestmark = pytest.mark.usefixtures("any_scanner")

DIFFERENT = {
    "test_what_an_archive_pins_is_looked_up": "the plan asks the advisories as well",
    "test_an_approval_does_not_stand_for_a_source_that_was_not_asked": "likewise",
    "test_what_fails_because_the_run_was_stopped_is_neither_recorded_nor_told": (
        "the plan is not stopped at the end of a fetch"
    ),
    "test_an_unexpected_error_while_recording_leaves_the_other_requests_alone": (
        "what can't be written was escaped by the plan"
    ),
}
"""What is not so in stages, and why."""
for module in (test_gate, test_precedent):
    globals().update(
        (name, test)
        for name, test in vars(module).items()
        if name.startswith("test_") and name not in DIFFERENT
    )


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> StagedWorld:
    """Give the world of the module that a test comes from, in stages."""
    made = StagedWorld(tmp_path)
    if request.function.__module__ == test_precedent.__name__:
        made.versions["idna"] = "2.0"
        made.precedents["idna"] = release(made, "idna", "1.0")
        made.findings = {"idna 2.0": [suspicion(OLD)], "idna 1.0": [suspicion(OLD)]}
    return made


def verdicts(run: Run) -> dict[str, Verdict]:
    return {outcome.request.name: outcome.decision.verdict for outcome in run.outcomes}


def reasons(run: Run, name: str) -> str:
    return " ".join(
        reason
        for outcome in run.outcomes
        if outcome.request.name == name
        for reason in outcome.decision.reasons
    )


def documents(place: Place, prefix: str) -> list[Path]:
    return [Path(place.address(key)) for key in sorted(place.keys(prefix))]


def evidence_of(place: Place, name: str) -> Path:
    (found,) = [
        path
        for path in documents(place, "evidence/")
        if json.loads(path.read_text())["name"] == name
    ]
    return found


def edit(path: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_precedent_is_planned_once_a_scan_has_found_a_suspicion(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    world.versions["idna"] = "2.0"
    world.precedents["idna"] = release(world, "idna", "1.0")
    world.findings = {"idna 2.0": [suspicion(OLD)], "idna 1.0": [suspicion(OLD)]}
    place, file = FolderPlace(tmp_path / "work"), RequestFile((request("idna"),), ())
    rounds = []
    while still := world.plan(place, file):
        rounds.append([(each.batch, each.packages) for each in still])
        for each in still:
            world.scan(place, each.batch)
    assert rounds == [[(0, 1)], [(1, 1)]]
    assert verdicts(world.conclude(place, file)) == {"idna": Verdict.APPROVED}


def test_without_the_second_plan_a_suspicion_is_undecided_not_refused(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    world.versions["idna"] = "2.0"
    world.precedents["idna"] = release(world, "idna", "1.0")
    world.findings = {"idna 2.0": [suspicion(OLD)], "idna 1.0": [suspicion(OLD)]}
    place, file = FolderPlace(tmp_path / "work"), RequestFile((request("idna"),), ())
    world.plan(place, file)
    world.scan(place, 0)
    run = world.conclude(place, file)
    assert verdicts(run) == {"idna": Verdict.UNDECIDED}
    assert "the plan does not have the precedent of idna 2.0" in reasons(run, "idna")


def test_a_second_plan_asks_nothing_again_and_scans_nothing_again(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    place, file = FolderPlace(tmp_path / "work"), RequestFile((request("x"), archive("tool")), ())
    world.plan(place, file)
    world.scan(place, 0)
    before = list(world.calls)
    assert world.plan(place, file) == []
    world.scan(place, 0)
    assert [call for call in world.calls[len(before) :] if not call.startswith("ask ")] == []


def test_what_failed_for_a_passing_reason_is_asked_again_by_the_next_plan(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    place = FolderPlace(tmp_path / "work")
    file = RequestFile((request("x"), request("y")), ())
    world.resolve_errors["x"] = SourceError("no answer")
    world.fetch_errors["y"] = SourceError("broken off")
    assert world.plan(place, file) == []
    world.resolve_errors.clear()
    world.fetch_errors.clear()
    assert [each.packages for each in world.plan(place, file)] == [2]
    world.scan(place, 0)
    assert set(verdicts(world.conclude(place, file)).values()) == {Verdict.APPROVED}


def test_what_is_approved_by_a_new_policy_alone_is_published_from_staging(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    world.findings["x"] = [SUSPICION]
    world.policy = STRICT
    assert verdicts(world.run(request("x"))) == {"x": Verdict.REFUSED}
    world.calls.clear()
    world.policy = Policy()
    assert verdicts(world.run(request("x"))) == {"x": Verdict.APPROVED}
    assert world.count("scan x") == 0
    assert world.published


def swap_bytes(place: Place) -> None:
    digest = json.loads(evidence_of(place, "x").read_text())["artifacts"][0]["sha256"]
    Path(place.address(file_key(digest))).write_bytes(b"something else entirely")


def lose_bytes(place: Place) -> None:
    digest = json.loads(evidence_of(place, "x").read_text())["artifacts"][0]["sha256"]
    Path(place.address(file_key(digest))).unlink()


def link_bytes(place: Place) -> None:
    digest = json.loads(evidence_of(place, "x").read_text())["artifacts"][0]["sha256"]
    path = Path(place.address(file_key(digest)))
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def lose_batch(place: Place) -> None:
    for path in documents(place, "batches/"):
        if any(task["package"]["name"] == "x" for task in json.loads(path.read_text())["tasks"]):
            path.unlink()


def damage_batch(place: Place) -> None:
    for path in documents(place, "batches/"):
        if any(task["package"]["name"] == "x" for task in json.loads(path.read_text())["tasks"]):
            path.write_text(path.read_text()[:-20])


def of_other_bytes(evidence: Any) -> None:
    evidence["artifacts"][0]["sha256"] = "0" * 64


def of_another_package(evidence: Any) -> None:
    evidence["name"] = "y"


def by_an_unknown_scanner(evidence: Any) -> None:
    evidence["scans"][0]["scanner"]["name"] = "kindly"


def by_no_scanner(evidence: Any) -> None:
    evidence["scans"] = []


def twice_by_one_scanner(evidence: Any) -> None:
    evidence["scans"].append(evidence["scans"][0])


def by_another_version(evidence: Any) -> None:
    evidence["scans"][0]["scanner"]["version"] = "0"


def without_inventories(evidence: Any) -> None:
    evidence["inventories"] = None


def with_the_inventory_of_another(evidence: Any) -> None:
    evidence["inventories"][0]["artifact"] = "y-1.0-py3-none-any.whl"


def about_another_file(evidence: Any) -> None:
    evidence["scans"][0]["findings"] = [
        {"scanner": "malware", "rule": "r", "kind": "malware", "severity": "info", "message": "m",
         "artifact": "y-1.0-py3-none-any.whl"}
    ]  # fmt: skip


def by_a_newer_gate(evidence: Any) -> None:
    evidence["schema"] += 1


def without_a_moment(evidence: Any) -> None:
    evidence["scans"][0]["scanned_at"] = "2026-06-01T00:00:00"


FORGERIES = [
    of_other_bytes, of_another_package, by_an_unknown_scanner, by_no_scanner, twice_by_one_scanner,
    by_another_version, without_inventories, with_the_inventory_of_another, about_another_file,
    by_a_newer_gate, without_a_moment,
]  # fmt: skip


def forged(change: Callable[[Any], None]) -> Callable[[Place], None]:
    return lambda place: edit(evidence_of(place, "x"), change)


def written(content: bytes) -> Callable[[Place], None]:
    def write(place: Place) -> None:
        evidence_of(place, "x").write_bytes(content)

    return write


def move_to_another_batch(place: Place) -> None:
    path = evidence_of(place, "x")
    number = int(path.parent.name)
    other = path.parent.parent / str(1 - number) / path.name
    path.rename(other)


TAMPERING: dict[str, Callable[[Place], None]] = {
    "bytes swapped": swap_bytes,
    "bytes lost": lose_bytes,
    "bytes linked": link_bytes,
    "batch lost": lose_batch,
    "batch damaged": damage_batch,
    "evidence lost": lambda place: evidence_of(place, "x").unlink(),
    "evidence of another batch": move_to_another_batch,
    "evidence empty": written(b""),
    "evidence no text": written(b"\xff\xfe{"),
    "evidence nested": written(b"[" * 100_000),
    **{f"evidence {change.__name__}": forged(change) for change in FORGERIES},
}


@pytest.mark.parametrize("tampering", TAMPERING.values(), ids=TAMPERING)
def test_what_was_tampered_with_is_undecided_and_the_others_are_decided(
    tmp_path: Path, tampering: Callable[[Place], None]
) -> None:
    world = StagedWorld(tmp_path, batches=2)
    world.between = [lambda _: None, tampering]
    run = world.run(request("x"), request("y"))
    assert verdicts(run) == {"x": Verdict.UNDECIDED, "y": Verdict.APPROVED}
    assert list(world.published) == ["y 1.0"]
    world.between = []
    assert verdicts(world.run(request("x"), request("y"))) == {
        "x": Verdict.APPROVED,
        "y": Verdict.APPROVED,
    }


def test_texts_of_a_scan_are_made_fit_to_read(tmp_path: Path) -> None:
    def rewrite(evidence: Any) -> None:
        info = evidence["scans"][0]["scanner"]
        info["data"], info["isolation"], info["entries"] = "a\x1b[31m\n", "\u202eno", -1
        evidence["failures"] = ["gave up\x1b]0;title\x07"]

    world = StagedWorld(tmp_path)
    world.between = [lambda _: None, forged(rewrite)]
    run = world.run(request("x"))
    assert verdicts(run) == {"x": Verdict.UNDECIDED}
    assert reasons(run, "x").isprintable()
    assert "gave up" in reasons(run, "x")


def test_a_scan_that_dies_is_made_up_for_by_the_next_plan(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path, batches=2)
    world.between = [lambda place: evidence_of(place, "x").unlink()]
    assert verdicts(world.run(request("x"), request("y"))) == {
        "x": Verdict.APPROVED,
        "y": Verdict.APPROVED,
    }


def test_evidence_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    place, file = FolderPlace(tmp_path / "work"), RequestFile((request("x"),), ())
    world.plan(place, file)
    world.scan(place, 0)
    path = evidence_of(place, "x")
    before = path.read_bytes()
    world.scan(place, 0)
    assert not place.write_once(f"evidence/0/{path.name}", b"other")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_requests_of_another_file_than_was_planned_are_undecided(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    place = FolderPlace(tmp_path / "work")
    world.plan(place, RequestFile((request("x"),), ()))
    world.scan(place, 0)
    run = world.conclude(place, RequestFile((request("x"), request("y")), ()))
    assert verdicts(run) == {"x": Verdict.APPROVED, "y": Verdict.UNDECIDED}
    assert "the plan does not have y" in reasons(run, "y")


def test_a_plan_is_another_runs_by_its_policy_its_version_and_its_age(tmp_path: Path) -> None:
    world = StagedWorld(tmp_path)
    place = FolderPlace(tmp_path / "work")
    with pytest.raises(StoreError, match="Plan first"):
        read_plan(place, world.policy.digest, world.now)
    world.plan(place, RequestFile((request("x"),), ()))
    read_plan(place, world.policy.digest, world.now + timedelta(hours=47))
    for read in (read_plan, begin_plan):
        with pytest.raises(StoreError, match="too long ago"):
            read(place, world.policy.digest, world.now + timedelta(hours=49))
        with pytest.raises(StoreError, match="wrong clock"):
            read(place, world.policy.digest, world.now - timedelta(hours=1))
        with pytest.raises(StoreError, match="another policy"):
            read(place, "0" * 64, world.now)
    plan = Path(place.address("plan.json"))
    for key, value, said in (
        ("gate_version", "0.0.1", "another version"),
        ("schema", 2, "another version"),
        ("batches", "many", "damaged"),
    ):
        whole = plan.read_text()
        plan.write_text(json.dumps({**json.loads(whole), key: value}))
        with pytest.raises(StoreError, match=said):
            read_plan(place, world.policy.digest, world.now)
        plan.write_text(whole)


def test_a_plan_is_not_begun_where_evidence_lies(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    place.write("evidence/0/abc.json", b"{}")
    with pytest.raises(StoreError, match="Name an empty place"):
        begin_plan(place, "0" * 64, StagedWorld(tmp_path).now)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("filename", "../../etc/cron.d/x", "no name of a file"),
        ("filename", "/etc/passwd", "no name of a file"),
        ("sha256", "../" * 21 + "a", "no digest"),
        ("sha256", "A" * 64, "no digest"),
        ("size", -1, "a size below nothing"),
    ],
)
def test_a_batch_that_names_what_no_plan_names_is_not_scanned(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    world = StagedWorld(tmp_path)
    place = FolderPlace(tmp_path / "work")
    world.plan(place, RequestFile((request("x"),), ()))

    def change(batch: Any) -> None:
        batch["tasks"][0]["artifacts"][0][key] = value

    edit(Path(place.address("batches/0.json")), change)
    with pytest.raises(StoreError, match=said):
        world.scan(place, 0)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b"])
def test_a_batch_with_another_name_for_a_package_is_not_scanned(tmp_path: Path, name: str) -> None:
    world = StagedWorld(tmp_path)
    place = FolderPlace(tmp_path / "work")
    world.plan(place, RequestFile((request("x"),), ()))
    edit(
        Path(place.address("batches/0.json")),
        lambda batch: batch["tasks"][0]["package"].update(name=name),
    )
    with pytest.raises(StoreError, match="no name of a package"):
        world.scan(place, 0)


def task(number: int, size: int) -> Task:
    artifact = Artifact(f"p{number}-1.0.tar.gz", f"{number:064x}", size)
    package = ResolvedPackage(f"p{number}", "1.0", Origin.PYPI, (artifact.remote,))
    return Task(package, (artifact,), ("archive",))


@given(
    st.lists(st.integers(0, 10**9), max_size=50),
    st.integers(1, 60),
)
def test_batches_hold_every_package_once_and_are_about_as_large(
    sizes: list[int], number: int
) -> None:
    tasks = [task(each, size) for each, size in enumerate(sizes)]
    batches = spread(tasks, number)
    assert sorted(each.package.name for batch in batches for each in batch) == sorted(
        each.package.name for each in tasks
    )
    assert len(batches) == min(number, len(tasks))
    assert all(batches)
    totals = [sum(each.size for each in batch) for batch in batches]
    if totals:  # no batch could give its smallest package away and help
        assert max(totals) - min(totals) <= max(sizes)


def test_a_batch_has_no_more_packages_than_one_machine_should_look_at() -> None:
    batches = spread([task(number, 1) for number in range(2 * MAX_PACKAGES + 1)], 1)
    assert [len(batch) for batch in batches] == [134, 134, 133]
