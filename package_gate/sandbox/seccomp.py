"""The system calls that a scan needs; the kernel refuses all others for good (Linux, seccomp(2)).

This needs no privileges and no Landlock, so it holds on old kernels and in containers, too. What
is allowed is listed, by what a scanner does (`Needs`): each may read files, work in its own memory
and end; only the unpacker makes folders and files, only a scanner that starts programs has
processes, and only these programs have threads. So whatever a scan does ends with it: there is no
socket, no shared memory, queue or semaphore, no file without a name, and no call that changes a
file's mode, owner, times or attributes, which Landlock does not forbid.

Where one call does many things, its argument is looked at, as far as it lies in a register. A call
that is not listed fails with EPERM; one that libraries try before an older one, or that is newer
than this list, with ENOSYS, so that they take the older one. A call by the numbers of another
machine, x32 among them, ends the process. The filter goes over to child processes.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Final

from package_gate.sandbox.spec import Needs

# Numbers of system calls: x86_64 (arch/x86/entry/syscalls/syscall_64.tbl in Linux) and aarch64
# (include/uapi/asm-generic/unistd.h); 0 where there is none. What is called most stands first.
_FILES = {
    "read": (0, 63), "newfstatat": (262, 79), "lseek": (8, 62), "close": (3, 57),
    "pread64": (17, 67), "getdents64": (217, 61), "fstat": (5, 80), "statx": (332, 291),
    "stat": (4, 0), "lstat": (6, 0), "readv": (19, 65), "preadv": (295, 69),
    "preadv2": (327, 286), "getdents": (78, 0), "access": (21, 0), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, 0), "readlinkat": (267, 78),
    "statfs": (137, 43), "fstatfs": (138, 44), "fadvise64": (221, 223), "getcwd": (79, 17),
    "chdir": (80, 49), "fchdir": (81, 50),
    # To what is open already: its pipes, and what it was let open for writing.
    "write": (1, 64), "writev": (20, 66), "pwrite64": (18, 68), "close_range": (436, 436),
    "dup": (32, 23), "dup2": (33, 0), "dup3": (292, 24), "pipe": (22, 0), "pipe2": (293, 59),
    "poll": (7, 0), "ppoll": (271, 73), "select": (23, 0), "pselect6": (270, 72),
}  # fmt: skip
_ITSELF = {
    "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "brk": (12, 214), "futex": (202, 98), "sched_yield": (24, 124),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128),
    "set_robust_list": (273, 99), "set_tid_address": (218, 96), "rseq": (334, 293),
    "arch_prctl": (158, 0), "umask": (95, 166),
    "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_FACTS = {
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169),
    "time": (201, 0), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "getrandom": (318, 278), "getrusage": (98, 165), "times": (100, 153), "uname": (63, 160),
    "sysinfo": (99, 179), "sched_getaffinity": (204, 123), "getcpu": (309, 168),
    "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173), "getpgrp": (111, 0),
    "getpgid": (121, 155), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getresuid": (118, 148), "getresgid": (120, 150),
    "getgroups": (115, 158),
}  # fmt: skip
_REMOVING = {"unlink": (87, 0), "unlinkat": (263, 35)}
_MAKING_FOLDERS = {"mkdir": (83, 0), "mkdirat": (258, 34)}
_BECOMING = {"execve": (59, 221)}
_PROCESSES = {"fork": (57, 0), "vfork": (58, 0), "wait4": (61, 260), "waitid": (247, 95)}
_OF_THE_WORKER = {
    # It waits for its pool and for its scans, kills these, and removes what they leave.
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, 0),
    "epoll_pwait": (281, 22), "wait4": (61, 260), "kill": (62, 129), "tgkill": (234, 131),
    "rt_sigsuspend": (130, 133), "pause": (34, 0), "rmdir": (84, 0), "fork": (57, 0),
    # A scan gives up more before it begins.
    "seccomp": (317, 277), "prctl": (157, 167), "capget": (125, 90), "capset": (126, 91),
    "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}  # fmt: skip
_OPEN, _OPENAT = (2, 0), (257, 56)
_IOCTL, _FCNTL, _PRCTL = (16, 29), (72, 25), (157, 167)
_PRLIMIT, _KILL, _TGKILL, _CLONE = (302, 261), (62, 129), (234, 131), (56, 220)

_MISSING = {
    # Their arguments lie in memory, where no filter sees them.
    "clone3": (435, 435),
    "openat2": (437, 437),
}
_NEWEST = 450
"""Of the calls that these tables were made with; from 424 on all machines count alike."""

_WRITING: Final = 0o3 | 0o100 | 0o1000 | 0o20000000
"""O_ACCMODE, O_CREAT, O_TRUNC and O_TMPFILE: alike on both machines."""
_THREAD = 0x00010000
"""CLONE_THREAD."""
_OUT_OF_SIGHT = 0x7E020080 | 0x00008000 | 0x00002000 | 0x00800000
"""All CLONE_NEW… flags, CLONE_PARENT, CLONE_PTRACE and CLONE_UNTRACED."""
_REQUESTS = (0x5401, 0x802C542A, 0x5450, 0x5451, 0x541B, 0x5413)
"""ioctl: TCGETS and TCGETS2 (`isatty`), FIONCLEX, FIOCLEX, FIONREAD, TIOCGWINSZ."""
_COMMANDS = (0, 1, 2, 3, 1030)
"""fcntl: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC."""
_OPTIONS = (15, 16, 0x53564D41)
"""prctl: PR_SET_NAME, PR_GET_NAME, PR_SET_VMA (the names of threads and of memory)."""

MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column of the tables, and what the kernel calls the machine (linux/audit.h)."""
_X32 = 0x40000000

