"""What runs in the inner room: installs wheels, then tries each thing that may run their code.

Started as `python -I inside.py` with an order on its standard input, it says on its standard output
what it will do and how each step ended, one JSON document a line (`documents.Said`). It starts
itself again for each step, as `python inside.py step KIND SUBJECT PIPE`. Nothing but the standard
library is there, and what it says is no more to be trusted than the packages are.
"""

import configparser
import importlib
import importlib.metadata
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
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ENVIRONMENT = Path("/home/jovyan/env")
MARKER = "/observed/step"
"""Who opens this, with a number, says in the trace that a step begins."""
MOST_MODULES, MOST_SCRIPTS = 40, 5
MOST_LOADED = 200
SETTLING_SECONDS = 2.0
BUSY_SECONDS = 0.5
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
    site = _make_environment()
    wheels: list[str] = order["wheels"]
    installed = {wheel: _install(Path("/wheels", wheel), site) for wheel in wheels}
    steps = list(_steps(site, wheels[0], installed[wheels[0]]))
    _say({"plan": [{"kind": kind, "subject": subject} for kind, subject, _ in steps]})
    for number, (kind, subject, failure) in enumerate(steps):
        seconds = 0.0
        if not failure:
            _mark(number)
            failure, seconds = _try(kind, subject, order)
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


def _install(wheel: Path, site: Path) -> list[str]:
    """Unpack a wheel as installers do (PEP 427); give what lies in site-packages then."""
    placed: list[str] = []
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
    return placed


def _make_program(target: Path) -> None:
    content = target.read_bytes()
    if content.startswith(b"#!python"):
        _, _, rest = content.partition(b"\n")
        target.write_bytes(b"#!" + bytes(ENVIRONMENT / "bin" / "python") + b"\n" + rest)
    target.chmod(0o755)


def _steps(site: Path, wheel: str, placed: Sequence[str]) -> Iterator[tuple[str, str, str]]:
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
    scripts |= {path.name for path in (ENVIRONMENT / "bin").iterdir() if not path.is_symlink()}
    yield from _first("script", scripts, MOST_SCRIPTS)


def _first(kind: str, subjects: set[str], most: int) -> Iterator[tuple[str, str, str]]:
    """Try so many of them, and say that there are more."""
    for number, subject in enumerate(sorted(subjects)):
        yield kind, subject, "" if number < most else f"only {most} of them are tried"


def _runs_at_start(name: str) -> bool:
    return name.endswith(".pth") or name.split(".")[0] in ("sitecustomize", "usercustomize")


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


def _try(kind: str, subject: str, order: dict[str, Any]) -> tuple[str, float]:
    """Do a step in a process of its own: why it failed, and how busy it stayed afterwards."""
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
            cwd=os.environ["HOME"],
        )
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return f"can't be started: {error.strerror}", 0.0
    os.close(writing)
    failure = ""
    seconds = order["step_seconds"]
    try:
        status = process.wait(seconds)
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


def _step_environment(clock: dict[str, str]) -> dict[str, str]:
    path = f"{ENVIRONMENT}/bin:{os.environ['PATH']}"
    return {**os.environ, **clock, "PATH": path, "VIRTUAL_ENV": str(ENVIRONMENT)}


def _processor_seconds_of_others(*known: int) -> float:
    """Say how busy the processes are that a step left behind; 0.0 when there are none."""
    running = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    others = [pid for pid in running if pid not in (1, *known)]
    if not others:
        return 0.0
    before = sum(map(_used, others))
    time.sleep(BUSY_SECONDS)
    return max(sum(map(_used, others)) - before, 0.0) / BUSY_SECONDS


def _used(pid: int) -> float:
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


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
    elif kind == "script":
        sys.argv = [subject, "--help"]
        scripts = [
            each
            for group in _SCRIPTS
            for each in importlib.metadata.entry_points(group=group, name=subject)
        ]
        scripts[0].load()()
    elif kind == "host" and subject == "jupyter":
        _load_jupyter_extensions()
    elif kind == "host":
        problems = []
        for each in list(importlib.metadata.entry_points(group=subject))[:MOST_LOADED]:
            try:
                each.load()
            except BaseException as error:
                problems.append(f"{each.name}: {type(error).__name__}: {error}")
        if problems:
            raise ImportError("; ".join(problems))


def _load_jupyter_extensions() -> None:
    """Start them as a server does, with something in its place that takes every call."""
    from unittest.mock import MagicMock

    for name in _jupyter_extensions():
        module = importlib.import_module(name)
        for start in ("_load_jupyter_server_extension", "load_jupyter_server_extension"):
            if hasattr(module, start):
                getattr(module, start)(MagicMock())


def _settle() -> float:
    """Wait for threads, and say how busy they keep the processor, in seconds a second."""
    if len([*Path("/proc/self/task").iterdir()]) == 1:
        return 0.0
    deadline = time.monotonic() + SETTLING_SECONDS
    before = time.process_time()
    mine = [each for each in threading.enumerate() if each is not threading.current_thread()]
    if not mine:
        time.sleep(BUSY_SECONDS / 5)
        return (time.process_time() - before) / (BUSY_SECONDS / 5)
    for thread in mine:
        thread.join(max(deadline - time.monotonic(), 0))
    waited = SETTLING_SECONDS - max(deadline - time.monotonic(), 0)
    return (time.process_time() - before) / max(waited, BUSY_SECONDS)


if __name__ == "__main__":
    if sys.argv[1:2] == ["step"]:
        step(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main(json.load(sys.stdin))
