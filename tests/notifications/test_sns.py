"""Emails through SNS, against moto's server."""

from typing import Any

import pytest
import requests

from package_gate.core.decision import Verdict
from package_gate.core.errors import NotifyError
from package_gate.notifications.outbox import Email
from package_gate.notifications.sns import SNS
from tests.fakes.aws import AWS

EMAIL = Email("Subject", "Body", Verdict.REFUSED, "pyyaml", "jo@example.com")


def sent(services: AWS, topic: str) -> list[Any]:
    """Give what moto's topic was handed: (message id, body, subject, attributes, group)."""
    answer = requests.get(f"{services.moto_url}/moto-api/data.json", timeout=30).json()
    (found,) = [entry for entry in answer["sns"]["Topic"] if entry["arn"] == topic]
    return list(found["sent_notifications"])


def test_an_email_goes_out_with_the_attributes_for_filter_policies(aws: AWS) -> None:
    client = aws.client("sns")
    topic = client.create_topic(Name="gate")["TopicArn"]
    SNS(topic, client).send(EMAIL)
    ((_, body, subject, attributes, _),) = sent(aws, topic)
    assert (subject, body) == ("Subject", "Body")
    assert {name: value["Value"] for name, value in attributes.items()} == {
        "verdict": "refused",
        "package": "pyyaml",
        "requester": "jo@example.com",
    }


def test_a_missing_topic_is_a_notify_error(aws: AWS) -> None:
    client = aws.client("sns")
    with pytest.raises(NotifyError, match="SNS did not take it"):
        SNS("arn:aws:sns:eu-central-1:123456789012:none", client).send(EMAIL)
