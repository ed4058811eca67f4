"""Hands emails over: to an outbox folder here, to SNS in a module of its own."""

import hashlib
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol

from package_gate.core.decision import Verdict
from package_gate.core.errors import NotifyError
from package_gate.core.files import write_atomically


@dataclass(frozen=True, slots=True)
class Email:
    """One email, within the limits of SNS; `emails.compose` makes it."""

    subject: str
    """Fewer than 100 printable ASCII characters."""
    body: str
    """Plain text, at most 262,144 bytes in UTF-8."""
    verdict: Verdict
    package: str
    """The request's name."""
    requester: str
    """An email address, or ""."""


class Notifier(Protocol):
    """Where emails go."""

    def send(self, email: Email) -> None:
        """Hand an email over; a repeat after a kill is harmless.

        Raises:
            NotifyError: it was not taken; the next run tries again.
        """
        ...


class Outbox:
    """A folder with one `.eml` file (RFC 5322) an email, for runs on one machine."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which is made when the first email comes."""
        self._folder = folder

    def send(self, email: Email) -> None:
        """Write the email; the same email sent again lands in the same file.

        Raises:
            NotifyError: the folder can't be written, or the email has a line break in a header.
        """
        message = EmailMessage(policy=SMTP)
        try:
            headers = {
                "Subject": email.subject,
                **({"To": email.requester} if email.requester else {}),
                "X-Package-Gate-Verdict": email.verdict.value,
                "X-Package-Gate-Package": email.package,
                "X-Package-Gate-Requester": email.requester,
            }
            for name, value in headers.items():
                message[name] = without_encoded_words(value)
            # Where it can be, as it is: who opens the file copies a command from it.
            message.set_content(email.body, cte="8bit" if _is_plain(email.body) else None)
            content = message.as_bytes()
        except ValueError as error:
            raise NotifyError(f"The email can't be written: {error}.") from error
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._folder / _file_name(email, content), content)
        except OSError as error:
            raise NotifyError(
                f"The outbox {self._folder} can't be written: {error.strerror}."
            ) from error


def _is_plain(body: str) -> bool:
    """Whether no line is longer than an email may hold (RFC 5322, 2.1.1)."""
    return all(len(line.encode("utf-8", "surrogateescape")) <= 998 for line in body.splitlines())


def without_encoded_words(text: str) -> str:
    """Break what would be an encoded word (RFC 2047) in a header.

    `=?utf-8?q?=0D=0ABcc:…?=` is plain ASCII until a mail reader decodes it; Python's `email` does
    before it writes a header, line break and all.
    """
    return text.replace("=?", "= ?")


def _file_name(email: Email, content: bytes) -> str:
    """A name for reading, made unique by the content's digest."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", email.package).strip("-")[:60] or "request"
    return f"{email.verdict}-{name}-{hashlib.sha256(content).hexdigest()[:16]}.eml"
