"""Sourcing leaves nothing behind, whatever the caller's shell is like; the token goes nowhere."""

import pytest

from tests.canaries import files_below, traces, watched
from tests.shell.caller import TOKEN, Caller
from tests.shell.terminal import PATIENCE, Terminal

INVENTORY = {
    # The variables that a shell itself changes all the time are left out.
    "bash": r"""
inventory() {
  set -o; shopt; alias; trap; declare -F; pwd; echo "$-"
  compgen -v | grep -v -E '^(BASH_|FUNCNAME|PIPESTATUS|LINENO|RANDOM|SECONDS|EPOCH|SRANDOM|_$)'
}""",
    "zsh": r"""
inventory() {
  builtin set -o; builtin alias; builtin trap; builtin print -l "${(@ok)functions[@]}"; builtin pwd
  builtin print -l "${(@ok)parameters[@]}" |
    command grep -v -E '^(LINENO|RANDOM|SECONDS|EPOCH|_|\?|!|TTYIDLE)'
}""",
}
HOSTILE = {
    "options": {
        "bash": "set -euCfo pipefail; shopt -s nullglob failglob extglob nocasematch; IFS=e",
        "zsh": "setopt ERR_EXIT NO_UNSET NO_CLOBBER KSH_ARRAYS SH_WORD_SPLIT NULL_GLOB GLOB_SUBST"
        " WARN_CREATE_GLOBAL NO_FUNCTION_ARGZERO PIPE_FAIL EXTENDED_GLOB; IFS=e",
    },
    "another mode": {
        "bash": "set -o posix; set -u; export POSIXLY_CORRECT=1",
        "zsh": "emulate sh; setopt NO_UNSET",
    },
    "aliases": {
        shell: f"{before}; for name in aws bash rm eval return export command echo print set;"
        " do alias $name='touch ~/fooled; false'; done"
        for shell, before in (("bash", "shopt -s expand_aliases"), ("zsh", "setopt ALIASES"))
    },
    "functions": {
        "bash": "aws() { touch ~/fooled; }; say() { touch ~/fooled; }; rm() { touch ~/fooled; };"
        "cd() { touch ~/fooled; }; bash() { touch ~/fooled; }; create() { touch ~/fooled; };"
        "sed() { touch ~/fooled; }; export -f aws say rm cd bash create sed",
        "zsh": "aws() { touch ~/fooled; }; say() { touch ~/fooled; }; rm() { touch ~/fooled; };"
        "cd() { touch ~/fooled; }; bash() { touch ~/fooled; }; create() { touch ~/fooled; };"
        "chpwd() { touch ~/fooled; }",
    },
    "traps and names": dict.fromkeys(
        ("bash", "zsh"),
        "trap 'echo mine' INT TERM; folder=mine; stacks=mine; project=mine; problems=mine; yes=yes",
    ),
    "environment": dict.fromkeys(
        ("bash", "zsh"),
        "export BASH_ENV=$HOME/fool.sh ENV=$HOME/fool.sh CDPATH=/ yes=yes AWS_PAGER=false"
        " AWS_CLI_AUTO_PROMPT=on AWS_DEFAULT_OUTPUT=yaml problems=x scratch=/",
    ),
}


@pytest.mark.parametrize("hostility", list(HOSTILE))
def test_nothing_is_left_behind(caller: Caller, hostility: str) -> None:
    (caller.home / "fool.sh").write_text("touch ~/fooled\n")
    command = f"""{INVENTORY[caller.shell]}
export SNS_EMAIL=nobody result=none before= after=
{HOSTILE[hostility][caller.shell]}
before=$(inventory)
\\. "$PROJECT/shell/create-codeartifact-stack.sh" || result=$?
after=$(inventory)
[ "$before" = "$after" ] && \\printf 'unchanged %s\\n' "$result" || {{
  \\printf '%s\\n' "$before" >|before; \\printf '%s\\n' "$after" >|after
  \\command diff before after; }}
"""
    answer = caller.run(command)
    assert answer.stdout == "unchanged 2\n", answer.stdout + answer.said
    assert "SNS_EMAIL is nobody" in answer.said
    assert not (caller.home / "fooled").exists()


