"""Accuracy along an axis, one line per rule, as an inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from framedex.report.curve import HEIGHT, PALETTE, WIDTH

_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 170, 14, 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a line.

    Attributes:
        x: place on the axis.
        x_label: what stands under it.
        y: value.
        low: lower end of its interval, or None.
        high: upper end, likewise.
    """

    x: float
    x_label: str
    y: float
    low: float | None = None
    high: float | None = None


def lines_svg(lines: Mapping[str, Sequence[Point]], *, title: str) -> str:
    """The picture, as an `<svg>` element with a title for screen readers.

    Lines are set off sideways by a few pixels, so that their intervals can be told apart. The vertical axis holds every
    value and interval.

    Args:
        lines: points by name, one line or more, each with a point or more in increasing order of x.
        title: what is shown.
    """
    points = [point for line in lines.values() for point in line]
    ends = [end for point in points for end in (point.y, point.low, point.high) if end is not None]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    first, last = min(point.x for point in points), max(point.x for point in points)
    width = (last - first) or 1.0

    def x(value: float) -> float:
        return _LEFT + 20 + (WIDTH - _LEFT - _RIGHT - 40) * (value - first) / width

    def y(value: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / span)

    parts = [
        f'<svg class="figure" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
    ]
    for value in (low, (low + high) / 2, high):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    for at, label in {point.x: point.x_label for point in points}.items():
        parts.append(
            f'<text class="tick" x="{x(at):.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">{escape(label)}</text>'
        )
    for number, (name, line) in enumerate(lines.items()):
        colour = PALETTE[number % len(PALETTE)]
        aside = 4 * (number - (len(lines) - 1) / 2)
        path = " ".join(f"{x(point.x) + aside:.1f},{y(point.y):.1f}" for point in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in line:
            across = x(point.x) + aside
            parts.append(f'<circle cx="{across:.1f}" cy="{y(point.y):.1f}" r="3.5" fill="{colour}"/>')
            if point.low is not None and point.high is not None:
                parts.append(
                    f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{y(point.low):.1f}" y2="{y(point.high):.1f}" '
                    f'stroke="{colour}" stroke-width="1.5"/>'
                )
        place = f'x="{WIDTH - _RIGHT + 12}" y="{_TOP + 14 + 18 * number}"'
        parts.append(f'<text {place} style="fill:{colour}">{escape(name)}</text>')
    parts.append("</svg>")
    return "".join(parts)
