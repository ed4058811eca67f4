"""Which names become branches, and which files of a package stay out of a commit."""

import re

from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import PublishError
from package_gate.core.patterns import DISTRIBUTION_FILE

PYPI_REQUESTS = "pypi"
PYPI_PACKAGES = "pypi-packages"

ARCHIVE_FOLDER = ".packages"
"""Where a branch holds the scanned archive.

Not `packages`: setuptools' automatic discovery takes every top-level folder whose name could be
imported for a package. Beside a project's own it stops the build, and instead of a single module
it gives a wheel without content.
"""

# What git, file systems, shells and URLs all take as it stands.
_REQUEST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:\.tar)?\.[a-z0-9]{1,5}$")

# Code points that HFS+ ignores in names, as git's utf8.c lists them.
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")

# Names that git acts on in a clone, with the short names that NTFS gives them.
_ACTING = {
    ".git": "a git folder",
    "git~1": "a git folder",
    ".gitattributes": "would change files at checkout",
    "gitatt~1": "would change files at checkout",
    "gi7d29~1": "would change files at checkout",
    ".gitmodules": "would fetch other repositories",
    "gitmod~1": "would fetch other repositories",
    "gi7eba~1": "would fetch other repositories",
    ".lfsconfig": "would fetch files from elsewhere",
}


def request_branch(name: str) -> str:
    """The branch of an archive request.

    Raises:
        PublishError: the name can't be one; it says why.
    """
    return _checked(name)


def pypi_request_branch(name: str) -> str:
    """The branch that holds everything a PyPI request needs; raises as `request_branch`."""
    return f"{PYPI_REQUESTS}/{_checked(name)}"


def pypi_package_branch(name: str, version: str) -> str:
    """The branch of one PyPI package's files; raises as `request_branch`.

    The name is normalised (PEP 503), so that one package has one branch.
    """
    package, release = PYPI.normalise_name(name), version.replace("!", "_")
    return f"{PYPI_PACKAGES}/{_checked(package)}/{_checked(release)}"


def _checked(name: str) -> str:
    if (
        not _REQUEST.fullmatch(name)
        or name.lower() in ("head", PYPI_REQUESTS, PYPI_PACKAGES)
        or name.endswith((".", ".lock"))
        or ".." in name
        or _OBJECT_ID.fullmatch(name)
    ):
        raise PublishError(
            f"{name!r} can't be a branch name. Use letters, digits and . _ + - "
            f"(at most 100), not {PYPI_REQUESTS} or {PYPI_PACKAGES}, not HEAD or a commit's id, "
            "and no .lock at the end."
        )
    return name


def conflicting_branch(branch: str, heads: dict[str, str]) -> str | None:
    """Name a branch that can't stand beside this one, on the server or in a clone.

    Names that differ in case only share a file on macOS and Windows, and `a` is in the way of
    `a/b`.
    """
    wanted = branch.lower()
    for head in heads:
        other = head.lower()
        if head != branch and (
            other == wanted or other.startswith(f"{wanted}/") or wanted.startswith(f"{other}/")
        ):
            return head
    return None


def archive_file(name: str, filename: str) -> str:
    """What the scanned archive of a request is called: `NAME.zip`, with its true extension.

    A wheel keeps its whole name, because pip reads it (PEP 427).
    """
    if filename.lower().endswith(".whl"):
        return checked_file(filename)
    suffix = _SUFFIX.search(filename.lower())
    return f"{name}{suffix[0] if suffix else ''}"


def checked_file(filename: str) -> str:
    """Give a distribution's file name back when it is a plain one; raises `PublishError`."""
    if not DISTRIBUTION_FILE.fullmatch(filename):
        raise PublishError(f"{filename!r} can't be the name of a distribution file.")
    return filename


def left_out(path: str) -> str | None:
    """Why a file of a package stays out of the commit; None when it goes in.

    Args:
        path: relative to the branch's root, with `/`.
    """
    parts = re.split(r"[/\\]", path)
    if _plain(parts[0]) == ARCHIVE_FOLDER:
        return "stands where the gate puts the archive"
    for part in parts:
        if reason := _ACTING.get(_plain(part)):
            return reason
    return None


def _plain(part: str) -> str:
    """A name as the most forgiving file systems read it: HFS+ and NTFS."""
    return _IGNORED_BY_HFS.sub("", part).split(":")[0].rstrip(" .").lower()
