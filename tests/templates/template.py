"""Reads a CloudFormation template, and checks what a deployer gives it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml  # type: ignore[import-untyped]

CFN = Path(__file__).parents[2] / "cfn"
_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
}


class TemplateError(Exception):
    """The template, or what it was given, is one that CloudFormation would refuse."""


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """Safe YAML with short tags; what other readers take differently is an error."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = _mapping(loader, cast(yaml.MappingNode, node))
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    repeated = {str(key) for key in keys if keys.count(key) > 1}
    if repeated:
        raise TemplateError(f"{', '.join(sorted(repeated))} stands twice at {node.start_mark}")
    return cast(dict[Any, Any], loader.construct_mapping(node, deep=True))


def _date(loader: _Loader, node: yaml.Node) -> Any:
    raise TemplateError(f"quote the date at {node.start_mark}")


def _boolean(loader: _Loader, node: yaml.ScalarNode) -> bool:
    if node.value.lower() not in ("true", "false"):
        raise TemplateError(f"quote {node.value}, or write true or false, at {node.start_mark}")
    return bool(loader.construct_yaml_bool(node))


_Loader.add_multi_constructor("!", _tagged)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)
_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)


@cache
def _parsed(text: str) -> dict[str, Any]:
    return cast(dict[str, Any], yaml.load(text, Loader=_Loader))  # a SafeLoader


def load(template: str | Path) -> dict[str, Any]:
    """Read a template, short tags written out.

    Args:
        template: the name of a file in `cfn/`, or a path.
    """
    loaded = _parsed((CFN / template).read_text())
    unknown = set(loaded) - _SECTIONS
    if unknown:
        raise TemplateError(f"{template}: unknown sections {', '.join(sorted(unknown))}")
    return loaded


def string(value: Any) -> str:
    """Give a scalar as CloudFormation passes it on."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"one string is expected, not {value!r}")


def several(value: Any) -> list[Any]:
    """Give a list; one value may stand for a list of one."""
    return value if isinstance(value, list) else [value]


def parameter(
    name: str,
    declared: dict[str, Any],
    given: Mapping[str, str | Sequence[str]],
    ssm: Mapping[str, str],
) -> str | list[str]:
    """Check a parameter as CloudFormation does, and give what `Ref` gives."""
    kind: str = declared["Type"]
    value: Any = given.get(name, declared.get("Default"))
    if value is None:
        raise TemplateError(f"the parameter {name} is missing")
    text = string(value) if not isinstance(value, list | tuple) else ",".join(value)
    if match := re.fullmatch(r"AWS::SSM::Parameter::Value<(.+)>", kind):
        if text not in ssm:
            raise TemplateError(f"{name}: no SSM parameter {text} was given")
        kind, text = match.group(1), ssm[text]
    listed = kind == "CommaDelimitedList" or kind.startswith("List<")
    values = [each.strip() for each in text.split(",")] if listed else [text]
    for each in values:
        _check(name, declared, each, kind)
    return values if listed else text


def _check(name: str, declared: dict[str, Any], value: str, kind: str) -> None:
    allowed = [string(each) for each in declared.get("AllowedValues", [value])]
    pattern = declared.get("AllowedPattern", "")
    if value not in allowed:
        raise TemplateError(f"{name}: {value!r} is none of {allowed}")
    if pattern and not re.fullmatch(pattern, value):
        raise TemplateError(f"{name}: {value!r} doesn't match {pattern}")
    length = len(value)
    if not int(declared.get("MinLength", 0)) <= length <= int(declared.get("MaxLength", length)):
        raise TemplateError(f"{name}: {value!r} is too short or too long")
    if kind == "Number":
        number = float(value)
        low, high = declared.get("MinValue", number), declared.get("MaxValue", number)
        if not float(low) <= number <= float(high):
            raise TemplateError(f"{name}: {value} is not between {low} and {high}")
