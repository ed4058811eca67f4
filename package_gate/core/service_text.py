"""Texts and addresses from advisories and scanning services, made fit for findings."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from package_gate.core.text import one_line

MAX_MESSAGE = 400
MAX_REFERENCES = 10
MAX_ID = 100
_MAX_ADDRESS = 500
_MAX_SAID = 4000
_PLAIN_ADDRESS = re.compile(r"https://[!#-;=?-\[\]_a-z~]+")
_SENTENCE_END = re.compile(r"(?<=[^\s.][.!?])\s+(?=[A-Z])")


def sentence(*parts: str) -> str:
    """Join texts by `: ` to one line that ends like a sentence; empty ones are left out.

    Of the last one the first two sentences are taken.
    """
    said = [part.strip() for part in parts if part.strip()] or ["It is not said what is wrong"]
    said[-1] = first_sentences(said[-1])
    text = one_line(": ".join(said), MAX_MESSAGE - 1)
    return text + ("" if text.endswith((".", "!", "?", "…")) else ".")


def first_sentences(text: str) -> str:
    """Return the first two sentences, because the first often only says what the package is."""
    return " ".join(_SENTENCE_END.split(text[:_MAX_SAID], maxsplit=2)[:2])


def addresses(urls: Iterable[str]) -> tuple[str, ...]:
    """Give those that a person may be sent to, each once: plain HTTPS, without credentials."""
    return tuple(dict.fromkeys(filter(_is_readable, urls)))[:MAX_REFERENCES]


def _is_readable(address: str) -> bool:
    if len(address) > _MAX_ADDRESS or not _PLAIN_ADDRESS.fullmatch(address):
        return False
    try:
        return "@" not in urlsplit(address).netloc
    except ValueError:
        return False
