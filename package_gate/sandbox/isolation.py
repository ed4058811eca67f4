"""Giving up, for good, what a scanner does not need: the network, other processes, most files.

On Linux a seccomp filter allows listed system calls only (`seccomp`), Landlock confines a process
to the files that it names (kernel 5.13) and keeps its signals from others (kernel 6.12), and root
loses its privileges (`capabilities`). macOS has Seatbelt. All of it goes over to child processes.
"""

import ctypes
import importlib
import platform
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from package_gate.core.packaged import packaged
from package_gate.sandbox.capabilities import give_up_privileges
from package_gate.sandbox.imports import skip_package_init
from package_gate.sandbox.seccomp import forbid
from package_gate.sandbox.spec import Needs

_SYSTEM = ("/usr", "/lib", "/lib64")
_DEVICES = ("/dev/null", "/dev/urandom")
_PR_SET_DUMPABLE = 4


def isolate(
    *,
    needs: Needs,
    alone: bool,
    readable: Iterable[str],
    writable: Iterable[str],
) -> str:
    """Confine this process and its children as far as the kernel allows.

    Call it before any thread is started: it holds for the calling thread and what comes from it.
    It may be called again, to give up more.

    Args:
        needs: what the scanner needs.
        alone: whether this is the process of one scan, which nothing outside it concerns.
        readable: files and folders that may be read, besides Python and this program.
        writable: folders that may be written to as well.

    Returns:
        What is in force, such as `landlock: files; seccomp: listed calls`, or `none: ` and
        why.
    """
    in_force, problems = [], []
    if give_up_privileges():
        in_force.append("root: no capabilities")
    try:
        in_force.append(_confine_files(readable, writable))
    except (ImportError, RuntimeError, OSError) as error:
        problems.append(f"files not: {error}")
    if sys.platform == "linux":
        try:
            forbid(needs, alone=alone)
            in_force.append(f"seccomp: {_listed(needs)}")
        except OSError as error:
            problems.append(f"network, processes and metadata not: {error.strerror}")
    return "; ".join([*in_force, *problems] if in_force else [f"none: {'; '.join(problems)}"])


def hide() -> None:
    """Keep this process's memory and environment from other processes of its user (Linux).

    It holds for forks too, until they start a program. Who is root and has capabilities sees all.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def confine_program() -> None:
    """Confine the program that this process of a scan is about to become; for `preexec_fn`.

    It may read files and have threads, but write to no file and start no process. Where the kernel
    takes no filter, `isolate` has said so.
    """
    with suppress(OSError):
        forbid(Needs(threads=True), alone=True)


def _listed(needs: Needs) -> str:
    return "listed calls" if needs.writes else "listed calls, no writing"


def _confine_files(readable: Iterable[str], writable: Iterable[str]) -> str:
    """Confine to files; raises ImportError, OSError or RuntimeError, whose text says why not."""
    # Its __init__ imports pydantic for parts that are not used here: half a second.
    skip_package_init("nono_py")
    nono = importlib.import_module("nono_py._nono_py")
    if not nono.is_supported():
        raise RuntimeError(f"{platform.system()} {platform.release()} has no sandbox for this")
    allowed = nono.CapabilitySet()
    for path in {*_program_paths(), *readable}:
        _allow(allowed, path, nono.AccessMode.READ)
    for path in {*_DEVICES, *writable}:
        _allow(allowed, path, nono.AccessMode.READ_WRITE)
    if sys.platform != "linux":
        allowed.block_network()
        nono.apply(allowed)
        return "seatbelt: files, network"
    if nono.detect_abi().has_network:
        allowed.block_network()  # twice is better: seccomp does it on every kernel
    nono.apply(allowed)
    return "landlock: files"


def _allow(allowed: Any, path: str, mode: Any) -> None:
    place = Path(path)
    if place.is_dir():
        allowed.allow_path(path, mode)
    elif place.exists():
        allowed.allow_file(path, mode)


def _program_paths() -> set[str]:
    """Where Python, its libraries and this program are; not the checkout around it."""
    program = packaged("")
    around = program.parent
    is_installed = any(around.glob("package_gate-*.dist-info"))  # with what it needs beside it
    imported_from = {e for e in sys.path if e and (is_installed or Path(e) != around)}
    return {*_SYSTEM, sys.prefix, sys.base_prefix, str(program), *imported_from}
