"""Scan the requested packages; approved ones go to a private GitHub repository. See README.md."""

import sys

from package_gate.aws_targets import GITHUB
from package_gate.cli import main

sys.exit(main(GITHUB))
