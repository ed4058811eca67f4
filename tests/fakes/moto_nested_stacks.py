"""What moto's CloudFormation lacks: `!GetAtt NestedStack.Outputs.Name`."""

from typing import Any


def let_stacks_read_nested_outputs() -> None:
    """Teach moto to split such an attribute at the first dot only, and to look it up."""
    # Here, because importing it reads AWS_PROFILE and the like, which a caller may first take away.
    from moto.cloudformation import models, responses
    from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
    from moto.cloudformation.utils import yaml_tag_constructor

    def construct(loader: Any, tag: str, node: Any) -> Any:
        if tag == "!GetAtt" and isinstance(node.value, str):
            return {"Fn::GetAtt": node.value.split(".", 1)}
        return yaml_tag_constructor(loader, tag, node)

    def output_of(stack: models.Stack, attribute: str) -> str:
        for output in stack.output_map.values():
            if output and f"Outputs.{output.key}" == attribute:
                return str(output.value)
        raise UnformattedGetAttTemplateException

    models.Stack.get_cfn_attribute = output_of  # type: ignore[attr-defined]
    for module in (models, responses):
        module.yaml_tag_constructor = construct  # type: ignore[attr-defined]
