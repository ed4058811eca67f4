"""Who is emailed which verdicts is set by a command, which can be run again."""

import json

from tests.shell.caller import STACK, Caller

SUBSCRIBE = 'bash "$PROJECT/shell/subscribe.sh"'


def filters(bash: Caller) -> dict[str, object]:
    """Address → filter policy, as the service has it."""
    sns = bash.aws.client("sns")
    found = {}
    for each in sns.list_subscriptions()["Subscriptions"]:
        attributes = sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])
        found[each["Endpoint"]] = json.loads(attributes["Attributes"].get("FilterPolicy", "null"))
    return found


def test_each_address_gets_what_was_asked_for(bash: Caller) -> None:
    assert bash.source("create-codeartifact").status == 0
    own = bash.run(f"{SUBSCRIBE} --requester jo@example.com ana+x@example.com")
    assert own.status == 0, own.said
    assert "jo@example.com gets what it has requested, once somebody opens the link" in own.said
    for _ in range(2):  # again, and for one that has something else
        all_ = bash.run(
            f"{SUBSCRIBE} --stack {STACK} --not-approved Infosec@example.com JO@example.com",
            {"STACK_NAME": None, "AWS_REGION": None},
        )
        assert all_.status == 0, all_.said
    found = filters(bash)
    assert found["ana+x@example.com"] == {
        "requester": [{"equals-ignore-case": "ana+x@example.com"}]
    }
    assert found["Infosec@example.com"] == {"verdict": ["refused", "undecided"]}
    assert found["jo@example.com"] == {"verdict": ["refused", "undecided"]}
    listed = bash.run(f"{SUBSCRIBE} --list")
    assert 'Infosec@example.com  {"verdict": ["refused", "undecided"]}' in listed.said


def test_what_is_wrong_is_told_before_anything_is_changed(bash: Caller) -> None:
    for arguments, said in (
        ("--requester 'a\"b@example.com'", "is no address"),
        ("--requester -x@example.com", "Usage"),
        ("--requester", "needs an address"),
        ("--not-approved jo@example.com", "There is no gate gate"),
        ("jo@example.com", "Usage"),
    ):
        answer = bash.run(f"{SUBSCRIBE} {arguments}")
        assert (answer.status, said in answer.said) == (2, True), answer.said
    assert filters(bash) == {}
