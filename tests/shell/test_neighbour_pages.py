"""The pages of the notebook and the dependency scan, word for word, in both shells."""

import os
import pty
import re
import subprocess

import pytest

from tests.shell.caller import PROJECT, Caller, moto_client
from tests.shell.guide import blocks

PAGES = {"isolated-notebook": "notebook", "dependency-scan": "dependency-scan"}
"""Page → the script with its variables."""
SAMPLE = ("./shell/scan-locally.sh", "dependency-scan.py")
"""A block with this scans on the person's machine, and is run by the tests of that."""


def follow(caller: Caller, page: str, environment: dict[str, str]) -> str:
    """Run a page's commands in a shell at whose terminal somebody types yes; gives what it says."""
    steps = [step for step in blocks(page) if not any(text in step for text in SAMPLE)]
    ours, theirs = pty.openpty()
    try:
        with (caller.home / "output").open("w+b") as output:
            process = subprocess.Popen(
                caller.arguments("\n".join(f"{step.strip()} || exit 9" for step in steps)),
                env=caller.environment({**dict.fromkeys(caller.network), **environment}),
                cwd=caller.project,
                stdin=theirs,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            os.write(ours, b"yes\n")
            status = process.wait(timeout=100)
            output.seek(0)
            said = output.read().decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert status == 0, said
    assert caller.left() == {}
    return said


def tools(caller: Caller) -> dict[str, str]:
    """Take away what the page tells to export; gives what stays."""
    stays = {"PATH": caller.variables["PATH"]}
    caller.variables = {}
    return stays


def test_whoever_follows_the_notebooks_page_gets_one_and_gets_rid_of_it(caller: Caller) -> None:
    caller.aws.codeartifact.create_domain({"domain": "package-gate"})
    said = follow(caller, "isolated-notebook", tools(caller))
    assert "NOTEBOOK_ROLE_ARN=arn:aws:iam::" in said
    assert "The notebook's volume goes with it. Nothing brings it back." in said
    assert not moto_client(caller.aws, "sagemaker").list_notebook_instances()["NotebookInstances"]
    created = ["create package-gate-notebook", "delete package-gate-notebook"]
    assert caller.cloudformation.operations == created


def test_whoever_follows_the_scans_page_gets_one_and_gets_rid_of_it(caller: Caller) -> None:
    said = follow(caller, "dependency-scan", {**tools(caller), **caller.network})
    assert "The dependency scan is there." in said
    assert "Confirm the subscription in the email to team@example.com" in said
    assert "all reports of scans" in said
    assert "On purpose this is left: the KMS key" in said


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_of_the_script_is_in_the_pages_table_and_no_other(page: str) -> None:
    script = (PROJECT / f"shell/stacks/{PAGES[page]}.sh").read_text()
    read = set(re.findall(r"\b(?:need|may) ([A-Z][A-Z0-9_]+)", script))
    read |= set(re.findall(r'\bproblem "([A-Z][A-Z0-9_]+) must', script))
    if "  need_network\n" in script:
        builds = (PROJECT / "shell/stacks/builds.sh").read_text()
        read |= set(re.findall(r"\b(?:need|may) ([A-Z][A-Z0-9_]+)", builds))
    text = (PROJECT / f"docs/{page}.md").read_text()
    _, _, rows = text.partition("\n| variable | meaning | default |\n")
    table, _, _ = rows.partition("\n\n")
    first = [row[: row.find(" | ")] for row in table.splitlines()]
    names = [name for cell in first for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(names) == sorted(read)


def test_the_scans_page_tells_where_the_template_puts_things() -> None:
    text = (PROJECT / "docs/dependency-scan.md").read_text()
    template = (PROJECT / "cfn/dependency-scan.yaml").read_text()
    for told, made in {
        "`/aws/codebuild/STACK_NAME`": '"/aws/codebuild/${AWS::StackName}"',
        "`STACK_NAME-dependencies`": '"${AWS::StackName}-dependencies"',
        "(output `SNSTopic`)": "\n  SNSTopic:\n    Description",
        "(output `BuildRole`)": "\n  BuildRole:\n    Description",
        "/STACK_NAME/BUILD-ID/report/`": "NamespaceType: BUILD_ID\n        Name: report",
    }.items():
        assert told in text
        assert made in template
    assert "downloads.snyk.io" in text
    assert "https://downloads.snyk.io/" in (PROJECT / "shell/fetch-snyk.sh").read_text()
