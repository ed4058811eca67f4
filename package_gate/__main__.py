"""`python -m package_gate`, the same as the console script `package-gate`."""

import sys

from package_gate.commands.main import main

sys.exit(main())
