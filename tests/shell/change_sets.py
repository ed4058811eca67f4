"""Change sets of an update, of which moto knows neither parameters nor replacements.

What a change replaces is said by the registry's schema of its type (`createOnlyProperties`), which
cfn-lint ships. "True" is a change that CloudFormation can tell beforehand, "Conditional" one that
follows from another resource's (API reference, `ResourceChange`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult

from tests.fakes.aws import REGION
from tests.shell.stack_parameters import effective, kept_and_given, refuse
from tests.templates.rendered import Rendered, rendered

NESTED = "AWS::CloudFormation::Stack"
Template = Mapping[str, Any]


@dataclass
class ChangeSet:
    """One that can be executed, or says why not."""

    stack: Any
    text: str
    sent: list[dict[str, Any]]
    tags: dict[str, str]
    changes: list[dict[str, Any]]
    before: tuple[Any, dict[str, str]]
    """The stack's template and parameters when it was made."""
    status: str = "CREATE_PENDING"

    @property
    def is_obsolete(self) -> bool:
        """The stack has changed since."""
        return self.before != (self.stack.template, dict(self.stack.parameters))


@dataclass
class ChangeSets:
    """All that have been made; patched into moto's responses."""

    parse: Any
    """Reads the text of a template."""
    made: dict[str, ChangeSet] = field(default_factory=dict)
    """By name."""

    def create(self, original: Any, response: CloudFormationResponse) -> Any:
        if response._get_param("ChangeSetType") != "UPDATE":
            return original(response)
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
        address = response._get_param("TemplateURL")
        text = response._get_param("TemplateBody")
        if address:
            text = response._get_stack_from_s3_url(address)
        name = response._get_param("ChangeSetName")
        sent = response._get_param("Parameters", [])
        template = self.parse(text)
        after = effective(template, kept_and_given(sent, stack.parameters))
        changes = list(_changes(stack, template, after))
        tags = {tag["Key"]: tag["Value"] for tag in response._get_param("Tags", [])}
        before = (stack.template, dict(stack.parameters))
        self.made[name] = ChangeSet(stack, text, sent, tags, changes, before)
        return ActionResult({"Id": f"arn:aws:cloudformation:changeSet/{name}", "StackId": ""})

    def describe(self, original: Any, response: CloudFormationResponse) -> Any:
        found = self.made.get(response._get_param("ChangeSetName"))
        if not found:
            return original(response)
        answer = {
            "ChangeSetName": response._get_param("ChangeSetName"),
            "StackName": found.stack.name,
            "Status": found.status,
            "Changes": [{"Type": "Resource", "ResourceChange": each} for each in found.changes],
        }
        if found.status == "FAILED":
            answer["StatusReason"] = (
                "The submitted information didn't contain changes. "
                "Submit different information to create a change set."
            )
        found.status = "CREATE_COMPLETE" if found.changes else "FAILED"  # when it is asked again
        return ActionResult(answer)

    def execute(self, original: Any, response: CloudFormationResponse) -> Any:
        found = self.made.pop(response._get_param("ChangeSetName"), None)
        if not found:
            return original(response)
        if found.status != "CREATE_COMPLETE" or found.is_obsolete:
            refuse(f"ChangeSet can't be executed in its current status of {found.status}")
        response.cloudformation_backend.update_stack(
            name=found.stack.name,
            template=found.text,
            role_arn=None,
            parameters=found.sent,
            tags=found.tags,
        )
        return EmptyResult()

    def delete(self, original: Any, response: CloudFormationResponse) -> Any:
        if self.made.pop(response._get_param("ChangeSetName"), None):
            return EmptyResult()
        return original(response)


def _changes(stack: Any, template: Template, after: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    old = rendered(stack.template_dict, stack.parameters, stack.name)
    new = rendered(template, after, stack.name)
    replaced: dict[str, str] = {}
    for name in _in_order(template):
        if name in old.resources and name in new.resources:
            replacement = _replacement(name, old, new, template, replaced)
            if replacement:
                replaced[name] = replacement
                kind = new.resources[name].type
                yield _change("Modify", name, kind, stack, replacement)
        elif name in new.resources:
            yield _change("Add", name, new.resources[name].type, stack)
    for name in old.resources:
        if name not in new.resources:
            yield _change("Remove", name, old.resources[name].type, stack)


def _change(action: str, name: str, kind: str, stack: Any, replacement: str = "") -> dict[str, Any]:
    change = {"Action": action, "LogicalResourceId": name, "ResourceType": kind}
    made = stack.resource_map._parsed_resources.get(name)
    if action != "Add":
        change["PhysicalResourceId"] = getattr(made, "physical_resource_id", name)
    if replacement:
        change["Replacement"] = replacement
    return change


def _replacement(
    name: str, old: Rendered, new: Rendered, template: Template, replaced: Mapping[str, str]
) -> str:
    """Give `True`, `Conditional`, `False`, or nothing for a resource that stays as it is."""
    before, after = old.resources[name], new.resources[name]
    if before.type != after.type:
        return "True"
    names = {*before.properties, *after.properties}
    changed = {n for n in names if before.properties.get(n) != after.properties.get(n)}
    written = template["Resources"][name].get("Properties", {})
    follows = {
        n
        for n in set(written) - changed
        if any(replaced.get(other) in ("True", "Conditional") for other in _referenced(written[n]))
    }
    only_when_made = _create_only(after.type)
    if changed & only_when_made:
        return "True"
    if follows & only_when_made:
        return "Conditional"
    # "Automatic": CloudFormation does not know a nested stack's template before it updates it
    # (API reference, `ResourceChangeDetail`, `ChangeSource`).
    return "False" if changed or follows or after.type == NESTED else ""


def _create_only(kind: str) -> set[str]:
    schema: Any = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    paths = schema.get("createOnlyProperties", [])
    return {path.split("/")[2] for path in paths if path.count("/") == 2}


def _in_order(template: Template) -> list[str]:
    """What is referred to comes before what refers to it."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in template["Resources"] and name not in ordered and name not in begun:
            begun.add(name)
            for other in _referenced(template["Resources"][name].get("Properties", {})):
                visit(other)
            ordered.append(name)

    begun: set[str] = set()
    for name in template["Resources"]:
        visit(name)
    return ordered


def _referenced(part: Any) -> Iterator[str]:
    match part:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            for piece in text.split("${")[1:]:
                yield piece.split("}")[0].split(".")[0]
        case dict():
            for value in part.values():
                yield from _referenced(value)
        case list():
            for value in part:
                yield from _referenced(value)
