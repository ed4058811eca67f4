"""Which files of a source tree its build runs, besides those whose names say so.

A build starts with `setup.py`, a hook or a backend, or with what `pyproject.toml`, `hatch.toml` and
`setup.cfg` name. From there it reaches what these import, run, or merely name, and so on. This
looks at text, not syntax: what only looks as if it were named is one more file to scan.
"""

import posixpath
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from package_gate.core.module_graph import imported_names
from package_gate.core.source import read_source
from package_gate.inventory.build_commands import RECIPES, is_recipe, of_project_file
from package_gate.inventory.formats.entry_points import is_metadata, read_entry_points
from package_gate.inventory.running.projects import package_folders, project_folders, texts_in
from package_gate.inventory.trees import regular_files

STARTS = frozenset({"setup.py", "hatch_build.py", "pdm_build.py", "SConstruct"})
"""Files that a build runs because of their names."""
_KNOWN_BACKENDS = re.compile(
    r"(?:setuptools|hatchling|flit_core|flit|poetry|pdm|maturin|mesonpy|scikit_build_core|uv_build"
    r"|pbr|jupyter_packaging|py_build_cmake)(?:\.|$)"
)
"""Backends that run the files above, and what settings name; others may run any at the top."""
_SETTINGS = ("pyproject.toml", "hatch.toml", "setup.cfg")
_SUBFOLDER = re.compile(rb"\b(?:subdir|add_subdirectory)\s*\(\s*[\"']?([\w./-]+)")
_FILE = re.compile(rb"[\w.-]+")
_PATH = re.compile(rb"[\w.-]+(?:/[\w.-]+)*")
_MAX_BYTES = 1024 * 1024
_DEEPEST = 20
"""Dots in the name of a package that is in a folder of its own."""
_OF_PYTHON = re.compile(rb"\.pyw?\b")
_OF_CMAKE = re.compile(rb"\.cmake\b")
_TEXT = re.compile(
    rb"""["']([\w\x80-\xff+-][\w\x80-\xff.+-]{0,200}(?: [\w\x80-\xff.+-]{1,200}){0,20})"""
    rb"""(?::[\w.]{1,200})?(?=["'])"""
)
"""What may be a module's name, which needs to be none that a statement could have."""
_EXEC = re.compile(rb"\bexec(?:file)?\s*\(")
_BY_NAME = re.compile(
    rb"__import__|import_module|importlib|runpy|run_module|load_module|find_spec|\bimp\b|\bexec\b"
    rb"|\beval\b|py_modules|[\"'\s]-m\b|getattr|globals|modules"
)
"""What runs modules whose names are texts."""
_COMMAND = re.compile(r"\w[.:]\w")
_EXTENDS = re.compile(rb"[\"'](?:setuptools|distutils|egg_info)\.\w+[\"']")
"""Groups of entry points that a build loads, also those of the tree that it builds."""
_LOADED = re.compile(rb"=\s*([A-Za-z_][\w.]*)\s*:\s*[A-Za-z_]")
_LOADED_BY_BUILDS = (
    *("setuptools", "distutils", "egg_info", "hatch", "pdm", "versioningit", "whey", "scikit"),
    *("flit", "poetry", "maturin", "vcs_versioning", "dunamai"),
)
"""How the groups of entry points are called that backends and their plug-ins load."""
_OF_SETUPTOOLS = ("setuptools", "distutils", "egg_info")
"""The same, of those that a build loads of the very project that it builds."""
_HOOKS = {
    *("build", "script", "setup-script", "custom-hook", "custom", "cmdclass", "getter", "provider"),
    *("build-function", "factory", "version_scheme", "local_scheme", "parse"),
}
"""Keys under which Poetry, PDM, Hatch and its plug-ins, setuptools and setuptools-scm, scikit-build
and jupyter-packaging name what they call."""
_ENTRY_POINTS = {"entry-points", "entrypoints", "plugins"}
"""Under which projects, Flit of old and Poetry have groups of entry points."""
_PART = re.compile(r"(?:file:)?[ \t]*([^\n,=]+)")
_STRING = re.compile(rb"""["']([^"'\n]{1,500})(?=["'])""")
_MODULE_OPTION = re.compile(rb"\s-m[\s\"',]+([\w\x80-\xff][\w\x80-\xff.+-]*)")
_WORD = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True)
class Reached:
    """What a build runs, by the paths in the tree."""

    files: frozenset[str] = frozenset()
    """All of them."""
    whole: frozenset[str] = frozenset()
    """Those whose functions the build calls: hooks, commands, and what is run with `exec`."""
    started: frozenset[str] = frozenset()
    """Those that it may start as programs."""


