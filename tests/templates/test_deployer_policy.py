"""`docs/deployer-policies/`: enough to deploy, change and delete everything, and no more."""

import json
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from tests.templates.deployer_needs import (
    ARNS,
    BUCKET,
    CALLS,
    KEY,
    NOT_NEEDED,
    ONLY_WITH,
    PASSED_TO,
    PROJECT,
    ROLE,
    SECRET,
    STUDIO,
    STUDIO_GROUP,
    STUDIO_HOMES,
    commands,
    handled,
    needed,
)
from tests.templates.deployment import COMMON, STAGED, VARIANTS
from tests.templates.iam import Policy, Request, evaluate, granted, role
from tests.templates.iam_conditions import several
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered, Resource, render
from tests.templates.service_calls import CONNECTION
from tests.templates.template import CFN, load

FOLDER = PROJECT / "docs" / "deployer-policies"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
NEEDED = {
    "artifacts-bucket": {"common", "gate"},
    "closed-network": {"common", "network", "stages"},
    "codeartifact-private-repo": {"common", "gate", "codeartifact", "store"},
    "dependency-scan": {"common", "gate"},
    "github-private-repo": {"common", "gate"},
    "isolated-notebook": {"common", "network", "notebook"},
    "observe": {"common", "gate", "stages"},
    "scan-fleet": {"common", "gate", "stages"},
    "scan-pipeline": {"common", "gate"},
    "vpc": {"common", "network"},
}
"""Which files a deployer of each template has."""
DEPLOYER = role(f"arn:aws:iam::{ACCOUNT}:role/deployer")
THROUGH_CLOUDFORMATION: dict[str, str | list[str]] = {
    "aws:CalledVia": ["cloudformation.amazonaws.com"]
}
BUILD_PARAMETERS = (
    "S3ArtifactsBucket",
    "GateBundle",
    "GateBundleSHA256",
    "CodeServicesVpc",
    "CodeServicesSubnet",
)
TAGGED: dict[str, str | list[str]] = {"aws:ResourceTag/package-gate": "package-gate"}
MOST = 6144
"""The characters of a managed policy, white space not counted."""


@cache
def policy(name: str) -> Policy:
    document: Policy = json.loads((FOLDER / f"{name}.json").read_text())
    return document


