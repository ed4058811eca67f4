"""`setup.cfg`, with its options named as setuptools and pbr name them.

https://setuptools.pypa.io/en/latest/userguide/declarative_config.html. Both take `-` for `_` in an
option's name, and some releases capital letters for small ones.
"""

import configparser
import io
import re
from collections.abc import Iterator

_OF_THE_PROJECT = {
    *("options.data_files", "options.package_data", "options.exclude_package_data"),
    *("options.extras_require", "files.data_files"),
}
"""Sections whose options are folders, packages and extras that a project names."""
_OF_A_FILE = "file:"


def read_setup_cfg(text: str) -> configparser.RawConfigParser:
    """Read it; one that can't be read, which setuptools refuses, says nothing.

    An option that is spelled in several ways has what all of them say, one below the other.
    """
    written = configparser.RawConfigParser(strict=False)
    written.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation has it
    found = configparser.RawConfigParser()
    found.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        # A file's lines may end as those of a Mac did, which a text's don't.
        written.read_file(io.StringIO(text, newline=None))
    except configparser.Error:
        return found
    for section in written.sections():
        found.add_section(section)
        for option, value in written.items(section):
            plain = section in _OF_THE_PROJECT
            name = option if plain else option.replace("-", "_").lower()
            before = f"{found.get(section, name)}\n" if found.has_option(section, name) else ""
            found.set(section, name, before + value)
    return found


def lines(sections: configparser.RawConfigParser, section: str, option: str) -> list[str]:
    """Give the items of an option of `setup.cfg`, one a line or between commas."""
    value = sections.get(section, option, fallback="")
    items = (item for line in value.splitlines() for item in line.split(","))
    return [item.strip() for item in items if item.strip()]


def listed(value: str) -> list[str]:
    """Give the items of a list, which stand on a line each, or between semicolons in one line."""
    items = value.strip().splitlines() if "\n" in value.strip() else value.split(";")
    return [item.strip() for item in items if item.strip()]


def files_listed(value: str) -> Iterator[str]:
    """Name the files that have the items of a list: `file: a.txt, b.txt`."""
    _, sign, names = value.partition(_OF_A_FILE)
    yield from (name.strip() for name in re.split(r"[,\n]", names) if sign and name.strip())


def everywhere(sections: configparser.RawConfigParser, *options: str) -> Iterator[str]:
    """Give what any section says for these options: `[global]` sets them as `[options]` does."""
    for section in sections.sections():
        for option in options:
            if value := sections.get(section, option, fallback=""):
                yield value
