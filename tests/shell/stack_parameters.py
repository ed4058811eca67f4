"""What a stack's parameters become, and what is refused, as in AWS.

"If you don't specify a key and value for a particular parameter, CloudFormation uses the default
value that's specified in your template" (API reference, `Parameter`), in an update as well. moto
keeps what the stack has when nothing is sent, and checks nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.ec2.models import ec2_backends

from tests.fakes.aws import REGION
from tests.fakes.codeartifact import ACCOUNT
from tests.templates.rendered import condition_of
from tests.templates.template import TemplateError, parameter, string

Sent = Sequence[Mapping[str, Any]]


def effective(template: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Give every parameter of the template its value.

    Args:
        template: as `template.load` reads it.
        given: what is sent.

    Raises:
        ValidationError: CloudFormation would refuse it.
    """
    declared = template.get("Parameters", {})
    if unknown := sorted(set(given) - set(declared)):
        refuse(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found = {
        name: string(given.get(name, each.get("Default")))
        for name, each in declared.items()
        if name in given or "Default" in each
    }
    if missing := sorted(set(declared) - set(found)):
        refuse(f"Parameters: [{', '.join(missing)}] must have values")
    resolved = {name: _checked(name, each, found[name]) for name, each in declared.items()}
    for rule in template.get("Rules", {}).values():
        # User guide, "Rules": without a condition its assertions always count.
        if "RuleCondition" not in rule or condition_of(rule["RuleCondition"], resolved):
            for assertion in rule["Assertions"]:
                if not condition_of(assertion["Assert"], resolved):
                    refuse(f"Template validation error: {assertion['AssertDescription']}")
    return found


def kept_and_given(sent: Sent, before: Mapping[str, str]) -> dict[str, str]:
    """Resolve `UsePreviousValue`: "use the existing parameter value that the stack is using for a
    given parameter key" (API reference, `Parameter`)."""
    values = {}
    for each in sent:
        name = each["ParameterKey"]
        if not each.get("UsePreviousValue"):
            values[name] = each["ParameterValue"]
        elif "ParameterValue" in each:
            refuse(f"Invalid input for parameter key {name}: a value and usePreviousValue")
        elif name in before:
            values[name] = before[name]
        else:
            refuse(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true "
                "for a parameter key not in the previous template"
            )
    return values


def refuse(message: str) -> None:
    """Answer as CloudFormation does to what it does not take."""
    raise ValidationError("stack", message=message)


def _checked(name: str, declared: dict[str, Any], value: str) -> Any:
    """Give what `Ref` gives.

    User guide, "Parameters": a pattern must match the whole value, and of a CommaDelimitedList each
    value; ids of AWS-specific types must exist.
    """
    try:
        resolved = parameter(name, declared, {name: value}, {})
    except (TemplateError, ValueError) as error:
        reason = declared.get("ConstraintDescription", error)
        refuse(f"Parameter {name} failed to satisfy constraint: {reason}")
    ec2 = ec2_backends[ACCOUNT][REGION]
    there = {
        "AWS::EC2::VPC::Id": lambda: set(ec2.vpcs),
        "List<AWS::EC2::Subnet::Id>": lambda: {
            id for subnets in ec2.subnets.values() for id in subnets
        },
    }
    if declared["Type"] in there:
        for id in [resolved] if isinstance(resolved, str) else resolved:
            if id not in there[declared["Type"]]():
                refuse(f"parameter value {id} for parameter name {name} does not exist")
    return resolved
