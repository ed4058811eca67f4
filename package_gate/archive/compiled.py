"""Compiled modules in a wheel that says that it has none, as `py3-none-any` does.

Who looks at such a wheel, or allows only such ones, counts on code that can be read. Libraries that
are loaded by name (`ctypes`), as data of a program, are another matter: here stands what an
`import` would load.
"""

import re
from collections.abc import Iterable

from package_gate.archive.metadata import read_start
from package_gate.archive.placing import Placer, mark_of_place
from package_gate.core.limits import MIB

_TAGGED = re.compile(
    r"(?P<stem>\w+)\.(?:abi3|(?:cpython|pypy|graalpy)[\w-]*|cp\d+\w*-\w+)\.(?:so|pyd)", re.ASCII
)
"""How a module's file is called for one Python; `cp39-win_amd64` on Windows."""
_PLAIN = re.compile(r"(?P<stem>\w+)\.(?:so|pyd)", re.ASCII)
_INIT = b"PyInit_"
"""How the function's name begins by which Python starts a module."""
_MAX_LIBRARY = 64 * MIB
_MAX_CODE = MIB
_FOR_DEBUGGERS = frozenset({"debugpy"})
"""Their wheel for all systems has modules for Windows."""


def check_purity(placer: Placer, platforms: Iterable[str], name: str) -> None:
    """Look for compiled modules in an unpacked wheel that is for any system.

    Args:
        placer: has unpacked it.
        platforms: of its tags.
        name: the distribution's normalised name.
    """
    if set(platforms) != {"any"} or name in _FOR_DEBUGGERS:
        return
    for path in sorted(placer.files):
        file = path.rpartition("/")[2]
        if _TAGGED.fullmatch(file) or (
            (plain := _PLAIN.fullmatch(file)) and _is_module(placer, path, plain["stem"])
        ):
            placer.add(
                "compiled-in-pure", path, f"{file} is imported as a module", mark_of_place(path)
            )


def _is_module(placer: Placer, path: str, stem: str) -> bool:
    """Whether a library is made to be imported, or code beside it imports it."""
    if _INIT in read_start(placer, path, _MAX_LIBRARY):
        return True
    named = re.compile(rb"import\b[^#\n]*\b%b\b(?!\.(?:so|pyd))" % re.escape(stem.encode()))
    return any(
        named.search(read_start(placer, each, _MAX_CODE))
        for each in placer.files
        if each.endswith(".py")
    )
