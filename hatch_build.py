"""Has wheel and sdist say which commit they are of: `package_gate/core/version.py` reads it."""

import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class OriginHook(BuildHookInterface[Any]):
    """Adds the file `built-from`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write it before the archive is made; `finalize` takes it away again."""
        sys.path.insert(0, self.root)
        from package_gate.core.version import BUILT_FROM, built_from

        with NamedTemporaryFile("w", suffix=f"-{BUILT_FROM}", delete=False) as file:
            file.write(f"{built_from()}\n")
        self._file = Path(file.name)
        build_data["force_include"][file.name] = f"package_gate/{BUILT_FROM}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary file."""
        self._file.unlink()
