"""The request file: every line becomes a request or a line error, none is lost."""

import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from package_gate.core.errors import ConfigurationError
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.core.request_file import RequestFile, read_requests


@pytest.fixture
def read(tmp_path: Path) -> "Reader":
    return Reader(tmp_path / "requests.csv")


class Reader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, content: str | bytes) -> RequestFile:
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_requests(self.path)

    def error(self, content: str | bytes) -> str:
        """Read a file whose only line is bad, and give the message about it."""
        result = self(content)
        assert result.requests == ()
        (error,) = result.errors
        assert error.line == 1
        return error.message


def test_the_two_column_form_of_the_guidance_works_unchanged(read: Reader) -> None:
    url = "https://github.com/langchain-ai/langchain/archive/refs/heads/master.zip"
    assert read(f"langchain,{url}\n") == RequestFile(
        (Request("langchain", ArchiveSource(url), "", 1),), ()
    )


def test_a_requirement_and_a_requester_are_read(read: Reader) -> None:
    result = read("sk,pypi: scikit-learn [extra] == 1.5.2,jo@example.com")
    assert result.requests == (
        Request("sk", PyPISource("scikit-learn[extra]==1.5.2"), "jo@example.com", 1),
    )


def test_byte_order_mark_crlf_header_comments_and_blank_lines_are_tolerated(read: Reader) -> None:
    content = "\ufeffName,Source,Requester\r\n\r\n# a comment\r\n,,\r\nidna,pypi:idna\r\n"
    result = read(content)
    assert [(request.name, request.line) for request in result.requests] == [("idna", 5)]
    assert result.errors == ()


def test_quoted_cells_and_cells_that_a_spreadsheet_appends_are_read(read: Reader) -> None:
    result = read('"idna","pypi:idna>=3,<4",,,\n')
    assert result.requests[0].source == PyPISource("idna<4,>=3")


@pytest.mark.parametrize("content", ["", "name,source\n", "\n\n", "\ufeff"])
def test_a_file_without_requests_is_no_error(read: Reader, content: str) -> None:
    assert read(content) == RequestFile((), ())


