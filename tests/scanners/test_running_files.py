from pathlib import Path

import pytest

from package_gate.scanners.running_files import RunningFiles, Runs, runs_whole
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


@pytest.mark.parametrize(
    ("files", "when"),
    [
        ({"setup.py": "setup(packages=find_packages())"}, Runs.NEVER),
        ({"setup.py": "setup(package_dir={'own.x': 'examples'})"}, Runs.IMPORTED),
        ({"setup.py": "setup(packages=find_namespace_packages())"}, Runs.IMPORTED),
        ({"setup.cfg": "[options]\npackages = find_namespace:"}, Runs.IMPORTED),
        ({"pyproject.toml": "[tool.setuptools.packages.find]"}, Runs.IMPORTED),
        ({"pyproject.toml": '[tool.flit.module]\nname = "\\u0065xamples"'}, Runs.IMPORTED),
        ({"hatch.toml": "packages = ['examples/a']"}, Runs.IMPORTED),
        ({"examples/a/__init__.py": ""}, Runs.IMPORTED),
    ],
)
def test_examples_wait_unless_settings_may_mean_them(
    tmp_path: Path, files: dict[str, str], when: Runs
) -> None:
    inside = {f"sample-1.0/{path}": text for path, text in files.items()}
    tree = Path(package(tmp_path, inside | {"sample-1.0/examples/a/b.py": ""}).artifacts[0].tree)

    assert RunningFiles(tree, SDIST).when("sample-1.0/examples/a/b.py") is when


def test_a_link_is_no_project(tmp_path: Path) -> None:
    tree = Path(
        package(tmp_path, {"real.toml": '[build-system]\nbackend-path = ["."]'}).artifacts[0].tree
    )
    (tree / "pyproject.toml").symlink_to("real.toml")

    assert not RunningFiles(tree, SDIST).is_of_a_backend("own.py")
