"""Makes moto's CloudFormation do what the scripts must cope with in AWS.

moto creates a stack within the request. When a resource fails, it answers with that error and the
stack stays in CREATE_IN_PROGRESS. In AWS the answer comes at once, the stack is in progress for a
while, and a failure leaves a stack in ROLLBACK_COMPLETE and events with the reasons, in nested
stacks too. A bucket that is not empty, or what holds a network, makes a deletion fail there.

Parameters are checked, and an update takes the template's default for those that it does not send
(`stack_parameters.py`). A change set says what would be replaced (`change_sets.py`).
"""

import ipaddress
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest import mock

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.ec2.models import ec2_backends
from moto.ec2.models.route_tables import RouteTable
from moto.kms.models import Key, kms_backends
from moto.s3.models import FakeBucket, s3_backends

from tests.fakes.aws import REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.shell.change_sets import NESTED, ChangeSets
from tests.shell.stack_parameters import effective, kept_and_given
from tests.shell.studio import Studio, StudioDomain, around, held, realistic_studio
from tests.templates import template

Call = Callable[..., Any]


class ResourceError(Exception):
    """A resource could not be created or deleted."""

    def __init__(self, logical_id: str, kind: str, physical_id: str, reason: str) -> None:
        super().__init__(reason)
        self.logical_id = logical_id
        self.kind = kind
        self.physical_id = physical_id


@dataclass
class CloudFormation:
    """What a test changes of it."""

    studio: Studio
    polls: int = 0
    """How often a stack is still in progress when somebody asks, after each operation."""
    failing: dict[str, str] = field(default_factory=dict)
    """Logical id of a resource that can't be created or updated → the reason."""
    late_log: bool = False
    """Once, a log comes into a bucket after the script has emptied it."""
    operations: list[str] = field(default_factory=list)
    """`create NAME`, `update NAME`, `delete NAME` as they came."""
    _asked: dict[str, int] = field(default_factory=dict)
    _depth: int = 0

    def stack(self, name: str) -> Any:
        """Give moto's stack of this name."""
        return models.cloudformation_backends[ACCOUNT][REGION].get_stack(name)

    def statuses(self) -> dict[str, str]:
        """Give the status of every stack that is not deleted, nested ones too."""
        stacks = models.cloudformation_backends[ACCOUNT][REGION].stacks.values()
        return {stack.name: stack.status for stack in stacks}

    def _begin(self, stack: models.Stack) -> None:
        self._asked[stack.stack_id] = 0

    def create_resource(
        self, original: Call, logical_id: str, given: Any, *rest: Any, **named: Any
    ) -> Any:
        if logical_id in self.failing:
            raise ResourceError(logical_id, given["Type"], "", self.failing[logical_id])
        try:
            made = original(logical_id, given, *rest, **named)
        except ResourceError as error:
            if error.kind == given["Type"]:  # another resource that this one refers to
                raise
            reason = f"Embedded stack {error.physical_id} was not successfully created"
            raise ResourceError(logical_id, given["Type"], error.physical_id, reason) from error
        except Exception as error:
            raise ResourceError(logical_id, given["Type"], "", str(error)) from error
        if isinstance(made, Key) and isinstance(made.policy, dict):
            made.policy = json.dumps(made.policy)  # moto can't read its own otherwise
        return made

    def create_stack(self, original: Call, backend: Any, name: str, **given: Any) -> Any:
        given["parameters"] = effective(_parse(given["template"]), given["parameters"])
        self.operations.append(f"create {name}")
        self._depth += 1
        try:
            stack = original(backend, name, **given)
        except ResourceError as error:
            stack = backend.get_stack(name)
            _failed(stack, error, "CREATE_FAILED")
            stack.resource_map.delete()
            _forget_resources(stack)
            stack.status = "ROLLBACK_COMPLETE"
            stack._add_stack_event("ROLLBACK_COMPLETE")
            if self._depth > 1:
                del backend.stacks[stack.stack_id]
                backend.deleted_stacks[stack.stack_id] = stack
                raise ResourceError("", "", stack.stack_id, str(error)) from error
        finally:
            self._depth -= 1
        self._begin(stack)
        return stack

    def update_stack(self, original: Call, backend: Any, **given: Any) -> Any:
        stack = backend.get_stack(given["name"])
        template = _parse(given["template"])
        before = dict(stack.parameters)
        after = effective(template, kept_and_given(given["parameters"], before))
        # Of a nested stack CloudFormation can't tell beforehand.
        if before == after and template == stack.template_dict and not _nested(template):
            raise ValidationError(stack.name, message="No updates are to be performed.")
        given["parameters"] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in after.items()
        ]
        self.operations.append(f"update {stack.name}")
        if _fail_update(stack, self.failing):
            self._begin(stack)
            return stack
        stack = original(backend, **given)
        self._begin(stack)
        return stack

    def delete_stack(self, original: Call, backend: Any, name: str) -> None:
        stack = backend.get_stack(name)
        if name == stack.stack_id:
            self.operations.append(f"delete {stack.name}")
            if self.late_log and (late := next(_buckets(stack), None)):
                self.late_log = False
                s3_backends[ACCOUNT]["aws"].put_object(late.name, "late", b"log")
            if error := _in_the_way(stack):
                stack._add_stack_event("DELETE_IN_PROGRESS", "User Initiated")
                _failed(stack, error, "DELETE_FAILED")
                stack.status = "DELETE_FAILED"
                self._begin(stack)
                return
        original(backend, name)
        _forget_resources(stack)
        self._begin(stack)

    def describe_stacks(self, original: Call, backend: Any, name: str) -> Any:
        stacks = original(backend, name)
        for stack in stacks:
            asked = self._asked.get(stack.stack_id)
            if not hasattr(stack, "final_status"):
                stack.final_status = stack.status
            if asked is None:
                continue
            if asked == 0:
                stack.final_status = stack.status
            if asked < self.polls:
                operation = stack.final_status.split("_")[0].replace("ROLLBACK", "CREATE")
                stack.status = f"{operation}_IN_PROGRESS"
                self._asked[stack.stack_id] = asked + 1
            else:
                stack.status = stack.final_status
                del self._asked[stack.stack_id]
        return stacks

    def describe_stack_events(self, original: Call, backend: Any, name: str) -> Any:
        for stack in [*backend.stacks.values(), *backend.deleted_stacks.values()]:
            if name in (stack.name, stack.stack_id):
                return stack.events
        return original(backend, name)


