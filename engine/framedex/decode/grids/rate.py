"""So many frames per second of video."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from framedex.decode.grids.base import Grid, PointCursor, exact_decimal
from framedex.errors import UsageError

_RATE_MAX = Fraction(1_000_000)
_RATE_LENGTH = 40
_NEARLY = Fraction(9, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class FpsGrid(Grid):
    """Points i / fps after the first frame, i = 0, 1, …, up to the last frame's timestamp.

    Attributes:
        fps: points per second of video, exact and positive.
    """

    fps: Fraction

    @classmethod
    def parse(cls, text: str) -> FpsGrid:
        """Read a rate: "1", "0.5", "30000/1001".

        Raises:
            UsageError: not a positive number.
        """
        return cls(fps=parse_rate("--fps", text))

    @property
    def name(self) -> str:
        """A name such as "fps=1" or "fps=0.5"; a rate without a finite decimal is written "fps=30000_1001"."""
        return f"fps={exact_decimal(self.fps) or f'{self.fps.numerator}_{self.fps.denominator}'}"

    def takes_all_at(self, rate: Fraction | None) -> bool:
        """At a rate near the video's own or above it."""
        return rate is not None and self.fps >= _NEARLY * rate

    def cursor(self, *, first: int, last: int | None, time_base: Fraction) -> PointCursor:  # noqa: ARG002
        """Points i with i / fps before, or at or before, an offset of so many units."""
        points_per_unit = time_base * self.fps
        above, below = points_per_unit.numerator, points_per_unit.denominator
        return PointCursor(
            first, before=lambda offset: -(-offset * above // below), until=lambda offset: offset * above // below + 1
        )


def parse_rate(option: str, text: str) -> Fraction:
    """Read frames per second: "1", "0.5", "30000/1001".

    Args:
        option: what the rate is of, for the message: "--fps".
        text: as written.

    Raises:
        UsageError: no such number, or one that no video has: the range is 1/1,000,000 to 1,000,000, in at most 40 characters.
    """
    try:
        rate = Fraction(text) if len(text) <= _RATE_LENGTH and "e" not in text.lower() else Fraction(0)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 / _RATE_MAX <= rate <= _RATE_MAX:
        raise UsageError(
            f"{option}: expected a positive number of at most a million, such as 1, 0.5 or 30000/1001, got {text!r}"
        )
    return rate
