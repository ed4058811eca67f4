"""Shortens every sleep of a Python that has this folder on its path, so that retries take no time.

https://docs.python.org/3/library/site.html
"""

import time
from typing import SupportsIndex

_sleep = time.sleep


def _short_sleep(seconds: float | SupportsIndex) -> None:
    _sleep(min(float(seconds), 0.01))


time.sleep = _short_sleep
