"""Names that are nearly those of popular projects.

Which are popular `core.popular` tells.
"""

import re
from functools import lru_cache

from packaging.utils import canonicalize_name

from package_gate.core.popular import popular_names

MAX_SUGGESTED = 3
MAX_NAME = 60
"""Characters of a name that is compared: longer ones are nobody's slip."""
SHORTEST = 5
"""Characters of a name that may be one slip away from another; shorter ones all are."""


def similar_names(name: str) -> tuple[str, ...]:
    """Name popular projects that somebody who wrote `name` may have meant, the likeliest first."""
    name = canonicalize_name(name)
    if not 2 < len(name) <= MAX_NAME:
        return ()
    allowed = 1 if len(name) <= SHORTEST else 2
    near = [
        (0 if _is_confusable(name, other) else distance, rank, other)
        for other, rank in popular_names().items()
        if other != name
        and ((distance := slips(name, other, allowed)) <= allowed or _is_confusable(name, other))
    ]
    best = min(near, default=(0,))[0]
    return tuple(other for far, _, other in sorted(near) if far == best)[:MAX_SUGGESTED]


def confused_with(name: str) -> str:
    """Name the popular project for which an unpopular one may be taken; "" when there is none.

    A number more or another one is a next version of something, not a slip.
    """
    name = canonicalize_name(name)
    popular = popular_names()
    if name in popular or not SHORTEST <= len(name) <= MAX_NAME:
        return ""
    bare = re.sub(r"[0-9]+", "", name)
    near = [
        (rank, other)
        for other, rank in popular.items()
        if re.sub(r"[0-9]+", "", other) != bare
        and (_is_confusable(name, other) or (len(other) >= SHORTEST and slips(name, other, 1) == 1))
    ]
    return min(near, default=(0, ""))[1]


def _is_confusable(name: str, other: str) -> bool:
    """Whether names differ in hyphens, the order of their words, or `py` for `python` only."""
    return _words(name) == _words(other) or name.replace("-", "") == other.replace("-", "")


@lru_cache(maxsize=65536)
def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted("py" if word == "python" else word for word in name.split("-")))


def slips(one: str, other: str, most: int) -> int:
    """Count the letters that were added, left out, swapped or mistaken between two names.

    Args:
        one: a name.
        other: another one.
        most: what is further away counts as `most + 1`.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            best = min(row[-1] + 1, before[j] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
