"""pyproject.toml names what is needed, once; the files of requirements/ pin all of it."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.local_run import PROJECT
from tests.test_layers import imports, trees

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
GROUPS = {"gate": PYPROJECT["project"]["dependencies"], **PYPROJECT["dependency-groups"]}
WITH_THE_GATE = ("gate", "tests", "fuzz")
"""Environments in which the gate itself runs."""

LOADED_BY_NAME = {"guarddog", "nono-py"}
"""What the gate imports by a name that it has as text."""


def pins(name: str) -> dict[str, set[str]]:
    """Give the versions that a file pins, by package; markers choose among several."""
    found: dict[str, set[str]] = {}
    for line in (PROJECT / "requirements" / f"{name}.txt").read_text().splitlines():
        if pin := re.match(r"([a-z0-9-]+)(?:\[[^]]+\])?==([^ ]+) ", line):
            found.setdefault(pin[1], set()).add(pin[2])
    return found


def test_every_environment_has_its_file_and_nothing_lies_elsewhere() -> None:
    assert {path.name for path in (PROJECT / "requirements").iterdir()} == {
        f"{name}.txt" for name in GROUPS
    }
    assert not list(PROJECT.glob("requirements*.*"))


@pytest.mark.parametrize("name", GROUPS)
def test_what_is_named_is_pinned_with_hashes(name: str) -> None:
    """When this fails: shell/lock-requirements.sh."""
    named = GROUPS["gate"] if name in WITH_THE_GATE else []
    pinned = pins(name)
    for requirement in map(Requirement, chain(named, GROUPS[name])):
        versions = pinned[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions)
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    blocks = re.findall(r"^[a-z0-9-]+(?:\[[^]]+\])?==.*(?:\n +.*)*", text, re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks)
    with_extras = [block for block in blocks if "[" in block.partition("==")[0]]
    assert len(blocks) - len(with_extras) == sum(len(versions) for versions in pinned.values())
    for block in with_extras:  # pip 23 needs both
        plain = re.sub(r"\[[^]]+\]", "", block.partition("\n    #")[0], count=1)
        assert f"\n{plain}\n" in text


@pytest.mark.parametrize("name", WITH_THE_GATE[1:])
def test_the_gate_is_tested_with_what_it_runs_with(name: str) -> None:
    tested = pins(name)
    assert all(tested[package] == versions for package, versions in pins("gate").items())


def test_the_gate_names_what_it_imports_and_nothing_else() -> None:
    """A name that only another package brings in may go with that package's next release."""
    files = [path for path in trees() if path.is_relative_to(PROJECT / "package_gate")]
    modules = {name.split(".")[0] for path in files for name in imports(trees()[path])}
    distributions = packages_distributions()
    imported = {
        canonicalize_name(distributions[module][0])
        for module in modules - sys.stdlib_module_names - {"package_gate"}
        if not module.startswith("mypy_boto3_")  # types only
    }
    assert imported | LOADED_BY_NAME == {Requirement(each).name for each in GROUPS["gate"]}
