"""Fixtures that most tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.https_server import HTTPSServer, https_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HTTPSServer]:
    """Give a real HTTPS server that nothing has been put on."""
    with https_server(tmp_path) as running:
        yield running
