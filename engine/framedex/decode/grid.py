"""The grid: which frames of a video are sampled, resolved on real timestamps as exact rationals.

`fps=k` asks for t_i = first_pts + i/k while t_i <= last_pts; the frame taken is the last one with pts <= t_i; points that fall
on one frame collapse into it. Microseconds are too coarse to compare in (at 3 fps they move frames), so the comparison is made
in the stream's own time base.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from framedex.errors import UsageError

_RATE_MAX = Fraction(1_000_000)
_RATE_LENGTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A sampling rate.

    Attributes:
        fps: points per second of video, exact and positive.
    """

    fps: Fraction

    @classmethod
    def parse_fps(cls, text: str) -> Grid:
        """Read a rate: "1", "0.5", "30000/1001".

        Raises:
            UsageError: not a positive number.
        """
        return cls(fps=parse_rate("--fps", text))

    @classmethod
    def from_name(cls, name: str) -> Grid:
        """The grid of a store's folder name, the inverse of `name`.

        Raises:
            UsageError: not a grid's name.
        """
        kind, _, value = name.partition("=")
        if kind != "fps":
            raise UsageError(f"grid {name!r}: expected a name such as fps=1")
        return cls.parse_fps(value.replace("_", "/"))

    @property
    def name(self) -> str:
        """Name in paths and options: "fps=1", "fps=0.5"; a rate without a finite decimal is written "fps=30000_1001"."""
        denominator = self.fps.denominator
        for prime in (2, 5):
            while denominator % prime == 0:
                denominator //= prime
        if denominator != 1:
            return f"fps={self.fps.numerator}_{self.fps.denominator}"
        digits = 0
        while (self.fps * 10**digits).denominator != 1:
            digits += 1
        whole, fraction = divmod((self.fps * 10**digits).numerator, 10**digits)
        return f"fps={whole}.{fraction:0{digits}}" if digits else f"fps={whole}"

    def points_before(self, offset: int, time_base: Fraction) -> int:
        """Number of grid points before a frame `offset` time-base units after the first: points i with i/fps < offset·time_base.

        A frame is taken when this count differs between it and the next frame; the last frame when a point falls exactly on it.
        """
        return math.ceil(offset * time_base * self.fps)

    def points_until(self, offset: int, time_base: Fraction) -> int:
        """Number of grid points at or before a frame `offset` units after the first."""
        return math.floor(offset * time_base * self.fps) + 1


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


def pts_to_us(pts: int, time_base: Fraction) -> int:
    """A timestamp in integer microseconds, rounded half to even."""
    return round(pts * time_base * 1_000_000)