def reached_files(tree: Path, folders: Iterable[str]) -> Reached:
    """Say which files a build runs.

    Args:
        tree: an unpacked source archive.
        folders: of its own build backends, each with a final `/`, "" for all of the tree.

    Raises:
        OSError: a file can't be read.
    """
    return _Reach(tree).follow(tuple(folders))


class _Reach:
    """The files of one tree."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._paths = [path.relative_to(tree).as_posix() for path in regular_files(tree)]
        self._all = frozenset(self._paths)
        self._depth = 1 + max((path.count("/") for path in self._paths), default=0)
        self._whole: set[str] = set()
        self._started: set[str] = set()
        self._scripts: dict[str, list[str]] = {}
        """By the last part of their paths."""
        self._odd: dict[str, list[str]] = {}
        """Those whose names are no words, by the last word in them."""
        self._modules: dict[str, list[str]] = {}
        """By the last part of their names."""
        self._cmake: dict[str, list[str]] = {}
        self._packages: dict[tuple[str, ...], set[str]] = {}
        """The folders that settings of setuptools say packages are in, by the parts of names."""
        for project in project_folders(tree):
            for package, folders in package_folders(Path(tree, project)).items():
                parts = tuple(package.split(".", _DEEPEST))
                self._packages.setdefault(parts, set()).update(project + each for each in folders)
        self._runs_any: dict[str, bool] = {}
        """Of a project's folder, whether its backend is one that is not known."""
        for path in self._paths:
            name = PurePosixPath(path).name
            if name.endswith(".cmake"):
                self._cmake.setdefault(name, []).append(path)
            if name.endswith((".py", ".pyw")):
                self._scripts.setdefault(name, []).append(path)
                word = _FILE.findall(name.encode("utf-8", "surrogateescape"))[-1].decode()
                if word != name:
                    self._odd.setdefault(word, []).append(path)
                module = path[: -len("/__init__.py")] if name == "__init__.py" else path
                last = PurePosixPath(module).name.removesuffix(".py")
                self._modules.setdefault(last, []).append(path)

    def follow(self, backends: tuple[str, ...]) -> Reached:
        waiting = []
        for path in self._paths:
            folder, _, name = path.rpartition("/")
            at_top = "/" not in folder
            if name in STARTS or (path.endswith(".py") and backends and path.startswith(backends)):
                waiting.append(path)
            elif name in _SETTINGS and at_top:
                waiting += self._of_settings(path, folder)
            elif name == "entry_points.txt" and is_metadata(folder):
                waiting += self._of_entry_points(path, _LOADED_BY_BUILDS)
            elif at_top and (name in RECIPES or self._may_be_started(folder, name)):
                waiting.append(path)
        reached: set[str] = set()
        while waiting:
            path = waiting.pop()
            if path not in reached:
                reached.add(path)
                waiting += self._of_recipe(path) if is_recipe(path) else self._of_code(path)
        return Reached(
            frozenset(path for path in reached if not is_recipe(path)),
            frozenset(self._whole),
            frozenset(self._started),
        )

    def _may_be_started(self, folder: str, name: str) -> bool:
        """Whether a file beside the settings is one that a backend may run which is not known."""
        if not name.endswith(".py") or f"{folder}/pyproject.toml".lstrip("/") not in self._all:
            return False
        if folder not in self._runs_any:
            settings = _read_toml(self._read(f"{folder}/pyproject.toml".lstrip("/")))
            system = settings.get("build-system") if settings else None
            backend = system.get("build-backend") if isinstance(system, Mapping) else None
            known = backend is None or bool(_KNOWN_BACKENDS.match(str(backend)))
            self._runs_any[folder] = not known and "backend-path" not in (system or {})
        found = self._runs_any[folder]
        if found:
            self._whole.add(f"{folder}/{name}".lstrip("/"))
        return found

    def _is_of_a_package(self, path: str) -> bool:
        return f"{path.rpartition('/')[0]}/__init__.py".lstrip("/") in self._all

    def _read(self, path: str) -> bytes:
        with Path(self._tree, path).open("rb") as file:
            return file.read(_MAX_BYTES + 1)

    def _of_code(self, path: str) -> Iterator[str]:
        """Yield what a Python file may run."""
        code = read_source(Path(self._tree, path).read_bytes()).code
        for name in imported_names(code):
            yield from self._named_module(name)
        is_start = (
            PurePosixPath(path).name in STARTS or path in self._whole or path in self._started
        )
        if self._is_of_a_package(path) or not is_start:
            return  # what else a module names, somebody must ask it for
        code += "".join(f'\n"{text}"' for text in texts_in(code)).encode("utf-8", "replace")
        named = {*self._named_scripts(code), *self._started_by_name(code)}
        texts = (each.decode("utf-8", "replace") for each in {*_STRING.findall(code)})
        named.update(self._of_lists(path.rpartition("/")[0], texts))
        for match in _TEXT.finditer(code) if _BY_NAME.search(code) else ():
            named.update(self._named_module(match[1].decode()))
        if _EXTENDS.search(code):
            for match in _LOADED.finditer(code):
                loaded = {*self._named_module(match[1].decode())}
                self._whole |= loaded
                named |= loaded
        if _EXEC.search(code):
            self._whole |= named
        self._started |= named
        yield from named

    def _of_entry_points(self, path: str, groups: tuple[str, ...]) -> Iterator[str]:
        """Yield what backends and their plug-ins load from a list of entry points in the tree."""
        for entry in read_entry_points(self._read(path)):
            if entry.group.startswith(groups):
                loaded = {*self._named_module(entry.value.partition(":")[0].strip())}
                self._whole |= loaded
                yield from loaded

    def _of_recipe(self, path: str) -> Iterator[str]:
        """Yield the scripts and the other recipes that a build system's file names."""
        text = self._read(path)
        named = {*self._named_scripts(text), *self._started_by_name(text)}
        self._started |= named
        yield from named
        folder, _, name = path.rpartition("/")
        for below in set(_SUBFOLDER.findall(text)):
            other = posixpath.normpath(f"{folder}/{below.decode()}/{name}").lstrip("/")
            if other in self._all:
                yield other
        for each in _ending(text, _FILE, _OF_CMAKE):
            yield from self._cmake.get(each, ())

    def _started_by_name(self, text: bytes) -> Iterator[str]:
        for match in _MODULE_OPTION.finditer(text):
            yield from self._named_module(match[1].decode())

    def _named_scripts(self, text: bytes) -> Iterator[str]:
        """Yield the scripts that a text names by the ends of their paths, or by name alone."""
        named: dict[str, set[str]] = {}
        for name in _ending(text, _PATH, _OF_PYTHON):
            place = posixpath.normpath(name)
            named.setdefault(place.rpartition("/")[2], set()).add(place)
        for last, places in named.items():
            same = self._scripts.get(last, ())
            ends = {path: places.intersection(_ends(path)) for path in same}
            all_found = places == set().union(*ends.values())
            yield from (path for path in same if ends[path] or not all_found)
            for path in self._odd.get(last, ()):
                odd = PurePosixPath(path).name.encode("utf-8", "surrogateescape")
                if odd in text or odd in text.replace(b"\\", b""):
                    yield path

    def _named_module(self, name: str) -> Iterator[str]:
        """Yield the modules of the tree, in whatever folder, that a dotted name may stand for."""
        yield from self._elsewhere(name.strip("."))
        parts = name.strip(".").split(".", self._depth)[: self._depth]
        for length in range(len(parts), 0, -1):
            place = "/".join(parts[:length])
            ends = (f"/{place}.py", f"/{place}/__init__.py")
            found = [
                path
                for path in self._modules.get(parts[length - 1], ())
                if f"/{path}".endswith(ends)
            ]
            if found:
                yield from found
                return

    def _elsewhere(self, name: str) -> Iterator[str]:
        """Yield the modules of packages that settings say are in another folder."""
        deepest = max(map(len, self._packages), default=0)
        parts = name.split(".", deepest + self._depth)[: deepest + self._depth]
        for length in range(min(deepest, len(parts)), 0, -1):
            for folder in self._packages.get(tuple(parts[:length]), ()):
                for end in range(len(parts), length - 1, -1):
                    place = posixpath.normpath("/".join((folder, *parts[length:end]))).lstrip("/")
                    if found := {f"{place}.py", f"{place}/__init__.py"} & self._all:
                        yield from found
                        break

    def _of_settings(self, path: str, folder: str) -> Iterator[str]:
        content = self._read(path)
        named = {*self._named_scripts(content)}
        if path.endswith(".toml"):
            settings = _read_toml(content)
            if settings is None:
                return  # which the unpacker reports
            for text in _texts(settings):
                named.update(self._named_module(text.partition(":")[0]))
            for command, _ in of_project_file(path.rpartition("/")[2], content.decode()):
                held = command.encode()
                self._started.update(self._named_scripts(held), self._started_by_name(held))
            for text in _hooks(settings):
                self._whole.update(self._hook(folder, text))
            if program := _meson(settings):
                self._started.update(self._program(f"{folder}/{program}"))
            named.update(self._of_lists(folder, _strings(settings)))
        else:
            for line in content.decode("utf-8", "replace").splitlines():
                modules = [
                    each for word in _WORD.findall(line) for each in self._named_module(word)
                ]
                named.update(modules)
                if _COMMAND.search(line):
                    self._whole.update(modules)
            parts = _PART.findall(content.decode("utf-8", "replace"))
            named.update(self._of_lists(folder, map(str.strip, parts)))
        yield from named | self._whole | self._started

    def _hook(self, folder: str, text: str) -> Iterable[str]:
        """Give what a setting calls: a file, whose name may have a colon, or a module."""
        before, _, _ = text.partition(":")
        for name in (text, before):
            place = posixpath.normpath(f"{folder}/{name}").lstrip("/")
            if place in self._all:
                return [place]
        return self._named_module(before.strip())

    def _program(self, path: str) -> Iterator[str]:
        """Yield a program if it may be Python, else the scripts that it names."""
        place = posixpath.normpath(path).lstrip("/")
        content = self._read(place) if place in self._all else b""
        first, _, _ = content.partition(b"\n")
        if content.startswith(b"#!") and b"python" not in first:
            yield from self._named_scripts(content)
            yield from self._started_by_name(content)
        elif content:
            yield place

    def _of_lists(self, folder: str, names: Iterable[str]) -> Iterator[str]:
        """Yield what a build loads that stands in lists of entry points which settings name."""
        places = {posixpath.normpath(f"{folder}/{name}").lstrip("/") for name in names}
        for place in sorted(places & self._all):
            if not place.endswith((".py", *_SETTINGS)):
                yield from self._of_entry_points(place, _OF_SETUPTOOLS)


