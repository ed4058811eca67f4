"""Emails through Amazon SNS: one topic, filtered by each subscriber."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from package_gate.errors import NotifyError
from package_gate.notify import Email

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

NOBODY = "none"
"""The attribute `requester` when a request names none: SNS takes no empty text."""


class SNS:
    """A topic; implements `Notifier`."""

    def __init__(self, topic_arn: str, client: "SNSClient") -> None:
        """Publish to the topic through a boto3 SNS client."""
        self._topic_arn = topic_arn
        self._client = client

    def send(self, email: Email) -> None:
        """Publish the email with the attributes that filter policies can ask for.

        Raises:
            NotifyError: SNS did not take it.
        """
        attributes = {
            "verdict": email.verdict.value,
            "package": email.package,
            "requester": email.requester or NOBODY,
        }
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=email.subject,
                Message=email.body,
                MessageAttributes={name: _string(value) for name, value in attributes.items()},
            )
        except (BotoCoreError, ClientError) as error:
            raise NotifyError(f"SNS did not take it: {error}.") from error


def _string(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}
