"""A conda environment: what its `pip:` section asks for, and which conda packages it names.

https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html. Conda's
own packages are none of the Python package index, so they are only named.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml  # type: ignore[import-untyped]

from package_gate.inventory.formats.items import Asked, FormatProblem
from package_gate.inventory.formats.requirements import Item, decode, read_requirements, shown

MAX_BYTES = 256 * 1024
"""Of one environment; a megabyte takes ten seconds."""
_KEYS = re.compile(rb"^dependencies[ \t]*:", re.MULTILINE)
_ANYWHERE = re.compile(rb"\bdependencies[\"']?\s*:")
"""In any style of YAML: `{"dependencies": [...]}`."""
_PIP = re.compile(rb"\bpip[\"']?\s*:")
_PYTHON = frozenset({"python", "pip"})
"""What every environment with a `pip:` section has."""


@dataclass(frozen=True, slots=True)
class CondaEnvironment:
    """What one says."""

    items: tuple[Item, ...]
    """Of its `pip:` sections."""
    packages: tuple[str, ...]
    """Names of conda packages, but for Python and pip."""


def read_environment(data: bytes) -> CondaEnvironment | FormatProblem | None:
    """Read a YAML file; None when it is no conda environment."""
    has_pip = _PIP.search(data) and _ANYWHERE.search(data)
    if not has_pip and (len(data) > MAX_BYTES or not _KEYS.search(data)):
        return None
    if len(data) > MAX_BYTES:
        return FormatProblem(f"It is larger than {MAX_BYTES:,} bytes.")
    text = decode(data)
    if isinstance(text, FormatProblem):
        return text
    try:
        # In Python: libyaml dies of documents that are nested too deeply.
        document: Any = yaml.load(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return FormatProblem(f"It is no valid YAML ({type(error).__name__}).")
    listed = document.get("dependencies") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(_is_entry(each) for each in listed):
        return None
    lines = _lines(text)
    names = dict.fromkeys(_name(each) for each in listed if isinstance(each, str))
    pip = [
        item
        for each in listed
        if isinstance(each, dict)
        for written in each["pip"] or ()
        for item in _items(str(written), lines.get(str(written).strip()))
    ]
    return CondaEnvironment(tuple(pip), tuple(name for name in names if name not in _PYTHON))


def _is_entry(entry: object) -> bool:
    """Whether this is what stands in the list of a conda environment, and of no other tool."""
    return isinstance(entry, str) or (
        isinstance(entry, dict)
        and entry.keys() == {"pip"}
        and (entry["pip"] is None or isinstance(entry["pip"], list))
    )


def _name(written: str) -> str:
    """Take the name from conda's `CHANNEL::NAME=VERSION=BUILD`."""
    return shown(re.split(r"[\s=<>!~\[]", written.rpartition("::")[2].strip(), maxsplit=1)[0])


def _items(written: str, line: int | None) -> Iterator[Item]:
    for item in read_requirements(written):
        if isinstance(item, Asked):
            yield replace(item, line=line, last_line=line)
        else:
            yield replace(item, line=line or 0)


def _lines(text: str) -> dict[str, int]:
    """Give the line on which each entry of a list first stands."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = re.sub(r"\s#.*", "", line).strip().removeprefix("-").strip().strip("\"'")
        lines.setdefault(entry, number)
    return lines
