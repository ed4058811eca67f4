"""Rewritten files: nothing but versions and hashes changes."""

import pytest
from packaging.requirements import Requirement

from package_gate.core.finding import Location
from package_gate.dependency_scan.models import Direct
from package_gate.dependency_scan.rewriting import rewrite_pyproject, rewrite_requirements


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("app==1.0", "app==2.0"),
        ("app == 1.0  # why", "app==2.0  # why"),
        ("App_X[a, b]>=1,<2 ; python_version < '4'", "App_X[a, b]==2.0 ; python_version < '4'"),
        ("app", "app==2.0"),
        ("app;python_version<'4'", "app==2.0 ;python_version<'4'"),
        ("app (>=1.0)", "app==2.0"),
        ("  app~=1.0 --config-settings x=y", "  app==2.0 --config-settings x=y"),
        ("app[x] # all", "app[x]==2.0 # all"),
        ("app==1.0 \\\n  ; python_version < '4'", "app==2.0 \\\n  ; python_version < '4'"),
        ("app!=1.1, !=1.2", "app==2.0"),
        ("app===1.0", "app==2.0"),
    ],
    ids=range(11),
)
def test_a_requirement_at_another_version(before: str, after: str) -> None:
    text = f"# head\n\n-r base.txt\n{before}\nother==1.0\n"
    new = rewrite_requirements(text.encode(), {4: "2.0"}, {}, [])
    assert new is not None
    assert new.decode() == text.replace(before, after)


def test_hashes_are_replaced_and_lines_added() -> None:
    text = (
        "app==1.0 \\\r\n    --hash=sha256:aa \\\r\n    --hash=sha256:bb\r\n    # via other\r\n"
        "last==1.0"
    )
    new = rewrite_requirements(
        text.encode(), {1: "2.0"}, {1: ["sha256:cc", "sha256:dd"]}, ["new==3.0  # needed by app"]
    )
    assert new == (
        b"app==2.0 \\\r\n    --hash=sha256:cc \\\r\n    --hash=sha256:dd\r\n    # via other\r\n"
        b"last==1.0\r\nnew==3.0  # needed by app\r\n"
    )


def test_a_line_with_hashes_is_not_left_with_the_wrong_ones() -> None:
    text = b"app==1.0 --hash=sha256:aa\n"
    assert rewrite_requirements(text, {1: "2.0"}, {}, []) is None
    assert rewrite_requirements(text, {1: "2.0"}, {1: ["sha256:cc"]}, []) == (
        b"app==2.0 \\\n    --hash=sha256:cc\n"
    )


def direct(text: str, line: int | None) -> Direct:
    return Direct(Requirement(text), Location("pyproject.toml", line), written=text)


def test_quoted_requirements_of_a_project_file() -> None:
    text = b"dependencies = ['app[x]>=1 ; python_version < \"4\"', \"app\"]\nother = 'app'\n"
    found = rewrite_pyproject(
        text,
        [(direct('app[x]>=1 ; python_version < "4"', 1), "2.0"), (direct("app", 1), "3.0")],
    )
    assert found == (
        b"dependencies = ['app[x]==2.0 ; python_version < \"4\"', \"app==3.0\"]\nother = 'app'\n"
    )


@pytest.mark.parametrize("line", [None, 2])
def test_a_requirement_that_is_not_where_it_was_is_left_alone(line: int | None) -> None:
    assert rewrite_pyproject(b"x = ['app']\ny = ['b']\n", [(direct("app", line), "2.0")]) is None
