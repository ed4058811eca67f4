"""The outer room: it lets the inner one run under strace, takes what is sent, and keeps the bounds.

`python -m package_gate.observation.outside ORDER-FILE` answers with a `Report` on its standard
output. It has no network but its own, sees few files, and ends with all that it has started.
"""

import os
import platform
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from package_gate.observation import canaries, groups
from package_gate.observation.documents import (
    Bounds,
    Deed,
    DeedKind,
    Order,
    Report,
    Run,
    Said,
    Step,
)
from package_gate.observation.filter import instructions
from package_gate.observation.inside import BUSY_SECONDS
from package_gate.observation.rooms import GROUPS, faketime, inner_room, joining, variables
from package_gate.observation.sinkhole import Sinkhole, make_network
from package_gate.observation.trace import CALLS, CLOSED, NAMESERVER, POWERLESS, Trace

DAYS = (0, 30)
"""How far the clock is set forward in each run."""
_LOOK_SECONDS = 0.05
_ENDING_LOOKS, _ENDING_LOOK_SECONDS = 1000, 0.005
_MOST_LINE_BYTES = 1 << 20
_MOST_SAID_BYTES = 4 << 20
_MOST_STEPS = 500
_MIB = 1 << 20
_SAID = msgspec.json.Decoder(Said)


class Stopped(Exception):  # noqa: N818
    """A bound was met; the text says which."""


def main(path: Path) -> None:
    """Do what is ordered, and say what was seen."""
    order = msgspec.json.decode(path.read_bytes(), type=Order)
    make_network()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as name:
        metadata = order.canaries[canaries.METADATA]
        sinkhole = Sinkhole(order.authority, metadata, Path(name))
        met: dict[str, int] = {}
        for days in DAYS:
            watched = Watched(order, days, sinkhole, met)
            runs.append(watched.run())
            # What it did not listen to is heard in the second run.
            sinkhole.listen(watched.trace.ports)
    sys.stdout.buffer.write(msgspec.json.encode(Report(runs)))
    sys.stdout.buffer.flush()