@cache
def stacks() -> dict[str, tuple[Rendered, ...]]:
    """Each template with everything that it may have, by its name."""
    common = {**COMMON, "CloudTrail": "on", "CodeConnectionArn": CONNECTION}
    gates = {
        variant: render(
            f"{variant}-private-repo.yaml",
            {
                **common,
                **given,
                **({"DomainName": "package-gate"} if variant == "codeartifact" else {}),
            },
            stack="package-gate",
        )
        for variant, given in VARIANTS.items()
    }
    webhook = render(
        "github-private-repo.yaml",
        {**common, **VARIANTS["github"], "CodeConnectionArn": ""},
        stack="package-gate",
    ).resources["ScanPipeline"]
    pipeline = gates["github"].resources["ScanPipeline"].nested
    assert pipeline
    assert webhook.nested
    staged = render(
        "codeartifact-private-repo.yaml",
        {
            **common,
            **VARIANTS["codeartifact"],
            **STAGED,
            "DomainName": "package-gate",
            "FleetFrom": "1000",
            "ObserveImage": f"gate/{'0' * 64}.tar.gz",
            "SignVerdicts": "on",
        },
        stack="package-gate",
    ).resources["ScanPipeline"]
    assert staged.nested
    closed = staged.nested.resources["ClosedNetwork"].nested
    fleet = staged.nested.resources["ScanFleet"].nested
    assert closed
    assert fleet
    observe = staged.nested.resources["Observe"].nested
    assert observe
    notebook = {
        "DomainName": "package-gate",
        "RepositoryName": "internal",
        "PackageAssetsBucket": "assets-of-codeartifact",
        "S3PrefixList": "pl-12345678",
    }
    dependencies = {
        "RepositoryName": "organisation/application",
        "SNSEmail": "infosec@example.test",
        **{name: COMMON[name] for name in BUILD_PARAMETERS},
        "Advisories": "s3://records/advisories/all.zip",
        "SnykToken": "/package-gate/snyk",
    }
    return {
        "artifacts-bucket": (
            render(
                "artifacts-bucket.yaml",
                {"PipelineArtifactsPrefix": "package-gate"},
                stack="package-gate-artifacts",
            ),
        ),
        "codeartifact-private-repo": (
            gates["codeartifact"],
            render(
                "codeartifact-private-repo.yaml",
                {
                    **common,
                    **VARIANTS["codeartifact"],
                    "DomainName": "package-gate",
                    "Store": "chained-bypassing-the-gate",
                },
                stack="package-gate",
            ),
        ),
        "dependency-scan": tuple(
            render(
                "dependency-scan.yaml", {**dependencies, **kind}, stack="package-gate-dependencies"
            )
            for kind in (
                {"SourceKind": "codecommit"},
                {"SourceKind": "github", "CodeConnectionArn": CONNECTION},
            )
        ),
        "closed-network": (closed,),
        "github-private-repo": (gates["github"],),
        "isolated-notebook": tuple(
            render(
                "isolated-notebook.yaml",
                {**notebook, "NotebookKind": kind},
                stack="package-gate-notebook",
            )
            for kind in ("notebook-instance", "studio")
        ),
        "observe": (observe,),
        "scan-fleet": (fleet,),
        "scan-pipeline": (pipeline, webhook.nested, staged.nested),
        "vpc": (
            render(
                "vpc.yaml",
                {"InterfaceEndpoints": "all", "NatGateways": "per-zone"},
                stack="package-gate-vpc",
            ),
            render(
                "vpc.yaml",
                {"EgressTransitGatewayId": "tgw-0123456789abcdef0"},
                stack="package-gate-vpc",
            ),
        ),
    }


def requests_for(resource: Resource) -> Iterator[Request]:
    """What CloudFormation asks in the deployer's name to create, change and delete a resource."""
    arn = ARNS.get(resource.type) or resource.attributes.get("Arn") or resource.ref
    for action in sorted(needed(resource.type)):
        if ONLY_WITH.get(action, "Type") not in {"Type", *resource.properties}:
            continue
        about, context = arn, {**THROUGH_CLOUDFORMATION, **TAGGED}
        if action == "iam:PassRole":
            about, context = ROLE, {**context, "iam:PassedToService": PASSED_TO[resource.type]}
        elif action.endswith("connections:PassConnection"):
            about = CONNECTION
        elif action == "kms:CreateKey":
            about = "*"
        elif not about.startswith(f"arn:aws:{action.split(':')[0]}:"):
            others = {"kms": KEY, "route53": "arn:aws:route53:::hostedzone/Z1"}
            about = others.get(action.split(":")[0], "*")
        yield Request(DEPLOYER, action, about, context, ACCOUNT)


def requests_of_commands() -> Iterator[Request]:
    """What the scripts' commands ask."""
    for needs in CALLS.values():
        for action, about in needs:
            context: dict[str, str | list[str]] = {**TAGGED} if about in (KEY, STUDIO) else {}
            if about in (STUDIO_HOMES, STUDIO_GROUP):
                context["aws:ResourceTag/ManagedByAmazonSageMakerResource"] = STUDIO
            if action == "kms:Decrypt":
                context["kms:ViaService"] = f"s3.{REGION}.amazonaws.com"
            yield Request(DEPLOYER, action, about, context, ACCOUNT)


def allowed(request: Request, names: Iterable[str], template: str = "scan-pipeline") -> bool:
    """Decide; a key of the template has to let the deployer, too."""
    policies = [policy(name) for name in names]
    keys = [
        [key.properties["KeyPolicy"]]
        for stack in stacks()[template]
        for key in stack.of_type("AWS::KMS::Key").values()
    ]
    about_key = ":key/" in request.resource
    return any(
        evaluate(request, identity=policies, resource=trusts)
        for trusts in (keys if about_key else [[]])
    )


