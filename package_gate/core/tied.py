"""Runs a program that ends with whoever started this one; see `child.tied`.

The kernel says when the parent has died (`PR_SET_PDEATHSIG` of prctl(2)), but only to its own
children, and only the number of a signal. So this process stands between: at that signal it kills
its whole process group, in which the program and its helpers are. It imports nothing of the gate,
so that it starts quickly (`python -I -S`).

Arguments: the parent's process id, then the program and its arguments.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
NOT_FOUND = 127
"""The exit status when there is no such program, as of a shell."""


def main() -> int:
    """Run the program and give its exit status, or that of a shell when a signal ended it."""
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):  # it has died meanwhile
        return 1
    try:
        # It inherits all open files: it may read a token from one.
        child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    except FileNotFoundError:
        return NOT_FOUND
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