def _failed(stack: Any, error: ResourceError, status: str) -> None:
    stack.events.append(
        models.Event(
            stack_id=stack.stack_id,
            stack_name=stack.name,
            logical_resource_id=error.logical_id,
            physical_resource_id=error.physical_id,
            resource_type=error.kind,
            resource_status=status,
            resource_status_reason=str(error),
            resource_properties=None,
        )
    )


def _in_the_way(stack: Any) -> ResourceError | None:
    """Give what makes a deletion fail in AWS, and not in moto."""
    for bucket in _buckets(stack):
        if _content(bucket):
            reason = f"The bucket you tried to delete is not empty: {bucket.name}"
            return ResourceError("Bucket", "AWS::S3::Bucket", bucket.name, reason)
    for resource in stack.stack_resources:
        if isinstance(resource, StudioDomain):  # before the network, in which it is
            resource.delete(ACCOUNT, REGION)
    if not (found := held(list(stack.stack_resources))):
        return None
    resource, reason = found
    kind = resource.cf_resource_type
    return ResourceError(resource.logical_resource_id, kind, resource.id, reason)


def _fail_update(stack: Any, failing: Mapping[str, str]) -> bool:
    """Fail at one of these resources and go back, if the stack or one in it has any."""
    for name, resource in stack.resource_map._parsed_resources.items():
        nested = isinstance(resource, models.Stack) and _fail_update(resource, failing)
        if not nested and name not in failing:
            continue
        physical_id = resource.stack_id if nested else ""
        reason = f"Embedded stack {physical_id} was not successfully updated"
        kind = stack.template_dict["Resources"][name]["Type"]
        error = ResourceError(name, kind, physical_id, failing.get(name, reason))
        stack._add_stack_event("UPDATE_IN_PROGRESS", "User Initiated")
        _failed(stack, error, "UPDATE_FAILED")
        stack.status = "UPDATE_ROLLBACK_COMPLETE"
        stack._add_stack_event(stack.status)
        return True
    return False


def _buckets(stack: Any) -> Iterator[FakeBucket]:
    for resource in stack.stack_resources:
        if isinstance(resource, models.Stack):
            yield from _buckets(resource)
        if isinstance(resource, FakeBucket):
            yield resource


def _content(bucket: FakeBucket) -> bool:
    kept = s3_backends[ACCOUNT]["aws"].buckets.get(bucket.name)
    return kept is not None and len(kept.keys) > 0


def _forget_resources(stack: Any) -> None:
    """Keep moto, which makes a resource when somebody looks at it, from making them again."""
    stack.template_dict = {"Resources": {}}
    stack.resource_map = stack._create_resource_map()
    stack.output_map = stack._create_output_map()


def _nested(template: Mapping[str, Any]) -> bool:
    return any(each["Type"] == NESTED for each in template["Resources"].values())


def _parse(text: str) -> dict[str, Any]:
    """Read a template with nested short tags, which moto's own reader spoils."""
    if isinstance(text, dict):
        return text
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.yaml"
        path.write_text(text)
        read = cast(dict[str, Any], _understood(template.load(path)))
    for output in read.get("Outputs", {}).values():
        if "Condition" in output:  # moto exports it in any case
            output.pop("Export", None)
    return read


