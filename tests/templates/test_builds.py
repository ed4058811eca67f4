"""Every build project: its machine, its limits, its network, where it writes, what it is told."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.templates.deployment import BUCKET, DIGEST, PIPELINE, STAGED, VARIANTS, deployed
from tests.templates.iam import Request, evaluate, role
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered
from tests.templates.scan_world import BUCKET as SCAN_BUCKET
from tests.templates.scan_world import CONNECTION, SOURCES, STACK, scan_stack
from tests.templates.stage_calls import closed_network

MEDIUM, LARGE = "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE"


@dataclass(frozen=True)
class Build:
    """What a project has to itself."""

    minutes: int
    """After which it is stopped."""
    waits: int
    """Minutes that it waits for a machine."""
    source: str
    artifacts: str
    inside: str = ""
    """Its security group in the closed network; "" for the gate's own network."""
    compute: str = MEDIUM


# A scan takes "up to eight hours" (docs/staged-pipeline.md). A fleet's many builds wait for the
# account's quota. The pipeline hands files over; what nothing hands files to has no source.
EXPECTED = {
    "": Build(120, 60, "CODEPIPELINE", "CODEPIPELINE", "ConcludeSecurityGroup"),
    "-plan": Build(120, 60, "CODEPIPELINE", "CODEPIPELINE"),
    "-scan": Build(480, 60, "CODEPIPELINE", "CODEPIPELINE", "ScanSecurityGroup"),
    "-reevaluate": Build(120, 60, "NO_SOURCE", "S3", "ConcludeSecurityGroup"),
    "-fleet": Build(90, 480, "NO_SOURCE", "NO_ARTIFACTS", "ScanSecurityGroup", LARGE),
    "-observe": Build(480, 480, "NO_SOURCE", "NO_ARTIFACTS", "ScanSecurityGroup", LARGE),
}


@cache
def gate(variant: str = "codeartifact", **parameters: str) -> Rendered:
    """Every stage, with a fleet and with what observes."""
    of_all = {
        "FleetFrom": "10",
        "FleetMinutes": "90",
        "FleetCompute": LARGE,
        "ObserveImage": f"gate/{DIGEST}.tar.gz",
    }
    return deployed(variant, **{**STAGED, **of_all, **parameters}).pipeline


def projects(stack: Rendered) -> dict[str, dict[str, Any]]:
    found = stack.of_type("AWS::CodeBuild::Project").values()
    return {each.properties["Name"].removeprefix(PIPELINE): each.properties for each in found}


def variables(project: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in project["Environment"]["EnvironmentVariables"]}


def test_these_are_all_projects() -> None:
    assert set(projects(gate())) == set(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_a_build_has_its_limits_its_machine_and_its_way_of_files(
    name: str, expected: Build
) -> None:
    project = projects(gate())[name]
    environment = project["Environment"]
    assert int(project["TimeoutInMinutes"]) == expected.minutes
    assert project["QueuedTimeoutInMinutes"] == expected.waits
    assert project["Source"]["Type"] == expected.source
    assert project["Artifacts"]["Type"] == expected.artifacts
    assert environment["ComputeType"] == expected.compute
    assert environment["Type"] == "LINUX_CONTAINER"
    assert environment["Image"] == "aws/codebuild/amazonlinux-x86_64-standard:6.0"


@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - {"-reevaluate"}))  # it reads no package
def test_what_reads_packages_has_a_kernel_that_can_confine_it(name: str) -> None:
    """docs/security.md: Landlock, "Linux 5.13"; CodeBuild has a sixth on demand."""
    assert projects(gate())[name]["Environment"]["HostKernel"] == "LINUX_KERNEL_6"


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_a_build_is_in_its_network(name: str, expected: Build) -> None:
    stack = gate()
    outputs = closed_network(deployed("codeartifact", **STAGED)).outputs
    own = {
        "VpcId": "vpc-0a",
        "Subnets": ["subnet-0a", "subnet-0b"],
        "SecurityGroupIds": [stack.resources["CodeBuildSecurityGroup"].ref],
    }
    closed = {
        "VpcId": outputs["VpcId"],
        "Subnets": outputs["Subnets"].split(","),
        "SecurityGroupIds": [outputs.get(expected.inside)],
    }
    assert projects(stack)[name]["VpcConfig"] == (closed if expected.inside else own)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_build_writes_the_gates_log_and_encrypts_with_its_key(name: str) -> None:
    stack = gate()
    project = projects(stack)[name]
    log = {"Status": "ENABLED", "GroupName": stack.resources["BuildLog"].ref}
    assert project["LogsConfig"] == {"CloudWatchLogs": log}
    assert project["EncryptionKey"] == stack.resources["KMSKey"].attributes["Arn"]


EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
INTERFACE = f"{EC2}:network-interface/eni-1"


@pytest.mark.parametrize("name", ["BuildRole", "PlanRole", "ScanRole", "ObserveRole"])
def test_a_build_joins_its_own_network_alone_and_lends_its_interface_to_codebuild(
    name: str,
) -> None:
    """CodeBuild User Guide, "Allow CodeBuild access to AWS services required to create a VPC
    network interface"."""
    deployment = deployed(
        "codeartifact", **STAGED, FleetFrom="10", ObserveImage=f"gate/{DIGEST}.tar.gz"
    )
    closed = closed_network(deployment).outputs["VpcId"]
    roles = deployment.stack.of_type("AWS::IAM::Role")
    (made,) = (each for key, each in roles.items() if key.rpartition("/")[2] == name)
    caller = deployment.caller(made.attributes["Arn"])
    own = "vpc-0a" if name == "PlanRole" else closed
    codebuild = "codebuild.amazonaws.com"
    for vpc, lent, expected in (
        (own, codebuild, True),
        ("vpc-other", codebuild, False),
        (own, "lambda.amazonaws.com", False),
    ):
        there: dict[str, str | list[str]] = {"ec2:Vpc": f"{EC2}:vpc/{vpc}"}
        to = {**there, "ec2:AuthorizedService": lent}
        permission = deployment.evaluate(
            caller, "ec2:CreateNetworkInterfacePermission", INTERFACE, to
        )
        assert bool(permission) is expected
        for action, what in (
            ("CreateNetworkInterface", f"{EC2}:subnet/subnet-1"),
            ("DeleteNetworkInterface", INTERFACE),
        ):
            answer = deployment.evaluate(caller, f"ec2:{action}", what, there)
            assert bool(answer) is (vpc == own), action
    other = deployment.evaluate(
        caller, "ec2:CreateNetworkInterface", f"{EC2}:security-group/sg-other"
    )
    assert not other


def test_a_dependency_scan_joins_its_own_network_alone() -> None:
    made = scan_stack("github").resources
    documents = [
        made[f"{name}Rights"].properties["PolicyDocument"] for name in ("Network", "Interface")
    ]
    caller = role(made["BuildRole"].attributes["Arn"])
    for vpc, lent, expected in (
        ("vpc-0a", "codebuild", True),
        ("vpc-other", "codebuild", False),
        ("vpc-0a", "lambda", False),
    ):
        context: dict[str, str | list[str]] = {
            "ec2:Vpc": f"{EC2}:vpc/{vpc}",
            "ec2:AuthorizedService": f"{lent}.amazonaws.com",
        }
        for action in ("CreateNetworkInterfacePermission", "DeleteNetworkInterface"):
            asked = Request(caller, f"ec2:{action}", INTERFACE, context)
            allowed = expected or (vpc == "vpc-0a" and action == "DeleteNetworkInterface")
            assert bool(evaluate(asked, identity=documents)) is allowed, (action, vpc)


