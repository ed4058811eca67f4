"""The record store in S3: conditional writes, and builds that take turns."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from package_gate.core.errors import StoreError, TurnError
from package_gate.records.lease import KEY as LEASE_KEY
from package_gate.records.lease import now
from package_gate.records.s3 import INDEX_KEY, S3Settings, S3Storage
from package_gate.records.store import Records
from tests.fakes.aws import AWS
from tests.fakes.s3_memory import MemoryBucket, MemoryS3, lost
from tests.records.test_store import DECISION, PACKAGE, REQUEST

SETTINGS = S3Settings("records", "gate/", lease_seconds=60, wait_seconds=600)


@pytest.fixture(params=["moto", "memory"])
def client(request: pytest.FixtureRequest) -> Any:
    """S3 as moto has it, and the one in memory: both must do the same."""
    if request.param == "memory":
        return MemoryS3(MemoryBucket())
    aws: AWS = request.getfixturevalue("aws")
    client = aws.client("s3")
    client.create_bucket(
        Bucket="records", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return client


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def made(client: Any, clock: Clock | None = None, **settings: Any) -> S3Storage:
    clock = clock or Clock()
    return S3Storage(replace(SETTINGS, **settings), client, client, clock.sleep, clock)


def test_documents_are_kept_encrypted_and_under_the_number_of_the_turn(aws: AWS) -> None:
    client = aws.client("s3")
    client.create_bucket(
        Bucket="records", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    decisions = Records(made(client, kms_key_id=key))
    with decisions.exclusive():
        decisions.put(PACKAGE)
        decisions.put(DECISION)
    assert Records(made(client)).request(REQUEST) == DECISION
    head = client.head_object(Bucket="records", Key="gate/packages/pypi/idna/3.7.json")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    assert int(head["Metadata"]["turn"]) > 1_700_000_000


def test_what_is_not_there_is_none(client: Any) -> None:
    assert made(client).read("nothing.json") is None


def test_nothing_is_written_without_a_turn(client: Any) -> None:
    with pytest.raises(TurnError, match="has not waited for its turn"):
        made(client).write("x", b"1")


def test_documents_are_listed_and_removed(client: Any) -> None:
    storage = made(client)
    with storage.exclusive():
        for key in ("owed/b.json", "owed/a.json", "other.json"):
            storage.write(key, b"1")
        assert storage.keys("owed/") == ["owed/a.json", "owed/b.json"]
        storage.remove("owed/a.json")
        storage.remove("owed/a.json")
        assert storage.keys("owed/") == ["owed/b.json"]


def test_a_document_that_changes_under_a_runs_eyes_ends_its_turn(client: Any) -> None:
    first = made(client)
    with first.exclusive():
        first.write("x", b"first")
        _plant(client, "x", b"second's")
        with pytest.raises(StoreError, match="Another run has written"):
            first.write("x", b"first again")
        with pytest.raises(TurnError, match="Another run has written"):
            first.read("x")
        assert first.read_now("x") == b"second's"


def test_a_document_of_a_later_turn_ends_this_one(client: Any) -> None:
    storage = made(client)
    with storage.exclusive():
        client.put_object(
            Bucket="records", Key="gate/x", Body=b"1", Metadata={"turn": "99999999999"}
        )
        with pytest.raises(TurnError, match="not this run's turn any more"):
            storage.read("x")


def test_a_run_that_was_stopped_between_history_and_record_is_finished_by_the_next(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Records(made(client))
    with first.exclusive():
        first.put(DECISION)
    changed = replace(DECISION, decided_at=DECISION.decided_at + timedelta(days=1))
    stopped = made(client)
    usual = stopped.write

    def write(key: str, document: bytes) -> None:
        if not key.startswith("history/"):
            raise StoreError("stopped")
        usual(key, document)

    monkeypatch.setattr(stopped, "write", write)
    decisions = Records(stopped)
    with decisions.exclusive(), pytest.raises(StoreError, match="stopped"):
        decisions.put(changed)
    decisions = Records(made(client))
    with decisions.exclusive():
        decisions.put(changed)
        assert decisions.request(REQUEST) == changed


def test_a_missing_bucket_is_named(aws: AWS) -> None:
    storage = made(aws.client("s3"), bucket="elsewhere")
    with pytest.raises(StoreError, match="s3://elsewhere/gate/x can't be read"):
        storage.read("x")
    with pytest.raises(StoreError, match="s3://elsewhere/gate/lease can't be"), storage.exclusive():
        pass


def test_a_second_build_waits_for_its_turn(bucket: MemoryBucket) -> None:
    """In real time: the first renews its lease, thrice as long as it stands."""
    order: list[str] = []
    settings = replace(SETTINGS, lease_seconds=0.4, wait_seconds=60)
    clients: list[Any] = [MemoryS3(bucket), MemoryS3(bucket)]
    first, second = (S3Storage(settings, client, client) for client in clients)
    inside = threading.Event()

    def wait() -> None:
        inside.wait()
        with second.exclusive():
            order.append("second")

    thread = threading.Thread(target=wait)
    thread.start()
    with first.exclusive():
        inside.set()
        threading.Event().wait(1.2)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


@pytest.mark.parametrize("body", [b"", b'{"turn":7,"holder":""}'], ids=["gate 0.1", "now"])
def test_a_free_lease_is_taken_at_once(client: Any, body: bytes) -> None:
    _plant(client, LEASE_KEY, body)
    clock = Clock()
    with made(client, clock).exclusive():
        assert clock.seconds == 1000


@pytest.mark.parametrize(
    "body", [b"5d41402a", b'{"turn":7,"holder":"x"}', b"\xff"], ids=["gate 0.1", "now", "damaged"]
)
def test_the_lease_of_a_killed_build_is_taken_over(client: Any, body: bytes) -> None:
    _plant(client, LEASE_KEY, body)
    clock = Clock()
    with made(client, clock).exclusive():
        assert clock.seconds >= 1060
    assert _body(client, LEASE_KEY).endswith(b'"holder":"","renewal":0}')


def test_turns_are_numbered_upwards_also_when_the_lease_is_removed(client: Any) -> None:
    _plant(client, LEASE_KEY, b'{"turn":9999999999,"holder":""}')
    with made(client).exclusive():
        assert b'"turn":10000000000' in _body(client, LEASE_KEY)
    client.delete_object(Bucket="records", Key=f"gate/{LEASE_KEY}")
    with made(client).exclusive():
        number = int(_body(client, LEASE_KEY).split(b":")[1].split(b",")[0])
    assert number > 1_700_000_000


def test_waiting_ends_with_an_error_when_the_other_build_goes_on(client: Any) -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.seconds += seconds
        _plant(client, LEASE_KEY, f'{{"turn":1,"holder":"{clock.seconds}"}}'.encode())

    _plant(client, LEASE_KEY, b'{"turn":1,"holder":"held"}')
    storage = S3Storage(SETTINGS, client, client, sleep, clock)
    with pytest.raises(StoreError, match="Another run holds"), storage.exclusive():
        pass


def test_a_build_that_was_taken_over_writes_no_more(client: Any) -> None:
    clock = Clock()
    storage = made(client, clock)
    with storage.exclusive():
        clock.sleep(60)
        _plant(client, LEASE_KEY, b'{"turn":99999999999,"holder":"usurper"}')
        for _ in range(2):
            with pytest.raises(TurnError, match="another run has taken over"):
                storage.write("x", b"1")
            with pytest.raises(TurnError, match="another run has taken over"):
                storage.turn.ask()
    assert b"usurper" in _body(client, LEASE_KEY)
    assert storage.read_now("x") is None


def test_a_build_that_stood_still_goes_on_when_nobody_has_taken_over(client: Any) -> None:
    clock = Clock()
    storage = made(client, clock)
    with storage.exclusive():
        clock.sleep(3600)
        storage.turn.ask()
        storage.write("x", b"1")
    assert storage.read_now("x") == b"1"


def test_a_build_that_cannot_tell_whose_turn_it_is_does_nothing(bucket: MemoryBucket) -> None:
    clock, client = Clock(), MemoryS3(bucket)
    storage = made(client, clock)

    def cut_off(call: str) -> None:
        raise lost(call)

    with storage.exclusive():
        client.before = cut_off
        storage.turn.ask()  # the lease stands without a renewal for a while
        clock.sleep(60)
        with pytest.raises(TurnError, match="could not be told"):
            storage.turn.ask()
        client.before = lambda call: None
        storage.turn.ask()


def test_what_is_renewed_too_slowly_is_not_relied_on(bucket: MemoryBucket) -> None:
    clock, client = Clock(), MemoryS3(bucket)
    storage = made(client, clock)
    with storage.exclusive():
        clock.sleep(60)
        client.after = lambda call: clock.sleep(60)
        with pytest.raises(TurnError, match="took longer than the turn"):
            storage.turn.ask()


@pytest.mark.parametrize("key", ["x", LEASE_KEY])
def test_a_lost_answer_is_not_taken_for_another_build(bucket: MemoryBucket, key: str) -> None:
    clock, client = Clock(), MemoryS3(bucket)
    storage = made(client, clock)
    losing = _once(f"put gate/{key}")
    client.after = losing
    with storage.exclusive():
        storage.write("x", b"1")
        storage.write("x", b"2")
    assert losing.calls == 1
    assert storage.read_now("x") == b"2"


def test_an_answer_lost_with_the_look_after_it_is_made_up_for_later(bucket: MemoryBucket) -> None:
    client = MemoryS3(bucket)
    storage = made(client)
    with storage.exclusive():
        client.after = _once("gate/x", times=2)
        with pytest.raises(StoreError, match="can't be written"):
            storage.write("x", b"1")
        assert storage.read("x") == b"1"
        storage.write("x", b"2")


def test_a_write_that_s3_finds_in_conflict_is_tried_again(bucket: MemoryBucket) -> None:
    client = MemoryS3(bucket)
    conflict = ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
    client.before = _once("put gate/x", times=3, error=lambda _: conflict)
    storage = made(client)
    with storage.exclusive():
        storage.write("x", b"1")
        client.before = _once("put gate/x", times=99, error=lambda _: conflict)
        with pytest.raises(StoreError, match="ConditionalRequestConflict"):
            storage.write("x", b"2")


def test_requests_are_read_from_one_object(bucket: MemoryBucket) -> None:
    first = made(MemoryS3(bucket))
    with first.exclusive():
        for number in range(50):
            first.write(f"requests/{number}.json", b"%d" % number)
    bucket.calls.clear()
    second = made(MemoryS3(bucket))
    with second.exclusive():
        assert [second.read(f"requests/{n}.json") for n in range(50)] == [
            b"%d" % n for n in range(50)
        ]
        assert second.read("requests/none.json") is None
    assert len(bucket.calls) < 10


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", b"[]"])
def test_what_the_index_does_not_say_is_read_by_itself(bucket: MemoryBucket, damage: bytes) -> None:
    first = made(MemoryS3(bucket))
    with first.exclusive():
        first.write("requests/a.json", b"a")
        first.write("requests/b.json", b"b")
    index = f"gate/{INDEX_KEY}"
    if damage:
        bucket.objects[index] = (damage, '"0"', {})
    bucket.objects["gate/requests/a.json"] = (b"restored by hand", '"1"', {})
    del bucket.objects["gate/requests/b.json"]
    bucket.objects["gate/requests/c.json"] = (b"c", '"2"', {})
    second = made(MemoryS3(bucket))
    with second.exclusive():
        found = [second.read(f"requests/{name}.json") for name in "abc"]
        assert found == [b"restored by hand", None, b"c"]
        second.write("requests/a.json", b"decided again")
    assert made(MemoryS3(bucket)).read("requests/a.json") == b"decided again"


def test_a_hold_that_is_kept_runs_out_by_itself(bucket: MemoryBucket) -> None:
    storage = made(MemoryS3(bucket))
    with storage.exclusive() as hold:
        hold.kept = True
    clock = Clock()
    with made(MemoryS3(bucket), clock).exclusive():
        assert clock.seconds >= 1060


def test_the_clock_counts_seconds() -> None:
    earlier = now()
    assert 0 <= now() - earlier < 3600


class _Losing:
    def __init__(self, part: str, times: int, error: Callable[[str], Exception]) -> None:
        self.part, self.times, self.error, self.calls = part, times, error, 0

    def __call__(self, call: str) -> None:
        if self.part in call and self.calls < self.times:
            self.calls += 1
            raise self.error(call)


def _once(part: str, times: int = 1, error: Callable[[str], Exception] = lost) -> _Losing:
    return _Losing(part, times, error)


def _plant(client: Any, key: str, body: bytes) -> None:
    client.put_object(Bucket="records", Key=f"gate/{key}", Body=body, Metadata={})


def _body(client: Any, key: str) -> bytes:
    body: bytes = client.get_object(Bucket="records", Key=f"gate/{key}")["Body"].read()
    return body
