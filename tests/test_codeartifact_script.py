"""`codeartifact-codeguru-security-scan.py` as the build runs it: fakes of AWS, real pip and CLI."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from package_gate.commands.advisory_sources import SAMPLE_ADVISORIES
from tests.aws_run import (
    CODEARTIFACT,
    CODEARTIFACT_VARIABLES,
    TOPIC,
    WITHOUT_WAITING,
    ScriptRun,
    script_run,
)
from tests.canaries import files_below, traces
from tests.fakes.aws import ACCESS_KEY_ID, AWS, DOMAIN, REPOSITORY, SECRET_ACCESS_KEY
from tests.fakes.aws_service import Fault
from tests.fakes.codeartifact import TOKEN_MARK
from tests.fakes.codeartifact_state import PackageKey
from tests.fakes.codeguru_security import finding
from tests.fakes.https_server import HTTPSServer, respond
from tests.fakes.inspector_scan import Vulnerability
from tests.fakes.package_index import PackageIndex
from tests.fakes.relay import Moment
from tests.local_run import POLICY
from tests.publishers.github_world import zipped

ARCHIVE = zipped({"tool-master/tool.py": b"x = 1\n"})
SECRETS = {
    "the AWS key's id": ACCESS_KEY_ID,
    "the AWS key": SECRET_ACCESS_KEY,
    "the CodeArtifact token": TOKEN_MARK,
}
TOOL = PackageKey(DOMAIN, REPOSITORY, "generic", "tool", "tool")
APP = PackageKey(DOMAIN, REPOSITORY, "pypi", "", "app")
PUBLISH, UPLOAD = "PublishPackageVersion", "pypi:upload"


@pytest.fixture
def build(tmp_path: Path, server: HTTPSServer, aws: AWS) -> Iterator[ScriptRun]:
    index = PackageIndex(server)
    index.add_wheel("app", "1.0", ["dep>=1"])
    index.add_wheel("dep", "1.5")
    server.routes["/tool.zip"] = respond(ARCHIVE)
    with script_run(tmp_path, index, aws, CODEARTIFACT, CODEARTIFACT_VARIABLES) as run:
        yield run


@pytest.fixture
def both(server: HTTPSServer) -> str:
    """One request of each kind."""
    return f"app,pypi:app,jo@example.com\ntool,{server.url}/tool.zip\n"


def assert_published_once(build: ScriptRun) -> None:
    service = build.aws.codeartifact
    published = [c.parameters["packageVersion"] for c in service.calls if c.operation == PUBLISH]
    uploaded = [c.parameters["asset"] for c in service.calls if c.operation == UPLOAD]
    assert len(published) == 2, published
    assert published[1] == "Latest"
    assert sorted(uploaded) == ["app-1.0-py3-none-any.whl", "dep-1.5-py3-none-any.whl"]


def test_the_emailed_commands_install_what_is_approved_and_what_is_refused_is_not_there(
    build: ScriptRun, both: str
) -> None:
    build.index.add_wheel("holey", "2.0", ["dep"])
    build.add_advisory("holey", "2.0")
    result = build.run(f"{both}holey,pypi:holey==2.0,kim@example.com\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.verdicts() == {"app": "approved", "tool": "approved", "holey": "refused"}
    emails = {email.attributes["package"]: email for email in build.emails()}
    assert {name: email.attributes for name, email in emails.items()} == {
        "app": {"verdict": "approved", "package": "app", "requester": "jo@example.com"},
        "tool": {"verdict": "approved", "package": "tool", "requester": "none"},
        "holey": {"verdict": "refused", "package": "holey", "requester": "kim@example.com"},
    }
    assert "PYSEC-2026-1" in emails["holey"].body

    got = build.notebook(command_in(emails["tool"].body))
    assert got.returncode == 0, got.stderr
    assert (build.folder / "notebook/tool.zip").read_bytes() == ARCHIVE
    installed = build.notebook(command_in(emails["app"].body))
    assert installed.returncode == 0, installed.stderr
    assert {"app", "dep"} <= {path.name for path in build.site.iterdir()}
    assert "No matching distribution found for holey" in build.notebook("pip install holey").stderr
    assert not any(key.package == "holey" for key in build.aws.codeartifact.packages)


def command_in(email: str) -> str:
    """Give the command of an approval's email."""
    (command,) = [line.strip() for line in email.splitlines() if line.startswith("    aws ")]
    return command


