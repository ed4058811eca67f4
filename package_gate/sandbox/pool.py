"""The scanners' worker processes, as the gate sees them: a package in, findings out.

A worker that crashes, hangs, exceeds its limits or answers with garbage is killed with all its
children, the scan ends with a `ScannerError`, and the next package gets a fresh worker. What a
worker says is as little trusted as the package that it looked at.
"""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.inventory import Unpacked
from package_gate.core.limits import Limits
from package_gate.core.text import printable
from package_gate.sandbox.finding_checks import checked
from package_gate.sandbox.inventory_checks import checked_inventories
from package_gate.sandbox.protocol import Answer, Failed, Findings, Job, Ready, Setup, Unpacking
from package_gate.sandbox.spec import ScannerSpec
from package_gate.sandbox.worker_process import WorkerProcess

START_SECONDS = 120
"""So long a worker may take to load its rules or advisories."""
GRACE_SECONDS = 10
"""So much longer than a scan may take is waited for its worker, which stops it, to say so."""
MAX_STARTS = 3
"""So often in a row a scanner's worker may fail to start before it is given up."""

_ANSWERS: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


@dataclass(slots=True)
class _Lane:
    """The workers of one scanner."""

    spec: ScannerSpec
    idle: list[WorkerProcess] = field(default_factory=list)
    workers: set[WorkerProcess] = field(default_factory=set)
    """The idle ones and those at work."""
    places: int = 0
    """How many workers there are or are being started."""
    failures: int = 0
    """Starts that failed since one succeeded."""
    last_failure: str = ""
    ready: Ready | None = None


