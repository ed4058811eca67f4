"""Which file a scan is at, so that a scan which is stopped at a limit can be told where.

A fork shares a page of memory with its worker. What stands there is whatever a package made of the
fork, so it is only ever shown.
"""

import mmap

from package_gate.core.text import printable

_PAGE = mmap.mmap(-1, mmap.PAGESIZE)
_MOST_BYTES = 1024


def note_file(path: str) -> None:
    """Say that this file is next; called by scanners."""
    text = path.encode("utf-8", "backslashreplace")[:_MOST_BYTES]
    _PAGE[: len(text) + 1] = text + b"\0"


def noted_file() -> str:
    """Give the file that was noted last, fit to be shown; "" for none."""
    text = _PAGE[:_MOST_BYTES].partition(b"\0")[0]
    return printable(text.decode("utf-8", "replace"), _MOST_BYTES)
