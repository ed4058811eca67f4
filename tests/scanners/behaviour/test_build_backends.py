from pathlib import Path

import pytest

from package_gate.scanners.behaviour.build_backends import build_backend_folders
from tests.scanners.packages import package


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ('[build-system]\nbackend-path = ["_build"]', ("sample-1.0/_build/",)),
        ('[build-system]\nbackend-path = ["."]', ("sample-1.0/",)),
        ("[build-system]\nrequires = []", ()),
        ("[build-system]\nbackend-path = 1", ()),
        ("build-system = 1", ()),
        ("no TOML", ()),
        ("a = " + "[" * 100_000, ()),
    ],
)
def test_the_folders_of_build_backends(tmp_path: Path, text: str, folders: tuple[str, ...]) -> None:
    tree = Path(package(tmp_path, {"sample-1.0/pyproject.toml": text}).artifacts[0].tree)

    assert build_backend_folders(tree) == folders


def test_a_link_is_no_project(tmp_path: Path) -> None:
    tree = Path(
        package(tmp_path, {"real.toml": '[build-system]\nbackend-path = ["."]'}).artifacts[0].tree
    )
    (tree / "pyproject.toml").symlink_to("real.toml")

    assert build_backend_folders(tree) == ()
