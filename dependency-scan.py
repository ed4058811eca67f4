"""Scan the dependencies of a repository. See docs/dependency-scan.md."""

import sys
from pathlib import Path

from package_gate.commands.dependencies import main

sys.exit(main(folder=Path(__file__).parent))
