"""Which code runs: its version, and the commit or the bundle that it is from."""

import os
import re
import subprocess
from functools import cache

from package_gate import __version__
from package_gate.core.packaged import packaged

BUILT_FROM = "built-from"
"""A file that says what the package is from; hatch_build.py or a build on AWS writes it."""
GIT_SECONDS = 10
_BUNDLE = re.compile(r"bundle sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"g[0-9a-f]{7,64}(\.dirty)?")


@cache
def gate_version() -> str:
    """Give the version and what it is from, as records and reports name it.

    Returns:
        `0.2.0+g1a2b3c4d5e6f` in a checkout and when installed from one, ending in `.dirty` when
        `package_gate/` was not as in that commit; `0.2.0 (bundle sha256:…)` in a build on AWS;
        `0.2.0+unknown` where nothing says it.
    """
    origin = built_from()
    return f"{__version__} ({origin})" if _BUNDLE.fullmatch(origin) else f"{__version__}+{origin}"


def built_from() -> str:
    """Give what the code is from: a commit as `g1a2b3c4d5e6f`, `bundle sha256:…`, or `unknown`."""
    try:
        origin = packaged(BUILT_FROM).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        origin = _commit()
    return origin if _BUNDLE.fullmatch(origin) or _COMMIT.fullmatch(origin) else "unknown"


def _commit() -> str:
    """Ask git, where the package lies in a checkout of its own; "" where it can't say."""
    package = packaged("")
    if not (package.parent / ".git").exists():
        return ""
    commit = _git("rev-parse", "--short=12", "HEAD")
    changes = _git("status", "--porcelain", "--", package.name)
    if commit is None or changes is None:
        return ""
    return f"g{commit}.dirty" if changes else f"g{commit}"


def _git(*arguments: str) -> str | None:
    """Run git on the checkout, without anybody's settings and without writing to it."""
    checkout = packaged("").parent
    command = [
        *("git", f"--git-dir={checkout / '.git'}", f"--work-tree={checkout}"),
        *("--no-optional-locks", "-c", "core.fsmonitor=false", *arguments),
    ]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=GIT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()
