"""The gate: the order of the steps, and the only module that knows it.

For each request: decided already? resolve; then for each package of the closure fetch, unpack,
scan, judge; then publish what is approved, record, notify. Whatever goes wrong with one request
leaves it undecided and the others alone. Every step may be repeated, and is after a kill.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from package_gate.core.artifact import Resolution, ResolvedPackage
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.errors import GateError, PublishError, SourceRefusedError, describe
from package_gate.core.finding import ScannerInfo
from package_gate.core.request import Request
from package_gate.core.request_file import RequestFile
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.text import printable
from package_gate.core.version import gate_version
from package_gate.notifications.outbox import Notifier
from package_gate.notifications.texts import compose, notification_digest
from package_gate.pipeline.concurrency import quick_or_slow
from package_gate.pipeline.package_work import PackageWork, PackageWorker, remote_files
from package_gate.publishers.interface import PublishedPackage, Publisher
from package_gate.records.decisions import Decisions, following
from package_gate.sources.interface import Source

REQUESTS_AT_ONCE = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How a run differs from the usual one."""

    rescan: bool = False
    """Decide again what was decided."""
    dry_run: bool = False
    """Decide and report; publish, record and send nothing."""
    sample_advisories: bool = False
    """Verdicts rest on the small hand-written advisory set."""
    report_hint: str = ""
    """Where the full report is, for the emails."""
    warnings: tuple[str, ...] = ()
    """What the report must say first, whatever the run finds."""


