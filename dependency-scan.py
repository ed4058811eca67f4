"""Scan the dependencies of a repository. See docs/dependency-scan.md."""

import sys

from package_gate.dependency_scan.cli import main

sys.exit(main())
