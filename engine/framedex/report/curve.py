"""A score curve over time as an inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors

WIDTH, HEIGHT = 860, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 24, 14, 34
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """What is drawn.

    Attributes:
        times_s: float64 (n,), n >= 1, seconds from the first frame.
        scores: float32 (n,), cosines.
        evidence: shaded intervals (start_s, end_s).
        taken: by sampler, the rows that it took, shown as marks below the curve.
    """

    times_s: NDArray[np.float64]
    scores: Vectors
    evidence: Sequence[tuple[float, float]]
    taken: Mapping[str, NDArray[np.int64]]


def curve_svg(curve: Curve) -> str:
    """The picture, as an `<svg>` element with a title for screen readers."""
    low, high = float(curve.scores.min()), float(curve.scores.max())
    span = (high - low) or 1.0
    end = float(curve.times_s[-1]) or 1.0
    marks = 12 * len(curve.taken)

    def x(time_s: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * min(max(time_s / end, 0.0), 1.0)

    def y(score: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - (score - low) / span)

    parts = [
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT + marks}" role="img" aria-label="score over time">',
        "<title>Cosine of the prompt and each frame over time; evidence shaded</title>",
    ]
    for start_s, end_s in curve.evidence:
        parts.append(
            f'<rect class="evidence" x="{x(start_s):.1f}" y="{_TOP}" width="{max(x(end_s) - x(start_s), 1):.1f}" '
            f'height="{HEIGHT - _TOP - _BOTTOM}"/>'
        )
    for score in (low, (low + high) / 2, high):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(score):.1f}" y2="{y(score):.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y(score) + 4:.1f}" text-anchor="end">{score:.2f}</text>')
    for time_s in np.linspace(0, end, 6):
        anchor = f'<text class="tick" x="{x(time_s):.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">'
        parts.append(f"{anchor}{time_s:.1f} s</text>")
    points = " ".join(
        f"{x(t):.1f},{y(s):.1f}" for t, s in zip(curve.times_s.tolist(), curve.scores.tolist(), strict=True)
    )
    parts.append(f'<polyline class="line" points="{points}"/>')
    for place, (sampler, rows) in enumerate(curve.taken.items()):
        height = HEIGHT - 6 + 12 * place
        colour = PALETTE[place % len(PALETTE)]
        parts.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{height + 4}" text-anchor="end" font-size="9">{escape(sampler)}</text>'
        )
        parts.extend(
            f'<circle cx="{x(t):.1f}" cy="{height}" r="4" fill="{colour}"/>' for t in curve.times_s[rows].tolist()
        )
    parts.append("</svg>")
    return "".join(parts)
