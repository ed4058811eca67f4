"""The services that a scan tells of its result: Snyk, SNS, and the host of the repository."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from package_gate.advisories.beside import Annotated
from package_gate.advisories.interface import AdvisorySource, NamedPackage
from package_gate.aws.session import AWSSession, Service, region_of
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.dependency_scan.commit_status import CodeCommitComment, CommitStatus, GitHubStatus
from package_gate.dependency_scan.messages import send_email
from package_gate.dependency_scan.models import DependencyScan, Problem
from package_gate.net.session import Network
from package_gate.notifications.github import GITHUB_API, GitHub
from package_gate.notifications.sns import SNS, TOPIC_ARN

STATUS_TOKEN = "PACKAGE_GATE_STATUS_TOKEN"  # noqa: S105 - the name of a variable


class Services:
    """Those that the environment names; the AWS library is imported only when one is."""

    def __init__(
        self,
        environ: Mapping[str, str],
        network: Network,
        sources: Sequence[AdvisorySource],
        *,
        monitor: bool,
    ) -> None:
        """Make them ready.

        Args:
            environ: the environment.
            network: how the repository's host is reached.
            sources: who is asked about packages.
            monitor: whether Snyk, one of them, is to watch the packages.

        Raises:
            ConfigurationError: something that one of them needs is missing; it is named.
        """
        self._environ = environ
        self._sources = sources
        self._monitor = monitor
        if monitor and "snyk" not in {source.name for source in sources}:
            raise ConfigurationError("--snyk-monitor needs the scanner snyk.")
        self._topic = self._make_topic(environ.get("SNSTopic", ""))
        self._status = self._make_status(environ.get("PACKAGE_GATE_STATUS", ""), network)

    def monitored(self, scan: DependencyScan) -> DependencyScan:
        """Let Snyk watch the packages when it is to; a failure is a problem of the scan."""
        if not self._monitor:
            return scan
        from package_gate.advisories.snyk import Snyk

        packages = [NamedPackage(package.name, package.version) for package in scan.packages]
        try:
            for source in self._sources:
                snyk = source.source if isinstance(source, Annotated) else source
                if isinstance(snyk, Snyk) and packages:
                    snyk.monitor(packages, scan.repository, scan.branch)
        except ScannerError as error:
            problem = Problem("", None, f"Snyk does not watch the packages: {error}")
            return replace(scan, problems=(*scan.problems, problem))
        return scan

    def send_email(self, scan: DependencyScan, report: str, *, fails: bool) -> None:
        """Tell the topic, if there is one.

        Raises:
            NotifyError: SNS did not take it.
        """
        if self._topic:
            send_email(scan, self._topic, report)

    def set_status(self, scan: DependencyScan, report: str, *, fails: bool) -> None:
        """Tell the repository's host, if it is to be told.

        Raises:
            NotifyError: it did not take it.
        """
        if self._status:
            self._status.tell(scan, report, fails=fails)

    def _make_topic(self, arn: str) -> SNS | None:
        if not arn:
            return None
        if not re.fullmatch(TOPIC_ARN, arn):
            raise ConfigurationError("SNSTopic is malformed: it must be the topic's ARN.")
        return SNS(arn, self._client("sns"))

    def _make_status(self, host: str, network: Network) -> CommitStatus | None:
        environ = self._environ
        repository = environ.get("PACKAGE_GATE_REPOSITORY", "")
        commit = environ.get("PACKAGE_GATE_COMMIT", "")
        if not host:
            return None
        if host not in ("codecommit", "github"):
            raise ConfigurationError("PACKAGE_GATE_STATUS must be codecommit or github.")
        if not repository or not commit:
            raise ConfigurationError(
                "PACKAGE_GATE_STATUS needs PACKAGE_GATE_REPOSITORY and PACKAGE_GATE_COMMIT."
            )
        pull_request = environ.get("PACKAGE_GATE_PULL_REQUEST", "")
        base = environ.get("PACKAGE_GATE_BASE_COMMIT", "")
        if host == "codecommit":
            if pull_request and not base:
                raise ConfigurationError(
                    "PACKAGE_GATE_PULL_REQUEST needs PACKAGE_GATE_BASE_COMMIT: the commit that the "
                    "pull request is to be merged into."
                )
            client = self._client("codecommit")
            return CodeCommitComment(client, repository, commit, base, pull_request)
        from package_gate.aws.secrets import read_secret

        reference = environ.get(STATUS_TOKEN, "")
        token = read_secret(reference, self._client("ssm"), self._client("secretsmanager"))
        address = environ.get("PACKAGE_GATE_STATUS_API") or GITHUB_API
        return GitHubStatus(GitHub(network, address, token, repository), commit)

    def _client(self, service: Service) -> Any:
        return AWSSession(region_of(self._environ)).client(service)
