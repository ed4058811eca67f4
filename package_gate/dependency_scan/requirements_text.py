"""One requirements or constraints file, line by line, as pip has them.

https://pip.pypa.io/en/stable/reference/requirements-file-format/. Every line becomes something:
none is left out silently. What pip would fetch from elsewhere is named and never followed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from package_gate.core.text import printable
from package_gate.inventory.dependency_files import (
    ADDRESS,
    INCLUDE,
    MAX_REQUIREMENT,
    OPTIONS,
    logical_lines,
)
from package_gate.sources.pypi.resolver import is_plain, normalised

MAX_LINE = 100_000
"""Characters of one line with all that continue it; a wheel for every platform has 50 hashes."""
MAX_BRACKETS = 50
"""Of one requirement; those of a marker are parsed recursively, and nobody writes more."""
_HASH = re.compile(r"--hash(?:\s*=\s*|\s+)(\S+)")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s*)(.+)")
_INDEX = re.compile(
    r"(?:-i|--index-url|--pypi-url|--extra-index-url)(?:\s*=\s*|\s*)(?P<address>\S+)"
    r"|(?P<other>-f|--find-links|--no-index)\b.*"
)
_WITHOUT_MEANING_HERE = re.compile(
    r"--(?:no-binary|only-binary|prefer-binary|require-hashes|trusted-host|use-feature)\b.*"
)
"""They say which file of a release is taken, or how it is fetched; not which release."""
_CREDENTIALS = re.compile(r"//[^/\s]*@")
_ARCHIVE = re.compile(r"\S+\.(?:whl|zip|tar\.\w+|tgz)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A requirement."""

    line: int
    last_line: int
    requirement: Requirement
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Include:
    """`-r` or `-c`."""

    line: int
    path: str
    constraints: bool


@dataclass(frozen=True, slots=True)
class Editable:
    """`-e`, or a folder: the code there, and what it depends on."""

    line: int
    path: str


@dataclass(frozen=True, slots=True)
class IndexOption:
    """An index that the file wants packages from."""

    line: int
    address: str
    """May hold credentials; "" for an option other than an index's address."""
    shown: str


@dataclass(frozen=True, slots=True)
class Prereleases:
    """`--pre`."""

    line: int


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that can't be scanned."""

    line: int | None
    text: str


Item = Asked | Include | Editable | IndexOption | Prereleases | Bad


def decode(data: bytes) -> str | Bad:
    """Read a file's bytes as text: UTF-8, or UTF-16 with its mark as PowerShell writes it."""
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = None if is_utf16 else data[: error.start].count(b"\n") + 1
        return Bad(line, "It is no UTF-8. Save it as UTF-8.")
    if (nul := text.find("\0")) >= 0:
        return Bad(text[:nul].count("\n") + 1, "It holds a NUL character. Remove it.")
    return text


def read_requirements(text: str) -> Iterator[Item]:
    """Give what each line says."""
    for first, last, line in logical_lines(text):
        if len(line) > MAX_LINE:
            yield Bad(first, f"The line is longer than {MAX_LINE} characters.")
        elif _VARIABLE.search(line):
            yield Bad(first, f"{shown(line)!r} holds a variable, which is not looked up here.")
        elif line.startswith("-"):
            if item := _option(first, line):
                yield item
        else:
            yield _requirement(first, last, line)


def shown(text: str) -> str:
    """Make a line printable, without the password or token that an address in it may hold."""
    return printable(_CREDENTIALS.sub("//***@", text).partition("?")[0], 120)


def parse(text: str) -> Requirement:
    """Read a PEP 508 requirement of hostile origin.

    Raises:
        InvalidRequirement: it is none, or one that uv would not take.
    """
    if len(text) > MAX_REQUIREMENT:
        raise InvalidRequirement(f"it is longer than {MAX_REQUIREMENT} characters")
    if text.count("(") > MAX_BRACKETS:
        raise InvalidRequirement(f"it has more than {MAX_BRACKETS} brackets")
    try:
        requirement = Requirement(text)
    except RecursionError as error:
        raise InvalidRequirement("its marker is too deep") from error
    if not all(each.version for each in requirement.specifier):
        raise InvalidRequirement("it names no version after the operator")
    return requirement


def _option(number: int, line: str) -> Item | None:
    if found := INCLUDE.fullmatch(line):
        constraints = line.startswith(("-c", "--c"))
        return Include(number, found[1].strip("\"'"), constraints)
    if found := _EDITABLE.fullmatch(line):
        return _from_elsewhere(number, found[1].strip("\"'"))
    if found := _INDEX.fullmatch(line):
        return IndexOption(number, found["address"] or "", shown(line))
    if line == "--pre":
        return Prereleases(number)
    if _WITHOUT_MEANING_HERE.fullmatch(line):
        return None
    return Bad(number, f"The option {shown(line)!r} is none that a requirements file has.")


def _requirement(first: int, last: int, line: str) -> Item:
    text = OPTIONS.sub("", line)
    if len(text) > MAX_REQUIREMENT:
        return Bad(first, f"It is longer than {MAX_REQUIREMENT} characters: {shown(text)!r}.")
    try:
        requirement = parse(text)
    except InvalidRequirement as error:
        if ADDRESS.match(text) or text in (".", ".."):
            return _from_elsewhere(first, text)
        why = printable(str(error).splitlines()[0], 100)
        return Bad(first, f"{shown(text)!r} is no requirement ({why}).")
    if requirement.url:
        return _from_elsewhere(first, requirement.url, requirement.name)
    if _ARCHIVE.fullmatch(text):
        return _from_elsewhere(first, text)
    if not is_plain(str(requirement)):
        return Bad(first, f"{shown(text)!r} holds characters that no requirement has.")
    hashes = tuple(each.lower() for each in _HASH.findall(line))
    if len(hashes) != line.count("--hash"):
        return Bad(first, f"{shown(line)!r} has a --hash that can't be read.")
    return Asked(first, last, normalised(requirement), hashes)


def _from_elsewhere(line: int, address: str, name: str = "") -> Item:
    """Tell a folder of the repository from what is somewhere else."""
    if (
        "://" not in address
        and "+" not in address.partition(":")[0]
        and not _ARCHIVE.match(address)
    ):
        return Editable(line, re.sub(r"\[[^\]]*\]$", "", address.removeprefix("file:")))
    subject = f"{name} comes" if name else "It comes"
    return Bad(
        line,
        f"{subject} from {shown(address)}, which is neither fetched nor scanned: advisories are "
        "about releases of the package index. Ask for a release instead.",
    )
