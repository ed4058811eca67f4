"""What the tests of the templates would not notice: each template with one thing changed.

Of a template each resource, action, statement, condition, rule, filter and other property is left
out once, and each number is changed once. On each of these mutants the tests run that need no
emulator, in a process of its own that has the mutant in place of the template; so do the calls
that a build makes, which are recorded once. What none of these notices cfn-lint is asked about, as
test_lint.py does. Below what was left out unnoticed nothing more is tried. What no test notices is
printed, but for what `HARMLESS` explains, and makes the exit status 1.

    ./shell/run-benchmark.sh template_mutations [--template NAME] [--part TEXT]
        [--tests NAME] [--calls FILE]
"""

import argparse
import json
import os
import pickle
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import starmap
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from unittest import mock

import pytest
from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # it has no types
    PROVIDER_SCHEMA_MANAGER,
)

from tests.templates import template, test_exact_iam, test_lint
from tests.templates.gate_runs import calls_of
from tests.templates.template import CFN, load

FOLDER = Path(__file__).parents[1] / "tests/templates"
LEFT_ALONE = {"test_lint.py", "test_rendered.py", "test_iam_evaluator.py", "test_costs.py"}
"""Modules that test other things than what templates do, and test_lint.py: see `refused`."""
MOST_SECONDS = 2.0
"""Of processor time. A test that takes longer on the templates as they are is left alone."""
TEXTS = {"Description", "GroupDescription", "Sid", "PolicyName", "Tags", "Metadata", "BuildSpec"}
"""Keys whose values are not mutated: words for people, and scripts."""
FUNCTION = re.compile(r"Ref|Condition|Fn::.+")

HARMLESS = {
    r"/LifecycleConfiguration/Rules/.*/Id without": "S3 makes an id; it is for people",
    r"/DaysAfterInitiation 8": "that unfinished uploads go at all matters, not when",
    r"/(NamesOfAWS|AllNames|NameRules\w*)/Properties/Name without": "they are found by their ids",
    r"NameRules/Properties/FirewallRules/1/Priority 3": "it is still the last of two rules",
    r"NameRulesOfTheNetwork/Properties/Priority 102": "the network has no other group of rules",
    r"NameRulesOfTheNetwork/Properties/MutationProtection without": "it is off by default",
    r"Subnet\d/Properties/MapPublicIpOnLaunch without": "it is off by default",
    r"/LogDestinationType without": "CloudWatch is the default",
    r"/DisplayName without": "the sender's name in emails, for people",
    r"/AlarmDescription without": "words for people",
    r"/AdvancedEventSelectors/\d/Name without": "words for people",
    r"/PendingWindowInDays without": "KMS waits 30 days by default, and no key can wait longer",
}
"""A pattern of mutants → why it can't matter."""


@dataclass(frozen=True)
class Mutant:
    """One change of one template."""

    template: str
    path: tuple[str | int, ...]
    change: str
    """`without`, or the new number."""

    def __str__(self) -> str:
        """`vpc.yaml: Resources/VPC/… without`."""
        return f"{self.template}: {'/'.join(map(str, self.path))} {self.change}"

    def apply(self) -> None:
        """Change the template in this process, for whoever loads it from now on."""
        *above, last = self.path
        place: Any = load(self.template)
        for step in above:
            place = place[step]
        if self.change == "without":
            del place[last]
        else:
            place[last] = int(self.change)


def mutants(name: str) -> Iterator[Mutant]:
    """Give each mutant of a template."""
    read = load(name)
    for resource, body in read["Resources"].items():
        yield Mutant(name, ("Resources", resource), "without")
        path = ("Resources", resource, "Properties")
        needed = {(*path, each) for each in required(body["Type"])}
        for mutant in _below(name, path, body.get("Properties", {})):
            if mutant.path not in needed or mutant.change != "without":
                yield mutant
    for parameter, declared in read.get("Parameters", {}).items():
        for key in ("Default", "MinValue", "MaxValue"):
            if isinstance(declared.get(key), int):
                yield from _below(name, ("Parameters", parameter, key), declared[key])