def test_what_a_rescan_refuses_can_no_longer_be_installed(build: ScriptRun, both: str) -> None:
    build.run(both)
    build.add_advisory("dep", "1.5", severity="CRITICAL")
    result = build.run(both, "--rescan")
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.verdicts() == {"app": "refused", "tool": "approved"}
    (email,) = [e for e in build.emails() if e.attributes["verdict"] == "refused"]
    assert email.subject == "[package gate] refused, dep 1.5 withdrawn: app"
    dep = PackageKey(DOMAIN, REPOSITORY, "pypi", "", "dep")
    assert build.aws.codeartifact.status(dep) == {"1.5": "Archived"}
    build.add_advisory("another", "1.0")
    for advisory in (build.advisories / "PyPI").iterdir():
        if "dep has" in advisory.read_text():
            advisory.unlink()
    before = len(build.aws.codeartifact.calls)
    assert build.run(both, "--rescan").returncode == 0
    assert build.verdicts() == {"app": "approved", "tool": "approved"}
    assert build.aws.codeartifact.status(dep) == {"1.5": "Published"}
    calls = build.aws.codeartifact.calls[before:]
    assert not [call for call in calls if call.operation == UPLOAD]


def test_credentials_are_nowhere_neither_when_it_fails_nor_when_it_works(
    build: ScriptRun, both: str
) -> None:
    """Not in a log, a report, an email, a record, nor in `/proc` of any process of the run."""
    for operation in (PUBLISH, UPLOAD):
        build.aws.codeartifact.order(operation, Fault("access-denied"))
    places = {}
    for expected in (1, 0):
        build.start(both)
        with build.watched() as processes:
            result = build.finish()
        assert result.returncode == expected, result.stdout + result.stderr
        scanned = processes.environments(b"package_gate.sandbox.worker")
        assert bool(scanned) == (expected == 1)  # the second run goes by what the first decided
        assert processes.environments(b"twine_worker.py")
        for name, content in {
            "standard output": result.stdout.encode(),
            "standard error": result.stderr.encode(),
            **processes.places(),
            **files_below(build.output),
        }.items():
            places[f"{name} (status {expected})"] = content
    places |= {f"email {n}": repr(email).encode() for n, email in enumerate(build.emails())}
    places |= build.records()
    assert traces(SECRETS, places) == []
    assert build.aws.codeartifact.tokens
    verdicts = [email.attributes["verdict"] for email in build.emails()]
    assert sorted(verdicts) == ["approved", "approved", "undecided", "undecided"]


def test_a_service_that_always_fails_leaves_the_requests_undecided_and_publishes_nothing(
    build: ScriptRun, both: str
) -> None:
    for operation in (PUBLISH, UPLOAD):
        build.aws.codeartifact.order(operation, Fault("internal-error", times=None))
    build.environment["PYTHONPATH"] = str(WITHOUT_WAITING)
    result = build.run(both)
    assert result.returncode == 1, result.stdout + result.stderr
    assert build.verdicts() == {"app": "undecided", "tool": "undecided"}
    assert not any(build.aws.codeartifact.packages.values())
    for email in build.emails():
        assert email.subject.startswith("[package gate] undecided: ")
        assert "Approved, but not published yet" in email.body
        assert "500" in email.body or "InternalServerException" in email.body
    assert len(build.emails()) == 2


def test_a_wrong_digest_from_the_service_is_never_an_approval(build: ScriptRun, both: str) -> None:
    for operation in (PUBLISH, UPLOAD):
        build.aws.codeartifact.order(operation, Fault("wrong-digest", times=None))
    result = build.run(both)
    assert result.returncode == 1, result.stdout + result.stderr
    assert build.verdicts() == {"app": "undecided", "tool": "undecided"}
    for request in build.report()["requests"]:
        assert f"SHA-256 {'0' * 64} in CodeArtifact" in request["reasons"][0]
    assert build.aws.codeartifact.status(TOOL) == {}


def test_two_builds_at_once_publish_and_tell_everything_once(build: ScriptRun, both: str) -> None:
    build.aws.codeartifact.order(PUBLISH, Fault("slow", seconds=1.5))  # so that they do overlap
    build.environment["PACKAGE_GATE_LEASE_SECONDS"] = "10"  # looked at every second
    builds = (build, build.another("other"))
    for each in builds:
        each.start(both)
    for each in builds:
        result = each.finish()
        assert result.returncode == 0, result.stdout + result.stderr
        assert each.verdicts() == {"app": "approved", "tool": "approved"}
    assert_published_once(build)
    assert len(build.emails()) == 2


