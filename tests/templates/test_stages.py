"""Isolated stages: which builds there are, in which networks, and what none of them may do."""

import json
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.templates.deployment import (
    BUCKET,
    COMMON,
    DIGEST,
    DOMAIN,
    PIPELINE,
    REPOSITORY,
    STAGED,
    TOPIC,
    VARIANTS,
    deployed,
)
from tests.templates.iam import Policy, Request, granted
from tests.templates.iam import role as role_of
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered, condition_of
from tests.templates.service_calls import ServiceCall
from tests.templates.stage_calls import calls_of_services, closed_network
from tests.templates.template import TemplateError, load
from tests.templates.test_exact_iam import request_of, unused_of

ARTIFACTS = f"arn:aws:s3:::{BUCKET}"
WORK = f"{ARTIFACTS}/work/{PIPELINE}/run-1"
RECORD = f"{ARTIFACTS}/decisions/codeartifact/{DOMAIN}/{REPOSITORY}/packages/pypi/a/1.json"
PACKAGE = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:package/{DOMAIN}/{REPOSITORY}/pypi//numpy"
SIGNING: dict[str, str | list[str]] = {"kms:SigningAlgorithm": "ECDSA_SHA_256"}
ONCE: dict[str, str | list[str]] = {"s3:if-none-match": "*"}


def pipeline(variant: str = "codeartifact", **parameters: Any) -> Rendered:
    return deployed(variant, **{**STAGED, **parameters}).pipeline


def actions(stack: Rendered) -> list[dict[str, Any]]:
    (_, stage) = stack.resources["CodePipeline"].properties["Stages"]
    return sorted(stage["Actions"], key=lambda each: each.get("RunOrder", 1))


