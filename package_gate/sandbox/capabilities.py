"""Root's privileges, given up for good (Linux, capabilities(7)).

A build container runs everything as root. Without capabilities root can't look into other
processes, change owners, mount or load anything; what is left is to read files, since program and
packages may belong to somebody else, and to write root's own.
"""

import ctypes
import os
import struct
import sys

_READ_FILES = 2
"""CAP_DAC_READ_SEARCH."""
_VERSION = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3: two sets of 32 bits."""
_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_PR_CAP_AMBIENT, _CLEAR_ALL = 47, 4


def give_up_privileges() -> bool:
    """Give up all capabilities but reading files; False for who has none or keeps them."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    system = ctypes.CDLL(None)
    number = 0
    while (held := system.prctl(_PR_CAPBSET_READ, number, 0, 0, 0)) >= 0:
        # What stands in the bounding set would come back when root starts a program; where this
        # is not allowed, `no_new_privs`, which the sandboxes set, stands against it.
        if held and number != _READ_FILES:
            system.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
        number += 1
    system.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    left = 1 << _READ_FILES
    header = struct.pack("=Ii", _VERSION, 0)
    for permitted in (left, 0):  # a container may not have granted even that one
        sets = struct.pack("=6I", permitted, permitted, 0, 0, 0, 0)
        if system.capset(header, sets) == 0:
            return True
    return False
