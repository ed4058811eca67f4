"""Emails through Amazon SNS: one topic, filtered by each subscriber."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from package_gate.aws.errors import aws_errors
from package_gate.core.errors import NotifyError
from package_gate.notifications.outbox import Email

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

TOPIC_ARN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+"
"""The pattern of a topic's address."""
NOBODY = "none"
"""An attribute that is empty, as `requester` when a request names none: SNS takes no empty text."""


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
            "requester": email.requester,
        }
        self.publish(email.subject, email.body, attributes)

    def publish(self, subject: str, body: str, attributes: Mapping[str, str]) -> None:
        """Publish a text within the limits of SNS.

        Args:
            subject: fewer than 100 printable ASCII characters.
            body: at most 262,144 bytes in UTF-8.
            attributes: what filter policies can ask for; an empty one becomes `NOBODY`.

        Raises:
            NotifyError: SNS did not take it.
        """
        with aws_errors("SNS did not take it", NotifyError):
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=subject,
                Message=body,
                MessageAttributes={
                    name: _string(value or NOBODY) for name, value in attributes.items()
                },
            )


def _string(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}
