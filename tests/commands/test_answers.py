"""`package-gate inventory`, `explain` and `affected-by`: statuses and documents for scripts."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from package_gate.commands import affected_by, explain, inventory, reading
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.records.s3 import S3Settings, S3Storage
from tests.fakes.s3_memory import MemoryBucket, MemoryS3
from tests.gate_parts import World, request

HOLE = Finding("osv", "CVE-2026-11", Kind.VULNERABILITY, Severity.HIGH, "A hole.")
Main = Callable[..., int]


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the process of the tests as it is."""
    monkeypatch.setattr(reading, "prepare_process", lambda: None)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = World(tmp_path_factory.mktemp("out"), closures={"x": ["x", "base"]})
    world.advisories["holey"] = [HOLE]
    world.run(request("x", "jo@example.com"), request("holey"))
    return world.folder


@pytest.mark.parametrize(
    ("main", "arguments", "status"),
    [
        (inventory.main, [], 0),
        (explain.main, ["X"], 0),
        (explain.main, ["x==1.0"], 0),
        (explain.main, ["x==2.0"], 3),
        (explain.main, ["x", "--on", "2026-05-31"], 3),
        (affected_by.main, ["CVE-2026-11"], 0),
        (affected_by.main, ["CVE-2026-12"], 0),
        (affected_by.main, ["holey"], 0),
        (affected_by.main, ["base"], 3),
    ],
)
def test_the_status_says_what_a_script_asks(
    main: Main, arguments: list[str], status: int, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--output", str(output)]
    assert main([*arguments, *where], {}) == status
    assert capsys.readouterr().out
    assert main([*arguments, *where, "--json"], {}) == status
    assert isinstance(json.loads(capsys.readouterr().out), dict)


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (explain.main, ["x==", "--output", "."]),
        (explain.main, ["../x", "--output", "."]),
        (explain.main, ["x", "--on", "yesterday"]),
        (inventory.main, ["--format", "xml"]),
        (affected_by.main, []),
    ],
)
def test_mistaken_arguments_end_with_2(main: Main, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, {})
    assert ended.value.code == 2


def test_where_no_records_are_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inventory.main([], {}, folder=tmp_path) == 2
    assert "There are no records in" in capsys.readouterr().err
    assert inventory.main(["--records", "http://x"], {}) == 2
    assert "must be s3://BUCKET/PREFIX" in capsys.readouterr().err


def test_the_inventory_is_printed_as_csv_and_as_a_page(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inventory.main(["--output", str(output), "--format", "csv"], {}) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["name"], row["state"]) for row in rows] == [
        ("base", "approved"), ("holey", "refused"), ("x", "approved"),
    ]  # fmt: skip
    assert inventory.main(["--output", str(output), "--format", "html"], {}) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


def test_the_bill_of_materials_is_of_what_can_be_installed(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--output", str(output), "--format", "cyclonedx"]
    for name, packages in (("", ["base", "x"]), ("x", ["base", "x"]), ("holey", []), ("z", [])):
        assert inventory.main([*where, "--request", name], {}) == 0
        document = json.loads(capsys.readouterr().out)
        assert [each["name"] for each in document["components"]] == packages
        about = document["metadata"]["component"]["name"]
        assert about == (name or "the approved packages")


def test_one_request_is_listed_by_itself(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--output", str(output), "--format", "csv", "--request", "holey"]
    assert inventory.main(where, {}) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["name"] for row in rows] == ["holey"]


def test_a_record_that_cannot_be_read_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    world.run(request("x"), request("y"))
    (tmp_path / "inventory.json").unlink()
    (tmp_path / "decisions/packages/pypi/x/1.0.json").write_text("{")
    assert inventory.main(["--output", str(tmp_path)], {}) == 1
    said = capsys.readouterr()
    assert "y 1.0: approved" in said.out
    assert "packages/pypi/x/1.0.json is damaged" in said.err
    assert not (tmp_path / "inventory.json").exists()  # nothing is written
    assert inventory.main(["--output", str(tmp_path), "--format", "cyclonedx"], {}) == 1
    said = capsys.readouterr()
    assert [each["name"] for each in json.loads(said.out)["components"]] == ["y"]
    assert "packages/pypi/x/1.0.json is damaged" in said.err


def test_records_of_several_repositories_are_told_apart() -> None:
    bucket = MemoryBucket()
    for name in ("codeartifact/d/one", "codeartifact/d/two", "github/host/owner/repo"):
        bucket.objects[f"decisions/{name}/lease"] = (b"", '"1"', {})
    client = MemoryS3(bucket)
    storage = S3Storage(S3Settings("b", "decisions/"), client, client)  # type: ignore[arg-type]
    assert storage.repositories() == [
        "codeartifact/d/one/", "codeartifact/d/two/", "github/host/owner/repo/",
    ]  # fmt: skip
    below = S3Settings("b", "decisions/codeartifact/d/one/")
    assert S3Storage(below, client, client).repositories() == []  # type: ignore[arg-type]
