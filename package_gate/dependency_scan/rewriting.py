"""Dependency files with other versions: everything that isn't a version stays as it is written."""

import re
from collections.abc import Mapping, Sequence

from packaging.requirements import InvalidRequirement
from packaging.specifiers import SpecifierSet

from package_gate.dependency_scan.models import Direct
from package_gate.inventory.formats.items import FormatProblem
from package_gate.inventory.formats.requirements import decode, logical_lines, parse_requirement

_BEGIN = re.compile(r"[ \t]*[A-Za-z0-9][A-Za-z0-9._-]*[ \t]*(?:\[[^\]]*\])?")
"""A requirement's name and extras."""
_SPECIFIER = re.compile(
    r"[ \t]*\(?[ \t]*(?:(?:===?|~=|!=|<=|>=|<|>)[ \t]*[^\s,;#\\)(]+(?:[ \t]*,[ \t]*)?)*[ \t]*\)?"
)
_HASHES = re.compile(r"(?:[ \t]*\\?\r?\n?[ \t]*--hash(?:\s*=\s*|[ \t]+)\S+)+")


def rewrite_requirements(
    data: bytes,
    versions: Mapping[int, str],
    hashes: Mapping[int, Sequence[str]],
    added: Sequence[str],
) -> bytes | None:
    """Write a requirements file anew.

    Args:
        data: the file.
        versions: line of a requirement → the version that it is to name.
        hashes: the same → hashes that take the place of those that stand there.
        added: lines to append.

    Returns:
        The new file in UTF-8; None when a line can't be rewritten so that it means what it must.
    """
    text = decode(data)
    if isinstance(text, FormatProblem):
        return None
    raw = text.splitlines(keepends=True)
    newline = "\r\n" if raw and raw[0].endswith("\r\n") else "\n"
    for first, last, logical in reversed(list(logical_lines(text))):
        if first not in versions:
            continue
        old = "".join(raw[first - 1 : last])
        new = _rewritten(old, versions[first], hashes.get(first, ()), newline)
        if new is None or not _means(new, logical, versions[first]):
            return None
        raw[first - 1 : last] = [new]
    if added:
        if raw and not raw[-1].endswith(("\n", "\r")):
            raw.append(newline)
        raw += [line.replace("\n", newline) + newline for line in added]
    return "".join(raw).encode()


def rewrite_pyproject(data: bytes, changes: Sequence[tuple[Direct, str]]) -> bytes | None:
    """Write a `pyproject.toml` anew, each changed requirement a quoted text on a line of its own.

    Returns:
        The new file; None when a requirement is not written so.
    """
    raw = data.decode("utf-8", "surrogateescape").split("\n")
    for direct, version in changes:
        if direct.place.line is None:
            return None
        line = raw[direct.place.line - 1]
        at = _BEGIN.match(direct.written)
        for quote in ('"', "'"):
            old = f"{quote}{direct.written}{quote}"
            if at and line.count(old) == 1:
                rest = _SPECIFIER.sub("", direct.written[at.end() :], count=1)
                gap = " " if rest.startswith(";") else ""
                begin = direct.written[: at.end()].rstrip()
                new = f"{begin}=={version}{gap}{rest}"
                if not _means(new, direct.written, version):
                    return None
                raw[direct.place.line - 1] = line.replace(old, f"{quote}{new}{quote}")
                break
        else:
            return None
    return "\n".join(raw).encode("utf-8", "surrogateescape")


def _rewritten(old: str, version: str, hashes: Sequence[str], newline: str) -> str | None:
    begin = _BEGIN.match(old)
    if begin is None:
        return None
    head = old[: begin.end()].rstrip()
    specifier = _SPECIFIER.match(old, begin.end())
    tail = old[specifier.end() :] if specifier else old[begin.end() :]
    # Space that stood before a marker, a comment or an option is kept as it was.
    kept = re.search(r"[ \t]+$", specifier[0]) if specifier else None
    gap = kept[0] if kept else " " if tail[:1] in ("#", ";", "\\") else ""
    if "--hash" in tail:
        if not hashes:
            return None
        listed = "".join(f" \\{newline}    --hash={each}" for each in hashes)
        tail, count = _HASHES.subn(lambda _: listed, tail, count=1)
        gap = gap if count and not tail.startswith(" \\") else ""
    return f"{head}=={version}{gap}{tail}"


def _means(new: str, old: str, version: str) -> bool:
    """Whether a rewritten requirement is the old one at another version."""
    found = [line for _, _, line in logical_lines(new)] if "\n" in new else [new]
    try:
        now = parse_requirement(_plain(found[0]))
        before = parse_requirement(_plain(old))
    except (InvalidRequirement, IndexError):
        return False
    return (now.name, now.extras, str(now.marker), now.specifier) == (
        before.name,
        before.extras,
        str(before.marker),
        SpecifierSet(f"=={version}"),
    ) and len(found) == 1


def _plain(line: str) -> str:
    without_comment = re.sub(r"(?:^|\s)#.*", "", line)
    return re.sub(r"\s--?[A-Za-z].*", "", without_comment, flags=re.DOTALL).strip()
