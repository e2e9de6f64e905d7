"""Values with intervals as an inline SVG of horizontal bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from framedex.analysis.interval import Estimate
from framedex.report.curve import PALETTE, WIDTH

Scale = Callable[[float], float]

_ROW, _TOP, _BOTTOM, _RIGHT, _LABEL = 24, 8, 26, 110, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar.

    Attributes:
        label: to its left.
        value: its length.
        low: lower end of its interval, or None.
        high: upper end, likewise.
        tone: bars of one tone have one colour, 0 and up.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    tone: int = 0


def bar(label: str, estimate: Estimate, *, tone: int = 0) -> Bar:
    """The bar of an estimate."""
    return Bar(label=label, value=estimate.value, low=estimate.low, high=estimate.high, tone=tone)


def bars_svg(bars: Sequence[Bar], *, title: str, reference: float | None, reference_name: str = "") -> str:
    """The picture, as an `<svg>` element with a title for screen readers.

    The axis reaches from 0, or from the lowest value or end of an interval where that is less, to 1 or the highest.

    Args:
        bars: one or more.
        title: what is shown.
        reference: where a dashed line is drawn, such as chance; None for no line.
        reference_name: of the line.
    """
    ends = [end for one in bars for end in (one.value, one.low, one.high) if end is not None]
    low, high = min(0.0, *ends), max(1.0, *ends)
    height = _TOP + _ROW * len(bars) + _BOTTOM

    def x(value: float) -> float:
        return _LABEL + (WIDTH - _LABEL - _RIGHT) * (value - low) / (high - low)

    parts = [
        f'<svg class="figure" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
    ]
    floor = height - _BOTTOM
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{_TOP}" y2="{floor}"/>')
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{floor + 16}" text-anchor="middle">{tick:.2f}</text>')
    for place, one in enumerate(bars):
        parts.extend(_bar_parts(one, x, _TOP + _ROW * place))
    if reference is not None:
        parts.append(
            f'<line class="mark" x1="{x(reference):.1f}" x2="{x(reference):.1f}" y1="{_TOP}" y2="{floor}">'
            f"<title>{escape(reference_name)}: {reference:.3f}</title></line>"
        )
    parts.append("</svg>")
    return "".join(parts)


def _bar_parts(one: Bar, x: Scale, top: int) -> list[str]:
    middle = top + _ROW / 2
    start, end = sorted((x(0.0), x(one.value)))
    colour = PALETTE[one.tone % len(PALETTE)]
    place = f'x="{start:.1f}" y="{top + 5}" width="{max(end - start, 1):.1f}" height="{_ROW - 10}"'
    parts = [
        f'<text x="{_LABEL - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(one.label)}</text>',
        f'<rect {place} fill="{colour}" opacity="0.75"/>',
    ]
    text = f"{one.value:.3f}"
    right = end
    if one.low is not None and one.high is not None:
        right = max(end, x(one.high))
        parts.append(
            f'<line class="whisker" x1="{x(one.low):.1f}" x2="{x(one.high):.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
        )
        parts.extend(
            f'<line class="whisker" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{middle - 4:.1f}" y2="{middle + 4:.1f}"/>'
            for at in (one.low, one.high)
        )
    parts.append(f'<text class="tick" x="{right + 6:.1f}" y="{middle + 4:.1f}">{text}</text>')
    return parts
