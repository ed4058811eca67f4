"""`setup.cfg`: what its options are called, and what they list."""

import pytest

from package_gate.inventory.formats.setup_cfg import (
    everywhere,
    files_listed,
    listed,
    read_setup_cfg,
)
from package_gate.inventory.formats.setup_requires import setup_cfg_requires


@pytest.mark.parametrize(
    "text",
    [
        "[options]\nsetup_requires = own\n",
        "[options]\nsetup-requires = own\n",
        "[options]\nSetup-Requires: own\n",
        "[options]\rsetup_requires =\r  own\r",
        "[DEFAULT]\nsetup_requires = own\n[options]\n",
        "[global]\nsetup_requires = own\n",
    ],
)
def test_an_option_is_known_in_each_spelling(text: str) -> None:
    assert setup_cfg_requires(text.encode()) == ["own"]


def test_an_option_has_what_all_its_spellings_say() -> None:
    sections = read_setup_cfg("[options]\ninstall-requires = a\ninstall_requires = b; c\n")

    (value,) = everywhere(sections, "install_requires")
    assert listed(value) == ["a", "b; c"]


def test_extras_and_folders_keep_their_names() -> None:
    sections = read_setup_cfg("[options.data_files]\nA-b = c\n[options.extras_require]\nD-e = f\n")

    assert sections.options("options.data_files") == ["A-b"]
    assert sections.options("options.extras_require") == ["D-e"]


def test_one_that_cannot_be_read_says_nothing() -> None:
    assert read_setup_cfg("no section").sections() == []


def test_lists_stand_in_lines_or_between_semicolons_or_in_files() -> None:
    assert listed(" a; b ") == listed("\na\n b") == ["a", "b"]
    assert [*files_listed("file: a.txt, b.txt")] == ["a.txt", "b.txt"]
    assert [*files_listed("a, b")] == []
