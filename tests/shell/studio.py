"""SageMaker Studio, of which moto has the domain alone.

In AWS a domain has a file system with a mount target in each subnet, and two security groups that
name each other. Apps go before spaces and profiles, and all of them before the domain; whatever is
deleted stays in `Deleting` for a while. CloudFormation deletes the domain and keeps the file
system; the mount targets then hold the subnets, and the groups the VPC.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from unittest import mock

from moto.core.common_models import CloudFormationModel
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.efs.models import efs_backends
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from tests.fakes.aws import REGION
from tests.fakes.codeartifact import ACCOUNT

TAG = "ManagedByAmazonSageMakerResource"
NFS = "2049"
KINDS = {"app": "AppName", "space": "SpaceName", "user_profile": "UserProfileName"}
"""What is in a domain, and which member has its name."""
Call = Callable[..., Any]
Thing = dict[str, Any]


@dataclass
class Studio:
    """What a test changes of it."""

    polls: int = 0
    """How often something is still there when somebody asks, after it was told to go."""
    failing: str = ""
    """Why a domain can't be deleted, when it can't."""
    things: dict[str, list[Thing]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    _going: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Domain → how often somebody has asked since it was told to go, and what becomes of its file
    system."""

    def move_in(self, domain: str) -> None:
        """Give a domain two people: with an app of her own, and with a space that has one."""
        common = {"DomainId": domain, "Status": "InService"}
        self.things["user_profile"] = [{**common, "UserProfileName": who} for who in ("jo", "kim")]
        self.things["space"] = [{**common, "SpaceName": "work", "OwnerUserProfileName": "kim"}]
        app = {**common, "AppType": "JupyterLab", "AppName": "default"}
        self.things["app"] = [
            {**app, "AppType": "Canvas", "UserProfileName": "jo"},
            {**app, "SpaceName": "work"},
            {**app, "AppName": "broken", "SpaceName": "work", "Status": "Failed"},
        ]

    def listed(self, kind: str, response: SageMakerResponse) -> ActionResult:
        """Answer ListApps, ListSpaces or ListUserProfiles."""
        domain = response._get_param("DomainIdEquals")
        things = [thing for thing in self.things[kind] if thing["DomainId"] == domain]
        for thing in things:
            if thing["Status"] == "Deleting":
                thing["asked"] = thing.get("asked", 0) + 1
                if thing["asked"] > self.polls:
                    thing["Status"] = "Deleted"
        if kind != "app":  # those are listed for a day
            things = [thing for thing in things if thing["Status"] != "Deleted"]
        name = "".join(word.title() for word in kind.split("_"))
        return ActionResult({f"{name}s": things})

    def delete(self, kind: str, response: SageMakerResponse) -> EmptyResult:
        """Answer DeleteApp, DeleteSpace or DeleteUserProfile."""
        keys = ["DomainId", KINDS[kind]]
        if kind == "app":
            keys += ["AppType", "SpaceName", "UserProfileName"]
        asked = {key: response._get_param(key) for key in keys}
        found = [
            thing
            for thing in self.things[kind]
            if thing["Status"] != "Deleted" and asked == {key: thing.get(key) for key in keys}
        ]
        if not found:
            raise ResourceNotFound(message=f"{kind} {asked} does not exist.")
        (thing,) = found
        if thing["Status"] != "InService" or self._is_used(kind, thing):
            raise ResourceInUseException(message=f"{kind} {asked} is in use.")
        thing["Status"] = "Deleting"
        return EmptyResult()

    def _is_used(self, kind: str, thing: Thing) -> bool:
        name = thing[KINDS[kind]]
        in_use = [t for t in self.things["app"] if t["Status"] not in ("Deleted", "Failed")]
        if kind == "space":
            return any(app.get("SpaceName") == name for app in in_use)
        spaces = [t for t in self.things["space"] if t["Status"] != "Deleted"]
        return kind == "user_profile" and (
            any(app.get("UserProfileName") == name for app in in_use)
            or any(space["OwnerUserProfileName"] == name for space in spaces)
        )

    def describe_domain(self, original: Call, backend: Any, domain_id: str) -> Any:
        if domain_id in self._going:
            asked, homes = self._going[domain_id]
            self._going[domain_id] = asked + 1, homes
            if asked >= self.polls:
                del self._going[domain_id]
                if self.failing:
                    backend.domains[domain_id].status = "Delete_Failed"
                    backend.domains[domain_id].failure_reason = self.failing
                else:
                    remove_domain(domain_id, homes)
        if domain_id not in backend.domains:
            raise ResourceNotFound(message=f"Domain [{domain_id}] does not exist.")
        return original(backend, domain_id)

    def delete_domain(
        self, _: Call, backend: Any, domain_id: str, retention_policy: dict[str, str] | None
    ) -> None:
        if domain_id not in backend.domains:
            raise ResourceNotFound(message=f"Domain [{domain_id}] does not exist.")
        if domain_id in self._going or self.is_inhabited(domain_id):
            raise ResourceInUseException(message=f"Domain [{domain_id}] is in use.")
        backend.domains[domain_id].status = "Deleting"
        self._going[domain_id] = 0, (retention_policy or {}).get("HomeEfsFileSystem", "Retain")

    def is_inhabited(self, domain: str) -> bool:
        """Tell whether spaces or profiles are left in a domain."""
        return any(
            thing["DomainId"] == domain and thing["Status"] != "Deleted"
            for kind in ("space", "user_profile")
            for thing in self.things[kind]
        )


