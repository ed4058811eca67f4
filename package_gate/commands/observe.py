"""`observe`: let the packages of a plan run in a throw-away sandbox, each with its closure."""

import argparse
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from rich.console import Console

from package_gate.commands.gate import DECIDED, UNFINISHED, to_its_end
from package_gate.commands.options import Arguments, add_policy, parsed
from package_gate.commands.process import now, prepare_process
from package_gate.commands.stages import number_from_0
from package_gate.commands.work_place import add_work, work_place
from package_gate.core.errors import GateError, StoreError
from package_gate.core.policy import load_policy_file
from package_gate.core.text import lines
from package_gate.observation.documents import Bounds
from package_gate.observation.findings import NAME
from package_gate.observation.observe import Observer
from package_gate.pipeline.observed import Closure, closure_of, observe_task, observed_key
from package_gate.pipeline.stages import WorkPlan, read_batch, read_plan
from package_gate.staging.documents import Task
from package_gate.staging.place import Place

MOST_AT_ONCE = 2
"""Packages; each may use the time of two processors, and hardly any does."""


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    folder: Path = Path(),
    program: str | None = None,
) -> int:
    """Run strangers' code in the sandbox, and write down what it does.

    Arguments as of `gate.main`.

    Returns:
        The exit status: 0 all packages that the plan wants observed are; 1 not all; 2 the
        configuration or the arguments are wrong, or this machine can't isolate a package.
    """
    prepare_process()
    options = parsed(_parser(environ, folder, program), arguments, environ)

    def run() -> int:
        place = work_place(options.work, environ)
        policy = load_policy_file(options.policy).policy
        plan = read_plan(place, policy.digest, now())
        console = Console(soft_wrap=True, highlight=False)
        with tempfile.TemporaryDirectory(prefix="package-gate-") as name:
            observer = Observer(Path(name))

            def observed(task: Task) -> bool:
                closure = closure_of(plan.document, task, options.request or None)
                if closure is None and options.request:
                    return True
                subject = f"{task.package.name} {task.package.version}"
                try:
                    with tempfile.TemporaryDirectory(dir=name) as scratch:
                        seen = observe_task(
                            task,
                            closure or Closure([], []),
                            place,
                            observer,
                            Path(scratch),
                            builds=policy.sdists.observe,
                            now=now(),
                        )
                    document = msgspec.json.format(msgspec.json.encode(seen), indent=1)
                    place.write_once(observed_key(task.digest), document)
                except GateError as error:  # one package's failure stops no other
                    console.print(lines(f"{subject}: {error}", 1000), markup=False)
                    return False
                console.print(f"{subject}: observed", markup=False)
                return True

            tasks = _tasks(plan, place, policy.digest, options.batch)
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            with ThreadPoolExecutor(at_once(memory)) as pool:
                whole = all([*pool.map(observed, tasks)])
        return DECIDED if whole else UNFINISHED

    return to_its_end(run)


def at_once(memory: int) -> int:
    """Say how many packages may be observed at once.

    Each may use all that it may have, its files included, without taking it from another.

    Args:
        memory: the machine's, in bytes.
    """
    bounds = Bounds()
    return max(1, min(MOST_AT_ONCE, memory // (bounds.memory_bytes + bounds.disk_bytes)))


def _tasks(plan: WorkPlan, place: Place, policy_digest: str, batch: int | None) -> Iterator[Task]:
    """Give the packages that are to be observed, and were not yet."""
    there = place.keys("observed/")
    found = False
    for number in range(plan.document.batches) if batch is None else [batch]:
        for task in read_batch(place, number, policy_digest).tasks:
            if NAME in task.wanted:
                found = True
                if observed_key(task.digest) not in there:
                    yield task
    if plan.document.batches and not found:
        raise StoreError(f"The plan wants nothing observed: plan with {NAME} among --scanners.")


def _parser(
    environ: Mapping[str, str], folder: Path, program: str | None
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="Let the packages of a plan run in a throw-away sandbox, each with its "
        "closure, and write down what they do. This runs strangers' code; see docs/observe.md.",
        epilog="Exit status: 0 all are observed, 1 not all, 2 the configuration or the arguments "
        "are wrong, or this machine can't isolate a package.",
    )
    given = Arguments(parser.add_argument_group("what is observed"), environ)
    add_work(given, folder)
    given.add("--request", "", str, "only the packages of this request, by its name")
    given.add("--batch", None, number_from_0, "only the packages of this batch (default: all)")
    add_policy(given, folder)
    return parser
