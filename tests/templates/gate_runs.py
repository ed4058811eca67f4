"""Runs of the two scan scripts with a rendered build's variables, and what they asked of AWS."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from package_gate.core.decision import RequestDecision
from package_gate.core.owed import BegunPublication
from tests.aws_run import (
    BUCKET,
    CODEARTIFACT,
    CODEARTIFACT_VARIABLES,
    GITHUB,
    ScriptRun,
    github_variables,
    script_run,
)
from tests.fakes import snyk_cli
from tests.fakes.aws import AWS
from tests.fakes.codeguru_security import finding
from tests.fakes.https_server import HTTPSServer, respond
from tests.fakes.package_index import PackageIndex
from tests.fakes.recorded_calls import AWSCall, Keys, recorded
from tests.fakes.relay import Moment
from tests.publishers.github_world import SAMPLE, github_world, zipped
from tests.templates.deployment import Deployment
from tests.templates.physical import ACCOUNT, REGION

TOKEN_OF_SNYK = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/team/snyk"
NOTING = {
    "codeartifact": '"published_to": "codeartifact://',
    "github": '"published_to": "http',
}
"""A build is killed when it is about to note that a package is published."""


def calls_of(
    variant: str, deployment: Deployment, folder: Path, server: HTTPSServer, aws: AWS
) -> list[AWSCall]:
    """Decide requests in every way that there is, and give each call to AWS once.

    Killed while publishing and resumed, with all verdicts; repeated; withdrawn by a rescan;
    published again with the same bytes, with the scanners that are services besides.
    """
    found: list[AWSCall] = []

    offer_snyk(deployment, folder, aws)
    made = aws.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    key = made["KeyMetadata"]["Arn"]

    def ways(build: ScriptRun) -> None:
        assert build.environment["PACKAGE_GATE_SIGNER"] == f"kms:{deployment.arn('SigningKey')}"
        build.environment["PACKAGE_GATE_SIGNER"] = f"kms:{key}"
        build.environment["PATH"] = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
        _every_way(build, server, NOTING[variant])
        keys = Keys(
            topics={deployment.environment["SNSTopic"]: deployment.arn("KMSKey")},
            secrets={TOKEN_OF_SNYK: deployment.pipeline.parameters["SnykTokenKey"]},
            signing={key: deployment.arn("SigningKey")},
        )
        found.extend(recorded(aws, build.relay.received, keys))

    # The records name the git server, which plays GitHub here.
    def on_github(call: AWSCall) -> AWSCall:
        place = re.sub(r"(?<=/decisions/github/)localhost:\d+", "github.com", call.resource)
        return replace(call, resource=place)

    _with_build(variant, deployment, folder, server, aws, ways)
    return [on_github(call) for call in found]


def offer_snyk(deployment: Deployment, folder: Path, aws: AWS) -> None:
    """Put Snyk's program into `bin`, and what it needs to where the template says."""
    (folder / "bin").mkdir()
    snyk_cli.install(folder / "bin")
    given = deployment.pipeline.parameters
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=given["SnykToken"], Value=snyk_cli.TOKEN, Type="SecureString")
    ssm.put_parameter(Name=given["SnykOrganisation"], Value="research", Type="String")


def _with_build(
    variant: str,
    deployment: Deployment,
    folder: Path,
    server: HTTPSServer,
    aws: AWS,
    use: Callable[[ScriptRun], None],
) -> None:
    index = PackageIndex(server)
    index.add_wheel("app", "1.0", ["dep>=1"])
    index.add_wheel("dep", "1.5")
    index.add_wheel("holey", "2.0")
    if variant == "codeartifact":
        variables = {**CODEARTIFACT_VARIABLES, **deployment.environment}
        with script_run(folder, index, aws, CODEARTIFACT, variables) as build:
            _everything_to_relay(build)
            use(build)
        return
    (folder / "git").mkdir()
    with github_world(folder / "git") as world:
        variables = {**deployment.environment, **github_variables(world)}
        with script_run(folder, index, aws, GITHUB, variables) as build:
            _everything_to_relay(build)
            use(build)


def _everything_to_relay(build: ScriptRun) -> None:
    """Send every service that moto plays through the relay, those that nobody expects too."""
    moto = build.aws.moto_url
    names = [name for name, address in build.environment.items() if address == moto]
    build.environment |= dict.fromkeys(names, build.relay.url)
    # The advisories are the test's; the scanners are chosen run by run.
    del build.environment["PACKAGE_GATE_ADVISORIES"], build.environment["PACKAGE_GATE_SCANNERS"]


def _every_way(build: ScriptRun, server: HTTPSServer, noting: str) -> None:
    server.routes["/tool.zip"] = respond(zipped(SAMPLE))
    build.add_advisory("holey", "2.0")
    requests = f"app,pypi:app\ntool,{server.url}/tool.zip\nholey,pypi:holey\n"
    requests += f"gone,{server.url}/not-there.zip\n"
    verdicts = dict.fromkeys(("app", "tool"), "approved")
    verdicts |= {"holey": "refused", "gone": "undecided"}
    build.relay.moments.append(Moment(noting, build.kill))
    build.start(requests)
    assert build.finish().returncode == -9
    for _ in range(2):
        _expect(build, requests, verdicts)
    _leave_half_published(build)
    _expect(build, requests, verdicts)
    build.add_advisory("dep", "1.5", identifier="MAL-2026-1")
    _expect(build, requests, verdicts | {"app": "refused"}, "--rescan")
    for advisory in (build.advisories / "PyPI").iterdir():
        if "dep has" in advisory.read_text():
            advisory.unlink()
    services = ("--scanners", "osv,inspector,snyk,codeguru")
    build.aws.codeguru.findings = [finding("Info", "python/style")]
    _expect(build, requests, verdicts, "--rescan", *services)


def _leave_half_published(build: ScriptRun) -> None:
    """Leave what a run does that is killed while it replaces `Latest`, which is put back then."""
    for versions in build.aws.codeartifact.packages.values():
        versions.pop("Latest", None)
    for key, content in build.records().items():
        if "/requests/" in key and "/history/" not in key:
            decision = msgspec.json.decode(content, type=RequestDecision)
            if decision.name == "tool":
                begun = BegunPublication(decision.name, decision.source, decision.packages)
                build.aws.client("s3").put_object(
                    Bucket=BUCKET,
                    Key=key.replace("/requests/", "/owed/publish/"),
                    Body=msgspec.json.encode(begun),
                )


def _expect(build: ScriptRun, requests: str, verdicts: dict[str, str], *arguments: str) -> None:
    result = build.run(requests, *arguments)
    expected = int("undecided" in verdicts.values())
    assert result.returncode == expected, result.stdout + result.stderr
    assert build.verdicts() == verdicts
