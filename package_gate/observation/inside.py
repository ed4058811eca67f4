"""What runs in the inner room: installs wheels, then tries each thing that may run their code.

Started as `python -I inside.py` with an order on its standard input, it says on its standard output
what it will do and how each step ended, one JSON document a line (`documents.Said`). It starts
itself again for each step, as `python inside.py step KIND SUBJECT PIPE`. Nothing but the standard
library is there, and what it says is no more to be trusted than the packages are.

A step is a Python of its own, so what takes a while and most don't need is imported in functions.
"""

import importlib
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ENVIRONMENT = Path("/home/jovyan/env")
MARKER = "/observed/step"
"""Who opens this, with a number, says in the trace that a step begins."""
MOST_MODULES, MOST_SCRIPTS = 40, 5
MOST_LOADED = 200
SETTLING_SECONDS = 2.0
LOOKING_SECONDS = 0.1
LEFT_SECONDS = 0.5
"""How long is watched what a step leaves behind."""
BUSY_SECONDS = 0.5
"""Of processor time: what has used less, and still wants some, is watched further,"""
MOST_SETTLING_SECONDS = 20.0
"""so long at most, by the clock."""
LONGER = 10
"""How many times as long a step may take on a machine that is busy with something else."""
BUILD = Path("/home/jovyan/build")
BUILT = BUILD / "built"
_SUFFIXES = (".py", ".pyc", ".so")
_SCHEMES = {"scripts": "bin", "data": ".", "headers": "include"}
_SCRIPTS = ("console_scripts", "gui_scripts")


def main(order: dict[str, Any]) -> None:
    """Do all that is ordered."""
    _limit(order["memory_bytes"], order["disk_bytes"])
    for path, text in order["files"].items():
        file = Path.home() / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
    wheels = [Path("/wheels", name) for name in order["wheels"]]
    if order["sdist"]:
        wheels = [*_build(order), *wheels]
    if len(wheels) > len(order["wheels"]) or not order["sdist"]:
        _observe(wheels, order)


def _build(order: dict[str, Any]) -> list[Path]:
    """Build the sdist with what its build needs; give the wheel, if there is one."""
    import shutil

    site = _make_environment()
    for name in order["build"]:
        _install(Path("/wheels", name), site)
    source = _unpack(Path("/wheels", order["sdist"]))
    BUILT.mkdir()
    _try_all([("build", "metadata", ""), ("build", "wheel", "")], 0, order, source)
    shutil.rmtree(ENVIRONMENT)
    return sorted(BUILT.glob("*.whl"))[:1]


def _unpack(sdist: Path) -> Path:
    """Unpack an sdist, and give its top folder."""
    import shutil

    tree = BUILD / "source"
    tree.mkdir(parents=True)
    if sdist.suffix == ".zip":
        shutil.unpack_archive(sdist, tree)
    else:
        shutil.unpack_archive(sdist, tree, filter="data")
    folders = [path for path in tree.iterdir() if path.is_dir()]
    return folders[0] if len(folders) == 1 else tree


def _observe(wheels: Sequence[Path], order: dict[str, Any]) -> None:
    """Install wheels, and try all that may run the first one's code."""
    first = 2 if order["sdist"] else 0
    site = _make_environment()
    installed = [_install(wheel, site) for wheel in wheels]
    placed, programs = installed[0]
    _try_all(list(_steps(site, placed, programs)), first, order, Path.home())


def _try_all(
    steps: Sequence[tuple[str, str, str]], first: int, order: dict[str, Any], folder: Path
) -> None:
    """Say what will be tried, and try it; steps have numbers from `first` on."""
    _say({"plan": [{"kind": kind, "subject": subject} for kind, subject, _ in steps]})
    for number, (kind, subject, failure) in enumerate(steps, first):
        seconds = 0.0
        if not failure:
            _mark(number)
            failure, seconds = _try(kind, subject, order, folder)
        _say({"ended": number, "failure": failure[:500], "seconds": seconds})


def _limit(memory_bytes: int, disk_bytes: int) -> None:
    """Limit each process that is started from here; how many there are is counted outside."""
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_FSIZE, disk_bytes),
        (resource.RLIMIT_NOFILE, 1024),
    ):
        resource.setrlimit(limit, (value, value))


