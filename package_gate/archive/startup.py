"""What a wheel puts where Python runs it without being asked (the `site` module's documentation).

Since Python 3.15 that is a `.start` file as well, which names functions (PEP 829).

Honest packages do so too: setuptools, coverage and namespace packages ship a `.pth` file with an
`import` line. So a `.pth` file is `info`, unless it does what only malware does there.
"""

import posixpath
import re
from collections.abc import Collection, Iterable

from package_gate.archive.metadata import read_start
from package_gate.archive.placing import Placer
from package_gate.archive.startup_lines import code_of, imported, is_plain, puts_folders_first

_MAX_PTH = 1024 * 1024
_IMPORTS = ("import ", "import\t")
"""How a line begins that `site` executes; other lines are paths."""
_HARMFUL = re.compile(
    r"\b(subprocess|popen|system|socket|urllib|requests|http|base64|b64decode|zlib|marshal|codecs"
    r"|ctypes|fromhex|addsitedir|meta_path|path_hooks|path_importer_cache)\b|\b(bytes|chr)\("
    # Where Python looks first is for the environment to say, not for a package.
    r"|\bpath\s*(=|\+=|\[|\.\s*(insert|append|extend|__\w+__)\b)",
    re.IGNORECASE,
)
PATH_FILES = (".pth", ".start")
"""What `site` reads at each start."""
_STARTUP_MODULES = ("sitecustomize", "usercustomize")


def is_startup_module(place: str) -> bool:
    """Whether what lands there in site-packages is, or is part of, what Python imports first."""
    return place.split("/")[0].split(".")[0].lower() in _STARTUP_MODULES


def is_path_file(place: str) -> bool:
    """Whether `site` reads what lands there in site-packages."""
    return "/" not in place and place.lower().endswith(PATH_FILES)


def check_startup(placer: Placer, libraries: Iterable[tuple[str, str]]) -> None:
    """Look at what lands directly in site-packages.

    `libraries` gives each of its files by its path in the wheel and in site-packages.
    """
    landed = list(libraries)
    added = added_folders(placer, landed)
    for path, installed in landed:
        _check_file(placer, path, installed, added)
    _check_imported(placer, landed)


def added_folders(placer: Placer, libraries: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Name the folders, below site-packages, that its `.pth` files make Python import from.

    Each ends with `/`. `libraries` as `check_startup` has it.
    """
    return frozenset(
        folder for path, installed in libraries for folder in _added(placer, path, installed)
    )


def _added(placer: Placer, path: str, installed: str) -> list[str]:
    """Name what a `.pth` file adds; a folder's name may begin with a space, but end with none."""
    if "/" in installed or not installed.lower().endswith(".pth"):
        return []
    lines = _lines(read_start(placer, path, _MAX_PTH))
    return [posixpath.normpath(line.rstrip()) + "/" for line in lines if line.strip()]


def _lines(content: bytes) -> list[str]:
    """Give the lines of a `.pth` file as `site` reads it.

    Since Python 3.13 form feeds and Unicode's separators end a line, too; both ways count.
    """
    text = content.decode("utf-8-sig", "replace")
    return list(dict.fromkeys([*text.splitlines(), *re.split(r"\r\n|\r|\n", text)]))


def _check_imported(placer: Placer, landed: Collection[tuple[str, str]]) -> None:
    """Judge the modules of the archive that a `.pth` file has Python import at each start."""
    paths = {installed: path for path, installed in landed}
    for path, installed in landed:
        if "/" in installed or not installed.lower().endswith(".pth"):
            continue
        lines = _lines(read_start(placer, path, _MAX_PTH))
        for module in {
            each for line in lines if line.startswith(_IMPORTS) for each in imported(line)
        }:
            plain = module.replace(".", "/")
            for file in (f"{plain}.py", f"{plain}/__init__.py"):
                if file in paths and puts_folders_first(_text(placer, paths[file])):
                    placer.add("startup-code", path, f"imports {module}, which changes sys.path")


def _text(placer: Placer, path: str) -> str:
    return read_start(placer, path, _MAX_PTH).decode("utf-8", "replace")


def _check_file(placer: Placer, path: str, installed: str, added: Collection[str]) -> None:
    for folder in added:
        if folder.startswith(f"{installed}/"):
            placer.add("startup-path", path, "an archive, which is not looked into")
        if installed.startswith(folder) and is_startup_module(installed.removeprefix(folder)):
            placer.add("startup-module", path)
    if is_startup_module(installed):
        placer.add("startup-module", path)
    if not is_path_file(installed):
        return
    content = read_start(placer, path, _MAX_PTH + 1)
    text = content.decode("utf-8-sig", "replace")
    lines = _lines(content[:_MAX_PTH])
    executed = [line for line in lines if line.startswith(_IMPORTS)]
    is_start = installed.lower().endswith(".start")
    if (
        len(content) > _MAX_PTH
        or (is_start and _HARMFUL.search(text))
        or any(_HARMFUL.search(code_of(line)) for line in executed)
        or (not is_start and not all(map(is_plain, executed)))
    ):
        placer.add("startup-code", path)
    elif not is_start and any(_leaves(line) for line in lines):
        placer.add("startup-path", path)
    elif text.strip():
        placer.add("startup-hook", path)


def _leaves(line: str) -> bool:
    """Whether a line adds a folder outside of site-packages to where Python imports from."""
    if line.startswith(("#", *_IMPORTS)):
        return False
    return bool(re.match(r"\s*([/\\~]|[A-Za-z]:)", line)) or ".." in re.split(
        r"[/\\]", line.strip()
    )
