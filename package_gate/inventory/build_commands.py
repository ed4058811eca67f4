"""Commands and code that stand in the settings of a build, not in files of their own.

Hatch's plug-in `build-scripts` runs commands of `pyproject.toml`, `hatch-jupyter-builder` those of
`package.json`, setuptools-scm a command that describes a version, Hatch evaluates an expression,
Meson and CMake start programs, and so does a `build.rs`. Which tools a build has says
`[build-system] requires`: what other tools' tables hold (cibuildwheel, tasks of Hatch and PDM),
somebody must start.
"""

import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from package_gate.inventory.script_variables import expanded, expanded_meson

MAX_BYTES = 1024 * 1024
"""Of a file of settings; the unpacker reports a build file that is larger."""
RECIPES = ("meson.build", "CMakeLists.txt", "build.rs")
"""Files of build systems, which may start programs; and those that end in `.cmake`."""
_ALWAYS = ("setuptools", "wheel")
"""What a build requires that does not say what."""
_STARTED_BY_HAND = {("hatch", "envs"), ("pdm", "scripts"), ("pixi", "tasks"), ("uv", "sources")}
_REQUIRED = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_JINJA = re.compile(r"\{[{%]-?\s*(?:if|elif|set\s+\w+\s*=)?\s*(.+?)\s*-?[%}]\}", re.DOTALL)
_PIECE = re.compile(
    r"'''(.*?)'''|'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|[()\[\];]|(?:#|//)[^\n]*", re.DOTALL
)
"""A text, a bracket, or a comment of a recipe."""
_MESON = re.compile(
    r"\b(?:run_command|add_(?:install|postconf|dist)_script|find_program)\s*\(|\bcommand\s*:\s*\["
)
_MAX_CALL = 4000
"""Characters of a call in a recipe."""
_CMAKE = re.compile(
    r"\b(?:COMMAND|CODE)\s+(.{1,4000}?)(?=\b(?:COMMAND|CODE|WORKING_DIRECTORY|RESULT_VARIABLE"
    r"|OUTPUT_VARIABLE|ERROR_VARIABLE|DEPENDS|COMMENT|VERBATIM|BYPRODUCTS)\b|\)\s*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_OF_CMAKE = ("CMakeLists.txt", ".cmake")
_TAKEN_IN = re.compile(
    r"\b(?:file\s*\(\s*(?:READ|STRINGS)\s+|(?P<include>include\s*\(\s*))\"?(?P<file>[^\s\")]*\.[^\s\")]*)",
    re.IGNORECASE,
)
"""A file that CMake reads: as its own, or as a text that it may evaluate."""
_RUST = re.compile(r"\bCommand::new\s*\(")
_PYTHON = re.compile(r"\$\{?\w*python\w*\}?", re.IGNORECASE)
_NAMED_PYTHON = re.compile(r"[\s(\[]*(?:py(?:thon)?\w*\b|find_program\(\s*'python)", re.IGNORECASE)
"""How a command begins whose program is a variable that stands for Python."""


class Held(NamedTuple):
    """A text that a build may run."""

    path: str
    """Of the file that holds it, in the tree."""
    line: int
    text: str
    is_code: bool = False
    """Whether it is Python, not a command."""


def held_by_builds(tree: Path, paths: Iterable[Path]) -> Iterator[Held]:
    """Give the commands and the code that the settings in a source tree hold.

    Args:
        tree: an unpacked source archive.
        paths: its files, below it.

    Raises:
        OSError: a file can't be read.
    """
    paths = list(paths)
    for path in paths:
        relative = path.relative_to(tree).as_posix()
        name, folders = path.name, relative.count("/")
        of_project = name in ("pyproject.toml", "hatch.toml") and folders < 2
        if of_project or is_recipe(name) or name == "package.json":
            with path.open("rb") as file:
                text = file.read(MAX_BYTES + 1)[:MAX_BYTES].decode("utf-8", "replace")
            if of_project:
                texts = of_project_file(name, text)
            elif name == "package.json":
                texts = ((each, False) for each in _of_scripts(text))
            else:
                texts = ((each, False) for each in _of_whole_recipe(relative, text, paths))
            for each, is_code in texts:
                yield Held(relative, _line(text, each), each, is_code)


def is_recipe(path: str) -> bool:
    """Whether a build system reads a file of this name."""
    return path.endswith((".cmake", *RECIPES))


def of_project_file(name: str, text: str) -> Iterator[tuple[str, bool]]:
    """Give what `pyproject.toml` or `hatch.toml` holds, and whether it is Python code.

    Every text may be either; only Jinja's expressions are certainly code.
    """
    try:
        settings = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return  # which the unpacker reports
    for key, table in tables_of_tools(name, settings):
        imports = "".join(_imports(table))
        for value in _values(key, table):
            yield value, False
            for match in _JINJA.finditer(value):
                yield f"{imports}({match[1]})", True
            if len(value) > len("a.b()") and "(" in value:
                yield value, True


def tables_of_tools(name: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give the tables of the tools that a build requires, by their names."""
    if name == "hatch.toml":
        yield "hatch", settings
        return
    system = settings.get("build-system")
    system = system if isinstance(system, Mapping) else {}
    requires, backend = system.get("requires", _ALWAYS), system.get("build-backend", "setuptools")
    required = {canonicalize_name(str(backend).partition(":")[0].partition(".")[0])}
    for each in requires if isinstance(requires, list | tuple) else ():
        if isinstance(each, str) and (match := _REQUIRED.match(each)):
            required.add(canonicalize_name(match[1]))
    tools = settings.get("tool")
    for key, table in tools.items() if isinstance(tools, Mapping) else ():
        own = canonicalize_name(key)
        # Poetry's is `poetry-core`, Hatch's `hatchling`, PDM's `pdm-backend`, of uv `uv-build`.
        if own == "distutils" or any(each.startswith(own) for each in required):
            yield own, table


def _imports(table: object) -> Iterator[str]:
    """Give the imports that `format-jinja-imports` asks for."""
    asked = table.get("format-jinja-imports") if isinstance(table, Mapping) else None
    for each in asked if isinstance(asked, list) else ():
        module = each.get("module") if isinstance(each, Mapping) else None
        if isinstance(module, str) and all(map(str.isidentifier, module.split("."))):
            item = each.get("item")
            named = isinstance(item, str) and item.isidentifier()
            yield f"from {module} import {item}\n" if named else f"import {module}\n"


def _values(key: str, table: object) -> Iterator[str]:
    """Give the texts of a table; of a list the whole, as the words of a command, as well."""
    waiting: list[tuple[tuple[str, ...], object]] = [((key,), table)]
    while waiting:
        keys, value = waiting.pop()
        if keys[:2] in _STARTED_BY_HAND:
            continue
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting += (((*keys, each), inner) for each, inner in value.items())
        elif isinstance(value, list):
            words = [each for each in value if isinstance(each, str)]
            if len(words) > 1:
                yield " ".join(words)
            waiting += ((keys, each) for each in value)


def _of_scripts(text: str) -> Iterator[str]:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError):
        return
    scripts = package.get("scripts") if isinstance(package, dict) else None
    for each in scripts.values() if isinstance(scripts, dict) else ():
        if isinstance(each, str):
            yield each


def _of_whole_recipe(path: str, text: str, paths: list[Path]) -> Iterator[str]:
    """Give the commands of a build system's file, also as they are once variables are put in, and
    those of other files that CMake is told to read as its own.

    Raises:
        OSError: a file can't be read.
    """
    texts = [text]
    if path.endswith(_OF_CMAKE):
        for match in _TAKEN_IN.finditer(text):
            if match["file"].endswith(".cmake") or not (match["include"] or "EVAL" in text):
                continue
            tail = "/" + match["file"].rpartition("}")[2].lstrip("/")
            for each in (each for each in paths if each.as_posix().endswith(tail)):
                with each.open("rb") as file:
                    texts.append(file.read(MAX_BYTES).decode("utf-8", "replace"))
    for content in texts:
        yield from of_recipe(path, content)
        if path.endswith("meson.build"):
            yield from of_recipe(path, expanded_meson(content))
        elif path.endswith(_OF_CMAKE):
            yield from of_recipe(path, expanded(_PYTHON.sub("python", content)))


def of_recipe(path: str, text: str) -> Iterator[str]:
    """Give the commands that a build system's file starts, as far as they are written there."""
    name = PurePosixPath(path).name
    if name.endswith(".rs"):
        calls = _RUST.finditer(text)
    elif name == "meson.build":
        calls = _MESON.finditer(text)
    else:
        for match in _CMAKE.finditer(text):
            yield _PYTHON.sub("python", match[1]).replace("\\", "")
        return
    for match in calls:
        start = match.end() - 1
        yield _command(text[start : start + _MAX_CALL], chained=name.endswith(".rs"))


def _command(text: str, *, chained: bool) -> str:
    """Give the texts of a call as a command.

    Args:
        text: from the call's bracket on. A variable that is named like Python and begins the call
            counts as Python.
        chained: whether other calls of the same statement add arguments.
    """
    words = ["python"] if _NAMED_PYTHON.match(text) else []
    depth = 0
    for match in _PIECE.finditer(text):
        found = match[0]
        depth += (found in "([") - (found in ")]")
        if depth == 0 and (found == ";" or not chained):
            break
        if len(found) > 1 and not found.startswith(("#", "//")):
            words.append(next(filter(None, match.groups()), ""))
    return shlex.join(words)


def _line(text: str, held: str) -> int:
    """Tell about where a text stands; the first line when it is spelled otherwise there."""
    place = text.find(held.strip()[:30])
    return text.count("\n", 0, place) + 1 if place > 0 else 1
