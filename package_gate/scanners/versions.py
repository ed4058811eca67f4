"""The version of each scanner and its rules, without loading it.

What a scanner found in some bytes stands as long as its version is the same. So whoever changes
what a scanner reports about the same bytes raises its number here, by hand.
"""

from importlib.metadata import version

ARCHIVE = "18"
BEHAVIOUR = "48"
OBSERVED = "6"
"""Of what is observed where nothing is built; see `observed`."""
CODEGURU = "2018-05-10"
"""Of the service's API; the service does not date its rules."""
_GUARDDOG = 11
"""What is made of GuardDog's rules: see `guarddog`."""
_RUFF = 2
"""Which of Ruff's rules are used, and what is made of them: see `ruff`."""


def guarddog() -> str:
    """Give the installed GuardDog's version, and our own after a `+`."""
    return f"{version('guarddog')}+{_GUARDDOG}"


def ruff() -> str:
    """Give the installed Ruff's version, and our own after a `+`."""
    return f"{version('ruff')}+{_RUFF}"


def observed(*, builds: bool) -> str:
    """Give the version of what observes packages, which builds their sdists or does not."""
    return f"{OBSERVED}+builds" if builds else OBSERVED
