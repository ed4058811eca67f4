"""The gate on one machine: approved packages go to a folder."""

import sys

from package_gate.cli import main

sys.exit(main("local"))