def required(kind: str) -> list[str]:
    """Give the properties without which cfn-lint refuses a template, as test_lint.py has it do."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return cast(list[str], schema.get("required", []))


def _below(name: str, path: tuple[str | int, ...], value: Any) -> Iterator[Mutant]:
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield Mutant(name, path, str(value + 1))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield Mutant(name, (*path, place), "without")
            yield from _below(name, (*path, place), each)
    elif isinstance(value, dict):
        if len(value) == 1 and FUNCTION.fullmatch(next(iter(value))):
            if "Fn::If" in value:
                for place in (1, 2):
                    yield from _below(name, (*path, "Fn::If", place), value["Fn::If"][place])
            return
        for key, each in value.items():
            if key not in TEXTS:
                yield Mutant(name, (*path, key), "without")
                yield from _below(name, (*path, key), each)


@dataclass
class Check:
    """Something that fails on a template that does not do what it should."""

    name: str
    module: str
    run: Callable[[], object]
    seconds: float = 0.0
    templates: frozenset[str] = frozenset()
    """What is read for it, or for others of its module."""
    noticed: int = 0
    """So many mutants."""

    def fails(self) -> bool:
        """Whether it does."""
        try:
            self.run()
        except BaseException:  # pytest's own are none of Exception
            return True
        return False


class Collected:
    """A plugin of pytest that takes the collected tests in place of running them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.checks: list[Check] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take those that have no fixtures: the fixtures are emulators and folders."""
        for item in session.items:
            assert isinstance(item, pytest.Function)
            given = item.callspec.params if hasattr(item, "callspec") else {}
            if set(item.fixturenames) - {"request"} <= set(given):
                run = partial(item.obj, **given)
                self.checks.append(Check(item.nodeid, item.path.name, run))
        return True


def collected(part: str) -> list[Check]:
    """Give the tests that can be called as they are, of modules with this in their name."""
    names = {path.name for path in FOLDER.glob("test_*.py") if part in path.name} - LEFT_ALONE
    paths = [str(FOLDER / name) for name in sorted(names)]
    plugin = Collected()
    pytest.main([*paths, "-qq", "-p", "no:xdist", "-p", "no:cacheprovider"], plugins=[plugin])
    return plugin.checks


def recorded_calls() -> dict[str, list[Any]]:
    """Let each variant's build run on fakes of AWS; gives what it called."""
    recorded: dict[str, list[Any]] = {}

    def recording(variant: str, *rest: Any) -> Any:
        recorded[variant] = list(calls_of(variant, *rest))
        return recorded[variant]

    with mock.patch.object(test_exact_iam, "calls_of", recording):
        module = str(FOLDER / "test_exact_iam.py")
        pytest.main([module, "-qq", "-p", "no:xdist", "-k", "test_what_a_build_calls_is_allowed"])
    return recorded


def check_of_calls(variant: str, recorded: list[Any]) -> Check:
    """What a build called when it was recorded is allowed, and what is granted is called."""

    def run() -> None:
        unused: Any = None
        with mock.patch.object(test_exact_iam, "calls_of", return_value=recorded):
            test_exact_iam.test_what_a_build_calls_is_allowed_and_what_is_granted_is_called(
                variant, unused, unused, unused
            )

    return Check(f"the calls of a build, {variant}", "test_exact_iam.py", run)


def measured(checks: list[Check]) -> list[Check]:
    """Give those that pass on the templates as they are, fast enough, with what they read."""
    read: set[str] = set()
    original = template.load

    def reading(name: str | Path) -> dict[str, Any]:
        read.add(Path(name).name)
        return original(name)

    for module in modules():
        if getattr(module, "load", None) is original:
            module.load = reading  # type: ignore[attr-defined]
    good: list[Check] = []
    for name in dict.fromkeys(check.module for check in checks):
        read.clear()
        forget_rendered()
        passed = []
        for check in checks:
            if check.module == name:
                began = time.process_time()
                if not check.fails() and time.process_time() - began < MOST_SECONDS:
                    passed.append(replace(check, seconds=time.process_time() - began, run=nothing))
        good += [replace(check, templates=frozenset(read)) for check in passed]
    return good


