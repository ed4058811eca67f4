"""Isolated stages and fleets: what the scripts ask for, send and change."""

import gzip
import hashlib
import re
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.shell.caller import (
    PROJECT,
    STACK,
    Caller,
    artifacts_bucket,
    copy_project,
    ec2_client,
)
from tests.shell.test_repeated import only
from tests.templates.template import load

PYTHON = """\
#!/bin/sh
# pip, which fetches one wheel; everything else is Python's.
case "$*" in
  "-I -m pip --version") exit ;;
  "-I -m pip download "*)
    printf '%s\\n' "$@" >"$PYTHON.asked"
    while [ "$1" != --requirement ]; do shift; done
    cp "$2" "$PYTHON.pinned"
    while [ "$1" != --dest ]; do shift; done
    echo wheel >"$2/ruff-0.17.6-py3-none-any.whl"
    ;;
  *) exec python3 "$@" ;;
esac
"""
STAGED = {"ISOLATION": "staged", "ADVISORIES": "s3://advisories/pypi/all.zip"}


@pytest.fixture
def python(tmp_path: Path) -> dict[str, str]:
    """A python3 whose pip reaches no index."""
    program = tmp_path / "python3"
    program.write_text(PYTHON)
    program.chmod(0o755)
    return {"PYTHON": str(program)}


def parameters(caller: Caller) -> dict[str, str]:
    return dict(caller.cloudformation.stack(STACK).parameters)


def keys(caller: Caller) -> set[str]:
    listed = caller.aws.client("s3").list_objects_v2(Bucket=artifacts_bucket(caller))
    return {each["Key"] for each in listed.get("Contents", [])}


def test_a_gate_gets_stages_and_a_fleet_and_loses_them(
    bash: Caller, python: dict[str, str]
) -> None:
    made = bash.source("create-codeartifact", environment={**STAGED, **python})
    assert made.status == 0, made.said
    chosen = parameters(bash)
    (prefix_list,) = ec2_client(bash.aws).describe_managed_prefix_lists(
        Filters=[
            {
                "Name": "prefix-list-name",
                "Values": [f"com.amazonaws.{bash.variables['AWS_REGION']}.s3"],
            }
        ]
    )["PrefixLists"]
    assert chosen["S3PrefixList"] == prefix_list["PrefixListId"]
    assert (chosen["Isolation"], chosen["FleetFrom"]) == ("staged", "0")
    wheels = {key.rpartition("/")[2] for key in keys(bash) if key.startswith("wheelhouse/")}
    assert wheels == {"ruff-0.17.6-py3-none-any.whl", "complete"}
    assert nested_stacks(bash) == {"ScanPipeline", "ClosedNetwork"}

    Path(f"{python['PYTHON']}.asked").unlink()
    idle = bash.source("create-codeartifact", environment={**only(bash), **python})
    assert (idle.status, f"Stack {STACK} is up to date." in idle.said) == (0, True), idle.said
    assert not Path(f"{python['PYTHON']}.asked").exists()  # the wheels are there already

    asked = bash.source("create-fleet", environment=only(bash, FLEET_CONCURRENCY="50"))
    assert (asked.status, "Give --yes" in asked.said) == (2, True), asked.said
    assert "  FleetFrom: 0 -> 1000" in asked.said
    assert "  FleetConcurrency: 20 -> 50" in asked.said
    fleet = bash.source("create-fleet", "--yes", only(bash, FLEET_CONCURRENCY="50"))
    assert fleet.status == 0, fleet.said
    assert "at least 1000 packages are scanned by 50 builds at once" in fleet.said
    assert changed(chosen, parameters(bash)) == {"FleetFrom", "FleetConcurrency"}
    assert nested_stacks(bash) == {"ScanPipeline", "ClosedNetwork", "ScanFleet"}
    again = bash.source("create-fleet", environment=only(bash))
    assert (again.status, f"Stack {STACK} is up to date." in again.said) == (0, True), again.said

    single = bash.source("create-codeartifact", "--yes", only(bash, ISOLATION="single"))
    assert (single.status, "delete-fleet-stack.sh" in single.said) == (2, True), single.said
    gone = bash.source("delete-fleet", "--yes", only(bash))
    assert gone.status == 0, gone.said
    assert changed(chosen, parameters(bash)) == {"FleetConcurrency"}
    none = bash.source("delete-fleet", "--yes", only(bash))
    assert (none.status, "has no fleet" in none.said) == (0, True), none.said
    single = bash.source("create-codeartifact", "--yes", only(bash, ISOLATION="single"))
    assert single.status == 0, single.said
    assert parameters(bash)["Isolation"] == "single"
    assert nested_stacks(bash) == {"ScanPipeline"}


