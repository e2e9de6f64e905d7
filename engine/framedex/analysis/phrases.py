"""Figures as people read them."""

from __future__ import annotations

from framedex.analysis.interval import Estimate


def percent(share: float) -> str:
    """0.625 → `62.5 %`."""
    return f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """0.125 → `+12.5`."""
    return f"{100 * difference:+.1f}"


def interval_of(difference: Estimate) -> str:
    """`95 % interval +5.1 to +19.0`, or why there is none."""
    if difference.low is None or difference.high is None:
        return f"interval {difference.interval}"
    return f"95 % interval {points(difference.low)} to {points(difference.high)}"


def sample_of(estimate: Estimate) -> str:
    """`96 questions in 24 videos`."""
    return f"{count(estimate.questions, 'question')} in {count(estimate.videos, 'video')}"


def count(number: int, thing: str) -> str:
    """`1 video`, `2 videos`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
