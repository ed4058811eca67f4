"""The deployment guide, word for word: every command of three pages, in order, in both shells, for
both variants."""

import os
import pty
import re
import subprocess

import pytest

from tests.shell.caller import GATES, PROJECT, Caller
from tests.shell.guide import PAGES, blocks

FOLLOWED = [page for page in PAGES if page != "operations"]
TOKEN = "github_pat_typed_by_a_person"
TYPED = f"{TOKEN}\nyes\nyes\nyes\n"
"""What the person types: the token, then the answers to what is asked."""


def at_a_terminal(caller: Caller, script: str) -> tuple[int, str]:
    """Run commands in a shell at whose terminal somebody types; gives status and output."""
    ours, theirs = pty.openpty()
    try:
        with (caller.home / "output").open("w+b") as output:
            process = subprocess.Popen(
                caller.arguments(script),
                env=caller.environment(dict.fromkeys((*caller.network, *PERSONAL))),
                cwd=caller.project,
                stdin=theirs,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            os.write(ours, TYPED.encode())
            status = process.wait(timeout=280)
            output.seek(0)
            return status, output.read().decode()
    finally:
        os.close(ours)
        os.close(theirs)


PERSONAL = (
    *("AWS_REGION", "STACK_NAME", "CODEPIPELINE_NAME", "SNS_EMAIL", "PRIVATE_GITHUB_OWNER"),
    *("PRIVATE_GITHUB_REPO", "PRIVATE_GITHUB_BRANCH", "PRIVATE_GITHUB_PAT"),
    *("PRIVATE_GITHUB_USERNAME", "PRIVATE_GITHUB_EMAIL"),
)
"""What a person has not set yet when the guide begins."""


@pytest.mark.parametrize("variant", GATES)
def test_whoever_follows_the_guide_gets_a_gate_and_gets_rid_of_it(
    caller: Caller, variant: str
) -> None:
    steps = [step for page in FOLLOWED for step in blocks(page, variant)]
    script = "\n".join(f"{step.strip()} || exit 9" for step in steps)
    status, said = at_a_terminal(caller, script)
    assert status == 0, said
    assert TOKEN not in said
    assert "The gate is there." in said
    assert "CREATE_COMPLETE" in said
    assert f"create-{variant}-stack.sh" in script
    assert f"delete-{variant}-stack.sh" in script
    assert "infosec@example.com" in said
    assert "The gate package-gate is deleted." in said
    records = caller.home / "package-gate-decisions"
    assert records.is_dir()
    assert caller.left() == {}


def test_a_block_of_a_variant_names_one_that_there_is() -> None:
    text = "".join((PROJECT / f"docs/{page}.md").read_text() for page in PAGES)
    assert set(re.findall(r"^```bash(.*)", text, re.MULTILINE)) == {"", *(f" {g}" for g in GATES)}


def test_every_variable_of_the_scripts_is_in_the_guide_and_no_other() -> None:
    guide = (PROJECT / "docs/deployment.md").read_text()
    text = "".join(
        (PROJECT / f"shell/stacks/{name}.sh").read_text()
        for name in ("package-gate", "codeartifact", "github", "builds")
    )
    read = set(re.findall(r"\b(?:need|may) ([A-Z][A-Z0-9_]+)", text)) | {
        "PRIVATE_GITHUB_PAT",
        "CODEARTIFACT_DOMAIN",
    }
    told = set(re.findall(r"\b(?:[A-Z][A-Z0-9]*_)+[A-Z0-9]+\b|(?<=^\| `)[A-Z]+(?=`)", guide, re.M))
    others = {"AWS_REGION", "STACK_NAME"}
    assert read - told - others == set()
    assert {name for name in told if name not in read | others} <= {"CREATE_COMPLETE"}


@pytest.mark.parametrize("page", [path.stem for path in sorted((PROJECT / "docs").glob("*.md"))])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    text = (PROJECT / f"docs/{page}.md").read_text()
    for target in re.findall(r"\]\(([^)#\s]+)?(?:#[^)]*)?\)", text):
        if target and "://" not in target:
            assert (PROJECT / "docs" / target).exists(), target


def test_the_pictures_are_drawings_without_scripts() -> None:
    pictures = list((PROJECT / "docs/diagrams").glob("*.svg"))
    assert len(pictures) >= 4
    for picture in pictures:
        text = picture.read_text()
        assert text.startswith("<svg ")
        assert "<title" in text
        assert "<script" not in text
        assert "href=" not in text
