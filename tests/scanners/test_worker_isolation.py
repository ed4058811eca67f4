import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from package_gate.policy import Limits
from package_gate.scanners import isolation, registry
from package_gate.scanners.osv import OSVSettings
from package_gate.scanners.pool import ScannerPool, ScannerSpec
from tests.fakes.scanners import FakeSettings
from tests.scanners.packages import package

LIMITS = Limits(scan_memory_bytes=2 * 2**30)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def fake(settings: FakeSettings, *, network: bool = False) -> ScannerSpec:
    return ScannerSpec("fake", settings, network=network, factory="tests.fakes.scanners:Fake")


def reach_out(
    tmp_path: Path, scratch: Path, port: int, *, network: bool
) -> tuple[dict[str, str], str]:
    secret = tmp_path / "secret"
    secret.write_text("a token")
    spec = fake(FakeSettings(str(secret), port), network=network)
    target = package(scratch / "package", name="reach_out")
    with ScannerPool([spec], LIMITS, scratch) as pool:
        found = pool.scan("fake", target)
        return {each.rule: each.message for each in found}, pool.isolation("fake")


@pytest.fixture
def sandboxed() -> None:
    """Skip where the kernel has nothing to isolate with."""
    if sys.platform != "linux":
        pytest.skip("the test knows what Linux does")
    nono = pytest.importorskip("nono_py._nono_py")
    if not nono.is_supported() or not nono.detect_abi().has_network:
        pytest.skip("this kernel has no Landlock with network rules")


@pytest.mark.usefixtures("sandboxed")
def test_a_worker_reaches_neither_the_network_nor_files_of_others(
    tmp_path: Path, scratch: Path, port: int
) -> None:
    outcome, isolated = reach_out(tmp_path, scratch, port, network=False)

    assert isolated == "landlock and seccomp: files, network"
    assert outcome == {
        "tcp": "PermissionError",
        "udp": "PermissionError",
        "listen": "PermissionError",
        "read-secret": "PermissionError",
        "list-folder": "PermissionError",
        "read-system": "PermissionError",
        "write-beside": "PermissionError",
        "write-package": "PermissionError",
        "read-package": "done",
        "write-own": "done",
        "run-program": "done",
        "child-network": "CalledProcessError",
    }
    assert not (tmp_path / "planted").exists()


@pytest.mark.usefixtures("sandboxed")
def test_a_scanner_that_needs_the_network_has_it_and_still_no_files_of_others(
    tmp_path: Path, scratch: Path, port: int
) -> None:
    outcome, isolated = reach_out(tmp_path, scratch, port, network=True)

    assert isolated == "landlock: files"
    assert [outcome["tcp"], outcome["udp"], outcome["child-network"]] == ["done"] * 3
    assert outcome["read-secret"] == outcome["write-package"] == "PermissionError"


def test_a_worker_sees_nothing_of_the_gates_environment(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "PrivateGitHubToken", "GUARDDOG_YARA_EXT_EXCLUDE"):
        monkeypatch.setenv(name, "canary-7d1f")
    monkeypatch.setenv("PYTHONPATH", "/canary-7d1f")
    monkeypatch.setenv("PATH", "/canary-7d1f")
    with ScannerPool([fake(FakeSettings())], LIMITS, scratch) as pool:
        (found,) = pool.scan("fake", package(scratch / "package", name="environment"))

    assert "canary" not in found.message
    assert {pair.partition("=")[0] for pair in found.message.split()} <= {
        "PATH", "LANG", "HOME", "TMPDIR", "PYTHONPATH", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE",
        "LC_CTYPE", "PWD",
    }  # fmt: skip


def test_without_the_library_nothing_is_isolated_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nono_py", None)
    monkeypatch.setitem(sys.modules, "nono_py._nono_py", None)

    assert isolation.isolate(network=False, readable=(), writable=()).startswith("none: ")


class _OldKernel:
    """Stands for the library where the kernel has no sandbox."""

    @staticmethod
    def is_supported() -> bool:
        return False


class _NoFilters:
    """Stands for the library on a kernel that refuses whatever is asked."""

    class CapabilitySet:
        def allow_path(self, path: str, mode: object) -> None: ...

        def allow_file(self, path: str, mode: object) -> None: ...

        def block_network(self) -> None: ...

    class AccessMode:
        READ = READ_WRITE = None

    @staticmethod
    def is_supported() -> bool:
        return True

    @staticmethod
    def apply_seccomp(allowed: object) -> None:
        raise RuntimeError("seccomp is not permitted here")

    @staticmethod
    def apply(allowed: object) -> None:
        raise RuntimeError("no network rules before kernel 6.7")


@pytest.mark.parametrize(
    ("library", "answer"),
    [(_OldKernel, "has no sandbox for this"), (_NoFilters, "no network rules before kernel 6.7")],
)
def test_an_old_kernel_isolates_nothing_and_it_says_so(
    library: type, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nono_py", library)
    monkeypatch.setitem(sys.modules, "nono_py._nono_py", library)

    isolated = isolation.isolate(network=False, readable=(), writable=())

    assert isolated.startswith("none: ")
    assert answer in isolated


@pytest.mark.parametrize(
    ("advisories", "ca_bundle", "needs"),
    [
        ("https://osv.example", "", registry.Needs(network=True)),
        ("https://osv.example", "/ca.pem", registry.Needs(network=True, readable=("/ca.pem",))),
        ("/data/all.zip", "/ca.pem", registry.Needs(readable=("/data/all.zip",))),
    ],
)
def test_the_osv_scanner_has_the_network_only_for_an_api(
    advisories: str, ca_bundle: str, needs: registry.Needs
) -> None:
    settings = OSVSettings(advisories=advisories, ca_bundle=ca_bundle)

    assert registry.SCANNERS["osv"].needs(settings) == needs
