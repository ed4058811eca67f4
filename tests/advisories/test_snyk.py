"""The source `snyk` with a program that behaves as the Snyk CLI does."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap

from package_gate.advisories import snyk, snyk_lock
from package_gate.advisories.interface import NOT_LOOKED_UP, AdvisorySource, NamedPackage
from package_gate.advisories.snyk import Snyk, SnykSettings
from package_gate.aws.secrets import read_secret
from package_gate.core.errors import ConfigurationError, ScannerError
from package_gate.core.finding import Finding, Kind, ScannerInfo, Severity
from tests.aws_fixture import aws, moto_url  # noqa: F401  # fixtures
from tests.fakes.aws import AWS
from tests.fakes.snyk_cli import TOKEN, VERSION, SnykCLI, install, vulnerability

PYYAML = "pkg:pypi/pyyaml@5.3.1"
FLAW = vulnerability("SNYK-PYTHON-PYYAML-590151", "critical", fixed=("5.4",))
STORE = {"ssm:/gate/snyk-token": TOKEN, "ssm:/gate/snyk-org": "my-org"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once."""
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give what a store would; the stores themselves are tested in test_secrets.py."""
    kept = dict(STORE)
    monkeypatch.setattr(snyk, "read_secret", lambda reference, *stores: kept[reference])
    return kept


@pytest.fixture
def cli(tmp_path: Path) -> SnykCLI:
    folder = tmp_path / "bin"
    folder.mkdir()
    return install(folder)


@pytest.fixture
def settings(cli: SnykCLI, tmp_path: Path) -> SnykSettings:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return SnykSettings(
        "ssm:/gate/snyk-token", scratch, cli.path, environment={"HTTPS_PROXY": "http://p.test"}
    )


def make(settings: SnykSettings, **changes: object) -> Snyk:
    unused: Any = None
    return Snyk(replace(settings, **changes), unused, unused)  # type: ignore[arg-type]


def known(source: AdvisorySource, name: str, version: str) -> tuple[Finding, ...]:
    [found] = source.query([NamedPackage(name, version)])
    return found


# Findings


def test_a_critical_vulnerability_of_the_package_is_one_finding(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities[PYYAML] = [FLAW]
    cli.know()

    assert known(make(settings), "pyyaml", "5.3.1") == (
        Finding(
            scanner="snyk",
            rule="SNYK-PYTHON-PYYAML-590151",
            kind=Kind.VULNERABILITY,
            severity=Severity.CRITICAL,
            message="Arbitrary Code Execution.",
            recommendation="Upgrade to 5.4 or newer.",
            references=(
                "https://security.snyk.io/vuln/SNYK-PYTHON-PYYAML-590151",
                "https://code.example/commit/1",
            ),
            aliases=("CVE-2020-14343", "GHSA-8q59"),
            fixed_in=("5.4",),
        ),
    )


def test_a_package_without_vulnerabilities_has_no_findings(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    assert known(make(settings), "six", "1.17.0") == ()
    assert len(cli.tests) == 1


def test_a_critical_issue_that_old_versions_call_high_is_critical(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    old = vulnerability("SNYK-1", "high", severityWithCritical="critical")
    cli.vulnerabilities[PYYAML] = [old]
    cli.know()

    assert known(make(settings), "pyyaml", "5.3.1")[0].severity is Severity.CRITICAL


def test_an_issue_without_a_severity_is_a_finding_without_one(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities[PYYAML] = [vulnerability("SNYK-1", severityWithCritical=None, severity="")]
    cli.know()

    assert [each.severity for each in known(make(settings), "pyyaml", "5.3.1")] == [None]


def test_an_unknown_severity_is_an_error(cli: SnykCLI, settings: SnykSettings) -> None:
    cli.vulnerabilities[PYYAML] = [vulnerability("SNYK-1", "catastrophic")]
    cli.know()

    with pytest.raises(ScannerError, match="unknown severity 'catastrophic'"):
        known(make(settings), "pyyaml", "5.3.1")


def test_a_malicious_package_is_critical_malware(cli: SnykCLI, settings: SnykSettings) -> None:
    cli.vulnerabilities["pkg:pypi/evil@1.0"] = [vulnerability("SNYK-1", "low", malicious=True)]
    cli.know()

    [finding] = known(make(settings), "evil", "1.0")

    assert (finding.kind, finding.severity) == (Kind.MALWARE, Severity.CRITICAL)


def test_an_issue_of_a_licence_is_no_finding(cli: SnykCLI, settings: SnykSettings) -> None:
    cli.vulnerabilities[PYYAML] = [vulnerability("snyk:lic:pip:pyyaml:GPL-3.0", type="license")]
    cli.know()

    assert known(make(settings), "pyyaml", "5.3.1") == ()


def test_an_issue_that_is_ignored_at_snyk_is_a_finding_all_the_same(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.ignored[PYYAML] = [FLAW]
    cli.know()

    assert [each.rule for each in known(make(settings), "pyyaml", "5.3.1")] == [FLAW["id"]]


def test_each_package_has_its_own_answer_in_the_order_of_the_question(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities = {PYYAML: [FLAW], "pkg:pypi/torch@2.0": [vulnerability("SNYK-2")]}
    cli.know()
    asked = [("torch", "2.0+cpu"), ("six", "1.17.0"), ("pyyaml", "5.3.1"), ("torch", "2.0")]

    found = make(settings).query([NamedPackage(*each) for each in asked])

    assert [[each.rule for each in findings] for findings in found] == [
        ["SNYK-2"],
        [],
        [FLAW["id"]],
        ["SNYK-2"],
    ]
    assert len(cli.tests) == 1


def test_several_releases_of_one_name_are_looked_up_one_after_another(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities = {PYYAML: [FLAW]}
    cli.know()
    asked = [("pyyaml", "6.0"), ("six", "1.17.0"), ("pyyaml", "5.3.1")]

    found = make(settings).query([NamedPackage(*each) for each in asked])

    assert [len(findings) for findings in found] == [0, 0, 1]
    assert [run["files"]["poetry.lock"].count("[[package]]") for run in cli.tests] == [2, 1]


TOOLS = [
    NamedPackage(name, "65.0") for name in ("distribute", "pip", "python", "setuptools", "wheel")
]


def test_what_the_cli_leaves_out_of_lock_files_is_spelled_so_that_it_is_looked_up(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    for package in TOOLS:
        cli.vulnerabilities[f"pkg:pypi/{package.name}@65.0"] = [FLAW]
    cli.know()

    found = make(settings).query([*TOOLS, NamedPackage("six", "1.17.0")])

    assert [[each.rule for each in findings] for findings in found] == [[FLAW["id"]]] * 5 + [[]]


def test_what_the_cli_leaves_out_all_the_same_is_not_looked_up(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities[PYYAML] = [FLAW]
    cli.know()
    cli.order("leaves-out")

    found = make(settings).query([*TOOLS, NamedPackage("pyyaml", "5.3.1")])

    assert [[each.rule for each in findings] for findings in found] == [
        *[[NOT_LOOKED_UP]] * 5,
        [FLAW["id"]],
    ]


@pytest.mark.parametrize("names", [("six", "pyyaml"), ("six", "pip", "wheel")])
def test_a_test_of_less_packages_than_it_was_given_is_an_error(
    cli: SnykCLI, settings: SnykSettings, names: tuple[str, ...]
) -> None:
    cli.order("miscounts")

    with pytest.raises(ScannerError, match=rf"tested {len(names) - 1} packages; .* {len(names)}\."):
        make(settings).query([NamedPackage(name, "1.0") for name in names])


def test_an_answer_that_does_not_say_how_much_was_tested_is_an_error(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    answering(cli, '"dependencyCount"', '"dependencies"')

    with pytest.raises(ScannerError, match="it tested 0 packages"):
        known(make(settings), "six", "1.17.0")


def test_with_an_enterprise_plan_the_cli_is_given_sboms(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities = {PYYAML: [FLAW], "pkg:pypi/pip@25.0": [FLAW]}
    cli.know()
    asked = [("pyyaml", "5.3.1"), ("pip", "25.0"), ("six", "1.17.0"), ("six", "1.16.0")]

    found = make(settings, enterprise=True).query([NamedPackage(*each) for each in asked])

    assert [len(findings) for findings in found] == [1, 1, 0, 0]
    [run] = cli.tests
    assert run["arguments"][:2] == ["sbom", "test"]
    assert run["files"].keys() == {"sbom.json"}


@pytest.mark.parametrize(
    ("enterprise", "command"), [(False, ["monitor"]), (True, ["sbom", "monitor"])]
)
def test_packages_are_watched_under_their_projects_name(
    cli: SnykCLI, settings: SnykSettings, enterprise: bool, command: list[str]
) -> None:
    packages = [NamedPackage("pip", "25.0"), NamedPackage("six", "1.17.0")]

    make(settings, enterprise=enterprise).monitor(packages, "team/app", "main")

    [run] = cli.monitored
    assert run["arguments"][: len(command)] == command
    assert "--target-reference=main" in run["arguments"]
    text = " ".join([*run["arguments"], *run["files"].values()])
    assert all(word in text for word in ("team/app", "pip", "25.0", "six", "1.17.0"))


def test_a_second_release_of_a_name_is_watched_beside_the_first(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    packages = [NamedPackage("six", "1.17.0"), NamedPackage("six", "1.16.0")]

    make(settings).monitor(packages, "team/app", "")

    assert [run["arguments"][3] for run in cli.monitored] == [
        "--project-name=team/app",
        "--project-name=team/app (2)",
    ]


def test_a_failure_to_watch_is_an_error(cli: SnykCLI, settings: SnykSettings) -> None:
    cli.order("failure")

    with pytest.raises(ScannerError, match=r"snyk monitor ended with status 2 \(The service"):
        make(settings).monitor([NamedPackage("six", "1.17.0")], "team/app", "")


def test_nothing_is_asked_about_no_package(cli: SnykCLI, settings: SnykSettings) -> None:
    assert make(settings).query([]) == []
    assert cli.runs == []


def answering(cli: SnykCLI, said: str, instead: str) -> None:
    """Let the CLI say something else of a package than it was asked about."""
    program = cli.folder / "snyk"
    text = program.resolve().read_text().replace(said, instead)
    program.unlink()
    program.write_text(text)
    program.chmod(0o755)


def test_an_issue_of_a_version_that_is_spelled_in_another_way_is_not_lost(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities[PYYAML] = [FLAW]
    cli.know()
    answering(cli, '"version": version}', '"version": "5.3.1.0"}')

    [finding] = known(make(settings), "pyyaml", "5.3.1")

    assert finding.message == "Snyk names pyyaml 5.3.1.0: Arbitrary Code Execution."


def test_an_issue_of_a_package_that_was_not_asked_for_is_an_error(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.vulnerabilities[PYYAML] = [FLAW]
    cli.know()
    answering(cli, '"name": name', '"name": "another"')

    with pytest.raises(ScannerError, match=r"about another 5\.3\.1, which it was not asked about"):
        known(make(settings), "pyyaml", "5.3.1")


def test_more_packages_than_one_lock_file_takes_are_split(
    cli: SnykCLI, settings: SnykSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snyk_lock, "MOST_PACKAGES", 2)
    cli.vulnerabilities["pkg:pypi/p4@1.0"] = [FLAW]
    cli.know()

    found = make(settings).query([NamedPackage(f"p{number}", "1.0") for number in range(5)])

    assert [len(findings) for findings in found] == [0, 0, 0, 0, 1]
    assert len(cli.tests) == 3


# Exit statuses and answers


def test_a_failure_that_passes_is_tried_again(cli: SnykCLI, settings: SnykSettings) -> None:
    cli.vulnerabilities[PYYAML] = [FLAW]
    cli.know()
    cli.order("failure")
    cli.order("crash")

    assert len(known(make(settings), "pyyaml", "5.3.1")) == 1
    assert len(cli.tests) == 3


@pytest.mark.parametrize(
    ("fault", "words", "runs"),
    [
        ("failure", r"snyk failed \(The service is not available \(SNYK-9999\)\)", 3),
        ("crash", "ended with status -11", 3),
        ("nothing-tested", r"nothing that it can test \(no supported files found\)", 1),
        ("garbage", "no test result", 1),
        ("cut", "no test result", 1),
        ("empty", "holds no test result", 1),
        ("denies", "contradict each other", 1),
        ("flood", "wrote more than", 1),
    ],
)
def test_what_is_no_finished_test_is_an_error(
    cli: SnykCLI,
    settings: SnykSettings,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    words: str,
    runs: int,
) -> None:
    monkeypatch.setattr(snyk, "MAX_OUTPUT_BYTES", 1 << 20)
    cli.vulnerabilities[PYYAML] = [FLAW]
    cli.know()
    cli.order(fault, times=9)

    with pytest.raises(ScannerError, match=words):
        known(make(settings), "pyyaml", "5.3.1")

    assert len(cli.tests) == runs


def test_a_status_that_claims_vulnerabilities_without_any_is_an_error(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.order("claims")

    with pytest.raises(ScannerError, match="contradict each other"):
        known(make(settings), "six", "1.17.0")


def test_a_run_that_hangs_is_killed_with_its_helpers(cli: SnykCLI, settings: SnykSettings) -> None:
    cli.order("hang")
    started = time.monotonic()

    with pytest.raises(ScannerError, match="did not end within 1 seconds"):
        known(make(settings, timeout=1.0), "six", "1.17.0")

    assert time.monotonic() - started < 30
    assert not processes_in(settings.scratch)
    assert list(settings.scratch.iterdir()) == []


def test_a_helper_that_outlives_the_cli_holds_nobody_up(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    cli.order("helper")

    assert known(make(settings), "six", "1.17.0") == ()
    assert not processes_in(settings.scratch)


def processes_in(folder: Path) -> list[str]:
    """The processes that still work below a folder once those that were killed had time to die."""
    deadline = time.monotonic() + 10
    while (found := _working_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _working_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in os.readlink(process / "cwd"):  # noqa: PTH115  # as text
                found.append(process.name)
        except OSError:
            continue
    return found


# The token and the environment


def test_the_cli_gets_a_small_environment_and_an_empty_home(
    cli: SnykCLI, settings: SnykSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")

    known(make(settings), "six", "1.17.0")

    [run] = cli.tests
    environment = run["environment"]
    assert environment.keys() - {"LC_CTYPE"} == {
        "PATH",
        "HOME",
        "TMPDIR",
        "CI",
        "SNYK_DISABLE_ANALYTICS",
        "SNYK_TOKEN",
        "HTTPS_PROXY",
    }
    assert environment["HOME"] == environment["TMPDIR"] == run["folder"]
    assert Path(run["folder"]).parent == settings.scratch
    assert run["files"].keys() == {"poetry.lock", "pyproject.toml"}
    assert list(settings.scratch.iterdir()) == []


def test_the_organisation_is_an_argument(cli: SnykCLI, settings: SnykSettings) -> None:
    known(make(settings, organisation="ssm:/gate/snyk-org"), "six", "1.17.0")

    assert "--org=my-org" in cli.tests[0]["arguments"]


@contextmanager
def watched_commands() -> Iterator[set[bytes]]:
    """Collect the command line of every process that is seen meanwhile."""
    seen: set[bytes] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    seen.add((process / "cmdline").read_bytes())
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def test_the_token_is_in_no_command_no_log_no_file_and_no_message(
    cli: SnykCLI, settings: SnykSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cli.vulnerabilities[PYYAML] = [FLAW]
    cli.know()
    scanner = make(settings)

    with watched_commands() as commands:
        found = known(scanner, "pyyaml", "5.3.1")
        cli.order("tells-token", times=3)
        with pytest.raises(ScannerError, match=r"could not log in with \*\*\*") as error:
            known(scanner, "six", "1.17.0")

    assert any(b"poetry.lock" in command for command in commands)
    told = [repr(found), str(error.value), caplog.text, repr(scanner), repr(settings)]
    assert TOKEN not in " ".join(told)
    assert TOKEN.encode() not in b"".join(commands)
    assert [run for run in cli.runs if TOKEN in repr(run["arguments"])] == []


def test_the_version_is_asked_once_and_without_the_token(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    unused: Any = None
    scanner = Snyk(settings, unused, unused, lambda: datetime(2026, 11, 22, tzinfo=UTC))

    infos = [scanner.info, scanner.info]

    assert infos == [ScannerInfo("snyk", VERSION, "2026-11-22", "Snyk")] * 2
    assert [run["arguments"] for run in cli.runs] == [["--version"]]
    assert "SNYK_TOKEN" not in cli.runs[0]["environment"]


def test_a_wrong_token_is_an_error(
    cli: SnykCLI, settings: SnykSettings, secrets: dict[str, str]
) -> None:
    secrets["ssm:/gate/snyk-token"] = "another-token-0123456789"

    with pytest.raises(ScannerError, match="Authentication error"):
        known(make(settings), "six", "1.17.0")


# Configuration


def test_a_missing_cli_is_a_configuration_error(settings: SnykSettings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Snyk CLI was not found on PATH"):
        make(settings, program_path=str(tmp_path))


@pytest.mark.parametrize("kept", ["short", '{"token": "0123456789abcdef"}', "two words and more"])
def test_what_is_no_token_is_a_configuration_error_that_does_not_repeat_it(
    settings: SnykSettings, secrets: dict[str, str], kept: str
) -> None:
    secrets["ssm:/gate/snyk-token"] = kept

    with pytest.raises(ConfigurationError, match="ssm:/gate/snyk-token is no Snyk token") as error:
        make(settings)

    assert kept not in str(error.value)


def test_an_organisation_that_is_none_is_a_configuration_error(
    settings: SnykSettings, secrets: dict[str, str]
) -> None:
    secrets["ssm:/gate/snyk-org"] = "my org --debug"

    with pytest.raises(ConfigurationError, match="ssm:/gate/snyk-org is no Snyk organisation"):
        make(settings, organisation="ssm:/gate/snyk-org")


def test_a_cli_that_does_not_tell_its_version_is_an_error(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    scanner = make(settings)
    program = cli.folder / "snyk"
    program.unlink()
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)

    with pytest.raises(ScannerError, match="does not tell its version"):
        _ = scanner.info


def test_a_cli_that_cannot_be_started_is_an_error(cli: SnykCLI, settings: SnykSettings) -> None:
    scanner = make(settings)
    (cli.folder / "snyk").unlink()

    with pytest.raises(ScannerError, match="snyk can't be started"):
        known(scanner, "six", "1.17.0")


def test_token_and_organisation_come_from_the_stores_and_not_into_the_log(
    cli: SnykCLI,
    settings: SnykSettings,
    aws: AWS,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(snyk, "read_secret", read_secret)
    caplog.set_level(logging.DEBUG)
    ssm, secretsmanager = aws.client("ssm"), aws.client("secretsmanager")
    secretsmanager.create_secret(Name="gate/snyk", SecretString=f"{TOKEN}\n")
    ssm.put_parameter(Name="/gate/snyk-org", Value="my-org", Type="SecureString")
    caplog.clear()  # of what the test itself has sent
    by_reference = replace(
        settings, token="secretsmanager:gate/snyk", organisation="ssm:/gate/snyk-org"
    )

    assert known(Snyk(by_reference, ssm, secretsmanager), "six", "1.17.0") == ()
    assert "--org=my-org" in cli.tests[0]["arguments"]
    assert "GetSecretValue" in caplog.text
    assert TOKEN not in caplog.text


# Several at once


def test_several_packages_at_once_get_their_own_findings(
    cli: SnykCLI, settings: SnykSettings
) -> None:
    for number in range(4):
        issue = vulnerability(f"SNYK-{number}")
        cli.vulnerabilities[f"pkg:pypi/p{number}@1.0"] = [issue]
    cli.know()
    scanner = make(settings)

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda number: known(scanner, f"p{number}", "1.0"), range(4))

    assert [[each.rule for each in findings] for findings in found] == [
        [f"SNYK-{number}"] for number in range(4)
    ]
