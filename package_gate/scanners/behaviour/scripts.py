"""What stands in files for other interpreters than Python's that code of a package starts.

Such files are read as texts: what their lines say at once, and once what they have put into
variables stands in its place, as shells, `make` and CMake would put it.
"""

import re
from collections.abc import Iterator

from package_gate.inventory.script_variables import expanded
from package_gate.scanners.behaviour import tables

_MAKE = frozenset(
    {"runs-downloaded-code", "opens-a-reverse-shell", "runs-a-hidden-command", "mines"}
    | {"destroys-files"}
)
"""What no rule of a Makefile does; those that upload, tag and push are for developers."""
_IN_ONE_LINE = re.compile(
    rf"\b{tables.FETCH}[^\n]{{1,300}}?\|\s*(?:sudo\s+)?(?:\S*/)?{tables.SHELL}"
    rf"|<\(\s*{tables.FETCH}|\$\$?\(\s*{tables.FETCH}",
    re.IGNORECASE,
)
"""In a Makefile, where what is fetched in one line and run in another may be a source's build."""


def harm_in(text: str, *, is_makefile: bool) -> Iterator[tuple[str, str]]:
    """Give the rules that the commands in a script break, each with its command.

    Args:
        text: of the script.
        is_makefile: whether `make` reads it.
    """
    readings = dict.fromkeys((text, expanded(text)))
    for rule, pattern in tables.COMMANDS:
        if is_makefile and rule not in _MAKE:
            continue
        if is_makefile and rule == "runs-downloaded-code":
            pattern = _IN_ONE_LINE
        found = next(filter(None, map(pattern.search, readings)), None)
        if found:
            yield rule, found[0]
