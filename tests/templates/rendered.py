"""Renders a template of `cfn/` as CloudFormation would, to plain Python data.

Made-up but deterministic ids stand for what AWS would create. What CloudFormation would refuse, or
what this renderer doesn't know, raises `TemplateError`. `Rules` are not evaluated; dynamic
references (`{{resolve:…}}`) stay as they are, as they do in a stack's template.
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.templates.physical import ACCOUNT, PARTITION, REGION, UnknownTypeError, physical
from tests.templates.template import TemplateError, load, parameter, several, string

NESTED = {
    "ScanPipeline": "scan-pipeline.yaml",
    "ClosedNetwork": "closed-network.yaml",
    "ScanFleet": "scan-fleet.yaml",
    "Observe": "observe.yaml",
}
"""Which template each nested stack runs, by logical id; its `TemplateURL` is a parameter."""
_NO_VALUE = object()
_SUBSTITUTED = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Resource:
    """One resource of a rendered template, its properties resolved."""

    type: str
    properties: dict[str, Any]
    metadata: dict[str, Any]
    options: dict[str, Any]
    """`DependsOn`, `DeletionPolicy`, `UpdateReplacePolicy` and the like."""
    ref: str
    """What `Ref` gives: its name, id or ARN, as the type has it."""
    attributes: dict[str, str]
    """What `Fn::GetAtt` gives."""
    nested: "Rendered | None" = None
    """The stack inside, for `AWS::CloudFormation::Stack`."""


@dataclass(frozen=True)
class Rendered:
    """A rendered template."""

    stack: str
    parameters: dict[str, Any]
    """As `Ref` gives them: a string, or a list of strings."""
    resources: dict[str, Resource]
    """Those whose condition holds, by logical id."""
    outputs: dict[str, str]
    exports: dict[str, str]
    metadata: dict[str, Any] = field(default_factory=dict)

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Give the resources of one type, those of nested stacks included."""
        found = {name: each for name, each in self.resources.items() if each.type == kind}
        for name, each in self.resources.items():
            if each.nested:
                inside = each.nested.of_type(kind)
                found |= {f"{name}/{inner}": value for inner, value in inside.items()}
        return found


def render(
    template: str | Path,
    parameters: Mapping[str, str | Sequence[str]] | None = None,
    *,
    attributes: Mapping[str, str] | None = None,
    imports: Mapping[str, str] | None = None,
    ssm: Mapping[str, str] | None = None,
    stack: str = "research-gate",
    region: str = REGION,
    nested: Mapping[str, str | Path] | None = None,
) -> Rendered:
    """Render a template.

    Args:
        template: the name of a file in `cfn/`, or a path.
        parameters: what a deployer gives; the others have their defaults.
        attributes: what `Ref` (`{"Topic": …}`) or `Fn::GetAtt` (`{"Topic.TopicName": …}`) gives
            in place of the made-up value, also in nested stacks (`{"ScanPipeline/Topic": …}`).
        imports: the exports of other stacks.
        ssm: the values behind parameters of the type `AWS::SSM::Parameter::Value`, by name.
        stack: its name.
        region: where it stands.
        nested: the template of each nested stack by its logical id, besides `NESTED`.

    Raises:
        TemplateError: CloudFormation would refuse it, or it has what this doesn't know.
    """
    rendering = _Rendering(
        load(template),
        stack,
        region,
        attributes or {},
        imports or {},
        ssm or {},
        {**NESTED, **(nested or {})},
    )
    return rendering.run(parameters or {})


def rendered(template: Mapping[str, Any], parameters: Mapping[str, str], stack: str) -> Rendered:
    """Render a template that is read already.

    Args:
        template: as `template.load` reads it.
        parameters: all of them.
        stack: its name.
    """
    return _Rendering(dict(template), stack, REGION, {}, {}, {}, NESTED).run(parameters)


def condition_of(condition: Any, parameters: Mapping[str, Any]) -> bool:
    """Evaluate a condition of `Rules`, which sees parameters only.

    Args:
        condition: as it is written.
        parameters: as `Ref` gives them.
    """
    rendering = _Rendering({"Resources": {}}, "", REGION, {}, {}, {}, {})
    rendering._parameters = dict(parameters)
    return rendering.condition(condition)


