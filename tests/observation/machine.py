"""Whether this machine can observe packages; `shell/run-tests.sh` installs what it needs."""

import pytest

from package_gate.observation.rooms import missing

PROBLEM = missing()
needs_sandbox = pytest.mark.skipif(bool(PROBLEM), reason=f"can't observe packages: {PROBLEM}")
