"""The fixture `aws`: every AWS service that the gate uses, on this machine."""

from collections.abc import Iterator

import pytest
import requests

from tests.fakes.aws import AWS, aws_services, moto_server


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Run one moto server for all tests."""
    with moto_server() as url:
        yield url


@pytest.fixture
def aws(moto_url: str) -> Iterator[AWS]:
    """Give AWS services that hold nothing but an empty CodeArtifact repository."""
    requests.post(f"{moto_url}/moto-api/reset", timeout=30).raise_for_status()
    with aws_services(moto_url) as services:
        yield services
