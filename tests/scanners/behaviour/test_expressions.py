"""What expressions come to, without running them."""

import ast

import pytest

from package_gate.core import folding
from package_gate.core.folding import UNKNOWN
from package_gate.scanners.behaviour.expressions import Expressions


def last(source: str) -> tuple[Expressions, ast.expr]:
    module = ast.parse(source)
    statement = module.body[-1]
    assert isinstance(statement, ast.Expr)
    return Expressions(list(ast.walk(module))), statement.value


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os as o\no.system", {"os.system"}),
        ("from urllib.request import urlopen as get\nget", {"urllib.request.urlopen"}),
        ("run = eval\nrun", {"eval"}),
        ("import builtins\ngetattr(builtins, 'exec')", {"exec"}),
        ("__import__('os').system", {"os.system"}),
        ("__import__('urllib.request')", {"urllib"}),
        ("import importlib\nimportlib.import_module('a.b').c", {"a.b.c"}),
        ("globals()['__builtins__'].eval", {"eval"}),
        ("import socket\ns = socket.socket()\ns.connect", {"socket.socket().connect"}),
        ("import mss\nwith mss.mss() as m:\n    pass\nm.shot", {"mss.mss().shot"}),
        ("getattr(__import__('so'[::-1]), 'sys' + 'tem')", {"hidden:os.system"}),
        ("N = {'a': 'os', 'b': 'sys'}\n__import__(N['a']).system", {"hidden:os.system"}),
        ("a = b\nb = a\na", set()),
    ],
)
def test_names(source: str, names: set[str]) -> None:
    expressions, expression = last(source)

    assert expressions.names(expression) == names


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("n = {'a': 'x', 'b': 'y'}\nn['b']", "y"),
        ("n = {'a': 'x', 'b': 'y'}\nn['c']", "a\nb\nx\ny"),
        ("'a' + 'b' + c", f"ab{UNKNOWN}"),
        ("'%s.%s' % (a, 'b')", f"{UNKNOWN}.b"),
        ("f'{a}.b'", f"{UNKNOWN}.b"),
        ("'{}.b'.format(a)", f"{UNKNOWN}.b"),
        ("''.join(['a', 'b'])", "ab"),
        ("''.join(map(chr, [104, 105]))", "hi"),
        ("''.join(chr(n ^ 1) for n in [105, 104])", "hi"),
        ("'ih'[::-1]", "hi"),
        ("import base64\nbase64.b64decode('aGk=').decode()", "hi"),
        ("bytes.fromhex('6869')", "hi"),
        ("import codecs\ncodecs.decode('uv', 'rot13')", "hi"),
        ("import os\nos.path.join(os.environ['HOME'], 'a')", "%HOME%/a"),
        ("import pathlib\npathlib.Path.home() / '.ssh' / a", f"~/.ssh/{UNKNOWN}"),
        ("for a in ('b', 'c'):\n    pass\na", "b\nc"),
        ("t = ['a', 'b']\nf = lambda n: t[n]\nf(1)", "b"),
        ("a = a + 'b'\na", f"{UNKNOWN}b"),
    ],
)
def test_texts(source: str, text: str) -> None:
    expressions, expression = last(source)

    assert expressions.text(expression) == text


def test_of_a_long_list_only_what_is_looked_at_becomes_text() -> None:
    class Counted(str):
        looked_at = 0

        def __len__(self) -> int:
            Counted.looked_at += 1
            return super().__len__()

    text = folding.as_text([Counted("a" * 9000)] * 1000)

    assert folding.CUT in text
    assert Counted.looked_at < 20
