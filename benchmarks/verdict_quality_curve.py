"""The trade-off as a picture: what each rule refuses of honest packages and of malware samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.svg import GRID, dot, line, picture, text

WIDTH, HEIGHT = 760, 460
LEFT, TOP, RIGHT, BOTTOM = 70, 50, 30, 60
MARKS = 20
"""Percent between two lines of the grid."""
LABELLED = {"3", "5", "7", "9"}
"""Thresholds of the score that are written beside the curve."""
SCORES = "#4b5563"


@dataclass(frozen=True, slots=True)
class Curve:
    """Percentages: refused of honest packages (x), refused of malware samples (y)."""

    scores: Sequence[tuple[str, float, float]]
    """For each threshold of GuardDog's score: the threshold, x and y."""
    points: Mapping[str, tuple[float, float]]
    """Other rules, by what they are called."""


def draw(curve: Curve) -> str:
    """Give the picture as SVG."""
    parts = [
        text(LEFT, 28, "What is refused: up and to the left is better",
             size=15, weight="bold"),
        *_grid(),
        line([(_x(x), _y(y)) for _, x, y in curve.scores], SCORES),
    ]  # fmt: skip
    for threshold, x, y in curve.scores:
        parts.append(dot(_x(x), _y(y), SCORES, 3))
        if threshold in LABELLED:
            parts.append(text(_x(x) + 6, _y(y) + 15, f"score ≥ {threshold}", colour=SCORES))
    for (name, (x, y)), colour in zip(
        curve.points.items(), ("#b45309", "#1d4ed8", "#047857"), strict=True
    ):
        parts += [dot(_x(x), _y(y), colour, 7), text(_x(x) + 12, _y(y) + 5, name, colour=colour)]
    return picture(WIDTH, HEIGHT, "Refused malware samples against refused honest packages", parts)


def _grid() -> list[str]:
    parts = []
    for percent in range(0, 101, MARKS):
        x, y = _x(percent), _y(percent)
        parts += [
            f'<path d="M{x} {_y(0)}V{_y(100)}M{_x(0)} {y}H{_x(100)}" stroke="{GRID}"/>',
            text(x, _y(0) + 18, f"{percent} %", anchor="middle"),
            text(LEFT - 8, y + 4, f"{percent} %", anchor="end"),
        ]
    middle = (_x(0) + _x(100)) / 2
    return [
        *parts,
        text(middle, HEIGHT - 18, "refused of 100 popular honest packages", anchor="middle"),
        f'<g transform="rotate(-90)">{text(-_y(50), 18, "refused malware samples", "middle")}</g>',
    ]


def _x(percent: float) -> float:
    return LEFT + percent / 100 * (WIDTH - LEFT - RIGHT)


def _y(percent: float) -> float:
    return HEIGHT - BOTTOM - percent / 100 * (HEIGHT - TOP - BOTTOM)