def nothing() -> None:
    """Stand for what can't be handed from one process to another."""


def modules() -> list[ModuleType]:
    """Give the modules of the templates' tests."""
    return [each for name, each in sys.modules.items() if name.startswith("tests.")]


def forget_rendered() -> None:
    """Empty the caches, but for that of the templates themselves."""
    for module in modules():
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear") and value.__name__ != "_parsed":
                value.cache_clear()


def first_failure(mutant: Mutant, checks: Sequence[Check]) -> str:
    """Name the first check that fails on a mutant, or "cfn-lint"; "" when none does."""
    mutant.apply()
    forget_rendered()
    failing = next((check.name for check in checks if check.fails()), "")
    return failing or ("cfn-lint" if refused(mutant.template) else "")


def refused(name: str) -> list[str]:
    """Give what cfn-lint says of a template as it is in this process, for one region."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(load(name), file)
        file.flush()
        return test_lint.cfn_lint(Path(file.name), test_lint.REGIONS[:1])


def in_a_child(work: Callable[[], Any]) -> Any:
    """Do it in a process of its own, which nothing of it outlives; None when it died."""
    with tempfile.NamedTemporaryFile() as answer:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                silence = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silence, 1)
                os.dup2(silence, 2)
                Path(answer.name).write_bytes(pickle.dumps(work()))
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        return pickle.loads(Path(answer.name).read_bytes()) if status == 0 else None


def calls(kept: str) -> dict[str, list[Any]]:
    """Read the recorded calls, or record and keep them."""
    if kept and Path(kept).exists():
        return cast(dict[str, list[Any]], pickle.loads(Path(kept).read_bytes()))
    recorded = in_a_child(recorded_calls)
    if kept:
        Path(kept).write_bytes(pickle.dumps(recorded))
    return cast(dict[str, list[Any]], recorded)


def try_all(chosen: Sequence[Mutant], checks: list[Check]) -> list[Mutant]:
    """Give the mutants that no check notices."""
    survivors: list[Mutant] = []
    unnoticed: set[tuple[str, tuple[str | int, ...]]] = set()
    for mutant in chosen:
        above = ((mutant.template, mutant.path[:end]) for end in range(len(mutant.path)))
        if any(each in unnoticed for each in above):
            continue
        relevant = [check for check in checks if mutant.template in check.templates]
        relevant.sort(key=lambda check: (-check.noticed, check.seconds))
        name = in_a_child(partial(first_failure, mutant, relevant))
        for check in relevant:
            check.noticed += check.name == name
        if name == "":
            survivors.append(mutant)
            unnoticed.add((mutant.template, mutant.path))
            if not reason(mutant):
                print(f"not noticed: {mutant}", flush=True)
    return survivors


def reason(mutant: Mutant) -> str:
    """Say why it can't matter; "" when it may."""
    return next((why for each, why in HARMLESS.items() if re.search(each, str(mutant))), "")


def main() -> int:
    """Try the mutants that the arguments choose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--template", default="", help="of this file alone, such as vpc.yaml")
    parser.add_argument("--part", default="", help="those that have this text in their name")
    parser.add_argument("--tests", default="", help="run modules with this in their name only")
    parser.add_argument("--calls", default="", help="a file that keeps the recorded calls")
    options = parser.parse_args()
    names = [path.name for path in sorted(CFN.glob("*.yaml"))]
    chosen = [each for name in names if options.template in name for each in mutants(name)]
    chosen = [each for each in chosen if options.part in str(each)]
    checks = [*starmap(check_of_calls, calls(options.calls).items()), *collected(options.tests)]
    by_name = {check.name: check for check in checks}
    good = [
        replace(each, run=by_name[each.name].run) for each in in_a_child(partial(measured, checks))
    ]
    print(f"{len(chosen)} mutants, {len(good)} checks of {len(checks)}", flush=True)
    survivors = try_all(chosen, good)
    unexplained = [each for each in survivors if not reason(each)]
    explained = len(survivors) - len(unexplained)
    print(f"{len(survivors)} were not noticed; of {explained} it is known why that can't matter")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
