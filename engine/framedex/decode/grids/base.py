"""The grid: which frames of a video are sampled, resolved on real timestamps as exact rationals.

A grid is a set of points in time (or a rule on frames); the frame taken for a point is the last one shown at or before it, and
points that fall on one frame collapse into it. Microseconds are too coarse to compare in (at 3 fps they move frames), so
comparisons are made in the stream's own time base.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import ClassVar

import av

#: Gives the current frame as a picture, for grids that look at what is shown.
Look = Callable[[], av.VideoFrame]


class Cursor(ABC):
    """One walk of a grid over the frames of one video, in order; it is one frame behind, since a point may lie between two.

    Attributes:
        points: grid points passed so far; all of them after `end`.
    """

    points: int = 0

    @abstractmethod
    def next(self, pts: int, look: Look) -> bool:
        """Move on to the next frame; tells whether the frame *before* it is taken (False for the first)."""

    @abstractmethod
    def end(self) -> bool:
        """Tell whether the last frame is taken; no frame comes after it."""

    @property
    def beyond(self) -> int:
        """Points that lie past the end of the video, after `end`."""
        return 0


class Grid(ABC):
    """Which frames are sampled.

    Attributes:
        needs_last: the last frame's timestamp has to be known before the first frame can be judged.
        needs_pictures: pictures are looked at, so every frame has to be decoded.
    """

    needs_last: ClassVar[bool] = False
    needs_pictures: ClassVar[bool] = False

    @property
    @abstractmethod
    def name(self) -> str:
        """Name in paths, rows and options: a word, "=", and a value, such as "fps=1"."""

    def takes_all_at(self, rate: Fraction | None) -> bool:  # noqa: ARG002
        """Whether nearly every frame is taken at so many frames per second, as far as can be told beforehand."""
        return False

    @abstractmethod
    def cursor(self, *, first: int, last: int | None, time_base: Fraction) -> Cursor:
        """Begin a walk.

        Args:
            first: timestamp of the first frame, in units of the time base.
            last: of the last one; None where it is not known, and `needs_last` is not set.
            time_base: seconds per unit.
        """


class PointCursor(Cursor):
    """A cursor over points in time.

    Args:
        first: timestamp of the first frame.
        before: number of points before a frame so many units after the first.
        until: number of points at or before it.
    """

    def __init__(self, first: int, *, before: Callable[[int], int], until: Callable[[int], int]) -> None:
        self._first = first
        self._before = before
        self._until = until
        self._offset: int | None = None  # of the frame that is held

    def next(self, pts: int, look: Look) -> bool:  # noqa: ARG002  # the cursors' common signature
        """A frame is taken when a point lies at or after it and before the next frame."""
        held, self._offset = self._offset, pts - self._first
        before = self._before(self._offset)
        taken = held is not None and before > self.points
        self.points = before
        return taken

    def end(self) -> bool:
        """The last frame is taken when a point falls on it."""
        assert self._offset is not None
        until = self._until(self._offset)
        taken = until > self.points
        self.points = until
        return taken


class ListCursor(PointCursor):
    """A cursor over listed points.

    Args:
        first: timestamp of the first frame.
        time_base: seconds per unit.
        points_s: seconds after the first frame, sorted. The last frame is held to last as long as the one before it.
    """

    def __init__(self, first: int, *, time_base: Fraction, points_s: Sequence[Fraction]) -> None:
        # A point lies before an offset exactly if its floor does, and at or before it exactly if its ceiling does.
        self._floors = [(point / time_base).__floor__() for point in points_s]
        self._ceilings = [(point / time_base).__ceil__() for point in points_s]
        super().__init__(
            first,
            before=lambda offset: bisect_left(self._floors, offset),
            until=lambda offset: bisect_right(self._ceilings, offset),
        )
        self._gap = 0

    def next(self, pts: int, look: Look) -> bool:
        """Likewise, and the time between frames is kept."""
        if self._offset is not None:
            self._gap = pts - self._first - self._offset
        return super().next(pts, look)

    def end(self) -> bool:
        """The last frame is taken when a point lies within the time that it is shown."""
        assert self._offset is not None
        until = max(self._until(self._offset), self._before(self._offset + self._gap))
        taken = until > self.points
        self.points = until
        return taken

    @property
    def beyond(self) -> int:
        """Points that lie past the time that the last frame is shown."""
        return len(self._floors) - self.points


def exact_decimal(value: Fraction) -> str | None:
    """A positive rational as a decimal without trailing zeros, "0.5"; None where it has no finite one."""
    denominator = value.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator != 1:
        return None
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole, fraction = divmod((value * 10**digits).numerator, 10**digits)
    return f"{whole}.{fraction:0{digits}}" if digits else f"{whole}"


def pts_to_us(pts: int, time_base: Fraction) -> int:
    """A timestamp in integer microseconds, rounded half to even."""
    # In integers: a fraction for every frame of hours of video would cost seconds.
    whole, rest = divmod(pts * time_base.numerator * 1_000_000, time_base.denominator)
    return whole + (2 * rest > time_base.denominator or (2 * rest == time_base.denominator and whole % 2 == 1))


def in_one_us(earlier: int, later: int, time_base: Fraction) -> bool:
    """Whether two different timestamps are one in microseconds."""
    if (later - earlier) * time_base.numerator * 1_000_000 > time_base.denominator:
        return False
    return pts_to_us(earlier, time_base) == pts_to_us(later, time_base)
