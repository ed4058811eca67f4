"""Known vulnerabilities and malware by the Snyk CLI.

The command is `snyk sbom test` on a CycloneDX SBOM
(https://docs.snyk.io/developer-tools/snyk-cli/commands/sbom-test; for Snyk's Enterprise plans):
it looks package URLs up and installs nothing. `snyk test` can't be used for packages that must not
be installed. For `requirements.txt` it asks the Python environment what is installed, and
`--skip-unresolved` leaves out, silently, what is not. For `poetry.lock` it leaves out `pip`,
`setuptools` and `wheel`, whose vulnerabilities count here.

The token goes into the environment of that one process, as `SNYK_TOKEN`. The CLI takes it from
there, from its configuration file, or from an argument of `snyk auth`; it reads none from standard
input. An environment is gone with its process and can be read by the same user only, who can read
the gate's memory too.
"""

import re
import shutil
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

from package_gate.advisories.interface import NamedPackage
from package_gate.advisories.sbom import cyclonedx, in_batches
from package_gate.advisories.snyk_results import (
    SCANNER,
    Vulnerability,
    findings_of,
    read_results,
    read_snyk_failure,
)
from package_gate.aws.secrets import read_secret
from package_gate.core.child import Ended, run_bounded
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding, ScannerInfo
from package_gate.core.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

MAX_OUTPUT_BYTES = 64 << 20
VERSION_SECONDS = 60

_CLEAN, _FOUND, _FAILED, _NOTHING_TESTED = 0, 1, 2, 3
"""The CLI's exit statuses."""
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
        return [
            found
            for batch in in_batches(packages)
            for found in findings_of(self._test(batch), list(batch.values()))
        ]

    def close(self) -> None:
        """Nothing stays open between two questions."""

    def monitor(self, packages: Sequence[NamedPackage], subject: str, reference: str) -> None:
        """Let Snyk watch packages from now on, in place of what it watched under these names.

        The command is `snyk sbom monitor`
        (https://docs.snyk.io/developer-tools/snyk-cli/commands/sbom-monitor).

        Args:
            packages: all of them.
            subject: what Snyk shows as the project.
            reference: tells projects of one name apart, such as a branch; "" for none.

        Raises:
            ScannerError: the CLI did not finish.
        """
        named = {f"comp-{number}": package for number, package in enumerate(packages, start=1)}
        command = ["sbom", "monitor", "--experimental", "--file=sbom.json"]
        if reference:
            command.append(f"--target-reference={reference}")
        sbom = msgspec.json.encode(cyclonedx(named, subject))
        ended = self._run_on(sbom, command)
        if ended.status != _CLEAN:
            reason = one_line(ended.errors.decode(errors="replace"), 300)
            raise ScannerError(f"snyk sbom monitor ended with status {ended.status} ({reason}).")

    def _test(self, packages: Mapping[str, NamedPackage]) -> list[Vulnerability]:
        settings = self._settings
        sbom = msgspec.json.encode(cyclonedx(packages))
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            stop=tenacity.stop_after_attempt(settings.attempts),
            wait=tenacity.wait_random_exponential(settings.pause, 60),
            reraise=True,
        )
        try:
            return retrying(self._test_once, sbom)
        except _TryAgainError as error:
            raise ScannerError(f"{error} The next run tries again.") from None

    def _test_once(self, sbom: bytes) -> list[Vulnerability]:
        # Older versions insist on `--experimental`; newer ones ignore it.
        ended = self._run_on(sbom, ["sbom", "test", "--experimental", "--json", "--file=sbom.json"])
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

    def _run_on(self, sbom: bytes, command: list[str]) -> Ended:
        """Run the CLI with the token, where `sbom.json` is this SBOM."""
        with self._folder() as folder:
            (folder / "sbom.json").write_bytes(sbom)
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