@pytest.mark.parametrize("published", ["generic/tool", "pypi/app"])
def test_a_build_killed_between_publishing_and_recording_it_is_finished_by_the_next(
    build: ScriptRun, both: str, published: str
) -> None:
    noting = f'"published_to": "codeartifact://{DOMAIN}/{REPOSITORY}/{published}'
    build.relay.moments.append(Moment(noting, build.kill))
    build.start(both)
    assert build.finish().returncode == -9
    assert build.aws.codeartifact.status(TOOL if published == "generic/tool" else APP)
    assert traces(SECRETS, files_below(build.output)) == []
    result = build.run(both)
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.verdicts() == {"app": "approved", "tool": "approved"}
    assert_published_once(build)
    assert sorted(email.attributes["package"] for email in build.emails()) == ["app", "tool"]


@pytest.mark.parametrize(("sent", "emails"), [(False, 1), (True, 2)])
def test_a_build_killed_at_its_email_sends_it_with_the_next_and_publishes_nothing_again(
    build: ScriptRun, both: str, *, sent: bool, emails: int
) -> None:
    """Killed before SNS has it: one email. Killed before it is noted that SNS has it: a second."""
    build.relay.moments.append(Moment("Action=Publish", build.kill, after=sent))
    request = both.splitlines()[1]
    build.start(request)
    assert build.finish().returncode == -9
    calls = len(build.aws.codeartifact.calls)
    result = build.run(request)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [email.attributes["verdict"] for email in build.emails()] == ["approved"] * emails
    assert len(build.aws.codeartifact.calls) == calls
    assert build.aws.codeartifact.count(PUBLISH) == 2


def test_an_email_that_fails_is_sent_by_the_next_build_and_nothing_is_published_again(
    build: ScriptRun, both: str
) -> None:
    topics = build.aws.client("sns")
    topics.delete_topic(TopicArn=TOPIC)
    result = build.run(both)
    assert result.returncode == 1, result.stdout + result.stderr
    assert build.verdicts() == {"app": "approved", "tool": "approved"}
    assert "could not be sent" in " ".join(result.stdout.split())
    calls = len(build.aws.codeartifact.calls)
    topics.create_topic(Name="verdicts")
    assert build.run(both).returncode == 0
    assert [email.attributes["verdict"] for email in build.emails()] == ["approved"] * 2
    assert len(build.aws.codeartifact.calls) == calls
    assert build.run(both).returncode == 0
    assert len(build.emails()) == 2


@pytest.mark.parametrize(
    ("value", "problem"), [("", "is missing"), ("two words or $(true)", "is malformed")]
)
def test_all_that_is_wrong_with_the_configuration_is_named_before_anything_is_downloaded(
    build: ScriptRun, both: str, value: str, problem: str
) -> None:
    names = ["ExampleDomain", "InternalRepository", "SNSTopic", "PACKAGE_GATE_RECORDS"]
    if value:
        names += [
            "AWS_REGION",
            "PACKAGE_GATE_DOMAIN_OWNER",
            "PACKAGE_GATE_RECORDS_KEY",
            "PACKAGE_GATE_LEASE_SECONDS",
        ]
    build.environment |= dict.fromkeys(names, value)
    result = build.run(both)
    assert result.returncode == 2
    for name in names:
        assert f"{name} {problem}: " in result.stderr
    assert "Traceback" not in result.stderr
    assert "two words" not in result.stderr
    assert build.index.server.requests == []
    assert build.relay.requests == []


def test_the_region_may_be_given_by_either_of_its_names(build: ScriptRun, both: str) -> None:
    del build.environment["AWS_DEFAULT_REGION"]
    assert build.run("").returncode == 0
    del build.environment["AWS_REGION"]
    result = build.run("")
    assert result.returncode == 2
    assert "AWS_REGION is missing" in result.stderr


def test_sample_advisories_are_not_taken(build: ScriptRun, both: str) -> None:
    result = build.run(both, "--advisories", str(SAMPLE_ADVISORIES))
    assert result.returncode == 2
    assert "sample advisories" in result.stderr
    assert build.index.server.requests == []


CODE_REFUSES = f'{POLICY}\n[refuse]\ncode = "medium"\n'


