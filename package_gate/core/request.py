"""What people ask for: the lines of the request file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """An archive by its address."""

    url: str
    """`https://…`, without credentials or fragment."""
    sha256: str = ""
    """64 lower-case hexadecimal digits that the requester gave with it; "" for none."""

    def __str__(self) -> str:
        return f"{self.url}#sha256={self.sha256}" if self.sha256 else self.url


@dataclass(frozen=True, slots=True)
class PyPISource:
    """A PyPI requirement."""

    requirement: str
    """A PEP 508 requirement without URL, such as `scikit-learn==1.5.2`."""
    constraints: tuple[str, ...] = ()
    """What no package of its closure may break, such as `urllib3>=2.2.2`: names with versions."""

    def __str__(self) -> str:
        asked = f"pypi:{self.requirement}"
        return " with ".join((asked, *self.constraints)) if self.constraints else asked


RequestSource = ArchiveSource | PyPISource


def request_source(text: str) -> RequestSource:
    """Read what `str` made of a source, as records have it."""
    if text.startswith("pypi:"):
        return PyPISource(text.removeprefix("pypi:"))
    url, _, sha256 = text.partition("#sha256=")
    return ArchiveSource(url, sha256)


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the request file."""

    name: str
    """As written by the requester; safe as a file, branch and package name."""
    source: RequestSource
    requester: str
    """An email address, or "" when the line names none."""
    line: int
    """Line number in the request file, from 1."""


@dataclass(frozen=True, slots=True)
class LineError:
    """A line of the request file that is no request."""

    line: int
    """Line number, from 1; 0 when the file as a whole can't be read."""
    text: str
    """The line as it stands, shortened, control characters escaped."""
    message: str
    """What is wrong and what to do."""
    suggestion: str
    """A line that is taken in its place: the same request as far as it can be made out, else an
    example."""
