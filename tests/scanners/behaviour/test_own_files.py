"""Which files of a package are run although they are no code by their names."""

import pytest

from package_gate.scanners.behaviour.own_files import OwnFiles
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
    'class R:\n    def get(self,p):\n        return open(p).read()\nexec(R().get("notes.txt"))',
]
HONEST = [
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
    'import os\nos.system("python -m pip")',
    'import numpy as np\nnp.load("VERSION")',
    'import os\nx=open("notes.txt").read()\nos.system("make")',
    "from ctypes import CDLL\nCDLL('pkg/own.so')",
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
