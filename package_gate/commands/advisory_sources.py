"""The sources of advisories: each is chosen by `--scanners` and configured by the environment.

They hold credentials and read nothing of a package, so they are asked from inside the gate. The
AWS and SBOM libraries are imported only when one of them is chosen that needs them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from package_gate.advisories.beside import Annotated, reader
from package_gate.advisories.interface import AdvisorySource
from package_gate.advisories.osv import OSV, OSVSettings
from package_gate.aws.session import AWSSession, region_of
from package_gate.core.errors import ConfigurationError
from package_gate.core.packaged import packaged
from package_gate.core.policy import Prioritise
from package_gate.net.session import HTTPSession, Network, NoAnswerError
from package_gate.scanners.registry import Where, those

OSV_API = "https://api.osv.dev"
SAMPLE_ADVISORIES = packaged("data/advisories")
PROBE_SECONDS, PROBE_BYTES = 10, 1 << 16
SNYK_TOKEN = "PACKAGE_GATE_SNYK_TOKEN"  # noqa: S105 - the name of a variable
SNYK_ORGANISATION = "PACKAGE_GATE_SNYK_ORGANISATION"
SNYK_PLAN = "PACKAGE_GATE_SNYK_PLAN"
SNYK_PLANS = {"": False, "free": False, "enterprise": True}
"""Whether it has SBOMs."""
SNYK_VARIABLES = re.compile(r"HTTPS_PROXY|NO_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SNYK_API")


@dataclass(frozen=True, slots=True)
class Advisories:
    """The sources of a run; a context manager that closes them."""

    sources: tuple[AdvisorySource, ...]
    sample: bool = False
    """Whether the small hand-written set stands in for OSV's."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close files and connections."""
        for source in self.sources:
            source.close()


def advisory_sources(
    names: Sequence[str],
    advisories: str,
    environ: Mapping[str, str],
    network: Network,
    scratch: Path,
    *,
    prioritise: Prioritise | None = None,
    may_use_sample: bool = False,
) -> Advisories:
    """Make the sources of a run; what they know is read or asked for at the first question.

    Args:
        names: scanners, in this order; those that are no sources of advisories are left out.
        advisories: where those of `osv` are: a snapshot's path or its address in S3, or an API's
            address; "" for the OSV API.
        environ: the environment.
        network: how services are reached.
        scratch: an existing folder of the run's own.
        prioritise: says from which probability on a vulnerability is likely to be exploited;
            None for the policy's default.
        may_use_sample: whether the hand-written set may stand in for an OSV API out of reach.

    Raises:
        ConfigurationError: something that a source needs is missing or wrong; it is named.
    """
    sample = False
    osv: OSV | None = None
    sources: list[AdvisorySource] = []
    for name in those(names, Where.ADVISORIES):
        if name == "osv":
            advisories, sample = _choose(advisories, network, may_use_sample=may_use_sample)
            settings = OSVSettings(
                advisories,
                sample=sample,
                scratch=scratch,
                region=region_of(environ),
                network=network,
            )
            osv = OSV(settings)
            sources.append(osv)
        else:
            sources.append(_service(name, environ, scratch))
    if osv is not None:  # what lies beside its advisories
        read = reader(lambda: osv.snapshot, (prioritise or Prioritise()).epss_at_least)
        sources = [Annotated(source, read) for source in sources]
    return Advisories(tuple(sources), sample)


def _choose(advisories: str, network: Network, *, may_use_sample: bool) -> tuple[str, bool]:
    """Say where OSV's advisories are, and whether those are the sample."""
    if not advisories:
        if may_use_sample and not _reachable(OSV_API, network):
            return str(SAMPLE_ADVISORIES), True
        return OSV_API, False
    if "://" in advisories:
        return advisories, False
    path = Path(advisories).absolute()
    sample = path.resolve() == SAMPLE_ADVISORIES.resolve()
    if sample and not may_use_sample:
        raise ConfigurationError(
            f"{advisories} holds sample advisories, which only a run that publishes to a "
            "folder may use. Give an OSV snapshot or the address of an OSV API."
        )
    return str(path), sample


def _reachable(address: str, network: Network) -> bool:
    """Ask the API nothing, to learn whether it answers."""
    with HTTPSession(
        network, wait_seconds=PROBE_SECONDS, answer_seconds=PROBE_SECONDS, answer_bytes=PROBE_BYTES
    ) as session:
        try:
            answer = session.ask("POST", f"{address}/v1/querybatch", json={"queries": []})
        except NoAnswerError:
            return False
    return answer.status == HTTPStatus.OK


def _service(name: str, environ: Mapping[str, str], scratch: Path) -> AdvisorySource:
    session = AWSSession(region_of(environ))
    if name == "inspector":
        from package_gate.advisories.inspector import Inspector

        return Inspector(session.client("inspector-scan"))
    from package_gate.advisories.snyk import Snyk, SnykSettings

    if not environ.get(SNYK_TOKEN):
        raise ConfigurationError(
            f"{SNYK_TOKEN} is missing: where Snyk's token is, ssm:NAME or secretsmanager:NAME."
        )
    plan = environ.get(SNYK_PLAN, "")
    if plan not in SNYK_PLANS:
        raise ConfigurationError(f"{SNYK_PLAN} must be free or enterprise.")
    return Snyk(
        SnykSettings(
            token=environ[SNYK_TOKEN],
            scratch=scratch,
            program_path=environ.get("PATH", ""),
            organisation=environ.get(SNYK_ORGANISATION, ""),
            enterprise=SNYK_PLANS[plan],
            environment={
                key: value for key, value in environ.items() if SNYK_VARIABLES.fullmatch(key)
            },
        ),
        session.client("ssm"),
        session.client("secretsmanager"),
    )
