"""Fixtures of the dependency scan's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dependency_scan.world import World
from tests.fakes.https_server import HTTPSServer, https_server
from tests.fakes.package_index import PackageIndex


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    """Run one server for the indexes of a module."""
    with https_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one cache: each index has addresses of its own."""
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask an index at once again for what it does not have."""
    monkeypatch.setattr("package_gate.sources.pypi.index.LATE_SECONDS", (0,))


@pytest.fixture
def world(tmp_path: Path, shared_server: HTTPSServer, uv_cache: Path) -> World:
    """Give an empty index, one advisory about nothing of it, and an empty repository."""
    return World(tmp_path, PackageIndex(shared_server), uv_cache)