# Instructions, linux/bpf_common.h; what they return, linux/seccomp.h.
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _END = 0x7FFF0000, 0x80000000
_DENY, _NOT_THERE = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2

_Numbers = tuple[int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid(needs: Needs, *, alone: bool) -> None:
    """Forbid calls to this process and to those that it starts.

    Call it before any thread is started: it holds for the calling thread and what comes from it.

    Args:
        needs: what the scanner needs.
        alone: whether this is the process of one scan; else it is a worker, which starts them.

    Raises:
        OSError: the kernel takes no filter.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in MACHINES:
        raise OSError(errno.ENOSYS, "no filter for this machine")
    program = instructions(machine, needs, os.getpid() if alone else None)
    system = ctypes.CDLL(None, use_errno=True)
    given = _Program(len(program) // 8, program)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0),
        (_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(given)),
    ):
        if system.prctl(*arguments, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def instructions(machine: str, needs: Needs, scan: int | None) -> bytes:
    """Make the filter's program, as struct sock_filter.

    Args:
        machine: one of `MACHINES`.
        needs: what the scanner needs.
        scan: the id of the process, when it is a scan's; None for a worker.
    """
    column, architecture = MACHINES[machine]
    code = [
        _do(_LOAD, _ARCHITECTURE),
        _do(_EQUAL, architecture, 1, 0),
        _do(_RETURN, _END),
        _do(_LOAD, _NUMBER),
        _do(_AT_LEAST, _X32, 0, 1),
        _do(_RETURN, _END),
    ]
    for numbers in _allowed(needs, worker=scan is None):
        if numbers[column] or numbers == _FILES["read"]:
            code += _when(numbers[column], [_do(_RETURN, _ALLOW)])
    for numbers, then in _looked_at(needs, scan):
        if numbers[column]:
            code += _when(numbers[column], then)
    for numbers in _MISSING.values():
        code += _when(numbers[column], [_do(_RETURN, _NOT_THERE)])
    code += [_do(_AT_LEAST, _NEWEST + 1, 0, 1), _do(_RETURN, _NOT_THERE), _do(_RETURN, _DENY)]
    return b"".join(code)


def _allowed(needs: Needs, *, worker: bool) -> Iterable[_Numbers]:
    """Give the calls that are allowed whatever their arguments are."""
    tables: list[Mapping[str, _Numbers]] = [_FILES, _ITSELF, _FACTS]
    if worker or needs.unpacks:
        tables += [_REMOVING, _MAKING_FOLDERS]
    if needs.programs:
        tables += [_REMOVING, _BECOMING, _PROCESSES]
    if needs.threads:
        tables.append(_BECOMING)
    if worker:
        tables.append(_OF_THE_WORKER)
    return dict.fromkeys(numbers for table in tables for numbers in table.values())


def _looked_at(needs: Needs, scan: int | None) -> Iterable[tuple[_Numbers, list[bytes]]]:
    """Give the calls whose arguments decide, with what to do for each."""
    # Of the process that calls, which is 0, and of no other.
    yield _PRLIMIT, _one_of(0, (0,))
    yield _IOCTL, _one_of(1, _REQUESTS)
    yield _FCNTL, _one_of(1, _COMMANDS)
    if scan is None or needs.writes:
        may_open = [_do(_RETURN, _ALLOW)]
        yield from ((_OPENAT, may_open), (_OPEN, may_open))
    else:
        yield _OPENAT, _none_of(2, _WRITING)
        yield _OPEN, _none_of(1, _WRITING)
    if scan is None or needs.programs:
        yield _CLONE, _none_of(0, _OUT_OF_SIGHT)
    elif needs.threads:
        yield _CLONE, _none_of(0, _OUT_OF_SIGHT, but=_THREAD)
    if scan is not None:
        confining = (_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP) if needs.programs else ()
        yield _PRCTL, _one_of(0, (*_OPTIONS, *confining))
        yield _KILL, _one_of(0, (scan,))
        yield _TGKILL, _one_of(0, (scan,))


def _when(number: int, then: list[bytes]) -> list[bytes]:
    """For one call do what ends with a return."""
    return [_do(_EQUAL, number, 0, len(then)), *then]


def _one_of(argument: int, values: tuple[int, ...]) -> list[bytes]:
    """Allow an argument that is one of these; of all that are looked at here the kernel takes 32
    bits."""
    allow = [each for v in values for each in (_do(_EQUAL, v, 0, 1), _do(_RETURN, _ALLOW))]
    return [_do(_LOAD, _FIRST_ARGUMENT + 8 * argument), *allow, _do(_RETURN, _DENY)]


def _none_of(argument: int, bits: int, but: int = 0) -> list[bytes]:
    """Allow an argument that has none of these bits, and the bit `but`, if there is one."""
    return [
        _do(_LOAD, _FIRST_ARGUMENT + 8 * argument),
        _do(_HAS, bits, 0, 1),
        _do(_RETURN, _DENY),
        *([_do(_HAS, but, 1, 0), _do(_RETURN, _DENY)] if but else []),
        _do(_RETURN, _ALLOW),
    ]


def _do(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Make one instruction of struct sock_filter."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
