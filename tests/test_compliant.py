"""A way on: what a requirement leaves open avoids advisories, and a refusal names what would do."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import LocalRun


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer) -> LocalRun:
    index = PackageIndex(server)
    for version in ("1.0", "1.1", "2.0", "2.1"):
        index.add_wheel("lib", version)
    index.add_wheel("app", "1.0", ["lib<2"])
    index.add_wheel("app", "2.0", ["lib"])
    return LocalRun(tmp_path, index, environment={"PACKAGE_GATE_SCANNERS": "osv,ruff"})


def decided(local: LocalRun, name: str) -> Any:
    (found,) = (each for each in local.report()["requests"] if each["name"] == name)
    return found


def closure(request: Any) -> list[str]:
    return [f"{each['name']}=={each['version']}" for each in request["packages"]]


def test_an_open_requirement_gets_the_newest_closure_that_no_advisory_refuses(
    local: LocalRun,
) -> None:
    local.add_advisory("lib", "1.1", "2.1")
    assert local.run("app,pypi:app\nlib,pypi:lib>=1\nold,pypi:lib<2\n").returncode == 0
    assert closure(decided(local, "app")) == ["app==2.0", "lib==2.0"]
    assert closure(decided(local, "lib")) == ["lib==2.0"]
    assert closure(decided(local, "old")) == ["lib==1.0"]
    for name, passed in (("app", "2.1"), ("lib", "2.1"), ("old", "1.1")):
        said = decided(local, name)
        assert said["verdict"] == "approved"
        assert f"lib {passed} was passed over: PYSEC-2026-1 would refuse it" in said["notes"]


def test_a_dependency_of_a_pinned_release_avoids_advisories_too(local: LocalRun) -> None:
    local.add_advisory("lib", "2.1")
    local.run("app,pypi:app==2.0\n")
    assert closure(decided(local, "app")) == ["app==2.0", "lib==2.0"]


@pytest.mark.parametrize(
    ("asked", "advisory", "instead"),
    [
        ("pypi:lib==1.1", ("lib", "1.1"), "asked,pypi:lib==2.1"),
        ("pypi:lib==2.1", ("lib", "2.0", "2.1"), "asked,pypi:lib==1.1"),
        ("pypi:app==1.0", ("lib", "1.0", "1.1"), "asked,pypi:app==2.0"),
        ("pypi:lib[x]==1.1", ("lib", "1.1"), "asked,pypi:lib[x]==2.1"),
        ("pypi:app==1.0 with lib<1.1", ("app", "1.0"), "asked,pypi:app==2.0 with lib<1.1"),
        ('"pypi:lib[x,y]==1.1"', ("lib", "1.1"), 'asked,"pypi:lib[x,y]==2.1"'),
    ],
)
def test_a_refusal_names_a_request_that_is_then_approved(
    local: LocalRun, asked: str, advisory: tuple[str, ...], instead: str
) -> None:
    local.add_advisory(*advisory)
    local.run(f"asked,{asked}\n")
    refused = decided(local, "asked")
    assert (refused["verdict"], refused["instead"]) == ("refused", instead)
    (sent,) = (local.output / "outbox").iterdir()
    body = message_from_bytes(sent.read_bytes(), policy=default).get_content()
    assert f"* Request instead: {instead}" in body.splitlines()
    assert "Request instead: " in (local.output / "report.html").read_text()
    assert local.run(f"{instead}\n").returncode == 0
    assert decided(local, "asked")["verdict"] == "approved"


def test_a_release_for_other_pythons_names_one_that_is_then_approved(local: LocalRun) -> None:
    local.index.add_wheel("lib", "1.2", requires_python="<3.7")
    local.run("asked,pypi:lib==1.2\n")
    refused = decided(local, "asked")
    assert (refused["verdict"], refused["instead"]) == ("refused", "asked,pypi:lib==2.1")
    assert local.run("asked,pypi:lib==2.1\n").returncode == 0
    assert decided(local, "asked")["verdict"] == "approved"


def test_a_file_says_itself_for_which_python_it_is_when_the_index_does_not(
    local: LocalRun,
) -> None:
    entry = local.index.add_wheel("silent", "1.0", requires_python=">=3.6,<3.7")
    del entry["requires-python"]
    local.run("asked,pypi:silent\napp,pypi:app\n")
    asked = decided(local, "asked")
    assert asked["verdict"] == "refused"
    assert "silent 1.0 asks for Python <3.7,>=3.6, which leaves out 3.11" in asked["reasons"][0]
    assert not (local.output / "simple/silent").exists()
    assert decided(local, "app")["verdict"] == "approved"


def test_without_a_way_on_the_refusal_says_nothing_of_one(local: LocalRun) -> None:
    local.add_advisory("lib", "1.0", "1.1", "2.0", "2.1")
    local.run("app,pypi:app\n")
    app = decided(local, "app")
    assert (app["verdict"], app["instead"]) == ("refused", "")
    assert closure(app) == ["app==2.0", "lib==2.1"]


def test_the_policy_may_leave_it_at_the_newest(local: LocalRun) -> None:
    local.policy += "[resolve]\ncompliant = false\n"
    local.add_advisory("lib", "2.1")
    local.run("lib,pypi:lib\n")
    lib = decided(local, "lib")
    assert (lib["verdict"], lib["instead"], closure(lib)) == ("refused", "", ["lib==2.1"])


def test_an_advisory_that_does_not_refuse_passes_nothing_over(local: LocalRun) -> None:
    local.add_advisory("lib", "2.1", severity="LOW")
    local.run("lib,pypi:lib\n")
    assert closure(decided(local, "lib")) == ["lib==2.1"]


def test_an_approval_that_an_advisory_overturns_moves_on_and_the_old_one_is_withdrawn(
    local: LocalRun,
) -> None:
    local.run("lib,pypi:lib,jo@example.com\n")
    assert closure(decided(local, "lib")) == ["lib==2.1"]
    local.add_advisory("lib", "2.1")
    local.run("lib,pypi:lib,jo@example.com\n", "--rescan")
    lib = decided(local, "lib")
    assert (lib["verdict"], closure(lib)) == ("approved", ["lib==2.0"])
    assert lib["install_command"].endswith("lib==2.0")
    files = {path.name for path in (local.output / "simple/lib").glob("*.whl")}
    assert files == {"lib-2.0-py3-none-any.whl"}


def test_so_does_one_that_is_only_judged_again(local: LocalRun) -> None:
    local.policy += '[refuse]\nvulnerability = "critical"\n'
    local.add_advisory("lib", "2.1")
    local.run("lib,pypi:lib\nfirst,pypi:lib==2.1\n")
    assert closure(decided(local, "lib")) == ["lib==2.1"]
    local.policy = local.policy.replace("critical", "medium")
    local.run("lib,pypi:lib\nfirst,pypi:lib==2.1\n")
    lib, first = decided(local, "lib"), decided(local, "first")
    assert (lib["verdict"], closure(lib)) == ("approved", ["lib==2.0"])
    assert (first["verdict"], first["instead"]) == ("refused", "first,pypi:lib==2.0")
    files = {path.name for path in (local.output / "simple/lib").glob("*.whl")}
    assert files == {"lib-2.0-py3-none-any.whl"}


def test_build_tools_avoid_advisories_too(local: LocalRun) -> None:
    local.index.add_build_tools()
    local.index.add_wheel("setuptools", "79.0")
    local.index.add_sdist("source", "1.0", {"setup.py": b"from setuptools import setup\nsetup()\n"})
    local.add_advisory("setuptools", "80.0")
    local.run("source,pypi:source\n")
    source = decided(local, "source")
    assert "setuptools==79.0" in closure(source)
    assert "setuptools==80.0" not in closure(source)
