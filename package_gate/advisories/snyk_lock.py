"""Packages as a Poetry project, which the Snyk CLI tests and watches without an installation.

It reads `pyproject.toml` and `poetry.lock` by its own parser, and needs no Poetry
(https://www.npmjs.com/package/snyk-poetry-lockfile-parser, a part of the CLI). The parser takes
each name once, leaves out some names, and looks names up in any letter case (PEP 503), except
where it compares them with those that it leaves out. So those are written with a capital letter
in `pyproject.toml`, and are looked up like all others. The CLI says how many packages it tested;
should the parser leave some out all the same, that number tells.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from package_gate.advisories.interface import NamedPackage

LOCK = "poetry.lock"
LEFT_OUT = frozenset({"distribute", "pip", "python", "setuptools", "wheel"})
"""Names that the parser leaves out when they are spelled like this."""
MOST_PACKAGES = 1000
"""In one lock file."""

_PROJECT = "_packages"
"""No name of a package, so that none is taken for the project."""


def released(package: NamedPackage) -> NamedPackage:
    """Give the release that advisories speak of: the one with the public version."""
    return NamedPackage(package.name, package.public_version)


def in_locks(packages: Sequence[NamedPackage]) -> Iterator[list[NamedPackage]]:
    """Give the releases of packages, each once, in groups that one lock file takes.

    Of several releases of one name each stands in another group.
    """
    remaining = list(dict.fromkeys(released(package) for package in packages))
    while remaining:
        group: dict[str, NamedPackage] = {}
        for package in remaining:
            if len(group) < MOST_PACKAGES:
                group.setdefault(package.name, package)
        yield list(group.values())
        remaining = [each for each in remaining if group.get(each.name) != each]


def poetry_project(packages: Iterable[NamedPackage]) -> dict[str, bytes]:
    """Write a project that depends on these packages, and on nothing else.

    Args:
        packages: each name once.

    Returns:
        File name → content.
    """
    required, locked = [], []
    for package in packages:
        name = package.name.capitalize() if package.name in LEFT_OUT else package.name
        required.append(f'{_text(name)} = "*"\n')
        locked.append(
            f"[[package]]\nname = {_text(package.name)}\nversion = {_text(package.version)}\n\n"
        )
    project = f'[tool.poetry]\nname = "{_PROJECT}"\nversion = "0"\n\n[tool.poetry.dependencies]\n'
    return {
        "pyproject.toml": (project + "".join(required)).encode(),
        LOCK: ("".join(locked) + '[metadata]\nlock-version = "2.0"\n').encode(),
    }


def _text(text: str) -> str:
    """Write a TOML string; what JSON escapes TOML escapes in the same way."""
    return json.dumps(text)
