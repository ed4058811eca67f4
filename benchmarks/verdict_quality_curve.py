"""The trade-off as a picture: what each rule refuses of honest packages and of malware samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 460
LEFT, TOP, RIGHT, BOTTOM = 70, 50, 30, 60
MARKS = 20
"""Percent between two lines of the grid."""
LABELLED = {"3", "5", "7", "9"}
"""Thresholds of the score that are written beside the curve."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Percentages: refused of honest packages (x), refused of malware samples (y)."""

    scores: Sequence[tuple[str, float, float]]
    """For each threshold of GuardDog's score: the threshold, x and y."""
    points: Mapping[str, tuple[float, float]]
    """Other rules, by what they are called."""


def draw(curve: Curve) -> str:
    """Give the picture as SVG, readable on light and on dark pages."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="13" '
        'role="img" aria-label="Refused malware samples against refused honest packages">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 28, "What is refused, of the held-out sets: up and to the left is better",
              size=15, weight="bold"),
        *_grid(),
    ]  # fmt: skip
    line = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for _, x, y in curve.scores)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#6b7280" stroke-width="2"/>')
    for threshold, x, y in curve.scores:
        parts.append(_dot(x, y, "#6b7280", 3))
        if threshold in LABELLED:
            parts.append(_text(_x(x) + 6, _y(y) + 15, f"score ≥ {threshold}", colour="#4b5563"))
    for (name, (x, y)), colour in zip(
        curve.points.items(), ("#b45309", "#1d4ed8", "#047857"), strict=True
    ):
        parts += [_dot(x, y, colour, 7), _text(_x(x) + 12, _y(y) + 5, name, colour=colour)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid() -> list[str]:
    parts = []
    for percent in range(0, 101, MARKS):
        x, y = _x(percent), _y(percent)
        parts += [
            f'<path d="M{x} {_y(0)}V{_y(100)}M{_x(0)} {y}H{_x(100)}" stroke="#e5e7eb"/>',
            _text(x, _y(0) + 18, f"{percent} %", anchor="middle"),
            _text(LEFT - 8, y + 4, f"{percent} %", anchor="end"),
        ]
    middle = (_x(0) + _x(100)) / 2
    return [
        *parts,
        _text(middle, HEIGHT - 18, "refused of 100 popular honest packages", anchor="middle"),
        f'<g transform="rotate(-90)">{_text(-_y(50), 18, "refused malware samples", "middle")}</g>',
    ]


def _x(percent: float) -> float:
    return LEFT + percent / 100 * (WIDTH - LEFT - RIGHT)


def _y(percent: float) -> float:
    return HEIGHT - BOTTOM - percent / 100 * (HEIGHT - TOP - BOTTOM)


def _dot(x: float, y: float, colour: str, radius: int) -> str:
    return f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="{radius}" fill="{colour}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str = "start",
    colour: str = "#111827",
    size: int = 13,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
        f'font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
    )
