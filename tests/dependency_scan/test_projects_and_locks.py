"""`pyproject.toml` and lock files: what they ask for, what they hold, and whether the two fit."""

import json
from pathlib import Path

import pytest

from package_gate.dependency_scan.models import Graph, ScannedClosure
from package_gate.dependency_scan.pyproject import read_repository_project
from package_gate.inventory.formats import poetry
from tests.dependency_scan.world import INDEX, asked, collected, problems


def held(closure: ScannedClosure) -> list[str]:
    return [f"{package.name}=={package.version}" for package in closure.packages]


def test_extras_and_groups_are_sets_of_their_own(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "pyproject.toml": """
[project]
name = "App"
requires-python = ">=3.11"
dependencies = [
    "base>=1",
]
[project.optional-dependencies]
plot = ["draw==2.0"]
all = ["app[plot]", "more"]
[dependency-groups]
test = ["check", {include-group = "Lint_er"}]
lint-er = ["tidy"]
[tool.uv]
dev-dependencies = ["old"]
constraint-dependencies = ["base<5"]
[tool.pdm.dev-dependencies]
docs = ["write"]
"""
        },
    )
    assert problems(found) == []
    assert asked(found) == {
        "pyproject.toml": ["base>=1"],
        "pyproject.toml [plot]": ["base>=1", "draw==2.0"],
        "pyproject.toml [all]": ["base>=1", "more", "draw==2.0"],
        "pyproject.toml [group test]": ["check", "tidy"],
        "pyproject.toml [group lint-er]": ["tidy"],
        "pyproject.toml [uv dev]": ["old"],
        "pyproject.toml [pdm docs]": ["write"],
    }
    assert found.sets[0].requirements[0].place.line == 6
    assert str(found.sets[0].requires_python) == ">=3.11"
    assert [str(each) for each in found.sets[0].constraints] == ["base<5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('dependencies = ["x @ git+https://u:pw@git.test/x"]', "neither fetched nor scanned"),
        ('dependencies = ["not a requirement"]', "is no requirement"),
        ('dependencies = "x"', "is no list"),
        ("dependencies = [3]", "is no text"),
        ('dynamic = ["dependencies"]', "are dynamic"),
        ('requires-python = "three"', "names no Python versions"),
        ('[dependency-groups]\na = [{include-group = "a"}]', "or itself"),
        ('dependencies = ["x"]\n[tool.uv.sources]\nx = {git = "https://git.test/x"}', "neither"),
        ('dependencies = ["x"]\n[tool.uv]\noverride-dependencies = ["y==1"]', "not applied"),
        ("dependencies = [", "no valid TOML"),
        ("x = " + "[" * 5000, "no valid TOML"),
        ('dependencies = ["x ; ' + "(" * 1500 + '"]', "more than 50 brackets"),
        ('dependencies = ["x==="]', "names no version"),
        ('dynamic = ["optional-dependencies"]', "Its optional-dependencies are dynamic"),
        ('[dependency-groups]\na = "x"', "is no list"),
        ('[tool.pdm.resolution.overrides]\nx = "1.0"', "not applied"),
        ('[tool.pixi.dependencies]\nx = "1.0"', "[tool.pixi.dependencies] is not read"),
        ('[tool.hatch.envs.a.overrides]\nplatform.x.dependencies = ["x"]', "envs.a.overrides]"),
        ('[tool.hatch.envs.a]\ndependencies = ["x @ {root:uri}/x"]', "neither fetched"),
        (f'[tool.poetry.dependencies]\nx = {{markers = "{"(" * 1500}"}}', "can't be read"),
    ],
    ids=range(20),
)
def test_what_a_project_asks_for_that_cannot_be_scanned_is_named(
    tmp_path: Path, text: str, words: str
) -> None:
    told = problems(collected(tmp_path, {"pyproject.toml": f'[project]\nname = "app"\n{text}\n'}))
    assert [(path, words in text, "pw" in text) for path, _, text in told] == [
        ("pyproject.toml", True, False)
    ]


