from pathlib import Path

import pytest

from package_gate.inventory.running.files import RunningFiles, Runs, runs_whole
from tests.scanners.packages import package

WHEEL, SDIST = "sample-1.0-py3-none-any.whl", "sample-1.0.tar.gz"
BACKEND = '[build-system]\nbackend-path = ["_build"]'


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        ("setup.py", True),
        ("sample-1.0/setup.py", True),
        ("sample.pth", True),
        ("sitecustomize.py", True),
        ("sample/__init__.py", False),
        ("sample/setup_tools.py", False),
    ],
)
def test_files_that_run_whole(path: str, whole: bool) -> None:
    assert runs_whole(path) is whole


@pytest.mark.parametrize(
    ("path", "in_a_wheel", "in_an_sdist"),
    [
        ("setup.py", Runs.AT_ONCE, Runs.AT_ONCE),
        ("a/sample.pth", Runs.AT_ONCE, Runs.AT_ONCE),
        ("sample/__init__.py", Runs.AT_ONCE, Runs.AT_ONCE),
        ("sample/own.py", Runs.IMPORTED, Runs.IMPORTED),
        ("single.py", Runs.AT_ONCE, Runs.IMPORTED),
        ("src/space/deep/own.py", Runs.IMPORTED, Runs.IMPORTED),
        ("sample/sub/own.py", Runs.IMPORTED, Runs.IMPORTED),
        ("anywhere/own.py", Runs.IMPORTED, Runs.IMPORTED),
        ("sample.py", Runs.AT_ONCE, Runs.IMPORTED),
        ("sample-1.0.data/purelib/one.py", Runs.AT_ONCE, Runs.IMPORTED),
        ("sample-1.0.data/platlib/sample/one.py", Runs.IMPORTED, Runs.IMPORTED),
        ("src/single.py", Runs.IMPORTED, Runs.IMPORTED),
        ("docs/conf.py", Runs.IMPORTED, Runs.NEVER),
        ("_build/own.py", Runs.IMPORTED, Runs.IMPORTED),
        ("_build/own.js", Runs.NEVER, Runs.NEVER),
        ("single.js", Runs.NEVER, Runs.NEVER),
    ],
)
def test_when_files_run(tmp_path: Path, path: str, in_a_wheel: Runs, in_an_sdist: Runs) -> None:
    files = {"pyproject.toml": BACKEND, "sample/__init__.py": "", path: ""}
    tree = Path(package(tmp_path, files).artifacts[0].tree)

    assert RunningFiles(tree, WHEEL).when(path) is in_a_wheel
    assert RunningFiles(tree, SDIST).when(path) is in_an_sdist


@pytest.mark.parametrize(
    ("text", "own", "other"),
    [
        (BACKEND, True, False),
        ('[build-system]\nbackend-path = ["."]', True, True),
        ("[build-system]\nrequires = []", False, False),
        ("[build-system]\nbackend-path = 1", False, False),
        ("build-system = 1", False, False),
        ("no TOML", False, False),
        ("a = " + "[" * 100_000, False, False),
    ],
)
def test_the_files_of_build_backends(tmp_path: Path, text: str, own: bool, other: bool) -> None:
    tree = Path(package(tmp_path, {"sample-1.0/pyproject.toml": text}).artifacts[0].tree)
    files = RunningFiles(tree, SDIST)

    assert files.is_of_a_backend("sample-1.0/_build/own.py") is own
    assert files.is_of_a_backend("sample-1.0/tools/own.py") is other
    assert not files.is_of_a_backend("another/_build/own.py")


LINTERS = "[flake8]\nper-file-ignores =\n  examples/*:E501\n\n  docs/*:E501\n\n"
OTHER = "[build-system]\nbuild-backend = 'other.build'\n"
FIND = "[tool.setuptools.packages.find]\n"


