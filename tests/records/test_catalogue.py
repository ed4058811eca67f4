"""The catalogue is what is on record, whatever became of the run that should have written it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from package_gate.core.catalogue import SOURCES, declared
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.inventory import Licence
from package_gate.records.catalogue import DOCUMENT, OWED_KEY, PAGE
from package_gate.scanners.registry import SCANNERS, Where
from tests.fakes.s3_memory import MemoryBucket
from tests.gate_parts import Killed, World, request
from tests.records.test_many_rows import rows, run_in_s3

BAD = Finding("malware", "steals", Kind.MALWARE, Severity.HIGH, "It steals.")
HOLE = Finding("osv", "PYSEC-1", Kind.VULNERABILITY, Severity.HIGH, "A hole.", aliases=("CVE-1",))
X = request("x", "jo@example.com")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One in which `x`, which needs `base`, is approved, `bad` refused, and `fresh` waits."""
    made = World(tmp_path, closures={"x": ["x", "base"]}, findings={"bad": [BAD]})
    made.uploaded["fresh"] = made.now
    made.run(X, request("bad"), request("fresh"))
    return made


def catalogue(world: World) -> Any:
    return json.loads((world.folder / DOCUMENT).read_bytes())


def states(world: World) -> dict[str, str]:
    return {row["name"]: row["state"] for row in catalogue(world)["packages"].values()}


def rebuilt(world: World) -> Any:
    """What a run makes anew that finds no catalogue."""
    (world.folder / DOCUMENT).unlink()
    world.run(X)
    return {**catalogue(world), "changed_at": ""}


def test_it_says_how_everything_on_record_stands(world: World) -> None:
    assert states(world) == {
        "bad": "refused", "base": "approved", "fresh": "waiting", "x": "approved",
    }  # fmt: skip
    rows = {row["name"]: row for row in catalogue(world)["requests"].values()}
    assert rows["x"]["packages"] == ["pypi/x/1.0", "pypi/base/1.0"]
    assert rows["x"]["install_command"] == "pip install x"
    assert rows["fresh"]["waits_until"] == "2026-06-08T00:00:00Z"
    assert "jo@example.com" not in json.dumps(catalogue(world))
    base = catalogue(world)["packages"]["pypi/base/1.0"]
    assert (base["published_to"], base["advisories_of"]) == ("repository/base", "2026-06-01")
    assert not (world.folder / "decisions" / OWED_KEY).exists()


def test_a_run_that_decides_nothing_writes_nothing(world: World) -> None:
    before = [(world.folder / name).stat().st_mtime_ns for name in (DOCUMENT, PAGE)]
    world.run(X, request("bad"))
    assert [(world.folder / name).stat().st_mtime_ns for name in (DOCUMENT, PAGE)] == before


def test_what_runs_keep_up_is_what_one_makes_anew(world: World) -> None:
    world.advisories["base"] = [HOLE]
    world.reevaluate()  # reports it
    world.closures["x"] = ["x", "other"]
    world.run(X, request("new"), rescan=True)
    kept = {**catalogue(world), "changed_at": ""}
    assert kept["reevaluated"]["reported"] == {"pypi/base/1.0": ["CVE-1", "PYSEC-1"]}
    assert states(world)["base"] == "withdrawn"
    assert rebuilt(world) == kept
    assert [row["earlier"] for row in kept["requests"].values() if row["name"] == "x"] == [
        ["pypi/base/1.0"]
    ]


@pytest.mark.parametrize("at", ["publish new", "published new", "email new"])
def test_after_a_kill_nothing_is_missing(world: World, at: str) -> None:
    world.kill_at = at
    with pytest.raises(Killed):
        world.run(X, request("new"))
    assert "new" not in states(world)
    world.kill_at = ""
    world.run(X)  # which decides nothing about it
    assert states(world)["new"] == "approved"
    assert not (world.folder / "decisions" / OWED_KEY).exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"schema":2,"changed_at":""}'])
def test_a_damaged_one_is_made_anew(world: World, content: bytes) -> None:
    before = catalogue(world)["packages"]
    (world.folder / DOCUMENT).write_bytes(content)
    world.run(X)
    assert catalogue(world)["packages"] == before


