"""Every way to read a video, from the quickest to the surest, until one holds."""

from __future__ import annotations

from collections.abc import Iterator

from framedex.contracts import Timing
from framedex.decode.base import Batch, Reader
from framedex.decode.grids import Grid
from framedex.errors import PlanFailed, TimestampsUnordered


def passes(reader: Reader[Batch], *grids: Grid) -> Iterator[Timing | Batch]:
    """Give the name of a timing, then the batches read with it; a further name means that the batches before it are void.

    Only the needed frames are decoded first, then everything where that did not work, then with rebuilt times where the
    container's cannot be trusted.

    Raises:
        VideoError: the video cannot be used.
    """
    attempts: tuple[tuple[Timing, bool], ...] = (("container", False), ("container", True), ("reconstructed", True))
    for timing, everything in attempts[:-1]:
        yield timing
        try:
            yield from reader.frames(*grids, timing=timing, everything=everything)
        except PlanFailed:
            continue
        except TimestampsUnordered:
            break
        return
    timing, everything = attempts[-1]
    yield timing
    yield from reader.frames(*grids, timing=timing, everything=everything)
