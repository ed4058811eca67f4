"""From boto3's errors to the gate's, which say what to do next: the only place that does it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from package_gate.core.errors import GateError
from package_gate.core.text import one_line

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

ADVICE = {
    "AccessDenied": "Allow it in the build's role.",
    "AccessDeniedException": "Allow it in the build's role.",
    "InternalServerException": "The next run tries again.",
    "ThrottlingException": "The next run tries again.",
}
"""What to do about an error code, whatever the service."""
UNREACHABLE = "Check the network, the region and the credentials."


@contextmanager
def aws_errors(
    failure: str,
    raises: Callable[[str], GateError],
    *,
    advice: Mapping[str, str] = ADVICE,
    otherwise: str = "",
    unreachable: str = UNREACHABLE,
) -> Iterator[None]:
    """Turn every error of boto3 in the block into one of ours, with that as its cause.

    Args:
        failure: what did not work, as `SNS did not take it`.
        raises: the class of the error.
        advice: error code → what to do about it.
        otherwise: what to do about any other code.
        unreachable: what to do when there was no answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # boto3 is imported by now

    try:
        yield
    except ClientError as error:
        code = error_code(error)
        message = one_line(error.response["Error"].get("Message", ""), 300).rstrip(". ")
        reason = ": ".join(filter(None, (one_line(code, 100), message)))
        what_next = advice.get(code, otherwise)
        raise raises(f"{failure}: {reason}. {what_next}".rstrip()) from error
    except BotoCoreError as error:
        reason = one_line(str(error), 300).rstrip(". ")
        raise raises(f"{failure}: {reason}. {unreachable}".rstrip()) from error


def error_code(error: "ClientError") -> str:
    """Give the code of a service's answer, such as `AccessDeniedException`; "" for none."""
    return error.response["Error"].get("Code", "")
