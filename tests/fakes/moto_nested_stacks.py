"""What moto's CloudFormation lacks: `!GetAtt NestedStack.Outputs.Name`."""

from typing import Any

import yaml  # type: ignore[import-untyped]
from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.cloudformation.utils import yaml_tag_constructor


def let_stacks_read_nested_outputs() -> None:
    """Teach moto to split such an attribute at the first dot only, and to look it up."""
    models.Stack.get_cfn_attribute = _output  # type: ignore[attr-defined]
    for module in (models, responses):
        module.yaml_tag_constructor = _constructor  # type: ignore[attr-defined]


def _constructor(loader: Any, tag: str, node: yaml.Node) -> Any:
    if tag == "!GetAtt" and isinstance(node, yaml.ScalarNode):
        return {"Fn::GetAtt": node.value.split(".", 1)}
    return yaml_tag_constructor(loader, tag, node)


def _output(stack: models.Stack, attribute: str) -> str:
    for output in stack.output_map.values():
        if output and f"Outputs.{output.key}" == attribute:
            return str(output.value)
    raise UnformattedGetAttTemplateException
