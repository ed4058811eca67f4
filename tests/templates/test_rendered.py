"""The renderer of templates that the other tests of templates stand on."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.templates.physical import ACCOUNT
from tests.templates.rendered import Rendered, render
from tests.templates.template import TemplateError

HEAD = """
Parameters:
  Name: {Type: String, Default: research, AllowedPattern: '[a-z]+'}
  Mode: {Type: String, Default: 'off', AllowedValues: ['on', 'off']}
  Accounts: {Type: CommaDelimitedList, Default: ''}
  Days: {Type: Number, Default: 30, MinValue: 1, MaxValue: 3650}
  Image: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /image}
Mappings:
  Sizes: {small: {Memory: 3}}
Conditions:
  Enabled: !Equals [!Ref Mode, 'on']
  Shared: !Not [!Equals [!Join ['', !Ref Accounts], '']]
  Both: !And [!Condition Enabled, !Condition Shared]
  Either: !Or [!Condition Enabled, !Condition Shared]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def rendered(folder: Path, text: str, head: str = HEAD, **options: Any) -> Rendered:
    template = folder / "template.yaml"
    template.write_text(head + dedent(text))
    return render(template, options.pop("parameters", {}), ssm={"/image": "5.0"}, **options)


def value(folder: Path, expression: str, **options: Any) -> Any:
    text = f"""
    Resources:
      Topic: {{Type: 'AWS::SNS::Topic', Properties: {{TopicName: verdicts}}}}
      Key: {{Type: 'AWS::KMS::Key', Properties: {{KeyPolicy: {{}}}}}}
      Thing: {{Type: 'Any::Thing::AtAll', Properties: {{Value: {expression}}}}}
    """
    return rendered(folder, text, **options).resources["Thing"].properties.get("Value", "left out")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("!Ref Name", "research"),
        ("!Ref Image", "5.0"),
        ("!Ref Days", "30"),
        ("!Ref AWS::Region", "eu-central-1"),
        ("!Ref AWS::AccountId", ACCOUNT),
        ("!Ref AWS::Partition", "aws"),
        ("!Ref AWS::StackName", "research-gate"),
        ("!Ref AWS::NoValue", "left out"),
        ("!Ref Topic", f"arn:aws:sns:eu-central-1:{ACCOUNT}:verdicts"),
        ("!GetAtt Topic.TopicName", "verdicts"),
        ("{'Fn::GetAtt': [Topic, TopicName]}", "verdicts"),
        ("!Sub 'a-${Name}-${Topic.TopicName}-${!Literal}'", "a-research-verdicts-${Literal}"),
        ("!Sub ['${x}-${Name}', {x: !Ref Days}]", "30-research"),
        ("!Join ['/', [a, !Ref Name]]", "a/research"),
        ("!Select [1, !Split ['-', a-b-c]]", "b"),
        ("!FindInMap [Sizes, small, Memory]", 3),
        ("!If [Enabled, yes-it-is, !Ref AWS::NoValue]", "left out"),
        ("[a, !If [Enabled, b, !Ref AWS::NoValue], c]", ["a", "c"]),
        ("!If [Either, a, b]", "b"),
        ("!If [Both, a, b]", "b"),
        ("!ImportValue vpc", "vpc-1"),
        ("!GetAZs ''", ["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        ("!Cidr [10.0.0.0/16, 2, 8]", ["10.0.0.0/24", "10.0.1.0/24"]),
        ("!Base64 abc", "YWJj"),
        ("'{{resolve:secretsmanager:token}}'", "{{resolve:secretsmanager:token}}"),
        (
            "{Condition: {StringEquals: {a: !Ref Name}}}",
            {"Condition": {"StringEquals": {"a": "research"}}},
        ),
    ],
    ids=lambda given: str(given)[:40],
)
def test_every_function_gives_what_cloudformation_gives(
    folder: Path, expression: str, expected: object
) -> None:
    assert value(folder, expression, imports={"vpc": "vpc-1"}) == expected


@pytest.mark.parametrize(
    ("mode", "accounts", "expected"),
    [
        ("on", "", [True, False, False, True]),
        ("off", "111122223333, 444455556666", [False, True, False, True]),
        ("on", "111122223333", [True, True, True, True]),
    ],
)
def test_conditions(folder: Path, mode: str, accounts: str, expected: list[bool]) -> None:
    written = ", ".join(f"!If [{name}, 1, 0]" for name in ("Enabled", "Shared", "Both", "Either"))
    parameters = {"Mode": mode, "Accounts": accounts}
    assert value(folder, f"[{written}]", parameters=parameters) == [int(each) for each in expected]


