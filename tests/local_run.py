"""Runs the gate as people do: `shell/scan-locally.sh`'s command as a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import preloaded
from tests.fakes.package_index import PackageIndex

PROJECT = Path(__file__).parent.parent
POLICY = """
[sources]
private_hosts = ["localhost"]

[targets]
python_versions = ["3.11"]
"""


@dataclass
class LocalRun:
    """A request file, a policy and an output folder, and the index that they meet."""

    folder: Path
    index: PackageIndex
    policy: str = POLICY
    environment: dict[str, str] = field(default_factory=dict)
    output: Path = Path()
    """`out` in the folder unless told otherwise."""

    def __post_init__(self) -> None:
        if self.output == Path():
            self.output = self.folder / "out"

    @property
    def advisories(self) -> Path:
        return self.folder / "advisories"

    def environ(self) -> dict[str, str]:
        """Give the environment of the run: this machine's `PATH`, the index, nothing else."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(PROJECT),
            **self.index.environment,
            **self.environment,
        }

    def command(self, requests: str, *arguments: str) -> list[str]:
        """Write the request file and the policy, and give the command line."""
        for name in ("home", "cwd"):
            (self.folder / name).mkdir(exist_ok=True)
        if not self.advisories.exists():
            self.add_advisory("unrelated", "0.1")
        (self.folder / "requests.csv").write_text(requests)
        (self.folder / "policy.toml").write_text(self.policy)
        return [
            sys.executable, "-P", "-s", "-m", "package_gate",
            "--requests", str(self.folder / "requests.csv"),
            "--policy", str(self.folder / "policy.toml"),
            "--output", str(self.output),
            "--advisories", str(self.advisories),
            *arguments,
        ]  # fmt: skip

    def run(self, requests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the gate to its end."""
        return self._done(self.command(requests, *arguments))

    def reevaluate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Judge again what is approved."""
        (self.folder / "policy.toml").write_text(self.policy)
        return self._done([
            sys.executable, "-P", "-s", "-m", "package_gate", "reevaluate",
            "--policy", str(self.folder / "policy.toml"),
            "--output", str(self.output),
            "--advisories", str(self.advisories),
            *arguments,
        ])  # fmt: skip

    def _done(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return preloaded.run(command, env=self.environ(), cwd=self.folder / "cwd")

    def verdicts(self) -> dict[str, str]:
        """Give the verdict of each request by name."""
        return {request["name"]: request["verdict"] for request in self.report()["requests"]}

    def report(self) -> Any:
        """Read verdicts.json."""
        return json.loads((self.output / "verdicts.json").read_bytes())

    def add_advisory(
        self, package: str, *versions: str, severity: str = "HIGH", identifier: str = ""
    ) -> None:
        """Add an OSV record against these versions."""
        folder = self.advisories / "PyPI"
        folder.mkdir(parents=True, exist_ok=True)
        record = {
            "id": identifier or f"PYSEC-2026-{len(list(folder.iterdir())) + 1}",
            "modified": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "summary": f"{package} has a hole.",
            "database_specific": {"severity": severity},
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": package},
                    "versions": list(versions),
                }
            ],
        }
        (folder / f"{record['id']}.json").write_text(json.dumps(record))
