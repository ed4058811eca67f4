"""The request file: every line becomes a request or a line error, none is lost."""

import re
import tracemalloc
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from package_gate.core.errors import ConfigurationError
from package_gate.core.request import ArchiveSource, PyPISource, Request
from package_gate.core.request_file import RequestFile, read_changed, read_requests
from package_gate.core.request_line import parse_source
from package_gate.core.request_suggestion import EXAMPLE


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


def test_constraints_on_the_closure_follow_a_with(read: Reader) -> None:
    line = "app,pypi:app[x]==1.0; python_version > '3' with Url_Lib3>=2.2.2  with idna<4\n"
    (request,) = read(line).requests
    assert request.source == PyPISource(
        'app[x]==1.0; python_version > "3"', ("url-lib3>=2.2.2", "idna<4")
    )
    written = str(request.source)
    again = read(f'app,"{written.replace(chr(34), chr(34) * 2)}"\n').requests[0]
    assert again.source == request.source


@pytest.mark.parametrize(
    "constraint",
    ["", "idna", "idna[x]>=1", "idna>=1; python_version > '3'", "idna @ https://x.test/a.zip",
     "-r x", "--index-url=https://evil.example", "idna=>1"],
)  # fmt: skip
def test_what_is_no_constraint_is_a_line_error(read: Reader, constraint: str) -> None:
    result = read(f"app,pypi:app with {constraint} with urllib3>=2\n")
    assert result.requests == ()
    assert "with" in result.errors[0].message or "names an index" in result.errors[0].message


def test_too_many_constraints_are_a_line_error(read: Reader) -> None:
    result = read("app,pypi:app" + " with idna>=1" * 21 + "\n")
    assert "more than 20 constraints" in result.errors[0].message


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
        ("idna", "The source is missing. Write name,source."),
        ("pypi:idna", "The name is missing. Write name,source."),
        ("idna;pypi:idna", "separated by semicolons. Write commas."),
        ("idna\tpypi:idna", "separated by tabs. Write commas."),
        ("a,pypi:a,b@c.de,d,e,f", "There are 6 columns."),
        ('"idna,pypi:idna', "The quotes don't match up"),
        ("idna,", "The source is empty."),
        ("idna,idna==3.7", "has no scheme. It is the https:// address of an archive"),
        ("idna,http://host.example/a.zip", "Use https."),
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
        ("idna,pypi:--index-url=https://evil.example", "names an index"),
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
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    assert all(1 <= line <= len(lines) for line in seen)
    for number, line in enumerate(lines, 1):
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


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_lines_end_as_on_any_system(read: Reader, end: str) -> None:
    result = read(end.join(["name,source", "tabulate,pypi:tabulate", "", "idna,pypi:idna"]))
    assert [(request.name, request.line) for request in result.requests] == [
        ("tabulate", 2),
        ("idna", 4),
    ]
    assert result.errors == ()


@pytest.mark.parametrize(
    "header",
    ["Package Name,Source,Requested By", "package;url".replace(";", ","), "Library,Where from?",
     "Source,Name", "NAME,SOURCE,E-MAIL"],
)  # fmt: skip
def test_a_header_in_other_words_is_none_the_less_a_header(read: Reader, header: str) -> None:
    result = read(f"{header}\nidna,pypi:idna\n")
    assert [request.name for request in result.requests] == ["idna"]
    assert result.errors == ()


def test_a_header_is_one_only_in_the_first_line(read: Reader) -> None:
    result = read("idna,pypi:idna\nPackage Name,Source\n")
    assert [error.line for error in result.errors] == [2]


SHA256 = "86cc141f63942d4b2c5fcee06630fd6f904788d2f0ab005cce45aadb8fb73889"


def test_the_digest_of_an_address_belongs_to_the_request(read: Reader) -> None:
    url = "https://host.example/a-1.0.zip"
    result = read(f"a,{url}#sha256={SHA256.upper()}\nb,{url}#egg=b\n")
    assert [request.source for request in result.requests] == [
        ArchiveSource(url, SHA256),
        ArchiveSource(url),
    ]
    assert str(result.requests[0].source) == f"{url}#sha256={SHA256}"


