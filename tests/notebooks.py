"""Notebooks: environments of other Pythons with a pip of their own, in which commands are run.

What the tests install is approved by a gate and made by themselves; here it is run, as people do.
"""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

OLD_PIP, NEW_PIP = "old", "new"
"""The pip that comes with the interpreter, such as 23.2, and that of the tests' environment."""


@cache
def interpreter(version: str) -> Path | None:
    """Find a Python of this minor version, such as `3.12`: on `PATH`, of uv, of pyenv.

    A command of that name may be a stub that says that there is none, so each is asked.
    """
    home = Path.home()
    candidates = [
        Path(found) if (found := shutil.which(f"python{version}")) else None,
        *sorted(home.glob(f".local/share/uv/python/cpython-{version}.*/bin/python{version}")),
        *sorted(home.glob(f".pyenv/versions/{version}.*/bin/python{version}")),
    ]
    said = "import sys; print('%d.%d' % sys.version_info[:2])"
    for each in candidates:
        if each and each.is_file():
            asked = subprocess.run(
                [each, "-I", "-c", said], capture_output=True, text=True, check=False
            )
            if asked.stdout.strip() == version:
                return each
    return None


@dataclass(frozen=True)
class Notebook:
    """An environment in which a requester works."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run what an email says, in a shell without anybody's configuration."""
        return subprocess.run(
            ["bash", "-c", command],
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "HOME": str(self.folder),
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                "PIP_NO_CACHE_DIR": "1",
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    def imports(self, module: str) -> subprocess.CompletedProcess[str]:
        """Import a module."""
        return self.run(f"python -I -c {shlex.quote(f'import {module}')}")


def old_pip(python: Path) -> Path | None:
    """Find the pip that an interpreter comes with: a wheel, which is run as it is."""
    where = "import ensurepip, os; print(os.path.dirname(ensurepip.__file__))"
    asked = subprocess.run([python, "-I", "-c", where], capture_output=True, text=True, check=False)
    found = sorted(Path(asked.stdout.strip() or os.devnull).glob("_bundled/pip-*.whl"))
    return found[-1] if found else None


def notebook(folder: Path, python: Path, pip: str = OLD_PIP) -> Notebook:
    """Make an environment.

    Args:
        folder: where; it must not exist yet. Those beside each other share an old pip.
        python: the interpreter.
        pip: `OLD_PIP`, `NEW_PIP`, or the path of a pip's wheel.
    """
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=300)
    own = folder / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(own)]
    if pip != NEW_PIP:
        wheel = Path(pip) if pip != OLD_PIP else old_pip(python)
        if wheel is None:
            pytest.skip(f"{python} comes without pip")
        unpacked = folder.parent / wheel.stem  # Python keeps what it has compiled of a folder
        if not unpacked.exists():
            shutil.unpack_archive(wheel, unpacked, "zip")
        words = [str(own), str(unpacked / "pip")]
    command = folder / "bin" / "pip"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    command.chmod(0o755)
    return Notebook(folder)
