"""What was probably meant by a line of the request file that can't be taken.

Every column is put right by itself, from what people, spreadsheets and other tools write. Whatever
comes out is read like any other line before it is suggested, so nothing here can let anything in.
"""

import csv
import io
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from package_gate.core.patterns import is_email
from package_gate.core.request_line import (
    CONDA,
    MAX_BRACKETS,
    MODELS,
    SEPARATORS,
    BadLineError,
    is_name,
    parse_line,
    project_of,
    read_cells,
    repository_of,
)


class Row(NamedTuple):
    """A line by its cells."""

    name: str
    source: str
    requester: str = ""

    def written(self) -> str:
        """Write it as a line, quoted where it must be."""
        file = io.StringIO()
        csv.writer(file, lineterminator="").writerow(self if self.requester else self[:2])
        return file.getvalue()


EXAMPLE = Row("humanize", "pypi:humanize==4.12.3")
"""Suggested where nothing can be made out."""

_QUOTES = {
    **dict.fromkeys((0x201C, 0x201D, 0x201E, 0x201F, 0xAB, 0xBB), '"'),
    **dict.fromkeys((0x2018, 0x2019, 0x201A, 0x201B, 0x60), "'"),
}
"""Quotes that word processors make of those on a keyboard."""
_INSTALL = re.compile(
    r"[!%$> ]*(?:python[0-9.]*\s+-m\s+)?(?:uv|pip[0-9.]*|conda|mamba|poetry|pdm|pipenv|pipx)\s+"
    r"(?:pip\s+)?(?:install|add|download)\s+",
    re.IGNORECASE,
)
_WITH_VALUE = frozenset(
    (
        *("-i", "-f", "-c", "-r", "-n", "-t", "--index-url", "--extra-index-url", "--find-links"),
        *("--channel", "--hash", "--target", "--requirement", "--constraint", "--trusted-host"),
    )
)
"""Options of installers that take a value."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)\s*:+\s*(.*)")
_PYPI = re.compile(r"^(?:(?:pypi|pip|pip-package)\s*:+\s*)+", re.IGNORECASE)
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\]?)?(.*)")
_CLAUSE = re.compile(
    r"(?:(===|==|~=|!=|<=|>=|=>|=<|[<>=~^@:])\s*|(?<![\w.+!-]))v?([0-9][^\s,;<>=!~^@()]*)"
)
_OPERATORS = {"": "==", "=": "==", "@": "==", ":": "==", "=>": ">=", "=<": "<="}
_ANY_VERSION = re.compile(r"[=@: ]*(?:latest|newest|any|stable|main|\*)?\s*", re.IGNORECASE)


def suggest(raw: bytes) -> Row | None:
    """Give what a bad line probably meant; None when nothing that is taken can be made out."""
    cells = _cells(_plain(raw))
    row = _row(cells)
    if row is None and _SCHEME.match(cells[0]):  # source,name
        row = _row(cells[1::-1])
    try:
        return row if row and parse_line(0, row.written()) else None
    except BadLineError:
        return None


def _plain(raw: bytes) -> str:
    """Decode, with quotes and spaces as on a keyboard and without what nobody sees."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    text = "".join(
        " " if unicodedata.category(each) == "Zs" else each
        for each in text.translate(_QUOTES)
        if each == "\t" or each.isprintable() or unicodedata.category(each) == "Zs"
    )
    return text.strip()


def _cells(text: str) -> list[str]:
    for attempt in (text, text.replace('"', "")):
        for separator in (",", *SEPARATORS):
            try:
                cells = read_cells(attempt, separator)
            except BadLineError:
                continue
            if len(cells) < 2:
                continue
            if separator == "," or not (_SCHEME.match(cells[0]) or _is_requirement(attempt)):
                return cells  # else a semicolon is before a marker
    return [text.replace('"', "")]


