"""Settings, names of branches and names of files: what is refused before anything is started."""

from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from package_gate.core.errors import ConfigurationError, PublishError
from package_gate.publishers.git_names import (
    archive_file,
    checked_file,
    conflicting_branch,
    left_out,
    pypi_package_branch,
    pypi_request_branch,
    request_branch,
    requirement_of,
)
from package_gate.publishers.github import GitHubSettings
from tests.publishers.github_world import archive_request, pypi_request

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
    ],
)
def test_a_malformed_setting_is_named_without_secrets(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        replace(SETTINGS, **{name: value})  # type: ignore[arg-type]
    assert name in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "two" not in str(caught.value)


def test_an_enterprise_host_with_a_port_is_a_host() -> None:
    assert replace(SETTINGS, host="git.corp.example:8443").host == "git.corp.example:8443"


def test_the_settings_do_not_show_the_token() -> None:
    assert "CANARY" not in repr(SETTINGS)


@pytest.mark.parametrize("name", NO_BRANCHES)
def test_a_name_that_can_be_no_branch_is_refused(name: str) -> None:
    for act in (request_branch, lambda name: pypi_package_branch("a", name)):
        with pytest.raises(PublishError, match="can't be a branch name"):
            act(name)


@pytest.mark.parametrize("name", ["langchain", "scikit-learn", "a_b.c+d", "_x", "Main", "a" * 100])
def test_a_plain_name_is_its_branch(name: str) -> None:
    assert request_branch(name) == name


def test_a_branch_that_github_makes_a_site_of_is_refused() -> None:
    with pytest.raises(PublishError, match="makes a site"):
        request_branch("GH-Pages")


def branch_of(requirement: str, name: str = "any") -> str:
    return pypi_request_branch(requirement_of(pypi_request(name, requirement)))


@pytest.mark.parametrize(
    ("requirement", "branch"),
    [
        ("humanize", "pypi/humanize"),
        ("Zope.Interface", "pypi/zope-interface"),
        ("idna == 3.7", "pypi/idna==3.7"),
        ("idna==v3.7RC1", "pypi/idna==3.7rc1"),
        ("torch==2.1+CPU", "pypi/torch==2.1+cpu"),
    ],
)
def test_a_project_and_a_release_of_it_have_branches_that_say_so(
    requirement: str, branch: str
) -> None:
    assert branch_of(requirement) == branch


@pytest.mark.parametrize(
    ("requirement", "readable"),
    [
        ("idna<4,>=3", "pypi/idna=lt4.ge3"),
        ("requests[Socks]==2.32.3", "pypi/requests=socks.eq2.32.3"),
        ("idna==3.*", "pypi/idna=eq3"),
        ("idna==1!3", "pypi/idna=eq1.3"),
        ("idna===3.7", "pypi/idna=is3.7"),
        ('idna; python_version < "3.12"', "pypi/idna=python.version.lt.3.12"),
    ],
)
def test_every_other_requirement_can_be_read_of_its_branch_too(
    requirement: str, readable: str
) -> None:
    name, _, digest = branch_of(requirement).rpartition("-")
    assert name == readable
    assert len(digest) == 12


def test_one_requirement_has_one_branch_whatever_the_request_and_the_spelling() -> None:
    for spellings in (
        [("idna", "idna"), ("Idna", "IDNA"), ("other", "idna")],
        [("idna", "idna>=3,<4"), ("x", "Idna <4, >= 3")],
        [("r", "requests[a_b,c]>2"), ("r", "Requests[C, A.B]>2")],
    ):
        assert len({branch_of(text, name) for name, text in spellings}) == 1


def test_no_two_requirements_share_a_branch_even_where_case_does_not_count() -> None:
    texts = [
        *("idna", "idna==3.7", "idna==3.7.0", "idna==3.7rc1", "idna===3.7", "idna===3.7RC1"),
        *("idna===3.7rc1", "idna==3.*", "idna>=3", "idna>3", "idna<=3", "idna<3", "idna~=3.0"),
        *("idna!=3", "idna>=3,<4", "idna>=3,<=4", "idna[a]", "idna[a]==3.7", "idna[a,b]==3.7"),
        *("idna==1!3.7", "idna==1.3.7", "idna==3.7+1", "idna==3.7.post1"),
        *("idna-ge3", "idna-3-7", "idna==3.7; python_version>'3.9'", "idna; sys_platform=='a'"),
        *("idna; sys_platform=='A'", "idna; python_version>'3.9'"),
        *(f"idna!=1,!=2,!=3,!=4,!=5,!=6,!=7,!=8,!=9,!=10,!=11,!=12,!={last}" for last in (13, 14)),
    ]
    branches = [branch_of(text) for text in texts]
    assert len({branch.lower() for branch in branches}) == len(texts)
    heads = dict.fromkeys(branches, "")
    assert [conflicting_branch(branch, heads) for branch in branches] == [None] * len(branches)


def test_an_archive_and_a_project_never_share_a_branch() -> None:
    for name in ("idna", "idna-3.7", "pypi-idna", "pypi.idna"):
        assert conflicting_branch(request_branch(name), {branch_of("idna==3.7"): ""}) is None


@pytest.mark.parametrize("name", ["a" * 101, "head", "pypi", "f" * 40])
def test_a_project_that_can_be_no_branch_is_refused(name: str) -> None:
    with pytest.raises(PublishError, match="can't be a branch name"):
        pypi_request_branch(Requirement(name))


def test_an_archive_request_is_no_requirement() -> None:
    with pytest.raises(PublishError, match="no request for a PyPI package"):
        requirement_of(archive_request("sample"))


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
        ".github/workflows/x.yml",
        ".GitHub/workflows/x.yml",
        ".github/dependabot.yml",
        ".github",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        "CNAME",
        "_config.yml",
        "docs/_config.yml",
        ".devcontainer/devcontainer.json",
        ".circleci/config.yml",
        ".pre-commit-config.yaml",
        "Jenkinsfile",
        "buildspec.yml",
        "BuildSpec.yaml",
        "amplify.yml",
        ".readthedocs.yaml",
        "netlify.toml",
        ".woodpecker.yml",
        ".woodpecker/test.yaml",
        ".tekton/run.yaml",
        ".vscode/tasks.json",
        ".codecatalyst/workflows/x.yaml",
        ".zuul.yaml",
        "bitrise.yml",
        "wrangler.toml",
        "app.json",
        "renovate.json5",
        "x.code-workspace",
        ".envrc",
        ".mcp.json",
        "CLAUDE.md",
        "sub/AGENTS.md",
        "sub/.claude/settings.json",
        "sub/.devcontainer/devcontainer.json",
    ],
)
def test_what_git_github_or_its_services_would_act_on_stays_out(path: str) -> None:
    assert left_out(path)


@pytest.mark.parametrize(
    "path",
    [
        *(".gitignore", "git/a.py", "a.git/x", "a/.packages/x", ".gitkeep", "cname/__init__.py"),
        *("template/.github/workflows/x.yml", "a/CODEOWNERS", "cname.py", "docs/a/CNAME"),
        *("github/x.py", "docs/index.md", "pyproject.toml", "Cargo.toml", "meson.build"),
        *("sub/data.json", "package.json", ".git_archival.txt", "README.md", "setup.cfg"),
    ],
)
def test_everything_else_goes_in(path: str) -> None:
    assert left_out(path) is None


def test_constraints_make_another_branch() -> None:
    plain = Requirement("humanize==4.12.3")
    constraints: list[tuple[str, ...]] = [(), ("idna<4",), ("idna<3",)]
    branches = {pypi_request_branch(plain, each) for each in constraints}
    assert len(branches) == 3
    assert all(branch.startswith("pypi/humanize=") for branch in branches)