def test_a_list_parameter_is_a_list_however_it_is_given(folder: Path) -> None:
    for given in ("a, b", ["a", "b"]):
        assert value(folder, "!Ref Accounts", parameters={"Accounts": given}) == ["a", "b"]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("!Ref Nothing", "no resource Nothing"),
        ("!GetAtt Topic.Colour", "no such attribute"),
        ("!GetAtt Thing.Arn", "circular: Thing → Thing"),
        ("!Ref Thing", "circular"),
        ("!If [Unheard, a, b]", "no condition Unheard"),
        ("!Colour red", "unknown or misplaced function Fn::Colour"),
        ("{Ref: Name, b: c}", "unknown or misplaced function Ref"),
        ("!Sub '${Nothing}'", "no resource Nothing"),
        ("!FindInMap [Sizes, large, Memory]", "no large"),
        ("!Select [3, [a, b]]", "2 values have no number 3"),
        ("!ImportValue missing", "no stack exports missing"),
        ("!Join ['', [!GetAZs '']]", "one string is expected"),
        ("{a: 1, a: 2}", "a stands twice"),
        ("2012-10-17", "quote the date"),
        ("no", "quote no"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_what_is_unknown_raises(folder: Path, expression: str, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        value(folder, expression)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"Unknown": "x"}, "unknown parameters: Unknown"),
        ({"Name": "UPPER"}, "doesn't match"),
        ({"Mode": "maybe"}, "none of"),
        ({"Days": "0"}, "not between"),
        ({"Image": "/other"}, "no SSM parameter"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_parameters_are_checked(folder: Path, parameters: dict[str, str], problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        value(folder, "x", parameters=parameters)


def test_a_parameter_without_a_default_must_be_given(folder: Path) -> None:
    head = "Parameters: {Needed: {Type: String}}\n"
    with pytest.raises(TemplateError, match="Needed is missing"):
        rendered(folder, "Resources: {}", head)


def test_a_resource_whose_condition_fails_is_not_there_and_cannot_be_referred_to(
    folder: Path,
) -> None:
    text = """
    Resources:
      Trail: {Type: 'AWS::SNS::Topic', Condition: Enabled}
      User: {Type: 'Any::Thing::AtAll', Properties: {Value: !Ref Trail}}
    """
    with pytest.raises(TemplateError, match="Trail is used, but its condition doesn't hold"):
        rendered(folder, text)
    assert set(rendered(folder, text, parameters={"Mode": "on"}).resources) == {"Trail", "User"}


def test_a_cycle_and_a_lost_dependency_raise(folder: Path) -> None:
    circle = """
    Resources:
      A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref B}}
      B: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref A}}
    """
    with pytest.raises(TemplateError, match="circular: A → B → A"):
        rendered(folder, circle)
    with pytest.raises(TemplateError, match="depends on B, which is no resource"):
        rendered(folder, "Resources: {A: {Type: 'Any::Thing', DependsOn: B}}")


def test_unknown_types_have_properties_but_no_reference(folder: Path) -> None:
    text = "Resources: {A: {Type: 'X::Y'}, B: {Type: 'X::Z', Properties: {Value: !Ref A}}}"
    with pytest.raises(TemplateError, match="X::Y is not in"):
        rendered(folder, text)
    given = {"A": "made-up"}
    assert rendered(folder, text, attributes=given).resources["B"].properties == {
        "Value": "made-up"
    }


def test_ids_are_the_same_each_time_and_differ_between_stacks(folder: Path) -> None:
    text = "Resources: {Key: {Type: 'AWS::KMS::Key'}}\nOutputs: {Key: {Value: !GetAtt Key.Arn}}"
    first, again = rendered(folder, text), rendered(folder, text)
    other = rendered(folder, text, stack="other")
    assert first.outputs == again.outputs
    assert first.outputs["Key"].startswith(f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/")
    assert first.outputs != other.outputs


def test_a_nested_stack_is_rendered_with_its_parameters_and_gives_its_outputs(
    folder: Path,
) -> None:
    (folder / "inner.yaml").write_text(
        dedent("""
        Parameters: {Subnets: {Type: 'List<AWS::EC2::Subnet::Id>'}}
        Resources:
          Topic: {Type: 'AWS::SNS::Topic', Properties: {Tags: !Ref Subnets}}
        Outputs: {Topic: {Value: !GetAtt Topic.TopicName}}
        """)
    )
    text = """
    Resources:
      Inner:
        Type: AWS::CloudFormation::Stack
        Properties:
          TemplateURL: https://x.invalid/inner.yaml
          Parameters: {Subnets: 'a,b'}
    Outputs: {Topic: {Value: !GetAtt Inner.Outputs.Topic, Export: {Name: !Sub '${Name}-topic'}}}
    """
    nested = {"Inner": folder / "inner.yaml"}
    outer = rendered(folder, text, nested=nested, stack="outer")
    inside = outer.resources["Inner"].nested
    assert inside
    assert inside.resources["Topic"].properties == {"Tags": ["a", "b"]}
    assert inside.stack.startswith("outer-Inner-")
    assert outer.exports == {"research-topic": inside.outputs["Topic"]}
    assert set(outer.of_type("AWS::SNS::Topic")) == {"Inner/Topic"}
    with pytest.raises(TemplateError, match="Name it in `nested`"):
        rendered(folder, text)
    renamed = rendered(folder, text, nested=nested, attributes={"Inner/Topic.TopicName": "mine"})
    assert renamed.outputs == {"Topic": "mine"}
    with pytest.raises(TemplateError, match="must be one string"):
        rendered(folder, text.replace("'a,b'", "[a, b]"), nested=nested)
    with pytest.raises(TemplateError, match=r"no such attribute .*Outputs\.Topic"):
        rendered(folder, text.replace("Outputs.Topic", "Outputs.Key"), nested=nested)


def test_templates_of_this_project_are_found_by_name() -> None:
    with pytest.raises(FileNotFoundError, match=r"cfn/no-such\.yaml"):
        render("no-such.yaml")
