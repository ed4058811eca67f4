"""Which kills to try of a target, drawn from what an undisturbed run of it does."""

import random
from collections.abc import Sequence
from itertools import cycle, islice, pairwise

from tests.kill.processes import Mode
from tests.kill.runs import Kind, Point, Undisturbed

SHARES = {
    Kind.OPERATION: 30,
    Kind.REQUEST: 20,
    Kind.ANSWER: 20,
    Kind.LINE: 10,
    Kind.MOMENT: 20,
}
"""Percent of the kills of each kind; where a target has fewer points, moments take their place."""


def boundaries(target: Undisturbed) -> dict[Kind, list[Point]]:
    """Every boundary between two steps of a run."""
    operations = [
        Point(Kind.OPERATION, what, number)
        for what, count in target.operations.items()
        for number in range(1, count + 1)
    ]
    requests = [
        (relay, what, number)
        for relay, seen in target.requests.items()
        for what, count in seen.items()
        for number in range(1, count + 1)
    ]
    return {
        Kind.OPERATION: operations,
        Kind.REQUEST: [Point(Kind.REQUEST, what, n, relay) for relay, what, n in requests],
        Kind.ANSWER: [Point(Kind.ANSWER, what, n, relay) for relay, what, n in requests],
        Kind.LINE: [Point(Kind.LINE, number=n) for n in range(1, target.lines + 1)],
    }


def plan(target: Undisturbed, kills: int, seed: int) -> list[tuple[Point, Mode]]:
    """Draw kills, the same for the same run and seed; each mode gets its turn.

    Args:
        target: what an undisturbed run of it does.
        kills: how many; 0 for one at every boundary.
        seed: of the choice.
    """
    choice = random.Random(seed)
    points: list[Point] = []
    for kind, every in boundaries(target).items():
        points += _spread(every, kills * SHARES[kind] // 100, choice) if kills else every
    moments = kills - len(points) if kills else len(points) // 10
    points += [
        Point(Kind.MOMENT, seconds=choice.uniform(0, target.seconds)) for _ in range(moments)
    ]
    return list(zip(points, islice(cycle(Mode), len(points)), strict=True))


def _spread(points: Sequence[Point], most: int, choice: random.Random) -> list[Point]:
    """Draw one of each stretch, so that none is left out."""
    if len(points) <= most:
        return list(points)
    if most == 0:
        return []
    edges = [len(points) * part // most for part in range(most + 1)]
    return [points[choice.randrange(*edge)] for edge in pairwise(edges)]
