"""What lies beside the checkout in `../shared`: big or real data that is no part of the project.

A clone does not have it, so a test that needs it is skipped there, and says what it lacks. Where
the folder exists nothing is skipped: a file that is missing in it is a failure.
"""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(path: str) -> Path:
    """Give the file or folder `path` of `../shared`, or skip the test that asks.

    `.ci/run` looks for the folder itself and sets TESTS_NEED_SHARED; then nothing is skipped,
    even if this module looked in the wrong place.
    """
    found = SHARED / path
    if found.exists():
        return found
    reason = f"{found} is missing: it lies beside the checkout and is no part of a clone"
    if SHARED.exists() or os.environ.get("TESTS_NEED_SHARED"):
        pytest.fail(reason)
    pytest.skip(reason)
