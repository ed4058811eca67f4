"""The shell, the AWS CLI and the AWS that the scripts are tried with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import programs
from tests.fakes.aws import AWS
from tests.shell.caller import SHELLS, Caller, copy_project, default_network, gate_variables
from tests.shell.cloudformation import realistic_cloudformation


@pytest.fixture(scope="session")
def tools() -> Path:
    """Give a folder for PATH with the AWS CLI in it."""
    return programs.aws_cli()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of what the scripts use, in a folder with a name that must be quoted."""
    return copy_project(tmp_path_factory.mktemp("copy") / "the $HOME of a 'project'")


@pytest.fixture
def bash(aws: AWS, tools: Path, project: Path, tmp_path: Path) -> Iterator[Caller]:
    """Give bash, ready to create a gate in the network that every account has."""
    home = tmp_path / "home"
    (home / "tmp").mkdir(parents=True)
    with realistic_cloudformation() as cloudformation:
        yield Caller(
            aws,
            cloudformation,
            home,
            project,
            gate_variables(tools),
            default_network(aws),
        )


@pytest.fixture(params=SHELLS)
def caller(request: pytest.FixtureRequest, bash: Caller) -> Caller:
    """Give each shell, ready to create a gate."""
    bash.shell = request.param
    return bash
