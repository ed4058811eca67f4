"""The parts of the project and who imports whom; see `[tool.importlinter]` in pyproject.toml.

import-linter keeps the layers of `package_gate`. Here are the scripts and the benchmarks as well,
and how large a part may become.
"""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tests.local_run import PROJECT

MOST_NODES = 26
LARGEST_SHARE = 1 / 5
MOST_ARGUMENTS = 7
MODULES = sorted(
    path
    for pattern in ("*.py", "benchmarks/*.py", "package_gate/**/*.py")
    for path in PROJECT.glob(pattern)
)


def node(module: str) -> str:
    """Name the part that a module belongs to: a script, `benchmarks`, or a part of the gate."""
    parts = module.split(".")
    return parts[1] if parts[0] == "package_gate" and len(parts) > 1 else parts[0]


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """Give the modules that a module names, wherever in it the statement stands."""
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


NODES = {node(module_name(path)) for path in MODULES}


@cache
def trees() -> dict[Path, ast.Module]:
    """Parse all modules, when a test asks: this module is imported by every process of a run."""
    return {path: ast.parse(path.read_text()) for path in MODULES}


def edges() -> set[tuple[str, str]]:
    """Give who imports whom."""
    return {
        (node(module_name(path)), to)
        for path, tree in trees().items()
        for name in imports(tree)
        if name.startswith(("package_gate.", "benchmarks."))
        for to in [node(name) if node(name) in NODES else "package_gate"]
        if to != node(module_name(path))
    }


def layers() -> list[set[str]]:
    """Give the layers from top to bottom, those that only pyproject.toml knows included."""
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    within = contracts["contracts"][0]["layers"]
    inner = [{name.strip() for name in layer.split("|")} for layer in within]
    scripts = {path.stem for path in PROJECT.glob("*.py")}
    return [scripts, {"benchmarks"}, *inner, {"package_gate"}]


def test_the_parts_are_few_and_each_has_its_layer() -> None:
    assert len(NODES) <= MOST_NODES
    assert Counter(name for layer in layers() for name in layer) == Counter(NODES)


def test_imports_point_downwards_and_never_in_a_circle() -> None:
    height = {name: -depth for depth, layer in enumerate(layers()) for name in layer}
    found = edges()
    assert [(a, b) for a, b in sorted(found) if height[a] <= height[b]] == []
    graph = {name: {b for a, b in found if a == name} for name in NODES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(NODES)
    assert {("commands", "pipeline"), ("pipeline", "core"), ("core", "package_gate")} <= found


def test_no_part_holds_more_than_a_fifth_of_the_lines() -> None:
    lines: Counter[str] = Counter()
    for path in MODULES:
        lines[node(module_name(path))] += len(path.read_text().splitlines())
    assert max(lines.values()) <= LARGEST_SHARE * lines.total(), lines.most_common(3)


def test_no_constructor_takes_more_than_seven_arguments() -> None:
    too_many = []
    for path, tree in trees().items():
        for found in ast.walk(tree):
            if isinstance(found, ast.FunctionDef) and found.name == "__init__":
                given = found.args
                names = [*given.posonlyargs, *given.args, *given.kwonlyargs][1:]
                if len(names) > MOST_ARGUMENTS:
                    too_many.append(f"{path.relative_to(PROJECT)}:{found.lineno}")
    assert too_many == []
