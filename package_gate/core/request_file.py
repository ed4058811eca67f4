"""The request file: every line becomes a request or a line error, none is lost.

`name,source[,requester-email]` in UTF-8; a BOM, CRLF, an optional header, blank lines and `#`
comments are tolerated. Lines are written by people in a hurry, by spreadsheets and by attackers,
so each is read by itself and a bad one says what to write instead.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from package_gate.core.ecosystem import ARCHIVE, PYPI
from package_gate.core.errors import ConfigurationError
from package_gate.core.patterns import is_email
from package_gate.core.request import ArchiveSource, LineError, PyPISource, Request, RequestSource
from package_gate.core.text import printable

MAX_LINE_BYTES = 4096
NAME_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
RESERVED_NAMES = {"con", "prn", "aux", "nul", "head", "latest"} | {
    f"{device}{digit}" for device in ("com", "lpt") for digit in range(10)
}
"""Names that Windows, git or the gate itself give a meaning to."""
MAX_BRACKETS = 20
"""Opening brackets in a requirement: its markers are parsed recursively."""
HEADER_CELLS = {"name", "package", "source", "url"}


@dataclass(frozen=True, slots=True)
class RequestFile:
    """What a request file holds."""

    requests: tuple[Request, ...]
    errors: tuple[LineError, ...]


class _BadLineError(Exception):
    """What is wrong with one line."""


def read_requests(path: Path) -> RequestFile:
    """Read a request file, line by line.

    Raises:
        ConfigurationError: there is no such file, or it can't be read.
    """
    requests: list[Request] = []
    errors: list[LineError] = []
    names: dict[str, Request] = {}
    try:
        with path.open("rb") as file:
            for number, raw in _lines(file):
                try:
                    request = _parse(number, raw, first=not requests and not errors)
                    if request is not None:
                        _claim_name(request, names)
                        requests.append(request)
                except _BadLineError as fault:
                    errors.append(LineError(number, _shown(raw), str(fault)))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no request file {path}. Write one with a line for each request, such as "
            "humanize,pypi:humanize, or name another file with --requests."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The request file {path} can't be read: {error.strerror}."
        ) from error
    return RequestFile(tuple(requests), tuple(errors))


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Give each line with its number; of an overlong one no more than its beginning."""
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 2):
        number += 1
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(1 << 20)
        yield number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw


def _parse(number: int, raw: bytes, *, first: bool) -> Request | None:
    """Turn one line into a request; None for a header, a comment or a blank line."""
    if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _BadLineError('The file is UTF-16. Save it as "CSV UTF-8".')
    if len(raw.rstrip(b"\r\n")) > MAX_LINE_BYTES:
        raise _BadLineError(f"The line is longer than {MAX_LINE_BYTES} bytes. Write one request.")
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise _BadLineError('The line is not UTF-8. Save the file as "CSV UTF-8".') from None
    if not text or text.startswith("#"):
        return None
    cells = _cells(text)
    if not any(cells):
        return None
    if first and len(cells) > 1 and {cell.lower() for cell in cells[:2]} <= HEADER_CELLS:
        return None
    if len(cells) == 1:
        raise _BadLineError(_one_column(cells[0]))
    if len(cells) > 3:
        raise _BadLineError(
            f"There are {len(cells)} columns. Write name,source or name,source,requester-email, "
            "and put a source that holds a comma in double quotes."
        )
    name, source, requester = cells if len(cells) == 3 else (*cells, "")
    return Request(_name(name), _source(source), _requester(requester), number)


def _cells(text: str) -> list[str]:
    if "\0" in text:
        raise _BadLineError("The line holds a NUL character. Remove it.")
    try:
        cells = [cell.strip() for cell in next(csv.reader([text], strict=True))]
    except csv.Error as error:
        raise _BadLineError(f"The quotes don't match up ({error}). Close every one.") from None
    while len(cells) > 2 and not cells[-1]:  # spreadsheets pad short rows with empty cells
        cells.pop()
    return cells


