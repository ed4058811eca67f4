"""What other readers leave behind when they unpack or install an archive.

Each reader unpacks into a folder of its own, as its users run it; `tree_of` then says what a
program would find there, by every path that leads to a file. Reading members one by one, with
`TarFile.extractfile`, is no such reference: it follows links in its own way.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from pip._internal.models.scheme import Scheme
from pip._internal.operations.install.wheel import install_wheel
from pip._internal.utils.unpacking import untar_file, unzip_file

from package_gate.archive.paths import on_disk

Files = dict[str, bytes]
Reader = Callable[[Path, Path], list[Files]]
"""Unpacks a file into a folder that it makes. Gives what lies there; several forms of it when the
reader leaves out a folder at the top. Raises `UnreadableError` when it refuses the archive and
leaves nothing that anybody would use."""

OUTSIDE = b"<a link out of the folder>"
NO_FILE = b"<neither a file nor a folder>"
UV = Path(sys.executable).with_name("uv")
_SECONDS = 60


class UnreadableError(Exception):
    """The reader refuses the archive."""


def tree_of(folder: Path) -> Files:
    """Give each file's content by each path below `folder` that leads to it.

    Links are followed as far as they stay inside; a link that goes round in a circle is entered
    once. Names are escaped as the gate's unpacker escapes them.
    """
    found: Files = {}
    _walk(folder, "", (os.path.realpath(folder),), found)
    return found


def _walk(folder: Path, prefix: str, within: tuple[str, ...], found: Files) -> None:
    for entry in os.scandir(folder):
        name = prefix + on_disk(entry.name)
        real = os.path.realpath(entry.path)
        if real != within[0] and not real.startswith(within[0] + os.sep):
            found[name] = OUTSIDE
        elif entry.is_dir():
            if real not in within:
                _walk(Path(entry.path), f"{name}/", (*within, real), found)
        elif entry.is_file():
            found[name] = Path(entry.path).read_bytes()
        elif not entry.is_symlink():
            found[name] = NO_FILE


def as_tarfile(path: Path, target: Path) -> list[Files]:
    target.mkdir()
    try:
        with tarfile.open(path) as archive:
            archive.extractall(target, filter="data")
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError) as error:
        # What it had unpacked before stays, as it does for who ignores the error.
        return _left(target, error)
    except Exception as error:  # zlib, lzma and others have errors of their own
        return _left(target, error)
    return [tree_of(target)]


def _left(target: Path, error: Exception) -> list[Files]:
    if files := tree_of(target):
        return [files]
    raise UnreadableError(str(error)) from error


def as_gnu_tar(path: Path, target: Path) -> list[Files]:
    target.mkdir()
    done = subprocess.run(
        ["tar", "--extract", "--file", path, "--directory", target, "--no-same-owner"],
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    subprocess.run(["chmod", "-R", "u+rwX", target], check=True)
    files = tree_of(target)
    if done.returncode and not files:
        raise UnreadableError(done.stderr.decode("utf-8", "replace"))
    return [files]


def as_pip_unpacks(path: Path, target: Path) -> list[Files]:
    """Unpack an sdist or a source archive; pip leaves out a single folder at the top."""
    unpack = unzip_file if zipfile.is_zipfile(path) else untar_file
    try:
        unpack(str(path), str(target))
    except Exception as error:
        raise UnreadableError(str(error)) from error
    return [tree_of(target)]


def as_uv_unpacks(path: Path, target: Path) -> list[Files]:
    """Unpack an sdist; uv keeps it in its cache, although nothing here can be built."""
    cache = target.with_name("uv-cache")
    done = _uv("install", "--dry-run", "--no-build-isolation", "--cache-dir", cache, path)
    trees = [tree_of(source) for source in cache.glob("sdists-*/*/*/*/src")]
    _empty(cache)
    if not trees:
        raise UnreadableError(done)
    return trees


def as_zipfile(path: Path, target: Path) -> list[Files]:
    target.mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(target)
    except Exception as error:
        return _left(target, error)
    return [tree_of(target)]


def as_python(path: Path, target: Path) -> Files:
    """Unpack with whichever of Python's own modules pip would use."""
    (files,) = (as_zipfile if zipfile.is_zipfile(path) else as_tarfile)(path, target)
    return files


def as_pip_installs(path: Path, target: Path) -> list[Files]:
    """Install a wheel."""
    places = Scheme(
        platlib=str(target / "lib"),
        purelib=str(target / "lib"),
        headers=str(target / "headers"),
        scripts=str(target / "bin"),
        data=str(target),
    )
    try:
        with warnings.catch_warnings(action="ignore"):
            install_wheel("demo-pkg", str(path), places, "demo-pkg", pycompile=False)
    except Exception as error:
        raise UnreadableError(str(error)) from error
    return [tree_of(target)]


def as_uv_installs(path: Path, target: Path) -> list[Files]:
    """Install a wheel."""
    cache = target.with_name("uv-cache")
    done = _uv("install", "--prefix", target, "--link-mode", "copy", "--cache-dir", cache, path)
    _empty(cache)
    if not target.exists():
        raise UnreadableError(done)
    python = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/"
    headers = f"include/site/python{sys.version_info.major}.{sys.version_info.minor}/"
    return [
        {
            name.replace(python, "lib/", 1).replace(f"{headers}demo-pkg/", "headers/", 1): data
            for name, data in tree_of(target).items()
            if name not in ("bin/.lock", ".lock", f"{python}.lock")
        }
    ]


def _empty(cache: Path) -> None:
    """Forget archives; what uv found out about Python, which takes it half a second, stays."""
    for kind in ("sdists", "archive", "wheels", "built-wheels"):
        for folder in cache.glob(f"{kind}-*"):
            shutil.rmtree(folder)


def _uv(*arguments: str | Path) -> str:
    done = subprocess.run(
        [
            UV,
            "pip",
            *arguments,
            "--offline",
            "--no-config",
            "--no-deps",
            "--python",
            sys.executable,
        ],
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.stderr.decode("utf-8", "replace")


TAR_READERS: dict[str, Reader] = {
    "tarfile": as_tarfile,
    "GNU tar": as_gnu_tar,
    "pip": as_pip_unpacks,
    "uv": as_uv_unpacks,
}
ZIP_READERS: dict[str, Reader] = {"zipfile": as_zipfile, "pip": as_pip_unpacks}
WHEEL_READERS: dict[str, Reader] = {
    "zipfile": as_zipfile,
    "pip": as_pip_installs,
    "uv": as_uv_installs,
}
