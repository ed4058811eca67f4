"""Package indexes that a project names: only the configured ones are followed."""

import json
from pathlib import Path

import pytest

from tests.dependency_scan.world import INDEX, asked, collected, problems

PRIVATE = "https://user:hunter2@private.test/simple"


@pytest.mark.parametrize(
    "table",
    [
        '[[tool.uv.index]]\nname = "p"\nurl = "{}"\ndefault = true',
        '[tool.uv]\nindex-url = "{}"',
        '[tool.uv]\nextra-index-url = ["{}"]',
        '[tool.uv]\nfind-links = ["{}"]',
        '[tool.uv.pip]\nindex-url = "{}"',
        '[[tool.poetry.source]]\nname = "p"\nurl = "{}"',
        '[[tool.pdm.source]]\nname = "p"\nurl = "{}"',
    ],
    ids=range(7),
)
def test_another_index_of_a_project_is_told_without_its_secrets(tmp_path: Path, table: str) -> None:
    project = '[project]\nname = "app"\ndependencies = ["one"]\n'
    found = collected(tmp_path, {"pyproject.toml": project + table.format(PRIVATE)})
    [(path, _, text)] = problems(found)
    assert path == "pyproject.toml"
    assert "https://***@private.test/simple' is not followed" in text
    assert "hunter2" not in text
    assert asked(found) == {"pyproject.toml": ["one"]}


def test_the_configured_index_is_fine_and_so_is_what_serves_nothing_by_itself(
    tmp_path: Path,
) -> None:
    text = f"""
[project]
name = "app"
dependencies = ["one"]
[[tool.uv.index]]
url = "{INDEX}/"
[[tool.uv.index]]
name = "torch"
url = "https://private.test/simple"
explicit = true
[[tool.poetry.source]]
name = "PyPI"
priority = "primary"
[[tool.poetry.source]]
name = "torch"
url = "https://private.test/simple"
priority = "explicit"
[[tool.pdm.source]]
url = "{INDEX}"
"""
    assert problems(collected(tmp_path, {"pyproject.toml": text})) == []


def test_a_lock_that_names_each_packages_index_speaks_for_the_project(tmp_path: Path) -> None:
    project = '[project]\nname = "app"\ndependencies = ["one"]\n'
    table = f'[[tool.uv.index]]\nurl = "{PRIVATE}"\n'
    lock = (
        '[[package]]\nname = "app"\nversion = "0"\nsource = {virtual = "."}\n'
        f'[[package]]\nname = "one"\nversion = "1.0"\nsource = {{registry = "{INDEX}"}}\n'
    )
    assert problems(collected(tmp_path, {"pyproject.toml": project + table, "uv.lock": lock})) == []


def test_a_lock_that_names_no_index_does_not(tmp_path: Path) -> None:
    project = '[project]\nname = "app"\ndependencies = ["one"]\n'
    table = f'[[tool.pdm.source]]\nurl = "{PRIVATE}"\n'
    lock = '[[package]]\nname = "one"\nversion = "1.0"\n'
    files = {"pyproject.toml": project + table, "pdm.lock": lock}
    [(path, line, _)] = problems(collected(tmp_path, files))
    assert (path, line) == ("pyproject.toml", 5)


def test_uvs_settings_are_read_for_their_indexes(tmp_path: Path) -> None:
    files = {"requirements.txt": "one\n", "uv.toml": f'index-url = "{PRIVATE}"\n'}
    assert [(path, line) for path, line, _ in problems(collected(tmp_path, files))] == [
        ("uv.toml", 1)
    ]
    assert problems(collected(tmp_path, {"uv.toml": f'index-url = "{INDEX}"\n'})) == []
    [(_, _, text)] = problems(collected(tmp_path, {"uv.toml": "x = "}))
    assert "no valid TOML" in text


@pytest.mark.parametrize(
    ("sources", "entry", "is_told"),
    [
        ([{"name": "p", "url": PRIVATE}], {}, True),
        ([{"name": "p", "url": INDEX}, {"name": "q", "url": PRIVATE}], {}, False),
        ([{"name": "p", "url": INDEX}, {"name": "q", "url": PRIVATE}], {"index": "q"}, True),
        ([{"name": "p", "url": INDEX}], {"index": "unheard-of"}, True),
        ([], {}, False),
    ],
    ids=range(5),
)
def test_a_pipfile_lock_takes_what_names_no_source_from_the_first(
    tmp_path: Path, sources: list[dict[str, str]], entry: dict[str, str], is_told: bool
) -> None:
    lock = {"_meta": {"sources": sources}, "default": {"one": {"version": "==1.0", **entry}}}
    told = problems(collected(tmp_path, {"Pipfile.lock": json.dumps(lock)}))
    assert ["another package index" in text for _, _, text in told] == [True] * is_told
    assert "hunter2" not in str(told)