@pytest.mark.parametrize("fragment", ["sha256=12", "md5=" + "0" * 32, f"sha256={SHA256}&sha512=0"])
def test_a_digest_that_can_not_be_checked_is_no_request(read: Reader, fragment: str) -> None:
    assert "can't be checked" in read.error(f"a,https://host.example/a.zip#{fragment}")


WHEEL = "https://host.example/m/en_core_web_sm-3.7.1-py3-none-any.whl"


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("pandas,pypi:pandas>=2.0,<2.1", 'pandas,"pypi:pandas>=2.0,<2.1"'),
        ("x,pypi:x>=2,<3,jo@example.com", 'x,"pypi:x>=2,<3",jo@example.com'),
        ("r,pypi:requests[socks,security]==2", 'r,"pypi:requests[socks,security]==2"'),
        ("pip cmd,pip install pandas", "pip-cmd,pypi:pandas"),
        ("p,pypi:pip install -U pandas==2.2.2", "p,pypi:pandas==2.2.2"),
        ("p,python -m pip install 'pandas>=2'", "p,pypi:pandas>=2"),
        ("!pip install --index-url https://u:canary@h.example/simple pandas", "pandas,pypi:pandas"),
        ("p,pypi:pandas=2.2.2", "p,pypi:pandas==2.2.2"),
        ("p,pypi:pandas^2.0", 'p,"pypi:pandas>=2.0,<3"'),
        ("p,pypi:pandas^0.4.1", 'p,"pypi:pandas>=0.4.1,<0.5"'),
        ("p,pypi:pandas~2.0", 'p,"pypi:pandas>=2.0,<2.1"'),
        ("p,pypi:pandas=>2", "p,pypi:pandas>=2"),
        ("p,pypi:tabulate 0.9.0", "p,pypi:tabulate==0.9.0"),
        ("p,pypi:tabulate@0.9.0", "p,pypi:tabulate==0.9.0"),
        ("p,pypi:scikit-learn = = 1.5.2", "p,pypi:scikit-learn==1.5.2"),
        ("p,pypi:scikit-learn==1.5.2.", "p,pypi:scikit-learn==1.5.2"),
        ("p,pypi:scikit-learn==1.5.*.*", "p,pypi:scikit-learn==1.5.*"),
        ("p,pypi:scikit-learn>=1.5.*", "p,pypi:scikit-learn>=1.5"),
        ("p,pypi:scikit-learn==latest", "p,pypi:scikit-learn"),
        ("p,pypi:scikit learn", "p,pypi:scikit-learn"),
        ("p,pypi:numpy>1.20<2.0", 'p,"pypi:numpy>1.20,<2.0"'),
        ('p,pypi:"numpy==1.26.4"', "p,pypi:numpy==1.26.4"),
        ("p,pypi:torch==2.1.0 +cu118", "p,pypi:torch==2.1.0+cu118"),
        ("p,pypi:torch --extra-index-url https://h.example/cu118", "p,pypi:torch"),
        ("p,pypi:tabulate==0.9.0 --hash=sha256:024c", "p,pypi:tabulate==0.9.0"),
        ("p,numpy-1.26.4.tar.gz", "p,pypi:numpy==1.26.4"),
        ("numpy", "numpy,pypi:numpy"),
        ("numpy==1.26.4", "numpy,pypi:numpy==1.26.4"),
        ("pypi:numpy==1.26.4", "numpy,pypi:numpy==1.26.4"),
        ("https://host.example/numpy-1.26.4.zip", "numpy,https://host.example/numpy-1.26.4.zip"),
        ("pypi:numpy,numpy", "numpy,pypi:numpy"),
        ("n,numpy", "n,pypi:numpy"),
        ("n;pypi:numpy", "n,pypi:numpy"),
        ('c;"pypi:c==1; os_name == ""nt"""', 'c,"pypi:c==1; os_name == ""nt"""'),
        ("n\tpypi:numpy\tjo@example.com", "n,pypi:numpy,jo@example.com"),
        ("“n”,“pypi:numpy”", "n,pypi:numpy"),
        ("n,pypi:numpy,Jo Example <jo@example.com>", "n,pypi:numpy,jo@example.com"),
        ("n,pypi:numpy,mailto:jo@example.com", "n,pypi:numpy,jo@example.com"),
        ("n,pypi:numpy,urgent", "n,pypi:numpy"),
        ("n,conda:numpy", "n,pypi:numpy"),
        ("n,conda-forge::numpy=1.26=py311h_0", "n,pypi:numpy==1.26"),
        ("s,pypi:en_core_web_sm @ " + WHEEL, "s," + WHEEL),
        ("c,git+https://github.com/openai/CLIP.git",
         "c,https://github.com/openai/CLIP/archive/HEAD.zip"),
        ("c,git+https://u:canary@github.com/openai/CLIP.git@v1.0#egg=clip",
         "c,https://github.com/openai/CLIP/archive/v1.0.zip"),
        ("c,git@github.com:openai/CLIP.git", "c,https://github.com/openai/CLIP/archive/HEAD.zip"),
        ("c,https://github.com/openai/CLIP", "c,https://github.com/openai/CLIP/archive/HEAD.zip"),
        ("c,https://gitlab.com/a/b.git", "c,https://gitlab.com/a/b/-/archive/HEAD/b.zip"),
        ("n,http://host.example/a.zip", "n,https://host.example/a.zip"),
        ("n,https://host.example/a b.zip", "n,https://host.example/a%20b.zip"),
        ("n,https://u:canary@host.example/a.zip", "n,https://host.example/a.zip"),
        ("n,https://host.example/a.zip#md5=00", "n,https://host.example/a.zip"),
        ("n,https://pypi.example/project/pandas/2.2.2/", "n,pypi:pandas==2.2.2"),
        ("m,hf:org/model", EXAMPLE.written()),
        ("../etc,pypi:numpy", "etc,pypi:numpy"),
        ("con,pypi:numpy", "con-package,pypi:numpy"),
        ("https://u:canary@host.example/x,pypi:numpy", "numpy,pypi:numpy"),
        ("über,pypi:numpy", "uber,pypi:numpy"),
    ],
)  # fmt: skip
def test_a_bad_line_gets_the_line_that_was_meant(read: Reader, line: str, suggestion: str) -> None:
    (error,) = read(line).errors
    assert error.suggestion == suggestion
    assert "canary" not in repr(error)


