"""What a `setup.py` says its installation puts where others read: see `archive.declared`."""

import ast
import posixpath
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from package_gate.archive.environment import Own, judge_place
from package_gate.archive.owners import is_foreign_command, is_foreign_module
from package_gate.core.folding import UNKNOWN
from package_gate.scanners.behaviour.dataflow import Flow

_MODULES = {"py_modules", "packages", "package_dir"}
_OPTIONS = {"name", "data_files", "scripts", "entry_points", *_MODULES}


def installed_for_others(
    options: list[tuple[str, ast.expr]], flow: Flow, name: str
) -> Iterator[tuple[str, ast.expr]]:
    """Yield the rule and the value of each option of setuptools that places something so.

    Args:
        options: the names of keyword arguments and the keys of dictionaries, with their values.
        flow: of the file.
        name: the distribution's; "" to believe what the file says.
    """
    named = name or canonicalize_name(
        next((flow.text(value) for option, value in options if option == "name"), "")
    )
    for option, value in options:
        if option == "data_files" and _places_for_others(value, flow, named):
            yield "changes-tools", value
        elif option in ("scripts", "entry_points"):
            texts = [t for each in _scripts(value, flow) for t in flow.text(each).split("\n")]
            commands = {posixpath.basename(text.partition("=")[0].strip()) for text in texts}
            if any(is_foreign_command(each, named) for each in commands):
                yield "changes-tools", value
        elif option in _MODULES and any(
            is_foreign_module(each, named) for each in _modules(value, flow)
        ):
            yield "changes-other-packages", value


def is_option(key: str) -> bool:
    """Whether setuptools calls something that is installed so, or the project's name."""
    return key in _OPTIONS


def _scripts(value: ast.expr, flow: Flow) -> Iterator[ast.expr]:
    """Yield what names programs: of a dictionary of entry points, the groups of programs."""
    if isinstance(value, ast.Dict):
        for key, each in zip(value.keys, value.values, strict=True):
            if key is not None and flow.text(key) in ("console_scripts", "gui_scripts"):
                yield each
    else:
        yield value


def _modules(value: ast.expr, flow: Flow) -> Iterator[str]:
    """Yield the names of modules: of a dictionary, its keys."""
    keys = [each for each in value.keys if each] if isinstance(value, ast.Dict) else [value]
    for each in keys:
        yield from (text.strip().partition(".")[0] for text in flow.text(each).split("\n"))


def _places_for_others(value: ast.expr, flow: Flow, name: str) -> bool:
    own = Own(name, frozenset())
    for folder, files in _data_files(value, flow):
        for file in files or ["made"]:
            place = posixpath.normpath(posixpath.join(folder, posixpath.basename(file)))
            if UNKNOWN in place:
                continue
            place = place.lstrip("/")  # as wheels are made
            if place.startswith("..") or judge_place(place, own) == "environment-file":
                return True
            if place.startswith("bin/") and is_foreign_command(place[4:], name):
                return True
    return False


def _data_files(value: ast.expr, flow: Flow) -> Iterator[tuple[str, list[str]]]:
    """Yield folders, and the files that are put there."""
    waiting = [value]
    for each in waiting:  # it grows meanwhile
        if isinstance(each, ast.Name) and len(waiting) < 1000:
            waiting += flow.feeds(each.id)
        elif isinstance(each, ast.BinOp):
            waiting += (each.left, each.right)
        elif isinstance(each, ast.List | ast.Tuple):
            pair = len(each.elts) == 2 and not isinstance(each.elts[0], ast.List | ast.Tuple)
            if pair and isinstance(each, ast.Tuple):
                files = flow.text(each.elts[1]).split("\n")
                yield flow.text(each.elts[0]), [text for text in files if text]
            else:
                waiting += each.elts
