"""Where a project says what it needs: tables of many tools, files of setuptools, or nowhere."""

from pathlib import Path

import pytest

from tests.dependency_scan.world import asked, collected, problems


def test_extras_that_setuptools_takes_from_files(tmp_path: Path) -> None:
    found = collected(
        tmp_path,
        {
            "pyproject.toml": """
[project]
name = "app"
dependencies = ["one"]
dynamic = ["optional-dependencies"]
[tool.setuptools.dynamic.optional-dependencies]
dev = {file = ["dev.list"]}
more = {file = "more.list"}
""",
            "dev.list": "two==1.0\n",
            "more.list": "three\n",
        },
    )
    assert asked(found) == {
        "pyproject.toml": ["one"], "dev.list": ["two==1.0"], "more.list": ["three"],
    }  # fmt: skip
    assert problems(found) == []


def test_tables_of_flit_hatch_and_rye_are_scanned_whatever_is_locked(tmp_path: Path) -> None:
    text = """
[tool.flit.metadata]
requires = ["one"]
dev-requires = ["two"]
requires-extra = {docs = ["three"]}
[tool.hatch.envs.test]
dependencies = ["four"]
extra-dependencies = ["five"]
[tool.rye]
dev-dependencies = ["six"]
"""
    found = collected(tmp_path, {"pyproject.toml": text, "uv.lock": ""})
    assert problems(found) == []
    assert asked(found) == {
        "pyproject.toml [flit]": ["one"],
        "pyproject.toml [flit dev]": ["two"],
        "pyproject.toml [flit docs]": ["three"],
        "pyproject.toml [rye dev]": ["six"],
        "pyproject.toml [hatch test]": ["four", "five"],
    }


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("[tool.black]\nline-length = 99", True),
        ("[build-system]\nrequires = ['setuptools']", True),
        ("[project]\nname = 'app'\ndynamic = ['dependencies']", True),
        ("[tool.poetry]\nname = 'app'", True),
        ("[project]\nname = 'app'\ndynamic = ['version']", True),
        ("[project]\nname = 'app'\ndynamic = ['version']\ndependencies = ['one']", False),
        ("[tool.poetry.dependencies]\npython = '*'", False),
        (
            "[project]\nname = 'app'\ndynamic = ['dependencies']\n"
            "[tool.poetry.dependencies]\npython = '*'",
            False,
        ),
        (
            "[project]\nname = 'app'\ndynamic = ['dependencies']\n"
            "[tool.setuptools.dynamic]\ndependencies = {file = 'requirements.txt'}",
            False,
        ),
    ],
    ids=range(9),
)
def test_a_setup_py_is_told_unless_the_project_file_says_the_dependencies(
    tmp_path: Path, text: str, is_told: bool
) -> None:
    files = {"pyproject.toml": text, "setup.py": "", "requirements.txt": ""}
    told = problems(collected(tmp_path, files))
    assert [path for path, _, _ in told if path == "setup.py"] == ["setup.py"] * is_told
    locked = collected(tmp_path, {"poetry.lock": ""})
    assert "setup.py" not in [path for path, _, _ in problems(locked)]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("pyproject.toml", "[project]\nname = \n", 2),
        ("pyproject.toml", "[project]\n\nname = 'x", 3),
        ("pyproject.toml", "[project]\nx = [1,\n", 3),
        ("pyproject.toml", b"[project]\nname = '\xff'\n", 2),
        ("pyproject.toml", f"[project]\n\n{'a.' * 2000}a = 1\n", 3),
        ("uv.lock", "[[package]]\nname = 'x'\n[package\n", 3),
        ("Pipfile.lock", '{\n "default": {\n  "x": }\n}', 3),
        ("Pipfile.lock", "[]", None),
    ],
    ids=range(8),
)
def test_the_line_of_what_cannot_be_parsed_is_named(
    tmp_path: Path, name: str, content: str | bytes, line: int | None
) -> None:
    [(path, number, _)] = problems(collected(tmp_path, {name: content}))
    assert (path, number) == (name, line)