def test_requirements_that_setuptools_takes_from_a_file(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "pyproject.toml": """
[project]
name = "app"
dynamic = ["dependencies"]
[tool.setuptools.dynamic]
dependencies = {file = ["deps.list", "../outside.txt"]}
""",
            "deps.list": "one==1.0\n",
        },
    )
    assert asked(found) == {"deps.list": ["one==1.0"]}
    assert ["../outside.txt" in text for _, _, text in problems(found)] == [True]


def test_poetrys_tables(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "pyproject.toml": """
[tool.poetry.dependencies]
python = "^3.11"
one = "^1.2.3"
two = {version = "~0.4", extras = ["fast"], python = ">=3.10,<3.13"}
three = [{version = "1.0", markers = "python_version < '3.12'"}, {version = "2.*"}]
four = {git = "https://u:pw@git.test/four"}
five = "^1 || ^2"
[tool.poetry.group.dev.dependencies]
six = "*"
"""
        },
    )
    assert [str(each.requirement) for each in found.sets[0].requirements] == [
        "one<2,>=1.2.3",
        'two[fast]<0.5,>=0.4; python_full_version < "3.13" and python_full_version >= "3.10"',
        'three==1.0; python_version < "3.12"',
        "three==2.*",
    ]
    assert [each.name for each in found.sets] == ["pyproject.toml", "pyproject.toml [group dev]"]
    assert str(found.sets[0].requires_python) == "<4,>=3.11"
    told = problems(found)
    assert ["four comes from another place" in told[0][2], "five = " in told[1][2]] == [True, True]
    assert "pw" not in str(told)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("^1.2", ">=1.2,<2"), ("^0.2.3", ">=0.2.3,<0.3"), ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0", ">=0,<1"), ("~1.2.3", ">=1.2.3,<1.3"), ("~1", ">=1,<2"), ("~=1.4", "~=1.4"),
        (">= 1, < 2", ">=1,<2"), ("1.5", "==1.5"), ("*", ""),
    ],
)  # fmt: skip
def test_poetrys_constraints(written: str, meant: str) -> None:
    assert poetry._specifiers(written) == meant


def test_a_hostile_project_file_raises_nothing() -> None:
    for text in (
        b"\xff\xfe", b"a=1\na=2", b"project = 3", b"[project]\nname = 3\ndependencies = {}",
        b"[tool]\npoetry = []", b"[tool.poetry]\ndependencies = {x = {version = 3}}",
        b"[tool.poetry]\ngroup = {a = 3}", b"[tool.poetry.dependencies]\nx = {extras = 3}",
        b"[tool.uv]\nsources = 3", b"[project]\noptional-dependencies = 3",
        b"[dependency-groups]\nx = [{}]", b"[tool.poetry.dependencies]\npython = '^x'",
    ):  # fmt: skip
        read_repository_project("pyproject.toml", text, [INDEX])


UV_LOCK = f"""
version = 1
[[package]]
name = "app"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [{{ name = "web" }}, {{ name = "local" }}]
[[package]]
name = "local"
version = "0.1"
source = {{ editable = "libs/local" }}
dependencies = [{{ name = "deep" }}]
[[package]]
name = "web"
version = "2.0"
source = {{ registry = "{INDEX}" }}
dependencies = [{{ name = "deep", marker = "x" }}]
[[package]]
name = "deep"
version = "1.0"
source = {{ registry = "{INDEX}/" }}
[[package]]
name = "private"
version = "1.0"
source = {{ registry = "https://u:pw@private.test/simple" }}
[[package]]
name = "forked"
version = "1.0"
source = {{ git = "https://git.test/forked?rev=x" }}
"""


