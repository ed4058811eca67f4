"""The gate on one machine: approved packages go to a folder."""

import sys

from package_gate.commands.destinations import LOCAL
from package_gate.commands.gate import main

sys.exit(main(LOCAL))
