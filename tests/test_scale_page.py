"""docs/scale.md, as a reader follows it: eight workers on one machine."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import PROJECT, LocalRun

PAGE = PROJECT / "docs" / "scale.md"


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer) -> LocalRun:
    """Where the page's commands find `package-gate`, a policy, requests and advisories."""
    local = LocalRun(tmp_path, PackageIndex(server))
    local.environment = {
        "PACKAGE_GATE_SCANNERS": "osv,ruff",
        "PACKAGE_GATE_ADVISORIES": str(local.advisories),
        "PACKAGE_GATE_POLICY": str(tmp_path / "policy.toml"),
    }
    program = tmp_path / "bin" / "package-gate"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m package_gate "$@"\n')
    program.chmod(0o755)
    return local


def test_eight_workers_do_what_one_run_does(local: LocalRun) -> None:
    names = [f"app{number}" for number in range(10)]
    for name in names:
        local.index.add_wheel(name, "1.0", ["dep>=1"])
    local.index.add_wheel("dep", "1.5")
    local.add_advisory("app3", "1.0")
    requests = "".join(f"{name},pypi:{name}\n" for name in names)
    local.command(requests)
    cwd = local.folder / "cwd"
    (cwd / "external-package-request.csv").write_text(requests)
    (block,) = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
    environment = local.environ()
    environment["PATH"] = f"{local.folder / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env=environment, cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((cwd / "work" / "batches").iterdir())) == 8
    local.output = cwd / "local-repository"
    assert local.verdicts() == {name: "refused" if name == "app3" else "approved" for name in names}
