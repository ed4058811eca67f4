"""The filter's program, run by an interpreter of ours for both machines, and by the kernel."""

import platform
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from package_gate.sandbox import seccomp
from package_gate.sandbox.seccomp import MACHINES, instructions
from package_gate.sandbox.spec import Needs

ROOT = Path(__file__).parent.parent.parent
SCAN = 4321
GATE = 1234
READS, UNPACKS, RUNS, IS_RUN = (
    Needs(), Needs(unpacks=True), Needs(programs=True), Needs(threads=True)
)  # fmt: skip
ALLOWED, DENIED, MISSING, ENDED = "allowed", "EPERM", "ENOSYS", "ended"
ANSWERS = {0x7FFF0000: ALLOWED, 0x00050001: DENIED, 0x00050026: MISSING, 0x80000000: ENDED}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
THREAD = 0x3D0F00
"""The flags of `clone` that glibc makes a thread with."""


def answer(
    machine: str, needs: Needs, number: int, *arguments: int, scan: int | None = SCAN,
    architecture: int | None = None,
) -> str:  # fmt: skip
    """Give what the program says about a call, as the kernel reads it (struct seccomp_data)."""
    given = [*arguments, *[0] * (6 - len(arguments))]
    arch = MACHINES[machine][1] if architecture is None else architecture
    data = struct.pack("=IIQ6Q", number, arch, 0, *(each & 2**64 - 1 for each in given))
    code = list(struct.iter_unpack("=HBBI", instructions(machine, needs, scan)))
    assert len(code) <= 4096
    place = loaded = 0
    while True:
        do, if_true, if_false, value = code[place]
        place += 1
        match do:
            case 0x20:
                (loaded,) = struct.unpack_from("=I", data, value)
            case 0x06:
                return ANSWERS[value]
            case 0x15 | 0x35 | 0x45:
                yes = {0x15: loaded == value, 0x35: loaded >= value, 0x45: loaded & value != 0}[do]
                place += if_true if yes else if_false
            case _:
                raise AssertionError(f"no such instruction: {do:#x}")


def tables() -> Iterator[tuple[str, tuple[int, int]]]:
    for name, table in vars(seccomp).items():
        if isinstance(table, dict) and table is not MACHINES and not name.startswith("__"):
            yield from table.items()
    for call in ("open", "openat", "ioctl", "fcntl", "prctl", "prlimit", "kill", "tgkill", "clone"):
        name = "prlimit64" if call == "prlimit" else call
        yield name, getattr(seccomp, f"_{call.upper()}")


def numbers_of(machine: str) -> dict[str, int]:
    """Read the kernel's own table."""
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip(f"there is no {header}: it comes with the kernel's headers for C")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    numbers = {name: int(number) for name, number in found}
    if "fstatat" in numbers:
        numbers["newfstatat"] = numbers.pop("fstatat")
    return numbers


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    column, _ = MACHINES[machine]
    numbers = numbers_of(machine)

    checked = list(tables())
    assert len(checked) > 110
    for name, pair in checked:
        # `read` is 0 on x86_64; elsewhere 0 stands for a call that there is not.
        assert numbers.get(name, 0) == pair[column], name


@pytest.mark.parametrize("machine", MACHINES)
def test_of_all_calls_that_there_are_only_listed_ones_are_allowed(machine: str) -> None:
    column, _ = MACHINES[machine]
    listed = {numbers[column] for name, numbers in tables() if name not in {"clone3", "openat2"}}
    for number in range(2000):
        for needs in (READS, UNPACKS, RUNS, IS_RUN):
            for scan in (SCAN, None):
                given = answer(machine, needs, number, scan=scan)
                assert given != ENDED
                assert given != ALLOWED or number in listed, (number, needs)
                assert (given == MISSING) == (number > 450 or number in {435, 437})


def test_the_page_about_security_says_how_many_calls_are_allowed_at_most() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    (most,) = re.findall(r"every system call but fewer than (\d+)", page)
    tries = [(), (SCAN,), (THREAD,), (15,), (0, 0x5401)]
    for needs in (READS, UNPACKS, RUNS, IS_RUN):
        answers = [
            {answer("x86_64", needs, number, *arguments) for arguments in tries}
            for number in range(500)
        ]
        assert int(most) - 15 < sum(ALLOWED in each for each in answers) < int(most)


