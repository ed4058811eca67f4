"""The gate on one machine: approved packages go to a folder."""

import sys

from package_gate.cli import main
from package_gate.targets import LOCAL

sys.exit(main(LOCAL))
