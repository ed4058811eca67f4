"""The gate's parts put together: what a run meets and what it goes by → a gate that is ready."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from package_gate.advisories.cached import Cached
from package_gate.advisories.interface import AdvisorySource
from package_gate.attestations.attestor import Attestor
from package_gate.core.policy import Policy
from package_gate.core.version import gate_version
from package_gate.notifications.outbox import Notifier
from package_gate.pipeline.compliant import Compliant
from package_gate.pipeline.gate import Gate, Steps
from package_gate.pipeline.looking import Fetch, Looker, Looking
from package_gate.pipeline.packages import Packages
from package_gate.pipeline.plan import Planner, Planning
from package_gate.pipeline.precedent import Precedents
from package_gate.pipeline.publish import Publication
from package_gate.pipeline.remarks import Remarks
from package_gate.pipeline.reuse import Conditions
from package_gate.pipeline.scan import Scanning
from package_gate.pipeline.settings import Progress, Settings, WithoutVerdicts
from package_gate.pipeline.signing import Signing
from package_gate.publishers.interface import Publisher
from package_gate.records.storage import Storage
from package_gate.records.store import Records
from package_gate.scanners.interface import Scanner, UnpackingScanner
from package_gate.sources.interface import Attestations, History, Source, Steering


@dataclass(frozen=True, slots=True)
class Outside:
    """What a run meets."""

    sources: Mapping[type, Source]
    """Who resolves which class of `Request.source`."""
    fetch: Fetch
    publisher: Publisher
    storage: Storage
    """Where the records are."""
    notifier: Notifier
    now: Callable[[], datetime]
    """The time (UTC)."""
    progress: Progress
    history: History | None = None
    """Who knows the older releases of projects; without, no suspicion is set aside."""
    steering: Steering | None = None
    """Who resolves without what an advisory refuses; without, nothing is passed over for it."""
    attestations: Attestations | None = None
    """Who knows who has attested files of the index; without, what the records say of it stands."""
    attestor: Attestor | None = None
    """Who signs verdicts; without, nothing is signed."""


@dataclass(frozen=True, slots=True)
class Scanners:
    """Who looks at packages, and who knows of them."""

    unpacker: UnpackingScanner
    content: Sequence[Scanner]
    advisories: Sequence[AdvisorySource]
    sample_advisories: bool = False
    """Whether verdicts rest on the small hand-written advisory set."""


class Stage(Protocol):
    """How one stage of a run differs from doing all in one process."""

    plans: bool
    """Whether it plans what a run will do: it takes up what earlier runs owe, in a dry run."""

    def fetch(self, fetch: Fetch) -> Fetch:
        """Give who fetches, in place of who would."""
        ...

    def looker(self, looker: Looker, fetch: Fetch) -> Looker:
        """Give who looks at packages, in place of who would."""
        ...

    def planner(self, planner: Planning) -> Planning:
        """Give who says what requests need, in place of who would."""
        ...

    def history(self, history: History | None) -> History | None:
        """Give who knows older releases, in place of who would."""
        ...

    def attestations(self, attestations: Attestations | None) -> Attestations | None:
        """Give who knows who has attested files, in place of who would."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How a run differs from the usual one."""

    rescan: bool = False
    """Resolve, fetch and scan again what was decided."""
    reevaluates: bool = False
    """Decide again what is approved, by its records and what is known today."""
    dry_run: bool = False
    """Decide and report; publish, record and send nothing."""
    policy_text: str = ""
    """What the policy's file says, for the record."""
    report_hint: str = ""
    """Where the full report is, for the emails."""
    warnings: tuple[str, ...] = ()
    """What the report must say first, whatever the run finds."""
    stage: Stage | None = None
    """Which stage of a run this is; None for all in one."""


@contextmanager
def open_gate(
    outside: Outside, scanners: Scanners, policy: Policy, options: Options, scratch: Path
) -> Iterator[Gate]:
    """Give a gate whose turn it is; when the block ends, it takes no more work.

    Args:
        outside: what it meets.
        scanners: who looks at packages.
        policy: InfoSec's policy.
        options: how this run differs.
        scratch: an existing folder for what is downloaded and unpacked.

    Raises:
        StoreError: another run holds the record store, or it can't be read.
    """
    records, remarks = Records(outside.storage), Remarks(options.warnings)
    with nullcontext() if options.dry_run else records.exclusive():
        if options.policy_text and not options.dry_run:
            records.keep_policy(policy.digest, options.policy_text)
        stage = options.stage
        plans = stage is not None and stage.plans
        if plans:
            outside.storage.look()
        rescan = options.rescan
        looks = (plans or not options.dry_run) and not (options.reevaluates or rescan)
        if looks and (owed := records.owed.rescan()):
            rescan = True
            remarks.warn(
                f"The rescan that began on {owed.begun_at:%Y-%m-%d at %H:%M} UTC did not come to "
                "its end, so this run does."
            )
        overturned = records.owed.withdrawals()
        scanning = Scanning(scanners.unpacker, scanners.content, outside.now)
        advisories = [Cached(source) for source in scanners.advisories]
        conditions = Conditions(
            policy=policy,
            policy_digest=policy.digest,
            unpacker=scanners.unpacker.name,
            # What was found in the bytes counts as it did: nothing is looked at again.
            scanners={} if options.reevaluates else scanning.versions,
            advisories=[source.name for source in advisories],
            gate_version=gate_version(),
            rescan=rescan,
            reevaluates=options.reevaluates,
            sample_advisories=scanners.sample_advisories,
            overturned=frozenset(each.key for each in overturned),
        )
        settings = Settings(
            conditions=conditions,
            now=outside.now,
            progress=WithoutVerdicts(outside.progress) if plans else outside.progress,
            dry_run=options.dry_run,
            report_hint=options.report_hint,
        )
        planner: Planning = Planner(
            outside.sources,
            Compliant(outside.steering, advisories, settings),
            records,
            settings,
        )
        looker: Looker = scanning
        fetch, history = outside.fetch, outside.history
        attestations = outside.attestations
        if stage:
            fetch, history = stage.fetch(fetch), stage.history(history)
            looker, planner = stage.looker(looker, fetch), stage.planner(planner)
            attestations = stage.attestations(attestations)
        looking = Looking(fetch, looker, advisories, scratch, attestations)
        precedents = Precedents(history, looking, records, settings)
        signing = Signing(outside.attestor, outside.publisher, records, remarks)
        packages = Packages(looking, records, precedents, signing, settings)
        steps = Steps(
            planner=planner,
            packages=packages,
            publication=Publication(
                outside.publisher, packages, records, signing, remarks, settings
            ),
            signing=signing,
            records=records,
            notifier=outside.notifier,
            remarks=remarks,
        )
        with closing(packages):
            yield Gate(steps, settings)
