"""Kills at the boundaries that matter most; `benchmarks/kill_runs.py` tries all the others."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kill.builds import Build, Upstream, build, upstream
from tests.kill.checks import STATUS, at_the_end, at_the_kill, signing_faults
from tests.kill.processes import Mode
from tests.kill.runs import Kind, Point, killed, killed_rescan, undisturbed


def operation(what: str, number: int = 1) -> Point:
    return Point(Kind.OPERATION, what, number)


def request(relay: str, what: str, number: int = 1) -> Point:
    return Point(Kind.REQUEST, what, number, relay)


def answer(relay: str, what: str, number: int = 1) -> Point:
    return Point(Kind.ANSWER, what, number, relay)


RECORDS = "S3 and SNS"
PUSH = "POST /organisation/packages.git/git-receive-pack"
KILLS = [
    ("local", "publication noted", operation("rename /decisions/packages/pypi/app/1.0.json", 2)),
    ("local", "file published", operation("rename /simple/app/index.v1_json")),
    ("local", "archive published", operation("open /generic/tool/Latest/.new-*")),
    ("local", "request recorded", operation("rename /decisions/requests/*.json")),
    ("local", "email written", operation("rename /outbox/approved-tool-*.eml")),
    ("local", "report written", operation("rename /report.html")),
    ("signed", "statement", operation("rename /simple/app/app-1.0-py3-none-any.whl.vsa.json")),
    ("signed", "list posted", operation("rename /simple/standing-list.json")),
    ("codeartifact", "archive brought", answer("CodeArtifact", "POST /v1/package/version/publish")),
    ("codeartifact", "wheel uploaded", answer("uploads", "POST /pypi/approved-packages/")),
    ("codeartifact", "email sent", answer(RECORDS, "POST /\n")),
    ("github", "push begun", request("git", PUSH)),
    ("github", "last push done", answer("git", PUSH, 4)),
    ("github", "record written", answer(RECORDS, "PUT /records/", 8)),
]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, moto_url: str) -> Iterator[Upstream]:
    with upstream(tmp_path_factory.mktemp("upstream"), moto_url) as running:
        yield running


@pytest.mark.parametrize(
    ("target", "point", "mode"),
    [
        pytest.param(target, point, list(Mode)[number % len(Mode)], id=f"{target}-{name}")
        for number, (target, name, point) in enumerate(KILLS)
    ],
)
def test_the_run_after_a_kill_finishes_it_and_does_nothing_twice(
    services: Upstream, tmp_path: Path, target: str, point: Point, mode: Mode
) -> None:
    with build(target, tmp_path / target, services) as made:
        result = killed(made, point, mode)
    assert result.happened
    assert result.faults == []
    assert result.took_over == (target not in ("local", "signed"))
    # Only a kill between sending and noting it can repeat an email, and only that one.
    assert result.repeated_emails <= 1


@pytest.mark.parametrize(
    "operation",
    [
        "rename /decisions/packages/pypi/dep/1.5.json",
        "rename /simple/standing-list.json",
    ],
    ids=["owed", "list recorded"],
)
def test_a_withdrawal_is_listed_before_it_is_forgotten(
    services: Upstream, tmp_path: Path, operation: str
) -> None:
    with build("signed", tmp_path / "signed", services) as made:
        result = killed_rescan(made, Point(Kind.OPERATION, operation), Mode.PROCESS)
    assert result.happened
    assert result.faults == []
    assert result.repeated_emails == 0


@pytest.fixture(scope="module")
def done(services: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    with build("local", tmp_path_factory.mktemp("done") / "local", services) as made:
        assert undisturbed(made).faults == []
        yield made


def test_a_second_run_changes_nothing(done: Build) -> None:
    emails, published = done.store.emails(), done.store.published()
    assert at_the_end(done, done.rerun()) == []
    assert (done.store.emails(), done.store.published()) == (emails, published)


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("simple/holey/holey-2.0-py3-none-any.whl", lambda _: b"refused", "but not to be"),
        ("simple/app/app-1.0-py3-none-any.whl", lambda _: b"other bytes", "but not to be"),
        (
            "decisions/packages/pypi/dep/1.5.json",
            lambda old: old[:-2],
            "packages/pypi/dep/1.5.json",
        ),
        (
            "decisions/packages/pypi/dep/1.5.json",
            lambda old: old.replace(b'"verdict": "approved"', b'"verdict": "refused"'),
            "dep is refused",
        ),
        ("decisions/packages/pypi/dep/1.5.json", None, "published and not recorded: simple/dep"),
    ],
    ids=["refused", "other bytes", "damaged record", "other verdict", "no record"],
)
def test_the_checks_see_a_fault_at_the_kill(
    done: Build, name: str, change: Callable[[bytes], bytes] | None, fault: str
) -> None:
    assert at_the_kill(done) == []
    assert fault in faults_with(done, name, change, lambda: at_the_kill(done))


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("simple/dep/dep-1.5-py3-none-any.whl", None, "published: "),
        ("simple/dep/index.html", None, "dep/index.html lists {}"),
        ("decisions/packages/pypi/holey/2.0.json", None, "packages recorded: ['app', 'dep'"),
        (".scratch/left", lambda _: b"", "left behind: out/.scratch"),
        ("simple/.new-0123", lambda _: b"", "left behind: out/simple/.new-0123"),
        ("outbox/*approved-app*", None, "no email: ('app', 'approved')"),
        ("verdicts.json", lambda _: json.dumps({"requests": []}).encode(), "reported: {}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_checks_see_a_fault_at_the_end(
    done: Build, name: str, change: Callable[[bytes], bytes] | None, fault: str
) -> None:
    assert fault in faults_with(done, name, change, lambda: at_the_end(done, STATUS))


@pytest.fixture(scope="module")
def signed(services: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    with build("signed", tmp_path_factory.mktemp("signed") / "signed", services) as made:
        assert undisturbed(made).faults == []
        yield made


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("simple/dep/dep-1.5-py3-none-any.whl.vsa.json", None, "nothing is signed beside"),
        ("simple/standing-list.json", None, "there is no standing list"),
        ("simple/standing-list.json", lambda old: other_payload(old), "not by the signer"),
        (
            "decisions/packages/pypi/dep/1.5.json",
            lambda old: old.replace(b'"attestation"', b'"unknown"'),
            "packages/pypi/dep/1.5.json is not signed",
        ),
        (
            "decisions/packages/pypi/dep/1.5.json",
            lambda old: old.replace(b'"reasons": [', b'"reasons": ["another", '),
            "packages/pypi/dep/1.5.json is not signed",
        ),
    ],
    ids=["no statement", "no list", "forged list", "unsigned record", "record changed"],
)
def test_the_checks_see_what_is_wrong_with_signatures(
    signed: Build, name: str, change: Callable[[bytes], bytes] | None, fault: str
) -> None:
    assert signing_faults(signed, done=True) == []
    assert fault in faults_with(signed, name, change, lambda: signing_faults(signed, done=True))


def other_payload(envelope: bytes) -> bytes:
    """Say something else in the name of the same signature."""
    document = json.loads(envelope)
    payload = base64.b64decode(document["payload"])
    document["payload"] = base64.b64encode(payload.replace(b"2", b"3")).decode()
    return json.dumps(document).encode()


def faults_with(
    done: Build,
    name: str,
    change: Callable[[bytes], bytes] | None,
    check: Callable[[], list[str]],
) -> str:
    """Check with a file changed, made or removed; afterwards all is as before."""
    place = next(iter(done.output.glob(name)), done.output / name)
    made = [folder for folder in place.parents if not folder.exists()]
    old = place.read_bytes() if place.exists() else None
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        if change is None:
            place.unlink()
        else:
            place.write_bytes(change(old or b""))
        return "\n".join(check())
    finally:
        if old is not None:
            place.write_bytes(old)
        else:
            place.unlink()
        for folder in made:
            folder.rmdir()


def test_the_expected_digests_are_those_of_the_index(services: Upstream) -> None:
    contents = services.index.contents
    digests = {Path(url).name: hashlib.sha256(body).hexdigest() for url, body in contents.items()}
    assert digests["app-1.0-py3-none-any.whl"] == services.digests.app
    assert digests["dep-1.5-py3-none-any.whl"] == services.digests.dep
