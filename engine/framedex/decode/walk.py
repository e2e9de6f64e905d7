"""One pass over timed frames, in order: checks the times, takes what the grid asks for, counts everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from av.video.frame import VideoFrame

from framedex.contracts import Timing
from framedex.decode.base import Decoded, DecodeSummary, GridSample
from framedex.decode.grids import Cursor, Grid, in_one_us, pts_to_us
from framedex.errors import DecodeFailed, TimestampsUnordered

Frame = TypeVar("Frame")


class GridWalk(Generic[Frame]):
    """Walks over the frames of one video, one frame behind.

    Args:
        path: for messages.
        grids: which frames are taken.
        time_base: seconds per unit of the frames' timestamps.
        timing: where the timestamps come from.
        last: timestamp of the last frame, where it is known beforehand.
        look: makes a picture of a frame, for grids that look at what is shown.
    """

    def __init__(
        self,
        *,
        path: Path,
        grids: Sequence[Grid],
        time_base: Fraction,
        timing: Timing,
        last: int | None,
        look: Callable[[Frame], VideoFrame],
    ) -> None:
        self._path = path
        self._grids = grids
        self._time_base = time_base
        self._timing: Timing = timing
        self._known_last = last
        self._look = look
        self._cursors: list[Cursor] = []
        self._taken: list[list[int]] = [[] for _ in grids]
        self._first: int | None = None
        self._last = 0
        self._frames = 0

    def taken(self, frames: Iterable[tuple[int | None, Frame]]) -> Iterator[tuple[int, Frame]]:
        """The frames that any grid takes, of all frames given with their timestamps in units of the time base.

        Yields:
            (pts_us, frame).

        Raises:
            TimestampsUnordered: a timestamp is missing, or not greater than the one before.
            DecodeFailed: no frame at all, or two frames within one microsecond.
        """
        held: tuple[int, Frame] | None = None
        for pts, frame in frames:
            self._frames += 1
            checked = self._checked(pts)

            def look(frame: Frame = frame) -> VideoFrame:
                return self._look(frame)

            by_grid = [cursor.next(checked, look) for cursor in self._cursors]
            if held is not None and any(by_grid):
                yield self._take(held, by_grid)
            held, self._last = (checked, frame), checked
        if held is None:
            raise DecodeFailed(
                f"{self._path}: the video stream holds no frame that can be decoded; make or copy the file again"
            )
        by_grid = [cursor.end() for cursor in self._cursors]
        if any(by_grid):
            yield self._take(held, by_grid)

    def summary(self, *, decoded: Decoded, damaged_frames: int, decoded_frames: int | None = None) -> DecodeSummary:
        """What the walk found; to be asked once `taken` is exhausted.

        Args:
            decoded: how much was decoded.
            damaged_frames: as counted by the decoder.
            decoded_frames: where it is not every frame walked over.
        """
        return DecodeSummary(
            timing=self._timing,
            decoded=decoded,
            frames=self._frames,
            decoded_frames=self._frames if decoded_frames is None else decoded_frames,
            damaged_frames=damaged_frames,
            first_pts_us=pts_to_us(self._origin, self._time_base),
            last_pts_us=pts_to_us(self._last, self._time_base),
            samples=tuple(
                GridSample(
                    grid=grid, points=cursor.points, pts_us=np.array(taken, dtype=np.int64), beyond=cursor.beyond
                )
                for grid, cursor, taken in zip(self._grids, self._cursors, self._taken, strict=True)
            ),
        )

    @property
    def _origin(self) -> int:
        assert self._first is not None
        return self._first

    def _take(self, held: tuple[int, Frame], by_grid: Sequence[bool]) -> tuple[int, Frame]:
        pts_us = pts_to_us(held[0], self._time_base)
        for taken, takes in zip(self._taken, by_grid, strict=True):
            if takes:
                taken.append(pts_us)
        return pts_us, held[1]

    def _checked(self, pts: int | None) -> int:
        number = self._frames
        if pts is None:
            raise TimestampsUnordered(f"{self._path}: frame {number} has no timestamp; decode with reconstructed times")
        if self._first is None:
            self._first = pts
            self._cursors = [
                grid.cursor(first=pts, last=self._known_last, time_base=self._time_base) for grid in self._grids
            ]
        elif pts <= self._last:
            before_s, got_s = float(self._last * self._time_base), float(pts * self._time_base)
            raise TimestampsUnordered(
                f"{self._path}: frame {number} is at {got_s:.6f} s, expected later than the frame before it at "
                f"{before_s:.6f} s; decode with reconstructed times"
            )
        elif in_one_us(self._last, pts, self._time_base):
            raise DecodeFailed(
                f"{self._path}: frames {number - 1} and {number} lie within one microsecond, at "
                f"{float(pts * self._time_base):.6f} s; timestamps this close cannot be told apart, remux the file"
            )
        return pts
