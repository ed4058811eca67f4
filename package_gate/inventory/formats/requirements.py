"""Requirements and constraints files, line by line, as pip has them.

https://pip.pypa.io/en/stable/reference/requirements-file-format/. Every line becomes something:
none is left out silently.
"""

import codecs
import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from package_gate.core.text import printable
from package_gate.inventory.formats.items import (
    Asked,
    Elsewhere,
    Folder,
    FormatProblem,
    Include,
    IndexOption,
    Prereleases,
    Unparsed,
)

MAX_LINES = 100_000
"""Of one file, those that continue others not counted."""
MAX_LINE = 100_000
"""Characters of one line with all that continue it; a wheel for every platform has 50 hashes."""
MAX_REQUIREMENT = 2000
"""Characters of one requirement, without its options; a bound on what the parsers are given."""
MAX_BRACKETS = 50
"""Of one requirement; those of a marker are parsed recursively, and nobody writes more."""

_ENCODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_LIKE_ASCII = frozenset({"ascii", "cp1252", "iso8859-1", "iso8859-15"})
_COMMENT = re.compile(r"(?:^|\s)#.*")
_INCLUDE = re.compile(r"(?:-[rc]\s*|--(?:requirement|constraint)(?:\s*=\s*|\s+))(.+)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s*)(.+)")
_INDEX = re.compile(
    r"(?:-i|--index-url|--pypi-url|--extra-index-url)(?:\s*=\s*|\s*)(?P<address>\S+)"
    r"|(?P<other>-f|--find-links|--no-index)\b.*"
)
_WITHOUT_MEANING_HERE = re.compile(
    r"--(?:no-binary|only-binary|prefer-binary|require-hashes|trusted-host|use-feature)\b.*"
)
"""They say which file of a release is taken, or how it is fetched; not which release."""
_OPTIONS = re.compile(r"\s--?[A-Za-z].*")
_HASH = re.compile(r"--hash(?:\s*=\s*|\s+)(\S+)")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_ADDRESS = re.compile(r"[^\s;]*[/\\]|[^\s;]+\.(?:whl|zip|tar\.\w+|tgz)\b", re.IGNORECASE)
"""A path or URL to install from; it names no version that could be looked up."""
_ARCHIVE = re.compile(r"\S+\.(?:whl|zip|tar\.\w+|tgz)", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/\s]*@")

RequirementItem = Asked | Elsewhere | Unparsed | FormatProblem
Item = RequirementItem | Folder | Include | IndexOption | Prereleases


def decode(data: bytes) -> str | FormatProblem:
    """Read a file's bytes as text: UTF-8, or UTF-16 with its mark as PowerShell writes it.

    What pip would read in another encoding, because a comment of the first two lines names it as
    in Python (`# coding: utf-7`), is a problem.
    """
    is_utf16 = _is_utf16(data)
    if not is_utf16 and (named := _other_encoding(data)):
        return FormatProblem(f"A comment says that it is {shown(named)}. Save it as UTF-8.", 1)
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = None if is_utf16 else data[: error.start].count(b"\n") + 1
        return FormatProblem("It is no UTF-8. Save it as UTF-8.", line)
    if (nul := text.find("\0")) >= 0:
        line = text[:nul].count("\n") + 1
        return FormatProblem("It holds a NUL character. Remove it.", line)
    return text


def decode_anyway(data: bytes) -> str:
    """Do the same, but for what is no text take U+FFFD: pip reads older encodings, too."""
    return data.decode("utf-16" if _is_utf16(data) else "utf-8-sig", "replace")


def _other_encoding(data: bytes) -> str:
    """Name the encoding that pip takes for a file's, when it reads something else than UTF-8.

    As its `auto_decode` finds it. Most encodings agree where there is nothing but ASCII.
    """
    if data.startswith(codecs.BOM_UTF8):
        return ""
    for line in data.split(b"\n")[:2]:
        if line.startswith(b"#") and (found := _ENCODING.search(line)):
            written = found[1].decode("ascii", "replace")
            try:
                encoding = codecs.lookup(written).name
            except LookupError:
                return written
            is_plain = data.isascii() and encoding in _LIKE_ASCII
            return "" if encoding == "utf-8" or is_plain else written
    return ""


def _is_utf16(data: bytes) -> bool:
    return data.startswith((b"\xff\xfe", b"\xfe\xff"))


