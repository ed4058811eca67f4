"""Known vulnerabilities and malware by the Snyk CLI.

The command is `snyk test` on a `poetry.lock`, which every plan of Snyk has, the free one too
(https://docs.snyk.io/developer-tools/snyk-cli/commands/test): the CLI reads that file by itself and
installs nothing. Not on `requirements.txt`: for that it asks the Python environment what is
installed, and `--skip-unresolved` leaves out, silently, what is not. Who has an Enterprise plan may
have `snyk sbom test` on a CycloneDX SBOM instead, which looks package URLs up
(https://docs.snyk.io/developer-tools/snyk-cli/commands/sbom-test).

The token goes into the environment of that one process, as `SNYK_TOKEN`. The CLI takes it from
there, from its configuration file, or from an argument of `snyk auth`; it reads none from standard
input. An environment is gone with its process and can be read by the same user only, who can read
the gate's memory too.
"""

import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import tenacity

from package_gate.advisories.interface import NOT_LOOKED_UP, NamedPackage
from package_gate.advisories.sbom import cyclonedx, in_batches
from package_gate.advisories.snyk_lock import LEFT_OUT, LOCK, in_locks, poetry_project, released
from package_gate.advisories.snyk_results import (
    SCANNER,
    Tested,
    findings_of,
    read_results,
    read_snyk_failure,
)
from package_gate.aws.secrets import read_secret
from package_gate.core.child import Ended, run_bounded
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from package_gate.core.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

MAX_OUTPUT_BYTES = 64 << 20
VERSION_SECONDS = 60

_CLEAN, _FOUND, _FAILED, _NOTHING_TESTED = 0, 1, 2, 3
"""The CLI's exit statuses."""
_SBOM = "sbom.json"
_ON_LOCK = (f"--file={LOCK}", f"--command={sys.executable}")
"""Of the Python that is named the CLI asks the version, whatever it is about to read."""
_NOT_TESTED = Finding(
    scanner=SCANNER,
    rule=NOT_LOOKED_UP,
    kind=Kind.VULNERABILITY,
    severity=Severity.INFO,
    message="snyk test leaves it out of a lock file.",
    recommendation="Let another source of advisories look it up, or Snyk by an Enterprise plan.",
)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,4096}")
_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_VERSION = re.compile(r"\d+\.\d+\.\d+[0-9A-Za-z.+-]*")


@dataclass(frozen=True, slots=True)
class SnykSettings:
    """How the CLI is found and run."""

    token: str
    """Where the API token is: `ssm:NAME` or `secretsmanager:NAME-or-ARN`."""
    scratch: Path
    """An existing folder for the CLI's files."""
    program_path: str
    """Folders in which `snyk`, and `node` if it is written for that, are looked for, as `PATH`."""
    organisation: str = ""
    """Where the organisation's id or slug is, as for the token; "" for the token's default."""
    enterprise: bool = False
    """Whether Snyk is given SBOMs, which its Enterprise plans take, and no lock files."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the CLI needs to reach Snyk: `HTTPS_PROXY`, `NO_PROXY`, `NODE_EXTRA_CA_CERTS` or
    `SSL_CERT_FILE`, and `SNYK_API` for another region."""
    timeout: float = 300.0
    """Seconds for one run."""
    attempts: int = 3
    """How often a test that fails is run in all."""
    pause: float = 5.0
    """Seconds before the second attempt, at most; they double with each."""


class _TryAgainError(Exception):
    """Worth another attempt."""


