"""Variables of a file's functions have names of their own."""

import ast

import pytest

from package_gate.core.scopes import MARK, plain, tell_apart, unparsed


def names(source: str) -> set[str]:
    """Give the names that `path` has in the file."""
    module = ast.parse(source)
    tell_apart(module)
    assert unparsed(module) == ast.unparse(ast.parse(source))
    found = {each.id for each in ast.walk(module) if isinstance(each, ast.Name)}
    found |= {each.arg for each in ast.walk(module) if isinstance(each, ast.arg)}
    return {each for each in found if plain(each) == "path"}


@pytest.mark.parametrize(
    ("source", "variables"),
    [
        ("path = 1\nprint(path)", 1),
        ("path = 1\ndef f():\n    return path", 1),
        ("path = 1\ndef f():\n    path = 2\n    return path", 2),
        ("def f():\n    path = 1\ndef g():\n    path = 2", 2),
        ("def f(path):\n    def g():\n        return path", 1),
        ("def f(path):\n    def g(path):\n        return path", 2),
        ("path = 1\ndef f():\n    global path\n    path = 2", 1),
        ("def f():\n    path = 1\n    def g():\n        nonlocal path\n        path = 2", 1),
        ("path = 1\n[path for path in path]", 2),
        ("def f():\n    [(path := x) for x in y]\n    return path", 1),
        ("path = 1\nlambda path: path", 2),
        ("class A:\n    path = 1\n    def f(self):\n        return path", 1),
        ("def f(path):\n    class A:\n        path = 1\n    return path", 2),
        ("def f():\n    import path\n    return path", 1),
        ("def f(path):\n    def g():\n        import path\n        return path", 2),
        ("def f(path):\n    def g():\n        global path\n        return path", 2),
        ("def f(x):\n    match x:\n        case [path]:\n            return path\npath", 2),
    ],
)
def test_each_variable_has_its_name(source: str, variables: int) -> None:
    assert len(names(source)) == variables


def test_code_is_written_as_it_was_wherever_a_name_stands() -> None:
    source = "def f(path):\n    return f'{path}: {[each for each in path]}'"
    module = ast.parse(source)
    tell_apart(module)

    assert unparsed(module) == source
    assert len(names(source)) == 1
    returned = module.body[0].body[0].value.values[0].value  # type: ignore[attr-defined]
    assert plain(returned.id) != returned.id


def test_no_text_of_a_file_is_taken_for_such_a_name() -> None:
    source = f"x = '{MARK}1'"
    module = ast.parse(source)
    tell_apart(module)

    assert ast.literal_eval(unparsed(module).removeprefix("x = ")) == f"{MARK}1"
