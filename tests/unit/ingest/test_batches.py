"""Batches across videos: a frame's vector is the same to the last bit in any company."""

from __future__ import annotations

import numpy as np
import pytest

from framedex.contracts import TowerBatch, Vectors
from framedex.embed import load_embedder
from framedex.ingest import Tally
from framedex.ingest.batches import Batches


@pytest.mark.parametrize("threads", [1, 2])
def test_every_frame_gets_its_own_vector(threads: int) -> None:
    with load_embedder("micro-siglip", threads=threads) as embedder:
        pixels = np.random.default_rng(0).integers(0, 256, (41, *embedder.manifest.image.size, 3), np.uint8)
        alone = [
            embedder.embed_images(TowerBatch(pts_us=np.zeros(1, np.int64), pixels=frame[None])).vectors[0]
            for frame in pixels
        ]
        got: dict[int, Vectors] = {}
        tally = Tally()
        batches = Batches(embedder, tally)
        for number, frame in enumerate(pixels):
            batches.add(frame, lambda vector, number=number: got.__setitem__(number, vector.copy()))
            assert len(got) == (number + 1) // embedder.batch * embedder.batch
        batches.flush()
        batches.flush()
    assert tally.embedded_frames == 41
    np.testing.assert_array_equal(np.stack([got[number] for number in range(41)]), np.stack(alone))