EVERY = {"S3ArtifactsBucket", "GateBundle", "GateBundleSHA256", "PACKAGE_GATE_RECORDS_KEY"}
"""Whatever runs the bundle needs to fetch it, and to write encrypted."""
DECIDES = {
    *("ScanScript", "Isolation", "PACKAGE_GATE_RECORDS", "PACKAGE_GATE_SCANNERS"),
    *("PACKAGE_GATE_ADVISORIES", "PACKAGE_GATE_INDEX_REPOSITORY", "PACKAGE_GATE_DOMAIN_OWNER"),
    *("ExampleDomain", "InternalRepository", "PrivateGitHubOwner", "PrivateGitHubRepo"),
}
"""What tells by which records, scanners and advisories, and of which repository, is decided."""
CONCLUDES = {
    *("SNSTopic", "PACKAGE_GATE_SIGNER", "PACKAGE_GATE_VERIFIER", "PACKAGE_GATE_SNYK_TOKEN"),
    *("PACKAGE_GATE_SNYK_ORGANISATION", "PACKAGE_GATE_SNYK_PLAN"),
    *("PrivateGitHubUsername", "PrivateGitHubEmail"),
}
"""What tells, signs and publishes: docs/staged-pipeline.md, what each stage may and must not."""
TOLD = {
    "": EVERY | DECIDES | CONCLUDES,
    "-plan": EVERY | DECIDES | {"PACKAGE_GATE_BATCHES", "PACKAGE_GATE_BATCHES_FROM"},
    "-scan": EVERY | {"ScanScript", "Isolation"},
    "-reevaluate": EVERY | DECIDES | CONCLUDES,
    "-fleet": EVERY | {"ScanScript", "Isolation"},
    "-observe": EVERY | {"ObserveImage"},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("name", "names"), TOLD.items())
def test_a_build_is_told_what_its_stage_needs_and_nothing_else(
    variant: str, name: str, names: set[str]
) -> None:
    found = projects(gate(variant))
    token = {"PrivateGitHubToken"} if variant == "github" and names >= CONCLUDES else set()
    assert set(variables(found[name])) == names | token
    for key, value in variables(found[name]).items():
        # What is observed is evidence of its run; a re-evaluation looks at no package.
        if (name, key) != ("-reevaluate", "PACKAGE_GATE_SCANNERS") and key in variables(found[""]):
            assert value == variables(found[""])[key], key


@pytest.mark.parametrize("name", EXPECTED)
def test_a_script_asks_for_nothing_that_its_build_is_not_told(name: str) -> None:
    project = projects(gate())[name]
    asked = set(re.findall(r"\$\{?([A-Z]\w*[a-z]\w*)", project["Source"]["BuildSpec"]))
    assert {"S3ArtifactsBucket", "GateBundle"} <= asked <= set(variables(project))


def test_a_plan_for_one_build_is_one_batch_and_one_for_a_fleet_many() -> None:
    for parameters, expected in (
        ({"FleetFrom": "10", "FleetConcurrency": "7"}, ("7", "10")),
        ({"FleetFrom": "0"}, ("1", "1")),
    ):
        told = variables(projects(gate(**parameters))["-plan"])
        assert (told["PACKAGE_GATE_BATCHES"], told["PACKAGE_GATE_BATCHES_FROM"]) == expected


def test_a_reevaluation_leaves_its_report_below_its_builds_id() -> None:
    """docs/operations.md: where it is; the pipeline's artifacts expire."""
    assert projects(gate())["-reevaluate"]["Artifacts"] == {
        "Type": "S3",
        "Location": BUCKET,
        "Path": PIPELINE,
        "NamespaceType": "BUILD_ID",
        "Name": "reevaluation",
        "Packaging": "NONE",
    }


# The dependency scan


