"""Scan the requested packages; approved ones go to a private GitHub repository. See README.md."""

import sys
from pathlib import Path

from package_gate.commands.aws_destinations import GITHUB
from package_gate.commands.main import scan_script

sys.exit(scan_script(GITHUB, Path(__file__).parent))