NEVER = (
    "socket", "socketpair", "connect", "bind", "sendto", "sendmsg", "recvmsg", "accept", "listen",
    "shmget", "shmat", "shmctl", "semget", "semop", "msgget", "msgsnd", "mq_open", "memfd_create",
    "memfd_secret", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "utimensat",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
    "symlinkat", "linkat", "mknodat", "ptrace", "process_vm_readv", "process_vm_writev",
    "process_madvise", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tkill", "move_pages", "migrate_pages",
    "sched_setaffinity", "sched_setscheduler", "sched_setattr", "setpriority", "ioprio_set",
    "setpgid", "setsid", "io_uring_setup", "io_uring_enter", "bpf", "perf_event_open",
    "userfaultfd", "add_key", "keyctl", "request_key", "unshare", "setns", "mount", "umount2",
    "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "open_by_handle_at",
    "inotify_init1", "inotify_add_watch", "fanotify_init", "personality", "membarrier",
    "init_module", "kexec_load", "reboot", "swapon", "acct", "syslog", "quotactl",
    "name_to_handle_at", "vmsplice", "splice", "tee", "eventfd2", "timerfd_create", "signalfd4",
    "flock", "sync", "syncfs", "fallocate", "truncate", "ftruncate", "rename", "renameat",
    "renameat2", "setuid", "setgroups", "setrlimit",
)  # fmt: skip
"""Calls that no scan may make, whatever it needs."""


@pytest.mark.parametrize("machine", MACHINES)
def test_no_scan_may_make_calls_that_reach_beyond_it(machine: str) -> None:
    numbers = numbers_of(machine)
    known = [name for name in NEVER if name in numbers]
    assert len(known) > 80
    for name in known:
        for needs in (READS, UNPACKS, RUNS, IS_RUN):
            assert answer(machine, needs, numbers[name]) in {DENIED, MISSING}, name


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("call", "arguments", "needs", "expected"),
    [
        ("prlimit64", (0, 7, 0), READS, ALLOWED),
        ("prlimit64", (GATE, 7, 0), READS, DENIED),
        ("prlimit64", (GATE | 1 << 32, 7, 0), RUNS, DENIED),
        ("kill", (SCAN, 9), READS, ALLOWED),
        ("kill", (GATE, 9), RUNS, DENIED),
        ("kill", (0, 9), RUNS, DENIED),
        ("kill", (-1, 9), RUNS, DENIED),
        ("kill", (-SCAN, 9), READS, DENIED),
        ("tgkill", (SCAN, SCAN + 1, 6), RUNS, ALLOWED),
        ("tgkill", (GATE, GATE, 9), RUNS, DENIED),
        ("openat", (-100, 0, 0), READS, ALLOWED),
        ("openat", (-100, 0, 0o2000000), READS, ALLOWED),  # O_CLOEXEC
        ("openat", (-100, 0, 0o1), READS, DENIED),
        ("openat", (-100, 0, 0o2), IS_RUN, DENIED),
        ("openat", (-100, 0, 0o3), READS, DENIED),
        ("openat", (-100, 0, 0o100), READS, DENIED),
        ("openat", (-100, 0, 0o1000), READS, DENIED),
        ("openat", (-100, 0, 0o20000000), READS, DENIED),
        ("openat", (-100, 0, 0o102), UNPACKS, ALLOWED),
        ("openat", (-100, 0, 0o102), RUNS, ALLOWED),
        ("mkdirat", (-100, 0, 0o700), UNPACKS, ALLOWED),
        ("mkdirat", (-100, 0, 0o700), READS, DENIED),
        ("mkdirat", (-100, 0, 0o700), RUNS, DENIED),
        ("unlinkat", (-100, 0, 0), READS, DENIED),
        ("clone", (THREAD,), READS, DENIED),
        ("clone", (17,), READS, DENIED),
        ("clone", (THREAD,), UNPACKS, DENIED),
        ("clone", (THREAD,), IS_RUN, ALLOWED),
        ("clone", (17,), IS_RUN, DENIED),
        ("clone", (17,), RUNS, ALLOWED),
        ("clone", (17 | 0x10000000,), RUNS, DENIED),  # CLONE_NEWUSER
        ("clone", (THREAD | 0x00020000,), IS_RUN, DENIED),  # CLONE_NEWNS
        ("clone", (17 | 0x00008000,), RUNS, DENIED),  # CLONE_PARENT
        ("clone3", (0, 88), RUNS, MISSING),
        ("execve", (), READS, DENIED),
        ("execve", (), RUNS, ALLOWED),
        ("execve", (), IS_RUN, ALLOWED),
        ("execveat", (), RUNS, DENIED),
        ("ioctl", (0, 0x5401), READS, ALLOWED),
        ("ioctl", (0, 0x5412), READS, DENIED),  # TIOCSTI
        ("ioctl", (0, 0x541C), RUNS, DENIED),  # TIOCLINUX
        ("ioctl", (0, 0x8901), RUNS, DENIED),  # FIOSETOWN
        ("ioctl", (0, 0x40086602), UNPACKS, DENIED),  # FS_IOC_SETFLAGS
        ("fcntl", (0, 1030), READS, ALLOWED),
        ("fcntl", (0, 4), READS, DENIED),  # F_SETFL
        ("fcntl", (0, 8), READS, DENIED),  # F_SETOWN
        ("fcntl", (0, 15), RUNS, DENIED),  # F_SETOWN_EX
        ("fcntl", (0, 1024), READS, DENIED),  # F_SETLEASE
        ("prctl", (15,), READS, ALLOWED),
        ("prctl", (22, 2), READS, DENIED),  # PR_SET_SECCOMP
        ("prctl", (22, 2), RUNS, ALLOWED),  # for the program that it starts
        ("prctl", (1, 0), RUNS, DENIED),  # PR_SET_PDEATHSIG
        ("prctl", (36, 1), RUNS, DENIED),  # PR_SET_CHILD_SUBREAPER
        ("prctl", (62, 2, GATE), RUNS, DENIED),  # PR_SCHED_CORE
    ],
)
def test_arguments_decide(
    machine: str, call: str, arguments: tuple[int, ...], needs: Needs, expected: str
) -> None:
    assert answer(machine, needs, numbers_of(machine)[call], *arguments) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_by_the_numbers_of_another_machine_end_the_process(machine: str) -> None:
    others = [0x40000003, 0xC00000B7 if machine == "x86_64" else 0xC000003E, 0xC0000028]

    assert {answer(machine, RUNS, 0, architecture=each) for each in others} == {ENDED}
    assert answer(machine, RUNS, 0x40000000) == ENDED
    assert answer(machine, RUNS, 0x40000000 | 520) == ENDED


