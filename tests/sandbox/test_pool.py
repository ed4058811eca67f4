import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from package_gate.core.artifact import Origin, UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Kind
from package_gate.core.limits import Limits
from package_gate.sandbox import pool as sandbox_pool
from package_gate.sandbox import worker_process
from package_gate.sandbox.finding_checks import checked
from package_gate.sandbox.pool import MAX_STARTS, ScannerPool
from package_gate.sandbox.spec import Needs, ScannerSpec
from tests.fakes.scanners import FakeSettings, finding

ROOT = Path(__file__).parent.parent.parent
LIMITS = Limits(scan_seconds=60, scan_memory_bytes=2 * 2**30)


def fake(
    processes: int = 1, factory: str = "Fake", settings: FakeSettings | None = None
) -> ScannerSpec:
    return ScannerSpec(
        "fake",
        f"tests.fakes.scanners:{factory}",
        frozenset({Kind.CODE}),
        Needs(programs=True),
        settings or FakeSettings(),
        processes,
    )


def target(behaviour: str) -> UnpackedPackage:
    return UnpackedPackage(behaviour, "1.0", Origin.PYPI, ())


def is_running(pid: int) -> bool:
    status = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return status.stdout.strip()[:1] not in {"", "Z"}


def wait_until_gone(*pids: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(map(is_running, pids)):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScannerPool]:
    """Give a pool for scans that do no lasting harm to their worker, or get a new one after it."""
    with ScannerPool([fake()], LIMITS, tmp_path_factory.mktemp("pool")) as running:
        yield running


def message(pool: ScannerPool, behaviour: str) -> str:
    (only,) = pool.scan("fake", target(behaviour))
    return only.message


def test_a_worker_serves_many_packages_each_in_a_process_of_its_own(pool: ScannerPool) -> None:
    first, second = message(pool, "answer").split(), message(pool, "answer").split()

    assert first[0] == second[0]
    assert first[1] != second[1]
    assert first[2] == second[2] == "1"


def test_a_scanners_name_is_the_pools_and_its_details_are_printable(pool: ScannerPool) -> None:
    info = pool.info("fake")

    assert (info.name, info.version, info.data) == ("fake", "1.0\\x1b[2J", "fake\\nrules")


def test_a_failed_scan_says_why_and_keeps_the_worker(pool: ScannerPool) -> None:
    worker = message(pool, "answer").split()[0]

    with pytest.raises(ScannerError, match=r"fake on fail 1\.0: the advisories could not be had"):
        pool.scan("fake", target("fail"))

    assert message(pool, "answer").split()[0] == worker


@pytest.mark.parametrize(
    ("behaviour", "cause", "replaced"),
    [
        ("raise", r"ValueError: an unforeseen \\x1b\[31m fault", True),
        (
            "exit",
            r"ended by itself with status 7; its last words: x+\\nthe reason \\x1b\[31m",
            True,
        ),
        ("crash", "was killed by SIGSEGV", True),
        ("kill", "was killed by SIGKILL", True),
        ("orphans", "left processes behind", True),
        ("garbage", "answered with garbage", True),
        ("two_lines", "answered with garbage: more than one line", False),
        ("endless", "answered with garbage: more than 64 MiB", False),
        ("old_answer", "answered with garbage: not to what it was asked", True),
        ("another_file", r"answered with garbage: a finding about another-package\.whl", True),
        ("many", "reported 20001 findings, more than 20000", True),
    ],
)
def test_a_broken_scan_is_an_error_and_leaves_nothing_to_the_next_package(
    pool: ScannerPool, behaviour: str, cause: str, replaced: bool
) -> None:
    before = message(pool, "answer").split()[0]

    with pytest.raises(ScannerError, match=cause) as caught:
        pool.scan("fake", target(behaviour))

    assert str(caught.value).startswith(f"fake on {behaviour} 1.0: ")
    assert len(str(caught.value)) < 5000
    assert (message(pool, "answer").split()[0] != before) is replaced


def test_what_a_scanner_prints_does_not_disturb_its_answers(pool: ScannerPool) -> None:
    assert message(pool, "print") == "printed"
    assert message(pool, "read_orders") == "''"


def test_a_name_that_is_no_text_is_an_error(pool: ScannerPool) -> None:
    with pytest.raises(ScannerError, match="can't be told what to do"):
        pool.scan("fake", UnpackedPackage("answer", "\udcff", Origin.PYPI, ()))


