import ast
import sys

import pytest

from package_gate.core import newer_syntax
from package_gate.core.newer_syntax import in_older_syntax
from package_gate.core.syntax import NotPythonError, TooHardError, deep_recursion, parse

NEW = [
    # 3.12
    ("f'{d['a']}'", "(d['a'])"),
    ("f'{x!r:>{w}}b' 'c'", "(x) + '>' + (w) + 'b' + 'c'"),
    ("f'{f'{1}'}{{}}'", "((1)) + '{}'"),
    ("f'{'\\n'.join(a)}\\N{BULLET}'", "('\\n'.join(a)) + '•'"),
    ("rf'\\{x}\\d'", "'\\\\' + x + '\\\\d'"),
    ("f'{x = }'", "x"),
    ("f'''{\nx # why\n}'''", "x"),
    ("f'{(lambda a: a != 1)(2):%H:%M}'", "(lambda a: a != 1)(2) + '%H:%M'"),
    ("print(f'a'\n  # why\n  f'{b}' % 3)", "print(('a' + b) % 3)"),
    ("def f[T: int, *Ts, **P](a: T) -> T: pass", "def f(a: T) -> T: pass\nint"),
    ("class A[\n  T, # why\n](B): pass", "class A(B): pass"),
    ("async def f[T = g('x')](): pass", "async def f(): pass\ng('x')"),
    ("type X[T] = list[T]", "pass; X = list[T]"),
    ("if a: type type = int", "if a: pass; type = int"),
    # 3.14
    ("t'{x}'", "x"),
    ("try: a\nexcept A, B.c(1, 2): b", "try: a\nexcept (A, B.c(1, 2)): b"),
    ("try: a\nexcept* A, B: b", "try: a\nexcept* (A, B): b"),
    # 3.15
    ("lazy import os", "pass; import os"),
    ("lazy from a import b", "pass; from a import b"),
    ("[*x for x in y]", "[x for x in y]"),
    ("{**d async for d in e}", "{d async for d in e}"),
]


@pytest.mark.parametrize(("new", "old"), NEW)
def test_newer_syntax_is_said_in_older_words(new: str, old: str) -> None:
    assert ast.dump(ast.parse(in_older_syntax(new))) == ast.dump(ast.parse(old))


@pytest.mark.parametrize("new", [new for new, _ in NEW])
def test_so_it_can_be_parsed_by_any_python_of_the_gate(new: str) -> None:
    assert parse(f"{new}\nafter = 1\n").body[-1 if "T: int" not in new else -2]


def test_lines_keep_their_numbers() -> None:
    text = "def f[\n T,\n](): pass\nx = f'''{\n1}\n{d['''a''']}'''\nlast()\n"

    older = ast.parse(in_older_syntax(text))

    assert older.body[-1].lineno == 8 - 1


@pytest.mark.parametrize(
    "text",
    [
        "type = 1\ntype(x)\nprint(type[1])\n",
        "lazy = 2\nf = t = rf = 3\n",
        "f(*a)\n[*a, *b]\n{**a}\nx = '''f'{'''\n",
        "try: a\nexcept (A, B) as c: d\n",
        "x = 'unterminated\n",
        "f'{'\n",
    ],
)
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert in_older_syntax(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "print 'x'\n",
        "exec code in space\n",
        "raise E, 'x'\n",
        "x = 0777\n",
        "x = `y`\n",
        "try: a\nexcept A, e:\n    print e\n",
        "def f(a, (b, c)): pass\n",
        "from {{ cookiecutter.name }} import x\nf'{x}'\n",
        "class\n",
        "mode = {'f': 1, 't': 2}\nprint 'x'\n",
        "\ufeff\ufeffx = 1\n",
    ],
)
def test_what_no_python_parses_is_no_python(text: str) -> None:
    with pytest.raises(NotPythonError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "lambda:" * 6000 + "x",
        "x" + ".f()" * 50_000,
        "-" * 20_000 + "x",
        "if a: pass\n" + "elif b: pass\n" * 20_000,
        "(" * 300 + "x" + ")" * 300,
        "[" * 300 + "x" + "]" * 300,
        "\n".join(" " * depth + "if x:" for depth in range(150)) + "\n" + " " * 150 + "y",
        "x = 1\0\n",
        "x = 1 # \0\n",
    ],
)
def test_what_a_python_may_run_but_the_gate_cannot_parse_is_too_hard(text: str) -> None:
    with pytest.raises(TooHardError):
        parse(text)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python parses it, or knows it can't")
@pytest.mark.parametrize(
    "text", ["f'{x y}'\n", "type X = = 1\n", "f'{d['a']}' f\n", "x = (\nf'{d['a']}'\ny z\n"]
)
def test_what_only_a_newer_python_knows_about_is_too_hard(text: str) -> None:
    with pytest.raises(TooHardError, match="newer"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["x" + ".f()" * 1480, "x" + "+ 'a'" * 2500, "if a: pass\n" + "elif b: pass\n" * 1000]
)
def test_what_is_deep_but_possible_is_parsed(text: str) -> None:
    with deep_recursion():
        assert parse(text).body


def test_the_limit_of_recursion_is_restored() -> None:
    before = sys.getrecursionlimit()
    with pytest.raises(ZeroDivisionError), deep_recursion():
        raise ZeroDivisionError

    assert sys.getrecursionlimit() == before


def test_syntax_up_to_the_newest_python_is_known() -> None:
    assert max(version for version, _ in newer_syntax._NEW) == newer_syntax.NEWEST
    assert sys.version_info[:2] <= newer_syntax.NEWEST, "the gate runs on an unknown Python"


def test_more_than_can_be_followed_is_not_parsed() -> None:
    with pytest.raises(TooHardError, match="2,000,000 names"):
        parse("x = [" + "1," * 1_000_000 + "]\n")


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
def test_a_long_text_is_one_of_them(quote: str) -> None:
    module = parse(f"x = {quote}{'a + ' * 1_000_000}{quote}\n# {'b - ' * 1_000_000}\n")

    assert len(module.body) == 1


def test_why_there_is_no_tree_is_told_again() -> None:
    for _ in range(2):
        with pytest.raises(NotPythonError):
            parse("print 'x' 'y' z\n")
        with pytest.raises(TooHardError, match="NUL"):
            parse("x = 1\0\n")
