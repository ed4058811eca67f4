"""The session with AWS: who imports boto3, where clients call, how long they wait."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from package_gate.aws.session import AWSSession, Service, client_config, region_of
from package_gate.core.errors import ConfigurationError

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def imported(path: Path) -> set[str]:
    """Name the top-level modules that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def test_boto3_is_imported_in_one_place() -> None:
    modules = (PROJECT / "package_gate").rglob("*.py")
    assert [path.name for path in modules if "boto3" in imported(path)] == ["session.py"]


def test_a_local_run_does_not_import_boto3() -> None:
    program = (
        "import sys, package_gate.commands.gate, package_gate.commands.destinations\n"
        "assert not {'boto3', 'botocore'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)


@pytest.mark.parametrize("service", get_args(Service))
def test_a_client_waits_a_random_time_between_attempts_and_never_for_ever(service: Service) -> None:
    config = AWSSession("eu-central-1").client(service, connections=24).meta.config
    assert config.retries == {
        "mode": "standard",
        "total_max_attempts": client_config(service).retries["total_max_attempts"],  # type: ignore[attr-defined]
    }
    assert config.retries["total_max_attempts"] > 3
    assert config.connect_timeout < 60
    assert config.read_timeout <= 300
    assert config.max_pool_connections == 24


def test_the_region_is_read_as_other_tools_of_aws_read_it() -> None:
    assert region_of({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}) == "eu-west-1"
    assert region_of({"AWS_DEFAULT_REGION": "us-east-1"}) == "us-east-1"
    assert region_of({}) == ""


def test_without_a_region_a_client_is_a_configuration_error() -> None:
    session = AWSSession()
    assert session.region == ""
    with pytest.raises(ConfigurationError, match=r"AWS is not configured for sns.*region"):
        session.client("sns")


def test_a_profile_that_does_not_exist_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match=r"AWS is not configured.*nobody"):
        AWSSession("eu-central-1")
