"""Secrets that settings name by where they are kept: SSM Parameter Store, AWS Secrets Manager.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

import logging
from typing import TYPE_CHECKING

from package_gate.aws.errors import aws_errors
from package_gate.core.errors import ConfigurationError
from package_gate.core.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

PARAMETER_STORE = "ssm:"
SECRETS_MANAGER = "secretsmanager:"


class _Without(logging.Filter):
    def __init__(self, marks: tuple[str, ...]) -> None:
        super().__init__()
        self._marks = marks

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not any(mark in message for mark in self._marks)


def keep_out_of_log(logger: str, *marks: str) -> None:
    """Drop a logger's records that hold one of these texts.

    At level `DEBUG`, libraries write whole answers and addresses to their logs.
    """
    logging.getLogger(logger).addFilter(_Without(marks))


keep_out_of_log("botocore.parsers", '"SecretString"', '"Parameter"')


def read_secret(reference: str, ssm: "SSMClient", secretsmanager: "SecretsManagerClient") -> str:
    """Fetch a secret.

    Args:
        reference: `ssm:NAME-or-ARN` (a `SecureString` or `String` parameter), or
            `secretsmanager:NAME-or-ARN` (its text is the secret; no JSON around it).
        ssm: a boto3 client.
        secretsmanager: a boto3 client.

    Returns:
        The text without white space around it; never empty.

    Raises:
        ConfigurationError: it names the reference, never the value.
    """
    with aws_errors(
        f"The secret {one_line(reference)} can't be read",
        ConfigurationError,
        advice={},
        otherwise="Check its name and region, and that the role may read it and use its KMS key.",
    ):
        if name := _name(reference, PARAMETER_STORE):
            parameter = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
            value = parameter["Value"] if parameter["Type"] != "StringList" else ""
        elif name := _name(reference, SECRETS_MANAGER):
            value = secretsmanager.get_secret_value(SecretId=name).get("SecretString", "")
        else:
            # It is not repeated: it may be the secret itself, put in the wrong place.
            raise ConfigurationError(
                f"A secret is named as {PARAMETER_STORE}/NAME (SSM Parameter Store) or "
                f"{SECRETS_MANAGER}NAME-or-ARN (Secrets Manager); another text was given."
            )
    if not value.strip():
        raise ConfigurationError(f"The secret {one_line(reference)} is empty or no plain text.")
    return value.strip()


def _name(reference: str, store: str) -> str:
    return reference.removeprefix(store) if reference.startswith(store) else ""
