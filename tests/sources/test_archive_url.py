import pytest
from hypothesis import given
from hypothesis import strategies as st

from package_gate.core.artifact import Origin, RemoteFile
from package_gate.core.errors import SourceRefusedError
from package_gate.core.request import ArchiveSource, PyPISource, Request, RequestSource
from package_gate.sources.archive_url import ArchiveURL, archive_filename


def request(source: RequestSource) -> Request:
    return Request("langchain", source, "", 1)


def test_an_archive_request_is_one_package_with_one_file_of_unknown_version() -> None:
    url = "https://code.example/langchain/archive/refs/heads/master.zip?token=1"
    resolution = ArchiveURL().resolve(request(ArchiveSource(url)))
    (package,) = resolution.packages
    assert (package.name, package.version) == ("langchain", "")
    assert package.origin is Origin.ARCHIVE
    assert package.files == (RemoteFile("master.zip", url),)


@pytest.mark.parametrize(
    "url", ["http://a.test/x.zip", "https://user:password@a.test/x.zip", "https://127.1/x.zip"]
)
def test_an_address_that_would_never_be_fetched_is_refused_at_once(url: str) -> None:
    with pytest.raises(SourceRefusedError):
        ArchiveURL().resolve(request(ArchiveSource(url)))


def test_a_pypi_request_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="not a request for an archive"):
        ArchiveURL().resolve(request(PyPISource("requests")))


def test_an_address_without_a_file_name_gives_the_file_the_requests_name() -> None:
    resolution = ArchiveURL().resolve(request(ArchiveSource("https://a.test/%2e%2e/?x=a.zip")))
    assert resolution.packages[0].files[0].filename == "langchain"


@pytest.mark.parametrize(
    ("path", "filename"),
    [
        ("/a/b/pkg-1.0.tar.gz", "pkg-1.0.tar.gz"),
        ("/pkg-1.0+local-py3-none-any.whl", "pkg-1.0+local-py3-none-any.whl"),
        ("/pkg-1.0%2Blocal-py3-none-any.whl", "pkg-1.0+local-py3-none-any.whl"),
        ("/pkg.zip/", "pkg.zip"),
        ("/..%2f..%2fetc%2fpasswd", "passwd"),
        ("/..%5c..%5cpasswd", "passwd"),
        ("/%252e%252e%252fpasswd", "_2e_2e_2fpasswd"),
        ("/%2e%2e", ""),
        ("/.bashrc", "bashrc"),
        ("/-rf.zip", "rf.zip"),
        ("/a%00b%0ac.zip", "a_b_c.zip"),
        ("/a%20b.zip", "a_b.zip"),
        ("/b%C3%BCcher.zip", "b_cher.zip"),
        ("/%FF.zip", "_.zip"),
        ("/x." + "y" * 200 + ".tar.gz", "y" * 93 + ".tar.gz"),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_file_name_is_taken_from_the_end_of_the_path_and_made_harmless(
    path: str, filename: str
) -> None:
    assert archive_filename(f"https://a.test{path}?file=other.zip#third.zip") == filename


@given(st.text(max_size=300))
def test_no_path_makes_a_file_name_that_leaves_the_folder_or_looks_like_an_option(
    path: str,
) -> None:
    filename = archive_filename("https://a.test/" + path.translate({91: None, 93: None}))
    assert len(filename) <= 100
    assert filename.isascii()
    assert not set(filename) & set("/\\\0\n\r ")
    assert not filename.startswith((".", "-"))


def test_the_digest_that_the_requester_gives_is_that_of_the_file() -> None:
    source = ArchiveSource("https://a.test/a.zip", "0" * 64)
    assert ArchiveURL().resolve(request(source)).packages[0].files[0].sha256 == "0" * 64
