"""Synthetic videos for benches: a textured picture under a moving camera, the same for the same arguments."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_pan(path: Path, *, width: int, height: int, seconds: int, fps: int = 30, seed: int = 0) -> Path:
    """Write an H.264 clip (GOP 250, B-frames, `veryfast`) of a pan over smooth noise."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    n_frames = seconds * fps
    coarse = rng.integers(0, 256, (height // 16 + 2, (width + 4 * n_frames) // 16 + 2, 3), dtype=np.uint8)
    picture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    picture = picture // 2 + rng.integers(0, 128, picture.shape, dtype=np.uint8) // 4 * 2
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"preset": "veryfast", "g": "250", "bf": "3", "crf": "23"}
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        for number in range(n_frames):
            shift = 4 * number
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(picture[:height, shift : shift + width]), format="rgb24"
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