class _Rendering:
    """One template on its way."""

    def __init__(
        self,
        template: dict[str, Any],
        stack: str,
        region: str,
        attributes: Mapping[str, str],
        imports: Mapping[str, str],
        ssm: Mapping[str, str],
        nested: Mapping[str, str | Path],
    ) -> None:
        self._template = template
        self._attributes = attributes
        self._imports = imports
        self._ssm = ssm
        self._nested = nested
        self._region = region
        self._stack = stack
        self._parameters: dict[str, Any] = {}
        self._done: dict[str, Resource] = {}
        self._begun: list[str] = []
        self._pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NotificationARNs": [],
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": PARTITION,
            "AWS::Region": region,
            "AWS::StackId": f"arn:{PARTITION}:cloudformation:{region}:{ACCOUNT}:stack/{stack}/"
            "00000000-0000-4000-8000-000000000000",
            "AWS::StackName": stack,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::Base64": lambda given: base64.b64encode(self._text(given).encode()).decode(),
            "Fn::Cidr": self._cidr,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::GetAZs": lambda given: [f"{self._text(given) or region}{zone}" for zone in "abc"],
            "Fn::If": self._if,
            "Fn::ImportValue": self._import,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": lambda given: self._text(given[1]).split(given[0]),
            "Fn::Sub": self._sub,
        }

    def run(self, given: Mapping[str, str | Sequence[str]]) -> Rendered:
        declared = self._template.get("Parameters", {})
        if unknown := set(given) - set(declared):
            raise TemplateError(f"unknown parameters: {', '.join(sorted(unknown))}")
        for name, declaration in declared.items():
            self._parameters[name] = parameter(name, declaration, given, self._ssm)
        for name in self._template["Resources"]:
            if self._exists(name):
                self._resource(name)
        outputs, exports = {}, {}
        for name, output in self._template.get("Outputs", {}).items():
            if "Condition" in output and not self.condition(output["Condition"]):
                continue
            outputs[name] = self._text(output["Value"])
            if "Export" in output:
                exports[self._text(output["Export"]["Name"])] = outputs[name]
        in_order = {
            name: self._done[name] for name in self._template["Resources"] if name in self._done
        }
        metadata = self._template.get("Metadata", {})
        return Rendered(self._stack, self._parameters, in_order, outputs, exports, metadata)

    # Resources

    def _exists(self, name: str) -> bool:
        if name not in self._template["Resources"]:
            raise TemplateError(f"there is no resource {name}")
        condition = self._template["Resources"][name].get("Condition")
        return condition is None or self.condition(condition)

    def _resource(self, name: str) -> Resource:
        if name in self._done:
            return self._done[name]
        if not self._exists(name):
            raise TemplateError(f"{name} is used, but its condition doesn't hold")
        if name in self._begun:
            raise TemplateError(f"circular: {' → '.join([*self._begun, name])}")
        self._begun.append(name)
        body = self._template["Resources"][name]
        properties = self.value(body.get("Properties", {}))
        for other in several(body.get("DependsOn", [])):
            if other not in self._template["Resources"]:
                raise TemplateError(f"{name} depends on {other}, which is no resource")
        nested = None
        if body["Type"] == "AWS::CloudFormation::Stack":
            nested = self._stack_inside(name, properties)
            ref = f"{self._pseudo['AWS::StackId']}-{name}"
            attributes = {f"Outputs.{key}": value for key, value in nested.outputs.items()}
        else:
            try:
                ref, attributes = physical(
                    body["Type"], self._stack, name, properties, self._region
                )
            except UnknownTypeError:
                ref, attributes = "", {}
        attributes |= {
            key.removeprefix(f"{name}."): value
            for key, value in self._attributes.items()
            if key.startswith(f"{name}.")
        }
        options = {
            key: self.value(value)
            for key, value in body.items()
            if key not in ("Type", "Properties", "Metadata", "Condition")
        }
        self._done[name] = Resource(
            body["Type"],
            properties,
            self.value(body.get("Metadata", {})),
            options,
            self._attributes.get(name, ref),
            attributes,
            nested,
        )
        self._begun.pop()
        return self._done[name]

    def _stack_inside(self, name: str, properties: dict[str, Any]) -> Rendered:
        if name not in self._nested:
            raise TemplateError(f"which template is the nested stack {name}? Name it in `nested`")
        parameters = properties.get("Parameters", {})
        for key, value in parameters.items():
            if isinstance(value, list | dict):
                raise TemplateError(f"{name}: the parameter {key} must be one string")
        prefix = f"{name}/"
        inside = _Rendering(
            load(self._nested[name]),
            f"{self._stack}-{name}-1A2B3C4D5E6F",
            self._region,
            {
                k.removeprefix(prefix): v
                for k, v in self._attributes.items()
                if k.startswith(prefix)
            },
            self._imports,
            self._ssm,
            self._nested,
        )
        return inside.run({key: string(value) for key, value in parameters.items()})

    # Values

    def value(self, given: Any) -> Any:
        """Resolve a value; what is `AWS::NoValue` is left out of its list or mapping."""
        if isinstance(given, list):
            resolved = [self.value(each) for each in given]
            return [each for each in resolved if each is not _NO_VALUE]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            (name, argument) = next(iter(given.items()))
            if name in self._functions:
                return self._functions[name](argument)
            if name == "Condition" and isinstance(argument, str):
                raise TemplateError("Condition stands only in conditions")
        for name in given:
            if name == "Ref" or str(name).startswith("Fn::"):
                raise TemplateError(f"unknown or misplaced function {name}")
        pairs = {name: self.value(each) for name, each in given.items()}
        return {name: each for name, each in pairs.items() if each is not _NO_VALUE}

    def _text(self, given: Any) -> str:
        return string(self.value(given))

    def _ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        resource = self._resource(name)
        if not resource.ref:
            raise TemplateError(f"Ref {name}: {resource.type} is not in physical.py")
        return resource.ref

    def _get_att(self, given: list[Any]) -> str:
        name, attribute = given[0], self._text(given[1])
        resource = self._resource(name)
        if attribute not in resource.attributes:
            raise TemplateError(
                f"GetAtt {name}.{attribute}: {resource.type} has no such attribute in "
                f"physical.py, only {sorted(resource.attributes)}"
            )
        return resource.attributes[attribute]

    def _sub(self, given: Any) -> str:
        text, variables = given if isinstance(given, list) else (given, {})

        def replaced(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return self._text(variables[name])
            if "." in name:
                return self._get_att(name.split(".", 1))
            return string(self._ref(name))

        return _SUBSTITUTED.sub(replaced, text)

    def _if(self, given: list[Any]) -> Any:
        name, then, otherwise = given
        return self.value(then if self.condition(name) else otherwise)

    def _join(self, given: list[Any]) -> str:
        separator, parts = given
        return str(separator).join(string(each) for each in self.value(parts))

    def _select(self, given: list[Any]) -> Any:
        index, choices = int(self._text(given[0])), self.value(given[1])
        if not 0 <= index < len(choices):
            raise TemplateError(f"Fn::Select: {len(choices)} values have no number {index}")
        return choices[index]

    def _find_in_map(self, given: list[Any]) -> Any:
        found: Any = self._template.get("Mappings", {})
        for key in (self._text(each) for each in given):
            if key not in found:
                raise TemplateError(f"Fn::FindInMap: there is no {key} in {given}")
            found = found[key]
        return found

    def _import(self, given: Any) -> str:
        name = self._text(given)
        if name not in self._imports:
            raise TemplateError(f"Fn::ImportValue: no stack exports {name}")
        return self._imports[name]

    def _cidr(self, given: list[Any]) -> list[str]:
        block, count, bits = (self._text(each) for each in given)
        subnets = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]

    # Conditions

    def condition(self, given: Any) -> bool:
        """Evaluate a condition, by name or as it is written."""
        if isinstance(given, str):
            conditions = self._template.get("Conditions", {})
            if given not in conditions:
                raise TemplateError(f"there is no condition {given}")
            return self.condition(conditions[given])
        ((name, argument),) = given.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            left, right = argument
            return self._text(left) == self._text(right)
        if name == "Fn::Not":
            return not self.condition(argument[0])
        if name in ("Fn::And", "Fn::Or"):
            results = [self.condition(each) for each in argument]
            return all(results) if name == "Fn::And" else any(results)
        if name == "Fn::Contains":  # in rules only
            return self._text(argument[1]) in self.value(argument[0])
        raise TemplateError(f"{name} is no condition function")