def test_the_shipped_file_can_be_read_and_shows_both_kinds_of_source() -> None:
    path = Path(__file__).parent.parent.parent / "external-package-request.csv"
    result = read_requests(path)
    assert result.errors == ()
    assert PyPISource("urllib3==1.25.8") in [request.source for request in result.requests]
    assert re.search(r"^# \S+,https://\S+\.zip$", path.read_text(), re.MULTILINE)


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no request file .*requests\.csv"):
        read_requests(tmp_path / "requests.csv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("idna", "The source is missing. Write for example: idna,pypi:PACKAGE==VERSION"),
        ("pypi:idna", "The name is missing. Write name,source."),
        ("idna;pypi:idna", "separated by semicolons. Write: idna,pypi:idna"),
        ("idna\tpypi:idna", "separated by tabs. Write: idna,pypi:idna"),
        ("a,pypi:a,b@c.de,d,e,f", "There are 6 columns."),
        ('"idna,pypi:idna', "The quotes don't match up"),
        ("idna,", "The source is empty."),
        ("idna,idna==3.7", "has no scheme. Write pypi:idna==3.7"),
        ("idna,http://host.example/a.zip", "Write https instead: http://host.example/a.zip"),
        ("idna,file:///etc/passwd", 'Sources of the kind "file:" are not taken'),
        ("idna,git+https://host.example/a", 'Sources of the kind "git+https:" are not taken'),
        ("idna,ftp://host.example/a.zip", 'Sources of the kind "ftp:" are not taken'),
        ("idna,https:///a.zip", "The address names no host"),
        ("idna,https://host.example:port/a.zip", "The address can't be read"),
        ("idna,https://[::1/a.zip", "The address can't be read"),
        ("idna,https://host.example\\@evil.example/a", "characters that no address has"),
        ("idna,https://host.example/a b.zip", "characters that no address has"),
        ("idna,https://u:p@host.example/a.zip", "holds a user name or password"),
        ("idna,pypi:idna @ https://host.example/a.whl", "can't hold a URL"),
        ("idna,pypi:==1", "is no PyPI requirement"),
        ("idna,pypi:--index-url=https://evil.example", "is no PyPI requirement"),
        ("idna,pypi:idna,not-an-address", "is no email address"),
        ("idna,pypi:idna,a@b.example\x0bBcc:c@d.example", "is no email address"),
        ("idna\0,pypi:idna", "NUL"),
        (b"idna,pypi:caf\xe9", "not UTF-8"),
        ("idna,pypi:idna".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_bad_line_says_what_to_write_instead(
    read: Reader, line: str | bytes, message: str
) -> None:
    assert message in read.error(line)


@pytest.mark.parametrize(
    "name",
    ["..", "a/b", "a\\b", "-x", ".hidden", "a..b", "a.lock", "x.git", "CON", "nul.txt", "HEAD",
     "Latest", "a b", "ä", "a" * 101, "a\x1b[31m", "", "a."],
)  # fmt: skip
def test_a_name_that_some_target_does_not_take_is_refused(read: Reader, name: str) -> None:
    assert "can't be used" in read.error(f"{name},pypi:idna")


def test_a_password_in_a_bad_line_is_not_shown(read: Reader) -> None:
    result = read("idna,https://user:canary@host.example/a.zip")
    assert "canary" not in repr(result)
    assert "https://***@host.example/a.zip" in result.errors[0].text


def test_a_bad_line_leaves_the_others_alone(read: Reader) -> None:
    result = read("one,pypi:one\nbad\ntwo,pypi:two\n")
    assert [request.name for request in result.requests] == ["one", "two"]
    assert [error.line for error in result.errors] == [2]


def test_a_line_of_10_megabytes_is_an_error_that_costs_no_memory(read: Reader) -> None:
    read.path.write_bytes(b"x" * 10_000_000 + b"\nidna,pypi:idna\n")
    tracemalloc.start()
    try:
        result = read_requests(read.path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [request.line for request in result.requests] == [2]
    assert "longer than 4096 bytes" in result.errors[0].message
    assert len(result.errors[0].text) <= 120
    assert peak < 4_000_000


def test_100_000_lines_are_all_read(read: Reader) -> None:
    result = read("".join(f"p{n},pypi:p{n}\n" for n in range(100_000)))
    assert len(result.requests) == 100_000


def test_a_duplicate_line_is_a_request_of_its_own_with_the_same_source(read: Reader) -> None:
    result = read("idna,pypi:idna,a@b.example\nidna,pypi:idna,c@d.example\n")
    assert [request.requester for request in result.requests] == ["a@b.example", "c@d.example"]


@pytest.mark.parametrize(
    "second",
    ["LangChain,https://evil.example/x.zip", "lang.chain,https://evil.example/x.zip",
     "langchain,pypi:langchain"],
)  # fmt: skip
def test_two_sources_under_one_name_are_an_error(read: Reader, second: str) -> None:
    first = second.split(",")[0].lower().replace("_", "-")
    result = read(f"{first},https://host.example/x.zip\n{second}\n")
    assert len(result.requests) == 1
    assert "Line 1 already uses the name" in result.errors[0].message


def test_two_versions_of_one_project_may_share_a_name(read: Reader) -> None:
    result = read("numpy,pypi:numpy==1.26.4\nnumpy,pypi:numpy==2.1.0\n")
    assert len(result.requests) == 2


@settings(deadline=None)  # machines are busy
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_every_line_is_accounted_for(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    result = read_requests(path)
    seen = [request.line for request in result.requests] + [e.line for e in result.errors]
    assert len(seen) == len(set(seen))
    assert all(1 <= line <= content.count(b"\n") + 1 for line in seen)
    for number, line in enumerate(content.split(b"\n"), 1):
        text = line.strip(b' \r\t\f\v,"').removeprefix(b"\xef\xbb\xbf")
        if text.startswith(b"pypi:") and not line.startswith(b"#"):
            assert number in seen


def test_a_requirement_of_nested_brackets_is_a_line_error_and_the_others_go_on(
    read: Reader,
) -> None:
    nested = "(" * 1500 + "python_version>'3'" + ")" * 1500
    result = read(f"evil,pypi:evil; {nested}\ngood,pypi:good\n")
    assert [request.name for request in result.requests] == ["good"]
    assert "more than 20 brackets" in result.errors[0].message