@pytest.mark.parametrize(
    "findings",
    [
        [finding("Critical", "python/code-injection")],
        # Three pages: what refuses is the last of all.
        [*(finding("Info", f"python/style-{n}") for n in range(4)), finding("High", "python/x")],
    ],
    ids=["a Critical as the only one", "a High on page 3"],
)
def test_what_codeguru_finds_refuses(
    build: ScriptRun, both: str, findings: list[dict[str, Any]]
) -> None:
    build.policy = CODE_REFUSES
    build.aws.codeguru.findings = findings
    build.aws.codeguru.page_size = 2
    result = build.run(both.splitlines()[1], "--scanners", "osv,codeguru")
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.verdicts() == {"tool": "refused"}
    assert build.aws.codeguru.count("GetFindings") == (len(findings) + 1) // 2
    assert findings[-1]["ruleId"] in build.emails()[0].body
    assert build.aws.codeartifact.packages == {}
    assert build.aws.codeguru.rejected == []


def test_what_inspector_finds_in_a_dependency_refuses(build: ScriptRun) -> None:
    build.aws.inspector.vulnerabilities["pkg:pypi/dep@1.5"] = [
        Vulnerability("CVE-2026-1", "critical", fixed_version="1.6")
    ]
    result = build.run("app,pypi:app\n", "--scanners", "osv,inspector")
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.verdicts() == {"app": "refused"}
    assert "CVE-2026-1" in build.emails()[0].body
    assert build.aws.codeartifact.packages == {}
    assert build.aws.inspector.rejected == []


def test_snyk_without_its_token_is_named_before_anything_is_downloaded(
    build: ScriptRun, both: str
) -> None:
    result = build.run(both, "--scanners", "osv,snyk")
    assert result.returncode == 2
    assert "PACKAGE_GATE_SNYK_TOKEN is missing" in result.stderr
    assert build.index.server.requests == []


def test_a_scanner_that_always_fails_leaves_the_request_undecided_and_publishes_nothing(
    build: ScriptRun, both: str
) -> None:
    build.aws.codeguru.order("CreateScan", Fault("internal-error", times=None))
    build.environment["PYTHONPATH"] = str(WITHOUT_WAITING)
    result = build.run(both.splitlines()[1], "--scanners", "osv,codeguru")
    assert result.returncode == 1, result.stdout + result.stderr
    assert build.verdicts() == {"tool": "undecided"}
    assert build.aws.codeartifact.calls == []
    (email,) = build.emails()
    assert email.attributes["verdict"] == "undecided"
    assert "The scanner codeguru did not finish" in " ".join(email.body.split())


def use_store(build: ScriptRun) -> None:
    """Let the build's index stand in for a CodeArtifact repository with public packages."""
    service = build.aws.codeartifact
    service.create_repository({"domain": DOMAIN, "repository": "pypi-store"})
    service.endpoints["pypi-store"] = build.index.url.removesuffix("simple")
    build.environment["PACKAGE_GATE_INDEX_REPOSITORY"] = "pypi-store"


def test_packages_can_come_from_a_store_that_needs_the_builds_own_login(build: ScriptRun) -> None:
    """The layout of two repositories: the gate alone reads the store, and fills the other."""
    use_store(build)
    tokens = build.aws.codeartifact.tokens
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL"):  # none of these counts
        build.environment[name] = "https://localhost:9/simple"
    build.index.asks_for = lambda user, password: user == "aws" and password in tokens
    result = build.run("app,pypi:app,jo@example.com\n")
    assert build.verdicts() == {"app": "approved"}, result.stdout + result.stderr
    assert result.returncode == 0
    places = files_below(build.output) | {"output": (result.stdout + result.stderr).encode()}
    assert traces(SECRETS, places | build.records()) == []


def test_a_store_without_rights_to_it_leaves_everything_undecided(build: ScriptRun) -> None:
    use_store(build)
    build.index.asks_for = lambda user, password: False
    result = build.run("app,pypi:app,jo@example.com\n")
    assert build.verdicts() == {"app": "undecided"}
    assert result.returncode == 1


def test_a_store_that_is_not_there_is_named(build: ScriptRun) -> None:
    build.environment["PACKAGE_GATE_INDEX_REPOSITORY"] = "pypi-store"
    result = build.run("app,pypi:app,jo@example.com\n")
    assert result.returncode == 1
    assert "GetRepositoryEndpoint failed: ResourceNotFoundException" in result.stderr