@pytest.mark.parametrize("template", NEEDED)
def test_a_deployer_of_a_template_can_create_change_and_delete_all_of_it(template: str) -> None:
    assert denied(stacks()[template], NEEDED[template], template) == set()


def test_only_a_store_needs_the_right_to_open_a_way_around_the_gate() -> None:
    template = "codeartifact-private-repo"
    without, with_store = stacks()[template]
    names = NEEDED[template] - {"store"}
    assert denied([without], names, template) == set()
    assert denied([with_store], names, template) == set(ONLY_WITH)


def denied(stacks: Iterable[Rendered], names: Iterable[str], template: str) -> set[str]:
    """Which actions a deployer with these files lacks."""
    return {
        request.action
        for stack in stacks
        for resource in stack.resources.values()
        for request in requests_for(resource)
        if not allowed(request, names, template)
    }


def test_every_template_and_all_that_is_in_it_is_looked_at() -> None:
    templates = {path.stem for path in CFN.glob("*.yaml")}
    assert templates == set(NEEDED)
    for name in templates:
        written = {each["Type"] for each in load(f"{name}.yaml")["Resources"].values()}
        rendered = {each.type for stack in stacks()[name] for each in stack.resources.values()}
        assert rendered == written


def test_a_deployer_can_run_every_command_of_the_scripts() -> None:
    found = list(commands())
    unknown = [each for each in found if (each.service, each.operation) not in CALLS]
    assert unknown == []
    assert set(CALLS) == {(each.service, each.operation) for each in found}
    assert [each for each in requests_of_commands() if not allowed(each, FILES)] == []


def test_nothing_is_granted_that_nothing_needs() -> None:
    requests = [
        *requests_of_commands(),
        *(
            request
            for several_stacks in stacks().values()
            for stack in several_stacks
            for resource in stack.resources.values()
            for request in requests_for(resource)
        ),
    ]
    by_action: dict[str, list[Request]] = {}
    for each in requests:
        by_action.setdefault(each.action.lower(), []).append(each)
    unused = []
    for name in FILES:
        for statement in policy(name)["Statement"]:
            for action in several(statement["Action"]):
                one = {**policy(name), "Statement": [{**statement, "Action": action}]}
                asked = by_action.get(action.lower(), [])
                if not any(True for each in asked for _ in granted(each, one, "identity")):
                    unused.append(f"{name} {statement['Sid']} {action}")
    assert unused == []


def test_what_is_not_needed_is_still_what_the_registry_names() -> None:
    for kind, patterns in NOT_NEEDED.items():
        for pattern in patterns:
            rest = {name: why for name, why in patterns.items() if name != pattern}
            assert _without(handled(kind), rest) - needed(kind), (kind, pattern)


def _without(actions: set[str], patterns: dict[str, str]) -> set[str]:
    return {a for a in actions if not any(fnmatchcase(a, pattern) for pattern in patterns)}


