"""Putting approved packages where notebooks install from, and taking refused ones back."""

from collections.abc import Sequence
from dataclasses import replace

from package_gate.core.decision import Verdict
from package_gate.core.errors import PublishError
from package_gate.core.request import Request
from package_gate.pipeline.packages import Packages, PackageWork
from package_gate.pipeline.remarks import Remarks
from package_gate.pipeline.settings import Settings
from package_gate.publishers.interface import PublishedPackage, Publisher
from package_gate.records.store import Records


class Publication:
    """Publishes whole closures; each step may be repeated after a kill."""

    def __init__(
        self,
        publisher: Publisher,
        packages: Packages,
        records: Records,
        remarks: Remarks,
        settings: Settings,
    ) -> None:
        """Publish with `publisher`."""
        self._publisher = publisher
        self._packages = packages
        self._records = records
        self._remarks = remarks
        self._settings = settings

    def publish(self, request: Request, works: Sequence[PackageWork]) -> str:
        """Publish the closure, then offer it to the requester.

        Returns:
            The command that installs it.

        Raises:
            PublishError: something could not be published.
        """
        for work in works:
            with work.lock:
                if work.decision is None or work.decision.published_to:
                    continue
                self._settings.progress(work.subject, "publishing")
                approved = self._packages.approved(work)
                if not work.decision.published_at:  # so that a kill amid it is not forgotten
                    work.decision = replace(work.decision, published_at=self._settings.now())
                    self._records.put(work.decision)
                published_to = self._publisher.publish(approved)
                work.decision = replace(
                    work.decision, published_to=published_to, published_at=self._settings.now()
                )
                self._records.put(work.decision)
        return self._publisher.offer(
            request,
            [PublishedPackage.of(work.decision) for work in works if work.decision is not None],
        )

    def take_back_if_refused(self, work: PackageWork) -> None:
        """Withdraw a package that stands in the repository and is refused now."""
        if self._settings.dry_run:
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
                self._remarks.leave(f"{subject} is refused now and still published: {error}")
                return
            self._remarks.warn(
                f"{subject} was approved, is refused now and has left "
                f"{decision.published_to or 'the repository'}. "
                "Remove it from notebooks that installed it."
            )
            work.decision = replace(decision, published_to="", withdrawn_at=self._settings.now())
            self._records.put(work.decision)

    def finish(self) -> None:
        """Do what is done once a run."""
        self._publisher.finish()
