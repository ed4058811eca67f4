"""A gate of small parts that runs in stages: planned, scanned, planned again, and concluded."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from package_gate.core.finding import Kind
from package_gate.core.request import Request
from package_gate.core.request_file import RequestFile
from package_gate.core.run import Run
from package_gate.pipeline import staged
from package_gate.pipeline.assembly import Options
from package_gate.pipeline.scan import Scanning
from package_gate.pipeline.stages import (
    ConcludeStage,
    PlanStage,
    begin_plan,
    read_batch,
    read_plan,
    scan_batch,
)
from package_gate.sandbox.spec import Needs, ScannerSpec
from package_gate.staging.documents import OpenBatch
from package_gate.staging.place import FolderPlace, Place
from tests.gate_parts import FakeScanner, World


@pytest.fixture
def any_scanner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scanners of a world report findings of every kind."""

    def spec(name: str) -> ScannerSpec:
        return ScannerSpec(name, "nowhere:nothing", frozenset(Kind), Needs())

    monkeypatch.setattr(staged, "worker_spec", spec)


@dataclass
class StagedWorld(World):
    """A world whose runs go through all stages."""

    between: list[Callable[[Place], None]] = field(default_factory=list)
    """Done in turn after the scans that follow each plan."""
    batches: int = 1
    runs: int = 0

    def run(self, *requests: Request, rescan: bool = False, dry_run: bool = False) -> Run:
        if dry_run:
            return super().run(*requests, rescan=rescan, dry_run=True)
        file = RequestFile(requests, ())
        self.runs += 1
        place = FolderPlace(self.folder / f"work-{self.runs}")
        between = iter(self.between)
        for _ in range(2):
            for each in self.plan(place, file, rescan=rescan):
                self.scan(place, each.batch)
            if change := next(between, None):
                change(place)
        return self.conclude(place, file, rescan=rescan)

    def plan(self, place: Place, file: RequestFile, *, rescan: bool = False) -> list[OpenBatch]:
        work = begin_plan(place, self.policy.digest, self.now)
        before = dict(self.published)
        with self.gate(Options(dry_run=True, rescan=rescan, stage=PlanStage(work))) as gate:
            gate.run(file)
        assert self.published == before
        return work.write(self.batches)

    def scan(self, place: Place, number: int) -> None:
        batch = read_batch(place, number, self.policy.digest)
        scratch = self.folder / f"scan-{number}"
        scratch.mkdir()
        scanning = Scanning(
            FakeScanner("archive", "1", self),
            [FakeScanner(*each, self) for each in self.scanners.items()],
            self.tick,
        )
        try:
            scan_batch(batch, number, place, scanning, scratch, lambda _: None)
        finally:
            scanning.close()
            scratch.rmdir()

    def conclude(self, place: Place, file: RequestFile, *, rescan: bool = False) -> Run:
        stage = ConcludeStage(read_plan(place, self.policy.digest, self.now))
        resolved, fetched = self.resolved, self.fetched
        with self.gate(Options(rescan=rescan, stage=stage)) as gate:
            run = gate.run(file)
        assert (self.resolved, self.fetched) == (resolved, fetched)
        return run

    @property
    def resolved(self) -> int:
        return sum(call.startswith(("resolve ", "history ")) for call in self.calls)

    @property
    def fetched(self) -> int:
        return sum(call.startswith("fetch ") for call in self.calls)