@pytest.mark.parametrize(
    ("files", "when"),
    [
        ({"setup.py": "setup(package_dir={'own.x': 'examples'})"}, Runs.IMPORTED),
        ({"setup.py": "setup(packages=find_namespace_packages())"}, Runs.IMPORTED),
        ({"setup.cfg": "[options]\npackages = find_namespace:"}, Runs.IMPORTED),
        ({"pyproject.toml": "[tool.setuptools.packages.find]"}, Runs.IMPORTED),
        ({"pyproject.toml": "[tool.setuptools]\npackages = {find = {}}"}, Runs.IMPORTED),
        ({"pyproject.toml": '[tool.flit.module]\nname = "\\u0065xamples"'}, Runs.IMPORTED),
        ({"hatch.toml": "packages = ['examples/a']"}, Runs.IMPORTED),
        ({"meson.build": "install_subdir('examples', install_dir: own)"}, Runs.IMPORTED),
        ({"examples/a/__init__.py": ""}, Runs.IMPORTED),
        ({"examples/__init__.py": ""}, Runs.IMPORTED),
        ({"__init__.py": ""}, Runs.IMPORTED),
        ({"pyproject.toml": "[tool.poetry]\nname = 'Examples'"}, Runs.IMPORTED),
        ({"pyproject.toml": "[project]\nname = 'x'\nurls.Examples = 'y'"}, Runs.NEVER),
        ({"pyproject.toml": '[project]\nname = """exam\\\n  ples"""'}, Runs.IMPORTED),
        ({"setup.py": "setup(packages=['exam' 'ples.a'])"}, Runs.IMPORTED),
        ({"setup.py": "setup(packages=['\\145xamples.a'])"}, Runs.IMPORTED),
        ({"pyproject.toml": "[tool.setuptools.Package_Dir]\nown = './'"}, Runs.IMPORTED),
        ({"setup.cfg": "[options]\npackage-dir =\n  own = ."}, Runs.IMPORTED),
        ({"setup.py": "setup(packages=['own'], package_dir={'own': '.'})"}, Runs.IMPORTED),
        ({"setup.py": "setup(packages=[''])"}, Runs.IMPORTED),
        ({"setup.cfg": "[options]\npackages = ."}, Runs.IMPORTED),
        ({"setup.cfg": "[options]\npackages =\n  own"}, Runs.NEVER),
        ({"setup.cfg": "[options]\npackage_dir =\n  = src\n  own = lib"}, Runs.NEVER),
        ({"setup.cfg": "no settings"}, Runs.NEVER),
        ({"setup.cfg": f"{LINTERS}[files]\npackages = own"}, Runs.NEVER),
        ({"setup.cfg": f"{LINTERS}[files]\npackages = examples"}, Runs.IMPORTED),
        ({"setup.cfg": "[options.packages.find]\nexclude = own"}, Runs.NEVER),
        ({"pyproject.toml": "[tool.ruff]\nexclude = ['examples/*']"}, Runs.NEVER),
        ({"pyproject.toml": "[tool.poetry.group.examples.dependencies]"}, Runs.NEVER),
        ({"pyproject.toml": "[project]\noptional-dependencies = {examples = []}"}, Runs.NEVER),
        ({"pyproject.toml": f"{OTHER}[tool.other]\nfolder = 'examples'"}, Runs.IMPORTED),
        ({"pyproject.toml": f"{FIND}include = ['own', 'own.*']"}, Runs.NEVER),
        ({"pyproject.toml": f"{FIND}where = ['src']"}, Runs.NEVER),
        ({"pyproject.toml": f"{FIND}namespaces = false"}, Runs.NEVER),
        ({"pyproject.toml": f"{FIND}include = ['own', 'e*']"}, Runs.IMPORTED),
        ({"pyproject.toml": f"{FIND}include = ['examples.*']"}, Runs.IMPORTED),
        ({"pyproject.toml": f"{FIND}where = ['.']"}, Runs.IMPORTED),
        ({"pyproject.toml": f"{FIND}where = ['src', '.']"}, Runs.IMPORTED),
        ({"setup.py": "setup(package_dir={'': '.'}, long_description='Examples')"}, Runs.NEVER),
        ({"setup.py": "setup(package_dir={'': '.'})"}, Runs.NEVER),
        ({"own/__init__.py": "", "setup.py": "setup(**{'version': '1.0'})"}, Runs.NEVER),
    ],
)
def test_examples_wait_unless_settings_may_mean_them(
    tmp_path: Path, files: dict[str, str], when: Runs
) -> None:
    inside = {f"sample-1.0/{path}": text for path, text in files.items()}
    tree = Path(package(tmp_path, inside | {"sample-1.0/examples/a/b.py": ""}).artifacts[0].tree)

    assert RunningFiles(tree, SDIST).when("sample-1.0/examples/a/b.py") is when