def test_findings_that_can_not_be_written_are_an_error(pool: ScannerPool) -> None:
    with pytest.raises(ScannerError, match="findings can't be written"):
        pool.scan("fake", target("surrogate"))


def test_what_a_worker_reports_is_made_fit_to_read(pool: ScannerPool) -> None:
    (found,) = pool.scan("fake", target("ugly"))

    assert found.scanner == "fake"
    assert found.message.startswith("a\\x1b[2J\\u202ebbb")
    assert len(found.message) <= 4000
    assert len(found.locations) == 20
    assert all(len(each.path) <= 1024 and each.line is None for each in found.locations)
    assert found.references == ("https://advisories.example/1",)
    assert found.count == 50


def test_a_scanner_may_only_report_its_own_kinds() -> None:
    other = replace(fake(), kinds=frozenset({Kind.ARCHIVE}))
    with pytest.raises(ScannerError, match="a finding of kind code"):
        checked([finding()], other, target("any"))
    assert checked([finding()], fake(), target("any"))


def test_a_finding_without_a_rule_is_garbage() -> None:
    with pytest.raises(ScannerError, match="without a rule"):
        checked([finding(rule=" ")], fake(), target("any"))


def test_a_hanging_scan_is_killed_with_its_children(tmp_path: Path) -> None:
    with ScannerPool([fake()], replace_limits(scan_seconds=2), tmp_path) as pool:
        before = message(pool, "answer").split()[0]
        with pytest.raises(ScannerError) as caught:
            pool.scan("fake", target("hang"))

        said = re.fullmatch(
            r"fake on hang 1\.0: took more than 2 s, and used 0 of \d+ s of processor time, "
            r"at last on \\x1bpids (\d+) (\d+)",
            str(caught.value),
        )
        assert said, caught.value
        assert wait_until_gone(int(said[1]), int(said[2]))
        assert message(pool, "answer").split()[0] != before


def test_a_scan_that_takes_too_long_leaves_the_worker_to_the_next_package(tmp_path: Path) -> None:
    with ScannerPool([fake()], replace_limits(scan_seconds=1), tmp_path) as pool:
        before = message(pool, "answer").split()[0]
        with pytest.raises(ScannerError, match="took more than 1 s"):
            pool.scan("fake", target("wait"))

        assert message(pool, "answer").split()[0] == before


def test_a_worker_that_hangs_itself_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_pool, "GRACE_SECONDS", 1)
    with ScannerPool([fake()], replace_limits(scan_seconds=1), tmp_path) as pool:
        worker = int(message(pool, "answer").split()[0])
        os.kill(worker, signal.SIGSTOP)
        with pytest.raises(ScannerError, match="hung for 2 s"):
            pool.scan("fake", target("answer"))

        assert wait_until_gone(worker)
        assert message(pool, "answer")


def test_a_scan_has_only_so_much_processor_time_and_each_package_has_its_own(
    tmp_path: Path,
) -> None:
    with ScannerPool([fake()], replace_limits(scan_cpu_seconds=1), tmp_path) as pool:
        # Together they use twice what one may.
        answers = [message(pool, "work") for _ in range(3)]
        assert answers == ["worked"] * 3

        with pytest.raises(
            ScannerError, match=r": used [12] of 1 s of processor time, at last on a/b"
        ):
            pool.scan("fake", target("spin"))
        assert message(pool, "work") == "worked"


def test_a_scan_has_only_so_much_memory(tmp_path: Path) -> None:
    limits = replace_limits(scan_memory_bytes=512 * 2**20)
    with ScannerPool([fake()], limits, tmp_path) as pool:
        before = message(pool, "answer").split()[0]

        with pytest.raises(ScannerError, match="ran out of memory: it may have 512 MiB"):
            pool.scan("fake", target("hog"))

        assert message(pool, "answer").split()[0] != before


def test_two_packages_are_scanned_side_by_side(tmp_path: Path) -> None:
    with ScannerPool([fake(processes=2)], LIMITS, tmp_path) as pool:
        together = threading.Barrier(2)

        def scan() -> str:
            together.wait()
            return message(pool, "sleep")

        with ThreadPoolExecutor(2) as threads:
            workers = {future.result() for future in [threads.submit(scan) for _ in range(2)]}
        assert len(workers) == 2

        with ThreadPoolExecutor(4) as threads:
            later = set(threads.map(lambda _: message(pool, "sleep"), range(4)))
        assert later == workers


