"""Scanners that misbehave, to be run in a worker process; the package's name says how."""

import ctypes
import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from package_gate.core.artifact import UnpackedPackage
from package_gate.core.errors import ScannerError
from package_gate.core.finding import Finding, Kind, Location, ScannerInfo, Severity
from package_gate.core.inventory import Inventory, Unpacked
from package_gate.core.limits import Limits
from package_gate.sandbox.progress import note_file
from package_gate.scanners.ruff import Ruff
from tests.fakes.payload import attempts


def finding(
    message: str = "",
    *,
    scanner: str = "fake",
    rule: str = "rule",
    artifact: str = "",
    locations: tuple[Location, ...] = (),
    references: tuple[str, ...] = (),
    count: int = 1,
) -> Finding:
    return Finding(
        scanner=scanner,
        rule=rule,
        kind=Kind.CODE,
        severity=Severity.LOW,
        message=message,
        references=references,
        artifact=artifact,
        locations=locations,
        count=count,
    )


@dataclass(frozen=True)
class FakeSettings:
    """What a test tells the fake."""

    path: str = ""
    port: int = 0
    gate: int = 0
    socket: str = ""
    other_package: str = ""


class Fake:
    """Does what the name of the package says."""

    def __init__(self, settings: FakeSettings) -> None:
        self.settings = settings
        self.scans = 0
        # Whether others may look into the worker, and so into its forks: PR_GET_DUMPABLE.
        self.seen = sys.platform == "linux" and ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) != 0
        self.info = ScannerInfo("another-name", "1.0\x1b[2J", data="fake\nrules")

    def scan(self, target: UnpackedPackage) -> Iterable[Finding]:
        self.scans += 1
        behaviour: Callable[[UnpackedPackage], Iterable[Finding]] = getattr(self, f"_{target.name}")
        return behaviour(target)

    def _answer(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding(f"{os.getppid()} {os.getpid()} {self.scans}")

    def _environment(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding(" ".join(f"{name}={value}" for name, value in sorted(os.environ.items())))

    def _fail(self, target: UnpackedPackage) -> Iterable[Finding]:
        raise ScannerError("the advisories could not be had")

    def _raise(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding("before")
        raise ValueError("an unforeseen \x1b[31m fault")

    def _print(self, target: UnpackedPackage) -> Iterable[Finding]:
        print("to standard output")
        os.write(1, b'{"type":"findings","number":1,"findings":[]}\n')
        print("to standard error", file=sys.stderr)
        subprocess.run(["/bin/sh", "-c", "echo a child; cat"], check=True)
        yield finding("printed")

    def _read_orders(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding(repr(sys.stdin.read()))

    def _exit(self, target: UnpackedPackage) -> Iterable[Finding]:
        sys.stderr.write("x" * 100_000 + "\nthe reason \x1b[31m\n")
        sys.stderr.flush()
        os._exit(7)

    def _crash(self, target: UnpackedPackage) -> Iterable[Finding]:
        os.kill(os.getpid(), signal.SIGSEGV)
        return ()

    def _hang(self, target: UnpackedPackage) -> Iterable[Finding]:
        # A child of its own, to see that it goes as well.
        child = subprocess.Popen(["/bin/sh", "-c", "sleep 600"])
        note_file(f"\x1bpids {os.getpid()} {child.pid}")
        time.sleep(600)
        return ()

    def _wait(self, target: UnpackedPackage) -> Iterable[Finding]:
        time.sleep(600)
        return ()

    def _sleep(self, target: UnpackedPackage) -> Iterable[Finding]:
        time.sleep(0.5)
        yield finding(str(os.getppid()))

    def _spin(self, target: UnpackedPackage) -> Iterable[Finding]:
        note_file("an earlier one")
        note_file("a/b")
        while True:
            pass

    def _work(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Use three quarters of a second of processor time."""
        end = time.process_time() + 0.75
        while time.process_time() < end:
            pass
        yield finding("worked")

    def _hog(self, target: UnpackedPackage) -> Iterable[Finding]:
        blocks = []
        while True:
            blocks.append(bytearray(64 * 1024 * 1024))

    def _limits(self, target: UnpackedPackage) -> Iterable[Finding]:
        core = resource.getrlimit(resource.RLIMIT_CORE)[0]
        group = os.getpgrp() == os.getppid()
        yield finding(f"core={core} umask={os.umask(0o077):o} group={group} seen={self.seen}")

    def _garbage(self, target: UnpackedPackage) -> Iterable[Finding]:
        self._say(b"\xff garbage\n")
        time.sleep(600)
        return ()

    def _two_lines(self, target: UnpackedPackage) -> Iterable[Finding]:
        self._say(b'{"type":"failed","message":"a"}\n{"type":"failed","message":"b"}\n')
        return ()

    def _old_answer(self, target: UnpackedPackage) -> Iterable[Finding]:
        self._say(b'{"type":"findings","number":0,"findings":[]}\n')
        time.sleep(600)
        return ()

    def _endless(self, target: UnpackedPackage) -> Iterable[Finding]:
        while True:
            self._say(b"x" * 1_000_000)

    def _kill(self, target: UnpackedPackage) -> Iterable[Finding]:
        os.kill(os.getpid(), signal.SIGKILL)
        return ()

    def _orphans(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Answer, and leave a process behind that no pipe ends."""
        subprocess.Popen(["/bin/sh", "-c", "sleep 600"])
        yield finding("answered")

    def _say(self, text: bytes) -> None:
        """Find the pipe to the pool and write to it, past the worker."""
        for number in range(3, 20):
            try:
                os.write(number, text)
            except OSError:
                continue

    def _another_kind(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding("about code")

    def _another_file(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding(artifact="another-package.whl")

    def _many(self, target: UnpackedPackage) -> Iterable[Finding]:
        return [finding()] * 20_001

    def _ugly(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding(
            "a\x1b[2J\u202e" + "b" * 10_000,
            scanner="archive",
            locations=tuple(Location(f"{'p' * 5000}\n", -1) for _ in range(50)),
            references=("javascript:alert(1)", "https://advisories.example/1"),
            count=-5,
        )

    def _surrogate(self, target: UnpackedPackage) -> Iterable[Finding]:
        yield finding("a name that is no UTF-8: \udcff")

    def _reach_out(self, target: UnpackedPackage) -> Iterable[Finding]:
        """Try what a payload would."""
        for name, attempt in attempts(self.settings, target).items():
            try:
                attempt()
                yield finding(rule=name, message="done")
            except (OSError, ValueError, subprocess.SubprocessError, RuntimeError) as error:
                missing = isinstance(error, OSError) and error.errno == errno.ENOSYS
                yield finding(rule=name, message="missing" if missing else type(error).__name__)


class UnpackingFake(Fake):
    """A fake that needs what the unpacker needs."""

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        inventories = (Inventory(each.artifact.filename) for each in package.artifacts)
        return Unpacked(tuple(self.scan(package)), tuple(inventories))


class FakeUnpacker:
    """Unpacks nothing, and says of it what the name of the package says."""

    def __init__(self, limits: Limits) -> None:
        self.info = ScannerInfo("archive", "1.0")

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        names = [each.artifact.filename for each in package.artifacts]
        inventories = [Inventory(name, name="demo", requires_python=">=3.9") for name in names]
        match package.name:
            case "fail":
                raise ScannerError("the disk is full")
            case "raise":
                raise RecursionError("in the inventory")
            case "missing":
                inventories.pop()
            case "swapped":
                inventories.reverse()
            case "another":
                inventories[0] = Inventory("another-1.0-py3-none-any.whl")
            case "unsound":
                inventories[1] = Inventory(names[1], name="a\x1b[2J")
            case "large":
                inventories[0] = Inventory(names[0], requires=("x" * 2000,) * 4500)
        return Unpacked((), tuple(inventories))


class TellingUnpacker:
    """Writes into the tree what its process knows, and leaves another process behind."""

    def __init__(self, limits: Limits) -> None:
        self.info = ScannerInfo("archive", "1.0")

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        (artifact,) = package.artifacts
        tree = Path(artifact.tree)
        tree.mkdir()
        (tree / "environment").write_text(repr(dict(os.environ)))
        (tree / "process").write_text(str(os.getpid()))
        (tree / "archive").write_bytes(Path(artifact.path).read_bytes())
        return Unpacked((), (Inventory(artifact.artifact.filename),))


class NoUnpacker(Fake):
    """Answers with findings where trees are to be made."""

    def unpack(self, package: UnpackedPackage) -> Unpacked:
        self._say(b'{"type":"findings","number":1,"findings":[]}\n')
        time.sleep(600)
        return Unpacked((), ())


def needs_a_file(settings: FakeSettings) -> Fake:
    """Make a fake, but only once a file exists."""
    if not Path(settings.path).exists():
        raise ScannerError(f"{Path(settings.path).name} is missing")
    return Fake(settings)


def another_ruff(settings: FakeSettings) -> Ruff:
    """Make the scanner that starts Ruff with a program in its place."""
    scanner = Ruff()
    scanner._program = settings.path
    return scanner


def never_ready(settings: FakeSettings) -> Fake:
    """Die while loading."""
    os._exit(9)
