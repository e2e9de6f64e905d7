"""Batches for the encoder, filled with frames of whichever videos are under way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from framedex.contracts import Pixels, TowerBatch, Vectors
from framedex.embed.base import Embedder
from framedex.ingest.tally import Tally

#: Takes the vector (dim,) of one frame.
Receive = Callable[[Vectors], None]


class Batches:
    """Collects frames and embeds them, a whole batch at a time. A frame's vector does not depend on the frames beside it.

    Args:
        embedder: which says how many frames a batch has.
        tally: where times are counted.
    """

    def __init__(self, embedder: Embedder, tally: Tally) -> None:
        self._embedder = embedder
        self._tally = tally
        self._pixels = np.empty((embedder.batch, *embedder.manifest.image.size, 3), np.uint8)
        self._receivers: list[Receive] = []

    def add(self, pixels: Pixels, receive: Receive) -> None:
        """Take one frame, uint8 (H, W, 3), which is copied; `receive` is called with its vector, now or later.

        Raises:
            DeviceError: the embedder's runtime failed.
        """
        self._pixels[len(self._receivers)] = pixels
        self._receivers.append(receive)
        if len(self._receivers) == len(self._pixels):
            self.flush()

    def flush(self) -> None:
        """Embed what there is.

        Raises:
            DeviceError: the embedder's runtime failed.
        """
        receivers, self._receivers = self._receivers, []
        if not receivers:
            return
        # The batch is of many videos: its timestamps are but numbers.
        batch = TowerBatch(pts_us=np.arange(len(receivers), dtype=np.int64), pixels=self._pixels[: len(receivers)])
        with self._tally.embedding():
            vectors = self._embedder.embed_images(batch).vectors
        self._tally.embedded_frames += len(receivers)
        for receive, vector in zip(receivers, vectors, strict=True):
            receive(vector)
