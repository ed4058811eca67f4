"""What a build puts at the top level of site-packages is judged, whatever has it put there."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.core.finding import Severity
from tests.archive.test_moving import findings

SETUP = "from setuptools import setup\nsetup()\n"
PDM = '[build-system]\nbuild-backend = "pdm.backend"\n'
HATCH = "[tool.hatch.build.targets.wheel]\n"
POETRY = "[tool.poetry.plugins.console_scripts]\n"
SCRIPTS = "[console_scripts]\naws = demo:f\n"

REFUSES: dict[str, tuple[str, Mapping[str, str]]] = {
    "modules are written outside": (
        "build-file",
        {"setup.cfg": "[build_py]\nbuild-lib = /opt/x\n"},
    ),
    "scripts are": ("build-file", {"setup.cfg": "[build_scripts]\nbuild_dir = ../bin\n"}),
    "metadata is": ("build-file", {"setup.cfg": "[egg_info]\negg_base = ~/x\n"}),
    "all is, by a folder of one kind": (
        "build-file",
        {"setup.cfg": "[build]\nbuild_purelib = C:/x\n"},
    ),
    "an installation to elsewhere, in the project's file": (
        "build-file",
        {"pyproject.toml": '[tool.distutils.install_lib]\ninstall-dir = "lib"\n'},
    ),
    "an alias of what installers start": (
        "build-file",
        {"setup.cfg": "[aliases]\nbdist_wheel = install_lib --install-dir=/opt/x bdist_wheel\n"},
    ),
    "a folder of a build": ("foreign-module", {"setup.py": SETUP, "build/lib/boto3/a.py": ""}),
    "a folder of a build for one system": (
        "standard-module",
        {"setup.py": SETUP, "build/lib.linux-x86_64-cpython-311/os.py": ""},
    ),
    "its start-up files": ("startup-module", {"setup.py": SETUP, "build/lib/usercustomize.py": ""}),
    "its scripts": ("entry-point-shadow", {"setup.py": SETUP, "build/scripts-3.11/aws": ""}),
    "the wheel that it made": (
        "environment-file",
        {"setup.py": SETUP, "build/bdist.linux/wheel/demo-1.data/data/etc/ipython/a.py": ""},
    ),
    "another folder of a build": (
        "foreign-module",
        {"setup.cfg": "[build]\nbuild_base = made\n", "made/lib/boto3/__init__.py": ""},
    ),
    "a folder that a command packs": (
        "foreign-module",
        {"setup.cfg": "[install_lib]\nbuild_dir = ./made\n", "made/boto3/__init__.py": ""},
    ),
    "a folder that a command packs, in the project's file": (
        "foreign-module",
        {"pyproject.toml": '[tool.distutils.build]\nbuild-lib = "made"\n', "made/boto3.py": ""},
    ),
    "a folder that is packed as a wheel": (
        "environment-file",
        {"setup.cfg": "[bdist_wheel]\nbdist_dir = made\n", "made/demo-1.data/data/pip.conf": ""},
    ),
    "the only module": ("foreign-module", {"pyproject.toml": "", "boto3.py": "", "setup.py": ""}),
    "one of several, for PDM": (
        "foreign-module",
        {"pyproject.toml": PDM, "a.py": "", "pip.py": ""},
    ),
    "PDM, what is included": (
        "foreign-module",
        {
            "pyproject.toml": f"{PDM}[tool.pdm.build]\nincludes = ['boto3.py']\n",
            "boto3.py": "",
            "demo/__init__.py": "",
        },
    ),
    "Hatch, what is included": (
        "foreign-module",
        {
            "pyproject.toml": f"{HATCH}include = ['/bo*.py']\n",
            "boto3.py": "",
            "demo/__init__.py": "",
        },
    ),
    "Hatch, a folder that falls away": (
        "foreign-module",
        {
            "pyproject.toml": f"{HATCH}only-include = ['lib']\nsources = ['lib']\n",
            "lib/pip/__init__.py": "",
        },
    ),
    "setup.cfg, modules with a dash": (
        "foreign-module",
        {"setup.cfg": "[options]\nPy-Modules = boto3\n"},
    ),
    "setup.cfg, folders with a dash": (
        "foreign-module",
        {"setup.cfg": "[options]\npackage-dir =\n  = lib\n", "lib/boto3/__init__.py": ""},
    ),
    "a path file beside the settings": (
        "startup-path",
        {"pyproject.toml": HATCH, "demo/__init__.py": "", "demo.pth": "/opt/x\n"},
    ),
    "a path file in src": (
        "startup-code",
        {"setup.py": SETUP, "src/demo.pth": "import sys; sys.path.sort()\n"},
    ),
    "a path file that adds a folder": (
        "foreign-module",
        {"setup.py": SETUP, "demo.pth": "more\n", "more/boto3/__init__.py": ""},
    ),
    "a start-up module in src": (
        "startup-module",
        {"pyproject.toml": "", "src/demo/__init__.py": "", "src/sitecustomize/__init__.py": ""},
    ),
    "a start-up module beside the settings": (
        "startup-module",
        {"setup.py": SETUP, "demo/__init__.py": "", "sitecustomize.py": ""},
    ),
    "a start-up module by its name": (
        "startup-module",
        {"pyproject.toml": '[tool.setuptools]\npy-modules = ["usercustomize"]\n'},
    ),
    "a package called like Python's": (
        "standard-module",
        {"pyproject.toml": "", "demo/__init__.py": "", "tomllib/__init__.py": ""},
    ),
    "a module called like Python's": (
        "standard-module",
        {"pyproject.toml": "", "src/demo/__init__.py": "", "src/json.py": ""},
    ),
    "data from above a package": (
        "build-file",
        {"pyproject.toml": '[tool.setuptools.package-data]\ndemo = ["../pip/*"]\n'},
    ),
    "data from above a package, in setup.cfg": (
        "build-file",
        {"setup.cfg": "[options.package_data]\ndemo = ../a.pth\n"},
    ),
    "Poetry, a program of a plugin": (
        "entry-point-shadow",
        {"pyproject.toml": f'{POETRY}aws = "demo:f"\n'},
    ),
    "Poetry, a program that is a file": (
        "entry-point-shadow",
        {"pyproject.toml": '[tool.poetry.scripts]\na = {reference = "b/aws", type = "file"}\n'},
    ),
    "Flit, a program": ("entry-point-shadow", {"pyproject.toml": '[tool.flit.scripts]\naws = "a"'}),
    "Flit, a file of programs": (
        "entry-point-shadow",
        {"pyproject.toml": '[tool.flit.metadata]\nmodule = "demo"', "entry_points.txt": SCRIPTS},
    ),
    "setuptools, a file of programs": (
        "entry-point-shadow",
        {
            "pyproject.toml": '[tool.setuptools.dynamic]\nentry-points = {file = "./a.txt"}\n',
            "a.txt": SCRIPTS,
        },
    ),
    "setup.cfg, a file of programs": (
        "entry-point-shadow",
        {"setup.cfg": "[options]\nentry-points = file: a.txt, b.txt\n", "b.txt": SCRIPTS},
    ),
    "setup.cfg, programs in one option": (
        "entry-point-shadow",
        {"setup.cfg": "[options]\nentry_points =\n  [console_scripts]\n  aws = demo:f\n"},
    ),
    "pbr, a program": (
        "entry-point-shadow",
        {"setup.cfg": "[entry_points]\nconsole_scripts =\n  aws = demo:f\n"},
    ),
}
HONEST: dict[str, Mapping[str, str]] = {
    "commands that write where they should": {
        "setup.cfg": "[build]\nbuild_base = out\n[egg_info]\negg_base = src\ntag_build =\n"
        "[aliases]\ntest = pytest\nrelease = egg_info -Db '' sdist bdist_wheel\n"
        "[build_ext]\ninclude_dirs = /usr/include\ninplace = 1\n[sdist]\ndist_dir = ../dist\n"
        "[build_scripts]\nexecutable = /usr/bin/env python\n[coverage:run]\nbuild_dir = /x\n"
        "[bdist_wheel]\nuniversal = 1\ndist_dir = ../dist\n",
    },
    "what a build has left of its own": {
        "setup.py": SETUP,
        "build/lib/demo/__init__.py": "",
        "build/lib/demo/json.py": "",
        "build/scripts-3.11/demo": "",
        "build/bdist.linux/wheel/demo-1.data/scripts/demo": "",
        "build/temp.linux/os.py": "",
        "build/libs/boto3.py": "",
    },
    "files for the work on a project": {
        "setup.py": SETUP,
        "pyproject.toml": "",
        **dict.fromkeys(("conftest.py", "noxfile.py", "tasks.py", "versioneer.py", "boto3.py"), ""),
        "demo/__init__.py": "",
        "docs/conf.py": "",
        "tests/__init__.py": "",
        "tests/sitecustomize.py": "",
        "demo/a.pth": "/opt/x\n",
    },
    "the only module": {"pyproject.toml": "", "demo.py": "", "setup.py": "", "noxfile.py": ""},
    "a path file of its own": {
        "setup.py": SETUP,
        "src/demo.pth": "import demo; demo.start()\n",
        "src/demo/__init__.py": "",
    },
    "packages that are named, and others beside them": {
        "setup.py": "from setuptools import setup\nsetup(packages=['demo'])\n",
        "demo/__init__.py": "",
        "parser/__init__.py": "",
        "src/queue/__init__.py": "",
    },
    "src is a package": {
        "setup.py": "from setuptools import *\nsetup(packages=find_packages())\n",
        "src/__init__.py": "",
        "src/logging.py": "",
    },
    "what Hatch and PDM include": {
        "pyproject.toml": f"{HATCH}include = ['demo', '*.md', '!docs', '/tests/**/*.py', '.']\n"
        "[tool.pdm.build]\nincludes = ['src/demo', '**/*.json']\n",
        "demo/__init__.py": "",
        "tests/json/a.py": "",
    },
    "data and programs of its own": {
        "setup.cfg": "[options]\nentry_points = file: a.txt\n[options.package_data]\n"
        "demo = ../LICENSE, *.json\n",
        "pyproject.toml": f'{POETRY}demo = "demo:f"\n[tool.distutils]\nbdist_wheel = 1\n',
        "a.txt": "[console_scripts]\ndemo = demo:f\n[others]\naws = demo:f\n",
    },
}


@pytest.mark.parametrize("name", REFUSES)
def test_what_a_build_puts_at_the_top_level_refuses(name: str, tmp_path: Path) -> None:
    rule, files = REFUSES[name]

    found = {each.rule: each.severity for each in findings(files, tmp_path)}

    assert (found.get(rule) or Severity.INFO) >= Severity.MEDIUM, found


@pytest.mark.parametrize("name", HONEST)
def test_what_honest_projects_have_there_does_not(name: str, tmp_path: Path) -> None:
    found = {each.rule: each.severity or Severity.HIGH for each in findings(HONEST[name], tmp_path)}

    assert max(found.values(), default=Severity.INFO) < Severity.MEDIUM, found


def test_weights_of_a_model_are_no_path_file(tmp_path: Path) -> None:
    files = {"setup.py": SETUP, "model.pth": "PK\3\4\0\udc80\n/opt/x\n"}

    assert not [each for each in findings(files, tmp_path) if each.rule.startswith("startup")]
