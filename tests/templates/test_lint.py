"""The templates pass cfn-lint and Checkov, and each exception from a linter has a reason beside it:
`reason` for cfn_nag, `comment` for Checkov, a comment on the rule's line for cfn-lint.

cfn_nag is a Ruby program and not run here: docs/validation.md says how to run it.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from tests.templates.template import CFN, load, several

ROOT = CFN.parent
TEMPLATES = sorted(path.name for path in CFN.glob("*.yaml"))
REGIONS = ["eu-central-1", "us-east-1"]
CHECKOV = ROOT / ".venv/checkov/bin/checkov"
OPEN = "AWS::S3::Bucket.OpenToAll"
OPEN_BUCKET = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  OpenToAll:
    Type: AWS::S3::Bucket
    Properties:
      AccessControl: PublicRead
"""
CHECKOV_RULE = re.compile(r"CKV2?_[A-Z]+_\d+")


def cfn_lint(template: Path, regions: list[str] = REGIONS) -> list[str]:
    """Give what it says, its informational rules included."""
    found = lint_file(template, ManualArgs(include_checks=["I"], regions=regions))
    return [f"{each.linenumber}: {each.rule.id} {each.message}" for each in found]


def checkov(templates: list[Path], home: Path) -> dict[str, Any]:
    """Run Checkov over templates in one process, without network, and give its report."""
    assert CHECKOV.exists(), "shell/run-tests.sh installs Checkov into .venv/checkov"
    options = "--framework cloudformation --skip-download --quiet --compact --output json --file"
    ran = subprocess.run(
        [CHECKOV, *options.split(), *templates],
        cwd=ROOT,
        env={
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true",
            "HTTPS_PROXY": "http://127.0.0.1:9",  # nothing is there: whatever calls out fails
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert ran.stdout.startswith("{"), ran.stderr
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


def suppressions(template: str) -> list[tuple[str, str, str]]:
    """Give linter, rule and reason of each exception that a template makes."""
    loaded = load(template)
    text = (CFN / template).read_text()
    bodies = {"the template": loaded, **loaded["Resources"]}
    found = []
    for body in bodies.values():
        metadata = body.get("Metadata", {})
        for each in metadata.get("cfn_nag", {}).get("rules_to_suppress", []):
            found.append(("cfn_nag", each["id"], each.get("reason", "")))
        for each in metadata.get("checkov", {}).get("skip", []):
            found.append(("checkov", each["id"], each.get("comment", "")))
        for rule in metadata.get("cfn-lint", {}).get("config", {}).get("ignore_checks", []):
            beside = re.search(rf"^ *- {rule} +# *(.*)$", text, re.MULTILINE)
            found.append(("cfn-lint", rule, beside[1] if beside else ""))
    for match in re.finditer(r"# *checkov:skip=(\w+):?(.*)", text):
        found.append(("checkov", match[1], match[2].strip()))
    return found


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_comes_back_as_it_was_sent(template: str) -> None:
    """GetTemplate gives question marks for what is not ASCII, so every update would seem new."""
    assert (CFN / template).read_text().isascii()


@pytest.mark.parametrize("template", TEMPLATES)
def test_cfn_lint_finds_nothing(template: str) -> None:
    assert cfn_lint(CFN / template) == []


def test_cfn_lint_is_asked_for_everything(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        """
        Parameters:
          Unused: {Type: String}
        Resources:
          Bucket: {Type: AWS::S3::Bucket, Properties: {Surprise: 1}}
          Log: {Type: AWS::Logs::LogGroup}
        """
    )

    rules = {line.split()[1] for line in cfn_lint(template)}

    assert {"E3002", "W2001", "I3011"} <= rules


def test_checkov_finds_an_open_bucket_and_nothing_in_the_templates(tmp_path: Path) -> None:
    sample = tmp_path / "open.yaml"
    sample.write_text(OPEN_BUCKET)

    report = checkov([sample, *(CFN / template for template in TEMPLATES)], tmp_path)

    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] == 1 + sum(
        len(load(template)["Resources"]) for template in TEMPLATES
    )
    failed = report["results"]["failed_checks"]
    assert "CKV_AWS_20" in {each["check_id"] for each in failed if each["resource"] == OPEN}
    assert [
        f"{each['check_id']} {each['check_name']}: {each['file_path']} {each['resource']}"
        for each in failed
        if each["resource"] != OPEN
    ] == []


def complexity(statement: dict[str, Any]) -> int:
    """Weigh a statement as cfn_nag does (`iam_complexity_metric/`).

    Both branches of a condition count, and what is no plain string is a service of its own.
    """
    if "Fn::If" in statement:
        return sum(complexity(branch) for branch in statement["Fn::If"][1:])
    actions, resources = (
        several(statement.get("Action", [])),
        several(statement.get("Resource", [])),
    )
    called = {action.split(":")[0] for action in actions}
    named = {each if each == "*" else str(each) for each in resources}
    strange = 0 if {"*"} in (named, called) else len(named - {"*"} - called)
    weight = 1 + (statement.get("Effect") == "Deny")
    weight += 2 * max(len((called | named) - {"*"}) - 1, 0) + strange
    for operator, pairs in statement.get("Condition", {}).items():
        weight += 2 + operator.endswith("IfExists") + (operator == "Null")
        weight += 2 * operator.startswith(("ForAllValues", "ForAnyValue"))
        weight += sum("${" in each for value in pairs.values() for each in several(value))
    return weight


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_policy_is_too_complex_for_cfn_nag(template: str) -> None:
    """Its W76; cfn_nag itself is not run here."""
    documents = {}
    for name, body in load(template)["Resources"].items():
        if body["Type"] == "AWS::IAM::Policy":
            documents[name] = body["Properties"]["PolicyDocument"]
        for policy in body["Properties"].get("Policies", []):
            documents[f"{name}/{policy['PolicyName']}"] = policy["PolicyDocument"]
    weights = {
        name: sum(complexity(statement) for statement in several(document["Statement"]))
        for name, document in documents.items()
    }
    assert {name: weight for name, weight in weights.items() if weight >= 25} == {}


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_exception_has_a_reason(template: str) -> None:
    for linter, rule, reason in suppressions(template):
        assert len(reason.split()) >= 5, f"{linter} {rule}: say why, not {reason!r}"
        assert linter != "checkov" or CHECKOV_RULE.fullmatch(rule), f"{rule} names no one rule"


def test_exceptions_are_found_wherever_a_linter_reads_them(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        """
        Metadata:
          cfn-lint:
            config:
              ignore_checks:
                - W1  # first
                - W2
        Resources:
          Log:  # checkov:skip=CKV_AWS_66:second
            Type: AWS::Logs::LogGroup
            Metadata:
              cfn_nag: {rules_to_suppress: [{id: W84, reason: third}, {id: W86}]}
              checkov: {skip: [{id: CKV_AWS_158, comment: fourth}]}
        """
    )

    assert sorted(suppressions(str(template))) == [
        ("cfn-lint", "W1", "first"),
        ("cfn-lint", "W2", ""),
        ("cfn_nag", "W84", "third"),
        ("cfn_nag", "W86", ""),
        ("checkov", "CKV_AWS_158", "fourth"),
        ("checkov", "CKV_AWS_66", "second"),
    ]
