"""The session with AWS and its clients: the only place that makes them.

boto3 is imported with the first session, because it takes a while and a local run makes none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from package_gate.aws.errors import aws_errors
from package_gate.core.errors import ConfigurationError

if TYPE_CHECKING:
    from botocore.config import Config

Service = Literal[
    "codeartifact",
    "codecommit",
    "codeguru-security",
    "inspector-scan",
    "kms",
    "s3",
    "secretsmanager",
    "sns",
    "ssm",
]
CONNECT_SECONDS = 10
CONNECTIONS = 10
"""That a client keeps, unless more threads use it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service is waited for."""

    read_seconds: int
    """Between two bytes of an answer."""
    attempts: int
    """In all. What was throttled, answered with 500 or cut off is repeated after a random wait
    that grows up to 20 seconds (boto3's standard mode)."""
    connect_seconds: int = CONNECT_SECONDS


STORAGE = Patience(read_seconds=60, attempts=5)
SCANS = Patience(read_seconds=120, attempts=6)
UPLOADS = Patience(read_seconds=300, attempts=8)
_PATIENCE: dict[Service, Patience] = {
    "codeartifact": UPLOADS,
    "codecommit": STORAGE,
    "codeguru-security": SCANS,
    "inspector-scan": SCANS,
    "kms": STORAGE,
    "s3": STORAGE,
    "secretsmanager": STORAGE,
    "sns": STORAGE,
    "ssm": STORAGE,
}


def region_of(environ: Mapping[str, str]) -> str:
    """Give the AWS region; "" leaves it to boto3's own configuration.

    boto3 itself reads `AWS_DEFAULT_REGION` only; AWS's other SDKs and tools read `AWS_REGION`.
    """
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""


def client_config(
    service: Service, connections: int = CONNECTIONS, patience: Patience | None = None
) -> "Config":
    """Give a service's timeouts and retries."""
    from botocore.config import Config

    patience = patience or _PATIENCE[service]
    return Config(
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.read_seconds,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
    )


class AWSSession:
    """boto3's session; its credentials are those that boto3 finds."""

    def __init__(self, region: str = "") -> None:
        """Begin one; `region` is "" for that of boto3's own configuration.

        Raises:
            ConfigurationError: boto3's configuration can't be used.
        """
        import boto3

        with aws_errors("AWS is not configured", ConfigurationError):
            self._session = boto3.Session(region_name=region or None)

    @property
    def region(self) -> str:
        """Where its clients call; "" when nobody says."""
        return self._session.region_name or ""

    def client(
        self,
        service: Service,
        connections: int = CONNECTIONS,
        patience: Patience | None = None,
    ) -> Any:
        """Make a service's client, for all threads.

        Args:
            service: boto3's name of it.
            connections: how many it keeps, one for each thread that uses it at a time.
            patience: how long it is waited for; None for what is usual for the service.

        Raises:
            ConfigurationError: no region is known for it.
        """
        with aws_errors(f"AWS is not configured for {service}", ConfigurationError):
            return self._session.client(
                service, config=client_config(service, connections, patience)
            )
