"""Scan the dependencies of a repository. See docs/dependency-scan.md."""

import sys

from package_gate.commands.dependencies import main

sys.exit(main())
