"""Requirements with an address of their own, wherever a package says what it requires."""

from pathlib import Path

import pytest

from package_gate.scanners.behaviour.data_files import of_data_files
from package_gate.scanners.behaviour.requirements import is_of_a_stranger

AT = "other @ https://files.example/other.whl"
"""What is fetched from elsewhere."""


def found(tree: Path) -> list[str]:
    return [each.rule for _, each in of_data_files(tree)]


def write(tree: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    "requirement",
    [
        AT,
        "other@file:///srv/other.whl",
        "other @ git+ssh://git@files.example/other.git@v1",
        "other @ hg+static-http://files.example/other",
        "other[extra] @ s3://bucket/other.whl",
        "other @ https://github.com/somebody/other/archive/main.zip",
        "other @ ../other.whl",
        f"{AT} ; sys_platform == 'another'",
        f"{AT} ; extra == ''",
        f"{AT} ; extra != 'dev'",
        f"{AT} ; python_version >= '3' or extra == 'dev'",
        f"{AT} ; extra == 'dev' or extra in 'dev test'",
        f"{AT} ; 'dev' not in extra",
        f"{AT} ; 'dev' in extras",
        f"{AT} ; os_name != 'a\" and extra == \"dev'",
        f"{AT} ; no marker",
        "other @ ../other.whl ; no marker",
        "=?utf-8?q?other_=40_https=3A//files.example/other.whl?=",
        "=?us-ascii?B?b3RoZXIgQCBodHRwczovL2ZpbGVzLmV4YW1wbGUvb3RoZXIud2hs?=",
        "other ; platform_version == '=?utf-8*en?q?a?='",
        f"{AT}; extra == 'dev'",
        f"{AT} ; {'(' * 3000}extra == 'dev'{')' * 3000}",
    ],
)
def test_one_that_may_hold_without_extras_counts(requirement: str) -> None:
    assert is_of_a_stranger(requirement)


@pytest.mark.parametrize(
    "requirement",
    [
        "other",
        "other>=1 ; extra != 'dev'",
        "Author <somebody@mail.example>",
        "somebody@mail.example and others",
        "* @title: what a comment of C says of a function",
        "other (>=5.1.*)",
        "other >= 1, <= 2, ; python_version == '2.7.*'",
        f"{AT} ; extra == 'dev'",
        f"{AT} ; 'dev' == extra and python_version >= '3'",
        f"{AT} ; python_version < '3' and (extra == 'dev' or extra == 'test')",
    ],
)
def test_one_of_the_index_or_of_an_extra_does_not(requirement: str) -> None:
    assert not is_of_a_stranger(requirement)


