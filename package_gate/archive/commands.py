"""What `setup.cfg` and `[tool.distutils]` tell setuptools' commands, and what these find made.

A build writes into folders that its settings name, and packs what lies in them: what was built into
`build/lib` before goes into the wheel with the rest, whatever it is, as do `build/scripts-*` and
`build/bdist.*/wheel`. Names are those of the commands' own options (`setup.py COMMAND --help`).
"""

import configparser
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from package_gate.archive.moving import LIBRARY, SCRIPTS, Move, at
from package_gate.archive.placing import below

_PROJECT, _SETUP = "pyproject.toml", "setup.cfg"
_ELSEWHERE = re.compile(
    r"install_(?!layout|egg|requires)|(?:root|prefix|home|exec_prefix)$", re.IGNORECASE
)
"""Options of distutils' `install` commands that say where to, and take no part in a wheel."""
_BUILDS = frozenset(
    {"bdist", "bdist_wheel", "build", "build_clib", "build_ext", "build_py", "build_scripts"}
    | {"develop", "dist_info", "easy_install", "editable_wheel", "egg_info"}
    | {"install", "install_data", "install_egg_info", "install_headers", "install_lib"}
    | {"install_scripts"}
)
"""Commands that installers have run."""
_WRITTEN = re.compile(
    r"build_(base|clib|dir|directory|lib|platlib|purelib|scripts|temp)|bdist_(base|dir)"
    r"|egg_(base|path)|dist_info_dir|output_dir|install_dir|script_dir|record"
)
"""Options that name what they write; `dist_dir` isn't one, since installers give their own."""
_OUTSIDE = re.compile(r"[/\\~$]|[A-Za-z]:")
_PROGRAMS = frozenset({"swig", "f77exec", "f90exec", "swig_path"})
"""Options that name what is started for some kinds of sources."""
_OF_THE_SYSTEM = re.compile(r"[\w.+-]*|/(?:usr|opt|bin)/[\w./+-]+|[A-Za-z]:[\\/].*")
_STARTED = frozenset(
    {"bdist_wheel", "develop", "dist_info", "editable_wheel", "egg_info", "install"}
)
"""Commands that installers start by name, which an alias changes."""
_PACKED = {
    **dict.fromkeys(
        (
            *(("build", "build_lib"), ("build", "build_purelib"), ("build", "build_platlib")),
            *(("build_py", "build_lib"), ("build_ext", "build_lib"), ("install", "build_lib")),
            *(("install_lib", "build_dir"), ("bdist_wheel", "bdist_dir")),
        ),
        LIBRARY,
    ),
    **dict.fromkeys(
        (
            *(("build", "build_scripts"), ("build_scripts", "build_dir")),
            ("install_scripts", "build_dir"),
        ),
        SCRIPTS,
    ),
}
"""Folders whose content is packed, by the options that name them."""


class Setting(NamedTuple):
    """An option of a command."""

    file: str
    """`setup.cfg` or `pyproject.toml`."""
    command: str
    option: str
    """With `_`, as distutils reads it."""
    value: str


def settings_of_commands(
    project: Mapping[str, Any], sections: configparser.RawConfigParser
) -> Iterator[Setting]:
    """Give all options of commands; sections of `setup.cfg` that are of other tools among them."""
    for section in sections.sections():
        for option, value in sections.items(section):
            yield Setting(_SETUP, section, option, value)
    for command, options in at(project, "tool.distutils").items():
        for option, value in options.items() if isinstance(options, Mapping) else ():
            plain = command.lower().replace("-", "_")
            yield Setting(_PROJECT, plain, option.lower().replace("-", "_"), str(value))


def judge_setting(setting: Setting) -> str:
    """Say how an option has commands found elsewhere, or write to elsewhere; "" for not at all."""
    command, option = setting.command, setting.option
    named = f"[{command}] has {option}"
    if option == "command_packages" or (command == "aliases" and option in _STARTED):
        return named
    if option in _PROGRAMS and not _OF_THE_SYSTEM.fullmatch(setting.value.strip()):
        return f"{named}, a program of its own"
    if command.partition("_")[0] == "install" and _ELSEWHERE.match(option):
        return named
    if command in _BUILDS and _WRITTEN.fullmatch(option) and _is_outside(setting.value):
        return f"{named}, out of its folder"
    return ""


def moves_of_builds(
    paths: list[str], folder: str, settings: list[Setting]
) -> Iterator[tuple[str, Move]]:
    """Give what a build packs because it lies where commands work, and the file that says so.

    Args:
        paths: of all files in the tree, sorted.
        folder: of the project, with a final `/` unless it is the root.
        settings: of its commands.
    """
    bases = [(_SETUP, "build")]
    for file, command, option, value in settings:
        named = posixpath.normpath(value.strip() or ".")
        if _is_outside(value) or named == ".":
            continue
        if (command, option) == ("build", "build_base"):
            bases.append((file, named))
        elif (command, option) == ("bdist", "bdist_base"):
            yield from _found(paths, folder, file, f"{named}/wheel", LIBRARY)
        elif (command, option) in _PACKED:
            yield from _found(paths, folder, file, named, _PACKED[command, option])
    for file, base in bases:
        inside = below(paths, f"{folder}{base}/")
        names = {path[len(folder) + len(base) + 1 :].partition("/")[0] for path in inside}
        for name in sorted(names):
            if name == "lib" or name.startswith("lib."):
                yield from _found(paths, folder, file, f"{base}/{name}", LIBRARY)
            elif name.startswith("scripts-"):
                yield from _found(paths, folder, file, f"{base}/{name}", SCRIPTS)
            elif name.startswith("bdist."):
                yield from _found(paths, folder, file, f"{base}/{name}/wheel", LIBRARY)


def _found(
    paths: list[str], folder: str, file: str, origin: str, scheme: str
) -> Iterator[tuple[str, Move]]:
    """Give a folder's move when something is in it."""
    if next(below(paths, f"{folder}{origin}/"), None):
        yield file, Move(origin, scheme, "")


def _is_outside(value: str) -> bool:
    plain = value.strip()
    return bool(_OUTSIDE.match(plain)) or ".." in re.split(r"[/\\]", plain)
