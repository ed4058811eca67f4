"""AWS on this machine: moto's server, and fakes of the services that no emulator has.

moto: S3, SNS, SSM, Secrets Manager, STS, KMS. Fakes: CodeArtifact, CodeGuru Security, Inspector.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from tests.fakes.aws_service import AWSService
from tests.fakes.codeartifact import ACCOUNT, CodeArtifact
from tests.fakes.codeguru_security import CodeGuruSecurity
from tests.fakes.inspector_scan import InspectorScan
from tests.fakes.moto_nested_stacks import let_stacks_read_nested_outputs
from tests.fakes.moto_reuse import reuse_what_moto_makes

REGION = "eu-central-1"
ACCESS_KEY_ID = "AKIACANARYCANARYCANA"
SECRET_ACCESS_KEY = "aws-secret-key-canary-0123456789abcdefgh"
"""Marked, so that a test can look for it where no credential may be."""
DOMAIN = "research"
REPOSITORY = "approved-packages"
Service = TypeVar("Service", bound=AWSService)
MOTO_SERVICES = ("S3", "SNS", "SSM", "SECRETS_MANAGER", "STS", "KMS")


@dataclass
class AWS:
    """What a test sees of it."""

    codeartifact: CodeArtifact
    """With the domain `DOMAIN` and the empty repository `REPOSITORY`."""
    codeguru: CodeGuruSecurity
    inspector: InspectorScan
    moto_url: str
    environment: dict[str, str]
    """For a subprocess or the AWS CLI: endpoints, region and the marked keys."""
    _clients: list[Any] = field(default_factory=list)

    def client(self, service: str, config: Config | None = None) -> Any:
        """Make a boto3 client, closed when the services end.

        Args:
            service: boto3's name of it.
            config: timeouts and retries; by default one attempt, so that a fault is seen at once.
        """
        variable = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        if service == "secretsmanager":
            variable = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
        one_attempt = Config(retries={"mode": "standard", "total_max_attempts": 1})
        client = boto3.client(
            service,  # type: ignore[call-overload]  # any of them
            endpoint_url=self.environment[variable],
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=(config or one_attempt).merge(Config(proxies={})),
        )
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close the clients' connections."""
        for client in self._clients:
            client.close()


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto's server until the block ends; gives its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # moto logs every request
    let_stacks_read_nested_outputs()
    reuse_what_moto_makes()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def aws_services(moto_url: str) -> Iterator[AWS]:
    """Run the fakes beside a moto server until the block ends."""
    secrets = {ACCESS_KEY_ID: SECRET_ACCESS_KEY}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aws-fakes-")))

        def start(kind: type[Service]) -> Service:
            place = folder / kind.name
            place.mkdir()
            return stack.enter_context(kind(place, secrets).running())

        codeartifact = start(CodeArtifact)
        codeguru = start(CodeGuruSecurity)
        inspector = start(InspectorScan)
        codeartifact.create_domain({"domain": DOMAIN})
        codeartifact.create_repository({"domain": DOMAIN, "repository": REPOSITORY})
        aws = AWS(
            codeartifact,
            codeguru,
            inspector,
            moto_url,
            {
                **{f"AWS_ENDPOINT_URL_{service}": moto_url for service in MOTO_SERVICES},
                "AWS_ENDPOINT_URL_CODEARTIFACT": codeartifact.url,
                "AWS_ENDPOINT_URL_CODEGURU_SECURITY": codeguru.url,
                "AWS_ENDPOINT_URL_INSPECTOR_SCAN": inspector.url,
                # Everything else goes to moto too, and never to AWS.
                "AWS_ENDPOINT_URL": moto_url,
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                "AWS_ACCOUNT_ID": ACCOUNT,
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_PAGER": "",
                "NO_PROXY": "127.0.0.1,localhost",
                "no_proxy": "127.0.0.1,localhost",
            },
        )
        try:
            yield aws
        finally:
            aws.close()
