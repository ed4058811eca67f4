"""SPDX licence expressions: valid ones, and which of their licences stand in the way of use.

https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/
"""

import re
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

MAX_EXPRESSION = 1000
"""Characters of an expression that is read as one."""
MAX_DEPTH = 20
"""Parentheses within parentheses."""
_GIVEN_UP = re.compile(r"((?:A|L)?GPL-\d\.\d)(\+?)")
_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*\*")


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """Give a valid expression in its canonical form, or "".

    Identifiers that SPDX has given up are replaced: `GPL-3.0` and `GPL-3.0+`.
    """
    if len(text) > MAX_EXPRESSION or text.count("(") > MAX_DEPTH:
        return ""
    try:
        tokens = _tokens(str(canonicalize_license_expression(text)))
    except InvalidLicenseExpression:
        return ""
    return " ".join(map(_in_force, tokens)).replace("( ", "(").replace(" )", ")")


def _in_force(token: str) -> str:
    name, *exception = token.split(" WITH ")
    old = _GIVEN_UP.fullmatch(name)
    name = f"{old[1]}-{'or-later' if old[2] else 'only'}" if old else name
    return " WITH ".join([name, *exception])


def problem_with_entry(entry: str) -> str:
    """Say what is wrong with an entry of a list of licences, or "".

    It is an identifier, one with its exception, or the beginning of some with a `*`.
    """
    if "*" in entry:
        return "" if _PATTERN.fullmatch(entry) else "no pattern: a * stands at the end"
    if len(_tokens(canonical(entry))) != 1:
        return "no SPDX identifier, such as Apache-2.0 or LicenseRef-Proprietary"
    return ""


def is_listed(licence: str, entries: Iterable[str]) -> bool:
    """Whether one of a policy's entries is about a licence.

    One without an exception is about the licence with every exception too, and about `+`.
    """
    whole = licence.lower()  # identifiers are compared without regard to case
    bare = whole.split(" with ")[0]
    spellings = {whole, bare, bare.removesuffix("+")}
    return any(
        any(each.startswith(entry[:-1].lower()) for each in spellings)
        if entry.endswith("*")
        else canonical(entry).lower() in spellings
        for entry in entries
    )


def blocking(expression: str, passes: Callable[[str], bool]) -> list[str]:
    """Name the licences that stand in the way; none when the expression passes.

    A choice (OR) passes by one side; what is joined (AND) needs both.

    Args:
        expression: a canonical one.
        passes: whether one licence, with its exception if it has one, is accepted.
    """
    return list(dict.fromkeys(_choice(deque(_tokens(expression)), passes)))


def _choice(tokens: deque[str], passes: Callable[[str], bool]) -> list[str]:
    sides = [_joined(tokens, passes)]
    while tokens and tokens[0] == "OR":
        tokens.popleft()
        sides.append(_joined(tokens, passes))
    return [each for side in sides for each in side] if all(sides) else []


def _joined(tokens: deque[str], passes: Callable[[str], bool]) -> list[str]:
    parts = _single(tokens, passes)
    while tokens and tokens[0] == "AND":
        tokens.popleft()
        parts += _single(tokens, passes)
    return parts


def _single(tokens: deque[str], passes: Callable[[str], bool]) -> list[str]:
    first = tokens.popleft()
    if first != "(":
        return [] if passes(first) else [first]
    inner = _choice(tokens, passes)
    tokens.popleft()  # the closing one
    return inner


def _tokens(expression: str) -> list[str]:
    """Split an expression; an identifier with its exception is one token."""
    tokens: list[str] = []
    for word in re.findall(r"[()]|[^\s()]+", expression):
        if tokens and (word == "WITH" or tokens[-1].endswith(" WITH")):
            tokens[-1] += f" {word}"
        else:
            tokens.append(word)
    return tokens
