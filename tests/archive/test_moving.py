"""What a source tree's build would place where others read refuses as in a wheel, tool by tool."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from package_gate.archive.unpack import unpack
from package_gate.core.artifact import Artifact
from package_gate.core.finding import Finding, Severity
from package_gate.core.limits import Limits
from tests.archive.hostile_wheels import make_sdist

WHEEL = "[tool.hatch.build.targets.wheel"
SETTINGS = "etc/jupyter/jupyter_server_config.d"
OPEN = '{"ServerApp": {"token": ""}}'
SWITCH = '{"ServerApp": {"jpserver_extensions": {"demo": true}}}'

REFUSES: dict[str, tuple[str, Mapping[str, str]]] = {
    "Hatch, forced into the data": (
        "environment-file",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"a" = "demo-1.0.data/data/pip.conf"', "a": ""},
    ),
    "Hatch, forced into the scripts": (
        "entry-point-shadow",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"a" = "x.data/scripts/aws"', "a": ""},
    ),
    "Hatch, a folder forced among the modules": (
        "foreign-module",
        {"pyproject.toml": '[tool.hatch.build.force-include]\n"a/b" = "boto3"', "a/b/x.py": ""},
    ),
    "Hatch, what the build makes": (
        "foreign-module",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"made/later" = "pip/_internal"'},
    ),
    "Hatch, a module that the build makes": (
        "foreign-module",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"made.py" = "boto3.py"'},
    ),
    "Hatch, all of a folder": (
        "startup-module",
        {
            "pyproject.toml": f'{WHEEL}.force-include]\n"a" = "/"'.replace('"/"', '"."'),
            "a/sitecustomize.py": "",
        },
    ),
    "Hatch, a start-up file": (
        "startup-code",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"a" = "a.pth"', "a": "import subprocess"},
    ),
    "Hatch, a text that becomes a module": (
        "build-file",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"notes.txt" = "demo/a.py"', "notes.txt": ""},
    ),
    "setup.cfg, all to elsewhere": (
        "build-file",
        {"setup.cfg": "[install]\ninstall-lib = lib/python3.11\n"},
    ),
    "setup.cfg, scripts to elsewhere": (
        "build-file",
        {"setup.cfg": "[install_scripts]\ninstall_dir = etc\n"},
    ),
    "setup.cfg, commands of its own": (
        "build-file",
        {"setup.cfg": "[global]\ncommand_packages = tools\n", "tools/bdist_wheel.py": ""},
    ),
    "Hatch, metadata of another": (
        "dist-info",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"a" = "pip-1.0.dist-info/METADATA"', "a": ""},
    ),
    "Hatch, packages under another name": (
        "foreign-module",
        {"pyproject.toml": f'{WHEEL}.sources]\n"lib/x" = "botocore"', "lib/x/__init__.py": ""},
    ),
    "Hatch, packages in a folder": (
        "foreign-module",
        {"pyproject.toml": f'{WHEEL}]\npackages = ["lib/botocore"]', "lib/botocore/a.py": ""},
    ),
    "Hatch, in its own file": (
        "environment-file",
        {
            "pyproject.toml": "",
            "hatch.toml": '[build.targets.wheel.shared-data]\n"a" = "etc/ipython/x.py"',
            "a": "",
        },
    ),
    "Hatch, a module named like Python's": (
        "standard-module",
        {"pyproject.toml": f'{WHEEL}.force-include]\n"a" = "random.py"', "a": ""},
    ),
    "PDM, data by names": (
        "environment-file",
        {"pyproject.toml": '[tool.pdm.build.wheel-data]\ndata = ["c/*.conf"]', "c/pip.conf": ""},
    ),
    "PDM, data below a folder": (
        "environment-file",
        {
            "pyproject.toml": "[tool.pdm.build.wheel-data]\n"
            'data = [{path = "c/**/*", relative-to = "c"}]',
            "c/lib/python3.11/random.py": "",
        },
    ),
    "PDM, scripts": (
        "entry-point-shadow",
        {"pyproject.toml": '[tool.pdm.build.wheel-data]\nscripts = ["c/git"]', "c/git": ""},
    ),
    "PDM, modules": (
        "foreign-module",
        {
            "pyproject.toml": '[tool.pdm.build.wheel-data]\npurelib = ["c/boto3.py"]',
            "c/boto3.py": "",
        },
    ),
    "PDM, a folder of packages": (
        "foreign-module",
        {"pyproject.toml": '[tool.pdm.build]\npackage-dir = "lib"', "lib/pip/__init__.py": ""},
    ),
    "setuptools, a pattern": (
        "environment-file",
        {"pyproject.toml": '[tool.setuptools.data-files]\n"" = ["*.conf"]', "pip.conf": ""},
    ),
    "setuptools, scripts": (
        "entry-point-shadow",
        {"pyproject.toml": '[tool.setuptools]\nscript-files = ["bin/pip"]', "bin/pip": ""},
    ),
    "setuptools, a module": (
        "foreign-module",
        {"pyproject.toml": '[tool.setuptools]\npy-modules = ["boto3"]', "boto3.py": ""},
    ),
    "setuptools, a package in another folder": (
        "foreign-module",
        {"pyproject.toml": '[tool.setuptools.package-dir]\nboto3 = "x"', "x/__init__.py": ""},
    ),
    "setuptools, packages looked for": (
        "foreign-module",
        {
            "pyproject.toml": '[tool.setuptools.packages.find]\nwhere = ["lib"]',
            "lib/boto3/__init__.py": "",
        },
    ),
    "setuptools, a folder of modules in src": (
        "foreign-module",
        {"pyproject.toml": "", "src/demo/__init__.py": "", "src/boto3/s/t.py": ""},
    ),
    "setuptools, the only folder": (
        "foreign-module",
        {"pyproject.toml": "", "docs/conf.py": "", "botocore/session.py": ""},
    ),
    "setuptools, namespaces looked for by setup.py": (
        "foreign-module",
        {
            "setup.py": "from setuptools import *\nsetup(packages=find_namespace_packages())",
            "demo/__init__.py": "",
            "boto3/session.py": "",
        },
    ),
    "setup.cfg, namespaces looked for": (
        "foreign-module",
        {
            "setup.cfg": "[options]\npackages = find_namespace:\n",
            "demo/__init__.py": "",
            "boto3/session.py": "",
        },
    ),
    "setuptools, namespaces looked for in all folders": (
        "foreign-module",
        {
            "pyproject.toml": "[tool.setuptools.packages.find]\nexclude = ['tests*']",
            "demo/__init__.py": "",
            "boto3/session.py": "",
        },
    ),
    "setup.cfg, a pattern": (
        "environment-file",
        {"setup.cfg": "[options.data_files]\netc/ipython = conf/*.py\n", "conf/x.py": ""},
    ),
    "setup.cfg, scripts": (
        "entry-point-shadow",
        {"setup.cfg": "[options]\nscripts =\n  bin/aws\n"},
    ),
    "setup.cfg, a module": ("foreign-module", {"setup.cfg": "[options]\npy_modules = pip\n"}),
    "setup.cfg, a package": (
        "foreign-module",
        {"setup.cfg": "[options]\npackages = demo\npackage_dir =\n  boto3 = lib/x\n"},
    ),
    "pbr": (
        "environment-file",
        {"setup.cfg": "[files]\ndata_files =\n  etc/ipython =\n    a.py\n", "a.py": ""},
    ),
    "Flit": (
        "environment-file",
        {
            "pyproject.toml": '[tool.flit.external-data]\ndirectory = "d"',
            f"d/{SETTINGS}/x.json": OPEN,
        },
    ),
    "Flit, a module": ("foreign-module", {"pyproject.toml": '[tool.flit.module]\nname = "boto3"'}),
    "Poetry, packages": (
        "foreign-module",
        {
            "pyproject.toml": '[tool.poetry]\npackages = [{include = "boto3", from = "lib"}]',
            "lib/boto3/__init__.py": "",
        },
    ),
    "Poetry, packages to another folder": (
        "foreign-module",
        {
            "pyproject.toml": '[tool.poetry]\npackages = [{include = "a", to = "pip"}]',
            "a/__init__.py": "",
        },
    ),
    "Poetry, files": (
        "startup-code",
        {
            "pyproject.toml": '[tool.poetry]\ninclude = [{path = "*.pth", format = "wheel"}]',
            "x.pth": "import base64",
        },
    ),
    "maturin": (
        "environment-file",
        {"pyproject.toml": '[tool.maturin]\ndata = "x.data"', "x.data/data/pyvenv.cfg": ""},
    ),
    "maturin, a module": (
        "foreign-module",
        {"pyproject.toml": '[tool.maturin]\nmodule-name = "boto3._x"'},
    ),
    "scikit-build-core": (
        "foreign-module",
        {"pyproject.toml": '[tool.scikit-build.wheel.packages]\n"boto3" = "x"', "x/a.py": ""},
    ),
    "scikit-build-core, what it makes": (
        "environment-file",
        {"pyproject.toml": '[tool.scikit-build]\nwheel.install-dir = "/data/etc/ipython"'},
    ),
    "uv": (
        "environment-file",
        {"pyproject.toml": '[tool.uv.build-backend.data]\ndata = "x"', "x/etc/profile.d/a.sh": ""},
    ),
    "uv, a module": (
        "foreign-module",
        {"pyproject.toml": '[tool.uv.build-backend]\nmodule-name = ["demo", "boto3"]'},
    ),
}
HONEST: dict[str, Mapping[str, str]] = {
    "a repository that is not called like its project": {
        "setup.py": "",
        "tabulate/__init__.py": "",
        "src/tqdm.py": "",
    },
    "a part of a namespace that a popular project has": {
        "PKG-INFO": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "setup.py": "",
        "src/langgraph/demo/__init__.py": "",
    },
    "folders that are no packages": {
        "pyproject.toml": "[tool.setuptools.packages.find]\nnamespaces = false",
        "demo/__init__.py": "",
        "conda/render.py": "",
        "jupyter/start.py": "",
    },
    "Hatch": {
        "pyproject.toml": f'{WHEEL}]\npackages = ["lib/demo"]\n{WHEEL}.force-include]\n'
        '"LICENSE" = "demo-1.0.dist-info/licenses/LICENSE"\n"made" = "demo/static"\n'
        '"data" = "demo/data"\n"_v.py" = "demo/_version.py"\n'
        f'{WHEEL}.shared-data]\n"made" = "share/jupyter/labextensions/demo"\n'
        f'"s.json" = "{SETTINGS}/demo.json"\n{WHEEL}.shared-scripts]\n"a" = "demo-run"\n'
        "[tool.hatch.build.targets.sdist.force-include]\n'x' = 'pip/x.py'\n",
        "LICENSE": "",
        "a": "",
        "lib/demo/__init__.py": "",
        "data/random.py": "",
        "demo/__init__.py": "",
        "s.json": SWITCH,
    },
    "PDM": {
        "pyproject.toml": "[tool.pdm.build.wheel-data]\nscripts = ['bin/demo']\n"
        'data = [{path = "share/**/*", relative-to = "."}]',
        "share/man/man1/demo.1": "",
        "bin/demo": "",
        "lib/python3.11/random.py": "",
    },
    "setuptools": {
        "pyproject.toml": '[tool.setuptools]\npackages = ["demo", "demo.lib"]\n'
        '[tool.setuptools.data-files]\n"share/man/man1" = ["man/*.1"]\n"etc/demo" = ["x.conf"]\n',
        "setup.cfg": "[options]\npackages = find:\nscripts = bin/demo\npackage_dir =\n  = lib\n",
        "lib/demo/__init__.py": "",
        "man/demo.1": "",
        "x.conf": "",
    },
    "Poetry": {
        "pyproject.toml": '[tool.poetry]\npackages = [{include = "demo", from = "lib"}, '
        '{include = "test", format = "sdist"}]\ninclude = ["README.md", "demo/*.json"]',
        "lib/demo/__init__.py": "",
        "README.md": "",
        "test/a.py": "",
    },
    "others": {
        "pyproject.toml": '[tool.maturin]\nmodule-name = "demo._demo"\npython-source = "python"\n'
        '[tool.uv.build-backend]\nmodule-root = ""\ndata.scripts = "x"\n'
        '[tool.scikit-build]\nwheel.packages = ["lib/demo"]\nwheel.install-dir = "demo"\n'
        '[tool.flit.module]\nname = "demo"\n',
        "python/demo/__init__.py": "",
        "x/demo.sh": "",
    },
    "options of an installation that move nothing": {
        "setup.cfg": "[install]\noptimize = 1\nrecord = x\n[global]\nverbose = 1\n",
        "pyproject.toml": f'{WHEEL}.force-include]\n"src/a.PY" = "demo/a.py"\n"b" = "demo/b"',
        "src/a.PY": "",
        "b": "",
    },
    "settings of another form": {
        "pyproject.toml": f"{WHEEL}]\nforce-include = 1\nsources = [1]\nshared-data = []\n"
        "[tool.pdm.build.wheel-data]\ndata = 1\nother = ['pip.conf']\nscripts = [1, {path = 2}]\n"
        "[tool.poetry]\npackages = [1, {include = 2}]\ninclude = 'x'\n"
        "[tool.setuptools]\ndata-files = {a = 1}\npackages = {find = {where = 1}}\n"
        "[tool.scikit-build]\nwheel = 1\n[tool.maturin]\ndata = 1\ninclude = [{path = 1}]\n"
    },
}


def findings(files: Mapping[str, str], folder: Path) -> list[Finding]:
    encoded = {name: text.encode("utf-8", "surrogateescape") for name, text in files.items()}
    path = folder / "demo-1.0.tar.gz"
    path.write_bytes(make_sdist(encoded))
    return unpack(Artifact(path.name, "", path.stat().st_size), path, folder / "tree", Limits())


@pytest.mark.parametrize("name", REFUSES)
def test_what_a_build_places_where_others_read_refuses(name: str, tmp_path: Path) -> None:
    rule, files = REFUSES[name]

    found = {each.rule: each.severity for each in findings(files, tmp_path)}

    assert (found.get(rule) or Severity.INFO) >= Severity.MEDIUM, found


@pytest.mark.parametrize("name", HONEST)
def test_what_it_places_among_its_own_does_not(name: str, tmp_path: Path) -> None:
    severities = {each.severity or Severity.HIGH for each in findings(HONEST[name], tmp_path)}

    assert max(severities, default=Severity.INFO) < Severity.MEDIUM


def test_more_files_than_can_be_judged_refuse(tmp_path: Path) -> None:
    lines = "".join(f"'{number}' = 'share/demo/{number}'\n" for number in range(21_000))

    found = findings({"pyproject.toml": f"{WHEEL}.shared-data]\n{lines}"}, tmp_path)

    assert "build-file" in {each.rule for each in found}
