"""A run in stages, each with the rights that it needs: plan, scan and conclude.

The gate is the same in all of them. The plan is a dry run of it that asks the network: it puts
files into staging and notes what must be looked at. Scans look at batches of that. Planned again,
what they found is known, and what it makes necessary, such as an older release to compare with,
becomes another batch. The conclusion is a run that asks nobody: what the plan has no answer for, or
no scan has looked at, is undecided.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import msgspec

from package_gate.core.errors import StoreError, describe
from package_gate.core.version import gate_version
from package_gate.pipeline.answers import Answering, Answers, Asking
from package_gate.pipeline.looking import Fetch, Looker
from package_gate.pipeline.plan import Planning
from package_gate.pipeline.staged import CollectingLooker, StagingLooker, Tasks, scan_task
from package_gate.sources.interface import Attestations, History
from package_gate.staging.documents import (
    Batch,
    OpenBatch,
    PlanDocument,
    decoded,
    encoded,
    spread,
)
from package_gate.staging.place import (
    OPEN_KEY,
    PLAN_KEY,
    Place,
    batch_key,
    evidence_key,
)

MAX_PLAN_AGE = timedelta(hours=48)
"""What the index said then may be another thing now."""
SCANS_AT_ONCE = 4


class WorkPlan:
    """The plan of a run, where its stages meet."""

    def __init__(self, place: Place, document: PlanDocument, batches: dict[int, Batch]) -> None:
        """Take a plan; see `begin_plan` and `read_plan`."""
        self.place = place
        self.document = document
        self._batches = batches
        self.answers = Answers(document)
        self.tasks = Tasks(batches)

    def write(self, batches: int) -> list[OpenBatch]:
        """Write the plan with what was added to it.

        Args:
            batches: over how many batches new packages are spread at least.

        Returns:
            The batches that are still to be scanned.

        Raises:
            StoreError: it could not be written.
        """
        for tasks in spread(self.tasks.new, batches):
            number = len(self._batches)
            batch = Batch(tuple(tasks), self.document.policy_digest)
            self._batches[number] = batch
            self.place.write(batch_key(number), encoded(batch))
        document = replace(self.answers.added_to(self.document), batches=len(self._batches))
        self.place.write(PLAN_KEY, encoded(document))
        self.document = document
        there = self.place.keys("evidence/")
        still = [
            OpenBatch(
                number,
                len(batch.tasks),
                sum(task.size for task in batch.tasks),
            )
            for number, batch in self._batches.items()
            if any(evidence_key(number, task.digest) not in there for task in batch.tasks)
        ]
        self.place.write(OPEN_KEY, encoded(still))
        return still


def begin_plan(place: Place, policy_digest: str, now: datetime) -> WorkPlan:
    """Give the plan of a run, or a new one.

    Args:
        place: where the run's stages meet.
        policy_digest: the policy of the run.
        now: the time (UTC).

    Raises:
        StoreError: it can't be read, or is another run's.
    """
    content = place.read(PLAN_KEY)
    if content is None:
        if place.keys("evidence/"):
            raise StoreError(
                f"{place.address('')} holds what other runs found. Name an empty place with --work."
            )
        return WorkPlan(place, PlanDocument(now, gate_version(), policy_digest), {})
    return _read(place, content, policy_digest, now)


def read_plan(place: Place, policy_digest: str, now: datetime) -> WorkPlan:
    """Give the plan of a run; arguments and errors as of `begin_plan`."""
    content = place.read(PLAN_KEY)
    if content is None:
        raise StoreError(f"{place.address(PLAN_KEY)} is not there. Plan first.")
    return _read(place, content, policy_digest, now)


def _read(place: Place, content: bytes, policy_digest: str, now: datetime) -> WorkPlan:
    document = decoded(content, PlanDocument, place.address(PLAN_KEY))
    address = place.address("")
    if document.policy_digest != policy_digest:
        raise StoreError(f"{address} was planned by another policy. Plan anew, in an empty place.")
    if document.gate_version != gate_version():
        raise StoreError(f"{address} was planned by another version of the gate. Plan anew.")
    age = now - document.planned_at.astimezone(UTC)
    if not timedelta(minutes=-5) <= age <= MAX_PLAN_AGE:
        raise StoreError(
            f"{address} was planned on {document.planned_at:%Y-%m-%d at %H:%M} UTC: too long ago, "
            "or by a wrong clock. Plan anew, in an empty place."
        )
    batches = {}
    for number in range(document.batches):
        stands = place.read(batch_key(number))
        if stands is not None:  # of a batch that is lost, the packages are undecided
            try:
                batches[number] = decoded(stands, Batch, place.address(batch_key(number)))
            except StoreError:
                continue
    return WorkPlan(place, document, batches)


class PlanStage:
    """The dry run that asks the network; implements `Stage`."""

    plans = True

    def __init__(self, plan: WorkPlan) -> None:
        """Add to this plan."""
        self._plan = plan
        self._asking = Asking(plan.answers, plan.place)

    def fetch(self, fetch: Fetch) -> Fetch:
        """See `Stage.fetch`."""
        return self._asking.fetch(fetch)

    def looker(self, looker: Looker, fetch: Fetch) -> Looker:
        """See `Stage.looker`."""
        plan = self._plan
        return StagingLooker(looker, fetch, plan.answers, plan.tasks, plan.place)

    def planner(self, planner: Planning) -> Planning:
        """See `Stage.planner`."""
        return self._asking.planner(planner)

    def history(self, history: History | None) -> History | None:
        """See `Stage.history`."""
        return self._asking.history(history)

    def attestations(self, attestations: Attestations | None) -> Attestations | None:
        """See `Stage.attestations`."""
        return self._asking.attestations(attestations)


class ConcludeStage:
    """The run that asks nobody; implements `Stage`."""

    plans = False

    def __init__(self, plan: WorkPlan) -> None:
        """Go by this plan."""
        self._plan = plan
        self._answering = Answering(plan.answers, plan.place)

    def fetch(self, fetch: Fetch) -> Fetch:
        """See `Stage.fetch`."""
        return self._answering.fetch(fetch)

    def looker(self, looker: Looker, fetch: Fetch) -> Looker:
        """See `Stage.looker`."""
        plan = self._plan
        return CollectingLooker(looker, plan.answers, plan.tasks, plan.place)

    def planner(self, planner: Planning) -> Planning:
        """See `Stage.planner`."""
        return self._answering.planner(planner)

    def history(self, history: History | None) -> History | None:
        """See `Stage.history`."""
        return self._answering.history(history)

    def attestations(self, attestations: Attestations | None) -> Attestations | None:
        """See `Stage.attestations`."""
        return self._answering.attestations(attestations)


def read_batch(place: Place, number: int, policy_digest: str) -> Batch:
    """Give a batch.

    Raises:
        StoreError: it can't be read, or was planned by another policy.
    """
    key = batch_key(number)
    content = place.read(key)
    if content is None:
        raise StoreError(f"{place.address(key)} is not there: the plan has no batch {number}.")
    batch = decoded(content, Batch, place.address(key))
    if batch.policy_digest != policy_digest:
        raise StoreError(f"{place.address(key)} was planned by another policy. Plan anew.")
    return batch


def scan_batch(
    batch: Batch,
    number: int,
    place: Place,
    looker: Looker,
    scratch: Path,
    tell: Callable[[str], None],
) -> int:
    """Look at the packages of a batch that nobody has looked at yet.

    Args:
        batch: the packages.
        number: of the batch.
        place: where their files are, and where it is written what is in them.
        looker: who looks at them.
        scratch: an empty folder.
        tell: hears of each package what became of it, in a sentence.

    Returns:
        Of how many packages it could not be written what is in them.

    Raises:
        StoreError: it can't be told which were looked at already.
    """
    there = place.keys(f"evidence/{number}/")
    waiting = [
        (each, task)
        for each, task in enumerate(batch.tasks)
        if evidence_key(number, task.digest) not in there
    ]

    def scan(which: int) -> bool:
        each, task = waiting[which]
        subject = f"{task.package.name} {task.package.version}"
        folder = scratch / f"package-{each}"
        folder.mkdir()
        try:
            evidence = scan_task(task, place, looker, folder)
            document = msgspec.json.format(msgspec.json.encode(evidence), indent=1)
            new = place.write_once(evidence_key(number, task.digest), document)
        except Exception as error:  # one package's failure stops no other
            tell(f"{subject} could not be scanned: {describe(error)}")
            return False
        finally:
            rmtree(folder, ignore_errors=True)
        failures = " ".join(evidence.failures)
        tell(f"{subject}: {failures or 'scanned'}" if new else f"{subject} was scanned meanwhile")
        return True

    with ThreadPoolExecutor(SCANS_AT_ONCE) as pool:
        done = sum(pool.map(scan, range(len(waiting))))
    return len(waiting) - done