def _read_toml(content: bytes) -> dict[str, Any] | None:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return None


def _ending(text: bytes, words: re.Pattern[bytes], end: re.Pattern[bytes]) -> set[str]:
    """Give the words of a text up to the last place in them where `end` matches.

    A pattern for both would begin again at each letter of a long word.
    """
    found: set[str] = set()
    for word in set(words.findall(text)):
        if places := [match.end() for match in end.finditer(word)]:
            found.add(word[: places[-1]].decode("utf-8", "replace"))
    return found


def _ends(path: str) -> Iterator[str]:
    """Give a path, and what it is without its first folders."""
    while path:
        yield path
        path = path.partition("/")[2]


def waits(path: str) -> bool:
    """Whether a file looks like one that is started by somebody: a test, or `python -m`."""
    *folders, name = PurePosixPath(path.lower()).parts
    return (
        name == "__main__.py"
        or name.startswith(("test_", "conftest."))
        or name.endswith(("_test.py", "_tests.py"))
        or bool({"test", "tests"} & set(folders))
    )


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of settings that may name a module."""
    return (each for each in _strings(value) if _WORD.fullmatch(each.partition(":")[0]))


def _strings(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, Mapping):
            waiting += each.values()


def _meson(settings: Mapping[str, Any]) -> str:
    """Give the path of what meson-python starts in Meson's place; "" if it is Meson."""
    tools = settings.get("tool")
    table = tools.get("meson-python") if isinstance(tools, Mapping) else None
    program = table.get("meson") if isinstance(table, Mapping) else None
    return program if isinstance(program, str) else ""


def _hooks(settings: Mapping[str, Any]) -> Iterator[str]:
    """Give the paths and names of what a build calls, whatever it is called: hooks and commands."""
    waiting: list[tuple[str, object]] = [("", settings)]
    while waiting:
        above, value = waiting.pop()
        if isinstance(value, Mapping) and value.get("source") == "code":  # of Hatch's version
            yield str(value.get("path", ""))
        for key, each in value.items() if isinstance(value, Mapping) else ():
            of_a_method = key == "module" and above == "method"  # of versioningit
            if isinstance(each, str) and (key in _HOOKS or above in _HOOKS or of_a_method):
                yield each
            elif key in _ENTRY_POINTS and isinstance(each, Mapping):
                for group, names in each.items():
                    yield from _strings(names) if group.startswith(_OF_SETUPTOOLS) else ()
            if isinstance(each, Mapping):
                waiting.append((key, each))
            elif isinstance(each, list):
                waiting += ((key, item) for item in each)