def test_a_gate_with_stages_observes_packages_until_that_is_taken_away(
    bash: Caller, python: dict[str, str], tmp_path: Path
) -> None:
    made = bash.source("create-codeartifact", environment={**STAGED, **python})
    assert made.status == 0, made.said
    chosen = parameters(bash)
    without = bash.source("create-observe", "--yes", only(bash))
    assert (without.status, "OBSERVE_IMAGE is not set" in without.said) == (2, True), without.said
    image = tmp_path / "observe.tar.gz"
    image.write_bytes(gzip.compress(b"a file system"))
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    asked = bash.source("create-observe", "--yes", only(bash, OBSERVE_IMAGE=str(image)))
    assert asked.status == 0, asked.said
    assert f"gate/{digest}.tar.gz" in keys(bash)
    assert parameters(bash)["ObserveImage"] == f"gate/{digest}.tar.gz"
    assert nested_stacks(bash) == {"ScanPipeline", "ClosedNetwork", "Observe"}
    single = bash.source("create-codeartifact", "--yes", only(bash, ISOLATION="single"))
    assert (single.status, "delete-observe-stack.sh" in single.said) == (2, True), single.said
    gone = bash.source("delete-observe", "--yes", only(bash))
    assert gone.status == 0, gone.said
    assert changed(chosen, parameters(bash)) == set()


def nested_stacks(caller: Caller) -> set[str]:
    """Name the stacks that are in the gate's, by their logical ids."""
    found = (re.findall(r"-([A-Z][A-Za-z]+)-", name) for name in caller.cloudformation.statuses())
    return {names[-1] for names in found if names}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ADVISORIES": "https://osv.example.test/"}, "ADVISORIES must be a snapshot"),
        ({"ADVISORIES": None}, "ADVISORIES must be a snapshot"),
        ({"SCANNERS": "osv,inspector"}, "SCANNERS names inspector, which is a service"),
        ({"SCANNERS": "codeguru,osv"}, "SCANNERS names codeguru, which is a service"),
        ({"ISOLATION": "no"}, "ISOLATION is no, but must be single or staged"),
        ({"PYTHON": "/nowhere/python3"}, "Python's pip is not there"),
    ],
)
def test_what_stages_can_t_do_is_told_before_anything_is_made(
    bash: Caller, python: dict[str, str], environment: dict[str, str | None], said: str
) -> None:
    answer = bash.source("create-codeartifact", environment={**STAGED, **python, **environment})
    assert (answer.status, said in answer.said) == (2, True), answer.said
    assert bash.cloudformation.operations == []


def test_a_fleet_needs_a_gate_with_stages(bash: Caller) -> None:
    missing = bash.source("create-fleet")
    assert (missing.status, f"There is no gate {STACK}" in missing.said) == (2, True), missing.said
    assert bash.source("create-codeartifact").status == 0
    single = bash.source("create-fleet", "--yes")
    assert (single.status, "ISOLATION=staged" in single.said) == (2, True), single.said
    wrong = bash.source("create-fleet", "--yes", {"FLEET_COMPUTE": "HUGE", "FLEET_FROM": "0"})
    assert wrong.status == 2
    assert "FLEET_COMPUTE is HUGE" in wrong.said
    assert "FLEET_FROM is 0" in wrong.said


def test_wheels_are_fetched_for_the_builds_python_and_machine(
    python: dict[str, str], tmp_path: Path
) -> None:
    subprocess.run(
        ["bash", str(PROJECT / "shell/stacks/wheels.sh"), str(tmp_path / "wheels")],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **python},
        check=True,
        timeout=60,
    )
    asked = Path(f"{python['PYTHON']}.asked").read_text().split()
    project = load("scan-pipeline.yaml")["Resources"]["ScanProject"]["Properties"]
    spec = yaml.safe_load(project["Source"]["BuildSpec"])
    version = str(spec["phases"]["install"]["runtime-versions"]["python"])
    assert asked[asked.index("--python-version") + 1] == version
    assert "x86_64-standard" in project["Environment"]["Image"]
    assert "manylinux2014_x86_64" in asked
    assert {"--require-hashes", "--no-deps", ":all:"} <= set(asked)
    pinned = Path(f"{python['PYTHON']}.pinned").read_text()
    names = [line.partition("==")[0] for line in pinned.splitlines()]
    assert len(names) == len(set(names)) > 50
    assert {"ruff", "uv", "guarddog", "jeepney", "soupsieve"} <= set(names)
    assert not {"pywin32-ctypes", "importlib-metadata"} & set(names)  # not for this Python
    assert all(" --hash=sha256:" in line and ";" not in line for line in pinned.splitlines())


def test_an_update_brings_the_wheels_of_its_requirements_and_goes_before_a_fleet(
    bash: Caller, python: dict[str, str], tmp_path: Path
) -> None:
    bash.project = copy_project(tmp_path / "another checkout")
    made = bash.source("create-codeartifact", environment={**STAGED, **python})
    assert made.status == 0, made.said
    before = {key.split("/")[1] for key in keys(bash) if key.startswith("wheelhouse/")}
    pinned = bash.project / "requirements/gate.txt"
    pinned.write_text(f"{pinned.read_text()}# another comment\n")
    template = bash.project / "cfn/scan-fleet.yaml"
    template.write_text(f"{template.read_text()}# another comment\n")
    early = bash.source("create-fleet", "--yes", only(bash))
    assert (early.status, "run ./shell/update-gate.sh first" in early.said) == (2, True)
    updated = bash.run('bash "$PROJECT/shell/update-gate.sh" --yes', only(bash, **python))
    assert updated.status == 0, updated.said
    after = {key.split("/")[1] for key in keys(bash) if key.startswith("wheelhouse/")}
    assert after == before | {hashlib.sha256(pinned.read_bytes()).hexdigest()}
    assert len(after) == 2
