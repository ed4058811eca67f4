"""A hostile scanner tries everything that code which has taken over a scan could try."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from package_gate.core.finding import Kind
from package_gate.core.policy import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.sandbox.spec import Needs, ScannerSpec
from tests.fakes.scanners import FakeSettings
from tests.scanners.packages import package

ROOT = Path(__file__).parent.parent.parent
LIMITS = Limits(scan_memory_bytes=2 * 2**30)
ROOTS = "root: no capabilities; " if os.geteuid() == 0 else ""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def fake(settings: FakeSettings | None = None, *, programs: bool = False) -> ScannerSpec:
    return ScannerSpec(
        "fake",
        "tests.fakes.scanners:Fake",
        frozenset({Kind.CODE}),
        Needs(programs=programs),
        settings or FakeSettings(),
    )


def reach_out(
    tmp_path: Path, scratch: Path, port: int, *, programs: bool = False
) -> tuple[dict[str, str], str]:
    """Let the payload try; give what came of each attempt, and what the decision would say."""
    secret = tmp_path / ".aws" / "credentials"
    secret.parent.mkdir()
    secret.write_text("a token")
    target = package(scratch / "package", name="reach_out")
    package(scratch / "other")
    with (
        tempfile.TemporaryDirectory() as short,  # as paths of sockets must be
        socket.socket(socket.AF_UNIX) as listening,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        name = f"{short}/socket"
        listening.bind(name)
        listening.listen()
        abstract.bind("\0" + name)
        abstract.listen()
        settings = FakeSettings(str(secret), port, os.getpid(), name, str(scratch / "other"))
        spec = fake(settings, programs=programs)
        with ScannerPool([spec], LIMITS, scratch) as pool:
            found = pool.scan("fake", target)
            isolated = pool.isolation("fake")
    assert not list(tmp_path.rglob("planted"))
    assert (tmp_path / "scratch" / "package" / target.artifacts[0].artifact.filename).read_bytes()
    return {each.rule: each.message for each in found}, isolated


def succeeded(outcome: Mapping[str, str]) -> set[str]:
    """Name what worked; whatever did not must have been forbidden, not have failed by chance."""
    failures = {"PermissionError", "CalledProcessError", "ValueError"}
    assert set(outcome.values()) <= {"done", *failures}, outcome
    return {name for name, message in outcome.items() if message == "done"}


@pytest.fixture
def sandboxed() -> None:
    """Skip where the kernel has nothing to isolate with."""
    if sys.platform != "linux":
        pytest.skip("the test knows what Linux does")
    nono = pytest.importorskip("nono_py._nono_py")
    if not nono.is_supported() or not nono.detect_abi().has_scoping:
        pytest.skip("this kernel has no Landlock that keeps signals from others")


@pytest.mark.usefixtures("sandboxed")
def test_a_scan_reaches_its_package_and_its_own_folder_and_nothing_else(
    tmp_path: Path, scratch: Path, port: int
) -> None:
    outcome, isolated = reach_out(tmp_path, scratch, port)

    assert isolated == f"{ROOTS}landlock: files; seccomp: network, processes"
    assert len(outcome) >= 40
    assert succeeded(outcome) == {"read-package", "write-own"}


@pytest.mark.usefixtures("sandboxed")
def test_a_scanner_that_starts_programs_reaches_no_more_by_them(
    tmp_path: Path, scratch: Path, port: int
) -> None:
    outcome, _ = reach_out(tmp_path, scratch, port, programs=True)

    assert succeeded(outcome) == {"read-package", "write-own", "fork", "run-program"}


@pytest.mark.usefixtures("sandboxed")
def test_the_unpacker_writes_the_trees_of_its_package_only(scratch: Path) -> None:
    for place in ("mine/downloads", "mine/trees", "other/trees"):
        (scratch / place).mkdir(parents=True)

    said = in_a_process(_UNPACKER, str(scratch))

    assert said[1:] == ["mine/trees done", "mine/downloads denied", "other/trees denied"]


_UNPACKER = """
import sys
from pathlib import Path
from package_gate.core.artifact import Artifact, Origin, UnpackedPackage, UnpackedArtifact
from package_gate.sandbox.spec import Needs
from package_gate.sandbox.worker import isolate_scan

scratch = Path(sys.argv[1])
mine = UnpackedArtifact(
    Artifact("a.whl", "", 0), str(scratch / "mine/downloads/a.whl"), str(scratch / "mine/trees/0")
)
target = UnpackedPackage("a", "1", Origin.PYPI, (mine,))
print(isolate_scan(Needs(unpacks=True), Path("/dev/null"), target))
for place in ("mine/trees", "mine/downloads", "other/trees"):
    try:
        (scratch / place / "planted").write_text("x")
        print(place, "done")
    except PermissionError:
        print(place, "denied")
"""


def in_a_process(code: str, *arguments: str) -> list[str]:
    """Run code that confines itself; give the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


_WITHOUT_LANDLOCK = """
import os, socket, subprocess, sys
WAY
from package_gate.sandbox.isolation import isolate

print(isolate(programs=False, alone=True, readable=(), writable=()))
for name, attempt in {
    "socket": socket.socket,
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "program": lambda: subprocess.run(["/bin/true"]),
    "fork": os.fork,
    "signal": lambda: os.kill(os.getppid(), 0),
    "environ": lambda: open(f"/proc/{os.getppid()}/environ"),
    "file": lambda: open("/etc/passwd"),
}.items():
    try:
        attempt()
        print(name, "done")
    except PermissionError:
        print(name, "denied")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the test knows what Linux does")
@pytest.mark.parametrize(
    ("way", "problem"),
    [
        ('sys.modules["nono_py._nono_py"] = None', "files not: import of nono_py._nono_py halted"),
        (
            "from tests.sandbox.test_worker_isolation import OldKernel\n"
            'sys.modules["nono_py"] = sys.modules["nono_py._nono_py"] = OldKernel',
            "has no sandbox for this",
        ),
    ],
    ids=["without-the-library", "with-an-old-kernel"],
)
def test_without_landlock_a_scan_still_has_no_network_and_no_other_processes(
    way: str, problem: str
) -> None:
    said = in_a_process(_WITHOUT_LANDLOCK.replace("WAY", way))

    assert said[0].startswith(f"{ROOTS}seccomp: network, processes; files not: ")
    assert problem in said[0]
    outcome = dict(line.split() for line in said[1:])
    # Whose environment it could read without Landlock depends on who runs the tests.
    assert outcome.pop("environ") == "denied" or not ROOTS
    assert outcome.pop("file") == "done"
    assert set(outcome.values()) == {"denied"}


class OldKernel:
    """Stands for the library where the kernel has no sandbox."""

    @staticmethod
    def is_supported() -> bool:
        return False


def test_where_nothing_is_to_be_had_it_says_so() -> None:
    code = """
import sys
sys.platform = "plan9"
sys.modules["nono_py._nono_py"] = None
from package_gate.sandbox.isolation import isolate
print(isolate(programs=False, alone=True, readable=(), writable=()))
"""
    (said,) = in_a_process(code)

    assert said.startswith("none: files not: ")


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
