"""Which folders beside the packages of a source tree its build leaves out.

Settings that name one of these folders may mean it, and so may those that name none: patterns, and
what a `setup.py` lists or works out. A `setup.py` names its packages when these are texts and
lists that are written there, and what `find_packages` gives, which takes folders with an
`__init__.py` only.
"""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.inventory.running.build_reach import STARTS
from package_gate.inventory.running.projects import project_folders, takes_all, texts_in

_BESIDE_PACKAGES = frozenset(
    {"benchmarks", "demos", "doc", "docs", "documentation", "example", "examples", "samples"}
    | {"test", "tests", "tutorials", "ci", "scripts", "tasks", "tools"}
)
"""Folders that are no packages. What is in them often reads a key and uses it: oss2's examples."""
_FOUND_ALONE = {"demos", "samples", "tutorials"}
"""Those of them that setuptools takes by itself where there is no other."""
_SETTINGS = ("setup.cfg", "pyproject.toml", "hatch.toml", "meson.build", "CMakeLists.txt", *STARTS)
_MAX_BYTES = 1024 * 1024
_WORD = re.compile(rb"\w+")
_NAME = re.compile(rb"'name': '(\w+)'")
"""A project's name, of which Poetry and uv make a package's, in small letters."""
_ANY_FOLDER = re.compile(rb"namespace|\\[uUxN]|PEP420|bypass-sel|\.\./[^\n\"']*[*?]")
"""What makes a build take folders without an `__init__.py`, or hides a word."""
_LISTS = re.compile(
    rb"\b(?:i?r?glob|listdir|scandir|iterdir|f?walk)\b|\bcopy_?(?:tree|file)|\bcopy2\b"
    rb"|\b(?:move|renames?|symlink)\b|shutil\.copy\b"
)
"""What finds files that nobody names, or moves them to where a build takes them."""
_TABLES = (("hatch", "build"), ("pdm",), ("poetry",), ("maturin",), ("setuptools",), ("flit",),
           ("scikit-build",), ("uv", "build-backend"), ("distutils",),
           ("meson-python",))  # fmt: skip
"""Where build tools are told what to pack."""
_BUILDERS = ("setuptools", "hatchling", "pdm", "poetry", "maturin", "flit", "scikit_build_core",
             "uv_build", "mesonpy")  # fmt: skip
"""How backends are called that read these tables, and nothing else that says what to pack."""
_OF_THE_PROJECT = ("name", "scripts", "gui-scripts", "entry-points")
"""What may name a folder in the table of the project; most says what others are to read."""
_PACKS = {"include", "includes", "only-include", "packages", "artifacts", "force-include", "data",
          "data-files"}  # fmt: skip
"""Keys of patterns there."""
_OTHERS = {"sdist", "hooks", "from", "to", "format", "dependencies", "group"}
"""Keys of what is no pattern, or says nothing about a wheel."""
_OF_PEOPLE = {"dependencies", "dev-dependencies", "group", "extras", "urls", "keywords",
              "classifiers", "readme", "documentation", "homepage", "repository"}  # fmt: skip
"""Keys of requirements and descriptions in the table of a build tool."""
_OF_LINTERS = re.compile(
    rb"^\[(?:flake8|pycodestyle|pep8|isort|mypy|pylint|yapf|pydocstyle|coverage|tool:pytest|pytest"
    rb"|doc8|tox|bumpversion)\b[^\n]*\n(?:[^\[\n][^\n]*\n?|\n)*",
    re.MULTILINE,
)
_PLAIN = re.compile(r"[\w-][\w.-]*")
_OF_DATA = re.compile(r"[\w*?.-]*\.(?!py)\w+")
_OPTIONS = {"packages", "package_dir", "py_modules", "configuration"}
_FINDS = {
    *("find_packages", "setuptools.find_packages", "PackageFinder.find"),
    *("list", "tuple", "set", "sorted", "dict"),
    *("os.path.join", "path.join", "os.path.dirname", "path.dirname", "dirname"),
    *("os.path.abspath", "path.abspath", "abspath", "os.path.realpath"),
}
"""Functions that give no text which isn't written there, and of folders only packages."""
_ADDS = {"append", "extend", "insert", "update", "add", "setdefault"}


