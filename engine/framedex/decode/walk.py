"""One pass over timed frames, in order: checks the times, takes what the grid asks for, counts everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from framedex.contracts import Timing
from framedex.decode.base import DecodeSummary
from framedex.decode.grid import Grid, pts_to_us
from framedex.errors import DecodeFailed, TimestampsUnordered

Frame = TypeVar("Frame")


class GridWalk:
    """Walks over the frames of one video with one frame of look-ahead.

    Args:
        path: for messages.
        grid: which frames are taken.
        time_base: seconds per unit of the frames' timestamps.
        timing: where the timestamps come from.
    """

    def __init__(self, *, path: Path, grid: Grid, time_base: Fraction, timing: Timing) -> None:
        self._path = path
        self._grid = grid
        self._time_base = time_base
        self._timing = timing
        self._first: int | None = None
        self._last = 0
        self._decoded_frames = 0
        self._sampled_frames = 0

    def taken(self, frames: Iterable[tuple[int | None, Frame]]) -> Iterator[tuple[int, Frame]]:
        """The frames that the grid takes, of all frames given with their timestamps in units of the time base.

        Yields:
            (pts_us, frame).

        Raises:
            TimestampsUnordered: a timestamp is missing, or not greater than the one before.
            DecodeFailed: no frame at all, or two frames within one microsecond.
        """
        held: tuple[int, Frame] | None = None
        points = 0  # grid points before the held frame
        for pts, frame in frames:
            self._decoded_frames += 1
            checked = self._checked(pts)
            points_before = self._grid.points_before(checked - self._origin, self._time_base)
            if held is not None and points_before > points:
                yield self._take(*held)
            held, points, self._last = (checked, frame), points_before, checked
        if held is None:
            raise DecodeFailed(
                f"{self._path}: the video stream holds no frame that can be decoded; make or copy the file again"
            )
        if self._grid_points > points:
            yield self._take(*held)

    def summary(self, *, damaged_frames: int) -> DecodeSummary:
        """What the walk found; to be asked once `taken` is exhausted."""
        return DecodeSummary(
            timing=self._timing,
            decoded_frames=self._decoded_frames,
            damaged_frames=damaged_frames,
            first_pts_us=pts_to_us(self._origin, self._time_base),
            last_pts_us=pts_to_us(self._last, self._time_base),
            grid_points=self._grid_points,
            sampled_frames=self._sampled_frames,
        )

    @property
    def _origin(self) -> int:
        assert self._first is not None
        return self._first

    @property
    def _grid_points(self) -> int:
        return self._grid.points_until(self._last - self._origin, self._time_base)

    def _take(self, pts: int, frame: Frame) -> tuple[int, Frame]:
        self._sampled_frames += 1
        return pts_to_us(pts, self._time_base), frame

    def _checked(self, pts: int | None) -> int:
        number = self._decoded_frames
        if pts is None:
            raise TimestampsUnordered(f"{self._path}: frame {number} has no timestamp; decode with reconstructed times")
        if self._first is None:
            self._first = pts
        elif pts <= self._last:
            before_s, got_s = float(self._last * self._time_base), float(pts * self._time_base)
            raise TimestampsUnordered(
                f"{self._path}: frame {number} is at {got_s:.6f} s, expected later than the frame before it at "
                f"{before_s:.6f} s; decode with reconstructed times"
            )
        elif pts_to_us(pts, self._time_base) == pts_to_us(self._last, self._time_base):
            raise DecodeFailed(
                f"{self._path}: frames {number - 1} and {number} lie within one microsecond, at "
                f"{float(pts * self._time_base):.6f} s; timestamps this close cannot be told apart, remux the file"
            )
        return pts
