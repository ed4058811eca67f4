"""The gate: the order of the steps, and the only module that knows it.

For each request: does its decision still hold? plan; then for each package of the closure fetch,
scan and decide; then publish what is approved, record, notify. Whatever goes wrong with one request
leaves it undecided and the others alone. Every step may be repeated, and is after a kill.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from package_gate.core.artifact import ResolvedPackage
from package_gate.core.child import end_all
from package_gate.core.decision import (
    Cause,
    PackageDecision,
    PackageSummary,
    RequestDecision,
    Verdict,
)
from package_gate.core.errors import (
    GateError,
    NotOfferedError,
    PublishError,
    SourceError,
    SourceRefusedError,
    StoreError,
    TurnError,
    UnfitError,
    UnreadableRecordError,
    UnresolvedError,
    describe,
)
from package_gate.core.finding import ScannerInfo
from package_gate.core.plan import Plan
from package_gate.core.request import Request
from package_gate.core.request_file import RequestFile
from package_gate.core.run import RequestOutcome, Run
from package_gate.core.standing import old_advisories
from package_gate.notifications.outbox import Notifier
from package_gate.notifications.texts import compose, notification_digest, sent_before
from package_gate.pipeline.concurrency import Slowly, quick_or_slow
from package_gate.pipeline.decide import (
    PackageOutcome,
    decide_request,
    follow_request,
    refuse_or_leave,
    refuse_unfit,
)
from package_gate.pipeline.packages import Packages, PackageWork, remote_files
from package_gate.pipeline.plan import Planning
from package_gate.pipeline.publish import Publication
from package_gate.pipeline.remarks import Remarks
from package_gate.pipeline.reuse import closure_holds, offer_holds, request_holds, stands_undecided
from package_gate.pipeline.settings import Settings
from package_gate.pipeline.signing import Signing
from package_gate.pipeline.waivers import idle_waivers
from package_gate.records.reading import read_catalogue
from package_gate.records.store import Records
from package_gate.report.inventory_page import inventory_page

REQUESTS_AT_ONCE = 8

Outcome = TypeVar("Outcome", RequestOutcome, RequestOutcome | Slowly)
Decided = tuple[RequestDecision, tuple[PackageDecision, ...]]


@dataclass(frozen=True, slots=True)
class Steps:
    """The parts of the gate, which don't know each other's order."""

    planner: Planning
    packages: Packages
    publication: Publication
    signing: Signing
    records: Records
    notifier: Notifier
    remarks: Remarks


class Gate:
    """Takes a request file through all steps."""

    def __init__(self, steps: Steps, settings: Settings) -> None:
        """Put the steps in order."""
        self.steps = steps
        self._records = steps.records
        self._remarks = steps.remarks
        self.settings = settings
        self._conditions = settings.conditions
        self._today = settings.now().date()
        self._scanners: dict[str, ScannerInfo] = {}
        self._again: dict[tuple[str, str], RequestDecision] = {}
        """What is decided again from its record."""
        self.catalogue: Mapping[str, bytes] = {}
        """The files of the catalogue, once they are on record."""

    def run(
        self,
        request_file: RequestFile,
        besides: Sequence[ResolvedPackage] = (),
        judged_by: Sequence[ScannerInfo] = (),
    ) -> Run:
        """Pay what earlier runs owe, then decide every request of the file.

        Args:
            request_file: the requests.
            besides: packages that are judged though no request needs them any more, and taken back
                when they are refused.
            judged_by: the advisories by which all that is approved was judged; none when it was
                not.

        Raises:
            StoreError: it could not be noted that a rescan begins.
        """
        started = self.settings.now()
        groups: dict[tuple[str, str], list[Request]] = {}
        for request in request_file.requests:
            groups.setdefault(_key(request), []).append(request)
        try:
            outcomes = self._outcomes(list(groups.values()), besides)
            if not self.settings.dry_run:
                self._finish(judged_by)
        except BaseException:  # an interrupt: what others see must not go on behind our back
            self._records.turn.stop()
            end_all()
            raise
        self.warn_of_age(self._asked())
        if request_file.requests and not besides:
            for warning in idle_waivers(self._conditions.policy, outcomes, self._today):
                self._remarks.warn(warning)
        settled = {(o.decision.name, o.decision.source): o for o in outcomes}
        return Run(
            outcomes=tuple(
                replace(settled[_key(request)], request=request)
                for request in request_file.requests
            ),
            line_errors=request_file.errors,
            scanners=tuple(self._scanners[name] for name in sorted(self._scanners)),
            policy_digest=self._conditions.policy_digest,
            gate_version=self._conditions.gate_version,
            started_at=started,
            finished_at=self.settings.now(),
            warnings=tuple(self._remarks.warnings),
            sample_advisories=self._conditions.sample_advisories,
            unfinished=self._remarks.unfinished,
        )

    def warn_of_age(self, sources: Iterable[ScannerInfo]) -> None:
        """Warn of those sources of advisories whose data is old; of the same ones once."""
        ages = self._conditions.policy.advisories
        if warning := old_advisories(sources, ages, self._today):
            self._remarks.warn_first(warning)

    def _asked(self) -> list[ScannerInfo]:
        """Give the sources of advisories that packages were decided by."""
        names = self._conditions.advisories
        return [info for info in self._scanners.values() if info.name in names]

    def _outcomes(
        self, groups: Sequence[list[Request]], besides: Sequence[ResolvedPackage]
    ) -> list[RequestOutcome]:
        if not self.settings.dry_run:
            self._pay()
        counted = self._counting(len(groups))
        outcomes = quick_or_slow(
            # New requests stand in the last lines, and what takes long begins early.
            reversed(groups),
            lambda requests: counted(self._standing_outcome(requests)),
            self._ask_together,
            lambda requests: counted(self._settle_timed(requests)),
            quick_threads=self._records.readers,
            slow_threads=REQUESTS_AT_ONCE,
        )
        self._try(self._judge_again, besides, ())
        return outcomes

    def _counting(self, total: int) -> Callable[[Outcome], Outcome]:
        """Give what passes outcomes on and tells how many there are."""
        lock, done = threading.Lock(), 0

        def counted(outcome: Outcome) -> Outcome:
            nonlocal done
            if isinstance(outcome, RequestOutcome):
                with lock:
                    done += 1
                    self.settings.progress.count("requests", done, total)
            return outcome

        return counted

    def _pay(self) -> None:
        """Do what earlier runs have left undone, and note what this one begins."""
        owed = self._records.owed
        for begun in owed.publications():
            self._try(self.steps.publication.repair, begun)
        for withdrawal in owed.withdrawals():
            self._try(self.steps.publication.pay, withdrawal)
        if self._conditions.rescan:
            owed.owe_rescan(self.settings.now())

    def _finish(self, judged_by: Sequence[ScannerInfo]) -> None:
        """Do what is done once a run, and note what is paid.

        A withdrawal is forgotten only once it stands in the standing list.
        """
        self._try(self.steps.publication.finish)
        self._try(self.steps.signing.finish, judged_by, self._asked(), self.settings.now())
        self._try(partial(self.steps.publication.settle, complete=not self._remarks.unfinished))
        if self._conditions.rescan and self._records.all_written:
            self._try(self._records.owed.is_rescanned)
        if not self._conditions.reevaluates:  # which puts more on record
            self.keep_catalogue()

    def keep_catalogue(self) -> None:
        """Write the catalogue of all that is on record now; what fails is left to the next run."""
        self._try(self._keep_catalogue)

    def _keep_catalogue(self) -> None:
        read = read_catalogue(self._records)
        for message in read.unreadable:
            self._remarks.leave_once(message)
        complete = self._records.all_written and not read.unreadable
        with self._records.turn.step():
            self.catalogue = self._records.catalogue.keep(
                read.catalogue, inventory_page, self.settings.now(), complete=complete
            )

    def _try(self, step: Callable[..., None], *arguments: object) -> None:
        """Do what the next run can do as well, and must when it fails."""
        try:
            step(*arguments)
        except Exception as error:
            self._remarks.leave(f"{describe(error)} The next run tries again.")

    def _standing_outcome(self, requests: list[Request]) -> RequestOutcome | Slowly:
        """Give the outcome of a request whose decision holds and is known to all.

        Of an approval the closure's own decisions are not read: they may be thousands, and all
        that a reader needs of them stands in the request's.
        """
        try:
            decision = self._records.request(requests[0])
            if decision is None:
                return Slowly.NOW
            if not request_holds(decision, self._conditions, self._today):
                if not closure_holds(decision, self._conditions):
                    return Slowly.NOW
                self._again[_key(requests[0])] = decision
                return Slowly.TOGETHER
            digest = notification_digest(decision)
            if not all(decision.notified.get(r.requester) == digest for r in requests):
                return Slowly.NOW
            if self._records.owed.told_unreadable(requests[0]) is not None:
                return Slowly.NOW
            approved = decision.verdict is Verdict.APPROVED
            packages = () if approved else self._records.packages(decision)
            if any(p.verdict is Verdict.REFUSED and p.may_be_published for p in packages):
                return Slowly.NOW
        except Exception:  # `_settle` meets it again, and says so
            return Slowly.NOW
        return RequestOutcome(requests[0], decision, packages, decided_now=False)

    def _ask_together(self, groups: Sequence[list[Request]]) -> None:
        """Ask at once what is known of all packages that are decided again from their records."""
        decisions = [self._again[_key(requests[0])] for requests in groups]
        packages = dict.fromkeys(p for decision in decisions for p in decision.packages)
        with suppress(Exception):  # each is asked for again, and says so
            self.steps.packages.ask_together(list(packages))

    def _settle_timed(self, requests: list[Request]) -> RequestOutcome:
        began = time.monotonic()
        return replace(self._settle(requests), seconds=time.monotonic() - began)

    def _settle(self, requests: list[Request]) -> RequestOutcome:
        """Take one request (and its duplicates) to its end, whatever happens on the way."""
        request = requests[0]
        earlier: RequestDecision | None = None
        packages: tuple[PackageDecision, ...] = ()
        try:
            if not self.settings.dry_run:
                self._records.turn.ask()
            earlier = self._again.pop(_key(request), None) or self._records.request(request)
            if earlier is not None and self._records.owed.told_unreadable(request) is not None:
                earlier = replace(earlier, notified={})  # they heard that it can't be read
            if earlier is not None and request_holds(earlier, self._conditions, self._today):
                decision, packages = earlier, self._records.packages(earlier)
                if not self.settings.dry_run:
                    packages = self.steps.publication.take_back_refused(packages)
            else:
                decision, packages = self._decide(request, earlier)
                if decision is earlier:  # it stands, since it could not be made again
                    packages = self._records.packages(earlier)
        except TurnError as error:
            self._remarks.leave_once(str(error))
            return RequestOutcome(request, self._without_packages(request, error), (), True)
        except UnreadableRecordError as error:
            if earlier is None:
                return self._settle_unreadable(requests, error)
            decision = self._record(self._without_packages(request, error), earlier)
        except StoreError as error:  # nobody is told of it, who could only be told again
            decision = self._record(self._without_packages(request, error), earlier)
            return RequestOutcome(request, decision, packages, decided_now=True)
        except Exception as error:  # a fault of ours must not stop the other requests
            decision = self._record(self._without_packages(request, error), earlier)
        decided_now = decision is not earlier
        if not self.settings.dry_run:
            decision = self._notify(requests, decision, packages, self._keep)
            self._try(self._forget_unreadable, requests, decision)
        if decided_now:
            self.settings.progress.end(request.name, str(decision.verdict))
        return RequestOutcome(request, decision, packages, decided_now)

    def _settle_unreadable(
        self, requests: Sequence[Request], error: UnreadableRecordError
    ) -> RequestOutcome:
        """Say, and tell its requesters once, that the record of a request can't be read."""
        request = requests[0]
        decision = self._without_packages(request, error)
        self._remarks.leave(f"{request.name} could not be decided: {error}")
        if not self.settings.dry_run:
            owed = self._records.owed
            try:
                told = owed.told_unreadable(request)
                if told is None:
                    owed.tell_unreadable(request, told := {})
            except StoreError as failure:
                self._remarks.leave(str(failure))
            else:
                decision = self._notify(
                    requests,
                    replace(decision, notified=told),
                    (),
                    lambda now: owed.tell_unreadable(request, now.notified),
                )
        return RequestOutcome(request, decision, (), decided_now=True)

    def _forget_unreadable(self, requests: Sequence[Request], decision: RequestDecision) -> None:
        """Note that all know the verdict who had heard that it can't be read."""
        if self._records.owed.told_unreadable(requests[0]) is None:
            return
        digest = notification_digest(decision)
        if all(decision.notified.get(request.requester) == digest for request in requests):
            self._records.owed.is_readable(requests[0])

    def _decide(self, request: Request, earlier: RequestDecision | None) -> Decided:
        try:
            plan = self.steps.planner.plan(request, earlier)
        except GateError as error:
            self._judge_superseded(earlier, ())
            decision = self._refuse_unresolved(request, error, earlier)
            if decision is None:
                raise
            return self._record(decision, earlier), ()
        works = [self.steps.packages.claim(package) for package in plan.packages]
        self.settings.progress.end(request.name)  # its packages are shown from now on
        try:
            decision, packages = self._conclude(request, plan, works, earlier)
            self._judge_superseded(earlier, (*plan.packages, *packages), replaced=not plan.recorded)
            return self._record(decision, earlier), packages
        finally:
            for work in works:
                self.steps.packages.release(work)

    def _refuse_unresolved(
        self, request: Request, error: GateError, earlier: RequestDecision | None
    ) -> RequestDecision | None:
        """Refuse a request that can't be resolved, when that is final; None: it is undecided.

        What is known of a release counts whether or not the index still has it.
        """
        reasons: Sequence[str] = ()
        if isinstance(error, UnresolvedError | NotOfferedError):
            reasons = self.steps.packages.refused_unseen(error.asked)
        if isinstance(error, NotOfferedError) and not reasons:
            lost = not isinstance(error, UnfitError)
            if lost and earlier and earlier.packages:  # what it has lost stays approved
                raise SourceError(str(error)) from error
            reasons = [describe(error)]
        if reasons:
            now = self.settings.now()
            refused = refuse_or_leave(
                request, Verdict.REFUSED, reasons, self._conditions, now, passing=True
            )
            fits = isinstance(error, UnfitError)
            return replace(refused, instead=self.steps.planner.instead(request) if fits else "")
        if isinstance(error, SourceRefusedError):
            return self._without_packages(request, error)
        return None

    def _conclude(
        self,
        request: Request,
        plan: Plan,
        works: Sequence[PackageWork],
        earlier: RequestDecision | None,
    ) -> Decided:
        """Make the request's verdict of its packages' and publish what is approved."""
        noted = earlier.published if earlier else ()
        outcomes = [self._outcome(work, noted) for work in works]
        decision = decide_request(
            request, outcomes, plan.notes, self._conditions, self.settings.now()
        )
        if decision.verdict is Verdict.APPROVED:
            decision = refuse_unfit(decision, plan.packages, outcomes, self._conditions)
        command = ""
        if decision.verdict is Verdict.APPROVED and self.settings.dry_run:
            self.steps.packages.keep_for_publication(works)
        elif decision.verdict is Verdict.APPROVED:
            try:
                command = self._publish(request, plan, works, earlier)
            except PublishError as error:
                decision = replace(
                    decision,
                    verdict=Verdict.UNDECIDED,
                    reasons=(f"Approved, but not published yet: {error}",),
                    basis=None,
                    causes=(Cause.GATE,),
                )
        packages = tuple(work.decision for work in works if work.decision is not None)
        summaries = plan.summaries(packages)
        instead = plan.instead if decision.verdict is Verdict.REFUSED else ""
        decision = replace(
            decision,
            packages=summaries,
            install_command=command,
            targets=plan.targets,
            instead=instead,
        )
        return decision, packages

    def _publish(
        self,
        request: Request,
        plan: Plan,
        works: Sequence[PackageWork],
        earlier: RequestDecision | None,
    ) -> str:
        """Publish the closure and offer it, unless all of that stands; a rescan sees to it anew."""
        packages = plan.summaries(work.decision for work in works if work.decision is not None)
        if earlier and (
            self._conditions.reevaluates  # which publishes nothing
            or (not self._conditions.rescan and offer_holds(earlier, packages))
        ):
            return earlier.install_command
        return self.steps.publication.publish(request, works, packages)

    def _outcome(self, work: PackageWork, noted: Sequence[PackageSummary]) -> PackageOutcome:
        """Wait for a package, and take it back where it is published and refused now."""
        try:
            decision = work.decided.result()
        except Exception as error:
            return PackageOutcome(work.subject, None, error)
        for scanner in decision.scanners:
            self._scanners[scanner.name] = scanner
        self.steps.publication.take_back_if_refused(work, noted)
        return PackageOutcome(work.subject, decision)

    def _judge_superseded(
        self,
        earlier: RequestDecision | None,
        current: Sequence[ResolvedPackage | PackageDecision],
        *,
        replaced: bool = False,
    ) -> None:
        """Judge again what an earlier decision published and a new closure has no more.

        Notebooks can still install it, for example malware that the index has removed.
        """
        if earlier is None or not (self._conditions.rescan or replaced):
            return
        known = {(package.name, package.version) for package in current}
        superseded = [
            ResolvedPackage(each.name, each.version, each.origin, remote_files(each))
            for each in earlier.published
            if (each.name, each.version) not in known and self._may_be_installed(each)
        ]
        self._judge_again(superseded, earlier.published)

    def _judge_again(
        self, packages: Sequence[ResolvedPackage], noted: Sequence[PackageSummary]
    ) -> None:
        """Judge what stands in the repository, and take it back when it is refused.

        Args:
            packages: what stands there.
            noted: what a request's record says of it.
        """
        works = [self.steps.packages.claim(each) for each in packages]
        try:
            for work in works:
                if isinstance(error := work.decided.exception(), Exception):
                    self._remarks.warn(
                        f"{work.subject} stays published, not judged again: {describe(error)}"
                    )
                self.steps.publication.take_back_if_refused(work, noted)
        finally:
            for work in works:
                self.steps.packages.release(work)

    def _may_be_installed(self, noted: PackageSummary) -> bool:
        """Whether what a request's record says is published may be so still.

        Of a package whose own record has been removed nobody knows that it isn't.
        """
        record = self._records.package(noted.origin, noted.name, noted.version)
        return record is None or record.may_be_published

    def _notify(
        self,
        requests: Sequence[Request],
        decision: RequestDecision,
        packages: Sequence[PackageDecision],
        keep: Callable[[RequestDecision], object],
    ) -> RequestDecision:
        """Email each requester who hasn't been sent this verdict, and `keep` who was."""
        digest = notification_digest(decision)
        for request in requests:
            if decision.notified.get(request.requester) == digest:
                continue
            email = compose(request, decision, packages, self.settings.report_hint)
            try:
                with self._records.turn.step():
                    self.steps.notifier.send(email)
                self._records.turn.ask()
            except TurnError as error:
                self._remarks.leave_once(str(error))
                self._correct(request, digest)
                break
            except Exception as error:
                self._remarks.leave(
                    f"The email about {request.name} to {request.requester or 'the topic'} could "
                    f"not be sent: {describe(error)} The next run tries again."
                )
                continue
            decision = replace(decision, notified={**decision.notified, request.requester: digest})
            try:
                keep(decision)
            except StoreError as error:
                self._remarks.leave(
                    f"That {request.requester or 'the topic'} was told about {request.name} could "
                    f"not be recorded: {error} The next run sends that email again."
                )
        return decision

    def _correct(self, request: Request, sent: str) -> None:
        """Say after all what another run has decided, which told it before this one told otherwise.

        Args:
            request: the line that asked.
            sent: the digest of what this run may have told.
        """
        with suppress(GateError):
            decision = self._records.request_now(request)
            if decision and decision.notified.get(request.requester, sent) != sent:
                packages = self._records.packages_now(decision)
                hint = self.settings.report_hint
                self.steps.notifier.send(compose(request, decision, packages, hint))

    def _record(
        self, decision: RequestDecision, earlier: RequestDecision | None
    ) -> RequestDecision:
        """Store a request's decision, unless it only says that it could not be made again."""
        if earlier is not None:
            if stands_undecided(decision, earlier, self._conditions):
                remark = self._remarks.warn if decision.waits_until else self._remarks.leave
                remark(
                    f"{decision.name} could not be decided again: {' '.join(decision.reasons)} "
                    f"Until then it stays {earlier.verdict}, as of {earlier.decided_at:%Y-%m-%d}."
                )
                return earlier
            sent = sent_before(decision, earlier)
            decision = follow_request(decision, earlier, sent)
        if not self.settings.dry_run and self._keep(decision, earlier):
            self._try(self.steps.publication.is_recorded, decision)
        return decision

    def _keep(self, decision: RequestDecision, earlier: RequestDecision | None = None) -> bool:
        """Store a request's decision; without its record the next run only does more work."""
        try:
            self._records.put(decision, earlier)
        except TurnError as error:
            self._remarks.leave_once(str(error))
        except Exception as error:
            self._remarks.leave(
                f"The decision on {decision.name} could not be recorded: {describe(error)}"
            )
        else:
            return True
        return False

    def _without_packages(self, request: Request, error: Exception) -> RequestDecision:
        refused = isinstance(error, SourceRefusedError)
        return refuse_or_leave(
            request,
            Verdict.REFUSED if refused else Verdict.UNDECIDED,
            [describe(error)],
            self._conditions,
            self.settings.now(),
            error=error,
        )


def _key(request: Request) -> tuple[str, str]:
    """What requests have in common that are decided as one."""
    return request.name, str(request.source)