def left_out(tree: Path) -> frozenset[str]:
    """Name the folders beside packages that no setting of a build may mean.

    Args:
        tree: an unpacked source archive; its project is at the top or in a folder there.

    Raises:
        OSError: a file can't be read.
    """
    if any(takes_all(Path(tree, folder)) for folder in project_folders(tree)):
        return frozenset()
    hidden = (each.name for each in (*tree.glob(".*"), *tree.glob("*/.*")) if each.is_dir())
    found = {*_BESIDE_PACKAGES, *hidden}
    words: set[bytes] = set()
    for name in _SETTINGS:
        for path in (*tree.glob(name), *tree.glob(f"*/{name}")):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
                return frozenset()
            text = path.read_bytes()
            said = _said(path, text)
            if any(map(_ANY_FOLDER.search, said)) or _may_mean_more(path, text):
                return frozenset()
            for each in said:
                words.update(_WORD.findall(each))
                words.update(name.lower() for name in _NAME.findall(each))
    places = {path.relative_to(tree).parts[-2] for path in _modules_below(tree)}
    if places <= _BESIDE_PACKAGES:
        found -= _FOUND_ALONE
    named = {each.decode() for each in words}
    return frozenset(each for each in found if each not in named and each.lstrip(".") not in named)


def _said(path: Path, text: bytes) -> list[bytes]:
    """Give the texts of a setting that a build reads, as written and as their reader has them.

    Of a `pyproject.toml` these are the tables of builds, and of a `setup.cfg` what is not about
    linters and tests: they name folders which nobody packs.
    """
    if path.name == "pyproject.toml":
        with suppress(tomllib.TOMLDecodeError, RecursionError):
            read = _of_builds(tomllib.loads(text.decode("utf-8", "replace")))
            # Without namespaces it finds folders with an `__init__.py` only.
            found = str(read).replace("'namespaces': False", "")
            return [found.encode("utf-8", "replace")]
    elif path.suffix == ".toml":
        with suppress(tomllib.TOMLDecodeError, RecursionError):
            whole = tomllib.loads(text.decode("utf-8", "replace"))
            return [text, str(whole).encode("utf-8", "replace")]
    elif path.name == "setup.cfg":
        return [_OF_LINTERS.sub(b"", text)]
    elif path.name in STARTS:
        return [text, " ".join(texts_in(text)).encode("utf-8", "replace")]
    return [text]


def _of_builds(settings: Mapping[str, object]) -> Mapping[str, object]:
    """Give what a build reads of a `pyproject.toml`; all of it when nobody knows what builds."""
    backend = str(_below(settings, "build-system", "build-backend") or "setuptools")
    if not backend.startswith(_BUILDERS) or _below(settings, "build-system", "backend-path"):
        return settings
    return {
        "build-system": settings.get("build-system"),
        "project": [_below(settings, "project", name) for name in _OF_THE_PROJECT],
        "tool": [_packed(_below(settings, "tool", *names)) for names in _TABLES],
    }


def _packed(table: object) -> object:
    """Give a table of a build tool without what it says about requirements and for people."""
    if not isinstance(table, Mapping):
        return table
    return {key: value for key, value in table.items() if key not in _OF_PEOPLE}


def _modules_below(tree: Path) -> Iterator[Path]:
    """Yield the modules in folders of the projects."""
    for name in ("setup.py", "pyproject.toml"):
        for path in (*tree.glob(name), *tree.glob(f"*/{name}")):
            yield from path.parent.glob("*/*.py")


def _may_mean_more(path: Path, text: bytes) -> bool:
    """Whether a setting may mean folders that it doesn't name."""
    if path.suffix == ".toml":
        try:
            return _of_tables(path, tomllib.loads(text.decode("utf-8", "replace")))
        except (tomllib.TOMLDecodeError, RecursionError):
            return False  # nothing can be built with it
    if path.name not in STARTS:
        return False
    if _LISTS.search(text):
        return True
    try:
        return path.name == "setup.py" and _Setup(parse(text.decode("utf-8", "replace"))).computes()
    except NotPythonError:
        return False
    except (TooHardError, RecursionError, MemoryError):
        return True