def test_a_cell_with_a_line_break_is_suggested_in_one_line(read: Reader) -> None:
    result = read('r,"pypi:requests[socks,\n security]==2.32.3"\nidna,pypi:idna\n')
    assert [request.name for request in result.requests] == ["idna"]
    assert [error.suggestion for error in result.errors] == [
        'r,"pypi:requests[socks, security]==2.32.3"'
    ] * 2


def test_a_suggested_name_is_nobody_elses(read: Reader) -> None:
    result = read("a b,https://h.example/1.zip\na_b,https://h.example/2.zip\na b,pypi:numpy\n")
    assert [error.suggestion for error in result.errors] == [
        "a-b-2,https://h.example/1.zip",
        "a-b-3,pypi:numpy",
    ]


_PIECES = st.sampled_from(
    [
        *(
            "pypi:",
            "conda:",
            "hf:",
            "git+https://",
            "https://",
            "http://",
            "pip install ",
            "PyPI: ",
        ),
        *("numpy", "scikit learn", "über", "torch", "host.example/a.zip", "github.com/a/b", "con"),
        *(
            "==1.2",
            "=1.2",
            "^1",
            "~2.0",
            ">=1,<2",
            "+cu118",
            "==latest",
            "[a,b]",
            "1.*.*",
            " ",
            ".",
        ),
        *(
            ",",
            ",,",
            ";",
            "\t",
            "|",
            '"',
            "'",
            "“",
            "\\",
            "#sha256=00",
            "@",
            "jo@example.com",
            "\0",
        ),
        *("; os_name == 'nt'", " --hash=x", "-i", "\u200b", "\xa0", "(", ")", "u:p@", "%2e%2e/"),
    ]
)
_LINES = st.one_of(st.lists(_PIECES, max_size=8).map("".join), st.text(max_size=40)).map(str.encode)


