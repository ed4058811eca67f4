"""Text from packages, requesters and indexes, made fit for people's eyes.

A terminal obeys escape sequences, and a bidirectional or invisible character makes a name look
like another one. What comes from outside is shown through one of these functions.
"""

import re

ELLIPSIS = "…"
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters, symbols and marks that show nothing: `str.isprintable` lets them pass."""
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILE = re.compile(f"(?<={_MARK}{{3}}){_MARK}+")
"""Marks on a letter that has three already: they would reach over the lines around it."""


def printable(text: str, limit: int = 200) -> str:
    r"""Escape everything that is not seen as it is, and shorten.

    Control, format (bidirectional, zero-width, tag), private, unassigned and surrogate characters,
    line breaks, every space but U+0020, and marks that are piled up on one letter become `\n`,
    `\x1b`, `\u202e` and the like, as Python writes them. A backslash stays as it is, so this is for
    reading and can't be reversed.

    Args:
        text: anything.
        limit: the most characters of the result; a cut is marked with an ellipsis.
    """
    if len(text) <= limit and _is_seen(text):
        return text
    pieces: list[str] = []
    length = 0
    text = text[: limit + 1]
    piled = {place for pile in _PILE.finditer(text) for place in range(*pile.span())}
    for place, character in enumerate(text):
        seen = _is_seen(character) and place not in piled
        pieces.append(character if seen else _escape(character))
        length += len(pieces[-1])
        if length > limit:
            break
    else:
        return "".join(pieces)
    while pieces and length > limit - len(ELLIPSIS):
        length -= len(pieces.pop())
    return "".join(pieces) + ELLIPSIS


def one_line(text: str, limit: int = 200) -> str:
    """Like `printable`, but each run of white space, line breaks included, becomes one space."""
    return printable(" ".join(text.split()), limit)


def lines(text: str, limit: int = 200) -> str:
    r"""Like `printable`, line by line: line breaks stay, as `\n`; `limit` is for each line."""
    return "\n".join(printable(line.expandtabs(4), limit) for line in text.splitlines())


def _is_seen(text: str) -> bool:
    return text.isprintable() and (
        text.isascii() or not (_INVISIBLE.search(text) or _PILE.search(text))
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