def test_a_record_that_cannot_be_read_is_named_and_it_stays_owed(world: World) -> None:
    damaged = world.folder / "decisions/packages/pypi/bad/1.0.json"
    content = damaged.read_text()
    damaged.write_text("{")
    (world.folder / DOCUMENT).unlink()
    run = world.run(X)
    assert run.unfinished
    assert any("packages/pypi/bad/1.0.json is damaged" in each for each in run.warnings)
    assert "bad" not in states(world)
    damaged.write_text(content)
    world.run(X)
    assert states(world)["bad"] == "refused"


def test_a_dry_run_leaves_it(world: World) -> None:
    before = (world.folder / DOCUMENT).read_bytes()
    world.run(request("new"), dry_run=True)
    assert (world.folder / DOCUMENT).read_bytes() == before


def test_in_s3_it_lies_compressed_among_the_records(tmp_path: Path) -> None:
    world, bucket = World(tmp_path), MemoryBucket()
    run_in_s3(world, bucket, rows(2))
    body, _, _ = bucket.objects[f"gate/{DOCUMENT}"]
    assert body.startswith(b"\x1f\x8b")
    assert bucket.encodings == {f"gate/{DOCUMENT}": "gzip", f"gate/{PAGE}": "gzip"}
    bucket.calls.clear()
    run_in_s3(world, bucket, rows(2))
    assert not [call for call in bucket.calls if call.startswith(f"put gate/{DOCUMENT[:9]}")]
    run_in_s3(world, bucket, rows(3))
    assert f"put gate/{DOCUMENT}" in bucket.calls
    assert f"delete gate/{OWED_KEY}" in bucket.calls


def test_its_sources_of_advisories_are_those_of_the_table() -> None:
    of_table = {name for name, each in SCANNERS.items() if each.where is Where.ADVISORIES}
    assert of_table == SOURCES


@pytest.mark.parametrize(
    ("licences", "said"),
    [
        ([Licence("MIT", "MIT License", ("License :: OSI Approved :: MIT License",))], "MIT"),
        ([Licence("", "text", ("License :: OSI Approved :: Apache Software License",))],
         "Apache-2.0"),
        ([Licence("", "As Jo\nsays  \u202e")], "As Jo says \\u202e"),
        ([Licence("MIT"), Licence("MIT"), Licence()], "MIT"),
        ([Licence("MIT"), Licence("BSD-3-Clause")], "BSD-3-Clause / MIT"),
        ([], ""),
    ],
)  # fmt: skip
def test_a_licence_is_told_as_it_is_declared(licences: list[Licence], said: str) -> None:
    assert declared(licences) == said


def test_the_licence_of_evidence_is_in_the_row(world: World) -> None:
    [path] = [p for p in world.folder.glob("evidence/*.json") if b'"base"' in p.read_bytes()]
    evidence = json.loads(path.read_bytes())
    evidence["inventories"][0]["licence"] = {"expression": "MIT"}
    path.write_text(json.dumps(evidence))
    assert rebuilt(world)["packages"]["pypi/base/1.0"]["licence"] == "MIT"


def test_wheels_say_for_which_python_they_are(world: World) -> None:
    path = world.folder / "decisions/packages/pypi/base/1.0.json"
    record = path.read_text()
    for tags, pythons in (("cp312-cp312-any", ["3.12"]), ("cp39-abi3-any", None)):
        path.write_text(record.replace("py3-none-any", tags))
        assert rebuilt(world)["packages"]["pypi/base/1.0"].get("pythons") == pythons


def test_what_is_in_a_row_is_fit_to_be_read(tmp_path: Path) -> None:
    world = World(tmp_path, findings={"bad": [replace(BAD, message="A\u202e\x1b</script>\nb")]})
    world.run(request("bad"))
    reason = catalogue(world)["packages"]["pypi/bad/1.0"]["reason"]
    assert reason == "steals (suspicious code): A\\u202e\\x1b</script> b"
    assert b"\\u003c/script>" in (world.folder / PAGE).read_bytes()