def test_more_packages_than_workers_wait_their_turn(pool: ScannerPool) -> None:
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: message(pool, "answer"), range(20)))

    assert len(answers) == len(set(answers)) == 20


def test_a_scanner_that_can_not_start_is_tried_again_for_the_next_package(tmp_path: Path) -> None:
    awaited = tmp_path / "awaited"
    spec = fake(factory="needs_a_file", settings=FakeSettings(str(awaited)))
    with ScannerPool([spec], LIMITS, tmp_path) as pool:
        with pytest.raises(ScannerError, match="fake can't be started: awaited is missing"):
            pool.scan("fake", target("answer"))
        awaited.touch()

        assert message(pool, "answer")


def test_a_scanner_that_never_starts_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScannerPool([fake(factory="never_ready")], LIMITS, tmp_path) as pool:
        for _ in range(MAX_STARTS):
            with pytest.raises(ScannerError, match="can't be started: ended by itself with status"):
                pool.scan("fake", target("answer"))
        monkeypatch.setattr(worker_process, "_COMMAND", ("no-more-processes",))

        with pytest.raises(ScannerError, match="can't be started: ended by itself with status 9"):
            pool.info("fake")


def test_a_program_that_is_missing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "_COMMAND", (str(tmp_path / "missing"),))
    with (
        ScannerPool([fake()], LIMITS, tmp_path) as pool,
        pytest.raises(ScannerError, match=r"can't be started: .*No such file"),
    ):
        pool.info("fake")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("factory", "cause"),
    [
        ("no.such.module:Scanner", "ModuleNotFoundError: No module named 'no'"),
        ("tests.fakes.scanners:Missing", "AttributeError: .*'Missing'"),
    ],
)
def test_a_scanner_that_is_not_there_can_not_start(
    tmp_path: Path, factory: str, cause: str
) -> None:
    spec = replace(fake(), factory=factory)
    with (
        ScannerPool([spec], LIMITS, tmp_path) as pool,
        pytest.raises(ScannerError, match=f"fake can't be started: {cause}"),
    ):
        pool.info("fake")


def test_closing_ends_running_scans_and_all_processes_and_leaves_no_files(tmp_path: Path) -> None:
    pool = ScannerPool([fake(processes=2)], LIMITS, tmp_path)
    idle = int(message(pool, "answer").split()[0])
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(pool.scan, "fake", target("hang"))
        time.sleep(0.5)
        pool.close()
        with pytest.raises(ScannerError, match="stopped because the run ended"):
            hanging.result(timeout=20)

    assert wait_until_gone(idle)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ScannerError, match="not started because the run ended"):
        pool.scan("fake", target("answer"))


def test_workers_die_with_a_gate_that_is_killed(tmp_path: Path) -> None:
    gate = subprocess.Popen(
        [sys.executable, "-c", _GATE, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with gate:
        assert gate.stdout is not None
        worker = int(gate.stdout.readline())
        time.sleep(0.5)
        assert is_running(worker)
        gate.send_signal(signal.SIGKILL)

    assert wait_until_gone(worker)


_GATE = """
import sys, threading
from pathlib import Path
from tests.sandbox.test_pool import LIMITS, fake, message, target
from package_gate.sandbox.pool import ScannerPool

pool = ScannerPool([fake()], LIMITS, Path(sys.argv[1]))
pid = message(pool, "answer").split()[0]
threading.Thread(target=pool.scan, args=("fake", target("hang"))).start()
print(pid, flush=True)
"""


def test_workers_leave_no_core_dumps_and_make_private_files_in_a_group_of_their_own(
    pool: ScannerPool,
) -> None:
    assert message(pool, "limits") == "core=0 umask=77 group=True seen=False"


def replace_limits(**changes: int) -> Limits:
    return Limits(
        scan_seconds=changes.get("scan_seconds", LIMITS.scan_seconds),
        scan_cpu_seconds=changes.get("scan_cpu_seconds", LIMITS.scan_cpu_seconds),
        scan_memory_bytes=changes.get("scan_memory_bytes", LIMITS.scan_memory_bytes),
    )
