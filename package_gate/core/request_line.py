"""One line of the request file → a request, or what is wrong with the line."""

import csv
import re
from urllib.parse import SplitResult, unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from package_gate.core.ecosystem import PYPI
from package_gate.core.patterns import is_email
from package_gate.core.request import ArchiveSource, PyPISource, Request, RequestSource
from package_gate.core.text import printable

MAX_LINE_BYTES = 4096
NAME_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
RESERVED_NAMES = {"con", "prn", "aux", "nul", "head", "latest"} | {
    f"{device}{digit}" for device in ("com", "lpt") for digit in range(10)
}
"""Names that Windows, git or the gate itself give a meaning to."""
MAX_BRACKETS = 20
"""Opening brackets in a requirement: its markers are parsed recursively."""
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""What spreadsheets and people write between columns in place of commas."""
MAX_CONSTRAINTS = 20
"""In one line."""
_WITH = re.compile(r"\s+with\s+")
_PIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?==[0-9]{1,9}(?:\.[0-9]{1,9})*")
"""What nearly every line is, and needs no parser, which takes most of a line's time."""
MODELS = frozenset({"hf", "huggingface"})
CONDA = frozenset({"conda", "conda-forge", "anaconda", "bioconda", "defaults"})
_REPOSITORY_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
_SHA256 = re.compile(r"sha256=([0-9A-Fa-f]{64})")
_KINDS = "the https:// address of an archive (.zip, .tar.gz, .whl) or pypi:PACKAGE==VERSION"


class BadLineError(Exception):
    """What is wrong with one line."""


def shown(text: str, limit: int) -> str:
    """Show what a requester wrote, without the password that an address in it may hold."""
    return printable(re.sub(r"//[^/\s]*@", "//***@", text), limit)


def parse_line(number: int, text: str) -> Request | None:
    """Turn one line, without its end, into a request; None for a comment or a blank line.

    Raises:
        BadLineError: it is none.
    """
    text = text.strip()
    if not text or text.startswith("#"):
        return None
    cells = read_cells(text)
    if not any(cells):
        return None
    if len(cells) == 1:
        raise BadLineError(_one_column(cells[0]))
    if len(cells) > 3:
        raise BadLineError(
            f"There are {len(cells)} columns. Write name,source or name,source,requester-email, "
            "and put a source that holds a comma in double quotes."
        )
    name, source, requester = cells if len(cells) == 3 else (*cells, "")
    return Request(_name(name), parse_source(source), _requester(requester), number)


def read_cells(text: str, separator: str = ",") -> list[str]:
    """Split a line into its cells, without the empty ones that spreadsheets pad short rows with.

    Raises:
        BadLineError: its quotes don't match up.
    """
    if "\0" in text:
        raise BadLineError("The line holds a NUL character. Remove it.")
    try:
        row = next(csv.reader([text], strict=True, delimiter=separator))
    except csv.Error as error:
        raise BadLineError(f"The quotes don't match up ({error}). Close every one.") from None
    cells = [cell.strip() for cell in row]
    while len(cells) > 2 and not cells[-1]:
        cells.pop()
    return cells


def is_name(name: str) -> bool:
    """Whether every publisher takes this name of a request."""
    return (
        NAME_PATTERN.fullmatch(name) is not None
        and ".." not in name
        and not name.lower().endswith((".lock", ".git"))
        and name.lower().split(".")[0] not in RESERVED_NAMES
    )


def parse_source(source: str) -> RequestSource:
    """Turn the second column into a source.

    Raises:
        BadLineError: it is none.
    """
    scheme, colon, rest = source.partition(":")
    kind = scheme.lower()
    if colon and kind == PYPI.origin.value:
        return _pypi(rest.strip())
    if colon and kind == "https":
        return _archive(source)
    if kind == "http" and colon:
        raise BadLineError("Plain http can be altered on its way. Use https.")
    if not source:
        raise BadLineError(f"The source is empty. It is {_KINDS}.")
    if kind in CONDA:
        raise BadLineError("Packages of conda are not taken. Most are on PyPI, too.")
    if kind in MODELS:
        raise BadLineError(
            "Models are not taken, only packages and archives. Have the model's files put into an "
            ".zip or .tar.gz archive at an https:// address, and ask for that."
        )
    if kind.startswith(("git", "ssh", "hg+", "svn+", "bzr+")) and colon:
        raise BadLineError(
            f'Sources of the kind "{shown(scheme, 20)}:" are not taken. Ask for an archive of '
            "the repository, best of a tag or a commit, because HEAD is another one tomorrow."
        )
    if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise BadLineError(f'The source "{shown(source, 80)}" has no scheme. It is {_KINDS}.')
    raise BadLineError(f'Sources of the kind "{shown(scheme, 20)}:" are not taken. Write {_KINDS}.')


def _one_column(cell: str) -> str:
    for separator, called in SEPARATORS.items():
        if separator in cell:
            return f"The columns are separated by {called}. Write commas."
    if "://" in cell or cell.startswith("pypi:"):
        return "The name is missing. Write name,source."
    return "The source is missing. Write name,source."


def _name(name: str) -> str:
    if not is_name(name):
        raise BadLineError(
            f'The name "{shown(name, 60)}" can\'t be used. Write at most 100 letters, digits, '
            "dots, hyphens and underscores, beginning and ending with a letter or digit."
        )
    return name