def _row(cells: list[str]) -> Row | None:
    """Put columns right; None when there is no source in them."""
    if not cells:
        return None
    if len(cells) == 1:
        cells = ["", *cells]
    name, source, *rest = cells
    requester = ""
    for cell in rest:
        goes_on = source.count("[") > source.count("]") or re.match(r"[<>=!~^]", cell)
        if goes_on and not requester:
            source += f",{cell}"
        else:
            requester = requester or _email(cell)
    source = _source(source)
    if not source:
        return None
    name = _request_name(name) or _request_name(_name_of(source)) or "package"
    return Row(name, source, requester)


def _email(cell: str) -> str:
    words = re.split(r"[\s<>()\[\],;\"']+", cell.replace("mailto:", " "))
    return next((word for word in words if "@" in word and is_email(word)), "")


def _request_name(name: str) -> str:
    """Make a name that is taken of one that is not; "" when it would be no name of anything."""
    if is_name(name):
        return name
    if "://" in name or "@" in name or name.count(":"):
        return ""  # an address, which may hold a password
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_name))[:90].strip("._-")
    return next((each for each in (slug, f"{slug}-package") if is_name(each)), "")


def _name_of(source: str) -> str:
    """Take a name from a source."""
    if source.startswith("pypi:"):
        found = _NAME.match(source.removeprefix("pypi:"))
        return found[1] if found else ""
    parts = urlsplit(source)
    path = unquote(parts.path)
    if found := re.fullmatch(r"/[^/]+/([^/]+)/(?:-/)?(?:archive|zipball|tarball)/.*", path):
        return found[1]
    file = path.rstrip("/").rpartition("/")[2]
    found = re.match(r"([A-Za-z][A-Za-z0-9_.]*?(?:-[A-Za-z_][A-Za-z0-9_.]*?)*)-v?[0-9]", file)
    return found[1] if found else re.sub(r"(\.tar)?\.\w+$", "", file)


def _source(text: str) -> str:
    """Write a source as one is written; "" when it can't be made out."""
    text = _without_command(_unquoted(_PYPI.sub("", _unquoted(" ".join(text.split())))))
    text = _unquoted(re.split(r" (?:--?[A-Za-z]|#|\\)", text)[0])
    found = _SCHEME.match(text)
    scheme, rest = (found[1].lower(), _unquoted(found[2])) if found else ("", text)
    if scheme in CONDA:
        return _requirement(rest.rpartition("/")[2])
    if scheme in MODELS:
        return ""
    if scheme.startswith(("git", "ssh")) or text.startswith("git@"):
        return _repository(text)
    if "://" in text and (
        direct := re.fullmatch(r"[\w.\[\], -]+@\s*((?:git\+)?https?://.*)", text)
    ):
        return _source(direct[1])
    if scheme in ("http", "https"):
        return _address(f"https:{rest}")
    if re.match(r"(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io)/", text, re.IGNORECASE):
        return _address(f"https://{text}")
    if "://" in text or text.startswith(("/", "\\", ".", "file:")):
        return ""
    return _requirement(text)


def _without_command(text: str) -> str:
    """Take the first package of `pip install …` and the like."""
    found = _INSTALL.match(text)
    if not found:
        return text
    words = text[found.end() :].split()
    while words and words[0].startswith("-"):
        del words[: 2 if words[0] in _WITH_VALUE else 1]
    return _unquoted(words[0]) if words else ""


def _unquoted(text: str) -> str:
    """Take quotes from around a text, and leave those that are in it."""
    text = text.strip()
    if text.startswith(('"', "'")):
        return text.strip(" \"'")
    return text.rstrip(" \"'") if (text.count('"') + text.count("'")) % 2 else text


def _address(text: str) -> str:
    """Write an address as one is written, without a password and a hash that can't be checked."""
    text = text.replace("\\", "/").strip(" <>\"'")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    fragment = parts.fragment if re.fullmatch(r"sha256=[0-9A-Fa-f]{64}", parts.fragment) else ""
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    path = quote(unquote(parts.path), "/@+!~,=&-")
    parts = parts._replace(
        netloc=netloc,
        path=re.sub("^(/[^/]+/[^/]+/(?:-/)?)blob/", r"\1raw/", path),
        query=quote(parts.query, "/@+!~,=&-%"),
        fragment=fragment,
    )
    if project := project_of(parts):
        return f"pypi:{project}"
    return _archive_of(host, *found) if (found := repository_of(parts)) else parts.geturl()


