"""What the scanners that call AWS have in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from package_gate.core.errors import ScannerError
from package_gate.core.text import one_line

CLIENT_CONFIG = Config(
    connect_timeout=10,
    read_timeout=120,
    retries={"mode": "standard", "total_max_attempts": 6},
)
"""For the boto3 clients. Standard mode repeats what was throttled, answered with 500 or cut off,
after a random wait that grows up to 20 seconds."""

ADVICE = {
    "AccessDeniedException": "Allow it in the build's role.",
    "ThrottlingException": "The next run tries again.",
    "InternalServerException": "The next run tries again.",
}


@contextmanager
def aws_call(call: str) -> Iterator[None]:
    """Turn every error of boto3 in the block into one that says what to do.

    Args:
        call: service and operation, as `Inspector ScanSbom`.

    Raises:
        ScannerError: instead of boto3's errors, with those as its cause.
    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        message = one_line(error.response["Error"].get("Message", ""), 300)
        raise ScannerError(
            f"{call} failed: {code}: {message}. {ADVICE.get(code, '')}".rstrip()
        ) from error
    except BotoCoreError as error:
        raise ScannerError(
            f"{call} failed: {one_line(str(error), 300)}. Check the network, the region and the "
            "credentials."
        ) from error