@pytest.mark.parametrize(
    ("files", "path", "when"),
    [
        (("docs/pyproject.toml",), "docs/own/a.py", Runs.IMPORTED),
        (("docs/setup.py", "docs/own/__init__.py"), "docs/own/sub/a.py", Runs.IMPORTED),
        (("docs/setup.py",), "docs/examples/a.py", Runs.NEVER),
        (("pyproject.toml", "own/__init__.py"), "own/tests/a.py", Runs.IMPORTED),
        (("pyproject.toml", "docs/setup.py"), "docs/own/a.py", Runs.NEVER),
        (("pyproject.toml",), "tests/data/a.py", Runs.NEVER),
        (("own-1.0/setup.py",), "own-1.0/tests/a.py", Runs.NEVER),
        (("own-1.0/setup.py",), "own-1.0/own/tests/a.py", Runs.IMPORTED),
        (("README",), "own-1.0/docs/a.py", Runs.NEVER),
        (("own-1.0/setup.py",), "own-1.0/.ci/a.py", Runs.NEVER),
        (
            ("own-1.0/setup.py", "own-1.0/.ci/own/__init__.py"),
            "own-1.0/.ci/own/a.py",
            Runs.IMPORTED,
        ),
    ],
)
def test_folders_are_left_out_of_the_project(
    tmp_path: Path, files: tuple[str, ...], path: str, when: Runs
) -> None:
    tree = Path(package(tmp_path, dict.fromkeys((*files, path), "")).artifacts[0].tree)

    assert RunningFiles(tree, SDIST).when(path) is when


SETUPS = [
    "setup(packages=find_packages())",
    "setup(packages=find_packages('src', exclude=['ci*']), package_dir={'': 'src'})",
    "setup(packages=setuptools.find_packages() + ['own.more'])",
    "packages = ['own']\npackages += ['own.more']\nsetup(packages=packages)",
    "packages = []\npackages.append('own.x')\nsetup(packages=packages)",
    "name = 'own'\nsetup(packages=[name, f'{name}.x', name + '.y'], py_modules=['single'])",
    "setup(packages=['own.' + each for each in find_packages('own')])",
    "setup(package_dir={'own': os.path.join(os.path.dirname(__file__), 'lib')})",
    "options = dict(packages=['own'])\noptions['version'] = read('v')\nsetup(**options)",
    "setup(long_description=open('a').read() + '-'.join(parts), version='%s' % version)",
    "setup(packages=['own'",
]
"""Those that write down what their packages are, or can't run."""
COMPUTED = [
    "setup(packages=['own', 'exam' + 'ples.a'])",
    "part = 'exam'\nsetup(packages=[part + 'ples'])",
    "part = 'exam'\nsetup(packages=[f'{part}ples'])",
    "setup(packages=['%sples.a' % part])",
    "setup(packages=[''.join(['exam', 'ples'])])",
    "setup(packages=['selpmaxe'[::-1]])",
    "setup(packages=open('packages').read().split())",
    "setup(package_dir={'own.x': 'exam' 'plez'.replace('z', 's')})",
    "packages = ['own']\npackages.append(chr(101) + rest)\nsetup(packages=packages)",
    "packages = ['own']\nfor each in names():\n    packages += [each]\nsetup(packages=packages)",
    "def find_packages():\n    return names\nsetup(packages=find_packages())",
    "from own import find_packages\nsetup(packages=find_packages())",
    "find_packages = names\nsetup(packages=find_packages())",
    "dirs = {}\ndirs['own.x'] = 'exam' + 'ples'\nsetup(package_dir=dirs)",
    "options = dict(name='own')\noptions[name] = names\nsetup(**options)",
    "options = dict(name='own')\noptions['packages'] = names()\nsetup(**options)",
    "setup(**json.load(open('settings')))",
    "setup(**{'pack' + 'ages': names})",
    "dist.packages = names()",
    "setup(packages=[each for each in os.listdir() if os.path.isdir(each)])",
    "os.system(sys.executable + ' ' + glob.glob('*/b*')[0])",
    "shutil.copytree('exam' + 'ples', 'own/x')\nsetup(packages=['own'])",
    "setup(packages=['own'], package_data={'own': ['../e*/a/*.py']})",
    "sys.path += [str(each) for each in Path().iterdir()]",
]
"""Those that may take what they don't name."""
HATCH = "[build-system]\nbuild-backend = 'hatchling.build'\n[project]\nname = 'own'\n"
TARGET = "[tool.hatch.build.targets.wheel]\n"


