"""A worker process: `python -m package_gate.scanners.worker`, started by `pool`.

It serves one scanner, which loads its rules once, and scans one package after the other. It is
started without credentials; it limits and isolates itself before it sees a package. See `protocol`
for what goes over its standard input and output.
"""

import importlib
import inspect
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from package_gate.errors import GateError
from package_gate.policy import Limits
from package_gate.scanners.interface import Scanner
from package_gate.scanners.isolation import isolate
from package_gate.scanners.protocol import Answer, Failed, Findings, Job, Ready, Setup
from package_gate.scanners.registry import SCANNERS, Needs

OPEN_FILES = 1024


def main() -> int:
    """Serve the pool until it closes the standard input."""
    orders, answers = _take_over_standard_streams()
    setup = msgspec.json.decode(orders.readline(), type=Setup)
    limit_resources(setup.limits)
    try:
        scanner, isolation = _load(setup)
    except MemoryError:
        _write(answers, Failed(_out_of_memory(setup.limits)))
        return 1
    except Exception as error:  # whatever is wrong with a scanner, the pool must hear of it
        _write(answers, Failed(_describe(error)))
        return 1
    _write(answers, Ready(scanner.info, isolation))
    for line in _lines(orders):
        job = msgspec.json.decode(line, type=Job)
        limit_processor_time(setup.limits.scan_cpu_seconds)
        answer = _scan(scanner, job, setup.limits)
        _write(answers, answer)
        if isinstance(answer, Failed) and answer.ends:
            return 1
    return 0


def limit_resources(limits: Limits) -> None:
    """Keep this process and its children to the policy's limits, and from dumping core."""
    os.umask(0o077)
    for kind, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.scan_memory_bytes),
        (resource.RLIMIT_FSIZE, limits.unpacked_file_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        _lower(kind, amount)


def limit_processor_time(seconds: int) -> None:
    """Allow so many seconds of processor time from now on; then the kernel kills (SIGXCPU)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most(used + seconds, hard), hard))


def _lower(kind: int, amount: int) -> None:
    _, hard = resource.getrlimit(kind)
    amount = _at_most(amount, hard)
    try:
        resource.setrlimit(kind, (amount, amount))
    except (ValueError, OSError):
        # macOS doesn't limit address space; there the clock has to do.
        if sys.platform == "linux":
            raise


def _at_most(amount: int, hard: int) -> int:
    return amount if hard == resource.RLIM_INFINITY else min(amount, hard)


def _take_over_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes to the pool for ourselves: what a scanner prints goes to standard error."""
    orders = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders, answers


def _load(setup: Setup) -> tuple[Scanner, str]:
    """Import and make the scanner; from its making on it is isolated."""
    registered = SCANNERS.get(setup.scanner)
    if setup.factory:
        module, _, attribute = setup.factory.partition(":")
    elif registered:
        module, attribute = registered.module, registered.attribute
    else:
        raise GateError(f"there is no scanner {setup.scanner!r}")
    factory = getattr(importlib.import_module(module), attribute)
    arguments = _arguments(factory, setup)
    needs = registered.needs(arguments.get("settings")) if registered else Needs()
    own_folder = str(Path.cwd())
    isolation = isolate(
        network=setup.network or needs.network,
        readable=(setup.packages, *needs.readable),
        writable=(own_folder, setup.packages) if needs.unpacks else (own_folder,),
    )
    return factory(**arguments), isolation


def _arguments(factory: Callable[..., Scanner], setup: Setup) -> dict[str, Any]:
    """Give a scanner what its constructor names: `settings`, as annotated, and `limits`."""
    parameters = inspect.signature(factory, eval_str=True).parameters
    arguments: dict[str, Any] = {}
    if "settings" in parameters:
        kind = parameters["settings"].annotation
        arguments["settings"] = msgspec.json.decode(setup.settings, type=kind)
    if "limits" in parameters:
        arguments["limits"] = setup.limits
    return arguments


def _lines(orders: BinaryIO) -> Iterator[bytes]:
    """Yield lines; when the pool closes the pipe, by its end or its death, end at once.

    A thread reads, so that a worker in the middle of a scan doesn't outlive a killed gate. (Linux
    could signal a parent's death, but it means the thread that started us, not the process.)
    """
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        for line in orders:
            lines.put(line)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()


def _scan(scanner: Scanner, job: Job, limits: Limits) -> Answer:
    try:
        return Findings(job.number, list(scanner.scan(job.target)))
    except GateError as error:
        return Failed(str(error), job.number)
    except MemoryError:
        return Failed(_out_of_memory(limits), job.number, ends=True)
    except Exception as error:  # a scanner's fault is a failed scan, whatever it is
        return Failed(_describe(error), job.number, ends=True)


def _write(answers: BinaryIO, answer: Answer) -> None:
    try:
        line = msgspec.json.encode(answer)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        number = getattr(answer, "number", 0)
        line = msgspec.json.encode(Failed(f"its findings can't be written: {error!a}", number))
    answers.write(line + b"\n")
    answers.flush()


def _describe(error: Exception) -> str:
    message = str(error).encode("utf-8", "backslashreplace").decode()
    return message if isinstance(error, GateError) else f"{type(error).__name__}: {message}"


def _out_of_memory(limits: Limits) -> str:
    return f"ran out of memory: it may have {limits.scan_memory_bytes // 2**20} MiB"


if __name__ == "__main__":
    sys.exit(main())
