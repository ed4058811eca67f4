"""Scan the dependencies of a repository. See docs/dependency-scan.md."""

import signal
import sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing has begun that could be interrupted

from package_gate.commands.dependencies import main  # noqa: E402

sys.exit(main(folder=Path(__file__).parent))
