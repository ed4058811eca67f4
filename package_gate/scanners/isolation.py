"""Giving up, for good, what a scanner does not need: the network, and most files.

Linux's Landlock confines a process to the files that it names (kernel 5.13) and keeps it from TCP
(kernel 6.7); a seccomp filter keeps it from every other kind of network socket on any of these
kernels. macOS has Seatbelt. All of it needs no privileges, and goes over to child processes. What
is left are UNIX sockets by path, which no kernel of these lets a process give up.
"""

import importlib
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import package_gate
from package_gate.scanners.imports import skip_package_init

_SYSTEM = ("/usr", "/lib", "/lib64")
_DEVICES = ("/dev/null", "/dev/urandom")
_NETWORK = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
)
"""What looking up a host and checking its certificate read."""


def isolate(*, network: bool, readable: Iterable[str], writable: Iterable[str]) -> str:
    """Confine this process and its children as far as the kernel allows.

    Call it before any thread is started: it holds for the calling thread and what comes from it.

    Args:
        network: whether the network is still needed.
        readable: files and folders that may be read, besides Python and this program.
        writable: folders that may be written to as well.

    Returns:
        What is in force, `landlock and seccomp: files, network` for example; or `none: ` and why.
    """
    try:
        # Its __init__ imports pydantic for parts that are not used here: half a second.
        skip_package_init("nono_py")
        nono = importlib.import_module("nono_py._nono_py")
    except ImportError as error:
        return f"none: {error}"
    if not nono.is_supported():
        return f"none: {platform.system()} {platform.release()} has no sandbox for this"
    allowed = nono.CapabilitySet()
    for path in {*_program_paths(), *readable, *(_NETWORK if network else ())}:
        _allow(allowed, path, nono.AccessMode.READ)
    for path in {*_DEVICES, *writable}:
        _allow(allowed, path, nono.AccessMode.READ_WRITE)
    if not network:
        allowed.block_network()
    return _apply(nono, allowed, network=network)


def _apply(nono: Any, allowed: Any, *, network: bool) -> str:
    what = "files" if network else "files, network"
    if sys.platform == "linux" and not network:
        try:
            nono.apply_seccomp(allowed)
        except RuntimeError:
            pass  # a kernel or a container without seccomp filters: Landlock may still do
        else:
            return f"landlock and seccomp: {what}"
    try:
        nono.apply(allowed)
    except RuntimeError as error:
        return f"none: {error}"
    return f"{'landlock' if sys.platform == 'linux' else 'seatbelt'}: {what}"


def _allow(allowed: Any, path: str, mode: Any) -> None:
    place = Path(path)
    if place.is_dir():
        allowed.allow_path(path, mode)
    elif place.exists():
        allowed.allow_file(path, mode)


def _program_paths() -> set[str]:
    """Where Python, its libraries and this program are; not the checkout around it."""
    program = Path(package_gate.__file__).parent
    imported_from = {entry for entry in sys.path if entry and Path(entry) != program.parent}
    return {*_SYSTEM, sys.prefix, sys.base_prefix, str(program), *imported_from}
