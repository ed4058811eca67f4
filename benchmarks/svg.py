"""Pictures of measurements as SVG, readable on light and on dark pages."""

from html import escape

GRID, TEXT = "#e5e7eb", "#111827"


def picture(width: int, height: int, label: str, parts: list[str]) -> str:
    """Put drawn parts on a white page."""
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif" '
                f'font-size="13" role="img" aria-label="{escape(label)}">',
                f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
                *parts,
                "</svg>",
            ]
        )
        + "\n"
    )


def line(points: list[tuple[float, float]], colour: str) -> str:
    """Draw a line through points."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'


def dot(x: float, y: float, colour: str, radius: int) -> str:
    """Draw a point."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def text(
    x: float,
    y: float,
    content: str,
    anchor: str = "start",
    colour: str = TEXT,
    size: int = 13,
    weight: str = "normal",
) -> str:
    """Write a line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
        f'font-size="{size}" font-weight="{weight}">{escape(content)}</text>'
    )