def _one_column(cell: str) -> str:
    for separator, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if separator in cell:
            fixed = ",".join(part.strip(" \"'") for part in cell.split(separator))
            return f"The columns are separated by {called}. Write: {printable(fixed, 120)}"
    if "://" in cell or cell.startswith("pypi:"):
        return "The name is missing. Write name,source."
    return f"The source is missing. Write for example: {printable(cell, 60)},pypi:PACKAGE==VERSION"


def _name(name: str) -> str:
    if (
        not NAME_PATTERN.fullmatch(name)
        or ".." in name
        or name.lower().endswith((".lock", ".git"))
        or name.lower().split(".")[0] in RESERVED_NAMES
    ):
        raise _BadLineError(
            f'The name "{printable(name, 60)}" can\'t be used. Write at most 100 letters, digits, '
            "dots, hyphens and underscores, beginning and ending with a letter or digit."
        )
    return name


def _source(source: str) -> RequestSource:
    scheme, colon, rest = source.partition(":")
    if colon and scheme.lower() == PYPI.origin.value:
        return _pypi(rest.strip())
    if colon and scheme.lower() == "https":
        return _archive(source)
    shown = printable(source, 80)
    if scheme.lower() == "http" and colon:
        raise _BadLineError(f"Plain http can be altered on its way. Write https instead: {shown}")
    if not source:
        raise _BadLineError("The source is empty. Write https://… or pypi:PACKAGE==VERSION.")
    if not colon or scheme[-1:] in "=<>~!":
        raise _BadLineError(f'The source "{shown}" has no scheme. Write pypi:{shown} or https://…')
    raise _BadLineError(
        f'Sources of the kind "{printable(scheme, 20)}:" are not taken. Write the https:// address '
        "of an archive (.zip, .tar.gz, .whl) or pypi:PACKAGE==VERSION."
    )


def _pypi(text: str) -> PyPISource:
    if not text.isprintable():
        raise _BadLineError("The requirement holds characters that are not seen. Type it anew.")
    if text.count("(") > MAX_BRACKETS:
        raise _BadLineError(f"There are more than {MAX_BRACKETS} brackets. Write it without them.")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        first_line = str(error).splitlines()[0]
        raise _BadLineError(
            f'"{printable(text, 80)}" is no PyPI requirement ({printable(first_line, 120)}). '
            "Write for example pypi:scikit-learn==1.5.2."
        ) from None
    if requirement.url:
        raise _BadLineError(
            "A PyPI requirement can't hold a URL. Write the https:// address by itself as source."
        )
    return PyPISource(str(requirement))


def _archive(url: str) -> ArchiveSource:
    if not url.isprintable() or any(character in url for character in ' \\"<>^`{|}'):
        raise _BadLineError("The address holds characters that no address has. Copy it once more.")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise _BadLineError(f"The address can't be read ({printable(str(error), 80)}).") from None
    if not host:
        raise _BadLineError("The address names no host. Write https://HOST/PATH.")
    if "@" in parts.netloc:
        raise _BadLineError(
            "The address holds a user name or password. Remove it, and change the password: "
            "whoever can read this file has seen it."
        )
    return ArchiveSource(parts._replace(scheme="https", fragment="").geturl())


def _requester(email: str) -> str:
    if email and not is_email(email):
        raise _BadLineError(
            f'"{printable(email, 60)}" is no email address. Write name,source,you@example.com or '
            "leave the third column out."
        )
    return email


def _claim_name(request: Request, names: dict[str, Request]) -> None:
    """Two sources under one name would overwrite each other in the private repository.

    Several versions of one PyPI package don't: they stand side by side.
    """
    other = names.setdefault(ARCHIVE.normalise_name(request.name), request)
    if other.source != request.source and _project(other) != _project(request):
        raise _BadLineError(
            f'Line {other.line} already uses the name "{other.name}" for another source. '
            "Choose another name."
        )


def _project(request: Request) -> str:
    """Name what may share a request name: the PyPI project, or this one archive address."""
    if isinstance(request.source, PyPISource):
        return PYPI.normalise_name(Requirement(request.source.requirement).name)
    return request.source.url


def _shown(raw: bytes) -> str:
    """Show a line in a report without the password that its address may hold."""
    text = raw.decode("utf-8", "replace").strip()
    return printable(re.sub(r"//[^/\s]*@", "//***@", text), 120)
