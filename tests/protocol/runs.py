"""Runs of the real gate against one bucket, one repository and one topic, step by step.

Each run is a thread that stops at every call which leaves it: to S3, the repository, the topic. The
test says which run goes on, and whether its call is done, fails, or is done without an answer. What
the real S3, CodeArtifact or SNS would do late for a process that stood still, they do late here:
a run may stop between asking whose turn it is and the call itself.
"""

import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from package_gate.core.artifact import Origin
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.errors import NotifyError, PublishError, StoreError
from package_gate.core.finding import Finding, Kind, Severity
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.core.request_file import RequestFile
from package_gate.core.run import Run
from package_gate.notifications.outbox import Email
from package_gate.pipeline.assembly import Options, Outside, Scanners, open_gate
from package_gate.pipeline.settings import Silent
from package_gate.publishers.interface import ApprovedPackage, PublishedPackage
from package_gate.records.s3 import S3Settings, S3Storage
from package_gate.records.store import Records
from tests.fakes.s3_memory import MemoryBucket, MemoryS3, lost
from tests.gate_parts import FakeAdvisories, FakeScanner, World

LEASE_SECONDS = 60
STEP_SECONDS = 15
"""A run that reaches no further call within this time hangs."""
MALWARE = Finding("osv", "MAL-2026-1", Kind.MALWARE, Severity.CRITICAL, "It steals.")


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the gate catches it."""


class How(StrEnum):
    """What becomes of a call."""

    DONE = "done"
    FAILED = "failed"
    """It is not done, and the run hears of it."""
    LOST = "lost"
    """It is done, and the run hears of a failure."""


@dataclass
class Everything:
    """What all runs meet."""

    folder: Path
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    published: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    emails: list[Email] = field(default_factory=list)
    advisories: dict[str, list[Finding]] = field(default_factory=dict)
    closures: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def clock(self) -> float:
        return self.seconds

    def storage(self, client: MemoryS3, sleep: Callable[[float], None]) -> S3Storage:
        settings = S3Settings("records", "gate/", lease_seconds=LEASE_SECONDS, wait_seconds=600)
        made: Any = client
        return S3Storage(settings, made, made, sleep, self.clock)

    def records(self) -> Records:
        """What is on record now."""
        return Records(self.storage(MemoryS3(self.bucket), lambda seconds: None))

    def request(self, request: Request) -> RequestDecision | None:
        return self.records().request(request)

    def package(self, name: str) -> PackageDecision | None:
        return self.records().package(Origin.PYPI, name, "1.0")

    def owed(self) -> list[str]:
        return [key for key in self.bucket.objects if "/owed/" in key]


class Part(World):
    """What one run meets: everything, through calls that can be stopped."""

    def __init__(self, everything: Everything, stop: Callable[[str], How]) -> None:
        super().__init__(everything.folder)
        self.everything = everything
        self.published = everything.published
        self.hidden = everything.hidden
        self.emails = everything.emails
        self.advisories = everything.advisories
        self.closures = everything.closures
        self._stop = stop

    def tick(self) -> datetime:
        with self.lock:
            self.everything.seconds += 0.001
            return datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=self.everything.seconds)

    def publish(self, package: ApprovedPackage) -> str:
        with Call(self._stop, f"publish {package.name}", PublishError):
            return super().publish(package)

    def withdraw(self, package: PublishedPackage) -> bool:
        with Call(self._stop, f"withdraw {package.name}", PublishError):
            return super().withdraw(package)

    def offer(self, asked: Request, packages: Sequence[PublishedPackage]) -> str:
        with Call(self._stop, f"offer {asked.name}", PublishError):
            return super().offer(asked, packages)

    def send(self, email: Email) -> None:
        with Call(self._stop, f"send {email.package} {email.verdict}", NotifyError):
            super().send(email)


@dataclass
class Call:
    """A call that leaves the run."""

    stop: Callable[[str], How]
    name: str
    error: Callable[[str], Exception]
    how: How = How.DONE

    def __enter__(self) -> None:
        self.how = self.stop(self.name)
        if self.how is How.FAILED:
            raise self.error(f"{self.name} failed")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop(f"after {self.name}")
        if self.how is How.LOST and kind is None:
            raise self.error(f"the answer to {self.name} was lost")


class Going:
    """One run of the gate."""

    def __init__(
        self, everything: Everything, requests: Sequence[Request], *, rescan: bool = False
    ) -> None:
        """Begin it; it stops at its first call."""
        self.everything = everything
        self.trace: list[str] = []
        self.run: Run | None = None
        self.error: BaseException | None = None
        self.killed = False
        self.taken_over_steps: list[str] = []
        self._requests = requests
        self._rescan = rescan
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self.ended = False
        client = MemoryS3(everything.bucket, self._before, self._after)
        self.storage = everything.storage(client, self._sleep)
        self._free = threading.local()
        self._thread = threading.Thread(target=self._do, daemon=True)
        self._thread.start()
        self._settle()

    @property
    def waiting(self) -> list[str]:
        """The calls at which it stands."""
        with self._changed:
            return [each.name for each in self._waiting]

    def step(self, how: How = How.DONE, number: int = 0) -> None:
        """Let one of its calls happen, and wait for the next."""
        with self._changed:
            if not self._waiting:
                return
            each = self._waiting.pop(number % len(self._waiting))
            self.trace.append(f"{each.name}: {how}")
            each.how = how
            self._changed.notify_all()
        self._settle()

    def kill(self) -> None:
        """End it as nothing can prevent."""
        with self._changed:
            self.killed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(STEP_SECONDS)
        assert not self._thread.is_alive()

    def renew(self) -> None:
        """Let its renewal take place, unless a thread of it is amid one."""
        if not self.storage._lease._lock.acquire(blocking=False):
            return
        self.storage._lease._lock.release()
        self._free.free = True
        try:
            self.storage._lease.renew()
        except StoreError:
            pass
        finally:
            self._free.free = False

    def finish(self) -> None:
        """Let all of its calls happen."""
        while not self.ended:
            self.step()

    @property
    def turn(self) -> int:
        """The number of its turn; 0 before it has one."""
        return self.storage._lease.turn

    @property
    def is_well(self) -> bool:
        """Whether it exits with 0."""
        return (
            self.run is not None
            and not self.run.unfinished
            and all(o.decision.verdict is not Verdict.UNDECIDED for o in self.run.outcomes)
        )

    def _do(self) -> None:
        part = Part(self.everything, self._stop)
        scratch = Path(tempfile.mkdtemp(dir=self.everything.folder))
        outside = Outside(
            sources={PyPISource: part, ArchiveSource: part},
            fetch=part.fetch,
            publisher=part,
            storage=self.storage,
            notifier=part,
            now=part.tick,
            progress=Silent(),
        )
        scanners = Scanners(
            FakeScanner("archive", "1", part), [FakeScanner("malware", "1", part)],
            [FakeAdvisories(part)],
        )  # fmt: skip
        try:
            options = Options(rescan=self._rescan)
            with open_gate(outside, scanners, part.policy, options, scratch) as gate:
                self.run = gate.run(RequestFile(tuple(self._requests), ()))
        except BaseException as error:
            self.error = error
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def _stop(self, name: str) -> How:
        if getattr(self._free, "free", False):
            return How.DONE
        each = _Waiting(name)
        with self._changed:
            if self.killed:
                raise Killed
            self._waiting.append(each)
            self._changed.notify_all()
            while each.how is None and not self.killed:
                self._changed.wait()
        if self.killed:
            raise Killed
        assert each.how is not None
        return each.how

    def _before(self, call: str) -> None:
        if self._stop(call) is not How.DONE:
            raise lost(call)

    def _after(self, call: str) -> None:
        if call.startswith("put") and self._stop(f"after {call}") is not How.DONE:
            raise lost(call)

    def _sleep(self, seconds: float) -> None:
        self._stop(f"sleep {seconds:g}")
        self.everything.seconds += seconds

    def _settle(self) -> None:
        with self._changed:
            moved = self._changed.wait_for(lambda: self.ended or bool(self._waiting), STEP_SECONDS)
        assert moved, self.trace


@dataclass(eq=False)
class _Waiting:
    name: str
    how: How | None = None


def pypi(name: str) -> Request:
    return Request(name, PyPISource(name), f"{name}@example.com", 1)
