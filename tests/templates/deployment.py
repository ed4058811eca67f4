"""A deployed variant of the gate as IAM sees it: the policies of its roles and its resources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from tests.templates.iam import Allowed, Caller, Denied, Policy, Request, evaluate, role
from tests.templates.physical import ACCOUNT, REGION
from tests.templates.rendered import Rendered, Resource, render

BUCKET = "records"
DOMAIN, REPOSITORY = "research", "approved-packages"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:verdicts"
FAILURES = f"arn:aws:sns:{REGION}:{ACCOUNT}:failures"
PIPELINE = "package-gate"
DIGEST = "0123456789abcdef" * 4
COMMON: dict[str, str | list[str]] = {
    "S3ArtifactsBucket": BUCKET,
    "CodePipelineName": PIPELINE,
    "SNSEmail": "infosec@example.test",
    "PrivateGitHubOwner": "organisation",
    "PrivateGitHubRepo": "package-requests",
    "PrivateGitHubBranch": "main",
    "PrivateGitHubToken": "research-gate-github-token",
    "CodeConnectionArn": "",
    "CodeServicesVpc": "vpc-0a",
    "CodeServicesSubnet": ["subnet-0a", "subnet-0b"],
    "ScanPipelineTemplate": f"https://{BUCKET}.s3.{REGION}.amazonaws.com/templates/{DIGEST}/"
    "scan-pipeline.yaml",
    "ClosedNetworkTemplate": f"https://{BUCKET}.s3.{REGION}.amazonaws.com/templates/{DIGEST}/"
    "closed-network.yaml",
    "ScanFleetTemplate": f"https://{BUCKET}.s3.{REGION}.amazonaws.com/templates/{DIGEST}/"
    "scan-fleet.yaml",
    "ObserveTemplate": f"https://{BUCKET}.s3.{REGION}.amazonaws.com/templates/{DIGEST}/observe.yaml",
    "GateBundle": f"gate/{DIGEST}.tar.gz",
    "GateBundleSHA256": DIGEST,
}
STAGED = {
    "Isolation": "staged",
    "Advisories": "s3://advisories/pypi/all.zip",
    "SnapshotObject": "pypi/all.zip",
    "S3PrefixList": "pl-6ea54007",
}
"""What isolated stages need."""
VARIANTS: dict[str, dict[str, str | list[str]]] = {
    "codeartifact": {"DomainName": DOMAIN, "RepositoryName": REPOSITORY},
    "github": {
        "PrivateGitHubUsername": "gate-user",
        "PrivateGitHubEmail": "gate@example.test",
        "PrivateGitHubPackagesRepo": "packages",
    },
}
ENDPOINTS = {
    "codeartifact": ("CodeArtifactApiEndpoint", "CodeArtifactRepositoriesEndpoint"),
    "codebuild": ("CodeBuildEndpoint",),
    "logs": ("LogsEndpoint",),
    "s3": ("S3Endpoint",),
    "secretsmanager": ("SecretsManagerEndpoint",),
    "sns": ("SNSEndpoint",),
    "ssm": ("SSMEndpoint",),
    "sts": ("STSEndpoint", "CodeArtifactApiEndpoint"),
}
"""Through which endpoints of vpc.yaml a build calls a service; one that lets it pass will do."""


@dataclass(frozen=True)
class Deployment:
    """One variant in an account, with the network and the bucket that it stands on."""

    stack: Rendered
    bucket: Rendered
    network: Rendered

    @property
    def pipeline(self) -> Rendered:
        """The nested stack."""
        nested = self.stack.resources["ScanPipeline"].nested
        assert nested
        return nested

    def role(self, logical_id: str, session: str = "session") -> Caller:
        """Give the caller that has one of the stacks' roles."""
        return role(self._resource(logical_id).attributes["Arn"], session)

    def caller(self, arn: str) -> Caller:
        """Give the caller that has this role."""
        return role(arn)

    def arn(self, logical_id: str) -> str:
        """Give the ARN of a resource of either stack."""
        resource = self._resource(logical_id)
        return resource.attributes.get("Arn", resource.ref)

    @property
    def environment(self) -> dict[str, str]:
        """The plain environment variables of the build."""
        project = self.pipeline.resources["CodeBuildProject"].properties
        variables = project["Environment"]["EnvironmentVariables"]
        return {each["Name"]: each["Value"] for each in variables if "Type" not in each}

    def evaluate(
        self,
        caller: Caller,
        action: str,
        resource: str = "*",
        context: Mapping[str, str | list[str]] | None = None,
        *,
        identity: list[Policy] | None = None,
        through_network: bool = False,
        endpoints: Sequence[Policy] = (),
    ) -> Allowed | Denied:
        """Decide a call.

        Args:
            caller: a role of these stacks, or anybody.
            action: what it wants.
            resource: of what.
            context: condition keys of the call.
            identity: the policies of a caller that is none of these stacks' roles.
            through_network: whether it comes through the network's endpoints.
            endpoints: the policies of other endpoints through one of which it comes.
        """
        account = ACCOUNT if resource.startswith("arn:aws:s3:::") else ""
        request = Request(caller, action, resource, context or {}, account)
        own = self.policies.get(caller.arn, []) if identity is None else identity
        ways = ENDPOINTS.get(action.split(":")[0], ()) if through_network else ()
        documents = [self.network.resources[way].properties["PolicyDocument"] for way in ways]
        documents += endpoints
        answers = [
            evaluate(request, identity=own, resource=self._policies_of(resource), endpoint=endpoint)
            for endpoint in documents or [None]
        ]
        return next((answer for answer in answers if answer), answers[0])

    @cached_property
    def policies(self) -> dict[str, list[Policy]]:
        """The policies of each role, by its ARN."""
        by_name: dict[str, list[Policy]] = {}
        arns = {}
        for each in self._of_type("AWS::IAM::Role"):
            arns[each.ref] = each.attributes["Arn"]
            inline = [policy["PolicyDocument"] for policy in each.properties.get("Policies", [])]
            by_name[each.ref] = inline
            assert "ManagedPolicyArns" not in each.properties, "read them here"
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for each in self._of_type(kind):
                for name in each.properties["Roles"]:
                    by_name[name].append(each.properties["PolicyDocument"])
        return {arns[name]: policies for name, policies in by_name.items()}

    def resource_policies(self) -> Iterator[tuple[list[str], Policy]]:
        """Give every policy of a resource, and with what the ARNs begin that it is for."""
        for each in self._of_type("AWS::KMS::Key"):
            yield [each.attributes["Arn"]], each.properties["KeyPolicy"]
        for each in self._of_type("AWS::SNS::TopicPolicy"):
            yield each.properties["Topics"], each.properties["PolicyDocument"]
        for each in self._of_type("AWS::S3::BucketPolicy"):
            bucket = f"arn:aws:s3:::{each.properties['Bucket']}"
            yield [bucket], each.properties["PolicyDocument"]
        for each in self._of_type("AWS::IAM::Role"):
            yield [each.attributes["Arn"]], each.properties["AssumeRolePolicyDocument"]
        place = f"arn:aws:codeartifact:{REGION}:{ACCOUNT}:"
        for each in self._of_type("AWS::CodeArtifact::Domain"):
            name = each.properties["DomainName"]  # a domain's policy is for all that is in it, too
            arns = [f"{place}domain/{name}"]
            arns += [f"{place}{kind}/{name}/" for kind in ("repository", "package")]
            if "PermissionsPolicyDocument" in each.properties:
                yield arns, each.properties["PermissionsPolicyDocument"]
        for each in self._of_type("AWS::CodeArtifact::Repository"):
            name = f"{each.properties['DomainName']}/{each.properties['RepositoryName']}"
            # In another account's domain: whose account stands in its ARN is not documented.
            accounts = {ACCOUNT, each.properties.get("DomainOwner", ACCOUNT)}
            arns = [
                f"arn:aws:codeartifact:{REGION}:{account}:{kind}"
                for account in accounts
                for kind in (f"repository/{name}", f"package/{name}/")
            ]
            yield arns, each.properties["PermissionsPolicyDocument"]

    @cached_property
    def _resource_policies(self) -> list[tuple[list[str], Policy]]:
        return list(self.resource_policies())

    def _policies_of(self, arn: str) -> list[Policy]:
        found = []
        for beginnings, policy in self._resource_policies:
            for beginning in beginnings:
                if arn == beginning or arn.startswith(f"{beginning.rstrip('/')}/"):
                    found.append(policy)
        return found

    def _of_type(self, kind: str) -> list[Resource]:
        return [
            each
            for stack in (self.stack, self.bucket, self.network)
            for each in stack.of_type(kind).values()
        ]

    def _resource(self, logical_id: str) -> Resource:
        found = self.stack.resources.get(logical_id) or self.pipeline.resources[logical_id]
        assert isinstance(found, Resource)
        return found


@cache
def deployed(variant: str, **parameters: Any) -> Deployment:
    """Render a variant and what it stands on.

    Args:
        variant: `codeartifact` or `github`.
        parameters: what differs from `COMMON` and `VARIANTS`.
    """
    stack = render(
        f"{variant}-private-repo.yaml",
        {**COMMON, **VARIANTS[variant], **parameters},
        attributes={"ScanPipeline/SNSTopic": TOPIC, "ScanPipeline/FailureTopic": FAILURES},
    )
    bucket = render(
        "artifacts-bucket.yaml",
        {"PipelineArtifactsPrefix": PIPELINE},
        attributes={
            "ArtifactsBucket": BUCKET,
            "ArtifactsBucket.Arn": f"arn:aws:s3:::{BUCKET}",
        },
        stack="research-gate-artifacts",
    )
    network = render("vpc.yaml", {"InterfaceEndpoints": "all"}, stack="package-gate-vpc")
    return Deployment(stack, bucket, network)
