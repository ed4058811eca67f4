"""`cfn/dependency-scan.yaml`: what starts a build, what the build may, and what it is told."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from tests.fakes.aws import REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.local_run import PROJECT
from tests.templates.deployment import Deployment
from tests.templates.iam import Policy, Request, granted, role, service
from tests.templates.iam_conditions import several
from tests.templates.rendered import render
from tests.templates.scan_world import (
    APP,
    BUCKET,
    COMMIT,
    CONNECTION,
    PULL_REQUEST,
    PUSH,
    REPOSITORY_ARN,
    SOURCES,
    STACK,
    TOPIC,
    scan_stack,
    start_build,
)
from tests.templates.service_calls import EC2, VPC, ServiceCall
from tests.templates.template import TemplateError, load

ARTIFACTS = f"arn:aws:s3:::{BUCKET}"
SNYK_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000001"
SNAPSHOT_KEY = f"{SNYK_KEY[:-1]}2"
TOKEN = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/team/snyk"
ORGANISATION = f"{TOKEN}-organisation"
OPTIONS = {
    "AdvisoriesKey": SNAPSHOT_KEY,
    "SnykToken": "/team/snyk",
    "SnykTokenKey": SNYK_KEY,
    "SnykOrganisation": "/team/snyk-organisation",
}


EVERYTHING: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def deployment(kind: str, **parameters: Any) -> Deployment:
    bucket = render(
        "artifacts-bucket.yaml",
        {"PipelineArtifactsPrefix": STACK},
        attributes={"ArtifactsBucket": BUCKET, "ArtifactsBucket.Arn": ARTIFACTS},
        stack=f"{STACK}-artifacts",
    )
    network = render("vpc.yaml", {"InterfaceEndpoints": "all"}, stack="package-gate-vpc")
    return Deployment(scan_stack(kind, **parameters), bucket, network)


def build_calls(scan: Deployment, kind: str) -> Iterator[ServiceCall]:
    """What the scan itself calls, from within the network."""
    build = scan.role("BuildRole")
    bundle = f"{ARTIFACTS}/{scan.stack.parameters['GateBundle']}"
    yield ServiceCall(build, "s3:GetObject", bundle)
    yield ServiceCall(build, "s3:GetObject", f"{ARTIFACTS}/advisories/all.zip")
    yield ServiceCall(build, "sns:Publish", TOPIC)
    for parameter in (TOKEN, ORGANISATION):
        yield ServiceCall(build, "ssm:GetParameter", parameter)
    if kind == "codecommit":
        for action in ("PostCommentForComparedCommit", "PostCommentForPullRequest"):
            yield ServiceCall(build, f"codecommit:{action}", REPOSITORY_ARN)


def codebuild_calls(scan: Deployment, kind: str) -> Iterator[ServiceCall]:
    """What CodeBuild, SNS and Parameter Store do with the scan's role."""
    build, key = scan.role("BuildRole"), scan.arn("KMSKey")
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        yield ServiceCall(build, action, key)
    yield ServiceCall(build, "s3:PutObject", f"{ARTIFACTS}/{STACK}/1a2b/report/report.html")
    for action in ("s3:GetObject", "s3:PutObject"):
        yield ServiceCall(build, action, f"{ARTIFACTS}/cache/{STACK}/x1")
    for action in ("s3:GetBucketAcl", "s3:GetBucketLocation"):
        yield ServiceCall(build, action, ARTIFACTS)
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/{STACK}:log-stream:x1"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield ServiceCall(build, action, log)
    for action in ("BatchPutTestCases", "CreateReport", "UpdateReport"):
        yield ServiceCall(build, f"codebuild:{action}", scan.arn("DependencyReports"))
    for thing in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"):
        yield ServiceCall(build, f"ec2:Describe{thing}")
    group = f"{EC2}:security-group/{scan.arn('CodeBuildSecurityGroup')}"
    interface = f"{EC2}:network-interface/eni-1"
    there: dict[str, str | list[str]] = {"ec2:Vpc": VPC}
    lent: dict[str, str | list[str]] = {"ec2:AuthorizedService": "codebuild.amazonaws.com"}
    yield ServiceCall(build, "ec2:CreateNetworkInterface", f"{EC2}:network-interface/*")
    yield ServiceCall(build, "ec2:CreateNetworkInterface", group, there)
    yield ServiceCall(build, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-0a", there)
    yield ServiceCall(build, "ec2:CreateNetworkInterfacePermission", interface, there | lent)
    yield ServiceCall(build, "ec2:DeleteNetworkInterface", interface, there)
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{STACK}"
    codebuild = service("codebuild.amazonaws.com")
    yield ServiceCall(codebuild, "sts:AssumeRole", build.arn, {"aws:SourceArn": project})
    if kind == "github":
        for prefix in ("codeconnections", "codestar-connections"):  # by the connection's age
            for action in ("GetConnection", "GetConnectionToken", "UseConnection"):
                yield ServiceCall(build, f"{prefix}:{action}", CONNECTION)
        return
    yield ServiceCall(build, "codecommit:GitPull", REPOSITORY_ARN)
    start = scan.role("StartRole")
    yield ServiceCall(service("events.amazonaws.com"), "sts:AssumeRole", start.arn)
    yield ServiceCall(start, "codebuild:StartBuild", project)


@pytest.mark.parametrize("kind", SOURCES)
def test_what_a_scan_does_is_allowed_and_nothing_else_is_granted(kind: str) -> None:
    scan = deployment(kind, **OPTIONS)
    # Not every network has the endpoints: CodeCommit is reached through the NAT gateway.
    own = list(build_calls(scan, kind))
    theirs = list(codebuild_calls(scan, kind))
    answers = [
        (call, scan.evaluate(call.caller, call.action, call.resource, call.context,
                             through_network=call in own))
        for call in (*own, *theirs)
    ]  # fmt: skip
    assert [(call.action, call.resource, a) for call, a in answers if not a] == []

    keys = [
        ServiceCall(scan.role("BuildRole"), "kms:Decrypt", key) for key in (SNYK_KEY, SNAPSHOT_KEY)
    ]
    requests = [
        Request(call.caller, call.action, call.resource, call.context, ACCOUNT)
        for call in (*own, *theirs, *keys)
    ]
    # Somebody else's keys: their own policies have to let the role, too.
    for each in requests[-len(keys) :]:
        grants = [list(granted(each, p, "identity")) for p in scan.policies[each.caller.arn]]
        assert any(grants), each.resource
    unused = []
    for name in scan.stack.of_type("AWS::IAM::Role"):
        arn = scan.role(name).arn
        mine = [each for each in requests if each.caller.arn == arn]
        for statement in (s for policy in scan.policies[arn] for s in policy["Statement"]):
            assert not [each for each in several(statement["Action"]) if "*" in each]
            for element in ("Action", "Resource"):
                for value in several(statement[element]):
                    one = {"Version": "2012-10-17", "Statement": [{**statement, element: value}]}
                    if not any(True for each in mine for _ in granted(each, one, "identity")):
                        unused.append(f"{statement.get('Sid')}: {element} {value}")
    assert unused == []


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("codecommit:GitPull", f"{REPOSITORY_ARN}-2"),
        ("codecommit:GitPush", REPOSITORY_ARN),
        ("codecommit:PostCommentForPullRequest", f"{REPOSITORY_ARN}-2"),
        ("codeconnections:UseConnection", f"{CONNECTION}1"),
        ("codeconnections:PassConnection", CONNECTION),
        ("ssm:GetParameter", f"{TOKEN}-2"),
        ("ssm:GetParameters", TOKEN),
        ("ssm:PutParameter", TOKEN),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x-1"),
        ("s3:PutObject", f"{ARTIFACTS}/gate/x.tar.gz"),
        ("s3:PutObject", f"{ARTIFACTS}/advisories/all.zip"),
        ("s3:PutObject", f"{ARTIFACTS}/{STACK}-2/x"),
        ("s3:PutObject", f"{ARTIFACTS}/cache/another/x"),
        ("s3:GetObject", f"{ARTIFACTS}/gate/another.tar.gz"),
        ("s3:GetObject", f"{ARTIFACTS}/{STACK}/1/report/report.html"),
        ("s3:GetObject", f"arn:aws:s3:::another/{STACK}/x"),
        ("s3:DeleteObject", f"{ARTIFACTS}/{STACK}/1/report/report.html"),
        ("s3:ListBucket", ARTIFACTS),
        ("sns:Publish", f"{TOPIC}-2"),
        ("sns:Subscribe", TOPIC),
        ("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/another"),
        ("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{STACK}"),
        ("codeartifact:GetAuthorizationToken", "*"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/another"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/another"),
    ],
)
def test_what_a_scan_has_no_use_for_is_denied(kind: str, action: str, resource: str) -> None:
    scan = deployment(kind, **OPTIONS)
    assert not scan.evaluate(scan.role("BuildRole"), action, resource)
    if kind == "codecommit":
        start = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{STACK}"
        assert (action, resource) == ("codebuild:StartBuild", start) or not scan.evaluate(
            scan.role("StartRole"), action, resource
        )


def test_rights_for_options_come_with_the_options() -> None:
    scan = deployment("github", **{**OPTIONS, "Advisories": "", "SnykToken": ""})
    build = scan.role("BuildRole")
    for key in (SNYK_KEY, SNAPSHOT_KEY):
        request = Request(build, "kms:Decrypt", key, {}, ACCOUNT)
        assert not any(
            True for each in scan.policies[build.arn] for _ in granted(request, each, "identity")
        )
    assert not scan.evaluate(build, "ssm:GetParameter", ORGANISATION)
    assert not scan.evaluate(build, "ssm:GetParameter", TOKEN)
    assert not scan.evaluate(build, "s3:GetObject", f"{ARTIFACTS}/advisories/all.zip")
    assert not scan.evaluate(build, "codecommit:GitPull", REPOSITORY_ARN)
    other = deployment("codecommit")
    assert not other.evaluate(other.role("BuildRole"), "codeconnections:UseConnection", CONNECTION)


def test_only_its_own_project_and_only_this_account_take_the_roles() -> None:
    scan = deployment("codecommit")
    other = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/another"
    for caller, name, source in (
        (service("codebuild.amazonaws.com"), "BuildRole", other),
        (service("codebuild.amazonaws.com", "999988887777"), "BuildRole", other),
        (service("events.amazonaws.com", "999988887777"), "StartRole", other),
        (role(f"arn:aws:iam::{ACCOUNT}:role/x"), "BuildRole", other),
    ):
        arn = scan.role(name).arn
        assert not scan.evaluate(caller, "sts:AssumeRole", arn, {"aws:SourceArn": source})


def test_a_push_and_a_pull_request_start_the_build_with_what_the_scan_reads() -> None:
    resources = scan_stack("codecommit").resources
    model = get_session().get_service_model("codebuild").operation_model("StartBuild")
    expected = {
        "PushRule": {
            "PACKAGE_GATE_BRANCH": 'fix/"quoted"',
            "PACKAGE_GATE_COMMIT": COMMIT,
            "PACKAGE_GATE_AUTHOR": "",
        },
        "PullRequestRule": {
            "PACKAGE_GATE_BRANCH": "refs/heads/fix",
            "PACKAGE_GATE_COMMIT": COMMIT,
            "PACKAGE_GATE_BASE_COMMIT": "b" * 40,
            "PACKAGE_GATE_PULL_REQUEST": "7",
            "PACKAGE_GATE_AUTHOR": f"arn:aws:iam::{ACCOUNT}:user/Jo",
        },
    }
    for name, event in (("PushRule", PUSH), ("PullRequestRule", PULL_REQUEST)):
        rule = resources[name].properties
        told = start_build(rule, event)
        assert model.input_shape
        found = ParamValidator().validate(told, model.input_shape)
        assert not found.has_errors(), found.generate_report()
        assert (told["projectName"], told["sourceVersion"]) == (STACK, COMMIT)
        variables = told["environmentVariablesOverride"]
        assert {each["name"]: each["value"] for each in variables} == expected[name]
        pattern = rule["EventPattern"]
        assert pattern["resources"] == event["resources"]
        assert event["source"] in pattern["source"]
        assert event["detail-type"] in pattern["detail-type"]
        assert event["detail"]["event"] in pattern["detail"]["event"]
        (target,) = rule["Targets"]
        assert target["RoleArn"] == resources["StartRole"].attributes["Arn"]
        assert (
            pattern["detail"]["event"]
            == {
                "PushRule": ["referenceCreated", "referenceUpdated"],
                "PullRequestRule": ["pullRequestCreated", "pullRequestSourceBranchUpdated"],
            }[name]
        )
    pattern = resources["PushRule"].properties["EventPattern"]["detail"]
    assert (pattern["referenceName"], pattern["referenceType"]) == ([{"wildcard": "*"}], ["branch"])


@pytest.mark.parametrize(
    ("branches", "scanned", "not_scanned"),
    [
        ("*", ["main", "a/b"], []),
        ("main", ["main"], ["main2", "domain", "feature/main"]),
        ("release/*", ["release/1.0", "release/a/b"], ["release", "prerelease/1"]),
        ("v1.*", ["v1.0"], ["v10", "v2.1"]),
        ("*-stable", ["a-stable"], ["a-stable-2"]),
    ],
)
def test_branches_are_those_that_the_pattern_names(
    branches: str, scanned: list[str], not_scanned: list[str]
) -> None:
    project = scan_stack("github", Branches=branches).resources["CodeBuildProject"].properties
    assert project["Triggers"]["Webhook"] is True
    push, pull_request = project["Triggers"]["FilterGroups"]
    assert [each["Pattern"] for each in push if each["Type"] == "EVENT"] == ["PUSH"]
    assert not any(each.get("ExcludeMatchedPattern") for each in (*push, *pull_request))
    assert project["TimeoutInMinutes"] >= 30
    (pattern,) = [each["Pattern"] for each in push if each["Type"] == "HEAD_REF"]
    found = [b for b in (*scanned, *not_scanned) if re.search(pattern, f"refs/heads/{b}")]
    assert found == scanned
    assert not re.search(pattern, f"refs/tags/{scanned[0]}")
    assert [each["Type"] for each in pull_request] == ["EVENT"]
    assert set(pull_request[0]["Pattern"].split(", ")) == {
        f"PULL_REQUEST_{what}" for what in ("CREATED", "UPDATED", "REOPENED")
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Branches", "release/**"), ("Branches", ""), ("Branches", "a b"), ("Branches", "(a)"),
        ("RepositoryName", "a/b/c"), ("RepositoryName", "a b"), ("SourceKind", "gitlab"),
        ("SnykToken", "the-token"), ("SnykOrganisation", "team"), ("AdvisoriesKey", "alias/key"),
        ("SnykMonitor", "yes"), ("SnykPlan", "team"), ("Advisories", "http://osv.test"),
        ("Advisories", "s3://bucket"), ("FailOnFindings", "no"), ("SNSEmail", "nobody"),
        ("GateBundle", "decisions/bundle.tar.gz"), ("CodeConnectionArn", "arn:aws:s3:::b"),
    ],
)  # fmt: skip
def test_a_parameter_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(TemplateError, match=name):
        scan_stack("github", **{name: value})


def test_the_source_is_the_repository_and_the_buildspec_is_the_templates() -> None:
    for kind, address in (
        ("codecommit", f"https://git-codecommit.{REGION}.amazonaws.com/v1/repos/{APP}"),
        ("github", f"https://github.com/organisation/{APP}.git"),
    ):
        project = scan_stack(kind).resources["CodeBuildProject"].properties
        assert project["Source"]["Location"] == address
        assert project["Source"]["BuildSpec"].startswith("version: 0.2\n")
        assert project["Environment"]["PrivilegedMode"] is False
        assert ("Auth" in project["Source"]) is (kind == "github")
        assert ("Triggers" in project) is (kind == "github")


def test_every_variable_is_one_that_the_scan_reads() -> None:
    text = (PROJECT / "cfn/dependency-scan.yaml").read_text()
    named = set(re.findall(r"PACKAGE_GATE_\w+", text))
    package = PROJECT / "package_gate"
    sources = [*package.glob("dependency_scan/*.py"), *package.glob("commands/*dependenc*.py")]
    sources.append(package / "commands/advisory_sources.py")
    code = "".join(path.read_text() for path in sources)
    options = re.findall(r'\.add(?:_switch)?\(\s*"--([a-z-]+)"', code)
    read = set(re.findall(r"PACKAGE_GATE_\w+", code))
    read |= {f"PACKAGE_GATE_{name.upper().replace('-', '_')}" for name in options}
    assert len(named) > 10
    assert named <= read


def test_all_that_is_kept_is_encrypted_with_the_stacks_key() -> None:
    resources = scan_stack("github").resources
    arn = resources["KMSKey"].attributes["Arn"]
    assert resources["CodeBuildProject"].properties["EncryptionKey"] == arn
    assert resources["BuildLog"].properties["KmsKeyId"] == arn
    assert resources["SNSTopic"].properties["KmsMasterKeyId"] == resources["KMSKey"].ref


def test_a_repository_at_github_needs_a_connection() -> None:
    (rule,) = load("dependency-scan.yaml")["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "SourceKind"}, "github"]}
    (assertion,) = rule["Assertions"]
    assert "CodeConnectionArn" in assertion["AssertDescription"]


# What benchmarks/template_mutations.py found that nothing above would notice


def test_the_key_is_rotated_and_can_be_brought_back_and_deleted_by_administrators() -> None:
    scan = deployment("github")
    key = scan.stack.resources["KMSKey"].properties
    assert (key["EnableKeyRotation"], key["PendingWindowInDays"]) == (True, 30)
    administrator = role(f"arn:aws:iam::{ACCOUNT}:role/administrator")
    arn = scan.arn("KMSKey")
    for action in ("ScheduleKeyDeletion", "CancelKeyDeletion", "PutKeyPolicy", "DescribeKey"):
        assert scan.evaluate(administrator, f"kms:{action}", arn, identity=[EVERYTHING])
    stranger = role("arn:aws:iam::999988887777:role/administrator")
    assert not scan.evaluate(stranger, "kms:Decrypt", arn, identity=[EVERYTHING])


def test_the_key_serves_the_builds_log_and_no_other() -> None:
    scan = deployment("github")
    logs = service(f"logs.{REGION}.amazonaws.com")
    for group, allowed in ((STACK, True), ("another", False)):
        place = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/{group}"
        context: dict[str, str | list[str]] = {"kms:EncryptionContext:aws:logs:arn": place}
        answer = scan.evaluate(logs, "kms:GenerateDataKey", scan.arn("KMSKey"), context)
        assert bool(answer) is allowed
    log = scan.stack.resources["BuildLog"].properties
    assert log["RetentionInDays"] == "365"
    assert log["KmsKeyId"] == scan.arn("KMSKey")


def test_results_are_emailed_and_come_over_encrypted_connections_only() -> None:
    scan = deployment("github")
    topic = scan.stack.resources["SNSTopic"].ref
    (subscription,) = scan.stack.of_type("AWS::SNS::Subscription").values()
    assert subscription.properties == {
        "TopicArn": topic,
        "Protocol": "email",
        "Endpoint": scan.stack.parameters["SNSEmail"],
    }
    build = scan.role("BuildRole")
    for secure in ("true", "false"):
        answer = scan.evaluate(build, "sns:Publish", topic, {"aws:SecureTransport": secure})
        assert bool(answer) is (secure == "true")


def test_reports_go_with_the_stack_and_nowhere_else() -> None:
    reports = deployment("github").stack.resources["DependencyReports"].properties
    assert reports["DeleteReports"] is True
    assert reports["ExportConfig"] == {"ExportConfigType": "NO_EXPORT"}


def test_a_build_reaches_https_only_and_from_its_network_only() -> None:
    scan = deployment("github")
    network = scan.stack.parameters["CodeServicesVpc"]
    group = scan.stack.resources["CodeBuildSecurityGroup"].properties
    assert group["VpcId"] == network
    assert "SecurityGroupIngress" not in group
    (rule,) = group["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert rule["CidrIp"] == "0.0.0.0/0"
    place = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    for vpc, allowed in ((network, True), ("vpc-another", False)):
        context: dict[str, str | list[str]] = {"ec2:Vpc": f"{place}:vpc/{vpc}"}
        build, subnet = scan.role("BuildRole"), f"{place}:subnet/subnet-1"
        answer = scan.evaluate(build, "ec2:CreateNetworkInterface", subnet, context)
        assert bool(answer) is allowed


def test_only_a_build_of_this_account_takes_the_builds_role() -> None:
    scan = deployment("github")
    codebuild, build_role = service("codebuild.amazonaws.com"), scan.role("BuildRole").arn
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{STACK}"
    for account, source, allowed in (
        (ACCOUNT, project, True),
        ("999988887777", project, False),
        (ACCOUNT, f"{project}-2", False),
    ):
        context: dict[str, str | list[str]] = {
            "aws:SourceAccount": account,
            "aws:SourceArn": source,
        }
        assert bool(scan.evaluate(codebuild, "sts:AssumeRole", build_role, context)) is allowed