@pytest.mark.parametrize("hostility", ["options", "another mode", "aliases", "functions"])
def test_only_the_named_variables_are_exported(caller: Caller, hostility: str) -> None:
    bash = caller.shell == "bash"
    quiet = dict.fromkeys(caller.network)
    command = f"""{INVENTORY[caller.shell]}
result=none before= after=
{HOSTILE[hostility][caller.shell]}
before=$(inventory)
\\. "$PROJECT/shell/create-vpc-stack.sh" || result=$?
after=$(inventory)
\\printf '%s\\n' "$result"
{{ \\printf '%s\\n' "$before"; \\printf '%s\\n' "$after"; }} | \\command sort | \\command uniq -u
"""
    answer = caller.run(command, quiet)
    names = ["CODESERVICES_SUBNET_ID1", "CODESERVICES_SUBNET_ID2", "CODESERVICES_VPC_ID"]
    assert answer.stdout.split() == ["none", *names], (bash, answer.stdout, answer.said)
    assert not (caller.home / "fooled").exists()


@pytest.mark.parametrize("operation", ["create", "change"])
def test_the_token_reaches_the_aws_cli_through_a_descriptor_alone(
    bash: Caller, operation: str
) -> None:
    if operation == "change":
        first = bash.source("create-github", environment={"PRIVATE_GITHUB_PAT": "another-token"})
        assert first.status == 0, first.said
        webhook = bash.secret()["SecretString"].partition("webhook")[2]
    command = '. "$PROJECT/shell/create-github-stack.sh" --yes; exit $?'
    with bash.start(command) as process, watched(process) as processes:
        stdout, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert TOKEN in bash.secret()["SecretString"].replace('\\"', '"').replace("\\\\", "\\")
    if operation == "change":
        assert bash.secret()["SecretString"].partition("webhook")[2] == webhook
    seen = {
        name: content
        for name, content in processes.places().items()
        # The scripts themselves inherit it from the shell that it was exported in.
        if not (name.startswith("environment") and ": bash " in name)
    }
    assert any("secretsmanager" in name for name in seen), sorted(seen)
    places = {**seen, **files_below(bash.home), "output": (stdout + said).encode()}
    assert traces({"token": TOKEN, "its end": "canary\\of-the-token"}, places) == []


def test_ctrl_c_gives_the_prompt_back_and_the_next_run_goes_on(caller: Caller) -> None:
    caller.cloudformation.polls = 10_000
    terminal = Terminal(caller, dict.fromkeys(caller.network))
    try:
        terminal.type('. "$PROJECT/shell/create-vpc-stack.sh"')
        terminal.wait_for("Waiting for stack package-gate-vpc (CREATE_IN_PROGRESS)")
        terminal.press_ctrl_c()
        terminal.wait_for("run the same again to continue")
        terminal.type("echo back''again")
        terminal.wait_for("backagain")
        caller.cloudformation.polls = 1
        terminal.type(
            '. "$PROJECT/shell/create-vpc-stack.sh" && echo all" "there $CODESERVICES_VPC_ID'
        )
        terminal.wait_for("all there vpc-")
        terminal.type('. "$PROJECT/shell/delete-vpc-stack.sh"')
        terminal.wait_for("Type yes: ")
        terminal.type("no")
        terminal.wait_for("Nothing was changed.")
        terminal.type('. "$PROJECT/shell/delete-vpc-stack.sh"')
        terminal.wait_for("Type yes: ")
        terminal.type("yes")
        terminal.wait_for("DELETE_COMPLETE\r\n")
        terminal.type("echo all''gone $?")
        terminal.wait_for("allgone 0")
    finally:
        terminal.close()
    assert caller.cloudformation.operations == [
        "create package-gate-vpc",
        "delete package-gate-vpc",
    ]
    assert caller.left() == {}