class Gate:
    """Takes a request file through all steps; made of parts that don't know each other."""

    def __init__(
        self,
        sources: Mapping[type, Source],
        packages: PackageWorker,
        publisher: Publisher,
        decisions: Decisions,
        notifier: Notifier,
        policy_digest: str,
        now: Callable[[], datetime],
        progress: Callable[[str, str], None],
        options: Options,
    ) -> None:
        """Put the parts together.

        Args:
            sources: who resolves which class of `Request.source`.
            packages: fetches, scans and judges one package.
            publisher: where approved packages go.
            decisions: the record store.
            notifier: who sends the emails.
            policy_digest: SHA-256 of the policy file.
            now: the time (UTC).
            progress: is told the subject and the step that begins.
            options: how this run differs.
        """
        self._sources = sources
        self._packages = packages
        self._publisher = publisher
        self._decisions = decisions
        self._notifier = notifier
        self._policy_digest = policy_digest
        self._now = now
        self._progress = progress
        self._options = options
        self._warnings = list(options.warnings)
        self._unfinished = False
        self._scanners: dict[str, ScannerInfo] = {}

    def run(self, request_file: RequestFile) -> Run:
        """Decide every request of the file.

        Raises:
            StoreError: another run holds the record store.
        """
        started = self._now()
        groups: dict[tuple[str, str], list[Request]] = {}
        for request in request_file.requests:
            groups.setdefault((request.name, str(request.source)), []).append(request)
        with nullcontext() if self._options.dry_run else self._decisions.exclusive():
            outcomes = quick_or_slow(
                # New requests stand in the last lines, and what takes long begins early.
                reversed(groups.values()),
                self._standing,
                self._settle,
                quick_threads=self._decisions.readers,
                slow_threads=REQUESTS_AT_ONCE,
            )
            self._finish_publishing()
        settled = {(o.decision.name, o.decision.source): o for o in outcomes}
        return Run(
            outcomes=tuple(
                replace(settled[(request.name, str(request.source))], request=request)
                for request in request_file.requests
            ),
            line_errors=request_file.errors,
            scanners=tuple(self._scanners[name] for name in sorted(self._scanners)),
            policy_digest=self._policy_digest,
            gate_version=gate_version(),
            started_at=started,
            finished_at=self._now(),
            warnings=tuple(self._warnings),
            sample_advisories=self._options.sample_advisories,
            unfinished=self._unfinished,
        )

    def _finish_publishing(self) -> None:
        if self._options.dry_run:
            return
        try:
            self._publisher.finish()
        except Exception as error:  # all is published; only what is done at the end is missing
            self._leave(f"{describe(error)} The next run tries again.")

    def _standing(self, requests: list[Request]) -> RequestOutcome | None:
        """Give the outcome of a request that needs no new decision, or None.

        Of an approval the closure's own decisions are not read: they may be thousands, and all
        that a reader needs of them stands in the request's.
        """
        try:
            decision = self._decisions.request(requests[0])
            if decision is None or not self._stands(decision):
                return None
            approved = decision.verdict is Verdict.APPROVED
            packages = () if approved else self._decisions.packages(decision)
            describe = notification_digest(decision)
            if not all(decision.notified.get(r.requester) == describe for r in requests):
                return None
        except Exception:  # `_settle` meets it again, and tells
            return None
        return RequestOutcome(requests[0], decision, packages, decided_now=False)

    def _settle(self, requests: list[Request]) -> RequestOutcome:
        """Take one request (and its duplicates) to its end, whatever happens on the way."""
        request = requests[0]
        earlier: RequestDecision | None = None
        packages: tuple[PackageDecision, ...] = ()
        try:
            earlier = self._decisions.request(request)
            if earlier is not None and self._stands(earlier):
                decision, packages = earlier, self._decisions.packages(earlier)
            else:
                decision, packages = self._decide(request, earlier)
        except Exception as error:  # a fault of ours must not stop the other requests
            undecided = self._request_decision(request, Verdict.UNDECIDED, [describe(error)])
            decision = self._record(undecided, earlier)
        decided_now = decision is not earlier
        if not (self._options.dry_run or self._decisions.ended):
            decision = self._notify(requests, decision, packages)
        if decided_now:
            self._progress(request.name, str(decision.verdict))
        return RequestOutcome(request, decision, packages, decided_now)

    def _stands(self, earlier: RequestDecision) -> bool:
        """Tell whether an earlier decision needs no new one.

        A refusal is judged again when the policy has changed: a waiver may let it through.
        """
        if self._options.rescan or earlier.verdict is Verdict.UNDECIDED:
            return False
        if earlier.sample_advisories and not self._options.sample_advisories:
            return False
        return earlier.verdict is Verdict.APPROVED or earlier.policy_digest == self._policy_digest

    def _decide(
        self, request: Request, earlier: RequestDecision | None
    ) -> tuple[RequestDecision, tuple[PackageDecision, ...]]:
        self._progress(request.name, "resolving")
        try:
            resolution = self._sources[type(request.source)].resolve(request)
        except GateError as error:
            self._judge_superseded(earlier, ())
            if not isinstance(error, SourceRefusedError):
                raise
            refused = self._request_decision(request, Verdict.REFUSED, [str(error)])
            return self._record(refused, earlier), ()
        works = [self._packages.claim(package) for package in resolution.packages]
        try:
            decision, packages = self._conclude(request, resolution, works)
            self._judge_superseded(earlier, (*resolution.packages, *packages))
            return self._record(decision, earlier), packages
        finally:
            for work in works:
                self._packages.release(work)

    def _judge_superseded(
        self,
        earlier: RequestDecision | None,
        current: Sequence[ResolvedPackage | PackageDecision],
    ) -> None:
        """Judge again what an earlier decision published and a rescan resolves no more.

        Notebooks can still install it, for example malware that the index has removed.
        """
        if earlier is None or not self._options.rescan:
            return
        known = {(package.name, package.version) for package in current}
        works: list[PackageWork] = []
        try:
            for each in self._decisions.published(earlier):
                files = remote_files(each.artifacts)
                if (each.name, each.version) not in known:
                    again = ResolvedPackage(each.name, each.version, each.origin, files)
                    works.append(self._packages.claim(again))
            for work in works:
                if isinstance(error := work.decided.exception(), Exception):
                    self._warn(
                        f"{work.subject} stays published, not judged again: {describe(error)}"
                    )
                self._take_back_if_refused(work)
        finally:
            for work in works:
                self._packages.release(work)

    def _conclude(
        self, request: Request, resolution: Resolution, works: Sequence[PackageWork]
    ) -> tuple[RequestDecision, tuple[PackageDecision, ...]]:
        """Make the request's verdict of its packages' and publish what is approved."""
        reasons: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
        for work in works:
            try:
                result = work.decided.result()
            except SourceRefusedError as error:
                reasons[Verdict.REFUSED].append(f"{work.subject}: {error}")
            except Exception as error:
                reasons[Verdict.UNDECIDED].append(f"{work.subject}: {describe(error)}")
            else:
                for scanner in result.scanners:
                    self._scanners[scanner.name] = scanner
                if result.verdict is Verdict.REFUSED:
                    self._take_back_if_refused(work)
                approved = result.verdict is Verdict.APPROVED  # for all by the same reasons
                subject = "" if approved else f"{result.name} {result.version}: "
                reasons[result.verdict] += [f"{subject}{reason}" for reason in result.reasons]
        if reasons[Verdict.REFUSED]:
            verdict, why = Verdict.REFUSED, reasons[Verdict.REFUSED]
        elif reasons[Verdict.UNDECIDED]:
            verdict, why = Verdict.UNDECIDED, reasons[Verdict.UNDECIDED]
        else:
            verdict, why = Verdict.APPROVED, list(dict.fromkeys(reasons[Verdict.APPROVED]))
        install_command = ""
        if verdict is Verdict.APPROVED and not self._options.dry_run:
            try:
                install_command = self._publish(request, works)
            except PublishError as error:
                verdict = Verdict.UNDECIDED
                why = [f"Approved, but not published yet: {error}"]
        packages = tuple(work.decision for work in works if work.decision is not None)
        notes = list(resolution.notes)
        for package in packages:
            notes += [f"{package.name} {package.version}: {note}" for note in package.notes]
        decision = self._request_decision(
            request, verdict, why, tuple(notes), packages, install_command
        )
        return decision, packages

    def _publish(self, request: Request, works: Sequence[PackageWork]) -> str:
        """Publish the closure, then offer it to the requester."""
        for work in works:
            with work.lock:
                if work.decision is None or work.decision.published_to:
                    continue
                self._progress(f"{work.decision.name} {work.decision.version}", "publishing")
                approved = self._packages.approved(work)
                if not work.decision.published_at:  # so that a kill amid it is not forgotten
                    work.decision = replace(work.decision, published_at=self._now())
                    self._decisions.put(work.decision)
                published_to = self._publisher.publish(approved)
                work.decision = replace(
                    work.decision, published_to=published_to, published_at=self._now()
                )
                self._decisions.put(work.decision)
        return self._publisher.offer(
            request,
            [PublishedPackage.of(work.decision) for work in works if work.decision is not None],
        )

    def _take_back_if_refused(self, work: PackageWork) -> None:
        """Withdraw a package that stands in the repository and is refused now."""
        if self._options.dry_run:
            return
        work.decided.exception()  # wait; a failure to decide leaves it where it is
        with work.lock:
            decision = work.decision
            if decision is None or decision.verdict is not Verdict.REFUSED:
                return
            if not decision.may_be_published:
                return
            subject = f"{decision.name} {decision.version}"
            try:
                self._publisher.withdraw(PublishedPackage.of(decision))
            except PublishError as error:
                self._leave(f"{subject} is refused now and still published: {error}")
                return
            self._warn(
                f"{subject} was approved, is refused now and has left "
                f"{decision.published_to or 'the repository'}. "
                "Remove it from notebooks that installed it."
            )
            work.decision = replace(decision, published_to="", withdrawn_at=self._now())
            self._decisions.put(work.decision)

    def _notify(
        self,
        requests: Sequence[Request],
        decision: RequestDecision,
        packages: Sequence[PackageDecision],
    ) -> RequestDecision:
        """Email each requester who hasn't been told of this verdict."""
        digest = notification_digest(decision)
        for request in requests:
            if decision.notified.get(request.requester) == digest:
                continue
            try:
                self._notifier.send(compose(request, decision, packages, self._options.report_hint))
            except Exception as error:
                self._leave(
                    f"The email about {request.name} to {request.requester or 'the topic'} could "
                    f"not be sent: {describe(error)} The next run tries again."
                )
                continue
            decision = replace(decision, notified={**decision.notified, request.requester: digest})
            self._keep(decision)
        return decision

    def _record(
        self, decision: RequestDecision, earlier: RequestDecision | None
    ) -> RequestDecision:
        if earlier is not None:
            decision = following(earlier, decision)
        if not self._options.dry_run:
            self._keep(decision)
        return decision

    def _keep(self, decision: RequestDecision) -> None:
        """Store a request's decision; without its record the next run only does more work."""
        try:
            self._decisions.put(decision)
        except Exception as error:
            self._leave(f"The decision on {decision.name} could not be recorded: {describe(error)}")

    def _request_decision(
        self,
        request: Request,
        verdict: Verdict,
        reasons: Sequence[str],
        notes: tuple[str, ...] = (),
        packages: tuple[PackageDecision, ...] = (),
        install_command: str = "",
    ) -> RequestDecision:
        return RequestDecision(
            name=request.name,
            source=str(request.source),
            verdict=verdict,
            reasons=tuple(reasons),
            notes=notes,
            packages=tuple(package.summary for package in packages),
            policy_digest=self._policy_digest,
            decided_at=self._now(),
            gate_version=gate_version(),
            install_command=install_command,
            sample_advisories=self._options.sample_advisories,
        )

    def _warn(self, warning: str) -> None:
        log.warning(printable(warning, 2000))
        self._warnings.append(warning)

    def _leave(self, warning: str) -> None:
        """Warn of something that is left to the next run."""
        self._warn(warning)
        self._unfinished = True
