"""A Python script that says in a comment what it needs (PEP 723); nothing of it is run."""

import re
from dataclasses import dataclass, field
from typing import Any

from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.requirements import RequirementItem, requirement
from package_gate.inventory.formats.structured import quoted_lines, read_toml, table_of

_END = b"# ///"
_BEGIN = re.compile(rb"^# /// script[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """What the block of one says."""

    items: tuple[RequirementItem, ...] = ()
    requires_python: str = ""
    uv: dict[str, Any] = field(default_factory=dict)
    """`[tool.uv]`."""


def is_script(data: bytes) -> bool:
    """Whether a Python file has such a block."""
    return _BEGIN.search(data) is not None


def read_script(data: bytes) -> Script | FormatProblem:
    """Read the block of a script that has one."""
    lines = data.splitlines()
    first = next(number for number, line in enumerate(lines) if _BEGIN.fullmatch(line))
    block: list[bytes] = []
    for line in lines[first + 1 :]:
        if line.rstrip() == _END or not re.match(rb"#( |$)", line):
            break
        block.append(line[2:])
    end = first + 1 + len(block)
    if end == len(lines) or lines[end].rstrip() != _END:
        return FormatProblem("Its block `# /// script` has no end.", first + 1)
    # Blank lines before it, so that lines are counted as in the script.
    toml = b"\n" * (first + 1) + b"\n".join(block)
    document = read_toml(toml)
    if isinstance(document, FormatProblem):
        return document
    listed = document.get("dependencies", [])
    if not isinstance(listed, list):
        return FormatProblem("The dependencies of its block are no list.", first + 1)
    where = quoted_lines(toml)
    python = document.get("requires-python")
    return Script(
        tuple(requirement(str(each), where.get(str(each))) for each in listed),
        python if isinstance(python, str) else "",
        table_of(table_of(document, "tool"), "uv"),
    )
