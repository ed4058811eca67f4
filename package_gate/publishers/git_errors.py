"""What git and the server say, as one message that tells what to do, without the token."""

import base64
import re
from urllib.parse import quote

from package_gate.core.errors import PublishError


class TryAgainError(PublishError):
    """A lost race or a broken connection: the same may work a moment later."""


_BROKEN = re.compile(
    r"(?:error:|HTTP) (?:408|429|5\d\d)\b|could not resolve host|couldn't connect|failed to connect"
    r"|connection (?:was )?(?:reset|refused|closed|timed out)|timed out|too slow|early eof"
    r"|hung up|empty reply|unexpected disconnect|curl (?:18|52|55|56|92)\b|gnutls_|ssl_read"
    r"|gnutls (?:recv|send) error|ssl_write|ssl_error_syscall"
    r"|transfer closed|unexpected eof|bad line length|invalid index-pack output",
    re.IGNORECASE,
)
_GONE = re.compile(r"couldn't find remote ref|not our ref", re.IGNORECASE)
_LOST_RACE = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref"
    r"|reference already exists|incorrect old value|is at [0-9a-f]{40}",
    re.IGNORECASE,
)

# Text of git or the server → what happened and what to do. `{}` is the repository.
_CAUSES = (
    (
        r"certificate|cafile|ssl_error_bad_cert",
        "The certificate of the server of {} can't be verified; give the authority that signed "
        "it as the CA bundle.",
    ),
    (
        r"authentication failed|(?:error:|http) 401\b|could not read (?:password|username)"
        r"|invalid username or (?:password|token)",
        "The server of {} does not accept the token. Check that it has not expired and belongs "
        "to the user name that is set.",
    ),
    (
        r"(?:error:|http) 403\b|permission to .* denied|write access .* not granted",
        "The token may not write to {}. It needs read and write access to the repository's "
        "contents, and single sign-on authorisation where the organisation asks for it.",
    ),
    (
        r"(?:error:|http) 404\b|repository .*not found",
        "There is no repository {}, or the token can't see it. Create it, or give the token "
        "access to it.",
    ),
    (
        r"pack exceeds maximum allowed size|(?:error:|http) 413\b",
        "The files are too large for one push to {}. Publish this package to AWS CodeArtifact.",
    ),
    (
        r"(?:error:|http) 3\d\d\b|unable to update url base",
        "The server redirects {}, which is not followed with a token. Give the repository's "
        "present host, owner and name.",
    ),
)
_REFUSALS = (
    (
        r"GH001|file size limit|large files",
        "The server refuses a file of branch {} because of its size. Publish this package to "
        "AWS CodeArtifact, or ask for a smaller archive.",
    ),
    (
        r"GH006|GH013|protected branch|rule violations",
        "A branch protection or ruleset refuses the push to branch {}. Let the token's user pass "
        "it, or keep it off the branches of the gate.",
    ),
    (
        r"",
        "The server refuses the push to branch {}.",
    ),
)


def scrubbed(said: bytes, username: str, token: str) -> str:
    """Give output as text, without control characters and without the token in any spelling."""
    text = said.decode("utf-8", "replace")
    login = base64.b64encode(f"{username}:{token}".encode()).decode()
    for secret in (login, base64.b64encode(token.encode()).decode(), quote(token, safe=""), token):
        text = text.replace(secret, "[token]")
    return "".join(char if char.isprintable() or char in "\n\t" else " " for char in text)


def server_error(said: str, host: str, repository: str) -> PublishError:
    """Tell why the server could not be used."""
    for pattern, message in _CAUSES:
        if re.search(pattern, said, re.IGNORECASE):
            return PublishError(f"{message.format(repository)} {_quote(said)}")
    if _GONE.search(said):
        return TryAgainError(f"A branch of {repository} went away meanwhile. {_quote(said)}")
    if _BROKEN.search(said):
        return TryAgainError(
            f"{host} can't be reached or broke off. The next run tries again. {_quote(said)}"
        )
    return PublishError(f"git could not use {repository} on {host}. {_quote(said)}")


def lost_race(refusal: str, said: str) -> bool:
    """Whether a push was refused only because the branch had moved meanwhile.

    Args:
        refusal: the reason on the branch's line of `git push --porcelain`.
        said: what git and the server wrote besides.
    """
    if "hook declined" in refusal:
        return False
    return bool(_LOST_RACE.search(refusal) or _LOST_RACE.search(said))


def push_error(refusal: str, said: str, branch: str, repository: str) -> PublishError:
    """Tell why the server refused a push."""
    both = f"{refusal}\n{said}"
    message = next(text for pattern, text in _REFUSALS if re.search(pattern, both, re.IGNORECASE))
    return PublishError(f"{message.format(f'{branch} of {repository}')} {_quote(both)}")


def _quote(said: str) -> str:
    """Give the telling part of what was said, on one line."""
    lines = [" ".join(line.split()) for line in said.splitlines()]
    text = " / ".join(line for line in lines if line and not line.startswith("hint:"))
    return f"(git: {text[:400]})" if text else ""
