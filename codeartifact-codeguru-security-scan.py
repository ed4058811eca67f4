"""Scan the requested packages; approved ones go to AWS CodeArtifact. See README.md."""

import sys
from pathlib import Path

from package_gate.commands.aws_destinations import CODEARTIFACT
from package_gate.commands.main import scan_script

sys.exit(scan_script(CODEARTIFACT, Path(__file__).parent))