def test_a_uv_lock_speaks_for_the_projects_that_it_locks(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "uv.lock": UV_LOCK,
            "pyproject.toml": (
                '[project]\nname = "app"\ndynamic = ["dependencies"]\n'
                'dependencies = ["web>=3", "local", "forked"]\n'
            ),
            "libs/local/pyproject.toml": (
                '[project]\nname = "local"\ndependencies = ["deep", "lost"]\n'
            ),
        },
    )
    assert found.sets == []
    [lock] = found.locks
    assert held(lock) == ["web==2.0", "deep==1.0"]
    assert [str(direct) for direct in lock.directs] == ["web>=3", "local", "forked", "deep", "lost"]
    assert [str(chain) for chain in Graph(lock).chains("deep")] == [
        "deep", "local → deep", "web → deep",
    ]  # fmt: skip
    assert [(path, line) for path, line, _ in problems(found)] == [
        ("uv.lock", 22), ("uv.lock", 26), ("pyproject.toml", 4),
        ("libs/local/pyproject.toml", 3),
    ]  # fmt: skip
    texts = [text for _, _, text in problems(found)]
    assert "another package index" in texts[0]
    assert "neither fetched nor scanned" in texts[1]
    assert "doesn't hold what fits 'web>=3'" in texts[2]
    assert "pw" not in str(texts)


LOCKS = {
    "poetry.lock": """
[[package]]
name = "Web"
version = "2.0"
[package.dependencies]
deep = ">=1"
[[package]]
name = "deep"
version = "1.0"
[[package]]
name = "forked"
version = "1.0"
[package.source]
type = "git"
url = "https://git.test/forked"
""",
    "pdm.lock": f"""
[[package]]
name = "web"
version = "2.0"
dependencies = ["deep>=1", "not a requirement", "deep ; {"(" * 1500}"]
[[package]]
name = "deep"
version = "1.0"
[[package]]
name = "forked"
version = "1.0"
git = "https://git.test/forked"
""",
    "pylock.dev.toml": """
lock-version = "1.0"
[[packages]]
name = "web"
version = "2.0"
dependencies = [{name = "deep"}]
[[packages]]
name = "deep"
version = "1.0"
[[packages]]
name = "forked"
version = "1.0"
[packages.vcs]
url = "https://git.test/forked"
""",
    "Pipfile.lock": json.dumps(
        {
            "_meta": {"sources": [{"name": "pypi", "url": INDEX}]},
            "default": {
                "web": {"version": "==2.0", "index": "pypi"},
                "deep": {"version": "==1.0"},
                "forked": {"git": "https://git.test/forked"},
            },
        },
        indent=1,
    ),
}


@pytest.mark.parametrize("name", sorted(LOCKS))
def test_a_lock_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    found = collected(tmp_path, {name: LOCKS[name]})
    [lock] = found.locks
    assert held(lock) == ["web==2.0", "deep==1.0"]
    if name != "Pipfile.lock":  # which doesn't say who needs whom
        assert lock.packages[1].needed_by == ("web",)
    lines = LOCKS[name].splitlines()
    assert [lines[(each.line or 0) - 1].strip(' "{:') for each in lock.packages] == (
        ["web", "deep"] if name == "Pipfile.lock" else [lines[(lock.packages[0].line or 0) - 1]] * 2
    )
    [(path, line, text)] = problems(found)
    assert (path, "forked" in text) == (name, True)
    assert line is not None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"{", b"[]", b"3", b'{"default": 3, "_meta": {"sources": 3}}',
        b'{"default": {"x": {"version": 3, "index": []}}, "_meta": {"sources": [{"name": []}]}}',
        b"package = 3", b"packages = [3]", b"[[package]]\nname = 3", b"[[packages]]\nname = '../x'",
        b"[[package]]\nname = 'x'\nversion = 'a b'\nsource = 3\ndependencies = 3",
        b"[[package]]\nname = 'x'", b"x = " + b"[" * 5000,
    ],
    ids=range(14),
)  # fmt: skip
def test_a_hostile_lock_raises_nothing(tmp_path: Path, content: bytes) -> None:
    names = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"]
    found = collected(tmp_path, dict.fromkeys(names, content))
    assert all(not lock.packages for lock in found.locks)