@settings(deadline=None)  # machines are busy
@given(lines=st.lists(st.one_of(_LINES, st.binary(max_size=60)), max_size=8))
def test_every_suggestion_is_taken_in_place_of_its_line(
    lines: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "suggestions.csv"
    whole = b"\n".join(lines).replace(b"\r", b"\n")
    path.write_bytes(whole)
    result = read_requests(path)
    written = whole.split(b"\n")
    for error in result.errors:
        path.write_text(error.suggestion, encoding="utf-8")
        alone = read_requests(path)
        assert len(alone.requests) == 1, error
        assert alone.errors == ()
        written[error.line - 1] = error.suggestion.encode()
    path.write_bytes(b"\n".join(written))
    put_right = read_requests(path)
    assert put_right.errors == ()
    assert len(put_right.requests) == len(result.requests) + len(result.errors)


def test_suggestions_for_hostile_lines_take_no_longer_than_reading_them(read: Reader) -> None:
    fillers = [
        " ",
        ".",
        "-",
        ",",
        "a",
        "1.",
        "[",
        "(",
        "<1",
        "git+",
        "pypi:",
        "@",
        "//",
        "\t",
        "x*",
    ]
    lines = [
        f"{start}{filler * 4000}"[:4000] + end
        for filler in fillers
        for start in ("n,", "n,pypi:a", "n,https://h.example/", "")
        for end in ("", "!", '"', ",b@c")
    ]
    started = process_time()
    result = read("\n".join(lines))
    assert process_time() - started < len(lines) * 0.05
    assert len(result.errors) + len(result.requests) >= len(lines) - 10


def changed(tmp_path: Path, base: bytes, head: bytes) -> tuple[list[tuple[int, str]], list[int]]:
    """Read what is new, as names with their lines and the numbers of bad lines."""
    (tmp_path / "base.csv").write_bytes(base)
    (tmp_path / "head.csv").write_bytes(head)
    found = read_changed(tmp_path / "head.csv", tmp_path / "base.csv")
    return [(each.line, each.name) for each in found.requests], [e.line for e in found.errors]


def test_only_lines_that_the_base_does_not_have_are_new(tmp_path: Path) -> None:
    base = b"name,source\na,pypi:a\nbad\nb,pypi:b\n"
    head = b"\xef\xbb\xbfname,source\r\nb,pypi:b \r\na,pypi:a==1\r\nbad\r\nc,pypi:c\r\nworse"
    assert changed(tmp_path, base, head) == ([(3, "a"), (5, "c")], [6])
    assert changed(tmp_path, head, head) == ([], [])
    assert changed(tmp_path, b"", base) == ([(2, "a"), (4, "b")], [3])


def test_a_line_that_a_new_one_has_made_a_bad_one_is_told(tmp_path: Path) -> None:
    base = b"x,https://example.com/x.zip\n"
    head = b"x,https://example.com/other.zip\n" + base
    assert changed(tmp_path, base, head) == ([(1, "x")], [2])


@given(
    name=st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True),
    version=st.from_regex(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,4}", fullmatch=True),
)
def test_a_pin_is_what_the_parser_of_requirements_makes_of_it(name: str, version: str) -> None:
    """It is taken as it stands, without that parser."""
    text = f"{name}=={version}"
    assert parse_source(f"pypi:{text}") == PyPISource(str(Requirement(text)))