@pytest.mark.parametrize("kind", SOURCES)
def test_a_dependency_scan_has_its_limits_machine_network_and_places(kind: str) -> None:
    """docs/dependency-scan.md: "two to three minutes", and `s3://BUCKET/STACK/BUILD-ID/report/`."""
    stack = scan_stack(kind)
    project = stack.resources["CodeBuildProject"].properties
    environment = project["Environment"]
    assert (project["TimeoutInMinutes"], project["QueuedTimeoutInMinutes"]) == (60, 60)
    assert project["Cache"] == {"Type": "S3", "Location": f"{SCAN_BUCKET}/cache/{STACK}"}
    log = {"Status": "ENABLED", "GroupName": stack.resources["BuildLog"].ref}
    assert project["LogsConfig"] == {"CloudWatchLogs": log}
    assert project["VpcConfig"] == {
        "VpcId": "vpc-0a",
        "Subnets": ["subnet-0a", "subnet-0b"],
        "SecurityGroupIds": [stack.resources["CodeBuildSecurityGroup"].ref],
    }
    assert project["Artifacts"] == {
        "Type": "S3",
        "Location": SCAN_BUCKET,
        "Path": STACK,
        "NamespaceType": "BUILD_ID",
        "Name": "report",
        "Packaging": "NONE",
    }
    assert environment["Type"] == "LINUX_CONTAINER"
    assert environment["ComputeType"] == MEDIUM
    assert environment["Image"] == "aws/codebuild/amazonlinux-x86_64-standard:6.0"
    assert environment["HostKernel"] == "LINUX_KERNEL_6"


@pytest.mark.parametrize("kind", SOURCES)
def test_a_dependency_scan_is_told_what_it_scans_and_by_what(kind: str) -> None:
    project = scan_stack(kind).resources["CodeBuildProject"].properties
    assert set(variables(project)) == {
        *("S3ArtifactsBucket", "GateBundle", "GateBundleSHA256", "SNSTopic"),
        *("PACKAGE_GATE_REPOSITORY", "PACKAGE_GATE_ADVISORIES", "PACKAGE_GATE_REPORT_ONLY"),
        *("PACKAGE_GATE_STATUS", "PACKAGE_GATE_SNYK_TOKEN", "PACKAGE_GATE_SNYK_ORGANISATION"),
        *("PACKAGE_GATE_SNYK_PLAN", "PACKAGE_GATE_SNYK_MONITOR"),
    }
    asked = set(re.findall(r"\$([A-Z]\w*[a-z]\w*)", project["Source"]["BuildSpec"]))
    assert asked == {"S3ArtifactsBucket", "GateBundle", "GateBundleSHA256"}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_dependency_scan_takes_the_commit_alone_and_tells_github_how_it_went(kind: str) -> None:
    source = scan_stack(kind).resources["CodeBuildProject"].properties["Source"]
    assert source["Type"] == kind.upper()
    assert source["GitCloneDepth"] == 1  # it reads files, no history
    if kind == "github":
        assert source["Auth"] == {"Type": "CODECONNECTIONS", "Resource": CONNECTION}
        assert source["ReportBuildStatus"] is True
    else:
        assert not {"Auth", "ReportBuildStatus"} & set(source)


# Reports and logs


def test_reports_go_with_their_group_and_logs_are_kept_encrypted_as_long_as_is_said() -> None:
    stack = gate(LogRetentionDays="90")
    scan = scan_stack("codecommit", LogRetentionDays="90")
    for where, report in ((stack, "RequestReports"), (scan, "DependencyReports")):
        group = where.resources[report].properties
        assert (group["Type"], group["DeleteReports"]) == ("TEST", True)
        assert group["ExportConfig"] == {"ExportConfigType": "NO_EXPORT"}
        key = where.resources["KMSKey"].attributes["Arn"]
        for log in where.of_type("AWS::Logs::LogGroup").values():
            assert (log.properties["RetentionInDays"], log.properties["KmsKeyId"]) == ("90", key)
    names = [each.ref for each in stack.of_type("AWS::Logs::LogGroup").values()]
    assert sorted(names) == [f"/aws/codebuild/{PIPELINE}", f"/aws/vpc/{PIPELINE}-closed"]
