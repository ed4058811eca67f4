"""A seccomp filter against what strace would not see; all other calls strace reports (seccomp(2)).

A call that a filter denies with an error is invisible to strace, so this one ends the process,
which strace sees. Calls that are only to be denied are strace's to deny, which reports them:
`trace.CLOSED`.
"""

import errno
import struct

_MACHINES = {"x86_64": (0xC000003E, 56, 435, 41), "aarch64": (0xC00000B7, 220, 435, 198)}
"""What the kernel calls the machine (linux/audit.h); its clone, clone3 and socket."""
_X32 = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _END, _NOT_THERE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.ENOSYS
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_UNTRACED = 0x00800000
_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: all but these reach around the network namespace."""

MACHINES = frozenset(_MACHINES)


def instructions(machine: str) -> bytes:
    """Make the filter's program, as struct sock_filter.

    A process out of strace's sight, a socket of an unusual family (AF_VSOCK reaches the host of a
    virtual machine) and the calls of another machine end it. `clone3`, whose flags lie in memory,
    is not there: libraries take `clone`.
    """
    architecture, clone, clone3, socket = _MACHINES[machine]
    families = [_do(_EQUAL, family, len(_FAMILIES) - n, 0) for n, family in enumerate(_FAMILIES)]
    code = [
        _do(_LOAD, _ARCHITECTURE),
        _do(_EQUAL, architecture, 1, 0),
        _do(_RETURN, _END),
        _do(_LOAD, _NUMBER),
        _do(_AT_LEAST, _X32, 0, 1),
        _do(_RETURN, _END),
        _do(_EQUAL, clone3, 0, 1),
        _do(_RETURN, _NOT_THERE),
        _do(_EQUAL, clone, 0, 4),
        _do(_LOAD, _FIRST_ARGUMENT),
        _do(_HAS, _CLONE_UNTRACED, 0, 1),
        _do(_RETURN, _END),
        _do(_RETURN, _ALLOW),
        _do(_EQUAL, socket, 0, 2 + len(_FAMILIES)),
        _do(_LOAD, _FIRST_ARGUMENT),
        *families,
        _do(_RETURN, _END),
        _do(_RETURN, _ALLOW),
    ]
    return b"".join(code)


def _do(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Make one instruction of struct sock_filter."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
