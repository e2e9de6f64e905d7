"""Pictures into FrameBatches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from framedex.contracts import FrameBatch, Pixels
from framedex.decode.base import BATCH_FRAMES, BATCH_NBYTES


def in_batches(
    pictures: Iterable[tuple[int, Pixels]], *, nbytes: int = BATCH_NBYTES, n_frames: int = BATCH_FRAMES
) -> Iterator[FrameBatch]:
    """Gather pictures into batches; one is closed when it is full, or before a picture of another size.

    Args:
        pictures: (pts_us, uint8 (H, W, 3)), pts_us strictly increasing; copied, so that they may be views.
        nbytes: bytes of pixels at which a batch is full.
        n_frames: pictures at which it is full too.
    """
    times_us: list[int] = []
    pixels: Pixels | None = None  # room for a whole batch; what is not written takes no memory
    for pts_us, picture in pictures:
        if pixels is not None and pixels.shape[1:] != picture.shape:
            yield _batch(times_us, pixels)
            pixels = None
        if pixels is None:
            times_us = []
            pixels = np.empty((min(-(-nbytes // picture.nbytes), n_frames), *picture.shape), dtype=np.uint8)
        pixels[len(times_us)] = picture
        times_us.append(pts_us)
        if len(times_us) == len(pixels):
            yield _batch(times_us, pixels)
            pixels = None
    if pixels is not None:
        yield _batch(times_us, pixels)


def _batch(times_us: list[int], pixels: Pixels) -> FrameBatch:
    return FrameBatch(pts_us=np.array(times_us, dtype=np.int64), frames=pixels[: len(times_us)])