@pytest.mark.parametrize(
    "headers",
    [
        f"Name: demo\nRequires-Dist: {AT}\n",
        f"requires-dist:{AT}",
        "Requires-Dist: other\n @ https://files.example/other.whl\n",
        f"{'Classifier: ' + 'a' * 1000}\n" * 2500 + f"Requires-Dist: {AT}\n",
        f"Name: demo\nno header\nRequires-Dist: {AT}\n",
        "Name: demo\nno header\nRequires-Dist: other\n\t@ https://files.example/other.whl\n",
        f"Name: De.mo\nRequires-Dist: de_mo[A]\nRequires-Dist: {AT} ; extra == 'a'\n",
        "Name: demo\nRequires-Dist: demo[a] ; python_version > '3'\n"
        f"Requires-Dist: {AT} ; extra == 'b-c'\nRequires-Dist: demo[B_c] ; extra == 'a'\n",
        f"Name: demo\nRequires-Dist: demo[b,a] (>=1.0.*)\nRequires-Dist: {AT} ; extra == 'a'\n",
    ],
)
@pytest.mark.parametrize("place", ["demo-1.0.dist-info/METADATA", "PKG-INFO", "demo-1.0/PKG-INFO"])
def test_metadata_is_read_whole(tmp_path: Path, headers: str, place: str) -> None:
    write(tmp_path, {place: headers})

    assert found(tmp_path) == ["installs-another-package"]


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": f'[project]\ndependencies = ["{AT}"]'},
        {"pyproject.toml": f'[tool.flit.metadata]\nrequires = ["{AT}"]'},
        {
            "pyproject.toml": "[tool.setuptools.dynamic]\ndependencies = {file = 'parts/deps.txt'}",
            "parts/deps.txt": f"# a list\n{AT}  # more\n",
        },
        {
            "pyproject.toml": "[tool.setuptools.dynamic.dependencies]\nfile = ['a', 'b']",
            "b": AT,
        },
        {"setup.cfg": f"[options]\ninstall_requires =\n    numpy\n    {AT}\n"},
        {"setup.cfg": f"[options]\ninstall-requires = numpy; {AT}\n"},
        {"setup.cfg": "[options]\ninstall_requires = file: a.txt, deps.txt", "deps.txt": AT},
        {"setup.cfg": f"[global]\nInstall-Requires = numpy; {AT}\n"},
        {"setup.cfg": f"[metadata]\nrequires-dist = {AT}\n"},
        {"setup.cfg": f"[options]\rinstall_requires =\r  {AT}\r"},
        {"setup.cfg": f"[options]\ninstall_requires =\n  other \\\n  @ \\\n  {AT[8:]}\n"},
        {
            "setup.cfg": "[metadata]\nname = demo\n[options]\ninstall_requires = demo[a]\n"
            f"[options.extras_require]\na =\n  {AT}\n",
        },
        {
            "setup.cfg": "[options]\ninstall_requires = demo[a]\n",
            "pyproject.toml": f"[project]\nname = 'demo'\noptional-dependencies = {{a = ['{AT}']}}",
        },
        {"demo.egg-info/requires.txt": f"numpy\n\n[:python_version > '3']\n{AT}\n"},
        {"src/demo.egg-info/requires.txt": f"[]\n{AT}\n"},
        {"setup.py": "setup(pbr=True)", "requirements.txt": AT},
        {"setup.cfg": "[pbr]\n", "requirements-py3.txt": "-r more/a.txt", "more/a.txt": AT},
        {"setup.cfg": "[pbr]\n", "tools/pip-requires": AT},
        {"hatch.toml": "[metadata.hooks.requirements_txt]\nfiles = ['a.lst']", "a.lst": AT},
        {
            "pyproject.toml": f"[tool.flit.metadata.requires-extra]\n"
            f"a = [\"{AT} ; os_name > '1') or (os_name > '1'\"]"
        },
        {
            "pyproject.toml": "[tool.poetry]\nname = 'demo'\n[tool.poetry.dependencies]\n"
            "demo = {version = '1', extras = ['a']}\n"
            "other = {url = 'https://files.example/other.whl', optional = true}\n"
            "[tool.poetry.extras]\na = ['Other']"
        },
        {"pyproject.toml": "[tool.poetry.dependencies]\nother = {path = 'wheels/other.whl'}"},
        {"pyproject.toml": f"[tool.poetry.dependencies]\n'{AT}#' = '*'"},
        {"pyproject.toml": f'[project]\nauthors = [{{name = "A\\nRequires-Dist: {AT}"}}]'},
        {"pyproject.toml": f'[tool.flit.metadata]\nauthor = "A\\n\\u0052equires-Dist: {AT}"'},
        {"setup.cfg": f"[metadata]\nauthor =\n  A\n  Requires-Dist: {AT}\n"},
        {"setup.py": f"setup(author='A\\nRequires-Dist: {AT}')"},
        {"setup.py": "open('meta/more/deps.txt')", "meta/more/deps.txt": AT},
        {"setup.py": "open(join(HERE, 'meta', 'deps.toml'))", "meta/deps.toml": f"a = ['{AT}']"},
        {"pyproject.toml": "[tool.poetry.dependencies]\nother = [{file = 'wheels/other.whl'}]"},
        {"setup.cfg": "[metadata]\n[pbr]\n", "setup.py": "pbr=True", "requirements.txt": AT},
        {"setup.py": "open('deps.txt')", "deps.txt": AT},
        {"setup.py": "open('.deps')", ".deps": AT},
        {
            "pyproject.toml": "[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ['a.lst']",
            "a.lst": AT,
        },
        {"setup.py": "open(os.path.join('requirements', 'base.in'))", "requirements/base.in": AT},
        {
            "pyproject.toml": "[tool.poetry.dependencies]\n"
            "other = {url = 'https://files.example/other.whl'}"
        },
        {
            "pyproject.toml": "[tool.poetry.dependencies]\n"
            "other = [{version = '1'}, {git = 'https://files.example/other.git'}]"
        },
        {"pyproject.toml": "[project]\ndependencies = ['other @ {root:uri}/other']"},
        {"pyproject.toml": "[project]\ndependencies = ['other>={env:HOME}']"},
        {"pyproject.toml": "[project.optional-dependencies]\na = ['b @ {env:TOKEN}']"},
    ],
)
def test_settings_of_a_source_tree_are_read(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, {f"demo-1.0/{name}": text for name, text in files.items()})

    assert set(found(tmp_path)) == {"installs-another-package"}


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": f'[project.optional-dependencies]\ndev = ["{AT}"]'},
        {"pyproject.toml": f'[dependency-groups]\ndev = ["{AT}"]'},
        {
            "pyproject.toml": "[tool.poetry.dependencies]\n"
            "other = {url = 'https://files.example/other.whl', optional = true}\n"
            "[tool.poetry.group.dev.dependencies]\n"
            "third = {git = 'https://files.example/third.git'}"
        },
        {
            "pyproject.toml": "[project]\nname = 'a'\n"
            f"optional-dependencies = {{b = ['{AT}'], c = ['a[b]']}}"
        },
        {
            "pyproject.toml": "[project]\ndependencies = ['b[c]']\n"
            f"optional-dependencies = {{c = ['{AT}']}}"
        },
        {
            "pyproject.toml": "[project]\ndependencies = ['other']\n"
            "[tool.poetry.dependencies]\nother = {path = '../other', develop = true}\n"
        },
        {
            "pyproject.toml": "[tool.poetry.dependencies]\n"
            "numpy = {version = '1', extras = ['a']}\n"
            "[tool.poetry.group.dev.dependencies]\nother = {path = '../other'}\n"
        },
        {
            "pyproject.toml": "[project]\ndependencies = ['other']\n"
            "[tool.uv.sources]\nother.path = 'a'\n"
        },
        {"demo.egg-info/requires.txt": f"numpy\n\n[dev:python_version > '3']\nb\n\n[dev]\n{AT}\n"},
        {"setup.py": "open('deps.txt')", "requirements-dev.txt": AT},
        {"setup.py": "open('deps.txt')  # docs", "docs/deps.txt": AT, "deps.txt": "numpy"},
        {"setup.py": "setup(author='A\\nRequires-Dist: numpy')"},
        {"setup.cfg": f"[options.extras_require]\ndev = {AT}\n", "requirements.txt": AT},
        {"pyproject.toml": "no = [toml", "setup.cfg": "no section"},
        {"setup.cfg": "[options]\ninstall_requires = file: ../../../deps.txt"},
    ],
)
def test_what_only_developers_need_does_not_count(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, {f"demo-1.0/{name}": text for name, text in files.items()})

    assert found(tmp_path) == []
