"""Scan the requested packages; approved ones go to AWS CodeArtifact. See README.md."""

import sys

from package_gate.aws_targets import CODEARTIFACT
from package_gate.cli import main

sys.exit(main(CODEARTIFACT))