class StudioDomain(CloudFormationModel):
    """`AWS::SageMaker::Domain`."""

    studio: ClassVar[Studio]

    def __init__(self, domain: str) -> None:
        self.domain = domain

    @property
    def physical_resource_id(self) -> str:
        return self.domain

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SageMaker::Domain"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, *_: str, **__: Any
    ) -> "StudioDomain":
        given = cloudformation_json["Properties"]
        backend = sagemaker_backends[ACCOUNT][REGION]
        name = given["DomainName"]
        optional = (
            *("domain_settings", "tags", "home_efs_file_system_kms_key_id"),
            *("app_security_group_management", "default_space_settings"),
        )
        made = backend.create_domain(
            name,
            given["AuthMode"],
            given["DefaultUserSettings"],
            given["SubnetIds"],
            given["VpcId"],
            app_network_access_type=given["AppNetworkAccessType"],
            kms_key_id=given["KmsKeyId"],
            **dict.fromkeys(optional),
        )
        domain = backend.domains[made["DomainArn"].rpartition("/")[2]]
        domain.home_efs_file_system_id = _make_homes(domain, _make_groups(domain))
        return cls(domain.id)

    def delete(self, account_id: str, region_name: str) -> None:
        """Do as CloudFormation does; a domain that is gone is none of its concern."""
        if self.domain in sagemaker_backends[account_id][region_name].domains:
            if self.studio.is_inhabited(self.domain):
                raise ResourceInUseException(message=f"Domain [{self.domain}] is in use.")
            remove_domain(self.domain, "Retain")


def _make_groups(domain: Any) -> str:
    """Make the security groups; gives the one of the mount targets."""
    ec2 = ec2_backends[ACCOUNT][REGION]
    inbound, outbound = (
        ec2.create_security_group(
            f"security-group-for-{way}-nfs-{domain.id}",
            "SageMaker's",
            domain.vpc_id,
            {TAG: domain.arn},
        ).id
        for way in ("inbound", "outbound")
    )
    ec2.authorize_security_group_ingress(
        inbound, "tcp", NFS, NFS, [], source_groups=[{"GroupId": outbound}], vpc_id=domain.vpc_id
    )
    ec2.authorize_security_group_egress(
        outbound, "tcp", NFS, NFS, [], source_groups=[{"GroupId": inbound}], vpc_id=domain.vpc_id
    )
    return inbound