def attempt(needs: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{_CONFINED.replace('NEEDS', needs)}\n{code}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


_CONFINED = """
import ctypes, os, subprocess, sys, threading
from package_gate.sandbox.seccomp import forbid
from package_gate.sandbox.spec import Needs
forbid(Needs(NEEDS), alone=True)
def tried(what, *arguments):
    try:
        what(*arguments)
        return "done"
    except (OSError, RuntimeError) as error:
        return type(error).__name__
"""
here = pytest.mark.skipif(sys.platform != "linux", reason="there is no seccomp")


@here
def test_the_kernel_ends_who_calls_by_other_numbers() -> None:
    if platform.machine() != "x86_64":
        pytest.skip("x32 is of x86_64")
    done = attempt("", "ctypes.CDLL(None).syscall(0x40000000 | 39)")

    assert done.returncode == -31, done.stderr  # SIGSYS


@here
def test_a_program_that_a_scan_runs_has_threads_but_no_processes_and_writes_nothing(
    tmp_path: Path,
) -> None:
    code = f"""
thread = threading.Thread(target=int)
print(
    tried(thread.start),
    tried(os.fork),
    tried(subprocess.run, ["/bin/true"]),
    tried(open, {str(tmp_path / "new")!r}, "w"),
    tried(os.kill, os.getppid(), 0),
)
sys.stdout.flush()
thread.join()
os.execv("/bin/sh", ["sh", "-c", "echo still > {tmp_path / "other"}; (echo a child)"])
"""
    done = attempt("threads=True", code)

    expected = " ".join(["done", *["PermissionError"] * 4])
    assert done.stdout.splitlines() == [expected]
    assert "Operation not permitted" in done.stderr or "Cannot fork" in done.stderr
    assert not list(tmp_path.iterdir())