class Snyk:
    """The source `snyk`."""

    name = SCANNER

    def __init__(
        self,
        settings: SnykSettings,
        ssm: "SSMClient",
        secretsmanager: "SecretsManagerClient",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Find the CLI and read token and organisation.

        Args:
            settings: how the CLI is found and run.
            ssm: a boto3 client.
            secretsmanager: a boto3 client.
            now: the time (UTC).

        Raises:
            ConfigurationError: there is no CLI, or a secret can't be read or is none.
        """
        program = shutil.which("snyk", path=settings.program_path)
        if program is None:
            raise ConfigurationError(
                "The Snyk CLI was not found on PATH: install it, or remove `snyk` from --scanners."
            )
        self._program = program
        self._settings = settings
        self._now = now
        self._token = read_secret(settings.token, ssm, secretsmanager)
        if not _TOKEN.fullmatch(self._token):
            raise ConfigurationError(f"The secret {one_line(settings.token)} is no Snyk token.")
        self._organisation = ""
        if settings.organisation:
            self._organisation = read_secret(settings.organisation, ssm, secretsmanager)
            if not _ORGANISATION.fullmatch(self._organisation):
                raise ConfigurationError(
                    f"The secret {one_line(settings.organisation)} is no Snyk organisation's id "
                    "or slug."
                )
        self._version = ""
        self._version_lock = threading.Lock()

    @property
    def info(self) -> ScannerInfo:
        """Its version is the CLI's; its advisories are those of the day on which it is asked.

        Raises:
            ScannerError: the CLI can't be started.
        """
        with self._version_lock:
            self._version = self._version or self._ask_version()
        return ScannerInfo(SCANNER, self._version, self._now().date().isoformat(), "Snyk")

    def query(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        """See `AdvisorySource.query`."""
        if self._settings.enterprise:
            return [
                found
                for batch in in_batches(packages)
                for found in findings_of(self._test_sbom(batch), list(batch.values()))
            ]
        found: dict[NamedPackage, tuple[Finding, ...]] = {}
        for lock in in_locks(packages):
            found |= zip(lock, self._test_lock(lock), strict=True)
        return [found[released(package)] for package in packages]

    def close(self) -> None:
        """Nothing stays open between two questions."""

    def monitor(self, packages: Sequence[NamedPackage], subject: str, reference: str) -> None:
        """Let Snyk watch packages from now on, in place of what it watched under these names.

        The command is `snyk monitor` on lock files, or with an Enterprise plan `snyk sbom monitor`
        (https://docs.snyk.io/developer-tools/snyk-cli/commands/monitor, …/sbom-monitor). A second
        lock file, where one does not do, is watched as `SUBJECT (2)`.

        Args:
            packages: all of them.
            subject: what Snyk shows as the project.
            reference: tells projects of one name apart, such as a branch; "" for none.

        Raises:
            ScannerError: the CLI did not finish.
        """
        target = [f"--target-reference={reference}"] if reference else []
        if self._settings.enterprise:
            named = {f"comp-{number}": package for number, package in enumerate(packages, start=1)}
            command = ["sbom", "monitor", "--experimental", f"--file={_SBOM}", *target]
            self._watch({_SBOM: msgspec.json.encode(cyclonedx(named, subject))}, command)
            return
        for number, lock in enumerate(in_locks(packages), start=1):
            project = subject if number == 1 else f"{subject} ({number})"
            command = ["monitor", *_ON_LOCK, f"--project-name={project}", *target]
            self._watch(poetry_project(lock), command)

    def _watch(self, files: Mapping[str, bytes], command: list[str]) -> None:
        ended = self._run_on(files, command)
        if ended.status != _CLEAN:
            reason = one_line(ended.errors.decode(errors="replace"), 300)
            what = " ".join(word for word in command if not word.startswith("--"))
            raise ScannerError(f"snyk {what} ended with status {ended.status} ({reason}).")

    def _test_sbom(self, packages: Mapping[str, NamedPackage]) -> Tested:
        # Older versions insist on `--experimental`; newer ones ignore it.
        command = ["sbom", "test", "--experimental", "--json", f"--file={_SBOM}"]
        return self._test({_SBOM: msgspec.json.encode(cyclonedx(packages))}, command)

    def _test_lock(self, packages: Sequence[NamedPackage]) -> list[tuple[Finding, ...]]:
        tested = self._test(poetry_project(packages), ["test", "--json", *_ON_LOCK])
        found = findings_of(tested, packages)
        if tested.packages == len(packages):
            return found
        left_out = [package.name in LEFT_OUT for package in packages]
        if tested.packages != len(packages) - sum(left_out):
            raise ScannerError(
                f"snyk says that it tested {tested.packages} packages; it was asked about "
                f"{len(packages)}."
            )
        return [
            (*findings, _NOT_TESTED) if left else findings
            for findings, left in zip(found, left_out, strict=True)
        ]

    def _test(self, files: Mapping[str, bytes], command: list[str]) -> Tested:
        settings = self._settings
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            stop=tenacity.stop_after_attempt(settings.attempts),
            wait=tenacity.wait_random_exponential(settings.pause, 60),
            reraise=True,
        )
        try:
            return retrying(self._test_once, files, command)
        except _TryAgainError as error:
            raise ScannerError(f"{error} The next run tries again.") from None

    def _test_once(self, files: Mapping[str, bytes], command: list[str]) -> Tested:
        ended = self._run_on(files, command)
        if ended.status in (_CLEAN, _FOUND):
            return read_results(ended.output, found_some=ended.status == _FOUND)
        reason = one_line(
            read_snyk_failure(ended.output) or ended.errors.decode(errors="replace"), 300
        )
        said = f" ({reason})" if reason else ""
        if ended.status == _NOTHING_TESTED:
            raise ScannerError(f"snyk found nothing that it can test{said}.")
        if ended.status == _FAILED:
            raise _TryAgainError(f"snyk failed{said}.")
        raise _TryAgainError(f"snyk ended with status {ended.status}{said}.")

    def _run_on(self, files: Mapping[str, bytes], command: list[str]) -> Ended:
        """Run the CLI with the token, in a folder with these files."""
        with self._folder() as folder:
            for name, content in files.items():
                (folder / name).write_bytes(content)
            if self._organisation:
                command = [*command, f"--org={self._organisation}"]
            return self._run(folder, command, self._settings.timeout, {"SNYK_TOKEN": self._token})

    def _ask_version(self) -> str:
        with self._folder() as folder:
            ended = self._run(folder, ["--version"], VERSION_SECONDS, {})
        version = _VERSION.match(ended.output.decode(errors="replace"))
        if ended.status != 0 or version is None:
            raise ScannerError("snyk does not tell its version; install it again.")
        return version[0][:50]

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Give a folder that is the CLI's home and working directory, with nothing in it."""
        try:
            with tempfile.TemporaryDirectory(
                dir=self._settings.scratch, prefix="snyk-", ignore_cleanup_errors=True
            ) as folder:
                yield Path(folder)
        except OSError as error:
            raise ScannerError(f"Preparing files for snyk failed: {error.strerror}.") from error

    def _run(
        self, folder: Path, arguments: list[str], seconds: float, secrets: Mapping[str, str]
    ) -> Ended:
        environment = {
            **self._settings.environment,
            "PATH": self._settings.program_path,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "CI": "1",
            "SNYK_DISABLE_ANALYTICS": "1",
            **secrets,
        }
        ended = run_bounded(
            [self._program, *arguments],
            folder=folder,
            environment=environment,
            seconds=seconds,
            most_bytes=MAX_OUTPUT_BYTES,
        )
        token = self._token.encode()
        return Ended(
            ended.status,
            ended.output.replace(token, b"***"),
            ended.errors.replace(token, b"***"),
        )
