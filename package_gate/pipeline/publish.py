"""Putting approved packages where notebooks install from, and taking refused ones back."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from package_gate.core.decision import PackageDecision, PackageSummary, RequestDecision, Verdict
from package_gate.core.errors import PublishError, StoreError
from package_gate.core.owed import BegunPublication, Withdrawal
from package_gate.core.request import Request
from package_gate.pipeline.packages import Packages, PackageWork
from package_gate.pipeline.remarks import Remarks
from package_gate.pipeline.settings import Settings
from package_gate.pipeline.signing import Signing
from package_gate.publishers.interface import PublishedPackage, Publisher
from package_gate.records.store import Records


class Publication:
    """Publishes whole closures; each step may be repeated after a kill."""

    def __init__(
        self,
        publisher: Publisher,
        packages: Packages,
        records: Records,
        signing: Signing,
        remarks: Remarks,
        settings: Settings,
    ) -> None:
        """Publish with `publisher`."""
        self._signing = signing
        self._publisher = publisher
        self._packages = packages
        self._records = records
        self._remarks = remarks
        self._settings = settings
        self._gone: list[Withdrawal] = []
        """What was owed and is seen to be withdrawn."""
        self._published: set[object] = set()
        """The keys of the works that this run has published; a rescan sees to each again, once."""
        self._begun: dict[tuple[str, str], BegunPublication] = {}
        """By a request's name and source."""

    def publish(
        self,
        request: Request,
        works: Sequence[PackageWork],
        closure: Sequence[PackageSummary],
    ) -> str:
        """Publish the closure, then offer it to the requester.

        Args:
            request: the approved request.
            works: its closure, the requested package first.
            closure: what each of them is to this request.

        Returns:
            The command that installs it.

        Raises:
            PublishError: something could not be published.
            StoreError: it could not be recorded, or it is not this run's turn any more.
        """
        noted = {(each.name, each.version): each for each in closure}
        owed = BegunPublication(
            request.name,
            str(request.source),
            tuple(work.decision.summary for work in works if work.decision is not None),
        )
        self._records.owed.owe_publication(owed)
        self._begun[owed.name, owed.source] = owed
        try:
            for work in works:
                self._publish(work)
            published = [
                PublishedPackage.of(d, noted.get((d.name, d.version)))
                for d in (work.decision for work in works)
                if d is not None
            ]
            with self._records.turn.step():
                command = self._publisher.offer(request, published)
            self._records.turn.ask()
        except StoreError:  # perhaps it is not this run's turn any more
            for work in works:
                self._take_back_after_all(work)
            raise
        return command

    def is_recorded(self, decision: RequestDecision) -> None:
        """Note that a request is on record whose publication had begun.

        Raises:
            StoreError: it could not be noted.
        """
        begun = self._begun.get((decision.name, decision.source))
        if begun and decision.verdict is Verdict.APPROVED:
            self._records.owed.is_published(begun)

    def _publish(self, work: PackageWork) -> None:
        with work.lock:
            if work.decision is None:
                return
            if work.decision.published_to and (
                not self._settings.conditions.rescan or work.key in self._published
            ):
                return
            self._settings.progress.step(work.subject, "publishing")
            hidden = work.decision.withdrawn_by_gate
            approved = None if hidden else self._packages.approved(work)
            decision = self._begin(work, self._signing.signed(work.decision))
            published_to = self._restore(decision) if hidden else ""
            if not published_to:
                approved = approved or self._packages.approved(work)
                with self._records.turn.step():
                    published_to = self._publisher.publish(approved)
            self._signing.attest(decision)
            if published_to != decision.published_to:  # a rescan sees to it where it stands
                decision = replace(
                    decision, published_to=published_to, published_at=self._settings.now()
                )
            work.decision = replace(decision, withdrawn_by_gate=False)
            self._records.put(work.decision)
            self._published.add(work.key)
            self._settings.progress.end(work.subject)

    def _begin(self, work: PackageWork, decision: PackageDecision) -> PackageDecision:
        """Note that a publication begins, so that a kill amid it is not forgotten."""
        work.decision = decision
        if not decision.published_at:
            work.decision = replace(decision, published_at=self._settings.now(), withdrawn_at=None)
            self._records.put(work.decision)
        return work.decision

    def _restore(self, decision: PackageDecision) -> str:
        """Let what the gate has hidden be installed again; "" when it has to be published."""
        with self._records.turn.step():
            return self._publisher.restore(PublishedPackage.of(decision))

    def _take_back_after_all(self, work: PackageWork) -> None:
        """Take back what was published while another run refused it: that one could not see it."""
        decision = work.decision
        if decision is None or not decision.may_be_published:
            return
        with suppress(StoreError, PublishError):  # the next run sees to it as well
            now = self._records.package_now(decision.origin, decision.name, decision.version)
            if now is not None and now.verdict is Verdict.REFUSED:
                self._publisher.withdraw(PublishedPackage.of(now))

    def take_back_if_refused(
        self, work: PackageWork, noted: Collection[PackageSummary] = ()
    ) -> None:
        """Withdraw a package that stands in the repository and is refused now.

        Args:
            work: the package.
            noted: what its request's record says is published: the package's own may have been
                damaged and removed since.

        Raises:
            StoreError: it could not be recorded.
        """
        if self._settings.dry_run:
            return
        work.decided.exception()  # wait; a failure to decide leaves it where it is
        with work.lock:
            decision = work.decision
            if decision is None or decision.verdict is not Verdict.REFUSED:
                return
            published = {(each.origin, each.name, each.version) for each in noted}
            owed = Withdrawal.of(decision, self._settings.now())
            if (
                decision.withdrawn_at is None
                and owed.key in published
                and not decision.published_at
            ):
                decision = replace(decision, published_at=owed.refused_at)
                self._signing.is_refused(decision, None)
                self._records.owed.owe_withdrawal(owed)
                decision = self._signing.put(decision)
            if decision.may_be_published:
                work.decision = self._take_back(decision)

    def take_back_refused(self, packages: Sequence[PackageDecision]) -> tuple[PackageDecision, ...]:
        """Withdraw those of a closure that are refused and that notebooks may still install.

        Raises:
            StoreError: it could not be recorded.
        """
        return tuple(
            self._take_back(package)
            if package.verdict is Verdict.REFUSED and package.may_be_published
            else package
            for package in packages
        )

    def pay(self, owed: Withdrawal) -> None:
        """Withdraw what an earlier run refused, until it is seen to be gone.

        Raises:
            StoreError: a record can't be read or written.
        """
        decision = self._records.package(*owed.key)
        published = PublishedPackage(
            owed.name,
            owed.version,
            owed.origin,
            owed.refused_at,
            owed.artifacts,
            malware=owed.malware,
        )
        if decision and decision.verdict is Verdict.APPROVED:
            if decision.decided_at > owed.refused_at:
                self._records.owed.is_withdrawn(owed)
                return
            # What refused it could not be recorded; the request is decided again.
            self._withdraw(published)
            self._signing.put(_taken_back(decision, self._settings.now()))
        elif decision and decision.may_be_published:
            self._take_back(decision, owed=True)
        elif not self._withdraw(published) and decision:
            self._gone.append(owed)

    def settle(self, *, complete: bool) -> None:
        """Forget the withdrawals that are seen to be done, when all requests know of them.

        Raises:
            StoreError: a record could not be removed.
        """
        for owed in self._gone if complete else ():
            self._records.owed.is_withdrawn(owed)

    def repair(self, begun: BegunPublication) -> None:
        """Set right what a publication that was stopped has left half done.

        Raises:
            StoreError: it could not be recorded.
        """
        try:
            for package in begun.packages:
                with self._records.turn.step():
                    self._publisher.repair(package)
        except PublishError as error:
            self._remarks.leave(f"{begun.name} was left half published: {error}")
        else:
            self._records.owed.is_published(begun)

    def _take_back(self, decision: PackageDecision, *, owed: bool = False) -> PackageDecision:
        """Withdraw a package, record it, and give the new record; the old one when it failed.

        Args:
            decision: of the package.
            owed: by an earlier run, which may have withdrawn it and could not say so.
        """
        subject = f"{decision.name} {decision.version}"
        try:
            by_gate = self._withdraw(PublishedPackage.of(decision)) or owed
        except PublishError as error:
            self._remarks.leave(f"{subject} is refused now and still published: {error}")
            return decision
        self._remarks.warn(
            f"{subject} was approved, is refused now and has left "
            f"{decision.published_to or 'the repository'}. "
            "Remove it from notebooks that installed it."
        )
        return self._signing.put(_taken_back(decision, self._settings.now(), by_gate=by_gate))

    def _withdraw(self, package: PublishedPackage) -> bool:
        with self._records.turn.step():
            return self._publisher.withdraw(package)

    def finish(self) -> None:
        """Do what is done once a run."""
        self._publisher.finish()


def _taken_back(
    decision: PackageDecision, now: datetime, *, by_gate: bool = True
) -> PackageDecision:
    return replace(decision, published_to="", withdrawn_at=now, withdrawn_by_gate=by_gate)
