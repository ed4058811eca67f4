"""Records that can't be read: told once, advised by kind, and made good when they can be."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from package_gate.core.decision import Verdict
from package_gate.core.errors import NotifyError, PublishError, StoreError
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.run import Run
from tests.gate_parts import Killed, World, request

X = request("x", "jo@example.com")
Y = request("y", line=2)
BAD = Finding("malware", "steals", Kind.MALWARE, Severity.HIGH, "It steals.")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.run(X, Y)
    world.emails.clear()
    return world


def record_of(world: World, kind: str, name: str = "x") -> Path:
    """Give the file of a decision."""
    folder = world.folder / "decisions" / kind
    [found] = [p for p in folder.rglob("*.json") if json.loads(p.read_bytes())["name"] == name]
    return found


def spoil(path: Path, how: str) -> None:
    document = json.loads(path.read_bytes())
    path.write_text(
        {
            "cut off": json.dumps(document)[:-9],
            "empty": "",
            "no text": "\x00\x01",
            "another's": json.dumps({**document, "name": "z"}),
            "newer": json.dumps({**document, "schema": 99}),
            "newer, and laid out otherwise": json.dumps({"schema": 3, "verdict": {"is": "ok"}}),
        }[how]
    )


def told(world: World) -> list[str]:
    """Give what requesters of x were emailed."""
    return [str(email.verdict) for email in world.emails if email.package == "x"]


def outcome(run: Run, name: str = "x") -> tuple[Verdict, str]:
    [found] = [o.decision for o in run.outcomes if o.decision.name == name]
    return found.verdict, " ".join(found.reasons)


def owed(world: World) -> Iterator[Path]:
    return (world.folder / "decisions" / "owed").rglob("*.json")


DAMAGE = pytest.mark.parametrize("how", ["cut off", "empty", "no text", "another's"])
NEWER = pytest.mark.parametrize("how", ["newer", "newer, and laid out otherwise"])


@DAMAGE
def test_a_damaged_record_of_a_request_is_told_once_and_decided_when_it_is_removed(
    world: World, how: str
) -> None:
    record = record_of(world, "requests")
    spoil(record, how)
    for rescan in (False, False, True):
        run = world.run(X, Y, rescan=rescan)
        verdict, reason = outcome(run)
        assert verdict is Verdict.UNDECIDED
        assert "is damaged" in reason
        assert "Restore it, or remove it to decide again." in reason
        assert outcome(run, "y")[0] is Verdict.APPROVED
        assert run.unfinished
    assert told(world) == ["undecided"]
    record.unlink()
    for _ in range(2):
        run = world.run(X, Y)
        assert outcome(run)[0] is Verdict.APPROVED
        assert not run.unfinished
    assert told(world) == ["undecided", "approved"]
    assert list(owed(world)) == []


@NEWER
def test_a_record_of_a_newer_version_is_told_once_and_nobody_is_advised_to_remove_it(
    world: World, how: str
) -> None:
    record = record_of(world, "requests")
    good = record.read_bytes()
    spoil(record, how)
    spoiled = record.read_bytes()
    for _ in range(2):
        run = world.run(X, Y)
        verdict, reason = outcome(run)
        assert verdict is Verdict.UNDECIDED
        assert "newer version of the gate" in reason
        assert "don't remove" in reason
        assert run.unfinished
    assert record.read_bytes() == spoiled
    assert told(world) == ["undecided"]
    record.write_bytes(good)
    for _ in range(2):
        run = world.run(X, Y)
        assert outcome(run)[0] is Verdict.APPROVED
        assert not run.unfinished
    assert told(world) == ["undecided", "approved"]
    assert list(owed(world)) == []


@pytest.mark.parametrize("moment", ["before it is sent", "before that is noted"])
def test_who_heard_of_it_before_a_kill_hears_the_verdict_too(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    record = record_of(world, "requests")
    good = record.read_bytes()
    spoil(record, "empty")
    send = World.send

    def killed(self: World, email: object) -> None:
        if moment == "before that is noted":
            send(self, email)  # type: ignore[arg-type]
        raise Killed("email x")

    with monkeypatch.context() as patched:
        patched.setattr(World, "send", killed)
        with pytest.raises(Killed):
            world.run(X)
    record.write_bytes(good)
    assert not world.run(X).unfinished
    assert told(world)[-1] == "approved"
    assert list(owed(world)) == []


def test_a_verdict_that_could_not_be_emailed_stays_owed(world: World) -> None:
    record = record_of(world, "requests")
    good = record.read_bytes()
    spoil(record, "empty")
    world.run(X)
    record.write_bytes(good)
    world.email_error = NotifyError("SNS is gone")
    assert world.run(X).unfinished
    world.email_error = None
    assert not world.run(X).unfinished
    assert told(world) == ["undecided", "approved"]


@pytest.mark.parametrize("kind", ["packages", "evidence"])
@pytest.mark.parametrize("how", ["cut off", "newer"])
def test_a_request_whose_package_cannot_be_read_stands_until_it_must_be_decided_again(
    world: World, kind: str, how: str
) -> None:
    record = record_of(world, "packages")
    if kind == "evidence":
        record = world.folder / "evidence" / f"{json.loads(record.read_bytes())['evidence']}.json"
    good = record.read_bytes()
    spoil(record, how)
    world.scanners["code"] = "1"  # so that everything is decided again
    for _ in range(2):
        run = world.run(X, Y)
        assert outcome(run)[0] is Verdict.APPROVED  # as of before
        assert outcome(run, "y")[0] is Verdict.APPROVED
        assert run.unfinished
        [said] = [warning for warning in run.warnings if "could not be decided again" in warning]
        assert ("damaged" if how == "cut off" else "don't remove") in said
    assert told(world) == []
    record.write_bytes(good)
    assert not world.run(X, Y).unfinished
    assert told(world) == []


@pytest.mark.parametrize("how", ["cut off", "another's", "newer"])
def test_a_rescan_that_cannot_read_a_package_is_told_once(world: World, how: str) -> None:
    record = record_of(world, "packages")
    good = record.read_bytes()
    spoil(record, how)
    for rescan in (True, True, False):
        run = world.run(X, Y, rescan=rescan)
        assert outcome(run)[0] is Verdict.UNDECIDED
        assert outcome(run, "y")[0] is Verdict.APPROVED
    assert told(world) == ["undecided"]
    assert sorted(world.published) == ["x 1.0", "y 1.0"]
    record.write_bytes(good)
    assert outcome(world.run(X, Y))[0] is Verdict.APPROVED
    assert told(world) == ["undecided", "approved"]


def test_a_refused_package_whose_removed_record_noted_its_publication_is_withdrawn(
    world: World,
) -> None:
    record_of(world, "packages").unlink()
    world.findings["x"] = [BAD]
    world.publish_errors["x"] = PublishError("throttled")
    assert outcome(world.run(X, rescan=True))[0] is not Verdict.APPROVED
    assert "x 1.0" in world.published
    del world.publish_errors["x"]
    run = world.run(X)
    assert outcome(run)[0] is Verdict.REFUSED
    assert "x 1.0" not in world.published
    assert not world.run(X).unfinished
    assert list(owed(world)) == []


def test_what_a_request_needs_no_more_is_judged_though_its_record_was_removed(
    world: World,
) -> None:
    record_of(world, "packages").unlink()
    world.versions["x"] = "2.0"
    world.findings["x 1.0"] = [BAD]
    world.run(X, rescan=True)
    assert sorted(world.published) == ["x 2.0", "y 1.0"]


def test_whom_a_damaged_note_names_is_told_again(world: World) -> None:
    record = record_of(world, "requests")
    good = record.read_bytes()
    spoil(record, "empty")
    world.run(X)
    [note] = owed(world)
    note.write_text("{")
    record.write_bytes(good)
    assert outcome(world.run(X))[0] is Verdict.APPROVED
    assert told(world) == ["undecided", "approved"]
    assert list(owed(world)) == []


@pytest.mark.parametrize("key", ["rescan", "withdraw/pypi/x/1.0", "publish/0123456789abcdef"])
@pytest.mark.parametrize("rescan", [False, True])
def test_a_damaged_document_of_what_is_owed_is_named_and_nothing_is_approved(
    world: World, key: str, *, rescan: bool
) -> None:
    path = world.folder / "decisions" / "owed" / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = request("new")
    path.write_text("{")
    with pytest.raises(StoreError, match=f"owed/{key}.json of what is owed is damaged") as caught:
        world.run(X, new, rescan=rescan)
    assert "remove it and run with --rescan" in str(caught.value)
    assert sorted(world.published) == ["x 1.0", "y 1.0"]
    assert world.emails == []
    path.unlink()
    assert outcome(world.run(X, new, rescan=True), "new")[0] is Verdict.APPROVED
