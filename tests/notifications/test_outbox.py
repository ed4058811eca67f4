from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from package_gate.core.decision import Verdict
from package_gate.core.errors import NotifyError
from package_gate.notifications.outbox import Email, Outbox

EMAIL = Email(
    subject="[package gate] approved: numpy==2.1.3",
    body="Install it:\n\n    pip install numpy==2.1.3\n\nGrüße\n",
    verdict=Verdict.APPROVED,
    package="numpy",
    requester="ada@research.example",
)


def test_an_email_becomes_one_file_that_mail_readers_understand(tmp_path: Path) -> None:
    Outbox(tmp_path / "outbox").send(EMAIL)

    (file,) = (tmp_path / "outbox").iterdir()
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert file.suffix == ".eml"
    assert message["Subject"] == EMAIL.subject
    assert message["To"] == "ada@research.example"
    assert message["X-Package-Gate-Verdict"] == "approved"
    assert message["X-Package-Gate-Package"] == "numpy"
    assert message["X-Package-Gate-Requester"] == "ada@research.example"
    assert message.get_content().replace("\r\n", "\n") == EMAIL.body


def test_the_same_email_sent_again_lands_in_the_same_file(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.send(EMAIL)
    outbox.send(EMAIL)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(EMAIL, requester="grace@research.example"),
        replace(EMAIL, body="Other.\n"),
        replace(EMAIL, verdict=Verdict.REFUSED),
        replace(EMAIL, package="numpy."),
    ],
)
def test_another_email_gets_another_file(tmp_path: Path, other: Email) -> None:
    outbox = Outbox(tmp_path)
    outbox.send(EMAIL)
    outbox.send(other)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("package", ["../../etc/passwd", "", "a" * 500, "CON", "-rf", "näme\x00/"])
def test_no_package_name_leaves_the_outbox(tmp_path: Path, package: str) -> None:
    outbox = tmp_path / "outbox"
    try:
        Outbox(outbox).send(replace(EMAIL, package=package))
    except NotifyError:
        return
    (file,) = outbox.iterdir()
    assert file.name.startswith("approved-")
    assert len(file.name) < 120
    assert list(tmp_path.iterdir()) == [outbox]


@pytest.mark.parametrize(
    "evil",
    [
        replace(EMAIL, subject="a\r\nBcc: everyone@evil.example"),
        replace(EMAIL, package="a\r\nBcc: everyone@evil.example"),
        replace(EMAIL, requester="a\r\nBcc: everyone@evil.example"),
        replace(EMAIL, body="\ud800"),
    ],
)
def test_an_email_that_is_no_proper_one_is_refused(tmp_path: Path, evil: Email) -> None:
    with pytest.raises(NotifyError, match="can't be written"):
        Outbox(tmp_path).send(evil)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "word",
    [
        "=?utf-8?q?=0D=0ABcc:_everyone@evil.example?=",
        "=?utf-8?b?DQpCY2M6IGV2ZXJ5b25lQGV2aWwuZXhhbXBsZQ==?=",
        "==??utf-8?q?=0ABcc:_everyone@evil.example?=?=",
        'a; python_version=="=?iso-8859-1*en?Q?=0D=0A=0D=0Abody?="',
    ],
)
def test_an_encoded_word_stays_text(tmp_path: Path, word: str) -> None:
    Outbox(tmp_path).send(replace(EMAIL, subject=word, package=word))

    (file,) = tmp_path.iterdir()
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert "Bcc" not in message
    assert message.get_content().replace("\r\n", "\n") == EMAIL.body
    for name in ("Subject", "X-Package-Gate-Package"):
        assert "".join(message[name].split()) == "".join(word.split())


def test_an_outbox_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file stands in the way")
    with pytest.raises(NotifyError, match="outbox"):
        Outbox(tmp_path / "outbox").send(EMAIL)
