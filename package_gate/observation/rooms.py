"""The two rooms: which programs make them, and what is in them.

`unshare` gives namespaces of their own, the network among them, and bubblewrap the outer room in
it, with few files; there strace watches bubblewrap's inner room, which has fewer, no capabilities
and namespaces once more.
"""

import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from package_gate.core.child import run_bounded
from package_gate.core.errors import ScannerError
from package_gate.core.packaged import packaged
from package_gate.observation import canaries
from package_gate.observation.filter import MACHINES

ORDER = "/order.json"
WHEELS = "/wheels"
GROUPS = "/groups"
_JOIN = 'for each in "$0"/*; do echo 0 >"$each/cgroup.procs" || exit 1; done; exec "$@"'
_PROGRAMS = {"unshare": "util-linux", "bwrap": "bubblewrap", "strace": "strace"}
"""What it needs → the package of Debian that has it."""
_TRY_SECONDS = 30
_MIB = 1 << 20


def missing() -> str:
    """Say what keeps this machine from isolating a package; "" when nothing does."""
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        return "this is not Linux on x86_64 or aarch64"
    absent = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    absent += [] if faketime() else ["faketime"]
    if absent:
        return f"there is no {' and no '.join(absent)}: apt-get install {' '.join(absent)}"
    try:
        # The inner room needs all that the outer one gives.
        trial = [*_namespaces(), "strace", "-f", "--seccomp-bpf", "-e", "trace=execve", "-o"]
        trial += ["/dev/null", *_inner_namespaces(), *_system(), "--proc", "/proc", "--", "true"]
        ended = run_bounded(
            trial,
            folder=Path("/"),
            environment={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
            seconds=_TRY_SECONDS,
            most_bytes=_MIB,
        )
    except ScannerError as error:
        return str(error)
    if ended.status:
        text = ended.errors.decode("utf-8", "replace").strip()[-200:]
        return f"the kernel, or what this runs in, allows no namespaces or no tracing: {text}"
    return ""


def faketime() -> str:
    """Give the library that sets a program's clock forward; "" where there is none."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(found[0]) if found else ""


def joining(groups: Sequence[Path]) -> list[str]:
    """Give the beginning of a command that is put into control groups, all of one folder."""
    return ["sh", "-c", _JOIN, str(groups[0].parent)] if groups else []


def can_join(folders: Sequence[Path]) -> bool:
    """Whether what runs in the outer room may put itself into these control groups."""
    trial = [*_namespaces(), "bwrap", "--cap-add", "ALL", *_system(), *_bound(folders)]
    places = [Path(GROUPS, str(number)) for number in range(len(folders))]
    try:
        ended = run_bounded(
            [*trial, "--", *joining(places), "true"],
            folder=Path("/"),
            environment={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
            seconds=_TRY_SECONDS,
            most_bytes=_MIB,
        )
    except ScannerError:
        return False
    return ended.status == 0


def _bound(groups: Sequence[Path]) -> list[str]:
    """Give the arguments that show control groups in a room."""
    numbered = enumerate(groups)
    return [each for n, path in numbered for each in ("--bind", str(path), f"{GROUPS}/{n}")]


def outer_room(order: Path, wheels: Mapping[str, Path], groups: Sequence[Path] = ()) -> list[str]:
    """Give the command that lets `outside` do an order.

    Args:
        order: a file.
        wheels: what is observed and what it needs, by their names.
        groups: the control groups that what is observed is put into.
    """
    arguments = [*_namespaces(), "bwrap", "--cap-add", "ALL", "--die-with-parent", "--new-session"]
    arguments += [*_system(), "--bind", "/proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108
    for path in dict.fromkeys((sys.base_prefix, sys.prefix, str(packaged("")))):
        if not _is_of_the_system(path):
            arguments += ["--ro-bind", path, path]
    arguments += ["--ro-bind", str(order), ORDER, *_bound(groups)]
    for filename, wheel in wheels.items():
        arguments += ["--ro-bind", str(wheel), f"{WHEELS}/{filename}"]
    arguments += ["--clearenv", "--setenv", "PATH", "/usr/bin:/bin:/usr/sbin:/sbin"]
    arguments += ["--setenv", "LANG", "C.UTF-8", "--setenv", "PYTHONDONTWRITEBYTECODE", "1"]
    arguments += ["--setenv", "PYTHONPATH", str(packaged("").parent)]
    return [*arguments, "--", sys.executable, "-m", "package_gate.observation.outside", ORDER]


def inner_room(
    folder: Path, prefix: str, hostname: str, filter_file: int, disk_bytes: int
) -> list[str]:
    """Give the beginning of the command that runs a program in the inner room.

    Args:
        folder: of the outer room; its `etc` becomes `/etc`.
        prefix: where the interpreter is installed.
        hostname: the machine's name.
        filter_file: an open file with the filter's program.
        disk_bytes: how much may be written to the home folder.
    """
    arguments = [*_inner_namespaces(), "--disable-userns", "--hostname", hostname, *_system()]
    if not _is_of_the_system(prefix):
        arguments += ["--ro-bind", prefix, prefix]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    for place, size in (("/dev/shm", 256 * _MIB), ("/tmp", 512 * _MIB), ("/home", disk_bytes)):  # noqa: S108
        arguments += ["--size", str(size), "--tmpfs", place]
    arguments += ["--dir", canaries.HOME, "--ro-bind", f"{folder}/etc", "/etc"]
    arguments += ["--ro-bind", WHEELS, WHEELS]
    arguments += ["--ro-bind", str(packaged("observation/inside.py")), "/inside.py"]
    arguments += ["--remount-ro", "/", "--chdir", canaries.HOME, "--clearenv"]
    return [*arguments, "--seccomp", str(filter_file)]


def variables(values: dict[str, str]) -> list[str]:
    """Give the arguments that set the environment of the inner room, canaries among it."""
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    environment = {
        "HOME": canaries.HOME,
        "USER": "jovyan",
        "LOGNAME": "jovyan",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "SSL_CERT_FILE": certificates,
        "REQUESTS_CA_BUNDLE": certificates,
        "CURL_CA_BUNDLE": certificates,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "JUPYTERHUB_USER": "jovyan",
        **{variable: values[name] for name, variable in canaries.VARIABLES.items()},
    }
    return [each for name, value in environment.items() for each in ("--setenv", name, value)]


def _namespaces() -> list[str]:
    return [
        *("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"),
        *("--mount", "--mount-proc", "--ipc", "--uts"),
    ]


def _inner_namespaces() -> list[str]:
    return [
        *("bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup", "--uid", "1000", "--gid", "1000", "--die-with-parent"),
        *("--new-session", "--cap-drop", "ALL"),
    ]


def _system() -> list[str]:
    """Give the arguments for the programs and libraries of the system, read-only."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            arguments += ["--symlink", f"usr/{name}", str(place)]
        elif place.exists():
            arguments += ["--ro-bind", str(place), str(place)]
    if Path("/etc/ld.so.cache").exists():
        arguments += ["--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    return arguments


def _is_of_the_system(path: str) -> bool:
    return Path(path).is_relative_to("/usr")