@dataclass(slots=True)
class Watched:
    """One run of all steps."""

    order: Order
    days: int
    sinkhole: Sinkhole
    met: dict[str, int] = field(default_factory=dict)
    """How often bounds of control groups were met before."""
    trace: Trace = field(default_factory=Trace)
    said: bytearray = field(default_factory=bytearray)
    failure: str = ""
    """Why it did not come to its end; "" when it did."""
    _begins: list[tuple[float, int]] = field(default_factory=list)
    """When each step began, by the clock, with its place."""

    def run(self) -> Run:
        """Run, and give what was seen."""
        began = time.monotonic()
        self.trace.names = self.sinkhole.names
        with tempfile.TemporaryDirectory() as name:
            try:
                self._follow(Path(name))
            except Stopped as stop:
                self.failure = str(stop)
                self.trace.note("limit", self.failure)
        self._note_met()
        self._note_sent()
        plan, ended, busy = self._heard()
        if self.order.sdist and plan and all(step.kind == "build" for step in plan):
            # Whatever it says of its build, nothing of what that made was imported.
            plan.append(Step("import", self.order.sdist, "no wheel of it could be installed"))
            ended[len(plan) - 1] = self.failure or "no wheel of it could be installed"
        steps = [
            msgspec.structs.replace(
                step, failure=ended.get(number, self.failure or "it did not end")
            )
            for number, step in enumerate(plan)
        ]
        deeds = [
            Deed(kind, what, max(step, 0), later=self.days > 0, count=count)
            for (kind, what, step), count in self.trace.deeds.items()
        ]
        deeds += [
            Deed("busy", "the processor", number, later=self.days > 0)
            for number, seconds in busy.items()
            if seconds >= BUSY_SECONDS
        ]
        return Run(steps, deeds, self.failure, round(time.monotonic() - began, 3))

    def _follow(self, folder: Path) -> None:
        """Let the inner room run to its end.

        Raises:
            Stopped: it met a bound, and was ended.
        """
        pipe = folder / "trace"
        os.mkfifo(pipe)
        program, errors = _memory_file(instructions(platform.machine())), folder / "errors"
        _make_etc(folder, self.order)
        command = [*_strace(pipe), *self._inside(folder, program)]
        with (
            errors.open("wb") as error_file,
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=error_file,
                pass_fds=(program,),
                start_new_session=True,
            ) as process,
        ):
            try:
                with pipe.open("rb", buffering=0) as lines:
                    self._tell(process)
                    self._read(process, lines.fileno())
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                _end_all_others()
        os.close(program)
        if not self.said:
            text = errors.read_text("utf-8", "replace").strip()
            if text.startswith(("bwrap:", "strace:", "sh:")):
                raise SystemExit(text)
            self.failure = f"it could not be installed: {text.splitlines()[-1:]}"

    def _inside(self, folder: Path, program: int) -> list[str]:
        """Give the command that runs `inside` in the inner room, in the control groups."""
        order = self.order
        room = inner_room(folder, order.prefix, order.hostname, program, order.bounds.disk_bytes)
        room += [*variables(order.canaries), "--", order.python, "-I", "/inside.py"]
        return [*joining(self._groups()), *room]

    def _groups(self) -> list[Path]:
        return [Path(GROUPS, str(number)) for number in range(self.order.groups)]

    def _note_met(self) -> None:
        """Note which bounds of control groups were met for the first time."""
        for what, often in groups.met(self._groups()).items():
            if often > self.met.get(what, 0) and not self.failure:
                kind = {"memory": "memory", "pids": "processes and threads at once"}[what]
                self.trace.note("limit", f"wanted more {kind} than it may have")
            self.met[what] = often

    def _tell(self, process: "subprocess.Popen[bytes]") -> None:
        """Tell `inside` what to do."""
        assert process.stdin is not None  # noqa: S101  # for the type checker
        bounds = self.order.bounds
        clock = {"FAKETIME": f"+{self.days}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        process.stdin.write(
            msgspec.json.encode(
                {
                    "wheels": self.order.wheels,
                    "sdist": self.order.sdist,
                    "build": self.order.build,
                    "files": canaries.files(self.order.canaries),
                    "step_seconds": bounds.step_seconds,
                    "memory_bytes": bounds.memory_bytes,
                    "disk_bytes": bounds.disk_bytes,
                    "clock": {**clock, "LD_PRELOAD": faketime()} if self.days else {},
                }
            )
        )
        process.stdin.close()

    def _read(self, process: "subprocess.Popen[bytes]", lines: int) -> None:
        assert process.stdout is not None  # noqa: S101  # for the type checker
        deadline = time.monotonic() + self.order.bounds.run_seconds
        rest = b""
        looked = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(lines, selectors.EVENT_READ)
            selector.register(process.stdout, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(_LOOK_SECONDS):
                    piece = os.read(key.fd, 65536)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.fd == lines:
                        *whole, rest = (rest + piece)[-_MOST_LINE_BYTES:].split(b"\n")
                        self._take(whole)
                    elif len(self.said) < _MOST_SAID_BYTES:
                        self.said += piece
                now = time.monotonic()
                if now > deadline:
                    raise Stopped(f"did not end within {self.order.bounds.run_seconds} s")
                if now - looked > _LOOK_SECONDS:
                    looked = now
                    _check_memory(self.order.bounds)

    def _take(self, lines: list[bytes]) -> None:
        for line in lines:
            step = self.trace.step
            self.trace.read(line.decode("ascii", "replace"))
            if self.trace.step != step:
                began = line.split(maxsplit=2)[1]
                self._begins.append((float(began), self.trace.step))
            if self.trace.alive > self.order.bounds.processes:
                most = self.order.bounds.processes
                raise Stopped(f"had more than {most} processes and threads at once")

    def _note_sent(self) -> None:
        """Look for canaries in all that was sent."""
        values = self.order.canaries
        came, asked = self.sinkhole.take()
        for sent in came:
            for name in sorted(canaries.within(bytes(sent.content), values)):
                where = f"{name} to {sent.host}:{sent.port} ({sent.length} bytes)"
                self._note_at(sent.began, "canary-sent", where, f"{sent.reached}:{sent.port}")
        for step, host, content in self.trace.datagrams:
            self.trace.step = step
            for name in sorted(canaries.within(content, values)):
                self.trace.note("canary-sent", f"{name} to {host} by UDP ({len(content)} bytes)")
        self._note_names(asked)

    def _note_names(self, asked: list[tuple[str, float]]) -> None:
        """Look for canaries in names; a long one is asked for in pieces, below one domain."""
        values = self.order.canaries
        below: dict[str, list[str]] = {}
        when: dict[str, float] = {}
        for name, moment in asked:
            if name.lower() in (values[canaries.HOST], "localhost", ""):
                continue
            self._note_at(moment, "resolves", _shortened(name))
            labels = name.split(".")
            domain = ".".join(labels[-2:]).lower()
            when.setdefault(domain, moment)
            pieces = below.setdefault(domain, [])
            if name not in pieces:
                pieces.append(name)
        for domain, names in below.items():
            ahead = [name.split(".")[:-2] for name in names]
            firsts = "".join(labels[0] for labels in ahead if labels)
            every = "".join("".join(labels) for labels in ahead)
            text = f"{' '.join(names)} {firsts} {every}"
            for name in sorted(canaries.within(text.encode("latin-1", "replace"), values)):
                where = f"{name} to the name server, in names below {domain} ({len(every)} bytes)"
                self._note_at(when[domain], "canary-sent", where)

    def _note_at(self, moment: float, kind: DeedKind, what: str, place: str = "") -> None:
        """Note a deed of the step that was under way then.

        What came by a connection may be seen late: it is of the last step before that moment which
        connected to that place.
        """
        step = max((step for began, step in self._begins if began <= moment), default=0)
        connected = (
            each
            for known, where, each in self.trace.deeds
            if known == "connects" and where == place and each <= step
        )
        self.trace.step = max(connected, default=step)
        self.trace.note(kind, what)

    def _heard(self) -> tuple[list[Step], dict[int, str], dict[int, float]]:
        """Give the plan, why steps failed, and how busy they stayed, as the inner room says."""
        plan: list[Step] = []
        ended: dict[int, str] = {}
        busy: dict[int, float] = {}
        for line in bytes(self.said).splitlines():
            try:
                said = _SAID.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
            plan += said.plan[: _MOST_STEPS - len(plan)]
            if said.ended >= 0 and said.ended not in ended:
                ended[said.ended] = said.failure
                busy[said.ended] = said.seconds
        return plan, ended, busy


def _shortened(name: str) -> str:
    """Give a name with what differs each time, as precedents are compared, left out."""
    return re.sub(r"[^.]{25,}|[0-9a-f]{8,}", "*", name)


def _strace(pipe: Path) -> list[str]:
    # Without `-y` folders would be numbers; `-xx` makes every text of a package digits.
    return [
        *("strace", "-f", "--seccomp-bpf", "--quiet=attach,personality"),
        *("-ttt", "-xx", "-yy", "-s", "1500"),
        *("-e", f"trace={','.join(_known(f'{CALLS},{CLOSED},{POWERLESS}'))}"),
        *("-e", "signal=SIGSYS", "-e", f"inject={','.join(_known(CLOSED))}:error=EPERM"),
        *("-o", str(pipe)),
    ]


def _known(calls: str) -> list[str]:
    """Let strace pass over what this machine's kernel has no call for."""
    return [f"?{name}" for name in calls.split(",")]


def _make_etc(folder: Path, order: Order) -> None:
    """Write what the inner room has in `/etc`: our name server, our authority, one user."""
    hostname = order.hostname
    files = {
        "passwd": f"root:x:0:0::/root:/bin/bash\njovyan:x:1000:1000::{canaries.HOME}:/bin/bash\n",
        "group": "root:x:0:\njovyan:x:1000:\n",
        "hosts": f"127.0.0.1 localhost {hostname}\n::1 localhost\n",
        "hostname": f"{hostname}\n",
        "resolv.conf": f"nameserver {NAMESERVER}\noptions timeout:5 attempts:1\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "ssl/certs/ca-certificates.crt": order.authority[
            order.authority.index("-----BEGIN CERT") :
        ],
    }
    for name, text in files.items():
        file = folder / "etc" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with suppress(OSError):
        shutil.copyfile("/etc/ld.so.cache", folder / "etc" / "ld.so.cache")


def _memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("filter")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _check_memory(bounds: Bounds) -> None:
    if _used_memory() > bounds.memory_bytes:
        raise Stopped(f"used more than {bounds.memory_bytes // _MIB} MiB of memory")


def _used_memory() -> int:
    """Say how many bytes all processes use that don't lead here."""
    pages = 0
    for pid in _all_others():
        with suppress(OSError, ValueError, IndexError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _all_others() -> set[int]:
    """Number all processes but those that lead here."""
    numbers = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}
    return numbers - {1, os.getpid(), os.getppid()}


def _end_all_others() -> None:
    """Kill them, and wait until they have given back what they used."""
    for _ in range(_ENDING_LOOKS):
        for pid in _all_others():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if _used_memory() == 0:
            return
        time.sleep(_ENDING_LOOK_SECONDS)


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    main(Path(sys.argv[1]))
