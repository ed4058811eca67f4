"""Poetry's tables of dependencies (https://python-poetry.org/docs/dependency-specification/)."""

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from package_gate.inventory.formats.items import Asked, Elsewhere, Unparsed
from package_gate.inventory.formats.requirements import (
    RequirementItem,
    is_plain_requirement,
    parse_requirement,
    shown,
)
from package_gate.inventory.formats.structured import table_of

_UNREADABLE = (InvalidRequirement, InvalidSpecifier, InvalidVersion, TypeError, AttributeError)
_ELSEWHERE = ("git", "path", "file", "url", "source")


def python(table: dict[str, Any]) -> str:
    """Give the Python versions that the project is for, as specifiers; "" for any."""
    wanted = table_of(table, "dependencies").get("python")
    try:
        return _specifiers(wanted) if isinstance(wanted, str) else ""
    except _UNREADABLE:
        return ""


def groups(
    table: dict[str, Any], lines: Mapping[str, int]
) -> Iterator[tuple[str, Iterator[RequirementItem]]]:
    """Give the main dependencies, those with extras, and each group.

    Args:
        table: `[tool.poetry]`.
        lines: the line on which each quoted text first stands.
    """
    named = {"": table_of(table, "dependencies"), "dev": table_of(table, "dev-dependencies")}
    groups = table_of(table, "group")
    for group in groups:
        named[f"group {group}"] = table_of(table_of(groups, group), "dependencies")
    for name, entries in named.items():
        if wanted := {key: entries[key] for key in entries if key.lower() != "python"}:
            yield name, _read_all(wanted, lines)


def _read_all(wanted: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[RequirementItem]:
    for package, one in wanted.items():
        yield from _read(package, one, lines)


def _read(package: str, wanted: object, lines: Mapping[str, int]) -> Iterator[RequirementItem]:
    for one in wanted if isinstance(wanted, list) else [wanted]:
        entry: dict[str, Any] = one if isinstance(one, dict) else {"version": one}
        text = entry.get("version", "*")
        line = lines.get(text) if isinstance(text, str) else None
        if any(key in entry for key in _ELSEWHERE):
            yield Elsewhere(line, "", package)
            continue
        try:
            requirement = _requirement(package, entry, text)
        except _UNREADABLE:
            problem = f"{shown(package)} = {shown(str(one))} can't be read."
            yield Unparsed(problem, line, f"{package} = {one}")
            continue
        yield Asked(requirement, line, written=f"{package} = {text}")


def _requirement(package: str, entry: dict[str, Any], text: str) -> Requirement:
    extras = entry.get("extras") or []
    markers = [f"({entry['markers']})"] if isinstance(entry.get("markers"), str) else []
    if isinstance(entry.get("python"), str):
        markers += [
            f"python_full_version {each.operator} '{each.version}'"
            for each in sorted(SpecifierSet(_specifiers(entry["python"])), key=str)
        ]
    whole = f"{package}[{','.join(extras)}]" if extras else package
    whole += _specifiers(text) + (f" ; {' and '.join(markers)}" if markers else "")
    requirement = parse_requirement(whole)
    if requirement.url or not is_plain_requirement(str(requirement)):
        raise InvalidRequirement(whole)
    return requirement


def _specifiers(text: str) -> str:
    """Turn Poetry's constraints into PEP 440's; its `||` has no like there."""
    if "|" in text:
        raise InvalidRequirement(text)
    return ",".join(
        _specifier(part) for part in text.replace(",", " , ").split(",") if part.strip()
    )


def _specifier(part: str) -> str:
    part = "".join(part.split())
    if part in ("*", ""):
        return ""
    if part.startswith("^"):
        return f">={part[1:]},<{_caret(Version(part[1:]))}"
    if part.startswith("~") and not part.startswith("~="):
        release = Version(part[1:]).release
        kept = release[:2] if len(release) > 1 else release[:1]
        return f">={part[1:]},<{'.'.join(map(str, (*kept[:-1], kept[-1] + 1)))}"
    return part if part[0] in "<>=!~" else f"=={part}"


def _caret(version: Version) -> str:
    """The next version that may break: the leftmost number that isn't zero, one higher."""
    release = version.release
    at = next((index for index, number in enumerate(release) if number), len(release) - 1)
    return ".".join(map(str, (*release[:at], release[at] + 1)))
