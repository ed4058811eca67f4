"""Settings, names of branches and names of files: what is refused before anything is started."""

from dataclasses import replace
from pathlib import Path

import pytest

from package_gate.core.errors import ConfigurationError, PublishError
from package_gate.publishers.git_names import (
    archive_file,
    checked_file,
    conflicting_branch,
    left_out,
    pypi_package_branch,
    pypi_request_branch,
    request_branch,
)
from package_gate.publishers.github import GitHubSettings

SETTINGS = GitHubSettings(
    owner="organisation",
    repository="packages",
    username="gate-user",
    email="gate@example.test",
    token="github_pat_CANARY",
    scratch=Path(),
)
NO_BRANCHES = [
    *("HEAD", "head", "-x", "a..b", "refs/heads/x", "a.lock", "a.", ".a", "a b", "a~1", "a^"),
    *("a:b", "@", "a@{1}", "", "a\nb", "pypi", "PyPI-Packages", "0" * 40, "\xe4", "a" * 101),
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner", "-owner"),
        ("owner", "a/b"),
        ("owner", ""),
        ("repository", ".."),
        ("repository", "packages.git"),
        ("repository", "a b"),
        ("host", "github.com/evil"),
        ("host", "user@github.com"),
        ("host", ""),
        ("username", "a:b"),
        ("username", ""),
        ("email", "a@b\nc"),
        ("email", "<a@b.test>"),
        ("token", ""),
        ("token", "two\nlines"),
        ("proxy", "http://user:secret@proxy.test"),
        ("scheme", "ssh"),
    ],
)
def test_a_malformed_setting_is_named_without_secrets(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        replace(SETTINGS, **{name: value})  # type: ignore[arg-type]
    assert name in str(caught.value) or name == "scheme"
    assert "secret" not in str(caught.value)
    assert "two" not in str(caught.value)


def test_a_token_is_never_sent_without_tls_but_to_this_machine() -> None:
    with pytest.raises(ConfigurationError, match="https only"):
        replace(SETTINGS, host="git.example.test", scheme="http")
    assert replace(SETTINGS, host="localhost:8080", scheme="http").scheme == "http"


def test_an_enterprise_host_with_a_port_is_a_host() -> None:
    assert replace(SETTINGS, host="git.corp.example:8443").host == "git.corp.example:8443"


def test_the_settings_do_not_show_the_token() -> None:
    assert "CANARY" not in repr(SETTINGS)


@pytest.mark.parametrize("name", NO_BRANCHES)
def test_a_name_that_can_be_no_branch_is_refused(name: str) -> None:
    for act in (request_branch, pypi_request_branch, lambda name: pypi_package_branch("a", name)):
        with pytest.raises(PublishError, match="can't be a branch name"):
            act(name)


@pytest.mark.parametrize("name", ["langchain", "scikit-learn", "a_b.c+d", "_x", "Main", "a" * 100])
def test_a_plain_name_is_its_branch(name: str) -> None:
    assert request_branch(name) == name
    assert pypi_request_branch(name) == f"pypi/{name}"


def test_a_package_has_one_branch_however_it_is_spelled() -> None:
    spellings = ("Zope.Interface", "zope_interface", "zope-interface")
    branches = {pypi_package_branch(name, "1.0") for name in spellings}
    assert branches == {"pypi-packages/zope-interface/1.0"}


def test_an_epoch_and_a_local_version_have_different_branches() -> None:
    assert pypi_package_branch("a", "1!2") != pypi_package_branch("a", "1+2")


@pytest.mark.parametrize(
    ("branch", "head", "conflict"),
    [
        ("sample", "sample", False),
        ("sample", "Sample", True),
        ("sample", "sample/x", True),
        ("pypi/a", "PyPI", True),
        ("pypi/a", "pypi/b", False),
        ("pypi/a", "pypi-packages/a/1", False),
        ("sample", "sample-2", False),
    ],
)
def test_branches_that_can_not_stand_side_by_side(branch: str, head: str, conflict: bool) -> None:
    assert conflicting_branch(branch, {head: ""}) == (head if conflict else None)


@pytest.mark.parametrize("filename", ["../a-1.whl", "-a.whl", "a b.whl", ".whl", "a/b.whl", ""])
def test_a_file_name_that_is_none_is_refused(filename: str) -> None:
    with pytest.raises(PublishError, match="can't be the name of a distribution file"):
        checked_file(filename)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("master.zip", "n.zip"),
        ("v1.2.TAR.GZ", "n.tar.gz"),
        ("v1.tgz", "n.tgz"),
        ("download", "n"),
        ("a.zip;rm -rf", "n"),
        ("n-1.0-py3-none-any.whl", "n-1.0-py3-none-any.whl"),
    ],
)
def test_an_archive_is_called_by_its_request(filename: str, expected: str) -> None:
    assert archive_file("n", filename) == expected


@pytest.mark.parametrize(
    "path",
    [
        ".git",
        ".git/hooks/post-checkout",
        "a/.git",
        ".GIT/config",
        ".git /config",
        ".git./config",
        "git~1/config",
        ".git::$INDEX_ALLOCATION/config",
        ".g\u200cit/config",
        "a\\.git\\config",
        ".gitattributes",
        "a/b/.GitAttributes",
        ".gitmodules",
        ".lfsconfig",
        ".packages/sample.zip",
        ".Packages",
    ],
)
def test_what_git_would_act_on_stays_out(path: str) -> None:
    assert left_out(path)


@pytest.mark.parametrize(
    "path",
    [".gitignore", ".github/workflows/x.yml", "git/a.py", "a.git/x", "a/.packages/x", ".gitkeep"],
)
def test_everything_else_goes_in(path: str) -> None:
    assert left_out(path) is None
