"""Wheels that misbehave when they run: those of `tests/samples/observed.toml`."""

import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from package_gate.observation.observe import Wheel

INFO = "demo-1.0.dist-info"


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    files: Mapping[str, str]
    """What lies in a wheel, by path."""
    finds: frozenset[str]
    """Rules that must be found."""
    is_missed: bool
    """Whether what it does wrong is not seen; the file says why."""
    is_hostile: bool
    """Whether it attacks the sandbox."""

    @property
    def runs_at_start(self) -> bool:
        """Whether it runs whenever Python starts."""
        return any(path.endswith((".pth", "customize.py")) for path in self.files)

    @property
    def hosts(self) -> list[str]:
        """Which programs besides Python have to load it."""
        everything = " ".join([*self.files, *self.files.values()])
        return [host for host in ("pytest11", "jupyter") if host in everything]


def read() -> list[Sample]:
    """Read all samples."""
    path = Path(__file__).parents[1] / "samples" / "observed.toml"
    return [
        Sample(
            each["name"],
            each["files"],
            frozenset(each["finds"]),
            is_missed="passes" in each,
            is_hostile=each.get("hostile", False),
        )
        for each in tomllib.loads(path.read_text())["samples"]
    ]


def wheel_of(folder: Path, files: Mapping[str, str]) -> Wheel:
    """Write a wheel, whatever is in it."""
    filename = "demo-1.0-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / filename
    metadata = {
        f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**metadata, **files}.items():
            archive.writestr(name, text)
    return Wheel(path, filename)
