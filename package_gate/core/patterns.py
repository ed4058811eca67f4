"""What names and addresses look like, for all who check what others have written."""

import re

EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
"""An address that is safe in a header and in a filter; with `MAX_EMAIL`, see `is_email`."""
MAX_EMAIL = 254
"""Characters (RFC 5321, 4.5.3.1.3)."""
PACKAGE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
"""Of a distribution, in any spelling (PEP 508)."""
PACKAGE_VERSION = re.compile(r"[!-~]{1,128}")
"""What may stand for a version in a record or a query, whether or not it is one (PEP 440)."""
DISTRIBUTION_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!-]{0,199}")
"""The file name of a wheel, an sdist or an archive; safe as a path and as an argument."""


def is_email(text: str) -> bool:
    """Whether this is an email address, and nothing besides."""
    return len(text) <= MAX_EMAIL and EMAIL.fullmatch(text) is not None
