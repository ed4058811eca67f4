"""Requirements that come from an address of their own, which an installer fetches from there.

What an index takes has none, so honest packages have them for tests and the like at most.
"""

import posixpath
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from package_gate.inventory.formats.requires_txt import read_requires_txt
from package_gate.inventory.formats.setup_cfg import (
    everywhere,
    files_listed,
    listed,
    read_setup_cfg,
)

_ADDRESS = re.compile(
    r"^\s*[\w.-](?:[\s\S]*?@\s*[a-z][a-z0-9+.-]*:|[\w.-]*(?:\s*\[[^\]]*\])?\s+@)", re.IGNORECASE
)
"""In a requirement that can't be parsed, which begins with a name for any installer."""
_ENCODED = re.compile(r"=\?[^?]*\?[bq]\?", re.IGNORECASE)
"""A word of RFC 2047, which uv reads as what it stands for; no honest requirement has one."""
_OF_ITSELF = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*\[([^\]]*)\][^;]*")
"""A requirement that can't be parsed: a project, its extras, and no marker."""
_OWN_NAME = re.compile(
    r"\b(?:name|module)\b[\"']?\s*[=:]\s*[\"']?([A-Za-z0-9][\w.-]*)", re.IGNORECASE
)
"""What a project may be called, in metadata, settings or a `setup.py`."""
_HEADER = re.compile(r"^requires-dist[ \t]*:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_HEADER_INSIDE = re.compile(r"requires-dist[ \t]*:[ \t]*([^\n\"'\\]+)", re.IGNORECASE)
"""In a text of several lines that a build writes into metadata as it is: an author, say."""
_COMPARISON = re.compile(
    r'(?:"[^"]*"|\w+) (?:[<>=!~]+|not in|in) (?:"[^"]*"|\w+)',
)
_FOR_AN_EXTRA = re.compile(r'extra == "([^"]+)"|"([^"]+)" == extra')
_ALWAYS = 'extra == ""'
"""Holds without any extra."""
_LEAKS = "{env:"
"""How Hatch is told to put a variable of the build into a requirement."""
_READS_A_LIST = re.compile(r"\bpbr\b|requirements[_-]txt")
"""In a project's settings: plug-ins that read `_LISTS_OF_PBR` by themselves."""
_LISTS_OF_PBR = ("requirements.txt", "requirements-py3.txt", "tools/pip-requires")
_ANOTHER_LIST = re.compile(r"(?:-r|--requirement)[\s=]*(\S+)")
_LISTS = ("*", "requirements/*", "requires/*", "reqs/*")
"""Where files with requirements are."""
_NO_LISTS = (".py", ".md", ".rst", ".pyc")
_MAX_LIST = 1024 * 1024
_ELSEWHERE = {"url", "git"}
"""What a requirement of Poetry has that isn't of the index."""
_IN_THE_TREE = {"path", "file"}
"""What one has that is of the project's own tree."""
_SETTINGS = ("pyproject.toml", "setup.cfg", "setup.py")


class _Asked(NamedTuple):
    """A requirement, and the extra that it is for, see `of_an_extra`."""

    path: Path
    written: str
    extra: str = ""


def of_an_extra(requirement: str, extra: str) -> str:
    """Give a requirement as metadata would have it, which is for an extra unless that is empty.

    After a `:` in an extra, setuptools takes a marker.
    """
    if not extra:
        return requirement
    name, _, when = extra.partition(":")
    try:
        parsed = Requirement(requirement)
    except (InvalidRequirement, RecursionError):  # Flit does not parse it
        what, _, marker = requirement.partition(";")
    else:
        marker = str(parsed.marker or "")
        parsed.marker = None
        what = str(parsed)
    conditions = [f'extra == "{name.strip()}"'] if name.strip() else []
    conditions += [f"({each.strip()})" for each in (when, marker) if each.strip()]
    return f"{what} ; {' and '.join(conditions)}" if conditions else what


def is_of_a_stranger(requirement: str, extras: Collection[str] = ()) -> bool:
    """Whether a requirement has an address of its own, and may hold with these extras at most."""
    if _ENCODED.search(requirement):
        return True
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:  # an installer may be more lenient
        return _ADDRESS.search(requirement) is not None
    except RecursionError:
        return True
    return parsed.url is not None and _holds(parsed, requirement, extras)


def own_extras(requirements: Iterable[str], names: Collection[str] | None) -> frozenset[str]:
    """Name the extras that a project requires of itself, one for the other, for everybody.

    Args:
        requirements: all of its requirements.
        names: what it may be called, normalised; None when that is not known.
    """
    waiting: list[tuple[str, Requirement]] = []
    found: set[str] = set()
    for each in requirements:
        try:
            parsed = Requirement(each)
        except (InvalidRequirement, RecursionError):
            named = _OF_ITSELF.fullmatch(each)
            if named and (names is None or canonicalize_name(named[1]) in names):
                found |= {canonicalize_name(extra.strip()) for extra in named[2].split(",")}
        else:
            if parsed.extras and (names is None or canonicalize_name(parsed.name) in names):
                waiting.append((each, parsed))
    while held := [each for each, parsed in waiting if _holds(parsed, each, found)]:
        known = set(held)
        for each, parsed in waiting:
            found |= {canonicalize_name(extra) for extra in parsed.extras if each in known}
        waiting = [(each, parsed) for each, parsed in waiting if each not in known]
    return frozenset(found)


def _holds(parsed: Requirement, written: str, extras: Collection[str]) -> bool:
    # Between quotes of two kinds something may look like a comparison.
    both = "'" in written and '"' in written
    return both or parsed.marker is None or _may_hold(str(parsed.marker), extras)


def _may_hold(marker: str, extras: Collection[str]) -> bool:
    """Whether a marker holds for some Python on some system with no other extras than these."""

    def asked(comparison: re.Match[str]) -> str:
        named = _FOR_AN_EXTRA.fullmatch(comparison[0])
        wanted = named is None or canonicalize_name(named[1] or named[2]) in extras
        return _ALWAYS if wanted else comparison[0]

    return Marker(_COMPARISON.sub(asked, marker)).evaluate({"extra": ""})


def of_metadata(tree: Path) -> Iterator[tuple[str, int, str]]:
    """Yield what an artifact says it requires from such places: the file, the line and the text.

    Raises:
        OSError: a file can't be read.
    """
    asked = list(dict.fromkeys((*_of_all_metadata(tree), *_of_projects(tree))))
    whole = [of_an_extra(each.written, each.extra) for each in asked]
    extras = own_extras(whole, _own_names(tree)) if any("[" in each for each in whole) else ()
    found: dict[tuple[Path, str], None] = {}
    for each, requirement in zip(asked, whole, strict=True):
        if _LEAKS in each.written or is_of_a_stranger(requirement, extras):
            found[each.path, each.written] = None
    for path, written in found:
        content = path.read_text("utf-8", "replace")
        line = content.count("\n", 0, max(content.find(written), 0)) + 1
        yield path.relative_to(tree).as_posix(), line, written


def _of_all_metadata(tree: Path) -> Iterator[_Asked]:
    for path in _files_of_metadata(tree):
        yield from (_Asked(path, each) for each in _of_headers(path.read_bytes()))
    for folder in ("", "*/", "src/", "*/src/"):
        for path in sorted(tree.glob(f"{folder}*.egg-info/requires.txt")):
            yield from (_Asked(path, each) for each in read_requires_txt(path.read_bytes()))


def _of_projects(tree: Path) -> Iterator[_Asked]:
    for path in _at_top(tree, "pyproject.toml"):
        yield from _of_project(path)
    for path in _at_top(tree, "hatch.toml"):
        yield from _of_hatch(path, _read_toml(path))
    for path in _at_top(tree, "setup.cfg"):
        yield from _of_setup(path)
    for path in _at_top(tree, "setup.py"):
        for each in _lists_named_in(path):
            yield from (_Asked(path, line) for line in _lines(each.parent, each.name))
    for name in _SETTINGS:
        for path in _at_top(tree, name):
            text = path.read_text("utf-8", "replace")
            if _READS_A_LIST.search(text):
                yield from _of_files(path, [*_LISTS_OF_PBR])
            said = [text, *_texts(_read_toml(path) if path.suffix == ".toml" else {})]
            for each in dict.fromkeys(_HEADER_INSIDE.findall("\n".join(said))):
                yield _Asked(path, each.strip())


def _lists_named_in(path: Path) -> list[Path]:
    """Give the files that a `setup.py` may read a list from; those of deeper folders by both names.

    Raises:
        OSError: it can't be read.
    """
    text = path.read_text("utf-8", "replace")
    found = {each for pattern in _LISTS for each in path.parent.glob(pattern) if each.name in text}
    for each in path.parent.glob("*/**/*"):
        if each.name in text and each.parent.name in text:
            place = rf"{re.escape(each.parent.name)}[\s\"',/\\()]+{re.escape(each.name)}"
            if re.search(place, text):
                found.add(each)
    return sorted(each for each in found if _may_be_a_list(each))


def _texts(settings: object) -> Iterator[str]:
    """Give all texts of a TOML file."""
    waiting = [settings]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _files_of_metadata(tree: Path) -> list[Path]:
    return sorted([*tree.glob("*.dist-info/METADATA"), *_at_top(tree, "PKG-INFO")])


def _at_top(tree: Path, name: str) -> list[Path]:
    """Give the files that are called so at the top and in a folder there."""
    return sorted([*tree.glob(name), *tree.glob(f"*/{name}")])


def _own_names(tree: Path) -> frozenset[str]:
    """Give what the project may be called; others' names that stand there do no harm."""
    files = [*_files_of_metadata(tree), *(each for n in _SETTINGS for each in _at_top(tree, n))]
    return frozenset(
        canonicalize_name(name)
        for path in files
        for name in _OWN_NAME.findall(path.read_text("utf-8", "replace"))
    )


def _may_be_a_list(path: Path) -> bool:
    plain = path.is_file() and path.suffix not in _NO_LISTS and path.name not in _SETTINGS
    return plain and path.stat().st_size <= _MAX_LIST


def _of_headers(content: bytes) -> Iterator[str]:
    """Give what headers require, as Python reads them and as who goes line by line does."""
    for value in BytesHeaderParser().parsebytes(content).get_all("Requires-Dist", []):
        yield " ".join(str(value).split())
    text = content.decode("utf-8", "replace")
    yield from (" ".join(each[1].split()) for each in _HEADER.finditer(text))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _of_project(path: Path) -> Iterator[_Asked]:
    """Give what a `pyproject.toml` requires for setuptools, Hatch, Flit or Poetry."""
    settings = _read_toml(path)
    project = _table(settings, "project")
    flit = _table(settings, "tool", "flit", "metadata")
    for each in (*_list(project.get("dependencies")), *_list(flit.get("requires"))):
        yield _Asked(path, str(each))
    for extras in (_table(project, "optional-dependencies"), _table(flit, "requires-extra")):
        for extra, given in extras.items():
            yield from (_Asked(path, str(each), extra) for each in _list(given))
    dynamic = _table(settings, "tool", "setuptools", "dynamic")
    yield from _of_files(path, _table(dynamic, "dependencies").get("file"))
    for extra in (extras := _table(dynamic, "optional-dependencies")):
        yield from _of_files(path, _table(extras, extra).get("file"), extra)
    yield from _of_hatch(path, _table(settings, "tool", "hatch"))
    yield from _of_poetry(path, _table(settings, "tool", "poetry"), project)


def _of_hatch(path: Path, settings: Mapping[str, Any]) -> Iterator[_Asked]:
    """Give what the plug-in of Hatch that reads lists would read."""
    hook = _table(settings, "metadata", "hooks", "requirements_txt")
    for key in ("files", "filename"):
        yield from _of_files(path, hook.get(key))
    for extra, names in _table(hook, "optional-dependencies").items():
        yield from _of_files(path, names, extra)


def _of_files(path: Path, names: object, extra: str = "") -> Iterator[_Asked]:
    for name in _list(names):
        yield from (_Asked(path, line, extra) for line in _lines(path.parent, str(name)))


def _of_poetry(
    path: Path, settings: Mapping[str, Any], project: Mapping[str, Any]
) -> Iterator[_Asked]:
    """Give what Poetry would write into metadata.

    Where `[project]` has the dependencies, its own table serves those who develop the project, who
    have others beside it in their trees.
    """
    extras = _table(settings, "extras")
    dynamic = "dependencies" in _list(project.get("dynamic"))
    elsewhere = _ELSEWHERE
    if dynamic or not project.get("dependencies"):
        elsewhere = elsewhere | _IN_THE_TREE
    for name, given in _table(settings, "dependencies").items():
        yield _Asked(path, name)  # it is written into metadata as it is
        known = _plain(name)
        for each in given if isinstance(given, list) else [given]:
            if not isinstance(each, Mapping):
                continue
            within = [""]
            if each.get("optional") is True:
                within = [extra for extra in extras if known in map(_plain, _list(extras[extra]))]
            own = ",".join(map(str, _list(each.get("extras"))))
            places = [f"{name} @ {each[key]}" for key in sorted(elsewhere & each.keys())]
            for requirement in places or [f"{name}[{own}]"]:
                yield from (_Asked(path, requirement, extra) for extra in within)


def _plain(name: object) -> str:
    return canonicalize_name(str(name))


def _of_setup(path: Path) -> Iterator[_Asked]:
    """Give what a `setup.cfg` requires, for setuptools, pbr and old releases of wheel."""
    sections = read_setup_cfg(path.read_text("utf-8", "replace"))
    for value in everywhere(sections, "install_requires", "requires_dist"):
        yield from (_Asked(path, each) for each in without_comments(listed(value)))
        yield from _of_files(path, [*files_listed(value)])
    section = "options.extras_require"
    for extra in sections.options(section) if sections.has_section(section) else ():
        value = sections.get(section, extra)
        yield from (_Asked(path, each, extra) for each in without_comments(listed(value)))
        yield from _of_files(path, [*files_listed(value)], extra)


def _lines(project: Path, name: str) -> Iterator[str]:
    """Give the requirements that a file of a project lists, and those of the lists it names."""
    waiting = [name]
    for each in waiting:  # it grows meanwhile
        path = project / each
        if ".." in path.parts or not path.is_relative_to(project) or not path.is_file():
            continue
        for line in without_comments(path.read_text("utf-8", "replace").splitlines()):
            if another := _ANOTHER_LIST.match(line):
                named = posixpath.normpath(posixpath.join(posixpath.dirname(each), another[1]))
                waiting += [named] if named not in waiting else []
            else:
                yield line


def without_comments(lines: Iterable[str]) -> Iterator[str]:
    """Give what lines say; one that ends with a backslash goes on in the next."""
    begun = ""
    for line in lines:
        text = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if text.endswith("\\"):
            begun += text.rstrip("\\")
        elif text:
            yield begun + text
            begun = ""
    if begun:
        yield begun


def _table(settings: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        below = settings.get(name)
        settings = below if isinstance(below, Mapping) else {}
    return settings


def _list(value: object) -> list[object]:
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []
