"""`package-gate reevaluate` as a process, on what a run of the gate has approved."""

import json
from pathlib import Path

import pytest

from tests.fakes.https_server import HTTPSServer
from tests.fakes.package_index import PackageIndex
from tests.local_run import LocalRun

AT_ONCE = "\n[reevaluate]\ngrace_days = 0\n"


@pytest.fixture
def local(tmp_path: Path, server: HTTPSServer) -> LocalRun:
    """One that has approved `app`, which needs `dep`."""
    made = LocalRun(tmp_path, PackageIndex(server), environment={"PACKAGE_GATE_SCANNERS": "osv"})
    made.index.add_wheel("app", "1.0", ["dep>=1"])
    made.index.add_wheel("dep", "1.5")
    assert made.run("app,pypi:app,jo@example.com\n").returncode == 0
    server.routes.clear()  # nothing can be fetched any more
    return made


def mails(local: LocalRun) -> list[str]:
    return sorted(path.name.rpartition("-")[0] for path in local.output.glob("outbox/*.eml"))


def test_a_hole_is_told_then_withdrawn_and_the_report_says_so(local: LocalRun) -> None:
    local.add_advisory("dep", "1.5")
    first = local.reevaluate()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "dep 1.5 stays approved (to be withdrawn from" in first.stdout
    assert "2 packages looked up, 0 decided again, 1 reported" in first.stdout
    assert len(mails(local)) == 3  # the approval, the warning, and what InfoSec gets
    local.policy += AT_ONCE
    second = local.reevaluate()
    assert second.returncode == 0, second.stdout + second.stderr
    assert not list(local.output.glob("simple/dep/*.whl"))
    assert list(local.output.glob("simple/app/*.whl"))
    report = json.loads((local.output / "reevaluation.json").read_bytes())
    assert [(each["name"], each["findings"]) for each in report["decided_again"]] == [
        ("dep", ["PYSEC-2026-2"])
    ]
    assert [(each["name"], each["verdict"]) for each in report["requests"]] == [("app", "refused")]
    assert not report["unfinished"]
    again = local.reevaluate()
    assert "0 decided again, 0 reported" in again.stdout
    assert len(mails(local)) == 5  # the refusal, and what InfoSec gets


def test_what_looks_wrong_ends_with_1_until_it_is_confirmed(local: LocalRun) -> None:
    local.policy += AT_ONCE + "most_withdrawals = 1\n"
    for name, version in (("app", "1.0"), ("dep", "1.5")):
        local.add_advisory(name, version)
    doubted = local.reevaluate()
    assert doubted.returncode == 1
    assert "--confirm 2" in doubted.stdout
    assert list(local.output.glob("simple/*/*.whl"))
    assert local.reevaluate("--report-only", "--confirm", "2").returncode == 0
    assert list(local.output.glob("simple/*/*.whl"))
    local.environment["PACKAGE_GATE_CONFIRM"] = "2"
    assert local.reevaluate().returncode == 0
    assert not list(local.output.glob("simple/*/*.whl"))


def test_a_program_reads_the_document(local: LocalRun) -> None:
    done = local.reevaluate("--json", "--quiet")
    assert json.loads(done.stdout)["packages"] == 2
    local.environment["PACKAGE_GATE_POLCY"] = "x"
    assert "did you mean PACKAGE_GATE_POLICY?" in local.reevaluate().stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--scanners", "ruff"], "none of 'ruff' is a source of advisories"),
        (["--confirm", "many"], "invalid int value"),
        (["--advisories", "/nowhere"], "do not exist"),
    ],
)
def test_wrong_arguments_end_with_2(local: LocalRun, arguments: list[str], says: str) -> None:
    done = local.reevaluate(*arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_of_nothing_there_is_nothing_to_judge(local: LocalRun) -> None:
    local.output = local.folder / "empty"
    done = local.reevaluate()
    assert done.returncode == 0
    assert "0 packages looked up" in done.stdout
