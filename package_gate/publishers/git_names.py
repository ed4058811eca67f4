"""Which names become branches, and which files of a package stay out of a commit."""

import hashlib
import re
from collections.abc import Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from package_gate.core.ecosystem import PYPI
from package_gate.core.errors import PublishError
from package_gate.core.patterns import DISTRIBUTION_FILE
from package_gate.core.request import PyPISource, Request

PYPI_REQUESTS = "pypi"
PYPI_PACKAGES = "pypi-packages"
OWN = "package-gate"
STANDING_BRANCH = f"{OWN}/standing-list"

ARCHIVE_FOLDER = ".packages"
"""Where a branch holds the scanned archive.

Not `packages`: setuptools' automatic discovery takes every top-level folder whose name could be
imported for a package. Beside a project's own it stops the build, and instead of a single module
it gives a wheel without content.
"""

# What git, file systems, shells and URLs all take as it stands.
_REQUEST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")
_PLAIN_VERSION = re.compile(r"[a-z0-9]+(?:[.+][a-z0-9]+)*")
_READABLE = 60
"""Characters of what is asked that a branch shows."""
_OPERATORS = (
    *(("===", " is"), ("==", " eq"), ("!=", " ne"), ("~=", " compatible")),
    *((">=", " ge"), ("<=", " le"), (">", " gt"), ("<", " lt")),
)
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

# Names at the root that GitHub acts on by itself; and in a folder `docs`, which it may take for the
# root of a site, and looks through.
_GITHUB_ACTS = "GitHub would act on it"
_SITE = "would configure a site that is made of the branch"
_ACTING_AT_ROOT = {
    "codeowners": _GITHUB_ACTS,
    "_config.yml": _SITE,
    "cname": _SITE,
    "jenkinsfile": "would be run by a service that hears of the push",
}
_ACTING_IN_DOCS = frozenset({"codeowners", "_config.yml", "cname"})

# Hundreds of services that hear of a push, editors and agents keep their settings at the root. So
# of what looks like settings only that goes in which builds read.
_HARMLESS_DOTS = {".gitignore", ".gitkeep", ".git_archival.txt", ".hgignore", ".trampolim.py"}
_SETTINGS = re.compile(r".*\.(?:ya?ml|toml|json[5c]?|jsonnet|star|code-workspace|cue|hcl)")
_OF_BUILDS = {
    *("pyproject.toml", "hatch.toml", "pdm.toml", "poetry.toml", "uv.toml", "flit.toml"),
    *("cargo.toml", "rust-toolchain.toml", "package.json", "package-lock.json", "tsconfig.json"),
    *("environment.yml", "environment.yaml", "conda.yml", "conda.yaml", "vcpkg.json"),
}
_SERVICE = "may be settings of a service, an editor or an agent that acts on a push or a clone"
# What agents take for what they are told, in any folder, and what GitHub offers to run from there.
_ANYWHERE = {"agents.md", "claude.md", "gemini.md", ".claude", ".cursor", ".devcontainer"}


def request_branch(name: str) -> str:
    """The branch of an archive request.

    Raises:
        PublishError: the name can't be one; it says why.
    """
    if name.lower() == "gh-pages":
        raise PublishError("GitHub makes a site of a branch gh-pages; choose another name.")
    return _checked(name)


def requirement_of(request: Request) -> Requirement:
    """What a PyPI request asks for, in the one spelling that stands for all.

    Raises:
        PublishError: it asks for something else.
    """
    text = request.source.requirement if isinstance(request.source, PyPISource) else ""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise PublishError(f"{request.name} is no request for a PyPI package.") from None
    requirement.name = PYPI.normalise_name(requirement.name)
    requirement.extras = {PYPI.normalise_name(extra) for extra in requirement.extras}
    if pinned := _pinned(requirement.specifier):
        requirement.specifier = SpecifierSet(f"=={pinned}")
    return requirement


def pypi_request_branch(requirement: Requirement, constraints: Sequence[str] = ()) -> str:
    """The branch that holds everything that a requirement needs: one for each requirement.

    `pypi/idna` for any release, `pypi/idna==3.7` for that one, and for everything else what can
    be read of it with a digest that tells it from all others: `pypi/idna=ge3.lt4-9f86d081884c`.
    None of them can be another one's, nor differ in case only: names have no `=`.

    Args:
        requirement: as `requirement_of` gives it.
        constraints: what the request says of its closure.

    Raises:
        PublishError: as `request_branch`.
    """
    project = f"{PYPI_REQUESTS}/{_checked(requirement.name)}"
    text = " with ".join((str(requirement), *constraints))
    if text == requirement.name:
        return project
    pinned = _pinned(requirement.specifier)
    if text == f"{requirement.name}=={pinned}" and _PLAIN_VERSION.fullmatch(pinned):
        return f"{project}=={pinned}"
    asked = text.removeprefix(requirement.name).lower()
    for operator, word in _OPERATORS:
        asked = asked.replace(operator, word)
    words = ".".join(re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", asked))[:_READABLE].rstrip(".")
    return f"{project}={words}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _pinned(specifier: SpecifierSet) -> str:
    """The release that is named exactly, in PEP 440's own spelling; "" when none is."""
    only = next(iter(specifier)) if len(specifier) == 1 else None
    if only is None or only.operator != "==" or only.version.endswith(".*"):
        return ""
    return str(Version(only.version))


def pypi_package_branch(name: str, version: str) -> str:
    """The branch of one PyPI package's files; raises as `request_branch`.

    The name is normalised (PEP 503), so that one package has one branch.
    """
    package, release = PYPI.normalise_name(name), version.replace("!", "_")
    return f"{PYPI_PACKAGES}/{_checked(package)}/{_checked(release)}"


def _checked(name: str) -> str:
    if (
        not _REQUEST.fullmatch(name)
        or name.lower() in ("head", PYPI_REQUESTS, PYPI_PACKAGES, OWN)
        or name.endswith((".", ".lock"))
        or ".." in name
        or _OBJECT_ID.fullmatch(name)
    ):
        raise PublishError(
            f"{name!r} can't be a branch name. Use letters, digits and . _ + - "
            f"(at most 100), not {PYPI_REQUESTS}, {PYPI_PACKAGES} or {OWN}, not HEAD or a "
            "commit's id, and no .lock at the end."
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
    plain = [_plain(part) for part in parts]
    first, is_at_root = plain[0], len(plain) == 1
    if first == ".github":
        return _GITHUB_ACTS
    if len(plain) == 2 and first == "docs" and plain[1] in _ACTING_IN_DOCS:
        return _ACTING_AT_ROOT[plain[1]]
    if is_at_root and first in _ACTING_AT_ROOT:  # a folder `cname` may be the package itself
        return _ACTING_AT_ROOT[first]
    is_settings = is_at_root and _SETTINGS.fullmatch(first) and first not in _OF_BUILDS
    is_hidden = first[:1] == "." and first not in _HARMLESS_DOTS
    return _SERVICE if is_settings or is_hidden or _ANYWHERE.intersection(plain) else None


def _plain(part: str) -> str:
    """A name as the most forgiving file systems read it: HFS+ and NTFS."""
    return _IGNORED_BY_HFS.sub("", part).split(":")[0].rstrip(" .").lower()
