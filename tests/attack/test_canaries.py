"""Nothing of a package runs, whichever door it is put behind: a canary would end the scan."""

from pathlib import Path

import pytest

from package_gate.core.artifact import Artifact, Origin, UnpackedArtifact, UnpackedPackage
from package_gate.core.finding import Finding
from package_gate.core.limits import Limits
from package_gate.sandbox.pool import ScannerPool
from package_gate.scanners.registry import worker_spec
from tests.archive.hostile_wheels import INFO_FOLDER, WHEEL_NAME, make_wheel
from tests.archive.makers import make_tar, tar_file

SDIST = "demo_pkg-1.0.tar.gz"
CANARY = b"""import os
open(os.environ.get("TMPDIR", "/tmp") + "/canary", "w").close()
os._exit(42)
"""
BACKEND = b"""[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[tool.ruff]
extend = "other.toml"
[tool.pytest.ini_options]
addopts = "-p canary"
"""


def sdist() -> bytes:
    files = {
        "PKG-INFO": b"Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n",
        "pyproject.toml": BACKEND,
        "setup.cfg": b"[options]\ncmdclass = install = setup.Install\n",
        "ruff.toml": b'extend = "/etc/passwd"\nexclude = ["**"]\n',
        "hubconf.py": CANARY,
        **dict.fromkeys(
            (
                *("setup.py", "backend.py", "conftest.py", "noxfile.py", "canary.py"),
                *("sitecustomize.py", "usercustomize.py", "__main__.py", "demo_pkg/__init__.py"),
                *("tests/conftest.py", "hatch_build.py", "pdm_build.py", "ast.py", "yara.py"),
                *("msgspec.py", "package_gate/__init__.py", "ruff.py", "nono_py.py"),
            ),
            CANARY,
        ),
        "demo.pth": b"import canary\n",
    }
    return make_tar(
        *(tar_file(f"demo_pkg-1.0/{name}".encode(), data) for name, data in files.items())
    )


def wheel() -> bytes:
    return make_wheel(
        {
            "demo_pkg/__init__.py": CANARY,
            "sitecustomize.py": CANARY,
            "conftest.py": CANARY,
            "demo.pth": b"import sitecustomize\n",
            f"{INFO_FOLDER}/entry_points.txt": b"[pytest11]\ndemo = sitecustomize\n",
            "demo_pkg-1.0.data/scripts/ruff": b"#!python\n" + CANARY,
        }
    )


@pytest.mark.parametrize(("filename", "content"), [(SDIST, sdist()), (WHEEL_NAME, wheel())])
def test_every_scanner_reads_canaries_and_runs_none(
    filename: str, content: bytes, tmp_path: Path
) -> None:
    downloads, trees = tmp_path / "package" / "downloads", tmp_path / "package" / "trees"
    downloads.mkdir(parents=True)
    trees.mkdir()
    (downloads / filename).write_bytes(content)
    artifact = Artifact(filename, "0" * 64, len(content))
    unpacked = UnpackedArtifact(artifact, str(downloads / filename), str(trees / "0"))
    target = UnpackedPackage("demo-pkg", "1.0", Origin.ARCHIVE, (unpacked,))
    specs = [
        worker_spec("archive"),
        worker_spec("guarddog"),
        worker_spec("ruff"),
    ]
    found: dict[str, list[Finding]] = {}
    with ScannerPool(specs, Limits(), tmp_path) as pool:
        pool.unpack("archive", target)
        for spec in specs[1:]:
            found[spec.name] = pool.scan(spec.name, target)  # a canary would make it fail

    assert list(tmp_path.rglob("canary")) == []
    assert not Path("/tmp/canary").exists()
    assert found["ruff"], "it read the files"
    assert any(Path(unpacked.tree).rglob("sitecustomize.py"))
