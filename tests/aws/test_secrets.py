"""Secrets from moto's Parameter Store and Secrets Manager."""

import logging
import socket
from typing import Any

import pytest
from botocore.config import Config

from package_gate.aws.secrets import read_secret
from package_gate.core.errors import ConfigurationError
from tests.aws_fixture import aws, moto_url  # noqa: F401  # fixtures
from tests.fakes.aws import AWS

VALUE = "secret-value-canary-51c9"


@pytest.fixture
def clients(aws: AWS) -> tuple[Any, Any]:  # noqa: F811
    ssm, secretsmanager = aws.client("ssm"), aws.client("secretsmanager")
    ssm.put_parameter(Name="/gate/token", Value=f"{VALUE}\n", Type="SecureString")
    ssm.put_parameter(Name="/gate/plain", Value="my-org", Type="String")
    ssm.put_parameter(Name="/gate/list", Value="a,b", Type="StringList")
    secretsmanager.create_secret(Name="gate/token", SecretString=VALUE)
    secretsmanager.create_secret(Name="gate/binary", SecretBinary=VALUE.encode())
    secretsmanager.create_secret(Name="gate/empty", SecretString=" \n")
    return ssm, secretsmanager


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("ssm:/gate/token", VALUE),
        ("ssm:/gate/plain", "my-org"),
        ("secretsmanager:gate/token", VALUE),
    ],
)
def test_a_reference_gives_the_text_without_white_space(
    clients: tuple[Any, Any], reference: str, value: str
) -> None:
    assert read_secret(reference, *clients) == value


def test_a_secret_can_be_named_by_its_arn(clients: tuple[Any, Any]) -> None:
    arn = clients[1].describe_secret(SecretId="gate/token")["ARN"]

    assert read_secret(f"secretsmanager:{arn}", *clients) == VALUE


@pytest.mark.parametrize(
    "reference",
    [
        "ssm:/gate/missing",
        "ssm:/gate/list",
        "ssm:not a name",
        "secretsmanager:gate/missing",
        "secretsmanager:gate/binary",
        "secretsmanager:gate/empty",
    ],
)
def test_what_is_no_readable_text_is_named_by_its_reference(
    clients: tuple[Any, Any], reference: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_secret(reference, *clients)

    assert reference in str(error.value)
    assert VALUE not in str(error.value)


@pytest.mark.parametrize("given", [VALUE, "", "ssm:", "secretsmanager:", f"SSM:{VALUE}"])
def test_a_secret_in_the_place_of_a_reference_is_not_repeated(
    clients: tuple[Any, Any], given: str
) -> None:
    with pytest.raises(ConfigurationError, match="ssm:/NAME") as error:
        read_secret(given, *clients)

    assert VALUE not in str(error.value)


def test_a_store_that_cannot_be_reached_is_an_error(
    aws: AWS,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setitem(aws.environment, "AWS_ENDPOINT_URL_SSM", address)
    impatient = Config(connect_timeout=1, retries={"total_max_attempts": 1})

    with pytest.raises(ConfigurationError, match="ssm:/gate/token can't be read"):
        read_secret("ssm:/gate/token", aws.client("ssm", impatient), aws.client("secretsmanager"))


def test_no_secret_is_in_the_log_at_any_level(
    clients: tuple[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    read_secret("ssm:/gate/token", *clients)
    read_secret("secretsmanager:gate/token", *clients)

    assert "GetSecretValue" in caplog.text
    assert VALUE not in caplog.text
