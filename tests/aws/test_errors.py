"""What an error of AWS becomes."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from package_gate.aws.errors import aws_errors
from package_gate.core.errors import PublishError, ScannerError


def answered(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize(
    ("error", "arguments", "said"),
    [
        (
            answered("AccessDeniedException", "not authorized"),
            {},
            "It failed: AccessDeniedException: not authorized. Allow it in the build's role.",
        ),
        (
            answered("ThrottlingException", "Rate exceeded."),
            {},
            "It failed: ThrottlingException: Rate exceeded. The next run tries again.",
        ),
        (
            answered("NoSuchKey", "none"),
            {"advice": {}, "otherwise": "Check the key."},
            "It failed: NoSuchKey: none. Check the key.",
        ),
        (
            answered("NoSuchKey", ""),
            {"advice": {"NoSuchKey": "Look again."}, "otherwise": "Check the key."},
            "It failed: NoSuchKey. Look again.",
        ),
        (answered("Odd", "two\nlines\x1b[1m"), {}, "It failed: Odd: two lines\\x1b[1m."),
        (
            EndpointConnectionError(endpoint_url="https://sns.example"),
            {},
            'It failed: Could not connect to the endpoint URL: "https://sns.example". '
            "Check the network, the region and the credentials.",
        ),
        (
            EndpointConnectionError(endpoint_url="https://sns.example"),
            {"unreachable": "Check the endpoint."},
            'It failed: Could not connect to the endpoint URL: "https://sns.example". '
            "Check the endpoint.",
        ),
    ],
)
def test_it_says_what_the_service_said_and_what_to_do(
    error: Exception, arguments: dict[str, Any], said: str
) -> None:
    with (
        pytest.raises(PublishError) as raised,
        aws_errors("It failed", PublishError, **arguments),
    ):
        raise error
    assert str(raised.value) == said
    assert raised.value.__cause__ is error


def test_an_error_of_ours_passes() -> None:
    with (
        pytest.raises(ScannerError, match="ours"),
        aws_errors("It failed", PublishError),
    ):
        raise ScannerError("ours")
