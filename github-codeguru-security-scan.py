"""Scan the requested packages; approved ones go to a private GitHub repository. See README.md."""

import sys

from package_gate.cli import main

sys.exit(main("github"))