def network_of(stack: Rendered, project: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.resources[project].properties["VpcConfig"]
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_build_is_the_default_and_has_nothing_of_the_stages(variant: str) -> None:
    stack = deployed(variant).pipeline
    assert [each["Name"] for each in actions(stack)] == ["Scan"]
    of_stages = {"ClosedNetwork", "PlanRole", "PlanProject", "ScanRole", "ScanProject", "ScanFleet"}
    assert of_stages & set(stack.resources) == set()
    assert "PACKAGE_GATE_WORK" not in json.dumps(actions(stack))


def test_the_stages_follow_each_other_and_meet_at_a_place_of_the_run() -> None:
    names = [each["Name"] for each in actions(pipeline())]
    assert names == ["Plan", "Scan", "PlanPrecedents", "ScanPrecedents", "Conclude"]
    for action in actions(pipeline()):
        given = json.loads(action["Configuration"]["EnvironmentVariables"])
        variables = {each["name"]: each["value"] for each in given}
        place = f"s3://{BUCKET}/work/{PIPELINE}/#{{codepipeline.PipelineExecutionId}}"
        assert variables["PACKAGE_GATE_WORK"] == place
        assert ("PACKAGE_GATE_RESCAN" in variables) is ("Scan" not in action["Name"])
    (_, stage) = pipeline().resources["CodePipeline"].properties["Stages"]
    retry = {"Result": "RETRY", "RetryConfiguration": {"RetryMode": "ALL_ACTIONS"}}
    assert stage["OnFailure"] == retry
    assert stage["Name"] == "Download_Scan_Notify_External_Repositories"  # the guidance's


ACTIONS = {
    "Plan": (1, "plan", ["Requests"], ["Batches"]),
    "Scan": (2, "scan", ["Batches"], []),
    "Observe": (2, "observe", [], []),
    "PlanPrecedents": (3, "plan", ["Requests"], ["Remaining"]),
    "ScanPrecedents": (4, "scan", ["Remaining"], []),
    "ObservePrecedents": (4, "observe", [], []),
    "Conclude": (5, "", ["Requests"], ["Reports"]),
}
"""Each action of the second stage: when it runs, what, with which files, and what it leaves."""
BUILD = {"Category": "Build", "Owner": "AWS", "Provider": "CodeBuild", "Version": "1"}
MACHINE = {"Category": "Invoke", "Owner": "AWS", "Provider": "StepFunctions", "Version": "1"}


@pytest.mark.parametrize("fleet", ["0", "10"])
def test_each_action_runs_its_build_or_machine_in_its_turn_with_its_files(fleet: str) -> None:
    stack = pipeline(FleetFrom=fleet, ObserveImage=f"gate/{DIGEST}.tar.gz")
    found = {each["Name"]: each for each in actions(stack)}
    assert set(found) == set(ACTIONS)
    for name, (order, what, files, left) in ACTIONS.items():
        action = found[name]
        assert action["RunOrder"] == order
        if what == "observe" or (what == "scan" and fleet != "0"):
            assert action["ActionTypeId"] == MACHINE
            machine = "fleet" if what == "scan" else what
            arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{PIPELINE}-{machine}"
            assert action["Configuration"]["StateMachineArn"] == arn
            plan = "PlanPrecedents" if name.endswith("Precedents") else "Plan"
            assert json.loads(action["Configuration"]["Input"]) == {
                "work": f"work/{PIPELINE}/#{{codepipeline.PipelineExecutionId}}",
                "packages": f"#{{{plan}.PACKAGES}}",
            }
            files = []  # a machine reads them from the work place
        else:
            assert action["ActionTypeId"] == BUILD
            project = f"{PIPELINE}-{what}".removesuffix("-")
            assert action["Configuration"]["ProjectName"] == project
        assert [each["Name"] for each in action.get("InputArtifacts", [])] == files
        assert [each["Name"] for each in action.get("OutputArtifacts", [])] == left
        assert action.get("Namespace") == (name if what == "plan" else None)


def test_scans_and_the_conclusion_are_in_a_network_without_a_way_out() -> None:
    deployment = deployed("codeartifact", **STAGED)
    stack, closed = deployment.pipeline, closed_network(deployment)
    kinds = {each.type for each in closed.resources.values()}
    for way_out in ("InternetGateway", "NatGateway", "Route", "VPCPeeringConnection"):
        assert f"AWS::EC2::{way_out}" not in kinds
    assert network_of(stack, "PlanProject")["VpcId"] == COMMON["CodeServicesVpc"]
    for project in ("ScanProject", "CodeBuildProject", "ReevaluationProject"):
        assert network_of(stack, project)["VpcId"] == closed.outputs["VpcId"]
    groups = {
        name: network_of(stack, name)["SecurityGroupIds"]
        for name in ("PlanProject", "ScanProject", "CodeBuildProject")
    }
    assert len({str(each) for each in groups.values()}) == 3
    roles = {stack.resources[name].properties["ServiceRole"] for name in groups}
    assert len(roles) == 3


def test_a_scan_reaches_s3_and_the_log_alone() -> None:
    closed = closed_network(deployed("codeartifact", **STAGED))
    scan, conclude = (
        closed.resources[f"{name}SecurityGroup"].properties for name in ("Scan", "Conclude")
    )
    logs = closed.resources["LogsSecurityGroup"].ref
    assert [
        (
            rule["FromPort"],
            rule.get("DestinationPrefixListId", rule.get("DestinationSecurityGroupId")),
        )
        for rule in scan["SecurityGroupEgress"]
    ] == [(443, STAGED["S3PrefixList"]), (443, logs)]
    assert "SecurityGroupIngress" not in scan
    assert "SecurityGroupIngress" not in conclude
    (into,) = closed.resources["EndpointSecurityGroup"].properties["SecurityGroupIngress"]
    assert into["SourceSecurityGroupId"] == closed.resources["ConcludeSecurityGroup"].ref
    of_logs = closed.resources["LogsEndpoint"].properties["SecurityGroupIds"]
    assert of_logs == [logs]


@pytest.mark.parametrize(
    ("parameters", "services"),
    [
        ({}, {"logs", "codebuild", "codeartifact.api", "codeartifact.repositories", "sns"}),
        (
            {"SignVerdicts": "on"},
            {"logs", "codebuild", "codeartifact.api", "codeartifact.repositories", "sns", "kms"},
        ),
    ],
)
def test_the_resolver_knows_the_endpoints_and_no_other_name(
    parameters: dict[str, str], services: set[str]
) -> None:
    closed = closed_network(deployed("codeartifact", **STAGED, **parameters))
    interfaces = {
        each.properties["ServiceName"].removeprefix(f"com.amazonaws.{REGION}.")
        for each in closed.of_type("AWS::EC2::VPCEndpoint").values()
        if each.properties["VpcEndpointType"] == "Interface"
    }
    assert interfaces == services
    names = closed.resources["NamesOfAWS"].properties["Domains"]
    prefixes = {name.removeprefix("*.").partition(f".{REGION}.")[0] for name in names}
    private = {"codeartifact.api": "codeartifact", "codeartifact.repositories": "d.codeartifact"}
    expected = {private.get(each, each) for each in services} | {"s3", "s3.amazonaws.com"}
    assert prefixes == expected
    assert all(name.endswith(".amazonaws.com") for name in names)
    allow, block = closed.resources["NameRules"].properties["FirewallRules"]
    assert (allow["Action"], block["Action"]) == ("ALLOW", "BLOCK")
    assert allow["Priority"] < block["Priority"]
    assert allow["FirewallDomainListId"] == closed.resources["NamesOfAWS"].ref
    everything = closed.resources["AllNames"]
    assert (block["FirewallDomainListId"], everything.properties["Domains"]) == (
        everything.ref,
        ["*"],
    )
    assert closed.resources["NameRulesOfTheNetwork"].properties["VpcId"] == closed.outputs["VpcId"]


def test_what_publishes_to_github_concludes_where_github_is_reached() -> None:
    deployment = deployed("github", **STAGED)
    stack, closed = deployment.pipeline, closed_network(deployment)
    assert network_of(stack, "CodeBuildProject")["VpcId"] == COMMON["CodeServicesVpc"]
    assert network_of(stack, "ScanProject")["VpcId"] == closed.outputs["VpcId"]
    assert {"LogsEndpoint", "S3Endpoint"} == {
        name for name in closed.resources if name.endswith("Endpoint")
    }
    for project in ("PlanProject", "ScanProject"):
        assert "PrivateGitHubToken" not in json.dumps(stack.resources[project].properties)


@pytest.mark.parametrize("project", ["PlanProject", "ScanProject"])
def test_every_build_of_a_stage_installs_what_the_single_build_does(project: str) -> None:
    stack = pipeline(FleetFrom="10")
    fleet = stack.resources["ScanFleet"].nested
    assert fleet

    def install(properties: dict[str, Any]) -> list[str]:
        spec = yaml.safe_load(properties["Source"]["BuildSpec"])
        commands = spec["phases"]["install"]["commands"]
        return [
            each.replace("  [ -s batches ] || exit 0\n", "")
            for each in commands
            if "gate.tar.gz" in each or "pip install" in each
        ]

    expected = install(stack.resources["CodeBuildProject"].properties)
    assert len(expected) == 2
    assert install(stack.resources[project].properties) == expected
    assert install(fleet.resources["FleetProject"].properties) == expected


@pytest.mark.parametrize(
    ("role", "action", "resource", "context"),
    [
        # A scan is broken out of.
        *(
            ("ScanRole", action, resource, ONCE)
            for action in ("s3:PutObject", "s3:DeleteObject")
            for resource in (
                *(f"{WORK}/{name}" for name in ("plan.json", "batches.json", "requests.csv")),
                f"{WORK}/batches/1.json",
                f"{WORK}/staging/sha256/ab/abcd",
                RECORD,
                f"{ARTIFACTS}/gate/{DIGEST}.tar.gz",
                f"{ARTIFACTS}/wheelhouse/{DIGEST}/ruff.whl",
                f"{ARTIFACTS}/{PIPELINE}/Reports/x",
                f"{ARTIFACTS}/work/{PIPELINE}-2/run-1/evidence/1/x.json",
            )
        ),
        ("ScanRole", "s3:PutObject", f"{WORK}/evidence/1/x.json", {}),  # over what is there
        ("ScanRole", "s3:DeleteObject", f"{WORK}/evidence/1/x.json", ONCE),
        ("ScanRole", "s3:GetObject", f"{WORK}/requests.csv", {}),
        ("ScanRole", "s3:GetObject", RECORD, {}),
        ("ScanRole", "s3:GetObject", f"{ARTIFACTS}/{PIPELINE}/Requests/x", {}),
        ("ScanRole", "s3:ListBucket", ARTIFACTS, {"s3:prefix": "decisions/"}),
        ("ScanRole", "kms:Decrypt", "KMSKey", {}),
        # Planning, which has the internet, is taken over.
        *(
            ("PlanRole", action, resource, ONCE)
            for action in ("s3:PutObject", "s3:DeleteObject")
            for resource in (
                f"{WORK}/evidence/1/x.json",
                RECORD,
                f"{ARTIFACTS}/gate/{DIGEST}.tar.gz",
                f"{ARTIFACTS}/wheelhouse/{DIGEST}/ruff.whl",
                f"{ARTIFACTS}/{PIPELINE}/Reports/x",
            )
        ),
        ("PlanRole", "kms:Decrypt", "KMSKey", {}),
        *(
            (role, action, resource, context)
            for role in ("PlanRole", "ScanRole")
            for action, resource, context in (
                ("codeartifact:PublishPackageVersion", PACKAGE, {}),
                ("codeartifact:DeletePackageVersions", PACKAGE, {}),
                ("kms:Sign", "SigningKey", SIGNING),
                ("sns:Publish", TOPIC, {}),
                ("iam:PassRole", "BuildRole", {}),
                ("sts:AssumeRole", "BuildRole", {}),
                (
                    "codebuild:StartBuild",
                    f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{PIPELINE}",
                    {},
                ),
                (
                    "states:StartExecution",
                    f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{PIPELINE}-fleet",
                    {},
                ),
            )
        ),
        # What concludes believes neither staging nor evidence that it has written itself.
        ("BuildRole", "s3:PutObject", f"{WORK}/evidence/1/x.json", ONCE),
        ("BuildRole", "s3:PutObject", f"{WORK}/staging/sha256/ab/abcd", ONCE),
    ],
)
def test_what_an_attacker_in_a_stage_wants_is_denied(
    role: str, action: str, resource: str, context: dict[str, str | list[str]]
) -> None:
    deployment = deployed("codeartifact", **STAGED, FleetFrom="10", SignVerdicts="on")
    if resource in ("KMSKey", "SigningKey", "BuildRole"):
        resource = deployment.arn(resource)
    assert not deployment.evaluate(deployment.role(role), action, resource, context)


VIA_S3: dict[str, str | list[str]] = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
STAGES: dict[str, list[tuple[str, str, dict[str, str | list[str]]]]] = {
    "PlanRole": [
        *(
            ("s3:GetObject", resource, {})
            for resource in (
                f"{ARTIFACTS}/gate/{DIGEST}.tar.gz",
                f"{ARTIFACTS}/wheelhouse/{DIGEST}/ruff.whl",
                "arn:aws:s3:::advisories/pypi/all.zip",
                RECORD,
                f"{WORK}/evidence/1/x.json",
            )
        ),
        ("s3:ListBucket", ARTIFACTS, {"s3:prefix": f"decisions/codeartifact/{DOMAIN}/"}),
        *(
            ("s3:PutObject", f"{WORK}/{name}", {})
            for name in (
                *("plan.json", "batches.json", "batches/1.json", "requests.csv"),
                "staging/sha256/ab/abcd",
            )
        ),
        *((f"kms:{action}", "KMSKey", VIA_S3) for action in ("Decrypt", "GenerateDataKey")),
    ],
    "ScanRole": [
        *(
            ("s3:GetObject", resource, {})
            for resource in (
                f"{ARTIFACTS}/gate/{DIGEST}.tar.gz",
                f"{ARTIFACTS}/wheelhouse/{DIGEST}/ruff.whl",
                f"{WORK}/batches/1.json",
                f"{WORK}/staging/sha256/ab/abcd",
            )
        ),
        ("s3:ListBucket", ARTIFACTS, {"s3:prefix": f"wheelhouse/{DIGEST}/"}),
        ("s3:ListBucket", ARTIFACTS, {"s3:prefix": f"work/{PIPELINE}/run-1/evidence/1/"}),
        ("s3:PutObject", f"{WORK}/evidence/1/x.json", ONCE),
        *((f"kms:{action}", "KMSKey", VIA_S3) for action in ("Decrypt", "GenerateDataKey")),
    ],
    "BuildRole": [  # besides what the single build does, which test_exact_iam.py has
        ("s3:GetObject", f"{ARTIFACTS}/wheelhouse/{DIGEST}/ruff.whl", {}),
        ("s3:GetObject", f"{WORK}/evidence/1/x.json", {}),
    ],
}
"""What each stage's build asks for (docs/staged-pipeline.md); test_staged_builds.py runs them."""


def test_the_stages_may_do_what_they_ask_for_and_nothing_else() -> None:
    deployment = deployed("codeartifact", **STAGED, FleetFrom="10", Store="gate-only")
    key = deployment.arn("KMSKey")
    asked = [
        ServiceCall(deployment.role(role), action, key if resource == "KMSKey" else resource, given)
        for role, calls in STAGES.items()
        for action, resource, given in calls
    ]
    asked += calls_of_services(deployment)
    denied = [
        f"{call.caller.arn} {call.action} {call.resource}"
        for call in asked
        if not deployment.evaluate(call.caller, call.action, call.resource, call.context)
    ]
    assert denied == []
    fleet = deployment.pipeline.resources["ScanFleet"].nested
    assert fleet
    machine = deployment.caller(fleet.resources["StateMachineRole"].attributes["Arn"])
    for caller in (deployment.role("PlanRole"), deployment.role("ScanRole"), machine):
        own = [request_of(call) for call in asked if call.caller == caller]
        policies = deployment.policies[caller.arn]
        assert [text for each in policies for text in unused_of(each, "identity", own)] == []


def test_a_plan_decrypts_its_snapshot_and_logs_in_to_codeartifact_alone() -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000002"
    deployment = deployed("codeartifact", **STAGED, AdvisoriesKey=key, Store="gate-only")
    plan = deployment.role("PlanRole")
    bearer = "sts:GetServiceBearerToken"
    for action, resource, context, expected in (
        ("kms:Decrypt", key, {}, True),  # somebody else's key: its own policy must let the role too
        ("kms:Decrypt", f"{key[:-1]}3", {}, False),
        (bearer, "*", {"sts:AWSServiceName": "codeartifact.amazonaws.com"}, True),
        (bearer, "*", {"sts:AWSServiceName": "ecr-public.amazonaws.com"}, False),
    ):
        asked = Request(plan, action, resource, dict(context), ACCOUNT)
        grants = [
            each for p in deployment.policies[plan.arn] for each in granted(asked, p, "identity")
        ]
        assert bool(grants) is expected, (action, resource, context)


def test_the_store_is_read_by_what_takes_packages_and_by_nobody_else() -> None:
    store = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:repository/{DOMAIN}/pypi-store"
    package = store.replace("repository/", "package/") + "/pypi//numpy"
    administrator: Policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    for parameters, readers in (({}, {"BuildRole"}), (STAGED, {"BuildRole", "PlanRole"})):
        deployment = deployed("codeartifact", **parameters, Store="gate-only")
        plan = f"arn:aws:iam::{ACCOUNT}:role/package-gate/{PIPELINE}/plan/x"
        callers = {
            "BuildRole": deployment.role("BuildRole"),
            "PlanRole": deployment.role("PlanRole") if parameters else role_of(plan),
            "of another gate": role_of(plan.replace(PIPELINE, f"{PIPELINE}-2")),
            "notebook": role_of(f"arn:aws:iam::{ACCOUNT}:role/notebook"),
        }
        for name, caller in callers.items():
            for action, what in (
                ("ReadFromRepository", store),
                ("GetPackageVersionAsset", package),
            ):
                may = deployment.evaluate(
                    caller, f"codeartifact:{action}", what, identity=[administrator]
                )
                assert bool(may) is (name in readers), (name, action)


def test_a_scan_may_write_evidence_that_is_not_there_yet() -> None:
    """Else the table above would prove little."""
    deployment = deployed("codeartifact", **STAGED)
    scan = deployment.role("ScanRole")
    assert deployment.evaluate(scan, "s3:PutObject", f"{WORK}/evidence/1/x.json", ONCE)
    assert deployment.evaluate(scan, "s3:GetObject", f"{WORK}/staging/sha256/ab/abcd")


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"Scanners": "osv,inspector"}, "Scanners"),
        ({"Scanners": "osv,snyk", "SnykToken": "/team/snyk"}, "Scanners"),
        ({"Scanners": "codeguru"}, "Scanners"),
        ({"Advisories": "https://osv.example.test/"}, "Advisories"),
        ({"Advisories": ""}, "Advisories"),
        ({"S3PrefixList": ""}, "S3PrefixList"),
    ],
)
def test_what_a_closed_network_can_t_do_is_refused(parameters: dict[str, str], why: str) -> None:
    with pytest.raises(TemplateError, match=why):
        pipeline(**parameters)
    declared = load("closed-network.yaml")["Parameters"][why]
    assert "isolated stages" in declared["ConstraintDescription"] or why == "S3PrefixList"


def test_a_fleet_and_stages_without_what_they_need_are_refused_by_the_rules() -> None:
    rules = load("codeartifact-private-repo.yaml")["Rules"]
    given = {"Isolation": "single", "FleetFrom": "10", "S3PrefixList": "", "SnapshotObject": ""}
    assert condition_of(rules["AFleetNeedsStages"]["RuleCondition"], given)
    (needs,) = rules["AFleetNeedsStages"]["Assertions"]
    assert not condition_of(needs["Assert"], given)
    staged = {**given, "Isolation": "staged"}
    assert condition_of(rules["StagesAreComplete"]["RuleCondition"], staged)
    for assertion in rules["StagesAreComplete"]["Assertions"]:
        assert not condition_of(assertion["Assert"], staged)
    of_both = ("AFleetNeedsStages", "StagesAreComplete")
    others = load("github-private-repo.yaml")["Rules"]
    assert [others[name] for name in of_both] == [rules[name] for name in of_both]
