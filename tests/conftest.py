"""Fixtures that most tests share."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import aws_fixture
from tests.fakes.https_server import HTTPSServer, https_server


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: made archives differ from one process to the next."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish() -> None:
    """Spare the collector what stays to the end: modules, and the tests themselves."""
    gc.collect()
    gc.freeze()


aws, moto_url = aws_fixture.aws, aws_fixture.moto_url


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HTTPSServer]:
    """Give a real HTTPS server that nothing has been put on."""
    with https_server(tmp_path) as running:
        yield running
