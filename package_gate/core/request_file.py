"""The request file: every line becomes a request or a line error, none is lost.

`name,source[,requester-email]` in UTF-8; a BOM, any line ends, an optional header, blank lines and
`#` comments are tolerated. Lines are written by people in a hurry, by spreadsheets and by
attackers, so each is read by itself and a bad one says what to write instead.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from packaging.requirements import Requirement

from package_gate.core.ecosystem import ARCHIVE, PYPI
from package_gate.core.errors import ConfigurationError
from package_gate.core.request import LineError, PyPISource, Request
from package_gate.core.request_line import (
    MAX_LINE_BYTES,
    BadLineError,
    parse_line,
    read_cells,
    shown,
)
from package_gate.core.request_suggestion import EXAMPLE, Row, suggest

HEADER_WORDS = frozenset(
    {
        *("name", "package", "library", "module", "project", "title"),
        *("source", "url", "uri", "link", "address", "location", "from", "where"),
        *("requester", "requestor", "requested", "by", "owner", "contact", "user", "email"),
        *("e", "mail", "of", "the", "your"),
    }
)
"""Words of which headers are made. None is a source, so no request is taken for a header."""


@dataclass(frozen=True, slots=True)
class RequestFile:
    """What a request file holds."""

    requests: tuple[Request, ...]
    errors: tuple[LineError, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    """From 1."""
    raw: bytes
    """Without its end; of an overlong one no more than its beginning."""


@dataclass(frozen=True, slots=True)
class _Fault:
    line: _Line
    message: str
    instead: Row | None
    """What was probably meant; its name may be another request's."""


def read_requests(path: Path) -> RequestFile:
    """Read a request file, line by line.

    Raises:
        ConfigurationError: there is no such file, or it can't be read.
    """
    requests: list[Request] = []
    faults: list[_Fault] = []
    names: dict[str, Request] = {}
    try:
        # Latin-1 maps each byte to one character and back; each line is decoded by itself.
        with path.open(encoding="latin-1") as file:
            for line, following in _pairs(_lines(file)):
                try:
                    request = _parse(line, first=not requests and not faults)
                    if request is not None:
                        _claim_name(request, names)
                        requests.append(request)
                except BadLineError as fault:
                    rest = faults and _ends(faults[-1].line, line)
                    instead = faults[-1].instead if rest else _instead(line, following)
                    faults.append(_Fault(line, str(fault), instead))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no request file {path}. Write one with a line for each request, such as "
            "humanize,pypi:humanize, or name another file with --requests."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The request file {path} can't be read: {error.strerror}."
        ) from error
    return RequestFile(tuple(requests), tuple(_line_errors(faults, names)))


def read_changed(path: Path, base: Path) -> RequestFile:
    """Read a request file, and give of it what an earlier state of it does not have.

    A line that has moved, or has other white space around it or another end, is no change. One that
    stood there and that another line has made a bad one is.

    Args:
        path: the file as it is to be.
        base: the file as it is.

    Raises:
        ConfigurationError: one of them is missing, or can't be read.
    """
    after, before = read_requests(path), read_requests(base)
    lines, known = _raw_lines(path), _raw_lines(base)
    bad = {known[error.line] for error in before.errors}
    old = set(known.values())
    return RequestFile(
        tuple(each for each in after.requests if lines[each.line] not in old),
        tuple(
            each
            for each in after.errors
            if lines[each.line] not in old or lines[each.line] not in bad
        ),
    )


def _raw_lines(path: Path) -> dict[int, bytes]:
    """Give each line by its number, without white space around it."""
    with path.open(encoding="latin-1") as file:
        return {line.number: line.raw.strip() for line in _lines(file)}


def _lines(file: TextIO) -> Iterator[_Line]:
    """Give each line of what is opened as Latin-1, whether it ends with CR, LF or both."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 2):
        number += 1
        rest = line
        while rest and not rest.endswith("\n"):
            rest = file.readline(1 << 20)
        raw = line.rstrip("\n").encode("latin-1")
        yield _Line(number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw)


def _pairs(lines: Iterator[_Line]) -> Iterator[tuple[_Line, _Line | None]]:
    """Give each line with the one that follows it."""
    line = next(lines, None)
    while line is not None:
        following = next(lines, None)
        yield line, following
        line = following


def _parse(line: _Line, *, first: bool) -> Request | None:
    """Turn one line into a request; None for a header, a comment or a blank line."""
    if line.number == 1 and line.raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadLineError('The file is UTF-16. Save it as "CSV UTF-8".')
    if len(line.raw) > MAX_LINE_BYTES:
        raise BadLineError(f"The line is longer than {MAX_LINE_BYTES} bytes. Write one request.")
    try:
        text = line.raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadLineError('The line is not UTF-8. Save the file as "CSV UTF-8".') from None
    if first and _is_header(text):
        return None
    return parse_line(line.number, text)


def _is_header(text: str) -> bool:
    """Whether a line says in some words what its columns hold."""
    try:
        cells = read_cells(text)[:2]
    except BadLineError:
        return False
    if len(cells) < 2 or not all(re.fullmatch(r"[A-Za-z _/()?.*-]+", cell) for cell in cells):
        return False
    return all(set(re.findall(r"[a-z]+", cell.lower())) <= HEADER_WORDS for cell in cells)


def _instead(line: _Line, following: _Line | None) -> Row | None:
    """Make out what was meant by a bad line."""
    if len(line.raw) > MAX_LINE_BYTES or line.raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    if following is not None and _ends(line, following):
        return suggest(line.raw + b" " + following.raw)
    return suggest(line.raw)


def _ends(line: _Line, following: _Line) -> bool:
    """Whether a line ends within quotes that the next one closes: a cell with a line break."""
    return (
        following.number == line.number + 1
        and len(line.raw) + len(following.raw) < MAX_LINE_BYTES
        and line.raw.count(b'"') % 2 == 1
        and following.raw.count(b'"') % 2 == 1
    )


def _claim_name(request: Request, names: dict[str, Request]) -> None:
    """Two sources under one name would overwrite each other in the private repository.

    Several versions of one PyPI package don't: they stand side by side.
    """
    other = names.setdefault(ARCHIVE.normalise_name(request.name), request)
    if other.source != request.source and _project(other) != _project(request):
        raise BadLineError(
            f'Line {other.line} already uses the name "{other.name}" for another source. '
            "Choose another name."
        )


def _project(request: Request) -> str:
    """Name what may share a request name: the PyPI project, or this one archive address."""
    if isinstance(request.source, PyPISource):
        return PYPI.normalise_name(Requirement(request.source.requirement).name)
    return str(request.source)


def _line_errors(faults: Iterable[_Fault], names: dict[str, Request]) -> Iterator[LineError]:
    """Report bad lines, each with one to write instead whose name is nobody else's."""
    numbers: dict[str, int] = {}
    for fault in faults:
        row = wanted = fault.instead or EXAMPLE
        while True:
            try:
                request = parse_line(fault.line.number, row.written())
                if request is not None:
                    _claim_name(request, names)
                break
            except BadLineError:
                number = numbers[wanted.name] = numbers.get(wanted.name, 1) + 1
                row = wanted._replace(name=f"{wanted.name[:90].rstrip('._-')}-{number}")
        text = shown(fault.line.raw.decode("utf-8", "replace").strip(), 120)
        yield LineError(fault.line.number, text, fault.message, row.written())
