"""Both ways to read a video's times, one after the other: the container's first, rebuilt ones where those cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from framedex.contracts import FrameBatch, Timing
from framedex.decode.base import VideoReader
from framedex.decode.grid import Grid
from framedex.errors import TimestampsUnordered


def passes(reader: VideoReader, grid: Grid) -> Iterator[Timing | FrameBatch]:
    """Give the name of a timing, then the batches read with it; a second name means that the batches before it are void.

    Raises:
        VideoError: the video cannot be used.
    """
    *first_ones, last = get_args(Timing)
    for timing in first_ones:
        yield timing
        try:
            yield from reader.frames(grid, timing=timing)
        except TimestampsUnordered:
            continue
        return
    yield last
    yield from reader.frames(grid, timing=last)
