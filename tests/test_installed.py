"""`pip install .`: the program works from anywhere, without this checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from package_gate import __version__
from package_gate.core.packaged import packaged
from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import POLICY, PROJECT, LocalRun

UV = Path(sys.executable).with_name("uv")


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, timeout=240)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the sdist, as somebody who publishes it would."""
    folder = tmp_path_factory.mktemp("built")
    run(UV, "build", "--quiet", "--no-config", "--out-dir", folder, PROJECT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment that has the wheel and, from the tests', what it needs."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    install = ("pip", "install", "--quiet", "--no-config", "--offline", "--no-deps")
    run(UV, *install, "--python", folder, wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_the_program_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        policy = archive.read("package_gate/data/scan-policy.toml")
        origin = archive.read("package_gate/built-from").decode().strip()
    assert policy == (PROJECT / "scan-policy.toml").read_bytes()
    assert origin.startswith("g") or not (PROJECT / ".git").exists()
    program = {
        str(path.relative_to(PROJECT))
        for path in packaged("").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    metadata = f"package_gate-{__version__}.dist-info/"
    assert {name for name in names if not name.startswith(metadata)} == {
        *program, "package_gate/built-from",
    }  # fmt: skip


@pytest.mark.parametrize("module", [False, True])
def test_it_decides_in_any_folder_and_its_workers_are_isolated(
    environment: Path, tmp_path: Path, server: HTTPSServer, *, module: bool
) -> None:
    local = LocalRun(tmp_path / "local", PackageIndex(server))
    local.folder.mkdir()
    local.index.add_wheel("app", "1.0")
    local.index.add_wheel("urllib3", "1.25.8")
    work = tmp_path / "work"
    work.mkdir()
    (work / "package_gate.py").write_text("raise SystemExit('planted')\n")
    (work / "external-package-request.csv").write_text(
        "app,pypi:app\nurllib3,pypi:urllib3==1.25.8\n"
    )
    (work / "scan-policy.toml").write_text(POLICY)
    (sample,) = environment.glob("lib/python*/site-packages/package_gate/data/advisories")
    python = [environment / "bin/python", "-P", "-m", "package_gate"]
    started = python if module else [environment / "bin/package-gate"]
    result = subprocess.run(
        [*started, "--advisories", sample, "--scanners", "osv,guarddog"],
        env={"PATH": os.environ["PATH"], "HOME": str(work), **local.index.environment},
        cwd=work, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    local.output = work / "local-repository"
    assert local.verdicts() == {"app": "approved", "urllib3": "refused"}
    report = local.report()
    assert report["sample_advisories"] is True
    assert report["gate_version"].startswith(f"{__version__}+")
    isolation = {each["name"]: each["isolation"] for each in report["scanners"]}
    for scanner in ("archive", "guarddog"):
        assert "none" not in isolation[scanner]
        assert "files" in isolation[scanner]