def test_each_file_fits_into_a_managed_policy_and_reads_well() -> None:
    assert sorted(set().union(*NEEDED.values())) == FILES
    for name in FILES:
        text = (FOLDER / f"{name}.json").read_text()
        assert len("".join(text.split())) <= MOST
        assert text == json.dumps(policy(name), indent=2) + "\n"
        for statement in policy(name)["Statement"]:
            actions = several(statement["Action"])
            assert actions == sorted(actions)
            assert not [each for each in actions if "*" in each]
            assert statement["Sid"]


ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/administrator"
OTHER_SECRET = SECRET.replace("package-gate", "production")
OTHER_STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/production/1"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/mine", {}),
        ("iam:CreateRole", ROLE, {}),
        ("iam:PutRolePolicy", ROLE, {}),
        ("iam:PutRolePolicy", ADMINISTRATOR, THROUGH_CLOUDFORMATION),
        ("iam:AttachRolePolicy", ROLE, THROUGH_CLOUDFORMATION),
        ("iam:UpdateAssumeRolePolicy", ADMINISTRATOR, THROUGH_CLOUDFORMATION),
        ("iam:PassRole", ADMINISTRATOR, {"iam:PassedToService": "codebuild.amazonaws.com"}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("sts:AssumeRole", ADMINISTRATOR, {}),
        ("cloudformation:CreateStack", OTHER_STACK, {}),
        ("cloudformation:UpdateStack", OTHER_STACK, {}),
        ("cloudformation:DeleteStack", OTHER_STACK, {}),
        ("secretsmanager:GetSecretValue", OTHER_SECRET, {}),
        ("secretsmanager:GetSecretValue", OTHER_SECRET, THROUGH_CLOUDFORMATION),
        ("s3:GetObject", "arn:aws:s3:::production/x", {}),
        ("s3:PutBucketPolicy", "arn:aws:s3:::production", THROUGH_CLOUDFORMATION),
        ("s3:PutBucketPolicy", BUCKET, {}),
        ("s3:PutObject", f"{BUCKET}/decisions/lease", {}),
        ("s3:DeleteBucket", "arn:aws:s3:::production", {}),
        ("kms:ScheduleKeyDeletion", KEY, TAGGED),
        ("kms:PutKeyPolicy", KEY, TAGGED),
        ("kms:Decrypt", KEY, TAGGED),
        ("kms:Decrypt", KEY, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}),
        ("ec2:DeleteVpc", f"{EC2}:vpc/vpc-1", TAGGED),
        ("ec2:DeleteVpc", f"{EC2}:vpc/vpc-1", THROUGH_CLOUDFORMATION),
        ("ec2:DeleteSecurityGroup", f"{EC2}:security-group/sg-1", THROUGH_CLOUDFORMATION),
        ("ec2:DeleteSecurityGroup", f"{EC2}:security-group/sg-1", TAGGED),
        ("elasticfilesystem:DeleteFileSystem", STUDIO_HOMES, TAGGED),
        ("sagemaker:DeleteDomain", STUDIO, {}),
        ("sagemaker:CreateDomain", STUDIO, TAGGED),
        ("ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-1", TAGGED),
        ("ec2:RunInstances", f"{EC2}:instance/*", THROUGH_CLOUDFORMATION),
        ("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/package-gate", {}),
        (
            "codebuild:UpdateProject",
            f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/package-gate",
            {},
        ),
        ("codepipeline:UpdatePipeline", ARNS["AWS::CodePipeline::Pipeline"], {}),
        ("codeartifact:PublishPackageVersion", "*", THROUGH_CLOUDFORMATION),
        ("codeartifact:AssociateExternalConnection", "*", THROUGH_CLOUDFORMATION),
        ("cloudtrail:StopLogging", f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/package-gate", {}),
        (
            "cloudtrail:StopLogging",
            f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/organisation",
            THROUGH_CLOUDFORMATION,
        ),
        ("lambda:CreateFunction", "*", THROUGH_CLOUDFORMATION),
    ],
)
def test_what_a_deployer_must_not_is_denied(
    action: str, resource: str, context: dict[str, Any]
) -> None:
    request = Request(DEPLOYER, action, resource, context, ACCOUNT)
    assert not allowed(request, FILES)


def test_the_page_names_every_file() -> None:
    guide = (FOLDER / "README.md").read_text()
    for name in FILES:
        assert f"`{name}.json`" in guide


def test_rights_hold_in_every_partition() -> None:
    """IAM User Guide, "Resource": wildcards stand within all segments but the service's."""
    for path in FOLDER.glob("*.json"):
        arns = re.findall(r"arn:[^:]*:", path.read_text())
        assert set(arns) <= {"arn:aws*:"}, path
        assert arns
