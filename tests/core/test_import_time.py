import warnings

import pytest

from package_gate.core.import_time import running_code


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
        # An object is called, or what a name that was imported stands for since.
        "class A:\n    def __call__(self):\n        hit()\na = A()\na()",
        "from x import f\nclass A:\n    def __call__(self):\n        hit()\nf = A()\nf()",
        # `super()` goes to a base, and to a class beside it.
        "class A:\n    def go(self):\n        hit()\nclass B(A):\n    def __init__(self):\n"
        "        super().go()\nB()",
        "class A:\n    def __init__(self):\n        super().go()\n"
        "class B:\n    def go(self):\n        hit()\nclass C(A, B):\n"
        "    def __init__(self):\n        A.__init__(self)\nC()",
        "class A:\n    def __init__(self):\n        super().go()\n"
        "class B:\n    def go(self):\n        hit()\ntype('C', (A, B), {})()",
        "class M(type):\n    def go(cls):\n        hit()\nclass A(metaclass=M):\n    pass\nA.go()",
        "class A:\n    @classmethod\n    def go(cls):\n        hit()\nclass B(A):\n"
        "    pass\nB.go()",
        "def now():\n    def run(f):\n        f()\n    return run\n@now()\ndef f():\n    hit()",
        "from atexit import register\ndef now():\n    return register\n@now()\ndef f():\n    hit()",
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
        "from x import f\nclass A:\n    def __call__(self):\n        hit()\na = A()\nf(a)",
        "class A:\n    def __init__(self):\n        super().__init__()\n"
        "class B:\n    def __init__(self):\n        hit()\nA()\nb = B",
        "class A:\n    @classmethod\n    def go(cls):\n        pass\n"
        "class B:\n    def go(self):\n        hit()\nA.go()\nb = B",
        "from x import utils\ndef wrap():\n    return utils.same\n@wrap()\ndef f():\n    hit()",
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
