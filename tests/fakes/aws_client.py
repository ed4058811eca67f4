"""One faked AWS service, and a client of it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from package_gate.aws.session import client_config
from tests.fakes.aws import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from tests.fakes.aws_service import AWSService

Service = TypeVar("Service", bound=AWSService)


@contextmanager
def running(kind: type[Service], folder: Path) -> Iterator[Service]:
    """Run a fake with the marked keys; every request that it got must have been valid."""
    place = folder / kind.name
    place.mkdir()
    with kind(place, {ACCESS_KEY_ID: SECRET_ACCESS_KEY}).running() as service:
        yield service
        assert service.rejected == []


CONFIG = client_config("inspector-scan")


@contextmanager
def client_of(service: AWSService, config: Config = CONFIG) -> Iterator[Any]:
    """Make a boto3 client of a fake."""
    client = boto3.client(
        service.name,  # type: ignore[call-overload]  # any of them
        endpoint_url=service.url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=config.merge(Config(proxies={})),
    )
    with closing(client):
        yield client
