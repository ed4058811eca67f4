"""System calls that a scan has no use for, forbidden by the kernel for good (Linux, seccomp(2)).

This needs no privileges and no Landlock, so it holds on old kernels and in containers, too. A
forbidden call fails with EPERM. The filter goes over to child processes.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

# Numbers of system calls: x86_64 (arch/x86/entry/syscalls/syscall_64.tbl in Linux) and aarch64
# (include/uapi/asm-generic/unistd.h); 0 where there is none.
_OTHER_PROCESSES = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kcmp": (312, 272),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "tkill": (200, 130),
    # Out of the process group that is killed in the end.
    "setsid": (112, 157),
    "setpgid": (109, 154),
}
_DETOURS = {
    # Does what other calls do, unseen by a filter.
    "io_uring_setup": (425, 425),
    # Doors to parts of the kernel that no scanner needs.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "open_by_handle_at": (304, 265),
    # Trees of packages have neither links nor devices.
    "symlink": (88, 0),
    "symlinkat": (266, 36),
    "link": (86, 0),
    "linkat": (265, 37),
    "mknod": (133, 0),
    "mknodat": (259, 33),
}
_PROGRAMS = {
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, 0),
    "vfork": (58, 0),
}
_SOCKET, _CLONE, _CLONE3 = (41, 198), (56, 220), (435, 435)
_TO_A_PROCESS = ((62, 129), (234, 131))
"""kill and tgkill."""
_THREAD = 0x00010000
"""CLONE_THREAD."""
_NAMESPACES = 0x7E020080
"""All CLONE_NEW… flags."""

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000

# Instructions, linux/bpf_common.h; what they return, linux/seccomp.h.
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_DENY, _MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid(*, alone: bool, programs: bool) -> None:
    """Forbid calls to this process and to those that it starts.

    Call it before any thread is started: it holds for the calling thread and what comes from it.

    Args:
        alone: whether it is one scan; else it may start scans, which forbid more.
        programs: whether a scan may start programs, and so processes.

    Raises:
        OSError: the kernel takes no filter.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        raise OSError(errno.ENOSYS, "no filter for this machine")
    program = b"".join(_instructions(*machine, alone=alone, programs=programs))
    system = ctypes.CDLL(None, use_errno=True)
    given = _Program(len(program) // 8, program)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0),
        (_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(given)),
    ):
        if system.prctl(*arguments, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _instructions(column: int, architecture: int, *, alone: bool, programs: bool) -> list[bytes]:
    code = [
        _do(_LOAD, _ARCHITECTURE),
        _do(_EQUAL, architecture, 1, 0),
        _do(_RETURN, _KILL),
        _do(_LOAD, _NUMBER),
        _do(_AT_LEAST, _X32, 0, 1),
        _do(_RETURN, _DENY),
    ]
    forbidden = [*_DETOURS.values()]
    if alone:
        forbidden += _OTHER_PROCESSES.values()
    if alone and not programs:
        forbidden += _PROGRAMS.values()
    for numbers in forbidden:
        if numbers[column]:
            code += [_do(_EQUAL, numbers[column], 0, 1), _do(_RETURN, _DENY)]
    code += _when(_SOCKET[column], [_do(_RETURN, _DENY)])
    # Its flags lie in memory, where no filter sees them; without it libraries use clone.
    code += _when(_CLONE3[column], [_do(_RETURN, _MISSING)])
    if alone and not programs:
        code += _when(_CLONE[column], _flags(_THREAD, _ALLOW, _DENY))
        for numbers in _TO_A_PROCESS:
            code += _when(numbers[column], _one_of((os.getpid(),)))
    else:
        code += _when(_CLONE[column], _flags(_NAMESPACES, _DENY, _ALLOW))
        if alone:
            code += _when(_TO_A_PROCESS[0][column], _one_process())
    return [*code, _do(_RETURN, _ALLOW)]


def _when(number: int, then: list[bytes]) -> list[bytes]:
    """For one call do what ends with a return."""
    return [_do(_EQUAL, number, 0, len(then)), *then]


def _one_of(values: tuple[int, ...]) -> list[bytes]:
    """Allow a first argument that is one of these."""
    allow = [each for v in values for each in (_do(_EQUAL, v, 0, 1), _do(_RETURN, _ALLOW))]
    return [_do(_LOAD, _FIRST_ARGUMENT), *allow, _do(_RETURN, _DENY)]


def _one_process() -> list[bytes]:
    """Allow a first argument that is positive: others stand for groups, or for all processes."""
    return [
        _do(_LOAD, _FIRST_ARGUMENT),
        _do(_EQUAL, 0, 2, 0),
        _do(_AT_LEAST, 1 << 31, 1, 0),
        _do(_RETURN, _ALLOW),
        _do(_RETURN, _DENY),
    ]


def _flags(flags: int, with_them: int, without: int) -> list[bytes]:
    return [
        _do(_LOAD, _FIRST_ARGUMENT),
        _do(_HAS, flags, 0, 1),
        _do(_RETURN, with_them),
        _do(_RETURN, without),
    ]


def _do(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Make one instruction of struct sock_filter."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
