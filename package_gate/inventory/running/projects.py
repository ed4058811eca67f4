"""Where the project of an unpacked source tree is, and which of its folders it calls packages."""

import ast
import posixpath
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from package_gate.core.syntax import NotPythonError, TooHardError, parse
from package_gate.inventory.formats.setup_cfg import lines, read_setup_cfg

_BUILT = ("pyproject.toml", "setup.py")
_MAX_BYTES = 1024 * 1024
_TOP = ("", ".")
"""How a list of packages names the project's own folder."""


def project_folders(tree: Path) -> tuple[str, ...]:
    """Name the folders that an installer may build, each with a final `/`; "" is the top.

    It takes what is at the top, or else a folder there, whatever that is called. Where there is
    nothing to build, it may be any of them.

    Args:
        tree: an unpacked source archive.
    """
    if any(Path(tree, name).is_file() for name in _BUILT):
        return ("",)
    folders = sorted(path for path in tree.iterdir() if path.is_dir())
    found = [path for path in folders if any(Path(path, name).is_file() for name in _BUILT)]
    return tuple(f"{path.name}/" for path in found) or ("", *(f"{path.name}/" for path in folders))


def package_folders(project: Path) -> dict[str, set[str]]:
    """Give the folders that settings of setuptools say packages are in: package → folders.

    What a `setup.py` puts under a text, in any of its dictionaries, may be one.

    Args:
        project: the project's folder.

    Raises:
        OSError: a file can't be read.
    """
    found: dict[str, set[str]] = {}
    pairs = (*_of_toml(project), *_of_cfg(project), *_of_setup(project))
    for package, folder in pairs:
        found.setdefault(package, set()).add(posixpath.normpath(folder.replace("\\", "/")))
    return found


def takes_all(project: Path) -> bool:
    """Whether the project's own folder is a package, with whatever is in it.

    Raises:
        OSError: a file can't be read.
    """
    named = (name for name, folders in package_folders(project).items() if "." in folders)
    settings = read_setup_cfg(_text(project, "setup.cfg"))
    return (
        Path(project, "__init__.py").exists()
        or any(named)
        or any(each in _TOP for each in lines(settings, "options", "packages"))
        or any(map(_lists_top, ast.walk(_module(project))))
    )


@lru_cache(maxsize=2)
def parsed(code: str) -> ast.Module | None:
    """Parse a file of a build, once for all who look at it; None for what can't be parsed."""
    try:
        return parse(code)
    except (NotPythonError, TooHardError, RecursionError, MemoryError):
        return None


def texts_in(code: bytes) -> list[str]:
    """Give the texts of a file of a build as it has them when it runs: whole, without escapes."""
    module = parsed(code.decode("utf-8", "replace"))
    nodes = ast.walk(module) if module else ()
    values = (getattr(node, "value", None) for node in nodes)
    return [each for each in values if isinstance(each, str)]


def _text(project: Path, name: str) -> str:
    path = Path(project, name)
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode("utf-8", "replace")


def _of_toml(project: Path) -> Iterator[tuple[str, str]]:
    try:
        value: object = tomllib.loads(_text(project, "pyproject.toml"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return  # nothing can be built with it
    for key in ("tool", "setuptools", "package_dir"):
        known = value.items() if isinstance(value, Mapping) else ()
        value = {name.lower().replace("-", "_"): each for name, each in known}.get(key)
    for package, folder in value.items() if isinstance(value, Mapping) else ():
        if isinstance(folder, str):
            yield package, folder


def _of_cfg(project: Path) -> Iterator[tuple[str, str]]:
    for line in lines(read_setup_cfg(_text(project, "setup.cfg")), "options", "package_dir"):
        package, equals, folder = line.partition("=")
        if equals:
            yield package.strip(), folder.strip()


def _module(project: Path) -> ast.Module:
    """Parse the `setup.py`; one that isn't there, or can't be parsed, is empty."""
    return parsed(_text(project, "setup.py")) or ast.Module([], [])


def _of_setup(project: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(_module(project)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield from _pair(key, value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
            for each in node.keywords:
                yield from _pair(ast.Constant(each.arg), each.value)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    yield from _pair(target.slice, node.value)


def _pair(key: ast.expr | None, value: ast.expr) -> Iterator[tuple[str, str]]:
    """Give a package and its folder, if they are texts, or the folder is what is joined of such."""
    parts = [value]
    if isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "join":
        parts = value.args
    texts = [each.value for each in parts if isinstance(each, ast.Constant)]
    plain = [each for each in texts if isinstance(each, str)]
    name = key.value if isinstance(key, ast.Constant) else None
    if isinstance(name, str) and plain and len(plain) == len(parts):
        yield name, posixpath.join(*plain)


def _lists_top(node: ast.AST) -> bool:
    """Whether an option of a `setup.py` lists the project's own folder as a package."""
    if not isinstance(node, ast.keyword) or node.arg != "packages":
        return False
    inside = ast.walk(node.value) if isinstance(node.value, ast.List | ast.Tuple) else ()
    return any(isinstance(each, ast.Constant) and each.value in _TOP for each in inside)
