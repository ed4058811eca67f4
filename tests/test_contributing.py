"""The pages for those who change this project say where things are, and that is so."""

import re
from pathlib import Path

import pytest

from package_gate import __version__
from tests.local_run import PROJECT
from tests.test_layers import layers

GUIDE = (PROJECT / "CONTRIBUTING.md").read_text()
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs/decisions").glob("*.md")])


def rows(page: Path, heading: str) -> list[list[str]]:
    """Give the cells of the table below a heading, without the table's own head."""
    _, _, below = page.read_text().partition(f"\n## {heading}\n")
    section = below.partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_each_question_is_answered_by_one_file() -> None:
    answers = rows(PROJECT / "CONTRIBUTING.md", "Where do I change …?")
    assert len(answers) >= 10
    for question, answer in answers:
        (name,) = re.findall(r"`([^`]+)`", answer)
        assert (PROJECT / name).is_file(), question


def test_every_file_that_the_guide_names_exists() -> None:
    named = re.findall(r"`(?:bash )?(?:\./)?([\w.-]+(?:/[\w.-]*)+|[\w-]+\.\w+)`", GUIDE)
    assert len(named) > 20
    for name in named:
        assert (PROJECT / name).exists() or (PROJECT / "package_gate/commands" / name).exists(), (
            name
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_decisions_are_short_and_counted_from_one() -> None:
    pages = sorted((PROJECT / "docs/decisions").iterdir())
    for number, page in enumerate(pages, start=1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert len(text.splitlines()) <= 12
        assert all(f"\n**{each}.** " in text for each in ("Problem", "Decision", "What follows"))


def test_the_house_has_every_folder_from_top_to_bottom() -> None:
    told = [
        re.findall(r"`(\w+)/`", row[0])
        for row in rows(PROJECT / "docs/architecture.md", "The house")
    ]
    order = [name for (name,) in told]
    folders = {path.name for path in (PROJECT / "package_gate").iterdir() if path.is_dir()}
    assert set(order) == folders - {"__pycache__"}
    depth = {name: place for place, layer in enumerate(layers()) for name in layer}
    assert order[:-1] == sorted(order[:-1], key=depth.__getitem__)


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[([^]]+)\]", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == __version__