def _repository(text: str) -> str:
    """Write the address of a repository's archive for what git would clone."""
    text = text.removeprefix("git+")
    text = re.sub(r"^(?:https?|ssh|git)://", "", text)
    text = re.sub(r"^(?:[^@/]*@)?([\w.-]+)[:/]", r"https://\1/", text.split("#")[0])
    return _address(text)


def _archive_of(host: str, path: str, revision: str) -> str:
    name = path.rpartition("/")[2]
    host = host.removeprefix("www.")
    if host.startswith("gitlab."):
        return f"https://{host}{path}/-/archive/{revision}/{name}.zip"
    if host == "bitbucket.org":
        return f"https://{host}{path}/get/{revision}.zip"
    return f"https://{host}{path}/archive/{revision}.zip"


def _requirement(text: str) -> str:
    """Write a PyPI requirement as PEP 508 has it; "" when it names no package."""
    if text.startswith(("-", "git+", "https:", "http:")) or text.count("(") > MAX_BRACKETS:
        return ""
    if named := _of_file(text):
        return f"pypi:{named}"
    if _is_requirement(text):
        return f"pypi:{text}"
    text, _, marker = text.partition(";")
    found = _NAME.match(re.sub(r"\s+(?=\+)", "", text))
    if not found:
        return ""
    name, extras, rest = found.groups()
    words = re.fullmatch(r"[A-Za-z][\w-]*(?:\s[A-Za-z][\w-]*)*", rest)
    if words and not _ANY_VERSION.fullmatch(rest):
        name, rest = "-".join([name, *rest.split()]), ""  # scikit learn
    listed = [each.strip() for each in (extras or "").split(",")]
    listed = [each for each in listed if re.fullmatch(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", each)]
    written = name + (f"[{','.join(listed)}]" if listed else "") + _specifiers(rest)
    with_marker = f"{written}; {marker.strip()}"
    if marker.strip() and _is_requirement(with_marker):
        return f"pypi:{with_marker}"
    return f"pypi:{written}" if _is_requirement(written) else ""


def _is_requirement(text: str) -> bool:
    try:
        return Requirement(text).url is None
    except InvalidRequirement:
        return False


def _of_file(text: str) -> str:
    """Read what a distribution's file name says it is; "" when it is none."""
    try:
        if text.endswith(".whl"):
            name, version, _, _ = parse_wheel_filename(text)
        else:
            name, version = parse_sdist_filename(text)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""
    return f"{name}=={version}"


def _specifiers(text: str) -> str:
    """Write the version specifiers of PEP 440 for what other tools would take."""
    if _ANY_VERSION.fullmatch(text):
        return ""
    text = re.sub(r"(?<=[<>=!~])\s+(?=[<>=!~])", "", text)
    clauses = [_clause(each[1] or "", each[2]) for each in _CLAUSE.finditer(text)]
    written = ",".join(clause for clause in clauses if clause)
    try:
        SpecifierSet(written)
    except InvalidSpecifier:
        return ""
    return written


def _clause(operator: str, version: str) -> str:
    version = re.sub(r"(?:\.[*xX])+$", ".*", version.rstrip(".,;'\"-_"))
    operator = _OPERATORS.get(operator, operator)
    base = version.removesuffix(".*")
    try:
        release = Version(base).release
    except InvalidVersion:
        return ""
    if operator == "^":
        place = next((i for i, number in enumerate(release) if number), len(release) - 1)
        return f">={base},<{_next(release[: place + 1])}"
    if operator == "~":
        return f">={base},<{_next(release[:2])}"
    if operator in ("==", "!="):
        return operator + version
    if operator == "~=" and len(release) == 1:
        return f">={base},<{_next(release)}"
    return operator + base


def _next(release: tuple[int, ...]) -> str:
    """Give the first release beyond all that begin like this one."""
    return ".".join(map(str, (*release[:-1], release[-1] + 1)))