def _understood(part: Any) -> Any:
    """Write out what moto does not resolve."""
    if part == {"Fn::GetAZs": {"Ref": "AWS::Region"}}:
        return [f"{REGION}a", f"{REGION}b"]
    if isinstance(part, dict):
        return {name: _understood(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_understood(value) for value in part]
    return part


def _clean(original: Call, part: Any, resources: Any) -> Any:
    """Resolve what moto leaves: `AWS::NoValue` in a list, the ARN of a type that it hasn't, and
    `Fn::Cidr`."""
    match part:
        case {"Fn::Cidr": [block, count, bits]}:
            network = ipaddress.ip_network(original(block, resources))
            subnets = network.subnets(new_prefix=32 - int(bits))
            return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]
        case {"Fn::GetAtt": [str(name), "Outputs", str(output)]}:  # of `${Nested.Outputs.Name}`
            return original({"Fn::GetAtt": [name, f"Outputs.{output}"]}, resources)
        case {"Fn::GetAtt": [str(name), "Name"]} if resources.get(name) is None:
            return name  # of a CodeArtifact repository
        case {"Fn::GetAtt": [str(name), *_]} if resources.get(name) is None:
            return f"arn:aws:not-in-moto:{REGION}:{ACCOUNT}:{name}"
    cleaned = original(part, resources)
    if not isinstance(part, list):
        return cleaned
    return [
        value
        for given, value in zip(part, cleaned, strict=True)
        if value is not None or not isinstance(given, dict) or "Fn::If" not in given
    ]


def _parameter_list(stack: models.Stack) -> list[dict[str, str]]:
    """Give lists as they were given, in one string with commas."""
    return [{"ParameterKey": k, "ParameterValue": v} for k, v in stack.parameters.items()]


def _differences(original: Call, resources: Any, *given: Any) -> Any:
    """Change nothing that was never made: moto looks at no condition there."""
    found = original(resources, *given)
    made = {name for name, each in resources._parsed_resources.items() if each is not None}
    found["Modify"] = [name for name in found["Modify"] if name in made]
    return found


def _delete_route_table(table: RouteTable, account: str, region: str) -> None:
    """Do what moto leaves out, so that the VPC can go."""
    table.associations.clear()
    ec2_backends[account][region].delete_route_table(table.id)


def _schedule_deletion(key: Key, account: str, region: str) -> None:
    """Do what CloudFormation does with a key. moto forgets it at once."""
    kms_backends[account][region].schedule_key_deletion(key.id, 30)


@contextmanager
def realistic_cloudformation() -> Iterator[CloudFormation]:
    """Change moto's CloudFormation in this process until the block ends."""
    with realistic_studio() as studio, _realistic(CloudFormation(studio)) as cloudformation:
        yield cloudformation


@contextmanager
def _realistic(cloudformation: CloudFormation) -> Iterator[CloudFormation]:
    backend = models.CloudFormationBackend
    names = (
        *("create_stack", "update_stack", "delete_stack"),
        *("describe_stacks", "describe_stack_events"),
    )
    calls: Any = {
        name: around(getattr(backend, name), getattr(cloudformation, name)) for name in names
    }
    change_sets = ChangeSets(_parse)
    answers: Any = {
        f"{each}_change_set": around(
            getattr(CloudFormationResponse, f"{each}_change_set"), getattr(change_sets, each)
        )
        for each in ("create", "describe", "execute", "delete")
    }
    transformers = {  # but for those of moto's own change sets
        path: transform
        for path, transform in CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
        if not path.startswith("DescribeChangeSet")
    }
    create = around(parsing.parse_and_create_resource, cloudformation.create_resource)
    differences = around(parsing.ResourceMap.build_resource_diff, _differences)
    with (
        warnings.catch_warnings(action="ignore"),  # moto's, about what it does not know
        mock.patch.multiple(backend, **calls),
        mock.patch.multiple(CloudFormationResponse, **answers),
        mock.patch.object(CloudFormationResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER", transformers),
        mock.patch.object(models.Stack, "parameter_list", property(_parameter_list)),
        mock.patch.object(parsing, "parse_and_create_resource", create),
        mock.patch.object(parsing, "clean_json", around(parsing.clean_json, _clean)),
        mock.patch.object(parsing.ResourceMap, "build_resource_diff", differences),
        mock.patch.object(models.Stack, "parse_template", staticmethod(_parse)),
        mock.patch.object(Key, "delete", _schedule_deletion),
        mock.patch.object(RouteTable, "delete", _delete_route_table, create=True),
    ):
        yield cloudformation
