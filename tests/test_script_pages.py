"""What docs/codeartifact.md and docs/github.md say: every command as it stands, every variable."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.https_server import HTTPSServer, respond
from tests.fakes.package_index import PackageIndex
from tests.local_run import POLICY, PROJECT, LocalRun
from tests.publishers.github_world import SAMPLE, zipped

ARCHIVE = "https://github.com/hukkin/tomli/archive/refs/tags/2.0.1.zip"
SCRIPT_SECTIONS = ("Try it on your machine", "In the notebook")
PAGES = ("codeartifact", "github")


def page(name: str) -> str:
    return (PROJECT / "docs" / f"{name}.md").read_text()


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def commands(text: str, heading: str) -> list[str]:
    """The `bash` blocks of a section: what stands in another kind of block is not run."""
    found = re.findall(r"```bash\n(.*?)```", section(text, heading), re.DOTALL)
    assert found, heading
    return found


def run_page(
    name: str, folder: Path, server: HTTPSServer
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the commands of a page in the documented shell; gives the result and the commands.

    The index, the advisories, the policy and the archive's server are the test's.
    """
    index = PackageIndex(server)
    index.add_wheel("humanize", "4.12.3")
    server.routes["/tomli.zip"] = respond(zipped(SAMPLE))
    local = LocalRun(folder, index)
    local.add_advisory("unrelated", "0.1")
    (folder / "policy.toml").write_text(POLICY)
    text = page(name)
    shell_command = re.search(r"```\n\.venv/tests/bin/python (.*)\n```", text)
    assert shell_command
    script = "".join(block for heading in SCRIPT_SECTIONS for block in commands(text, heading))
    assert script.count(ARCHIVE) == 1
    done = subprocess.run(
        [sys.executable, *shell_command[1].split(), "bash", "-ec",
         script.replace(ARCHIVE, f"{server.url}/tomli.zip")],
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            **index.environment,
            "PACKAGE_GATE_POLICY": str(folder / "policy.toml"),
            "PACKAGE_GATE_ADVISORIES": str(local.advisories),
            "PACKAGE_GATE_SCANNERS": "osv",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )  # fmt: skip
    return done, script


def test_every_command_of_the_codeartifact_page_works_as_it_stands(
    tmp_path: Path, server: HTTPSServer
) -> None:
    done, script = run_page("codeartifact", tmp_path, server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Successfully installed humanize-4.12.3" in done.stdout
    assert re.search(r'"version": "\d{8}T\d{6}Z-[0-9a-f]{12}"', done.stdout)
    for command in commands(page("codeartifact"), "In the notebook")[:2]:
        assert f"    {command}" in done.stdout  # it is what the script offers, too
    assert script.count("aws codeartifact") == 3


def test_every_command_of_the_github_page_works_as_it_stands(
    tmp_path: Path, server: HTTPSServer
) -> None:
    done, _ = run_page("github", tmp_path, server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Successfully installed humanize-4.12.3" in done.stdout
    assert "Successfully installed sample-1.0" in done.stdout
    offered = re.sub(r"https://localhost:\d+/", "https://github.com/", done.stdout)
    for command in commands(page("github"), "In the notebook"):
        assert f"    {command}" in offered


@pytest.mark.parametrize("name", PAGES)
def test_every_variable_that_is_read_is_in_the_table_and_no_other(name: str) -> None:
    source = (PROJECT / "package_gate/commands/aws_destinations.py").read_text()
    theirs = {
        "codeartifact": r'variables\.get\(\s*"((?:Example|Internal)\w+'
        r'|PACKAGE_GATE_(?:DOMAIN|INDEX)_\w+)"',
        "github": r'variables\.get\(\s*"(PrivateGitHub\w+|PACKAGE_GATE_GITHUB_\w+)"',
    }
    every = set(re.findall(r'(?:variables|self)\.get\(\s*"(\w+)"', source))
    shared = every - {v for pattern in theirs.values() for v in re.findall(pattern, source)}
    table = section(page(name), "Environment")
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert listed == shared | set(re.findall(theirs[name], source))


def test_the_rights_of_the_build_name_every_action_that_it_calls() -> None:
    actions = {name: actions_of(page(name)) for name in PAGES}
    source = (PROJECT / "package_gate/publishers/codeartifact_api.py").read_text()
    called = {f"codeartifact:{name}" for name in re.findall(r'_explained\("(\w+)"', source)}
    assert called
    theirs = called | {"sts:GetServiceBearerToken"}  # which comes with GetAuthorizationToken
    assert actions["codeartifact"] - actions["github"] == theirs
    assert actions["github"] <= actions["codeartifact"]


def actions_of(text: str) -> set[str]:
    """The actions of the page's policy document."""
    (document,) = re.findall(r"```json\n(.*?)```", section(text, "Rights"), re.DOTALL)
    actions: set[str] = set()
    for statement in json.loads(document)["Statement"]:
        given = statement["Action"]
        actions |= {given} if isinstance(given, str) else set(given)
    return actions


def test_both_pages_tell_the_same_of_what_both_scripts_do() -> None:
    for heading in ("Emails", "Scanners that are services"):
        codeartifact, github = (section(page(name), heading) for name in PAGES)
        assert codeartifact == github != ""


def test_the_readme_has_the_commands_of_the_pages() -> None:
    readme = (PROJECT / "README.md").read_text()
    for heading, name in (
        ("Publish to AWS CodeArtifact", "codeartifact"),
        ("Publish to a private GitHub repository", "github"),
    ):
        told = commands(page(name), "In the notebook")
        assert all(command in told for command in commands(readme, heading))