def _say(said: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _mark(number: int) -> None:
    with suppress(OSError):
        os.open(f"{MARKER}/{number}", os.O_RDONLY)


def _make_environment() -> Path:
    """Make a virtual environment without programs, and give its site-packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = ENVIRONMENT / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    (ENVIRONMENT / "bin").mkdir()
    for name in ("python", "python3", version):
        (ENVIRONMENT / "bin" / name).symlink_to(sys.executable)
    home = Path(sys.executable).parent
    ENVIRONMENT.joinpath("pyvenv.cfg").write_text(
        f"home = {home}\ninclude-system-site-packages = false\n"
    )
    return site


def _install(wheel: Path, site: Path) -> tuple[list[str], set[str]]:
    """Unpack a wheel as installers do (PEP 427).

    Returns:
        What lies in site-packages then, and the names of its programs.
    """
    import zipfile

    placed: list[str] = []
    programs: set[str] = set()
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            top, _, rest = member.filename.partition("/")
            below = site
            path = member.filename
            if top.endswith(".data"):
                scheme, _, path = rest.partition("/")
                if scheme in _SCHEMES:
                    below = ENVIRONMENT / _SCHEMES[scheme]
            target = Path(os.path.normpath(below / path))
            if member.is_dir() or not target.is_relative_to(ENVIRONMENT):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as packed, target.open("wb") as unpacked:
                while piece := packed.read(1 << 20):
                    unpacked.write(piece)
            if below == site:
                placed.append(path)
            elif below.name == "bin":
                _make_program(target)
                programs.add(target.name)
    return placed, programs


def _make_program(target: Path) -> None:
    content = target.read_bytes()
    if content.startswith(b"#!python"):
        _, _, rest = content.partition(b"\n")
        target.write_bytes(b"#!" + bytes(ENVIRONMENT / "bin" / "python") + b"\n" + rest)
    target.chmod(0o755)


def _steps(site: Path, placed: Sequence[str], programs: set[str]) -> Iterator[tuple[str, str, str]]:
    """Give what is to be tried, as kind and subject, and why it is not."""
    if any(_runs_at_start(path.name) for path in site.iterdir()):
        yield "startup", "site", ""
    yield from _first("import", _modules(placed), MOST_MODULES)
    info = next((path.partition("/")[0] for path in placed if ".dist-info/" in path), "")
    entry_points = _entry_points(site / info / "entry_points.txt")
    for group in sorted(entry_points.keys() - {*_SCRIPTS}):
        yield "host", group, ""
    if _jupyter_extensions():
        yield "host", "jupyter", ""
    scripts = {name for group in _SCRIPTS for name in entry_points.get(group, {})}
    yield from _first("script", scripts | programs, MOST_SCRIPTS)


def _first(kind: str, subjects: set[str], most: int) -> Iterator[tuple[str, str, str]]:
    """Try so many of them, and say that there are more."""
    for number, subject in enumerate(sorted(subjects)):
        yield kind, subject, "" if number < most else f"only {most} of them are tried"


def _runs_at_start(name: str) -> bool:
    return name.endswith((".pth", ".start")) or name.split(".")[0] in (
        "sitecustomize",
        "usercustomize",
    )


def _modules(placed: Sequence[str]) -> set[str]:
    """Name what can be imported; of folders without an `__init__` what is in them."""
    packages = {path.rpartition("/")[0] for path in placed if re.search(r"/__init__\.\w+$", path)}
    found = set()
    for path in placed:
        folder, _, name = path.rpartition("/")
        parents = folder.split("/") if folder else []
        if not name.endswith(_SUFFIXES) or "__pycache__" in parents:
            continue
        outermost = next(
            (
                "/".join(parents[:length])
                for length in range(1, len(parents) + 1)
                if "/".join(parents[:length]) in packages
            ),
            None,
        )
        module = outermost or "/".join([*parents, name.partition(".")[0]])
        parts = module.split("/")
        if all(part.isidentifier() for part in parts):
            found.add(".".join(parts))
    return found


def _entry_points(path: Path) -> dict[str, dict[str, str]]:
    import configparser

    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    with suppress(OSError, configparser.Error, UnicodeDecodeError):
        parser.read(path, encoding="utf-8")
    return {section: dict(parser[section]) for section in parser.sections()}


def _jupyter_extensions() -> list[str]:
    """Name the modules that Jupyter's servers would load because of files of the environment."""
    found: list[str] = []
    for path in sorted((ENVIRONMENT / "etc" / "jupyter").glob("jupyter_*_config.d/*.json")):
        with suppress(OSError, ValueError, AttributeError):
            settings = json.loads(path.read_text())
            for app in ("ServerApp", "NotebookApp"):
                extensions = settings.get(app, {})
                for key in ("jpserver_extensions", "nbserver_extensions"):
                    found += [name for name, on in extensions.get(key, {}).items() if on is True]
    return found


def _try(kind: str, subject: str, order: dict[str, Any], folder: Path) -> tuple[str, float]:
    """Do a step in a process of its own: why it failed, and what it used after its end."""
    command = [str(ENVIRONMENT / "bin" / "python"), __file__, "step", kind, subject]
    reading, writing = os.pipe()
    try:
        if kind == "script" and not _is_entry_point(subject):
            command = [str(ENVIRONMENT / "bin" / subject), "--help"]
        process = subprocess.Popen(
            [*command, *([str(writing)] if "step" in command else [])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(writing,),
            env=_step_environment(order["clock"]),
            cwd=folder,
        )
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return f"can't be started: {error.strerror}", 0.0
    os.close(writing)
    failure = ""
    seconds = order["step_seconds"]
    try:
        status = _ended(process, seconds)
        if status < 0:
            failure = f"was killed by {signal.Signals(-status).name}"
    except subprocess.TimeoutExpired:
        failure = f"did not end within {seconds:g} s"
    left = _processor_seconds_of_others(os.getpid(), process.pid)
    with suppress(OSError):
        os.kill(-1, signal.SIGKILL)
    process.wait()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read(4000) or b""
    if not failure and kind != "script" and b"\n" not in said:
        failure = f"ended Python by itself, with status {status}"
    first, _, last = said.decode("utf-8", "replace").partition("\n")
    busy = 0.0
    with suppress(ValueError):
        busy = float(last or 0)
    return failure or first, max(busy, left)


def _ended(process: "subprocess.Popen[bytes]", seconds: float) -> int:
    """Wait for a step: so long by the clock, and longer while it lacks the processor's time.

    Raises:
        TimeoutExpired: it has had its time.
    """
    # `Popen.wait` with a time looks every 50 ms.
    descriptor = os.pidfd_open(process.pid)
    ended = select.select([descriptor], [], [], seconds)[0]
    os.close(descriptor)
    if ended:
        return process.wait()
    begun = time.monotonic()
    while time.monotonic() - begun < (LONGER - 1) * seconds:
        states = _others(os.getpid())
        wants = any(state == "R" for state, _ in states)
        if not wants or sum(used for _, used in states) > seconds:
            break
        with suppress(subprocess.TimeoutExpired):
            return process.wait(LOOKING_SECONDS)
    raise subprocess.TimeoutExpired(process.args, seconds)


def _step_environment(clock: dict[str, str]) -> dict[str, str]:
    path = f"{ENVIRONMENT}/bin:{os.environ['PATH']}"
    return {**os.environ, **clock, "PATH": path, "VIRTUAL_ENV": str(ENVIRONMENT)}


def _processor_seconds_of_others(*known: int) -> float:
    """Say what the processes use that a step left behind; 0.0 when there are none."""

    def used() -> float:
        return sum(seconds for _, seconds in _others(*known))

    if not _others(*known):
        return 0.0
    begun = used()
    return _watched(LEFT_SECONDS, lambda: used() - begun, lambda: _others(*known))


def _others(*known: int) -> list[tuple[str, float]]:
    """Give state and processor time of each process but these, and the one that ends them all."""
    running = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [_state(Path(f"/proc/{pid}/stat")) for pid in running if pid not in (1, *known)]


def _watched(
    seconds: float,
    used: Callable[[], float],
    states: Callable[[], Iterable[tuple[str, float]]],
) -> float:
    """Say how much processor time is used, within so many seconds by the clock.

    On a busy machine what wants the processor may have to wait for it, so it is watched further
    until it has used enough to be called busy.
    """
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < MOST_SETTLING_SECONDS:
        wants = any(state == "R" for state, _ in states())
        if waited >= seconds and (not wants or used() >= BUSY_SECONDS):
            break
        time.sleep(LOOKING_SECONDS)
    return max(used(), 0.0)


def _state(stat: Path) -> tuple[str, float]:
    """Read the state of a process or thread, and what time it and its children used (proc(5))."""
    with suppress(OSError, ValueError, IndexError):
        fields = stat.read_text().rpartition(")")[2].split()
        return fields[0], sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return "X", 0.0


def _is_entry_point(name: str) -> bool:
    return not (ENVIRONMENT / "bin" / name).exists()


def step(kind: str, subject: str, pipe: int) -> None:
    """Be the process of a step: what a notebook would do, then wait for what still runs."""
    os.set_inheritable(pipe, False)
    sys.argv = [""]
    sys.path[0] = ""
    if "FAKETIME" in os.environ:
        time.sleep = _sleep  # type: ignore[assignment]
    failure = ""
    try:
        _do(kind, subject)
    except BaseException as error:
        if not (kind == "script" and isinstance(error, SystemExit)):
            failure = f"{type(error).__name__}: {error}".replace("\n", " ")
    busy = _settle()
    with suppress(OSError):
        os.write(pipe, f"{failure[:1000]}\n{busy}".encode("utf-8", "replace"))


def _sleep(seconds: float) -> None:
    """Sleep: libfaketime 0.9.10 makes Python's own fail, because it mixes two clocks."""
    select.select([], [], [], seconds)


def _do(kind: str, subject: str) -> None:
    if kind == "import":
        importlib.import_module(subject)
        return
    from importlib.metadata import entry_points

    if kind == "script":
        sys.argv = [subject, "--help"]
        scripts = [each for group in _SCRIPTS for each in entry_points(group=group, name=subject)]
        scripts[0].load()()
    elif kind == "build":
        _build_part(subject)
    elif kind == "host" and subject == "jupyter":
        _load_jupyter_extensions()
    elif kind == "host":
        problems = []
        for each in list(entry_points(group=subject))[:MOST_LOADED]:
            try:
                each.load()
            except BaseException as error:
                problems.append(f"{each.name}: {type(error).__name__}: {error}")
        if problems:
            raise ImportError("; ".join(problems))


def _build_part(subject: str) -> None:
    """Do what installers do with an sdist, in its folder (PEP 517)."""
    import tomllib

    del sys.path[0]
    table: dict[str, Any] = {}
    with suppress(FileNotFoundError):
        table = tomllib.loads(Path("pyproject.toml").read_text("utf-8")).get("build-system", {})
    name = table.get("build-backend", "setuptools.build_meta:__legacy__")
    sys.path[:0] = [str(Path(each).resolve()) for each in table.get("backend-path", [])]
    module, _, attributes = name.partition(":")
    backend = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    if subject == "wheel":
        backend.build_wheel(str(BUILT), {}, None)
        return
    if hasattr(backend, "get_requires_for_build_wheel"):
        backend.get_requires_for_build_wheel({})
    if hasattr(backend, "prepare_metadata_for_build_wheel"):
        folder = BUILD / "metadata"
        folder.mkdir()
        backend.prepare_metadata_for_build_wheel(str(folder), {})


def _load_jupyter_extensions() -> None:
    """Start them as a server does, with something in its place that takes every call."""
    from unittest.mock import MagicMock

    for name in _jupyter_extensions():
        module = importlib.import_module(name)
        for start in ("_load_jupyter_server_extension", "load_jupyter_server_extension"):
            if hasattr(module, start):
                getattr(module, start)(MagicMock())


def _settle() -> float:
    """Wait for threads, and say how much processor time they use meanwhile."""

    def threads() -> list[tuple[str, float]]:
        own = str(threading.get_native_id())
        tasks = Path("/proc/self/task").iterdir()
        return [_state(task / "stat") for task in tasks if task.name != own]

    if not threads():
        return 0.0
    deadline = time.monotonic() + SETTLING_SECONDS
    begun = time.process_time()
    mine = [each for each in threading.enumerate() if each is not threading.current_thread()]
    for thread in mine:
        thread.join(max(deadline - time.monotonic(), 0))
    return _watched(LOOKING_SECONDS, lambda: time.process_time() - begun, threads)


if __name__ == "__main__":
    if sys.argv[1:2] == ["step"]:
        step(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main(json.load(sys.stdin))
