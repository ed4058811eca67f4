"""Requirements that come from an address of their own, which an installer fetches from there.

What an index takes has none, so honest packages have them for tests and the like at most.
"""

import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement

_ADDRESS = re.compile(r"@\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)
"""In a requirement that can't be parsed."""
_HEADER = re.compile(r"^requires-dist[ \t]*:(.*)", re.IGNORECASE | re.MULTILINE)
_COMPARISON = re.compile(
    r'(?:"[^"]*"|\w+) (?:[<>=!~]+|not in|in) (?:"[^"]*"|\w+)',
)
_FOR_AN_EXTRA = re.compile(r'extra == "[^"]+"|"[^"]+" == extra')
_ALWAYS = 'extra == ""'
"""Holds without any extra."""
_LEAKS = "{env:"
"""How Hatch is told to put a variable of the build into a requirement."""
_READS_A_LIST = re.compile(r"\bpbr\b|requirements[_-]txt")
"""In a project's settings: plug-ins that read `requirements.txt` by themselves."""
_LISTS = ("*", "requirements/*", "requires/*", "reqs/*")
"""Where files with requirements are."""
_NO_LISTS = (".py", ".md", ".rst", ".cfg", ".toml", ".pyc")
_MAX_LIST = 1024 * 1024
_ELSEWHERE = {"url", "git"}
"""What a requirement of Poetry has that isn't of the index."""


def is_of_a_stranger(requirement: str) -> bool:
    """Whether a requirement has an address of its own, and may hold without any extra."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:  # an installer may be more lenient
        return _ADDRESS.search(requirement) is not None
    except RecursionError:
        return True
    if parsed.url is None:
        return False
    # Between quotes of two kinds something may look like a comparison.
    both = "'" in requirement and '"' in requirement
    return both or parsed.marker is None or _may_hold(str(parsed.marker))


def _may_hold(marker: str) -> bool:
    """Whether a marker holds for some Python on some system without any extra."""
    asked = _COMPARISON.sub(
        lambda each: each[0] if _FOR_AN_EXTRA.fullmatch(each[0]) else _ALWAYS, marker
    )
    return Marker(asked).evaluate({"extra": ""})


def of_metadata(tree: Path) -> Iterator[tuple[str, int, str]]:
    """Yield what an artifact says it requires from such places: the file, the line and the text.

    Raises:
        OSError: a file can't be read.
    """
    paths = [*tree.glob("*.dist-info/METADATA"), *tree.glob("PKG-INFO"), *tree.glob("*/PKG-INFO")]
    for path in sorted(paths):
        yield from _strangers(tree, path, _of_headers(path.read_bytes()))
    for name, read in (("pyproject.toml", _of_project), ("setup.cfg", _of_setup)):
        for path in sorted([*tree.glob(name), *tree.glob(f"*/{name}")]):
            yield from _strangers(tree, path, read(path))
    for path in sorted([*tree.glob("setup.py"), *tree.glob("*/setup.py")]):
        text = path.read_text("utf-8", "replace")
        lists = {each for pattern in _LISTS for each in path.parent.glob(pattern)}
        named = (each for each in sorted(lists) if each.name in text and _may_be_a_list(each))
        yield from _strangers(
            tree, path, (line for each in named for line in _lines(each.parent, each.name))
        )


def _may_be_a_list(path: Path) -> bool:
    plain = path.is_file() and path.suffix not in _NO_LISTS
    return plain and path.stat().st_size <= _MAX_LIST


def _strangers(
    tree: Path, path: Path, requirements: Iterable[object]
) -> Iterator[tuple[str, int, str]]:
    found = dict.fromkeys(
        each
        for each in requirements
        if isinstance(each, str) and (_LEAKS in each or is_of_a_stranger(each))
    )
    content = path.read_text("utf-8", "replace") if found else ""
    for each in found:
        line = content.count("\n", 0, max(content.find(each), 0)) + 1
        yield path.relative_to(tree).as_posix(), line, each


def _of_headers(content: bytes) -> Iterator[str]:
    """Give what headers require, as Python reads them and as who goes line by line does."""
    for value in BytesHeaderParser().parsebytes(content).get_all("Requires-Dist", []):
        yield " ".join(str(value).split())
    yield from (each[1].strip() for each in _HEADER.finditer(content.decode("utf-8", "replace")))


def _of_project(path: Path) -> Iterator[object]:
    """Give what a `pyproject.toml` requires for setuptools, Hatch, Flit or Poetry."""
    text = path.read_text("utf-8", "replace")
    try:
        settings = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    project = _table(settings, "project")
    yield from _list(project.get("dependencies"))
    for each in _table(project, "optional-dependencies").values():
        yield from (line for line in _list(each) if _LEAKS in str(line))
    yield from _list(_table(settings, "tool", "flit", "metadata").get("requires"))
    of_setuptools = _table(settings, "tool", "setuptools", "dynamic", "dependencies")
    for name in _list(of_setuptools.get("file")):
        yield from _lines(path.parent, str(name))
    hook = _table(settings, "tool", "hatch", "metadata", "hooks", "requirements_txt")
    for name in _list(hook.get("files")):
        yield from _lines(path.parent, str(name))
    if _READS_A_LIST.search(text):
        yield from _lines(path.parent, "requirements.txt")
    for name, given in _table(settings, "tool", "poetry", "dependencies").items():
        for each in given if isinstance(given, list) else [given]:
            if isinstance(each, Mapping) and each.get("optional") is not True:
                yield from (f"{name} @ {each[key]}" for key in sorted(_ELSEWHERE & each.keys()))


def _of_setup(path: Path) -> Iterator[str]:
    """Give what a `setup.cfg` requires."""
    text = path.read_text("utf-8", "replace")
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for option in ("install_requires", "install-requires"):
        listed = (parser.get("options", option, fallback="") or "").strip()
        yield from _without_comments(listed.splitlines() if "\n" in listed else listed.split(";"))
        for name in listed.removeprefix("file:").split(",") if listed.startswith("file:") else ():
            yield from _lines(path.parent, name.strip())
    if _READS_A_LIST.search(text):
        yield from _lines(path.parent, "requirements.txt")


def _lines(project: Path, name: str) -> Iterator[str]:
    """Give the requirements that a file of a project lists."""
    path = project / name
    if ".." not in path.parts and path.is_relative_to(project) and path.is_file():
        yield from _without_comments(path.read_text("utf-8", "replace").splitlines())


def _without_comments(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if text := re.sub(r"(?:^|\s)#.*", "", line).strip():
            yield text


def _table(settings: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        below = settings.get(name)
        settings = below if isinstance(below, Mapping) else {}
    return settings


def _list(value: object) -> list[object]:
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []
