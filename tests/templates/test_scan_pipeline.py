"""`cfn/scan-pipeline.yaml`, as both variants nest it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types
from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # it has no types
    PROVIDER_SCHEMA_MANAGER,
)

from tests.templates.deployment import BUCKET, DIGEST, PIPELINE, VARIANTS, deployed
from tests.templates.iam import service
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import NESTED, Rendered
from tests.templates.template import TemplateError, load, several

CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/0a1b2c3d-0000"
TEMPLATES = ["scan-pipeline", "codeartifact-private-repo", "github-private-repo"]
TRAIL = {"Trail", "TrailBucket", "TrailBucketPolicy"}


def pipeline(variant: str = "codeartifact", **parameters: Any) -> Rendered:
    return deployed(variant, **parameters).pipeline


def properties(stack: Rendered, name: str) -> dict[str, Any]:
    return stack.resources[name].properties


def source_action(stack: Rendered) -> dict[str, Any]:
    (action,) = properties(stack, "CodePipeline")["Stages"][0]["Actions"]
    assert isinstance(action, dict)
    return action


def test_the_stages_have_the_guidances_names_and_a_failed_build_is_retried_once() -> None:
    pull, scan = properties(pipeline(), "CodePipeline")["Stages"]
    assert pull["Name"] == "Pull_Internal_Repository"
    assert scan["Name"] == "Download_Scan_Notify_External_Repositories"
    retry = {"Result": "RETRY", "RetryConfiguration": {"RetryMode": "FAILED_ACTIONS"}}
    assert scan["OnFailure"] == retry
    (build,) = scan["Actions"]
    assert build["ActionTypeId"]["Provider"] == "CodeBuild"
    assert build["OutputArtifacts"] == [{"Name": "Reports"}]
    assert build["InputArtifacts"] == source_action(pipeline())["OutputArtifacts"]
    configuration = build["Configuration"]
    assert configuration["ProjectName"] == PIPELINE
    (rescan,) = json.loads(configuration["EnvironmentVariables"])
    assert rescan == {
        "name": "PACKAGE_GATE_RESCAN",
        "value": "#{variables.Rescan}",
        "type": "PLAINTEXT",
    }


def test_a_run_decides_the_whole_file_so_the_newest_push_goes_first() -> None:
    stack = pipeline()
    made = properties(stack, "CodePipeline")
    assert (made["PipelineType"], made["ExecutionMode"]) == ("V2", "SUPERSEDED")
    (rescan,) = made["Variables"]
    assert (rescan["Name"], rescan["DefaultValue"]) == ("Rescan", "0")
    key = {"Type": "KMS", "Id": stack.resources["KMSKey"].attributes["Arn"]}
    assert made["ArtifactStore"] == {"Type": "S3", "Location": BUCKET, "EncryptionKey": key}


@pytest.mark.parametrize(
    ("parameters", "owner", "provider", "configuration"),
    [
        (
            {},
            "ThirdParty",
            "GitHub",
            {"Owner": "organisation", "Repo": "package-requests", "Branch": "main"},
        ),
        ({"CodeConnectionArn": CONNECTION}, "AWS", "CodeStarSourceConnection", {}),
        (
            {"CodeCommitRepository": "package-requests"},
            "AWS",
            "CodeCommit",
            {"RepositoryName": "package-requests", "BranchName": "main"},
        ),
    ],
)
def test_requests_are_pulled_from_where_they_are(
    parameters: dict[str, str], owner: str, provider: str, configuration: dict[str, str]
) -> None:
    action = source_action(pipeline(**parameters))
    assert action["Name"] == "Pull"
    assert action["ActionTypeId"] == {
        "Category": "Source",
        "Owner": owner,
        "Provider": provider,
        "Version": "1",
    }
    assert action["OutputArtifacts"] == [{"Name": "Requests"}]
    assert action["Configuration"].items() >= configuration.items()


def test_the_token_stands_in_no_template_and_signs_no_webhook() -> None:
    stack = pipeline()
    source, webhook = source_action(stack)["Configuration"], properties(stack, "GithubWebhook")
    secret = "{{resolve:secretsmanager:research-gate-github-token:SecretString:"
    assert source["OAuthToken"] == f"{secret}token}}}}"
    assert webhook["AuthenticationConfiguration"] == {"SecretToken": f"{secret}webhook}}}}"}
    assert webhook["Authentication"] == "GITHUB_HMAC"
    assert webhook["RegisterWithThirdParty"] is True
    assert webhook["TargetAction"] == source_action(stack)["Name"]
    assert source["PollForSourceChanges"] == "false"


@pytest.mark.parametrize("variant", VARIANTS)
def test_another_version_of_the_secret_changes_whatever_has_a_copy_of_it(variant: str) -> None:
    """Without a change of its own CloudFormation leaves a resource with the copy that it has."""
    before, after = (pipeline(variant, TokenVersion=version).resources for version in ("v1", "v2"))
    copies = {name for name, each in before.items() if "{{resolve:" in json.dumps(each.properties)}
    assert copies == {"CodePipeline", "GithubWebhook"}
    changed = {name for name, each in before.items() if after[name].properties != each.properties}
    assert changed == copies
    for name in copies:  # a version in the reference would be gone after two more tokens
        assert re.findall(r"SecretString:\w+(.*?)}}", json.dumps(before[name].properties)) == [""]


def test_only_a_push_to_the_branch_starts_the_pipeline() -> None:
    stack = pipeline(PrivateGitHubBranch="release/2026")
    (rule,) = properties(stack, "GithubWebhook")["Filters"]
    assert rule == {"JsonPath": "$.ref", "MatchEquals": "refs/heads/release/2026"}
    assert source_action(stack)["Configuration"]["Branch"] == "release/2026"


def test_a_connection_takes_the_place_of_webhook_and_token() -> None:
    stack = pipeline(CodeConnectionArn=CONNECTION, PrivateGitHubToken="")
    assert source_action(stack)["Configuration"] == {
        "ConnectionArn": CONNECTION,
        "FullRepositoryId": "organisation/package-requests",
        "BranchName": "main",
    }
    assert "GithubWebhook" not in stack.resources
    assert "resolve:" not in json.dumps([each.properties for each in stack.resources.values()])


def test_with_a_connection_only_a_push_that_changes_the_request_file_starts_the_pipeline() -> None:
    stack = pipeline(CodeConnectionArn=CONNECTION, PrivateGitHubBranch="release/2026")
    (trigger,) = properties(stack, "CodePipeline")["Triggers"]
    assert trigger["ProviderType"] == "CodeStarSourceConnection"
    assert trigger["GitConfiguration"] == {
        "SourceActionName": source_action(stack)["Name"],
        "Push": [
            {
                "Branches": {"Includes": ["release/2026"]},
                "FilePaths": {"Includes": ["external-package-request.csv"]},
            }
        ],
    }
    assert "Triggers" not in properties(pipeline(), "CodePipeline")


def depended_on(template: dict[str, Any], name: str) -> set[str]:
    """What CloudFormation makes before a resource, at first or second hand."""
    resources, found = template["Resources"], set[str]()
    waiting = [name]
    while waiting:
        body = resources[waiting.pop()]
        named = {*several(body.get("DependsOn", [])), *references(body)}
        waiting += sorted((named & set(resources)) - found)
        found |= named & set(resources)
    return found


def references(value: Any) -> Iterator[str]:
    """The names that `Ref`, `Fn::GetAtt` and `Fn::Sub` have."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict() | list():
            for each in value.values() if isinstance(value, dict) else value:
                yield from references(each)
        case str():
            yield from re.findall(r"\$\{(\w+)", value)


@pytest.mark.parametrize(
    ("template", "starting"),
    [
        ("scan-pipeline", "CodePipeline"),
        ("codeartifact-private-repo", "ScanPipeline"),
        ("github-private-repo", "ScanPipeline"),
    ],
)
def test_the_first_run_has_all_of_its_rights(template: str, starting: str) -> None:
    """It starts as soon as the pipeline is there."""
    loaded = load(f"{template}.yaml")
    policies = {n for n, each in loaded["Resources"].items() if each["Type"] == "AWS::IAM::Policy"}
    assert policies - depended_on(loaded, starting) == set()
    options = {name for name in policies if "Condition" in loaded["Resources"][name]}
    assert options == set()  # nothing can depend on what may not be there


def test_the_build_runs_in_the_private_subnets_without_privileges_and_within_limits() -> None:
    stack = pipeline()
    project = properties(stack, "CodeBuildProject")
    assert project["VpcConfig"] == {
        "VpcId": "vpc-0a",
        "Subnets": ["subnet-0a", "subnet-0b"],
        "SecurityGroupIds": [stack.resources["CodeBuildSecurityGroup"].ref],
    }
    assert project["Environment"]["PrivilegedMode"] is False
    # API reference, `CreateProject`: beyond it "new builds are throttled and are not run".
    assert "ConcurrentBuildLimit" not in project
    # A first run has many packages, and a large one takes minutes.
    assert 60 <= project["TimeoutInMinutes"] <= 120
    assert 30 <= project["QueuedTimeoutInMinutes"] <= 120


def test_builds_reach_https_servers_and_nobody_reaches_builds() -> None:
    group = properties(pipeline(), "CodeBuildSecurityGroup")
    assert group["VpcId"] == "vpc-0a"
    (rule,) = group["SecurityGroupEgress"]
    assert rule["CidrIp"] == "0.0.0.0/0"
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert "SecurityGroupIngress" not in group


def test_all_that_is_kept_is_encrypted_with_the_stacks_key() -> None:
    stack = pipeline(CloudTrail="on")
    key = stack.resources["KMSKey"]
    used = {
        "artifacts": properties(stack, "CodePipeline")["ArtifactStore"]["EncryptionKey"]["Id"],
        "reports and cache": properties(stack, "CodeBuildProject")["EncryptionKey"],
        "log": properties(stack, "BuildLog")["KmsKeyId"],
        "records": deployed("codeartifact").environment["PACKAGE_GATE_RECORDS_KEY"],
        "trail": properties(stack, "Trail")["KMSKeyId"],
    }
    assert set(used.values()) == {key.attributes["Arn"]}
    for topic in ("SNSTopic", "FailureTopic"):
        assert properties(stack, topic)["KmsMasterKeyId"] == key.ref
    assert key.properties["EnableKeyRotation"] is True


def test_what_the_pipeline_and_the_build_keep_in_the_bucket_stands_apart() -> None:
    project = properties(pipeline(), "CodeBuildProject")
    assert project["Cache"]["Location"] == f"{BUCKET}/cache/{PIPELINE}"
    assert deployed("github").environment["PACKAGE_GATE_RECORDS"] == f"s3://{BUCKET}/decisions"


@pytest.mark.parametrize("name", ["x" * 21, "gate", "cache", "decisions", "templates", "a/b", "1a"])
def test_a_pipeline_whose_artifacts_would_lie_elsewhere_is_refused(name: str) -> None:
    """CodePipeline takes 20 characters of its name for them."""
    with pytest.raises(TemplateError, match="CodePipelineName"):
        pipeline(CodePipelineName=name)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["a", "gate-", "my--gate"])
def test_a_pipeline_whose_trail_could_have_no_name_is_refused(variant: str, name: str) -> None:
    with pytest.raises(TemplateError, match="CodePipelineName"):
        pipeline(variant, CodePipelineName=name)


@pytest.mark.parametrize("name", ["ab", "a-b-c-d-e-f-g-h-i-j1", "package-gate"])
def test_a_trail_has_a_name_that_cloudtrail_takes_and_no_other_region_has(name: str) -> None:
    stack = pipeline(CodePipelineName=name, CloudTrail="on")
    trail = properties(stack, "Trail")["TrailName"]
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, "AWS::CloudTrail::Trail").schema
    assert re.fullmatch(schema["properties"]["TrailName"]["pattern"], trail)
    assert len(trail) >= 3
    assert "--" not in trail
    assert trail == f"{name}-{REGION}"


def test_undecided_requests_are_retried_on_a_schedule_unless_there_is_none() -> None:
    rule = properties(pipeline(), "RetryRule")
    assert rule["ScheduleExpression"] == "rate(1 day)"
    assert rule["Targets"][0]["Arn"] == f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}"
    role = pipeline().resources["RetryRole"].attributes["Arn"]
    assert rule["Targets"][0]["RoleArn"] == role
    assert not {"RetryRule", "RetryRole"} & set(pipeline(RetrySchedule="none").resources)


def test_a_push_to_codecommit_starts_the_pipeline_as_a_new_branch_does() -> None:
    stack = pipeline(CodeCommitRepository="package-requests")
    rule = properties(stack, "RequestsRule")
    assert rule["EventPattern"] == {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        "resources": [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:package-requests"],
        "detail": {
            "event": ["referenceCreated", "referenceUpdated"],
            "referenceType": ["branch"],
            "referenceName": ["main"],
        },
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{PIPELINE}"
    assert target["RoleArn"] == stack.resources["RequestsRole"].attributes["Arn"]


def test_what_is_named_in_a_roles_trust_or_in_a_topics_policy_has_that_name() -> None:
    """A rule's name stands in what lets it: AWS asks for it by its ARN."""
    stack = pipeline(CodeCommitRepository="package-requests", **SNAPSHOT)
    named = {
        "RequestsRule": ("Name", "requests"),
        "RetryRule": ("Name", "retry"),
        "SnapshotRule": ("Name", "snapshot"),
        "OverdueAlarm": ("AlarmName", "overdue"),
        "ReevaluationProject": ("Name", "reevaluate"),
        "Reevaluation": ("Name", "reevaluate"),
        "RequestReports": ("Name", "requests"),
    }
    for name, (key, end) in named.items():
        assert properties(stack, name)[key] == f"{PIPELINE}-{end}"


REEVALUATES = {
    *("Reevaluation", "ReevaluationProject", "ReevaluationRole", "ReevaluationFailureRule"),
}
REEVALUATE = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}-reevaluate"


def test_what_is_approved_is_judged_again_on_a_schedule_unless_there_is_none() -> None:
    stack = pipeline(ReevaluationSchedule="cron(30 2 * * ? *)")
    schedule = properties(stack, "Reevaluation")
    assert schedule["ScheduleExpression"] == "cron(30 2 * * ? *)"
    role = stack.resources["ReevaluationRole"].attributes["Arn"]
    assert schedule["Target"] == {"Arn": REEVALUATE, "RoleArn": role}
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert set(stack.resources) >= REEVALUATES
    assert properties(pipeline(), "Reevaluation")["ScheduleExpression"] == "cron(0 4 * * ? *)"
    off = pipeline(ReevaluationSchedule="none", **SNAPSHOT)
    assert not {*REEVALUATES, "SnapshotRule"} & set(off.resources)


SNAPSHOT = {"Advisories": "s3://advisories/pypi/all.zip", "SnapshotObject": "pypi/all.zip"}


def test_a_new_snapshot_starts_a_reevaluation_when_it_is_watched() -> None:
    stack = pipeline(**SNAPSHOT)
    rule = properties(stack, "SnapshotRule")
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["advisories"]}, "object": {"key": ["pypi/all.zip"]}},
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == REEVALUATE
    assert target["RoleArn"] == stack.resources["ReevaluationRole"].attributes["Arn"]
    assert "SnapshotRule" not in pipeline(Advisories=SNAPSHOT["Advisories"]).resources
    assert "SnapshotRule" not in pipeline(SnapshotObject=SNAPSHOT["SnapshotObject"]).resources


def test_only_the_rule_of_a_watched_snapshot_may_start_a_reevaluation() -> None:
    rule: dict[str, str | list[str]] = {
        "aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PIPELINE}-snapshot"
    }
    for given, allowed in ((SNAPSHOT, True), ({}, False)):
        deployment = deployed("codeartifact", **given)
        role = deployment.role("ReevaluationRole").arn
        events = service("events.amazonaws.com")
        assert bool(deployment.evaluate(events, "sts:AssumeRole", role, rule)) is allowed
        other = {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/other"}
        assert not deployment.evaluate(events, "sts:AssumeRole", role, other)
        stranger = service("events.amazonaws.com", "999988887777")
        assert not deployment.evaluate(stranger, "sts:AssumeRole", role, rule)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_reevaluations_build_is_the_pipelines_without_the_requesters_file(variant: str) -> None:
    stack = pipeline(variant)
    build, again = (properties(stack, f"{n}Project") for n in ("CodeBuild", "Reevaluation"))
    for name in ("ServiceRole", "EncryptionKey", "VpcConfig", "LogsConfig", "Cache"):
        assert again[name] == build[name]
    for name in ("Image", "EnvironmentVariables"):
        assert again["Environment"][name] == build["Environment"][name]
    spec, other = (yaml.safe_load(each["Source"]["BuildSpec"]) for each in (build, again))
    installs = [each["phases"]["install"]["commands"] for each in (spec, other)]
    assert installs[0][1:] == installs[1]
    assert again["Source"]["Type"] == "NO_SOURCE"


@pytest.mark.parametrize("what", ["pipeline", "re-evaluation"])
def test_a_failed_run_is_told_in_words(what: str) -> None:
    stack = pipeline()
    rule = properties(stack, "FailureRule" if what == "pipeline" else "ReevaluationFailureRule")
    assert rule["Targets"][0]["Arn"] == stack.resources["FailureTopic"].ref
    transformer = rule["Targets"][0]["InputTransformer"]
    template = transformer["InputTemplate"]
    assert set(re.findall(r"<([a-z-]+)>", template)) == set(transformer["InputPathsMap"])
    event = {"pipeline": PIPELINE, "execution": "e-1", "time": "2026-11-23T10:00:00Z"}
    event |= {"project": f"{PIPELINE}-reevaluate", "build": "b-1", "status": "TIMED_OUT"}
    for name, value in event.items():
        template = template.replace(f"<{name}>", value)
    lines = [json.loads(line) for line in template.splitlines()]  # each is one JSON string
    pattern = rule["EventPattern"]
    if what == "re-evaluation":
        assert pattern["source"] == ["aws.codebuild"]
        assert pattern["detail-type"] == ["CodeBuild Build State Change"]
        assert rule["EventPattern"]["detail"] == {
            "project-name": [f"{PIPELINE}-reevaluate"],
            "build-status": ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"],
        }
        assert "ended with TIMED_OUT" in lines[0]
        assert f"/{ACCOUNT}/projects/{PIPELINE}-reevaluate/" in lines[-1]
        return
    assert pattern["source"] == ["aws.codepipeline"]
    assert pattern["detail-type"] == ["CodePipeline Pipeline Execution State Change"]
    assert pattern["detail"] == {"pipeline": [PIPELINE], "state": ["FAILED"]}
    assert (
        lines[0] == f"The package gate's pipeline {PIPELINE} failed at {event['time']} (run e-1)."
    )
    assert f"/{PIPELINE}/executions/e-1/" in lines[-1]


def test_eventbridge_has_a_topic_of_its_own_without_conditions() -> None:
    """It publishes to none whose policy has one; without one, anybody's rule may publish."""
    stack = pipeline()
    verdicts, failures = (
        properties(stack, f"{name}Policy")["PolicyDocument"]["Statement"]
        for name in ("SNSTopic", "FailureTopic")
    )
    assert [each for each in failures if "Condition" in each] == []
    assert [each["Principal"] for each in failures] == [{"Service": "events.amazonaws.com"}]
    assert "events.amazonaws.com" not in json.dumps(verdicts)
    assert "RoleArn" not in properties(stack, "FailureRule")["Targets"][0]
    subscribed = {
        each.properties["TopicArn"]: each.properties["Endpoint"]
        for each in stack.of_type("AWS::SNS::Subscription").values()
    }
    topics = {stack.resources[name].ref for name in ("SNSTopic", "FailureTopic")}
    assert subscribed == dict.fromkeys(topics, "infosec@example.test")
    assert {stack.outputs[name] for name in ("SNSTopic", "FailureTopic")} == topics


@pytest.mark.parametrize("what", ["undecided", "overdue"])
def test_what_is_not_decided_is_a_metric(what: str) -> None:
    """The line that the build prints is that of test_buildspec.py."""
    stack = pipeline()
    metric = properties(stack, f"{what.title()}Requests")
    assert metric["LogGroupName"] == stack.resources["BuildLog"].ref
    assert metric["FilterPattern"] == f"{{ $.package_gate.{what} >= 0 }}"
    (transformation,) = metric["MetricTransformations"]
    assert transformation["MetricValue"] == f"$.package_gate.{what}"
    assert transformation["MetricName"] == f"{PIPELINE}-{what}"
    assert transformation["MetricNamespace"] == "PackageGate"
    logs = properties(stack, "CodeBuildProject")["LogsConfig"]["CloudWatchLogs"]
    assert logs == {"Status": "ENABLED", "GroupName": metric["LogGroupName"]}


def test_overdue_requests_raise_the_alarm_and_waiting_ones_do_not() -> None:
    stack = pipeline()
    (transformation,) = properties(stack, "OverdueRequests")["MetricTransformations"]
    alarm = properties(stack, "OverdueAlarm")
    assert alarm["Namespace"] == transformation["MetricNamespace"]
    assert alarm["MetricName"] == transformation["MetricName"]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    # One run's value within five minutes is enough, and no run is no alarm.
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Maximum", 300, 1)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == [stack.resources["SNSTopic"].ref]
    assert len(stack.of_type("AWS::CloudWatch::Alarm")) == 1


def test_the_trail_is_an_option_and_watches_records_and_bundle() -> None:
    assert not TRAIL & set(pipeline().resources)
    stack = pipeline(CloudTrail="on")
    assert set(stack.resources) >= TRAIL
    trail = properties(stack, "Trail")
    assert trail["EnableLogFileValidation"] is True
    assert trail["IncludeGlobalServiceEvents"] is True  # changes to roles are global events
    assert trail["IsMultiRegionTrail"] is True
    selectors = [
        {field["Field"]: field for field in selector["FieldSelectors"]}
        for selector in trail["AdvancedEventSelectors"]
    ]
    assert [each["eventCategory"]["Equals"] for each in selectors] == [["Management"], ["Data"]]
    watched = f"arn:aws:s3:::{BUCKET}"
    assert selectors[1]["resources.ARN"]["StartsWith"] == [
        f"{watched}/decisions/",
        f"{watched}/gate/",
    ]
    assert selectors[1]["resources.type"]["Equals"] == ["AWS::S3::Object"]


def test_the_trails_bucket_is_closed_encrypted_and_forgets_as_logs_do() -> None:
    stack = pipeline(CloudTrail="on", LogRetentionDays="90")
    bucket = properties(stack, "TrailBucket")
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["BucketKeyEnabled"] is True
    assert encryption["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": stack.resources["KMSKey"].attributes["Arn"],
    }
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", "90")
    # What is overwritten or never finished goes too.
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "AbortIncompleteMultipartUpload" in rule


def test_only_this_trail_writes_to_its_bucket_and_nobody_without_tls() -> None:
    deployment = deployed("codeartifact", CloudTrail="on")
    bucket, trail = deployment.arn("TrailBucket"), service("cloudtrail.amazonaws.com")
    log = f"{bucket}/AWSLogs/{ACCOUNT}/CloudTrail/x1"
    own: dict[str, str | list[str]] = {
        "aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{PIPELINE}-{REGION}",
        "s3:x-amz-acl": "bucket-owner-full-control",
    }
    for action, where in (("s3:GetBucketAcl", bucket), ("s3:PutObject", log)):
        assert deployment.evaluate(trail, action, where, own)
        for other in (
            {**own, "aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/other"},
            {**own, "aws:SecureTransport": "false"},
        ):
            assert not deployment.evaluate(trail, action, where, other), (action, other)
    assert not deployment.evaluate(trail, "s3:PutObject", log, {**own, "s3:x-amz-acl": "private"})


SNYK = {
    "SnykToken": "/team/snyk",
    "SnykTokenKey": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000001",
    "SnykOrganisation": "/team/organisation",
}


@pytest.mark.parametrize("variant", ["codeartifact", "github"])
def test_the_build_knows_the_plan_at_snyk(variant: str) -> None:
    assert deployed(variant).environment["PACKAGE_GATE_SNYK_PLAN"] == "free"
    chosen = deployed(variant, SnykPlan="enterprise")
    assert chosen.environment["PACKAGE_GATE_SNYK_PLAN"] == "enterprise"


@pytest.mark.parametrize(
    ("parameters", "rights"),
    [
        ({}, set()),
        ({"Scanners": "osv,inspector"}, {"ScanWithInspector"}),
        ({"Scanners": "codeguru,ruff"}, {"ScanWithCodeGuru"}),
        ({"Scanners": "inspector,codeguru"}, {"ScanWithInspector", "ScanWithCodeGuru"}),
        ({"Scanners": "osv,snyk", **SNYK}, {"ReadTheTokenOfSnyk", "DecryptTheTokenOfSnyk"}),
        ({"Scanners": "snyk", "SnykToken": "/team/snyk"}, {"ReadTheTokenOfSnyk"}),
        ({"Scanners": "osv,snyk"}, set()),
        ({"Scanners": "osv", **SNYK}, set()),
        ({"Advisories": "https://osv.example.com"}, set()),
        ({"Advisories": "s3://snapshots/PyPI/all.zip"}, {"ReadTheSnapshot"}),
        (
            {"Advisories": "s3://snapshots/PyPI/all.zip", "AdvisoriesKey": SNYK["SnykTokenKey"]},
            {"ReadTheSnapshot", "DecryptTheSnapshot"},
        ),
        ({"AdvisoriesKey": SNYK["SnykTokenKey"]}, set()),
    ],
    ids=[
        *("default", "inspector", "codeguru", "both", "snyk", "snyk with AWS's key"),
        *("snyk without a token", "a token without snyk", "an API", "a snapshot"),
        *("a snapshot with a key", "a key without a snapshot"),
    ],
)
def test_the_build_gets_the_rights_of_what_is_chosen(
    parameters: dict[str, str], rights: set[str]
) -> None:
    stack = pipeline(**parameters)
    statements = {
        each["Sid"]: each
        for name in ("BuildRights", "ServiceRights")
        for each in properties(stack, name)["PolicyDocument"]["Statement"]
    }
    assert set(statements) - {"FetchTheGate", "SendEmails"} == rights
    if "DecryptTheSnapshot" in rights:
        statement = statements["DecryptTheSnapshot"]
        assert statement["Action"] == "kms:Decrypt"
        assert statement["Resource"] == parameters["AdvisoriesKey"]
    if "ReadTheSnapshot" in rights:
        statement = statements["ReadTheSnapshot"]
        assert statement["Action"] == "s3:GetObject"
        assert statement["Resource"] == "arn:aws:s3:::snapshots/PyPI/all.zip"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Scanners", "osv,snykk"),
        ("SnykToken", "the-token"),
        ("SnykTokenKey", "alias/key"),
        ("SnykOrganisation", "team"),
        ("SnykPlan", "team"),
        ("Scanners", "osv, ruff"),
        ("Scanners", ""),
        ("Advisories", "http://osv.example.com"),
        ("Advisories", "s3://bucket/"),
        ("RetrySchedule", "1 day"),
        ("LogRetentionDays", "0"),
        ("CloudTrail", "true"),
        ("GateBundleSHA256", DIGEST.upper()),
        ("GateBundle", "decisions/bundle.tar.gz"),
        ("CodeConnectionArn", "arn:aws:s3:::bucket"),
        ("PrivateGitHubToken", "ghp_token with spaces"),
        ("TokenVersion", "AWSCURRENT:token"),
        ("PrivateGitHubOwner", "a/b"),
        ("SNSEmail", "nobody"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(TemplateError, match=name):
        pipeline(**{name: value})


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_parameter_reads_well_in_the_console(template: str) -> None:
    loaded = load(f"{template}.yaml")
    interface = loaded["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(loaded["Parameters"])
    assert set(interface["ParameterLabels"]) == set(loaded["Parameters"])
    for name, declaration in loaded["Parameters"].items():
        assert declaration["Description"].endswith("."), name
        assert "<" not in str(declaration.get("Default", "")), name
        limited = {"AllowedPattern", "AllowedValues", "MaxValue"} & set(declaration)
        known = declaration["Type"].startswith(("AWS::", "List<AWS::"))
        of_a_variant = template == "scan-pipeline" and declaration.get("Default") == ""
        assert limited or known or of_a_variant, name
        if "AllowedPattern" in declaration:
            assert declaration["ConstraintDescription"].startswith("must "), name
    for name, output in loaded["Outputs"].items():
        assert output["Description"].endswith("."), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_variants_declare_what_they_hand_on_as_the_pipeline_does(variant: str) -> None:
    """Of what is GitHub's they say when it may be empty, each in its way."""
    nested = load("scan-pipeline.yaml")["Parameters"]
    own = load(f"{variant}-private-repo.yaml")["Parameters"]
    different = {name for name in set(nested) & set(own) if nested[name] != own[name]}
    assert different <= {"PrivateGitHubToken", "PrivateGitHubUsername", "PrivateGitHubEmail"} | {
        *("PrivateGitHubPackagesRepo", "PrivateGitHubOwner", "PrivateGitHubRepo")
    }


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_stack_hands_on_what_it_was_given(template: str) -> None:
    loaded = load(f"{template}.yaml")
    nested = {
        name: body["Properties"]["Parameters"]
        for name, body in loaded["Resources"].items()
        if body["Type"] == "AWS::CloudFormation::Stack"
    }
    assert nested
    # A list is handed on as one text; without a repository for packages they go to the requests'.
    differently = {"CodeServicesSubnet", "PrivateGitHubPackagesRepo"}
    for name, handed in nested.items():
        taken = set(load(NESTED[name])["Parameters"]) & set(loaded["Parameters"])
        for parameter in taken - differently:
            assert handed.get(parameter) == {"Ref": parameter}, parameter


@pytest.mark.parametrize("template", ["scan-fleet", "observe"])
def test_what_a_nested_stack_counts_has_the_bounds_of_the_gates(template: str) -> None:
    counted = {
        name: [declared["MinValue"], declared["MaxValue"]]
        for name, declared in load(f"{template}.yaml")["Parameters"].items()
        if declared["Type"] == "Number"
    }
    assert counted
    gates = load("scan-pipeline.yaml")["Parameters"]
    for name, bounds in counted.items():
        if name == "FleetFrom":  # a text there, since 0 stands for no fleet
            assert re.fullmatch(gates[name]["AllowedPattern"], str(bounds[1] - 1))
            assert not re.fullmatch(gates[name]["AllowedPattern"], str(bounds[1]))
        else:
            assert [gates[name]["MinValue"], gates[name]["MaxValue"]] == bounds


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_requesters_push_is_no_buildspec(variant: str) -> None:
    source = properties(pipeline(variant), "CodeBuildProject")["Source"]
    assert source["Type"] == "CODEPIPELINE"
    assert source["BuildSpec"].startswith("version: 0.2\n")