def logical_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Give each line of a requirements file with those that continue it, without comments.

    Returns:
        The numbers of its first and last line, from 1, and what stands there; never empty.
    """
    start = 1
    parts: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if not parts:
            start = number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        parts.append(line)
        whole = _COMMENT.sub("", "".join(parts)).strip()
        if whole:
            yield start, number, whole
        parts = []


def read_requirements(text: str) -> Iterator[Item]:
    """Give what each line says."""
    for count, (first, last, line) in enumerate(logical_lines(text)):
        if count == MAX_LINES:
            yield FormatProblem(f"It has more than {MAX_LINES} lines.", first)
            return
        if len(line) > MAX_LINE:
            yield FormatProblem(f"The line is longer than {MAX_LINE} characters.", first)
        elif _VARIABLE.search(line):
            text = f"{shown(line)!r} holds a variable, which is not looked up here."
            yield FormatProblem(text, first)
        elif line.startswith("-"):
            if item := _option(first, line):
                yield item
        else:
            yield _line(first, last, line)


def requirement(written: str, line: int | None) -> RequirementItem:
    """Read a PEP 508 requirement that stands by itself, as in a list of `pyproject.toml`."""
    if len(written) > MAX_REQUIREMENT:
        text = f"It is longer than {MAX_REQUIREMENT} characters: {shown(written)!r}."
        return FormatProblem(text, line)
    try:
        parsed = parse_requirement(written)
    except InvalidRequirement as error:
        why = printable(str(error).splitlines()[0], 100)
        return Unparsed(f"{shown(written)!r} is no requirement ({why}).", line, written)
    if parsed.url:
        return Elsewhere(line, parsed.url, parsed.name)
    if not is_plain_requirement(str(parsed)):
        text = f"{shown(written)!r} holds characters that no requirement has."
        return Unparsed(text, line, written)
    return Asked(parsed, line, written=written)


def parse_requirement(text: str) -> Requirement:
    """Read a PEP 508 requirement of hostile origin, and normalise its name (PEP 503).

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
    return normalised(requirement)


def normalised(requirement: Requirement) -> Requirement:
    """Give its name the normalised form (PEP 503): a bare `name.whl` would be a path to uv."""
    requirement.name = canonicalize_name(requirement.name)
    return requirement


def is_plain_requirement(text: str) -> bool:
    """Whether uv can't take a requirement for an option, a comment, a variable or a path.

    uv reads what it is given as a requirements file, which may hold all of these.
    """
    return text.isascii() and text.isprintable() and not set(text) & set("$#\\")


def shown(text: str) -> str:
    """Make a line printable, without the password or token that an address in it may hold."""
    return printable(_CREDENTIALS.sub("//***@", text).partition("?")[0], 120)


def _option(number: int, line: str) -> Item | None:
    if found := _INCLUDE.fullmatch(line):
        constraints = line.startswith(("-c", "--c"))
        return Include(found[1].strip("\"'"), number, constraints)
    if found := _EDITABLE.fullmatch(line):
        return _from_elsewhere(number, found[1].strip("\"'"))
    if found := _INDEX.fullmatch(line):
        return IndexOption(number, found["address"] or "", shown(line))
    if line == "--pre":
        return Prereleases(number)
    if _WITHOUT_MEANING_HERE.fullmatch(line):
        return None
    text = f"The option {shown(line)!r} is none that a requirements file has."
    return FormatProblem(text, number)


def _line(first: int, last: int, line: str) -> Item:
    written = _OPTIONS.sub("", line)
    item = requirement(written, first)
    if isinstance(item, Unparsed) and (_ADDRESS.match(written) or written in (".", "..")):
        return _from_elsewhere(first, written)
    if isinstance(item, Elsewhere):
        return _from_elsewhere(first, item.address, item.name)
    if not isinstance(item, Asked):
        return item
    if _ARCHIVE.fullmatch(written):
        return _from_elsewhere(first, written)
    hashes = tuple(each.lower() for each in _HASH.findall(line))
    if len(hashes) != line.count("--hash"):
        return FormatProblem(f"{shown(line)!r} has a --hash that can't be read.", first)
    return Asked(item.requirement, first, last, hashes)


def _from_elsewhere(line: int, address: str, name: str = "") -> Elsewhere | Folder:
    """Tell a folder from what is somewhere else."""
    if (
        "://" not in address
        and "+" not in address.partition(":")[0]
        and not _ARCHIVE.match(address)
    ):
        return Folder(line, re.sub(r"\[[^\]]*\]$", "", address.removeprefix("file:")))
    return Elsewhere(line, address, name)