@pytest.mark.parametrize(
    ("name", "text", "when"),
    [
        *(("setup.py", each, Runs.NEVER) for each in SETUPS),
        *(("setup.py", each, Runs.IMPORTED) for each in COMPUTED),
        ("hatch_build.py", "for each in os.walk('.'): ...", Runs.IMPORTED),
        ("pyproject.toml", HATCH, Runs.NEVER),
        ("pyproject.toml", HATCH.replace("own", "another"), Runs.IMPORTED),
        ("pyproject.toml", HATCH + TARGET + "bypass-selection = true", Runs.IMPORTED),
        *(
            ("pyproject.toml", f"{HATCH}{TARGET}{patterns}", Runs.NEVER)
            for patterns in (
                "packages = ['own']",
                "include = ['/own/**', '*.md', '**/*.json', '!*.py']",
                "only-include = ['src/own']",
                "packages = ['own']\n[tool.hatch.build.targets.sdist]\ninclude = ['*']",
            )
        ),
        *(
            ("pyproject.toml", f"{HATCH}{TARGET}{patterns}", Runs.IMPORTED)
            for patterns in (
                "include = ['/own', '/ex*']",
                "include = ['*.py']",
                "include = ['**/*.p[y]']",
                "include = ['a']",
                "packages = ['.']",
                "only-include = ['own/..']",
                "[tool.hatch.build.targets.wheel.force-include]\n'./' = 'own/x'",
            )
        ),
        ("hatch.toml", "[build.targets.wheel]\nartifacts = ['e?amples']", Runs.IMPORTED),
        ("pyproject.toml", "[tool.pdm.build]\nincludes = ['own/']", Runs.NEVER),
        ("pyproject.toml", "[tool.pdm.build]\nincludes = ['*/']", Runs.IMPORTED),
        (
            "pyproject.toml",
            "[tool.poetry]\npackages = [{include = 'e*', from = '.'}]",
            Runs.IMPORTED,
        ),
        ("pyproject.toml", "[tool.poetry]\npackages = [{include = 'own', from = '.'}]", Runs.NEVER),
        ("pyproject.toml", "[tool.setuptools.data-files]\n'lib' = ['*/a/*.py']", Runs.IMPORTED),
        ("pyproject.toml", "[tool.ruff]\ninclude = ['*.py']", Runs.NEVER),
        ("pyproject.toml", "[tool.hatch", Runs.NEVER),
    ],
)
def test_settings_may_mean_examples_without_naming_them(
    tmp_path: Path, name: str, text: str, when: Runs
) -> None:
    files = {name: text, "own/__init__.py": "", "examples/a/b.py": ""}
    inside = {f"sample-1.0/{path}": text for path, text in files.items()}
    tree = Path(package(tmp_path, inside).artifacts[0].tree)

    assert RunningFiles(tree, SDIST).when("sample-1.0/examples/a/b.py") is when


@pytest.mark.parametrize(
    ("beside", "when"), [("docs/conf.py", Runs.IMPORTED), ("own/a.py", Runs.NEVER)]
)
def test_setuptools_takes_a_folder_that_is_alone(tmp_path: Path, beside: str, when: Runs) -> None:
    files = {"pyproject.toml": "[project]\nname = 'sample'", "demos/a.py": "", beside: ""}
    tree = Path(package(tmp_path, files).artifacts[0].tree)

    assert RunningFiles(tree, SDIST).when("demos/a.py") is when


def test_a_link_is_no_project(tmp_path: Path) -> None:
    tree = Path(
        package(tmp_path, {"real.toml": '[build-system]\nbackend-path = ["."]'}).artifacts[0].tree
    )
    (tree / "pyproject.toml").symlink_to("real.toml")

    assert not RunningFiles(tree, SDIST).is_of_a_backend("own.py")
