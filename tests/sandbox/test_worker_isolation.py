"""A hostile scanner tries everything that code which has taken over a scan could try."""

import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.finding import Kind
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.sandbox.spec import Needs, ScannerSpec
from package_gate.scanners.registry import worker_spec
from tests.fakes.scanners import FakeSettings
from tests.scanners.packages import package

ROOT = Path(__file__).parent.parent.parent
READS = Needs()
RUNS_PROGRAMS = {"read-package", "write-own", "fork", "run-program", "thread"}
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


def fake(settings: FakeSettings | None = None, needs: Needs = READS) -> ScannerSpec:
    return ScannerSpec(
        "fake",
        f"tests.fakes.scanners:{'UnpackingFake' if needs.unpacks else 'Fake'}",
        frozenset({Kind.CODE}),
        needs,
        settings or FakeSettings(),
    )


def reach_out(tmp_path: Path, scratch: Path, port: int, needs: Needs) -> tuple[dict[str, str], str]:
    """Let the payload try; give what came of each attempt, and what the decision would say."""
    secret = tmp_path / ".aws" / "credentials"
    secret.parent.mkdir()
    secret.write_text("a token")
    target = with_a_folder_of_trees(package(scratch / "package", name="reach_out"))
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
        before = outliving(tmp_path)
        with ScannerPool([fake(settings, needs)], LIMITS, scratch) as pool:
            found = (
                pool.unpack("fake", target).findings if needs.unpacks else pool.scan("fake", target)
            )
            isolated = pool.isolation("fake")
        assert outliving(tmp_path) == before
    planted = [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("planted")]
    assert planted == (["scratch/package/trees/0/planted"] if needs.unpacks else [])
    assert (tmp_path / "scratch" / "package" / target.artifacts[0].artifact.filename).read_bytes()
    return {each.rule: each.message for each in found}, isolated


def with_a_folder_of_trees(target: UnpackedPackage) -> UnpackedPackage:
    """Put the tree where the gate does, apart from the download."""
    (artifact,) = target.artifacts
    trees = Path(artifact.tree).with_name("trees")
    trees.mkdir()
    tree = Path(artifact.tree).rename(trees / "0")
    return replace(target, artifacts=(replace(artifact, tree=str(tree)),))


def outliving(tmp_path: Path) -> dict[str, object]:
    """Give what a scan may have changed that stays after its process."""
    sysvipc = Path("/proc/sysvipc")
    return {
        "limits": [resource.getrlimit(kind) for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS)],
        "affinity": os.sched_getaffinity(0),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "objects": [
            (sysvipc / name).read_text().count(str(0x5AFE)) for name in ("shm", "sem", "msg")
        ],
        "planted": [Path(folder, "planted").exists() for folder in ("/tmp", "/dev/shm")],
        "metadata": {
            str(file): (status.st_mode, status.st_uid, status.st_mtime_ns, os.listxattr(file))
            for file in (*tmp_path.glob(".aws/*"), tmp_path / "scratch/package/trees")
            for status in [file.stat()]
        },
        "processes": sorted(
            pid.name
            for pid in Path("/proc").glob("[0-9]*")
            if b"package_gate.sandbox.worker" in _command(pid)
            and f"PPid:\t{os.getpid()}\n" in _status(pid)
        ),
    }


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _status(process: Path) -> str:
    try:
        return (process / "status").read_text()
    except OSError:
        return ""


def succeeded(outcome: Mapping[str, str]) -> set[str]:
    """Name what worked; whatever did not must have been forbidden, not have failed by chance."""
    failures = {"PermissionError", "missing", "CalledProcessError", "ValueError", "RuntimeError"}
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
@pytest.mark.parametrize(
    ("scanner", "isolated", "may"),
    [
        ("guarddog", "seccomp: listed calls, no writing", {"read-package"}),
        ("behaviour", "seccomp: listed calls, no writing", {"read-package"}),
        ("archive", "seccomp: listed calls", {"read-package", "write-own", "write-tree"}),
        ("ruff", "seccomp: listed calls", RUNS_PROGRAMS),
    ],
)
def test_a_scan_reaches_its_package_and_its_own_folder_and_nothing_else(
    tmp_path: Path, scratch: Path, port: int, scanner: str, isolated: str, may: set[str]
) -> None:
    outcome, said = reach_out(tmp_path, scratch, port, worker_spec(scanner).needs)

    assert said == f"{ROOTS}landlock: files; {isolated}"
    assert len(outcome) >= 150
    assert succeeded(outcome) == may


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
import os, resource, socket, subprocess, sys
WAY
from package_gate.sandbox.isolation import isolate
from package_gate.sandbox.spec import Needs

print(isolate(needs=Needs(), alone=True, readable=(), writable=()))
for name, attempt in {
    "socket": socket.socket,
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "program": lambda: subprocess.run(["/bin/true"]),
    "fork": os.fork,
    "signal": lambda: os.kill(os.getppid(), 0),
    "environ": lambda: open(f"/proc/{os.getppid()}/environ"),
    "file": lambda: open("/etc/passwd"),
    "write": lambda: open(sys.argv[1], "a"),
    "write-memory": lambda: open(f"/proc/{os.getppid()}/mem", "r+b"),
    "folder": lambda: os.mkdir(sys.argv[1] + "-"),
    "remove": lambda: os.unlink(sys.argv[1]),
    "move": lambda: os.rename(sys.argv[1], sys.argv[1] + "-"),
    "shorten": lambda: os.truncate(sys.argv[1], 0),
    "mode": lambda: os.chmod(sys.argv[1], 0o777),
    "times": lambda: os.utime(sys.argv[1]),
    "limits": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (99, 99)),
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
def test_without_landlock_a_scan_still_has_no_network_and_no_other_processes_and_writes_nothing(
    tmp_path: Path, way: str, problem: str
) -> None:
    file = tmp_path / "a-file"
    file.write_text("as it was")
    said = in_a_process(_WITHOUT_LANDLOCK.replace("WAY", way), str(file))

    assert file.read_text() == "as it was"

    assert said[0].startswith(f"{ROOTS}seccomp: listed calls, no writing; files not: ")
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
from package_gate.sandbox.spec import Needs
print(isolate(needs=Needs(), alone=True, readable=(), writable=()))
"""
    (said,) = in_a_process(code)

    assert said.startswith("none: files not: ")


@pytest.mark.skipif(sys.platform != "linux", reason="the test knows what Linux does")
def test_the_gate_hides_its_memory_from_processes_of_its_user() -> None:
    code = """
import ctypes
from package_gate.commands.process import prepare_process
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
prepare_process()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""
    assert in_a_process(code) == ["1", "0"]


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
