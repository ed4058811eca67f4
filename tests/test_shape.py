"""What the code's shape must be, beyond what linters see."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "package_gate"
MOST_PARAMETERS = 7


def parameters(function: ast.FunctionDef) -> int:
    """How many a method has besides the object itself."""
    given = function.args
    return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) - 1


def test_no_constructor_takes_more_than_seven_things() -> None:
    """Who needs more groups what belongs together into a noun."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for each in ast.walk(ast.parse(path.read_text())):
            if isinstance(each, ast.ClassDef):
                for item in each.body:
                    if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                        found[f"{path.relative_to(PACKAGE)}: {each.name}"] = parameters(item)

    assert len(found) > 50, "it looks in the wrong place"
    assert {name for name, number in found.items() if number > MOST_PARAMETERS} == set()