class ScannerPool:
    """Worker processes, each started when it is needed and then kept; a context manager."""

    def __init__(self, specs: Sequence[ScannerSpec], limits: Limits, scratch: Path) -> None:
        """Start nothing yet.

        Args:
            specs: the scanners.
            limits: what one scan may use.
            scratch: an existing folder. Workers make their own folders in it, and all packages to
                be scanned lie below it: other files can't be read where the kernel helps.
        """
        self._limits = limits
        self._scratch = scratch.resolve()
        self._lanes = {spec.name: _Lane(spec) for spec in specs}
        self._changed = threading.Condition()
        self._closed = False
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def info(self, scanner: str) -> ScannerInfo:
        """Say which scanner it is; this starts it when it has not run yet.

        Raises:
            ScannerError: it can't be started.
        """
        return self._ready(scanner).info

    def isolation(self, scanner: str) -> str:
        """Say what the kernel keeps the scanner from; this starts it when it has not run yet.

        Raises:
            ScannerError: it can't be started.
        """
        return self._ready(scanner).isolation

    def scan(self, scanner: str, target: UnpackedPackage) -> list[Finding]:
        """Let a scanner look at a package; blocks, and may be called by many threads at once.

        Raises:
            ScannerError: it did not finish; the text names the cause.
        """
        answer = self._do(scanner, Job(next(self._numbers), target))
        return list(answer.findings)

    def unpack(self, scanner: str, target: UnpackedPackage) -> Unpacked:
        """Let the scanner that unpacks make a package's trees; as `scan` otherwise.

        Raises:
            ScannerError: it did not finish; the text names the cause.
        """
        answer = self._do(scanner, Job(next(self._numbers), target))
        inventories = answer.inventories if isinstance(answer, Unpacking) else ()
        return Unpacked(tuple(answer.findings), tuple(inventories))

    def _do(self, scanner: str, job: Job) -> Findings | Unpacking:
        """Let a worker do a job, and check what it answers."""
        target = job.target
        lane = self._lanes[scanner]
        subject = f"{scanner} on {printable(f'{target.name} {target.version}'.strip())}"
        worker = self._acquire(lane)
        healthy = False
        try:
            outcome = self._outcome(worker, lane.spec, job)
            healthy = not isinstance(outcome, Failed) or not outcome.ends
        except ScannerError as error:
            cause = "was stopped because the run ended" if self._closed else error
            raise ScannerError(f"{subject}: {cause}") from error
        finally:
            self._release(lane, worker, healthy=healthy)
        if isinstance(outcome, Failed):
            raise ScannerError(f"{subject}: {printable(outcome.message, 2000)}")
        return outcome

    def close(self) -> None:
        """Kill all workers; scans that are under way end with a `ScannerError`."""
        with self._changed:
            self._closed = True
            for lane in self._lanes.values():
                for worker in lane.workers:
                    worker.stop()
                for worker in lane.idle:
                    worker.dispose()
                lane.workers.difference_update(lane.idle)
                lane.idle.clear()
            self._changed.notify_all()

    def _ready(self, scanner: str) -> Ready:
        lane = self._lanes[scanner]
        if lane.ready is None:
            self._release(lane, self._acquire(lane), healthy=True)
        if lane.ready is None:
            raise ScannerError(f"{scanner} has not started")
        return lane.ready

    def _acquire(self, lane: _Lane) -> WorkerProcess:
        """Wait for an idle worker, or start one where there is a place for it."""
        name = lane.spec.name
        with self._changed:
            while not self._closed:
                while lane.idle:
                    worker = lane.idle.pop()
                    if worker.is_quiet():
                        return worker
                    self._drop(lane, worker)
                if lane.failures >= MAX_STARTS:
                    raise ScannerError(f"{name} can't be started: {lane.last_failure}")
                if lane.places < lane.spec.processes:
                    lane.places += 1
                    break
                self._changed.wait()
            else:
                raise ScannerError(f"{name} was not started because the run ended")
        try:
            return self._start(lane)
        except ScannerError as error:
            with self._changed:
                lane.places -= 1
                lane.failures += 1
                lane.last_failure = str(error)
                self._changed.notify_all()
            raise ScannerError(f"{name} can't be started: {error}") from error

    def _start(self, lane: _Lane) -> WorkerProcess:
        spec = lane.spec
        setup = Setup(
            scanner=spec.name,
            factory=spec.factory,
            settings=msgspec.Raw(msgspec.json.encode(spec.settings)),
            limits=self._limits,
            packages=str(self._scratch),
            needs=spec.needs,
        )
        try:
            worker = WorkerProcess(spec.name, self._scratch)
        except OSError as error:
            raise ScannerError(str(error)) from error
        with self._changed:
            lane.workers.add(worker)
            if self._closed:
                worker.stop()
        try:
            ready = _begin(worker, setup)
        except ScannerError:
            with self._changed:
                lane.workers.discard(worker)
            worker.dispose()
            raise
        with self._changed:
            lane.failures = 0
            lane.ready = ready
        return worker

    def _release(self, lane: _Lane, worker: WorkerProcess, *, healthy: bool) -> None:
        """Put a worker back, or give up its place."""
        with self._changed:
            if healthy and not self._closed:
                lane.idle.append(worker)
            else:
                self._drop(lane, worker)
            self._changed.notify_all()

    def _drop(self, lane: _Lane, worker: WorkerProcess) -> None:
        lane.places -= 1
        lane.workers.discard(worker)
        worker.dispose()

    def _outcome(
        self, worker: WorkerProcess, spec: ScannerSpec, job: Job
    ) -> Findings | Unpacking | Failed:
        """Ask a worker; ScannerError means that the worker is no good any more."""
        answer = _ask(worker, job, self._limits.scan_seconds + GRACE_SECONDS)
        if isinstance(answer, Ready) or answer.number != job.number:
            raise ScannerError("answered with garbage: not to what it was asked")
        if isinstance(answer, Failed):
            return answer
        if isinstance(answer, Unpacking) != spec.needs.unpacks:
            raise ScannerError("answered with garbage: something else than it was asked for")
        findings = checked(answer.findings, spec, job.target)
        if isinstance(answer, Findings):
            return Findings(job.number, findings)
        inventories = checked_inventories(answer.inventories, job.target)
        return Unpacking(job.number, findings, inventories)


def _begin(worker: WorkerProcess, setup: Setup) -> Ready:
    answer = _ask(worker, setup, START_SECONDS)
    if isinstance(answer, Failed):
        raise ScannerError(printable(answer.message, 2000))
    if not isinstance(answer, Ready):
        raise ScannerError("answered with garbage: not that it is ready")
    info = answer.info
    return Ready(
        ScannerInfo(
            setup.scanner,
            printable(info.version),
            printable(info.data_date),
            printable(info.data, 1000),
        ),
        printable(answer.isolation),
    )


def _ask(worker: WorkerProcess, order: Setup | Job, seconds: float) -> Answer:
    try:
        line = msgspec.json.encode(order)
    except (TypeError, ValueError) as error:
        raise ScannerError(f"can't be told what to do: {error!a}") from error
    return decode_answer(worker.ask(line, seconds))


def decode_answer(line: bytes) -> Answer:
    """Read what a worker said.

    Raises:
        ScannerError: it is garbage.
    """
    try:
        return _ANSWERS.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ScannerError(f"answered with garbage: {printable(str(error), 300)}") from error