def _of_tables(path: Path, settings: Mapping[str, object]) -> bool:
    tools = {"hatch": settings} if path.name == "hatch.toml" else settings.get("tool")
    patterns = [each for names in _TABLES for each in _patterns(_below(tools, *names))]
    if _is_of_hatch(settings) and not patterns and not _has_package(path.parent, settings):
        return True
    return any(_may_mean(path.parent, each) for each in patterns)


def _is_of_hatch(settings: Mapping[str, object]) -> bool:
    return "hatchling" in str(_below(settings, "build-system", "build-backend"))


def _has_package(project: Path, settings: Mapping[str, object]) -> bool:
    """Whether there is a package of the project's name, which Hatch takes if it isn't told more."""
    name = re.sub(r"[-.]+", "_", str(_below(settings, "project", "name"))).lower()
    places = ("*.py", "*/__init__.py", "src/*/__init__.py", "*/*/__init__.py")
    found = (each for place in places for each in project.glob(place))
    return any(name in (each.stem.lower(), each.parent.name.lower()) for each in found)


def _below(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _patterns(value: object, *, packs: bool = False) -> Iterator[str]:
    """Yield what says which files are packed."""
    if isinstance(value, str) and packs:
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _patterns(each, packs=packs)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key == "force-include" and isinstance(each, Mapping):
                yield from each
            elif key == "find" and packs:
                yield from _found(each)
            elif key not in _OTHERS:
                yield from _patterns(each, packs=packs or key in _PACKS)


def _found(settings: object) -> Iterator[str]:
    """Yield the folders of what setuptools takes for packages that may have no `__init__.py`."""
    options = settings if isinstance(settings, Mapping) else {}
    if options.get("namespaces") is False:
        return
    named, places = options.get("include"), options.get("where")
    if isinstance(named, list) and named:
        yield from (str(each).partition(".")[0] for each in named)
    else:
        yield from places if isinstance(places, list) and places else ["*"]


def _may_mean(project: Path, pattern: str) -> bool:
    """Whether a pattern may match files of a folder that it doesn't name."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if pattern.startswith("!"):
        return False
    if not parts or ".." in parts:
        return True
    if _OF_DATA.fullmatch(parts[-1]):
        return False
    if not _PLAIN.fullmatch(parts[0]):
        return True
    # Hatch and PDM take a single name for one at any depth.
    alone = len(parts) == 1 and not pattern.startswith("/")
    beside = (project / folder for folder in _BESIDE_PACKAGES) if alone else ()
    return any(any(folder.rglob(parts[0])) for folder in beside)


class _Setup:
    """A `setup.py`."""

    def __init__(self, module: ast.Module) -> None:
        self._nodes = list(ast.walk(module))
        self._values: dict[str, list[ast.expr]] = {}
        """What names may stand for."""
        self._items: dict[str, list[ast.expr]] = {}
        """What stands in them under keys that are written there."""
        self._own = {name for node in self._nodes for name in _defined(node)}
        """What may be another function than its name says."""
        self._seen: set[str] = set()
        for node in self._nodes:
            for target, value in _assigned(node):
                named = isinstance(target, ast.Subscript) and _text_of(target.slice)
                into = self._items if named else self._values
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        into.setdefault(name.id, []).append(value)

    def computes(self) -> bool:
        """Whether it works out what its packages are."""
        return not all(map(self._is_written, self._options()))

    def _options(self) -> Iterator[ast.expr]:
        for node in self._nodes:
            if isinstance(node, ast.keyword):
                if node.arg in _OPTIONS:
                    yield node.value
            elif isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                yield from (value for key, value in pairs if getattr(key, "value", 0) in _OPTIONS)
            elif isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                named = (
                    each.attr
                    if isinstance(each, ast.Attribute)
                    else getattr(getattr(each, "slice", None), "value", "")
                    for each in targets
                )
                yield from (node.value for name in named if name in _OPTIONS)
            if isinstance(node, ast.Call) and _dotted(node.func).endswith("setup"):
                given = [each.value for each in node.keywords if each.arg is None]
                yield from (each for each in given if not self._names_all(each))

    def _names_all(self, options: ast.expr) -> bool:
        """Whether the names of options that are given together are written there."""
        if isinstance(options, ast.Name):
            values = self._values.get(options.id, [])
            return bool(values) and all(
                isinstance(each, ast.Dict | ast.Call) and self._names_all(each) for each in values
            )
        if isinstance(options, ast.Dict):
            return all(isinstance(key, ast.Constant) for key in options.keys)
        return (
            isinstance(options, ast.Call) and _dotted(options.func) == "dict" and not options.args
        )

    def _is_written(self, value: ast.expr) -> bool:
        """Whether all texts of a value are written there, as they are."""
        if isinstance(value, ast.Name):
            if value.id in self._seen or value.id == "__file__":
                return True
            self._seen.add(value.id)
            values = self._values.get(value.id, [])
            held = (*values, *self._items.get(value.id, ()))
            return bool(values) and all(map(self._is_written, held))
        if isinstance(value, ast.Call):
            name = _dotted(value.func)
            known = name in _FINDS and name.partition(".")[0] not in self._own | self._values.keys()
            given = (*value.args, *(each.value for each in value.keywords))
            return known and all(map(self._is_written, given))
        if isinstance(value, ast.BinOp | ast.JoinedStr):
            return self._adds(value)
        if isinstance(value, ast.Subscript):
            return isinstance(value.value, ast.Dict | ast.Name) and self._is_written(value.value)
        if isinstance(value, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return self._is_written(value.elt)
        below = [each for each in ast.iter_child_nodes(value) if isinstance(each, ast.expr)]
        kinds = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Starred, ast.IfExp)
        return isinstance(value, kinds) and all(map(self._is_written, below))

    def _adds(self, value: ast.BinOp | ast.JoinedStr) -> bool:
        """Whether lists are added, or something is put behind a package's name and a dot."""
        parts = value.values if isinstance(value, ast.JoinedStr) else _summands(value)
        texts = [self._text(each) for each in parts]
        if not any(texts):
            return isinstance(value, ast.BinOp) and all(map(self._is_written, parts))
        first, second = (*texts, "")[:2]
        plain = _PLAIN.fullmatch(first) is not None and second.startswith((".", "/"))
        return plain or re.match(r"[\w-]+[./]", first) is not None

    def _text(self, value: ast.expr) -> str:
        """Give a text that is written there; "" for another."""
        if isinstance(value, ast.FormattedValue):
            value = value.value
        if isinstance(value, ast.Name):
            values = self._values.get(value.id, [])
            value = values[0] if len(values) == 1 else value
        return _text_of(value)


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what a node gives values to, with them."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and node.value:
        yield node.target, node.value
    elif isinstance(node, ast.For | ast.comprehension):
        yield node.target, node.iter
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _ADDS:
        yield from ((node.func.value, each) for each in node.args)  # type: ignore[attr-defined]


def _text_of(value: ast.expr) -> str:
    text = getattr(value, "value", "")
    return text if isinstance(text, str) else ""


def _summands(value: ast.expr) -> Iterable[ast.expr]:
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return [*_summands(value.left), *_summands(value.right)]
    return [value]


def _defined(node: ast.AST) -> Iterator[str]:
    """Yield names that a node gives to something that isn't of setuptools or Python."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.ImportFrom):
        if (node.module or "").partition(".")[0] not in ("setuptools", "os"):
            yield from (each.asname or each.name for each in node.names)
    elif isinstance(node, ast.Import):
        yield from (each.asname for each in node.names if each.asname)


def _dotted(function: ast.expr) -> str:
    """Give a dotted name; "" for what is none."""
    if isinstance(function, ast.Attribute):
        above = _dotted(function.value)
        return f"{above}.{function.attr}" if above else ""
    return function.id if isinstance(function, ast.Name) else ""
