"""Thousands of decided rows in S3: a second run asks for them in a handful of requests."""

from dataclasses import replace
from pathlib import Path

from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.request import PyPISource, Request
from package_gate.core.request_file import RequestFile
from package_gate.core.run import Run
from package_gate.pipeline.assembly import Options, Outside, Scanners, open_gate
from package_gate.records.s3 import INDEX_KEY, S3Settings, S3Storage
from package_gate.records.store import Records
from tests.fakes.s3_memory import MemoryBucket, MemoryS3
from tests.gate_parts import FakeAdvisories, FakeScanner, World

SETTINGS = S3Settings("records", "gate/")
BAD = Finding("malware", "steals", Kind.MALWARE, Severity.HIGH, "It steals.")


def rows(count: int) -> list[Request]:
    return [Request(f"p{n}", PyPISource(f"p{n}"), "jo@example.com", n) for n in range(count)]


def run_in_s3(world: World, bucket: MemoryBucket, requests: list[Request]) -> Run:
    client = MemoryS3(bucket)
    outside = Outside(
        sources={PyPISource: world},
        fetch=world.fetch,
        publisher=world,
        storage=S3Storage(SETTINGS, client, client),  # type: ignore[arg-type]  # as far as used
        notifier=world,
        now=world.tick,
        progress=world.progress,
    )
    scanners = Scanners(
        FakeScanner("archive", "1", world), [FakeScanner("malware", "1", world)],
        [FakeAdvisories(world)],
    )  # fmt: skip
    scratch = world.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    with open_gate(outside, scanners, world.policy, Options(), scratch) as gate:
        return gate.run(RequestFile(tuple(requests), ()))


def decided(world: World, bucket: MemoryBucket, count: int) -> list[Request]:
    """Put the records of so many decided rows there: copies of one that the gate has written."""
    run = run_in_s3(world, bucket, rows(1))
    [outcome] = run.outcomes
    client = MemoryS3(bucket)
    records = Records(S3Storage(SETTINGS, client, client))  # type: ignore[arg-type]
    requests = rows(count)
    with records.exclusive():
        for request in requests[1:]:
            decision = replace(outcome.decision, name=request.name, source=str(request.source))
            records.put(decision)
    for _ in range(2):  # the first lists them all in the catalogue, for which it reads packages
        run_in_s3(world, bucket, requests)
    return requests


def test_a_second_run_over_2000_rows_makes_a_handful_of_requests(tmp_path: Path) -> None:
    world, bucket = World(tmp_path), MemoryBucket()
    requests = decided(world, bucket, 2000)
    world.calls.clear()
    world.emails.clear()
    bucket.calls.clear()
    run = run_in_s3(world, bucket, requests)
    assert len(run.outcomes) == 2000
    assert not any(outcome.decided_now for outcome in run.outcomes)
    assert not run.unfinished
    assert world.calls == []
    assert world.emails == []
    assert len(bucket.calls) <= 16, bucket.calls
    assert f"put gate/{INDEX_KEY}" not in bucket.calls  # it says the same


def test_refused_rows_need_no_request_each_for_their_packages(tmp_path: Path) -> None:
    world, bucket = World(tmp_path), MemoryBucket()
    requests = rows(60)
    for request in requests:
        world.findings[request.name] = [BAD]
    run_in_s3(world, bucket, requests)
    for _ in range(2):
        bucket.calls.clear()
        run = run_in_s3(world, bucket, requests)
        assert not any(outcome.decided_now for outcome in run.outcomes)
        assert all(outcome.packages[0].findings for outcome in run.outcomes)
        assert len(bucket.calls) <= 16, bucket.calls


def test_a_package_that_was_written_since_is_not_taken_from_the_index(tmp_path: Path) -> None:
    world, bucket = World(tmp_path), MemoryBucket()
    [request] = rows(1)
    world.findings["p0"] = [BAD]
    run_in_s3(world, bucket, [request])
    key = "gate/packages/pypi/p0/1.0.json"
    body, _, metadata = bucket.objects[key]
    bucket.objects[key] = (body.replace(b"It steals.", b"It cheats."), '"other"', metadata)
    [outcome] = run_in_s3(world, bucket, [request]).outcomes
    assert "It cheats." in str(outcome.packages[0].findings)


def test_a_run_that_finds_no_index_reads_each_row_once_and_leaves_one(tmp_path: Path) -> None:
    world, bucket = World(tmp_path), MemoryBucket()
    requests = decided(world, bucket, 50)
    del bucket.objects[f"gate/{INDEX_KEY}"]
    bucket.calls.clear()
    run_in_s3(world, bucket, requests)
    read = [call for call in bucket.calls if call.startswith("get gate/requests/")]
    assert len(read) == len(set(read)) == 50
    bucket.calls.clear()
    run_in_s3(world, bucket, requests)
    assert not any(call.startswith("get gate/requests/") for call in bucket.calls)
