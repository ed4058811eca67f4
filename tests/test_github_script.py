"""`github-codeguru-security-scan.py` as the build runs it: a real git server, fakes of AWS, pip."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from package_gate.commands.advisory_sources import SAMPLE_ADVISORIES
from tests.aws_run import (
    CODEARTIFACT,
    CODEARTIFACT_VARIABLES,
    GITHUB,
    WITHOUT_WAITING,
    ScriptRun,
    github_variables,
    script_run,
)
from tests.canaries import files_below, git_history, traces
from tests.fakes import snyk_cli
from tests.fakes.aws import ACCESS_KEY_ID, AWS, SECRET_ACCESS_KEY
from tests.fakes.git_server import Fault
from tests.fakes.https_server import HTTPSServer, respond
from tests.fakes.package_index import PackageIndex
from tests.fakes.relay import Moment
from tests.publishers.github_world import SAMPLE, TOKEN, World, github_world, zipped

SECRETS = {
    "the GitHub token": TOKEN,
    "the AWS key's id": ACCESS_KEY_ID,
    "the AWS key": SECRET_ACCESS_KEY,
}
PUSH = "POST /organisation/packages.git/git-receive-pack"
BRANCHES = ["pypi-packages/app/1.0", "pypi-packages/dep/1.5", "pypi/app", "tool"]
"""Of the archive and of the PyPI request, its two packages included."""


@dataclass
class Build:
    """A build and the git server that it publishes to."""

    run: ScriptRun
    world: World
    requests: str
    """One request of each kind."""

    def branches(self) -> list[str]:
        return self.world.git("for-each-ref", "--format=%(refname:lstrip=2)").split()


@pytest.fixture
def build(tmp_path: Path, server: HTTPSServer, aws: AWS) -> Iterator[Build]:
    index = PackageIndex(server)
    index.add_wheel("app", "1.0", ["dep>=1"])
    index.add_wheel("dep", "1.5")
    server.routes["/master.zip"] = respond(zipped(SAMPLE))
    (tmp_path / "git").mkdir()
    with (
        github_world(tmp_path / "git") as world,
        script_run(tmp_path, index, aws, GITHUB, github_variables(world)) as run,
    ):
        yield Build(run, world, f"app,pypi:app\ntool,{server.url}/master.zip,jo@example.com\n")


def assert_published_once(build: Build) -> None:
    assert build.branches() == BRANCHES
    assert [build.world.commits(branch) for branch in BRANCHES] == [1] * 4
    assert build.world.git("for-each-ref", "--format=%(subject)", "refs/heads/tool") == (
        "tool: approved archive\n"
    )


def test_the_emailed_commands_install_what_is_approved_and_what_is_refused_is_not_there(
    build: Build,
) -> None:
    build.run.index.add_wheel("holey", "2.0", ["dep"])
    build.run.add_advisory("holey", "2.0")
    result = build.run.run(f"{build.requests}holey,pypi:holey==2.0\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.run.verdicts() == {"app": "approved", "tool": "approved", "holey": "refused"}
    assert_published_once(build)
    address = f"https://{build.world.server.host}/organisation/packages.git"
    commands = {
        "tool": f'pip install "git+{address}@tool"',
        "app": f"git clone --depth 1 --branch pypi/app {address} app && "
        "pip install --no-index --find-links app/packages --require-hashes "
        "-r app/requirements.txt",
    }
    emails = {email.attributes["package"]: email for email in build.run.emails()}
    assert emails["tool"].attributes == {
        "verdict": "approved",
        "package": "tool",
        "requester": "jo@example.com",
    }
    assert emails["holey"].attributes["verdict"] == "refused"
    for name, command in commands.items():
        assert f"    {command}\n" in emails[name].body
        installed = build.world.notebook(command)
        assert installed.returncode == 0, installed.stderr
    assert (build.world.site / "sample.py").read_bytes() == SAMPLE["sample-master/sample.py"]
    assert {"app", "dep"} <= {path.name for path in build.world.site.iterdir()}
    assert build.world.content("tool", ".packages/tool.zip") == zipped(SAMPLE)


def test_what_a_rescan_refuses_can_no_longer_be_installed(build: Build) -> None:
    build.run.run(build.requests)
    build.run.add_advisory("dep", "1.5", severity="CRITICAL")
    result = build.run.run(build.requests, "--rescan")
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.run.verdicts() == {"app": "refused", "tool": "approved"}
    for branch in ("pypi/app", "pypi-packages/dep/1.5"):
        assert build.world.files(branch) == ["WITHDRAWN.md"]
    (email,) = [e for e in build.run.emails() if e.attributes["verdict"] == "refused"]
    assert email.subject == "[package gate] refused, dep 1.5 withdrawn: app"


def test_credentials_are_nowhere_neither_when_it_fails_nor_when_it_works(
    build: Build, tmp_path: Path
) -> None:
    """Not in a log, a report, an email, a record, the repository, nor in `/proc` of a process.

    The services' scanners take part; only the Snyk CLI gets a credential, and only Snyk's.
    """
    (tmp_path / "bin").mkdir()
    snyk = snyk_cli.install(tmp_path / "bin")
    build.run.environment["PATH"] = snyk.path
    build.run.environment["PACKAGE_GATE_SNYK_TOKEN"] = "ssm:/gate/snyk"
    build.run.aws.client("ssm").put_parameter(
        Name="/gate/snyk", Value=snyk_cli.TOKEN, Type="SecureString"
    )
    build.world.server.faults += [Fault(PUSH, status=403) for _ in range(2)]
    places = {}
    for expected in (1, 0):
        build.run.start(build.requests, "--scanners", "osv,codeguru,inspector,snyk")
        with build.run.watched() as processes:
            result = build.run.finish()
        assert result.returncode == expected, result.stdout + result.stderr
        for program in (b"package_gate.sandbox.worker", b"git\0", b"git-remote-http"):
            assert processes.environments(program), program
        for name, content in {
            "standard output": result.stdout.encode(),
            "standard error": result.stderr.encode(),
            **processes.places(),
            **files_below(build.run.output),
        }.items():
            places[f"{name} (status {expected})"] = content
    places |= {f"email {n}": repr(email).encode() for n, email in enumerate(build.run.emails())}
    places |= build.run.records()
    places |= git_history(build.world.repository)
    places["paths of requests"] = repr([s.line for s in build.world.server.requests]).encode()
    assert traces(SECRETS, places) == []
    found = traces({"the Snyk token": snyk_cli.TOKEN}, places)
    assert snyk.tests
    assert all(place.startswith("the Snyk token in environment of process") for place in found)
    assert all("/bin/snyk test --json" in place or "snyk --version" in place for place in found)
    # In each run once for the closure as it is resolved; the archive names no dependency.
    assert build.run.aws.inspector.count("ScanSbom") == 2
    assert build.run.aws.codeguru.count("GetFindings") == 3
    assert_published_once(build)


def test_a_server_that_always_fails_leaves_the_requests_undecided_and_publishes_nothing(
    build: Build,
) -> None:
    build.world.server.faults.append(Fault("/organisation/packages.git", status=500, times=10_000))
    build.run.environment["PYTHONPATH"] = str(WITHOUT_WAITING)
    result = build.run.run(build.requests)
    assert result.returncode == 1, result.stdout + result.stderr
    assert build.run.verdicts() == {"app": "undecided", "tool": "undecided"}
    assert build.branches() == []
    emails = build.run.emails()
    assert [email.attributes["verdict"] for email in emails] == ["undecided"] * 2
    for email in emails:
        assert "Approved, but not published yet" in email.body
        assert "can't be reached or broke off" in " ".join(email.body.split())


def test_two_builds_at_once_publish_and_tell_everything_once(build: Build) -> None:
    build.run.environment["PACKAGE_GATE_LEASE_SECONDS"] = "10"  # looked at every second
    builds = (build.run, build.run.another("other"))
    for each in builds:
        each.start(build.requests)
    for each in builds:
        result = each.finish()
        assert result.returncode == 0, result.stdout + result.stderr
        assert each.verdicts() == {"app": "approved", "tool": "approved"}
    assert_published_once(build)
    assert len(build.run.emails()) == 2


def test_what_codeartifact_has_is_still_published_to_github(build: Build) -> None:
    """Two scripts with one place for records: neither goes by what the other has published."""
    first = build.run.another("first")
    first.script = CODEARTIFACT
    first.environment = {**build.run.environment, **CODEARTIFACT_VARIABLES}
    assert first.run(build.requests).returncode == 0
    assert len(build.run.aws.codeartifact.packages) == 3
    assert build.run.run(build.requests).returncode == 0
    assert_published_once(build)
    assert len(build.run.emails()) == 4


@pytest.mark.parametrize("moment", ["during the push", "after the push"])
def test_a_build_killed_between_publishing_and_recording_it_is_finished_by_the_next(
    build: Build, moment: str
) -> None:
    if moment == "during the push":  # git has what it needs and goes on without the build
        build.world.server.faults.append(Fault(PUSH, before=build.run.kill))
    else:
        build.run.relay.moments.append(Moment('"published_to": "http', build.run.kill))
    build.run.start(build.requests)
    assert build.run.finish().returncode == -9
    assert traces(SECRETS, files_below(build.run.output)) == []
    result = build.run.run(build.requests)
    assert result.returncode == 0, result.stdout + result.stderr
    assert build.run.verdicts() == {"app": "approved", "tool": "approved"}
    assert_published_once(build)
    assert sorted(email.attributes["package"] for email in build.run.emails()) == ["app", "tool"]


def test_a_build_killed_before_its_email_sends_it_with_the_next_and_publishes_nothing_again(
    build: Build,
) -> None:
    build.run.relay.moments.append(Moment("Action=Publish", build.run.kill))
    request = build.requests.splitlines()[1]
    build.run.start(request)
    assert build.run.finish().returncode == -9
    assert build.run.emails() == []
    assert build.run.run(request).returncode == 0
    (email,) = build.run.emails()
    assert email.attributes["verdict"] == "approved"
    assert build.world.pushes() == 1


def test_an_email_that_sns_does_not_take_is_sent_by_the_next_build(build: Build) -> None:
    build.run.relay.moments.append(Moment("Action=Publish", status=500, times=10_000))
    build.run.environment["PYTHONPATH"] = str(WITHOUT_WAITING)
    request = build.requests.splitlines()[1]
    result = build.run.run(request)
    assert result.returncode == 1, result.stdout + result.stderr
    assert build.run.verdicts() == {"tool": "approved"}
    assert "could not be sent" in " ".join(result.stdout.split())
    build.run.relay.moments.clear()
    assert build.run.run(request).returncode == 0
    assert [email.attributes["verdict"] for email in build.run.emails()] == ["approved"]
    assert build.world.pushes() == 1


@pytest.mark.parametrize(
    ("value", "problem"), [("", "is missing"), ("two words or $(true)", "is malformed")]
)
def test_all_that_is_wrong_with_the_configuration_is_named_before_anything_is_downloaded(
    build: Build, value: str, problem: str
) -> None:
    names = ["SNSTopic", "PACKAGE_GATE_RECORDS"]
    names += [f"PrivateGitHub{part}" for part in ("Owner", "Repo", "Username", "Email", "Token")]
    if value:
        names += ["PACKAGE_GATE_GITHUB_HOST", "AWS_REGION"]
    build.run.environment |= dict.fromkeys(names, value)
    result = build.run.run(build.requests)
    assert result.returncode == 2
    for name in names:
        assert f"{name} {problem}: " in result.stderr
    assert "Traceback" not in result.stderr
    assert "two words" not in result.stderr
    assert build.run.index.server.requests == []
    assert build.world.server.requests == []
    assert build.run.relay.requests == []


def test_sample_advisories_are_not_taken(build: Build) -> None:
    result = build.run.run(build.requests, "--advisories", str(SAMPLE_ADVISORIES))
    assert result.returncode == 2
    assert "sample advisories" in result.stderr
    assert build.run.index.server.requests == []
