import warnings

import pytest

from package_gate.scanners.import_time import running_code


def lines(source: str, *, whole: bool = False) -> set[int]:
    """Give the lines that say `hit` in the code that runs."""
    code = running_code(source.encode(), whole=whole).decode()
    assert code.count("\n") == source.count("\n")
    return {number for number, line in enumerate(code.split("\n"), start=1) if "hit" in line}


@pytest.mark.parametrize(
    "source",
    [
        "hit()",
        "if True:\n    hit()",
        "try:\n    hit()\nexcept Exception:\n    pass",
        "class A:\n    hit()",
        "def f():\n    hit()\nf()",
        "def f():\n    hit()\ndef g():\n    f()\ng()",
        "class A:\n    def __init__(self):\n        hit()\nA()",
        "import threading\ndef f():\n    hit()\nthreading.Thread(target=f).start()",
        "import atexit\ndef f():\n    hit()\natexit.register(f)",
        "@atexit.register\ndef f():\n    hit()",
        "def now(f):\n    f()\n@now\ndef f():\n    hit()",
        "@(lambda f: f())\ndef f():\n    hit()",
        "@print\ndef f():\n    hit()",
        "def now(callback):\n    callback()\ndef f():\n    hit()\nnow(callback=f)",
        "import a\ndef f():\n    hit()\na.listen(on_press=f)",
        "globals()['__name__'] = '__main__'\nif __name__ == '__main__':\n    hit()",
        "if __name__ != '__main__':\n    hit()",
        "import builtins\ndef f():\n    hit()\nbuiltins.__import__ = f",
        "hooks = {}\ndef f():\n    hit()\nhooks['a'] = f",
        "x = [hit() for _ in 'a']",
        "(lambda: hit())()",
        "def f(x=hit()):\n    pass",
        "async def f():\n    hit()\nasyncio.run(f())",
        "__name__ = '__main__'\nif __name__ == '__main__':\n    hit()",
        "this is no Python: hit()",
        "hit('\\d')",
        "x = '''\nhit()\n'''",
    ],
)
def test_code_that_runs_on_import(source: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lines(source)


@pytest.mark.parametrize(
    "source",
    [
        "# hit",
        '"""\nhit()\n"""',
        "def f():\n    hit()",
        "async def f():\n    hit()",
        "class A:\n    def f(self):\n        hit()",
        "def f():\n    def g():\n        hit()\n    return g\nf()",
        "def f():\n    hit()\ng = f",
        "import functools\n@functools.cache\ndef f():\n    hit()",
        "import pytest\n@pytest.mark.slow\ndef f():\n    hit()",
        "class A:\n    @property\n    def f(self):\n        hit()",
        "import click\ndef f():\n    hit()\nclick.Option(callback=f)",
        "if __name__ == '__main__':\n    hit()",
        "def f():\n    hit()\ndef g():\n    f()",
    ],
)
def test_code_that_waits_to_be_called(source: str) -> None:
    assert not lines(source)


def test_in_a_file_that_runs_whole_only_comments_do_not_run() -> None:
    source = "# hit\n'hit'\ndef f():\n    hit()\nif __name__ == '__main__':\n    hit()\n"

    assert lines(source, whole=True) == {4, 6}


def test_a_lone_carriage_return_or_deep_nesting_hides_nothing() -> None:
    assert lines("x\rhit()")
    assert lines("(" * 10_000 + "hit()")
    assert lines("x = " + "-" * 100_000 + "1\nhit()")


def test_a_stray_triple_quote_hides_nothing() -> None:
    assert lines('x = \'"""\'\nhit()')
