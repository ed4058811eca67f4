"""The record store in S3: conditional writes, and builds that take turns."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from package_gate.core.errors import StoreError
from package_gate.records.s3 import LEASE_KEY, S3Settings, S3Storage
from package_gate.records.store import Records
from tests.fakes.aws import AWS
from tests.records.test_store import DECISION, PACKAGE, REQUEST

SETTINGS = S3Settings("records", "gate/", lease_seconds=0.4, wait_seconds=20)


@pytest.fixture
def client(aws: AWS) -> Any:
    client = aws.client("s3")
    client.create_bucket(
        Bucket="records", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return client


@pytest.fixture
def storage(client: Any) -> S3Storage:
    return S3Storage(SETTINGS, client)


def test_decisions_are_kept_encrypted(client: Any, storage: S3Storage) -> None:
    decisions = Records(storage)
    decisions.put(PACKAGE)
    decisions.put(DECISION)
    assert Records(S3Storage(SETTINGS, client)).request(REQUEST) == DECISION
    head = client.head_object(Bucket="records", Key="gate/packages/pypi/idna/3.7.json")
    assert head["ServerSideEncryption"] == "aws:kms"


def test_the_key_of_the_settings_encrypts(client: Any, aws: AWS) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    S3Storage(replace(SETTINGS, kms_key_id=key), client).write("x", b"1")
    assert client.head_object(Bucket="records", Key="gate/x")["SSEKMSKeyId"] == key


def test_what_is_not_there_is_none(storage: S3Storage) -> None:
    assert storage.read("nothing.json") is None


def test_a_decision_that_another_build_made_meanwhile_is_not_overwritten(client: Any) -> None:
    first, second = S3Storage(SETTINGS, client), S3Storage(SETTINGS, client)
    assert first.read("x") is None
    assert second.read("x") is None
    second.write("x", b"second")
    with pytest.raises(StoreError, match="Another run has written"):
        first.write("x", b"first")
    assert first.read("x") == b"second"
    first.write("x", b"first, knowing the second")
    with pytest.raises(StoreError, match="Another run has written"):
        second.write("x", b"second again")


def test_a_run_that_was_stopped_between_history_and_record_is_finished_by_the_next(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Records(S3Storage(SETTINGS, client)).put(DECISION)
    changed = replace(DECISION, decided_at=DECISION.decided_at + timedelta(days=1))
    stopped = S3Storage(SETTINGS, client)
    usual = stopped.write

    def write(key: str, document: bytes) -> None:
        if not key.startswith("history/"):
            raise StoreError("stopped")
        usual(key, document)

    monkeypatch.setattr(stopped, "write", write)
    with pytest.raises(StoreError, match="stopped"):
        Records(stopped).put(changed)
    decisions = Records(S3Storage(SETTINGS, client))
    decisions.put(changed)
    assert decisions.request(REQUEST) == changed


def test_a_missing_bucket_is_named(client: Any) -> None:
    storage = S3Storage(replace(SETTINGS, bucket="elsewhere"), client)
    with pytest.raises(StoreError, match="s3://elsewhere/gate/x can't be read"):
        storage.read("x")
    with pytest.raises(StoreError, match="s3://elsewhere/gate/x can't be written"):
        storage.write("x", b"1")


def test_a_second_build_waits_for_its_turn(client: Any) -> None:
    order = []
    inside = threading.Event()

    def second() -> None:
        inside.wait()
        with S3Storage(SETTINGS, client).exclusive():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with S3Storage(SETTINGS, client).exclusive():
        inside.set()
        threading.Event().wait(1.2)  # three times as long as a lease that nobody renews
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_the_lease_of_a_killed_build_is_taken_over(client: Any) -> None:
    client.put_object(Bucket="records", Key=f"gate/{LEASE_KEY}", Body=b"killed")
    with S3Storage(SETTINGS, client).exclusive():
        pass
    assert client.get_object(Bucket="records", Key=f"gate/{LEASE_KEY}")["Body"].read() == b""


def test_waiting_ends_with_an_error_when_the_other_build_goes_on(client: Any) -> None:
    clock = 0.0

    def sleep(seconds: float) -> None:
        nonlocal clock
        clock += seconds
        client.put_object(Bucket="records", Key=f"gate/{LEASE_KEY}", Body=str(clock).encode())

    client.put_object(Bucket="records", Key=f"gate/{LEASE_KEY}", Body=b"held")
    storage = S3Storage(SETTINGS, client, sleep, lambda: clock)
    with pytest.raises(StoreError, match="Another run holds"), storage.exclusive():
        pass


def test_a_build_that_lost_its_lease_writes_no_more(client: Any) -> None:
    storage = S3Storage(SETTINGS, client)
    with storage.exclusive():
        client.put_object(Bucket="records", Key=f"gate/{LEASE_KEY}", Body=b"usurper")
        threading.Event().wait(0.5)
        with pytest.raises(StoreError, match="lost its lease"):
            storage.write("x", b"1")
    assert client.get_object(Bucket="records", Key=f"gate/{LEASE_KEY}")["Body"].read() == b"usurper"