def _pypi(text: str) -> PyPISource:
    if _PIN.fullmatch(text):
        return PyPISource(text)
    if not text.isprintable():
        raise BadLineError("The requirement holds characters that are not seen. Type it anew.")
    if text.count("(") > MAX_BRACKETS:
        raise BadLineError(f"There are more than {MAX_BRACKETS} brackets. Write it without them.")
    text, *constraints = _WITH.split(text)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise BadLineError(_no_requirement(text, error)) from None
    if requirement.url:
        raise BadLineError(
            "A PyPI requirement can't hold a URL. Write the https:// address by itself as source."
        )
    if len(constraints) > MAX_CONSTRAINTS:
        raise BadLineError(f"There are more than {MAX_CONSTRAINTS} constraints. Leave some out.")
    return PyPISource(str(requirement), tuple(map(_constraint, constraints)))


def _constraint(text: str) -> str:
    """Read what follows a `with`: a name and its versions, nothing else."""
    try:
        constraint = Requirement(text)
    except InvalidRequirement:
        constraint = None
    if (
        constraint is None
        or not constraint.specifier
        or constraint.url
        or constraint.extras
        or constraint.marker
    ):
        raise BadLineError(
            f'"{shown(text, 80)}" is no constraint. Write a package and its versions after each '
            "with, such as: with urllib3>=2.2.2 with idna<4."
        )
    return f"{PYPI.normalise_name(constraint.name)}{constraint.specifier}"


def _no_requirement(text: str, error: InvalidRequirement) -> str:
    quoted = shown(text, 80)
    if "--hash" in text:
        return f'"{quoted}" gives a hash. What the index says of its files is checked without it.'
    if re.search(r"--(extra-)?index-url|--find-links| -[if] ", f"{text} "):
        return (
            f'"{quoted}" names an index. Which indexes there are is the gate\'s configuration. For '
            "a wheel of another index, such as PyTorch's, write its https:// address as source."
        )
    first_line = str(error).splitlines()[0]
    return f'"{quoted}" is no PyPI requirement ({shown(first_line, 120)}).'


def _archive(url: str) -> ArchiveSource:
    if not url.isprintable() or any(character in url for character in ' \\"<>^`{|}'):
        raise BadLineError("The address holds characters that no address has. Copy it once more.")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise BadLineError(f"The address can't be read ({printable(str(error), 80)}).") from None
    if not host:
        raise BadLineError("The address names no host. Write https://HOST/PATH.")
    if "@" in parts.netloc:
        raise BadLineError(
            "The address holds a user name or password. Remove it, and change the password: "
            "whoever can read this file has seen it."
        )
    if repository_of(parts):
        raise BadLineError(
            "This is the address of a repository. Ask for an archive of it, best of a tag or a "
            "commit, because HEAD is another one tomorrow."
        )
    if project_of(parts):
        raise BadLineError("This is the page of a project. Ask for the package by its name.")
    return ArchiveSource(
        parts._replace(scheme="https", fragment="").geturl(), _sha256(parts.fragment)
    )


def _sha256(fragment: str) -> str:
    """Take the digest that an address gives of its file, as pip reads it; "" for none.

    See https://packaging.python.org/en/latest/specifications/direct-url-data-structure/ and
    `#sha256=…` in PEP 503.
    """
    digests = [part for part in fragment.split("&") if re.match(r"(md5|sha\d+)=", part, re.I)]
    if not digests:
        return ""
    found = _SHA256.fullmatch(digests[0])
    if len(digests) > 1 or found is None:
        raise BadLineError(
            "The hash after # can't be checked. Write #sha256= and 64 hexadecimal digits, or "
            "leave it out."
        )
    return found[1].lower()


def repository_of(parts: SplitResult) -> tuple[str, str] | None:
    """Give the path and the revision ("HEAD" when none is named) of a repository whose page, or
    whose address for git, this is."""
    host = (parts.hostname or "").removeprefix("www.")
    path = unquote(parts.path).rstrip("/")
    revision = "HEAD"
    if (found := re.fullmatch(r"(.+?\.git)@([\w./-]+)", path)) or (
        host in _REPOSITORY_HOSTS
        and (
            found := re.fullmatch(
                r"(/[^/]+/[^/@]+?)(?:/(?:-/)?tree/|/releases/tag/|@)([\w./-]+)", path
            )
        )
    ):
        path, revision = found.groups()
    if path.endswith(".git"):
        return path.removesuffix(".git"), revision
    if host in _REPOSITORY_HOSTS and re.fullmatch(r"/[^/]+/[^/]+", path):
        return path, revision
    return None


def project_of(parts: SplitResult) -> str:
    """Give the requirement that the page of a project in a package index stands for, or ""."""
    host = parts.hostname or ""
    if host.startswith("pypi."):
        pattern = r"/(?:project|simple|p)/(?P<name>[\w.-]+)(?:/(?P<version>[0-9][\w.!+-]*))?/?"
    elif host == "anaconda.org":
        pattern = r"/[\w.-]+/(?P<name>[\w.-]+)(?:/(?P<version>))?/?"
    else:
        return ""
    found = re.fullmatch(pattern, parts.path)
    if not found:
        return ""
    return found["name"] + (f"=={found['version']}" if found["version"] else "")


def _requester(email: str) -> str:
    if email and not is_email(email):
        advice = (
            "Put a source that holds a comma in double quotes."
            if re.match(r"[<>=!~]", email)
            else "Write one address, in a line for each, or leave the third column out."
        )
        raise BadLineError(f'"{shown(email, 60)}" is no email address. {advice}')
    return email