def _make_homes(domain: Any, group: str) -> str:
    """Make the file system; gives its id."""
    efs = efs_backends[ACCOUNT][REGION]
    made = efs.create_file_system(
        domain.id, "", False, "", "", 0, "", False, [{"Key": TAG, "Value": domain.arn}]
    )
    for subnet in domain.subnet_ids:
        efs.create_mount_target(made.file_system_id, subnet, security_groups=[group])
    return made.file_system_id


def remove_domain(domain_id: str, homes: str) -> None:
    """Take a domain away, and its file system with it when `homes` is `Delete`."""
    domain = sagemaker_backends[ACCOUNT][REGION].domains.pop(domain_id)
    if homes == "Delete":
        efs = efs_backends[ACCOUNT][REGION]
        file_system = domain.home_efs_file_system_id
        for target in list(efs.file_systems_by_id[file_system].iter_mount_targets()):
            efs.delete_mount_target(target.mount_target_id)
        efs.delete_file_system(file_system)


def held(resources: list[Any]) -> tuple[Any, str] | None:
    """Tell which subnet or VPC of a stack can't go, and the reason that AWS gives.

    Args:
        resources: of the stack, as moto has them.
    """
    targets = efs_backends[ACCOUNT][REGION].mount_targets_by_id.values()
    own = {getattr(resource, "physical_resource_id", None) for resource in resources}
    for each in resources:
        groups = ec2_backends[ACCOUNT][REGION].groups.get(getattr(each, "id", ""), {})
        if isinstance(each, Subnet) and any(target.subnet_id == each.id for target in targets):
            return each, f"The subnet '{each.id}' has dependencies and cannot be deleted."
        if isinstance(each, VPC) and any(
            group.id not in own and group.name != "default" for group in groups.values()
        ):
            return each, f"The vpc '{each.id}' has dependencies and cannot be deleted."
    return None


def _delete_security_group(
    original: Call, backend: Any, name: str | None = None, group_id: str | None = None
) -> None:
    """Refuse what AWS refuses; moto never does. Only for groups that aren't CloudFormation's."""
    group = backend.get_security_group_from_id(group_id) if group_id else None
    if group and group.name.startswith("security-group-for-"):
        rules = [
            rule
            for groups in backend.groups.values()
            for other in groups.values()
            if other.id != group_id
            for rule in (*other.ingress_rules, *other.egress_rules)
        ]
        targets = efs_backends[ACCOUNT][REGION].mount_targets_by_id.values()
        if any(rule.source_group.get("GroupId") == group_id for rule in rules) or any(
            group_id in (target.security_groups or ()) for target in targets
        ):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
    original(backend, name, group_id)


@contextmanager
def realistic_studio() -> Iterator[Studio]:
    """Change moto's SageMaker in this process until the block ends."""
    studio = Studio()
    backend = SageMakerModelBackend
    calls: Any = {
        name: around(getattr(backend, name), getattr(studio, name))
        for name in ("describe_domain", "delete_domain")
    }
    answers: Any = {}
    for kind in KINDS:
        answers[f"list_{kind}s"] = _answer(studio.listed, kind)
        answers[f"delete_{kind}"] = _answer(studio.delete, kind)
    delete = around(SecurityGroupBackend.delete_security_group, _delete_security_group)
    with (
        mock.patch.multiple(backend, **calls),
        mock.patch.multiple(SageMakerResponse, create=True, **answers),
        mock.patch.object(SecurityGroupBackend, "delete_security_group", delete),
        mock.patch.object(StudioDomain, "studio", studio, create=True),
    ):
        yield studio


def _answer(answer: Call, kind: str) -> Call:
    def method(response: SageMakerResponse) -> ActionResult:
        result: ActionResult = answer(kind, response)
        return result

    return method


def around(original: Call, wrapper: Call) -> Call:
    """Give a function that hands the one that it replaces to another one, before its arguments."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    return call
